import unicodedata
from itertools import accumulate

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from broadcaster.model.errors import BadInput, DoesNotFit, Unsupported
from broadcaster.text import measure
from channels.sms.segments import Alphabet, decode, encode

GERMAN = (
    "Warnung der Stadt Dortmund: „Starkregen“ – Keller und Unterführungen meiden! Seit 14:30 Uhr "
    "laufen in Dortmund‑Hörde die ersten Straßen voll … Gehen Sie in ein höheres Stockwerk, "
    "schalten Sie den Strom im Keller ab und helfen Sie Nachbarn. „Notruf 112“ nur bei Gefahr. "
    "Es gilt bis 20 Uhr."
)
PERSIAN = "هشدار شهر دورتموند: باران شدید. به زیرزمین‌ها نروید و از خیابان‌ها دور بمانید."
ZALGO = "a" + "\u0323" * 80


def shown(segments):
    return decode(segments.parts, segments.alphabet)


# Length of the text in units -> segments, on both sides of every boundary of 3GPP TS 23.040.
@pytest.mark.parametrize(
    ("character", "bits", "length", "count"),
    [
        ("a", 16, 160, 1),
        ("a", 16, 161, 2),
        ("a", 16, 304, 2),
        ("a", 16, 305, 3),
        ("a", 16, 456, 3),
        ("a", 16, 457, 4),
        ("a", 8, 160, 1),
        ("a", 8, 161, 2),
        ("a", 8, 306, 2),
        ("a", 8, 307, 3),
        ("a", 8, 459, 3),
        ("a", 8, 460, 4),
        ("ж", 16, 70, 1),
        ("ж", 16, 71, 2),
        ("ж", 16, 132, 2),
        ("ж", 16, 133, 3),
        ("ж", 16, 198, 3),
        ("ж", 16, 199, 4),
        ("ж", 8, 70, 1),
        ("ж", 8, 71, 2),
        ("ж", 8, 134, 2),
        ("ж", 8, 135, 3),
        ("ж", 8, 201, 3),
        ("ж", 8, 202, 4),
    ],
)
def test_a_text_takes_as_many_segments_as_the_standard_says(character, bits, length, count):
    segments = encode(character * length, reference=1, reference_bits=bits)

    assert len(segments.parts) == count
    assert segments.units == length
    assert shown(segments) == character * length


@pytest.mark.parametrize(
    ("character", "bits", "alone", "each"),
    [("a", 8, 160, 153), ("a", 16, 160, 152), ("ж", 8, 70, 67), ("ж", 16, 70, 66)],
)
def test_the_capacities_are_those_of_the_standard(character, bits, alone, each):
    assert encode(character, reference=1, reference_bits=bits).per_segment == alone
    assert encode(character * 500, reference=1, reference_bits=bits).per_segment == each


def test_a_euro_sign_costs_two_septets_and_is_never_split():
    assert len(encode("€" * 80, reference=1).parts) == 1
    assert len(encode("€" * 80 + "a", reference=1).parts) == 2

    # 151 letters leave one septet of 152 free: the pair of octets moves to the next segment whole.
    segments = encode("a" * 151 + "€" * 10, reference=1)

    assert len(segments.parts[0]) == 7 + 151
    assert segments.parts[1][7:9] == b"\x1b\x65"
    assert shown(segments) == "a" * 151 + "€" * 10


def test_a_surrogate_pair_is_never_split():
    segments = encode("ж" * 65 + "🌊" * 10, reference=1)

    assert len(segments.parts[0]) == 7 + 65 * 2
    assert shown(segments) == "ж" * 65 + "🌊" * 10


def test_a_letter_stays_with_its_marks():
    family = "👩\u200d👩\u200d👧"
    segments = encode("ж" * 64 + family + "ж" * 10, reference=1)

    assert segments.parts[0][7:].decode("utf-16-be") == "ж" * 64
    assert segments.parts[1][7:].decode("utf-16-be").startswith(family)


def test_the_header_has_an_8_bit_reference_when_asked():
    first, second = encode("a" * 200, reference=0x1FE, reference_bits=8).parts

    assert first[:6] == bytes((5, 0x00, 3, 0xFE, 2, 1))
    assert second[:6] == bytes((5, 0x00, 3, 0xFE, 2, 2))


def test_the_header_has_a_16_bit_reference_otherwise():
    first, second = encode("a" * 200, reference=0x1234).parts

    assert first[:7] == bytes((6, 0x08, 4, 0x12, 0x34, 2, 1))
    assert second[:7] == bytes((6, 0x08, 4, 0x12, 0x34, 2, 2))


def test_a_single_segment_has_no_header_and_says_so():
    assert encode("hello", reference=1).parts == (b"hello",)
    assert encode("hello", reference=1).esm_class == 0
    assert encode("a" * 161, reference=1).esm_class == 0x40


@pytest.mark.parametrize(("bits", "header", "fill"), [(8, 6, 1), (16, 7, 0)])
def test_packed_text_starts_at_the_septet_after_the_header(bits, header, fill):
    segments = encode("Zwei Teile " * 20, reference=7, reference_bits=bits)

    for part, packed in zip(segments.parts, segments.packed(), strict=True):
        body = part[header:]
        assert packed[:header] == part[:header]
        assert len(packed) <= 140
        text_bits = int.from_bytes(packed[header:], "little") >> fill
        assert bytes(text_bits >> 7 * n & 0x7F for n in range(len(body))) == body


def test_a_full_packed_segment_fills_the_140_octets():
    assert {len(part) for part in encode("a" * 306, reference=1, reference_bits=8).packed()} == {
        140
    }
    assert len(encode("a" * 160, reference=1).packed()[0]) == 140


def test_typographic_quotes_cost_a_german_text_nothing():
    as_typed = -(-measure.units(GERMAN) // 66)
    segments = encode(GERMAN, reference=1)

    assert as_typed == 5
    assert len(segments.parts) == 2
    assert segments.alphabet is Alphabet.GSM_7
    assert '"Starkregen" - Keller' in shown(segments)
    assert "Hörde" in shown(segments)


def test_every_replacement_is_reported_with_its_count():
    replacements = {r.character: (r.by, r.count) for r in encode(GERMAN, reference=1).replacements}

    assert replacements == {
        "„": ('"', 2),
        "“": ('"', 2),
        "–": ("-", 1),
        "\u2011": ("-", 1),
        "…": ("...", 1),
    }


def test_a_text_that_stays_ucs2_keeps_its_typography_and_names_what_forces_it():
    segments = encode("„Île“ – Œuvre", reference=1)

    assert segments.alphabet is Alphabet.UCS_2
    assert shown(segments) == "„Île“ – Œuvre"
    assert segments.replacements == ()
    assert segments.forced_by == ("Î", "Œ")


def test_persian_keeps_its_zero_width_non_joiners():
    assert "\u200c" in PERSIAN
    assert shown(encode(PERSIAN, reference=1)) == PERSIAN


def test_hindi_keeps_its_joiners():
    text = "क्‍ष और श्‌री"
    assert {"\u200c", "\u200d"} <= set(text)
    assert shown(encode(text, reference=1)) == text


@pytest.mark.parametrize("prefix", ["", "ж"])
def test_control_characters_and_bidi_controls_go_and_are_reported(prefix):
    segments = encode(f"{prefix}a\x07b\u2067c\u2069\r\nd\re\tf\u2028g", reference=1)

    assert shown(segments) == f"{prefix}abc\nd\ne f\ng"
    assert {(r.character, r.by, r.count) for r in segments.replacements} == {
        ("\x07", "", 1),
        ("\u2067", "", 1),
        ("\u2069", "", 1),
        ("\r", "", 1),
        ("\r", "\n", 1),
        ("\t", " ", 1),
        ("\u2028", "\n", 1),
    }


def test_decomposed_letters_are_composed():
    assert shown(encode("Ho\u0308rde", reference=1)) == "Hörde"
    assert encode("Ho\u0308rde", reference=1).alphabet is Alphabet.GSM_7
    assert shown(encode("Київський раи\u0306он", reference=1)) == "Київський район"


@pytest.mark.parametrize("text", ["", " \n ", "\u200b", "\u2067\u2069"])
def test_a_text_without_anything_to_show_is_refused(text):
    with pytest.raises(Unsupported, match="no text to send"):
        encode(text, reference=1, label="de short")


@pytest.mark.parametrize("text", ["ok \ud83c", ZALGO + " and more"])
def test_a_text_that_no_wire_can_carry_is_refused_by_name(text):
    with pytest.raises(Unsupported, match=r"^de short: .*U\+"):
        encode(text, reference=1, label="de short")


def test_too_long_a_text_is_refused_with_surplus_unit_and_name():
    with pytest.raises(DoesNotFit, match=r"uk short: .*2 UCS-2 units too long") as raised:
        encode("ж" * (6 * 66 + 2), reference=1, max_segments=6, label="uk short")

    assert (raised.value.surplus, raised.value.unit) == (2, "UCS-2 units")
    assert len(encode("ж" * (6 * 66), reference=1, max_segments=6).parts) == 6


@given(
    st.text(alphabet="ab€ж🌊é", min_size=161, max_size=600),
    st.integers(1, 4),
    st.sampled_from((8, 16)),
)
def test_a_text_shortened_by_its_surplus_fits(text, most, bits):
    try:
        encode(text, reference=1, reference_bits=bits, max_segments=most)
    except DoesNotFit as error:
        length = measure.septets if error.unit == "septets" else measure.units
        kept, dropped = text, 0
        while dropped < error.surplus:
            dropped += length(kept[-1])
            kept = kept[:-1]
        # Without its last foreign letter a text may become GSM-7, which only makes it shorter.
        encode(kept, reference=1, reference_bits=bits, max_segments=most)


def test_one_allowed_segment_means_the_room_of_a_lone_segment():
    assert len(encode("a" * 160, reference=1, max_segments=1).parts) == 1
    with pytest.raises(DoesNotFit) as raised:
        encode("a" * 161, reference=1, max_segments=1)
    assert raised.value.surplus == 1


def test_a_book_is_refused_rather_than_numbered_beyond_one_octet():
    with pytest.raises(DoesNotFit):
        encode("a" * 152 * 256, reference=1)


def test_segments_are_put_together_in_any_order():
    segments = encode(PERSIAN * 3, reference=1)
    assert len(segments.parts) > 2
    assert decode(segments.parts[::-1], segments.alphabet) == PERSIAN * 3


def test_a_missing_or_foreign_segment_is_noticed():
    parts = encode("a" * 400, reference=1).parts
    other = encode("b" * 400, reference=2).parts

    for wrong in (parts[:-1], (*parts[:-1], other[-1]), (*parts, other[0])):
        with pytest.raises(BadInput, match="not all the segments"):
            decode(wrong, Alphabet.GSM_7)


# Every script, combining marks, joiners and pairs; lone surrogates and controls have tests above.
any_script = st.one_of(
    st.characters(codec="utf-8", exclude_categories=("Cc",)),
    st.sampled_from("abc €[]{}ÄöüßΔ\n'\"„“–…"),
    st.sampled_from("\u0301\u0308\u0323\u200c\u200d\u0e33\u093f🌊👩🇩🇪"),
)
pieces = st.one_of(
    st.text(any_script, min_size=1, max_size=60),
    st.text("abc €[]{}ÄöüßΔ\n'\"„“–…", min_size=1, max_size=60),
)
# Repeating a piece brings texts of several segments often, with every offset of the cuts.
texts = st.builds(lambda piece, times: piece * times, pieces, st.integers(1, 60)).filter(
    lambda text: (
        not set(text) & set("\u061c\u200e\u200f\u2028\u2029")
        and not any("\u202a" <= c <= "\u202e" or "\u2066" <= c <= "\u2069" for c in text)
        and measure.plain_punctuation(text)[0].strip()
    )
)


@given(texts, st.integers(0, 0xFFFF), st.sampled_from((8, 16)))
@example(GERMAN, 1, 16)
@example(PERSIAN * 4, 1, 8)
def test_what_the_phone_shows_is_the_text(text, number, bits):
    assume(max(measure.units(grapheme) for grapheme in measure.graphemes(text)) <= 60)
    segments = encode(text, reference=number, reference_bits=bits)

    normal = unicodedata.normalize("NFC", text)
    plain, replacements = measure.plain_punctuation(text)
    becomes_gsm = measure.septets(normal) is None and measure.septets(plain) is not None
    assert shown(segments) == (plain if becomes_gsm else normal)
    assert segments.replacements == (replacements if becomes_gsm else ())
    assert segments.text == shown(segments)
    assert "?" not in shown(segments) or "?" in normal


@given(texts, st.sampled_from((8, 16)))
def test_no_segment_is_too_large_or_ends_inside_a_character(text, bits):
    assume(max(measure.units(grapheme) for grapheme in measure.graphemes(text)) <= 60)
    segments = encode(text, reference=1, reference_bits=bits)

    assert all(len(packed) <= 140 for packed in segments.packed())
    if len(segments.parts) > 1:
        header = 5 + bits // 8
        shows = [decode([part[header:]], segments.alphabet) for part in segments.parts]
        between = set(accumulate(len(g) for g in measure.graphemes(segments.text)))
        assert set(accumulate(map(len, shows))) <= between
