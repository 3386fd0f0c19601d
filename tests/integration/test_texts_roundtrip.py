"""What is put on the air is what a phone shows: no letter lost, in any language or script."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import pytest
import regex
from babel import Locale
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcaster.model.cap import MsgType
from broadcaster.model.errors import BadInput, DoesNotFit, Unsupported
from broadcaster.model.rendition import Variant
from broadcaster.text.measure import Replacement
from channels.cell_broadcast import codec
from channels.sms import segments
from tests.integration.installation import Installation
from tests.unit.text.alert_examples import CITY, DISTRICTS, LANGUAGES, composed, levels, text

Shown = tuple[str, tuple[Replacement, ...]]


def by_sms(written: str) -> Shown:
    """What the phone shows, and every change that was reported."""
    sent = segments.encode(written, reference=0x1234)
    return segments.decode(sent.parts, sent.alphabet), sent.replacements


def by_cell_broadcast(written: str, language: str | None) -> Shown:
    choice = codec.choose(written, language)
    pages = codec.encode(choice.text, dcs=choice.coding.dcs, language=language)
    assert all(len(page) == codec.PAGE_OCTETS for page in pages.octets)
    named, shown = codec.decode(pages.octets, pages.lengths, choice.coding.dcs)
    assert named == language
    return shown, choice.replaced


def expected(written: str, replacements: Iterable[Replacement]) -> str:
    """The text given with exactly the reported changes made."""
    made = unicodedata.normalize("NFC", written.replace("\r\n", "\n"))
    for change in replacements:
        if (change.character, change.by) != ("\r", ""):  # the one above
            made = made.replace(change.character, change.by)
    return unicodedata.normalize("NFC", made)


@pytest.mark.parametrize("tag", LANGUAGES)
@pytest.mark.parametrize(("hazard", "level"), levels())
def test_every_warning_arrives_as_it_was_approved(hazard: str, level: int, tag: str) -> None:
    for msg_type in (MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL):
        for areas in (CITY, DISTRICTS):
            alert = composed(hazard, level, msg_type, areas=areas).alert
            for variant in Variant:
                written = text(alert, tag, variant)
                shown = [by_sms(written)]
                if variant in (Variant.STANDARD, Variant.SHORT):
                    shown.append(by_cell_broadcast(written, tag))
                for seen, replacements in shown:
                    assert seen == expected(written, replacements)
                    assert seen.count("?") == written.count("?")
                    # Only the space that does not break is ever put plainly in our own texts.
                    assert {r.character for r in replacements} <= {"\u00a0"}


def test_the_officer_sees_before_sending_which_short_texts_are_cut_to_size(tmp_path: Path) -> None:
    city = Installation(tmp_path)
    city.configure(["texts"], languages=["de", "tr"])
    asked = {"hazard": "flood", "level": "3", "expires": "30h"}
    districts = ["dortmund-hoerde", "dortmund-aplerbeck", "dortmund-brackel"]
    three = city.do("preview", fields={**asked, "area": districts})
    told = {warning["path"]: warning["says"] for warning in three.report["warnings"]}
    assert "without the address" in told["de/short"]
    assert "without the address" in told["tr/short"]
    whole = city.do("preview", fields={**asked, "area": "dortmund"})
    assert not [w for w in whole.report["warnings"] if w["path"].endswith("/short")]


# Any text -------------------------------------------------------------------------------------

JOINERS = "\u200c\u200d"
MARKS = "\u0301\u0308\u0327\u064b\u0651\u093c\u094d\u0e31\u1dc4\u20dd\ufe0f\U000e0100"
AWKWARD = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Mn", "Mc", "Me"]),
        st.characters(categories=["Cs"]),
        st.sampled_from(JOINERS + MARKS + "?@^{}€\r\n\t\f\u00a0\u2066\u2069\u00ad\x1b\x00"),
    ),
    max_size=400,
)


def assert_unchanged_or_refused(written: str) -> None:
    """Identical but for what is reported, or refused with a reason and a remedy."""
    wires = (by_sms, lambda t: by_cell_broadcast(t, "de"), lambda t: by_cell_broadcast(t, None))
    for wire in wires:
        try:
            seen, replacements = wire(written)
        except (BadInput, DoesNotFit, Unsupported) as error:
            refused = error.problems
        else:
            refused = ()
        if refused:
            assert all(problem.says for problem in refused)
            continue
        if wire is not by_sms:
            written = written.replace("\r\n", "\n").replace("\r", "\n")  # said in the notes
        assert seen == expected(written, replacements)
        for joiner in JOINERS:
            assert seen.count(joiner) == written.count(joiner)


@given(AWKWARD)
@settings(max_examples=300, deadline=None)
def test_no_text_is_altered_in_silence(written: str) -> None:
    assert_unchanged_or_refused(written)


@given(st.text(st.sampled_from("سلام می‌خواهم क्‍ष ন্‍ ශ්‍රී \u200c\u200d"), max_size=300))
@settings(max_examples=100, deadline=None)
def test_joiners_are_letters_of_their_words(written: str) -> None:
    assert_unchanged_or_refused(written)


@given(st.text(st.characters(min_codepoint=0x10000, exclude_categories=["Cs"]), max_size=200))
@settings(max_examples=100, deadline=None)
def test_letters_beyond_the_first_plane_keep_both_halves(written: str) -> None:
    assert_unchanged_or_refused(written)


@pytest.mark.parametrize("half", [chr(0xD83D), chr(0xDD25), f"Feuer {chr(0xD83D)} im Haus"])
def test_half_a_surrogate_pair_is_refused(half: str) -> None:
    with pytest.raises((Unsupported, BadInput)):
        by_sms(half)
    with pytest.raises((Unsupported, BadInput)):
        by_cell_broadcast(half, "de")


# Every script ---------------------------------------------------------------------------------

# Three long runs of like characters are sampled: all of them would only take longer.
_LONG_RUNS = (range(0x3500, 0x9F00), range(0xAD00, 0xD700), range(0x17100, 0x18A00))
_LETTERS = "".join(
    chr(code)
    for code in range(sys.maxunicode + 1)
    if unicodedata.category(chr(code))[0] in "LM"
    and not any(code in run for run in _LONG_RUNS)
    and not 0x20100 <= code < 0x40000
)


def scripts() -> dict[str, str]:
    """A sample of letters and marks of every script that Unicode and CLDR know."""
    found = {}
    for code in Locale("en").scripts:
        try:
            letters = regex.findall(rf"\p{{Script={code}}}", _LETTERS)
        except regex.error:  # an ISO 15924 code that is no Unicode script (sign language, say)
            continue
        plain = [c for c in letters if unicodedata.category(c)[0] == "L"][:40]
        marks = [c for c in letters if unicodedata.category(c)[0] == "M"][:20]
        words = ["".join(plain[i : i + 5]) for i in range(0, len(plain), 5)]
        words += [f"{plain[0]}{mark}" for mark in marks if plain]
        if words:
            found[code] = " ".join(words)
    return found


SCRIPTS = scripts()


def test_the_samples_cover_the_scripts_of_the_world() -> None:
    assert len(SCRIPTS) >= 150
    assert {"Latn", "Arab", "Cyrl", "Ethi", "Hang", "Hani", "Adlm", "Taml", "Geor"} <= set(SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_arrives_whole(script: str) -> None:
    written = SCRIPTS[script]
    for seen, replacements in (by_sms(written), by_cell_broadcast(written, None)):
        assert seen == unicodedata.normalize("NFC", written)
        assert replacements == ()
