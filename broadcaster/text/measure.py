"""How long a text is on the small wires, and where it may be cut.

Shared by every channel that counts in septets or UTF-16 units.  Pure, and cheap to import: the
`regex` library, needed only to find graphemes, is loaded on first use.

Nothing here ever loses a letter, a joiner or a mark: a character that a wire cannot carry is
named in a :class:`~broadcaster.model.errors.BadInput`, never replaced by a question mark.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from broadcaster.model.errors import BadInput, Problem

ESCAPE = 0x1B
"""Announces a septet of the extension table (3GPP TS 23.038 6.2.1)."""

# 3GPP TS 23.038 6.2.1, GSM 7-bit default alphabet, sixteen codes a row.  The code of ESC holds
# U+001B only to keep the places right; it is no character of the alphabet.
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
# 3GPP TS 23.038 6.2.1.1, GSM 7-bit default alphabet extension table.
_EXTENSION = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
_SEPTETS = {
    character: bytes((code,)) for code, character in enumerate(_BASIC) if code != ESCAPE
} | {character: bytes((ESCAPE, code)) for code, character in _EXTENSION.items()}
_EXTENDED = frozenset(_EXTENSION.values())

PLAIN_PUNCTUATION = {
    # single quotation marks, apostrophe, prime
    "\u2018": "'",
    "\u2019": "'",
    "\u201a": "'",
    "\u201b": "'",
    "\u2039": "'",
    "\u203a": "'",
    "\u2032": "'",
    # double quotation marks, double prime
    "\u201c": '"',
    "\u201d": '"',
    "\u201e": '"',
    "\u201f": '"',
    "\u00ab": '"',
    "\u00bb": '"',
    "\u2033": '"',
    # hyphens (also the non-breaking one), dashes, minus
    "\u2010": "-",
    "\u2011": "-",
    "\u2012": "-",
    "\u2013": "-",
    "\u2014": "-",
    "\u2015": "-",
    "\u2212": "-",
    # ellipsis
    "\u2026": "...",
    # bullets
    "\u2022": "-",
    "\u2023": "-",
    "\u2043": "-",
    "\u25aa": "-",
    "\u25cf": "-",
    "\u25e6": "-",
    # tabulator and spaces of every width, breaking or not
    "\t": " ",
    "\u00a0": " ",
    "\u2000": " ",
    "\u2001": " ",
    "\u2002": " ",
    "\u2003": " ",
    "\u2004": " ",
    "\u2005": " ",
    "\u2006": " ",
    "\u2007": " ",
    "\u2008": " ",
    "\u2009": " ",
    "\u200a": " ",
    "\u202f": " ",
    "\u205f": " ",
    "\u3000": " ",
    # line and paragraph separator
    "\u2028": "\n",
    "\u2029": "\n",
    # shown as nothing: soft hyphen, zero-width space, byte order mark
    "\u00ad": "",
    "\u200b": "",
    "\ufeff": "",
}
"""Typographic punctuation and spaces, and what GSM 7-bit text shows in their place.

The whole list; it is published in the documentation.  It holds no letter: U+02BC is the
apostrophe *letter* of Ukrainian, U+00B7 is half a letter in Catalan.  Nor does it hold a joiner.
"""


def septets(text: str) -> int | None:
    """Length in GSM 7-bit septets, an extension character counting two.

    ``None`` when a character is in neither table, so that the text must go as UCS-2.
    """
    letters = set(text)
    if not letters <= _SEPTETS.keys():
        return None
    return len(text) + sum(text.count(letter) for letter in letters & _EXTENDED)


def to_septets(text: str) -> bytes:
    """The text in the GSM 7-bit default alphabet, one septet an octet.

    Raises :class:`BadInput` naming every character that the alphabet lacks.
    """
    foreign = [character for character in dict.fromkeys(text) if character not in _SEPTETS]
    if foreign:
        raise BadInput(
            Problem(
                "text",
                f"{name(character)} is not in the GSM 7-bit alphabet",
                "send the text as UCS-2",
            )
            for character in foreign
        )
    return b"".join(_SEPTETS[character] for character in text)


def from_septets(data: bytes) -> str:
    """What a receiver shows for septets, one an octet (3GPP TS 23.038 6.2.1.1).

    An escape before a code that the extension table lacks shows the basic character of that
    code; an escape before another, or at the end, shows a space.  Raises :class:`BadInput` for
    an octet above 127.
    """
    shown: list[str] = []
    escaped = False
    for septet in data:
        if septet > 0x7F:
            raise BadInput(Problem("septets", f"{septet:#04x} is larger than seven bits"))
        if septet == ESCAPE:
            if escaped:
                shown.append(" ")
            escaped = not escaped
            continue
        basic = _BASIC[septet]
        shown.append(_EXTENSION.get(septet, basic) if escaped else basic)
        escaped = False
    if escaped:
        shown.append(" ")
    return "".join(shown)


def pack(septets: bytes) -> bytes:
    """Septets, one an octet, packed without gaps, low bits first (3GPP TS 23.038 6.1.2).

    The fill bits of the last octet are zero.
    """
    stream = 0
    for place, septet in enumerate(septets):
        if septet > 0x7F:
            raise BadInput(Problem("septets", f"{septet:#04x} is larger than seven bits"))
        stream |= septet << 7 * place
    return stream.to_bytes((7 * len(septets) + 7) // 8, "little")


def unpack(data: bytes, count: int) -> bytes:
    """The first ``count`` septets of packed ``data``, one an octet.

    Raises :class:`BadInput` when the data holds fewer.
    """
    if count > len(data) * 8 // 7:
        raise BadInput(Problem("septets", f"{len(data)} octets do not hold {count} septets"))
    stream = int.from_bytes(data, "little")
    return bytes(stream >> 7 * place & 0x7F for place in range(count))


def units(text: str) -> int:
    """Length in UTF-16 code units: one for the Basic Multilingual Plane, two beyond it."""
    if not text or max(text) <= "\uffff":
        return len(text)
    return len(text) + sum(character > "\uffff" for character in text)


def utf16(text: str) -> bytes:
    """The text as UTF-16BE without a byte order mark: what the wires call UCS-2.

    Raises :class:`BadInput` for a lone surrogate, which is no character.
    """
    try:
        return text.encode("utf-16-be")
    except UnicodeEncodeError as error:
        raise BadInput(
            Problem(
                "text",
                f"{name(text[error.start])} is half a character",
                "correct the source of the text",
            )
        ) from error


def graphemes(text: str) -> list[str]:
    """The text in pieces that a reader takes for one character (Unicode UAX 29)."""
    if "\r" not in text and max(text, default="") < "\u0300":
        return list(text)  # below the first combining mark every character stands alone
    found: list[str] = _grapheme().findall(text)
    return found


def cut(text: str, limit: int, measure: Callable[[str], int | None]) -> tuple[str, ...]:
    """Pieces of at most ``limit`` each, as long as possible, cut only between graphemes.

    ``measure`` counts in the wire's unit and must add up: the length of a text is the sum of the
    lengths of its graphemes, as for :func:`septets` and :func:`units`.  An empty text is one
    empty piece.  Raises :class:`BadInput` for a grapheme that cannot be measured or that alone
    exceeds the limit: there is no place where it could be cut without harm.
    """
    whole = measure(text)
    if whole is not None and whole <= limit:
        return (text,)
    pieces: list[str] = []
    piece: list[str] = []
    used = 0
    known: dict[str, int | None] = {}  # a text has few different letters
    for grapheme in graphemes(text):
        length = known[grapheme] if grapheme in known else measure(grapheme)
        known[grapheme] = length
        if length is None:
            raise BadInput(Problem("text", f"{name(grapheme)} is not in this wire's alphabet"))
        if length > limit:
            raise BadInput(
                Problem(
                    "text",
                    f"one character, {name(grapheme[0])} with its marks, takes {length} of {limit}",
                    "write it with fewer marks",
                )
            )
        if used + length > limit:
            pieces.append("".join(piece))
            piece, used = [], 0
        piece.append(grapheme)
        used += length
    pieces.append("".join(piece))
    return tuple(pieces)


@dataclass(frozen=True, slots=True)
class Replacement:
    """One typographic character that was put plainly, and how often."""

    character: str
    by: str
    """Empty when it was dropped because it shows as nothing."""
    count: int

    def __str__(self) -> str:
        done = f'shown as "{self.by}"' if self.by else "dropped (it shows as nothing)"
        return f"{name(self.character)} {done}, {self.count}x"


def plain_punctuation(text: str) -> tuple[str, tuple[Replacement, ...]]:
    """The text in NFC with :data:`PLAIN_PUNCTUATION` applied, and each replacement made.

    Callers use the result only when the *whole* text becomes GSM 7-bit by it; a text that goes
    as UCS-2 anyway keeps its typography.
    """
    text = unicodedata.normalize("NFC", text)
    if set(text).isdisjoint(PLAIN_PUNCTUATION):
        return text, ()
    counts = Counter(character for character in text if character in PLAIN_PUNCTUATION)
    made = tuple(
        Replacement(character, PLAIN_PUNCTUATION[character], count)
        for character, count in counts.items()
    )
    return text.translate(_PLAIN), made


def name(text: str) -> str:
    """Characters so that an officer can find them: ``U+201E DOUBLE LOW-9 QUOTATION MARK``."""
    return " + ".join(_named(text))


def _named(text: str) -> Iterable[str]:
    for character in text:
        yield f"U+{ord(character):04X} {unicodedata.name(character, 'without a name')}"


_PLAIN = str.maketrans(PLAIN_PUNCTUATION)


@cache
def _grapheme() -> Any:
    import regex

    return regex.compile(r"\X")
