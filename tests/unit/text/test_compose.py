"""A draft becomes one alert that says the same in every language, or says which it cannot."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from broadcaster.model import rules
from broadcaster.model.cap import (
    PARAMETER_HAZARD,
    PARAMETER_NOTE,
    PARAMETER_NOTE_LANGUAGE,
    PARAMETER_REVIEW,
    PARAMETER_SHORT,
    PARAMETER_SPOKEN,
    PARAMETER_VARIANT,
    Certainty,
    Info,
    MsgType,
    Resource,
    ResponseType,
    Severity,
    Status,
    Urgency,
)
from broadcaster.model.capxml import write
from broadcaster.model.errors import BadInput
from broadcaster.model.rendition import Variant
from broadcaster.text import measure
from broadcaster.text.compose import SHORT_SEPTETS, SHORT_UNITS, with_resources
from broadcaster.text.library import Library
from tests.unit.text.alert_examples import (
    BERLIN,
    CITY,
    DISTRICTS,
    LANGUAGES,
    NOW,
    ROOT,
    area,
    composed,
    identity,
    levels,
    library,
)

TYPES = (MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL)
NOTE = "Notunterkunft: Sporthalle Mengede,\nEingang Nord. 100 % barrierefrei; Tel. 0231 <50>?"
NAMES_OF_GERMAN = {
    "en": "German",
    "tr": "Almanca",
    "ar": "الألمانية",
    "uk": "німецька",
    "pl": "niemiecki",
}


def infos(**asked: object) -> dict[str | None, Info]:
    return {info.language: info for info in composed(**asked).alert.infos}  # type: ignore[arg-type]


# One alert ------------------------------------------------------------------------------------


def test_every_language_has_a_standard_and_a_plain_text_and_the_source_language_is_first() -> None:
    tags = [info.language for info in composed().alert.infos]
    assert tags == [tag for each in LANGUAGES for tag in (each, f"{each}-simple")]
    assert tags[:2] == ["de", "de-simple"]


@pytest.mark.parametrize(("hazard", "level"), levels())
@pytest.mark.parametrize("msg_type", TYPES)
def test_codes_times_and_areas_are_equal_in_every_language(
    hazard: str, level: int, msg_type: MsgType
) -> None:
    composition = composed(hazard, level, msg_type)
    assert composition.dropped == ()
    facts = {
        (
            info.categories,
            info.response_types,
            info.urgency,
            info.severity,
            info.certainty,
            info.event_codes,
            info.effective,
            info.onset,
            info.expires,
            info.areas,
            info.sender_name,
            info.contact,
        )
        for info in composition.alert.infos
    }
    assert len(facts) == 1


@pytest.mark.parametrize("status", [Status.ACTUAL, Status.EXERCISE, Status.TEST])
@pytest.mark.parametrize(("hazard", "level"), levels())
def test_what_is_composed_breaks_no_rule_of_cap(hazard: str, level: int, status: Status) -> None:
    for msg_type in TYPES:
        alert = composed(hazard, level, msg_type, status=status).alert
        found = [str(p) for p in rules.check(alert, now=NOW) if p.level == "error"]
        assert found == []


@pytest.mark.parametrize("name", ["CAP-v1.2.xsd", "cap12_extended.google.xsd"])
def test_the_document_is_valid_by_both_schemas(shared: Path, name: str) -> None:
    from lxml import etree

    path = shared / "schemas" / name
    if not path.exists():
        pytest.skip(f"{name} is not on this machine")
    schema = etree.XMLSchema(etree.parse(path))
    for hazard, level in levels():
        for msg_type in TYPES:
            document = etree.fromstring(write(composed(hazard, level, msg_type).alert))
            schema.assertValid(document)


def test_the_parameters_tell_variant_hazard_and_review() -> None:
    for info in composed("flood", 3).alert.infos:
        variant = "plain" if str(info.language).endswith("-simple") else "standard"
        assert info.parameter(PARAMETER_VARIANT) == variant
        assert info.parameter(PARAMETER_HAZARD) == "flood"
        assert info.parameter(PARAMETER_REVIEW) == "drafted"
        # The short and the spoken form belong to the standard text, and are there once.
        assert bool(info.parameter(PARAMETER_SHORT)) is (variant == "standard")
        assert bool(info.parameter(PARAMETER_SPOKEN)) is (variant == "standard")


def test_an_officer_may_weigh_the_danger_otherwise_than_the_catalogue() -> None:
    asked = {
        "severity": Severity.MODERATE,
        "urgency": Urgency.FUTURE,
        "certainty": Certainty.POSSIBLE,
    }
    for info in composed("flood", 3, **asked).alert.infos:
        assert (info.severity, info.urgency, info.certainty) == tuple(asked.values())


def test_chosen_actions_come_in_the_order_in_which_they_were_chosen() -> None:
    info = infos(hazard="heat", actions=("faint", "drink"))["en"]
    assert info.instruction == (
        "If someone is confused or faints, call 112.\nDrink plenty of water."
    )


# The end --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hazard", "level"), levels())
def test_every_hazard_has_an_all_clear_in_every_language_and_variant(
    hazard: str, level: int
) -> None:
    warning = {i.language: i for i in composed(hazard, level).alert.infos}
    for info in composed(hazard, level, MsgType.CANCEL).alert.infos:
        assert info.response_types == (ResponseType.ALL_CLEAR,)
        assert (info.urgency, info.certainty) == (Urgency.PAST, Certainty.OBSERVED)
        assert info.headline
        assert info.headline != warning[info.language].headline
        assert info.description
        assert info.instruction
        assert info.onset is None


def test_an_all_clear_is_up_for_six_hours_and_names_no_values() -> None:
    alert = composed("flood", 3, MsgType.CANCEL, expires=NOW + timedelta(minutes=5)).alert
    for info in alert.infos:
        assert info.expires == NOW + timedelta(hours=6)
        assert "310" not in f"{info.description}{info.parameter(PARAMETER_SPOKEN)}"


# What is said first ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "msgid"), [(Status.EXERCISE, "Exercise"), (Status.TEST, "Test")]
)
@pytest.mark.parametrize("msg_type", TYPES)
def test_an_exercise_or_test_says_so_first_in_every_language(
    status: Status, msgid: str, msg_type: MsgType
) -> None:
    composition = composed("flood", 3, msg_type, status=status)
    for info in composition.alert.infos:
        tag, _, plain = str(info.language).partition("-")
        catalogue = library().catalogue(tag, Variant.PLAIN if plain else Variant.STANDARD)
        word = catalogue.say(msgid)
        texts = [info.headline, info.parameter(PARAMETER_SHORT), info.parameter(PARAMETER_SPOKEN)]
        for text in filter(None, texts):
            assert text.startswith(word), (tag, text)
        assert info.description
        assert (
            catalogue.say(
                "This is an exercise. There is no real danger."
                if status is Status.EXERCISE
                else "This is only a test. There is no danger."
            )
            in info.description
        )


def test_an_update_says_so_first_in_every_language() -> None:
    for info in composed("heavy_rain", 2, MsgType.UPDATE).alert.infos:
        tag, _, plain = str(info.language).partition("-")
        catalogue = library().catalogue(tag, Variant.PLAIN if plain else Variant.STANDARD)
        assert str(info.headline).startswith(f"{catalogue.say('Update')}: ")
        if not plain:
            short, spoken = info.parameter(PARAMETER_SHORT), info.parameter(PARAMETER_SPOKEN)
            update = f"{catalogue.say('Update', context='short')}: "
            assert str(short).splitlines()[1].startswith(update)
            assert str(spoken).startswith(f"{catalogue.say('Update')}: ")


def test_an_actual_warning_begins_with_the_danger_and_is_called_neither() -> None:
    info = infos(hazard="flood", level=3)["en"]
    assert info.headline == "Danger to life: flooding"
    assert "Exercise" not in write(composed("flood", 3).alert).decode()


# The officer's own words ----------------------------------------------------------------------


def test_a_note_is_carried_word_for_word_and_named_as_foreign_in_the_readers_own_language() -> None:
    said = infos(hazard="flood", note=NOTE, note_language="de")
    assert str(said["de"].description).endswith(NOTE)
    for tag, name in NAMES_OF_GERMAN.items():
        for variant in ("", "-simple"):
            description = str(said[tag + variant].description)
            plainly = description.replace("\u2068", "").replace("\u2069", "")
            assert plainly.endswith(NOTE)
            assert name in plainly.removesuffix(NOTE).splitlines()[-1]
    # Each of its lines keeps its own direction among Arabic ones.
    lines = str(said["ar"].description).splitlines()[-2:]
    assert lines == [f"\u2068{line}\u2069" for line in NOTE.splitlines()]
    for info in said.values():
        assert info.parameter(PARAMETER_NOTE) == NOTE
        assert info.parameter(PARAMETER_NOTE_LANGUAGE) == "de"


def test_the_name_of_a_language_is_not_that_of_a_country() -> None:
    assert "Zusätzlicher Text in der Sprache Englisch:" in str(
        infos(note="Doors open at six.", note_language="en")["de"].description
    )
    # Known to CLDR by its region only, and by nothing at all.
    assert "Dari" in str(infos(note="متن", note_language="prs")["de"].description)
    assert "Chinesisch (vereinfacht)" in str(infos(note="x", note_language="zh-Hans")["de"])


def test_a_note_is_read_aloud_in_its_own_language_only() -> None:
    said = infos(note="Die Turnhalle ist offen.", note_language="de")
    for tag in LANGUAGES:
        spoken = str(said[tag].parameter(PARAMETER_SPOKEN))
        assert ("Turnhalle" in spoken) is (tag == "de")


# A language that cannot say it ----------------------------------------------------------------


def without(tmp_path: Path, tag: str, variant: str, msgid: str) -> Library:
    """The shipped texts, one sentence of one catalogue untranslated."""
    locales = tmp_path / "locales"
    shutil.copytree(ROOT / "locales", locales)
    path = locales / tag / "LC_MESSAGES" / f"{variant}.po"
    po = path.read_text(encoding="utf-8")
    start = po.index(f'msgid "{msgid}"\nmsgstr')
    line = po.index("msgstr", start)
    path.write_text(po[:line] + 'msgstr ""' + po[po.index("\n", line) :], encoding="utf-8")
    return Library.load(ROOT / "templates", locales, "Europe/Berlin")


def test_a_language_without_a_sentence_falls_out_with_the_reason(tmp_path: Path) -> None:
    texts = without(tmp_path, "tr", "plain", "Drink plenty of water.")
    composition = composed(texts=texts)
    assert [(d.language, d.variant) for d in composition.dropped] == [("tr", Variant.PLAIN)]
    assert "'Drink plenty of water.'" in composition.dropped[0].reason
    tags = [info.language for info in composition.alert.infos]
    assert "tr" in tags
    assert "tr-simple" not in tags
    # Only what is needed is asked for: another hazard is said in full.
    assert composed("flood", 3, texts=texts).dropped == ()


def test_the_source_language_must_be_able_to_say_it(tmp_path: Path) -> None:
    texts = without(tmp_path, "de", "standard", "Drink plenty of water.")
    with pytest.raises(BadInput, match=r"Drink plenty of water") as caught:
        composed(texts=texts)
    assert caught.value.problems[0].remedy


# Values ---------------------------------------------------------------------------------------


def test_values_are_put_in_as_each_language_writes_them() -> None:
    said = infos(hazard="heavy_rain", level=2)
    assert "bis zu 40\u00a0Liter pro Quadratmeter in 6 Stunden." in str(said["de"].description)
    assert "up to 40\u00a0mm in 6 hours." in str(said["en"].description)
    assert "40\u00a0л/м²" in str(said["uk"].description)


def test_a_value_said_with_another_is_not_said_twice() -> None:
    description = str(infos(hazard="heavy_rain")["de"].description)
    assert description.count("40") == 1
    alone = str(infos(hazard="heavy_rain", parameters={"amount": 40})["de"].description)
    assert alone.count("40") == 1
    assert "Stunden" not in alone


def test_isolates_are_balanced_in_right_to_left_text_and_nowhere_else() -> None:
    alert = composed("flood", 3, note=NOTE, note_language="de").alert
    for info in alert.infos:
        right_to_left = str(info.language).startswith("ar")
        for line in f"{info.headline}\n{info.description}\n{info.instruction}".splitlines():
            assert line.count("\u2068") == line.count("\u2069")
        assert ("\u2068" in str(info.description)) is right_to_left
        for wire in (PARAMETER_SHORT, PARAMETER_SPOKEN):
            assert "\u2068" not in (info.parameter(wire) or "")


def test_times_are_those_of_the_citys_clock_on_both_sides_of_its_change() -> None:
    # The night of 25 October 2026: 3:00 CEST becomes 2:00 CET.
    sent = datetime(2026, 10, 24, 22, 0, tzinfo=BERLIN)
    expires = datetime.fromisoformat("2026-10-25T06:30:00+00:00")
    composition = composed(who=identity(sent=sent), expires=expires)
    short = composition.alert.infos[0].parameter(PARAMETER_SHORT)
    assert "Bis: Sonntag 07:30" in str(short)
    spoken = composition.alert.infos[0].parameter(PARAMETER_SPOKEN)
    assert "Bis: Sonntag, 7 Uhr 30." in str(spoken)
    xml = write(composition.alert).decode()
    assert "<sent>2026-10-24T22:00:00+02:00</sent>" in xml


# The short text -------------------------------------------------------------------------------


def size(text: str) -> tuple[int, int]:
    """Length on the wire, and what it may be."""
    plainly, _ = measure.plain_punctuation(text)
    septets = measure.septets(plainly)
    return (measure.units(text), SHORT_UNITS) if septets is None else (septets, SHORT_SEPTETS)


@pytest.mark.parametrize(("hazard", "level"), levels())
@pytest.mark.parametrize("msg_type", TYPES)
def test_the_short_text_fits_the_smallest_wire_or_the_officer_is_told(
    hazard: str, level: int, msg_type: MsgType
) -> None:
    for areas in (CITY, DISTRICTS):
        composition = composed(hazard, level, msg_type, areas=areas)
        told = {p.path: p for p in composition.warnings}
        for info in composition.alert.infos:
            short = info.parameter(PARAMETER_SHORT)
            if short is None:
                continue
            warning = told.pop(f"{info.language}/short", None)
            length, limit = size(short)
            assert (length > limit) is ("still" in warning.says if warning else False)
            assert ("warnung.dortmund.example" in short) is (warning is None)
            assert warning is None or warning.level == "warning"
        assert told == {}


@pytest.mark.parametrize(("hazard", "level"), levels())
@pytest.mark.parametrize("msg_type", TYPES)
def test_for_the_whole_city_every_short_text_fits(
    hazard: str, level: int, msg_type: MsgType
) -> None:
    for info in composed(hazard, level, msg_type).alert.infos:
        if short := info.parameter(PARAMETER_SHORT):
            length, limit = size(short)
            assert length <= limit, (info.language, short)


@pytest.mark.parametrize(("hazard", "level"), levels())
def test_for_three_districts_every_short_warning_and_all_clear_fits(
    hazard: str, level: int
) -> None:
    for msg_type in (MsgType.ALERT, MsgType.CANCEL):
        for info in composed(hazard, level, msg_type, areas=DISTRICTS).alert.infos:
            if short := info.parameter(PARAMETER_SHORT):
                length, limit = size(short)
                assert length <= limit, (info.language, short)


def test_a_short_text_keeps_danger_place_time_and_sender_when_the_address_does_not_fit() -> None:
    composition = composed("flood", 3, areas=DISTRICTS)
    assert str(composition.alert.infos[0].parameter(PARAMETER_SHORT)).splitlines() == [
        "Hochwasser: Dortmund: Hörde, Aplerbeck und Brackel. Gehen Sie sofort nach oben!",
        "Lebensgefahr. Gehen Sie nicht in den Keller.",
        "Bis: Dienstag 13:40",
        "Stadt Dortmund",
    ]
    says = {p.path: p.says for p in composition.warnings}["de/short"]
    assert "without the address" in says


def test_a_text_too_long_even_so_is_sent_whole_and_the_surplus_told() -> None:
    names = (
        "Unna",
        "Recklinghausen",
        "Soest",
        "Olpe",
        "Coesfeld",
        "Borken",
        "Warendorf",
        "Steinfurt",
    )
    far = tuple(area(f"Kreis {name}") for name in names)
    composition = composed("flood", 3, areas=far)
    short = str(composition.alert.infos[0].parameter(PARAMETER_SHORT))
    assert "Kreis Unna, Kreis Recklinghausen, Kreis Soest, Kreis Olpe, Kreis Coesfeld" in short
    assert "Lebensgefahr." in short
    says = {p.path: p.says for p in composition.warnings}["de/short"]
    assert f"still {size(short)[0] - SHORT_SEPTETS} septets too long" in says


def test_names_that_only_look_alike_are_not_drawn_together() -> None:
    names = tuple(area(name) for name in ("Dortmund-Hörde", "Dortmunder Hafen"))
    short = str(composed(areas=names).alert.infos[0].parameter(PARAMETER_SHORT))
    assert "Dortmund-Hörde und Dortmunder Hafen" in short


# The spoken text ------------------------------------------------------------------------------


def test_a_listener_hears_one_sentence_after_another_and_who_speaks_first() -> None:
    spoken = composed("flood", 3).alert.infos[0].parameter(PARAMETER_SPOKEN)
    assert str(spoken).splitlines() == [
        "Stadt Dortmund.",
        "Lebensgefahr durch Hochwasser.",
        "Wo: Dortmund.",
        "Bis: Dienstag, 13 Uhr 40.",
        "Hochwasser ist lebensgefährlich.",
        "Das Wasser steigt schnell und strömt sehr stark.",
        "Wasserstand am Pegel Mengede: 310 Zentimeter.",
        "Gehen Sie sofort auf höheres Gelände oder in ein Obergeschoss.",
        "Gehen Sie nicht in Keller oder Tiefgaragen.",
        "Gehen oder fahren Sie nicht durch überflutete Straßen.",
        "Folgen Sie den Anweisungen von Feuerwehr und Polizei.",
        "Rufen Sie bei Lebensgefahr den Notruf 1 1 2.",
    ]


def test_an_amount_that_looks_like_an_emergency_number_stays_an_amount() -> None:
    values = {"gauge": "Mengede", "water_level": 112}
    spoken = composed("flood", 3, parameters=values).alert.infos[0].parameter(PARAMETER_SPOKEN)
    assert "Wasserstand am Pegel Mengede: 112 Zentimeter." in str(spoken)


def test_the_beginning_is_said_only_when_it_is_not_now() -> None:
    soon = infos(onset=NOW + timedelta(minutes=10))["de"]
    later = infos(onset=NOW + timedelta(hours=5, minutes=20))["de"]
    assert "Ab:" not in str(soon.parameter(PARAMETER_SPOKEN))
    assert "Ab: 13 Uhr.\nBis:" in str(later.parameter(PARAMETER_SPOKEN))


# Files ----------------------------------------------------------------------------------------


def test_a_file_is_named_in_the_info_of_its_language_only() -> None:
    alert = composed().alert
    voice = Resource(resource_desc="audio", mime_type="audio/ogg", uri="https://a.example/tr.ogg")
    made = with_resources(alert, {"tr": [voice]})
    assert [i.language for i in made.infos if i.resources] == ["tr"]
    assert replace(made, infos=alert.infos) == alert
