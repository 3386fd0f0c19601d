"""What can be wrong with one text of a catalogue.

Each rule takes a :class:`Case` and yields what it found: words for a translator, and a remedy.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Literal

import regex

from broadcaster.text import measure
from broadcaster.text.accessible import check_plain
from broadcaster.text.catalogues import PLACEHOLDER
from broadcaster.text.languages import Language, Variant
from broadcaster.text.phrases import LEAD, SHORT, SPOKEN, Phrase

SOURCE = "en"
"""The language the msgids are in."""

NAMES = frozenset(
    {"Dortmund", "NINA", "DWD", "BBK", "MoWaS", "SMS", "RSS", "Atom", "CAP", "DE-Alert"}
    | {"START", "STOP", "HELP", "LANG", "WCAG", "AA", "JavaScript"}
)
"""Names that stay in their own letters in every language."""

BUDGET = {
    SHORT: {"septets": 60, "UCS-2 units": 40},
    LEAD: {"septets": 45, "UCS-2 units": 24},
}
"""What one of the shortest texts may take.  That whole messages fit is proved in
:mod:`broadcaster.text.proof`; this names the sentence to blame while it is being translated.
"""

LIKE_SOURCE = 12
"""Two languages may share texts up to so many letters: names, loan words."""

Weight = Literal["error", "warning"]
Found = Iterator[tuple[str, str, Weight]]


@dataclass(frozen=True)
class Case:
    """One form of one entry."""

    language: Language
    variant: Variant
    phrase: Phrase
    text: str
    category: str | None
    """The plural category of this form, or ``None`` where nothing is counted."""
    names: frozenset[str]
    betrayals: Mapping[str, str]
    """Words of other languages that must not be here, and the language of each."""

    @cached_property
    def bare(self) -> str:
        """The text without placeholders."""
        return PLACEHOLDER.sub(" ", self.text)

    @cached_property
    def own(self) -> str:
        """The text without placeholders and names: what must be in the language's own letters."""
        return without(self.bare, self.names)

    @property
    def short(self) -> bool:
        """Whether it goes on the smallest wires."""
        return self.phrase.context in BUDGET


def without(text: str, names: frozenset[str]) -> str:
    """The text with names, addresses of the web and placeholders taken out."""
    text = re.sub(
        r"\b[\w-]+(?:\.[\w-]+)+(?:/\S*)?", " ", PLACEHOLDER.sub(" ", text), flags=re.ASCII
    )
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, " ")
    return text


def letters(text: str) -> int:
    """How many letters a text has; marks are part of theirs."""
    return sum(character.isalpha() for character in text)


# Placeholders, numbers, source -----------------------------------------------------------------


def placeholders(case: Case) -> Found:
    """The same values go in, wherever the translation puts them."""
    wanted = set(PLACEHOLDER.findall(case.phrase.msgid + (case.phrase.plural or "")))
    used = PLACEHOLDER.findall(case.text)
    lost = wanted - set(used)
    if lost and not (len(lost) == 1 and _may_omit_number(case)):
        yield f"lacks {_slots(lost)}", "put it in", "error"
    if strange := set(used) - wanted:
        yield f"has {_slots(strange)}, which has no value here", "take it out", "error"
    if broken := re.search(r"%\s*\(\w*\)?\w?|%[sd]\b|\{\w*\}", case.bare):
        yield f"{broken[0]!r} is no placeholder", "write it as %(name)s", "error"


def _may_omit_number(case: Case) -> bool:
    """Whether the category is for one number only, which the words then say themselves."""
    if case.category in ("zero", "two"):
        return True
    rule = case.language.locale.plural_form
    return case.category == "one" and "one" not in (rule(0), rule(21), rule(Decimal("1.5")))


def _slots(names: set[str]) -> str:
    return ", ".join(f"%({name})s" for name in sorted(names))


def numbers(case: Case) -> Found:
    """112 stays 112, in ASCII digits; only a voice may be given it otherwise."""
    for digit in dict.fromkeys(case.bare):
        if digit.isdecimal() and not digit.isascii():
            yield f"{measure.name(digit)} is no digit of a telephone", "write 0 to 9", "error"
    if case.phrase.context == SPOKEN:
        return
    wanted = Counter(re.findall(r"[0-9]+", PLACEHOLDER.sub(" ", case.phrase.msgid)))
    for number in wanted - Counter(re.findall(r"[0-9]+", case.bare)):
        yield f"lacks the number {number}", "write it as in the English sentence", "error"


def source(case: Case) -> Found:
    """English left standing."""
    rest = without(case.text, case.names)
    if case.language.tag != SOURCE and case.text == case.phrase.msgid and len(_words(rest)) > 1:
        yield "is still the English sentence", "translate it", "error"


def _words(text: str) -> list[str]:
    return [word for word in text.split() if any(map(str.isalpha, word))]


def leftover(case: Case) -> Found:
    """A word of another language: of the English sentence, or of the city's own language."""
    for word in dict.fromkeys(regex.findall(r"[\p{L}\p{M}]+", case.own.lower())):
        if (tag := case.betrayals.get(word, case.language.tag)) != case.language.tag:
            yield f"has {word!r}, a word of {tag}", "translate it", "error"


def codes(case: Case) -> Found:
    """Identifiers that translation tools leave behind."""
    for code in re.findall(r"\b[A-Za-z]{2,3}_[A-Za-z]{2,4}\b", case.bare):
        yield f"{code!r} is a code, no word", "take it out", "error"


# Letters ---------------------------------------------------------------------------------------

_SCRIPTS = {
    "Latn": "Latin",
    "Cyrl": "Cyrillic",
    "Arab": "Arabic",
    "Grek": "Greek",
    "Hans": "Han",
    "Deva": "Devanagari",
    "Ethi": "Ethiopic",
    "Taml": "Tamil",
    "Geor": "Georgian",
    "Armn": "Armenian",
}
"""ISO 15924 codes and the Unicode script property of their letters."""


def script(case: Case) -> Found:
    """Nine letters of ten are the language's own, and no word mixes two scripts."""
    name = _SCRIPTS.get(case.language.script, case.language.script)
    # Letters common to all scripts belong to each: the apostrophe of Ukrainian is one.
    own = regex.compile(rf"[\p{{Script={name}}}\p{{Script=Common}}\p{{Script=Inherited}}]")
    found = regex.findall(r"\p{L}", case.own)
    share = sum(1 for letter in found if own.match(letter)) / len(found) if found else 1.0
    if share < 0.9:
        says = f"only {share:.0%} of its letters are {case.language.script}"
        yield says, "translate it, or name what stays as it is", "error"
    for word in regex.findall(r"[\p{L}\p{M}]+", case.own):
        # Alike letters of another alphabet are read wrongly by every voice.
        mine = [bool(own.match(letter)) for letter in word if letter.isalpha()]
        if any(mine) and not all(mine):
            yield f"{word!r} mixes two alphabets", "type the word again", "error"


def first_strong(case: Case) -> Found:
    """Right-to-left text begins with a letter of its own: plain text has no other direction."""
    if case.language.direction != "rtl":
        return
    # Unicode UAX 9 P2: values do not count, they go in isolated.
    strong = next((c for c in case.bare if unicodedata.bidirectional(c) in ("L", "R", "AL")), " ")
    if unicodedata.bidirectional(strong) == "L":
        yield (
            f"begins with {strong!r}, so it would run from left to right",
            "begin with a word",
            "error",
        )


_FORBIDDEN = (
    ("[\u202a-\u202e\u2066-\u2069]", "is a directional code; values are isolated where they go in"),
    ("[\ufb00-\ufb06\ufb1d-\ufdff\ufe70-\ufefc]", "is a presentation form, no letter"),
    ("\u0640", "is a tatweel, which voices and searches stumble over"),
    (r"\p{Extended_Pictographic}|\ufe0f|\u20e3", "is an emoji, which voices drop or read out"),
    ("[\u00ad\u200b\ufeff\u2028\u2029]", "shows as nothing"),
    ("\ufffd", "stands for a letter that was lost"),
    (r"(?!\n)\p{Cc}|\p{Co}|\p{Cs}|\p{Cn}", "is no character of a text"),
)


def characters(case: Case) -> Found:
    """Nothing that a screen, a voice or a wire stumbles over.  Joiners are letters' own."""
    for pattern, says in _FORBIDDEN:
        for character in dict.fromkeys(regex.findall(pattern, case.text)):
            yield f"{measure.name(character)} {says}", "take it out", "error"
    if unicodedata.normalize("NFC", case.text) != case.text:
        yield "is not in Unicode normal form C", "save the file in NFC", "warning"


def lost_letters(case: Case) -> Found:
    """A question mark where a letter was."""
    # Plain language likes to ask: "Is the water rising? Go upstairs."
    asks = "?" in case.phrase.msgid or case.variant is Variant.PLAIN
    if re.search(r"\w\?\w|(?<!\S)\?\w" if asks else r"\w\?|\?\w", case.text):
        yield "has ? where a letter should be", "type the letter again, as UTF-8", "error"


# Form ------------------------------------------------------------------------------------------


def spaces(case: Case) -> Found:
    """No space at an edge, none doubled."""
    if case.text != case.text.strip():
        yield "begins or ends with a space", "take it away", "error"
    if "  " in case.text.strip():
        yield "has two spaces together", "leave one", "error"


_ASKS_WITHIN = "՞"
"""Armenian marks a question on the word that is asked about."""
_ENDINGS = {"sentence": ".!。।።։۔！", "question": "?؟？;;", "colon": ":：፦", "comma": ",،，፣"}


def ending(case: Case) -> Found:
    """A sentence ends as a sentence, a label as a label."""
    if case.phrase.context == SPOKEN:
        return
    wanted, is_so = _ending(case.phrase.msgid), _ending(case.text)
    if wanted != is_so:
        says = f"ends as a {is_so or 'label'}, the English as a {wanted or 'label'}"
        # Plain language may make a sentence of a headline.
        yield says, "end it alike", "warning" if case.variant is Variant.PLAIN else "error"


def _ending(text: str) -> str:
    if _ASKS_WITHIN in text:
        return "question"
    last = text.rstrip()[-1:]
    return next((name for name, marks in _ENDINGS.items() if last and last in marks), "")


def gsm7(case: Case) -> Found:
    """A language of the GSM alphabet keeps to it in short texts: one foreign mark halves them."""
    if case.short and case.language.gsm7:
        for character in dict.fromkeys(case.bare):
            if measure.septets(character) is None:
                says = f"{measure.name(character)} is not in the GSM 7-bit alphabet"
                yield says, "write it plainly (' \" - ...)", "error"


def budget(case: Case) -> Found:
    """Short texts are short."""
    if case.phrase.context not in BUDGET:
        return
    limits = BUDGET[case.phrase.context]
    text = PLACEHOLDER.sub("", case.text)
    count = measure.septets(text) if case.language.gsm7 else None
    unit = "UCS-2 units" if count is None else "septets"
    size = measure.units(text) if count is None else count
    if size > limits[unit]:
        yield f"takes {size} {unit} of {limits[unit]}", "say it shorter", "error"


def plain(case: Case) -> Found:
    """Plain texts keep the rules of plain language; how they share lines is the layout's."""
    if case.variant is Variant.PLAIN:
        for problem in check_plain(case.text, case.language, allowed=case.names, inline=True):
            yield f"rule {problem.path}: {problem.says}", problem.remedy, problem.level


TEXT_RULES: tuple[tuple[str, Callable[[Case], Found]], ...] = (
    ("placeholder", placeholders),
    ("number", numbers),
    ("english", source),
    ("leftover", leftover),
    ("code", codes),
    ("script", script),
    ("direction", first_strong),
    ("character", characters),
    ("lost-letter", lost_letters),
    ("space", spaces),
    ("ending", ending),
    ("gsm7", gsm7),
    ("length", budget),
    ("plain", plain),
)
"""Every rule about one text, by the name a finding carries."""
