"""The texts of an installation: complete, clean, and signed for as what they are."""

from __future__ import annotations

import shutil
from pathlib import Path

import jinja2
import pytest

from broadcaster.model.errors import BadInput
from broadcaster.text.catalogues import read_ledger
from broadcaster.text.library import CATALOGUE_VARIANTS, Library, Variant
from broadcaster.text.lint import completeness, lint
from tests.unit.text.alert_examples import LANGUAGES, ROOT, library


def test_the_shipped_catalogues_have_no_fault() -> None:
    offered = [library().language(tag) for tag in LANGUAGES]
    found = lint(ROOT / "locales", offered, library().phrases)
    assert [str(finding) for finding in found if finding.level == "error"] == []


def test_the_shipped_languages_can_say_everything() -> None:
    offered = [library().language(tag) for tag in LANGUAGES]
    rows = completeness(ROOT / "locales", offered, library().phrases, library().hazards)
    assert len(rows) == len(LANGUAGES) * len(Variant)
    assert [row for row in rows if not row.complete or row.fuzzy] == []
    assert {n for row in rows for n in row.hazards.values()} == {0}


@pytest.mark.parametrize("tag", LANGUAGES)
def test_the_ledger_says_who_stands_for_each_catalogue(tag: str) -> None:
    """After a change of texts: read them, then sign the catalogue again."""
    assert set(read_ledger(ROOT / "locales", tag)) == {"standard", "plain"}
    for variant in CATALOGUE_VARIANTS:
        review = library().catalogue(tag, variant).review
        assert review.by
        assert review.on
        assert not review.stale, review.reason


def test_short_and_spoken_texts_are_said_by_the_standard_catalogue() -> None:
    standard = library().catalogue("tr", Variant.STANDARD)
    assert library().catalogue("tr", Variant.SHORT) is standard
    assert library().catalogue("tr", Variant.SPOKEN) is standard
    assert library().catalogue("tr", Variant.PLAIN) is not standard


def test_an_unknown_language_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadInput, match="'xx' is not a language") as caught:
        library().language("xx")
    assert "tr" in caught.value.problems[0].remedy


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        Library.load(tmp_path / "a", tmp_path / "b", "Europe/Berlin")
    assert [problem.path for problem in caught.value.problems] == [
        str(tmp_path / "a"),
        str(tmp_path / "b"),
    ]


def test_the_fingerprint_changes_with_any_byte_of_any_template(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "templates", tmp_path / "templates")

    def fingerprint() -> str:
        return Library.load(tmp_path / "templates", ROOT / "locales", "Europe/Berlin").fingerprint

    before = fingerprint()
    assert before == fingerprint() == library().fingerprint
    layout = tmp_path / "templates" / "text" / "full.txt.j2"
    layout.write_bytes(layout.read_bytes() + b"\n")
    assert fingerprint() != before


def test_a_value_in_a_page_is_escaped_and_in_a_text_it_is_not() -> None:
    env = library().env
    assert env.autoescape("html/alert.html.j2") is True  # type: ignore[operator]
    assert env.autoescape("feed/atom.xml.j2") is True  # type: ignore[operator]
    assert env.autoescape("text/full.txt.j2") is False  # type: ignore[operator]


def test_a_template_that_names_an_unknown_value_fails_and_shows_no_gap() -> None:
    with pytest.raises(jinja2.UndefinedError):
        library().env.get_template("text/full.txt.j2").render()


def test_furniture_comes_from_the_standard_catalogue_and_labels_from_the_variants_own() -> None:
    t = library().context("de", Variant.PLAIN)["t"]
    assert t("Source", context=None) == "Wer warnt"
    page = next(phrase for phrase in library().phrases if phrase.context == "page")
    assert t(page.msgid) == library().catalogue("de", Variant.STANDARD).say(
        page.msgid, context="page"
    )
