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
    UCS_2 = "UCS-2"
    """UTF-16BE in truth: every phone since 3GPP Release 99 joins surrogate pairs."""

    @property
    def unit(self) -> str:
        """What this alphabet is counted in."""
        return "septets" if self is Alphabet.GSM_7 else "UCS-2 units"

    @property
    def data_coding(self) -> int:
        """SMPP 3.4 5.2.19: 0 is the SMSC's default alphabet, 8 is UCS-2."""
        return 0 if self is Alphabet.GSM_7 else 8

    @property
    def length(self) -> Callable[[str], int | None]:
        """What measures a text of this alphabet."""
        return measure.septets if self is Alphabet.GSM_7 else measure.units

    def capacity(self, header: int = 0) -> int:
        """Units that fit one segment beside ``header`` octets of user data header."""
        free = USER_DATA_OCTETS - header
        return free * 8 // 7 if self is Alphabet.GSM_7 else free // 2


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
        return 0x40 if len(self.parts) > 1 else 0

    def packed(self) -> tuple[bytes, ...]:
        """The user data as it goes over the air: GSM-7 packed to seven bits.

        After a header the text starts at the next septet boundary (3GPP TS 23.040 9.2.3.24), so
        the header is packed as if it were that many empty septets and then laid over them.
        """
        if self.alphabet is Alphabet.UCS_2:
            return self.parts
        packed = []
        for part in self.parts:
            header, septets = _split(part, headed=len(self.parts) > 1)
            blank = bytes(-(-len(header) * 8 // 7))
            packed.append(header + measure.pack(blank + septets)[len(header) :])
        return tuple(packed)


def header_octets(reference_bits: int) -> int:
    """Length of a concatenation header: 6 octets with an 8-bit reference, 7 with a 16-bit one."""
    return 5 + reference_bits // 8


def encode(
    text: str,
    *,
    reference: int,
    reference_bits: int = 16,
    max_segments: int = MOST_SEGMENTS,
    label: str = "text",
) -> Segments:
    """Put a text into as few segments as it takes, cut only between graphemes.

    ``reference`` tells this text's segments from those of another text on the same phone; only
    its low ``reference_bits`` (8 or 16) count.  ``label`` names the text in errors.

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
    header = header_octets(reference_bits)
    try:
        length = alphabet.length(text) or 0
        alone = length <= alphabet.capacity() or max_segments == 1
        per_segment = alphabet.capacity(0 if alone else header)
        pieces = measure.cut(text, per_segment, alphabet.length)
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
    if len(bodies) > 1:
        bodies = [
            _header(reference, reference_bits, len(bodies), number) + body
            for number, body in enumerate(bodies, start=1)
        ]
    return Segments(
        alphabet=alphabet,
        parts=tuple(bodies),
        text=text,
        units=length,
        per_segment=per_segment,
        replacements=cleaned + typographic,
        forced_by=() if alphabet is Alphabet.GSM_7 else _foreign(text),
    )


def decode(parts: Sequence[bytes], alphabet: Alphabet) -> str:
    """What the phone shows for the segments of one text, whatever order they arrived in.

    Several segments are put together by their headers.  Raises :class:`BadInput` when they are
    not the whole of one text.
    """
    if len(parts) > 1:
        ordered: dict[int, bytes] = {}
        texts: set[bytes] = set()
        for part in parts:
            header, body = _split(part, headed=True)
            texts.add(header[:-1])
            ordered[header[-1]] = body
        total = next(iter(texts))[-1]
        if len(texts) > 1 or sorted(ordered) != list(range(1, total + 1)):
            raise BadInput(Problem("segments", "these are not all the segments of one text"))
        parts = [ordered[number] for number in sorted(ordered)]
    octets = b"".join(parts)
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


def _foreign(text: str) -> tuple[str, ...]:
    """Characters that neither the GSM alphabet nor plain punctuation can express."""
    plain, _ = measure.plain_punctuation(text)
    return tuple(c for c in dict.fromkeys(plain) if measure.septets(c) is None)


def _body(piece: str, alphabet: Alphabet) -> bytes:
    return measure.to_septets(piece) if alphabet is Alphabet.GSM_7 else measure.utf16(piece)


def _header(reference: int, reference_bits: int, total: int, number: int) -> bytes:
    """3GPP TS 23.040 9.2.3.24.1 (element 0x00, 8-bit reference) and .8 (0x08, 16-bit)."""
    size = reference_bits // 8
    low_bits = reference % (1 << reference_bits)
    element = bytes((0x00 if size == 1 else 0x08, size + 2))
    element += low_bits.to_bytes(size, "big") + bytes((total, number))
    return bytes((len(element),)) + element


def _split(part: bytes, *, headed: bool) -> tuple[bytes, bytes]:
    """Header and body of one segment; the header's first octet is the length of the rest."""
    end = part[0] + 1 if headed else 0
    return part[:end], part[end:]
