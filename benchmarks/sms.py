"""A warning to 600,000 phones in 22 languages, with every receipt, through the lane and the store.

The gateway lives in this process and answers at once, so that what is measured is ours: claiming,
opening addresses, fitting texts, the ledger before every attempt, outcomes, ids of parts, and two
receipts for a text of two parts.  Everything is durable (synchronous=FULL).  Beside it, in the same
run, the same number of rows goes into a table of a second database in commits of one batch each:
what the disk and SQLite alone would do.
"""

from __future__ import annotations

import asyncio
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import apsw

from broadcaster.clock import SystemClock
from broadcaster.delivery.contract import (
    Document,
    Env,
    Format,
    Heard,
    Mode,
    Receipt,
    Rendition,
    State,
    Variant,
    no_messages,
)
from broadcaster.delivery.lane import Content, Lane
from broadcaster.model.cap import Alert, MsgType, Scope, Status
from broadcaster.store.port import NewAlert, PlannedSend, StoredRendition, Subscription
from broadcaster.store.sqlite import SqliteStore
from channels.sms import SmsChannel
from channels.sms.gateway import Submission

ZONE = "Europe/Berlin"
LATIN = ("de", "en", "tr", "pl", "ro", "it", "es", "pt", "fr", "hr", "bs", "sq", "nl", "vi")
OTHERS = ("ar", "uk", "ru", "bg", "el", "fa", "hi", "ta")
LANGUAGES = (*LATIN, *OTHERS)
"""22 of them; the texts of the second kind go out in UCS-2 and two parts."""
SHORT = "Gefahr: sehr starker Regen in Dortmund. Bleiben Sie im Haus. Meiden Sie Keller."
LONG = "Небезпека: дуже сильний дощ у Дортмунді. Залишайтеся вдома. Не спускайтеся до підвалу."
GOAL = 30.0
"""Seconds for the whole of it."""
MEMORY = 300
"""MB that the process may take."""
SIZES = (10_000, 600_000)


async def answered() -> None:
    """The far side is told at once: there is none."""


class LoopbackGateway:
    """Takes everything, gives every part an id, and reports on each a moment later."""

    confirms = frozenset({State.ACCEPTED, State.DELIVERED})
    repeat_is_harmless = False

    def __init__(self) -> None:
        self._reports: asyncio.Queue[tuple[str, ...]] = asyncio.Queue(200)
        self._number = 0
        self.taken = 0

    async def submit(self, submission: Submission) -> Sequence[Receipt]:
        """Everything is taken."""
        await asyncio.sleep(0)
        found = []
        for recipient in submission.recipients:
            ids = tuple(self._id() for _ in submission.segments)
            await self._reports.put(ids)
            found.append(Receipt(key=recipient.key, state=State.ACCEPTED, parts=ids))
        self.taken += len(found)
        return found

    def _id(self) -> str:
        # Real ids follow no order either; 64-bit odd multiplication keeps them all different.
        self._number += 1
        return f"{self._number * 0x9E3779B97F4A7C15 % 2**64:016x}"

    async def receipts(self) -> AsyncIterator[Receipt]:
        """Delivered, part by part."""
        while True:
            for name in await self._reports.get():
                yield Receipt(key="", state=State.DELIVERED, reference=name, kept=answered)

    def heard(self) -> AsyncIterator[Heard]:
        """Nobody writes."""
        return no_messages()

    async def ping(self) -> str:
        """It is here."""
        return "here"


class Loopback(SmsChannel):
    """The SMS channel with that gateway."""

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Any, env: Env) -> AsyncIterator[SmsChannel]:
        """Nothing to open."""
        yield cls(settings, LoopbackGateway(), env.clock, env.mode)


class Texts:
    """One text in each language."""

    async def content(self, alert: str, channel: str) -> Content:
        """See :class:`broadcaster.delivery.lane.Source`."""
        return Content(
            alert=Alert(
                identifier=alert,
                sender="warnung@example.org",
                sent=datetime.now(UTC),
                status=Status.ACTUAL,
                msg_type=MsgType.ALERT,
                scope=Scope.PUBLIC,
            ),
            renditions={
                (tag, "short"): Rendition(
                    alert=alert,
                    language=tag,
                    direction="rtl" if tag in ("ar", "fa") else "ltr",
                    variant=Variant.SHORT,
                    format=Format.TEXT,
                    text=LONG if tag in OTHERS else SHORT,
                )
                for tag in LANGUAGES
            },
        )

    async def publication(
        self, channel: str, formats: Sequence[str]
    ) -> tuple[tuple[Document, ...], tuple[str, ...]]:
        """Nothing is published."""
        return (), ()


def new(identifier: str, now: datetime) -> NewAlert:
    """A warning for every subscriber."""
    items = tuple((tag, "short") for tag in LANGUAGES)
    return NewAlert(
        identifier=identifier,
        thread=identifier,
        msg_type="Alert",
        status="Actual",
        severity="Extreme",
        priority=0,
        sent=now,
        release=now,
        expires=now + timedelta(hours=6),
        cap=b"<alert/>",
        digest="",
        origin="",
        areas=("dortmund",),
        hazard="heavy_rain",
        officer="benchmark",
        gaps=(),
        renditions=tuple(
            StoredRendition(channel="texts", language=t, variant=v, format="text", text="")
            for t, v in items
        ),
        sends=(PlannedSend(channel="texts", items=items, recipients=True, follows=False),),
    )


async def watch(lags: list[float]) -> None:
    """How late the application's own loop is, every 10 ms."""
    loop = asyncio.get_running_loop()
    while True:
        begin = loop.time()
        await asyncio.sleep(0.01)
        lags.append((loop.time() - begin - 0.01) * 1000)


async def send(folder: Path, people: int) -> None:
    """Sign up, warn, wait for the last receipt; prints one line of figures."""
    clock = SystemClock(ZONE)
    store = SqliteStore(folder)
    begin = time.perf_counter()
    for first in range(0, people, 2_000):
        await store.subscribe(
            "texts",
            [
                Subscription(
                    address=f"+4917139{i:06}",
                    language=LANGUAGES[i % len(LANGUAGES)],
                    variant="short",
                )
                for i in range(first, min(first + 2_000, people))
            ],
            clock.now(),
        )
    signed = time.perf_counter() - begin
    lane = Lane(
        type_=Loopback,
        settings=Loopback.settings({}),
        store=store,
        source=Texts(),
        clock=clock,
        owner="benchmark",
        timeout=30,
        on_progress=lambda _: None,
        env=Env(
            name="texts",
            mode=Mode.LIVE,
            data_dir=folder / "state",
            clock=clock,
            output_dir=folder / "outbox",
            random=random.Random(1),
            base_url="https://example.org",
        ),
    )
    await asyncio.to_thread(lane.open)
    lags: list[float] = []
    watching = asyncio.create_task(watch(lags))
    lane.start()
    before = resource.getrusage(resource.RUSAGE_SELF)
    begin = time.perf_counter()
    await store.commit(new("benchmark.1", clock.now()), clock.now(), hold=False, detail={})
    lane.wake()
    taken = 0.0
    while True:
        await asyncio.sleep(0.02 if people < 100_000 else 0.5)
        lines, _ = await store.report("benchmark.1")
        delivered = sum(line.counts.get(State.DELIVERED, 0) for line in lines)
        open_ = sum(n for line in lines for s, n in line.counts.items() if s is not State.DELIVERED)
        if not taken and not any(
            line.counts.get(State.PLANNED) or line.counts.get(State.ATTEMPTING) for line in lines
        ):
            taken = time.perf_counter() - begin
        if delivered == people and not open_:
            break
    total = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_SELF)
    watching.cancel()
    await asyncio.to_thread(lane.close)
    tally = await store.tally("texts")
    await store.close()
    assert not tally, tally
    lags.sort()
    parts = sum(2 if LANGUAGES[i % len(LANGUAGES)] in OTHERS else 1 for i in range(people))
    rows, seconds = await asyncio.to_thread(raw, folder / "raw.db", parts)
    plain = people / seconds
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    size = (folder / "broadcaster.db").stat().st_size / 1e6
    print(
        f"{people:,} people, {len(LANGUAGES)} languages, {parts:,} receipts: {total:.1f} s"
        f" ({people / total:,.0f} people/s; all taken after {taken:.1f} s),"
        f" CPU {cpu:.1f} s, RSS {after.ru_maxrss / 1024:.0f} MB, database {size:.0f} MB,"
        f" sign-up {signed:.1f} s;"
        f" application loop late by {lags[len(lags) * 99 // 100]:.1f} ms (99 %),"
        f" {lags[-1]:.1f} ms (worst); raw SQLite ({rows:,} rows, commits of 50) {seconds:.1f} s,"
        f" ratio {people / total / plain:.2f}",
        flush=True,
    )


def raw(path: Path, parts: int) -> tuple[int, float]:
    """The ids of all parts into one table and their receipts, in commits of one batch each."""
    db = apsw.Connection(str(path))
    db.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE t(reference TEXT PRIMARY KEY, state INTEGER) STRICT, WITHOUT ROWID")
    begin = time.perf_counter()
    for statement in (
        "INSERT INTO t VALUES (?1, 3)",
        "UPDATE t SET state=5 WHERE reference=?1",
    ):
        for first in range(0, parts, 50):
            names = [
                (f"{n * 0x9E3779B97F4A7C15 % 2**64:016x}",)
                for n in range(first + 1, min(first + 51, parts + 1))
            ]
            db.execute("BEGIN IMMEDIATE")
            db.executemany(statement, names)
            db.execute("COMMIT")
    seconds = time.perf_counter() - begin
    db.close()
    return 2 * parts, seconds


def run() -> None:
    """Each size in a process of its own, so that its memory is its own."""
    for people in SIZES:
        subprocess.run([sys.executable, "-m", "benchmarks.sms", str(people)], check=True)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUTF8", "1")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(send(Path(folder), int(sys.argv[1])))
