"""CAP date-times such as ``2026-07-01T14:00:00+02:00`` (CAP 1.2 section 3.3.2)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from broadcaster.model.errors import BadInput, Problem

ZERO_UNKNOWN = timezone(timedelta(0), "-00:00")
"""UTC as CAP 3.3.2 wants it written."""
ZERO_PLUS = timezone(timedelta(0), "+00:00")
"""UTC as some senders write it; kept apart so that a document is repeated exactly."""
LARGEST_OFFSET = timedelta(hours=14)
"""XML Schema part 2, 3.2.7.3: no zone is further from UTC."""

CAP_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", re.ASCII)
"""The one form that CAP 3.3.2 allows."""

_SEEN = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)([.,]\d+)?)?\s?"
    r"(?:([Zz])|([+-])(\d\d):?(\d\d))?",
    re.ASCII,
)


def time_problem(time: datetime) -> str | None:
    """Why CAP cannot say this time, or ``None``."""
    offset = time.utcoffset()
    if offset is None:
        return "has no time zone"
    if time.microsecond:
        return "has fractions of a second"
    if offset % timedelta(minutes=1):
        return "has a time zone offset that is not whole minutes"
    if abs(offset) > LARGEST_OFFSET:
        return "has a time zone offset of more than 14 hours"
    return None


def time_text(time: datetime) -> str:
    """The time as CAP writes it: whole seconds, an offset, never ``Z``.

    A zero offset is written ``-00:00`` (CAP 3.3.2) unless the zone is the ``+00:00`` that
    :func:`parse_time` read.  Raises :class:`BadInput` for a time that CAP cannot say.
    """
    problem = time_problem(time)
    if problem is not None:
        raise BadInput(
            Problem("", f"the time {time.isoformat()} {problem}", "give whole seconds and a zone")
        )
    text = time.isoformat(timespec="seconds")
    if time.utcoffset() == timedelta(0) and time.tzname() != ZERO_PLUS.tzname(None):
        return text[:-6] + "-00:00"
    return text


def parse_time(text: str) -> tuple[datetime, str | None]:
    """The time a text tells, and what is wrong with the text (``None`` when CAP allows it).

    Fractions are cut off; a time without zone is taken as UTC; ``24:00:00`` is the next midnight.
    Raises :class:`ValueError` when no time can be made of it.
    """
    match = _SEEN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:60]!r} is not a date and time")
    year, month, day, hour, minute = (int(part) for part in match.groups()[:5])
    second, fraction, zulu, sign, zone_hours, zone_minutes = match.groups()[5:]
    zone = ZERO_UNKNOWN
    if sign is not None:
        offset = timedelta(hours=int(zone_hours), minutes=int(zone_minutes))
        if offset > LARGEST_OFFSET:
            raise ValueError(f"{text[:60]!r} has a time zone offset of more than 14 hours")
        if offset:
            zone = timezone(-offset if sign == "-" else offset)
        elif sign == "+":
            zone = ZERO_PLUS
    midnight = hour == 24 and minute == 0 and int(second or 0) == 0
    try:
        time = datetime(
            year, month, day, 0 if midnight else hour, minute, int(second or 0), tzinfo=zone
        )
        # CAP rules compare instants, so an instant outside the calendar is no time either.
        time = time + timedelta(days=1) if midnight else time
        time.timestamp()
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text[:60]!r} is not a date and time: {error}") from None
    if zulu:
        return time, "is written with Z, which CAP forbids; read as -00:00"
    if sign is None:
        return time, "has no time zone; read as UTC (-00:00)"
    if fraction:
        return time, "has fractions of a second; they were cut off"
    if not CAP_TIME.fullmatch(text) or midnight:
        return time, "is not in the form 2026-07-01T14:00:00+02:00"
    return time, None
