"""The Store port: what must be remembered, in values, without a word of SQL.

One implementation today (:mod:`broadcaster.store.sqlite`); PostgreSQL comes behind the same port.
Every method that writes returns only after the write is durable.  SQL is the only truth:
whatever the store says is unfinished is dispatched again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from broadcaster.model.states import State
from broadcaster.store.inbox import Inbox


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRendition:
    """The approved text of one channel, language and variant."""

    channel: str
    language: str
    variant: str
    format: str
    text: str
    shown: str = ""
    """The variant that is really shown, when a shorter one had to take the place of ``variant``."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A delivery that was wanted and will not be made, with the reason."""

    channel: str
    language: str
    variant: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSend:
    """What one channel must do for one alert.

    ``items`` are the (language, variant) pairs of an area or a publication; for recipients they
    name the segments to expand, and ``recipients`` is true.
    """

    channel: str
    items: tuple[tuple[str, str], ...]
    recipients: bool
    follows: bool
    """Only to targets that an earlier alert of the thread may have reached (a Cancel)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAlert:
    """Everything that one commit makes true."""

    identifier: str
    thread: str
    """Identifier of the thread's first alert."""
    msg_type: str
    status: str
    severity: str
    priority: int
    """0 is the most urgent."""
    sent: datetime
    release: datetime
    """When dispatch may begin (now, or ``effective`` when that lies ahead)."""
    expires: datetime | None
    cap: bytes
    digest: str
    origin: str
    """The foreign alert this one relays, as ``sender,identifier,sent``; else empty."""
    areas: tuple[str, ...]
    """Ids of the named areas it touches."""
    hazard: str
    officer: str
    renditions: tuple[StoredRendition, ...]
    gaps: tuple[Gap, ...]
    sends: tuple[PlannedSend, ...]
    repeat_every: float | None = None
    """Seconds between deliberate repeats until ``expires``."""
    draft: str = ""
    """The draft as JSON, from which an update or extension starts."""
    intake: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAlert:
    """One alert as it was committed."""

    identifier: str
    thread: str
    msg_type: str
    status: str
    severity: str
    priority: int
    sent: datetime
    release: datetime
    expires: datetime | None
    cap: bytes
    digest: str
    areas: tuple[str, ...]
    hazard: str
    officer: str
    held: bool
    """Waiting for a second officer; nothing has left."""
    withdrawn: bool
    """Given up while it was held; nothing ever left."""
    draft: str
    repeat_every: float | None
    channels: tuple[str, ...]
    """The lanes it was planned for."""


@dataclass(slots=True, kw_only=True)
class Chunk:
    """A leased piece of work: one area, one publication, or up to 500 recipients."""

    id: int
    alert: str
    thread: str
    channel: str
    round: int
    segment: int | None
    items: tuple[tuple[str, str], ...]
    priority: int
    attempts: int
    fence: int
    expires: datetime | None
    states: bytes
    """One code per position (:mod:`broadcaster.model.states`)."""
    recipients: dict[int, str] = field(default_factory=dict, repr=False)
    """Addresses by position, opened only for this attempt; never printed."""
    replaces: tuple[str, ...] = ()
    """Earlier alerts of the thread that this channel may have carried, oldest first."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Why one position did not simply succeed (only these get rows of their own)."""

    position: int
    state: State
    reason: str
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Parts:
    """The far side's ids of all parts of one delivery, under which alone it will report on them."""

    position: int
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a far side said later about one delivery, or about one part of it."""

    state: State
    reason: str = ""
    reference: str = ""
    delivery: tuple[str, int, int, int] | None = None
    """Alert, round, segment and position; ``None``: :attr:`reference` is the id of a part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What became of late evidence."""

    alerts: frozenset[str]
    """Whose deliveries moved."""
    moved: int
    early: int
    """Kept until the outcome they belong to is committed."""
    unknown: int
    """Belong to nothing of ours, or to a part that has said its last word."""
    repeated: int
    """Said nothing new, or would have turned the clock back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the report: a channel, language and variant with the states of its targets."""

    channel: str
    language: str
    variant: str
    shown: str
    counts: Mapping[State, int]
    reasons: tuple[str, ...]
    attempts: int
    recipients: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One link of the hash chain."""

    seq: int
    at: str
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]
    previous: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A resident's wish to be warned.  The address never leaves the store in the clear."""

    address: str = field(repr=False)
    language: str
    variant: str
    areas: tuple[str, ...] = ()
    """Ids of named areas; empty means the whole city."""
    hazards: tuple[str, ...] = ()
    minimum: int = 0
    """Least CAP severity rank (2 Moderate, 3 Severe, 4 Extreme)."""
    others: tuple[str, ...] = ()
    """More languages in order, for a warning that has no text in :attr:`language`."""
    quiet: bool = False
    """At night (:data:`~broadcaster.model.night.NIGHT`) only what is Extreme."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """A subscription as it is kept, with its place in the list."""

    place: tuple[int, int]
    wish: Subscription
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one alert did for one number."""

    alert: str
    channel: str
    state: State
    reason: str
    references: tuple[str, ...]
    """The far side's ids, as long as they are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp:
    """A number that somebody typed into a page, until its code is confirmed."""

    id: bytes = field(repr=False)
    channel: str
    wish: Subscription
    leaves: bool = False
    """The wish is to be erased; of :attr:`wish` only the address counts."""
    code: bytes = field(repr=False)
    """A keyed digest of the code that goes to the phone."""
    expires: datetime


class Asked(StrEnum):
    """What is to be done about a sign-up."""

    SEND = "send"
    QUIET = "quiet"
    """Nothing, and nobody may be told: the number got enough codes, or has nothing to leave."""
    FULL = "full"
    """Nothing was kept: everybody together asked for too many."""


class Answered(StrEnum):
    """What a code that was typed in is worth."""

    WRONG = "wrong"
    RIGHT = "right"
    AGAIN = "again"
    """Right, and it was done before: a button pressed twice."""


class Store(Protocol):
    """Everything Broadcaster remembers."""

    @property
    def inbox(self) -> Inbox:
        """What residents wrote."""
        ...

    async def take_in(self, raw: bytes, origin: str, now: datetime) -> int:
        """Keep raw bytes with hash and origin before anyone looks at them; give their number."""
        ...

    async def took(self, intake: int, outcome: str) -> None:
        """Note what became of an intake."""
        ...

    async def committed_from(self, origin: str) -> str | None:
        """The alert that was committed for an intake of this origin, if there is one."""
        ...

    async def unfinished(self) -> Sequence[tuple[int, str, str]]:
        """Intakes that nothing became of (number, origin, received): a crash cut them off."""
        ...

    async def commit(
        self, alert: NewAlert, now: datetime, *, hold: bool, detail: Mapping[str, Any]
    ) -> None:
        """Alert, renditions, plan and audit entry in one transaction, before anything leaves.

        Work of the thread's earlier alerts that has not left is superseded in the same
        transaction.  With ``hold`` the plan waits for :meth:`release`.
        Raises ``Refused`` when the identifier exists.
        """
        ...

    async def release(
        self, identifier: str, officer: str, now: datetime, detail: Mapping[str, Any]
    ) -> None:
        """Let a held alert go (second officer or break-glass), with its audit entry."""
        ...

    async def withdraw(self, identifier: str, officer: str, now: datetime, reason: str) -> None:
        """Give up a held alert; nothing has left."""
        ...

    async def alert(self, identifier: str) -> StoredAlert | None:
        """One alert, by identifier or by an unambiguous ending of it."""
        ...

    async def alerts(self) -> Sequence[StoredAlert]:
        """Every alert, newest first."""
        ...

    async def thread(self, thread: str) -> Sequence[StoredAlert]:
        """The alerts of one thread, oldest first."""
        ...

    async def relayed(self, origin: str) -> StoredAlert | None:
        """Our alert that relays this foreign one, if there is one."""
        ...

    async def referred(self, sender: str, identifier: str) -> StoredAlert | None:
        """Our newest alert, withdrawn ones aside, that relays what a CAP reference names.

        An empty ``sender`` matches any: feeds leave it out at times.
        """
        ...

    async def renditions(self, identifier: str, channel: str) -> Sequence[StoredRendition]:
        """What one channel was given to send."""
        ...

    async def claim(
        self,
        channel: str,
        now: datetime,
        *,
        owner: str,
        lease: float,
        urgent_only: bool,
        harmless: bool,
    ) -> Chunk | None:
        """Lease the most urgent chunk of a channel that is due, with its recipients.

        With ``harmless`` the recipients whose outcome is unknown are handed out again too.
        """
        ...

    async def progress(
        self,
        chunk: Chunk,
        *,
        remarks: Sequence[Remark],
        parts: Sequence[Parts] = (),
        now: datetime,
        lease: float,
    ) -> bool:
        """Save the chunk's states; false means: stop, the lease is lost or it was superseded.

        Who left since the chunk was claimed is taken out of what it says is being attempted.
        """
        ...

    async def finish(
        self,
        chunk: Chunk,
        *,
        remarks: Sequence[Remark],
        parts: Sequence[Parts] = (),
        now: datetime,
        again: datetime | None,
        reason: str,
    ) -> None:
        """Save the states and give the chunk back: done, or due ``again`` later."""
        ...

    async def void_leases(self, now: datetime) -> int:
        """At start: no other process is alive, so every lease is void.  How many were."""
        ...

    async def receive(self, channel: str, evidence: Sequence[Evidence], now: datetime) -> Learnt:
        """Late evidence, much of it in one commit.

        What names the id of a part belongs to the delivery that was saved with it, and moves it
        when all its parts are there; a part that was rejected or expired decides for all.
        """
        ...

    async def tally(self, channel: str) -> Mapping[str, int]:
        """Late evidence that changed nothing: ``unknown`` and ``repeated``."""
        ...

    async def sweep(self, now: datetime) -> None:
        """Forget the ids of parts on which no receipt can come any more."""
        ...

    async def report(self, identifier: str) -> tuple[Sequence[Line], Sequence[Gap]]:
        """What happened so far, per channel, language and variant, and what could not be."""
        ...

    async def published(self, channel: str) -> Sequence[StoredAlert]:
        """Every alert that was let go and has texts for this channel, newest first."""
        ...

    async def republish(
        self, identifier: str, channels: Sequence[str], why: str, now: datetime, *, after_end: bool
    ) -> bool:
        """Plan one more round of an alert on these channels; false when it was planned before.

        ``after_end``: the round is about the alert's end, so its expiry does not stop it.
        """
        ...

    async def next_due(self, now: datetime) -> datetime | None:
        """The next instant at which a release, repeat or expiry needs a look."""
        ...

    async def record(
        self, actor: str, action: str, subject: str, detail: Mapping[str, Any], now: datetime
    ) -> None:
        """Append one audit entry."""
        ...

    async def audit(self) -> Sequence[AuditEntry]:
        """The whole chain, oldest first."""
        ...

    async def verify(self) -> Sequence[str]:
        """Everything in the store that contradicts the audit chain; empty when nothing does."""
        ...

    async def subscribe(
        self, channel: str, subscriptions: Sequence[Subscription], now: datetime
    ) -> int:
        """Add or change subscriptions; how many are new."""
        ...

    async def unsubscribe(self, channel: str, address: str) -> bool:
        """Erase an address; false when it was not there."""
        ...

    async def listed(
        self,
        channel: str,
        *,
        after: tuple[int, int] = (0, -1),
        limit: int,
        language: str = "",
        area: str = "",
    ) -> Sequence[Subscriber]:
        """Subscribers in the order of their places, from the one after ``after``.

        ``area`` gives those who named this area, and those who named none.
        """
        ...

    async def known(self, channel: str, address: str) -> tuple[Subscriber, Sequence[Told]] | None:
        """All that is stored about one address, ``None`` when nothing is."""
        ...

    async def traces(self, channel: str, address: str) -> Sequence[Mapping[str, Any]]:
        """What is stored of messages that came from one address."""
        ...

    async def short_tag(self, address: str) -> str:
        """Eight digits under which the record names an address without telling it."""
        ...

    async def rotate_key(self) -> int:
        """Seal every address anew with a new key and give up the old one; how many there were.

        In small steps: everything else goes on meanwhile.  After a crash the same call goes on
        where it stopped; until it is done both keys are kept.
        """
        ...

    async def rotating(self) -> bool:
        """Whether a change of the key was begun and is not done."""
        ...

    async def subscribers(self, channel: str) -> Mapping[tuple[str, str], int]:
        """How many subscribers per (language, variant)."""
        ...

    async def sign_up(
        self, signup: SignUp, now: datetime, *, per_number: int, per_hour: int
    ) -> Asked:
        """Keep a sign-up and decide whether its code may be sent.

        ``per_number`` codes go to one number within a day, ``per_hour`` to all together.
        """
        ...

    async def confirm(self, id_: bytes, code: bytes, now: datetime, *, tries: int) -> Answered:
        """Compare a code; the right one subscribes or erases in the same transaction."""
        ...

    async def forget_sign_ups(self, now: datetime) -> None:
        """Erase what was typed once its code is too old; count no longer than a day."""
        ...

    async def close(self) -> None:
        """Finish what was begun and let go of the files."""
        ...
