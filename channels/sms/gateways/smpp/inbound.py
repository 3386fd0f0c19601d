"""What deliver_sm says: texts out of octets, and long texts out of their parts.  Pure.

Sources: SMPP 3.4 5.2.19 (data_coding), 5.3.2.22 to .24 (sar_*); 3GPP TS 23.040 9.2.3.24 (user data
header), 3GPP TS 23.038 (alphabets).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from broadcaster.model.errors import BadInput
from broadcaster.text import measure
from channels.sms.gateways.smpp.pdu import Address, EsmClass, Message, Tag

_CHARSETS: Mapping[int, str] = {
    3: "latin-1",
    5: "shift_jis",
    6: "iso8859_5",
    7: "iso8859_8",
    8: "utf-16-be",
    10: "iso2022_jp",
    14: "euc_kr",
}
_ONLY_GSM = frozenset(range(0x20)) - {0x0A, 0x0D}
"""Letters and the escape in the GSM alphabet; controls that nobody types in ASCII."""
_RATHER_GSM = frozenset(b"[\\]^`{|}~\x7f")
"""A resident who writes one of these octets means an umlaut or accent of the GSM alphabet far
more often than a brace."""
GAP = "[…]"
"""Stands where a part of a long text never came."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Part:
    """Where a deliver_sm belongs in a long text."""

    reference: int
    total: int
    number: int


@dataclass(frozen=True, slots=True)
class Body:
    """A message's octets without header, and its place."""

    octets: bytes = field(repr=False)
    part: Part | None = None


def body(message: Message) -> Body:
    """Take a header off; a header that makes no sense is left in nobody's way, and dropped."""
    octets, part = message.octets, None
    if message.esm_class & EsmClass.UDHI and octets:
        end = octets[0] + 1
        part = _concatenation(octets[1:end])
        octets = octets[end:]
    return Body(octets, part or _sar(message.tlvs))


def decode(octets: bytes, data_coding: int) -> str:
    """What the person wrote; an octet that the alphabet lacks becomes U+FFFD, visibly."""
    alphabet = _alphabet(octets, data_coding)
    if alphabet == "gsm":
        try:
            return measure.from_septets(octets)
        except BadInput:
            # Octets above 127: an SMSC whose own default alphabet is Latin-1.
            alphabet = "latin-1"
    return octets.decode(alphabet, errors="replace")


def number(address: Address, country: str) -> str:
    """An address in the form in which the person is written to: international, with plus sign.

    Short codes and alphanumeric senders stay as they are.  ``country`` is the calling code for
    numbers given as dialled at home.
    """
    digits = address.digits
    if digits.startswith("+") or not digits.isascii() or not digits.isdigit() or len(digits) < 7:
        return digits
    if address.ton == 1:
        return f"+{digits}"
    if digits.startswith("00"):
        return f"+{digits[2:]}"
    if digits.startswith("0") or address.ton == 2:
        return f"+{country}{digits.removeprefix('0')}" if country else digits
    return f"+{digits}"


@dataclass(slots=True)
class Whole(Generic[T]):
    """A text whose parts are all there, or whose time is over."""

    message: Message
    """The first of them that came."""
    text: str = field(repr=False)
    complete: bool
    parts: list[T]
    """What came with each deliver_sm, doubles included."""
    octets: bytes = field(repr=False)


@dataclass(slots=True)
class _Group(Generic[T]):
    first: Message
    until: float
    bodies: dict[int, bytes] = field(default_factory=dict, repr=False)
    parts: list[T] = field(default_factory=list)


class Reassembly(Generic[T]):
    """Puts long texts together, by sender, receiver, reference and number of parts.

    The reference alone does not do: residents' phones count independently, and two of them use
    the same number at the same time.
    """

    def __init__(self, *, ttl: float, most: int = 10_000) -> None:
        self._ttl = ttl
        self._most = most
        self._groups: dict[tuple[str, str, int, int], _Group[T]] = {}

    def add(self, message: Message, given: T, now: float) -> Whole[T] | None:
        """Take a message; gives the whole text when this one completes it."""
        found = body(message)
        if found.part is None or found.part.total == 1:
            text = decode(found.octets, message.data_coding)
            return Whole(message, text, True, [given], found.octets)
        part = found.part
        key = (message.source.digits, message.destination.digits, part.reference, part.total)
        group = self._groups.get(key)
        if group is not None and group.bodies.get(part.number, found.octets) != found.octets:
            # The phone has come round to this reference: what is there belongs to another text.
            group = None
        if group is None:
            group = self._groups[key] = _Group(message, now + self._ttl)
        group.bodies.setdefault(part.number, found.octets)
        group.parts.append(given)
        if len(group.bodies) < part.total:
            return None
        del self._groups[key]
        return _joined(part.total, group)

    def overdue(self, now: float) -> Iterable[Whole[T]]:
        """Texts whose rest will not come any more, with :data:`GAP` where it is missing."""
        over = [key for key, group in self._groups.items() if group.until <= now]
        # A flood of first parts must not fill the memory: the oldest go first.
        over += [key for key in list(self._groups)[: -self._most or None] if key not in over]
        return [_joined(key[3], self._groups.pop(key)) for key in over]


def _joined(total: int, group: _Group[T]) -> Whole[T]:
    """By number, not by name: the tenth part comes after the ninth."""
    coding = group.first.data_coding
    texts: list[str] = []
    run = b""
    for at in range(1, total + 1):
        if at in group.bodies:
            run += group.bodies[at]
            continue
        # Decoded in runs, because a part may end in the middle of a character.
        texts += [decode(run, coding)] if run else []
        texts += [GAP] if texts[-1:] != [GAP] else []
        run = b""
    texts += [decode(run, coding)] if run else []
    octets = b"".join(group.bodies[at] for at in sorted(group.bodies))
    whole = len(group.bodies) == total
    return Whole(group.first, "".join(texts), whole, group.parts, octets)


def _alphabet(octets: bytes, data_coding: int) -> str:
    if data_coding == 1:
        # IA5 by the letter, but gateways put GSM octets under it.
        present = set(octets)
        return "gsm" if present & (_ONLY_GSM | _RATHER_GSM) else "latin-1"
    if data_coding in _CHARSETS:
        return _CHARSETS[data_coding]
    if data_coding in (2, 4) or data_coding & 0xF4 == 0xF4:
        return "latin-1"  # eight-bit data; nobody can say which letters are meant
    # 3GPP TS 23.038 4: general data coding with a class, or the group of classes.
    if data_coding < 0x40 and data_coding >> 2 & 3 == 2:
        return "utf-16-be"
    return "gsm"


def _concatenation(header: bytes) -> Part | None:
    """Information elements 0x00 (8-bit reference) and 0x08 (16-bit)."""
    at = 0
    while at + 2 <= len(header):
        element, length = header[at], header[at + 1]
        data = header[at + 2 : at + 2 + length]
        if (element, len(data)) in ((0x00, 3), (0x08, 4)):
            return _part(int.from_bytes(data[:-2], "big"), data[-2], data[-1])
        at += 2 + length
    return None


def _sar(tlvs: Mapping[int, bytes]) -> Part | None:
    values = [
        tlvs.get(tag, b"")
        for tag in (Tag.SAR_MSG_REF_NUM, Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM)
    ]
    if not all(values):
        return None
    # Apart from references of a header, which are another count.
    reference, total, at = (int.from_bytes(value, "big") for value in values)
    return _part(0x10000 | reference, total, at)


def _part(reference: int, total: int, at: int) -> Part | None:
    return Part(reference, total, at) if 1 <= at <= total else None
