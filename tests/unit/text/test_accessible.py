"""The plain-language rules find what they are for, and leave good sentences alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from broadcaster.text.accessible import RULES, Level, check_plain
from broadcaster.text.languages import load_languages

LANGUAGES = load_languages(Path(__file__).parents[3] / "locales" / "languages.yaml")
GERMAN = LANGUAGES["de"]

FAULTS: list[tuple[int, Level, str, str]] = [
    (1, "L", "error", "Bitte gehen Sie jetzt sofort in das nächste große feste Haus."),
    (1, "L", "warning", "Bitte gehen Sie jetzt sofort in das nächste Haus."),
    (
        1,
        "E",
        "error",
        "Gehen Sie jetzt in ein Haus und bleiben Sie dort so lange bis der Regen aufhört.",
    ),
    (2, "L", "error", "Es regnet stark. Gehen Sie ins Haus."),
    (3, "L", "error", "Helfen Sie Menschen, die Hilfe brauchen."),
    (3, "E", "error", "Bleiben Sie im Haus, weil es regnet, damit Sie sicher sind."),
    (4, "L", "error", "Die Straßen werden überflutet."),
    (4, "E", "warning", "Die Warnung wurde gestern herausgegeben."),
    (5, "L", "error", "Es könnte stark regnen."),
    (5, "E", "warning", "Sie sollten im Haus bleiben."),
    (6, "L", "error", "Achten Sie auf die Hinweise des Wetterdienstes."),
    (6, "L", "error", "Wegen Regen ist die Brücke zu."),
    (7, "L", "error", "Es gibt eine Hitzewelle."),
    (7, "E", "error", "Es gibt eine Hochwasserschutzwarnstufe."),
    (8, "L", "error", "Nehmen Sie Wasser mit, z. B. eine Flasche."),
    (8, "L", "error", "Der DWD warnt."),
    (8, "E", "warning", "Das dauert ca. 2 Tage."),
    (9, "L", "error", "Der Regen kommt um 08:00."),
    (9, "L", "error", "Trinken Sie drei Liter Wasser."),
    (9, "L", "error", "Es gilt Stufe IV."),
    (10, "L", "error", "Der Strom fällt aus (in der ganzen Stadt)."),
    (10, "E", "warning", "50 % der Stadt haben keinen Strom."),
    (11, "L", "error", "Gehen Sie nicht ohne Licht."),
    (12, "L", "error", "Das Handy ist voll.\nDas Smartphone hilft."),
    (13, "L", "warning", "Man bleibt im Haus."),
    (14, "L", "warning", "Nehmen Sie Wasser, Brot, Licht, Geld mit."),
    (15, "L", "warning", "\n".join(["Es regnet."] * 5)),
    (15, "L", "warning", "\n\n".join(["Es regnet."] * 7)),
    (16, "L", "error", "Das ist eine Unwahrscheinlichkeit."),
    (16, "E", "warning", "Das ist eine Unwahrscheinlichkeit."),
    (17, "L", "error", "Es gibt eine Evakuierung."),
]

GOOD = [
    "Es ist sehr heiß.",
    "Trinken Sie viel Wasser.",
    "Gehen Sie nicht in den Keller.",
    "Gehen Sie in ein oberes Stockwerk.",
    "Bleiben Sie im Haus.",
    "Rufen Sie die 112 an.",
    "Gefahr für Ihr Leben: Es regnet sehr stark.",
    "Es gibt eine Hitze-Welle.",
    "Am 24. November kommt der Regen.",
    "Das Wasser steigt bis %(level)s.",
    "Die Feuerwehr hilft.",
    "Das Hochwasser kommt.",
    "Eine Evakuierung kommt.\nEvakuierung heißt: Alle gehen weg.",
    "Infos: www.dortmund.de/hochwasserinformationen",
]


def rules(text: str, level: Level, **more: bool) -> set[tuple[int, str]]:
    problems = check_plain(text, GERMAN, level=level, **more)
    return {(int(problem.path.split()[0]), problem.level) for problem in problems}


@pytest.mark.parametrize(("rule", "level", "weight", "text"), FAULTS)
def test_each_rule_finds_its_fault(rule: int, level: Level, weight: str, text: str) -> None:
    assert (rule, weight) in rules(text, level)


def test_every_rule_of_the_table_has_a_fault_above() -> None:
    assert {rule for rule, *_ in FAULTS} == {rule.number for rule in RULES} == set(range(1, 18))


@pytest.mark.parametrize("text", GOOD[:-1])
def test_a_good_sentence_is_left_alone(text: str) -> None:
    assert not [
        p for p in check_plain(text, GERMAN, level="L") if p.path != "2 one sentence a line"
    ]


def test_the_words_of_a_web_address_are_not_measured() -> None:
    assert not {number for number, _ in rules(GOOD[-1], "L")} & {7, 16}


def test_one_hundred_and_twelve_ends_a_sentence_and_a_day_of_the_month_does_not() -> None:
    assert (2, "error") in rules("Rufen Sie 112. Bleiben Sie dort.", "L")
    assert (2, "error") not in rules("Am 24. November regnet es.", "L")


def test_a_piece_of_a_text_may_hold_two_sentences() -> None:
    text = "Gefahr: Regen. Gehen Sie ins Haus."
    assert (2, "error") in rules(text, "L")
    assert not rules(text, "L", inline=True)


def test_known_names_are_no_acronyms() -> None:
    assert not check_plain("Der DWD warnt.", GERMAN, level="L", allowed={"DWD"})


def test_a_placeholder_is_one_word_and_no_special_character() -> None:
    assert not check_plain("Es regnet bis %(time)s.", GERMAN, level="L")
    nine = "Es regnet in %(a)s %(b)s %(c)s %(d)s %(e)s %(f)s."
    assert (1, "warning") in rules(nine, "L")


def test_german_plain_texts_are_held_to_leichte_sprache_by_their_row() -> None:
    assert [p.level for p in check_plain("Es könnte regnen.", GERMAN)] == ["error"]


@pytest.mark.parametrize("tag", list(LANGUAGES))
def test_every_language_is_held_to_short_sentences(tag: str) -> None:
    language = LANGUAGES[tag]
    _, most = language.plain.strict if language.plain.level == "L" else language.plain.words
    word = {"Hans": "雨"}.get(language.script, f"{language.name.split()[0].lower()} ")
    assert [p.level for p in check_plain(word * most, language)] in (["warning"], [])
    problems = check_plain(word * (most + 1), language)
    assert ("1 sentence length", "error") in {(p.path, p.level) for p in problems}


def test_other_languages_are_warned_of_special_characters_and_acronyms() -> None:
    found = {p.path for p in check_plain("Kalın; bekleyin (TSK).", LANGUAGES["tr"])}
    assert found == {"8 no abbreviation", "10 no special characters"}


def test_sentences_end_where_each_script_ends_them() -> None:
    for tag, text in {
        "ar": "هل أنت بخير؟ ابق في البيت.",
        "hy": "Անձրև է։ Մնացեք տանը։",
        "am": "ዝናብ ነው። ቤት ይቆዩ።",
        "ur": "بارش ہے۔ گھر میں رہیں۔",
        "zh-Hans": "下雨。请留在家里。",
    }.items():
        found = check_plain(text, LANGUAGES[tag], level="L")
        assert "2 one sentence a line" in {problem.path for problem in found}, tag


def test_every_problem_says_what_to_do() -> None:
    for _, level, _, text in FAULTS:
        assert all(p.says and p.remedy for p in check_plain(text, GERMAN, level=level))
