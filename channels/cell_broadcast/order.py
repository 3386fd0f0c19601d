"""What is handed to the operator of a cell-broadcast centre, and what comes back.

An :class:`Order` is everything a centre or a base-station controller needs for one sending, as a
value.  A :class:`Gateway` takes it and brings back one :class:`Answer` for each broadcast: what
the far side said and nothing more.  Cell broadcast has no return path, so no answer here ever says
that a phone got anything.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from broadcaster.delivery.contract import Mode
from broadcaster.model.cap import Alert, Area, MsgType
from broadcaster.model.states import State
from channels.cell_broadcast.cells import Cell
from channels.cell_broadcast.profile import Broadcast
from channels.cell_broadcast.serials import Entry, Serial, Wish

SLOT = 1.883
"""Seconds that one page takes on a 2G broadcast channel (TS 48.049 8.2.8, TS 45.002): the unit of
its repetition period."""
_MAX_BROADCASTS = 65535
"""TS 23.041 9.3.2.6: sixteen bits."""


class Scope(StrEnum):
    """How finely a gateway can aim."""

    AREA = "area"
    """It takes polygons and picks the cells itself."""
    CELLS = "cells"
    """It takes a list of cells, or all cells of one controller."""
    NETWORK = "network"
    """It always sends in the whole network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a gateway cannot do, as data, so that it is shown before release."""

    scope: Scope
    confirms: frozenset[State]
    """Receipts it can honestly give, of ACCEPTED and SENT."""
    per_identifier: int | None = None
    """Broadcasts that one message identifier carries at a time; ``None``: any number."""
    plans_2g: bool = False
    """2G channels are driven by our numbers: what does not fit their air time must fall out."""
    gap: str = ""
    """How long an update leaves phones without either text; empty: not at all."""


class Said(StrEnum):
    """What the far side said of one broadcast."""

    SENT = "sent"
    """It went on the wire, and an answer is neither owed nor given."""
    ACCEPTED = "accepted by the gateway"
    INSTALLED = "installed in cells"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The outcome for one message identifier and serial number."""

    identifier: int
    serial: Serial
    said: Said
    cells: int | None = None
    """Cells in which it is on air; ``None``: nobody said."""
    refused: Mapping[str, int] = field(default_factory=dict)
    """Cells that refused it, by cause in words."""
    reason: str = ""
    """For an officer, where ``said`` and the numbers do not say it all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What came back for an order."""

    reference: str
    on_air: tuple[Answer, ...]
    """In the order of :attr:`Order.on_air`."""
    stopped: tuple[Answer, ...] = ()
    """In the order of :attr:`Order.stops`; INSTALLED and ACCEPTED mean that the stop was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnAir:
    """One broadcast as the centre is to send it."""

    broadcast: Broadcast
    serial: Serial
    language: str
    """BCP 47, as approved; the wire may know only the code in :attr:`Broadcast.pages`."""
    variant: str
    keys: tuple[str, ...]
    """The deliveries it fulfils."""
    instead_of: Serial | None = None
    """The number of the earlier text that this one replaces under the same identifier."""
    unchanged: bool = False
    """Phones that showed it will not alarm again: same number and text as before."""


@dataclass(frozen=True, slots=True)
class Stop:
    """An earlier broadcast that must end."""

    identifier: int
    serial: Serial
    alert: str
    """CAP identifier of the alert it belonged to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A broadcast that is meant to be on air now, as a gateway needs it to put it there again."""

    broadcast: Broadcast
    serial: Serial
    repetition_period: int
    number_of_broadcasts: int
    """From now on; 0: until stopped."""
    slots: int
    number_2g: int
    cells: tuple[Cell, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One sending, whole: what to put on air, where and how long, and what to stop."""

    key: str
    """The same key is the same sending."""
    mode: Mode
    operation: MsgType
    alert: Alert
    replaces: tuple[str, ...]
    profile: str
    """Name of the country's rules."""
    title: str
    """The level as phones name it."""
    on_air: tuple[OnAir, ...]
    stops: tuple[Stop, ...]
    """To be stopped after the new ones are on air, so that there is no gap."""
    missing: tuple[str, ...]
    """Languages whose broadcast is stopped and that get no text in its place."""
    repetition_period: int
    """Seconds between two broadcasts in 4G and 5G."""
    number_of_broadcasts: int
    """0: until stopped."""
    slots: int
    """The repetition period of 2G, in units of :data:`SLOT`: it must hold every page on air."""
    number_2g: int
    """Number of broadcasts in 2G; 0: until stopped."""
    cells: tuple[Cell, ...] | None
    """Where, for a gateway that aims at cells; ``None``: wherever the gateway reaches."""
    written: datetime
    beside: tuple[Running, ...] = ()
    """What other warnings of ours have on air: a stop must not take theirs off."""


class Gateway(Protocol):
    """A way to a cell-broadcast centre or straight to a base-station controller."""

    @property
    def limits(self) -> Limits:
        """What it cannot do; known before it is opened to anything."""
        ...

    async def take(self, order: Order) -> Taken:
        """Put one order on air, once; the same order again puts nothing on air twice.

        Raises :class:`~broadcaster.model.errors.Transient` when surely nothing of it is on air,
        :class:`~broadcaster.model.errors.Permanent` when it never will be, and
        :class:`~broadcaster.model.errors.Unknown` when nobody can tell for any part of it.  What
        is known of a part is an :class:`Answer`.
        """
        ...

    async def ping(self) -> str:
        """A sentence on whether orders can be taken; puts nothing on air."""
        ...

    def later(
        self,
        running: Callable[[], Sequence[Running]],
        ended: Callable[[], Sequence[tuple[int, Serial]]] = tuple,
    ) -> AsyncIterator[Answer]:
        """What the far side says of its own accord, as long as the gateway is open.

        ``running`` tells what should be on air at the moment it is called: after the far side
        lost it (a restart), the gateway puts it there again.  ``ended`` tells the numbers of ours
        that must not be on air any more, oldest first: a stop that an earlier process could not
        make is made up for.  Ends at once where nothing comes.
        """
        ...

    async def close(self) -> None:
        """Let connections go; what is on air stays."""
        ...


def relation(wish: Wish, serial: Serial, earlier: Sequence[Entry]) -> dict[str, Any]:
    """How a broadcast stands to the thread's last one of its slot, as fields of OnAir."""
    before = [
        entry for entry in earlier if (entry.identifier, entry.slot) == (wish.identifier, wish.slot)
    ]
    if not before:
        return {}
    if before[-1].serial == serial:
        return {"unchanged": True}
    return {"instead_of": before[-1].serial}


def stops_and_silences(
    earlier: Sequence[Entry], current: Sequence[Entry]
) -> tuple[tuple[Stop, ...], tuple[str, ...]]:
    """What must end, and the languages that thereby fall silent."""
    going_on = {(entry.identifier, entry.serial) for entry in current}
    ending = {
        (entry.identifier, entry.serial): Stop(entry.identifier, entry.serial, entry.alert)
        for entry in earlier
        if (entry.identifier, entry.serial) not in going_on
    }
    spoken = {entry.slot for entry in current}
    missing = dict.fromkeys(entry.slot for entry in earlier if entry.slot not in spoken)
    return tuple(ending.values()), tuple(missing)


def broadcasts_until(now: datetime, expires: datetime | None, period: float) -> int:
    """How often, so that the last one is not after ``expires``; 0: until stopped."""
    if expires is None:
        return 0
    return min(_MAX_BROADCASTS, max(1, math.ceil((expires - now).total_seconds() / period)))


def areas(alert: Alert) -> tuple[Area, ...]:
    """The areas of all infos, each once: infos differ in the language of the name only."""
    found: dict[tuple[object, ...], Area] = {}
    for info in alert.infos:
        for area in info.areas:
            shape = (area.polygons, area.circles, area.geocodes)
            found.setdefault(shape if any(shape) else (area.area_desc,), area)
    return tuple(found.values())
