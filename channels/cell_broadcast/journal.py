"""What was put on air, kept on disk: for a repeated sending, for a restart, and as evidence.

An order is written before its first byte goes out and completed with the answers.  So after a
crash we know what may be on air, a base station that lost everything can be given it again, and
every page, answer and time can be looked up later: encoding the text of the record again gives
the same pages.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from broadcaster.clock import Clock
from broadcaster.delivery.files import write_whole
from broadcaster.model.errors import Problem, Unavailable
from channels.cell_broadcast.cells import Cell, Technology
from channels.cell_broadcast.codec import Pages, coding
from channels.cell_broadcast.gateways.handover import document, file_name
from channels.cell_broadcast.order import (
    SLOT,
    Answer,
    Order,
    Running,
    Said,
    Taken,
    broadcasts_until,
)
from channels.cell_broadcast.profile import Broadcast
from channels.cell_broadcast.serials import REMEMBERED, Serial


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One order as it was begun, and what came of it."""

    key: str
    begun: datetime
    until: datetime | None
    """When its broadcasts end by themselves; ``None``: when they are stopped."""
    order: Mapping[str, Any]
    """:func:`.handover.document` of the order."""
    taken: Taken | None = None
    """``None``: the program stopped before an answer was noted."""


class Journal:
    """The orders of one channel, one file each.  For one process."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._records: dict[str, Record] = {}
        self._load()

    def find(self, key: str) -> Record | None:
        """The order of that key, if it was ever begun and may still matter."""
        return self._records.get(key)

    def begin(self, order: Order) -> None:
        """Note an order before anything of it is sent; a repeated one stays as it was begun."""
        if order.key in self._records:
            return
        self._keep(
            Record(
                key=order.key,
                begun=order.written,
                until=order.alert.expires,
                order=document(order),
            )
        )

    def finish(self, key: str, taken: Taken) -> None:
        """Note what the far side said."""
        self._keep(replace(self._records[key], taken=taken))

    def keys(self, identifier: int, serial: Serial) -> tuple[str, ...]:
        """The deliveries that the latest broadcast with these numbers fulfils."""
        for record in reversed(self._ordered()):
            for item in record.order["broadcasts"]:
                if (item["message_identifier"], _serial(item)) == (identifier, serial):
                    return tuple(item["deliveries"])
        return ()

    def running(self, without: Collection[str] = ()) -> tuple[Running, ...]:
        """What should be on air now: begun, not ended, and not stopped by a later order.

        ``without`` names CAP alerts to leave out.
        """
        now = self._clock.now()
        found: dict[tuple[int, Serial], Running] = {}
        for record in self._ordered():
            for stop in record.order["stop_after_broadcasts"]:
                found.pop((stop["message_identifier"], _serial(stop)), None)
            if record.until is not None and record.until <= now:
                continue
            if record.order["alert"]["identifier"] in without:
                continue
            for item in record.order["broadcasts"]:
                running = _running(item, record, now)
                found[running.broadcast.identifier, running.serial] = running
        return tuple(found.values())

    def _ordered(self) -> list[Record]:
        return sorted(self._records.values(), key=lambda record: (record.begun, record.key))

    def _keep(self, record: Record) -> None:
        text = json.dumps(_to_json(record), ensure_ascii=False, indent=1)
        write_whole(self._folder / file_name(record.key), text.encode() + b"\n")
        self._records[record.key] = record

    def _load(self) -> None:
        old = self._clock.now() - REMEMBERED - timedelta(hours=1)
        for path in sorted(self._folder.glob("*.json")):
            try:
                record = _from_json(json.loads(path.read_bytes()))
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise Unavailable(
                    Problem(
                        str(path),
                        f"the record of a broadcast cannot be read ({error})",
                        "restore it; or move it away, knowing that what it put on air is "
                        "not stopped or repaired by itself any more",
                    )
                ) from error
            if record.until is not None and record.until < old:
                # Nothing can depend on it any more; it stays as evidence.
                ended = self._folder / "ended"
                ended.mkdir(exist_ok=True)
                path.rename(ended / path.name)
                continue
            self._records[record.key] = record


def outcome(answers: Sequence[Answer]) -> Iterator[str]:
    """What was said of one text's broadcasts, as sentences for an officer."""
    for answer in answers:
        refused = ", ".join(
            f"{count} cell{'s' if count > 1 else ''} refused: {cause}"
            for cause, count in answer.refused.items()
        )
        known = answer.cells is not None
        says = f"installed in {answer.cells} cells" if known else answer.said.value
        parts = [f"{answer.identifier}: {says}", refused, answer.reason]
        yield "; ".join(part for part in parts if part)


def _running(item: Mapping[str, Any], record: Record, now: datetime) -> Running:
    scheme = coding(item["data_coding_scheme"])
    period, slots = item["repetition_period_seconds"], item["repetition_period_2g_slots"]
    cells = record.order["cells"]
    pages = Pages(
        coding=scheme,
        language=item["language_code"],
        octets=tuple(bytes.fromhex(page) for page in item["pages"]),
        lengths=tuple(item["lengths"]),
        used=item["units_used"],
        left=item["units_left"],
    )
    return Running(
        broadcast=Broadcast(item["message_identifier"], pages),
        serial=_serial(item),
        repetition_period=period,
        number_of_broadcasts=broadcasts_until(now, record.until, period),
        slots=slots,
        number_2g=broadcasts_until(now, record.until, slots * SLOT),
        cells=None if cells is None else tuple(_cell(cell) for cell in cells),
    )


def _cell(data: Mapping[str, Any]) -> Cell:
    return Cell(**{**data, "technology": Technology(data["technology"])})


def _serial(item: Mapping[str, Any]) -> Serial:
    number = item["serial_number"]
    return Serial(number["message_code"], number["update_number"], number["geographical_scope"])


def _to_json(record: Record) -> dict[str, Any]:
    taken = record.taken
    return {
        "key": record.key,
        "begun": record.begun.isoformat(),
        "until": record.until.isoformat() if record.until else None,
        "order": record.order,
        "taken": taken
        and {
            "reference": taken.reference,
            "on_air": [_answer_to_json(answer) for answer in taken.on_air],
            "stopped": [_answer_to_json(answer) for answer in taken.stopped],
        },
    }


def _from_json(data: Mapping[str, Any]) -> Record:
    taken = data["taken"]
    return Record(
        key=data["key"],
        begun=datetime.fromisoformat(data["begun"]),
        until=datetime.fromisoformat(data["until"]) if data["until"] else None,
        order=data["order"],
        taken=taken
        and Taken(
            reference=taken["reference"],
            on_air=tuple(_answer(item) for item in taken["on_air"]),
            stopped=tuple(_answer(item) for item in taken["stopped"]),
        ),
    )


def _answer_to_json(answer: Answer) -> dict[str, Any]:
    serial = answer.serial
    return {
        "identifier": answer.identifier,
        "serial": [serial.code, serial.update, serial.scope],
        "said": answer.said.value,
        "cells": answer.cells,
        "refused": dict(answer.refused),
        "reason": answer.reason,
    }


def _answer(data: Mapping[str, Any]) -> Answer:
    return Answer(
        **{**data, "serial": Serial(*data["serial"]), "said": Said(data["said"])},
    )
