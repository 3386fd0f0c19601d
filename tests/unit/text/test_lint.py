"""Catalogue lint finds each planted fault, and nothing in clean catalogues."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from broadcaster.text.catalogues import Catalogue, load, po_path, read_po, sign
from broadcaster.text.languages import Variant, load_languages
from broadcaster.text.lint import Finding, completeness, lint
from broadcaster.text.lint.texts import TEXT_RULES
from broadcaster.text.phrases import Phrase, for_variant, update_po

ROOT = Path(__file__).parents[3]
LANGUAGES = load_languages(ROOT / "locales" / "languages.yaml")
TAGS = ("de", "en", "tr", "ar", "uk")

LIFE = Phrase("If there is danger to life, call 112.")
UNTIL = Phrase("Until: %(time)s")
SHORT = Phrase("Heavy rain. Stay in the house.", "short")
HOURS = Phrase("%(n)s hour", "spoken", "%(n)s hours")
MENU = Phrase("Skip to the warnings of today", "page")
PHRASES = (LIFE, UNTIL, SHORT, HOURS, MENU)

STANDARD: dict[str, dict[Phrase, tuple[str, ...]]] = {
    "de": {
        LIFE: ("Rufen Sie bei Lebensgefahr die 112.",),
        UNTIL: ("Bis: %(time)s",),
        SHORT: ("Starker Regen. Bleiben Sie im Haus.",),
        HOURS: ("%(n)s Stunde", "%(n)s Stunden"),
        MENU: ("Zu den Warnungen von heute",),
    },
    "en": {
        LIFE: ("If there is danger to life, call 112.",),
        UNTIL: ("Until: %(time)s",),
        SHORT: ("Heavy rain. Stay in the house.",),
        HOURS: ("%(n)s hour", "%(n)s hours"),
        MENU: ("Skip to the warnings of today",),
    },
    "tr": {
        LIFE: ("Hayati tehlike varsa 112'yi arayın.",),
        UNTIL: ("Bitiş: %(time)s",),
        SHORT: ("Şiddetli yağmur. Evde kalın.",),
        HOURS: ("%(n)s saat", "%(n)s saat"),
        MENU: ("Bugünkü uyarılara geç",),
    },
    "ar": {
        LIFE: ("عند وجود خطر على الحياة اتصل بالرقم 112.",),
        UNTIL: ("حتى: %(time)s",),
        SHORT: ("أمطار غزيرة. ابق في المنزل.",),
        HOURS: ("%(n)s ساعة", "ساعة واحدة", "ساعتان", "%(n)s ساعات", "%(n)s ساعة", "%(n)s ساعة"),
        MENU: ("انتقل إلى تحذيرات اليوم",),
    },
    "uk": {
        LIFE: ("Якщо є загроза життю, телефонуйте 112.",),
        UNTIL: ("До: %(time)s",),
        SHORT: ("Сильний дощ. Залишайтеся вдома.",),
        HOURS: ("%(n)s година", "%(n)s години", "%(n)s годин", "%(n)s години"),
        MENU: ("До сьогоднішніх попереджень",),
    },
}
PLAIN = {
    "de": {LIFE: ("Rufen Sie bei Gefahr die 112 an.",)},
    "en": {LIFE: ("Are you in danger? Call 112.",)},
    "tr": {LIFE: ("Tehlikede misiniz? 112'yi arayın.",)},
    "ar": {LIFE: ("هل أنت في خطر؟ اتصل بالرقم 112.",)},
    "uk": {LIFE: ("Вам загрожує небезпека? Телефонуйте 112.",)},
}


def write(locales: Path, tag: str, variant: Variant, texts: dict[Phrase, tuple[str, ...]]) -> Path:
    """A catalogue with these texts, in the very form that export gives it."""
    language = LANGUAGES[tag]
    po = update_po(None, for_variant(PHRASES, variant), language).decode()
    for phrase, forms in texts.items():
        if phrase not in for_variant(PHRASES, variant):
            continue
        head = f'msgctxt "{phrase.context}"\n' if phrase.context else ""
        head += f'msgid "{phrase.msgid}"\n'
        if phrase.plural:
            head += f'msgid_plural "{phrase.plural}"\n'
            empty = "".join(f'msgstr[{i}] ""\n' for i in range(len(language.plural_categories)))
            full = "".join(f'msgstr[{i}] "{form}"\n' for i, form in enumerate(forms))
        else:
            empty, full = 'msgstr ""\n', f'msgstr "{forms[0]}"\n'
        assert head + empty in po
        po = po.replace(head + empty, head + full)
    path = po_path(locales, tag, variant)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(po, "utf-8")
    return path


@pytest.fixture
def locales(tmp_path: Path) -> Path:
    for tag in TAGS:
        write(tmp_path, tag, Variant.STANDARD, STANDARD[tag])
        write(tmp_path, tag, Variant.PLAIN, STANDARD[tag] | PLAIN[tag])
    return tmp_path


def findings(locales: Path, phrases: tuple[Phrase, ...] = PHRASES) -> list[Finding]:
    return lint(locales, [LANGUAGES[tag] for tag in TAGS], phrases)


def plant(
    locales: Path, tag: str, phrase: Phrase, *forms: str, plain: bool = False
) -> list[Finding]:
    """What lint says after one text of clean catalogues was changed."""
    if plain:
        write(locales, tag, Variant.PLAIN, STANDARD[tag] | PLAIN[tag] | {phrase: forms})
    else:
        write(locales, tag, Variant.STANDARD, STANDARD[tag] | {phrase: forms})
    return [f for f in findings(locales) if f.msgid == phrase.msgid and f.language == tag]


def test_clean_catalogues_give_no_finding(locales: Path) -> None:
    assert [str(finding) for finding in findings(locales)] == []


FAULTS: list[tuple[str, str, str, Phrase, tuple[str, ...]]] = [
    # rule, level, language, phrase, planted forms
    ("missing", "error", "de", LIFE, ("",)),
    ("plural", "error", "uk", HOURS, ("%(n)s година", "%(n)s години", "", "%(n)s години")),
    ("placeholder", "error", "de", UNTIL, ("Bis:",)),
    ("placeholder", "error", "de", UNTIL, ("Bis: %(zeit)s",)),
    ("placeholder", "error", "de", UNTIL, ("Bis: %(time)s % (time)s",)),
    ("placeholder", "error", "de", UNTIL, ("Bis: %(time)s {time}",)),
    (
        "placeholder",
        "error",
        "uk",
        HOURS,
        ("година", "%(n)s години", "%(n)s годин", "%(n)s години"),
    ),
    ("number", "error", "tr", LIFE, ("Hayati tehlike varsa 110'u arayın.",)),
    ("number", "error", "ar", LIFE, ("عند وجود خطر على الحياة اتصل بالرقم ١١٢.",)),
    ("english", "error", "de", LIFE, (LIFE.msgid,)),
    ("leftover", "error", "tr", LIFE, ("Hayati tehlike varsa Feuerwehr 112'yi arayın.",)),
    ("leftover", "error", "de", LIFE, ("Rufen Sie bei Lebensgefahr please die 112.",)),
    ("code", "error", "ar", LIFE, ("عند وجود خطر على الحياة اتصل بالرقم AR_SA 112.",)),
    ("script", "error", "uk", LIFE, ("Yakshcho ye zahroza zhyttiu, telefonuite 112.",)),
    ("script", "error", "uk", LIFE, ("Якщо є загроза життю, тeлефонуйте 112.",)),  # Latin e
    ("direction", "error", "ar", LIFE, ("SOS عند وجود خطر على الحياة اتصل بالرقم 112.",)),
    ("character", "error", "ar", LIFE, ("\u202bعند وجود خطر على الحياة اتصل بالرقم 112.",)),
    ("character", "error", "ar", LIFE, ("عند وجود خطـــر على الحياة اتصل بالرقم 112.",)),
    ("character", "error", "ar", LIFE, ("عند وجود خطر على \ufefb اتصل بالرقم 112.",)),
    ("character", "error", "de", LIFE, ("🔥 Rufen Sie bei Lebensgefahr die 112.",)),
    ("character", "error", "de", LIFE, ("Rufen Sie bei Lebens\u00adgefahr die 112.",)),
    ("character", "error", "de", LIFE, ("Rufen Sie bei Gef\ufffdhr die 112.",)),
    ("character", "error", "de", LIFE, ("Rufen Sie\\tbei Lebensgefahr die 112.",)),
    ("character", "warning", "de", MENU, ("Zu den Gru\u0308nden von heute",)),
    ("lost-letter", "error", "de", LIFE, ("Rufen Sie bei Lebensgef?hr die 112.",)),
    ("lost-letter", "error", "de", LIFE, ("Rufen Sie bei Lebensgefahr die ?bliche 112.",)),
    ("lost-letter", "error", "tr", LIFE, ("Hayati tehlike varsa 112'yi aray?n.",)),
    ("space", "error", "de", LIFE, (" Rufen Sie bei Lebensgefahr die 112.",)),
    ("space", "error", "de", LIFE, ("Rufen Sie  bei Lebensgefahr die 112.",)),
    ("ending", "error", "de", LIFE, ("Rufen Sie bei Lebensgefahr die 112",)),
    ("ending", "error", "de", MENU, ("Zu den Warnungen von heute.",)),
    ("gsm7", "error", "de", SHORT, ("Starker Regen – bleiben Sie im Haus.",)),
    ("length", "error", "de", SHORT, ("Starker Regen. " * 6 + "Haus.",)),
    ("length", "error", "uk", SHORT, ("Сильний дощ. " * 4 + "Залишайтеся вдома.",)),
    ("same-text", "error", "tr", MENU, STANDARD["de"][MENU]),
]


@pytest.mark.parametrize(("rule", "level", "tag", "phrase", "forms"), FAULTS)
def test_a_planted_fault_is_found(
    locales: Path, rule: str, level: str, tag: str, phrase: Phrase, forms: tuple[str, ...]
) -> None:
    found = plant(locales, tag, phrase, *forms)
    assert (rule, level) in {(finding.rule, finding.level) for finding in found}
    assert all(finding.says and finding.remedy for finding in found)


@pytest.mark.parametrize(
    ("tag", "phrase", "forms"),
    [
        ("de", MENU, ("Zu den 30 Warnungen in Dortmund (NINA)",)),
        ("uk", MENU, ("До під’їзду: попередження NINA",)),
        ("uk", MENU, ("До підʼїзду сьогодні",)),
        ("uk", MENU, ("Сторінка www.dortmund.de сьогодні",)),
        ("de", LIFE, ("Bei 100 % Gefahr die 112 rufen.",)),
        ("ar", UNTIL, ("حتى: %(time)s",)),
        ("de", SHORT, ("Starker Regen.",)),
    ],
)
def test_what_is_right_is_left_alone(
    locales: Path, tag: str, phrase: Phrase, forms: tuple[str, ...]
) -> None:
    assert [str(finding) for finding in plant(locales, tag, phrase, *forms)] == []


def test_joiners_are_letters_of_their_language(tmp_path: Path) -> None:
    persian = "به هشدارهای امروز بروید، می‌شود"
    write(tmp_path, "fa", Variant.STANDARD, {MENU: (persian,)})
    found = lint(tmp_path, [LANGUAGES["fa"]], PHRASES)
    assert not [f for f in found if f.msgid == MENU.msgid and f.variant == "standard"]


def test_a_fuzzy_entry_is_found(locales: Path) -> None:
    path = po_path(locales, "de", Variant.STANDARD)
    path.write_text(
        path.read_text("utf-8").replace('msgid "Until', '#, fuzzy\nmsgid "Until'), "utf-8"
    )
    assert [(f.rule, f.msgid) for f in findings(locales)] == [("fuzzy", UNTIL.msgid)]


def test_a_plain_text_that_is_not_plain_is_found(locales: Path) -> None:
    hard = "Es könnte Lebensgefahr bestehen: Rufen Sie die 112 an."
    found = plant(locales, "de", LIFE, hard, plain=True)
    assert {(f.rule, f.variant) for f in found} == {("plain", "plain")}
    assert any(f.level == "error" and "rule 5" in f.says for f in found)


def test_a_long_plain_text_that_equals_the_standard_one_is_warned_of(locales: Path) -> None:
    long = "Rufen Sie bei Gefahr bitte sofort und ruhig die 112."
    write(locales, "de", Variant.STANDARD, STANDARD["de"] | {LIFE: (long,)})
    found = plant(locales, "de", LIFE, long, plain=True)
    assert ("same-variant", "warning") in {(f.rule, f.level) for f in found}


def test_twins_may_share_their_words(tmp_path: Path) -> None:
    for tag in ("hr", "bs"):
        write(tmp_path, tag, Variant.STANDARD, {MENU: ("Idi na današnja upozorenja",)})
    found = lint(tmp_path, [LANGUAGES["hr"], LANGUAGES["bs"]], PHRASES)
    assert "same-text" not in {f.rule for f in found}


def test_a_phrase_that_nothing_says_is_warned_of(locales: Path) -> None:
    found = findings(locales, PHRASES[1:])
    assert {(f.rule, f.msgid, f.level) for f in found} == {("unused", LIFE.msgid, "warning")}
    assert len(found) == 2 * len(TAGS)


def test_another_number_of_plural_forms_is_found(locales: Path) -> None:
    path = po_path(locales, "uk", Variant.STANDARD)
    po = path.read_text("utf-8").replace("nplurals=4", "nplurals=3")
    path.write_text(po.replace('msgstr[3] "%(n)s години"\n', ""), "utf-8")
    assert [(f.rule, f.msgid) for f in findings(locales)] == [("plural", HOURS.msgid)]


@pytest.mark.parametrize("damage", [None, 'msgid "open\n'])
def test_an_absent_or_damaged_catalogue_is_one_finding(locales: Path, damage: str | None) -> None:
    path = po_path(locales, "tr", Variant.PLAIN)
    path.unlink() if damage is None else path.write_text(damage)
    assert [(f.rule, f.language, f.variant) for f in findings(locales)] == [
        ("catalogue", "tr", "plain")
    ]


def approve(locales: Path) -> None:
    catalogue = load(locales, LANGUAGES["de"], Variant.STANDARD, PHRASES)
    row = sign(catalogue, PHRASES, level="approved", by="A. Muster", on=date(2026, 11, 20))
    (locales / "de" / "ledger.yaml").write_text(yaml.safe_dump({"standard": row}), "utf-8")


def test_a_stale_review_is_found(locales: Path) -> None:
    approve(locales)
    assert findings(locales) == []
    write(
        locales, "de", Variant.STANDARD, STANDARD["de"] | {MENU: ("Zu allen Warnungen von heute",)}
    )
    (finding,) = findings(locales)
    assert (finding.rule, finding.language, finding.says) == (
        *("stale", "de", "the translation changed after the review"),
    )


def test_every_text_rule_has_a_planted_fault() -> None:
    assert {name for name, _ in TEXT_RULES} - {"plain"} <= {rule for rule, *_ in FAULTS}


def test_completeness_tells_how_far_each_catalogue_is(locales: Path) -> None:
    approve(locales)
    write(locales, "tr", Variant.STANDARD, STANDARD["tr"] | {LIFE: ("",)})
    po_path(locales, "ar", Variant.PLAIN).unlink()
    rows = {
        (row.language, row.variant): row
        for row in completeness(locales, [LANGUAGES[tag] for tag in TAGS], PHRASES, {})
    }
    assert len(rows) == 4 * len(TAGS)
    german = rows["de", "standard"]
    assert (german.translated, german.total, german.complete) == (3, 3, True)
    assert [rows["de", variant].total for variant in ("short", "spoken")] == [1, 1]
    assert (german.review.level, german.review.by) == ("approved", "A. Muster")
    assert (rows["tr", "standard"].translated, rows["tr", "standard"].complete) == (2, False)
    assert (rows["ar", "plain"].translated, rows["ar", "plain"].total) == (0, 2)
    assert rows["en", "plain"].review.level == "drafted"


def test_a_finding_reads_as_one_line(locales: Path) -> None:
    (finding,) = plant(locales, "de", MENU, "Zu den Warnungen von heute.")
    assert str(finding) == (
        "de/standard 'Skip to the warnings of today' (page): ends as a sentence, the English as a "
        "label -> end it alike [ending]"
    )


def test_lint_and_loading_agree_on_what_can_be_said(locales: Path) -> None:
    path = po_path(locales, "de", Variant.STANDARD)
    loaded = load(locales, LANGUAGES["de"], Variant.STANDARD, PHRASES)
    assert (
        loaded.entries
        == Catalogue(LANGUAGES["de"], Variant.STANDARD, read_po(path.read_bytes())).entries
    )
