"""What a resident gets to read and to hear, from our own alerts and from foreign ones."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from broadcaster.model.cap import Alert, Info, MsgType
from broadcaster.model.rendition import Format, Variant
from broadcaster.text import measure
from broadcaster.text.accessible import sentences
from broadcaster.text.render import address, bare, rendition, said_digits
from tests.unit.text.alert_examples import (
    CITY,
    DISTRICTS,
    LANGUAGES,
    NOW,
    composed,
    everything,
    levels,
    library,
    text,
)

CELL_BROADCAST = {True: 15 * 93, False: 15 * 40}
"""Septets, and UCS-2 units beside a language prefix, on fifteen pages (3GPP TS 23.041)."""


def foreign(**changes: object) -> Alert:
    """An alert as another authority writes it: none of our parameters."""
    alert = composed("flood", 3).alert
    info = Info(
        language="de-DE",
        categories=alert.infos[0].categories,
        event="Hochwasser",
        urgency=alert.infos[0].urgency,
        severity=alert.infos[0].severity,
        certainty=alert.infos[0].certainty,
        headline="Hochwasser an der Lippe",
        description="Der Pegel steigt. Er erreicht 112 cm.",
        instruction="Rufen Sie 112.",
        areas=CITY,
    )
    return replace(alert, sender="lzg@nrw.example", infos=(replace(info, **changes),))  # type: ignore[arg-type]


def test_a_warning_reads_from_danger_to_source() -> None:
    assert text(composed("flood", 3).alert, "de", Variant.STANDARD).splitlines() == [
        "Hochwasser: Dortmund. Gehen Sie sofort nach oben!",
        "Lebensgefahr durch Hochwasser",
        "Bis: Dienstag, 24. November, 13:40",
        "Hochwasser ist lebensgefährlich.",
        "Das Wasser steigt schnell und strömt sehr stark.",
        "Wasserstand am Pegel Mengede: 310\u00a0cm.",
        "- Gehen Sie sofort auf höheres Gelände oder in ein Obergeschoss.",
        "- Gehen Sie nicht in Keller oder Tiefgaragen.",
        "- Gehen oder fahren Sie nicht durch überflutete Straßen.",
        "- Folgen Sie den Anweisungen von Feuerwehr und Polizei.",
        "- Rufen Sie bei Lebensgefahr den Notruf 112.",
        "Quelle: Stadt Dortmund",
        "warnung.dortmund.example/de/",
    ]


def test_no_text_holds_an_isolate_a_placeholder_or_punctuation_twice() -> None:
    for name, _, made in everything():
        assert not re.search("[\u2066-\u2069\u202a-\u202e]", made.text), name
        assert not re.search(r"%\(|[.!?:,;]{2}|\s[.,:;]|  |\bNone\b", made.text), (name, made.text)
        assert made.text == bare(made.text).strip()
        assert all(line.strip() for line in made.text.splitlines()), name


def test_a_voice_gets_one_sentence_a_line_and_nothing_it_would_misread() -> None:
    for name, _, made in everything():
        if made.variant is not Variant.SPOKEN:
            continue
        for line in made.text.splitlines():
            assert sentences(line) == [line], name
            assert line[-1] in ".!", (name, line)
        assert "://" not in made.text
        assert "example" not in made.text, name
        assert not re.search(r"\d:\d", made.text), name
        assert not re.search(r"\d{2}\s?(cm|°|л/м|l/m|سم)", made.text), name
        assert "112" not in made.text, name


def test_right_to_left_texts_begin_with_a_letter_that_says_so() -> None:
    for name, alert, made in everything():
        assert made.direction == library().language(made.language).direction
        if made.direction == "rtl":
            # Read aloud, direction means nothing, and the sender's name is German.
            first = re.search(r"[^\W\d_]", made.text)
            assert first
            assert made.variant is Variant.SPOKEN or "\u0600" <= first[0] <= "\u06ff", name
        assert made.alert == alert.identifier


@pytest.mark.parametrize(("hazard", "level"), levels())
def test_the_standard_text_fits_cell_broadcast_in_every_language(hazard: str, level: int) -> None:
    for msg_type in (MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL):
        for areas in (CITY, DISTRICTS):
            alert = composed(hazard, level, msg_type, areas=areas).alert
            for tag in LANGUAGES:
                plainly, _ = measure.plain_punctuation(text(alert, tag, Variant.STANDARD))
                septets = measure.septets(plainly)
                length = measure.units(plainly) if septets is None else septets
                assert length <= CELL_BROADCAST[septets is not None], (tag, msg_type, length)
                # German and English must not need the longer alphabet at all.
                assert (septets is not None) or not library().language(tag).gsm7


def test_an_all_clear_has_no_end() -> None:
    for hazard, _ in levels():
        alert = composed(hazard, 1, MsgType.CANCEL).alert
        for tag in LANGUAGES:
            for variant in (Variant.STANDARD, Variant.PLAIN):
                until = library().catalogue(tag, variant).say("Until")
                assert f"{until}:" not in text(alert, tag, variant)


def test_a_language_that_the_alert_lacks_is_not_replaced_by_another() -> None:
    assert rendition(foreign(), library(), "tr", Variant.STANDARD, Format.TEXT) is None
    assert rendition(foreign(), library(), "de", Variant.PLAIN, Format.TEXT) is None


# Foreign alerts -------------------------------------------------------------------------------


def test_a_foreign_alert_is_laid_out_like_ours() -> None:
    alert = foreign(expires=NOW + timedelta(hours=3), web="https://lippe.example/p?x=1")
    assert text(alert, "de", Variant.STANDARD).splitlines() == [
        "Hochwasser an der Lippe",
        "Wo: Dortmund",
        "Bis: 10:40",
        "Der Pegel steigt. Er erreicht 112 cm.",
        "- Rufen Sie 112.",
        "Quelle: lzg@nrw.example",
        "lippe.example/p?x=1",
    ]


@pytest.mark.parametrize(
    ("tag", "line"), [("de", "Bis: auf Weiteres"), ("en", "Until: further notice")]
)
def test_a_warning_without_an_end_reads_well(tag: str, line: str) -> None:
    alert = foreign(language=tag, expires=None)
    assert line in text(alert, tag, Variant.STANDARD).splitlines()


def test_a_foreign_alert_is_spoken_sentence_by_sentence() -> None:
    assert text(foreign(), "de", Variant.SPOKEN).splitlines() == [
        "lzg@nrw.example.",
        "Hochwasser an der Lippe.",
        "Wo: Dortmund.",
        "Der Pegel steigt.",
        "Er erreicht 112 cm.",
        "Rufen Sie 1 1 2.",
    ]


def test_a_foreign_alert_has_a_short_text_without_an_empty_line() -> None:
    alert = foreign(headline=None, areas=(), web=None)
    assert text(alert, "de", Variant.SHORT).splitlines() == ["Hochwasser", "lzg@nrw.example"]


def test_several_texts_of_one_language_are_all_said_and_equal_ones_once() -> None:
    alert = foreign()
    twice = replace(alert, infos=alert.infos * 2)
    assert text(twice, "de", Variant.STANDARD) == text(alert, "de", Variant.STANDARD)
    other = replace(alert.infos[0], headline="Hochwasser an der Ruhr")
    both = text(replace(alert, infos=(*alert.infos, other)), "de", Variant.STANDARD)
    assert both.index("Lippe") < both.index("Ruhr")


# Small things ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Rufen Sie 112.", "Rufen Sie 1 1 2."),
        ("110, 112 oder 115", "1 1 0, 1 1 2 oder 1 1 5"),
        ("112", "1 1 2"),
        ("Pegel: 112 cm", "Pegel: 112 cm"),
        ("112\u00a0l/m², 115%", "112\u00a0l/m², 115%"),
        ("0231 112", "0231 1 1 2"),
        ("1112 1120 1.112 112,5 11:12", "1112 1120 1.112 112,5 11:12"),
        ("Seite 120", "Seite 120"),
    ],
)
def test_an_emergency_number_is_said_digit_by_digit(written: str, said: str) -> None:
    assert said_digits(written) == said


def test_an_address_is_read_without_its_scheme() -> None:
    assert address("https://warn.example.org/de/") == "warn.example.org/de/"
    assert address("") == ""
