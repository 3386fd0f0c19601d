"""The one rule that every CAP date-time keeps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from broadcaster.model.capxml.times import time_problem
from broadcaster.model.errors import Problem
from broadcaster.model.rules.report import refuse, warn


def writable_time(time: datetime | None, path: str) -> Iterator[Problem]:
    """CAP 3.3.2: whole seconds and an offset.  IPAWS rejects zero offsets outright."""
    if time is None:
        return
    problem = time_problem(time)
    if problem is not None:
        yield refuse(path, problem, "give whole seconds and a zone such as +02:00")
    elif time.utcoffset() == timedelta(0):
        yield warn(path, "is given in UTC, not in local time", "use the city's own time zone")


def later(time: datetime | None, other: datetime | None) -> bool:
    """Whether ``time`` lies after ``other``; unknown or zoneless times are never later."""
    if time is None or other is None or time.tzinfo is None or other.tzinfo is None:
        return False
    return time > other
