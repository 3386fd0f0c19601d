"""Delivery receipts in every form in which SMSCs send them."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.model.states import State, moved
from channels.sms.gateways.smpp import receipts
from channels.sms.gateways.smpp.pdu import Message, Tag
from tests.peers.fake_smsc import receipt, written


def read(message: Message, ids: str = "same") -> receipts.Report:
    assert receipts.is_receipt(message)
    report = receipts.read(message, ids=ids)
    assert report is not None
    return report


@pytest.mark.parametrize(
    ("stat", "state", "reason"),
    [
        ("DELIVRD", State.DELIVERED, "delivered to the phone"),
        ("EXPIRED", State.EXPIRED, "the phone was not reached in time"),
        ("DELETED", State.REJECTED, "deleted by the SMSC before it was delivered"),
        ("UNDELIV", State.REJECTED, "could not be delivered"),
        ("REJECTD", State.REJECTED, "refused by the network"),
        ("ACCEPTD", State.ACCEPTED, "taken by the network"),
        ("ENROUTE", State.ACCEPTED, "on its way"),
        ("UNKNOWN", State.ACCEPTED, "the SMSC does not know what became of it"),
        ("BUFFERED", State.ACCEPTED, "the SMSC reports BUFFERED"),
        ("delivrd", State.DELIVERED, "delivered to the phone"),
        ("DELIVERED", State.DELIVERED, "delivered to the phone"),
    ],
)
def test_every_status_has_a_state_and_words_and_an_unknown_one_too(
    stat: str, state: State, reason: str
) -> None:
    report = read(receipt("7F", stat))
    assert (report.id, report.state, report.reason) == ("7f", state, reason)


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (1, State.ACCEPTED),
        (2, State.DELIVERED),
        (3, State.EXPIRED),
        (4, State.REJECTED),
        (5, State.REJECTED),
        (6, State.ACCEPTED),
        (7, State.ACCEPTED),
        (8, State.REJECTED),
        (99, State.ACCEPTED),
    ],
)
def test_optional_parameters_alone_are_a_receipt(number: int, state: State) -> None:
    tlvs = {Tag.RECEIPTED_MESSAGE_ID: b"0007F\0", Tag.MESSAGE_STATE: bytes((number,))}
    for esm_class in (0x04, 0x00):
        report = read(Message(esm_class=esm_class, tlvs=tlvs))
        assert (report.id, report.state) == ("7f", state)


def test_where_both_are_given_the_optional_parameters_count() -> None:
    tlvs = {Tag.RECEIPTED_MESSAGE_ID: b"abc\0", Tag.MESSAGE_STATE: b"\x02"}
    report = read(receipt("99", "UNDELIV", tlvs=tlvs))
    assert (report.id, report.state) == ("abc", State.DELIVERED)


@pytest.mark.parametrize(
    ("answered", "reported", "ids"),
    [
        ("1A2B", "1a2b", "same"),
        ("0000012345", "12345", "same"),
        ("12345", "0000012345", "same"),
        ("1A2B", "6699", "decimal"),
        ("00001a2b", "0000006699", "decimal"),
        ("6699", "1A2B", "hex"),
        ("6699", "00001a2b", "hex"),
        ("m-77/x", "m-77/x", "decimal"),
    ],
)
def test_an_id_is_the_same_in_hex_in_decimal_and_with_zeros_in_front(
    answered: str, reported: str, ids: str
) -> None:
    assert read(receipt(reported), ids).id == receipts.same(answered)


def test_an_id_is_not_taken_for_another_because_it_would_be_one_in_hex() -> None:
    assert read(receipt("10")).id != receipts.same("A")


@pytest.mark.parametrize(
    "text",
    [
        "id:77 stat:DELIVRD",
        "ID:77 Sub:1 Dlvrd:1 Stat:DELIVRD Err:0 Text:",
        "id: 77, stat: DELIVRD, err: 000",
        "stat:DELIVRD id:77",
        "id:77 sub:001 dlvrd:001 submit date:260701120000 done date:260701120001 stat:DELIVRD",
        "id:77 stat:DELIVRD text:id:88 stat:UNDELIV",
    ],
)
def test_the_text_is_read_in_any_order_and_our_own_words_are_not(text: str) -> None:
    report = read(Message(esm_class=0x04, octets=text.encode()))
    assert (report.id, report.state) == ("77", State.DELIVERED)


def test_a_text_in_sixteen_bits_or_with_a_header_or_in_message_payload_is_read() -> None:
    wide = Message(esm_class=0x04, data_coding=8, octets="id:77 stat:DELIVRD".encode("utf-16-be"))
    headed = Message(esm_class=0x44, octets=b"\x05\x00\x03\x01\x01\x01id:77 stat:DELIVRD")
    long = receipt("77")
    long = Message.decode(replace(long, octets=long.octets + b" " * 300).encode())
    for message in (wide, headed, long):
        assert read(message).state is State.DELIVERED


def test_nobody_reports_a_delivery_by_writing_us_a_text() -> None:
    assert not receipts.is_receipt(written(b"id:77 sub:001 dlvrd:001 stat:DELIVRD err:000 text:"))


def test_an_intermediate_notification_ends_nothing() -> None:
    report = read(replace(receipt("77", "UNDELIV"), esm_class=0x20))
    assert report.state is State.ACCEPTED


def test_the_networks_error_is_told_for_the_provider_to_explain() -> None:
    assert read(receipt("77", "UNDELIV", err="01B")).reason == "could not be delivered (error 01B)"
    tlvs = {Tag.NETWORK_ERROR_CODE: b"\x03\x00\x1b"}
    report = read(receipt("77", "EXPIRED", tlvs=tlvs))
    assert report.reason.endswith("(network error 27)")
    assert read(receipt("77", "DELIVRD", err="001")).reason == "delivered to the phone"


def test_a_receipt_that_names_nothing_says_nothing() -> None:
    assert receipts.read(Message(esm_class=0x04, octets=b"stat:DELIVRD")) is None


def test_in_any_order_and_number_receipts_never_turn_the_clock_back() -> None:
    stats = ("ENROUTE", "DELIVRD", "ACCEPTD", "ENROUTE", "FOO", "DELIVRD")
    for order in itertools.permutations(stats):
        state = State.ACCEPTED
        for stat in order:
            state = moved(state, read(receipt("77", stat)).state)
        assert state is State.DELIVERED


@given(st.binary(max_size=200), st.dictionaries(st.sampled_from(list(Tag)), st.binary(max_size=6)))
def test_no_octets_break_the_reader(octets: bytes, tlvs: dict[int, bytes]) -> None:
    for data_coding in (0, 1, 3, 8, 255):
        report = receipts.read(
            Message(esm_class=0x44, data_coding=data_coding, octets=octets, tlvs=tlvs), ids="hex"
        )
        assert report is None or report.id
