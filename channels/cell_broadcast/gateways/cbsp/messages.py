"""CBSP, the protocol between a cell-broadcast centre and a 2G base-station controller.  Pure.

Values to octets and back, as 3GPP TS 48.049 clause 8 says: a header (message type, length), then
information elements.  Sections in comments are those of TS 48.049.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import ClassVar

from broadcaster.model.errors import BadInput, Problem

PORT = 48049
"""5.2: where a controller, or a centre, listens."""
HEADER = 4
"""8.1.2: message type (1 octet) and length of what follows (3 octets)."""
MAX_PERIOD = 4095
"""8.2.8, in slots of 1.883 s."""
ENDLESS = 65535
"""The most that 8.2.9 can say: 34 hours at the shortest period, 85 days at 60 slots.

8.2.9 has 0 for *until stopped*, but osmo-bsc 1.9.0 ends such a broadcast after sending it once.
"""


class Discriminator(IntEnum):
    """8.2.6: what names a cell in a list."""

    CGI = 0
    LAC_CI = 1
    CI = 2
    LAI = 4
    LAC = 5
    WHOLE_BSC = 6


@dataclass(frozen=True, slots=True)
class CellName:
    """A cell, or several, by as much as the discriminator says (TS 23.003 4.1 and 4.3)."""

    by: Discriminator
    mcc: str = ""
    mnc: str = ""
    lac: int = 0
    ci: int = 0

    def __str__(self) -> str:
        names = {
            Discriminator.CGI: f"{self.mcc}-{self.mnc}-{self.lac}-{self.ci}",
            Discriminator.LAC_CI: f"{self.lac}-{self.ci}",
            Discriminator.CI: f"{self.ci}",
            Discriminator.LAI: f"{self.mcc}-{self.mnc}-{self.lac}",
            Discriminator.LAC: f"{self.lac}",
            Discriminator.WHOLE_BSC: "all cells of the controller",
        }
        return names[self.by]


@dataclass(frozen=True, slots=True)
class CellList:
    """8.2.6: cells that are all named in the same way; no names for the whole controller."""

    by: Discriminator
    names: tuple[CellName, ...] = ()


WHOLE_BSC = CellList(Discriminator.WHOLE_BSC)


NOT_IDENTIFIED = 0x02
ALREADY_USED = 0x0D
NO_ROOM = frozenset({0x06, 0x07, 0x08})
NOT_ITS_CELL = frozenset({0x00, 0x03, 0x0F})
"""Causes for a cell of another controller; 0x00 is what osmo-bsc 1.9.0 says of it."""
CAUSES = {
    0x00: "the controller does not recognise the cell or another part of the request",
    0x01: "a value of the request is not allowed",
    NOT_IDENTIFIED: "the broadcast is not there",
    0x03: "the controller has no such cell",
    0x04: "the controller does not know this kind of request",
    0x05: "a part of the request is missing",
    0x06: "no air time left",
    0x07: "no memory left in the cell",
    0x08: "no memory left in the controller",
    0x09: "the cell has no broadcast channel",
    0x0A: "the cell's broadcast channel is out of order",
    0x0B: "the reception schedule does not suit the cell",
    0x0C: "the cell has no extended broadcast channel",
    ALREADY_USED: "it is there already",
    0x0E: "the controller gives no reason",
    0x0F: "the controller has no such location area",
}
"""8.2.13: why a controller refuses, as an officer understands it."""


def cause_in_words(cause: int) -> str:
    """A cause in words, also one that the standard does not have."""
    return CAUSES.get(cause, f"cause {cause:#04x}, which the standard does not have")


@dataclass(frozen=True, slots=True)
class Failure:
    """8.2.11: a cell that refused, and why (of :data:`CAUSES`)."""

    cell: CellName
    cause: int


@dataclass(frozen=True, slots=True)
class Completed:
    """8.2.10: how often a broadcast was sent in a cell."""

    cell: CellName
    count: int
    info: int = 0
    """1: more often than can be said; 2: not known."""


@dataclass(frozen=True, slots=True)
class Load:
    """8.2.12: how much of a cell's broadcast channel is in use."""

    cell: CellName
    first: int
    second: int


class Category(IntEnum):
    """8.2.7."""

    HIGH_PRIORITY = 0
    BACKGROUND = 1
    NORMAL = 2


@dataclass(frozen=True, slots=True)
class Page:
    """8.2.3: 82 octets, of which the first ``length`` are the text's."""

    octets: bytes = field(repr=False)
    length: int = 82


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What goes over the wire; each kind is a subclass."""

    type: ClassVar[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Write(Message):
    """8.1.3.1 WRITE-REPLACE: put a broadcast on air, in the place of ``old`` if given."""

    type: ClassVar[int] = 0x01
    identifier: int
    serial: int
    old: int | None = None
    cells: CellList
    channel: int = 0
    """0 basic, 1 extended broadcast channel."""
    category: int
    period: int
    """Slots of 1.883 s."""
    count: int
    """Number of broadcasts; see :data:`ENDLESS`."""
    dcs: int
    pages: tuple[Page, ...]

    @property
    def page_count(self) -> int:
        """As 8.2.21 has it, before the pages."""
        return len(self.pages)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteComplete(Message):
    """8.1.3.2."""

    type: ClassVar[int] = 0x02
    identifier: int
    serial: int
    old: int | None = None
    completed: tuple[Completed, ...] | None = None
    """How often the replaced one was sent."""
    cells: CellList | None = None
    channel: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteFailure(Message):
    """8.1.3.3: at least one cell refused; ``cells`` are those that did not."""

    type: ClassVar[int] = 0x03
    identifier: int
    serial: int
    old: int | None = None
    failures: tuple[Failure, ...]
    completed: tuple[Completed, ...] | None = None
    cells: CellList | None = None
    channel: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill(Message):
    """8.1.3.4: take a broadcast off air."""

    type: ClassVar[int] = 0x04
    identifier: int
    old: int
    cells: CellList
    channel: int | None = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class KillComplete(Message):
    """8.1.3.5."""

    type: ClassVar[int] = 0x05
    identifier: int
    old: int
    completed: tuple[Completed, ...] | None = None
    cells: CellList | None = None
    channel: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KillFailure(Message):
    """8.1.3.6: at least one cell refused; ``completed`` are those that did not."""

    type: ClassVar[int] = 0x06
    identifier: int
    old: int
    failures: tuple[Failure, ...]
    completed: tuple[Completed, ...] | None = None
    cells: CellList | None = None
    channel: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadQuery(Message):
    """8.1.3.7."""

    type: ClassVar[int] = 0x07
    cells: CellList
    channel: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadQueryComplete(Message):
    """8.1.3.8."""

    type: ClassVar[int] = 0x08
    loads: tuple[Load, ...]
    channel: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadQueryFailure(Message):
    """8.1.3.9."""

    type: ClassVar[int] = 0x09
    failures: tuple[Failure, ...]
    channel: int = 0
    loads: tuple[Load, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusQuery(Message):
    """8.1.3.10: asks how often a broadcast has been sent."""

    type: ClassVar[int] = 0x0A
    identifier: int
    old: int
    cells: CellList
    channel: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusQueryComplete(Message):
    """8.1.3.11."""

    type: ClassVar[int] = 0x0B
    identifier: int
    old: int
    completed: tuple[Completed, ...]
    channel: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusQueryFailure(Message):
    """8.1.3.12."""

    type: ClassVar[int] = 0x0C
    identifier: int
    old: int
    failures: tuple[Failure, ...]
    channel: int = 0
    completed: tuple[Completed, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset(Message):
    """8.1.3.16: take everything off air."""

    type: ClassVar[int] = 0x10
    cells: CellList


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetComplete(Message):
    """8.1.3.17."""

    type: ClassVar[int] = 0x11
    cells: CellList


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetFailure(Message):
    """8.1.3.18."""

    type: ClassVar[int] = 0x12
    failures: tuple[Failure, ...]
    cells: CellList | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart(Message):
    """8.1.3.19: cells can broadcast (again)."""

    type: ClassVar[int] = 0x13
    cells: CellList
    emergency: int = 0
    """8.2.22: 0 speaks of cell broadcast, 1 of emergency (ETWS) primaries."""
    lost: int
    """8.2.15: 1 when what was on air is lost, else 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(Message):
    """8.1.3.20 FAILURE: cells cannot broadcast any more."""

    type: ClassVar[int] = 0x14
    failures: tuple[Failure, ...]
    emergency: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorIndication(Message):
    """8.1.3.21: a request could not be read, or came at the wrong time."""

    type: ClassVar[int] = 0x15
    cause: int
    identifier: int | None = None
    serial: int | None = None
    old: int | None = None
    channel: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepAlive(Message):
    """8.1.3.18a: asks whether the other side is there; the next one follows in ``seconds``."""

    type: ClassVar[int] = 0x16
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepAliveComplete(Message):
    """8.1.3.18b."""

    type: ClassVar[int] = 0x17


@dataclass(frozen=True, slots=True, kw_only=True)
class Other(Message):
    """A message of a kind that is not ours to understand."""

    type: ClassVar[int] = -1
    kind: int
    body: bytes


def malformed(says: str) -> BadInput:
    """What decoding raises: the other side does not speak CBSP as we know it."""
    return BadInput(Problem("CBSP", says, "check that the far side is a controller's CBSP port"))
