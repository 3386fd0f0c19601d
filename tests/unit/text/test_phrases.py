"""Phrases are gathered from the three declared places, and only from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from broadcaster.model.errors import BadInput
from broadcaster.text.languages import Variant, load_languages
from broadcaster.text.phrases import Phrase, declared, extract_pot, for_variant, update_po

ROOT = Path(__file__).parents[3]
LANGUAGES = load_languages(ROOT / "locales" / "languages.yaml")

HAZARD = """
id: heat
event: Heat
parameters: {temperature: {unit: degC, says: "Temperature: %(temperature)s."}}
levels:
  1: {severity: Moderate, headline: Strong heat, act: "Drink water!", tip: "Keep cool.",
      impacts: ["It is hot.", "It stays hot."], do: [drink]}
actions: {drink: "Drink water.", faint: "Call 112."}
all_clear: {headline: "All clear: heat", impacts: ["It is over."], do: [cool]}
"""


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    folder = tmp_path / "templates"
    (folder / "hazards").mkdir(parents=True)
    (folder / "html").mkdir()
    (folder / "hazards" / "heat.yaml").write_text(HAZARD)
    (folder / "actions.yaml").write_text('cool: "Stay in cool rooms."')
    (folder / "phrases").mkdir()
    (folder / "phrases" / "shared.yaml").write_text(
        '- {says: "Where", note: A label.}\n'
        '- {says: "%(amount)s hour", plural: "%(amount)s hours", context: spoken}\n'
    )
    (folder / "html" / "page.html.j2").write_text(
        '<p>{{ t("Skip to content") }} {{ tn("%(n)s warning", "%(n)s warnings", many) }}\n'
        '{{ t("Where", context=None) }} {{ t(alert.headline) }} {{ t("Now", context="short") }}</p>'
    )
    return folder


def keys(templates: Path) -> set[tuple[str | None, str]]:
    return {phrase.key for phrase in declared(templates)}


def test_hazards_give_their_sentences_with_the_context_of_their_key(templates: Path) -> None:
    found = keys(templates)
    assert {
        (None, "Heat"),
        (None, "Temperature: %(temperature)s."),
        (None, "Strong heat"),
        ("lead", "Drink water!"),
        ("short", "Keep cool."),
        (None, "It is hot."),
        (None, "It stays hot."),
        (None, "Drink water."),
        (None, "Call 112."),
        (None, "All clear: heat"),
        (None, "It is over."),
        (None, "Stay in cool rooms."),
    } <= found
    assert not {msgid for _, msgid in found} & {"Moderate", "drink", "cool", "degC", "heat"}


def test_templates_give_page_furniture_with_plurals_and_contexts(templates: Path) -> None:
    phrases = {phrase.key: phrase for phrase in declared(templates)}
    assert phrases["page", "Skip to content"].plural is None
    assert phrases["page", "%(n)s warning"].plural == "%(n)s warnings"
    assert ("short", "Now") in phrases


def test_a_phrase_used_twice_is_declared_once_with_both_places(templates: Path) -> None:
    where = next(p for p in declared(templates) if p.key == (None, "Where"))
    assert where.where == ("templates/phrases/shared.yaml", "templates/html/page.html.j2")
    assert where.note == "A label."


def test_every_mistake_in_the_four_places_is_named_at_once(templates: Path) -> None:
    (templates / "hazards" / "bad.yaml").write_text("a: [")
    (templates / "phrases" / "shared.yaml").write_text("- {note: x}\n- {says: a, colour: b}\n")
    (templates / "html" / "bad.j2").write_text('{{ t("x" }}')
    (templates / "html" / "count.j2").write_text('{{ tn("Skip to content", "Skips", 2) }}')
    with pytest.raises(BadInput) as raised:
        declared(templates)
    text = str(raised.value)
    for place in ("bad.yaml", "shared.yaml[0]", "shared.yaml[1].colour", "bad.j2:1", "Skip to"):
        assert place in text


def test_the_plain_catalogue_holds_what_a_warning_says_and_no_furniture(templates: Path) -> None:
    phrases = declared(templates)
    assert {p.context for p in for_variant(phrases, Variant.PLAIN)} == {None}
    assert for_variant(phrases, Variant.STANDARD) == phrases


def test_the_template_for_translators_names_every_phrase_and_no_date(templates: Path) -> None:
    pot = extract_pot(templates)
    assert 'msgctxt "page"\nmsgid "%(n)s warning"\nmsgid_plural "%(n)s warnings"' in pot
    assert "#. A label." in pot
    assert "Date" not in pot
    assert pot == extract_pot(templates)


def test_updating_keeps_translations_adds_new_phrases_and_drops_old_ones() -> None:
    german = LANGUAGES["de"]
    first = update_po(None, [Phrase("Heat"), Phrase("Old")], german)
    translated = first.replace(b'msgid "Heat"\nmsgstr ""', b'msgid "Heat"\nmsgstr "Hitze"')
    translated = b"# Checked by hand.\n" + translated
    second = update_po(translated, [Phrase("New"), Phrase("Heat")], german).decode()
    assert 'msgid "Heat"\nmsgstr "Hitze"' in second
    assert 'msgid "New"\nmsgstr ""' in second
    assert "Old" not in second
    assert second.startswith("# Checked by hand.\n")
    assert second.index("New") < second.index("Heat")


def test_updating_twice_changes_nothing() -> None:
    phrases = [Phrase("%(n)s day", "spoken", "%(n)s days", "A note."), Phrase('100 % "sure"\n')]
    for language in LANGUAGES.values():
        once = update_po(None, phrases, language)
        assert update_po(once, phrases, language) == once


def test_a_fuzzy_mark_and_a_translators_comment_stay() -> None:
    po = update_po(None, [Phrase("Heat")], LANGUAGES["de"]).decode()
    po = po.replace('msgid "Heat"\nmsgstr ""', '# ask Anna\n#, fuzzy\nmsgid "Heat"\nmsgstr "Hitz"')
    again = update_po(po.encode(), [Phrase("Heat")], LANGUAGES["de"]).decode()
    assert "# ask Anna\n#, fuzzy\n" in again


@pytest.mark.parametrize(("tag", "forms"), [("ar", 6), ("uk", 4), ("de", 2), ("zh-Hans", 1)])
def test_a_counted_phrase_has_as_many_forms_as_the_language(tag: str, forms: int) -> None:
    po = update_po(None, [Phrase("%(n)s day", None, "%(n)s days")], LANGUAGES[tag]).decode()
    assert po.count("\nmsgstr[") == forms
    assert f"nplurals={forms};" in po


HEADER = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'


@pytest.mark.parametrize(
    "text",
    [
        'msgid "unfinished\nmsgstr ""\n',
        'msgid "a"\nmsgstr "ends without a mark\n',
        '<<<<<<< HEAD\nmsgid "a"\nmsgstr "b"\n>>>>>>> other\n',
        'msgid "a"\nmsgstr "b"\n\nmsgid "a"\nmsgstr "c"\n',
        "hello\n",
    ],
)
def test_a_damaged_catalogue_is_refused_rather_than_read_with_letters_missing(text: str) -> None:
    with pytest.raises(BadInput):
        update_po((HEADER + text).encode(), [], LANGUAGES["de"])


def test_a_catalogue_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(BadInput, match="utf-8"):
        update_po(
            HEADER.encode() + 'msgid "a"\nmsgstr "ü"\n'.encode("latin-1"), [], LANGUAGES["de"]
        )


def test_our_own_templates_can_be_gathered() -> None:
    assert (None, "Heavy rain") in keys(ROOT / "templates")
