"""What people write to us: alphabets, long texts in parts, and whose part is whose."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.text import measure
from channels.sms.gateways.smpp import inbound
from channels.sms.gateways.smpp.inbound import Reassembly, Whole
from channels.sms.gateways.smpp.pdu import Address, Message, Tag
from channels.sms.segments import encode
from tests.peers.fake_smsc import PHONE, written

ANNA, BORIS = f"{PHONE}01", f"{PHONE}02"


def parts(text: str, phone: str = ANNA, reference: int = 7, bits: int = 8) -> list[Message]:
    """As a phone sends them, by our own encoder, which other tests check against others."""
    made = encode(text, reference=reference, reference_bits=bits)
    return [
        written(octets, phone, esm_class=made.esm_class, data_coding=made.alphabet.data_coding)
        for octets in made.parts
    ]


def sar(pieces: Iterable[bytes], total: int, phone: str = ANNA) -> list[Message]:
    return [
        written(
            piece,
            phone,
            tlvs={
                Tag.SAR_MSG_REF_NUM: b"\x00\x07",
                Tag.SAR_TOTAL_SEGMENTS: bytes((total,)),
                Tag.SAR_SEGMENT_SEQNUM: bytes((at,)),
            },
        )
        for at, piece in enumerate(pieces, 1)
    ]


def heard(
    messages: Iterable[Message], box: Reassembly[int] | None = None, now: float = 0
) -> list[Whole[int]]:
    box = box or Reassembly(ttl=60)
    found = [box.add(message, at, now) for at, message in enumerate(messages)]
    return [whole for whole in found if whole is not None]


@pytest.mark.parametrize(
    ("octets", "data_coding", "text"),
    [
        (b"STOP", 0, "STOP"),
        (measure.to_septets("Dörte: ä€"), 0, "Dörte: ä€"),
        (b"STOP", 1, "STOP"),
        (measure.to_septets("ä€"), 1, "ä€"),
        (b"a@b.example $5", 1, "a@b.example $5"),
        ("Grüße".encode("latin-1"), 3, "Grüße"),
        ("Grüße".encode("latin-1"), 0, "Grüße"),
        ("СТОП".encode("utf-16-be"), 8, "СТОП"),
        ("СТОП".encode("iso8859_5"), 6, "СТОП"),
        ("🙂".encode("utf-16-be"), 8, "🙂"),
        (b"STOP", 0xF0, "STOP"),
        (b"STOP", 0x10, "STOP"),
        ("СТОП".encode("utf-16-be"), 0x18, "СТОП"),
        ("Ü".encode("latin-1"), 4, "Ü"),
        (b"", 0, ""),
    ],
)
def test_every_alphabet_is_read(octets: bytes, data_coding: int, text: str) -> None:
    assert inbound.decode(octets, data_coding) == text


@given(st.binary(max_size=100), st.integers(0, 255))
def test_no_octets_break_the_decoder(octets: bytes, data_coding: int) -> None:
    assert isinstance(inbound.decode(octets, data_coding), str)


@given(st.binary(max_size=60), st.integers(0, 255), st.integers(0, 255))
def test_no_header_breaks_the_reassembly(octets: bytes, esm_class: int, data_coding: int) -> None:
    heard([written(octets, esm_class=esm_class, data_coding=data_coding)])


@pytest.mark.parametrize("bits", [8, 16])
def test_a_text_of_more_than_ten_parts_comes_together_in_the_order_of_numbers(bits: int) -> None:
    """A public client sorted them 1, 10, 11, 2."""
    text = " ".join(f"Satz{at}" for at in range(260))
    messages = parts(text, bits=bits)
    assert len(messages) >= 11
    random.Random(1).shuffle(messages)
    (whole,) = heard(messages)
    assert whole.complete
    assert whole.text == text


def test_two_people_with_the_same_reference_are_two_people() -> None:
    """A public client made one message of both, and said that the second had written it."""
    of_anna, of_boris = parts("Anna " * 60, ANNA), parts("Boris " * 60, BORIS)
    mixed = [message for pair in zip(of_anna, of_boris, strict=False) for message in pair]
    found = {whole.message.source.digits: whole.text for whole in heard(mixed + of_boris[2:])}
    assert found == {ANNA: "Anna " * 60, BORIS: "Boris " * 60}


def test_a_part_that_is_delivered_twice_counts_once_and_is_answered_twice() -> None:
    first, second = parts("x" * 200)
    (whole,) = heard([first, first, second])
    assert whole.text == "x" * 200
    assert whole.parts == [0, 1, 2]


def test_optional_parameters_join_parts_like_a_header_does() -> None:
    (whole,) = heard(reversed(sar([b"STOP", b" please"], 2)))
    assert whole.text == "STOP please"


def test_a_letter_that_was_cut_between_two_parts_is_whole_again() -> None:
    octets = "Hilfe 🙂".encode("utf-16-be")
    messages = [
        written(header + piece, esm_class=0x40, data_coding=8)
        for header, piece in (
            (b"\x05\x00\x03\x09\x02\x01", octets[:14]),
            (b"\x05\x00\x03\x09\x02\x02", octets[14:]),
        )
    ]
    assert [whole.text for whole in heard(messages)] == ["Hilfe 🙂"]


def test_what_never_came_is_marked_and_the_rest_kept_when_time_is_over() -> None:
    box: Reassembly[int] = Reassembly(ttl=60)
    messages = parts("a" * 153 + "b" * 153 + "c" * 20)
    assert not heard([messages[0], messages[2]], box)
    assert not list(box.overdue(59.9))
    (whole,) = box.overdue(60)
    assert whole.text == "a" * 153 + inbound.GAP + "c" * 20
    assert not whole.complete
    assert whole.parts == [0, 1]
    assert not list(box.overdue(1000))


def test_the_same_reference_again_begins_a_new_text() -> None:
    box: Reassembly[int] = Reassembly(ttl=60)
    heard([parts("a" * 200)[0]], box)
    (whole,) = heard(parts("b" * 200), box)
    assert whole.text == "b" * 200


def test_a_flood_of_first_parts_does_not_fill_the_memory() -> None:
    box: Reassembly[int] = Reassembly(ttl=60, most=2)
    for at in range(5):
        heard([parts("a" * 200, reference=at)[0]], box)
    assert len(list(box.overdue(0))) == 3
    assert len(list(box.overdue(60))) == 2


@pytest.mark.parametrize(
    "header", [b"\x05\x00\x03\x01\x00\x01", b"\x05\x00\x03\x01\x02\x03", b"\x63"]
)
def test_a_header_that_makes_no_sense_does_not_swallow_the_text(header: bytes) -> None:
    (whole,) = heard([written(header + b"STOP", esm_class=0x40)])
    assert whole.text in ("STOP", "")


@pytest.mark.parametrize(
    ("address", "number"),
    [
        (Address("4917139200", 1, 1), "+4917139200"),
        (Address("+4917139200", 1, 1), "+4917139200"),
        (Address("004917139200", 0, 1), "+4917139200"),
        (Address("017139200", 0, 1), "+4917139200"),
        (Address("17139200", 2, 1), "+4917139200"),
        (Address("4917139200", 0, 1), "+4917139200"),
        (Address("80888", 3, 0), "80888"),
        (Address("Provider", 5, 0), "Provider"),
    ],
)
def test_a_sender_is_named_as_the_person_is_written_to(address: Address, number: str) -> None:
    assert inbound.number(address, "49") == number
