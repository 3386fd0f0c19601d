"""What owners of phones see of our broadcasts, and what they rightly do not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.cell_broadcast.codec import Pages, choose, encode
from channels.cell_broadcast.handset import MEMORY, Handset, Place, Setting, Shown, Silent
from channels.cell_broadcast.profile import Broadcast, Profile, Row, available, load
from channels.cell_broadcast.serials import Serial

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
EVERYTHING_ON = frozenset(Setting)
TEXTS = {
    "de": "Unwetter in Dortmund. Gehen Sie in ein höheres Stockwerk.",
    "en": "Severe weather in Dortmund. Go to a higher floor.",
    "tr": "Dortmund'da şiddetli yağmur. Üst kata çıkın. " * 3,
    "ar": "أمطار غزيرة في دورتموند. اصعدوا إلى طابق أعلى.",
    "uk": "Злива в Дортмунді. Підніміться на вищий поверх.",
    "sq": "Shi i dendur. Ngjituni lart.",
    "kmr": "Baraneke dijwar. Derkevin qatê jorîn.",
}


def pages(text: str, language: str | None) -> Pages:
    choice = choose(text, language)
    return encode(choice.text, dcs=choice.coding.dcs, language=language)


def on_air(profile: Profile, row: Row, texts: Mapping[str, str]) -> list[tuple[Broadcast, Serial]]:
    """German for everyone, all others under the twin, each with a message code of its own."""
    wanted = [
        (identifier, text, profile.code(tag))
        for tag, text in texts.items()
        for identifier in ((row.local, *row.copies) if tag == "de" else (row.additional,))
    ]
    return [
        (Broadcast(identifier, pages(text, code)), Serial(number, 0))
        for number, (identifier, text, code) in enumerate(wanted)
    ]


def hear(
    phone: Handset, broadcast: Broadcast, serial: Serial, *, old: bool = False, **when: Any
) -> Shown | Silent:
    made = broadcast.pages
    lengths = None if old else made.lengths
    return phone.hears(
        broadcast.identifier,
        int(serial),
        made.coding.dcs,
        made.octets,
        lengths,
        **{"at": NOON, **when},
    )


def german(text: str = "Gefahr") -> Broadcast:
    return Broadcast(4370, pages(text, "de"))


# --- language ------------------------------------------------------------------------------


@pytest.mark.parametrize("old", [False, True], ids=["4G", "2G"])
@pytest.mark.parametrize(
    ("phone", "shows"),
    [
        ("de", ["de"]),
        ("tr", ["de", "tr"]),
        ("en", ["de", "en"]),
        ("en-GB", ["de", "en"]),
        ("ar", ["de", "ar"]),
        ("uk", ["de", "uk"]),
        ("sq", ["de", "sq"]),
        ("ku", ["de", "kmr"]),
        ("sw", ["de"]),
    ],
)
def test_a_phone_in_germany_shows_german_and_its_own_language_and_no_other(
    phone: str, shows: list[str], old: bool
) -> None:
    profile = load("de")
    for row in (*profile.levels, profile.all_clear):
        handset = Handset((phone,))
        said = [hear(handset, *one, old=old) for one in on_air(profile, row, TEXTS)]
        shown = [each for each in said if isinstance(each, Shown)]
        assert [each.text for each in shown] == [TEXTS[tag] for tag in shows]
        assert {each.title for each in shown} == {row.name.removesuffix(" (Entwarnung)")}
        assert [each.everyone for each in shown] == [tag == "de" for tag in shows]
        assert len(said) - len(shown) == len(TEXTS) - len(shows) + len(row.copies)


def test_only_the_first_language_of_a_phone_counts() -> None:
    turkish = Broadcast(4383, pages(TEXTS["tr"], "tr"))
    assert isinstance(hear(Handset(("tr", "de")), turkish, Serial(1, 0)), Shown)
    said = hear(Handset(("de", "tr")), turkish, Serial(1, 0))
    assert said == Silent("it is in tr, the phone is set to de")


def test_a_further_language_that_names_none_would_be_shown_to_everybody() -> None:
    """Which is why a Broadcast like this cannot be made."""
    nameless = pages(TEXTS["tr"], None)
    said = Handset(("pl",)).hears(4383, 0x4000, 0x48, nameless.octets, at=NOON)
    assert isinstance(said, Shown)
    assert said.everyone
    assert said.language is None


def test_a_serbian_phone_shows_serbian_once() -> None:
    profile = load("de")
    texts = {"de": "Gefahr", "sr": "Опасност", "sr-Latn": "Opasnost"}
    coded = {tag: text for tag, text in texts.items() if profile.code(tag)}
    phone = Handset(("sr-Latn-RS",))
    said = [hear(phone, *one) for one in on_air(profile, profile.all_clear, coded)]
    assert [each.text for each in said if isinstance(each, Shown)] == ["Gefahr", "Опасност"]


# --- what a phone listens to ---------------------------------------------------------------


def hearer(name: str, language: str, *enabled: Setting) -> Handset:
    country = next(iter(load(name).countries), "EU")
    return Handset((language,), country, enabled)


# What phones of a country do not hear although the profile's rows name it, and why it is so.
DEAF = {
    "de": {919},  # the copy is for phones without a setting for warnings
    "nl": {4384, 4385},  # Android's resources name no twins of 4371 and 4372
}


@pytest.mark.parametrize("name", available())
def test_phones_of_a_country_hear_every_live_identifier_of_its_profile(name: str) -> None:
    profile = load(name)
    for row in (*profile.levels, profile.all_clear):
        for identifier in row.identifiers:
            code = "de" if identifier in (row.local, *row.copies) else "tr"
            one = Broadcast(identifier, pages(TEXTS[code], code))
            said = hear(hearer(name, "tr"), one, Serial(1, 0))
            assert isinstance(said, Shown) == (identifier not in DEAF.get(name, ())), identifier


@pytest.mark.parametrize("name", available())
def test_exercises_and_tests_are_shown_only_by_phones_that_were_switched_to_them(name: str) -> None:
    profile = load(name)
    for row in (profile.exercise, profile.test):
        for broadcast, serial in on_air(profile, row, {"de": "Probe", "tr": TEXTS["tr"]}):
            said = hear(hearer(name, "tr", *EVERYTHING_ON), broadcast, serial)
            assert isinstance(said, Shown), broadcast.identifier
            # Android in France shows exercises as delivered.
            as_delivered = hear(hearer(name, "tr"), broadcast, serial)
            assert isinstance(as_delivered, Shown) == (name == "fr" and row == profile.exercise)


@pytest.mark.parametrize(
    ("name", "filters"),
    [
        ("at", True),
        ("de", True),
        ("es", True),
        ("eu", True),
        ("fr", True),
        ("it", False),
        ("nl", False),
    ],
)
def test_which_countries_phones_keep_further_languages_from_others(
    name: str, filters: bool
) -> None:
    turkish = Broadcast(4383, pages(TEXTS["tr"], "tr"))
    assert isinstance(hear(hearer(name, "pl"), turkish, Serial(1, 0)), Silent) == filters


def test_the_copy_for_old_phones_gives_no_second_alarm_in_germany() -> None:
    copy = Broadcast(919, pages("Gefahr", "de"))
    said = hear(Handset(), copy, Serial(1, 0))
    assert said == Silent("phones set up for Germany do not listen to 919")
    assert isinstance(hear(Handset(country="232"), copy, Serial(1, 0)), Shown)


def test_a_phone_from_elsewhere_shows_every_language_and_misses_the_all_clear() -> None:
    profile, phone = load("de"), Handset(("tr",), "286")
    level_1 = [hear(phone, *one) for one in on_air(profile, profile.levels[0], TEXTS)]
    shown = [each.text for each in level_1 if isinstance(each, Shown)]
    assert shown == list(TEXTS.values())
    clear = [hear(phone, *one) for one in on_air(profile, profile.all_clear, {"de": "Vorbei"})]
    assert clear == [Silent("phones set up for any other country do not listen to 4396")]


def test_only_the_highest_level_cannot_be_switched_off() -> None:
    profile = load("de")
    said = [hear(Handset(), *on_air(profile, row, TEXTS)[0]) for row in profile.levels]
    assert [isinstance(each, Shown) and each.fixed for each in said] == [True, False, False, False]


# --- memory --------------------------------------------------------------------------------


def test_a_repeat_is_silent_for_a_day_whatever_its_text_and_alarms_again_after_it() -> None:
    phone = Handset()
    assert isinstance(hear(phone, german(), Serial(7, 0)), Shown)
    for hours in (0.02, 12, 23.99):
        said = hear(phone, german("Anders"), Serial(7, 0), at=NOON + timedelta(hours=hours))
        assert said == Silent("it was received at 12:00; same identifier and serial number")
    assert isinstance(hear(phone, german(), Serial(7, 0), at=NOON + MEMORY), Shown)


def test_another_identifier_code_or_later_update_is_news() -> None:
    phone = Handset()
    for broadcast, serial in (
        (german(), Serial(7, 0)),
        (german(), Serial(8, 0)),
        (german(), Serial(7, 1)),
        (Broadcast(4372, pages("Gefahr", "de")), Serial(7, 0)),
    ):
        assert isinstance(hear(phone, broadcast, serial), Shown)


@pytest.mark.parametrize("last", range(16))
def test_up_to_eight_updates_ahead_is_newer_and_the_rest_is_old(last: int) -> None:
    newer = {
        update
        for update in range(16)
        for phone in [Handset()]
        if isinstance(hear(phone, german(), Serial(7, last)), Shown)
        and isinstance(hear(phone, german(), Serial(7, update)), Shown)
    }
    assert newer == {(last + ahead) % 16 for ahead in range(1, 9)}


def test_a_version_overtaken_by_a_newer_one_is_not_shown() -> None:
    phone = Handset()
    hear(phone, german("neu"), Serial(7, 2))
    said = hear(phone, german("alt"), Serial(7, 1))
    assert said == Silent("a newer version was received at 12:00")


@pytest.mark.parametrize(
    ("scope", "again"),
    [(0, {"cell", "area", "network"}), (1, {"network"}), (2, {"area", "network"})],
)
def test_a_moving_phone_alarms_again_where_the_scope_of_the_serial_ends(
    scope: int, again: set[str]
) -> None:
    for moved, place in (
        ("nowhere", Place("26201", 1, 1)),
        ("cell", Place("26201", 1, 2)),
        ("area", Place("26201", 2, 2)),
        ("network", Place("26202", 2, 2)),
    ):
        for gs in {scope, 3 if scope == 0 else scope}:
            phone, serial = Handset(), Serial(7, 0, scope=gs)
            hear(phone, german(), serial, place=Place("26201", 1, 1))
            assert isinstance(hear(phone, german(), serial, place=place), Shown) == (moved in again)


def test_what_was_received_in_another_language_is_not_shown_after_changing_the_language() -> None:
    phone = Handset(("de",))
    turkish = Broadcast(4383, pages(TEXTS["tr"], "tr"))
    assert isinstance(hear(phone, turkish, Serial(1, 0)), Silent)
    phone.language = "tr"
    assert "was received" in str(hear(phone, turkish, Serial(1, 0)))
    assert isinstance(hear(phone, turkish, Serial(1, 1)), Shown)


def test_two_languages_on_one_identifier_with_one_serial_hide_each_other() -> None:
    """Which is why languages on one identifier get different message codes."""
    phone = Handset(("tr",))
    assert isinstance(hear(phone, Broadcast(4383, pages("Go up", "en")), Serial(1, 0)), Silent)
    said = hear(phone, Broadcast(4383, pages(TEXTS["tr"], "tr")), Serial(1, 0))
    assert "same identifier and serial number" in str(said)


def test_pages_that_cannot_be_read_are_thrown_away_with_the_reason() -> None:
    said = Handset().hears(4370, 0x4000, 0x95, [bytes(82)], at=NOON)
    assert "0x95" in str(said)
    assert isinstance(hear(Handset(), german(), Serial(0, 0)), Shown)
