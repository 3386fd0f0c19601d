"""A small base-station controller that does as it is told, and orders for it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from zoneinfo import ZoneInfo

from broadcaster.delivery.contract import Mode
from broadcaster.model.cap import Alert, MsgType, Scope, Status
from channels.cell_broadcast import codec
from channels.cell_broadcast.cells import Cell, Technology
from channels.cell_broadcast.gateways.cbsp import messages as cbsp
from channels.cell_broadcast.gateways.cbsp.gateway import CbspGateway
from channels.cell_broadcast.gateways.cbsp.messages import (
    CellList,
    CellName,
    Completed,
    Discriminator,
    Failure,
)
from channels.cell_broadcast.gateways.cbsp.settings import Bsc, CbspSettings
from channels.cell_broadcast.gateways.cbsp.wire import Frames, decode, encode
from channels.cell_broadcast.order import Answer, OnAir, Order, Running, Stop
from channels.cell_broadcast.profile import Broadcast
from channels.cell_broadcast.serials import Serial

NOON = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))
OLD, NEW = Serial(341, 0), Serial(341, 1)
HERE = "127.0.0.1"


class SetClock:
    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time


class FakeBsc:
    """Holds what is written to it, cell by cell, as a controller does."""

    def __init__(self, *cis: int, lac: int = 1) -> None:
        self.cells = [CellName(Discriminator.CGI, "262", "98", lac, ci) for ci in cis]
        self.on_air: dict[tuple[int, int], set[CellName]] = {}
        self.heard: list[cbsp.Message] = []
        self.refuses: dict[CellName, int] = {}
        self.room: int | None = None
        """Broadcasts that it can hold."""
        self.silent = False
        self.deaf = False
        """It does not even answer KEEP-ALIVE."""
        self.cut_after: int | None = None
        """Requests that it answers before it cuts the connection."""
        self.lies_about_loss = True
        """As osmo-bsc does, it reports a loss on every connection."""
        self.turns_away = False
        """As osmo-bsc does when it serves somebody else, it accepts and closes."""
        self.connections = 0
        self.port = 0
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, HERE, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server:
            self._server.close()
            self.cut()
            await asyncio.sleep(0.01)
            self._server = None

    def cut(self) -> None:
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    def restart(self) -> None:
        """It lost everything, and says so on the connection that it has."""
        self.on_air.clear()
        self.say(cbsp.Restart(cells=cbsp.WHOLE_BSC, lost=1))

    def say(self, message: cbsp.Message) -> None:
        for writer in self._writers:
            writer.write(encode(message))

    def writes(self) -> list[cbsp.Write]:
        return [message for message in self.heard if isinstance(message, cbsp.Write)]

    def kills(self) -> list[cbsp.Kill]:
        return [message for message in self.heard if isinstance(message, cbsp.Kill)]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.turns_away:
            writer.close()
            return
        self._writers.append(writer)
        frames = Frames()
        if self.lies_about_loss:
            writer.write(encode(cbsp.Restart(cells=cbsp.WHOLE_BSC, lost=1)))
        try:
            while data := await reader.read(4096):
                for frame in frames.feed(data):
                    answer = self._answer(decode(*frame))
                    if answer is not None:
                        writer.write(encode(answer))
                    if self.cut_after == 0:
                        self.cut_after = None
                        await writer.drain()
                        self.cut()
                        return
        except ConnectionError:
            pass
        finally:
            writer.close()

    def _answer(self, message: cbsp.Message) -> cbsp.Message | None:
        self.heard.append(message)
        match message:
            case cbsp.KeepAlive():
                return None if self.deaf else cbsp.KeepAliveComplete()
            case cbsp.Write() | cbsp.Kill() if self.silent:
                return None
            case cbsp.Write():
                self._count()
                return self._write(message)
            case cbsp.Kill():
                self._count()
                return self._kill(message)
        return None

    def _count(self) -> None:
        if self.cut_after is not None:
            self.cut_after -= 1

    def _write(self, write: cbsp.Write) -> cbsp.Message:
        done, failures = [], []
        for cell in self._asked(write.cells):
            key, old = (write.identifier, write.serial), (write.identifier, write.old)
            if cell not in self.cells:
                failures.append(Failure(cell, 0x03))
            elif cell in self.refuses:
                failures.append(Failure(cell, self.refuses[cell]))
            elif cell in self.on_air.get(key, ()):
                failures.append(Failure(cell, 0x0D))
            elif write.old is not None and cell not in self.on_air.get(old, ()):  # type: ignore[call-overload]
                failures.append(Failure(cell, 0x02))
            elif self.room is not None and write.old is None and self._count_on(cell) >= self.room:
                failures.append(Failure(cell, 0x06))
            else:
                if write.old is not None:
                    self.on_air[old].discard(cell)  # type: ignore[index]
                self.on_air.setdefault(key, set()).add(cell)
                done.append(cell)
        cells = CellList(Discriminator.CGI, tuple(done)) if done else None
        reply = {"identifier": write.identifier, "serial": write.serial, "cells": cells}
        if failures:
            return cbsp.WriteFailure(**reply, failures=tuple(failures))
        return cbsp.WriteComplete(**reply)

    def _kill(self, kill: cbsp.Kill) -> cbsp.Message:
        held = self.on_air.get((kill.identifier, kill.old), set())
        asked = self._asked(kill.cells)
        done = [cell for cell in asked if cell in held]
        failures = tuple(Failure(cell, 0x02) for cell in asked if cell not in held)
        held -= set(done)
        completed = tuple(Completed(cell, 1) for cell in done)
        if failures:
            return cbsp.KillFailure(
                identifier=kill.identifier, old=kill.old, failures=failures, completed=completed
            )
        return cbsp.KillComplete(identifier=kill.identifier, old=kill.old, completed=completed)

    def _asked(self, cells: CellList) -> Iterable[CellName]:
        return list(self.cells) if cells.by is Discriminator.WHOLE_BSC else cells.names

    def _count_on(self, cell: CellName) -> int:
        return sum(cell in cells for cells in self.on_air.values())


def broadcast(text: str = "Unwetter.", identifier: int = 4370) -> Broadcast:
    return Broadcast(identifier, codec.encode(text, dcs=0))


def on_air(serial: Serial, text: str = "Unwetter.", **more: object) -> OnAir:
    values = {"language": "de", "variant": "standard", "keys": ("k",), **more}
    return OnAir(broadcast=broadcast(text), serial=serial, **values)  # type: ignore[arg-type]


def order(
    *items: OnAir,
    stops: Iterable[Serial] = (),
    cells: tuple[Cell, ...] | None = None,
    count: int = 100,
    slots: int = 60,
) -> Order:
    alert = Alert(
        identifier="a.1",
        sender="warnung@dortmund.example",
        sent=NOON,
        status=Status.ACTUAL,
        msg_type=MsgType.ALERT,
        scope=Scope.PUBLIC,
    )
    return Order(
        key="a.1/cells",
        mode=Mode.LIVE,
        operation=MsgType.ALERT,
        alert=alert,
        replaces=(),
        profile="de",
        title="Notfallalarm",
        on_air=items,
        stops=tuple(Stop(4370, serial, "a.0") for serial in stops),
        missing=(),
        repetition_period=60,
        number_of_broadcasts=100,
        slots=slots,
        number_2g=count,
        cells=cells,
        written=NOON,
    )


def running(*items: OnAir) -> tuple[Running, ...]:
    return tuple(
        Running(
            broadcast=item.broadcast,
            serial=item.serial,
            repetition_period=60,
            number_of_broadcasts=100,
            slots=60,
            number_2g=100,
            cells=None,
        )
        for item in items
    )


def cell(ci: int, lac: int = 1, technology: Technology = Technology.GSM) -> Cell:
    return Cell(technology=technology, mcc="262", mnc="98", area=lac, cell=ci)


@asynccontextmanager
async def city(
    *controllers: FakeBsc, clock: SetClock | None = None, start: bool = True, areas: bool = False
) -> AsyncIterator[CbspGateway]:
    for bsc in controllers:
        if start:
            await bsc.start()
    gateway = CbspGateway(
        CbspSettings(
            peers=tuple(
                Bsc(
                    name=name,
                    host=HERE,
                    port=bsc.port,
                    areas=(bsc.cells[0].lac,) if areas else None,
                )
                for name, bsc in zip(("north", "south"), controllers, strict=False)
            ),
            timeout=1.0,
            keep_alive=5,
        ),
        clock or SetClock(),
        random.Random(1),
        first_pause=0.02,
    )
    try:
        yield gateway
    finally:
        await gateway.close()
        for bsc in controllers:
            await bsc.stop()


async def until(happens: Callable[[], bool]) -> None:
    async with asyncio.timeout(3):
        while not happens():  # noqa: ASYNC110 - the fake has no event for every state
            await asyncio.sleep(0.005)


async def next_of(answers: AsyncIterator[Answer]) -> Answer:
    return await asyncio.wait_for(anext(answers), 3)
