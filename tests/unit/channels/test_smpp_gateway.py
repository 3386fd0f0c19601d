"""The SMPP driver on SMSCs that answer, refuse, throttle, keep silent and go away."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from datetime import timedelta

import pytest

from broadcaster.delivery.contract import State
from broadcaster.model.errors import Permanent, Transient
from channels.sms.gateway import Recipient
from channels.sms.gateways.smpp import pdu
from channels.sms.gateways.smpp.pdu import Address, Command, Message
from tests.peers.fake_smsc import FakeSmsc, fake_smsc
from tests.unit.channels.smpp_bench import (
    NOW,
    ear,
    opened,
    parts,
    phone,
    route,
    submission,
    until,
)


def numbers(messages: list[Message]) -> Counter[str]:
    return Counter(f"+{message.destination.digits}" for message in messages)


async def test_every_segment_goes_to_every_recipient_as_it_was_encoded() -> None:
    async with fake_smsc() as smsc, opened(route(smsc)) as gateway:
        said = await gateway.submit(submission(3, segments=parts(2), data_coding=8))
    assert [one.state for one in said] == [State.ACCEPTED] * 3
    assert [one.key for one in said] == ["key-0", "key-1", "key-2"]
    assert said[1].parts == ("north:id-000003", "north:id-000004")
    assert said[1].reference == "north:id-000003"
    assert [message.octets for message in smsc.taken] == parts(2) * 3
    first = smsc.taken[0]
    assert first.source == Address("Dortmund", 5, 0)
    assert first.destination == Address(phone(0)[1:], 1, 1)
    assert (first.esm_class, first.data_coding, first.priority) == (0x40, 8, 3)
    assert first.validity == "000000060000000R"
    assert {message.registered for message in smsc.taken} == {1}


@pytest.mark.parametrize(
    ("sender", "address"),
    [
        (None, Address("", 0, 0)),
        ("Dortmund", Address("Dortmund", 5, 0)),
        ("+4923123125", Address("4923123125", 1, 1)),
        ("80888", Address("80888", 3, 0)),
    ],
)
async def test_a_sender_gets_the_type_that_it_looks_like(
    sender: str | None, address: Address
) -> None:
    async with fake_smsc() as smsc, opened(route(smsc)) as gateway:
        await gateway.submit(submission(sender=sender))
    assert smsc.taken[0].source == address


async def test_a_refused_recipient_is_told_why_and_the_others_get_their_text() -> None:
    async with fake_smsc() as smsc, opened(route(smsc)) as gateway:
        accept = smsc.answer
        smsc.answer = lambda message: (
            (0x0B, "") if f"+{message.destination.digits}" == phone(1) else accept(message)
        )
        said = await gateway.submit(submission(3))
    assert [one.state for one in said] == [State.ACCEPTED, State.REJECTED, State.ACCEPTED]
    assert said[1].reason == "the number is not valid (ESME_RINVDSTADR)"


async def test_one_refused_segment_refuses_the_text_and_stops_its_rest() -> None:
    async with fake_smsc() as smsc, opened(route(smsc, window=1)) as gateway:
        accept = smsc.answer
        smsc.answer = lambda message: (0x45, "") if message.octets[5] == 2 else accept(message)
        (said,) = await gateway.submit(submission(segments=parts(4)))
    assert said.state is State.REJECTED
    assert said.reason == (
        "segment 2 of 4: the submission failed (ESME_RSUBMITFAIL); 1 of 4 segments were taken"
    )
    assert len(smsc.submitted) == 2


@pytest.mark.parametrize("status", sorted(set(pdu.STATUSES) - {0, pdu.THROTTLED, pdu.QUEUE_FULL}))
async def test_no_other_refusal_is_tried_again(status: int) -> None:
    async with fake_smsc() as smsc, opened(route(smsc)) as gateway:
        smsc.answer = lambda message: (status, "")
        (said,) = await gateway.submit(submission())
    assert said.state is State.REJECTED
    assert pdu.STATUSES[status][0] in said.reason
    assert len(smsc.submitted) == 1


async def test_a_silent_smsc_never_has_more_than_the_window() -> None:
    """A public client sent five with a window of two."""
    async with (
        fake_smsc() as smsc,
        opened(route(smsc, window=7, timeout=0.2), patience=1) as gateway,
    ):
        await smsc.until_bound()
        smsc.mute = True
        said = await gateway.submit(submission(30))
        assert len(smsc.submitted) == smsc.most_outstanding <= 7 * len(smsc.binds)
        assert len(smsc.binds) > 1, "a session that answers nothing is given up"
    states = Counter(one.state for one in said)
    assert states[State.UNKNOWN] == len(smsc.submitted)
    assert states[State.UNKNOWN] + states[State.REJECTED] == 30
    assert max(numbers(smsc.submitted).values()) == 1


async def test_what_may_have_been_taken_is_unknown_and_never_sent_again() -> None:
    async with fake_smsc() as smsc, opened(route(smsc, timeout=0.2)) as gateway:
        await smsc.until_bound()
        smsc.silent = True
        (said,) = await gateway.submit(submission())
        assert said.state is State.UNKNOWN
        assert "silent" in said.reason
        smsc.silent = False
        await smsc.until_bound(1)
        await asyncio.sleep(0.2)
    assert len(smsc.submitted) == 1


async def test_a_lost_segment_makes_the_whole_text_unknown() -> None:
    async with fake_smsc() as smsc, opened(route(smsc, timeout=0.2)) as gateway:
        await smsc.until_bound()
        accept = smsc.answer

        def answer(message: Message) -> tuple[int, str]:
            smsc.mute = message.octets[5] == 1
            return accept(message)

        smsc.answer = answer
        (said,) = await gateway.submit(submission(segments=parts(2)))
    assert said.state is State.UNKNOWN
    assert said.parts == ()
    assert "1 of 2 segments were taken" in said.reason


async def test_an_answer_that_comes_too_late_is_told_later_by_the_deliverys_key() -> None:
    async with fake_smsc() as smsc, opened(route(smsc, timeout=0.2)) as gateway:
        smsc.delay = 0.4
        await smsc.until_bound()
        keep_alive = asyncio.create_task(_chatter(smsc))
        (said,) = await gateway.submit(submission())
        assert said.state is State.UNKNOWN
        async with ear(gateway.receipts()) as late:
            (told,) = await late.until(1)
        keep_alive.cancel()
    assert (told.key, told.state) == ("key-0", State.ACCEPTED)
    assert told.parts == ("north:id-000001",)


async def _chatter(smsc: FakeSmsc) -> None:
    while True:
        await asyncio.sleep(0.02)
        smsc.hearing.ask(Command.ENQUIRE_LINK)


async def test_what_is_throttled_goes_again_and_only_that() -> None:
    async with fake_smsc() as smsc, opened(route(smsc)) as gateway:
        accept, refused = smsc.answer, set[str]()

        def answer(message: Message) -> tuple[int, str]:
            number = message.destination.digits
            if len(refused) < 8 and number not in refused:
                refused.add(number)
                return (pdu.THROTTLED if len(refused) % 2 else pdu.QUEUE_FULL), ""
            return accept(message)

        smsc.answer = answer
        said = await gateway.submit(submission(20))
        assert {one.state for one in said} == {State.ACCEPTED}
        assert numbers(smsc.taken) == Counter(phone(at) for at in range(20))
        assert len(smsc.submitted) == 28
        assert gateway.routes[0].counts["throttled"] == 8


async def test_an_smsc_that_allows_so_many_a_second_gets_them() -> None:
    """At least 95 percent of what is contracted, after the first second."""
    allowed, begin = 200, time.monotonic()
    seconds: Counter[int] = Counter()
    async with fake_smsc() as smsc, opened(route(smsc, rate=allowed, window=50)) as gateway:
        accept = smsc.answer

        def answer(message: Message) -> tuple[int, str]:
            second = int(time.monotonic() - begin)
            if seconds[second] >= allowed:
                return pdu.THROTTLED, ""
            seconds[second] += 1
            return accept(message)

        smsc.answer = answer
        said = await gateway.submit(submission(700))
    assert {one.state for one in said} == {State.ACCEPTED}
    assert seconds[1] + seconds[2] >= 0.95 * 2 * allowed


async def test_a_rate_is_kept() -> None:
    async with fake_smsc() as smsc, opened(route(smsc, rate=100)) as gateway:
        await smsc.until_bound()
        begin = time.monotonic()
        await gateway.submit(submission(60))
        assert 0.5 < time.monotonic() - begin < 1.0


async def test_more_than_can_have_its_turn_in_time_is_surely_not_sent() -> None:
    async with fake_smsc() as smsc, opened(route(smsc, rate=10), patience=2) as gateway:
        await smsc.until_bound()
        await asyncio.sleep(0.02)
        first = asyncio.create_task(gateway.submit(submission(15)))
        await asyncio.sleep(0.05)
        with pytest.raises(Transient, match="wait already") as caught:
            await gateway.submit(submission(15))
        assert caught.value.retry_after is not None
        assert 0 < caught.value.retry_after < 3
        assert {one.state for one in await first} == {State.ACCEPTED}
    assert len(smsc.submitted) == 15


async def test_without_any_smsc_nothing_was_surely_sent_and_every_trouble_is_told() -> None:
    async with fake_smsc() as smsc:
        port = smsc.port
    async with fake_smsc() as other:
        other.refuse_binds = 0x0E
        async with opened(route(port), route(other, "south"), patience=0.3) as gateway:
            with pytest.raises(Transient) as caught:
                await gateway.submit(submission(2))
            with pytest.raises(Transient):
                await gateway.ping()
    said = {problem.path: problem.says for problem in caught.value.problems}
    assert "no connection" in said["north"]
    assert "the password is wrong" in said["south"]


async def test_when_a_route_dies_the_next_takes_over_and_nobody_gets_it_twice() -> None:
    async with fake_smsc() as north, fake_smsc() as south:
        routes = route(north, window=10), route(south, "south", window=10)
        async with opened(*routes) as gateway:
            await north.until_bound()
            await south.until_bound()
            accept = north.answer

            def answer(message: Message) -> tuple[int, str]:
                if len(north.taken) == 50:
                    asyncio.get_running_loop().call_soon(north.hearing.writer.transport.abort)
                    north.mute = True
                return accept(message)

            north.answer = answer
            begin = time.monotonic()
            said = await gateway.submit(submission(200))
            assert time.monotonic() - begin < 2
    states = Counter(one.state for one in said)
    assert set(states) == {State.ACCEPTED, State.UNKNOWN}
    assert states[State.UNKNOWN] <= 10
    assert len(south.taken) >= 130
    assert max(numbers(north.submitted + south.submitted).values()) == 1
    assert {one.reference.split(":")[0] for one in said if one.reference} == {"north", "south"}


async def test_a_silent_first_route_is_left_after_its_timeout() -> None:
    async with fake_smsc() as north, fake_smsc() as south:
        routes = route(north, timeout=0.3, window=5), route(south, "south")
        async with opened(*routes) as gateway:
            await north.until_bound()
            await south.until_bound()
            north.silent = True
            said = await gateway.submit(submission(20))
    states = Counter(one.state for one in said)
    assert states == {State.UNKNOWN: 5, State.ACCEPTED: 15}
    assert not numbers(north.submitted).keys() & numbers(south.submitted).keys()


async def test_routes_that_share_carry_at_the_same_time_and_each_text_takes_one() -> None:
    async with fake_smsc() as north, fake_smsc() as south:
        north.delay = south.delay = 0.02
        routes = route(north, window=4), route(south, "south", window=4)
        async with opened(*routes, share=True) as gateway:
            await north.until_bound()
            await south.until_bound()
            await asyncio.sleep(0.05)
            said = await gateway.submit(submission(20, segments=parts(3)))
    assert {one.state for one in said} == {State.ACCEPTED}
    assert len(north.taken) >= 15
    assert len(south.taken) >= 15
    assert not numbers(north.taken).keys() & numbers(south.taken).keys()


async def test_a_killed_smsc_leaves_nothing_unaccounted_and_is_bound_again() -> None:
    """A public client had 1,500 submissions without answer or error after 30 seconds."""
    async with fake_smsc() as smsc, opened(route(smsc, window=1500, timeout=1)) as gateway:
        await smsc.until_bound()
        smsc.mute = True
        sending = asyncio.create_task(gateway.submit(submission(1500)))
        await until(lambda: len(smsc.submitted) == 1500)
        port = smsc.port
        await smsc.stop()
        begin = time.monotonic()
        said = await sending
        assert time.monotonic() - begin < 1
        assert Counter(one.state for one in said) == {State.UNKNOWN: 1500}
        again = FakeSmsc()
        await again.start(port)
        await again.until_bound()
        (one,) = await gateway.submit(submission())
        assert one.state is State.ACCEPTED
        await again.stop()


async def test_a_stopped_sending_sends_no_more_and_tells_the_rest_later() -> None:
    async with fake_smsc() as smsc, opened(route(smsc, window=5)) as gateway:
        await smsc.until_bound()
        smsc.delay = 0.2
        sending = asyncio.create_task(gateway.submit(submission(50)))
        await until(lambda: len(smsc.submitted) == 5)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        async with ear(gateway.receipts()) as late:
            told = await late.until(5)
            await asyncio.sleep(0.1)
        assert {(one.key, one.state) for one in told} == {
            (f"key-{at}", State.ACCEPTED) for at in range(5)
        }
    assert len(smsc.submitted) == 5


async def test_two_binds_send_by_one_and_hear_by_the_other() -> None:
    async with fake_smsc() as smsc, opened(route(smsc, mode="tx+rx")) as gateway:
        await smsc.until_bound(2)
        assert set(smsc.binds) == {Command.BIND_TRANSMITTER, Command.BIND_RECEIVER}
        (said,) = await gateway.submit(submission())
        assert said.state is State.ACCEPTED
        assert smsc.hearing.command == Command.BIND_RECEIVER


async def test_no_phone_gets_a_text_after_it_expired() -> None:
    async with fake_smsc() as smsc, opened(route(smsc)) as gateway:
        with pytest.raises(Permanent, match="expired"):
            await gateway.submit(submission(expires=NOW))
        smsc.answer = lambda message: (
            (pdu.THROTTLED, "") if len(smsc.submitted) < 3 else (pdu.OK, "x")
        )
        await gateway.submit(submission(expires=NOW + timedelta(seconds=90)))
    assert smsc.taken[0].validity <= "000000000130000R"


async def test_what_is_no_phone_number_is_refused_and_never_sent() -> None:
    wrong = Recipient("key-x", "public")
    async with fake_smsc() as smsc, opened(route(smsc)) as gateway:
        (said,) = await gateway.submit(submission(to=(wrong,)))
    assert (said.state, said.reason) == (State.REJECTED, "this is no phone number")
    assert smsc.submitted == []


async def test_a_ping_says_how_each_route_does_and_what_it_cost() -> None:
    async with fake_smsc() as smsc, opened(route(smsc, cost=0.07, rate=500.0)) as gateway:
        await gateway.submit(submission(10, segments=parts(2)))
        said = await gateway.ping()
    assert said.startswith("north: bound, answers in")
    assert "20 segments submitted, 20 accepted, 0 rejected, 0 throttled, 0 unknown" in said
    assert "1.40 EUR" in said
    assert "at most 500 segments a second" in said


async def test_an_id_that_is_missing_is_no_id() -> None:
    async with fake_smsc() as smsc, opened(route(smsc)) as gateway:
        smsc.answer = lambda message: (pdu.OK, "")
        (said,) = await gateway.submit(submission())
    assert (said.state, said.reference, said.parts) == (State.ACCEPTED, "", ())


async def test_no_number_text_or_password_is_logged_or_in_an_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with fake_smsc() as smsc, opened(route(smsc, timeout=0.2), patience=0.5) as gateway:
        accept = smsc.answer
        smsc.answer = lambda message: (0x0B, "") if len(smsc.submitted) % 2 else accept(message)
        said = repr(await gateway.submit(submission(10)))
        await smsc.stop()
        with pytest.raises(Transient) as caught:
            await gateway.submit(submission(10))
        said += repr(caught.value) + repr(gateway) + repr(gateway.routes) + caplog.text
    for secret in ("4917139200", "Hochwasser", "secret12"):
        assert secret not in said
