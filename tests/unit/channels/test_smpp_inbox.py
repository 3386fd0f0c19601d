"""What SMSCs deliver: answered when it is safe, told once, and matched however early it comes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from broadcaster.delivery.contract import Heard, State
from broadcaster.model.states import moved
from channels.sms.gateways.smpp import inbox, pdu
from channels.sms.gateways.smpp.pdu import Message, Tag
from tests.peers.fake_smsc import PHONE, Connection, fake_smsc, receipt, written
from tests.unit.channels.smpp_bench import Clock, ear, opened, route, submission, until
from tests.unit.channels.test_smpp_inbound import parts

FIRST, SECOND = f"{PHONE}01", f"{PHONE}02"


async def test_a_receipt_is_told_by_the_id_that_the_submission_was_given() -> None:
    async with fake_smsc() as smsc, opened(route(smsc)) as gateway:
        (said,) = await gateway.submit(submission())
        async with ear(gateway.receipts()) as late:
            status = smsc.hearing.ask(pdu.Command.DELIVER_SM, receipt("ID-000001").encode())
            (told,) = await late.until(1)
            assert await status == pdu.OK
    assert (told.key, told.state) == ("", State.DELIVERED)
    assert told.reference in said.parts
    assert told.reason == "delivered to the phone"


async def test_a_receipt_is_answered_only_when_the_next_one_is_asked_for() -> None:
    """A public client answered before anybody had seen it: a crash lost it."""
    async with fake_smsc() as smsc, opened(route(smsc)) as gateway:
        await smsc.until_bound()
        answer = smsc.hearing.ask(pdu.Command.DELIVER_SM, receipt("1").encode())
        await asyncio.sleep(0.05)
        stream = gateway.receipts()
        told = await anext(stream)
        assert told.reference == "north:1"
        await asyncio.sleep(0.05)
        assert not answer.done()
        asked = asyncio.ensure_future(anext(stream))
        assert await answer == pdu.OK
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)


async def test_a_receipt_whose_listener_went_away_is_told_to_the_next_one() -> None:
    async with fake_smsc() as smsc, opened(route(smsc)) as gateway:
        await smsc.until_bound()
        answer = smsc.hearing.ask(pdu.Command.DELIVER_SM, receipt("1").encode())
        stream = gateway.receipts()
        await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]
        assert not answer.done()
        async with ear(gateway.receipts()) as late:
            (told,) = await late.until(1)
            assert told.reference == "north:1"
            assert await answer == pdu.OK


async def test_a_receipt_that_overtakes_its_answer_names_the_id_that_the_answer_gives() -> None:
    async with fake_smsc() as smsc, opened(route(smsc)) as gateway:

        def early(connection: Connection, message: Message, id_: str) -> None:
            connection.ask(pdu.Command.DELIVER_SM, receipt(id_).encode())

        smsc.before = early
        async with ear(gateway.receipts()) as late:
            said = await gateway.submit(submission(3))
            told = await late.until(3)
    assert [one.reference for one in told] == [one.reference for one in said]


async def test_receipts_twice_and_in_the_wrong_order_are_told_as_they_came() -> None:
    """The engine moves a delivery forward only; nothing is dropped here that it could need."""
    stats = ("DELIVRD", "ENROUTE", "DELIVRD", "VENDOR")
    async with fake_smsc() as smsc, opened(route(smsc)) as gateway:
        (said,) = await gateway.submit(submission())
        for stat in stats:
            smsc.hearing.ask(pdu.Command.DELIVER_SM, receipt("id-000001", stat).encode())
        async with ear(gateway.receipts()) as late:
            told = await late.until(4)
    assert {one.reference for one in told} == set(said.parts)
    state = said.state
    for one in told:
        state = moved(state, one.state)
    assert state is State.DELIVERED


async def test_a_receipt_by_optional_parameters_alone_and_one_in_decimal_are_told() -> None:
    tlvs = {Tag.RECEIPTED_MESSAGE_ID: b"00FF\0", Tag.MESSAGE_STATE: b"\x05"}
    async with fake_smsc() as smsc, opened(route(smsc, receipt_ids="decimal")) as gateway:
        await smsc.until_bound()
        async with ear(gateway.receipts()) as late:
            smsc.hearing.ask(pdu.Command.DELIVER_SM, Message(esm_class=4, tlvs=tlvs).encode())
            smsc.hearing.ask(pdu.Command.DELIVER_SM, receipt("0255").encode())
            first, second = await late.until(2)
    assert (first.reference, first.state) == ("north:ff", State.REJECTED)
    assert (second.reference, second.state) == ("north:ff", State.DELIVERED)


async def test_a_receipt_that_names_nothing_is_answered_and_counted() -> None:
    async with fake_smsc() as smsc, opened(route(smsc)) as gateway:
        await smsc.until_bound()
        assert await smsc.deliver(Message(esm_class=4, octets=b"stat:DELIVRD")) == pdu.OK
        assert gateway.routes[0].counts["unreadable"] == 1


async def test_an_smsc_is_told_to_come_back_when_nobody_takes_its_receipts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inbox, "MOST_RECEIPTS", 2)
    async with fake_smsc() as smsc, opened(route(smsc)):
        await smsc.until_bound()
        waiting = [
            smsc.hearing.ask(pdu.Command.DELIVER_SM, receipt(str(at)).encode()) for at in range(2)
        ]
        assert await smsc.deliver(receipt("3")) == pdu.TEMPORARY_TROUBLE
        assert not any(one.done() for one in waiting)


# ---- messages from people -------------------------------------------------------------------


async def test_a_message_is_answered_only_when_it_is_kept() -> None:
    async with fake_smsc() as smsc, opened(route(smsc)) as gateway:
        await smsc.until_bound()
        answer = smsc.hearing.ask(pdu.Command.DELIVER_SM, written(b"STOP", FIRST).encode())
        async with ear(gateway.heard()) as ears:
            (heard,) = await ears.until(1)
            assert (heard.text, heard.address) == ("STOP", f"+{FIRST}")
            await asyncio.sleep(0.05)
            assert not answer.done()
            await heard.kept()
            assert await answer == pdu.OK
            await heard.kept()


async def test_what_was_not_answered_before_a_crash_comes_again_under_the_same_key() -> None:
    clock, keys = Clock(), []
    async with fake_smsc() as smsc:
        for _ in range(2):
            async with opened(route(smsc), clock=clock) as gateway:
                await smsc.until_bound()
                smsc.hearing.ask(pdu.Command.DELIVER_SM, written(b"STOP", FIRST).encode())
                async with ear(gateway.heard()) as ears:
                    (heard,) = await ears.until(1)
                    keys.append(heard.key)
            await until(lambda: not smsc.connections)
            clock.time += timedelta(seconds=20)
    assert keys[0] == keys[1]
    assert PHONE not in keys[0]


async def test_the_same_words_written_again_are_another_message() -> None:
    """STOP, START and STOP within a minute: the last one counts."""
    keys = []
    async with fake_smsc() as smsc, opened(route(smsc)) as gateway:
        await smsc.until_bound()
        async with ear(gateway.heard()) as ears:
            for at, text in enumerate((b"STOP", b"START", b"STOP"), 1):
                smsc.hearing.ask(pdu.Command.DELIVER_SM, written(text, FIRST).encode())
                heard: Heard = (await ears.until(at))[-1]
                keys.append(heard.key)
                await heard.kept()
    assert len(set(keys)) == 3


async def test_a_message_that_is_delivered_again_before_it_is_kept_is_heard_once() -> None:
    async with fake_smsc() as smsc, opened(route(smsc)) as gateway:
        await smsc.until_bound()
        answers = [
            smsc.hearing.ask(pdu.Command.DELIVER_SM, written(b"STOP", FIRST).encode())
            for _ in range(2)
        ]
        await asyncio.sleep(0.05)
        async with ear(gateway.heard()) as ears:
            (heard,) = await ears.until(1)
            await asyncio.sleep(0.05)
            assert len(ears.heard) == 1
            await heard.kept()
            assert await asyncio.gather(*answers) == [pdu.OK, pdu.OK]


async def test_a_message_that_was_heard_and_not_kept_is_heard_again_under_its_key() -> None:
    async with fake_smsc() as smsc, opened(route(smsc)) as gateway:
        await smsc.until_bound()
        async with ear(gateway.heard()) as ears:
            smsc.hearing.ask(pdu.Command.DELIVER_SM, written(b"STOP", FIRST).encode())
            await ears.until(1)
            smsc.hearing.ask(pdu.Command.DELIVER_SM, written(b"STOP", FIRST).encode())
            first, second = await ears.until(2)
    assert first.key == second.key


async def test_all_parts_of_a_long_text_are_answered_when_the_whole_is_kept() -> None:
    text = "Ich möchte keine Warnungen mehr. " * 12
    async with fake_smsc() as smsc, opened(route(smsc)) as gateway:
        await smsc.until_bound()
        answers = [
            smsc.hearing.ask(pdu.Command.DELIVER_SM, one.encode()) for one in parts(text, FIRST)
        ]
        assert len(answers) > 2
        async with ear(gateway.heard()) as ears:
            (heard,) = await ears.until(1)
            assert heard.text == text
            assert not any(one.done() for one in answers)
            await heard.kept()
            assert set(await asyncio.gather(*answers)) == {pdu.OK}


async def test_an_smsc_that_delivers_one_at_a_time_gets_the_rest_of_a_long_text_through() -> None:
    first, second = parts("x" * 200, FIRST)
    async with fake_smsc() as smsc, opened(route(smsc), times={"hold": 0.1}) as gateway:
        await smsc.until_bound()
        assert await smsc.deliver(first) == pdu.OK
        answer = smsc.hearing.ask(pdu.Command.DELIVER_SM, second.encode())
        async with ear(gateway.heard()) as ears:
            (heard,) = await ears.until(1)
            assert heard.text == "x" * 200
            assert not answer.done()
            await heard.kept()
            assert await answer == pdu.OK


async def test_a_long_text_whose_rest_never_comes_is_heard_with_its_gap() -> None:
    first, _ = parts("STOP " + "x" * 200, FIRST)
    times = {"hold": 0.02, "rest": 0.1}
    async with fake_smsc() as smsc, opened(route(smsc), times=times) as gateway:
        await smsc.until_bound()
        smsc.hearing.ask(pdu.Command.DELIVER_SM, first.encode())
        async with ear(gateway.heard()) as ears:
            (heard,) = await ears.until(1)
    assert heard.text.startswith("STOP xxx")
    assert heard.text.endswith("[…]")


async def test_two_people_who_write_at_the_same_time_are_heard_apart() -> None:
    of_first, of_second = parts("Anna " * 60, FIRST), parts("Boris " * 60, SECOND)
    async with fake_smsc() as smsc, opened(route(smsc)) as gateway:
        await smsc.until_bound()
        for one in (*of_first[:1], *of_second, *of_first[1:]):
            smsc.hearing.ask(pdu.Command.DELIVER_SM, one.encode())
        async with ear(gateway.heard()) as ears:
            heard = await ears.until(2)
    assert {one.address: one.text for one in heard} == {
        f"+{FIRST}": "Anna " * 60,
        f"+{SECOND}": "Boris " * 60,
    }


async def test_an_smsc_is_told_to_come_back_when_nobody_keeps_what_people_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inbox, "MOST_MESSAGES", 1)
    async with fake_smsc() as smsc, opened(route(smsc)):
        await smsc.until_bound()
        smsc.hearing.ask(pdu.Command.DELIVER_SM, written(b"STOP", FIRST).encode())
        assert await smsc.deliver(written(b"STOP", SECOND)) == pdu.TEMPORARY_TROUBLE


async def test_nothing_that_people_write_shows_in_a_repr() -> None:
    async with fake_smsc() as smsc, opened(route(smsc)) as gateway:
        await smsc.until_bound()
        smsc.hearing.ask(pdu.Command.DELIVER_SM, replace(written(b"GEHEIM", FIRST)).encode())
        async with ear(gateway.heard()) as ears:
            (heard,) = await ears.until(1)
            assert "GEHEIM" not in repr(heard)
            assert PHONE not in repr(heard)
