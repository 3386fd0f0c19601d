"""National tables of the GSM alphabet, judged by decoders of others; cost and pace of a text."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.model.errors import BadInput
from broadcaster.model.rendition import Format, Rendition, Variant
from broadcaster.text import measure
from channels.sms import SmsChannel, price
from channels.sms.national import PORTUGUESE, SPANISH, TURKISH, Table
from channels.sms.segments import Alphabet, decode, encode
from channels.sms.settings import SmsSettings, read_settings

TABLES = {
    Alphabet.TURKISH: TURKISH,
    Alphabet.SPANISH: SPANISH,
    Alphabet.PORTUGUESE: PORTUGUESE,
}
TEXTS = {
    Alphabet.TURKISH: "Dortmund Belediyesi uyarıyor: şiddetli yağmur. Bodrumlara inmeyin, ağaçların"
    " altında durmayın, pencereleri kapatın. İtfaiye 112. Güncel bilgiler internet sayfamızda.",
    Alphabet.SPANISH: "Aviso de la ciudad de Dortmund: inundación. Suban a un piso más alto, no"
    " bajen al sótano. ¿Necesitan ayuda? Llamen al 112. Más información en nuestra página.",
    Alphabet.PORTUGUESE: "Aviso da cidade de Dortmund: inundação. Não entrem nas caves e vão para"
    " um andar mais alto. Em caso de emergência liguem 112. Atenção às informações da câmara.",
}
TABLE = pytest.mark.parametrize("alphabet", TABLES, ids=lambda alphabet: alphabet.name)


def shown(segments: Any) -> str:
    return decode(segments.parts, segments.alphabet)


@TABLE
def test_a_national_table_saves_segments_only_where_it_is_allowed(alphabet: Alphabet) -> None:
    text = TEXTS[alphabet]
    usual = encode(text, reference=7)
    assert (usual.alphabet, len(usual.parts)) == (Alphabet.UCS_2, 3)
    national = encode(text, reference=7, national_tables=True)
    assert national.alphabet is alphabet
    assert len(national.parts) == 2
    assert shown(national) == text
    assert (national.esm_class, national.alphabet.data_coding) == (0x40, 0)


@TABLE
@pytest.mark.parametrize(
    ("bits", "alone", "several"), [(8, 155, 149), (16, 155, 148)], ids=["8", "16"]
)
def test_a_segment_with_a_table_holds_what_the_standard_leaves(
    alphabet: Alphabet, bits: int, alone: int, several: int
) -> None:
    assert alphabet.per_segment(bits, alone=True) == alone
    assert alphabet.per_segment(bits, alone=False) == several
    letter = {"TURKISH": "ğ", "SPANISH": "Á", "PORTUGUESE": "ã"}[alphabet.name]
    for length, count in ((alone, 1), (alone + 1, 2), (2 * several, 2), (2 * several + 1, 3)):
        text = letter + "a" * (length - 2)
        made = encode(text, reference=1, reference_bits=bits, national_tables=True)
        assert (made.alphabet, len(made.parts), made.units) == (alphabet, count, length)
        assert shown(made) == text
        assert all(len(packed) <= 140 for packed in made.packed())


def test_ucs2_stays_where_a_table_saves_nothing() -> None:
    assert encode("İyi günler", reference=1, national_tables=True).alphabet is Alphabet.UCS_2


def test_one_letter_of_another_alphabet_keeps_the_whole_text_in_ucs2() -> None:
    text = TEXTS[Alphabet.TURKISH] + " Î"
    assert encode(text, reference=1, national_tables=True).alphabet is Alphabet.UCS_2


def test_a_text_of_the_usual_alphabet_never_needs_a_table() -> None:
    made = encode("Überschwemmung " * 20, reference=1, national_tables=True)
    assert made.alphabet is Alphabet.GSM_7


def test_typographic_marks_are_put_plainly_and_told_where_that_admits_a_table() -> None:
    made = encode(f"„{TEXTS[Alphabet.TURKISH]}“", reference=1, national_tables=True)
    assert made.alphabet is Alphabet.TURKISH
    assert [(r.character, r.by) for r in made.replacements] == [("„", '"'), ("“", '"')]
    assert made.forced_by == ()


@TABLE
@given(data=st.data())
def test_no_escape_pair_is_ever_cut_and_every_letter_comes_back(
    alphabet: Alphabet, data: st.DataObject
) -> None:
    table = TABLES[alphabet]
    letters = "".join(sorted(set(table.shifted.values()) - {"\f"})) + "abc öü"
    text = data.draw(st.text(st.sampled_from(letters), min_size=160, max_size=700))
    made = encode(text, reference=1, national_tables=True)
    if text.strip() and made.alphabet.table is not None:
        assert shown(made) == text
        for part in made.parts:
            assert part[-1] != measure.ESCAPE or part[-2] == measure.ESCAPE


@TABLE
def test_every_code_is_what_an_independent_codec_says(alphabet: Alphabet) -> None:
    """gsmcodecs 1.0.0, compiled from the tables of 3GPP TS 23.038 18.0.0."""
    pytest.importorskip("gsmcodecs", reason="the package gsmcodecs is not installed")
    table: Table = TABLES[alphabet]
    codec = f"gsm23.038-0-{table.identifier}"
    theirs = {}
    for code in range(128):
        try:
            theirs[code] = bytes((measure.ESCAPE, code)).decode(codec)
        except UnicodeDecodeError:
            continue
    # ESC CR and ESC ESC are left by the standard for later; nobody is to send them.
    for reserved in (0x0D, measure.ESCAPE):
        theirs.pop(reserved, None)
    assert dict(table.shifted) == theirs
    assert table.encoded(TEXTS[alphabet]) == TEXTS[alphabet].encode(codec)
    assert table.decoded(TEXTS[alphabet].encode(codec)) == TEXTS[alphabet]


def test_the_spanish_table_is_what_a_second_codec_says() -> None:
    """gsm0338 1.1.0, which has this national table only."""
    gsm0338 = pytest.importorskip("gsm0338", reason="the package gsm0338 is not installed")
    codec = gsm0338.Codec(single_shift_decode_map=gsm0338.SINGLE_SHIFT_CHARACTER_SET_SPANISH)
    text = TEXTS[Alphabet.SPANISH] + "".join(SPANISH.shifted.values())
    octets = SPANISH.encoded(text)
    assert codec.decode(octets)[0] == text
    assert codec.encode(text)[0] == octets


@pytest.mark.parametrize("code", [0x00, 0x41, 0x7F])
def test_an_escape_before_a_code_the_table_lacks_shows_the_basic_letter(code: int) -> None:
    basic = measure.from_septets(bytes((code,)))
    assert TURKISH.decoded(bytes((measure.ESCAPE, code))) == basic
    assert TURKISH.decoded(bytes((measure.ESCAPE, measure.ESCAPE, code))) == " " + basic
    assert TURKISH.decoded(bytes((code, measure.ESCAPE))) == basic + " "


def deliver(user_data: bytes, septets: int) -> bytes:
    """An SMS-DELIVER as a network hands it to a phone (3GPP TS 23.040 9.2.2.1)."""
    sender = bytes((4, 0x81)) + bytes.fromhex("2143")
    stamp = bytes.fromhex("62701021000080")
    return bytes((0x44,)) + sender + bytes((0, 0)) + stamp + bytes((septets,)) + user_data


@pytest.mark.peer("tshark", "text2pcap")
@TABLE
def test_tshark_reads_table_and_text_from_the_octets_on_the_air(
    alphabet: Alphabet, tmp_path: Path
) -> None:
    table, text = TABLES[alphabet], TEXTS[alphabet][:140]
    made = encode(text, reference=1, national_tables=True)
    (packed,) = made.packed()
    septets = -(-4 * 8 // 7) + made.units
    dump = " ".join(f"{octet:02x}" for octet in deliver(packed, septets))
    source, capture = tmp_path / "sms.txt", tmp_path / "sms.pcap"
    source.write_text(f"0000 {dump}\n")
    subprocess.run(
        ["text2pcap", "-q", "-l", "147", str(source), str(capture)], check=True, capture_output=True
    )
    seen = subprocess.run(
        [
            *("tshark", "-r", str(capture), "-V"),
            *("-o", 'uat:user_dlts:"User 0 (DLT=147)","gsm_sms","0","","0",""'),
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "Malformed" not in seen
    assert f"Language (Single Shift): {alphabet.name.title()} ({table.identifier})" in seen
    # tshark has no national tables: it shows what they hold as U+FFFD, and all the rest as it is.
    foreign = {ord(c): "\ufffd" for c in table.shifted.values() if measure.septets(c) is None}
    (said,) = re.findall(r"SMS text: (.*)", seen)
    assert said == text.translate(foreign)
    assert said.count("\ufffd") > 2


# Cost and pace -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("cost", value) for value in (0, -1, "0.07", True, float("nan"), float("inf"))),
        *(("rate", value) for value in (0, "fast", None)),
        *(("national_tables", value) for value in (1, "yes", None)),
    ],
)
def test_a_wrong_price_pace_or_switch_is_refused(key: str, value: Any) -> None:
    with pytest.raises(BadInput) as error:
        read_settings({"kind": "sms", key: value})
    assert [problem.path for problem in error.value.problems] == [key]


def test_the_price_of_a_text_is_that_of_its_segments() -> None:
    assert price(3, SmsSettings(cost=0.07, rate=100)) == {"cost": 0.21, "rate": 100}
    assert price(3, SmsSettings()) == {}


def test_a_preview_names_the_table_and_the_price() -> None:
    settings = read_settings({"kind": "sms", "national_tables": True, "cost": 0.07, "rate": 50})
    channel = SmsChannel(settings, None, None, None)  # type: ignore[arg-type]
    fitted = channel.fit(
        Rendition(
            alert="a",
            language="tr",
            direction="ltr",
            variant=Variant.SHORT,
            format=Format.TEXT,
            text=TEXTS[Alphabet.TURKISH],
        )
    )
    assert fitted.shows == TEXTS[Alphabet.TURKISH]
    assert fitted.limit == 6 * 148
    assert fitted.meta["cost"] == 0.14
    assert fitted.meta["rate"] == 50
    assert "sent as GSM-7, Turkish table: a phone without it shows other letters" in fitted.notes
