"""Plain language: the rules that a program can check.

Two levels: ``L`` (Leichte Sprache) and ``E`` (Einfache Sprache).  The rules are numbered as in
:data:`RULES`; they follow DIN SPEC 33429, BITV 2.0 annex 2 part 2 and the rules of Netzwerk
Leichte Sprache.  The words each rule looks for are the language's row in
``locales/languages.yaml``; a language without such a list is spared the rule, and every language
is held to short sentences, no special characters and no unexplained acronyms.

What no program can see stays with readers of the target group: whether a sentence says one thing
(rule 2), whether the verb comes early (13), whether the important thing comes first (14), a
genitive without a mark of its own (6), and whether the text is understood.  A negation alone
(rule 11) is not reported: "do not go into the cellar" saves lives.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal

from broadcaster.model.errors import Problem
from broadcaster.text.languages import Language, PlainRules

Level = Literal["L", "E"]

_PLACEHOLDER = re.compile(r"%\(\w+\)s")
_VALUE = "▢"
"""Stands for a placeholder: one word, no letter, no digit."""
_ABBREVIATED_DAY = re.compile(r"(?<!\d)(\d{1,2})\.(?=\s)")
"""``24. November``: an ordinal does not end a sentence.  ``112.`` does."""
_SENTENCE_END = re.compile(r"(?<=[.!?…։።؟۔！？।])[\s\u00a0]+|(?<=[。！？])")
_EDGES = ".,;:!?…()[]{}\"'„“”‚‘’«»‹›،؛؟。！？、，।።፣։-–—"
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_TIME = re.compile(r"\b\d{1,2}:\d{2}\b")
_ROMAN = re.compile(r"\b(?=[IVX]{2,})X{0,3}(?:IX|IV|V?I{0,3})\b")
_SPECIAL = "()[]{}/&§%*_#+=<>|~^°²;"
_CUTS = re.compile(r"[-\u2010\u2011·•]")
"""Hyphens and the interpunct by which long words are cut."""


def check_plain(
    text: str,
    language: Language,
    *,
    level: Level | None = None,
    allowed: Collection[str] = (),
    inline: bool = False,
) -> list[Problem]:
    """What makes a text hard to read; the ``path`` of a problem is the rule's number and name.

    ``level`` defaults to the language's own.  ``allowed`` are names and acronyms that readers
    know.  An ``inline`` text is a piece that is laid out later, so that rules about lines do not
    apply.  Placeholders count as one word.
    """
    message = _Message(
        _PLACEHOLDER.sub(_VALUE, text),
        language,
        level or _level(language),
        frozenset(allowed),
        inline,
    )
    return [
        Problem(f"{rule.number} {rule.name}", says, remedy, weight)
        for rule in RULES
        for says, remedy, weight in rule.check(message)
    ]


def _level(language: Language) -> Level:
    return "L" if language.plain.level == "L" else "E"


_Weight = Literal["error", "warning"]
_Found = Iterator[tuple[str, str, _Weight]]


@dataclass(frozen=True)
class _Message:
    text: str
    language: Language
    level: Level
    allowed: frozenset[str]
    inline: bool

    @property
    def rules(self) -> PlainRules:
        return self.language.plain

    @property
    def weight(self) -> _Weight:
        """Most rules bind at level L and warn at level E."""
        return "error" if self.level == "L" else "warning"

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def sentences(self) -> list[str]:
        return [sentence for line in self.lines for sentence in sentences(line)]

    @cached_property
    def words(self) -> list[str]:
        return [word for sentence in self.sentences for word in _words(sentence)]


def sentences(line: str) -> list[str]:
    """The sentences of a line; ``24. November`` is one piece."""
    # U+2024 looks like a full stop and ends no sentence; it is put back at once.
    parts = _SENTENCE_END.split(_ABBREVIATED_DAY.sub("\\1\u2024", line))
    return [part.replace("\u2024", ".").strip() for part in parts if part and part.strip()]


def _words(sentence: str) -> list[str]:
    """Words without the punctuation around them; Chinese characters one by one."""
    if _HAN.search(sentence):
        return _HAN.findall(sentence)
    stripped = (part.strip(_EDGES) for part in sentence.split())
    return [word for word in stripped if word]


def _quoted(sentence: str) -> str:
    return f'"{sentence[:60]}…"' if len(sentence) > 60 else f'"{sentence}"'


# The rules ------------------------------------------------------------------------------------


def _sentence_length(message: _Message) -> _Found:
    usual, most = message.rules.strict if message.level == "L" else message.rules.words
    for sentence in message.sentences:
        count = len(_words(sentence))
        if count > usual:
            yield (
                f"{_quoted(sentence)} has {count} words; usual are {usual}, at most {most}",
                "make two sentences of it",
                "error" if count > most else "warning",
            )


def _one_statement(message: _Message) -> _Found:
    if message.level == "L" and not message.inline:
        for line in message.lines:
            if len(sentences(line)) > 1:
                yield f"{_quoted(line)} holds several sentences", "give each its own line", "error"


def _subordinate_clauses(message: _Message) -> _Found:
    openers = _any_word(message.rules.subordinators)
    if openers is None:
        return
    for sentence in message.sentences:
        count = len(re.findall(rf",\s+(?:{openers})\b", sentence, re.IGNORECASE))
        if count > (0 if message.level == "L" else 1):
            yield (
                f"{_quoted(sentence)} has a subordinate clause",
                "make two sentences of it",
                "error",
            )


def _passive(message: _Message) -> _Found:
    rules = message.rules
    if not rules.participle:
        return
    participle = re.compile(rules.participle)
    for sentence in message.sentences:
        words = _words(sentence)
        if any(word.lower() in rules.passive for word in words) and any(
            participle.fullmatch(word) for word in words if word not in rules.passive
        ):
            yield f"{_quoted(sentence)} is passive", "say who does it", message.weight


def _conditional(message: _Message) -> _Found:
    yield from _listed(message, message.rules.conditionals, "is a conditional", "say what is")


def _genitive(message: _Message) -> _Found:
    rules = message.rules
    remedy = "say it with another case, or in two sentences"
    for sentence in message.sentences:
        words = _words(sentence)
        for place, word in enumerate(words):
            lower = word.lower()
            following = words[place + 1 : place + 3]
            noun = next((w for w in following if w[:1].isupper() and w.endswith("s")), None)
            if lower in rules.genitive_articles and noun:
                yield f'"{word} … {noun}" is a genitive', remedy, message.weight
            elif lower in rules.genitive_prepositions:
                yield f'"{word}" asks for a genitive', remedy, message.weight


def _compounds(message: _Message) -> _Found:
    most = 1 if message.level == "L" else 3
    for word in dict.fromkeys(message.words):
        if word in message.allowed:
            continue
        for part in _CUTS.split(word):
            stems = _stems(part.lower(), message.rules)
            if len(stems) > most:
                cut = "-".join(stem.capitalize() for stem in stems)
                yield f'"{word}" is one long word', f'cut it, perhaps "{cut}"', "error"


def _stems(word: str, rules: PlainRules) -> list[str]:
    """The known stems that make up a whole word, or none."""
    if not rules.stems or any(_is_form(word, whole) for whole in rules.whole):
        return []
    match = _compound(rules.stems).fullmatch(word)
    return list(match.captures(1)) if match else []


@lru_cache(maxsize=8)
def _compound(stems: tuple[str, ...]) -> Any:
    import regex  # it keeps what each repetition of a group matched

    known = "|".join(map(re.escape, stems))
    # A stem with the letters that join it to the next, or end the word.
    return regex.compile(rf"((?:{known})(?:en|es|er|n|s|e)?){{2,}}")


def _abbreviations(message: _Message) -> _Found:
    padded = f" {message.text} "
    for short in message.rules.abbreviations:
        if re.search(rf"(?<!\w){re.escape(short)}(?!\w)", padded):
            yield f'"{short}" is an abbreviation', "write the words", message.weight
    for word in dict.fromkeys(message.words):
        for part in _CUTS.split(word):
            if len(part) > 1 and part.isalpha() and part.isupper() and part not in message.allowed:
                yield f'"{part}" is an acronym', "write or explain the words", message.weight


def _numbers(message: _Message) -> _Found:
    yield from _listed(
        message, message.rules.number_words, "is a number in letters", "write digits"
    )
    for time in _TIME.findall(message.text):
        yield f'"{time}" is a time with a colon', 'say it like "8 Uhr"', message.weight
    for numeral in _ROMAN.findall(message.text):
        yield f'"{numeral}" is a Roman numeral', "write digits", message.weight


def _special_characters(message: _Message) -> _Found:
    for character in dict.fromkeys(message.text):
        if character in _SPECIAL:
            yield f'"{character}" is a special character', "write words", message.weight
    if re.search(r"\w-\n", message.text):
        yield "a word is cut at the end of a line", "keep the word on one line", message.weight


def _double_negation(message: _Message) -> _Found:
    for sentence in message.sentences:
        found = [word for word in _words(sentence) if word.lower() in message.rules.negations]
        if len(found) > 1:
            yield (
                f"{_quoted(sentence)} denies twice: {', '.join(found)}",
                "deny once",
                message.weight,
            )


def _same_word(message: _Message) -> _Found:
    lower = [word.lower() for word in message.words]
    for group in message.rules.same:
        used = [name for name in group if any(_is_form(word, name) for word in lower)]
        if len(used) > 1:
            yield f"{', '.join(used)} mean one thing", f'say "{used[0]}" throughout', message.weight


def _is_form(word: str, name: str) -> bool:
    """Whether a word is a name with at most two letters of inflection."""
    return word.startswith(name) and len(word) - len(name) <= 2


def _direct_address(message: _Message) -> _Found:
    for says, remedy, _ in _listed(
        message, message.rules.indirect, "does not address the reader", "say what to do, politely"
    ):
        yield says, remedy, "warning"


def _lists(message: _Message) -> _Found:
    for sentence in message.sentences:
        if len(re.findall(r"[,،、，፣]", sentence)) > 2:
            yield f"{_quoted(sentence)} lists more than three things", "make a list", "warning"


def _lengths(message: _Message) -> _Found:
    if message.level != "L" or message.inline:
        return
    if len(message.lines) > 12:
        yield f"the message has {len(message.lines)} lines", "keep to twelve", "warning"
    if any(len(block.splitlines()) > 4 for block in message.text.split("\n\n")):
        yield "a paragraph has more than four lines", "part it", "warning"


def _long_words(message: _Message) -> _Found:
    most = message.rules.letters
    if not most:
        return
    for word in dict.fromkeys(message.words):
        if word in message.allowed or re.search(r"[./@]", word):
            continue
        for part in _CUTS.split(word):
            if len(part) > most and part.lower() not in message.rules.whole:
                yield (
                    f'"{part}" has {len(part)} letters',
                    "take a shorter word or cut it",
                    message.weight,
                )


def _explained(message: _Message) -> _Found:
    if message.level != "L":
        return
    explaining = [
        sentence.lower()
        for sentence in message.sentences
        if any(word.lower() in message.rules.explains for word in _words(sentence))
    ]
    for name in message.rules.hard:
        used = any(_is_form(word.lower(), name) for word in message.words)
        if used and not any(name in sentence for sentence in explaining):
            yield f'"{name}" is a hard word', "explain it in a sentence, or say it simply", "error"


def _listed(message: _Message, words: Collection[str], says: str, remedy: str) -> _Found:
    for word in dict.fromkeys(message.words):
        if word.lower() in words:
            yield f'"{word}" {says}', remedy, message.weight


def _any_word(words: Collection[str]) -> str | None:
    return "|".join(map(re.escape, words)) or None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the table."""

    number: int
    name: str
    check: Callable[[_Message], _Found]


RULES = (
    Rule(1, "sentence length", _sentence_length),
    Rule(2, "one sentence a line", _one_statement),
    Rule(3, "no subordinate clause", _subordinate_clauses),
    Rule(4, "no passive", _passive),
    Rule(5, "no conditional", _conditional),
    Rule(6, "no genitive", _genitive),
    Rule(7, "compounds cut", _compounds),
    Rule(8, "no abbreviation", _abbreviations),
    Rule(9, "numbers as digits", _numbers),
    Rule(10, "no special characters", _special_characters),
    Rule(11, "no double negation", _double_negation),
    Rule(12, "one word for one thing", _same_word),
    Rule(13, "direct address", _direct_address),
    Rule(14, "lists", _lists),
    Rule(15, "short messages", _lengths),
    Rule(16, "short words", _long_words),
    Rule(17, "hard words explained", _explained),
)
"""Every rule, by the number it has in the table."""
