"""When people who asked for it are left to sleep."""

from __future__ import annotations

from datetime import datetime

NIGHT = (22, 6)
"""From this hour to that one, on the city's clocks."""


def is_night(moment: datetime) -> bool:
    """Whether a moment, in the city's zone, lies in the night."""
    begin, end = NIGHT
    return moment.hour >= begin or moment.hour < end
