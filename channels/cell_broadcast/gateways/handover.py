"""The embedded gateway: each order as files in a folder, for an operator's own program."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from broadcaster.delivery.contract import Env
from broadcaster.delivery.files import write_whole
from broadcaster.model.cap import Area
from broadcaster.model.errors import BadInput, Permanent, Problem
from broadcaster.model.states import State
from channels.cell_broadcast.cells import Cell
from channels.cell_broadcast.codec import decode
from channels.cell_broadcast.gateways import cap_order, ibag
from channels.cell_broadcast.gateways.ibag import Terms, read_terms
from channels.cell_broadcast.order import (
    Answer,
    Limits,
    OnAir,
    Order,
    Running,
    Said,
    Scope,
    Taken,
    areas,
)
from channels.cell_broadcast.serials import Serial

FORMAT = "broadcaster.cell-broadcast/2"
"""Written into every file; the number changes when a reader would have to."""


class FileDriver:
    """The folder is the channel's own; what can be added is the form some centres take."""

    def settings(self, raw: Mapping[str, Any]) -> Terms | None:
        """``ibag``: write IBAG documents as well, on these terms; raises :class:`BadInput`."""
        problems = [
            Problem(str(key), "is no setting of a hand-over", "the only one is ibag")
            for key in raw
            if key != "ibag"
        ]
        terms = None
        if "ibag" in raw:
            try:
                terms = read_terms(raw["ibag"])
            except BadInput as error:
                problems += error.problems
        if problems:
            raise BadInput(problems)
        return terms

    def open(self, settings: Terms | None, env: Env) -> FileGateway:
        """Writes into the channel's folder."""
        return FileGateway(env.output_dir, settings)


class FileGateway:
    """Writes each order as one JSON file, and the same as CAP 1.2 (or IBAG too) beside it.

    The operator takes an order by renaming its JSON file into ``taken/`` beside it.
    """

    limits: ClassVar[Limits] = Limits(scope=Scope.AREA, confirms=frozenset({State.ACCEPTED}))

    def __init__(self, folder: Path, terms: Terms | None = None) -> None:
        self._folder = folder
        self._terms = terms

    async def take(self, order: Order) -> Taken:
        """Write the files unless they were written before; the name is the reference."""
        return await asyncio.to_thread(self._take, order)

    async def ping(self) -> str:
        """Write and remove a file that no operator's program looks for."""
        return await asyncio.to_thread(self._ping)

    async def later(
        self,
        running: Callable[[], Sequence[Running]],
        ended: Callable[[], Sequence[tuple[int, Serial]]] = tuple,
    ) -> AsyncIterator[Answer]:
        """Nothing: a folder does not speak."""
        return
        yield

    async def close(self) -> None:
        """Nothing is open."""

    def _take(self, order: Order) -> Taken:
        name = file_name(order.key)
        says = "handed over to the operator; the radio confirms nothing"
        if not self._holds(name):
            cap = self._folder / name.replace(".json", ".cap.xml")
            write_whole(cap, cap_order.document(order))
            says += self._ibag(order, name)
            text = json.dumps(document(order), ensure_ascii=False, indent=2)
            # Last, because its name is what an operator's program looks for.
            write_whole(self._folder / name, text.encode() + b"\n")
        return Taken(
            reference=name,
            on_air=tuple(
                Answer(
                    identifier=item.broadcast.identifier,
                    serial=item.serial,
                    said=Said.ACCEPTED,
                    reason=says,
                )
                for item in order.on_air
            ),
            stopped=tuple(
                Answer(identifier=stop.identifier, serial=stop.serial, said=Said.ACCEPTED)
                for stop in order.stops
            ),
        )

    def _ibag(self, order: Order, name: str) -> str:
        """Writes the IBAG documents, if agreed; what an officer should know of them."""
        if self._terms is None:
            return ""
        try:
            found = ibag.documents(order, self._terms)
        except Permanent as error:  # the others are handed over all the same
            return f"; no IBAG: {error.problems[0]}"
        for number, data in enumerate(found, 1):
            write_whole(self._folder / name.replace(".json", f".ibag-{number:02}.xml"), data)
        return ""

    def _holds(self, name: str) -> bool:
        # In this order: a file taken between the two looks is still found by the second.
        return any((place / name).is_file() for place in (self._folder, self._folder / "taken"))

    def _ping(self) -> str:
        probe = self._folder / ".link-test"
        write_whole(probe, b"")
        probe.unlink(missing_ok=True)
        return f"hand-over folder {self._folder} can be written; nobody there was asked"


def file_name(key: str) -> str:
    """A name that any file system takes, different for different keys."""
    readable = re.sub(r"[^A-Za-z0-9._-]+", "_", key).strip("._")[:100]
    return f"{readable}-{hashlib.sha256(key.encode()).hexdigest()[:12]}.json"


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
        "cells": None if order.cells is None else [_cell(cell) for cell in order.cells],
    }


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
        "units_used": pages.used,
        "units_left": pages.left,
        "cb_data": pages.cb_data().hex(),
        "shows": shows,
        "repetition_period_seconds": order.repetition_period,
        "number_of_broadcasts": order.number_of_broadcasts,
        "repetition_period_2g_slots": order.slots,
        "number_of_broadcasts_2g": order.number_2g,
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


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "technology": cell.technology.value,
        "mcc": cell.mcc,
        "mnc": cell.mnc,
        "area": cell.area,
        "cell": cell.cell,
    }
