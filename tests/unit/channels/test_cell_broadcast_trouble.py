"""The channel when its gateway hesitates, refuses, comes back or answers in part."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from broadcaster.delivery.contract import Batch, Env, Mode, Receipt, State
from broadcaster.model.cap import Alert, Area, MsgType, Polygon, Reference, Severity
from broadcaster.model.errors import Problem, Transient
from channels.cell_broadcast import CellBroadcastChannel, _opened
from channels.cell_broadcast.order import Answer, Limits, Order, Running, Said, Scope, Taken
from channels.cell_broadcast.serials import Serial
from tests.unit.channels.test_cell_broadcast import TEXTS, SetClock, rendition
from tests.unit.channels.test_cell_broadcast import Desk as FileDesk

CELLS = (
    "technology,mcc,mnc,area,cell,latitude,longitude,azimuth,width,reach\n"
    "2G,001,01,1,1,51.50,7.40,,,500\n"
    "2G,001,01,1,2,51.60,7.40,,,500\n"
)


@dataclass
class Doors:
    """A gateway that says what it is told to say."""

    says: dict[int, Said] = field(default_factory=dict)
    """By identifier; INSTALLED for all others."""
    fails: list[Exception] = field(default_factory=list)
    opens: asyncio.Event | None = None
    """While it is there and not set, only what is extreme is answered."""
    orders: list[Order] = field(default_factory=list)
    words: list[Answer] = field(default_factory=list)
    stop: Said = Said.INSTALLED
    ended: Sequence[tuple[int, Serial]] = ()
    limits: Limits = field(
        default_factory=lambda: Limits(
            scope=Scope.CELLS, confirms=frozenset({State.ACCEPTED, State.SENT}), plans_2g=True
        )
    )

    async def take(self, order: Order) -> Taken:
        self.orders.append(order)
        if self.opens is not None and order.alert.severity is not Severity.EXTREME:
            await self.opens.wait()
        if self.fails:
            raise self.fails.pop(0)
        return Taken(
            reference="",
            on_air=tuple(
                Answer(
                    identifier=item.broadcast.identifier,
                    serial=item.serial,
                    said=self.says.get(item.broadcast.identifier, Said.INSTALLED),
                )
                for item in order.on_air
            ),
            stopped=tuple(
                Answer(identifier=one.identifier, serial=one.serial, said=self.stop)
                for one in order.stops
            ),
        )

    async def ping(self) -> str:
        return "there"

    async def later(
        self,
        running: Callable[[], Sequence[Running]],
        ended: Callable[[], Sequence[tuple[int, Serial]]] = tuple,
    ) -> AsyncIterator[Answer]:
        self.ended = ended()
        for word in self.words:
            yield word

    async def close(self) -> None:
        pass


class Desk:
    """A channel at such a gateway, and its restarts."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.clock = SetClock()
        self.doors = Doors()
        self.folder, self.raw = folder, settings
        self.open()

    def open(self) -> None:
        env = Env(
            name="cells",
            mode=Mode.LIVE,
            data_dir=self.folder / "data",
            output_dir=self.folder / "outbox",
            clock=self.clock,
            random=random.Random(5),
            base_url="https://warn.example.org",
            config_dir=self.folder,
        )
        self.channel = _opened(CellBroadcastChannel.settings(self.raw), env, self.doors)
        self.files = FileDesk(self.channel, env, self.clock)

    def batch(self, alert: Alert, texts: dict[str, str], *earlier: Alert) -> Batch:
        return replace(
            self.files.batch(alert, texts, alert.msg_type),
            key=f"chunk of {alert.identifier}",
            replaces=tuple(one.identifier for one in earlier),
        )

    async def send(
        self, alert: Alert, texts: dict[str, str] | None = None, *earlier: Alert
    ) -> dict[str, Receipt]:
        receipts = await self.channel.send(self.batch(alert, texts or dict(TEXTS), *earlier))
        return {receipt.key.split("/")[1]: receipt for receipt in receipts}

    def alert(self, name: str, hours: float = 6, **changes: Any) -> Alert:
        alert = self.files.alert(**changes)
        until = self.clock.now() + timedelta(hours=hours)
        infos = tuple(replace(info, expires=until) for info in alert.infos)
        return replace(alert, identifier=name, infos=infos)

    def cancel(self, of: Alert, name: str = "end") -> Alert:
        reference = Reference(of.sender, of.identifier, of.sent.isoformat())
        return replace(self.alert(name), msg_type=MsgType.CANCEL, references=(reference,))

    @property
    def running(self) -> set[int]:
        return {one.broadcast.identifier for one in self.channel._journal.running()}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize("after", [1, 36, 60])
async def test_what_was_cancelled_never_comes_back_although_the_cancel_ends_first(
    desk: Desk, after: int
) -> None:
    warning = desk.alert("warning", hours=72)
    await desk.send(warning)
    await desk.send(desk.cancel(warning), {"de": "Entwarnung."}, warning)
    desk.clock.time += timedelta(hours=after)
    for _ in range(2):  # the second restart finds what the first has put away
        desk.open()
        assert desk.running <= {4396}


async def test_an_unchanged_text_with_an_earlier_end_stays_ended(desk: Desk) -> None:
    first = desk.alert("first", hours=48)
    await desk.send(first, {"de": TEXTS["de"]})
    update = replace(desk.alert("second", hours=2), msg_type=MsgType.UPDATE)
    await desk.send(update, {"de": TEXTS["de"]}, first)
    desk.clock.time += timedelta(hours=3)
    assert desk.running == set()


async def test_what_could_not_leave_is_not_put_on_air_when_the_gateway_is_back(desk: Desk) -> None:
    desk.doors.fails = [Transient(Problem("bsc", "no connection"))]
    with pytest.raises(Transient):
        await desk.send(desk.alert("warning"))
    assert desk.running == set()
    desk.open()
    assert desk.running == set()
    await desk.send(desk.alert("warning"))  # the next attempt puts it there
    assert 4370 in desk.running


async def test_what_every_cell_refused_is_not_tried_again_behind_the_officers_back(
    desk: Desk,
) -> None:
    desk.doors.says = {4383: Said.REFUSED}
    told = await desk.send(desk.alert("warning"))
    assert told["tr"].state is State.REJECTED
    assert desk.running == {4370, 919}


async def test_a_retry_asks_for_the_undecided_and_keeps_what_was_decided(desk: Desk) -> None:
    warning = desk.alert("warning")
    desk.doors.says = {4383: Said.UNKNOWN}
    told = await desk.send(warning)
    assert (told["de"].state, told["tr"].state) == (State.SENT, State.UNKNOWN)

    desk.doors.says = {}
    whole = desk.batch(warning, dict(TEXTS))
    rest = tuple(d for d in whole.deliveries if d.rendition.language == "tr")
    (receipt,) = await desk.channel.send(replace(whole, deliveries=rest))
    assert receipt.state is State.SENT
    assert [item.language for item in desk.doors.orders[-1].on_air] == ["tr"]
    # The round is as long as all texts need, not only those that were asked again.
    assert desk.doors.orders[-1].slots == desk.doors.orders[0].slots
    assert desk.running == {4370, 919, 4383}


async def test_an_order_that_is_decided_is_not_given_again_after_a_restart(desk: Desk) -> None:
    warning = desk.alert("warning")
    first = await desk.send(warning)
    desk.open()
    again = await desk.send(warning)
    assert {key: one.state for key, one in again.items()} == {
        key: one.state for key, one in first.items()
    }
    assert len(desk.doors.orders) == 1


async def test_the_original_speaks_for_a_text_and_not_its_copy(desk: Desk) -> None:
    desk.doors.says = {4370: Said.UNKNOWN}
    told = await desk.send(desk.alert("warning"), {"de": TEXTS["de"]})
    assert told["de"].state is State.UNKNOWN
    first, copy = desk.doors.orders[0].on_air
    desk.doors.words = [Answer(identifier=919, serial=copy.serial, said=Said.INSTALLED)]
    assert [receipt async for receipt in desk.channel.receipts()] == []
    desk.doors.words = [Answer(identifier=4370, serial=first.serial, said=Said.INSTALLED)]
    assert [receipt.state async for receipt in desk.channel.receipts()] == [State.SENT]


@pytest.mark.parametrize("word", [Said.UNKNOWN, Said.REFUSED])
async def test_a_stop_that_nobody_confirmed_is_told(desk: Desk, word: Said) -> None:
    warning = desk.alert("warning")
    await desk.send(warning)
    desk.doors.stop = word
    told = await desk.send(desk.cancel(warning), {"de": "Entwarnung."}, warning)
    assert "earlier texts may still be on air: 4370" in told["de"].reason


async def test_an_extreme_warning_does_not_wait_behind_one_that_hangs(desk: Desk) -> None:
    desk.doors.opens = asyncio.Event()
    minor = asyncio.ensure_future(desk.send(desk.alert("minor", severity=Severity.MINOR)))
    await asyncio.sleep(0.05)
    told = await asyncio.wait_for(desk.send(desk.alert("extreme")), 2)
    assert told["de"].state is State.SENT
    assert not minor.done()
    desk.doors.opens.set()
    await minor


async def test_an_end_never_overtakes_the_warning_it_ends(desk: Desk) -> None:
    desk.doors.opens = asyncio.Event()
    warning = desk.alert("warning", severity=Severity.MINOR)
    sending = asyncio.ensure_future(desk.send(warning))
    await asyncio.sleep(0.05)
    ending = asyncio.ensure_future(desk.send(desk.cancel(warning), {"de": "Entwarnung."}, warning))
    await asyncio.sleep(0.05)
    assert len(desk.doors.orders) == 1
    desk.doors.opens.set()
    await asyncio.gather(sending, ending)
    assert [order.alert.identifier for order in desk.doors.orders] == ["warning", "end"]


async def test_the_end_goes_where_the_warning_went_also_when_the_area_moved(
    tmp_path: Path,
) -> None:
    (tmp_path / "cells.csv").write_text(CELLS, "utf-8")
    desk = Desk(tmp_path, cells="cells.csv")

    def at(alert: Alert, latitude: float) -> Alert:
        south, north = latitude - 0.002, latitude + 0.002
        ring = ((south, 7.39), (north, 7.39), (north, 7.41), (south, 7.41), (south, 7.39))
        area = Area(area_desc="here", polygons=(Polygon(ring),))
        return replace(alert, infos=tuple(replace(i, areas=(area,)) for i in alert.infos))

    warning = at(desk.alert("warning"), 51.5)
    await desk.send(warning)
    await desk.send(at(desk.cancel(warning), 51.6), {"de": "Entwarnung."}, warning)
    assert [cell.cell for cell in desk.doors.orders[0].cells or ()] == [1]
    assert [cell.cell for cell in desk.doors.orders[1].cells or ()] == [2, 1]
    # Also where no cell is heard at all, those who were warned are told.
    nowhere = at(desk.cancel(warning, "end 2"), 40.0)
    text = rendition(TEXTS["de"])
    assert not desk.channel.arrange(nowhere, [(text, desk.channel.fit(text))]).left_out


async def test_a_new_process_tells_its_gateway_what_must_not_be_on_air_any_more(
    desk: Desk,
) -> None:
    warning = desk.alert("warning")
    await desk.send(warning)
    desk.doors.stop = Said.UNKNOWN
    await desk.send(desk.cancel(warning), {"de": "Entwarnung."}, warning)
    desk.open()
    assert [receipt async for receipt in desk.channel.receipts()] == []
    first = desk.doors.orders[0]
    old = {(item.broadcast.identifier, item.serial) for item in first.on_air}
    assert set(desk.doors.ended) == old
