"""The Store on one SQLite file: WAL, synchronous FULL, one writer thread.

The driver is the apsw wheel, which carries its own SQLite: versions 3.7.0 to 3.51.2, the system's
and the standard library's among them, can corrupt a WAL database when two connections checkpoint
at the same instant.  There is no fallback to the standard library's module for that reason.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import apsw

from broadcaster.model.errors import Problem, Unavailable
from broadcaster.store import (
    audit,
    sql_alerts,
    sql_audit,
    sql_chunks,
    sql_inbox,
    sql_receipts,
    sql_rotation,
    sql_signup,
    sql_subscribers,
)
from broadcaster.store.addresses import AddressBook, load_secret, sync
from broadcaster.store.inbox import Inbox
from broadcaster.store.port import (
    Answered,
    Asked,
    AuditEntry,
    Chunk,
    Evidence,
    Gap,
    Learnt,
    Line,
    NewAlert,
    Parts,
    Remark,
    SignUp,
    StoredAlert,
    StoredRendition,
    Subscriber,
    Subscription,
    Told,
)
from broadcaster.store.writer import Worker

T = TypeVar("T")
log = logging.getLogger(__name__)


class SqliteStore:
    """:class:`broadcaster.store.port.Store` on ``broadcaster.db`` in the data folder.

    May be used from any event loop of the process.
    """

    def __init__(self, folder: Path) -> None:
        """Open or create the database.  Raises ``Unavailable`` with a remedy when that fails."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(
                Problem(
                    "data",
                    f"the data folder {folder} cannot be made: {error.strerror}",
                    "name a folder you may write with --data",
                )
            ) from error
        self._path = folder / "broadcaster.db"
        self._head = folder / "audit.head"
        self._key = folder / "keys" / "addresses.key"
        self._next_key = folder / "keys" / "addresses.next.key"
        self._book = AddressBook(load_secret(self._key))
        if self._next_key.exists():
            self._book = AddressBook(load_secret(self._next_key), load_secret(self._key))
        self._writer = Worker("write", self._connect, writes=True)
        self._reader = Worker("read", self._connect_reader, writes=False)
        self._inbox = sql_inbox.SqliteInbox(
            lambda: self._book, self._write, self._read, self._anchor
        )

    @property
    def inbox(self) -> Inbox:
        """See :attr:`Store.inbox`."""
        return self._inbox

    def _connect(self) -> apsw.Connection:
        with suppress(OSError):  # what stands in the way is told by SQLite in its own words
            self._path.touch(mode=0o600, exist_ok=True)
        db = apsw.Connection(str(self._path))
        db.set_busy_timeout(5000)
        db.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON")
        # Ids of parts come in no order: without room for their index every one reads the disk.
        db.execute("PRAGMA cache_size=-65536; PRAGMA wal_autocheckpoint=8000")
        db.execute("PRAGMA secure_delete=ON")  # an erased address is overwritten, not just unlinked
        for (answer,) in db.execute("PRAGMA quick_check(1)"):
            if answer != "ok":
                raise apsw.CorruptError(str(answer))
        _migrate(db)
        return db

    def _connect_reader(self) -> apsw.Connection:
        db = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READONLY)
        db.set_busy_timeout(5000)
        db.execute("PRAGMA wal_autocheckpoint=0")  # only the writer may checkpoint
        return db

    async def _write(self, job: Callable[[apsw.Connection], T]) -> T:
        return await asyncio.wrap_future(self._writer.submit(job))

    async def _read(self, job: Callable[[apsw.Connection], T]) -> T:
        future: Future[T] = self._reader.submit(job)
        return await asyncio.wrap_future(future)

    async def take_in(self, raw: bytes, origin: str, now: datetime) -> int:
        """See :meth:`Store.take_in`."""
        number = await self._write(lambda db: sql_alerts.take_in(db, raw, origin, now))
        self._anchor()
        return number

    async def took(self, intake: int, outcome: str) -> None:
        """See :meth:`Store.took`."""
        await self._write(lambda db: sql_alerts.took(db, intake, outcome))

    async def committed_from(self, origin: str) -> str | None:
        """See :meth:`Store.committed_from`."""
        return await self._read(lambda db: sql_alerts.committed_from(db, origin))

    async def unfinished(self) -> Sequence[tuple[int, str, str]]:
        """See :meth:`Store.unfinished`."""
        return await self._read(sql_alerts.unfinished)

    async def commit(
        self, alert: NewAlert, now: datetime, *, hold: bool, detail: Mapping[str, Any]
    ) -> None:
        """See :meth:`Store.commit`."""
        await self._write(lambda db: sql_alerts.commit(db, alert, now, hold, detail))
        self._anchor()

    async def release(
        self, identifier: str, officer: str, now: datetime, detail: Mapping[str, Any]
    ) -> None:
        """See :meth:`Store.release`."""
        await self._write(lambda db: sql_alerts.release(db, identifier, officer, now, detail))
        self._anchor()

    async def withdraw(self, identifier: str, officer: str, now: datetime, reason: str) -> None:
        """See :meth:`Store.withdraw`."""
        await self._write(lambda db: sql_alerts.withdraw(db, identifier, officer, now, reason))
        self._anchor()

    async def alert(self, identifier: str) -> StoredAlert | None:
        """See :meth:`Store.alert`."""
        return await self._read(lambda db: sql_alerts.find(db, identifier))

    async def alerts(self) -> Sequence[StoredAlert]:
        """See :meth:`Store.alerts`."""
        return await self._read(sql_alerts.newest_first)

    async def thread(self, thread: str) -> Sequence[StoredAlert]:
        """See :meth:`Store.thread`."""
        return await self._read(lambda db: sql_alerts.thread(db, thread))

    async def relayed(self, origin: str) -> StoredAlert | None:
        """See :meth:`Store.relayed`."""
        return await self._read(lambda db: sql_alerts.relayed(db, origin))

    async def referred(self, sender: str, identifier: str) -> StoredAlert | None:
        """See :meth:`Store.referred`."""
        return await self._read(lambda db: sql_alerts.referred(db, sender, identifier))

    async def renditions(self, identifier: str, channel: str) -> Sequence[StoredRendition]:
        """See :meth:`Store.renditions`."""
        return await self._read(lambda db: sql_alerts.renditions(db, identifier, channel))

    async def claim(
        self,
        channel: str,
        now: datetime,
        *,
        owner: str,
        lease: float,
        urgent_only: bool,
        harmless: bool,
    ) -> Chunk | None:
        """See :meth:`Store.claim`."""
        return await self._write(
            lambda db: sql_chunks.claim(
                db, self._book, channel, now, owner, lease, urgent_only, harmless
            )
        )

    async def progress(
        self,
        chunk: Chunk,
        *,
        remarks: Sequence[Remark],
        parts: Sequence[Parts] = (),
        now: datetime,
        lease: float,
    ) -> bool:
        """See :meth:`Store.progress`."""
        return await self._write(
            lambda db: sql_chunks.save(db, self._book, chunk, remarks, parts, now, lease)
        )

    async def finish(
        self,
        chunk: Chunk,
        *,
        remarks: Sequence[Remark],
        parts: Sequence[Parts] = (),
        now: datetime,
        again: datetime | None,
        reason: str,
    ) -> None:
        """See :meth:`Store.finish`."""
        await self._write(
            lambda db: sql_chunks.finish(db, chunk, remarks, parts, now, again, reason)
        )

    async def void_leases(self, now: datetime) -> int:
        """See :meth:`Store.void_leases`."""
        return await self._write(lambda db: sql_chunks.void_leases(db, now))

    async def receive(self, channel: str, evidence: Sequence[Evidence], now: datetime) -> Learnt:
        """See :meth:`Store.receive`."""
        return await self._write(lambda db: sql_receipts.receive(db, channel, evidence, now))

    async def tally(self, channel: str) -> Mapping[str, int]:
        """See :meth:`Store.tally`."""
        return await self._read(lambda db: sql_receipts.tally(db, channel))

    async def sweep(self, now: datetime) -> None:
        """See :meth:`Store.sweep`."""
        more = True
        while more:  # in steps, so that whoever waits to write goes between
            more = await self._write(lambda db: sql_receipts.sweep(db, now))

    async def report(self, identifier: str) -> tuple[Sequence[Line], Sequence[Gap]]:
        """See :meth:`Store.report`."""
        return await self._read(
            lambda db: (sql_chunks.lines(db, identifier), sql_alerts.gaps(db, identifier))
        )

    async def published(self, channel: str) -> Sequence[StoredAlert]:
        """See :meth:`Store.published`."""
        return await self._read(lambda db: sql_alerts.published(db, channel))

    async def republish(
        self, identifier: str, channels: Sequence[str], why: str, now: datetime, *, after_end: bool
    ) -> bool:
        """See :meth:`Store.republish`."""
        return await self._write(
            lambda db: sql_alerts.republish(db, identifier, channels, why, now, after_end)
        )

    async def next_due(self, now: datetime) -> datetime | None:
        """See :meth:`Store.next_due`."""
        return await self._read(lambda db: sql_alerts.next_due(db, now))

    async def record(
        self, actor: str, action: str, subject: str, detail: Mapping[str, Any], now: datetime
    ) -> None:
        """See :meth:`Store.record`."""
        await self._write(lambda db: sql_audit.append(db, actor, action, subject, detail, now))
        self._anchor()

    async def audit(self) -> Sequence[AuditEntry]:
        """See :meth:`Store.audit`."""
        return await self._read(sql_audit.entries)

    async def verify(self) -> Sequence[str]:
        """See :meth:`Store.verify`."""
        # The head is read in the reader's thread, after everything that was to be written to it.
        return await self._read(
            lambda db: (
                audit.contradictions(sql_audit.entries(db), self._read_head())
                + sql_audit.contradictions(db)
            )
        )

    async def subscribe(
        self, channel: str, subscriptions: Sequence[Subscription], now: datetime
    ) -> int:
        """See :meth:`Store.subscribe`."""
        return await self._write(
            lambda db: sql_subscribers.subscribe(db, self._book, channel, subscriptions, now)
        )

    async def unsubscribe(self, channel: str, address: str) -> bool:
        """See :meth:`Store.unsubscribe`."""
        return await self._write(
            lambda db: sql_subscribers.unsubscribe(db, self._book, channel, address)
        )

    async def subscribers(self, channel: str) -> Mapping[tuple[str, str], int]:
        """See :meth:`Store.subscribers`."""
        return await self._read(lambda db: sql_subscribers.counts(db, channel))

    async def listed(
        self,
        channel: str,
        *,
        after: tuple[int, int] = (0, -1),
        limit: int,
        language: str = "",
        area: str = "",
    ) -> Sequence[Subscriber]:
        """See :meth:`Store.listed`."""
        return await self._read(
            lambda db: sql_subscribers.listed(db, self._book, channel, after, limit, language, area)
        )

    async def known(self, channel: str, address: str) -> tuple[Subscriber, Sequence[Told]] | None:
        """See :meth:`Store.known`."""
        return await self._read(lambda db: sql_subscribers.known(db, self._book, channel, address))

    async def traces(self, channel: str, address: str) -> Sequence[Mapping[str, Any]]:
        """See :meth:`Store.traces`."""
        return await self._read(lambda db: sql_rotation.traces(db, self._book, channel, address))

    async def short_tag(self, address: str) -> str:
        """See :meth:`Store.short_tag`."""
        return self._book.tag(address).hex()[:8]

    async def rotating(self) -> bool:
        """See :meth:`Store.rotating`."""
        return await asyncio.to_thread(self._next_key.exists)

    async def rotate_key(self) -> int:
        """See :meth:`Store.rotate_key`."""
        secret = await asyncio.to_thread(load_secret, self._next_key)
        older = await asyncio.to_thread(load_secret, self._key)
        # Swapped between two transactions: none sees half of it.
        await self._write(lambda _: self._use(AddressBook(secret, older)))
        changed = after = 0
        while step := await self._reseal(after):
            after, many = step
            changed += many
        await self._write(lambda db: sql_rotation.others(db, self._book))
        await asyncio.to_thread(self._give_up_old_key)
        await self._write(lambda _: self._use(AddressBook(secret)))
        return changed

    async def _reseal(self, after: int) -> tuple[int, int] | None:
        return await self._write(lambda db: sql_rotation.segment(db, self._book, after))

    def _use(self, book: AddressBook) -> None:
        self._book = book

    def _give_up_old_key(self) -> None:
        os.replace(self._next_key, self._key)
        sync(self._key.parent)

    async def sign_up(
        self, signup: SignUp, now: datetime, *, per_number: int, per_hour: int
    ) -> Asked:
        """See :meth:`Store.sign_up`."""
        return await self._write(
            lambda db: sql_signup.sign_up(db, self._book, signup, now, per_number, per_hour)
        )

    async def confirm(self, id_: bytes, code: bytes, now: datetime, *, tries: int) -> Answered:
        """See :meth:`Store.confirm`."""
        return await self._write(
            lambda db: sql_signup.confirm(db, self._book, id_, code, now, tries)
        )

    async def forget_sign_ups(self, now: datetime) -> None:
        """See :meth:`Store.forget_sign_ups`."""
        await self._write(lambda db: sql_signup.forget(db, now))

    async def close(self) -> None:
        """See :meth:`Store.close`."""
        self._reader.close()
        self._writer.close()  # last, because only a writer can fold the WAL into the database

    def _anchor(self) -> None:
        """Name the newest audit entry outside the database, so that a cut-off end is found.

        Nobody waits for it: it may lag behind the commit, because an older head still holds.
        The reader's thread works in order and ends with the last of these.
        """
        self._reader.submit(self._write_head)

    def _write_head(self, db: apsw.Connection) -> None:
        """Runs in the reader's thread, so that two event loops never write it at once."""
        newest = db.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
        known = self._read_head()
        if known and not db.execute("SELECT 1 FROM audit WHERE seq=? AND hash=?", known).fetchone():
            # The record was cut off.  A new head would hide that for ever.
            log.error("the audit record does not hold the entry that audit.head names")
            return
        temporary = self._head.with_suffix(".part")
        try:
            temporary.write_text(json.dumps(newest), encoding="ascii")
            os.replace(temporary, self._head)
        except OSError as error:  # what was committed stays committed
            log.warning("audit.head could not be written: %s", error.strerror)

    def _read_head(self) -> tuple[int, str] | None:
        try:
            seq, digest = json.loads(self._head.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None
        return int(seq), str(digest)


def _migrate(db: apsw.Connection) -> None:
    """Bring the schema up to date: numbered files, each in one transaction."""
    version = int(db.pragma("user_version"))
    folder = files("broadcaster.store").joinpath("migrations")
    steps = sorted(int(f.name[:4]) for f in folder.iterdir() if f.name.endswith(".sql"))
    if version > max(steps):
        raise Unavailable(
            Problem(
                "database",
                f"was written by a newer Broadcaster (schema {version})",
                "install that version, or restore a backup made before it ran",
            )
        )
    for step in steps:
        if step > version:
            sql = folder.joinpath(f"{step:04}.sql").read_text(encoding="utf-8")
            db.execute(f"BEGIN IMMEDIATE; {sql}; PRAGMA user_version={step}; COMMIT")
