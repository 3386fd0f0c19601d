"""Talking to the daemon over its unix socket, and what to do when nobody answers.

One request is one JSON line; the answer is one JSON line per event, the last of them ``end``.
"""

from __future__ import annotations

import json
import os
import socket
import time

from broadcaster.cli.stop import REFUSED, SOME_OUT, Stop, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from broadcaster.cli.words import Words

    Event = dict[str, Any]
    Request = dict[str, Any]

CONNECT = 1.0
"""Seconds the daemon has to take the connection."""
SENDS = frozenset({"issue", "update", "extend", "cancel", "approve", "relay"})
"""Commands that make something leave: spooled when nobody can take them."""


def connect(data: str, words: Words) -> socket.socket | None:
    """A connection to the daemon of this data folder, or ``None`` when none answers."""
    path = os.path.join(data, "broadcaster.sock")
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(CONNECT)
    folder = -1
    try:
        if len(os.fsencode(path)) > 100:
            # sun_path holds 108 bytes (unix(7)); through the folder's descriptor any path fits.
            folder = os.open(data, os.O_PATH | os.O_DIRECTORY)
            path = f"/proc/self/fd/{folder}/broadcaster.sock"
        connection.connect(path)
    except PermissionError:
        connection.close()
        raise Stop(
            [problem("data", words("daemon.denied"), words("daemon.denied.remedy", path=path))],
            REFUSED,
        ) from None
    except OSError:
        # Absent, or left behind by a daemon that died, or one so stuck that its queue is full.
        connection.close()
        return None
    finally:
        if folder >= 0:
            os.close(folder)
    return connection


def converse(
    connection: socket.socket, request: Request, silence: float | None, words: Words
) -> Iterator[Event]:
    """The daemon's events.

    ``silence`` is how many seconds may pass between two of them.  Raises ``Stop`` when the daemon
    goes away before the end: whether it took the warning is then said as exactly as is known,
    and nothing is tried again, because a warning sent twice is a false alarm.
    """
    sends = request["command"] in SENDS and not request["arguments"].get("dry_run")
    stored = ""
    with connection:
        try:
            connection.settimeout(CONNECT)
            connection.sendall(json.dumps(request).encode("ascii") + b"\n")
            connection.settimeout(silence)
            with connection.makefile("rb") as lines:
                for line in lines:
                    event: Event = json.loads(line)
                    if event.get("event") == "committed":
                        stored = str(event.get("identifier", ""))
                    yield event
                    if event.get("event") == "end":
                        return
        except (OSError, ValueError):  # gone, silent too long, or half a line
            pass
    raise lost(words, sends=sends, stored=stored)


def lost(words: Words, *, sends: bool, stored: str) -> Stop:
    """The daemon went away in mid-sentence."""
    key, code = "daemon.lost", REFUSED
    if stored:
        key, code = "daemon.lost.stored", SOME_OUT
    elif sends:
        key = "daemon.lost.unknown"
    remedy = words(f"{key}.remedy", identifier=stored)
    facts = {"identifier": stored} if stored else None
    return Stop([problem("daemon", words(key, identifier=stored), remedy)], code, facts)


def spool(data: str, request: Request, words: Words) -> str:
    """Write the request durably for the daemon's next start; give the file's path.

    Whole or not at all: written aside, flushed to the disk, then renamed.  Raises ``Stop``.
    """
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    moment = time.strftime("%Y%m%dT%H%M%S", time.gmtime(seconds))
    folder = os.path.join(data, "spool")
    path = os.path.join(folder, f"{moment}.{nanoseconds // 1000:06d}Z-{os.urandom(6).hex()}.json")
    aside = path + ".part"
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        # Its owner is who asks; the group reads it, because the daemon may be another user.
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
        with open(descriptor, "wb") as file:
            file.write(json.dumps(request).encode("ascii") + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.rename(aside, path)
        directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        says = words("spool.failed", reason=error.strerror or str(error))
        raise Stop([problem("spool", says, words("spool.failed.remedy"))], REFUSED) from None
    return path
