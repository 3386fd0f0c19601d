"""One TCP connection to a base-station controller: requests, their answers, signs of life."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from broadcaster.model.errors import BadInput
from channels.cell_broadcast.gateways.cbsp import messages as cbsp
from channels.cell_broadcast.gateways.cbsp import wire as cbsp_wire
from channels.cell_broadcast.gateways.cbsp.messages import Message

_READ = 65536
Key = tuple[str, int, int]
"""What an answer refers to: write or kill, message identifier, serial number."""


class Lost(Exception):
    """The connection is gone; the text says why."""


class Link:
    """An open connection; made by :func:`connect`, of no more use once :attr:`lost` is set."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        patience: float,
        keep_alive: float,
        told: Callable[[Message], None],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._patience = patience
        self._keep_alive = keep_alive
        self._told = told
        self._pending: dict[Key, asyncio.Future[Message]] = {}
        self._alive: asyncio.Future[bool] | None = None
        self.gone = asyncio.Event()
        """Set when the connection is lost."""
        self.lost = ""
        """Why, in words; empty while it is open."""
        self.heard = False
        """Something that makes sense has come over it."""
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._watch())]

    async def exchange(self, requests: Mapping[Key, bytes]) -> dict[Key, Message | None]:
        """Send all, wait for all; ``None`` where no answer came.

        Waits as long as answers keep coming, and ``patience`` seconds longer.  A lost connection
        ends it: then :attr:`lost` says why.
        """
        loop = asyncio.get_running_loop()
        self._pending = pending = {key: loop.create_future() for key in requests}
        gone = asyncio.create_task(self.gone.wait())
        try:
            if not self.lost:
                self._writer.write(b"".join(requests.values()))
                with suppress(OSError):  # a timeout is one, too; the waiting below finds out
                    async with asyncio.timeout(self._patience):
                        await self._writer.drain()
            waiting: set[asyncio.Future[Any]] = set(pending.values())
            while waiting and not self.lost:
                done, _ = await asyncio.wait(
                    {*waiting, gone},
                    timeout=self._patience,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if not done:
                    break
                waiting -= done
            return {
                key: future.result() if future.done() else None for key, future in pending.items()
            }
        finally:
            self._pending = {}
            gone.cancel()

    async def ask(self) -> bool:
        """Whether a KEEP-ALIVE is answered in time."""
        if self.lost:
            return False
        self._alive = self._alive or asyncio.get_running_loop().create_future()
        self._writer.write(cbsp_wire.encode(cbsp.KeepAlive(seconds=max(1, int(self._keep_alive)))))
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                return await asyncio.shield(self._alive)
        return False

    async def close(self) -> None:
        """Let go, and wait until the socket has."""
        self._end("closed by us")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(OSError):
            await self._writer.wait_closed()

    def _end(self, why: str) -> None:
        self.lost = self.lost or why
        self.gone.set()
        if self._alive and not self._alive.done():
            self._alive.set_result(False)
        self._writer.close()

    async def _read(self) -> None:
        frames = cbsp_wire.Frames()
        try:
            while data := await self._reader.read(_READ):
                for kind, body in frames.feed(data):
                    self._take(kind, body)
            self._end("the controller closed the connection")
        except BadInput as error:
            self._end(f"the controller sent {error.problems[0].says}")
        except OSError as error:
            self._end(f"the connection broke: {error.strerror or error}")

    def _take(self, kind: int, body: bytes) -> None:
        try:
            message = cbsp_wire.decode(kind, body)
        except BadInput:
            # Its frame was whole, so the next one can be found; an answer that it was to be
            # stays open, and is reported as such.
            return
        self.heard = True
        match message:
            case cbsp.KeepAlive():
                self._writer.write(cbsp_wire.encode(cbsp.KeepAliveComplete()))
            case cbsp.KeepAliveComplete():
                if self._alive and not self._alive.done():
                    self._alive.set_result(True)
                self._alive = None
            case cbsp.Restart() | cbsp.Failed():
                self._told(message)
            case _:
                future = self._pending.get(answered(message))
                if future and not future.done():
                    future.set_result(message)

    async def _watch(self) -> None:
        """8.1.3.18a: find out in time that the other side is gone."""
        while not self.lost:
            await asyncio.sleep(self._keep_alive)
            if not await self.ask():
                self._end("the controller gives no sign of life")


async def connect(
    host: str, port: int, *, patience: float, keep_alive: float, told: Callable[[Message], None]
) -> Link:
    """Open a connection; raises :class:`Lost` with the reason.  ``told`` hears of restarts."""
    try:
        async with asyncio.timeout(patience):
            reader, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        raise Lost(f"no connection within {patience:g} s") from None
    except OSError as error:
        raise Lost(f"no connection: {error.strerror or error}") from error
    return Link(reader, writer, patience=patience, keep_alive=keep_alive, told=told)


def answered(message: Message) -> Key:
    """What an answer refers to; a key that no request has, when to nothing of ours."""
    match message:
        case cbsp.WriteComplete() | cbsp.WriteFailure():
            return "write", message.identifier, message.serial
        case cbsp.KillComplete() | cbsp.KillFailure():
            return "kill", message.identifier, message.old
        case cbsp.ErrorIndication(identifier=int(identifier), serial=int(serial)):
            return "write", identifier, serial
        case cbsp.ErrorIndication(identifier=int(identifier), old=int(serial)):
            return "kill", identifier, serial
    return "", -1, -1
