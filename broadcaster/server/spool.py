"""Requests that were left for a daemon that did not answer.

A command that found the data folder taken and the socket dead has written its request whole into
``spool/``.  Here it is done after all::

    spool/<name>.json                 waits
    spool/done/<name>.json            was done; what came of it is in <name>.json.result.json
    spool/bad/<name>.json             cannot be done; why is in <name>.json.result.json

A request is moved only after its outcome is on the disk.  A crash in between makes the daemon
take it again, and its name, handed to the desk as the argument ``spool``, keeps the desk from
issuing it twice.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import stat
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from broadcaster.delivery.files import sync_folder, write_whole
from broadcaster.model.errors import BadInput, BroadcasterError, Problem, Transient, Unavailable
from broadcaster.server.answers import BUG, Answers, Event, bug, parse, refusal, user_name
from broadcaster.server.control import LONGEST

log = logging.getLogger(__name__)

SPOOL = "spool"


def prepare(data: Path) -> None:
    """Make the folders.  Raises ``Unavailable``."""
    spool = data / SPOOL
    try:
        # The group may leave requests; what became of them, tokens included, is the daemon's.
        for folder, mode in ((spool, 0o770), (spool / "done", 0o700), (spool / "bad", 0o700)):
            if not folder.is_dir():
                folder.mkdir()
                folder.chmod(mode)
    except OSError as error:
        raise Unavailable(
            Problem(str(spool), f"cannot be made: {error.strerror}", "correct its permissions")
        ) from error


async def take_spooled(data: Path, desk: Answers) -> int:
    """Do what waits in the spool, oldest first; how many requests came to an end.

    A request that meets an ``Unavailable`` (a full disk) stays and is taken again next time.
    Raises ``Transient`` when the outcome cannot be written.
    """
    taken = 0
    for file in await asyncio.to_thread(_waiting, data / SPOOL):
        taken += await _take(file, desk)
    return taken


def _waiting(spool: Path) -> list[Path]:
    # A name begins with the time at which it was written.
    return sorted(p for p in spool.glob("*.json") if not p.name.startswith("."))


async def _take(file: Path, desk: Answers) -> bool:
    try:
        request = await asyncio.to_thread(_read, file)
    except FileNotFoundError:
        return False  # its author took it back
    except BadInput as error:
        log.error("a spooled request cannot be used: %s: %s", file.name, error)
        await asyncio.to_thread(_settle, file, "bad", refusal(error))
        return True
    try:
        events = await _outcome(desk, request)
    except Unavailable as error:
        log.error("spooled %s waits for the next look: %s", file.name, error)
        return False
    code = events[-1]["exit"]
    log.log(
        logging.INFO if code == 0 else logging.WARNING,
        "spooled %s of %s ended with exit %s",
        request["command"],
        request["user"],
        code,
    )
    await asyncio.to_thread(_settle, file, "bad" if code == BUG else "done", events)
    return True


async def _outcome(desk: Answers, request: Mapping[str, Any]) -> list[Event]:
    """What the officer would have seen.  Raises ``Unavailable``, which is no outcome yet."""
    events: list[Event] = []
    try:
        async for event in desk.handle(request):
            if event["event"] != "progress":
                events.append(event)
        json.dumps(events)
        if not events or events[-1]["event"] != "end":
            raise AssertionError("the desk fell silent before the end")
    except Unavailable:
        raise
    except BroadcasterError as error:
        return [*events, *refusal(error)]
    except Exception as error:
        return list(bug(request["command"], error))
    return events


def _read(file: Path) -> Event:
    """The request in a file, asked by the file's owner.

    Raises ``BadInput``, and ``FileNotFoundError`` when it is gone.
    """
    try:
        # A link would lend its target's owner to whoever made the link.
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _bad(f"cannot be read: {error.strerror}") from error
    with open(descriptor, "rb") as opened:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _bad("is not a file")
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise _bad("may be changed by others than its owner, so nobody answers for it")
        if status.st_size > LONGEST:
            raise _bad(f"is larger than {LONGEST // 1024 // 1024} MB")
        try:
            data = opened.read()
        except OSError as error:
            raise _bad(f"cannot be read: {error.strerror}") from error
    request = parse(data, user_name(status.st_uid))
    # Nobody is watching, and the next request must not wait for this one's deliveries.
    request["arguments"] |= {"spool": file.name, "wait": 0}
    return request


def _bad(says: str) -> BadInput:
    return BadInput(Problem("spool", says, "give the command again"))


def _settle(file: Path, folder: str, events: Sequence[Event]) -> None:
    """Write the outcome, then move the request beside it."""
    target = file.parent / folder / file.name
    outcome = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "events": events}
    write_whole(
        target.with_name(f"{file.name}.result.json"),
        json.dumps(outcome, ensure_ascii=False, indent=1).encode(),
        mode=0o600,
    )
    try:
        os.replace(file, target)
        sync_folder(target.parent)
        sync_folder(file.parent)
    except FileNotFoundError:
        return  # its author took it back too late
    except OSError as error:
        raise Transient(
            Problem(
                str(file),
                f"cannot be moved to {folder}: {error.strerror}",
                "correct the permissions of the spool",
            )
        ) from error
