"""STOP is understood however it is typed; an ordinary sentence and a cry for help never are it."""

import unicodedata
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.model.errors import BadInput
from broadcaster.text.keywords import (
    UNIVERSAL,
    Act,
    Command,
    decide,
    fold,
    keywords_of,
    load_keywords,
)
from broadcaster.text.languages import load_languages
from tests.unit.text.ordinary_messages import CRIES, QUESTIONS, SENTENCES

LOCALES = Path(__file__).parents[3] / "locales"
LANGUAGES = load_languages(LOCALES / "languages.yaml")
KEYWORDS = load_keywords(LOCALES / "keywords.yaml", LANGUAGES)
ROWS = yaml.safe_load((LOCALES / "keywords.yaml").read_text(encoding="utf-8"))["languages"]
OWN = [tag for tag, row in LANGUAGES.items() if not row.respells]


def typed(word):
    """One word in the forms in which phones and people give it."""
    yield from (word, word.lower(), word.upper(), word.title(), word.casefold())
    yield from (f"{word}.", f"{word}!!!", f" {word} \n", f"„{word}“", f"«{word}»", f"*{word}*")
    yield from (f"{word}🙏", f"🛑 {word} 🛑", f"{word} :-)", f"{word}\N{VARIATION SELECTOR-16}")
    yield from (f"\u200f{word}\u200e", f"\u2067{word}\u2069", f"\ufeff{word}\u200b", f"\xa0{word}")
    yield unicodedata.normalize("NFD", word)
    if word.isascii():
        yield "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in word)  # full width
        yield word.upper().replace("I", "İ")
        yield word.lower().replace("i", "ı")
    if "ARABIC" in unicodedata.name(word[0]):
        yield "ـ".join(word)  # tatweel
        yield "".join(c + "\N{ARABIC FATHA}" for c in word)
        yield f"{word}،"
        yield word.replace("ی", "ي").replace("ک", "ك")
    if "GREEK" in unicodedata.name(word[0]):
        yield word.lower().replace("σ", "ς")


@pytest.mark.parametrize("tag", OWN)
def test_stop_is_understood_in_every_language_and_in_every_form_in_which_it_is_typed(tag):
    forms = [form for word in ROWS[tag]["stop"] for form in typed(word)]
    assert len(forms) > 40
    for form in forms:
        assert decide(form, KEYWORDS, None).act is Act.STOP, form
        assert decide(form, KEYWORDS, tag).act is Act.STOP, form


@pytest.mark.parametrize("tag", OWN)
@pytest.mark.parametrize("act", [Act.STOP, Act.START, Act.HELP])
def test_every_keyword_says_what_it_is_for_and_in_whose_language(tag, act):
    for word in ROWS[tag][act]:
        command = decide(word, KEYWORDS, tag)
        assert command == Command(act, tag), word


@pytest.mark.parametrize("tag", OWN)
def test_a_language_is_changed_by_its_names_and_its_tag(tag):
    names = [*ROWS[tag]["names"], LANGUAGES[tag].name, LANGUAGES[tag].english, tag]
    for name in names:
        for text in (f"LANG {name}", f"lang: {name.lower()}", f"Lang  {name.upper()}!"):
            assert decide(text, KEYWORDS, tag) == Command(Act.LANGUAGE, tag), text
        assert decide(f"START {name}", KEYWORDS, None).act is Act.START, name
        assert decide(f"START {name}", KEYWORDS, tag) == Command(Act.START, tag), name
    for word in ROWS[tag]["language"]:
        text = f"{word} {ROWS[tag]['names'][0]}"
        assert decide(text, KEYWORDS, tag) == Command(Act.LANGUAGE, tag), text


@pytest.mark.parametrize(
    "word", ["STOP", "stop", "Stop.", "ＳＴＯＰ", "STOP 🙏", "ЅТОР", "СТОР", "СТОП"]
)
@pytest.mark.parametrize("tag", [None, *LANGUAGES])
def test_the_latin_stop_works_in_every_language_also_from_a_cyrillic_keyboard(word, tag):
    assert decide(word, KEYWORDS, tag).act is Act.STOP


@pytest.mark.parametrize(
    ("word", "act"),
    [("SТАRТ", Act.START), ("НЕLР", Act.HELP), ("START", Act.START), ("Help!", Act.HELP)],
)
def test_the_other_universal_words_work_the_same_way(word, act):
    assert decide(word, KEYWORDS, None) == Command(act)


def test_a_word_for_language_alone_asks_how_it_is_done():
    assert decide("LANG", KEYWORDS, None) == Command(Act.HELP)
    assert decide("Sprache", KEYWORDS, None) == Command(Act.HELP, "de")


def test_a_language_nobody_here_knows_is_told_from_a_sentence():
    assert decide("LANG Klingon", KEYWORDS, None) == Command(Act.LANGUAGE, None)
    assert decide("LANG of the street", KEYWORDS, None) == Command(Act.OTHER)
    assert decide("Sprache weg", KEYWORDS, None) == Command(Act.OTHER)


def test_there_are_more_than_two_hundred_ordinary_messages():
    assert len(set(SENTENCES)) > 200


@pytest.mark.parametrize("kind", [SENTENCES, QUESTIONS], ids=["sentences", "questions"])
def test_no_ordinary_sentence_and_no_question_is_a_keyword_in_any_language(kind):
    hits = [
        (text, tag, decide(text, KEYWORDS, tag).act)
        for text in kind
        for tag in (None, *LANGUAGES)
        if decide(text, KEYWORDS, tag).act is not Act.OTHER
    ]
    assert hits == []


def test_a_bare_cry_for_help_leads_to_the_emergency_answer_in_every_language():
    hits = [
        (text, tag)
        for text in CRIES
        for tag in (None, *LANGUAGES)
        if decide(text, KEYWORDS, tag).act is not Act.OTHER
    ]
    assert hits == []


@given(st.sampled_from(OWN), st.sampled_from(["stop", "start", "help"]), st.text(min_size=1))
def test_a_keyword_with_any_other_word_behind_it_is_none(tag, key, more):
    if not (folded := fold(more)):
        return
    word = fold(ROWS[tag][key][0])
    whole = f"{word} {folded}"
    if whole in KEYWORDS.words or word in UNIVERSAL:
        return
    assert decide(f"{word} {more}", KEYWORDS, tag).act is Act.OTHER


@given(st.text())
def test_any_text_is_decided_and_folding_twice_changes_nothing(text):
    assert isinstance(decide(text, KEYWORDS, None), Command)
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("said", "other"),
    [("बंद करें", "बद कर"), ("रोकें", "रोक"), ("शुरू", "शेर"), ("நிறுத்து", "நறதத")],
)
def test_an_indic_word_without_its_vowel_signs_is_another_word(said, other):
    assert fold(said) != fold(other)
    assert decide(other, KEYWORDS, None).act is Act.OTHER


def test_a_word_of_several_languages_is_first_what_it_is_in_the_subscribers():
    assert decide("СТАРТ", KEYWORDS, "bg") == Command(Act.START, "bg")
    assert decide("SHURU", KEYWORDS, "hi") == Command(Act.START, "hi")
    assert decide("SHURU", KEYWORDS, "prs") == Command(Act.START, "prs")


def test_where_a_word_leaves_the_language_open_the_citys_order_decides():
    city = KEYWORDS.preferring(["de", "ru", "uk"])
    assert decide("СТАРТ", city, None).language == "ru"
    assert decide("STARTEN", city, None).language == "de"
    assert decide("STARTEN", KEYWORDS.preferring(["nl", "de"]), None).language == "nl"


def test_a_word_in_latin_letters_is_of_a_language_written_in_them():
    city = KEYWORDS.preferring(["de", "sr", "hr"])
    assert decide("PRETPLATA", city, None).language == "hr"
    assert decide("ПРЕТПЛАТА", city, None).language == "sr"
    assert decide("LANG srpski", city.preferring(["sr", "sr-Latn"]), None).language == "sr-Latn"


def test_no_word_of_the_data_asks_for_different_things_in_two_languages():
    assert KEYWORDS.contested() == ()


def test_no_name_means_two_languages_except_the_two_scripts_of_one():
    shared = {frozenset(tags) for tags in KEYWORDS.names.values() if len(tags) > 1}
    assert shared == {frozenset({"sr", "sr-Latn"})}


def test_every_language_that_has_texts_of_its_own_has_keywords():
    assert set(ROWS) == set(OWN)


# ---- the data is checked ------------------------------------------------------------------------

GOOD = {
    "stop": ["BAJA"],
    "start": ["ALTA"],
    "help": ["INFO"],
    "language": ["IDIOMA"],
    "names": ["Español"],
}


def load(tmp_path, **rows):
    path = tmp_path / "keywords.yaml"
    path.write_text(yaml.safe_dump({"languages": rows}, allow_unicode=True), encoding="utf-8")
    return load_keywords(path, LANGUAGES)


def test_a_contested_word_counts_only_in_a_subscribers_own_language_and_is_reported(tmp_path):
    other = GOOD | {"stop": ["ALTA"], "start": ["BASTA"], "names": ["Italiano"]}
    keywords = load(tmp_path, es=GOOD, it=other)

    assert keywords.contested() == ("alta",)
    assert decide("alta", keywords, "es") == Command(Act.START, "es")
    assert decide("alta", keywords, "it") == Command(Act.STOP, "it")
    assert decide("alta", keywords, None) == Command(Act.OTHER)
    assert decide("alta", keywords, "de") == Command(Act.OTHER)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (GOOD | {"start": ["Bajá"]}, "stands under start too"),
        (GOOD | {"help": ["HELP", "Stop"]}, "means stop in every language"),
        (GOOD | {"stop": ["FIN?"]}, "can never be a whole message"),
        (GOOD | {"stop": ["!!"]}, "can never be a whole message"),
        (GOOD | {"stop": []}, "is not a list of words"),
        (GOOD | {"stop": [7]}, "is not a list of words"),
        ({"stop": ["BAJA"]}, "is not a mapping of"),
        (GOOD | {"fin": ["BAJA"]}, "is not a mapping of"),
    ],
)
def test_a_mistake_in_the_data_is_told(tmp_path, row, says):
    with pytest.raises(BadInput) as wrong:
        load(tmp_path, es=row)
    assert says in str(wrong.value)


def test_every_mistake_is_told_at_once(tmp_path):
    with pytest.raises(BadInput) as wrong:
        load(tmp_path, es=GOOD | {"stop": ["FIN?"]}, it=GOOD | {"start": ["baja"]}, tlh=GOOD)
    assert len(wrong.value.problems) == 3


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(BadInput, match="cannot be read"):
        load_keywords(tmp_path / "keywords.yaml", LANGUAGES)


def test_without_the_file_the_universal_words_and_the_names_of_languages_still_work():
    bare = keywords_of(LANGUAGES)
    assert decide("СТОП", bare, None) == Command(Act.STOP)
    assert decide("START Türkçe", bare, None) == Command(Act.START, "tr")


def test_the_page_of_keywords_shows_the_data():
    page = (LOCALES.parent / "docs" / "keywords.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if "(`" in line]
    told = {
        tag: [", ".join(ROWS[tag][key]) for key in ("start", "stop", "help", "language")]
        for tag in OWN
    }
    assert rows == [
        f"| {LANGUAGES[tag].name} (`{tag}`) | {' | '.join(cells)} |" for tag, cells in told.items()
    ]
