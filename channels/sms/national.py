"""National tables of the GSM alphabet: Turkish, Spanish and Portuguese letters in 155 septets.

A phone that knows the table shows a Turkish text in half the segments that UCS-2 takes.  A phone
that does not shows another letter in its place, which is why nothing here is used unless the
configuration asks for it, after a test with the phones that people have.

Source: 3GPP TS 23.038, 6.2.1.2.1 and 6.2.1.2.4 (single shift), A.2.1 to A.2.3 (tables).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from broadcaster.text import measure

ELEMENT = 0x24
"""3GPP TS 23.040 9.2.3.24: the element *National Language Single Shift* of a header."""

_EVERYWHERE = {
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
"""What every single-shift table holds: it stands in for the default extension table."""


@dataclass(frozen=True, slots=True)
class Table:
    """One national language single shift table."""

    identifier: int
    """3GPP TS 23.038 6.2.1.2.4: National Language Identifier."""
    shifted: Mapping[int, str]
    """What an escape and this code show."""

    def septets(self, text: str) -> int | None:
        """Length of a text in septets; ``None`` when a character is in no table."""
        total = 0
        for letter in set(text):
            length = self._length(letter)
            if length is None:
                return None
            total += length * text.count(letter)
        return total

    def encoded(self, text: str) -> bytes:
        """The text, one septet an octet.  Raises ``BadInput`` for a letter in no table."""
        codes = {letter: code for code, letter in self.shifted.items()}
        return b"".join(
            measure.to_septets(letter)
            if measure.septets(letter) == 1 or letter not in codes
            else bytes((measure.ESCAPE, codes[letter]))
            for letter in text
        )

    def decoded(self, data: bytes) -> str:
        """What a phone that knows the table shows for septets, one an octet."""
        shown = []
        septets = iter(data)
        for septet in septets:
            if septet != measure.ESCAPE:
                shown.append(measure.from_septets(bytes((septet,))))
                continue
            code = next(septets, measure.ESCAPE)
            # A code that the table lacks shows the basic letter; a second escape, a space.
            shown.append(self.shifted.get(code) or measure.from_septets(bytes((code,))))
        return "".join(shown)

    def _length(self, letter: str) -> int | None:
        plain = measure.septets(letter)
        return 2 if plain is None and letter in self.shifted.values() else plain


TURKISH = Table(
    1,
    _EVERYWHERE | {0x47: "Ğ", 0x49: "İ", 0x53: "Ş", 0x63: "ç", 0x67: "ğ", 0x69: "ı", 0x73: "ş"},
)
SPANISH = Table(
    2,
    _EVERYWHERE
    | {0x09: "ç", 0x41: "Á", 0x49: "Í", 0x4F: "Ó", 0x55: "Ú"}
    | {0x61: "á", 0x69: "í", 0x6F: "ó", 0x75: "ú"},
)
PORTUGUESE = Table(
    3,
    _EVERYWHERE
    | {0x05: "ê", 0x09: "ç", 0x0B: "Ô", 0x0C: "ô", 0x0E: "Á", 0x0F: "á"}
    | {0x12: "Φ", 0x13: "Γ", 0x15: "Ω", 0x16: "Π", 0x17: "Ψ", 0x18: "Σ", 0x19: "Θ"}
    | {0x1F: "Ê", 0x41: "À", 0x49: "Í", 0x4F: "Ó", 0x55: "Ú", 0x5B: "Ã", 0x5C: "Õ"}
    | {0x61: "Â", 0x69: "í", 0x6F: "ó", 0x75: "ú", 0x7B: "ã", 0x7C: "õ", 0x7F: "â"},
)
