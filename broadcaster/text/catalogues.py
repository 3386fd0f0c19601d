"""Catalogues: what each sentence is in one language and variant, and who stands for it.

``locales/<tag>/LC_MESSAGES/<variant>.po`` is the source; the gettext domain is the variant.  A
``.mo`` beside it is used only when it was compiled from exactly those bytes.  What is missing is
missing: there is no fallback here to another language or variant, and a fuzzy entry does not
count.

``locales/<tag>/ledger.yaml`` says who reviewed a catalogue.  An entry binds to the English
sentences and to the translated ones by SHA-256; when either has changed since, the review is
*stale* and says why.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

from broadcaster.model.errors import BadInput, BroadcasterError, Problem
from broadcaster.text.languages import Language, Variant
from broadcaster.text.phrases import Phrase, for_variant, parse_po

Key = tuple[str | None, str]
"""Context and msgid."""

PLACEHOLDER = re.compile(r"%\((\w+)\)s")
"""The only kind of placeholder."""

LEVELS = ("drafted", "reviewed", "approved")
"""Review levels, the lowest first."""

_HASH_HEADER = "X-Source-SHA256"


class MissingText(BroadcasterError):
    """A sentence that a language cannot say; it falls out, visibly, and nothing stands in."""

    exit_code = 2

    def __init__(self, language: str, variant: Variant, msgid: str, context: str | None) -> None:
        self.language, self.variant, self.msgid, self.context = language, variant, msgid, context
        where = f"{language}/{variant}" + (f" ({context})" if context else "")
        super().__init__(
            Problem(
                where,
                f"has no text for {msgid!r}",
                f"translate it in locales/{language} and review it",
            )
        )


@dataclass(frozen=True, slots=True)
class Review:
    """Who stands for a catalogue."""

    level: str = "drafted"
    """``drafted``, ``reviewed`` or ``approved``."""
    by: str = ""
    on: date | None = None
    stale: bool = False
    """English or translated sentences changed after the review."""
    reason: str = ""
    """Why it is stale."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as a ``.po`` file has it."""

    forms: tuple[str, ...]
    """One text, or one for each plural category of the language."""
    counted: bool = False
    fuzzy: bool = False

    @property
    def usable(self) -> bool:
        """Translated whole, and not merely guessed."""
        return not self.fuzzy and bool(self.forms) and all(self.forms)


class Catalogue:
    """The sentences of one language and variant."""

    def __init__(
        self,
        language: Language,
        variant: Variant,
        entries: Mapping[Key, Entry],
        review: Review | None = None,
    ) -> None:
        self.language = language
        self.variant = variant
        self.review = review or Review()
        self._entries = MappingProxyType(
            {
                key: Entry(tuple(_nfc(form) for form in entry.forms), entry.counted)
                for key, entry in entries.items()
                if entry.usable
            }
        )

    @property
    def entries(self) -> Mapping[Key, Entry]:
        """What can be said: usable entries in NFC."""
        return self._entries

    def has(self, msgid: str, *, context: str | None = None) -> bool:
        """Whether the sentence can be said."""
        return (context, msgid) in self._entries

    def say(self, msgid: str, *, context: str | None = None, **values: object) -> str:
        """The sentence in NFC, with ``values`` put in as they are.

        Raises :class:`MissingText` when it is absent, fuzzy, or counted.
        """
        entry = self._entries.get((context, msgid))
        if entry is None or entry.counted:
            raise MissingText(self.language.tag, self.variant, msgid, context)
        return _fill(entry.forms[0], values)

    def say_many(
        self,
        one: str,
        many: str,
        n: int | float | Decimal,
        *,
        context: str | None = None,
        **values: object,
    ) -> str:
        """The counted sentence in the form that CLDR wants for ``n``, also for 1.5.

        ``%(n)s`` is ``n`` itself unless ``values`` gives it formatted.  Raises
        :class:`MissingText` when the sentence is absent, fuzzy, or lacks a plural form.
        """
        entry = self._entries.get((context, one))
        categories = self.language.plural_categories
        if entry is None or not entry.counted or len(entry.forms) != len(categories):
            raise MissingText(self.language.tag, self.variant, f"{one} | {many}", context)
        # Through its text, so that 1.5 has one decimal and not a binary tail of them.
        category = self.language.locale.plural_form(Decimal(str(abs(n))))
        return _fill(entry.forms[categories.index(category)], {"n": n} | values)


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _fill(text: str, values: Mapping[str, object]) -> str:
    """A lone percent sign is a percent sign: sentences need no doubling."""

    def value(match: re.Match[str]) -> str:
        return str(values[match[1]])

    return _nfc(PLACEHOLDER.sub(value, text))


# Reading --------------------------------------------------------------------------------------


def load(
    locales: Path, language: Language, variant: Variant, declared: Iterable[Phrase]
) -> Catalogue:
    """The catalogue of a language and variant, with the state of its review.

    ``declared`` is everything :func:`broadcaster.text.phrases.declared` found.  A language that
    respells another is that one's catalogue in its own letters, and stands or falls with its
    review.  Raises :class:`BadInput` when the catalogue or the ledger is not there or cannot be
    understood.
    """
    entries, state = read(locales, language, variant, for_variant(declared, variant))
    return Catalogue(language, variant, entries, state)


def read(
    locales: Path, language: Language, variant: Variant, phrases: Collection[Phrase]
) -> tuple[Mapping[Key, Entry], Review]:
    """All entries, unusable ones too, and what their review is worth (see :func:`load`)."""
    entries = _source(locales, language, variant)
    row = read_ledger(locales, language.respells or language.tag).get(variant.value)
    state = review(row, Catalogue(language, variant, entries), phrases)
    return _respelt(entries, language), state


def _source(locales: Path, language: Language, variant: Variant) -> Mapping[Key, Entry]:
    path = po_path(locales, language.respells or language.tag, variant)
    try:
        po = path.read_bytes()
    except OSError as error:
        raise BadInput(
            Problem(
                str(path),
                f"cannot be read: {error.strerror}",
                f"add the catalogue, or stop offering {language.tag}/{variant}",
            )
        ) from error
    entries = _compiled(path.with_suffix(".mo"), po)
    if entries is not None:
        return entries
    try:
        return read_po(po)
    except BadInput as error:
        raise BadInput(
            Problem(f"{path} {problem.path}".rstrip(), problem.says, problem.remedy)
            for problem in error.problems
        ) from error


def _respelt(entries: Mapping[Key, Entry], language: Language) -> Mapping[Key, Entry]:
    if not language.respells:
        return entries
    return {
        key: Entry(tuple(map(language.respelt, entry.forms)), entry.counted, entry.fuzzy)
        for key, entry in entries.items()
    }


def po_path(locales: Path, tag: str, variant: Variant) -> Path:
    """Where a catalogue lives."""
    if variant not in (Variant.STANDARD, Variant.PLAIN):
        raise ValueError(f"{variant} is a context, not a catalogue")
    return locales / tag / "LC_MESSAGES" / f"{variant.value}.po"


@lru_cache(maxsize=128)
def read_po(data: bytes) -> Mapping[Key, Entry]:
    """All entries of a ``.po`` file, fuzzy ones marked.  Raises :class:`BadInput`.

    The same bytes are read once: lint, status and loading all ask, and reading is what takes time.
    """
    found: dict[Key, Entry] = {}
    for message in parse_po(data):
        if message.id:
            msgid = message.id if isinstance(message.id, str) else message.id[0]
            found[message.context, msgid] = _entry(message)
    return MappingProxyType(found)


def _entry(message: Any) -> Entry:
    counted = not isinstance(message.id, str)
    forms = tuple(message.string) if counted else (message.string,)
    return Entry(forms, counted, message.fuzzy)


def _compiled(path: Path, po: bytes) -> dict[Key, Entry] | None:
    """The entries of a ``.mo``, or ``None`` unless it was compiled from exactly these bytes."""
    try:
        texts = dict(_read_mo(path.read_bytes()))
    except (OSError, UnicodeDecodeError, struct.error):
        return None  # absent or damaged: the source is beside it
    if f"{_HASH_HEADER}: {hashlib.sha256(po).hexdigest()}" not in texts.pop("", "").splitlines():
        return None
    entries: dict[Key, Entry] = {}
    for key, text in texts.items():
        context, cut, msgid = key.rpartition("\x04")
        one, counted, _ = msgid.partition("\0")
        entries[context if cut else None, one] = Entry(tuple(text.split("\0")), bool(counted))
    return entries


def _read_mo(data: bytes) -> Iterable[tuple[str, str]]:
    """Keys and texts as they are in a little-endian GNU ``.mo`` (gettext manual, 10.3).

    Babel's own reader mixes up entries that differ in context alone.
    """
    _, _, count, keys, texts = struct.unpack_from("<5I", data)

    def read(table: int, number: int) -> str:
        length, start = struct.unpack_from("<2I", data, table + 8 * number)
        return data[start : start + length].decode()

    for number in range(count):
        yield read(keys, number), read(texts, number)


def compile_po(po: bytes) -> bytes:
    """A ``.mo`` that names the SHA-256 of its source; the same bytes give the same result.

    Only entries that may be used are in it: Babel would fill a missing plural form with English.
    """
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo

    source = parse_po(po)
    header = (
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Plural-Forms", source.plural_forms),
        (_HASH_HEADER, hashlib.sha256(po).hexdigest() + "\n"),
    )

    class Stamped(Catalog):
        mime_headers = header

    stamped = Stamped(charset="utf-8")
    for message in source:
        if message.id and _entry(message).usable:
            stamped.add(message.id, message.string, context=message.context)
    compiled = BytesIO()
    write_mo(compiled, stamped)
    return compiled.getvalue()


# The ledger of reviews ------------------------------------------------------------------------


def source_hash(phrases: Iterable[Phrase]) -> str:
    """SHA-256 over the English sentences of a catalogue: contexts, msgids and plurals, sorted."""
    rows = sorted([phrase.context or "", phrase.msgid, phrase.plural or ""] for phrase in phrases)
    return _sha256(rows)


def text_hash(catalogue: Catalogue) -> str:
    """SHA-256 over what a catalogue says: each sentence and its forms, sorted."""
    rows = sorted(
        [context or "", msgid, *entry.forms]
        for (context, msgid), entry in catalogue.entries.items()
    )
    return _sha256(rows)


def _sha256(rows: list[list[str]]) -> str:
    canonical = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def sign(
    catalogue: Catalogue, declared: Iterable[Phrase], *, level: str, by: str, on: date
) -> dict[str, str | date]:
    """The ledger's new row for this catalogue; the caller writes it down.

    Raises :class:`BadInput` when the level is unknown, nobody signs, or a sentence is missing: a
    review of half a catalogue is none.
    """
    phrases = for_variant(declared, catalogue.variant)
    problems = []
    if level not in LEVELS:
        problems.append(Problem("level", f"{level!r} is no level", f"use {', '.join(LEVELS)}"))
    if not by.strip():
        problems.append(Problem("by", "nobody signs", "give the name of the reviewer"))
    place = f"{catalogue.language.tag}/{catalogue.variant}"
    problems += [
        Problem(place, f"has no text for {phrase.msgid!r}", "translate it before signing")
        for phrase in phrases
        if phrase.key not in catalogue.entries
    ]
    if problems:
        raise BadInput(problems)
    return {
        "level": level,
        "by": by.strip(),
        "on": on,
        "source": source_hash(phrases),
        "text": text_hash(catalogue),
    }


def read_ledger(locales: Path, tag: str) -> dict[str, dict[str, Any]]:
    """The rows of ``locales/<tag>/ledger.yaml`` by variant; none when there is no ledger.

    Raises :class:`BadInput` with everything that is wrong in it.
    """
    path = locales / tag / "ledger.yaml"
    if not path.exists():
        return {}
    import yaml

    try:
        rows = yaml.safe_load(path.read_bytes()) or {}
    except (OSError, yaml.YAMLError) as error:
        raise BadInput(Problem(str(path), f"cannot be read: {error}")) from error
    if not isinstance(rows, dict):
        raise BadInput(Problem(str(path), "is not a mapping of variants to reviews"))
    problems = [problem for variant, row in rows.items() for problem in _wrong(path, variant, row)]
    if problems:
        raise BadInput(problems)
    return rows


def _wrong(path: Path, variant: object, row: object) -> Iterable[Problem]:
    place = f"{path.parent.name}/{path.name}:{variant}"
    if variant not in (Variant.STANDARD.value, Variant.PLAIN.value):
        yield Problem(place, "is no catalogue", "use standard or plain")
    if not isinstance(row, dict):
        yield Problem(place, "is not a mapping")
        return
    kinds: dict[str, type] = {"level": str, "by": str, "on": date, "source": str, "text": str}
    for key, kind in kinds.items():
        if not isinstance(row.get(key), kind):
            yield Problem(
                f"{place}.{key}", "is missing or of the wrong kind", "sign the catalogue again"
            )
    if isinstance(row.get("level"), str) and row["level"] not in LEVELS:
        yield Problem(f"{place}.level", f"{row['level']!r} is no level", f"use {', '.join(LEVELS)}")


def review(
    row: Mapping[str, Any] | None, catalogue: Catalogue, phrases: Collection[Phrase]
) -> Review:
    """What a row of the ledger is worth today; no row means drafted."""
    if row is None:
        return Review()
    reasons = []
    if row["source"] != source_hash(phrases):
        reasons.append("the English sentences changed after the review")
    if row["text"] != text_hash(catalogue):
        reasons.append("the translation changed after the review")
    return Review(row["level"], row["by"], row["on"], bool(reasons), "; ".join(reasons))
