"""Septets, UTF-16 units, graphemes, and the places where a text may be cut."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcaster.model.errors import BadInput
from broadcaster.text.measure import (
    PLAIN_PUNCTUATION,
    Replacement,
    cut,
    from_septets,
    graphemes,
    pack,
    plain_punctuation,
    septets,
    to_septets,
    units,
    unpack,
    utf16,
)

# 3GPP TS 23.038 6.2.1 once more, as Unicode code points: the module holds characters, so that a
# slip of the keyboard cannot be in both.  ASCII runs stand as ranges.
BASIC = [
    0x40,
    0xA3,
    0x24,
    0xA5,
    0xE8,
    0xE9,
    0xF9,
    0xEC,
    0xF2,
    0xC7,
    0x0A,
    0xD8,
    0xF8,
    0x0D,
    0xC5,
    0xE5,
    0x394,
    0x5F,
    0x3A6,
    0x393,
    0x39B,
    0x3A9,
    0x3A0,
    0x3A8,
    0x3A3,
    0x398,
    0x39E,
    None,  # escape
    0xC6,
    0xE6,
    0xDF,
    0xC9,
    0x20,
    0x21,
    0x22,
    0x23,
    0xA4,
    *range(0x25, 0x40),
    0xA1,
    *range(0x41, 0x5B),
    0xC4,
    0xD6,
    0xD1,
    0xDC,
    0xA7,
    0xBF,
    *range(0x61, 0x7B),
    0xE4,
    0xF6,
    0xF1,
    0xFC,
    0xE0,
]
EXTENSION = {
    0x0A: 0x0C,
    0x14: 0x5E,
    0x28: 0x7B,
    0x29: 0x7D,
    0x2F: 0x5C,
    0x3C: 0x5B,
    0x3D: 0x7E,
    0x3E: 0x5D,
    0x40: 0x7C,
    0x65: 0x20AC,
}
ALPHABET = [chr(point) for point in (*BASIC, *EXTENSION.values()) if point is not None]

any_text = st.text(st.characters(exclude_categories=["Cs"]))
gsm_text = st.text(st.sampled_from(ALPHABET))


def test_every_basic_character_is_one_septet_both_ways() -> None:
    assert len(BASIC) == 128
    for code, point in enumerate(BASIC):
        if point is not None:
            assert to_septets(chr(point)) == bytes([code])
            assert from_septets(bytes([code])) == chr(point)
            assert septets(chr(point)) == 1


def test_every_extension_character_is_escape_and_one_septet_both_ways() -> None:
    for code, point in EXTENSION.items():
        assert to_septets(chr(point)) == bytes([0x1B, code])
        assert from_septets(bytes([0x1B, code])) == chr(point)
        assert septets(chr(point)) == 2


def test_no_character_outside_the_two_tables_is_taken() -> None:
    known = set(ALPHABET)
    assert len(known) == 137
    for point in (*range(0x3000), 0x20AC, 0xFFFD, 0x1F6A8):
        assert (septets(chr(point)) is not None) == (chr(point) in known), hex(point)


def test_an_escape_that_means_nothing_shows_the_basic_character_or_a_space() -> None:
    assert from_septets(b"\x1bA") == "A"
    assert from_septets(b"\x1b") == " "
    assert from_septets(b"\x1b\x1b\x65") == " e"


def test_a_refusal_names_each_foreign_character_once() -> None:
    with pytest.raises(BadInput) as refused:
        to_septets("ağşağ")
    said = [problem.says for problem in refused.value.problems]
    assert len(said) == 2
    assert "U+011F LATIN SMALL LETTER G WITH BREVE" in said[0]
    assert "U+015F" in said[1]


def test_packing_is_the_worked_example_of_the_alphabet() -> None:
    # "hellohello" is the packing example found in every handset manual: E8 32 9B FD 46 97 D9 EC 37
    packed = pack(to_septets("hellohello"))
    assert packed.hex() == "e8329bfd4697d9ec37"
    assert unpack(packed, 10) == b"hellohello"


@given(st.binary(max_size=200).map(lambda data: bytes(octet & 0x7F for octet in data)))
def test_packing_loses_no_septet_and_fills_with_zero_bits(data: bytes) -> None:
    packed = pack(data)
    assert len(packed) == -(-7 * len(data) // 8)
    assert unpack(packed, len(data)) == data
    assert int.from_bytes(packed, "little") >> 7 * len(data) == 0


@pytest.mark.parametrize(
    ("convert", "wrong"),
    [
        (pack, (b"\x80",)),
        (from_septets, (b"\xff",)),
        (unpack, (b"\x00" * 7, 9)),
        (utf16, ("a\ud83d",)),
    ],
)
def test_what_cannot_be_on_the_wire_is_refused(
    convert: Callable[..., object], wrong: tuple[object, ...]
) -> None:
    with pytest.raises(BadInput):
        convert(*wrong)


@settings(max_examples=500)
@given(gsm_text)
def test_the_alphabet_gives_every_text_back(text: str) -> None:
    data = to_septets(text)
    assert len(data) == septets(text)
    assert from_septets(data) == text


@given(any_text)
def test_units_are_half_the_octets_of_utf_16(text: str) -> None:
    assert 2 * units(text) == len(utf16(text))
    assert utf16(text).decode("utf-16-be") == text


def test_a_family_a_flag_and_an_accent_are_each_one_grapheme() -> None:
    family, flag, accent, virama = "👨‍👩‍👧", "🇺🇦", "e\u0301", "می‌روم"
    assert graphemes(family + flag + accent) == [family, flag, accent]
    assert "".join(graphemes(virama)) == virama


@settings(max_examples=500)
@given(any_text, st.integers(30, 80))
def test_cutting_keeps_every_character_and_every_grapheme(text: str, limit: int) -> None:
    if any(units(grapheme) > limit for grapheme in graphemes(text)):
        return
    pieces = cut(text, limit, units)
    assert "".join(pieces) == text
    assert all(units(piece) <= limit for piece in pieces)
    assert [g for piece in pieces for g in graphemes(piece)] == graphemes(text)


def test_an_escape_pair_moves_to_the_next_piece_whole() -> None:
    assert cut("abc€", 4, septets) == ("abc", "€")


def test_pieces_are_as_long_as_possible() -> None:
    assert cut("a" * 9, 4, septets) == ("aaaa", "aaaa", "a")
    assert cut("", 4, septets) == ("",)


def test_a_grapheme_larger_than_the_piece_is_refused_not_torn() -> None:
    with pytest.raises(BadInput, match="with its marks"):
        cut("a" + "\u0301" * 50, 40, units)


def test_a_character_the_measure_does_not_know_is_refused() -> None:
    with pytest.raises(BadInput, match="U\\+0436"):
        cut("aж", 4, septets)


def test_german_typography_becomes_seven_bit_and_is_reported() -> None:
    text, made = plain_punctuation("„Tür zu“ – jetzt… jetzt\u00a0!")
    assert text == '"Tür zu" - jetzt... jetzt !'
    assert septets(text) == len(text)
    assert Replacement("…", "...", 1) in made
    assert sum(replacement.count for replacement in made) == 5
    assert "U+2013 EN DASH" in " ".join(map(str, made))


def test_a_text_without_typography_is_only_composed() -> None:
    assert plain_punctuation("u\u0308ber") == ("über", ())


def test_the_published_table_holds_no_letter_joiner_or_mark_and_gives_only_seven_bit() -> None:
    kept = {"\u200c", "\u200d", "\u2060", "\u02bc", "\u00b7"}
    for character, by in PLAIN_PUNCTUATION.items():
        assert len(character) == 1
        assert unicodedata.category(character)[0] not in "LMN", hex(ord(character))
        assert character not in kept
        assert septets(character) is None
        assert septets(by) == len(by)


@settings(max_examples=500)
@given(any_text)
def test_plain_punctuation_never_touches_a_letter_a_mark_or_a_digit(text: str) -> None:
    def bearing(text: str) -> str:
        return "".join(
            c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c)[0] in "LMN"
        )

    assert bearing(plain_punctuation(text)[0]) == bearing(text)
