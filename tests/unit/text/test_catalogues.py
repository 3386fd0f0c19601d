"""A catalogue says what it holds, whole and as it was reviewed, or says that it cannot."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import time
import unicodedata
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from broadcaster.model.errors import BadInput
from broadcaster.text.catalogues import (
    Catalogue,
    Entry,
    MissingText,
    compile_po,
    load,
    po_path,
    read_po,
    sign,
)
from broadcaster.text.languages import Variant, load_languages
from broadcaster.text.phrases import Phrase, update_po

ROOT = Path(__file__).parents[3]
LANGUAGES = load_languages(ROOT / "locales" / "languages.yaml")
PHRASES = (
    Phrase("Heat"),
    Phrase("Heat", "short"),
    Phrase("Until %(time)s, 100 %"),
    Phrase("%(n)s hour", "spoken", "%(n)s hours"),
)
GERMAN = """\
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

msgid "Heat"
msgstr "Hitze"

msgctxt "short"
msgid "Heat"
msgstr "Hitze!"

msgid "Until %(time)s, 100 %"
msgstr "Bis %(time)s, 100 %"

msgctxt "spoken"
msgid "%(n)s hour"
msgid_plural "%(n)s hours"
msgstr[0] "%(n)s Stunde"
msgstr[1] "%(n)s Stunden"
"""


def shelve(locales: Path, po: str, tag: str = "de", variant: Variant = Variant.STANDARD) -> Path:
    path = po_path(locales, tag, variant)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(po, "utf-8")
    return path


def german(locales: Path) -> Catalogue:
    return load(locales, LANGUAGES["de"], Variant.STANDARD, PHRASES)


def write_ledger(locales: Path, row: dict[str, Any]) -> None:
    (locales / "de" / "ledger.yaml").write_text(yaml.safe_dump({"standard": row}), "utf-8")


def test_a_sentence_is_found_by_context_and_says_its_values(tmp_path: Path) -> None:
    shelve(tmp_path, GERMAN)
    catalogue = german(tmp_path)
    assert catalogue.say("Heat") == "Hitze"
    assert catalogue.say("Heat", context="short") == "Hitze!"
    assert catalogue.say("Until %(time)s, 100 %", time="14:30") == "Bis 14:30, 100 %"
    assert catalogue.has("Heat")
    assert not catalogue.has("Heat", context="page")


def test_a_value_is_put_in_as_it_is_even_if_it_looks_like_a_placeholder(tmp_path: Path) -> None:
    shelve(tmp_path, GERMAN)
    said = german(tmp_path).say("Until %(time)s, 100 %", time="%(time)s \\1 <b>")
    assert said == "Bis %(time)s \\1 <b>, 100 %"


def test_a_missing_value_is_a_bug_and_not_an_empty_place(tmp_path: Path) -> None:
    shelve(tmp_path, GERMAN)
    with pytest.raises(KeyError):
        german(tmp_path).say("Until %(time)s, 100 %")


def test_what_is_missing_names_language_variant_and_sentence(tmp_path: Path) -> None:
    shelve(tmp_path, GERMAN)
    with pytest.raises(MissingText) as raised:
        german(tmp_path).say("Flood", context="short")
    error = raised.value
    assert (error.language, error.variant, error.msgid, error.context) == (
        *("de", Variant.STANDARD, "Flood", "short"),
    )
    assert "de/standard (short): has no text for 'Flood'" in str(error)


@pytest.mark.parametrize("compiled", [False, True])
def test_fuzzy_and_empty_entries_are_missing(tmp_path: Path, compiled: bool) -> None:
    po = GERMAN.replace('msgid "Heat"\nmsgstr "Hitze"', '#, fuzzy\nmsgid "Heat"\nmsgstr "Hitze"')
    po = po.replace('msgstr[1] "%(n)s Stunden"', 'msgstr[1] ""')
    path = shelve(tmp_path, po)
    if compiled:
        path.with_suffix(".mo").write_bytes(compile_po(path.read_bytes()))
    catalogue = german(tmp_path)
    assert not catalogue.has("Heat")
    assert catalogue.has("Heat", context="short")
    with pytest.raises(MissingText):  # and not the English plural
        catalogue.say_many("%(n)s hour", "%(n)s hours", 5, context="spoken")


def test_text_is_nfc_also_where_a_value_meets_it(tmp_path: Path) -> None:
    shelve(tmp_path, GERMAN.replace("Hitze!", unicodedata.normalize("NFD", "Größe")))
    catalogue = german(tmp_path)
    assert catalogue.say("Heat", context="short") == "Größe"
    assert catalogue.say("Until %(time)s, 100 %", time="Hörde") == "Bis Hörde, 100 %"


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("de", {0: "other", 1: "one", 1.5: "other", 21: "other"}),
        ("uk", {1: "one", 2: "few", 5: "many", 11: "many", 21: "one", 1.5: "other"}),
        ("pl", {1: "one", 3: "few", 5: "many", 21: "many", Decimal("1.5"): "other"}),
        ("ar", {0: "zero", 1: "one", 2: "two", 3: "few", 11: "many", 100: "other"}),
        ("zh-Hans", {1: "other", 7: "other"}),
        ("fr", {0: "one", 1.5: "one", 2: "other"}),
    ],
)
def test_plural_forms_are_those_of_cldr(tag: str, expected: dict[float, str]) -> None:
    language = LANGUAGES[tag]
    forms = Entry(tuple(f"%(n)s {name}" for name in language.plural_categories), counted=True)
    catalogue = Catalogue(language, Variant.STANDARD, {(None, "one"): forms})
    for n, category in expected.items():
        assert catalogue.say_many("one", "many", n) == f"{n} {category}"


def test_too_few_plural_forms_are_missing_text() -> None:
    two = {(None, "day"): Entry(("день", "дні"), counted=True)}
    with pytest.raises(MissingText):
        Catalogue(LANGUAGES["uk"], Variant.STANDARD, two).say_many("day", "days", 2)


def test_a_compiled_catalogue_says_the_same_as_its_source(tmp_path: Path) -> None:
    path = shelve(tmp_path, GERMAN)
    parsed = german(tmp_path).entries
    path.with_suffix(".mo").write_bytes(compile_po(path.read_bytes()))
    assert german(tmp_path).entries == parsed
    assert len(parsed) == 4


def test_a_compiled_catalogue_of_other_bytes_is_not_used(tmp_path: Path) -> None:
    path = shelve(tmp_path, GERMAN)
    path.with_suffix(".mo").write_bytes(compile_po(path.read_bytes()))
    path.write_text(GERMAN.replace('"Hitze"', '"Hitzewelle"'), "utf-8")
    assert german(tmp_path).say("Heat") == "Hitzewelle"


def test_the_compiled_catalogue_and_not_its_source_is_read_when_they_belong_together(
    tmp_path: Path,
) -> None:
    path = shelve(tmp_path, GERMAN)
    other = compile_po(GERMAN.replace('"Hitze"', '"Glut"').encode())
    stamps = [
        hashlib.sha256(text.encode()).hexdigest().encode()
        for text in (GERMAN.replace('"Hitze"', '"Glut"'), GERMAN)
    ]
    path.with_suffix(".mo").write_bytes(other.replace(*stamps))
    assert german(tmp_path).say("Heat") == "Glut"


@pytest.mark.parametrize("damage", [b"", b"\xde\x12\x04\x95", b"x" * 100])
def test_a_damaged_compiled_catalogue_is_not_used(tmp_path: Path, damage: bytes) -> None:
    shelve(tmp_path, GERMAN).with_suffix(".mo").write_bytes(damage)
    assert german(tmp_path).say("Heat") == "Hitze"


def test_compiling_gives_the_same_bytes_twice() -> None:
    assert compile_po(GERMAN.encode()) == compile_po(GERMAN.encode())


def test_an_absent_or_broken_catalogue_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"standard\.po: cannot be read.*stop offering de/standard"):
        german(tmp_path)
    shelve(tmp_path, GERMAN + 'msgid "open\n')
    with pytest.raises(BadInput, match=r"standard\.po line 21"):
        german(tmp_path)


def test_spoken_is_a_context_and_no_catalogue(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is a context"):
        po_path(tmp_path, "de", Variant.SPOKEN)


# The ledger -----------------------------------------------------------------------------------


def test_without_a_ledger_a_catalogue_is_drafted_and_not_stale(tmp_path: Path) -> None:
    shelve(tmp_path, GERMAN)
    review = german(tmp_path).review
    assert (review.level, review.stale) == ("drafted", False)


def test_a_signature_holds_while_nothing_changes(tmp_path: Path) -> None:
    shelve(tmp_path, GERMAN)
    row = sign(german(tmp_path), PHRASES, level="approved", by="A. Muster", on=date(2026, 11, 20))
    write_ledger(tmp_path, row)
    review = german(tmp_path).review
    assert (review.level, review.by, review.on) == ("approved", "A. Muster", date(2026, 11, 20))
    assert not review.stale


def test_changed_english_or_changed_translation_makes_a_review_stale(tmp_path: Path) -> None:
    shelve(tmp_path, GERMAN)
    write_ledger(
        tmp_path,
        sign(german(tmp_path), PHRASES, level="reviewed", by="A. Muster", on=date(2026, 11, 20)),
    )
    more = (*PHRASES, Phrase("Flood"))
    review = load(tmp_path, LANGUAGES["de"], Variant.STANDARD, more).review
    assert (review.stale, review.reason) == (True, "the English sentences changed after the review")
    shelve(tmp_path, GERMAN.replace("Hitze!", "Hitze."))
    review = german(tmp_path).review
    assert (review.stale, review.reason) == (True, "the translation changed after the review")
    assert review.level == "reviewed"


def test_a_comment_or_the_order_of_entries_does_not_make_a_review_stale(tmp_path: Path) -> None:
    shelve(tmp_path, GERMAN)
    write_ledger(
        tmp_path,
        sign(german(tmp_path), PHRASES, level="reviewed", by="A. Muster", on=date(2026, 11, 20)),
    )
    shelve(tmp_path, update_po(GERMAN.encode(), PHRASES[::-1], LANGUAGES["de"]).decode())
    assert not load(tmp_path, LANGUAGES["de"], Variant.STANDARD, PHRASES[::-1]).review.stale


def test_half_a_catalogue_cannot_be_signed_nor_by_nobody(tmp_path: Path) -> None:
    shelve(tmp_path, GERMAN.replace('"Hitze!"', '""'))
    with pytest.raises(BadInput) as raised:
        sign(german(tmp_path), PHRASES, level="perfect", by=" ", on=date(2026, 11, 20))
    assert [problem.path for problem in raised.value.problems] == ["level", "by", "de/standard"]


def test_every_mistake_of_a_ledger_is_named(tmp_path: Path) -> None:
    shelve(tmp_path, GERMAN)
    ledger = "standard: {level: great, by: 5, on: soon, source: a}\nspoken: 7\n"
    (tmp_path / "de" / "ledger.yaml").write_text(ledger)
    with pytest.raises(BadInput) as raised:
        german(tmp_path)
    paths = [problem.path for problem in raised.value.problems]
    place = "de/ledger.yaml:"
    assert paths == [
        *(f"{place}standard.{key}" for key in ("by", "on", "text", "level")),
        *(f"{place}spoken", f"{place}spoken"),
    ]


# Speed, and the wheel ---------------------------------------------------------------------------


def test_twelve_catalogues_of_two_hundred_sentences_load_at_once(tmp_path: Path) -> None:
    phrases = [
        Phrase(f"Sentence {n} is about as long as sentences of warnings.") for n in range(200)
    ]
    tags = ("de", "en", "tr", "ar", "uk", "pl")
    for tag in tags:
        po = update_po(None, phrases, LANGUAGES[tag]).decode()
        po = po.replace('warnings."\nmsgstr ""', 'warnings."\nmsgstr "Ok"')
        for variant in (Variant.STANDARD, Variant.PLAIN):
            shelve(tmp_path, po, tag, variant)
    spent = []
    for _ in range(3):
        start = time.perf_counter()
        for tag in tags:
            for variant in (Variant.STANDARD, Variant.PLAIN):
                assert len(load(tmp_path, LANGUAGES[tag], variant, phrases).entries) == 200
        spent.append(time.perf_counter() - start)
    assert min(spent) < 0.150


@pytest.fixture
def hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "path", [*sys.path])  # the hook adds the project to it
    pytest.importorskip("hatchling", reason="only the environment that builds the wheel has it")
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.CatalogueHook(str(tmp_path), {}, None, None, str(tmp_path / "dist"), "wheel")


def test_the_wheel_carries_each_catalogue_compiled_beside_its_source(
    hook: Any, tmp_path: Path
) -> None:
    path = shelve(tmp_path / "locales", GERMAN)
    data: dict[str, Any] = {"force_include": {}}
    hook.initialize("standard", data)
    ((compiled, place),) = data["force_include"].items()
    assert place == "broadcaster/_data/locales/de/LC_MESSAGES/standard.mo"
    path.with_suffix(".mo").write_bytes(Path(compiled).read_bytes())
    assert german(tmp_path / "locales").entries == read_po(GERMAN.encode())
    hook.finalize("standard", data, "")
    assert not Path(compiled).exists()


def test_an_editable_install_compiles_nothing(hook: Any, tmp_path: Path) -> None:
    shelve(tmp_path / "locales", GERMAN)
    data: dict[str, Any] = {"force_include": {}}
    hook.initialize("editable", data)
    assert data["force_include"] == {}


def test_a_compiled_catalogue_in_the_source_tree_is_refused(hook: Any, tmp_path: Path) -> None:
    shelve(tmp_path / "locales", GERMAN).with_suffix(".mo").write_bytes(b"")
    with pytest.raises(ValueError, match="delete it"):
        hook.initialize("standard", {"force_include": {}})
