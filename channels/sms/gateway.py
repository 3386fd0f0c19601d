"""Who carries the segments to the network: the drivers behind ``gateway:`` in the configuration.

A driver gets a :class:`Submission`, everything about one text and its recipients, already encoded;
it decides nothing about texts.  It states its own evidence (:attr:`Gateway.confirms`) and whether a
submission may be repeated, and the channel passes both on as its capabilities.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from broadcaster.delivery.contract import Env, Heard, Receipt, State


@dataclass(frozen=True, slots=True)
class Recipient:
    """One phone: the delivery's key and the number, which stays out of every repr."""

    key: str
    to: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One text for many phones."""

    key: str
    """Stable: the same key is the same submission, also after a crash."""
    alert: str
    status: str
    operation: str
    mode: str
    sender: str | None = field(repr=False)
    """What the phone shows as sender; ``None`` leaves it to the gateway."""
    priority: int
    """SMPP 3.4 5.2.14 priority_flag, 0 to 3."""
    expires: datetime
    """After this moment no phone may get the text any more."""
    validity_period: str
    """The same as SMPP 3.4 7.1.1.2 relative time, counted from the hand-over."""
    language: str
    variant: str
    text: str
    """As the phone shows it."""
    alphabet: str
    data_coding: int
    esm_class: int
    segments: tuple[bytes, ...]
    recipients: tuple[Recipient, ...]


class Gateway(Protocol):
    """An opened driver."""

    @property
    def confirms(self) -> frozenset[State]:
        """The receipts this driver can honestly give."""
        ...

    @property
    def repeat_is_harmless(self) -> bool:
        """The same :attr:`Submission.key` submitted again reaches nobody twice."""
        ...

    async def submit(self, submission: Submission) -> Sequence[Receipt]:
        """Make one attempt; errors as :meth:`broadcaster.delivery.contract.Channel.send`."""
        ...

    def receipts(self) -> AsyncIterator[Receipt]:
        """Evidence that arrives later."""
        ...

    def heard(self) -> AsyncIterator[Heard]:
        """Messages from people; ends at once for a driver that cannot be answered."""
        ...

    async def ping(self) -> str:
        """Is the gateway there?  A sentence for the officer, or a ``ChannelError``."""
        ...


class Driver(Protocol):
    """How one kind of gateway is configured and opened."""

    def settings(self, raw: Mapping[str, Any]) -> Any:
        """Check the driver's own settings; raises ``BadInput`` with paths relative to them."""
        ...

    def open(self, settings: Any, env: Env) -> AbstractAsyncContextManager[Gateway]:
        """Open the way to the network; leaving the context closes it."""
        ...


def relative_time(period: timedelta) -> str:
    """SMPP 3.4 7.1.1.2 relative time ``YYMMDDhhmmss000R``, rounded down to a second.

    Days stay days, because the length of a month is the SMSC's guess; at most 99 of them.
    """
    minutes, seconds = divmod(int(period.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"0000{days:02}{hours:02}{minutes:02}{seconds:02}000R"
