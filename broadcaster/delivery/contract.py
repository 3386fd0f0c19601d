"""The channel contract: all that a channel author needs to know of Broadcaster.

A channel is a plugin found by the entry-point group ``broadcaster.channels``.  The entry point
names a :class:`ChannelType`; opening it with a configuration gives a :class:`Channel`.

Three promises make the contract honest:

* A channel *states what it can do as data* (:class:`Capabilities`) and is never asked for more.
* :meth:`Channel.send` is ONE attempt.  Retry, deduplication, priority and deadlines are the
  engine's; a channel contains no loop that tries again.
* Only the far side's word makes a :class:`Receipt`.  ``send`` returns what it was told, raises a
  :class:`~broadcaster.model.errors.ChannelError` for what went wrong, and a delivery it says
  nothing about counts as *unknown*, never as sent.

Channels may import this module, :mod:`broadcaster.delivery.files`, :mod:`broadcaster.model` and
:mod:`broadcaster.text.measure`; of the rest only :mod:`broadcaster.clock`.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

from broadcaster.clock import Clock
from broadcaster.model.cap import Alert, MsgType, Resource
from broadcaster.model.errors import Problem
from broadcaster.model.rendition import Document, Format, Rendition, Variant
from broadcaster.model.states import State

__all__ = [
    "API",
    "Addressing",
    "Arrangement",
    "Arranges",
    "Batch",
    "Call",
    "Called",
    "Capabilities",
    "Channel",
    "ChannelType",
    "Converses",
    "Delivery",
    "Document",
    "Env",
    "Fitted",
    "Format",
    "Heard",
    "Mode",
    "Receipt",
    "Rendition",
    "Sense",
    "State",
    "Variant",
    "no_messages",
    "no_receipts",
]

API = 1
"""The version of this contract; a channel names the version it was written for."""


class Addressing(StrEnum):
    """Whom one delivery reaches."""

    AREA = "area"
    """Everyone in an area at once (cells, sirens)."""
    RECIPIENTS = "recipients"
    """One address at a time (phone numbers)."""
    PUBLISHED = "published"
    """Whoever reads what was put up (web, feeds, files)."""


class Sense(StrEnum):
    """The senses a delivery can reach; every warning should reach two."""

    SEE = "see"
    HEAR = "hear"
    TOUCH = "touch"


class Mode(StrEnum):
    """Whether an opened channel reaches the public or an exercise target."""

    LIVE = "live"
    EXERCISE = "exercise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a channel can truly do, readable without I/O."""

    operations: frozenset[MsgType]
    """Of ALERT, UPDATE and CANCEL."""
    formats: tuple[Format, ...]
    """What it takes, in order of preference."""
    addressing: Addressing
    confirms: frozenset[State]
    """Receipts it can honestly give, of ACCEPTED, SENT, DELIVERED."""
    senses: frozenset[Sense]
    variants: tuple[Variant, ...] = (Variant.STANDARD, Variant.PLAIN)
    """The variants it carries when its configuration names none."""
    shortens_to: Variant | None = None
    """The variant to try, visibly, when a text does not fit; ``None``: refuse instead."""
    repeat_is_harmless: bool = False
    """The same :attr:`Batch.key` sent again reaches nobody twice, so *unknown* may be retried."""
    shows_review: bool = False
    """Readers see beside the text when it is a draft that nobody has checked."""
    max_batch: int = 1
    """Deliveries one ``send`` may carry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A rendition as it goes on the wire."""

    parts: tuple[bytes, ...]
    """Pages or segments or one document, exactly as sent."""
    shows: str
    """What the far end shows, decoded back from :attr:`parts`."""
    used: int
    limit: int
    unit: str
    """The channel's own unit: ``septets``, ``UCS-2 units``, ``bytes``, ``seconds``."""
    notes: tuple[str, ...] = ()
    """Every replacement made and anything an officer should see in the preview."""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """Figures for the preview: data coding scheme, segments, cost, air time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """How the texts of one alert go out side by side, where they share something scarce."""

    left_out: Mapping[int, Problem] = field(default_factory=dict)
    """Position of a text that cannot go beside the others, and why."""
    notes: tuple[str, ...] = ()
    """What an officer should see in the preview."""
    wider: str = ""
    """In which way this reaches further than the area asked: needs a consent of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One rendition to one target over one channel."""

    key: str
    """Stable for ever, and free of addresses: alert, channel, round, segment and position."""
    target: str = field(repr=False)
    """An address (never logged), an area code, or ``public``."""
    rendition: Rendition
    fitted: Fitted


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one ``send`` carries."""

    key: str
    """Stable, and free of addresses: the same key is the same sending, also after a crash."""
    operation: MsgType
    mode: Mode
    alert: Alert
    deliveries: tuple[Delivery, ...]
    replaces: tuple[str, ...] = ()
    """CAP identifiers of the thread's earlier alerts on this channel, oldest first."""
    documents: tuple[Document, ...] = ()
    """For :attr:`Addressing.PUBLISHED`: everything the site must now hold."""
    removes: tuple[str, ...] = ()
    """For :attr:`Addressing.PUBLISHED`: paths the site must no longer hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Evidence from the far side about one delivery."""

    key: str
    """:attr:`Delivery.key`."""
    state: State
    """ACCEPTED, SENT, DELIVERED, REJECTED, EXPIRED or UNKNOWN."""
    reference: str = ""
    """The far side's own id for it, when it gave one."""
    parts: tuple[str, ...] = ()
    """The far side's ids of all parts, when it will report on each under that id alone.

    A later receipt then has an empty :attr:`key` and such an id as :attr:`reference`; the engine
    knows what it belongs to, and counts a delivery as *delivered* when all its parts are.
    """
    reason: str = ""
    """For an officer: why rejected or unknown, or what exactly was confirmed."""
    kept: Callable[[], Awaitable[None]] | None = field(default=None, repr=False, compare=False)
    """For one that arrives later: awaited once it is stored, for a far side that forgets what we
    have answered.  Without it, asking for the next receipt says that this one is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A message from a person, as the far side handed it over."""

    key: str
    """Stable and free of addresses: the same key is the same message, delivered again."""
    address: str = field(repr=False)
    """Who sent it, in the form in which the same person is written to."""
    text: str = field(repr=False)
    at: datetime
    kept: Callable[[], Awaitable[None]] = field(repr=False, compare=False)
    """To be awaited once it is stored: only then the far side is told that it was taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An HTTP request that a far side made to us, as it came in."""

    method: str
    url: str = field(repr=False)
    """The public address that was called, with its query: signatures cover it."""
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case."""
    body: bytes = field(repr=False)
    remote: str
    """Address of the caller, as the door saw it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Env:
    """What a channel gets from outside; nothing is read from globals."""

    name: str
    """The configured name of this channel (``texts``)."""
    mode: Mode
    data_dir: Path
    """A folder of its own that survives restarts (state, never secrets)."""
    output_dir: Path
    """Where the embedded drivers put what they publish or hand over."""
    clock: Clock
    random: random.Random
    base_url: str
    """The public address of the site, without trailing slash."""
    config_dir: Path = Path()
    """Where the configuration lies: relative paths in settings start here."""


@runtime_checkable
class Channel(Protocol):
    """An opened way out."""

    @property
    def capabilities(self) -> Capabilities:
        """What this channel can do as configured."""
        ...

    def fit(self, rendition: Rendition) -> Fitted:
        """Put a rendition into the wire's form.  Pure.

        Raises :class:`~broadcaster.model.errors.DoesNotFit` with the surplus, or
        :class:`~broadcaster.model.errors.Unsupported` when this language or variant cannot be
        carried (a language without a voice, say).
        """
        ...

    def resources(self, rendition: Rendition) -> Sequence[Resource]:
        """Files this channel will publish for a rendition, named before they exist.  Pure."""
        ...

    async def send(self, batch: Batch) -> Sequence[Receipt]:
        """Make one attempt at everything in the batch.

        Raises :class:`~broadcaster.model.errors.Transient`, ``Unknown`` or ``Permanent`` for the
        batch as a whole.  Honours cancellation.
        """
        ...

    def receipts(self) -> AsyncIterator[Receipt]:
        """Evidence that arrives later; ends at once for a channel that has none."""
        ...

    async def ping(self) -> str:
        """Ask the far side whether it is there, alarming nobody.

        Returns a sentence for the officer; raises a ``ChannelError`` when it is not there.
        """
        ...


@runtime_checkable
class Arranges(Protocol):
    """What a channel has besides :class:`Channel` when its texts compete or it aims coarsely."""

    def arrange(self, alert: Alert, texts: Sequence[tuple[Rendition, Fitted]]) -> Arrangement:
        """Which of these fitted texts can go out together.  Pure; asked before release."""
        ...


@runtime_checkable
class Converses(Protocol):
    """What a channel has besides :class:`Channel` when people can write to it."""

    def heard(self) -> AsyncIterator[Heard]:
        """Messages from people, as long as the channel is open; ends at once where none come."""
        ...

    async def say(
        self, address: str, text: str, *, language: str, key: str, validity: timedelta
    ) -> Receipt:
        """One text to one person, outside any alert: an answer, a code.

        ``key`` is stable and free of addresses.  Raises a
        :class:`~broadcaster.model.errors.ChannelError`, also for a text that does not fit.
        """
        ...


@runtime_checkable
class Called(Protocol):
    """What a channel has besides :class:`Channel` when its far side reports by HTTP."""

    async def called(self, call: Call) -> int:
        """Check and take one request; the HTTP status to answer with.

        2xx only when what it says is kept.  Must not trust anything that is not signed, or does
        not come to the secret address agreed with the far side.
        """
        ...


class ChannelType(Protocol):
    """What an entry point of the group ``broadcaster.channels`` names."""

    kind: ClassVar[str]
    api: ClassVar[int]
    addressing: ClassVar[Addressing]
    """Whom every channel of this kind reaches; decides where its files belong."""

    @classmethod
    def settings(cls, raw: Mapping[str, Any]) -> Any:
        """Check the channel's part of ``config.yaml``; give a frozen value.

        Raises :class:`~broadcaster.model.errors.BadInput` naming every wrong key at once, with
        paths relative to the channel's own mapping.
        """
        ...

    @classmethod
    def open(cls, settings: Any, env: Env) -> AbstractAsyncContextManager[Channel]:
        """Open the channel; leaving the context closes it."""
        ...


async def no_messages() -> AsyncIterator[Heard]:
    """The stream of a channel that nobody can answer."""
    return
    yield


async def no_receipts() -> AsyncIterator[Receipt]:
    """The stream of a channel whose evidence is complete when ``send`` returns."""
    return
    yield
