"""Cell-broadcast pages, against published vectors and as handsets decode them."""

from __future__ import annotations

import json
import random
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from broadcaster.model.errors import BadInput, DoesNotFit
from broadcaster.text.measure import cut, graphemes, septets, units
from channels.cell_broadcast.codec import (
    CODINGS,
    Alphabet,
    Coding,
    Pages,
    choose,
    coding,
    decode,
    encode,
    opens_against_the_grain,
)

VECTORS = Path(__file__).parents[3] / "../shared/corpus/cell-broadcast/vectors.json"
GSM = "@£$¥èéùìòÇ\nØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./09:;<=>?¡AZÄÖÑÜ§¿azäöñüà\f^{}\\[~]|€"
needs_vectors = pytest.mark.skipif(
    not VECTORS.exists(), reason="the shared corpus of cell-broadcast vectors is not here"
)


def vectors(kind: str) -> list[Any]:
    if not VECTORS.exists():
        return []
    entries = json.loads(VECTORS.read_text("utf-8"))[kind]
    return [pytest.param(entry, id=entry["name"]) for entry in entries]


def split_cb_data(data: bytes) -> tuple[list[bytes], list[int]]:
    starts = range(1, 1 + 83 * data[0], 83)
    assert len(data) == 1 + 83 * data[0]
    return [data[i : i + 82] for i in starts], [data[i + 82] for i in starts]


@needs_vectors
@pytest.mark.parametrize("vector", vectors("computed"))
def test_computed_vectors_give_identical_octets_and_decode_back(vector: dict[str, Any]) -> None:
    pages = encode(vector["text"], dcs=vector["dcs"], language=vector["lang"])
    assert [page.hex() for page in pages.octets] == vector["pages"]
    assert list(pages.lengths) == vector["lengths"]
    assert pages.cb_data().hex() == vector["cb_data"]
    language = vector["lang"] or CODINGS[vector["dcs"]].language
    for lengths in (None, pages.lengths):
        assert decode(pages.octets, lengths, vector["dcs"]) == (language, vector["text"])


@needs_vectors
@pytest.mark.parametrize("vector", vectors("sourced"))
def test_sourced_vectors_decode_to_their_text_and_language(vector: dict[str, Any]) -> None:
    pdu = bytes.fromhex(vector["pdu"])
    dcs = int(vector["dcs_hex"], 16)
    lengths: list[int] | None
    if vector["form"].startswith("GSM"):  # serial 2, identifier 2, DCS 1, page parameter 1
        assert pdu[4] == dcs
        pages, lengths = [pdu[6:]], None
    else:  # type 1, identifier 2, serial 2, DCS 1
        assert pdu[5] == dcs
        pages, lengths = split_cb_data(pdu[6:])
    language, text = decode(pages, lengths, dcs)
    assert text == vector["text"]
    assert language == (vector["lang"] or CODINGS[dcs].language)


@needs_vectors
def test_the_vectors_are_not_empty() -> None:
    assert len(vectors("computed")) >= 13
    assert len(vectors("sourced")) >= 7


BASIC = GSM.translate(dict.fromkeys(map(ord, "\f^{}\\[~]|€\n")))
PIECES = {
    "GSM 7-bit": list(BASIC),
    "extension table": list(BASIC[40:60] + "\f^{}\\[~]|€" * 3),
    "UCS-2": list("ABC şığİ жяЁї Ελλά أبجدهو هشدار ქართ հայ ትግር 漢字仮名"),
    "graphemes": [
        "e\u0301\u0323",
        "и\u0306\u0302",
        "क्षि",
        "தமிழ்",
        "می\u200cخواهم",
        "ہٰ",
        "각",
        "a",
        " ",
    ],
    "surrogates": ["🚨", "🌊", "👨\u200d👩\u200d👧", "🇩🇪", "👍🏽", "𐍈", "ж", "x"],
}
"""What the generated texts are made of; each also gets line feeds."""


def generated(count: int) -> Iterator[tuple[str, str]]:
    """Kind and text: the same texts in every run, most of them with page ends inside."""
    chance = random.Random(4)
    for number in range(count):
        kind = list(PIECES)[number % len(PIECES)]
        pieces = [*PIECES[kind], "\n"]
        length = chance.choice((chance.randrange(4), chance.randrange(100), chance.randrange(500)))
        yield kind, "".join(chance.choices(pieces, k=length))


def within_fifteen_pages(text: str, scheme: Coding) -> str:
    pieces = cut(text, scheme.capacity, scheme.measure)
    return "".join(pieces[:15])


def septets_of(page: bytes) -> list[int]:
    stream = int.from_bytes(page, "little")
    return [stream >> 7 * place & 0x7F for place in range(93)]


def check_pages(text: str, scheme: Coding, language: str | None) -> Pages:
    """Encode, and check all that a page must be, on its octets."""
    pages = encode(text, dcs=scheme.dcs, language=language)
    for page, length in zip(pages.octets, pages.lengths, strict=True):
        assert len(page) == 82
        if scheme.alphabet is Alphabet.GSM7:
            assert page[81] >> 3 == 0, "the five fill bits are zero"
            content = septets_of(page)
            if scheme.prefixed:
                assert bytes(content[:3]).decode() == f"{language}\r"
            used = length * 8 // 7
            assert set(content[used:]) <= {0x0D}, "padding"
            kept = bytes(content).rstrip(b"\r")
            assert not kept.endswith(b"\x1b"), "an escape stays with what it announces"
            assert length == max((7 * len(kept) + 7) // 8, 3 if scheme.prefixed else 0)
        else:
            units = [page[i : i + 2] for i in range(2 if scheme.prefixed else 0, length, 2)]
            assert page[length:] == b"\x00\x0d" * ((82 - length) // 2), "padding"
            halves = [unit[0] & 0xFC for unit in (units[:1] + units[-1:])]
            assert not halves or (halves[0] != 0xDC and halves[-1] != 0xD8), "no half a pair"
    for lengths in (None, pages.lengths):
        assert decode(pages.octets, lengths, scheme.dcs) == (pages.language, text)
    alone = [decode([page], None, scheme.dcs) for page in pages.octets]
    assert {named for named, _ in alone} == {pages.language}, "each page names the language"
    assert [g for _, piece in alone for g in graphemes(piece)] == graphemes(text)
    return pages


def test_5000_generated_texts_of_every_kind_come_back_in_both_receive_modes() -> None:
    many_pages: Counter[str] = Counter()
    texts = 0
    for number, (kind, text) in enumerate(generated(5000)):
        text = unicodedata.normalize("NFC", text)
        alphabet = Alphabet.UCS2 if septets(text) is None else Alphabet.GSM7
        schemes = [scheme for scheme in CODINGS.values() if scheme.alphabet is alphabet]
        scheme = schemes[number // len(PIECES) % len(schemes)]
        text = within_fifteen_pages(text, scheme)
        pages = check_pages(text, scheme, "ku" if scheme.prefixed else None)
        many_pages[kind] += len(pages.octets) > 1
        texts += 1
    assert texts == 5000
    assert min(many_pages[kind] for kind in PIECES) > 300


gsm_texts = st.text(st.sampled_from(GSM), max_size=400)
other_texts = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"], exclude_characters="\r"),
        st.sampled_from("şığ жя أبجد भाषा ไทย 漢字 \u0301\u200c\u200d🚨👨‍👩‍👧\n"),
    ),
    max_size=250,
)


@settings(max_examples=1000)
@given(st.one_of(gsm_texts, other_texts), st.data())
def test_whatever_text_is_tried_it_comes_back_in_both_receive_modes(
    text: str, data: st.DataObject
) -> None:
    choice = choose(text, data.draw(st.sampled_from(["de", "tr", "ar", "sq", None])))
    if not choice.replaced:
        assert choice.text == unicodedata.normalize("NFC", text)
    schemes = [c for c in CODINGS.values() if c.alphabet is choice.coding.alphabet]
    scheme = data.draw(st.sampled_from([choice.coding, *schemes]))
    assume(all((scheme.measure(g) or 0) <= scheme.capacity for g in graphemes(choice.text)))
    check_pages(choice.text, scheme, "ku" if scheme.prefixed else None)


@pytest.mark.parametrize(
    ("dcs", "language", "character", "limit"),
    [
        (0x00, None, "x", 1395),
        (0x10, "sq", "x", 1350),
        (0x11, "tr", "ş", 600),
        (0x48, None, "ж", 615),
    ],
)
def test_limits_are_exact_and_the_surplus_is_named(
    dcs: int, language: str | None, character: str, limit: int
) -> None:
    pages = encode(character * limit, dcs=dcs, language=language)
    assert len(pages.octets) == 15
    assert (pages.used, pages.left) == (limit, 0)
    assert len(pages.cb_data()) == 1246
    with pytest.raises(DoesNotFit) as refused:
        encode(character * (limit + 7), dcs=dcs, language=language)
    assert refused.value.surplus == 7
    assert refused.value.unit == coding(dcs).alphabet.value
    assert language is None or language in str(refused.value)


def test_units_left_are_what_really_still_fits() -> None:
    text = "€" * 46 + "x" * 50  # an escape pair does not fit the 93rd septet of page one
    left = encode(text, dcs=0).left
    assert len(encode(text + "y" * left, dcs=0).octets) == 15
    with pytest.raises(DoesNotFit):
        encode(text + "y" * (left + 1), dcs=0)


def test_padding_is_one_carriage_return_in_the_pages_own_alphabet() -> None:
    gsm = encode("Hallo", dcs=0).octets[0]
    stream = int.from_bytes(gsm, "little")
    assert [stream >> 7 * i & 127 for i in range(5, 93)] == [0x0D] * 88
    ucs2 = encode("ж", dcs=0x48).octets[0]
    assert ucs2[2:] == b"\x00\x0d" * 40


def test_escape_pairs_surrogates_and_clusters_move_whole_to_the_next_page() -> None:
    for text, dcs, language in (
        ("a" * 92 + "€", 0x00, None),
        ("я" * 39 + "🚨", 0x11, "ru"),
        ("я" * 38 + "и\u0301\u0302", 0x11, "ru"),
    ):
        pages = encode(text, dcs=dcs, language=language)
        last = graphemes(text)[-1]
        assert decode(pages.octets[1:], None, dcs)[1] == last


def test_a_carriage_return_is_refused_by_the_encoder_and_made_a_line_feed_by_the_choice() -> None:
    with pytest.raises(BadInput, match="padding"):
        encode("a\rb", dcs=0)
    assert choose("a\r\nb\rc", "de").text == "a\nb\nc"


def test_text_that_fits_seven_bits_never_goes_as_ucs2() -> None:
    for text in (GSM, "„Türen zu“ – bitte…", "u\u0308ber"):
        choice = choose(text, "de")
        assert choice.coding.dcs == 0
        assert septets(choice.text) is not None


def test_typography_is_kept_when_the_text_goes_as_ucs2_anyway() -> None:
    choice = choose("„Kapıyı kapatın“ …", "tr")
    assert choice.coding.dcs == 0x11
    assert choice.text == "„Kapıyı kapatın“ …"
    assert choice.replaced == ()


@pytest.mark.parametrize(
    ("text", "language", "dcs"),
    [
        ("Tür zu", "de", 0x00),
        ("Shut the door", "en", 0x01),
        ("Kapi", "tr", 0x0C),
        ("Uwaga", "pl", 0x0E),
        ("Zamknąć", "pl", 0x11),
        ("Mbyllni", "sq", 0x10),
        ("إنذار", "ar", 0x11),
        ("Ağrı", None, 0x48),
        ("Agri", None, 0x0F),
    ],
)
def test_the_scheme_follows_content_and_language(text: str, language: str | None, dcs: int) -> None:
    assert choose(text, language).coding.dcs == dcs


@pytest.mark.parametrize(
    ("dcs", "language", "text", "says"),
    [
        (0x11, None, "x", "two letters"),
        (0x10, "ckb", "x", "two letters"),
        (0x11, "Tr", "x", "two letters"),
        (0x00, "tr", "x", "names de"),
        (0x48, "tr", "x", "no language"),
        (0xF0, None, "x", "0xf0"),
        (0x00, None, "ş", "U\\+015F"),
    ],
)
def test_what_cannot_be_encoded_is_refused_with_the_reason(
    dcs: int, language: str | None, text: str, says: str
) -> None:
    with pytest.raises(BadInput, match=says):
        encode(text, dcs=dcs, language=language)


def test_pages_of_a_wrong_size_or_length_are_refused() -> None:
    page = encode("x", dcs=0).octets[0]
    for pages, lengths in (([page[:-1]], None), ([page], [83]), ([page], [1, 1])):
        with pytest.raises(BadInput):
            decode(pages, lengths, 0)


@settings(max_examples=200)
@given(st.lists(st.binary(min_size=82, max_size=82), max_size=3), st.sampled_from(sorted(CODINGS)))
def test_decoding_noise_never_crashes(pages: list[bytes], dcs: int) -> None:
    decode(pages, None, dcs)
    decode(pages, [41] * len(pages), dcs)


def test_a_right_to_left_text_must_not_open_with_a_latin_letter() -> None:
    assert opens_against_the_grain("إنذار: DE-Alert") is None
    assert opens_against_the_grain("112 – إنذار") is None
    assert opens_against_the_grain("DE-Alert: إنذار") == "D"


def test_coded_units_are_those_of_the_shared_measure() -> None:
    assert encode("5€ ß", dcs=0).used == septets("5€ ß") == 5
    assert encode("жş", dcs=0x48).used == units("жş") == 2
