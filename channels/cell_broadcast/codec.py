"""Cell-broadcast pages: text to octets and back, as 3GPP TS 23.038 and TS 23.041 say.  Pure.

A text becomes at most fifteen pages of exactly 82 octets.  Each page is packed, padded and (when
the coding carries the language in the text) prefixed on its own, because handsets decode page by
page.  For 3G, 4G and 5G the same pages travel as one block of *CB data* (:meth:`Pages.cb_data`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from broadcaster.model.errors import BadInput, DoesNotFit, Problem
from broadcaster.text.measure import (
    Replacement,
    cut,
    from_septets,
    pack,
    plain_punctuation,
    septets,
    to_septets,
    units,
    unpack,
    utf16,
)

PAGE_OCTETS = 82
"""TS 23.041 9.4.1.2: the content of every page."""
MAX_PAGES = 15
"""TS 23.041 9.4.1.2.4: the page parameter counts to fifteen."""
_PAGE_SEPTETS = 93
_PAGE_UNITS = 41
_PADDING = "\r"
"""TS 23.038 5: CR fills a page, so CR can never be text."""


class Alphabet(StrEnum):
    """The two alphabets of cell broadcast; the value is the unit it counts in."""

    GSM7 = "septets"
    UCS2 = "UCS-2 units"


@dataclass(frozen=True, slots=True)
class Coding:
    """What one data coding scheme says about a page (TS 23.038 section 5)."""

    dcs: int
    alphabet: Alphabet
    language: str | None = None
    """The language that the coding scheme itself names."""
    prefixed: bool = False
    """Two letters that name the language precede the text on every page."""

    @property
    def names_language(self) -> bool:
        """Whether a handset can tell the language, and so filter by it."""
        return self.prefixed or self.language is not None

    @property
    def capacity(self) -> int:
        """Units of text on one page."""
        if self.alphabet is Alphabet.GSM7:
            return _PAGE_SEPTETS - (3 if self.prefixed else 0)
        return _PAGE_UNITS - (1 if self.prefixed else 0)

    @property
    def limit(self) -> int:
        """Units of text on all fifteen pages."""
        return MAX_PAGES * self.capacity

    def measure(self, text: str) -> int | None:
        """Length of a text in this alphabet's unit; ``None`` when it holds a foreign character."""
        return septets(text) if self.alphabet is Alphabet.GSM7 else units(text)


# TS 23.038 section 5, coding groups 0000 and 0010: the languages that a scheme names.
_GROUP_0 = (
    "de",
    "en",
    "it",
    "fr",
    "es",
    "nl",
    "sv",
    "da",
    "pt",
    "fi",
    "no",
    "el",
    "tr",
    "hu",
    "pl",
)
_GROUP_2 = ("cs", "he", "ar", "ru", "is")
CODINGS = {
    coding.dcs: coding
    for coding in (
        *(Coding(dcs, Alphabet.GSM7, language) for dcs, language in enumerate(_GROUP_0)),
        Coding(0x0F, Alphabet.GSM7),
        Coding(0x10, Alphabet.GSM7, prefixed=True),
        Coding(0x11, Alphabet.UCS2, prefixed=True),
        *(Coding(dcs, Alphabet.GSM7, language) for dcs, language in enumerate(_GROUP_2, 0x20)),
        Coding(0x40, Alphabet.GSM7),
        Coding(0x48, Alphabet.UCS2),
    )
}
"""Every data coding scheme that we write or read."""
_NAMED = {coding.language: coding for coding in CODINGS.values() if coding.dcs < 0x0F}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """A text on the wire."""

    coding: Coding
    language: str | None
    """ISO 639-1, named by the coding scheme or on every page; ``None``: not named at all."""
    octets: tuple[bytes, ...]
    """One to fifteen pages, each exactly 82 octets."""
    lengths: tuple[int, ...]
    """Octets in use on each page, language prefix included, padding not."""
    used: int
    """Units of text on all pages."""
    left: int
    """Units that would still fit behind it."""

    def cb_data(self) -> bytes:
        """The block for 3G, 4G and 5G (TS 23.041 9.4.2.2.5): count, then page and length each."""
        pairs = zip(self.octets, self.lengths, strict=True)
        return bytes((len(self.octets),)) + b"".join(
            page + bytes((length,)) for page, length in pairs
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """The text and coding that suit a content."""

    text: str
    """NFC, LF line ends; with plain punctuation if, and only if, that makes it GSM 7-bit."""
    coding: Coding
    replaced: tuple[Replacement, ...]


def coding(dcs: int) -> Coding:
    """The meaning of a data coding scheme; raises :class:`BadInput` for one we do not read."""
    try:
        return CODINGS[dcs]
    except KeyError:
        raise BadInput(
            Problem(
                "dcs",
                f"data coding scheme {dcs:#04x} is none that warnings use",
                "use one of " + ", ".join(f"{known:02x}" for known in CODINGS),
            )
        ) from None


def choose(text: str, language: str | None) -> Choice:
    """The smallest coding that keeps every letter of the text and names its language.

    GSM 7-bit whenever plain punctuation makes the whole text fit it, else UCS-2.  The coding
    scheme names the language if there is one for it (German 00 ... Polish 0E), else the pages do
    (10, 11); a ``language`` of ``None`` has no two-letter code and is not named (0F, 48).
    """
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    plain, replaced = plain_punctuation(text)
    if septets(plain) is None:
        return Choice(text, CODINGS[0x48 if language is None else 0x11], ())
    if language is None:
        return Choice(plain, CODINGS[0x0F], replaced)
    return Choice(plain, _NAMED.get(language, CODINGS[0x10]), replaced)


def encode(text: str, *, dcs: int, language: str | None = None) -> Pages:
    """The text as pages in the given coding scheme.

    ``language`` is the two-letter code (ISO 639-1) and is needed for schemes 10 and 11; for
    others it must agree with what the scheme names.  Raises :class:`DoesNotFit` with the surplus
    when more than fifteen pages were needed, and :class:`BadInput` for a character that the
    alphabet lacks, a carriage return, or a missing or contradicting language.
    """
    scheme = coding(dcs)
    language = _agreed(scheme, language)
    if _PADDING in text:
        raise BadInput(
            Problem(
                "text",
                "a carriage return is the padding of a page and cannot be text",
                "end lines with a line feed alone",
            )
        )
    if scheme.alphabet is Alphabet.GSM7:
        to_septets(text)  # refuses with every foreign character at once
    pieces = cut(text, scheme.capacity, scheme.measure)
    lengths = [scheme.measure(piece) or 0 for piece in pieces]
    surplus = sum(lengths[MAX_PAGES:])
    if surplus:
        unit = scheme.alphabet.value
        raise DoesNotFit(
            Problem(
                "text",
                f"{language or 'text'}: {sum(lengths)} {unit} need {len(pieces)} "
                f"pages; {MAX_PAGES} pages hold {scheme.limit}",
                f"shorten it by {surplus} {unit}",
            ),
            surplus=surplus,
            unit=unit,
        )
    pages = [_page(piece, scheme, language) for piece in pieces]
    return Pages(
        coding=scheme,
        language=language,
        octets=tuple(page for page, _ in pages),
        lengths=tuple(length for _, length in pages),
        used=sum(lengths),
        left=(MAX_PAGES - len(pages) + 1) * scheme.capacity - lengths[-1],
    )


def decode(
    pages: Sequence[bytes], lengths: Sequence[int] | None, dcs: int
) -> tuple[str | None, str]:
    """The language and text that a handset gets from pages.

    With ``lengths`` as a 3G, 4G or 5G handset receives them, without as a 2G handset does (all 82
    octets).  Raises :class:`BadInput` for a page or length that cannot be.
    """
    scheme = coding(dcs)
    used = [len(page) for page in pages] if lengths is None else list(lengths)
    if len(used) != len(pages) or any(
        len(page) != PAGE_OCTETS or not 0 <= length <= PAGE_OCTETS
        for page, length in zip(pages, used, strict=False)
    ):
        raise BadInput(Problem("pages", f"each page is {PAGE_OCTETS} octets with one length"))
    language = scheme.language
    text: list[str] = []
    for page, length in zip(pages, used, strict=True):
        named, piece = _read(page[:length], scheme)
        language = language or named
        text.append(piece)
    return language, "".join(text)


def opens_against_the_grain(text: str) -> str | None:
    """The first letter of a right-to-left text that would turn the whole display left-to-right.

    Cell broadcast carries no direction: phones take that of the first strong character (UAX 9
    P2).  ``None`` when the text starts well.
    """
    for character in text:
        direction = unicodedata.bidirectional(character)
        if direction in ("R", "AL"):
            return None
        if direction == "L":
            return character
    return None


def _agreed(scheme: Coding, language: str | None) -> str | None:
    if scheme.prefixed:
        if language is None or not re.fullmatch("[a-z]{2}", language):
            raise BadInput(
                Problem(
                    "language",
                    f"scheme {scheme.dcs:02x} names the language with two letters, "
                    f"not with {language!r}",
                    "give the ISO 639-1 code",
                )
            )
        return language
    if language not in (None, scheme.language):
        raise BadInput(
            Problem(
                "language",
                f"scheme {scheme.dcs:02x} names "
                f"{scheme.language or 'no language'}, the text is {language}",
                "use scheme 10 or 11, which name the language on every page",
            )
        )
    return scheme.language


def _page(piece: str, scheme: Coding, language: str | None) -> tuple[bytes, int]:
    if scheme.alphabet is Alphabet.GSM7:
        # The CR after the prefix is TS 23.038's own, so that old handsets show it as a line.
        content = to_septets(f"{language}\r" if scheme.prefixed else "") + to_septets(piece)
        padding = to_septets(_PADDING) * (_PAGE_SEPTETS - len(content))
        return pack(content + padding), len(pack(content))
    prefix = pack(to_septets(language)) if scheme.prefixed and language else b""
    octets = prefix + utf16(piece)
    return octets + utf16(_PADDING) * ((PAGE_OCTETS - len(octets)) // 2), len(octets)


def _read(octets: bytes, scheme: Coding) -> tuple[str | None, str]:
    """Language named on the page, and its text without padding."""
    if scheme.alphabet is Alphabet.GSM7:
        data = unpack(octets, len(octets) * 8 // 7)
        skip = 3 if scheme.prefixed else 0
        named = from_septets(data[:2]) if scheme.prefixed else None
        # A length ending in a whole spare septet holds padding too, so CR goes in both modes.
        return named, from_septets(data[skip:].rstrip(b"\r"))
    skip = 2 if scheme.prefixed else 0
    named = from_septets(unpack(octets[:2], 2)) if scheme.prefixed else None
    # "replace" only ever meets octets of strangers; ours never hold half a surrogate pair.
    return named, octets[skip:].decode("utf-16-be", errors="replace").rstrip(_PADDING)
