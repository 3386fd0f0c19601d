"""Languages are rows of data; their tags are CAP's."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from broadcaster.model.errors import BadInput
from broadcaster.text.languages import Variant, cap_language, load_languages, split_cap_language

ROWS = Path(__file__).parents[3] / "locales" / "languages.yaml"
LANGUAGES = load_languages(ROWS)

REACHED = [
    *("de", "en", "tr", "ar", "uk", "ru", "pl", "ro", "bg", "fr", "es", "it", "el", "pt", "fa"),
    *("prs", "kmr", "ckb", "sq", "sr", "hr", "bs", "mk", "hu", "nl", "vi", "zh-Hans", "hi", "ur"),
    *("ps", "ti", "so", "ta", "ka", "hy", "am"),
]


def rows(folder: Path, text: str) -> Path:
    path = folder / "languages.yaml"
    path.write_text(text, "utf-8")
    return path


def test_all_thirty_six_languages_have_a_row_and_serbian_two() -> None:
    assert len(REACHED) == 36
    assert set(LANGUAGES) == {*REACHED, "sr-Latn"}


def test_serbian_is_respelt_letter_by_letter() -> None:
    latin = LANGUAGES["sr-Latn"]
    assert latin.respells == "sr"
    assert latin.respelt("Опасност по живот: %(event)s. Позовите 112.") == (
        "Opasnost po život: %(event)s. Pozovite 112."
    )
    assert latin.respelt("Њега, љубав, џак, ЉУБАВ, Ђ и ћ") == "Njega, ljubav, džak, LJUBAV, Đ i ć"
    assert len(latin.letters) == 30
    assert latin.plural_categories == LANGUAGES["sr"].plural_categories


@pytest.mark.parametrize(
    "row",
    ["respells: xx, letters: {а: a}", "respells: tr", "respells: lat, letters: {а: a}"],
)
def test_only_a_language_with_catalogues_can_be_respelt(tmp_path: Path, row: str) -> None:
    text = ROWS.read_text("utf-8")
    given = "name: X, english: X, direction: ltr, script: Latn, cldr: tr, iso639_1: tr"
    text += f"  lat: {{{given}, plain_name: X, {row}}}\n"
    with pytest.raises(BadInput) as caught:
        load_languages(rows(tmp_path, text))
    assert [problem.path for problem in caught.value.problems] == ["languages.yaml:lat.respells"]


@pytest.mark.parametrize("tag", REACHED)
def test_a_row_agrees_with_cldr_and_with_its_own_letters(tag: str) -> None:
    language = LANGUAGES[tag]
    assert language.direction == ("rtl" if language.locale.text_direction == "rtl" else "ltr")
    strong = {unicodedata.bidirectional(c) for c in language.name + language.plain_name} & {
        "L",
        "R",
        "AL",
    }
    assert strong == ({"AL"} if language.direction == "rtl" else {"L"})
    assert language.name == unicodedata.normalize("NFC", language.name)
    assert all(twin in LANGUAGES for twin in language.twins)


def test_kurdish_and_dari_have_the_codes_that_exist_for_them() -> None:
    codes = {tag: LANGUAGES[tag].iso639_1 for tag in ("kmr", "ckb", "prs", "zh-Hans")}
    assert codes == {"kmr": "ku", "ckb": None, "prs": "fa", "zh-Hans": "zh"}


def test_plural_categories_are_in_the_order_of_gettext_forms() -> None:
    assert LANGUAGES["ar"].plural_categories == ("zero", "one", "two", "few", "many", "other")
    assert LANGUAGES["uk"].plural_categories == ("one", "few", "many", "other")
    assert LANGUAGES["zh-Hans"].plural_categories == ("other",)


def test_a_new_language_is_one_row(tmp_path: Path) -> None:
    path = rows(
        tmp_path,
        "languages:\n  sk: {name: Slovenčina, english: Slovak, direction: ltr, script: Latn,\n"
        "    cldr: sk, iso639_1: sk, plain_name: Jednoduchý jazyk, plain: {words: [9, 14]}}\n",
    )
    slovak = load_languages(path)["sk"]
    assert slovak.plain.words == (9, 14)
    assert slovak.plural_categories == ("one", "few", "many", "other")


def test_every_mistake_of_a_row_is_named_at_once(tmp_path: Path) -> None:
    path = rows(
        tmp_path,
        "languages:\n  Slovak: {name: 5, direction: up, script: Latn, cldr: xx_yy, iso639_1: slk,\n"
        "    plain_name: x, gsm7: maybe, colour: red, units: [], twins: hr,\n"
        "    plain: {words: [15, 10], level: Z, letters: many, shouting: true}}\n",
    )
    with pytest.raises(BadInput) as raised:
        load_languages(path)
    places = {problem.path.removeprefix("languages.yaml:") for problem in raised.value.problems}
    wrong = [
        *("name", "english", "direction", "cldr", "iso639_1", "gsm7", "colour", "units", "twins"),
        *("plain.words", "plain.level", "plain.letters", "plain.shouting"),
    ]
    assert places == {"Slovak", *(f"Slovak.{key}" for key in wrong)}


@pytest.mark.parametrize("text", ["", "- de", "languages: []", "languages: {de: 5}", "a: [b"])
def test_a_file_that_holds_no_rows_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput):
        load_languages(rows(tmp_path, text))


def test_an_absent_file_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nowhere\.yaml: cannot be read"):
        load_languages(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("tag", REACHED)
def test_cap_tags_survive_the_round_trip(tag: str) -> None:
    for variant in (Variant.STANDARD, Variant.PLAIN):
        assert split_cap_language(cap_language(tag, variant)) == (tag, variant)


def test_plain_language_carries_the_registered_subtag_and_ninas_tag_is_understood() -> None:
    assert cap_language("de", Variant.PLAIN) == "de-simple"
    assert split_cap_language("de-LS") == ("de", Variant.PLAIN)
    assert split_cap_language("en-US") == ("en-US", Variant.STANDARD)
