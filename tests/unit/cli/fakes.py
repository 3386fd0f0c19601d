"""What the command line talks to in these tests: a real socket, scripted answers."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).parents[3]
Event = dict[str, Any]
Script = Callable[[dict[str, Any]], Iterable[Event]]

ID = "DE-NW-DO.20261123T073000.4kx9wd"
UNTIL = "2026-11-23T22:30:00+01:00"


def problems(says: str, level: str = "error") -> Event:
    one = {"path": "draft:level", "says": says, "remedy": "1, 2 or 3", "level": level}
    return {"event": "problems", "problems": [one]}


def end(code: int) -> Event:
    return {"event": "end", "exit": code}


def committed(*, held: bool = False) -> Event:
    approval = ["Severe on texts"] if held else []
    return {"event": "committed", "identifier": ID, "held": held, "approval": approval}


def text(channel: str, language: str, variant: str = "standard", shown: str = "") -> Event:
    return {
        "channel": channel,
        "language": language,
        "variant": variant,
        "shown": shown,
        "text": f"{channel} says heat in {language}",
        "used": 42,
        "limit": 160,
        "unit": "septets",
        "notes": [],
        "meta": {"segments": 1},
    }


def preview(**changes: Any) -> dict[str, Any]:
    return {
        "digest": "d1",
        "approval": [],
        "identifier": ID,
        "headline": "Extreme heat",
        "status": "Actual",
        "severity": "Severe",
        "areas": ["Dortmund"],
        "from": "2026-11-23T16:30:00+01:00",
        "until": UNTIL,
        "texts": [text("texts", "de"), text("texts", "tr"), text("site", "de"), text("site", "ar")],
        "gaps": [{"channel": "voice", "language": "ar", "variant": "plain", "reason": "no voice"}],
        "senses": {"de": ["see", "hear"], "ar": ["see"]},
        "warnings": [],
        "routes": [],
        "recipients": {"texts": {"de short": 5000}},
        **changes,
    }


def report(**changes: Any) -> dict[str, Any]:
    def line(channel: str, language: str, **states: int) -> dict[str, Any]:
        return {
            "channel": channel,
            "language": language,
            "variant": "standard",
            "shown": "",
            "states": states,
            "attempts": 1,
            "reasons": [],
        }

    return {
        "identifier": ID,
        "thread": ID,
        "msg_type": "Alert",
        "status": "Actual",
        "state": "in_force",
        "severity": "Severe",
        "headline": "Extreme heat",
        "sent": "2026-11-23T16:30:00+01:00",
        "expires": UNTIL,
        "held": False,
        "lines": [
            line("site", "de", accepted=1),
            line("site", "ar", accepted=1),
            line("texts", "de", accepted=4990, delivered=10),
        ],
        "gaps": [],
        "totals": {"accepted": 4992, "delivered": 10},
        "settled": True,
        "outcome": "all",
        "exit": 0,
        "site": "var/www",
        "cap": "var/www/cap/x.xml",
        "outbox": "var/outbox",
        **changes,
    }


def result(value: Mapping[str, Any]) -> Event:
    return {"event": "result", "result": dict(value)}


DESCRIBED = {
    "hazards": [
        {
            "id": "heat",
            "name": "Heat",
            "levels": [
                {"number": 1, "severity": "Moderate", "headline": "Strong heat"},
                {"number": 2, "severity": "Severe", "headline": "Extreme heat"},
            ],
            "parameters": [
                {"name": "temperature", "unit": "degC", "minimum": 25, "maximum": 50, "with": ""}
            ],
            "actions": [{"id": "drink", "says": "Drink."}, {"id": "cool", "says": "Stay cool."}],
        },
        {
            "id": "heavy_rain",
            "name": "Heavy rain",
            "levels": [{"number": 3, "severity": "Extreme", "headline": "Extreme rain"}],
            "parameters": [
                {"name": "amount", "unit": "mm", "minimum": 5, "maximum": 300, "with": "hours"},
                {"name": "hours", "unit": "h", "minimum": 1, "maximum": 72, "with": ""},
                {"name": "river", "unit": "name", "minimum": None, "maximum": None, "with": ""},
            ],
            "actions": [],
        },
    ],
    "areas": [
        {"id": "hoerde", "name": "Hörde", "kind": "district"},
        {"id": "dortmund", "name": "Dortmund", "kind": "city"},
    ],
    "languages": ["de", "ar"],
    "channels": ["texts"],
    "officer": "a",
    "zone": "Europe/Berlin",
    "now": "2026-11-23T16:30:00+01:00",
    "city": "Dortmund",
}


def sending(request: dict[str, Any]) -> Iterator[Event]:
    """How the desk answers a command that sends."""
    yield {"event": "preview", **preview()}
    if not request["arguments"].get("dry_run"):
        yield committed()
        for accepted in (0, 5000):
            states = {"planned": 5000 - accepted, "accepted": accepted}
            yield {
                "event": "progress",
                "identifier": ID,
                "channels": {"texts": {"total": 5000, "states": states}},
            }
        yield result(report())
    yield end(0)


class Daemon:
    """Answers each command as scripted and remembers what it was asked."""

    def __init__(self, data: Path) -> None:
        self._path = data / "broadcaster.sock"
        self.requests: list[dict[str, Any]] = []
        self.scripts: dict[str, Script] = dict.fromkeys(
            ("issue", "update", "extend", "cancel", "relay", "approve"), sending
        )
        self.answer("describe", result(DESCRIBED), end(0))

    def answer(self, command: str, *events: Event) -> None:
        """Always these events; without an ``end`` the daemon hangs up after them."""
        self.scripts[command] = lambda _: events

    @property
    def commands(self) -> list[str]:
        return [request["command"] for request in self.requests]

    def __enter__(self) -> Daemon:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # Through the folder's descriptor: pytest's folders are longer than sun_path.
        folder = os.open(self._path.parent, os.O_PATH)
        self._listener.bind(f"/proc/self/fd/{folder}/{self._path.name}")
        os.close(folder)
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as talk:
                request = json.loads(talk.readline())
                self.requests.append(request)
                try:
                    for event in self.scripts[request["command"]](request):
                        talk.write(json.dumps(event).encode() + b"\n")
                        talk.flush()
                except BrokenPipeError:
                    continue


def python(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "broadcaster", *arguments]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


class Terminal:
    """A command on a pseudo terminal, and somebody who reads and types."""

    def __init__(self, *arguments: str, **more: str) -> None:
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            python(*arguments),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment(**more),
            start_new_session=True,
            preexec_fn=_own_terminal,
        )
        os.close(slave)
        self.raw = ""
        self._read = 0

    @property
    def seen(self) -> str:
        """Everything shown so far, without colours and cursor movements."""
        return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", self.raw).replace("\r", "")

    def until(self, words: str) -> None:
        """Wait for new words on the screen."""
        deadline = time.monotonic() + 20
        while words not in self.seen[self._read :]:
            assert self._more(deadline), f"{words!r} never came; the screen shows:\n{self.seen}"
        self._read = self.seen.index(words, self._read) + len(words)

    def type(self, line: str) -> None:
        os.write(self._master, line.encode() + b"\n")

    def press(self, key: bytes) -> None:
        os.write(self._master, key)

    def answer(self, question: str, line: str) -> None:
        self.until(question)
        self.type(line)

    def leave(self) -> int:
        """Wait for the end; the exit code."""
        deadline = time.monotonic() + 20
        while self._more(deadline):
            pass
        os.close(self._master)
        return self._process.wait(5)

    def _more(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(0, deadline - time.monotonic()))
        try:
            data = os.read(self._master, 65536) if ready else b""
        except OSError:  # the other side is closed
            data = b""
        self.raw += data.decode()
        return bool(data)


def _own_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
