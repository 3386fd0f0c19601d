"""Release, repeat and expiry: each on time, each once, also across restarts."""

import asyncio

import pytest

from broadcaster.testing import NOON
from tests.unit.app.desk_bench import HEAT, WORST, Office


@pytest.fixture
async def office(tmp_path):
    office = await Office(tmp_path).open()
    await office.subscribe()
    yield office
    await office.close()


async def look(office):
    """One look at the timetable, and time for the lanes to do what it found."""
    due = await office.app.timetable.tick()
    for _ in range(100):
        await asyncio.sleep(0.02)
        reports = [
            await office.app.store.report(a.identifier) for a in await office.app.store.alerts()
        ]
        now = office.clock.now()
        released = [a for a in await office.app.store.alerts() if a.release <= now]
        if not released or not any(
            state in ("planned", "attempting")
            for lines, _ in reports
            for line in lines
            for state in line.counts
        ):
            break
    await asyncio.sleep(0.05)
    return due


def rounds(office, kind):
    return [int(batch.key.split("~")[2]) for batch in getattr(office, kind).attempts]


async def test_a_scheduled_alert_leaves_at_its_time_and_not_before(office):
    found, _ = await office.ask("issue", fields={**HEAT, "release": "15:00"}, wait=0.1)
    identifier = found[1]["identifier"]
    due = await look(office)
    assert (office.left(), due) == ([], NOON.replace(hour=15))
    assert (await office.result("list"))["alerts"][0]["state"] == "scheduled"

    office.clock.advance(hours=2, minutes=59)
    await look(office)
    assert office.left() == []

    office.clock.advance(minutes=1)
    await look(office)
    assert [b.alert.identifier for b in office.phones.attempts] == [identifier]


async def test_a_release_that_came_while_nothing_ran_is_made_at_the_next_start(office):
    await office.ask("issue", fields={**HEAT, "release": "15:00"}, wait=0.1)
    await office.close()
    office.clock.advance(hours=4)
    await office.open()
    await look(office)

    assert len(office.phones.attempts) == 1
    await office.restart()
    await look(office)
    assert len(office.phones.attempts) == 1


async def test_a_repeat_reaches_phones_again_once_a_round(office):
    await office.does("issue", fields={**HEAT, "repeat": "1h"})
    assert rounds(office, "phones") == [0]

    for _ in range(3):
        await look(office)
    assert rounds(office, "phones") == [0]

    office.clock.advance(hours=1)
    for _ in range(3):
        await look(office)
    assert rounds(office, "phones") == [0, 1]
    assert rounds(office, "site") == [0], "what stands there need not be repeated"


async def test_missed_rounds_are_not_made_up_for_all_at_once(office):
    await office.does("issue", fields={**HEAT, "repeat": "1h"})
    await office.close()
    office.clock.advance(hours=3, minutes=30)
    await office.open()
    await look(office)
    await office.restart()
    await look(office)

    assert len(office.phones.attempts) == 2
    due = await office.app.timetable.tick()
    assert due == NOON.replace(hour=16)


async def test_the_end_is_published_once_and_disturbs_nobody(office):
    await office.does("issue", fields=HEAT)
    office.clock.advance(hours=6)
    for _ in range(2):
        await look(office)
        await office.restart()
    await look(office)

    assert len(office.site.attempts) == 2
    assert len(office.phones.attempts) == 1
    again = [e for e in await office.app.store.audit() if e.action == "again: expiry"]
    assert len(again) == 1
    assert await office.app.store.verify() == []


async def test_a_cancelled_warning_is_repeated_no_more(office):
    first = await office.does("issue", fields={**HEAT, "repeat": "1h"})
    office.clock.advance(minutes=10)
    await office.does("cancel", id=first, reason="over")
    before = len(office.phones.attempts)
    office.clock.advance(hours=2)
    await look(office)

    assert len(office.phones.attempts) == before


async def test_a_replaced_warning_is_repeated_no_more(office):
    first = await office.does("issue", fields={**HEAT, "repeat": "1h"})
    office.clock.advance(minutes=10)
    second = await office.does("update", id=first, fields={"repeat": ""})
    office.clock.advance(hours=2)
    await look(office)

    assert [b.alert.identifier for b in office.phones.attempts] == [first, second]


async def test_a_held_alert_is_neither_repeated_nor_ended(office):
    await office.does("issue", fields={**WORST, "repeat": "1h"})
    office.clock.advance(hours=7)
    await look(office)

    assert office.left() == []


async def test_a_cancel_that_was_withdrawn_ends_no_repeats(office):
    first = await office.does("issue", fields={**WORST, "repeat": "1h"}, break_glass="alone")
    office.clock.advance(minutes=10)
    cancel = await office.does("cancel", id=first, reason="a mistake")
    standing = {a["identifier"]: a["state"] for a in (await office.result("list"))["alerts"]}
    assert standing == {cancel: "held", first: "in_force"}
    await office.ask("withdraw", id=cancel, reason="it was one")
    assert (await office.result("status", id=first))["state"] == "in_force"
    office.clock.advance(hours=1)
    await look(office)

    assert rounds(office, "phones") == [0, 1]


async def test_a_scheduled_alert_is_no_failure_and_nobody_waits_for_it(office):
    found, code = await office.ask("issue", fields={**HEAT, "release": "15:00"}, wait=5)

    report = found[-2]["result"]
    assert (code, report["outcome"], report["settled"]) == (3, "waiting", True)


async def test_the_next_look_is_at_the_next_release_repeat_or_end(office):
    assert await office.app.timetable.tick() is None
    await office.does("issue", fields=HEAT)
    assert await office.app.timetable.tick() == NOON.replace(hour=18)
    await office.does("issue", fields={**HEAT, "repeat": "2h"})
    assert await office.app.timetable.tick() == NOON.replace(hour=14)
    office.clock.advance(hours=7)
    await look(office)
    assert await office.app.timetable.tick() is None
