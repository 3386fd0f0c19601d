"""What runs beside a lane's work, and whom the work passes over because they left."""

import asyncio
import logging
import threading
from dataclasses import replace

from broadcaster.delivery.contract import Receipt, State
from broadcaster.model.errors import Problem, Transient, Unknown
from broadcaster.store.port import Subscription
from broadcaster.testing import NOON
from tests.unit.delivery.lane_bench import HARMLESS, RECIPIENTS, Bench, until


def wish(n, **changes):
    values = {"language": "de", "variant": "standard", **changes}
    return Subscription(address=f"+4917139200{n:05}", **values)


async def test_a_companion_runs_in_the_channels_loop_until_the_lane_is_closed(tmp_path):
    bench = Bench(tmp_path)
    seen, ended = [], threading.Event()

    async def companion(channel):
        seen.append((channel, threading.current_thread().name))
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    kind = bench.lane("texts", capabilities=RECIPIENTS)
    bench.lanes["texts"].accompany(companion)
    await bench.start()
    await until(lambda: seen)
    assert seen == [(kind.opened[0], "lane-texts")]
    await bench.close()
    assert ended.is_set()


async def test_a_companion_that_fails_is_begun_again_and_tells_no_number(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr("broadcaster.delivery.lane.PAUSE", 0.01)
    bench = Bench(tmp_path)
    begun = []

    async def companion(channel):
        begun.append(channel)
        if len(begun) < 3:
            raise KeyError(wish(1).address)

    far = bench.lane("texts", capabilities=RECIPIENTS)
    bench.lanes["texts"].accompany(companion)
    await bench.start()
    await until(lambda: len(begun) == 3)
    assert "39200" not in caplog.text
    await bench.commit("a.1", "texts", recipients=True)  # and the lane works on
    assert far.attempts == []
    await bench.close()


async def test_whoever_moves_to_another_language_meanwhile_is_told_from_the_old_place(tmp_path):
    bench = Bench(tmp_path)
    first, go_on = threading.Event(), threading.Event()

    def hold(batch):
        first.set()
        go_on.wait(5)
        return [Receipt(key=d.key, state=State.ACCEPTED) for d in batch.deliveries]

    far = bench.lane("texts", hold, capabilities=RECIPIENTS)
    await bench.store.subscribe("texts", [wish(n) for n in range(120)], NOON)
    await bench.start()
    await bench.commit("a.1", "texts", recipients=True)
    await asyncio.to_thread(first.wait, 5)
    await bench.store.subscribe("texts", [wish(100, language="tr")], NOON)
    await bench.store.unsubscribe("texts", wish(101).address)
    go_on.set()

    await bench.settles("a.1", {"accepted": 119})
    told = [d.target for batch in far.attempts for d in batch.deliveries]
    assert wish(100).address in told
    assert wish(101).address not in told
    await bench.close()


async def test_what_may_have_reached_somebody_who_left_stays_in_the_record(tmp_path):
    bench = Bench(tmp_path)
    busy = Problem("gateway", "is busy")
    bench.lane(
        "texts",
        Unknown(busy),
        Transient(busy),
        capabilities=replace(HARMLESS, addressing=RECIPIENTS.addressing, max_batch=50),
    )
    await bench.store.subscribe("texts", [wish(n) for n in range(2)], NOON)
    await bench.start()
    await bench.commit("a.1", "texts", recipients=True)
    await bench.settles("a.1", {"unknown": 2})
    await bench.store.unsubscribe("texts", wish(1).address)
    for _ in range(3):
        bench.advance(seconds=30)
        await asyncio.sleep(0.05)

    await bench.settles("a.1", {"accepted": 1, "unknown": 1})
    await bench.close()


async def test_late_evidence_about_an_answer_is_no_cause_for_alarm(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    bench = Bench(tmp_path)
    far = bench.lane("texts", capabilities=RECIPIENTS)
    await bench.start()
    for key in ("said.00ff", "code.00ff", "nonsense"):
        far.opened[0].say(Receipt(key=key, state=State.DELIVERED))
    await until(lambda: "names no delivery" in caplog.text)
    assert caplog.text.count("names no delivery") == 1
    await bench.close()
