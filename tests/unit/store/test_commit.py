"""One commit makes an alert, its texts and its work true, or nothing of it."""

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta

import apsw
import pytest

from broadcaster.model.errors import Refused
from broadcaster.model.states import CODES, State, count
from broadcaster.store.port import Evidence, Remark
from broadcaster.store.sqlite import SqliteStore
from broadcaster.testing import IDENTIFIER, NOON
from tests.unit.store.store_examples import AREA, claim, follow, new_alert, phone, raw


@pytest.fixture
async def store(tmp_path):
    store = SqliteStore(tmp_path)
    yield store
    await store.close()


async def commit(store, alert, *, hold=False):
    await store.commit(alert, NOON, hold=hold, detail={"command": "test"})


def rows(folder, *tables):
    with apsw.Connection(str(folder / "broadcaster.db")) as db:
        return {t: db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in tables}


TABLES = ("alert", "rendition", "gap", "chunk", "audit")


async def test_a_commit_writes_alert_texts_gaps_work_and_audit_entry(store, tmp_path):
    await store.subscribe("texts", [phone(1)], NOON)
    await commit(store, new_alert())

    assert rows(tmp_path, *TABLES) == {"alert": 1, "rendition": 2, "gap": 1, "chunk": 2, "audit": 1}
    stored = await store.alert(IDENTIFIER)
    assert (stored.cap, stored.sent, stored.expires) == (
        new_alert().cap,
        NOON,
        NOON + timedelta(hours=6),
    )
    assert [row.text for row in await store.renditions(IDENTIFIER, "cells")] == ["Regen."]


@pytest.mark.parametrize("table", TABLES)
async def test_a_fault_in_the_middle_of_a_commit_leaves_nothing(store, tmp_path, table):
    await store.subscribe("texts", [phone(1)], NOON)
    db = raw(tmp_path)
    db.execute(
        f"CREATE TRIGGER fault BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'fault'); END"
    )

    with pytest.raises(apsw.ConstraintError, match="fault"):
        await commit(store, new_alert())

    assert set(rows(tmp_path, *TABLES).values()) == {0}
    db.execute("DROP TRIGGER fault")
    db.close()
    await commit(store, new_alert())
    assert await store.alert(IDENTIFIER)
    assert not await store.verify()


async def test_an_identifier_is_used_once(store):
    await commit(store, new_alert())

    with pytest.raises(Refused, match="exists already"):
        await commit(store, new_alert(hazard="heat"))

    assert (await store.alert(IDENTIFIER)).hazard == "heavy_rain"


async def test_a_foreign_alert_is_relayed_once(store):
    await commit(store, new_alert(origin="dwd@example.org,X1,2026-07-01T12:00:00+02:00"))

    with pytest.raises(Refused, match="relayed before"):
        await commit(
            store, new_alert("other", origin="dwd@example.org,X1,2026-07-01T12:00:00+02:00")
        )

    assert await store.alert("other") is None
    twin = await store.relayed("dwd@example.org,X1,2026-07-01T12:00:00+02:00")
    assert twin.identifier == IDENTIFIER


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM alert",
        "UPDATE alert SET cap = x'00'",
        "UPDATE alert SET identifier = 'x'",
        "UPDATE alert SET thread = 'x'",
        "UPDATE alert SET msg_type = 'Cancel'",
        "UPDATE alert SET status = 'Test'",
        "UPDATE alert SET sent = '2020-01-01T00:00:00+00:00'",
        "UPDATE alert SET digest = 'x'",
        "DELETE FROM audit",
        "UPDATE audit SET actor = 'nobody'",
    ],
)
async def test_sql_itself_refuses_to_change_what_was_committed(store, tmp_path, sql):
    await commit(store, new_alert())

    with (
        apsw.Connection(str(tmp_path / "broadcaster.db")) as db,
        pytest.raises(apsw.ConstraintError, match=r"never|append-only"),
    ):
        db.execute(sql)


async def test_an_alert_is_found_by_an_ending_only_one_has(store):
    await commit(store, new_alert("de-example.20260701T120000.aaaaaa"))
    await commit(store, new_alert("de-example.20260701T120001.baaaaa"))

    assert (await store.alert("0.aaaaaa")).identifier.endswith("0.aaaaaa")
    assert await store.alert("aaaaa") is None
    assert await store.alert("%aaa") is None
    assert await store.alert("aaa") is None


async def test_a_held_alert_has_no_work_until_it_is_released(store):
    await store.subscribe("texts", [phone(1)], NOON)
    await commit(store, new_alert(), hold=True)
    assert await claim(store, "cells") is None
    assert [one.identifier for one in await store.published("cells")] == []

    await store.release(IDENTIFIER, "B. Beispiel", NOON, {})

    assert (await claim(store, "cells")).alert == IDENTIFIER
    assert (await claim(store, "texts")).alert == IDENTIFIER
    with pytest.raises(Refused, match="waits for approval"):
        await store.release(IDENTIFIER, "B. Beispiel", NOON, {})


async def test_a_withdrawn_alert_never_gets_work(store):
    await commit(store, new_alert(), hold=True)
    await store.withdraw(IDENTIFIER, "A. Muster", NOON, "typing error")

    with pytest.raises(Refused):
        await store.release(IDENTIFIER, "B. Beispiel", NOON, {})
    with pytest.raises(Refused):
        await store.withdraw(IDENTIFIER, "A. Muster", NOON, "again")
    assert await claim(store, "cells") is None
    assert (await store.alert(IDENTIFIER)).withdrawn


async def test_nothing_is_claimed_before_its_release(store):
    await commit(store, new_alert(release=NOON + timedelta(hours=1)))

    assert await claim(store, "cells", now=NOON + timedelta(minutes=59)) is None
    assert await claim(store, "cells", now=NOON + timedelta(hours=1))
    assert await store.next_due(NOON) == NOON + timedelta(hours=1)


async def test_the_most_urgent_is_claimed_first_and_then_the_oldest(store):
    for name, priority in (("late.3", 3), ("old.1", 1), ("new.1", 1), ("test.6", 6), ("top.0", 0)):
        await commit(store, new_alert(name, priority=priority, sends=(AREA,)))

    order = []
    while chunk := await claim(store, "cells"):
        order.append(chunk.alert)

    assert order == ["top.0", "old.1", "new.1", "late.3", "test.6"]


async def test_the_urgent_worker_takes_nothing_else(store):
    await commit(store, new_alert("less.1", priority=1))
    assert await claim(store, "cells", urgent_only=True) is None

    await commit(store, new_alert("most.0", priority=0))
    assert (await claim(store, "cells", urgent_only=True)).alert == "most.0"


async def test_one_thread_is_worked_on_by_one_worker_at_a_time(store):
    await commit(store, new_alert("first", sends=(AREA,)))
    first = await claim(store, "cells")
    await commit(store, follow("second", "first", sends=(AREA,)))

    assert await claim(store, "cells") is None

    await store.finish(first, remarks=(), now=NOON, again=None, reason="")
    assert (await claim(store, "cells")).alert == "second"


async def test_an_update_takes_the_place_of_work_that_has_not_left(store):
    await commit(store, new_alert("first", sends=(AREA,)))
    await commit(store, follow("second", "first", sends=(AREA,)))

    assert (await claim(store, "cells")).alert == "second"
    assert await claim(store, "cells") is None
    ((line,), _) = await store.report("first")
    assert line.counts == {State.SUPERSEDED: 1}
    assert "newer alert" in line.reasons[0]


async def test_until_a_scheduled_update_is_released_the_warning_goes_on(store):
    await commit(store, new_alert(sends=(AREA,)))
    later = NOON + timedelta(hours=3)
    await commit(store, follow("u.1", IDENTIFIER, sends=(AREA,), release=later))

    chunk = await claim(store, "cells")
    assert chunk.alert == IDENTIFIER
    assert await store.progress(chunk, remarks=(), now=NOON, lease=30)
    again = NOON + timedelta(hours=4)
    await store.finish(chunk, remarks=(), now=NOON, again=again, reason="busy")

    assert await claim(store, "cells") is None
    assert (await claim(store, "cells", now=later)).alert == "u.1"


async def test_what_still_waits_when_a_scheduled_update_is_released_does_not_leave(store):
    await commit(store, new_alert(sends=(AREA,)))
    later = NOON + timedelta(hours=3)
    await commit(store, follow("u.1", IDENTIFIER, sends=(AREA,), release=later, priority=2))

    assert (await claim(store, "cells", now=later)).alert == "u.1"
    assert await claim(store, "cells", now=later) is None
    lines, _ = await store.report(IDENTIFIER)
    assert lines[0].counts == {State.SUPERSEDED: 1}


async def test_a_repeat_does_not_queue_behind_a_round_that_waits(store):
    await commit(store, new_alert(sends=(AREA,)))

    await store.republish(IDENTIFIER, ["cells"], "repeat 1", NOON, after_end=False)
    chunk = await claim(store, "cells")
    await store.finish(chunk, remarks=(), now=NOON, again=None, reason="")
    assert await claim(store, "cells") is None

    await store.republish(IDENTIFIER, ["cells"], "repeat 2", NOON, after_end=False)
    assert await claim(store, "cells") is not None


async def test_a_reference_finds_what_relays_it_however_it_writes_the_time(store):
    origin = "dwd@example.org,X.1,2026-07-01T12:00:00+02:00"
    await commit(store, new_alert(origin=origin))
    await commit(store, new_alert("held", origin="dwd@example.org,X.2,2026"), hold=True)
    await store.withdraw("held", "A. Muster", NOON, "")

    assert (await store.referred("dwd@example.org", "X.1")).identifier == IDENTIFIER
    assert (await store.referred("", "X.1")).identifier == IDENTIFIER
    for sender, name in [("other@example.org", "X.1"), ("", "X"), ("", ".1"), ("", "X.2")]:
        assert await store.referred(sender, name) is None


async def test_who_holds_superseded_work_is_told_to_stop_at_the_next_save(store):
    await commit(store, new_alert("first", sends=(AREA,)))
    chunk = await claim(store, "cells")
    assert await store.progress(chunk, remarks=(), now=NOON, lease=30)

    await commit(store, follow("second", "first", sends=(AREA,)))

    assert not await store.progress(chunk, remarks=(), now=NOON, lease=30)
    await store.finish(chunk, remarks=(), now=NOON, again=None, reason="")
    ((line,), _) = await store.report("first")
    assert line.counts == {State.SUPERSEDED: 1}


async def test_a_stale_fence_cannot_write(store):
    await commit(store, new_alert(sends=(AREA,)))
    stale = await claim(store, "cells")
    assert await store.void_leases(NOON) == 1
    fresh = await claim(store, "cells")

    stale.states = bytes([CODES[State.DELIVERED]])
    assert not await store.progress(
        stale, remarks=[Remark(0, State.DELIVERED, "a ghost")], now=NOON, lease=30
    )
    await store.finish(stale, remarks=(), now=NOON, again=None, reason="a ghost")

    ((line,), _) = await store.report(IDENTIFIER)
    assert line.counts == {State.PLANNED: 1}
    assert "a ghost" not in line.reasons
    assert await store.progress(fresh, remarks=(), now=NOON, lease=30)


async def test_after_a_crash_what_was_in_the_air_is_unknown_and_the_rest_waits(store):
    await store.subscribe("texts", [phone(n) for n in range(3)], NOON)
    await commit(store, new_alert())
    chunk = await claim(store)
    chunk.states = bytes([CODES[State.ACCEPTED], CODES[State.ATTEMPTING], CODES[State.PLANNED]])
    await store.progress(chunk, remarks=(), now=NOON, lease=30)

    assert await store.void_leases(NOON) == 1

    again = await claim(store)
    assert count(again.states) == {State.ACCEPTED: 1, State.UNKNOWN: 1, State.PLANNED: 1}
    assert list(again.recipients) == [2]


async def test_where_repeating_is_harmless_the_unknown_are_handed_out_again(store):
    await store.subscribe("texts", [phone(n) for n in range(2)], NOON)
    await commit(store, new_alert())
    chunk = await claim(store)
    chunk.states = bytes([CODES[State.ATTEMPTING], CODES[State.PLANNED]])
    await store.progress(chunk, remarks=(), now=NOON, lease=30)
    await store.void_leases(NOON)

    assert list((await claim(store, harmless=True)).recipients) == [0, 1]


async def test_late_evidence_moves_forward_only(store):
    await store.subscribe("texts", [phone(1)], NOON)
    await commit(store, new_alert())
    chunk = await claim(store)
    chunk.states = bytes([CODES[State.ATTEMPTING]])
    await store.progress(chunk, remarks=(), now=NOON, lease=30)
    chunk.states = bytes([CODES[State.ACCEPTED]])
    await store.finish(chunk, remarks=(), now=NOON, again=None, reason="")

    async def hear(state, position=0):
        one = Evidence(
            state=state,
            reason="far side",
            reference="r1",
            delivery=(IDENTIFIER, 0, chunk.segment, position),
        )
        return (await store.receive("texts", [one], NOON)).moved

    assert await hear(State.DELIVERED)
    assert not await hear(State.DELIVERED)
    assert not await hear(State.SENT)
    assert not await hear(State.ACCEPTED)
    assert not await hear(State.UNKNOWN)
    assert not await hear(State.DELIVERED, position=99)
    lines, _ = await store.report(IDENTIFIER)
    texts = next(line for line in lines if line.channel == "texts")
    assert texts.counts == {State.DELIVERED: 1}


async def test_evidence_that_comes_while_the_chunk_is_out_is_not_overwritten(store):
    await store.subscribe("texts", [phone(n) for n in range(2)], NOON)
    await commit(store, new_alert())
    chunk = await claim(store)
    chunk.states = bytes([CODES[State.ATTEMPTING], CODES[State.PLANNED]])
    await store.progress(chunk, remarks=(), now=NOON, lease=30)

    one = Evidence(state=State.DELIVERED, delivery=(IDENTIFIER, 0, chunk.segment, 0))
    assert (await store.receive("texts", [one], NOON)).moved
    chunk.states = bytes([CODES[State.ACCEPTED], CODES[State.ATTEMPTING]])
    await store.progress(chunk, remarks=(), now=NOON, lease=30)
    chunk.states = bytes([chunk.states[0], CODES[State.ACCEPTED]])
    await store.finish(chunk, remarks=(), now=NOON, again=None, reason="")

    lines, _ = await store.report(IDENTIFIER)
    texts = next(line for line in lines if line.channel == "texts")
    assert texts.counts == {State.DELIVERED: 1, State.ACCEPTED: 1}


async def test_a_round_is_planned_once_for_each_reason(store):
    await commit(store, new_alert(sends=(AREA,)))
    chunk = await claim(store, "cells")
    await store.finish(chunk, remarks=(), now=NOON, again=None, reason="")

    assert await store.republish(IDENTIFIER, ["cells"], "repeat 1", NOON, after_end=False)
    assert not await store.republish(IDENTIFIER, ["cells"], "repeat 1", NOON, after_end=False)
    assert (await claim(store, "cells")).round == 1
    assert await claim(store, "cells") is None
    assert await store.republish(IDENTIFIER, ["cells"], "expiry", NOON, after_end=True)


async def test_one_failing_job_takes_no_other_with_it(store):
    await commit(store, new_alert("taken"))
    gate = threading.Event()
    blocker = store._writer.submit(lambda db: gate.wait(5))  # so that the others pile up

    jobs = [
        asyncio.ensure_future(commit(store, new_alert(name)))
        for name in ("one", "taken", "two", "taken", "three")
    ]
    await asyncio.sleep(0.05)
    gate.set()
    outcomes = await asyncio.gather(*jobs, return_exceptions=True)

    assert blocker.result(5)
    assert [type(outcome) for outcome in outcomes] == [
        type(None),
        Refused,
        type(None),
        Refused,
        type(None),
    ]
    assert {a.identifier for a in await store.alerts()} == {"taken", "one", "two", "three"}
    assert not await store.verify()


async def test_a_caller_that_goes_away_stops_nobody_else(store):
    gate = threading.Event()
    store._writer.submit(lambda db: gate.wait(5))
    gone = asyncio.ensure_future(commit(store, new_alert("gone")))
    await asyncio.sleep(0.02)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    gate.set()

    await asyncio.wait_for(commit(store, new_alert("here")), 5)

    assert await store.alert("here")
    assert not await store.verify()


async def test_two_event_loops_use_it_at_once(store):
    async def many(prefix):
        for n in range(40):
            await commit(store, new_alert(f"{prefix}.{n}", sends=(AREA,)))
            await store.take_in(b"raw", "test", NOON)

    troubles = []

    def elsewhere():
        try:
            asyncio.run(many("other"))
        except BaseException as error:
            troubles.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    await many("this")
    await asyncio.to_thread(thread.join)

    assert troubles == []
    assert len(await store.alerts()) == 80
    assert not await store.verify()


async def test_what_was_stored_is_there_after_a_restart(tmp_path):
    first = SqliteStore(tmp_path)
    await commit(first, replace(new_alert(), draft='{"hazard": "heat"}', repeat_every=3600.0))
    await first.close()

    second = SqliteStore(tmp_path)
    stored = await second.alert(IDENTIFIER)
    assert (stored.draft, stored.repeat_every) == ('{"hazard": "heat"}', 3600.0)
    assert (await claim(second, "cells")).alert == IDENTIFIER
    assert not await second.verify()
    await second.close()
