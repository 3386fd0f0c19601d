"""Calls that osmo-cbc never answers, and an osmo-cbc that is gone."""

from __future__ import annotations

import asyncio
import time

import pytest

from broadcaster.model.errors import Transient, Unknown
from channels.cell_broadcast.order import (
    Said,
    Stop,
)
from tests.unit.channels.fake_osmo_cbc import Peer
from tests.unit.channels.osmo_bench import (
    FIRST,
    OTHER,
    SCALE,
    SECOND,
    SOON,
    bench,
    on_air,
    running,
)


async def test_after_silence_a_second_post_decides() -> None:
    async with bench(Peer("bsc"), vty=True) as at:
        at.cbc.habits["POST"].append("lost")
        [answer] = await at.take(on_air(4370))
        assert answer.said is Said.ACCEPTED
        assert at.methods == ["POST", "POST"]


async def test_after_silence_a_conflict_alone_is_no_proof_that_the_text_is_ours() -> None:
    async with bench(Peer("bsc")) as at:
        await at.take(on_air(4370, OTHER))
        at.cbc.habits["POST"].append("deaf")  # the refusal itself is what was not answered
        [answer] = await at.take(on_air(4370))
        assert answer.said is Said.ACCEPTED
        assert at.cbc.peers[0].sends == {4370: int(FIRST)}


async def test_after_a_clearing_a_conflict_is_our_own_unanswered_call() -> None:
    async with bench(Peer("bsc")) as at:
        await at.take(on_air(4370))
        at.cbc.habits["POST"].append("lost")
        [answer] = await at.take(on_air(4370, SECOND, "Neu.", instead_of=FIRST))
        assert answer.said is Said.ACCEPTED
        assert at.methods == ["POST", "DELETE", "POST", "POST"]
        assert at.cbc.peers[0].sends == {4370: int(SECOND)}


async def test_a_deletion_without_answer_is_decided_by_the_post_that_follows() -> None:
    async with bench(Peer("bsc")) as at:
        await at.take(on_air(4370))
        at.cbc.habits["DELETE"].append("lost")
        [answer] = await at.take(on_air(4370, SECOND, "Neu.", instead_of=FIRST))
        assert answer.said is Said.ACCEPTED
        assert at.methods == ["POST", "DELETE", "POST"]


async def test_a_deletion_that_was_not_heard_is_repeated() -> None:
    async with bench(Peer("bsc")) as at:
        await at.take(on_air(4370))
        at.cbc.habits["DELETE"].append("deaf")
        [answer] = await at.take(on_air(4370, SECOND, "Neu.", instead_of=FIRST))
        assert answer.said is Said.ACCEPTED
        assert at.cbc.peers[0].sends == {4370: int(SECOND)}


async def test_two_unanswered_posts_are_unknown() -> None:
    async with bench(Peer("bsc")) as at:
        at.cbc.habits["POST"].extend(["deaf", "deaf"])
        with pytest.raises(Unknown, match="nobody can tell what it has on air"):
            await at.take(on_air(4370))


async def test_only_what_is_undecided_is_unknown() -> None:
    async with bench(Peer("bsc")) as at:
        await at.take(on_air(4383))
        at.cbc.habits["POST"].extend([None, "deaf", "deaf"])
        known, unknown = await at.take(on_air(4370), on_air(4383, SECOND, instead_of=FIRST))
    assert (known.said, unknown.said) == (Said.ACCEPTED, Said.UNKNOWN)
    assert unknown.reason == ("the gateway did not answer; the text that was there is off the air")


async def test_without_a_console_a_text_that_was_not_answered_is_asked_again_and_told() -> None:
    async with bench(Peer("bsc")) as at:
        at.cbc.habits["POST"].extend([None, "deaf", "deaf"])
        items = on_air(4370), on_air(4383)
        _, unknown = await at.take(*items)
        assert unknown.said is Said.UNKNOWN
        at.meant = [running(item) for item in items]
        async with at.watching():
            await at.until(lambda: at.told)
            assert at.cbc.peers[0].sends == {4370: int(FIRST), 4383: int(FIRST)}
            calls = len(at.methods)
            await asyncio.sleep(4 * SOON)
            assert len(at.methods) == calls
    [answer] = at.told
    assert (answer.identifier, answer.said) == (4383, Said.ACCEPTED)


async def test_without_a_console_a_text_that_had_arrived_unanswered_is_there_once() -> None:
    async with bench(Peer("bsc")) as at:
        at.cbc.habits["POST"].extend([None, "lost", "deaf"])
        items = on_air(4370), on_air(4383)
        await at.take(*items)
        at.meant = [running(item) for item in items]
        async with at.watching():
            await at.until(lambda: at.told)
        assert at.cbc.peers[0].sends == {4370: int(FIRST), 4383: int(FIRST)}
    assert at.told[0].said is Said.ACCEPTED


@pytest.mark.parametrize("habit", ["cut", "cut deaf"])
async def test_a_connection_that_breaks_is_decided_by_a_second_call(habit: str) -> None:
    async with bench(Peer("bsc"), vty=True) as at:
        at.cbc.habits["POST"].append(habit)
        [answer] = await at.take(on_air(4370))
        assert answer.said is Said.ACCEPTED
        assert at.cbc.peers[0].sends == {4370: int(FIRST)}


async def test_a_dead_gateway_is_a_quick_transient_failure() -> None:
    async with bench(Peer("bsc")) as at:
        await at.cbc.kill()
        began = time.monotonic()
        with pytest.raises(Transient, match="does not answer, and nothing was sent"):
            await at.take(on_air(4370), on_air(4383), on_air(919))
        with pytest.raises(Transient):
            await at.take(stops=(Stop(4370, FIRST, "alert-1"),))
        with pytest.raises(Transient):
            await at.gateway.ping()
        assert time.monotonic() - began < 0.5


async def test_a_gateway_that_dies_during_an_update_leaves_nothing_unsaid() -> None:
    async with bench(Peer("bsc")) as at:
        await at.take(on_air(4370))
        at.cbc.habits["DELETE"].append("lost")
        update = asyncio.ensure_future(at.take(on_air(4370, SECOND, "Neu.", instead_of=FIRST)))
        await at.until(lambda: not at.cbc.peers[0].sends)
        await at.cbc.kill()
        with pytest.raises(Transient, match="nothing was sent"):
            await update


async def test_slow_identifiers_do_not_wait_for_each_other() -> None:
    async with bench(Peer("bsc", answers=False)) as at:
        began = time.monotonic()
        await at.take(on_air(4370), on_air(4383), on_air(919))
        assert time.monotonic() - began < 2 * 10 * SCALE
