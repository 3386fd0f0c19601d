"""Orders, and a gateway at a fake osmo-cbc."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from broadcaster.delivery.contract import (
    Mode,
)
from broadcaster.model.cap import Alert, Area, Info, MsgType, Severity, Status
from broadcaster.model.cap import Scope as CapScope
from channels.cell_broadcast.codec import encode
from channels.cell_broadcast.gateways.ecbe.gateway import EcbeGateway
from channels.cell_broadcast.gateways.ecbe.settings import EcbeSettings
from channels.cell_broadcast.order import (
    Answer,
    OnAir,
    Order,
    Running,
    Stop,
)
from channels.cell_broadcast.profile import Broadcast
from channels.cell_broadcast.serials import Serial
from tests.unit.channels.fake_osmo_cbc import FakeOsmoCbc, Peer

NOON = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))
SCALE = 0.03
TIMEOUT = 20 * SCALE
SOON = 0.05
FIRST, SECOND, OTHER = Serial(341, 0), Serial(341, 1), Serial(77, 0)
TEXTS = {
    4370: ("Unwetter in Dortmund. Gehen Sie in ein höheres Stockwerk.", 0x00, "de"),
    4383: ("Dortmund'da şiddetli yağmur. Üst kata çıkın.", 0x11, "tr"),
    919: ("Unwetter in Dortmund. Gehen Sie in ein höheres Stockwerk.", 0x00, "de"),
    4396: ("Entwarnung.", 0x00, "de"),
    4381: ("Das ist eine Übung.", 0x00, "de"),
}


class SetClock:
    time = NOON

    def now(self) -> datetime:
        return self.time


def broadcast(identifier: int, text: str = "") -> Broadcast:
    said, dcs, language = TEXTS[identifier]
    return Broadcast(identifier, encode(text or said, dcs=dcs, language=language))


def on_air(identifier: int, serial: Serial = FIRST, text: str = "", **changes: Any) -> OnAir:
    return OnAir(
        broadcast=broadcast(identifier, text),
        serial=serial,
        language=TEXTS[identifier][2],
        variant="standard",
        keys=(f"delivery-{identifier}",),
        **changes,
    )


def order(*items: OnAir, stops: tuple[Stop, ...] = (), **changes: Any) -> Order:
    alert = Alert(
        identifier="alert-1.example.org",
        sender="dispatch@example.org",
        sent=NOON,
        status=Status.ACTUAL,
        msg_type=MsgType.ALERT,
        scope=CapScope.PUBLIC,
        infos=(
            Info(
                language="de-DE",
                severity=Severity.EXTREME,
                areas=(Area(area_desc="Dortmund"),),
                expires=NOON + timedelta(hours=6),
            ),
        ),
    )
    values: dict[str, Any] = {
        "key": "key-1",
        "mode": Mode.LIVE,
        "operation": MsgType.ALERT,
        "alert": alert,
        "replaces": (),
        "profile": "DE-Alert",
        "title": "Notfallalarm",
        "on_air": items,
        "stops": stops,
        "missing": (),
        "repetition_period": 60,
        "number_of_broadcasts": 360,
        "slots": 32,
        "number_2g": 359,
        "cells": None,
        "written": NOON,
    }
    return Order(**{**values, **changes})


def running(item: OnAir) -> Running:
    of = order(item)
    return Running(
        broadcast=item.broadcast,
        serial=item.serial,
        repetition_period=of.repetition_period,
        number_of_broadcasts=of.number_of_broadcasts,
        slots=of.slots,
        number_2g=of.number_2g,
        cells=None,
    )


class Bench:
    """A gateway at a fake osmo-cbc."""

    def __init__(self, cbc: FakeOsmoCbc, gateway: EcbeGateway) -> None:
        self.cbc, self.gateway = cbc, gateway
        self.meant: list[Running] = []
        self.ended: list[tuple[int, Serial]] = []
        self.told: list[Answer] = []

    async def take(self, *items: OnAir, **changes: Any) -> tuple[Answer, ...]:
        taken = await self.gateway.take(order(*items, **changes))
        assert [(a.identifier, a.serial) for a in taken.on_air] == [
            (item.broadcast.identifier, item.serial) for item in items
        ]
        return taken.on_air

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        async def listen() -> None:
            async for answer in self.gateway.later(lambda: tuple(self.meant), lambda: self.ended):
                self.told.append(answer)

        task = asyncio.ensure_future(listen())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def until(self, holds: Callable[[], object]) -> None:
        for _ in range(1000):
            if holds():
                return
            await asyncio.sleep(0.01)
        raise AssertionError("it did not come about within ten seconds")

    @property
    def methods(self) -> list[str]:
        return [method for method, _ in self.cbc.calls]


@asynccontextmanager
async def bench(*peers: Peer, vty: bool = False) -> AsyncIterator[Bench]:
    async with FakeOsmoCbc(*peers, scale=SCALE).running() as cbc:
        gateway = EcbeGateway(
            EcbeSettings(
                url=cbc.url,
                timeout=TIMEOUT,
                vty=("127.0.0.1", cbc.vty_port) if vty else None,
            ),
            look_every=SOON,
        )
        try:
            yield Bench(cbc, gateway)
        finally:
            await gateway.close()


BSC = Peer("bsc")
AWAY = Peer("bsc", state="<disconnected>")
MUTE = Peer("bsc", answers=False)
FULL = Peer("bsc", refuses={"CGI 262-98-1-7": 6})


def raw(change: Callable[[dict[str, Any]], object] | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "cbe_name": "lot",
        "category": "high_priority",
        "repetition_period": 32,
        "num_of_bcast": 60,
        "scope": {"scope_plmn": {}},
        "smscb_message": {
            "message_id": 4370,
            "serial_nr": {
                "serial_nr_decoded": {"geo_scope": "plmn_wide", "msg_code": 341, "update_nr": 0}
            },
            "payload": {"payload_encoded": {"dcs": 0, "pages": ["0d" * 82]}},
        },
    }
    if change:
        change(body)
    return body


def serial_parts(body: dict[str, Any]) -> dict[str, Any]:
    parts: dict[str, Any] = body["smscb_message"]["serial_nr"]["serial_nr_decoded"]
    return parts
