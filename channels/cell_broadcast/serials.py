"""Serial numbers that no phone has seen before, also after a crash.

Phones drop a broadcast whose message identifier and serial number they met within the last 24
hours, whatever its text.  So a corrected text needs a new number, a repeated sending needs the
old one, and no number may come back too early: each is on disk before it is used.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from broadcaster.clock import Clock
from broadcaster.delivery.files import write_whole
from broadcaster.model.errors import Problem, Transient, Unavailable

REMEMBERED = timedelta(hours=24)
"""How long a phone remembers what it showed."""
_CODES = 1 << 10
_UPDATES = 1 << 4
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Serial:
    """A serial number (3GPP TS 23.041 9.4.1.2.1)."""

    code: int
    """Message code, 10 bits."""
    update: int
    """Update number, 4 bits."""
    scope: int = 1
    """Geographical scope.  1: unique in the whole network, so that a moving phone is not alarmed
    again in each cell; it says nothing of where the broadcast goes."""

    def __int__(self) -> int:
        return self.scope << 14 | self.code << 4 | self.update

    @property
    def hex(self) -> str:
        """Four hexadecimal digits, as operators' tools show it."""
        return f"{int(self):04x}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A broadcast that needs a serial number."""

    alert: str
    """CAP identifier."""
    identifier: int
    """Message identifier."""
    slot: str
    """What stays the same from alert to update: language and, if plain, variant."""
    text: str
    """A digest of what phones will show; another text is another number."""
    until: datetime | None
    """When the broadcast ends by itself; ``None``: when it is stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Wish):
    """A number that was given out."""

    serial: Serial
    since: datetime


class Serials:
    """The numbers of one channel, kept in one file.  For one process and one caller at a time."""

    def __init__(self, path: Path, clock: Clock, random: Random) -> None:
        self._path = path
        self._clock = clock
        self._entries: tuple[Entry, ...] = ()
        # A lost file must not mean that numbers of the last day return: start somewhere else.
        self._next = random.randrange(_CODES)
        self._load()

    def given(self, alerts: Sequence[str]) -> tuple[Entry, ...]:
        """What these alerts have, or may still have, on air; oldest alert first."""
        return tuple(entry for alert in alerts for entry in self._entries if entry.alert == alert)

    def assign(self, wishes: Sequence[Wish], replaces: Sequence[str]) -> tuple[Serial, ...]:
        """A serial number for each wish, on disk before it is returned.

        The same wish gets the same number again.  A wish whose slot an earlier alert of the
        thread (``replaces``, oldest first) holds keeps its number if the text is unchanged, else
        gets the next update number, so that phones show it as a newer version.

        Raises :class:`Transient` when nothing could be written or every number of an identifier
        was seen within the last 24 hours.
        """
        now = self._clock.now()
        entries = [entry for entry in self._entries if not _forgotten(entry, now)]
        following = self._next
        serials = []
        for wish in wishes:
            serial = _known(entries, wish, replaces)
            if serial is None:
                serial, following = _fresh(entries, wish.identifier, following, now)
            entry = Entry(**_fields(wish), serial=serial, since=now)
            entries = [e for e in entries if not (_same_slot(e, wish) and e.serial == serial)]
            entries.append(entry)
            serials.append(serial)
        self._save(tuple(entries), following)
        return tuple(serials)

    def stopped(self, alerts: Sequence[str]) -> None:
        """Note that the broadcasts of these alerts were told to stop.

        Only an endless broadcast gets an end by it; for others the planned end stays, because a
        stop may come late or not at all.
        """
        now = self._clock.now()
        entries = tuple(
            replace(entry, until=now) if entry.alert in alerts and entry.until is None else entry
            for entry in self._entries
        )
        if entries != self._entries:
            self._save(entries, self._next)

    def _load(self) -> None:
        try:
            data = json.loads(self._path.read_bytes())
            if data["format"] != _FORMAT:
                raise ValueError(f"format {data['format']}")
            self._entries = tuple(_entry(item) for item in data["entries"])
            self._next = int(data["next"])
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Unavailable(
                Problem(
                    str(self._path),
                    f"the record of serial numbers cannot be read ({error})",
                    "restore it; or move it away, knowing that for 24 hours phones might take "
                    "a new warning for one they have shown",
                )
            ) from error

    def _save(self, entries: tuple[Entry, ...], following: int) -> None:
        data = {
            "format": _FORMAT,
            "next": following,
            "entries": [asdict(entry) for entry in entries],
        }
        text = json.dumps(data, ensure_ascii=False, indent=1, default=datetime.isoformat)
        write_whole(self._path, text.encode() + b"\n")
        self._entries, self._next = entries, following


def _known(entries: Sequence[Entry], wish: Wish, replaces: Sequence[str]) -> Serial | None:
    """The number that the wish's own alert, or else the thread's last one, leads to."""
    for alert in (wish.alert, *reversed(replaces)):
        slot = replace(wish, alert=alert)
        before = next((e for e in reversed(entries) if _same_slot(e, slot)), None)
        if before is None:
            continue
        if before.text == wish.text:
            return before.serial
        # TS 23.041 9.4.1.2.1: newer means 1 to 8 ahead, modulo 16.
        serial = replace(before.serial, update=(before.serial.update + 1) % _UPDATES)
        # After sixteen versions within a day this one may still be remembered: take a new code.
        return None if _taken(entries, wish.identifier, serial) else serial
    return None


def _fresh(
    entries: Sequence[Entry], identifier: int, start: int, now: datetime
) -> tuple[Serial, int]:
    """A code nobody remembers for this identifier, and where to look next."""
    used = {entry.serial.code for entry in entries if entry.identifier == identifier}
    for step in range(_CODES):
        code = (start + step) % _CODES
        if code not in used:
            return Serial(code, 0), (code + 1) % _CODES
    ends = [_safe(entry) for entry in entries if entry.identifier == identifier]
    first = min((end for end in ends if end is not None), default=now + REMEMBERED)
    raise Transient(
        Problem(
            "serial number",
            f"phones still remember all {_CODES} codes of {identifier}",
            "stop sending so many separate warnings",
        ),
        retry_after=(first - now).total_seconds(),
    )


def _taken(entries: Sequence[Entry], identifier: int, serial: Serial) -> bool:
    return any(e.identifier == identifier and e.serial == serial for e in entries)


def _safe(entry: Entry) -> datetime | None:
    """When the last phone forgets this number; ``None``: never, until it is stopped."""
    return None if entry.until is None else max(entry.since, entry.until) + REMEMBERED


def _forgotten(entry: Entry, now: datetime) -> bool:
    safe = _safe(entry)
    return safe is not None and safe <= now


def _same_slot(entry: Wish, wish: Wish) -> bool:
    return (entry.alert, entry.identifier, entry.slot) == (wish.alert, wish.identifier, wish.slot)


def _fields(wish: Wish) -> dict[str, Any]:
    return {
        "alert": wish.alert,
        "identifier": wish.identifier,
        "slot": wish.slot,
        "text": wish.text,
        "until": wish.until,
    }


def _entry(item: dict[str, Any]) -> Entry:
    until = item["until"]
    return Entry(
        alert=item["alert"],
        identifier=item["identifier"],
        slot=item["slot"],
        text=item["text"],
        until=None if until is None else datetime.fromisoformat(until),
        serial=Serial(**item["serial"]),
        since=datetime.fromisoformat(item["since"]),
    )
