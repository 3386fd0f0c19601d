"""CBSP messages to octets and back (3GPP TS 48.049 clause 8).  Pure.

One table says which information elements each message has, in their order on the wire; encoding
and decoding both read it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from broadcaster.model.errors import BadInput, Problem
from channels.cell_broadcast.codec import MAX_PAGES, PAGE_OCTETS
from channels.cell_broadcast.gateways.cbsp import messages as cbsp
from channels.cell_broadcast.gateways.cbsp.messages import (
    CellList,
    CellName,
    Completed,
    Discriminator,
    Failure,
    Load,
    Message,
    Page,
)

LONGEST = 4 * (3 + 0xFFFF)
"""Octets after the header: no message has more than three lists of 65535 octets and some rest."""

_STEPS = (*range(11), *range(12, 31, 2), *range(35, 121, 5), *range(130, 601, 10))
"""8.2.25, seconds by code; beyond ten minutes nothing asks to be kept alive."""


def _plmn(mcc: str, mnc: str) -> bytes:
    """TS 24.008 10.5.1.3: digits in half octets, F where there is no third digit."""
    third = mnc[2] if len(mnc) == 3 else "f"
    return bytes.fromhex(mcc[1] + mcc[0] + third + mcc[2] + mnc[1] + mnc[0])


def _network(octets: bytes) -> tuple[str, str]:
    digits = octets.hex()
    mcc, mnc = digits[1] + digits[0] + digits[3], digits[5] + digits[4] + digits[2]
    mnc = mnc.removesuffix("f")
    if not (mcc + mnc).isdecimal():
        raise cbsp.malformed(f"{digits} is no network code")
    return mcc, mnc


_SIZES = {
    Discriminator.CGI: 7,
    Discriminator.LAC_CI: 4,
    Discriminator.CI: 2,
    Discriminator.LAI: 5,
    Discriminator.LAC: 2,
    Discriminator.WHOLE_BSC: 0,
}
_WITH_NETWORK = (Discriminator.CGI, Discriminator.LAI)
_WITH_LAC = (Discriminator.CGI, Discriminator.LAC_CI, Discriminator.LAI, Discriminator.LAC)
_WITH_CI = (Discriminator.CGI, Discriminator.LAC_CI, Discriminator.CI)


def _name(cell: CellName) -> bytes:
    return (
        (_plmn(cell.mcc, cell.mnc) if cell.by in _WITH_NETWORK else b"")
        + (cell.lac.to_bytes(2, "big") if cell.by in _WITH_LAC else b"")
        + (cell.ci.to_bytes(2, "big") if cell.by in _WITH_CI else b"")
    )


def _named(octets: bytes, by: Discriminator) -> CellName:
    values: dict[str, Any] = {}
    if by in _WITH_NETWORK:
        values["mcc"], values["mnc"] = _network(octets[:3])
        octets = octets[3:]
    if by in _WITH_LAC:
        values["lac"] = int.from_bytes(octets[:2], "big")
        octets = octets[2:]
    if by in _WITH_CI:
        values["ci"] = int.from_bytes(octets, "big")
    return CellName(by, **values)


def _discriminator(octet: int) -> Discriminator:
    try:
        return Discriminator(octet & 0x0F)  # the upper half is spare
    except ValueError:
        raise cbsp.malformed(f"cells cannot be named by discriminator {octet}") from None


def _entries(data: bytes, extra: int) -> Iterator[tuple[CellName, bytes]]:
    """Cells of a list that starts with its discriminator, each with so many octets more."""
    if not data:
        raise cbsp.malformed("a list of cells without discriminator")
    by = _discriminator(data[0])
    step = _SIZES[by] + extra
    rest = data[1:]
    if step == 0:
        if rest:
            raise cbsp.malformed("a list of all cells that names cells")
        return
    if len(rest) % step:
        raise cbsp.malformed(f"a list of cells of {len(rest)} octets, not of {step} each")
    for at in range(0, len(rest), step):
        yield (
            _named(rest[at : at + _SIZES[by]], by),
            rest[at + _SIZES[by] : at + step],
        )


def _cells(data: bytes) -> CellList:
    names = tuple(name for name, _ in _entries(data, 0))
    return CellList(_discriminator(data[0]), names)


def _cells_octets(cells: CellList) -> bytes:
    return bytes((cells.by,)) + b"".join(map(_name, cells.names))


def _completed(data: bytes) -> tuple[Completed, ...]:
    return tuple(Completed(name, *struct.unpack(">HB", tail)) for name, tail in _entries(data, 3))


def _completed_octets(found: tuple[Completed, ...]) -> bytes:
    by = found[0].cell.by if found else Discriminator.CGI
    return bytes((by,)) + b"".join(
        _name(one.cell) + struct.pack(">HB", one.count, one.info) for one in found
    )


def _loads(data: bytes) -> tuple[Load, ...]:
    return tuple(Load(name, tail[0], tail[1]) for name, tail in _entries(data, 2))


def _loads_octets(found: tuple[Load, ...]) -> bytes:
    by = found[0].cell.by if found else Discriminator.CGI
    return bytes((by,)) + b"".join(
        _name(one.cell) + bytes((one.first, one.second)) for one in found
    )


def _failures(data: bytes) -> tuple[Failure, ...]:
    """8.2.11: here each entry has a discriminator of its own."""
    found = []
    while data:
        by = _discriminator(data[0])
        end = 1 + _SIZES[by]
        if len(data) <= end:
            raise cbsp.malformed("a list of failures that ends within a cell")
        found.append(Failure(_named(data[1:end], by), data[end]))
        data = data[end + 1 :]
    return tuple(found)


def _failures_octets(found: tuple[Failure, ...]) -> bytes:
    return b"".join(bytes((one.cell.by,)) + _name(one.cell) + bytes((one.cause,)) for one in found)


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _octet(value: int) -> bytes:
    return value.to_bytes(1, "big")


def _octets2(value: int) -> bytes:
    return value.to_bytes(2, "big")


def _seconds(data: bytes) -> int:
    # An interval beyond the table is as good as its end: nothing of ours depends on it.
    return int(_STEPS[min(data[0], len(_STEPS) - 1)])


def _seconds_octet(seconds: int) -> bytes:
    """The longest step that is not longer: asking too often does no harm, too rarely does."""
    return _octet(max(code for code, step in enumerate(_STEPS) if step <= seconds))


_LIST = -1
"""Length of an element that states its own, in two octets."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one information element is written (8.2)."""

    tag: int
    length: int
    decode: Callable[[bytes], Any]
    encode: Callable[[Any], bytes]


def _page(data: bytes) -> Page:
    if data[0] > PAGE_OCTETS:
        raise cbsp.malformed(f"a page with {data[0]} octets of text")
    return Page(data[1:], data[0])


# 8.2.8 leaves a doubt: Wireshark reads the period's two octets as twelve bits with a gap (FF0F),
# libosmocore writes and reads plain sixteen bits, which is what is done here.  They differ in
# display, and would on air, for all but values below 16 and multiples of 256.
_KINDS = {
    "pages": _Kind(0x01, 1 + PAGE_OCTETS, _page, lambda page: _octet(page.length) + page.octets),
    "old": _Kind(0x02, 2, _number, _octets2),
    "serial": _Kind(0x03, 2, _number, _octets2),
    "cells": _Kind(0x04, _LIST, _cells, _cells_octets),
    "category": _Kind(0x05, 1, _number, _octet),
    "period": _Kind(0x06, 2, _number, _octets2),
    "count": _Kind(0x07, 2, _number, _octets2),
    "completed": _Kind(0x08, _LIST, _completed, _completed_octets),
    "failures": _Kind(0x09, _LIST, _failures, _failures_octets),
    "loads": _Kind(0x0A, _LIST, _loads, _loads_octets),
    "cause": _Kind(0x0B, 1, _number, _octet),
    "dcs": _Kind(0x0C, 1, _number, _octet),
    "lost": _Kind(0x0D, 1, _number, _octet),
    "identifier": _Kind(0x0E, 2, _number, _octets2),
    "channel": _Kind(0x12, 1, _number, _octet),
    "page_count": _Kind(0x13, 1, _number, _octet),
    "emergency": _Kind(0x16, 1, _number, _octet),
    "seconds": _Kind(0x18, 1, _seconds, _seconds_octet),
}
_TAGS = {kind.tag: name for name, kind in _KINDS.items()}
# Elements that we never use, by tag and length: they are stepped over.
_UNUSED = {0x0F: 1, 0x10: 2, 0x11: 50, 0x14: 1, 0x15: 1, 0x17: 1}

# What each message consists of, in the order on the wire (8.1.3); "?" marks what may be absent.
_REPLY = "completed? cells? channel?"
_LAYOUT: dict[type[Message], str] = {
    cbsp.Write: "identifier serial old? cells channel category period count page_count dcs pages",
    cbsp.WriteComplete: f"identifier serial old? {_REPLY}",
    cbsp.WriteFailure: f"identifier serial old? failures {_REPLY}",
    cbsp.Kill: "identifier old cells channel?",
    cbsp.KillComplete: f"identifier old {_REPLY}",
    cbsp.KillFailure: f"identifier old failures {_REPLY}",
    cbsp.LoadQuery: "cells channel",
    cbsp.LoadQueryComplete: "loads channel",
    cbsp.LoadQueryFailure: "failures channel loads?",
    cbsp.StatusQuery: "identifier old cells channel",
    cbsp.StatusQueryComplete: "identifier old completed channel",
    cbsp.StatusQueryFailure: "identifier old failures channel completed?",
    cbsp.Reset: "cells",
    cbsp.ResetComplete: "cells",
    cbsp.ResetFailure: "failures cells?",
    cbsp.Restart: "cells emergency lost",
    cbsp.Failed: "failures emergency",
    cbsp.ErrorIndication: "cause identifier? serial? old? channel?",
    cbsp.KeepAlive: "seconds",
    cbsp.KeepAliveComplete: "",
}
_TYPES = {message.type: message for message in _LAYOUT}


def encode(message: Message) -> bytes:
    """The message with its header; raises :class:`BadInput` for a value that has no octets."""
    body = b""
    try:
        for word in _LAYOUT[type(message)].split():
            name = word.removesuffix("?")
            if name == "pages":
                body += _pages_octets(getattr(message, name))
                continue
            value = getattr(message, name)
            if value is not None or name == word:
                body += _element(_KINDS[name], value)
        return bytes((message.type,)) + len(body).to_bytes(3, "big") + body
    except (OverflowError, ValueError, struct.error) as error:
        problem = Problem("CBSP", f"{type(message).__name__} cannot be written: {error}")
        raise BadInput(problem) from error


def decode(kind: int, body: bytes) -> Message:
    """The message of a frame; raises :class:`BadInput` when its octets make no sense.

    A kind that is not ours to understand becomes :class:`~.cbsp.Other`.
    """
    message = _TYPES.get(kind)
    if message is None:
        return cbsp.Other(kind=kind, body=body)
    words = _LAYOUT[message].split()
    wanted = {word.removesuffix("?") for word in words}
    values: dict[str, Any] = {word[:-1]: None for word in words if word.endswith("?")}
    for name, value in _elements(body):
        if name == "pages":
            value = (*values.get("pages", ()), value)
        if name in wanted:
            values[name] = value
    missing = [word for word in words if not word.endswith("?") and word not in values]
    if missing:
        raise cbsp.malformed(f"{message.__name__} lacks {', '.join(missing)}")
    announced = values.pop("page_count", None)
    if announced is not None and not 1 <= announced == len(values["pages"]) <= MAX_PAGES:
        raise cbsp.malformed(f"{announced} pages announced, {len(values['pages'])} sent")
    return message(**values)


def _element(kind: _Kind, value: Any) -> bytes:
    octets = kind.encode(value)
    length = len(octets).to_bytes(2, "big") if kind.length == _LIST else b""
    return bytes((kind.tag,)) + length + octets


def _pages_octets(pages: tuple[Page, ...]) -> bytes:
    if not 1 <= len(pages) <= MAX_PAGES:
        raise ValueError(f"{len(pages)} pages are not 1 to {MAX_PAGES}")
    if any(len(page.octets) != PAGE_OCTETS or page.length > PAGE_OCTETS for page in pages):
        raise ValueError(f"a page is not {PAGE_OCTETS} octets")
    return b"".join(_element(_KINDS["pages"], page) for page in pages)


def _elements(body: bytes) -> Iterator[tuple[str, Any]]:
    at = 0
    while at < len(body):
        tag = body[at]
        at += 1
        name = _TAGS.get(tag, "")
        length = _KINDS[name].length if name else _UNUSED.get(tag)
        if length is None:
            raise cbsp.malformed(f"there is no information element {tag:#04x}")
        if length == _LIST:
            length = int.from_bytes(body[at : at + 2], "big")
            at += 2
        data = body[at : at + length]
        if len(data) != length or at > len(body):
            raise cbsp.malformed(f"the message ends within information element {tag:#04x}")
        at += length
        if name:
            yield name, _KINDS[name].decode(data)


class Frames:
    """Cuts a stream into frames, however its octets arrive."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Type and body of every message that is now complete.

        Raises :class:`BadInput` for a length that no message has: what follows cannot be found
        again, so the connection is of no more use.
        """
        self._buffer += data
        frames = []
        while len(self._buffer) >= cbsp.HEADER:
            length = int.from_bytes(self._buffer[1 : cbsp.HEADER], "big")
            if length > LONGEST:
                raise cbsp.malformed(f"a message of {length} octets")
            end = cbsp.HEADER + length
            if len(self._buffer) < end:
                break
            frames.append((self._buffer[0], bytes(self._buffer[cbsp.HEADER : end])))
            del self._buffer[:end]
        return frames
