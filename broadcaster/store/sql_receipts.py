"""The statements for what a far side says later.

A far side that cuts a text into parts reports on each part under an id of its own.  The ids are
kept in the same transaction as the outcome they came with, so that a receipt finds its delivery
also after a crash.  Receipts overtake that transaction at times: one that names an id we do not
know is kept while anything of its channel is still in the air, and thrown away when nothing is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import apsw

from broadcaster.model.states import CODES, State, moved
from broadcaster.store.port import Chunk, Evidence, Learnt, Parts

KEEP = timedelta(days=3)
"""How long after an alert's end its parts are known: SMSCs report up to two days late."""
KEEP_ENDLESS = timedelta(days=30)
"""The same for an alert without an end, counted from its release."""
AT_ONCE = 20
"""Chunks whose parts one sweep forgets: it bounds how long other writes wait."""

_STATES = {code: state for state, code in CODES.items()}
_LAST = (State.DELIVERED, State.REJECTED, State.EXPIRED)
"""After one of these nothing more is said about a part.  One that is rejected or expired decides
for the whole: the text cannot be read."""
_STEPS = (State.ACCEPTED, State.SENT, State.DELIVERED)


class Opened:
    """Chunks while evidence is applied to them: each is read and written once."""

    def __init__(self, db: apsw.Connection, now: datetime) -> None:
        self._db, self._now = db, now
        self._chunks: dict[int, tuple[str, bytes, bytearray]] = {}
        self._remarks: dict[tuple[int, int], tuple[Any, ...]] = {}
        self._news: set[str] = set()

    def move(self, chunk: int, position: int, state: State, reason: str, reference: str) -> bool:
        """Move one position if the table of states lets it; false when nothing changed."""
        if chunk not in self._chunks:
            row: Any = self._db.execute(
                "SELECT alert, states FROM chunk WHERE id=?", (chunk,)
            ).fetchone()
            self._chunks[chunk] = row[0], row[1] or b"", bytearray(row[1] or b"")
        states = self._chunks[chunk][2]
        if position >= len(states):
            return False
        before = _STATES.get(states[position])
        if before is None or (after := moved(before, state)) is before:
            return False
        states[position] = CODES[after]
        if reason or reference:
            at = self._now.isoformat(timespec="seconds")
            told = (chunk, position, after.value, reason, reference, at)
            self._remarks[chunk, position] = told
        return True

    def remark(self, chunk: int, position: int, state: State, reason: str) -> bool:
        """Another reason for the state a position is in ("in 1 cell" after "in 4 cells")."""
        states = self._chunks[chunk][2]
        if not reason or position >= len(states) or _STATES.get(states[position]) is not state:
            return False
        row: Any = self._remarks.get((chunk, position))
        if row is None:
            row = self._db.execute(
                "SELECT chunk, position, state, reason, reference FROM remark"
                " WHERE chunk=? AND position=?",
                (chunk, position),
            ).fetchone()
        if row is not None and row[3] == reason:
            return False
        at = self._now.isoformat(timespec="seconds")
        told = (chunk, position, state.value, reason, row[4] if row else "", at)
        self._remarks[chunk, position] = told
        self._news.add(self._chunks[chunk][0])
        return True

    def save(self) -> frozenset[str]:
        """Write what moved; the alerts it belongs to."""
        changed = {
            number: (alert, bytes(states))
            for number, (alert, before, states) in self._chunks.items()
            if states != before
        }
        self._db.executemany(
            "UPDATE chunk SET states=? WHERE id=?",
            [(states, number) for number, (_, states) in changed.items()],
        )
        self._db.executemany(
            "INSERT OR REPLACE INTO remark VALUES (?,?,?,?,?,?)", self._remarks.values()
        )
        return frozenset({*self._news, *(alert for alert, _ in changed.values())})


def receive(
    db: apsw.Connection, channel: str, evidence: Sequence[Evidence], now: datetime
) -> Learnt:
    """Late evidence, much of it at once."""
    opened = Opened(db, now)
    counted: Counter[str] = Counter()
    chunks: dict[tuple[str, int, int], int | None] = {}
    waiting: bool | None = None
    for one in evidence:
        if one.delivery is not None:
            alert, round_, segment, position = one.delivery
            name = (alert, round_, segment)
            if name not in chunks:
                chunks[name] = _chunk(db, channel, name)
            number = chunks[name]
            if number is None:
                counted["unknown"] += 1
                continue
            changed = opened.move(
                number, position, one.state, one.reason, one.reference
            ) or opened.remark(number, position, one.state, one.reason)
            counted["moved" if changed else "repeated"] += 1
            continue
        part = _part(db, channel, one.reference, one.state)
        if part is not None:
            changed = _heed(db, opened, part, one.state, one.reason)
            counted["moved" if changed else "repeated"] += 1
            continue
        if waiting is None:
            waiting = _in_the_air(db, channel)
        if waiting:
            db.execute(
                "INSERT OR IGNORE INTO early VALUES (?,?,?,?)",
                (channel, one.reference, CODES[one.state], one.reason),
            )
            counted["early" if db.changes() else "repeated"] += 1
        else:
            counted["unknown"] += 1
    _count(db, channel, counted)
    return Learnt(
        alerts=opened.save(),
        moved=counted["moved"],
        early=counted["early"],
        unknown=counted["unknown"],
        repeated=counted["repeated"],
    )


def keep(db: apsw.Connection, chunk: Chunk, parts: Sequence[Parts], now: datetime) -> None:
    """Remember ids in the transaction of their outcome, and heed what came before it."""
    accepted = CODES[State.ACCEPTED]
    db.executemany(
        "INSERT OR REPLACE INTO part VALUES (?,?,?,?,?,?,?)",
        (
            (chunk.id, one.position, number, len(one.references), chunk.channel, name, accepted)
            for one in parts
            for number, name in enumerate(one.references)
        ),
    )
    if not db.execute("SELECT 1 FROM early WHERE channel=? LIMIT 1", (chunk.channel,)).fetchone():
        return
    opened = Opened(db, now)
    heeded = False
    for one in parts:
        for name in one.references:
            came: Any = db.execute(
                "SELECT state, reason FROM early WHERE channel=? AND reference=? ORDER BY state",
                (chunk.channel, name),
            ).fetchall()
            for code, reason in came:
                part = _part(db, chunk.channel, name, _STATES[code])
                if part is not None:
                    heeded = _heed(db, opened, part, _STATES[code], reason) or heeded
            if came:
                db.execute(
                    "DELETE FROM early WHERE channel=? AND reference=?", (chunk.channel, name)
                )
    if heeded:
        opened.save()
        row: Any = db.execute("SELECT states FROM chunk WHERE id=?", (chunk.id,)).fetchone()
        chunk.states = row[0]


def clear(db: apsw.Connection, channel: str) -> None:
    """Once nothing of a channel is in the air, no outcome can come that an early one belongs to."""
    if _in_the_air(db, channel):
        return
    db.execute("DELETE FROM early WHERE channel=?", (channel,))
    _count(db, channel, Counter(unknown=db.changes()))


def tally(db: apsw.Connection, channel: str) -> dict[str, int]:
    """Receipts of a channel that changed nothing, by kind."""
    rows: Any = db.execute("SELECT kind, n FROM tally WHERE channel=?", (channel,))
    return dict(rows)


def sweep(db: apsw.Connection, now: datetime) -> bool:
    """Forget ids of an alert that ended long ago; whether there may be more to forget.

    In the order of the chunks: an alert that goes on for weeks holds up the later ones.
    """
    for _ in range(AT_ONCE):
        oldest: Any = db.execute(
            "SELECT c.id, ifnull(unixepoch(a.expires) + ?, unixepoch(a.release_at) + ?)"
            " FROM chunk AS c JOIN alert AS a ON a.identifier = c.alert"
            " WHERE c.id = (SELECT min(chunk) FROM part)",
            (KEEP.total_seconds(), KEEP_ENDLESS.total_seconds()),
        ).fetchone()
        if oldest is None or oldest[1] >= now.timestamp():
            return False
        db.execute("DELETE FROM part WHERE chunk=?", (oldest[0],))
    return True


def _chunk(db: apsw.Connection, channel: str, name: tuple[str, int, int]) -> int | None:
    alert, round_, segment = name
    row: Any = db.execute(
        "SELECT id FROM chunk WHERE alert=? AND channel=? AND round=? AND ifnull(segment, 0)=?",
        (alert, channel, round_, segment),
    ).fetchone()
    return row[0] if row else None


def _part(
    db: apsw.Connection, channel: str, reference: str, state: State
) -> tuple[int, int, int, int] | None:
    """Which part of what an id names.

    One that says its last word is forgotten: only ids that are still waited for are kept, so that
    the table stays as small as what is on its way.
    """
    rows: Any = db.execute(_LAST_WORD if state in _LAST else _WORD, (channel, reference)).fetchall()
    return rows[0] if rows else None


_WORD = "SELECT chunk, position, number, of FROM part WHERE channel=? AND reference=?"
_LAST_WORD = (
    "DELETE FROM part WHERE channel=? AND reference=? RETURNING chunk, position, number, of"
)


def _heed(
    db: apsw.Connection,
    opened: Opened,
    part: tuple[int, int, int, int],
    state: State,
    reason: str,
) -> bool:
    """What one part's receipt means for the whole."""
    chunk, position, number, of = part
    if of == 1 or state not in _STEPS:
        return opened.move(chunk, position, state, reason, "")
    if state not in _LAST:
        db.execute(
            "UPDATE part SET state=max(state, ?) WHERE chunk=? AND position=? AND number=?",
            (CODES[state], chunk, position, number),
        )
    rest: Any = db.execute(
        "SELECT min(state) FROM part WHERE chunk=? AND position=?", (chunk, position)
    ).fetchone()
    slowest = _STATES[rest[0]] if rest[0] else State.DELIVERED
    opened.move(chunk, position, slowest, reason, "")
    return True


def _in_the_air(db: apsw.Connection, channel: str) -> bool:
    leased = "SELECT 1 FROM chunk WHERE channel=? AND state='leased' LIMIT 1"
    return db.execute(leased, (channel,)).fetchone() is not None


def _count(db: apsw.Connection, channel: str, counted: Counter[str]) -> None:
    rows: Iterable[tuple[str, str, int]] = [
        (channel, kind, counted[kind]) for kind in ("unknown", "repeated") if counted[kind]
    ]
    db.executemany(
        "INSERT INTO tally VALUES (?,?,?) ON CONFLICT DO UPDATE SET n = n + excluded.n", rows
    )
