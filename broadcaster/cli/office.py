"""One officer's call: who asks, of which data folder, and how the answer is followed."""

from __future__ import annotations

import os
import pwd

from broadcaster.cli import client, local, show
from broadcaster.cli.stop import ALL_OUT, REFUSED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from broadcaster.cli.screen import Screen
    from broadcaster.cli.stop import Problem

    Event = dict[str, Any]
    Local = Callable[[dict[str, Any], str | None, str], Iterator[Event]]

PATIENCE = 60.0
"""Seconds of silence, beyond those the command itself waits, after which a daemon is lost.

Long enough for the slowest thing it does before its first word: speaking a warning in every
language for the preview of the audio channel."""


class Answer:
    """What came back for one request."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.preview: dict[str, Any] = {}
        self.result: dict[str, Any] = {}
        self.identifier = ""
        self.held = False
        self.approval: list[str] = []
        self.code = REFUSED

    def as_json(self) -> dict[str, Any]:
        """The result; where there is none, the preview of a dry run, or what was wrong."""
        if self.result or (self.preview and self.code == ALL_OUT):
            return self.result or self.preview
        return {"problems": self.problems, "exit": self.code}


class Office:
    """Sends requests and follows their events."""

    def __init__(
        self,
        screen: Screen,
        *,
        data: str,
        config: str | None,
        token: str,
        local_run: Local | None = None,
    ) -> None:
        self.screen, self.words = screen, screen.words
        self.data, self.config, self._token = data, config, token
        self._local = local_run or local.run
        self.underway = ""
        """For an officer who leaves in the middle: ``""`` (nothing can have been sent),
        ``asked`` or ``stored``."""
        self.identifier = ""
        self.by_daemon = False

    def request(self, command: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The request as the protocol has it."""
        return {
            "command": command,
            "arguments": dict(arguments),
            "token": self._token,
            "user": _user(),
        }

    def ask(self, command: str, arguments: Mapping[str, Any], *, quiet: bool = False) -> Answer:
        """Do one request and follow it to its end.

        Problems go to the screen as they come, progress too; ``quiet`` shows neither.
        Raises ``Stop``, and ``Busy`` when another process owns the data folder and is silent.
        """
        answer = Answer()
        sends = command in client.SENDS and not arguments.get("dry_run")
        if sends:
            self.underway = "asked"
        for event in self._events(self.request(command, arguments)):
            kind = event.get("event")
            if kind == "problems":
                answer.problems += event["problems"]
                if not quiet:
                    self.screen.problems(event["problems"])
            elif kind == "preview":
                answer.preview = {k: v for k, v in event.items() if k != "event"}
            elif kind == "committed":
                answer.identifier = self.identifier = str(event["identifier"])
                answer.held = bool(event.get("held"))
                answer.approval = list(event.get("approval") or ())
                self.underway = "stored"
                if not answer.held:
                    self.screen.say(self.words("committed", identifier=answer.identifier))
            elif kind == "progress":
                if self.screen.live and not answer.held:
                    self.screen.move(show.progress(event["channels"], self.words))
            elif kind == "result":
                answer.result = event["result"]
            elif kind == "end":
                answer.code = int(event["exit"])
        self.underway = ""
        return answer

    def spool(self, command: str, arguments: Mapping[str, Any]) -> str:
        """Keep a request for a daemon that does not answer; give the file's path."""
        return client.spool(self.data, self.request(command, arguments), self.words)

    def _events(self, request: dict[str, Any]) -> Iterator[Event]:
        connection = client.connect(self.data, self.words)
        self.by_daemon = connection is not None
        if connection is None:
            return self._local(request, self.config, self.data)
        waits = request["arguments"].get("wait")
        silence = PATIENCE + (waits if isinstance(waits, int | float) else 0.0)
        return client.converse(connection, request, silence, self.words)


def _user() -> str:
    """The name of the operating system's user; only believed inside one process."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
