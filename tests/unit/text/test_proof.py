"""Every warning in every language: nothing is missing, and everything fits its wire."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from broadcaster.model.rendition import Variant
from broadcaster.text.library import Library
from broadcaster.text.proof import MESSAGES, Proof, prove
from tests.unit.text.alert_examples import ROOT, area, identity, levels, library

TAGS = tuple(library().languages)
EVERYTHING = len(levels()) * len(MESSAGES) * len(Variant)


def proved(tag: str, texts: Library | None = None) -> Proof:
    texts = texts or library()
    return prove(
        texts,
        identity(),
        texts.language(tag),
        city=area("Dortmund"),
        area=area("Dortmund-Innenstadt-Nord"),
    )


@pytest.mark.parametrize("tag", TAGS)
def test_every_language_says_everything_and_it_fits(tag: str) -> None:
    proof = proved(tag)
    assert proof.missing == ()
    assert proof.rendered == EVERYTHING
    assert {wire: (fit.size, fit.of) for wire, fit in proof.wires if not fit.fits} == {}


def test_what_is_missing_is_counted_and_named(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "locales", tmp_path / "locales")
    path = tmp_path / "locales" / "de" / "LC_MESSAGES" / "plain.po"
    text = path.read_text("utf-8")
    assert 'msgid "Heat"\n' in text
    path.write_text(text.replace('msgid "Heat"\n', 'msgid "Heath"\n'), "utf-8")
    proof = proved("de", Library.load(ROOT / "templates", tmp_path / "locales", "Europe/Berlin"))
    assert len(proof.missing) == 3 * len(MESSAGES)
    assert "heat 1 Alert" in proof.missing[0]
    assert "'Heat'" in proof.missing[0]
    assert proof.rendered == EVERYTHING - len(proof.missing) * len(Variant)


def test_what_does_not_fit_names_the_text(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "locales", tmp_path / "locales")
    path = tmp_path / "locales" / "de" / "LC_MESSAGES" / "standard.po"
    text = path.read_text("utf-8")
    before = 'msgctxt "lead"\nmsgid "Heat"\nmsgstr "'
    assert before in text
    path.write_text(text.replace(before, before + "Sommer" * 20), "utf-8")
    proof = proved("de", Library.load(ROOT / "templates", tmp_path / "locales", "Europe/Berlin"))
    assert not proof.first_page.fits
    assert not proof.short.fits
    assert proof.first_page.of.startswith("heat ")
