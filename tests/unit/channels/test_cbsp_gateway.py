"""The CBSP gateway: one order at a time, and what becomes of it."""

from __future__ import annotations

import asyncio
import math
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from broadcaster.model.errors import Permanent, Transient
from broadcaster.model.states import State
from broadcaster.testing import env
from channels.cell_broadcast.cells import Technology
from channels.cell_broadcast.gateways.cbsp import messages as cbsp
from channels.cell_broadcast.gateways.cbsp.gateway import CbspDriver
from channels.cell_broadcast.gateways.cbsp.messages import CellList, Discriminator
from channels.cell_broadcast.order import Said
from channels.cell_broadcast.order import Scope as Reach
from channels.cell_broadcast.serials import Serial
from tests.peers.fake_bsc import (
    HERE,
    NEW,
    OLD,
    FakeBsc,
    SetClock,
    broadcast,
    cell,
    city,
    next_of,
    on_air,
    order,
    running,
)


def test_it_aims_at_cells_and_says_what_it_can_confirm() -> None:
    driver = CbspDriver()
    settings = driver.settings({"peers": [{"name": "north", "host": HERE}]})
    limits = driver.open(settings, env(Path("unused"))).limits
    assert limits.scope is Reach.CELLS
    assert limits.confirms == {State.ACCEPTED, State.SENT}
    assert limits.per_identifier is None


# One order ------------------------------------------------------------------------------------


async def test_a_broadcast_is_installed_in_the_cells_that_the_controller_names() -> None:
    bsc = FakeBsc(7, 8)
    async with city(bsc) as gateway:
        taken = await gateway.take(order(on_air(OLD)))
    (answer,) = taken.on_air
    assert (answer.said, answer.cells, answer.reason) == (Said.INSTALLED, 2, "")
    (write,) = bsc.writes()
    assert (write.identifier, write.serial, write.old) == (4370, 0x5550, None)
    assert (write.period, write.count, write.dcs) == (60, 100, 0)
    assert write.cells == cbsp.WHOLE_BSC
    assert [page.octets for page in write.pages] == list(broadcast().pages.octets)
    assert {page.length for page in write.pages} == {82}


async def test_an_endless_broadcast_asks_for_the_most_that_can_be_counted() -> None:
    bsc = FakeBsc(7)
    async with city(bsc) as gateway:
        await gateway.take(order(on_air(OLD), count=0))
    assert [write.count for write in bsc.writes()] == [65535]


async def test_the_same_order_again_is_there_already_and_no_second_alarm() -> None:
    bsc = FakeBsc(7, 8)
    async with city(bsc) as gateway:
        first = await gateway.take(order(on_air(OLD)))
        again = await gateway.take(order(on_air(OLD)))
    assert again.on_air == first.on_air
    assert bsc.kills() == []


async def test_only_2g_cells_are_asked_for_by_their_full_names() -> None:
    bsc = FakeBsc(7, 8)
    cells = (cell(7), cell(9, technology=Technology.LTE))
    async with city(bsc) as gateway:
        taken = await gateway.take(order(on_air(OLD), cells=cells))
    assert taken.on_air[0].cells == 1
    assert bsc.writes()[0].cells == CellList(Discriminator.CGI, (bsc.cells[0],))


async def test_an_area_without_2g_cells_is_refused_for_good() -> None:
    cells, bsc = (cell(9, technology=Technology.LTE),), FakeBsc(7)
    async with city(bsc) as gateway:
        await gateway.take(order(on_air(OLD)))
        with pytest.raises(Permanent, match="no cell of the area is a 2G cell"):
            await gateway.take(order(on_air(NEW), stops=[OLD], cells=cells))
    assert bsc.kills() == []  # an order that is refused has stopped nothing


async def test_cells_that_refuse_are_counted_by_cause_in_words() -> None:
    bsc = FakeBsc(7, 8, 9)
    bsc.refuses = {bsc.cells[1]: 0x0A, bsc.cells[2]: 0x0A}
    async with city(bsc) as gateway:
        (answer,) = (await gateway.take(order(on_air(OLD)))).on_air
    assert (answer.said, answer.cells) == (Said.INSTALLED, 1)
    assert answer.refused == {"the cell's broadcast channel is out of order": 2}


async def test_a_broadcast_that_every_cell_refuses_is_refused() -> None:
    bsc = FakeBsc(7, 8)
    bsc.room = 0
    async with city(bsc) as gateway:
        (answer,) = (await gateway.take(order(on_air(OLD)))).on_air
    assert (answer.said, answer.cells) == (Said.REFUSED, 0)
    assert answer.refused == {"no air time left": 2}


async def test_more_cells_than_a_request_can_name_are_said_and_not_sent() -> None:
    cells = tuple(cell(ci) for ci in range(9363))
    async with city(FakeBsc(7)) as gateway:
        with pytest.raises(Transient, match="cannot be written"):
            await gateway.take(order(on_air(OLD), cells=cells))


# Updates and stops ----------------------------------------------------------------------------


async def test_an_update_replaces_and_its_stop_has_nothing_left_to_do() -> None:
    bsc = FakeBsc(7, 8)
    async with city(bsc) as gateway:
        await gateway.take(order(on_air(OLD)))
        taken = await gateway.take(order(on_air(NEW, "Neu.", instead_of=OLD), stops=[OLD]))
    assert bsc.writes()[-1].old == int(OLD)
    assert (taken.on_air[0].said, taken.on_air[0].cells) == (Said.INSTALLED, 2)
    assert (taken.stopped[0].said, taken.stopped[0].cells) == (Said.INSTALLED, 2)
    assert {key for key, cells in bsc.on_air.items() if cells} == {(4370, int(NEW))}


async def test_an_update_of_a_text_that_is_gone_is_written_all_the_same() -> None:
    bsc = FakeBsc(7, 8)
    async with city(bsc) as gateway:
        await gateway.take(order(on_air(OLD), cells=(cell(7),)))
        taken = await gateway.take(order(on_air(NEW, "Neu.", instead_of=OLD), stops=[OLD]))
    assert (taken.on_air[0].said, taken.on_air[0].cells) == (Said.INSTALLED, 2)
    assert bsc.on_air[4370, int(NEW)] == set(bsc.cells)


async def test_an_update_of_what_ended_unnoticed_is_written_all_the_same() -> None:
    bsc = FakeBsc(7)
    async with city(bsc) as gateway:
        await gateway.take(order(on_air(OLD)))
        bsc.on_air.clear()
        taken = await gateway.take(order(on_air(NEW, "Neu.", instead_of=OLD), stops=[OLD]))
    assert taken.on_air[0].said is Said.INSTALLED
    assert [write.old for write in bsc.writes()] == [None, int(OLD), None]


async def test_what_was_there_before_us_gets_the_common_period_with_the_next_order() -> None:
    bsc = FakeBsc(7)
    async with city(bsc) as gateway:
        await gateway.take(order(on_air(OLD), slots=90))
        await gateway.close()  # as a restart of the program would
    async with city(bsc) as gateway:
        await gateway.take(order(on_air(OLD)))
        assert bsc.kills() == []
        await gateway.take(order(on_air(Serial(9, 0), "Zwei.")))
    assert [kill.old for kill in bsc.kills()] == [int(OLD)]
    assert [write.period for write in bsc.writes()[-2:]] == [60, 60]
    assert all(cells == set(bsc.cells) for cells in bsc.on_air.values())


async def test_a_text_that_found_no_room_gets_that_of_a_stopped_one() -> None:
    bsc = FakeBsc(7)
    bsc.room = 1
    async with city(bsc) as gateway:
        await gateway.take(order(on_air(OLD)))
        taken = await gateway.take(order(on_air(Serial(9, 0), "Anderes."), stops=[OLD]))
    assert taken.on_air[0].said is Said.INSTALLED
    assert taken.stopped[0].said is Said.INSTALLED


async def test_a_stop_comes_after_the_new_text() -> None:
    bsc = FakeBsc(7)
    async with city(bsc) as gateway:
        await gateway.take(order(on_air(OLD)))
        bsc.heard.clear()
        await gateway.take(order(on_air(Serial(9, 0), "Anderes."), stops=[OLD]))
    kinds = [type(m) for m in bsc.heard if isinstance(m, cbsp.Write | cbsp.Kill)]
    assert kinds == [cbsp.Write, cbsp.Kill]


async def test_an_unchanged_text_is_not_written_again() -> None:
    bsc = FakeBsc(7, 8)
    async with city(bsc) as gateway:
        first = await gateway.take(order(on_air(OLD)))
        again = await gateway.take(order(on_air(OLD, unchanged=True)))
    assert again.on_air == first.on_air
    assert len(bsc.writes()) == 1
    assert bsc.kills() == []


async def test_an_unchanged_text_with_a_later_end_is_renewed_under_its_own_number() -> None:
    bsc, clock = FakeBsc(7), SetClock()
    async with city(bsc, clock=clock) as gateway:
        await gateway.take(order(on_air(OLD), count=100))
        clock.time += timedelta(minutes=30)
        taken = await gateway.take(order(on_air(OLD, unchanged=True), count=200))
    assert taken.on_air[0].said is Said.INSTALLED
    assert [write.count for write in bsc.writes()] == [100, 200]
    assert {write.serial for write in bsc.writes()} == {int(OLD)}
    assert len(bsc.kills()) == 1


async def test_an_unchanged_text_whose_end_is_the_same_is_left_alone_later_too() -> None:
    bsc, clock = FakeBsc(7), SetClock()
    async with city(bsc, clock=clock) as gateway:
        await gateway.take(order(on_air(OLD), count=100))
        clock.time += timedelta(seconds=50 * 60 * 1.883)
        await gateway.take(order(on_air(OLD, unchanged=True), count=50))
    assert len(bsc.writes()) == 1


async def test_a_longer_text_comes_beside_the_old_one_before_that_is_stopped() -> None:
    bsc = FakeBsc(7)
    async with city(bsc) as gateway:
        await gateway.take(order(on_air(OLD)))
        longer = on_air(NEW, "Unwetter. " * 20, instead_of=OLD)
        taken = await gateway.take(order(longer, stops=[OLD]))
    assert taken.on_air[0].said is Said.INSTALLED
    assert bsc.writes()[-1].old is None
    assert {key for key, cells in bsc.on_air.items() if cells} == {(4370, int(NEW))}


async def test_all_that_is_on_air_has_one_period_that_holds_all_its_pages() -> None:
    bsc = FakeBsc(7)
    long = "Unwetter. " * 130
    async with city(bsc) as gateway:
        await gateway.take(order(on_air(Serial(1, 0), long), slots=20))
        taken = await gateway.take(order(on_air(Serial(2, 0), long), slots=20))
        assert taken.on_air[0].said is Said.INSTALLED
        kept, new = bsc.writes()[-2:]
        assert {kept.serial, new.serial} == {int(Serial(1, 0)), int(Serial(2, 0))}
        assert kept.period == new.period == 2 * len(new.pages) == 28
        # It ends as late as before, so it is sent less often.
        assert kept.count == math.ceil(100 * 20 / 28)
        assert [kill.old for kill in bsc.kills()] == [int(Serial(1, 0))]


async def test_a_new_period_leaves_the_room_to_what_was_there_and_tells_what_became_of_it() -> None:
    bsc, first, second = FakeBsc(7), Serial(1, 0), Serial(2, 0)
    wanted = [*running(on_air(first))]
    async with city(bsc) as gateway, aclosing(gateway.later(lambda: tuple(wanted))) as answers:
        assert (await next_of(answers)).said is Said.INSTALLED
        bsc.room = 1
        taken = await gateway.take(order(on_air(second, "Zwei."), slots=90))
        assert taken.on_air[0].said is Said.REFUSED
        assert {key for key, cells in bsc.on_air.items() if cells} == {(4370, int(first))}
        bsc.room = 0
        await gateway.take(order(on_air(second, "Zwei."), slots=120))
        lost = await next_of(answers)
    assert (lost.serial, lost.said) == (first, Said.REFUSED)
    assert lost.refused == {"no air time left": 1}


async def test_what_runs_is_put_on_air_again_with_one_period() -> None:
    bsc = FakeBsc(7)
    wanted = (
        *running(on_air(OLD)),
        *(replace(one, slots=90) for one in running(on_air(Serial(9, 0), "Zwei."))),
    )
    async with city(bsc) as gateway, aclosing(gateway.later(lambda: wanted)) as answers:
        assert {(await next_of(answers)).serial for _ in wanted} == {OLD, Serial(9, 0)}
    assert {write.period for write in bsc.writes()} == {90}


async def test_an_unchanged_text_that_the_controller_lost_is_written_again() -> None:
    bsc = FakeBsc(7)
    async with city(bsc) as gateway:
        await gateway.take(order(on_air(OLD)))
        bsc.restart()
        await asyncio.sleep(0.05)
        taken = await gateway.take(order(on_air(OLD, unchanged=True)))
    assert taken.on_air[0].said is Said.INSTALLED
    assert bsc.on_air[4370, int(OLD)] == set(bsc.cells)
