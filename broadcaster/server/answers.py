"""A request to the desk and its answer, the same for the socket and the spool.

Whatever happens behind the desk, an answer ends with ``{"event": "end", "exit": N}``.
"""

from __future__ import annotations

import json
import logging
import pwd
import traceback
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any, Protocol, cast

from broadcaster.model.errors import BadInput, BroadcasterError, Problem

log = logging.getLogger(__name__)

Event = dict[str, Any]

BUG = 1
"""The exit code of a command that met a bug: nobody planned for it, so none of the others fits."""


class Answers(Protocol):
    """Who answers requests; :class:`broadcaster.app.desk.Desk`."""

    def handle(self, request: Mapping[str, Any]) -> AsyncIterator[Event]:
        """The events of one request, the last of them ``end``."""
        ...


def parse(data: bytes, user: str) -> Event:
    """A request as the desk takes it; ``user`` is who the system says is asking.

    Raises ``BadInput``.  Only the known keys are carried over: whoever asks cannot say who he is.
    """
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError):
        raise BadInput(
            Problem("request", "is not JSON", "send one JSON object on one line, in UTF-8")
        ) from None
    problems = []
    if not isinstance(raw, dict):
        raise BadInput(Problem("request", "is not a JSON object", 'send {"command": ...}'))
    command, arguments, token = raw.get("command"), raw.get("arguments", {}), raw.get("token", "")
    if not isinstance(command, str) or not command:
        problems.append(Problem("command", "is missing", "name a command, for example list"))
    if not isinstance(arguments, dict):
        problems.append(Problem("arguments", "is not a JSON object", "send {} for none"))
    if not isinstance(token, str):
        problems.append(Problem("token", "is not text", "leave it out when there is none"))
    if problems:
        raise BadInput(problems)
    # The name of a spooled request is what keeps it from being done twice; only the spool
    # gives it.
    arguments = {name: value for name, value in arguments.items() if name != "spool"}
    return {"command": command, "arguments": arguments, "token": token, "user": user}


async def answered(desk: Answers, request: Mapping[str, Any]) -> AsyncGenerator[Event, None]:
    """The events of one request, where an error and even a bug become events too."""
    stream = cast("AsyncGenerator[Event, None]", desk.handle(request))
    try:
        async with aclosing(stream) as events:
            async for event in events:
                yield event
                if event["event"] == "end":
                    return
        raise AssertionError("the desk fell silent before the end")
    except BroadcasterError as error:
        for event in refusal(error):
            yield event
    except Exception as error:
        for event in bug(str(request.get("command")), error):
            yield event


def refusal(error: BroadcasterError) -> tuple[Event, Event]:
    """The last two events of a request that was refused."""
    problems = [
        {"path": p.path, "says": p.says, "remedy": p.remedy, "level": p.level}
        for p in error.problems
    ]
    return {"event": "problems", "problems": problems}, {"event": "end", "exit": error.exit_code}


def bug(command: str, error: BaseException) -> tuple[Event, Event]:
    """The last two events of a request that met a bug; the log gets the place of it.

    Neither gets the words of the error: they could quote an address.
    """
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("bug in command %r: %s\n%s", command[:40], type(error).__name__, frames)
    problem = {
        "path": command,
        "says": f"met a bug in Broadcaster ({type(error).__name__}); the log says where",
        "remedy": "see with `broadcaster list` whether the alert went out; report the log's lines",
        "level": "error",
    }
    return {"event": "problems", "problems": [problem]}, {"event": "end", "exit": BUG}


def encode(event: Event) -> bytes:
    """One event as one line; plain ASCII, so that no terminal and no log can hurt it."""
    return json.dumps(event, separators=(",", ":")).encode() + b"\n"


def user_name(uid: int) -> str:
    """The name of a user of this machine; ``uid 4711`` where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
