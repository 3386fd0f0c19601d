"""The daemon's door for officers: a unix socket in the data folder.

A client sends one JSON line and reads one JSON line per event until ``end``.  The kernel says who
the client is; the permissions of the socket say who may knock at all.

An alert is not tied to the terminal that asked for it: work and watching are two tasks, so a
client that hangs up, or reads slowly, changes nothing about what it has begun.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import stat
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

from broadcaster.model.errors import BadInput, Problem, Unavailable
from broadcaster.server.answers import (
    Answers,
    Event,
    answered,
    bug,
    encode,
    parse,
    refusal,
    user_name,
)

log = logging.getLogger(__name__)

SOCKET = "broadcaster.sock"

LONGEST = 32 * 1024 * 1024
"""Bytes of one request: a relayed CAP document travels as base64."""
ASKING = 30.0
"""Seconds a client may take to say what it wants."""
PATIENCE = 10.0
"""Seconds a client may leave its buffer full before it counts as gone."""
BACKLOG = 10_000
"""Events that may wait for one client."""
GRACE = 3.0
"""Seconds that commands get to end when the daemon stops."""

LOOKING = frozenset({"status"})
"""Commands that do nothing but watch: they end with their watcher."""


class Control:
    """Listens on the socket from :meth:`start` to :meth:`stop`."""

    def __init__(self, data: Path, desk: Answers, *, patience: float = PATIENCE) -> None:
        self.path = data / SOCKET
        self._desk, self._patience = desk, patience
        self._talks: set[asyncio.Task[None]] = set()
        self._works: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Open the door.  Raises ``Unavailable``.

        Call it under the instance lock only: a socket that lies there is taken for a dead one.
        """
        listener = _listen(self.path)
        # The reader's limit has to hold the line and its end.
        self._server = await asyncio.start_unix_server(
            self._welcome, sock=listener, limit=LONGEST + 1
        )

    async def stop(self, grace: float = GRACE) -> None:
        """Let nobody in any more; give what runs ``grace`` seconds to end, and tell the rest."""
        self._server.close()
        self.path.unlink(missing_ok=True)
        if self._works:
            await asyncio.wait(self._works, timeout=grace)
        await _end(self._works)
        if self._talks:
            # What was last said is still on its way.
            await asyncio.wait(self._talks, timeout=min(grace, 1.0))
        await _end(self._talks)

    def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.get_running_loop().create_task(self._talk(reader, writer))
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        watch = _Watch()
        took_all = False
        try:
            try:
                user = await asyncio.to_thread(user_name, _peer(writer))
                request = parse(await _line(reader), user)
            except BadInput as error:
                for event in refusal(error):
                    watch.tell(encode(event))
                watch.end()
            else:
                work = asyncio.create_task(self._work(request, watch))
                self._works.add(work)
                work.add_done_callback(self._works.discard)
            if took_all := await self._tell(watch, writer):
                writer.close()
                async with asyncio.timeout(self._patience):
                    await writer.wait_closed()
        except (OSError, TimeoutError):
            took_all = False  # the client left, or does not read
        finally:
            watch.gone = True
            if not took_all:
                writer.transport.abort()

    async def _work(self, request: Mapping[str, Any], watch: _Watch) -> None:
        """Carry the request to its end, watched or not."""
        command, committed = request["command"], False
        try:
            async with aclosing(answered(self._desk, request)) as events:
                async for event in events:
                    committed = committed or event["event"] == "committed"
                    watch.tell(encode(event))
                    if watch.gone and command in LOOKING:
                        return
        except asyncio.CancelledError:
            for event in _farewell(committed):
                watch.tell(encode(event))
            raise
        except Exception as error:  # an event that is no JSON
            for event in bug(command, error):
                watch.tell(encode(event))
        finally:
            watch.end()

    async def _tell(self, watch: _Watch, writer: asyncio.StreamWriter) -> bool:
        """Pass on what is told; whether the client took it all."""
        try:
            async for line in watch:
                writer.write(line)
                async with asyncio.timeout(self._patience):
                    await writer.drain()
        except TimeoutError:
            watch.gone = True
        if watch.gone:
            log.warning("a client of the socket does not read; what it asked for goes on")
        return not watch.gone


class _Watch:
    """What one client still has to be told."""

    def __init__(self) -> None:
        self._lines: asyncio.Queue[bytes] = asyncio.Queue(BACKLOG)
        self.gone = False
        """Nobody listens any more."""

    def tell(self, line: bytes) -> None:
        """Never waits: what is worked on must not wait for whoever looks on."""
        if not self.gone:
            try:
                self._lines.put_nowait(line)
            except asyncio.QueueFull:
                self.gone = True

    def end(self) -> None:
        """That was all."""
        self.tell(b"")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while not self.gone and (line := await self._lines.get()):
            yield line


def _listen(path: Path) -> socket.socket:
    """A listening socket that only its owner and group can reach, at no moment anybody else."""
    # Made under another name, restricted, and only then given its own: there is no instant in
    # which a stranger could connect, and a dead socket is replaced in one step.
    fresh = path.with_name(".sock.new")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.exists() and not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(0, "something that is no socket is in the way")
        fresh.unlink(missing_ok=True)
        listener.bind(str(fresh))
        fresh.chmod(0o660)
        listener.listen(128)
        listener.setblocking(False)
        os.rename(fresh, path)
    except OSError as error:
        listener.close()
        raise Unavailable(
            Problem(
                str(path),
                f"no socket can be made here: {error.strerror or error}",
                # sockaddr_un holds 108 bytes (unix(7)).
                "choose a data folder on a local disk with a path of less than 90 characters",
            )
        ) from error
    return listener


async def _line(reader: asyncio.StreamReader) -> bytes:
    """The request.  Raises ``BadInput``: half a request is never taken for a whole one."""
    try:
        async with asyncio.timeout(ASKING):
            line = await reader.readuntil(b"\n")
    except TimeoutError:
        says = f"did not arrive within {ASKING:.0f} s"
    except asyncio.LimitOverrunError:
        says = f"is longer than {LONGEST // 1024 // 1024} MB"
    except asyncio.IncompleteReadError:
        says = "broke off before the end of its line"
    else:
        return line
    raise BadInput(Problem("request", says, "send one JSON object on one line"))


def _peer(writer: asyncio.StreamWriter) -> int:
    """The user at the other end, by the kernel's word (SO_PEERCRED, unix(7))."""
    descriptor = writer.get_extra_info("socket").fileno()
    with socket.socket(fileno=os.dup(descriptor)) as copy:
        size = struct.calcsize("3i")  # struct ucred: pid, uid, gid
        _, uid, _ = struct.unpack(
            "3i", copy.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        )
    return int(uid)


def _farewell(committed: bool) -> tuple[Event, Event]:
    """The last two events of a command that the end of the daemon cuts off."""
    if not committed:
        return refusal(
            Unavailable(
                Problem(
                    "",
                    "Broadcaster is being stopped, and nobody knows whether this was done",
                    "start it, look at `broadcaster list`, and ask again if it is not there",
                )
            )
        )
    problems, _ = refusal(
        Unavailable(
            Problem(
                "",
                "Broadcaster is being stopped; the alert is stored, and what has"
                " not left yet leaves when it is started again",
                "look with `broadcaster status`",
            )
        )
    )
    return problems, {"event": "end", "exit": 3}  # some are out


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    remaining = list(tasks)
    for task in remaining:
        task.cancel()
    await asyncio.gather(*remaining, return_exceptions=True)
