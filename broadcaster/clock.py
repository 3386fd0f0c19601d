"""Time as a value that is handed in, so that tests own it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Where ``now`` comes from; always aware."""

    def now(self) -> datetime:
        """The present, with its zone."""
        ...


class SystemClock:
    """The machine's clock in the city's zone (published times carry the local offset)."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)

    def now(self) -> datetime:
        """The present, in the city's zone."""
        return datetime.now(self._zone)
