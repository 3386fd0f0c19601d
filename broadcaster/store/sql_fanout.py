"""The statements that turn an alert into work, and take back work that is older news."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import apsw

from broadcaster.model.cap import Severity
from broadcaster.model.night import is_night
from broadcaster.model.states import State, replace
from broadcaster.store import sql_subscribers


def plan(
    db: apsw.Connection,
    identifier: str,
    *,
    round_: int,
    due: datetime,
    only: Sequence[str] | None = None,
    endless: bool = False,
) -> None:
    """The chunks of one round: areas and publications whole, recipients by segments."""
    about: Any = db.execute(
        "SELECT thread, priority, expires, plan FROM alert WHERE identifier=?", (identifier,)
    ).fetchone()
    thread_, priority, expires, plan = about
    expires_at = datetime.fromisoformat(expires).timestamp() if expires and not endless else None
    worst, _ = sql_subscribers.told(db, thread_)
    night = is_night(due) and worst < Severity.EXTREME.rank
    for send in json.loads(plan):
        if only is not None and send["channel"] not in only:
            continue
        if not send["recipients"]:
            db.execute(
                "INSERT INTO chunk(alert, thread, channel, round, size, items, follows, priority,"
                " state, due, expires_at) VALUES (?,?,?,?,?,?,?,?,'ready',?,?)",
                (
                    identifier,
                    thread_,
                    send["channel"],
                    round_,
                    len(send["items"]),
                    json.dumps(send["items"]),
                    send["follows"],
                    priority,
                    due.timestamp(),
                    expires_at,
                ),
            )
            continue
        items = {(language, variant) for language, variant in send["items"]}
        for kind in sql_subscribers.kinds(db, send["channel"]):
            language, variant, others, quiet = kind
            text = text_for((language, *others.split()), variant, items)
            lost = ""
            if text is None:
                lost = "there is no text in a language of theirs"
            elif quiet and night:
                lost = "they asked for rest at night, and this is not Extreme"
            if text is None or lost:
                sql_subscribers.leave_out(
                    db, identifier, thread_, send["channel"], round_, kind, lost
                )
                continue
            db.execute(
                "INSERT INTO chunk(alert, thread, channel, round, segment, size, items, follows,"
                " priority, state, due, expires_at)"
                " SELECT ?,?,channel,?,id,size,?,?,?,'ready',?,? FROM segment"
                " WHERE channel=? AND language=? AND variant=? AND fallback=? AND quiet=?"
                " AND size>0",
                (
                    identifier,
                    thread_,
                    round_,
                    json.dumps([text]),
                    send["follows"],
                    priority,
                    due.timestamp(),
                    expires_at,
                    send["channel"],
                    *kind,
                ),
            )


def text_for(
    languages: Sequence[str], variant: str, items: Collection[tuple[str, str]]
) -> tuple[str, str] | None:
    """The first of somebody's languages in which there is a text."""
    return next(((tag, variant) for tag in languages if (tag, variant) in items), None)


def overtake(
    db: apsw.Connection, thread_: str, identifier: str, release_at: datetime, now: datetime
) -> None:
    """Work of earlier alerts that has not left will not leave: the newer text goes in its place.

    Chunks that are out on a lease see it at their next save, because their fence moves on.
    Until a scheduled alert is released, what is due before it still goes: nobody stays unwarned
    because of a text that is yet to come.
    """
    scheduled = release_at > now
    rows: Any = db.execute(
        "SELECT id, state, states, size FROM chunk WHERE thread=? AND alert<>?"
        " AND state IN ('ready', 'leased') AND due>=?",
        (thread_, identifier, release_at.timestamp() if scheduled else 0),
    ).fetchall()
    for chunk, state, states, size in rows:
        if state != "leased":
            supersede(db, chunk, states, size)
        elif not scheduled:
            db.execute("UPDATE chunk SET fence=-abs(fence) WHERE id=?", (chunk,))


def supersede(db: apsw.Connection, chunk: int, states: bytes | None, size: int) -> None:
    """One chunk that waits will not leave any more."""
    planned = states if states is not None else fresh(size)
    db.execute(
        "UPDATE chunk SET state='superseded', states=?, reason=? WHERE id=?",
        (
            replace(planned, [State.PLANNED], State.SUPERSEDED),
            "a newer alert of the thread took its place before it left",
            chunk,
        ),
    )


def fresh(size: int) -> bytes:
    """The states of a chunk nobody has touched."""
    return bytes([1]) * size
