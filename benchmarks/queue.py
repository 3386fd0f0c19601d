"""Fan-out to 600,000 subscribers, and the work queue against the same statements in a raw loop."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw

from broadcaster.model.states import CODES, State
from broadcaster.store import sql_chunks
from broadcaster.store.port import NewAlert, PlannedSend, StoredRendition, Subscription
from broadcaster.store.sqlite import SqliteStore

MANY = 600_000
WORKERS = 4
"""Lanes that claim at the same time, as they do in the program (each channel has two)."""


def new(identifier: str, now: datetime) -> NewAlert:
    """An alert for every subscriber."""
    return NewAlert(
        identifier=identifier,
        thread=identifier,
        msg_type="Alert",
        status="Actual",
        severity="Severe",
        priority=1,
        sent=now,
        release=now,
        expires=now + timedelta(hours=6),
        cap=b"<alert/>",
        digest="",
        origin="",
        areas=("dortmund",),
        hazard="heat",
        officer="benchmark",
        gaps=(),
        renditions=(
            StoredRendition(
                channel="texts", language="de", variant="short", format="text", text="Hitze"
            ),
        ),
        sends=(
            PlannedSend(channel="texts", items=(("de", "short"),), recipients=True, follows=False),
        ),
    )


async def through_the_store(store: SqliteStore, now: datetime) -> int:
    """Claim, mark, finish, through the port that the dispatcher uses."""
    people = 0
    while True:
        chunk = await store.claim(
            "texts", now, owner="b", lease=30, urgent_only=False, harmless=True
        )
        if chunk is None:
            return people
        size = len(chunk.states)
        chunk.states = bytes([CODES[State.ATTEMPTING]]) * size
        await store.progress(chunk, remarks=(), now=now, lease=30)
        chunk.states = bytes([CODES[State.ACCEPTED]]) * size
        await store.finish(chunk, remarks=(), now=now, again=None, reason="")
        people += size


def raw(path: Path, store: SqliteStore, now: datetime) -> int:
    """The same statements on the same tables, in a plain loop on one connection."""
    db = apsw.Connection(str(path))
    db.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL")
    at, people = now.timestamp(), 0
    open_address = store._book.open
    while True:
        db.execute("BEGIN IMMEDIATE")
        row = db.execute(sql_chunks._CLAIM, ("texts", at, 9)).fetchone()
        if row is None:
            db.execute("COMMIT")
            return people
        number, alert, thread, size = row[0], row[1], row[2], row[12]
        db.execute(
            "UPDATE chunk SET state='leased', owner=?, lease_until=?, fence=fence+1,"
            " attempts=attempts+1 WHERE id=?",
            ("b", at + 30, number),
        )
        db.execute(
            "SELECT DISTINCT alert FROM chunk WHERE thread=? AND channel=? AND segment IS ?"
            " AND alert<>? ORDER BY id",
            (thread, "texts", row[5], alert),
        ).fetchall()
        db.execute(
            "SELECT areas, hazard, severity FROM alert WHERE identifier=?", (alert,)
        ).fetchone()
        for _, sealed, _, _, _ in db.execute(
            "SELECT position, address, areas, hazards, minimum FROM subscriber WHERE segment=?"
            " AND position<? ORDER BY position",
            (row[5], size),
        ):
            open_address(sealed)
        states = bytes([1]) * size
        db.execute("UPDATE chunk SET states=? WHERE id=?", (states, number))
        db.execute("COMMIT")
        for code, closing in (
            (2, "UPDATE chunk SET lease_until=? WHERE id=?"),
            (
                3,
                "UPDATE chunk SET state='done', due=ifnull(?, due), owner=NULL,"
                " lease_until=NULL, reason='' WHERE id=?",
            ),
        ):
            db.execute("BEGIN IMMEDIATE")
            db.execute("SELECT fence, state FROM chunk WHERE id=?", (number,)).fetchone()
            db.execute("UPDATE chunk SET states=? WHERE id=?", (bytes([code]) * size, number))
            db.execute(closing, (at + 30 if code == 2 else None, number))
            db.execute("COMMIT")
        people += size


async def measure(folder: Path) -> None:
    """Build the list, fan out, drain twice."""
    now = datetime.now(UTC)
    store = SqliteStore(folder)
    begin = time.perf_counter()
    for first in range(0, MANY, 20_000):
        await store.subscribe(
            "texts",
            [
                Subscription(address=f"+49171392{i:06}", language="de", variant="short")
                for i in range(first, first + 20_000)
            ],
            now,
        )
    print(f"sign-up of {MANY:,}             {time.perf_counter() - begin:7.1f} s")
    taken = []
    for n in range(5):
        begin = time.perf_counter()
        await store.commit(new(f"b.{n}", now), now, hold=False, detail={})
        taken.append((time.perf_counter() - begin) * 1000)
    print(
        f"fan-out commit for {MANY:,}     {sorted(taken)[2]:7.1f} ms  (goal <= 50 ms),"
        f" all: {json.dumps([round(t, 1) for t in taken])}"
    )
    path = folder / "broadcaster.db"
    for n in range(1, 5):  # one alert is drained at a time; the others wait
        _hold(path, f"b.{n}", "held")
    rates: dict[str, list[float]] = {"store": [], "raw": []}
    for n, kind in enumerate(("store", "raw", "store", "raw", "store")):
        if n:
            _hold(path, f"b.{n}", "ready")
        begin = time.perf_counter()
        if kind == "store":
            later = now + timedelta(seconds=5)
            people = sum(
                await asyncio.gather(*(through_the_store(store, later) for _ in range(WORKERS)))
            )
        else:
            people = await asyncio.to_thread(raw, path, store, now + timedelta(seconds=5))
        assert people == MANY, people
        rates[kind].append(people / (time.perf_counter() - begin))
    api, plain = max(rates["store"]), max(rates["raw"])
    print(f"queue through the store           {api:10,.0f} recipients/s")
    print(f"the same statements in a raw loop {plain:10,.0f} recipients/s")
    print(f"ratio                             {api / plain:7.2f}  (goal >= 0.80)")
    await store.close()


def _hold(path: Path, alert: str, state: str) -> None:
    with apsw.Connection(str(path)) as db:
        db.execute("UPDATE chunk SET state=? WHERE alert=?", (state, alert))


def run() -> None:
    """In a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder)))
