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
    place: int
    """Counts the orders of a channel: a later one has the last word on a number."""
    begun: datetime
    until: datetime | None
    """When its broadcasts end by themselves; ``None``: when they are stopped."""
    order: Mapping[str, Any]
    """:func:`.handover.document` of the order."""
    taken: Taken | None = None
    """``None``: the program stopped before an answer was noted."""
    off: bool = False
    """Surely nothing of it is on air, and nothing was stopped by it: every door was closed."""


class Journal:
    """The orders of one channel, one file each.  For one process."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._records: dict[str, Record] = {}
        self._next = 0
        self._load()

    def find(self, key: str) -> Record | None:
        """The order of that key, if it was ever begun and may still matter."""
        return self._records.get(key)

    def begin(self, order: Order) -> None:
        """Note an order before anything of it is sent.

        A repeated one may ask for fewer texts, because the others are decided: those stay noted.
        """
        before = self._records.get(order.key)
        asked = document(order)
        if before is not None:
            again = {_number(item) for item in asked["broadcasts"]}
            kept = [item for item in before.order["broadcasts"] if _number(item) not in again]
            asked = {**asked, "broadcasts": [*kept, *asked["broadcasts"]]}
        self._keep(
            Record(
                key=order.key,
                place=before.place if before else self._next,
                begun=before.begun if before else order.written,
                until=order.alert.expires,
                order=asked,
                taken=before.taken if before else None,
            )
        )

    def finish(self, key: str, taken: Taken) -> Taken:
        """Note what the far side said; gives all that is known of the order by now."""
        before = self._records[key]
        if before.taken is not None:
            taken = Taken(
                reference=taken.reference or before.taken.reference,
                on_air=_latest(before.taken.on_air, taken.on_air),
                stopped=_latest(before.taken.stopped, taken.stopped),
            )
        self._keep(replace(before, taken=taken))
        return taken

    def give_up(self, key: str) -> None:
        """Note that surely nothing of an order is on air, unless by an earlier attempt."""
        record = self._records[key]
        if record.taken is None:
            self._keep(replace(record, off=True))

    def keys(self, identifier: int, serial: Serial) -> tuple[str, ...]:
        """The deliveries that the latest broadcast with these numbers speaks for.

        A text that goes out on several identifiers is spoken for by its first one.
        """
        for record in reversed(self._ordered()):
            spoken: set[str] = set()
            for item in record.order["broadcasts"]:
                mine = [key for key in item["deliveries"] if key not in spoken]
                spoken.update(item["deliveries"])
                if _number(item) == (identifier, serial):
                    return tuple(mine)
        return ()

    def spoken_for(self, key: str) -> Iterator[tuple[tuple[int, Serial], tuple[str, ...]]]:
        """The numbers of an order in its own sequence, and the deliveries each fulfils."""
        for item in self._records[key].order["broadcasts"]:
            yield _number(item), tuple(item["deliveries"])

    def cells(self, alerts: Collection[str]) -> tuple[Cell, ...]:
        """Where texts of these CAP alerts went, for those who must be told of the end as well."""
        found: dict[Cell, None] = {}
        for record in self._ordered():
            if record.order["alert"]["identifier"] in alerts and not record.off:
                found |= dict.fromkeys(_cell(cell) for cell in record.order["cells"] or ())
        return tuple(found)

    def running(self, without: Collection[str] = ()) -> tuple[Running, ...]:
        """What should be on air now: begun, not ended, and not stopped by a later order.

        ``without`` names CAP alerts to leave out.
        """
        now = self._clock.now()
        found: dict[tuple[int, Serial], Running] = {}
        for record in self._ordered():
            if record.off:
                continue
            # A number means what the last order says of it, also when that one has ended.
            for item in (*record.order["stop_after_broadcasts"], *record.order["broadcasts"]):
                found.pop(_number(item), None)
            if record.until is not None and record.until <= now:
                continue
            if record.order["alert"]["identifier"] in without:
                continue
            refused = {
                (answer.identifier, answer.serial)
                for answer in (record.taken.on_air if record.taken else ())
                if answer.said is Said.REFUSED
            }
            for item in record.order["broadcasts"]:
                if _number(item) not in refused:
                    found[_number(item)] = _running(item, record, now)
        return tuple(found.values())

    def ended(self) -> tuple[tuple[int, Serial], ...]:
        """The numbers of kept orders that should not be on air now, the oldest first."""
        alive = {(one.broadcast.identifier, one.serial) for one in self.running()}
        known = (
            _number(item)
            for record in self._ordered()
            for item in (*record.order["broadcasts"], *record.order["stop_after_broadcasts"])
        )
        return tuple(number for number in dict.fromkeys(known) if number not in alive)

    def _ordered(self) -> list[Record]:
        return sorted(self._records.values(), key=lambda record: record.place)

    def _keep(self, record: Record) -> None:
        text = json.dumps(_to_json(record), ensure_ascii=False, indent=1)
        write_whole(self._folder / file_name(record.key), text.encode() + b"\n")
        self._records[record.key] = record
        self._next = max(self._next, record.place + 1)

    def _load(self) -> None:
        read: dict[str, Path] = {}
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
            self._records[record.key] = record
            read[record.key] = path
            self._next = max(self._next, record.place + 1)
        old = self._clock.now() - REMEMBERED - timedelta(hours=1)
        # From the oldest on, and never past one that still matters: a Cancel that has ended must
        # not be forgotten before the warning that it ended.
        for record in self._ordered():
            if record.until is None or record.until >= old:
                break
            ended = self._folder / "ended"
            ended.mkdir(exist_ok=True)
            read[record.key].rename(ended / read[record.key].name)
            del self._records[record.key]


def outcome(answers: Sequence[Answer]) -> Iterator[str]:
    """What was said of one text's broadcasts, as sentences for an officer."""
    for answer in answers:
        refused = ", ".join(
            f"{count} cell{'s' if count > 1 else ''} refused: {cause}"
            for cause, count in answer.refused.items()
        )
        known = answer.cells is not None
        says = (
            f"installed in {answer.cells} cell{'s' * (answer.cells != 1)}"
            if known
            else answer.said.value
        )
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


def _number(item: Mapping[str, Any]) -> tuple[int, Serial]:
    return item["message_identifier"], _serial(item)


def _latest(before: Sequence[Answer], now: Sequence[Answer]) -> tuple[Answer, ...]:
    """One answer for each number, the newer word for those that were asked again."""
    found = {(answer.identifier, answer.serial): answer for answer in (*before, *now)}
    return tuple(found.values())


def _serial(item: Mapping[str, Any]) -> Serial:
    number = item["serial_number"]
    return Serial(number["message_code"], number["update_number"], number["geographical_scope"])


def _to_json(record: Record) -> dict[str, Any]:
    taken = record.taken
    return {
        "key": record.key,
        "place": record.place,
        "begun": record.begun.isoformat(),
        "until": record.until.isoformat() if record.until else None,
        "off": record.off,
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
        place=data["place"],
        begun=datetime.fromisoformat(data["begun"]),
        until=datetime.fromisoformat(data["until"]) if data["until"] else None,
        order=data["order"],
        off=data["off"],
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
