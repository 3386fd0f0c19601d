"""Many phones: receipts by the thousand, an end that comes in the middle, people who leave."""

import asyncio
import time

import pytest

from broadcaster.delivery.contract import Receipt, State
from broadcaster.model.errors import Problem, Unavailable
from broadcaster.store.port import Evidence
from broadcaster.testing import FlakyChannel
from tests.unit.delivery.lane_bench import RECIPIENTS, Bench, until


@pytest.fixture
async def bench(tmp_path):
    bench = Bench(tmp_path)
    yield bench
    await bench.close()


def delivered(name):
    """A receipt of a driver that takes the next one's asking for the answer."""
    return Receipt(key="", state=State.DELIVERED, reference=name)


def answered(answers):
    """Receipts that note in ``answers`` when they were answered."""

    def report(name):
        async def kept():
            answers.append(name)

        return Receipt(key="", state=State.DELIVERED, reference=name, kept=kept)

    return report


def reporting(bench, parts=2, *, report, order=lambda ids: ids, **kind):
    """A far side that gives every part an id and reports on each of them under it alone."""
    queue = asyncio.Queue()

    class Reporting(FlakyChannel.kind_of("texts", capabilities=RECIPIENTS, **kind)):
        async def send(self, batch):
            await super().send(batch)
            found, told = [], []
            for delivery in batch.deliveries:
                ids = tuple(f"{delivery.key}#{n}" for n in range(parts))
                told += ids
                found.append(Receipt(key=delivery.key, state=State.ACCEPTED, parts=ids))
            for name in order(told):
                queue.put_nowait(report(name))
            # The receipts are heard before the outcome is known.
            await asyncio.sleep(0.002)
            return found

        async def receipts(self):
            while True:
                yield await queue.get()

    bench.lane("texts", kind=Reporting)
    return Reporting


@pytest.mark.parametrize("parts", [1, 3])
async def test_every_text_is_delivered_when_all_its_parts_are_reported(bench, parts):
    answers = []
    reporting(bench, parts, report=answered(answers), order=lambda ids: ids[::-1])
    await bench.subscribe("texts", 1_300)
    await bench.start()
    await bench.commit("a.1", "texts", recipients=True)

    await bench.settles("a.1", {"delivered": 1_300}, within=20)
    assert await bench.store.tally("texts") == {}
    await until(lambda: len(answers) == 1_300 * parts)


async def test_without_an_answer_of_its_own_a_receipt_is_safe_before_the_next_is_taken(bench):
    taken, stored = [], []

    class Careful(FlakyChannel.kind_of("texts", capabilities=RECIPIENTS)):
        async def receipts(self):
            for name in ("a", "b", "c"):
                taken.append((name, list(stored)))
                yield delivered(name)

    receive = bench.store.receive

    async def receiving(channel, evidence, now):
        learnt = await receive(channel, evidence, now)
        stored.extend(one.reference for one in evidence)
        return learnt

    bench.store.receive = receiving
    bench.lane("texts", kind=Careful)
    await bench.start()

    await until(lambda: len(stored) == 3)
    assert taken == [("a", []), ("b", ["a"]), ("c", ["a", "b"])]


async def test_no_far_side_is_answered_before_its_receipt_is_stored(bench):
    answers, seen = [], []
    reporting(bench, 1, report=answered(answers))
    receive = bench.store.receive

    async def receiving(channel, evidence, now):
        seen.append(not set(answers) & {one.reference for one in evidence})
        return await receive(channel, evidence, now)

    bench.store.receive = receiving
    await bench.subscribe("texts", 100)
    await bench.start()
    await bench.commit("a.1", "texts", recipients=True)

    await until(lambda: len(answers) == 100)
    assert seen
    assert all(seen)


async def test_receipts_are_stored_many_at_a_time_and_none_is_lost_while_the_disk_is_full(bench):
    reporting(bench, 1, report=answered([]))
    batches, faults = [], [Unavailable(Problem("database", "the disk is full"))]
    receive = bench.store.receive

    async def receiving(channel, evidence, now):
        if faults:
            raise faults.pop()
        assert all(isinstance(one, Evidence) for one in evidence)
        batches.append(len(evidence))
        return await receive(channel, evidence, now)

    bench.store.receive = receiving
    await bench.subscribe("texts", 1_000)
    await bench.start()
    await bench.commit("a.1", "texts", recipients=True)

    await bench.settles("a.1", {"delivered": 1_000}, within=20)
    assert sum(batches) == 1_000
    assert len(batches) < 100


async def test_a_cancel_stops_what_has_not_left_within_a_second(bench):
    left = []

    class Slow(FlakyChannel.kind_of("texts", capabilities=RECIPIENTS)):
        async def send(self, batch):
            await asyncio.sleep(0.05)
            left.append((time.monotonic(), batch.alert.identifier))
            return [Receipt(key=d.key, state=State.ACCEPTED) for d in batch.deliveries]

    bench.lane("texts", kind=Slow)
    await bench.subscribe("texts", 5_000)
    await bench.start()
    await bench.commit("a.1", "texts", recipients=True)
    await until(lambda: len(left) > 3)
    await bench.commit("a.2", "texts", recipients=True, thread="a.1", msg_type="Cancel")
    stopped = time.monotonic()

    await until(lambda: left[-1][1] == "a.2")
    last = max(at for at, name in left if name == "a.1")
    told = [name for _, name in left].count("a.1") * 50
    assert last - stopped < 1.0
    await bench.settles("a.2", {"accepted": told, "superseded": 5_000 - told}, within=20)
    assert await bench.counts("a.1") == {"accepted": told, "superseded": 5_000 - told}


async def test_what_waits_past_the_end_is_dropped_counted_and_shown(bench):
    bench.lane("texts", capabilities=RECIPIENTS)
    await bench.subscribe("texts", 700)
    await bench.commit("a.1", "texts", recipients=True)
    bench.clock.advance(hours=7)
    await bench.start()

    await bench.settles("a.1", {"expired": 700})
    assert await bench.reasons("a.1") == ["the warning ended before this could be sent"]


async def test_who_leaves_while_the_queue_is_worked_off_is_not_told(bench):
    gate, told = asyncio.Event(), []

    class Waiting(FlakyChannel.kind_of("texts", capabilities=RECIPIENTS)):
        async def send(self, batch):
            told.extend(d.target for d in batch.deliveries)
            await until(gate.is_set)  # the event belongs to another loop
            return [Receipt(key=d.key, state=State.ACCEPTED) for d in batch.deliveries]

    bench.lane("texts", kind=Waiting)
    await bench.subscribe("texts", 1_200)
    await bench.start()
    await bench.commit("a.1", "texts", recipients=True)
    await until(lambda: told)
    # One in the chunk that is being worked off, one in a chunk that waits.
    for place in (400, 1_100):
        assert await bench.store.unsubscribe("texts", f"+4917139200{place:05}")
    gate.set()

    await bench.settles("a.1", {"accepted": 1_198})
    assert len(told) == 1_198
    assert not {"+4917139200400", "+4917139201100"} & set(told)
