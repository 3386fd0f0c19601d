"""Times and durations as officers write them.  Pure; ``now`` is handed in."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from broadcaster.model.errors import Problem

_DURATION = re.compile(r"(?:(\d+)d)?\s*(?:(\d+)h)?\s*(?:(\d+)m(?:in)?)?")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
HOW = "write 6h, 90m, 2d, 22:30 or 2026-07-01T22:30"


def duration(text: str) -> timedelta | None:
    """``6h``, ``1h30m``, ``2d``; ``None`` when it is nothing of the kind."""
    found = _DURATION.fullmatch(text.strip())
    if not found or not any(found.groups()):
        return None
    days, hours, minutes = (int(part or 0) for part in found.groups())
    if days > 3660 or hours > 87840 or minutes > 5270400:
        return None
    return timedelta(days=days, hours=hours, minutes=minutes)


def moment(
    text: str, now: datetime, path: str, problems: list[Problem], *, start: datetime | None = None
) -> datetime | None:
    """An instant in the zone of ``now``; a duration counts from ``start`` (default: now).

    A clock time is the next such time.  Notes a problem and gives ``None`` when it is no time.
    """
    text = text.strip()
    if text == "now":
        return now
    if (span := duration(text)) is not None:
        # Through UTC: six hours are six hours also on the night the clocks change.
        return _later(start or now, span)
    if clock := _CLOCK.fullmatch(text):
        hour, minute = int(clock[1]), int(clock[2])
        at = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        if at <= now:
            at += timedelta(days=1)  # on the wall clock, whatever happens to it in between
        return _existing(at, text, path, problems)
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        problems.append(Problem(path, f"{text!r} is no time", HOW))
        return None
    if value.tzinfo is None:
        return _existing(value.replace(tzinfo=now.tzinfo), text, path, problems)
    return value.astimezone(now.tzinfo)


def _existing(value: datetime, text: str, path: str, problems: list[Problem]) -> datetime | None:
    """The time, unless it falls into the hour that a spring night leaves out."""
    if value.astimezone(UTC).astimezone(value.tzinfo).replace(fold=0) != value.replace(fold=0):
        problems.append(
            Problem(path, f"{text} does not exist: the clocks go forward that night", HOW)
        )
        return None
    return value


def _later(start: datetime, span: timedelta) -> datetime:
    return (start.astimezone(UTC) + span).astimezone(start.tzinfo)
