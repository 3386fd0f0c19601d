"""The hash chain: each entry's hash covers the entry and the hash before it.

Changing, inserting or removing an entry breaks every hash after it; cutting off the end is found
by the head, a small file beside the database that names the newest entry.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from broadcaster.store.port import AuditEntry

GENESIS = "0" * 64


def canonical(value: Any) -> str:
    """JSON with one spelling: sorted keys, no spaces, no escapes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def chain(
    previous: str,
    seq: int,
    at: str,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, Any],
) -> str:
    """The hash of an entry that follows ``previous``; SHA-256, hexadecimal."""
    text = canonical([previous, seq, at, actor, action, subject, detail])
    return hashlib.sha256(text.encode()).hexdigest()


def contradictions(entries: Sequence[AuditEntry], head: tuple[int, str] | None) -> list[str]:
    """Everything that is wrong with the chain itself, in words."""
    found = []
    previous = GENESIS
    for expected, entry in enumerate(entries, start=1):
        if entry.seq != expected:
            found.append(f"audit entry {expected} is missing")
            break
        if entry.previous != previous:
            found.append(f"audit entry {entry.seq} does not follow the one before it")
        if entry.hash != chain(
            previous, entry.seq, entry.at, entry.actor, entry.action, entry.subject, entry.detail
        ):
            found.append(f"audit entry {entry.seq} ({entry.action}, {entry.at}) was changed")
        previous = entry.hash
    if head is None:
        if entries:
            found.append("audit.head is missing, so a cut-off end of the record cannot be noticed")
    else:
        seq, digest = head
        if seq > len(entries):
            found.append(f"the audit record was cut off after entry {len(entries)} of {seq}")
        elif seq and entries[seq - 1].hash != digest:
            found.append(f"audit entry {seq} is not the one that was written")
    return found
