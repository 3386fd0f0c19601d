"""The statements for what came in and what was committed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import apsw

from broadcaster.model.errors import Problem, Refused
from broadcaster.store import sql_audit, sql_fanout
from broadcaster.store.port import Gap, NewAlert, StoredAlert, StoredRendition


def take_in(db: apsw.Connection, raw: bytes, origin: str, now: datetime) -> int:
    """Keep raw bytes; give their number."""
    digest = hashlib.sha256(raw).hexdigest()
    db.execute(
        "INSERT INTO intake(received, origin, sha256, raw) VALUES (?,?,?,?)",
        (now.isoformat(timespec="seconds"), origin, digest, raw),
    )
    number = db.last_insert_rowid()
    sql_audit.append(db, origin, "intake", str(number), {"sha256": digest, "bytes": len(raw)}, now)
    return number


def took(db: apsw.Connection, intake: int, outcome: str) -> None:
    """Note what became of an intake."""
    db.execute("UPDATE intake SET outcome=? WHERE id=?", (outcome, intake))


def committed_from(db: apsw.Connection, origin: str) -> str | None:
    """What was committed for an intake of this origin."""
    row: Any = db.execute(
        "SELECT identifier FROM alert WHERE intake IN (SELECT id FROM intake WHERE origin=?)",
        (origin,),
    ).fetchone()
    return row[0] if row else None


def unfinished(db: apsw.Connection) -> list[tuple[int, str, str]]:
    """Intakes that nothing became of."""
    rows: Any = db.execute(
        "SELECT id, origin, received FROM intake WHERE outcome='received' ORDER BY id"
    )
    return [(number, origin, received) for number, origin, received in rows]


def commit(
    db: apsw.Connection, alert: NewAlert, now: datetime, hold: bool, detail: Mapping[str, Any]
) -> None:
    """Alert, renditions, gaps, chunks and audit entry: all, or nothing."""
    if db.execute("SELECT 1 FROM alert WHERE identifier=?", (alert.identifier,)).fetchone():
        raise Refused(
            Problem(
                "identifier",
                f"the alert {alert.identifier} exists already",
                "use `update` or `cancel` to change it",
            )
        )
    if alert.origin:
        twin = db.execute("SELECT identifier FROM alert WHERE origin=?", (alert.origin,)).fetchone()
        if twin:
            raise Refused(
                Problem(
                    "identifier",
                    f"this alert was relayed before, as {twin[0]}",
                    "nothing to do: it is out already",
                )
            )
    plan = [
        {
            "channel": send.channel,
            "items": send.items,
            "recipients": send.recipients,
            "follows": send.follows,
        }
        for send in alert.sends
    ]
    db.execute(
        "INSERT INTO alert(identifier, thread, msg_type, status, severity, priority, sent,"
        " release_at, expires, cap, digest, origin, areas, hazard, officer, held, draft,"
        " repeat_every, plan, intake) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            alert.identifier,
            alert.thread,
            alert.msg_type,
            alert.status,
            alert.severity,
            alert.priority,
            alert.sent.isoformat(),
            alert.release.isoformat(),
            alert.expires.isoformat() if alert.expires else None,
            alert.cap,
            alert.digest,
            alert.origin,
            json.dumps(alert.areas),
            alert.hazard,
            alert.officer,
            hold,
            alert.draft,
            alert.repeat_every,
            json.dumps(plan),
            alert.intake,
        ),
    )
    db.executemany(
        "INSERT INTO rendition VALUES (?,?,?,?,?,?,?,?)",
        [
            (
                alert.identifier,
                r.channel,
                r.language,
                r.variant,
                r.format,
                r.shown,
                r.text,
                json.dumps(r.notes, ensure_ascii=False),
            )
            for r in alert.renditions
        ],
    )
    db.executemany(
        "INSERT INTO gap VALUES (?,?,?,?,?)",
        [(alert.identifier, g.channel, g.language, g.variant, g.reason) for g in alert.gaps],
    )
    if not hold:
        sql_fanout.overtake(db, alert.thread, alert.identifier, alert.release, now)
        sql_fanout.plan(db, alert.identifier, round_=0, due=alert.release)
    if alert.intake is not None:
        took(db, alert.intake, f"committed as {alert.identifier}")
    sql_audit.append(
        db,
        alert.officer,
        "commit",
        alert.identifier,
        {
            **detail,
            "msg_type": alert.msg_type,
            "status": alert.status,
            "held": hold,
            "digest": alert.digest,
            "content": sql_audit.content_digest(db, alert.identifier),
        },
        now,
    )


def release(
    db: apsw.Connection, identifier: str, officer: str, now: datetime, detail: Mapping[str, Any]
) -> None:
    """Turn a held alert loose."""
    row = db.execute(
        "SELECT thread, held, release_at FROM alert WHERE identifier=?", (identifier,)
    ).fetchone()
    if row is None or row[1] != 1:
        raise Refused(
            Problem(
                identifier, "no alert of this name waits for approval", "see `broadcaster list`"
            )
        )
    thread, _, release_at = row
    db.execute("UPDATE alert SET held=0 WHERE identifier=?", (identifier,))
    due = datetime.fromisoformat(release_at)
    sql_fanout.overtake(db, thread, identifier, due, now)
    sql_fanout.plan(db, identifier, round_=0, due=due)
    sql_audit.append(db, officer, "release", identifier, detail, now)


def withdraw(
    db: apsw.Connection, identifier: str, officer: str, now: datetime, reason: str
) -> None:
    """A held alert is given up: it keeps its row and gets no work."""
    row = db.execute("SELECT held FROM alert WHERE identifier=?", (identifier,)).fetchone()
    if row is None or row[0] != 1:
        raise Refused(
            Problem(
                identifier, "no alert of this name waits for approval", "see `broadcaster list`"
            )
        )
    db.execute("UPDATE alert SET held=2 WHERE identifier=?", (identifier,))
    sql_audit.append(db, officer, "withdraw", identifier, {"reason": reason}, now)


def republish(
    db: apsw.Connection,
    identifier: str,
    channels: Sequence[str],
    why: str,
    now: datetime,
    after_end: bool,
) -> bool:
    """One more round for these channels, once per ``why``."""
    done = db.execute(
        "SELECT 1 FROM audit WHERE action=? AND subject=? LIMIT 1", (f"again: {why}", identifier)
    ).fetchone()
    if done:
        return False
    if not after_end:
        # A round that still waits for its channel is the repeat: two would arrive together.
        waiting = db.execute(
            "SELECT DISTINCT channel FROM chunk WHERE alert=? AND state IN ('ready', 'leased')",
            (identifier,),
        )
        channels = sorted(set(channels).difference(name for (name,) in waiting))
    row: Any = db.execute("SELECT max(round) FROM chunk WHERE alert=?", (identifier,)).fetchone()
    sql_fanout.plan(
        db,
        identifier,
        round_=(row[0] or 0) + 1,
        due=now,
        only=channels,
        endless=after_end,
    )
    sql_audit.append(db, "clock", f"again: {why}", identifier, {"channels": list(channels)}, now)
    return True


_COLUMNS = (
    "identifier, thread, msg_type, status, severity, priority, sent, release_at, expires, cap,"
    " digest, areas, hazard, officer, held, draft, repeat_every, plan"
)


def find(db: apsw.Connection, identifier: str) -> StoredAlert | None:
    """By identifier, or by an ending that only one identifier has."""
    row = db.execute(f"SELECT {_COLUMNS} FROM alert WHERE identifier=?", (identifier,)).fetchone()
    if row is None and len(identifier) >= 4:
        rows = db.execute(
            f"SELECT {_COLUMNS} FROM alert WHERE substr(identifier, -length(?1))=?1 LIMIT 2",
            (identifier,),
        ).fetchall()
        row = rows[0] if len(rows) == 1 else None
    return _alert(row) if row else None


def newest_first(db: apsw.Connection) -> list[StoredAlert]:
    """Every alert."""
    return [_alert(r) for r in db.execute(f"SELECT {_COLUMNS} FROM alert ORDER BY number DESC")]


def published(db: apsw.Connection, channel: str) -> list[StoredAlert]:
    """What a channel publishes."""
    return [
        _alert(r)
        for r in db.execute(
            f"SELECT {_COLUMNS} FROM alert WHERE held=0 AND EXISTS (SELECT 1 FROM rendition"
            " WHERE alert=identifier AND channel=?) ORDER BY number DESC",
            (channel,),
        )
    ]


def thread(db: apsw.Connection, name: str) -> list[StoredAlert]:
    """One thread, oldest first."""
    return [
        _alert(r)
        for r in db.execute(f"SELECT {_COLUMNS} FROM alert WHERE thread=? ORDER BY number", (name,))
    ]


def relayed(db: apsw.Connection, origin: str) -> StoredAlert | None:
    """Our alert that relays this foreign one."""
    row = db.execute(f"SELECT {_COLUMNS} FROM alert WHERE origin=?", (origin,)).fetchone()
    return _alert(row) if row else None


def referred(db: apsw.Connection, sender: str, identifier: str) -> StoredAlert | None:
    """Our newest alert that relays the foreign one a reference names."""
    # Without the third part, ``sent``: feeds write one instant in several ways, and leave out
    # the sender at times.
    named, told = "substr(origin, 1, length(?1)) = ?1", f"{sender},{identifier},"
    if not sender:
        named, told = "instr(origin, ?1) > 0", f",{identifier},"
    row = db.execute(
        f"SELECT {_COLUMNS} FROM alert WHERE held<>2 AND {named} ORDER BY number DESC LIMIT 1",
        (told,),
    ).fetchone()
    return _alert(row) if row else None


def renditions(db: apsw.Connection, identifier: str, channel: str) -> list[StoredRendition]:
    """What one channel was given to send."""
    return [
        StoredRendition(
            channel=channel,
            language=language,
            variant=variant,
            format=format_,
            shown=shown,
            text=text,
            notes=tuple(json.loads(notes)),
        )
        for language, variant, format_, shown, text, notes in db.execute(
            "SELECT language, variant, format, shown, text, notes FROM rendition"
            " WHERE alert=? AND channel=? ORDER BY language, variant",
            (identifier, channel),
        )
    ]


def gaps(db: apsw.Connection, identifier: str) -> list[Gap]:
    """What was wanted and cannot be."""
    return [
        Gap(channel=c, language=lang, variant=v, reason=r)
        for c, lang, v, r in db.execute(
            "SELECT channel, language, variant, reason FROM gap WHERE alert=? ORDER BY rowid",
            (identifier,),
        )
    ] + [
        Gap(channel=c, language=lang, variant=v, reason=f"{people} subscribers are left out: {r}")
        for c, lang, v, r, people in db.execute(
            "SELECT channel, language, variant, reason, max(people) FROM left_out WHERE alert=?"
            " GROUP BY channel, language, variant, reason",
            (identifier,),
        )
    ]


def next_due(db: apsw.Connection, now: datetime) -> datetime | None:
    """The next release, repeat or expiry."""
    instants = []
    for release_at, expires, every in db.execute(
        "SELECT release_at, expires, repeat_every FROM alert WHERE held=0"
        " AND (expires IS NULL OR unixepoch(expires) > ?)",
        (now.timestamp() - 60,),
    ):
        begin = datetime.fromisoformat(release_at)
        end = datetime.fromisoformat(expires) if expires else None
        instants += [t for t in (begin, end) if t is not None and t > now]
        if every and now >= begin:
            rounds = int((now - begin).total_seconds() // every) + 1
            instants.append(begin + timedelta(seconds=every * rounds))
    return min(instants, default=None)


def _alert(row: Any) -> StoredAlert:
    (
        identifier,
        thread_,
        msg_type,
        status,
        severity,
        priority,
        sent,
        release_at,
        expires,
        cap,
        digest,
        areas,
        hazard,
        officer,
        held,
        draft,
        every,
        plan,
    ) = row
    return StoredAlert(
        identifier=identifier,
        thread=thread_,
        msg_type=msg_type,
        status=status,
        severity=severity,
        priority=priority,
        sent=datetime.fromisoformat(sent),
        release=datetime.fromisoformat(release_at),
        expires=datetime.fromisoformat(expires) if expires else None,
        cap=cap,
        digest=digest,
        areas=tuple(json.loads(areas)),
        hazard=hazard,
        officer=officer,
        held=held == 1,
        withdrawn=held == 2,
        draft=draft,
        repeat_every=every,
        channels=tuple(send["channel"] for send in json.loads(plan)),
    )
