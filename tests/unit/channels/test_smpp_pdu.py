"""SMPP PDUs to octets and back, and out of a stream that was cut anywhere."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.model.errors import BadInput
from channels.sms.gateways.smpp import pdu
from channels.sms.gateways.smpp.pdu import Address, Bind, Command, Frames, Message, Tag

octet = st.integers(0, 255)
words = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=20)
addresses = st.builds(Address, words, octet, octet)
tlvs = st.dictionaries(
    st.integers(0, 0xFFFF).filter(lambda tag: tag != Tag.MESSAGE_PAYLOAD), st.binary(max_size=9)
)
messages = st.builds(
    Message,
    source=addresses,
    destination=addresses,
    service_type=words,
    esm_class=octet,
    protocol_id=octet,
    priority=octet,
    schedule=words,
    validity=words,
    registered=octet,
    replace=octet,
    data_coding=octet,
    canned=octet,
    octets=st.binary(max_size=400),
    tlvs=tlvs,
)


@given(messages)
def test_a_message_comes_back_as_it_was_encoded(message: Message) -> None:
    assert Message.decode(message.encode()) == message


@given(st.builds(Bind, system_id=words, password=words, system_type=words, address_range=words))
def test_a_bind_comes_back_as_it_was_encoded(bind: Bind) -> None:
    assert Bind.decode(bind.encode()) == bind


@given(
    st.lists(st.tuples(st.sampled_from(list(Command)), octet, st.binary(max_size=40)), max_size=6),
    st.lists(st.integers(1, 30), max_size=30),
)
def test_pdus_are_found_however_the_stream_is_cut(
    sent: list[tuple[Command, int, bytes]], cuts: list[int]
) -> None:
    stream = b"".join(
        pdu.encode(command, at, body, status=status)
        for at, (command, status, body) in enumerate(sent)
    )
    frames, found = Frames(), []
    for cut in [*cuts, *[1] * len(stream)]:
        found += frames.feed(stream[:cut])
        stream = stream[cut:]
    assert found == [(command, status, at, body) for at, (command, status, body) in enumerate(sent)]


@given(st.binary(max_size=300))
def test_junk_is_refused_in_words_and_never_breaks_the_decoder(junk: bytes) -> None:
    for decode in (Message.decode, Bind.decode):
        says = "a PDU that was read"
        try:
            decode(junk)
        except BadInput as error:
            says = error.problems[0].says
        assert says.startswith("a PDU")


@pytest.mark.parametrize("length", [0, 15, 65537, 0xFFFFFFFF])
def test_a_length_that_cannot_be_is_refused_after_what_came_before(length: int) -> None:
    good = pdu.encode(Command.ENQUIRE_LINK, 7)
    found = Frames().feed(good + struct.pack(">IIII", length, 4, 0, 8))
    assert next(found) == (Command.ENQUIRE_LINK, 0, 7, b"")
    with pytest.raises(BadInput, match="length"):
        next(found)


def test_a_pdu_of_64_kib_is_taken_and_a_longer_one_is_refused_by_its_header() -> None:
    body = bytes(65536 - 16)
    assert next(Frames().feed(pdu.encode(Command.DELIVER_SM, 1, body)))[3] == body
    with pytest.raises(BadInput):
        list(Frames().feed(pdu.encode(Command.DELIVER_SM, 1, body + b"x")[:16]))


def test_more_than_254_octets_travel_in_message_payload_and_are_read_from_there() -> None:
    """A public client panics on them."""
    message = Message(octets=bytes(range(256)))
    body = message.encode()
    assert struct.pack(">HH", 0x0424, 256) in body
    assert Message.decode(body).octets == message.octets


def test_a_submit_sm_is_laid_out_as_the_specification_says() -> None:
    message = Message(
        source=Address("Dortmund", 5, 0),
        destination=Address("491713920001", 1, 1),
        esm_class=0x40,
        priority=3,
        validity="000000060000000R",
        registered=1,
        data_coding=8,
        octets=b"\x05\x00\x03\x2a\x02\x01" + "Привет".encode("utf-16-be"),
    )
    assert message.encode() == (
        b"\0"
        b"\x05\x00Dortmund\0"
        b"\x01\x01491713920001\0"
        b"\x40\x00\x03"
        b"\0"
        b"000000060000000R\0"
        b"\x01\x00\x08\x00\x12"
        b"\x05\x00\x03\x2a\x02\x01" + "Привет".encode("utf-16-be")
    )


def test_a_character_that_smpp_cannot_carry_is_refused_and_not_replaced() -> None:
    for sender in ("Дортмунд", "Dort\0mund"):
        with pytest.raises(BadInput):
            Address(sender, 5, 0).encode()


def test_every_status_is_said_in_words_with_its_name() -> None:
    assert pdu.status_in_words(0x0B) == "the number is not valid (ESME_RINVDSTADR)"
    assert pdu.status_in_words(0x400) == "the provider's own error 0x400"


def test_secrets_and_numbers_are_in_no_repr() -> None:
    shown = repr(
        (Bind(system_id="x", password="geheim"), Message(octets=b"text"), Address("491713920001"))
    )
    assert "geheim" not in shown
    assert "4917139" not in shown
    assert "text" not in shown.replace("context", "")
