"""What must be remembered of residents' messages, in values: a part of the Store port.

A message goes one way: *new* (kept, the far side told), *decided* (acted upon, perhaps with an
answer to give), *answering* (the answer may be out), *settled*.  Every step is durable before the
next begins, so a crash loses no wish to leave, and what may have been said is not said again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

PAUSE_BETWEEN_ANSWERS = timedelta(hours=1)
"""No number gets the same kind of answer twice within this time, so that two machines that answer
each other fall silent."""
KEPT = timedelta(days=7)
"""How long a settled message's tags are known; SMSCs give up long before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that nobody has acted upon."""

    id: int
    address: str = field(repr=False)
    text: str = field(repr=False)
    language: str | None
    """Of the subscription that this number has on the channel; ``None``: it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What is to be done about a message."""

    command: str
    """The kind of message; answers are limited by it."""
    erase: bool = False
    """The number leaves every channel."""
    speaks: str = ""
    """The language that the number's subscription gets; its areas and hazards stay."""
    subscribes: bool = False
    """Who has no subscription gets one in :attr:`speaks`: the whole city, every hazard."""
    variant: str = ""
    """The variant of a new subscription."""
    answer: str = ""
    """Which sentence to answer with; empty: none."""
    language: str = ""
    """The language of the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer that may be given now, by whoever took it and by nobody else."""

    id: int
    key: str
    """Stable, and free of addresses."""
    address: str = field(repr=False)
    answer: str
    language: str


class Inbox(Protocol):
    """Messages from residents, by the lane that heard them."""

    async def keep(self, channel: str, key: str, address: str, text: str, now: datetime) -> bool:
        """Keep a message, sealed, before anything is made of it; false when it is known."""
        ...

    async def new(self, channel: str, public: str, after: int) -> tuple[Message, ...]:
        """Some messages that were not acted upon, oldest first, from the one after ``after``.

        ``public`` is the channel whose subscriptions count.
        """
        ...

    async def act(self, id_: int, public: str, deed: Deed, now: datetime) -> bool:
        """Do it and note it, in one transaction.

        False, and nothing is changed: another language means another place in the list, and a
        warning is on its way through this number's place at the moment.
        """
        ...

    async def take_answer(self, channel: str, now: datetime) -> Answer | None:
        """The oldest answer to give.  Handed out once, also across a crash; limits are kept."""
        ...

    async def settle(self, id_: int) -> None:
        """Nothing more will be done about it: what was written, and by whom, is overwritten."""
        ...

    async def interrupted(self, channel: str) -> int:
        """At start: answers that a crash cut off are not given again.  How many there were."""
        ...

    async def forget(self, now: datetime) -> Mapping[str, int]:
        """Delete what is older than :data:`KEPT`; how many by kind of message."""
        ...

    async def counts(self) -> Mapping[str, int]:
        """How many messages of each kind came within :data:`KEPT`."""
        ...
