"""Cell broadcast to a real base-station controller: Debian's osmo-bsc on loopback, no radio."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from broadcaster.delivery.contract import Mode
from broadcaster.model.cap import Alert, MsgType, Scope, Status
from broadcaster.model.errors import Transient
from channels.cell_broadcast import airtime, codec
from channels.cell_broadcast.cells import Cell, Technology
from channels.cell_broadcast.gateways.cbsp import messages as cbsp
from channels.cell_broadcast.gateways.cbsp.gateway import CbspGateway
from channels.cell_broadcast.gateways.cbsp.settings import Bsc, CbspSettings
from channels.cell_broadcast.gateways.cbsp.wire import Frames, decode, encode
from channels.cell_broadcast.order import Answer, OnAir, Order, Running, Said, Stop
from channels.cell_broadcast.profile import Broadcast
from channels.cell_broadcast.serials import Serial
from tests.peers.osmo_bsc import PORT, osmo_bsc

pytestmark = pytest.mark.peer("osmo-bsc")

NOW = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    with osmo_bsc(tmp_path) as address:
        yield address


class Wire:
    """A bare connection that shows every octet."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first: bytes
    ) -> None:
        self._reader, self._writer, self._frames = reader, writer, Frames()
        (self.first,) = self._frames.feed(first)
        self._waiting: list[tuple[int, bytes]] = []

    async def next(self) -> tuple[int, bytes]:
        async with asyncio.timeout(3):
            while not self._waiting:
                data = await self._reader.read(4096)
                assert data, "osmo-bsc closed the connection"
                self._waiting += self._frames.feed(data)
        return self._waiting.pop(0)

    async def ask(self, message: cbsp.Message) -> tuple[int, bytes]:
        self._writer.write(encode(message))
        return await self.next()


@asynccontextmanager
async def wire(host: str) -> AsyncIterator[Wire]:
    """A connection that was taken: osmo-bsc turns away until it has noticed that another ended."""
    async with asyncio.timeout(3):
        while True:
            reader, writer = await asyncio.open_connection(host, PORT)
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                first = await reader.readexactly(12)
                break
            writer.close()
    try:
        yield Wire(reader, writer, first)
    finally:
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def gateway_to(host: str) -> AsyncIterator[CbspGateway]:
    class Clock:
        def now(self) -> datetime:
            return NOW

    settings = CbspSettings(peers=(Bsc(name="city", host=host, port=PORT),), timeout=3)
    gateway = CbspGateway(settings, Clock(), random.Random(1), first_pause=0.05)
    try:
        yield gateway
    finally:
        await gateway.close()


def text_of(pages: int, seed: str) -> codec.Pages:
    """A text that fills exactly so many pages of GSM letters."""
    text = (f"{seed} Hochwasser: gehen Sie in ein höheres Stockwerk. " * 30)[: 93 * pages - 5]
    made = codec.encode(text, dcs=0)
    assert len(made.octets) == pages
    return made


def item(code: int, pages: int = 1, *, update: int = 0, **more: object) -> OnAir:
    broadcast = Broadcast(4370, text_of(pages, f"{code}.{update}"))
    values = {"language": "de", "variant": "standard", "keys": ("k",), **more}
    return OnAir(broadcast=broadcast, serial=Serial(code, update), **values)  # type: ignore[arg-type]


def order(
    *items: OnAir,
    stops: Sequence[Serial] = (),
    slots: int = 60,
    cells: tuple[Cell, ...] | None = None,
) -> Order:
    alert = Alert(
        identifier="a.1",
        sender="warnung@dortmund.example",
        sent=NOW,
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
        number_2g=100,
        cells=cells,
        written=NOW,
    )


def outcome(answer: Answer) -> tuple[Said, int | None]:
    return answer.said, answer.cells


HERE = (Said.INSTALLED, 1)
NO_ROOM = {"no air time left": 1}


# Octet for octet ------------------------------------------------------------------------------


def write(
    serial: int, pages: int, *, old: int | None = None, identifier: int = 4370, period: int = 60
) -> cbsp.Write:
    octets = text_of(pages, str(serial)).octets
    return cbsp.Write(
        identifier=identifier,
        serial=serial,
        old=old,
        cells=cbsp.WHOLE_BSC,
        category=cbsp.Category.HIGH_PRIORITY,
        period=period,
        count=100,
        dcs=0,
        pages=tuple(map(cbsp.Page, octets)),
    )


async def test_a_life_from_reset_to_kill_is_answered_with_the_recorded_octets(
    host: str, shared: Path
) -> None:
    path = shared / "corpus" / "cell-broadcast" / "osmo-observed.json"
    rows = json.loads(path.read_text("utf-8"))["cbsp_with_debian_osmo_bsc_1_9_0"]
    recorded = [(int(row["rx_type"][:4], 16), row.get("rx", "")) for row in rows]
    said: list[tuple[int, str]] = []

    def note(frame: tuple[int, bytes]) -> None:
        said.append((frame[0], frame[1].hex()))

    async with wire(host) as bsc:
        note(bsc.first)
        note(await bsc.ask(cbsp.Reset(cells=cbsp.WHOLE_BSC)))
        note(await bsc.ask(write(0x4010, 2, identifier=4383)))
        note(await bsc.ask(write(0x4010, 1)))
        note(await bsc.ask(write(0x4010, 1)))
        note(await bsc.ask(write(0x4011, 1, old=0x4010)))
        kill = cbsp.Kill(identifier=4370, old=0x4011, cells=cbsp.WHOLE_BSC)
        note(await bsc.ask(kill))
        note(await bsc.ask(kill))
        await bsc.ask(cbsp.Reset(cells=cbsp.WHOLE_BSC))
        for serial in (0x4640, 0x4650, 0x4660, 0x4670):
            frame = await bsc.ask(write(serial, 15, identifier=4383))
            assert frame[0] == cbsp.WriteComplete.type
        said.append((cbsp.WriteComplete.type, ""))
        note(await bsc.ask(write(0x4680, 15, identifier=4383)))
        await bsc.ask(cbsp.Reset(cells=cbsp.WHOLE_BSC))
        note(await bsc.ask(write(0x4100, 15, identifier=4391, period=5)))
    assert said == recorded


async def test_keep_alive_is_answered_and_load_query_is_not(host: str) -> None:
    async with wire(host) as bsc:
        kind, body = await bsc.ask(cbsp.KeepAlive(seconds=30))
        assert decode(kind, body) == cbsp.KeepAliveComplete()
        with pytest.raises(TimeoutError):
            await bsc.ask(cbsp.LoadQuery(cells=cbsp.WHOLE_BSC))


# Through the gateway --------------------------------------------------------------------------


async def test_write_again_replace_and_stop(host: str) -> None:
    async with gateway_to(host) as gateway:
        assert await gateway.ping() == "every base-station controller answers: city"
        taken = await gateway.take(order(item(1), item(2)))
        assert [outcome(answer) for answer in taken.on_air] == [HERE, HERE]
        again = await gateway.take(order(item(1), item(2)))
        assert [outcome(answer) for answer in again.on_air] == [HERE, HERE]

        newer = item(1, update=1, instead_of=Serial(1, 0))
        updated = await gateway.take(order(newer, stops=[Serial(1, 0), Serial(2, 0)]))
        assert outcome(updated.on_air[0]) == HERE
        assert [outcome(answer) for answer in updated.stopped] == [HERE, HERE]

        stops = [Serial(1, 1)]
        for _ in range(2):
            assert outcome((await gateway.take(order(stops=stops))).stopped[0]) == HERE


async def test_an_update_of_what_is_gone_is_written_all_the_same(host: str) -> None:
    async with gateway_to(host) as gateway:
        newer = item(1, update=1, instead_of=Serial(1, 0))
        assert outcome((await gateway.take(order(newer))).on_air[0]) == HERE


async def test_a_cell_that_it_does_not_have_is_refused_and_its_own_is_not(host: str) -> None:
    cells = tuple(
        Cell(technology=Technology.GSM, mcc="262", mnc="98", area=1, cell=ci) for ci in (7, 8)
    )
    async with gateway_to(host) as gateway:
        (answer,) = (await gateway.take(order(item(1), cells=cells))).on_air
    assert outcome(answer) == HERE
    assert sum(answer.refused.values()) == 1


async def test_it_serves_one_sender_and_the_second_is_told(host: str) -> None:
    async with gateway_to(host) as first, gateway_to(host) as second:
        await first.ping()
        with pytest.raises(Transient, match="perhaps it serves another sender"):
            await second.ping()
        await first.ping()


def running(*items: OnAir) -> tuple[Running, ...]:
    return tuple(
        Running(
            broadcast=one.broadcast,
            serial=one.serial,
            repetition_period=60,
            number_of_broadcasts=100,
            slots=60,
            number_2g=100,
            cells=None,
        )
        for one in items
    )


async def test_after_its_restart_everything_is_put_on_air_again(tmp_path: Path) -> None:
    wanted = running(item(1), item(2))
    with contextlib.ExitStack() as first:
        host = first.enter_context(osmo_bsc(tmp_path))
        async with (
            asyncio.timeout(30),
            gateway_to(host) as gateway,
            aclosing(gateway.later(lambda: wanted)) as answers,
        ):
            assert [outcome(await anext(answers)) for _ in wanted] == [HERE, HERE]
            first.close()
            with osmo_bsc(tmp_path):
                assert [outcome(await anext(answers)) for _ in wanted] == [HERE, HERE]
                # What it says now is that both are there already: they were written.
                taken = await gateway.take(order(item(1), item(2), item(3)))
                assert [outcome(answer) for answer in taken.on_air] == [HERE] * 3


async def test_a_new_connection_finds_what_it_kept_although_it_reports_a_loss(host: str) -> None:
    async with wire(host) as bsc:
        assert (await bsc.ask(write(int(Serial(1, 0)), 1)))[0] == cbsp.WriteComplete.type
    async with wire(host) as bsc:
        assert decode(*bsc.first) == cbsp.Restart(cells=cbsp.WHOLE_BSC, lost=1)
        kind, body = await bsc.ask(write(int(Serial(1, 0)), 1))
    failure = decode(kind, body)
    assert isinstance(failure, cbsp.WriteFailure)
    assert [one.cause for one in failure.failures] == [cbsp.ALREADY_USED]


# The air-time plan is what really happens -----------------------------------------------------


@pytest.mark.parametrize(
    ("pages", "slots"),
    [
        ((15, 15, 15, 15), 60),
        ((15, 15, 15, 15, 15), 60),
        ((15, 15, 15, 15, 1), 60),
        ((15, 15, 15, 14, 1), 60),
        ((15,), 5),
        ((15,), 15),
        ((15, 1), 15),
        ((1, 2, 3, 4), 10),
        ((1, 2, 3, 4, 1), 10),
        ((7, 9, 2), 17),
        ((9, 9, 3, 3), 21),
    ],
)
async def test_the_plan_predicts_which_texts_the_controller_takes(
    host: str, pages: tuple[int, ...], slots: int
) -> None:
    texts = [airtime.Text(str(code), count) for code, count in enumerate(pages)]
    planned = airtime.plan(texts, longest=slots)
    on_air = []
    async with wire(host) as bsc:
        for text in texts:
            serial = int(Serial(int(text.name), 0))
            answer = decode(*await bsc.ask(write(serial, text.pages, period=slots)))
            if isinstance(answer, cbsp.WriteComplete):
                on_air.append(text)
            else:
                assert isinstance(answer, cbsp.WriteFailure)
                assert [cbsp.cause_in_words(one.cause) for one in answer.failures] == [
                    "no air time left"
                ]
    assert on_air == list(planned.fits)


async def test_a_second_warning_changes_the_period_of_all_so_that_everything_fits(
    host: str,
) -> None:
    """Mixed periods make osmo-bsc refuse what fits, and hang later."""
    async with gateway_to(host) as gateway:
        await gateway.take(order(*(item(code, 15) for code in range(4)), slots=60))
        taken = await gateway.take(order(*(item(code, 15) for code in range(10, 14)), slots=60))
        assert [outcome(answer) for answer in taken.on_air] == [HERE] * 4
        updates = [item(code, 9, update=1, instead_of=Serial(code, 0)) for code in (10, 11, 12, 13)]
        stops = [Serial(code, 0) for code in (10, 11, 12, 13)]
        taken = await gateway.take(order(*updates, stops=stops, slots=32))
        assert [outcome(answer) for answer in taken.on_air] == [HERE] * 4
        assert [outcome(answer) for answer in taken.stopped] == [HERE] * 4
        stops = [Serial(code, 0) for code in range(4)]
        taken = await gateway.take(order(stops=[*stops, *(Serial(c, 1) for c in range(10, 14))]))
        assert [outcome(answer) for answer in taken.stopped] == [HERE] * 8
    async with wire(host) as bsc:  # it is empty, and alive
        assert (await bsc.ask(cbsp.Reset(cells=cbsp.WHOLE_BSC)))[0] == cbsp.ResetComplete.type
        for serial in range(15):
            kind, _ = await bsc.ask(write(serial, 1, period=15))
            assert kind == cbsp.WriteComplete.type


async def test_a_longer_update_of_a_full_channel_is_taken(host: str) -> None:
    """Replaced in place it would be refused, and osmo-bsc would crash after that."""
    async with gateway_to(host) as gateway:
        await gateway.take(order(item(1, 15), item(2, 15), item(3, 10), slots=40))
        newer = item(3, 15, update=1, instead_of=Serial(3, 0))
        stops = [Serial(3, 0), Serial(2, 0)]
        taken = await gateway.take(order(newer, stops=stops, slots=40))
        assert outcome(taken.on_air[0]) == HERE
        assert [outcome(answer) for answer in taken.stopped] == [HERE, HERE]
        assert await gateway.ping()
