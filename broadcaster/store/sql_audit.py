"""The statements of the audit chain."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import apsw

from broadcaster.store import audit
from broadcaster.store.port import AuditEntry


def append(
    db: apsw.Connection,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, Any],
    now: datetime,
) -> tuple[int, str]:
    """Add one entry; give its number and hash."""
    row = db.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    seq, previous = (row[0] + 1, row[1]) if row else (1, audit.GENESIS)
    at = now.isoformat(timespec="seconds")
    digest = audit.chain(previous, seq, at, actor, action, subject, detail)
    db.execute(
        "INSERT INTO audit VALUES (?,?,?,?,?,?,?,?)",
        (seq, at, actor, action, subject, audit.canonical(detail), previous, digest),
    )
    return seq, digest


def entries(db: apsw.Connection) -> list[AuditEntry]:
    """The whole chain, oldest first."""
    return [
        AuditEntry(
            seq=seq,
            at=at,
            actor=actor,
            action=action,
            subject=subject,
            detail=_detail(detail),
            previous=previous,
            hash=digest,
        )
        for seq, at, actor, action, subject, detail, previous, digest in db.execute(
            "SELECT seq, at, actor, action, subject, detail, previous, hash FROM audit ORDER BY seq"
        )
    ]


def content_digest(db: apsw.Connection, identifier: str) -> dict[str, str]:
    """Hashes over everything that was approved for an alert, as it stands in the store now."""
    row: Any = db.execute(
        "SELECT cap, plan, release_at, expires, digest, thread, msg_type, status, severity,"
        " priority, sent, origin, areas, hazard, officer, draft, repeat_every, intake"
        " FROM alert WHERE identifier=?",
        (identifier,),
    ).fetchone()
    cap, *rest = row
    renditions = db.execute(
        "SELECT channel, language, variant, format, shown, text, notes FROM rendition"
        " WHERE alert=? ORDER BY channel, language, variant",
        (identifier,),
    ).fetchall()
    gaps = db.execute(
        "SELECT channel, language, variant, reason FROM gap WHERE alert=? ORDER BY rowid",
        (identifier,),
    ).fetchall()
    return {
        "cap_sha256": hashlib.sha256(cap).hexdigest(),
        "renditions_sha256": _sha(renditions),
        "plan_sha256": _sha([rest, gaps]),
    }


def contradictions(db: apsw.Connection) -> list[str]:
    """Stored content that no longer is what the chain says was stored."""
    found = []
    known: dict[str, int] = {}
    for entry in entries(db):
        if entry.action == "commit":
            known[entry.subject] = int(entry.detail.get("held") is True)
            wanted = entry.detail.get("content")
            exists = db.execute(
                "SELECT 1 FROM alert WHERE identifier=?", (entry.subject,)
            ).fetchone()
            if not exists:
                found.append(f"alert {entry.subject} is in the audit record but not in the store")
            elif content_digest(db, entry.subject) != wanted:
                found.append(f"alert {entry.subject}: stored content was changed after commit")
        elif entry.action == "release":
            known[entry.subject] = 0
        elif entry.action == "withdraw":
            known[entry.subject] = 2
        elif entry.action == "intake":
            row = db.execute(
                "SELECT raw, sha256 FROM intake WHERE id=?", (entry.subject,)
            ).fetchone()
            wanted = entry.detail.get("sha256")
            if row is None or hashlib.sha256(row[0]).hexdigest() != wanted or row[1] != wanted:
                found.append(f"intake {entry.subject}: stored bytes are not those that came in")
    for identifier, held in db.execute("SELECT identifier, held FROM alert"):
        if identifier not in known:
            found.append(f"alert {identifier} is in the store but not in the audit record")
        elif held != known[identifier]:
            found.append(f"alert {identifier} was let go, held or withdrawn outside the record")
    return found


def _sha(value: Any) -> str:
    return hashlib.sha256(audit.canonical(value).encode()).hexdigest()


def _detail(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {"unreadable": text}
    # There is one spelling: the same value in another one was not written by us.
    known = isinstance(value, dict) and audit.canonical(value) == text
    return value if known else {"unreadable": text}
