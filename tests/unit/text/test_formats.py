"""Times, numbers and units as each language writes and says them."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from broadcaster.text.catalogues import Catalogue, Entry, MissingText
from broadcaster.text.formats import (
    FSI,
    PDI,
    SPOKEN_DAYS,
    SPOKEN_EARLY,
    SPOKEN_FAR,
    SPOKEN_HOUR,
    SPOKEN_MINUS,
    SPOKEN_NEAR,
    SPOKEN_TIME,
    SPOKEN_UNITS,
    UNITS,
    Formats,
)
from broadcaster.text.languages import Variant, load_languages

LANGUAGES = load_languages(Path(__file__).parents[3] / "locales" / "languages.yaml")
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
TOMORROW = datetime(2026, 11, 24, 13, 30, tzinfo=UTC)
LATER = datetime(2026, 12, 3, 7, 5, tzinfo=UTC)


def formats(tag: str) -> Formats:
    return Formats(LANGUAGES[tag], BERLIN)


def german_voice() -> Catalogue:
    said = {
        SPOKEN_TIME: "%(hour)s Uhr %(minute)s",
        SPOKEN_EARLY: "%(hour)s Uhr %(minute)s",
        SPOKEN_NEAR: "%(weekday)s, %(time)s",
        SPOKEN_FAR: "%(weekday)s, %(day)s %(month)s, %(time)s",
        SPOKEN_MINUS: "minus %(amount)s",
        SPOKEN_DAYS[2]: "dritter",
    }
    entries = {("spoken", msgid): Entry((text,)) for msgid, text in said.items()}
    counted = {
        "l/m2": ("%(amount)s Liter pro Quadratmeter",) * 2,
        "h": ("%(amount)s Stunde", "%(amount)s Stunden"),
        "degC": ("%(amount)s Grad",) * 2,
    }
    for unit, forms in counted.items():
        entries["spoken", SPOKEN_UNITS[unit][0]] = Entry(forms, counted=True)
    entries["spoken", SPOKEN_HOUR[0]] = Entry(("%(hour)s Uhr",) * 2, counted=True)
    return Catalogue(LANGUAGES["de"], Variant.STANDARD, entries)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("de", "Dienstag, 24. November, 14:30"),
        ("en", "Tuesday, 24 November, 14:30"),
        ("tr", "24 Kasım Salı, 14:30"),
        ("ar", "الثلاثاء، 24 نوفمبر، 14:30"),
        ("uk", "вівторок, 24 листопада, 14:30"),
        ("pl", "wtorek, 24 listopada, 14:30"),
        ("zh-Hans", "11月24日星期二 14:30"),
        ("hu", "november 24., kedd, 14:30"),
    ],
)
def test_another_day_is_named_with_weekday_and_date(tag: str, expected: str) -> None:
    assert formats(tag).moment(TOMORROW, NOW) == expected


def test_today_needs_only_the_time_and_the_day_is_that_of_the_city() -> None:
    late = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)  # half past midnight of the 23rd in Dortmund
    assert formats("de").moment(late, NOW) == "00:30"
    assert formats("de").time(TOMORROW) == "14:30"


def test_summer_time_is_the_citys() -> None:
    assert formats("de").time(datetime(2026, 7, 1, 12, 0, tzinfo=UTC)) == "14:00"


def test_a_moment_without_an_offset_is_a_bug() -> None:
    with pytest.raises(ValueError, match="offset"):
        formats("de").time(datetime(2026, 7, 1, 12, 0))


def test_no_language_is_given_the_weekday_of_another() -> None:
    """Babel 2.18 hands out stand-alone names of whichever locale was asked first."""
    for order in (list(LANGUAGES), list(reversed(LANGUAGES))):
        shown = {tag: formats(tag).moment(TOMORROW, NOW) for tag in order}
        for tag, text in shown.items():
            # The script of the day is the language's: Urdu days in Tamil text had no Tamil letter.
            name = LANGUAGES[tag].locale.days["format"]["wide"][1]
            assert name in text
        letters = {tag: re.sub(r"[\W\d_]", "", text) for tag, text in shown.items()}
        assert not re.search("[\u0600-\u06ff]", letters["ta"] + letters["so"] + letters["am"])


@pytest.mark.parametrize("tag", list(LANGUAGES))
def test_no_unit_identifier_and_no_foreign_digit_reaches_a_reader(tag: str) -> None:
    f = formats(tag)
    shown = [
        f.quantity(n, u) for n, u in itertools.product((0, 1, 2, 3, 5, 11, 21, 100, 1.5), UNITS)
    ]
    shown += [f.moment(TOMORROW, NOW), f.number(12500.5)]
    for text in shown:
        assert not re.search(
            r"(?:length|speed|duration|temperature)-|\u202f|[\u200e\u200f\u061c]", text
        ), text
        assert all(c.isascii() for c in text if c.isdecimal()), text
    assert all("14:30" in text for text in [f.time(TOMORROW), f.moment(TOMORROW, NOW)])


@pytest.mark.parametrize(
    ("tag", "n", "unit", "expected"),
    [
        ("tr", 35.5, "l/m2", "35,5\u00a0l/m²"),
        ("de", 35.5, "l/m2", "35,5\u00a0Liter pro Quadratmeter"),
        ("en", 35.5, "l/m2", "35.5\u00a0mm"),
        ("de", 1, "h", "1 Stunde"),
        ("de", 12.5, "%", "12,5\u00a0%"),
        ("tr", 30, "%", "%30"),
        ("tr", 3, "d", "3 gün"),
        ("uk", 5, "h", "5 годин"),
        ("uk", Decimal("1.5"), "h", "1,5 години"),
        ("ar", 2, "d", "يومان"),
        ("pl", 22, "min", "22 minuty"),
        ("ru", 80, "km/h", "80\u00a0км/ч"),
        ("ckb", 2, "h", "2\u00a0کاتژمێر"),
    ],
)
def test_quantities_are_written_as_in_the_language(
    tag: str, n: float | Decimal, unit: str, expected: str
) -> None:
    assert formats(tag).quantity(n, unit) == expected


def test_an_unknown_unit_is_a_bug() -> None:
    with pytest.raises(ValueError, match="no unit"):
        formats("de").quantity(3, "furlong")


def test_numbers_keep_their_decimals_and_places_are_joined_by_the_language() -> None:
    assert formats("de").number(38.1) == "38,1"
    assert formats("de").number(12500) == "12.500"
    assert formats("de").places(["Hörde", "Aplerbeck", "Mengede"]) == "Hörde, Aplerbeck und Mengede"
    assert formats("ar").places(["A", "B"]) == "A وB"
    assert formats("tr").places([]) == ""


def test_values_are_isolated_in_right_to_left_text_only() -> None:
    assert formats("ar").isolate("Dortmund") == f"{FSI}Dortmund{PDI}"
    assert formats("de").isolate("Dortmund") == "Dortmund"
    assert formats("ar").isolate("") == ""


@pytest.mark.parametrize(
    ("hour", "minute", "expected"),
    [(14, 0, "14 Uhr"), (14, 30, "14 Uhr 30"), (8, 5, "8 Uhr 5"), (0, 0, "0 Uhr")],
)
def test_a_time_is_said_without_colon_and_leading_zero(
    hour: int, minute: int, expected: str
) -> None:
    moment = datetime(2026, 11, 24, hour, minute, tzinfo=BERLIN)
    assert formats("de").spoken_time(moment, german_voice()) == expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 11, 23, 18, 0, tzinfo=BERLIN), "18 Uhr"),
        (TOMORROW, "Dienstag, 14 Uhr 30"),
        (LATER, "Donnerstag, dritter Dezember, 8 Uhr 5"),
    ],
)
def test_a_moment_is_said_as_short_as_it_is_clear(moment: datetime, expected: str) -> None:
    assert formats("de").spoken_moment(moment, NOW, german_voice()) == expected


@pytest.mark.parametrize(
    ("tag", "moment", "expected"),
    [
        ("de", NOW, "12:00"),
        ("de", TOMORROW, "Dienstag 14:30"),
        ("ar", TOMORROW, "الثلاثاء 14:30"),
        ("de", datetime(2026, 11, 29, 11, 0, tzinfo=UTC), "Sonntag 12:00"),
        ("de", datetime(2026, 11, 30, 11, 0, tzinfo=UTC), "Montag, 30. November, 12:00"),
        ("de", datetime(2026, 11, 22, 11, 0, tzinfo=UTC), "Sonntag, 22. November, 12:00"),
    ],
)
def test_a_brief_moment_leaves_the_date_to_the_weekday_while_that_is_clear(
    tag: str, moment: datetime, expected: str
) -> None:
    assert formats(tag).brief_moment(moment, NOW) == expected


def test_the_same_weekday_next_week_is_said_with_its_date() -> None:
    sixth = datetime(2026, 11, 29, 12, 0, tzinfo=BERLIN)
    assert formats("de").spoken_moment(sixth, NOW, german_voice()) == "Sonntag, 12 Uhr"
    with pytest.raises(MissingText, match="30th"):  # the seventh day asks for its ordinal
        formats("de").spoken_moment(sixth.replace(day=30), NOW, german_voice())


def test_quantities_are_said_in_words() -> None:
    f, voice = formats("de"), german_voice()
    assert f.spoken_quantity(60, "l/m2", voice) == "60 Liter pro Quadratmeter"
    assert f.spoken_quantity(1, "h", voice) == "1 Stunde"
    assert f.spoken_quantity(1.5, "h", voice) == "1,5 Stunden"
    assert f.spoken_quantity(-12, "degC", voice) == "minus 12 Grad"
    assert f.spoken_quantity(12500, "degC", voice) == "12500 Grad"


def test_what_cannot_be_said_is_missing_and_not_replaced() -> None:
    with pytest.raises(MissingText, match="kilometre per hour"):
        formats("de").spoken_quantity(80, "km/h", german_voice())


def test_every_spoken_phrase_is_known_by_its_english() -> None:
    assert SPOKEN_DAYS[:4] == ("1st", "2nd", "3rd", "4th")
    assert SPOKEN_DAYS[10:13] == ("11th", "12th", "13th")
    assert SPOKEN_DAYS[20:] == (
        *("21st", "22nd", "23rd", "24th", "25th", "26th", "27th", "28th", "29th", "30th", "31st"),
    )
    assert set(SPOKEN_UNITS) == set(UNITS)
