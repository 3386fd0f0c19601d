"""Text to SMS segments and back.  Pure: the same text and reference give the same octets.

A short message carries 140 octets of user data.  They hold 160 septets of the GSM 7-bit alphabet
or 70 UTF-16 units, less where the text needs several segments, because each then starts with a
header that says how to put them together.  One character outside the GSM alphabet makes the whole
text more than twice as long, which is why typographic quotation marks are put plainly, and
reported, where that alone brings a text back.

Sources: 3GPP TS 23.040 (9.2.3.16 user data, 9.2.3.24 header, 9.2.3.24.1 and .8 concatenation),
3GPP TS 23.038 (alphabets), SMPP 3.4 (5.2.12 esm_class, 5.2.19 data_coding).
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from broadcaster.model.errors import BadInput, DoesNotFit, Problem, Unsupported
from broadcaster.text import measure
from broadcaster.text.measure import Replacement
from channels.sms import national

USER_DATA_OCTETS = 140
"""3GPP TS 23.040 9.2.3.16: what one segment carries, header included."""
MOST_SEGMENTS = 255
"""3GPP TS 23.040 9.2.3.24.1: the header counts segments in one octet."""

# LINE TABULATION, FORM FEED, NEXT LINE, LINE and PARAGRAPH SEPARATOR all mean a new line, and a
# phone knows only LF.  Tabulators have no width on a phone.
_PUT_PLAINLY = dict.fromkeys("\v\f\r\x85\u2028\u2029", "\n") | {"\t": " "}
# Old phones show these as boxes and each costs a unit; direction on a phone comes from the first
# strong character instead.  ZWJ and ZWNJ are not among them: they are part of the spelling.
_BIDI_CONTROLS = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)


class Alphabet(StrEnum):
    """How characters become octets; a text uses one alphabet throughout."""

    GSM_7 = "GSM-7"
    TURKISH = "GSM-7, Turkish table"
    SPANISH = "GSM-7, Spanish table"
    PORTUGUESE = "GSM-7, Portuguese table"
    UCS_2 = "UCS-2"
    """UTF-16BE in truth: every phone since 3GPP Release 99 joins surrogate pairs."""

    @property
    def table(self) -> national.Table | None:
        """The national table that the text needs."""
        return _TABLES.get(self)

    @property
    def unit(self) -> str:
        """What this alphabet is counted in."""
        return "UCS-2 units" if self is Alphabet.UCS_2 else "septets"

    @property
    def data_coding(self) -> int:
        """SMPP 3.4 5.2.19: 0 is the SMSC's default alphabet, 8 is UCS-2."""
        return 8 if self is Alphabet.UCS_2 else 0

    @property
    def length(self) -> Callable[[str], int | None]:
        """What measures a text of this alphabet."""
        if self.table is not None:
            return self.table.septets
        return measure.units if self is Alphabet.UCS_2 else measure.septets

    def capacity(self, header: int = 0) -> int:
        """Units that fit one segment beside ``header`` octets of user data header."""
        free = USER_DATA_OCTETS - header
        return free // 2 if self is Alphabet.UCS_2 else free * 8 // 7

    def per_segment(self, reference_bits: int, *, alone: bool) -> int:
        """Units that fit one segment of a text that has one segment, or several."""
        elements = (0 if alone else 4 + reference_bits // 8) + (3 if self.table else 0)
        # The octet that says how long the header is stands only where there is one.
        return self.capacity(elements + 1 if elements else 0)


_TABLES = {
    Alphabet.TURKISH: national.TURKISH,
    Alphabet.SPANISH: national.SPANISH,
    Alphabet.PORTUGUESE: national.PORTUGUESE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """A text as it goes on the air."""

    alphabet: Alphabet
    parts: tuple[bytes, ...]
    """User data of each segment in order, with its header where there are several.

    GSM-7 is unpacked, one septet an octet, as SMPP carries it; see :meth:`packed`.
    """
    text: str
    """What the phone shows: the text given, with :attr:`replacements` made."""
    units: int
    """Length of the text in the alphabet's unit, headers not counted."""
    per_segment: int
    """Units that each of these segments can hold."""
    replacements: tuple[Replacement, ...] = ()
    forced_by: tuple[str, ...] = ()
    """The characters that keep the text out of GSM-7, in order of appearance."""

    @property
    def esm_class(self) -> int:
        """SMPP 3.4 5.2.12: 0x40 says that the user data starts with a header."""
        return 0x40 if _headed(self.parts, self.alphabet) else 0

    def packed(self) -> tuple[bytes, ...]:
        """The user data as it goes over the air: GSM-7 packed to seven bits.

        After a header the text starts at the next septet boundary (3GPP TS 23.040 9.2.3.24), so
        the header is packed as if it were that many empty septets and then laid over them.
        """
        if self.alphabet is Alphabet.UCS_2:
            return self.parts
        packed = []
        for part in self.parts:
            header, septets = _split(part, headed=_headed(self.parts, self.alphabet))
            blank = bytes(-(-len(header) * 8 // 7))
            packed.append(header + measure.pack(blank + septets)[len(header) :])
        return tuple(packed)


def encode(
    text: str,
    *,
    reference: int,
    reference_bits: int = 16,
    max_segments: int = MOST_SEGMENTS,
    national_tables: bool = False,
    label: str = "text",
) -> Segments:
    """Put a text into as few segments as it takes, cut only between graphemes.

    ``reference`` tells this text's segments from those of another text on the same phone; only
    its low ``reference_bits`` (8 or 16) count.  With ``national_tables`` a text that would go as
    UCS-2 goes in the GSM alphabet with a national table where one saves segments.  ``label`` names
    the text in errors.

    Raises :class:`DoesNotFit` when more than ``max_segments`` would be needed, and
    :class:`Unsupported` for an empty text and for one that no wire can carry (half a surrogate
    pair, a letter with more marks than a segment holds).
    """
    text, cleaned = _clean(text)
    if not measure.plain_punctuation(text)[0].strip():
        raise Unsupported(
            Problem(
                label, "there is no text to send", "an SMS needs at least one visible character"
            )
        )
    text, alphabet, typographic = _choose(text)
    try:
        pieces = _pieces(text, alphabet, reference_bits, max_segments)
        if national_tables and alphabet is Alphabet.UCS_2:
            text, alphabet, pieces, typographic = _nationally(
                text, pieces, reference_bits, max_segments
            )
        length = alphabet.length(text) or 0
        alone = len(pieces) == 1 or max_segments == 1
        per_segment = alphabet.per_segment(reference_bits, alone=alone)
        if len(pieces) > max_segments:
            surplus = sum(alphabet.length(piece) or 0 for piece in pieces[max_segments:])
            raise DoesNotFit(
                Problem(
                    label,
                    f"the text is {surplus} {alphabet.unit} too long: it takes "
                    f"{length} and {max_segments} SMS segments hold "
                    f"{max_segments * per_segment}",
                    "shorten it, or allow more segments in max_segments",
                ),
                surplus=surplus,
                unit=alphabet.unit,
            )
        bodies = [_body(piece, alphabet) for piece in pieces]
    except BadInput as error:
        raise Unsupported(
            Problem(label, problem.says, problem.remedy) for problem in error.problems
        ) from error
    bodies = [
        _header(reference, reference_bits, len(bodies), number, alphabet.table) + body
        for number, body in enumerate(bodies, start=1)
    ]
    return Segments(
        alphabet=alphabet,
        parts=tuple(bodies),
        text=text,
        units=length,
        per_segment=per_segment,
        replacements=cleaned + typographic,
        forced_by=_foreign(text) if alphabet is Alphabet.UCS_2 else (),
    )


def decode(parts: Sequence[bytes], alphabet: Alphabet) -> str:
    """What the phone shows for the segments of one text, whatever order they arrived in.

    Several segments are put together by their headers.  Raises :class:`BadInput` when they are
    not the whole of one text.
    """
    if _headed(parts, alphabet):
        ordered: dict[int, bytes] = {}
        texts: set[bytes] = set()
        for part in parts:
            header, body = _split(part, headed=True)
            of, number = _place(header)
            texts.add(of)
            ordered[number] = body
        total = next(iter(texts))[-1]
        if len(texts) > 1 or sorted(ordered) != list(range(1, total + 1)):
            raise BadInput(Problem("segments", "these are not all the segments of one text"))
        parts = [ordered[number] for number in sorted(ordered)]
    octets = b"".join(parts)
    if alphabet.table is not None:
        return alphabet.table.decoded(octets)
    if alphabet is Alphabet.GSM_7:
        return measure.from_septets(octets)
    return octets.decode("utf-16-be")


def _clean(text: str) -> tuple[str, tuple[Replacement, ...]]:
    """NFC with LF line ends, no control character and no bidi control; each change reported."""
    counts: Counter[tuple[str, str]] = Counter()
    if "\r\n" in text:
        counts["\r", ""] = text.count("\r\n")
        text = text.replace("\r\n", "\n")
    changes = {c: by for c in dict.fromkeys(text) if (by := _plainly(c)) != c}
    for character, by in changes.items():
        counts[character, by] += text.count(character)
    table = {ord(character): by for character, by in changes.items()}
    replacements = tuple(Replacement(*change, count) for change, count in counts.items())
    return unicodedata.normalize("NFC", text.translate(table)), replacements


def _plainly(character: str) -> str:
    if character in _PUT_PLAINLY:
        return _PUT_PLAINLY[character]
    if character in _BIDI_CONTROLS:
        return ""
    if character != "\n" and unicodedata.category(character) == "Cc":
        return ""
    return character


def _choose(text: str) -> tuple[str, Alphabet, tuple[Replacement, ...]]:
    """GSM-7 where the whole text can have it, if need be with plain punctuation; else UCS-2."""
    if measure.septets(text) is not None:
        return text, Alphabet.GSM_7, ()
    plain, replacements = measure.plain_punctuation(text)
    if measure.septets(plain) is not None:
        return plain, Alphabet.GSM_7, replacements
    return text, Alphabet.UCS_2, ()


def _pieces(
    text: str, alphabet: Alphabet, reference_bits: int, max_segments: int
) -> tuple[str, ...]:
    alone = alphabet.per_segment(reference_bits, alone=True)
    if (alphabet.length(text) or 0) > alone and max_segments > 1:
        alone = alphabet.per_segment(reference_bits, alone=False)
    return measure.cut(text, alone, alphabet.length)


def _nationally(
    text: str, pieces: tuple[str, ...], reference_bits: int, max_segments: int
) -> tuple[str, Alphabet, tuple[str, ...], tuple[Replacement, ...]]:
    """The text with the national table that takes fewest segments, if fewer than ``pieces``.

    No language is asked: a table fits whoever's letters it holds.
    """
    none: tuple[Replacement, ...] = ()
    best = text, Alphabet.UCS_2, pieces, none
    plain, replacements = measure.plain_punctuation(text)
    for candidate, made in ((text, none), (plain, replacements)):
        for alphabet, table in _TABLES.items():
            if table.septets(candidate) is None:
                continue
            cut = _pieces(candidate, alphabet, reference_bits, max_segments)
            # Of equals the first, and UCS-2 before all: that every phone can show.
            if len(cut) < len(best[2]):
                best = candidate, alphabet, cut, made
    return best


def _foreign(text: str) -> tuple[str, ...]:
    """Characters that neither the GSM alphabet nor plain punctuation can express."""
    plain, _ = measure.plain_punctuation(text)
    return tuple(c for c in dict.fromkeys(plain) if measure.septets(c) is None)


def _body(piece: str, alphabet: Alphabet) -> bytes:
    if alphabet.table is not None:
        return alphabet.table.encoded(piece)
    return measure.utf16(piece) if alphabet is Alphabet.UCS_2 else measure.to_septets(piece)


def _header(
    reference: int, reference_bits: int, total: int, number: int, table: national.Table | None
) -> bytes:
    """3GPP TS 23.040 9.2.3.24.1 (element 0x00, 8-bit reference), .8 (0x08, 16-bit), .15 (0x24)."""
    elements = b""
    if total > 1:
        size = reference_bits // 8
        low_bits = reference % (1 << reference_bits)
        elements += bytes((0x00 if size == 1 else 0x08, size + 2))
        elements += low_bits.to_bytes(size, "big") + bytes((total, number))
    if table is not None:
        elements += bytes((national.ELEMENT, 1, table.identifier))
    return bytes((len(elements),)) + elements if elements else b""


def _place(header: bytes) -> tuple[bytes, int]:
    """Which text a segment with this header is part of, ending in its total; and its number."""
    rest = header[1:]
    while rest:
        element, size = rest[0], rest[1]
        if element in (0x00, 0x08):
            return rest[: size + 1], rest[size + 1]
        rest = rest[size + 2 :]
    return bytes((1,)), 1


def _headed(parts: Sequence[bytes], alphabet: Alphabet) -> bool:
    return len(parts) > 1 or alphabet.table is not None


def _split(part: bytes, *, headed: bool) -> tuple[bytes, bytes]:
    """Header and body of one segment; the header's first octet is the length of the rest."""
    end = part[0] + 1 if headed else 0
    return part[:end], part[end:]
