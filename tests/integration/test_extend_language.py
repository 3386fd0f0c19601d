"""A new language is a row and two catalogues; no code."""

from __future__ import annotations

from pathlib import Path

import feedparser
import pytest

from broadcaster.model.capxml import read
from broadcaster.model.errors import BadInput
from broadcaster.model.rendition import Format
from broadcaster.text.languages import Variant
from broadcaster.text.library import Library
from broadcaster.text.lint import lint
from broadcaster.text.phrases import Phrase
from broadcaster.text.render import rendition
from tests.integration.installation import Installation

ROW = """
  cs:
    {name: Čeština, english: Czech, direction: ltr, script: Latn, cldr: cs, iso639_1: cs,
     plain_name: Jednoduchý jazyk}
"""


def standard(phrase: Phrase) -> str:
    """Made up: what matters here is that it is found."""
    return f"Říká: {phrase.msgid}"


def plain(phrase: Phrase) -> str:
    return f"Prostě: {phrase.msgid}"


@pytest.fixture
def city(tmp_path: Path) -> Installation:
    city = Installation(tmp_path)
    city.own_texts()
    with (tmp_path / "locales" / "languages.yaml").open("a", encoding="utf-8") as rows:
        rows.write(ROW)
    city.configure(
        ["pages", "feeds", "cells"],
        languages=["de", "cs"],
        templates="templates",
        locales="locales",
    )
    return city


def test_a_language_added_as_files_is_on_every_channel_in_every_variant(
    city: Installation,
) -> None:
    city.translate("cs", Variant.STANDARD, standard)
    city.translate("cs", Variant.PLAIN, plain)
    done = city.issue(hazard="heat", level="2", area="dortmund", parameters={"temperature": "38"})
    assert done.exit == 0
    assert {problem["level"] for problem in done.problems} <= {"warning"}
    assert {key for key in done.states if key[1] == "cs"} == {
        ("pages", "cs", "standard"),
        ("pages", "cs", "plain"),
        ("feeds", "cs", "standard"),
        ("feeds", "cs", "plain"),
        ("cells", "cs", "standard"),
    }
    identifier = done.report["identifier"]

    alert = read((city.www / "cap" / f"{identifier}.xml").read_bytes()).alert
    assert [info.language for info in alert.infos] == ["de", "de-simple", "cs", "cs-simple"]
    texts = Library.load(city.folder / "templates", city.folder / "locales", "Europe/Berlin")
    said = {variant: rendition(alert, texts, "cs", variant, Format.TEXT) for variant in Variant}
    first = {variant: made.text.splitlines()[0] for variant, made in said.items() if made}
    assert first[Variant.STANDARD] == first[Variant.SHORT]
    assert first[Variant.PLAIN] == "Prostě: Extreme heat"
    # The pattern of the line, the hazard and the action are each said in the language.
    assert first[Variant.SHORT] == "Říká: Říká: Heat: Dortmund. Říká: Drink water!"
    spoken = said[Variant.SPOKEN]
    assert spoken is not None
    assert "Říká: 38 degree" in spoken.text

    page = (city.www / "cs" / "alerts" / identifier / "index.html").read_text(encoding="utf-8")
    assert '<html lang="cs"' in page
    assert "Říká: Drink plenty of water." in page
    front = (city.www / "index.html").read_text(encoding="utf-8")
    assert "Čeština" in front
    for name, word in (("cs", "Říká"), ("cs-plain", "Prostě")):
        feed = feedparser.parse((city.www / "feed" / f"{name}.atom").read_bytes())
        assert feed.entries[0].title.startswith(word)
        assert feed.feed.language.startswith("cs")


def test_a_language_without_catalogues_is_a_gap_and_nothing_stands_in(city: Installation) -> None:
    city.translate("cs", Variant.STANDARD, standard)
    done = city.issue(hazard="heat", level="2", area="dortmund")
    assert ("pages", "cs", "standard") in done.states
    assert ("pages", "cs", "plain") not in done.states
    reasons = [g["reason"] for g in done.report["gaps"] if g["language"] == "cs"]
    assert any("plain.po" in reason for reason in reasons)


def test_lint_reads_the_new_catalogues_too(city: Installation) -> None:
    texts = Library.load(city.folder / "templates", city.folder / "locales", "Europe/Berlin")
    for variant in (Variant.STANDARD, Variant.PLAIN):
        city.translate("cs", variant, lambda phrase: phrase.msgid)
    rules = {f.rule for f in lint(city.folder / "locales", [city.language("cs")], texts.phrases)}
    assert "english" in rules


def test_a_wrong_row_is_named(city: Installation) -> None:
    path = city.folder / "locales" / "languages.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("cldr: cs,", "cldr: tlh_QX,"), encoding="utf-8")
    with pytest.raises(BadInput, match=r"languages\.yaml:cs"):
        city.issue(hazard="heat", level="2", area="dortmund")
