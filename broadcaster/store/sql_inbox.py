"""The statements of the inbox, and the inbox itself."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol, TypeVar

import apsw

from broadcaster.store import sql_audit, sql_subscribers
from broadcaster.store.addresses import AddressBook
from broadcaster.store.inbox import KEPT, PAUSE_BETWEEN_ANSWERS, Answer, Deed, Message
from broadcaster.store.port import Subscription

T = TypeVar("T")
AT_ONCE = 100
"""Messages opened at once."""


def keep(
    db: apsw.Connection,
    book: AddressBook,
    channel: str,
    key: str,
    address: str,
    text: str,
    now: datetime,
) -> bool:
    """See :meth:`Inbox.keep`."""
    tags = book.tags(_name(channel, key, address))
    if db.execute("SELECT 1 FROM inbox WHERE tag IN (?,?)", tags).fetchone():
        return False
    db.execute(
        "INSERT INTO inbox(channel, tag, sender, message, state, heard_at) VALUES (?,?,?,?,?,?)",
        (
            channel,
            tags[0],
            book.tag(address),
            book.seal(json.dumps([address, text, key])),
            "new",
            now.timestamp(),
        ),
    )
    return True


def new(
    db: apsw.Connection, book: AddressBook, channel: str, public: str, after: int
) -> tuple[Message, ...]:
    """See :meth:`Inbox.new`."""
    rows: Any = db.execute(
        "SELECT id, message FROM inbox WHERE channel=? AND state='new' AND id>?"
        f" ORDER BY id LIMIT {AT_ONCE}",
        (channel, after),
    ).fetchall()
    found = []
    for number, sealed in rows:
        address, text, _ = json.loads(book.open(sealed))
        language: Any = db.execute(
            "SELECT g.language FROM subscriber AS s JOIN segment AS g ON g.id=s.segment"
            " WHERE s.channel=? AND s.tag IN (?,?)",
            (public, *book.tags(address)),
        ).fetchone()
        found.append(
            Message(
                id=number, address=address, text=text, language=language[0] if language else None
            )
        )
    return tuple(found)


def act(
    db: apsw.Connection, book: AddressBook, id_: int, public: str, deed: Deed, now: datetime
) -> bool:
    """See :meth:`Inbox.act`."""
    row: Any = db.execute("SELECT message FROM inbox WHERE id=? AND state='new'", (id_,)).fetchone()
    if row is None:  # overtaken by the same number's wish to leave
        return True
    address, _, _ = json.loads(book.open(row[0]))
    if deed.erase:
        tags = book.tags(address)
        # From every channel: the answer says that the number was deleted.
        db.execute(
            "DELETE FROM subscriber WHERE tag IN (?,?)"
            " AND channel IN (SELECT DISTINCT channel FROM segment)",
            tags,
        )
        # What the same number wrote before is done with: it must not bring the number back.
        _overwrite(db, "sender IN (?,?) AND id<? AND state='new'", (*tags, id_))
    elif deed.speaks and not _speak(db, book, public, address, deed, now):
        return False
    db.execute(
        "UPDATE inbox SET state='decided', command=?, answer=?, language=? WHERE id=?",
        (deed.command, deed.answer, deed.language, id_),
    )
    if not deed.answer:
        _overwrite(db, "id=?", (id_,))
    return True


def take_answer(
    db: apsw.Connection, book: AddressBook, channel: str, now: datetime
) -> Answer | None:
    """See :meth:`Inbox.take_answer`."""
    while True:
        row: Any = db.execute(
            "SELECT id, tag, message, command, answer, language FROM inbox"
            " WHERE channel=? AND state='decided' ORDER BY id LIMIT 1",
            (channel,),
        ).fetchone()
        if row is None:
            return None
        number, tag, sealed, command, answer, language = row
        address, _, _ = json.loads(book.open(sealed))
        lately = db.execute(
            "SELECT 1 FROM inbox WHERE sender IN (?,?) AND command=? AND answered_at>? LIMIT 1",
            (*book.tags(address), command, (now - PAUSE_BETWEEN_ANSWERS).timestamp()),
        ).fetchone()
        if lately:
            _overwrite(db, "id=?", (number,))
            continue
        db.execute(
            "UPDATE inbox SET state='answering', answered_at=? WHERE id=?",
            (now.timestamp(), number),
        )
        return Answer(
            id=number, key=f"said.{tag.hex()}", address=address, answer=answer, language=language
        )


def settle(db: apsw.Connection, id_: int) -> None:
    """See :meth:`Inbox.settle`."""
    _overwrite(db, "id=?", (id_,))


def interrupted(db: apsw.Connection, channel: str) -> int:
    """See :meth:`Inbox.interrupted`."""
    return _overwrite(db, "channel=? AND state='answering'", (channel,))


def forget(db: apsw.Connection, now: datetime) -> dict[str, int]:
    """See :meth:`Inbox.forget`."""
    old = ((now - KEPT).timestamp(),)
    gone = _count(db, "WHERE heard_at<?", old)
    if gone:
        db.execute("DELETE FROM inbox WHERE heard_at<?", old)
        sql_audit.append(db, "inbox", "forget", "messages", gone, now)
    return gone


def counts(db: apsw.Connection) -> dict[str, int]:
    """See :meth:`Inbox.counts`."""
    return _count(db, "", ())


def _count(db: apsw.Connection, where: str, values: Iterable[Any]) -> dict[str, int]:
    rows: Any = db.execute(
        f"SELECT ifnull(nullif(command, ''), state), count(*) FROM inbox {where} GROUP BY 1",
        tuple(values),
    )
    return dict(rows)


def reseal(db: apsw.Connection, book: AddressBook) -> None:
    """Seal and tag anew what is not settled.

    Of settled messages nothing is left that a new tag could be made from: one that a far side
    hands over once more after a change of the key is answered once more.
    """
    rows: Any = db.execute("SELECT id, channel, message FROM inbox WHERE message<>x''").fetchall()
    for number, channel, sealed in rows:
        if book.current(sealed):
            continue
        plain = book.open(sealed)
        address, _, key = json.loads(plain)
        db.execute(
            "UPDATE inbox SET tag=?, sender=?, message=? WHERE id=?",
            (
                book.tag(_name(channel, key, address)),
                book.tag(address),
                book.seal(plain),
                number,
            ),
        )


def _name(channel: str, key: str, address: str) -> str:
    """What makes a message the same one.

    The sender is part of it: far sides number the messages of each phone from one at times.
    """
    return json.dumps([channel, key, address])


def _speak(
    db: apsw.Connection,
    book: AddressBook,
    public: str,
    address: str,
    deed: Deed,
    now: datetime,
) -> bool:
    """Subscribe, or change the language of a subscription; false while a warning passes by."""
    found = sql_subscribers.known(db, book, public, address)
    if found is None:
        if not deed.subscribes:
            return True
        wish = Subscription(address=address, language=deed.speaks, variant=deed.variant)
    else:
        (segment, _), has = found[0].place, found[0].wish
        if has.language == deed.speaks:
            return True
        # Whoever moves to another segment while a warning goes out would be passed over.
        if db.execute(
            "SELECT 1 FROM chunk WHERE channel=?1 AND state='ready' AND segment=?2"
            " UNION ALL SELECT 1 FROM chunk WHERE state='leased' AND segment=?2 LIMIT 1",
            (public, segment),
        ).fetchone():
            return False
        others = tuple(tag for tag in has.others if tag != deed.speaks)
        wish = replace(has, language=deed.speaks, others=others)
    sql_subscribers.subscribe(db, book, public, [wish], now)
    return True


def _overwrite(db: apsw.Connection, which: str, values: tuple[Any, ...]) -> int:
    """Settle messages: the database overwrites what a row no longer holds (secure_delete)."""
    db.execute(f"UPDATE inbox SET state='settled', message=x'' WHERE {which}", values)
    return db.changes()


class Writing(Protocol):
    """How a job gets to the database, one at a time."""

    def __call__(self, job: Callable[[apsw.Connection], T], /) -> Awaitable[T]:
        """What the job gives, after its transaction is durable."""
        ...


class SqliteInbox:
    """:class:`broadcaster.store.inbox.Inbox` in the tables of a store."""

    def __init__(
        self,
        book: Callable[[], AddressBook],
        write: Writing,
        read: Writing,
        anchor: Callable[[], None],
    ) -> None:
        """``book`` gives the keys of the day; ``anchor`` follows an entry in the record."""
        self._book, self._write, self._read = book, write, read
        self._anchor = anchor

    async def keep(self, channel: str, key: str, address: str, text: str, now: datetime) -> bool:
        """See :meth:`Inbox.keep`."""
        return await self._write(
            lambda db: keep(db, self._book(), channel, key, address, text, now)
        )

    async def new(self, channel: str, public: str, after: int) -> tuple[Message, ...]:
        """See :meth:`Inbox.new`."""
        return await self._read(lambda db: new(db, self._book(), channel, public, after))

    async def act(self, id_: int, public: str, deed: Deed, now: datetime) -> bool:
        """See :meth:`Inbox.act`."""
        return await self._write(lambda db: act(db, self._book(), id_, public, deed, now))

    async def take_answer(self, channel: str, now: datetime) -> Answer | None:
        """See :meth:`Inbox.take_answer`."""
        return await self._write(lambda db: take_answer(db, self._book(), channel, now))

    async def settle(self, id_: int) -> None:
        """See :meth:`Inbox.settle`."""
        await self._write(lambda db: settle(db, id_))

    async def interrupted(self, channel: str) -> int:
        """See :meth:`Inbox.interrupted`."""
        return await self._write(lambda db: interrupted(db, channel))

    async def forget(self, now: datetime) -> Mapping[str, int]:
        """See :meth:`Inbox.forget`."""
        gone = await self._write(lambda db: forget(db, now))
        if gone:
            self._anchor()
        return gone

    async def counts(self) -> Mapping[str, int]:
        """See :meth:`Inbox.counts`."""
        return await self._read(counts)
