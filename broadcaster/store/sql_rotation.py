"""The statements that go through everything stored under an address: a new key, an answer.

Each step of a new key is a transaction of its own and may be done again: what is sealed with it
already is left alone.
"""

from __future__ import annotations

import json
from typing import Any

import apsw

from broadcaster.store import sql_inbox
from broadcaster.store.addresses import AddressBook


def segment(db: apsw.Connection, book: AddressBook, after: int) -> tuple[int, int] | None:
    """The next segment of subscribers: its number and how many changed; ``None`` at the end."""
    row: Any = db.execute("SELECT min(id) FROM segment WHERE id>?", (after,)).fetchone()
    number: int | None = row[0]
    if number is None:
        return None
    rows: Any = db.execute(
        "SELECT position, address FROM subscriber WHERE segment=?", (number,)
    ).fetchall()
    old = [(position, book.open(sealed)) for position, sealed in rows if not book.current(sealed)]
    db.executemany(
        "UPDATE subscriber SET tag=?, address=? WHERE segment=? AND position=?",
        [(book.tag(address), book.seal(address), number, position) for position, address in old],
    )
    return number, len(old)


def others(db: apsw.Connection, book: AddressBook) -> None:
    """Sign-ups and messages that still hold an address: few, and short-lived.

    What holds none keeps its old tag and is found by nothing any more; it only counted how often
    somebody was answered, and goes by itself.
    """
    signups: Any = db.execute("SELECT id, address FROM signup WHERE address<>x''").fetchall()
    for number, sealed in signups:
        address = book.open(sealed)
        db.execute(
            "UPDATE signup SET tag=?, address=? WHERE id=?",
            (book.tag(address), book.seal(address), number),
        )
    sql_inbox.reseal(db, book)


def traces(
    db: apsw.Connection, book: AddressBook, channel: str, address: str
) -> list[dict[str, Any]]:
    """What is stored of messages from one address; of settled ones the text is gone already."""
    rows: Any = db.execute(
        "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', heard_at, 'unixepoch'), state, command,"
        " language, message FROM inbox WHERE channel=? AND sender IN (?,?) ORDER BY id",
        (channel, *book.tags(address)),
    )
    return [
        {
            "heard": heard,
            "state": state,
            "command": command,
            "language": language,
            "text": json.loads(book.open(sealed))[-1] if sealed else "",
        }
        for heard, state, command, language, sealed in rows
    ]
