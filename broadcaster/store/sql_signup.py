"""The statements of sign-ups that wait for their code.

A code proves that whoever typed a number into a page also holds that phone.  Until then nothing is
known of the number but that somebody asked, so its row is erased soon after, used or not; only the
keyed tag stays for a day, to count what was sent to it.
"""

from __future__ import annotations

import dataclasses
import hmac
import json
from datetime import datetime, timedelta
from typing import Any

import apsw

from broadcaster.store import sql_subscribers
from broadcaster.store.addresses import AddressBook
from broadcaster.store.port import Answered, Asked, SignUp, Subscription

HOUR = timedelta(hours=1).total_seconds()
DAY = timedelta(days=1).total_seconds()


def sign_up(
    db: apsw.Connection,
    book: AddressBook,
    one: SignUp,
    now: datetime,
    per_number: int,
    per_hour: int,
) -> Asked:
    """See :meth:`broadcaster.store.port.Store.sign_up`."""
    at = now.timestamp()
    tags = book.tags(one.wish.address)
    all_: Any = db.execute(
        "SELECT count(*) FROM signup WHERE sent=1 AND asked_at>?", (at - HOUR,)
    ).fetchone()
    same: Any = db.execute(
        "SELECT count(*) FROM signup WHERE tag IN (?,?) AND sent=1 AND asked_at>?",
        (*tags, at - DAY),
    ).fetchone()
    known = db.execute(
        "SELECT 1 FROM subscriber WHERE channel=? AND tag IN (?,?)", (one.channel, *tags)
    ).fetchone()
    if all_[0] >= per_hour:
        return Asked.FULL
    sent = same[0] < per_number and (known is not None or not one.leaves)
    wish = {k: v for k, v in dataclasses.asdict(one.wish).items() if k != "address"}
    # The same work whether or not anything is sent.  What is not sent can never be confirmed:
    # its row holds no code that any digits lead to.
    db.execute(
        "INSERT INTO signup VALUES (?,?,?,?,iif(?, ?, randomblob(32)),?,?,0,0,?,?,?)",
        (
            one.id,
            one.channel,
            tags[0],
            book.seal(one.wish.address),
            sent,
            one.code,
            json.dumps(wish),
            one.leaves,
            sent,
            at,
            one.expires.timestamp(),
        ),
    )
    return Asked.SEND if sent else Asked.QUIET


def confirm(
    db: apsw.Connection, book: AddressBook, id_: bytes, code: bytes, now: datetime, tries: int
) -> Answered:
    """See :meth:`broadcaster.store.port.Store.confirm`."""
    row = db.execute(
        "SELECT channel, address, code, wish, leaves, used FROM signup"
        " WHERE id=? AND expires_at>? AND tries<?",
        (id_, now.timestamp(), tries),
    ).fetchone()
    if row is None:
        return Answered.WRONG
    channel, sealed, expected, wish, leaves, used = row
    db.execute("UPDATE signup SET tries=tries+1 WHERE id=?", (id_,))
    if not hmac.compare_digest(expected, code):
        return Answered.WRONG
    if used:
        return Answered.AGAIN
    address = book.open(sealed)
    if leaves:
        sql_subscribers.unsubscribe(db, book, channel, address)
    else:
        wanted: dict[str, Any] = json.loads(wish)
        tuples = {name: tuple(v) for name, v in wanted.items() if isinstance(v, list)}
        subscription = Subscription(address=address, **wanted | tuples)
        sql_subscribers.subscribe(db, book, channel, [subscription], now)
    db.execute("UPDATE signup SET used=1, address=x'', wish='' WHERE id=?", (id_,))
    return Answered.RIGHT


def forget(db: apsw.Connection, now: datetime) -> None:
    """See :meth:`broadcaster.store.port.Store.forget_sign_ups`."""
    at = now.timestamp()
    db.execute(
        "UPDATE signup SET address=x'', code=x'', wish='' WHERE expires_at<=? AND code<>x''", (at,)
    )
    db.execute("DELETE FROM signup WHERE asked_at<=?", (at - DAY,))
