"""The statements of the work queue: claim, save, give back.

Every write after a claim carries the fence of that claim.  A fence that no longer matches means
the lease is lost; a negative one means a newer alert superseded the work.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import apsw

from broadcaster.model.states import (
    CODES,
    MAY_HAVE_REACHED,
    NOT_ADDRESSED,
    OPEN,
    State,
    decode,
    moved,
    replace,
)
from broadcaster.store import sql_receipts, sql_subscribers
from broadcaster.store.addresses import AddressBook
from broadcaster.store.port import Chunk, Line, Parts, Remark
from broadcaster.store.sql_fanout import fresh, supersede

_CLAIM = """
SELECT id, alert, thread, channel, round, segment, items, priority, attempts, fence, expires_at,
       states, size, follows
FROM chunk AS c
WHERE channel = ?1 AND state = 'ready' AND due <= ?2 AND priority <= ?3
  AND NOT EXISTS (SELECT 1 FROM chunk AS d WHERE d.thread = c.thread AND d.channel = c.channel
                  AND d.state = 'leased' AND d.segment IS c.segment)
ORDER BY priority, id LIMIT 1
"""


def claim(
    db: apsw.Connection,
    book: AddressBook,
    channel: str,
    now: datetime,
    owner: str,
    lease: float,
    urgent_only: bool,
    harmless: bool,
) -> Chunk | None:
    """Lease the most urgent due chunk of a channel and open its addresses."""
    wanted_now = (channel, now.timestamp(), 0 if urgent_only else 9)
    row: Any = db.execute(_CLAIM, wanted_now).fetchone()
    while row is not None and _overtaken(db, row[0], now):
        supersede(db, row[0], row[11], row[12])
        row = db.execute(_CLAIM, wanted_now).fetchone()
    if row is None:
        return None
    (
        number,
        alert,
        thread,
        _,
        round_,
        segment,
        items,
        priority,
        attempts,
        fence,
        expires_at,
        states,
        size,
        follows,
    ) = row
    db.execute(
        "UPDATE chunk SET state='leased', owner=?, lease_until=?, fence=fence+1,"
        " attempts=attempts+1 WHERE id=?",
        (owner, now.timestamp() + lease, number),
    )
    chunk = Chunk(
        id=number,
        alert=alert,
        thread=thread,
        channel=channel,
        round=round_,
        segment=segment,
        items=tuple((language, variant) for language, variant in json.loads(items)),
        priority=priority,
        attempts=attempts + 1,
        fence=fence + 1,
        expires=datetime.fromtimestamp(expires_at, now.tzinfo) if expires_at else None,
        states=states if states is not None else fresh(size),
    )
    chunk.replaces = tuple(
        earlier
        for (earlier,) in db.execute(
            "SELECT DISTINCT alert FROM chunk WHERE thread=? AND channel=? AND segment IS ?"
            " AND alert<>? ORDER BY id",
            (thread, channel, segment, alert),
        )
    )
    if segment is not None:
        wanted = (
            {CODES[State.PLANNED], CODES[State.UNKNOWN]} if harmless else {CODES[State.PLANNED]}
        )
        chunk.recipients = _recipients(db, book, chunk, wanted, fresh_chunk=states is None)
    if follows:
        _only_followers(db, chunk)
    db.execute("UPDATE chunk SET states=? WHERE id=?", (chunk.states, number))
    return chunk


def _overtaken(db: apsw.Connection, chunk: int, now: datetime) -> bool:
    """Whether a later alert of the thread, scheduled when it was committed, is out by now.

    The announcement of an alert's own end, which outlives its expiry, is no older news.
    """
    return bool(
        db.execute(
            "SELECT 1 FROM chunk AS c JOIN alert AS a ON a.identifier = c.alert"
            " JOIN alert AS b ON b.thread = c.thread AND b.number > a.number"
            " WHERE c.id=? AND b.held=0 AND unixepoch(b.release_at) <= ?"
            " AND (c.expires_at IS NOT NULL OR a.expires IS NULL)",
            (chunk, now.timestamp()),
        ).fetchone()
    )


_ADDRESSES = (
    "SELECT position, address, areas, hazards, minimum FROM subscriber"
    " WHERE segment=? AND position<? ORDER BY position"
)


def _recipients(
    db: apsw.Connection, book: AddressBook, chunk: Chunk, wanted: set[int], *, fresh_chunk: bool
) -> dict[int, str]:
    """Open the addresses still to be reached; mark everybody the alert is not for."""
    rows: Any = db.execute(_ADDRESSES, (chunk.segment, len(chunk.states)))
    if not fresh_chunk:
        current = chunk.states
        found = {
            position: book.open(sealed)
            for position, sealed, *_ in rows
            if current[position] in wanted
        }
        # Somebody who left between two attempts is not addressed any more; what was already
        # sent to them stays in the record.
        planned = CODES[State.PLANNED]
        chunk.states = bytes(
            NOT_ADDRESSED if code == planned and position not in found else code
            for position, code in enumerate(current)
        )
        return found
    wanted_by = sql_subscribers.concerned(db, chunk.alert, chunk.thread)
    open_address = book.open
    found = {
        position: open_address(sealed)
        for position, sealed, areas, hazards, minimum in rows
        if wanted_by(areas, hazards, minimum)
    }
    if len(found) < len(chunk.states):
        planned = CODES[State.PLANNED]
        chunk.states = bytes(
            planned if position in found else NOT_ADDRESSED for position in range(len(chunk.states))
        )
    return found


def _only_followers(db: apsw.Connection, chunk: Chunk) -> None:
    """A Cancel goes where an earlier alert of the thread was, or may have been, received."""
    may = {CODES[state] for state in MAY_HAVE_REACHED}
    reached = bytearray(len(chunk.states))
    anything = False
    for (states,) in db.execute(
        "SELECT states FROM chunk WHERE thread=? AND channel=? AND segment IS ? AND alert<>?"
        " AND states IS NOT NULL",
        (chunk.thread, chunk.channel, chunk.segment, chunk.alert),
    ):
        for position, code in enumerate(states[: len(reached)]):
            if code in may:
                reached[position] = 1
                anything = True
    if chunk.segment is None:
        # One area: if any language of the warning left, every language of the all-clear goes.
        if not anything:
            chunk.states = replace(chunk.states, [State.PLANNED], State.SUPERSEDED)
        return
    planned, superseded = CODES[State.PLANNED], CODES[State.SUPERSEDED]
    chunk.states = bytes(
        superseded if code == planned and not reached[position] else code
        for position, code in enumerate(chunk.states)
    )
    chunk.recipients = {p: a for p, a in chunk.recipients.items() if reached[p]}


def save(
    db: apsw.Connection,
    book: AddressBook,
    chunk: Chunk,
    remarks: Sequence[Remark],
    parts: Sequence[Parts],
    now: datetime,
    lease: float,
) -> bool:
    """Save states and keep the lease; false when the work must stop.

    Who left since the chunk was claimed is not attempted.
    """
    if chunk.segment is not None:
        _let_go(db, book, chunk)
    fence = _write(db, chunk, remarks, parts, now)
    if fence == chunk.fence:
        db.execute("UPDATE chunk SET lease_until=? WHERE id=?", (now.timestamp() + lease, chunk.id))
    return fence == chunk.fence


def _let_go(db: apsw.Connection, book: AddressBook, chunk: Chunk) -> None:
    """Take those who left out of what is about to be attempted.

    Somebody who only moved, to another language say, is told from the place left behind: nobody
    else tells them of this alert.
    """
    attempting = CODES[State.ATTEMPTING]
    first, last = chunk.states.find(attempting), chunk.states.rfind(attempting)
    if first < 0:
        return
    here = {
        position
        for (position,) in db.execute(
            "SELECT position FROM subscriber WHERE segment=? AND position BETWEEN ? AND ?",
            (chunk.segment, first, last),
        )
    }
    gone = [
        position
        for position in range(first, last + 1)
        if chunk.states[position] == attempting
        and position not in here
        and not db.execute(
            "SELECT 1 FROM subscriber WHERE channel=? AND tag IN (?,?)",
            (chunk.channel, *book.tags(chunk.recipients[position])),
        ).fetchone()
    ]
    if not gone:
        return
    row: Any = db.execute("SELECT states FROM chunk WHERE id=?", (chunk.id,)).fetchone()
    states = bytearray(chunk.states)
    for position in gone:
        # What may have been sent before stays in the record.
        stored = row[0][position]
        states[position] = NOT_ADDRESSED if stored == CODES[State.PLANNED] else stored
        del chunk.recipients[position]
    chunk.states = bytes(states)


def finish(
    db: apsw.Connection,
    chunk: Chunk,
    remarks: Sequence[Remark],
    parts: Sequence[Parts],
    now: datetime,
    again: datetime | None,
    reason: str,
) -> None:
    """Save states and give the chunk back."""
    fence = _write(db, chunk, remarks, parts, now)
    if fence == -chunk.fence:
        # Superseded while it was out: what has not left stays here.
        states = replace(chunk.states, [State.PLANNED], State.SUPERSEDED)
        db.execute(
            "UPDATE chunk SET state='superseded', states=?, owner=NULL, lease_until=NULL, reason=?"
            " WHERE id=?",
            (states, "a newer alert of the thread took its place", chunk.id),
        )
    elif fence == chunk.fence:
        db.execute(
            "UPDATE chunk SET state=?, due=ifnull(?, due), owner=NULL, lease_until=NULL, reason=?"
            " WHERE id=?",
            ("ready" if again else "done", again.timestamp() if again else None, reason, chunk.id),
        )
    sql_receipts.clear(db, chunk.channel)


def _write(
    db: apsw.Connection,
    chunk: Chunk,
    remarks: Sequence[Remark],
    parts: Sequence[Parts],
    now: datetime,
) -> int:
    """Write the states if the lease is still ours; give the fence found (0: the lease is lost).

    Even when the work was superseded meanwhile: what was sent, was sent.
    """
    row: Any = db.execute(
        "SELECT fence, state, states FROM chunk WHERE id=?", (chunk.id,)
    ).fetchone()
    fence: int = row[0]
    if abs(fence) != chunk.fence or row[1] != "leased":
        return 0
    if row[2] != chunk.states:
        # Evidence may have come meanwhile that is further than what the lane knows.
        table = _FURTHEST
        chunk.states = bytes([table[a << 4 | b] for a, b in zip(row[2], chunk.states, strict=True)])
    db.execute("UPDATE chunk SET states=? WHERE id=?", (chunk.states, chunk.id))
    db.executemany(
        "INSERT INTO remark VALUES (?,?,?,?,?,?) ON CONFLICT(chunk, position) DO UPDATE SET"
        " state=excluded.state, reason=excluded.reason, reference=excluded.reference,"
        " at=excluded.at",
        [
            (
                chunk.id,
                r.position,
                r.state.value,
                r.reason,
                r.reference,
                now.isoformat(timespec="seconds"),
            )
            for r in remarks
        ],
    )
    if parts:
        sql_receipts.keep(db, chunk, parts, now)
    return fence


def _furthest(stored: int, known: int) -> int:
    """The code of a position of which the store and the lane may know different things."""
    before, after = decode(bytes((stored, known)))
    if before is None or after is None or before in OPEN:
        return known
    return CODES[moved(before, after)]


_FURTHEST = bytes(_furthest(stored, known) for stored in range(16) for known in range(16))
"""The same for every pair of codes: it is asked for each recipient at every save."""


def void_leases(db: apsw.Connection, now: datetime) -> int:
    """After a crash: leased work is ready again, and what was in the air is honestly unknown."""
    rows: Any = db.execute("SELECT id, fence, states FROM chunk WHERE state='leased'").fetchall()
    for number, fence, states in rows:
        settled = replace(states, [State.ATTEMPTING], State.UNKNOWN) if states else states
        if fence < 0 and settled:
            settled = replace(settled, [State.PLANNED], State.SUPERSEDED)
        db.execute(
            "UPDATE chunk SET state=?, states=?, fence=abs(fence)+1, owner=NULL, lease_until=NULL,"
            " due=min(due, ?), reason='the program stopped while this was being sent' WHERE id=?",
            ("superseded" if fence < 0 else "ready", settled, now.timestamp(), number),
        )
    return len(rows)


def lines(db: apsw.Connection, identifier: str) -> list[Line]:
    """The report: states per channel, language and variant, with the distinct reasons."""
    shown = {
        (channel, language, variant): actual
        for channel, language, variant, actual in db.execute(
            "SELECT channel, language, variant, shown FROM rendition WHERE alert=?", (identifier,)
        )
    }
    totals: dict[tuple[str, str, str], dict[State, int]] = {}
    reasons: dict[tuple[str, str, str], dict[str, None]] = {}
    attempts: dict[tuple[str, str, str], int] = {}
    many: dict[tuple[str, str, str], bool] = {}
    by_code = {code: state for state, code in CODES.items()}
    chunks: Any = db.execute(
        "SELECT id, channel, segment, items, states, size, attempts, reason FROM chunk"
        " WHERE alert=? ORDER BY id",
        (identifier,),
    ).fetchall()
    for number, channel, segment, items, states, size, tries, why in chunks:
        states = states if states is not None else fresh(size)
        remarks: Any = db.execute(
            # What many were told alike is one line; an id is shown where it is the only one.
            "SELECT min(position), reason, iif(count(*) = 1, min(reference), '') FROM remark"
            " WHERE chunk=? GROUP BY reason, iif(? IS NULL, position, 0) ORDER BY 1",
            (number, segment),
        ).fetchall()
        for index, (language, variant) in enumerate(json.loads(items)):
            key = (channel, language, variant)
            if segment is None:  # a later round of a publication is the same publication again
                totals.pop(key, None)
                reasons.pop(key, None)
            total = totals.setdefault(key, {})
            seen = reasons.setdefault(key, {})
            attempts[key] = max(attempts.get(key, 0), tries)
            many[key] = segment is not None
            mine = states if segment is not None else states[index : index + 1]
            for code, state in by_code.items():
                if n := mine.count(code):
                    total[state] = total.get(state, 0) + n
            if why:
                seen[why] = None
            for position, reason, reference in remarks:
                if segment is not None or position == index:
                    seen[f"{reason} ({reference})" if reason and reference else reason] = None
    return [
        Line(
            channel=key[0],
            language=key[1],
            variant=key[2],
            shown=shown.get(key, ""),
            counts=counts,
            reasons=tuple(filter(None, reasons[key]))[:8],
            attempts=attempts[key],
            recipients=many[key],
        )
        for key, counts in totals.items()
    ]
