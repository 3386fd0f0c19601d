"""Catalogue lint: what would be wrong, in any language, before anyone has to read it.

``broadcaster translations lint`` and ``make check`` show the findings; an *error* keeps a
catalogue from being shipped.  ``broadcaster translations status`` shows :func:`completeness`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from broadcaster.model.errors import BadInput
from broadcaster.text.accessible import sentences
from broadcaster.text.catalogues import (
    Entry,
    Key,
    Review,
    po_path,
    read,
)
from broadcaster.text.hazards import Hazard
from broadcaster.text.languages import Language, Variant
from broadcaster.text.lint.texts import LIKE_SOURCE, NAMES, TEXT_RULES, Case, letters, without
from broadcaster.text.phrases import LEAD, PAGE, SHORT, SPOKEN, Phrase, for_variant

VARIANTS = (Variant.STANDARD, Variant.PLAIN)
"""The variants that have catalogues."""

LONG = 8
"""A plain text with a sentence of more words that equals the standard one is hardly plain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong with a catalogue."""

    rule: str
    language: str
    variant: str
    msgid: str
    """Empty when it is about the whole catalogue."""
    context: str | None
    says: str
    remedy: str
    level: Literal["error", "warning"]

    def __str__(self) -> str:
        about = f" {self.msgid!r}" if self.msgid else ""
        about += f" ({self.context})" if self.context else ""
        return f"{self.language}/{self.variant}{about}: {self.says} -> {self.remedy} [{self.rule}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """How far one catalogue is."""

    language: str
    variant: str
    translated: int
    total: int
    fuzzy: int
    review: Review
    hazards: Mapping[str, int]
    """For each hazard, how many of the sentences it needs cannot be said."""

    @property
    def complete(self) -> bool:
        """Everything can be said."""
        return self.translated == self.total


@dataclass(frozen=True, slots=True)
class _Book:
    """One catalogue as it lies on the disk."""

    language: Language
    variant: Variant
    phrases: tuple[Phrase, ...]
    entries: Mapping[Key, Entry]
    review: Review
    problems: tuple[str, ...]

    def finding(
        self,
        rule: str,
        says: str,
        remedy: str,
        level: Literal["error", "warning"] = "error",
        phrase: Phrase | None = None,
    ) -> Finding:
        return Finding(
            rule=rule,
            language=self.language.tag,
            variant=self.variant.value,
            msgid=phrase.msgid if phrase else "",
            context=phrase.context if phrase else None,
            says=says,
            remedy=remedy,
            level=level,
        )


def lint(
    locales: Path,
    languages: Iterable[Language],
    declared: Collection[Phrase],
    *,
    names: Collection[str] = NAMES,
) -> list[Finding]:
    """Every finding, by language and variant; ``names`` stay as they are in every language."""
    languages = tuple(languages)
    books = _books(locales, languages, declared)
    known = frozenset(names)
    betrayals = {word: language.tag for language in languages for word in language.betrays}
    found: list[Finding] = []
    for book in books:
        found += _whole(book)
        for phrase in book.phrases:
            found += _entry(book, phrase, known, betrayals)
    found += _same_in_two_languages(books, known)
    found += _same_in_both_variants(books)
    return found


def completeness(
    locales: Path,
    languages: Iterable[Language],
    declared: Collection[Phrase],
    hazards: Mapping[str, Hazard],
) -> list[Completeness]:
    """A row for each language and variant, short and spoken too; what is not there is 0 of all."""
    needed = {name: _sentences(hazard) for name, hazard in hazards.items()}
    own = frozenset(msgid for msgids in needed.values() for msgid in msgids)
    rows = []
    for book in _books(locales, languages, declared):
        for variant, contexts in _CONTEXTS[book.variant].items():
            phrases = [phrase for phrase in book.phrases if phrase.context in contexts]
            lacking = {phrase.msgid for phrase in phrases if _usable(book, phrase) is None}
            shared = len(lacking - own)
            rows.append(
                Completeness(
                    language=book.language.tag,
                    variant=variant.value,
                    translated=sum(_usable(book, phrase) is not None for phrase in phrases),
                    total=len(phrases),
                    fuzzy=sum(
                        entry.fuzzy
                        for phrase in phrases
                        if (entry := book.entries.get(phrase.key)) is not None
                    ),
                    review=book.review,
                    hazards={
                        name: shared + len(lacking & msgids) for name, msgids in needed.items()
                    },
                )
            )
    return rows


_CONTEXTS: Mapping[Variant, Mapping[Variant, Collection[str | None]]] = {
    Variant.STANDARD: {
        Variant.STANDARD: (None, PAGE),
        Variant.SHORT: (LEAD, SHORT),
        Variant.SPOKEN: (SPOKEN,),
    },
    Variant.PLAIN: {Variant.PLAIN: (None,)},
}
"""Which sentences of a catalogue make which variant; the spoken one says the standard's as well."""


def _sentences(hazard: Hazard) -> frozenset[str]:
    """Everything that this hazard alone may have to say."""
    levels = hazard.levels.values()
    texts = [*(level.texts for level in levels), hazard.all_clear]
    return frozenset(
        [hazard.event, hazard.lead]
        + [parameter.says for parameter in hazard.parameters.values()]
        + [text for level in levels for text in (level.act, level.tip)]
        + [text for one in texts for text in (one.headline, *one.impacts)]
        + [*hazard.actions.values(), *hazard.all_clear.actions.values()]
    )


def _books(
    locales: Path, languages: Iterable[Language], declared: Collection[Phrase]
) -> list[_Book]:
    return [
        _book(locales, language, variant, for_variant(declared, variant))
        for language in languages
        for variant in VARIANTS
    ]


def _book(
    locales: Path, language: Language, variant: Variant, phrases: tuple[Phrase, ...]
) -> _Book:
    entries: Mapping[Key, Entry] = {}
    state = Review()
    problems: list[str] = []
    if not po_path(locales, language.respells or language.tag, variant).exists():
        problems.append(f"there is no {variant}.po for {language.tag}")
    else:
        try:
            entries, state = read(locales, language, variant, phrases)
        except BadInput as error:
            problems += [str(problem) for problem in error.problems]
    return _Book(language, variant, phrases, entries, state, tuple(problems))


# Rules about catalogues and entries -------------------------------------------------------------


def _whole(book: _Book) -> Iterator[Finding]:
    for says in book.problems:
        yield book.finding("catalogue", says, "add or correct the file")
    if book.review.stale:
        yield book.finding("stale", book.review.reason, "have it reviewed and signed again")
    declared = {phrase.key for phrase in book.phrases}
    for context, msgid in book.entries:
        if (context, msgid) not in declared:
            unused = Phrase(msgid, context)
            yield book.finding(
                "unused", "nothing says this", "export the catalogue again", "warning", unused
            )


def _entry(
    book: _Book, phrase: Phrase, names: frozenset[str], betrayals: Mapping[str, str]
) -> Iterator[Finding]:
    entry = book.entries.get(phrase.key)
    if entry is None or not any(entry.forms):
        if not book.problems:  # else each sentence would repeat that there is no catalogue
            yield book.finding("missing", "is not translated", "translate it", phrase=phrase)
        return
    if entry.fuzzy:
        yield book.finding(
            "fuzzy",
            "is marked fuzzy and never used",
            "check it, then remove the mark",
            phrase=phrase,
        )
    categories = book.language.plural_categories
    wanted = len(categories) if phrase.plural else 1
    if entry.counted != (phrase.plural is not None) or len(entry.forms) != wanted:
        says = f"has {len(entry.forms)} forms; the language has {wanted}"
        yield book.finding("plural", says, "export the catalogue again", phrase=phrase)
        return
    for number, text in enumerate(entry.forms):
        category = categories[number] if phrase.plural else None
        if not text:
            says = f"lacks the form for {category}"
            yield book.finding("plural", says, "translate it", phrase=phrase)
            continue
        case = Case(book.language, book.variant, phrase, text, category, names, betrayals)
        for name, check in TEXT_RULES:
            for says, remedy, level in check(case):
                yield book.finding(name, says, remedy, level, phrase)


# Rules across catalogues ------------------------------------------------------------------------


def _usable(book: _Book, phrase: Phrase) -> Entry | None:
    entry = book.entries.get(phrase.key)
    wanted = len(book.language.plural_categories) if phrase.plural else 1
    if entry is None or not entry.usable or len(entry.forms) != wanted:
        return None
    return entry


def _same_in_two_languages(books: Sequence[_Book], names: frozenset[str]) -> Iterator[Finding]:
    """One of two languages that say the very same long text has the other's words."""
    seen: dict[tuple[Variant, Key, str], _Book] = {}
    for book in books:
        for phrase in book.phrases:
            entry = _usable(book, phrase)
            for text in dict.fromkeys(entry.forms if entry else ()):
                if letters(without(text, names)) <= LIKE_SOURCE:
                    continue
                other = seen.setdefault((book.variant, phrase.key, text), book)
                if other is not book and other.language.tag not in book.language.twins:
                    yield book.finding(
                        "same-text",
                        f"is the same text as in {other.language.tag}",
                        "translate the one that is wrong",
                        phrase=phrase,
                    )


def _same_in_both_variants(books: Sequence[_Book]) -> Iterator[Finding]:
    """A long standard sentence is rarely plain as well."""
    standard = {book.language.tag: book for book in books if book.variant is Variant.STANDARD}
    for book in books:
        if book.variant is not Variant.PLAIN:
            continue
        for phrase in book.phrases:
            mine, other = _usable(book, phrase), _usable(standard[book.language.tag], phrase)
            if (
                mine is not None
                and other is not None
                and mine.forms == other.forms
                and any(len(sentence.split()) > LONG for sentence in sentences(mine.forms[0]))
            ):
                yield book.finding(
                    "same-variant",
                    "is word for word the standard text",
                    "say it more simply, or see that it is simple",
                    "warning",
                    phrase,
                )
