"""What is handed to the operator of a cell-broadcast centre, and the doors it can go through.

An :class:`Order` is everything a centre needs for one sending, as a value.  A :class:`Gateway`
takes it; the one here writes it as a file.  A gateway that speaks to a centre over the network
implements the same three methods.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from broadcaster.delivery.contract import Mode
from broadcaster.delivery.files import write_whole
from broadcaster.model.cap import Alert, Area, MsgType

from .codec import decode
from .profile import Broadcast
from .serials import Entry, Serial, Wish

FORMAT = "broadcaster.cell-broadcast/1"
"""Written into every file; the number changes when a reader would have to."""
_MAX_BROADCASTS = 65535
"""TS 23.041 9.3.2.6: sixteen bits."""


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
    """Seconds between two broadcasts."""
    number_of_broadcasts: int
    """0: until stopped."""
    written: datetime


class Gateway(Protocol):
    """A way to a cell-broadcast centre."""

    def holds(self, key: str) -> str | None:
        """The reference under which the order of that key was already taken, else ``None``."""
        ...

    def take(self, order: Order) -> str:
        """Take one order and return its reference; one attempt.

        Raises a :class:`~broadcaster.model.errors.ChannelError`.  Called outside the event loop.
        """
        ...

    def ping(self) -> str:
        """A sentence on whether orders can be taken; puts nothing on air."""
        ...


class FileGateway:
    """Writes each order as one JSON file into a folder, for an operator's own program.

    The operator takes a file by renaming it into ``taken/`` beside it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def holds(self, key: str) -> str | None:
        """The file's name when it lies in the folder or was taken."""
        name = file_name(key)
        # In this order: a file taken between the two looks is still found by the second.
        for place in (self._folder / name, self._folder / "taken" / name):
            if place.is_file():
                return name
        return None

    def take(self, order: Order) -> str:
        """Write the file unless it was written before; the name is the reference."""
        name = file_name(order.key)
        if self.holds(order.key) is None:
            text = json.dumps(document(order), ensure_ascii=False, indent=2)
            write_whole(self._folder / name, text.encode() + b"\n")
        return name

    def ping(self) -> str:
        """Write and remove a file that no operator's program looks for."""
        probe = self._folder / ".link-test"
        write_whole(probe, b"")
        probe.unlink(missing_ok=True)
        return f"hand-over folder {self._folder} can be written; nobody there was asked"


def file_name(key: str) -> str:
    """A name that any file system takes, different for different keys."""
    readable = re.sub(r"[^A-Za-z0-9._-]+", "_", key).strip("._")[:100]
    return f"{readable}-{hashlib.sha256(key.encode()).hexdigest()[:12]}.json"


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


def broadcasts_until(now: datetime, expires: datetime | None, period: int) -> int:
    """How often, so that the last one is not after ``expires``; 0: until stopped."""
    if expires is None:
        return 0
    return min(_MAX_BROADCASTS, max(1, math.ceil((expires - now).total_seconds() / period)))


def document(order: Order) -> dict[str, Any]:
    """The order as JSON values.  Pure; the same order gives the same document."""
    alert = order.alert
    return {
        "format": FORMAT,
        "key": order.key,
        "written": order.written.isoformat(),
        "mode": order.mode.value,
        "operation": order.operation.value,
        "alert": {
            "identifier": alert.identifier,
            "sender": alert.sender,
            "sent": alert.sent.isoformat(),
            "status": alert.status.value,
            "expires": alert.expires.isoformat() if alert.expires else None,
        },
        "replaces": list(order.replaces),
        "profile": order.profile,
        "level": order.title,
        "broadcasts": [_on_air(item, order) for item in order.on_air],
        "stop_after_broadcasts": [
            {**_address(stop.identifier, stop.serial), "alert": stop.alert} for stop in order.stops
        ],
        "languages_without_text": list(order.missing),
        "areas": [_area(area) for area in areas(alert)],
    }


def areas(alert: Alert) -> tuple[Area, ...]:
    """The areas of all infos, each once: infos differ in the language of the name only."""
    found: dict[tuple[object, ...], Area] = {}
    for info in alert.infos:
        for area in info.areas:
            shape = (area.polygons, area.circles, area.geocodes)
            found.setdefault(shape if any(shape) else (area.area_desc,), area)
    return tuple(found.values())


def _on_air(item: OnAir, order: Order) -> dict[str, Any]:
    pages = item.broadcast.pages
    code, shows = decode(pages.octets, pages.lengths, pages.coding.dcs)
    return {
        **_address(item.broadcast.identifier, item.serial),
        "instead_of_serial_number": item.instead_of.hex if item.instead_of else None,
        "unchanged": item.unchanged,
        "language": item.language,
        "variant": item.variant,
        "language_code": code,
        "data_coding_scheme": pages.coding.dcs,
        "data_coding_scheme_hex": f"{pages.coding.dcs:02x}",
        "pages": [page.hex() for page in pages.octets],
        "lengths": list(pages.lengths),
        "cb_data": pages.cb_data().hex(),
        "shows": shows,
        "repetition_period_seconds": order.repetition_period,
        "number_of_broadcasts": order.number_of_broadcasts,
        "deliveries": list(item.keys),
    }


def _address(identifier: int, serial: Serial) -> dict[str, Any]:
    return {
        "message_identifier": identifier,
        "message_identifier_hex": f"{identifier:04x}",
        "serial_number": {
            "geographical_scope": serial.scope,
            "message_code": serial.code,
            "update_number": serial.update,
            "hex": serial.hex,
        },
    }


def _area(area: Area) -> dict[str, Any]:
    return {
        "area_desc": area.area_desc,
        "polygons": [_points(polygon.points) for polygon in area.polygons],
        "circles": [
            {"latitude": c.latitude, "longitude": c.longitude, "radius_km": c.radius}
            for c in area.circles
        ],
        "geocodes": [{"name": pair.name, "value": pair.value} for pair in area.geocodes],
    }


def _points(points: Sequence[tuple[float, float]]) -> list[list[float]]:
    return [[latitude, longitude] for latitude, longitude in points]
