"""The statements of the subscription list, kept in segments of at most 500."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import apsw

from broadcaster.store.addresses import AddressBook
from broadcaster.store.port import Subscription

SEGMENT = 500
"""Recipients of one chunk: small enough to bound a crash, large enough to cost nothing."""


def subscribe(
    db: apsw.Connection,
    book: AddressBook,
    channel: str,
    wanted: Sequence[Subscription],
    now: datetime,
) -> int:
    """Add or change; how many are new."""
    since = now.isoformat(timespec="seconds")
    new = 0
    room: dict[tuple[str, str], tuple[int, int]] = {}
    for one in wanted:
        tag = book.tag(one.address)
        kind = (one.language, one.variant)
        if _change(db, channel, tag, kind, one):
            continue
        new += not _erase(db, channel, tag)
        segment, size = room.get(kind) or _open_segment(db, channel, kind)
        db.execute(
            "INSERT INTO subscriber VALUES (?,?,?,?,?,?,?,?,?)",
            (
                segment,
                size,
                channel,
                tag,
                book.seal(one.address),
                " ".join(one.areas),
                " ".join(one.hazards),
                one.minimum,
                since,
            ),
        )
        size += 1
        db.execute("UPDATE segment SET size=? WHERE id=?", (size, segment))
        if size < SEGMENT:
            room[kind] = (segment, size)
        else:
            room.pop(kind, None)
    return new


def unsubscribe(db: apsw.Connection, book: AddressBook, channel: str, address: str) -> bool:
    """Erase an address for good."""
    return _erase(db, channel, book.tag(address))


def counts(db: apsw.Connection, channel: str) -> Mapping[tuple[str, str], int]:
    """Subscribers per language and variant."""
    return {
        (language, variant): n
        for language, variant, n in db.execute(
            "SELECT g.language, g.variant, count(*) FROM subscriber AS s JOIN segment AS g"
            " ON g.id = s.segment WHERE s.channel=? GROUP BY 1, 2 ORDER BY 1, 2",
            (channel,),
        )
    }


def _change(
    db: apsw.Connection, channel: str, tag: bytes, kind: tuple[str, str], one: Subscription
) -> bool:
    """Change a subscription where it stands.

    Its place must stay while a warning is going out, or its owner would be passed over.  Only
    another language or variant needs another segment.
    """
    db.execute(
        "UPDATE subscriber SET areas=?, hazards=?, minimum=? WHERE channel=? AND tag=?"
        " AND segment IN (SELECT id FROM segment WHERE language=? AND variant=?)",
        (" ".join(one.areas), " ".join(one.hazards), one.minimum, channel, tag, *kind),
    )
    return db.changes() > 0


def _erase(db: apsw.Connection, channel: str, tag: bytes) -> bool:
    db.execute("DELETE FROM subscriber WHERE channel=? AND tag=?", (channel, tag))
    return db.changes() > 0


def _open_segment(db: apsw.Connection, channel: str, kind: tuple[str, str]) -> tuple[int, int]:
    row = db.execute(
        "SELECT id, size FROM segment WHERE channel=? AND language=? AND variant=? AND size<?"
        " ORDER BY id LIMIT 1",
        (channel, *kind, SEGMENT),
    ).fetchone()
    if row:
        return row[0], row[1]
    db.execute(
        "INSERT INTO segment(channel, language, variant, size) VALUES (?,?,?,0)", (channel, *kind)
    )
    return db.last_insert_rowid(), 0
