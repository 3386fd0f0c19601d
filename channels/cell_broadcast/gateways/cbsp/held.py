"""A broadcast as it should be on air at one controller, and as the controller holds it.  Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from channels.cell_broadcast.gateways.cbsp import messages as cbsp
from channels.cell_broadcast.gateways.cbsp.messages import CellList
from channels.cell_broadcast.gateways.cbsp.outcome import Outcome
from channels.cell_broadcast.order import SLOT, OnAir, Running
from channels.cell_broadcast.serials import Serial

Key = tuple[int, Serial]
"""Message identifier and serial number."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A broadcast as it should be on air at this controller."""

    item: OnAir | Running
    cells: CellList
    slots: int
    until: datetime | None
    """``None``: until it is stopped."""

    @property
    def key(self) -> Key:
        """What the controller knows it by."""
        return self.item.broadcast.identifier, self.item.serial

    @property
    def pages(self) -> int:
        """Slots that it takes in each period."""
        return len(self.item.broadcast.pages.octets)

    def count(self, now: datetime) -> int:
        """How often, so that it ends when it should."""
        if self.until is None:
            return cbsp.ENDLESS
        # The last digits of a product of decimal fractions must not cost a whole period.
        periods = round((self.until - now).total_seconds() / (self.slots * SLOT), 6)
        return min(cbsp.ENDLESS, max(1, math.ceil(periods)))


@dataclass(frozen=True, slots=True)
class Held:
    """What the controller said of a broadcast that it was given."""

    wanted: Wanted
    outcome: Outcome

    def on_air(self, now: datetime) -> bool:
        """Whether it may be on air: it was not refused everywhere, and its time is not over."""
        there = self.outcome.cells or self.outcome.uncounted or self.outcome.unknown
        return bool(there) and (self.wanted.until is None or now < self.wanted.until)

    def serves(self, wanted: Wanted) -> bool:
        """Whether it is on air everywhere where, as often and as long as is wanted now."""
        if (self.wanted.cells, self.wanted.slots) != (wanted.cells, wanted.slots):
            return False
        if self.wanted.until is None or wanted.until is None:
            return self.wanted.until is wanted.until and self.outcome.complete
        # An end is a whole number of periods away, counted from two moments.
        slack = timedelta(seconds=2 * wanted.slots * SLOT)
        return abs(self.wanted.until - wanted.until) <= slack and self.outcome.complete

    def gives_way_to(self, wanted: Wanted) -> bool:
        """Whether the new one surely fits where this one is."""
        return (
            (self.wanted.cells, self.wanted.slots) == (wanted.cells, wanted.slots)
            and self.wanted.pages >= wanted.pages
            and self.outcome.complete
        )
