"""The statements of the subscription list, kept in segments of at most 500."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import apsw

from broadcaster.model.cap import Severity
from broadcaster.model.states import State, decode
from broadcaster.store.addresses import AddressBook
from broadcaster.store.port import Subscriber, Subscription, Told

SEGMENT = 500
"""Recipients of one chunk: small enough to bound a crash, large enough to cost nothing."""

Kind = tuple[str, str, str, bool]
"""What all of a segment have in common: language, variant, more languages, rest at night."""


def kind_of(one: Subscription) -> Kind:
    """The kind of segment that a subscription belongs into."""
    return one.language, one.variant, " ".join(one.others), one.quiet


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
    room: dict[Kind, tuple[int, int]] = {}
    sizes: dict[int, int] = {}
    seal = book.seal
    for one in wanted:
        tags = book.tags(one.address)
        kind = kind_of(one)
        stands: Any = db.execute(
            "SELECT segment, position FROM subscriber WHERE channel=? AND tag IN (?,?)",
            (channel, *tags),
        ).fetchone()
        if stands is None:
            new += 1
        elif _change(db, stands, kind, one):
            continue
        else:
            db.execute("DELETE FROM subscriber WHERE segment=? AND position=?", stands)
        segment, size = room.get(kind) or _open_segment(db, channel, kind)
        db.execute(
            "INSERT INTO subscriber VALUES (?,?,?,?,?,?,?,?,?)",
            (
                segment,
                size,
                channel,
                tags[0],
                seal(one.address),
                " ".join(one.areas),
                " ".join(one.hazards),
                one.minimum,
                since,
            ),
        )
        size += 1
        sizes[segment] = size
        if size < SEGMENT:
            room[kind] = (segment, size)
        else:
            # Another one is looked for, and this one must be seen to be full.
            db.execute("UPDATE segment SET size=? WHERE id=?", (size, segment))
            room.pop(kind, None)
    db.executemany(
        "UPDATE segment SET size=? WHERE id=?", [(size, number) for number, size in sizes.items()]
    )
    return new


def unsubscribe(db: apsw.Connection, book: AddressBook, channel: str, address: str) -> bool:
    """Erase an address for good."""
    db.execute(
        "DELETE FROM subscriber WHERE channel=? AND tag IN (?,?)", (channel, *book.tags(address))
    )
    return db.changes() > 0


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


_WHOLE = (
    "SELECT s.segment, s.position, s.address, s.areas, s.hazards, s.minimum, s.since, g.language,"
    " g.variant, g.fallback, g.quiet FROM subscriber AS s JOIN segment AS g ON g.id = s.segment"
)


def listed(
    db: apsw.Connection,
    book: AddressBook,
    channel: str,
    after: tuple[int, int],
    limit: int,
    language: str,
    area: str,
) -> list[Subscriber]:
    """A page of the list."""
    rows: Any = db.execute(
        f"{_WHOLE} WHERE s.channel=?1 AND (s.segment, s.position) > (?2, ?3)"
        " AND (?4='' OR g.language=?4)"
        " AND (?5='' OR s.areas='' OR instr(' '||s.areas||' ', ' '||?5||' '))"
        " ORDER BY s.segment, s.position LIMIT ?6",
        (channel, *after, language, area, limit),
    )
    return [_subscriber(book, row) for row in rows]


def known(
    db: apsw.Connection, book: AddressBook, channel: str, address: str
) -> tuple[Subscriber, list[Told]] | None:
    """All about one address: the wish, and what every alert did for it."""
    row: Any = db.execute(
        f"{_WHOLE} WHERE s.channel=? AND s.tag IN (?,?)", (channel, *book.tags(address))
    ).fetchone()
    if row is None:
        return None
    one = _subscriber(book, row)
    segment, position = one.place
    told = []
    chunks: Any = db.execute(
        "SELECT id, alert, substr(states, ?+1, 1) FROM chunk WHERE channel=? AND segment=?"
        " AND length(states)>? ORDER BY id",
        (position, channel, segment, position),
    ).fetchall()
    for number, alert, code in chunks:
        (state,) = decode(code)
        if state is None or state is State.PLANNED:
            continue
        remark: Any = db.execute(
            "SELECT reason, reference FROM remark WHERE chunk=? AND position=?", (number, position)
        ).fetchone()
        reason, reference = remark or ("", "")
        parts = db.execute(
            "SELECT reference FROM part WHERE chunk=? AND position=?", (number, position)
        )
        references = dict.fromkeys([*filter(None, [reference]), *(name for (name,) in parts)])
        told.append(
            Told(
                alert=alert,
                channel=channel,
                state=state,
                reason=reason,
                references=tuple(map(str, references)),
            )
        )
    return one, told


def kinds(db: apsw.Connection, channel: str) -> list[Kind]:
    """The kinds of segments that a channel has."""
    rows: Any = db.execute(
        "SELECT DISTINCT language, variant, fallback, quiet FROM segment WHERE channel=?"
        " AND size>0 ORDER BY 1, 2, 3, 4",
        (channel,),
    ).fetchall()
    return [(language, variant, others, bool(quiet)) for language, variant, others, quiet in rows]


def leave_out(
    db: apsw.Connection,
    alert: str,
    thread: str,
    channel: str,
    round_: int,
    kind: Kind,
    reason: str,
) -> None:
    """Count those of a kind whom the alert concerns and a round of it does not reach."""
    wanted = concerned(db, alert, thread)
    rows: Any = db.execute(
        "SELECT areas, hazards, minimum, count(*) FROM subscriber WHERE segment IN (SELECT id"
        " FROM segment WHERE channel=? AND language=? AND variant=? AND fallback=? AND quiet=?)"
        " GROUP BY 1, 2, 3",
        (channel, *kind),
    )
    people = sum(n for areas, hazards, minimum, n in rows if wanted(areas, hazards, minimum))
    if people:
        db.execute(
            "INSERT INTO left_out VALUES (?,?,?,?,?,?,?)"
            " ON CONFLICT DO UPDATE SET people = people + excluded.people",
            (alert, channel, round_, *kind[:2], reason, people),
        )


def concerned(db: apsw.Connection, alert: str, thread: str) -> Callable[[str, str, int], bool]:
    """Whether a subscriber who named these areas and hazards, and this severity, wants an alert."""
    about: Any = db.execute("SELECT areas FROM alert WHERE identifier=?", (alert,)).fetchone()
    touched = set(json.loads(about[0]))
    rank, named = told(db, thread)

    def wanted(areas: str, hazards: str, minimum: int) -> bool:
        return (
            minimum <= rank
            and (not areas or not touched.isdisjoint(areas.split()))
            # A relayed alert is of no hazard of ours: it may be the very one that was asked for.
            and (not hazards or "" in named or not named.isdisjoint(hazards.split()))
        )

    return wanted


def told(db: apsw.Connection, thread: str) -> tuple[int, set[str]]:
    """The worst severity and all hazards of a thread.

    Whoever was told the worst of a warning is also told that it became less, or another one.
    """
    rows: Any = db.execute(
        "SELECT DISTINCT severity, hazard FROM alert WHERE thread=? AND held=0", (thread,)
    ).fetchall()
    ranks = [Severity(severity).rank for severity, _ in rows]
    return max(ranks, default=0), {hazard for _, hazard in rows}


def _subscriber(book: AddressBook, row: Any) -> Subscriber:
    segment, position, sealed, areas, hazards, minimum, since, *kind = row
    language, variant, others, quiet = kind
    return Subscriber(
        place=(segment, position),
        since=since,
        wish=Subscription(
            address=book.open(sealed),
            language=language,
            variant=variant,
            areas=tuple(areas.split()),
            hazards=tuple(hazards.split()),
            minimum=minimum,
            others=tuple(others.split()),
            quiet=bool(quiet),
        ),
    )


def _change(db: apsw.Connection, stands: tuple[int, int], kind: Kind, one: Subscription) -> bool:
    """Change a subscription where it stands.

    Its place must stay while a warning is going out, or its owner would be passed over.  Only
    another kind needs another segment.
    """
    db.execute(
        "UPDATE subscriber SET areas=?, hazards=?, minimum=? WHERE segment=? AND position=?"
        " AND segment IN (SELECT id FROM segment WHERE language=? AND variant=? AND fallback=?"
        " AND quiet=?)",
        (" ".join(one.areas), " ".join(one.hazards), one.minimum, *stands, *kind),
    )
    return db.changes() > 0


def _open_segment(db: apsw.Connection, channel: str, kind: Kind) -> tuple[int, int]:
    row: Any = db.execute(
        "SELECT id, size FROM segment WHERE channel=? AND language=? AND variant=?"
        " AND fallback=? AND quiet=? AND size<? ORDER BY id LIMIT 1",
        (channel, *kind, SEGMENT),
    ).fetchone()
    if row:
        return row[0], row[1]
    db.execute(
        "INSERT INTO segment(channel, language, variant, fallback, quiet, size)"
        " VALUES (?,?,?,?,?,0)",
        (channel, *kind),
    )
    return db.last_insert_rowid(), 0
