"""A lane's promises, kept on a real store against far sides that misbehave."""

import asyncio
import logging
import threading
import time
from datetime import timedelta

import apsw
import pytest

from broadcaster.delivery.contract import Receipt, State
from broadcaster.model.errors import Permanent, Problem, Transient, Unavailable, Unknown
from broadcaster.model.states import decode
from broadcaster.testing import HANG, NOON, SILENCE, Blocks, FlakyChannel
from tests.unit.delivery.lane_bench import HARMLESS, PUBLISHED, RECIPIENTS, Bench, until

BUSY = Problem("gateway", "is busy")


@pytest.fixture
async def bench(tmp_path):
    bench = Bench(tmp_path)
    yield bench
    await bench.close()


# ---- the ledger comes first ---------------------------------------------------------------------


async def test_the_attempt_is_in_the_store_before_the_channel_is_asked(bench, tmp_path):
    seen = []

    def look(batch):
        with apsw.Connection(
            str(tmp_path / "broadcaster.db"), flags=apsw.SQLITE_OPEN_READONLY
        ) as db:
            seen.extend(db.execute("SELECT state, states FROM chunk").fetchall())
        return [Receipt(key=d.key, state=State.ACCEPTED) for d in batch.deliveries]

    bench.lane("cells", look)
    await bench.start()
    await bench.commit("a.1", "cells")
    await bench.settles("a.1", {"accepted": 1})

    ((state, states),) = seen
    assert state == "leased"
    assert decode(states) == [State.ATTEMPTING]


async def test_without_a_ledger_nothing_is_sent_and_nothing_is_lost(bench):
    far = bench.lane("cells")
    full = Unavailable(Problem("database", "the disk is full"))
    progress, faults = bench.store.progress, [full, full]

    async def failing(*args, **kwargs):
        if faults:
            raise faults.pop()
        return await progress(*args, **kwargs)

    bench.store.progress = failing
    await bench.start()
    await bench.commit("a.1", "cells")
    await until(lambda: len(faults) == 1)
    assert far.attempts == []

    async def later():
        bench.advance(seconds=2)
        return not faults

    await until(later)
    bench.advance(seconds=2)
    await bench.settles("a.1", {"accepted": 1})
    assert len(far.attempts) == 1


async def test_a_lane_outlives_a_store_that_fails_for_a_while(bench, monkeypatch):
    monkeypatch.setattr("broadcaster.delivery.lane.PAUSE", 0.02)
    far = bench.lane("cells", State.ACCEPTED)
    full = Unavailable(Problem("database", "the disk is full"))
    claims, finishes = [full] * 4, [full] * 3
    claim, finish = bench.store.claim, bench.store.finish

    async def claiming(*args, **kwargs):
        if claims:
            raise claims.pop()
        return await claim(*args, **kwargs)

    async def finishing(*args, **kwargs):
        if finishes:
            raise finishes.pop()
        return await finish(*args, **kwargs)

    bench.store.claim, bench.store.finish = claiming, finishing
    await bench.start()
    await bench.commit("a.1", "cells")

    await bench.settles("a.1", {"accepted": 1})
    await bench.commit("a.2", "cells")
    await bench.settles("a.2", {"accepted": 1})
    assert len(far.attempts) == 2


# ---- typed outcomes -----------------------------------------------------------------------------


async def test_what_surely_was_not_sent_is_tried_again(bench):
    far = bench.lane("cells", Transient(BUSY), Transient(BUSY))
    await bench.start()
    await bench.commit("a.1", "cells")
    await until(lambda: len(far.attempts) == 1)
    await bench.settles("a.1", {"planned": 1})
    assert any("attempt 2 follows" in reason for reason in await bench.reasons("a.1"))

    await asyncio.sleep(0.05)
    assert len(far.attempts) == 1, "not before its time"
    bench.advance(seconds=2)
    await until(lambda: len(far.attempts) == 2)
    await bench.settles("a.1", {"planned": 1})
    bench.advance(seconds=4)

    await bench.settles("a.1", {"accepted": 1})
    assert len({batch.key for batch in far.attempts}) == 1
    assert len(far.handed_over) == 1


async def test_the_far_sides_retry_after_is_kept(bench):
    far = bench.lane("cells", Transient(BUSY, retry_after=600))
    await bench.start()
    await bench.commit("a.1", "cells")
    await bench.settles("a.1", {"planned": 1})
    await until(lambda: len(far.attempts) == 1)

    bench.advance(seconds=599)
    await asyncio.sleep(0.1)
    assert len(far.attempts) == 1
    bench.advance(seconds=2)
    await bench.settles("a.1", {"accepted": 1})


async def test_what_may_have_been_sent_is_not_sent_again(bench):
    far = bench.lane("cells", Unknown(BUSY))
    await bench.start()
    await bench.commit("a.1", "cells")
    await bench.settles("a.1", {"unknown": 1})

    bench.advance(hours=1)
    await asyncio.sleep(0.1)
    assert len(far.attempts) == 1
    assert any("not repeated" in reason for reason in await bench.reasons("a.1"))


async def test_where_repeating_is_harmless_it_is_asked_again_under_the_same_key(bench):
    far = bench.lane("cells", Unknown(BUSY), capabilities=HARMLESS)
    await bench.start()
    await bench.commit("a.1", "cells")
    await bench.settles("a.1", {"unknown": 1})
    bench.advance(seconds=2)

    await bench.settles("a.1", {"accepted": 1})
    assert [batch.key for batch in far.attempts] == ["a.1~cells~0~0~0-0"] * 2
    assert len(far.handed_over) == 1


async def test_a_later_refusal_does_not_take_back_what_may_have_been_sent(bench):
    far = bench.lane(
        "cells", Unknown(BUSY), Transient(BUSY, retry_after=3600), capabilities=HARMLESS
    )
    await bench.start()
    await bench.commit("a.1", "cells")
    await bench.settles("a.1", {"unknown": 1})
    bench.advance(seconds=2)
    await until(lambda: len(far.attempts) == 2)
    await bench.commit("a.2", "cells", thread="a.1", msg_type="Cancel")

    await bench.settles("a.2", {"accepted": 1})
    assert await bench.counts("a.1") == {"unknown": 1}


@pytest.mark.parametrize("last", [Permanent(BUSY), Transient(BUSY, retry_after=9 * 3600)], ids=str)
async def test_a_final_refusal_leaves_unknown_what_may_have_been_sent_before(bench, last):
    far = bench.lane("cells", Unknown(BUSY), last, capabilities=HARMLESS)
    await bench.start()
    await bench.commit("a.1", "cells")
    await bench.settles("a.1", {"unknown": 1})
    bench.advance(seconds=2)
    await until(lambda: len(far.attempts) == 2)
    await asyncio.sleep(0.1)

    assert await bench.counts("a.1") == {"unknown": 1}


async def test_no_answer_in_time_is_unknown(bench):
    bench.lane("cells", HANG, timeout=0.1)
    await bench.start()
    await bench.commit("a.1", "cells")

    await bench.settles("a.1", {"unknown": 1})
    assert any("no answer within" in reason for reason in await bench.reasons("a.1"))


async def test_a_refusal_is_final_and_keeps_its_words(bench):
    far = bench.lane("cells", Permanent(Problem("", "the far side knows no such area")))
    await bench.start()
    await bench.commit("a.1", "cells")

    await bench.settles("a.1", {"rejected": 1})
    bench.advance(hours=1)
    await asyncio.sleep(0.05)
    assert len(far.attempts) == 1
    assert "the far side knows no such area" in await bench.reasons("a.1")


async def test_silence_is_unknown_and_not_a_success(bench):
    bench.lane("cells", SILENCE)
    await bench.start()
    await bench.commit("a.1", "cells")

    await bench.settles("a.1", {"unknown": 1})


@pytest.mark.parametrize("claim", [State.DELIVERED, State.PLANNED, State.EXPIRED])
async def test_a_channel_that_says_more_than_it_can_know_is_not_believed(bench, claim):
    from dataclasses import replace

    from broadcaster.testing.channels import CAPABILITIES

    modest = replace(CAPABILITIES, confirms=frozenset({State.ACCEPTED}))
    bench.lane("cells", claim, capabilities=modest)
    await bench.start()
    await bench.commit("a.1", "cells")

    await bench.settles("a.1", {"unknown": 1})
    assert any("cannot know" in reason for reason in await bench.reasons("a.1"))


async def test_a_receipt_for_somebody_elses_delivery_confirms_nothing(bench):
    def wrong(batch):
        return [Receipt(key="other.alert~cells~0~0~0", state=State.ACCEPTED)]

    bench.lane("cells", wrong)
    await bench.start()
    await bench.commit("a.1", "cells")

    await bench.settles("a.1", {"unknown": 1})


async def test_a_bug_in_a_channel_is_told_as_one_without_its_message(bench, caplog):
    caplog.set_level(logging.DEBUG)
    far = bench.lane("cells", RuntimeError("cannot dial +4917139200011"))
    await bench.start()
    await bench.commit("a.1", "cells")

    await bench.settles("a.1", {"unknown": 1})
    assert await bench.reasons("a.1") == [
        "a bug in the channel (RuntimeError); see the log; not repeated,"
        " because it may have arrived"
    ]
    assert "bug in channel cells: RuntimeError" in caplog.text
    assert "39200" not in caplog.text
    assert len(far.attempts) == 1
    await bench.commit("a.2", "cells")
    await bench.settles("a.2", {"accepted": 1})


async def test_a_fault_before_the_attempt_is_told_and_tried_again(bench):
    far = bench.lane("cells")
    bench.shelf.fault = RuntimeError("+4917139200011")
    await bench.start()
    await bench.commit("a.1", "cells")
    await until(lambda: bench.moved)
    assert await bench.counts("a.1") == {"planned": 1}
    assert far.attempts == []

    bench.shelf.fault = None
    bench.advance(seconds=2)
    await bench.settles("a.1", {"accepted": 1})


# ---- recipients ---------------------------------------------------------------------------------


async def test_recipients_go_in_batches_with_keys_of_their_own(bench):
    far = bench.lane("texts", capabilities=RECIPIENTS)
    await bench.subscribe("texts", 120)
    await bench.start()
    await bench.commit("a.1", "texts", recipients=True)
    await bench.settles("a.1", {"accepted": 120})

    assert [len(batch.deliveries) for batch in far.attempts] == [50, 50, 20]
    assert [batch.key.rsplit("~", 1)[1] for batch in far.attempts] == ["0-49", "50-99", "100-119"]
    targets = [d.target for batch in far.attempts for d in batch.deliveries]
    assert len(set(targets)) == 120
    assert not any("39200" in d.key for batch in far.attempts for d in batch.deliveries)


async def test_a_batch_that_failed_is_repeated_and_those_before_it_are_not(bench):
    far = bench.lane("texts", State.ACCEPTED, Transient(BUSY), capabilities=RECIPIENTS)
    await bench.subscribe("texts", 120)
    await bench.start()
    await bench.commit("a.1", "texts", recipients=True)
    await bench.settles("a.1", {"accepted": 50, "planned": 70})
    bench.advance(seconds=2)
    await bench.settles("a.1", {"accepted": 120})

    given = [d.target for batch in far.handed_over for d in batch.deliveries]
    assert len(given) == len(set(given)) == 120
    assert far.attempts[1].key == far.attempts[2].key


async def test_one_rejected_number_is_named_by_reason_and_stops_no_other(bench):
    def one_bad(batch):
        return [
            Receipt(key=d.key, state=State.ACCEPTED)
            if i
            else Receipt(key=d.key, state=State.REJECTED, reason="no such number")
            for i, d in enumerate(batch.deliveries)
        ]

    bench.lane("texts", one_bad, capabilities=RECIPIENTS)
    await bench.subscribe("texts", 3)
    await bench.start()
    await bench.commit("a.1", "texts", recipients=True)

    await bench.settles("a.1", {"accepted": 2, "rejected": 1})
    assert await bench.reasons("a.1") == ["no such number"]


async def test_late_evidence_moves_states_forward_only(bench):
    far = bench.lane("texts", capabilities=RECIPIENTS)
    await bench.subscribe("texts", 2)
    await bench.start()
    await bench.commit("a.1", "texts", recipients=True)
    await bench.settles("a.1", {"accepted": 2})
    first, second = (d.key for d in far.attempts[0].deliveries)
    (channel,) = far.opened

    for key, state in [
        (first, State.DELIVERED),
        (first, State.SENT),
        (first, State.UNKNOWN),
        ("no key of ours", State.DELIVERED),
        (second.replace("~texts~", "~other~"), State.DELIVERED),
        (second, State.PLANNED),
        (second, State.SENT),
    ]:
        channel.say(Receipt(key=key, state=state))

    await bench.settles("a.1", {"delivered": 1, "sent": 1})


async def test_a_broken_stream_of_evidence_is_listened_to_again(bench, monkeypatch):
    monkeypatch.setattr("broadcaster.delivery.lane.PAUSE", 0.02)

    class Deaf(FlakyChannel):
        kind = "texts"
        can = RECIPIENTS
        breaks = 2

        async def receipts(self):
            if type(self).breaks:
                type(self).breaks -= 1
                raise ConnectionError("gone")
            async for receipt in super().receipts():
                yield receipt

    far = bench.lane("texts", kind=Deaf)
    await bench.subscribe("texts", 1)
    await bench.start()
    await bench.commit("a.1", "texts", recipients=True)
    await bench.settles("a.1", {"accepted": 1})
    far.opened[0].say(Receipt(key=far.attempts[0].deliveries[0].key, state=State.DELIVERED))

    await bench.settles("a.1", {"delivered": 1})


# ---- nobody delays anybody ----------------------------------------------------------------------


@pytest.mark.parametrize("trouble", [HANG, Blocks(1.5), RuntimeError("x")], ids=str)
async def test_a_channel_in_trouble_delays_no_other(bench, trouble):
    sick = bench.lane("sick", trouble, timeout=1.5)
    bench.lane("well")
    await bench.start()
    began = time.monotonic()
    await bench.commit("a.1", "sick", "well")

    await bench.settles("a.1", {"accepted": 1}, channel="well", within=1.0)
    assert time.monotonic() - began < 1.0

    async def tried():
        return bool(sick.attempts)

    await until(tried, 5)
    assert len(sick.attempts) == 1


async def test_a_channel_whose_own_tasks_were_cancelled_works_on(bench):
    def lost(batch):
        raise asyncio.CancelledError

    bench.lane("sick", lost)
    await bench.start()
    await bench.commit("a.1", "sick")
    await bench.settles("a.1", {"unknown": 1})
    await bench.commit("a.2", "sick")

    await bench.settles("a.2", {"accepted": 1})


async def test_a_channel_that_is_slow_to_open_works_as_soon_as_it_is_open(bench):
    from contextlib import asynccontextmanager

    opening = threading.Event()

    class Slow(FlakyChannel):
        kind = "slow"

        @classmethod
        @asynccontextmanager
        async def open(cls, settings, env):
            await asyncio.to_thread(opening.wait, 5)
            yield cls(env)

    lane = bench.lane("slow", kind=Slow, within=0.05)
    assert bench.lanes["slow"].trouble == "did not open within 0 s"
    await bench.start()
    await bench.commit("a.1", "slow")
    assert lane.attempts == []
    opening.set()

    await bench.settles("a.1", {"accepted": 1})


async def test_a_channel_that_does_not_open_is_told_and_delays_no_other(bench):
    from contextlib import asynccontextmanager

    class Broken(FlakyChannel):
        kind = "broken"

        @classmethod
        @asynccontextmanager
        async def open(cls, settings, env):
            raise Permanent(Problem("gateway", "the certificate has expired"))
            yield

    bench.lane("broken", kind=Broken)
    bench.lane("well")
    await bench.start()
    await bench.commit("a.1", "well")

    assert bench.lanes["broken"].trouble == "the certificate has expired"
    await bench.settles("a.1", {"accepted": 1})


async def test_the_most_urgent_overtakes_a_hundred_lesser_ones(bench):
    def slowly(batch):
        time.sleep(0.002)
        return [Receipt(key=d.key, state=State.ACCEPTED) for d in batch.deliveries]

    far = bench.lane("cells", *[slowly] * 200)
    for n in range(100):
        await bench.commit(f"lesser.{n}", "cells", priority=3)
    await bench.start()
    await until(lambda: len(far.attempts) >= 3)
    before = len(far.attempts)
    await bench.commit("extreme", "cells", priority=0)
    await bench.settles("extreme", {"accepted": 1})

    order = [batch.alert.identifier for batch in far.attempts]
    assert order.index("extreme") < before + 20
    assert order.index("extreme") < 90


async def test_the_most_urgent_need_not_wait_for_one_that_hangs(bench):
    bench.lane("cells", HANG, timeout=3)
    await bench.start()
    await bench.commit("lesser", "cells", priority=3)
    await bench.settles("lesser", {"attempting": 1})

    await bench.commit("extreme", "cells", priority=0)

    await bench.settles("extreme", {"accepted": 1}, within=1.0)


# ---- the end, the update, the cancel ------------------------------------------------------------


async def test_what_has_expired_is_never_sent(bench):
    far = bench.lane("cells")
    await bench.commit("a.1", "cells")
    bench.advance(hours=7)
    await bench.start()

    await bench.settles("a.1", {"expired": 1})
    assert far.attempts == []
    assert await bench.reasons("a.1") == ["the warning ended before this could be sent"]


async def test_what_expires_half_way_goes_to_nobody_else(bench):
    def then_it_ends(batch):
        bench.clock.advance(hours=7)
        return [Receipt(key=d.key, state=State.ACCEPTED) for d in batch.deliveries]

    far = bench.lane("texts", then_it_ends, capabilities=RECIPIENTS)
    await bench.subscribe("texts", 120)
    await bench.start()
    await bench.commit("a.1", "texts", recipients=True)

    await bench.settles("a.1", {"accepted": 50, "expired": 70})
    assert len(far.attempts) == 1


async def test_an_unknown_is_not_repeated_after_the_end(bench):
    far = bench.lane("cells", Unknown(BUSY), capabilities=HARMLESS)
    await bench.start()
    await bench.commit("a.1", "cells", expires=NOON + timedelta(minutes=1))
    await bench.settles("a.1", {"unknown": 1})
    bench.advance(minutes=2)
    await asyncio.sleep(0.2)

    assert len(far.attempts) == 1
    assert await bench.counts("a.1") == {"unknown": 1}


async def test_superseded_work_stops_within_one_batch(bench):
    gate = threading.Event()
    started = threading.Event()

    def waits(batch):
        started.set()
        gate.wait(5)
        return [Receipt(key=d.key, state=State.ACCEPTED) for d in batch.deliveries]

    far = bench.lane("texts", waits, capabilities=RECIPIENTS)
    await bench.subscribe("texts", 120)
    await bench.start()
    await bench.commit("a.1", "texts", recipients=True)
    await asyncio.to_thread(started.wait, 5)
    await bench.commit("a.2", "texts", recipients=True, thread="a.1", msg_type="Update")
    gate.set()

    await bench.settles("a.2", {"accepted": 120})
    assert await bench.counts("a.1") == {"accepted": 50, "superseded": 70}
    assert [b.alert.identifier for b in far.attempts] == ["a.1"] + ["a.2"] * 3
    assert far.attempts[1].replaces == ("a.1",)


async def test_an_update_goes_in_place_of_an_alert_that_has_not_left(bench):
    far = bench.lane("cells")
    await bench.commit("a.1", "cells")
    await bench.commit("a.2", "cells", thread="a.1", msg_type="Update")
    await bench.start()

    await bench.settles("a.2", {"accepted": 1})
    assert [batch.alert.identifier for batch in far.attempts] == ["a.2"]
    assert await bench.counts("a.1") == {"superseded": 1}


async def test_a_cancel_goes_where_the_warning_was_or_may_have_been_and_to_nobody_else(bench):
    outcomes = [
        State.ACCEPTED,
        State.SENT,
        State.DELIVERED,
        State.UNKNOWN,
        State.REJECTED,
        None,  # silence: unknown
    ]

    def mixed(batch):
        return [
            Receipt(key=d.key, state=state, reason="far side")
            for d, state in zip(batch.deliveries, outcomes, strict=True)
            if state
        ]

    far = bench.lane("texts", mixed, capabilities=RECIPIENTS)
    await bench.subscribe("texts", len(outcomes))
    await bench.start()
    await bench.commit("a.1", "texts", recipients=True)
    await bench.settles(
        "a.1", {"accepted": 1, "sent": 1, "delivered": 1, "unknown": 2, "rejected": 1}
    )
    await bench.subscribe("texts", len(outcomes) + 1)  # somebody new, who was never warned
    await bench.commit("a.2", "texts", recipients=True, thread="a.1", msg_type="Cancel")
    await bench.settles("a.2", {"accepted": 5, "superseded": 2})

    first, *ends = far.attempts
    told = {d.target for batch in ends for d in batch.deliveries}
    assert told == {first.deliveries[i].target for i in (0, 1, 2, 3, 5)}


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (State.ACCEPTED, True),
        (State.DELIVERED, True),
        (Unknown(BUSY), True),
        (Permanent(BUSY), False),
    ],
)
async def test_an_area_is_told_the_end_where_the_beginning_may_have_been_heard(bench, step, told):
    far = bench.lane("cells", step)
    await bench.start()
    await bench.commit("a.1", "cells")
    await until(lambda: len(far.attempts) == 1)

    async def over():
        return "planned" not in (n := await bench.counts("a.1")) and "attempting" not in n

    await until(over)
    await bench.commit("a.2", "cells", thread="a.1", msg_type="Cancel")

    await bench.settles("a.2", {"accepted": 1} if told else {"superseded": 1})
    assert (len(far.attempts) == 2) is told


async def test_the_end_of_a_warning_that_never_left_is_told_to_nobody(bench):
    far = bench.lane("cells")
    await bench.commit("a.1", "cells")
    await bench.commit("a.2", "cells", thread="a.1", msg_type="Cancel")
    await bench.start()

    await bench.settles("a.2", {"superseded": 1})
    assert far.attempts == []


async def test_a_later_situation_is_never_overwritten_by_an_earlier_one(bench):
    landed = []

    def land(batch):
        time.sleep(0.002)
        landed.append(int(batch.documents[0].data))
        return [Receipt(key=d.key, state=State.ACCEPTED) for d in batch.deliveries]

    bench.lane("pages", *[land] * 40, capabilities=PUBLISHED)
    await bench.start()
    for n in range(20):
        await bench.commit(f"a.{n}", "pages", priority=n % 2)
    for n in range(20):
        await bench.settles(f"a.{n}", {"accepted": 1})

    assert landed == sorted(landed)
    assert len(landed) == 20


# ---- stopping and starting ----------------------------------------------------------------------


async def test_what_was_in_the_air_at_a_stop_is_unknown_after_the_start(tmp_path):
    first = Bench(tmp_path)
    far = first.lane("cells", HANG, timeout=60)
    await first.start()
    await first.commit("a.1", "cells")
    await until(lambda: far.attempts)
    await first.close()

    second = Bench(tmp_path)
    assert await second.store.void_leases(NOON) == 1
    second.lane("cells", kind=far)
    await second.start()
    await second.settles("a.1", {"unknown": 1})
    await asyncio.sleep(0.05)
    assert len(far.attempts) == 1
    await second.close()


async def test_where_repeating_is_harmless_it_goes_on_after_the_start(tmp_path):
    first = Bench(tmp_path)
    far = first.lane("cells", HANG, timeout=60, capabilities=HARMLESS)
    await first.start()
    await first.commit("a.1", "cells")
    await until(lambda: far.attempts)
    await first.close()

    second = Bench(tmp_path)
    await second.store.void_leases(NOON)
    second.lane("cells", kind=far)
    await second.start()
    await second.settles("a.1", {"accepted": 1})
    assert len({batch.key for batch in far.attempts}) == 1
    await second.close()
