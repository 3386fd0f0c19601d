"""What a resident's message asks for.  Pure: a text and the keywords in, a command out.

A word counts only when it is the *whole* message.  Somebody who writes "END of the street is on
fire" wants help and not to leave, so a sentence that begins with a keyword is none, and neither is
a question.  Cries for help are never keywords: they get the answer that names the emergency call.

Two commands take a name: ``LANG Türkçe`` (or a language's own word for it) and ``START Türkçe``.

The words are data, ``locales/keywords.yaml``; four Latin ones work in every language.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from broadcaster.model.errors import BadInput, Problem
from broadcaster.text.languages import Language, safe_loader

__all__ = ["Act", "Command", "Keywords", "asks", "decide", "fold", "load_keywords"]


class Act(StrEnum):
    """What a message asks for; all but the last are classes of words in the data."""

    STOP = "stop"
    START = "start"
    HELP = "help"
    LANGUAGE = "language"
    OTHER = "other"
    """Anything else, a cry for help among it."""


@dataclass(frozen=True, slots=True)
class Command:
    """A message understood."""

    act: Act
    language: str | None = None
    """Tag of the language that was named, else of the one whose word it is.

    ``None`` after LANGUAGE: a language was named that nobody here knows.  Otherwise: the word is
    of no language.
    """


UNIVERSAL: Mapping[str, Act] = MappingProxyType(
    {"stop": Act.STOP, "start": Act.START, "help": Act.HELP, "lang": Act.LANGUAGE}
)
"""Words of every language; the texts residents get name these."""

# The same word from a keyboard left in another script: letters of Cyrillic and Greek that look, or
# sound, like the Latin one.  Applied to the universal words alone, whose answers they read.
_ALIKE = {
    "s": "sѕсσ",
    "t": "tтτ",
    "o": "oоο",
    "p": "pрпρπ",
    "a": "aаα",
    "r": "rргρ",
    "h": "hнһхη",
    "e": "eеε",
    "l": "lлλ",
    "n": "nнν",
    "g": "gгγ",
}
_UNIVERSAL = tuple(
    (re.compile("".join(f"[{_ALIKE[letter]}]" for letter in word)), act)
    for word, act in UNIVERSAL.items()
)

# Letters that keyboards of one script have in several forms: Turkish dotless i, the Arabic, Persian
# and Urdu yeh, kaf and heh, teh marbuta, alef wasla.
_ONE_FORM = str.maketrans(
    {"ı": "i", "ي": "ی", "ى": "ی", "ك": "ک", "ة": "ه", "ہ": "ه", "ھ": "ه", "ە": "ه", "ٱ": "ا"}
)
_TATWEEL = "\u0640"
_OPTIONAL = 10
"""Marks of at least this combining class may be left out in writing: accents, Arabic vowels.

Below it are the signs without which an Indic word is another word (nukta, virama; vowel signs
have class 0).
"""
_QUESTION = re.compile(
    "[?¿؟՞፧⸮‽❓❔\u037e]"
    # U+037E is what Greek keyboards should give, and the semicolon what they do give.
    "|[\u0370-\u03ff\u1f00-\u1fff]\\s*;"
)
_DROPPED = frozenset(f"{_TATWEEL}\u034f") | {chr(c) for c in range(0xFE00, 0xFE10)}


def fold(text: str) -> str:
    """Words without all that people write differently, a space between each two.

    Capitals, optional marks, tatweel, invisible characters, forms of one letter, and everything
    that is neither letter nor digit (punctuation, emoji) make no difference.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    letters = []
    for character in unicodedata.normalize("NFKD", plain):
        category = unicodedata.category(character)
        if (
            category == "Cf"
            or character in _DROPPED
            or unicodedata.combining(character) >= _OPTIONAL
        ):
            continue
        letters.append(character if category[0] in "LMN" else " ")
    return " ".join("".join(letters).translate(_ONE_FORM).split())


def asks(text: str) -> bool:
    """Whether the message is a question, in any of the scripts' marks."""
    return bool(_QUESTION.search(text) or "?" in unicodedata.normalize("NFKC", text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Keywords:
    """The words of all languages, folded."""

    words: Mapping[str, tuple[tuple[Act, str], ...]]
    """What a word means, and in which language."""
    names: Mapping[str, tuple[str, ...]]
    """Which languages a name may mean; tags are among them."""
    tags: Mapping[str, str]
    """Folded tags, which count only after START and LANG."""
    latin: frozenset[str]
    """The languages written in Latin letters."""
    order: tuple[str, ...]
    """Which language is meant where a word leaves it open: the first."""

    def preferring(self, languages: Sequence[str]) -> Keywords:
        """The same words, for a city that offers these languages, in its own order."""
        rest = tuple(tag for tag in self.order if tag not in languages)
        return replace(self, order=(*languages, *rest))

    def contested(self) -> tuple[str, ...]:
        """Words that ask for different things in different languages.

        They count only in a subscriber's own language.
        """
        return tuple(
            word for word, meanings in self.words.items() if len({act for act, _ in meanings}) > 1
        )

    def meaning(self, word: str, language: str | None) -> tuple[Act, str] | None:
        """What a word asks for, and whose word it is."""
        meanings = self.words.get(word, ())
        for act, tag in meanings:
            if tag == language:
                return act, tag
        if len({act for act, _ in meanings}) != 1:
            return None
        return meanings[0][0], self._first(word, [tag for _, tag in meanings])

    def named(self, name: str, language: str | None, *, tags: bool) -> str | None:
        """The language that a name means; with ``tags`` also what a tag means."""
        if tags and name in self.tags:
            return self.tags[name]
        meant = self.names.get(name, ())
        if not meant or language in meant:
            return language if meant else None
        return self._first(name, meant)

    def _first(self, word: str, tags: Iterable[str]) -> str:
        """Of several languages the first, those written in the letters of the word before all."""
        latin = _latin(word)
        return min(tags, key=lambda tag: ((tag in self.latin) != latin, self.order.index(tag)))


def decide(text: str, keywords: Keywords, language: str | None) -> Command:
    """What a message asks for.

    ``language`` is that of the subscription its sender has, if there is one: a word is first what
    it is in that language.
    """
    if asks(text):
        return Command(Act.OTHER)
    message = fold(text)
    act, tag = keywords.meaning(message, language) or (_universal(message), None)
    if act is not None:
        # A word for "language" alone asks how it is done.
        return Command(Act.HELP if act is Act.LANGUAGE else act, tag)
    return _with_name(message.split(), keywords, language) or Command(Act.OTHER)


def _with_name(words: list[str], keywords: Keywords, language: str | None) -> Command | None:
    """START or LANGUAGE with the name of a language behind it."""
    for end in range(1, len(words)):
        head, name = " ".join(words[:end]), " ".join(words[end:])
        universal = _universal(head)
        meanings = keywords.words.get(head, ())
        if universal in (Act.START, Act.LANGUAGE):
            act, tag = universal, keywords.named(name, language, tags=True)
        elif any(act is Act.LANGUAGE for act, _ in meanings):
            act, tag = Act.LANGUAGE, keywords.named(name, language, tags=False)
        else:
            continue
        if tag is not None:
            return Command(act, tag)
        # One unknown word after LANG is a language that we do not have; a sentence is not.
        if universal is Act.LANGUAGE and len(words) == 2 and name.isalpha():
            return Command(Act.LANGUAGE)
    return None


def _universal(word: str) -> Act | None:
    return next((act for pattern, act in _UNIVERSAL if pattern.fullmatch(word)), None)


def _latin(word: str) -> bool:
    return all(
        unicodedata.name(letter, "").startswith("LATIN") for letter in word if letter.isalpha()
    )


# The data -------------------------------------------------------------------------------------

_CLASSES = (Act.STOP, Act.START, Act.HELP, Act.LANGUAGE)


def load_keywords(path: Path, languages: Mapping[str, Language]) -> Keywords:
    """The keywords of every language, read and checked.

    A language that respells another has those of its words that are in its own script.  Raises
    :class:`BadInput` naming every wrong row at once.
    """
    import yaml

    try:
        raw = yaml.load(path.read_bytes(), safe_loader())
    except OSError as error:
        raise BadInput(Problem(str(path), f"cannot be read: {error.strerror}")) from error
    except yaml.YAMLError as error:
        raise BadInput(Problem(str(path), f"is not YAML: {error}")) from error
    rows = raw.get("languages") if isinstance(raw, dict) else None
    if not isinstance(rows, dict):
        raise BadInput(Problem(str(path), "has no languages", "start it with `languages:`"))
    problems = [
        Problem(f"{path.name}:{tag}", "is not a language of languages.yaml", "remove it")
        for tag in rows
        if tag not in languages
    ]
    read: dict[str, dict[str, list[str]]] = {}
    for tag in languages:
        if tag in rows:
            read[tag] = _row(rows[tag], f"{path.name}:{tag}", problems)
    if problems:
        raise BadInput(problems)
    return _gather(read, languages)


def keywords_of(languages: Mapping[str, Language]) -> Keywords:
    """The universal words alone, with the names that languages.yaml has."""
    return _gather({}, languages)


def _row(raw: Any, path: str, problems: list[Problem]) -> dict[str, list[str]]:
    """One language's words by class, with every reason why they cannot be used."""
    known = {*map(str, _CLASSES), "names"}
    if not isinstance(raw, dict) or set(raw) != known:
        problems.append(Problem(path, f"is not a mapping of {', '.join(sorted(known))}"))
        return {}
    row: dict[str, list[str]] = {}
    classes: dict[str, str] = {}
    for key, words in raw.items():
        if not isinstance(words, list) or not words or not all(isinstance(w, str) for w in words):
            problems.append(Problem(f"{path}.{key}", "is not a list of words"))
            continue
        row[key] = words
        for word in words:
            folded = fold(word)
            universal = _universal(folded)
            if not folded or asks(word):
                problems.append(Problem(f"{path}.{key}", f"{word!r} can never be a whole message"))
            elif universal is not None and universal != key:
                problems.append(
                    Problem(f"{path}.{key}", f"{word!r} means {universal} in every language")
                )
            elif classes.setdefault(folded, key) != key:
                problems.append(
                    Problem(
                        f"{path}.{key}",
                        f"{word!r} stands under {classes[folded]} too",
                        "a word asks for one thing",
                    )
                )
    return row


def _gather(
    read: Mapping[str, Mapping[str, list[str]]], languages: Mapping[str, Language]
) -> Keywords:
    words: dict[str, dict[tuple[Act, str], None]] = {}
    names: dict[str, dict[str, None]] = {}
    latin = frozenset(tag for tag, row in languages.items() if row.script == "Latn")
    for tag, row in languages.items():
        own = read.get(row.respells or tag, {})

        def mine(key: str, own: Mapping[str, list[str]] = own, row: Language = row) -> list[str]:
            folded = [fold(word) for word in own.get(key, ())]
            return [w for w in folded if not row.respells or _latin(w) == (row.tag in latin)]

        for act in _CLASSES:
            for word in mine(act):
                words.setdefault(word, {})[act, tag] = None
        for name in (*mine("names"), fold(row.name), fold(row.english)):
            names.setdefault(name, {})[tag] = None
    tags = {fold(tag): tag for tag in languages}
    for tag in languages:
        tags.setdefault(tag.partition("-")[0], tag)
    return Keywords(
        words=MappingProxyType({word: tuple(meant) for word, meant in words.items()}),
        names=MappingProxyType({name: tuple(meant) for name, meant in names.items()}),
        tags=MappingProxyType(tags),
        latin=latin,
        order=tuple(languages),
    )
