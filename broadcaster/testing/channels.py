"""Channels that stand in for a far side: one that takes everything, one that follows a script.

Each is a complete :class:`~broadcaster.delivery.contract.ChannelType`.
:meth:`RecordingChannel.kind_of` makes a kind with a memory of its own, so that a far side is
remembered across a restart and two tests share nothing::

    gateway = FlakyChannel.kind_of("gateway", script=[Transient("busy"), State.ACCEPTED])
    kinds = {"gateway": gateway}
    ...
    assert len(gateway.handed_over) == 1
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, Final, Self

from broadcaster.delivery.contract import (
    API,
    Addressing,
    Batch,
    Capabilities,
    Env,
    Fitted,
    Format,
    Receipt,
    Rendition,
    Sense,
    State,
    Variant,
)
from broadcaster.model.cap import MsgType, Resource
from broadcaster.model.errors import BadInput, DoesNotFit, Problem, Unknown


class _Way(Enum):
    HANG = "hang"
    SILENCE = "silence"


HANG: Final = _Way.HANG
"""``send`` never answers, but can be cancelled."""
SILENCE: Final = _Way.SILENCE
"""The far side takes the batch and says nothing about it."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """``send`` blocks its whole thread for so many seconds, as a bad library does."""

    seconds: float


Step = State | Exception | _Way | Blocks | Callable[[Batch], Sequence[Receipt]]
"""What one attempt does: a state is confirmed for every delivery (also one that the capabilities
do not allow), an error is raised (``Unknown`` after the far side took the batch, any other before),
a function gives the receipts itself."""

CAPABILITIES = Capabilities(
    operations=frozenset({MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL}),
    formats=(Format.TEXT,),
    addressing=Addressing.AREA,
    confirms=frozenset({State.ACCEPTED, State.SENT, State.DELIVERED}),
    senses=frozenset({Sense.SEE}),
    variants=(Variant.STANDARD,),
    shows_review=True,
)


class RecordingChannel:
    """Takes everything and remembers it."""

    kind: ClassVar[str] = "recording"
    api: ClassVar[int] = API
    addressing: ClassVar[Addressing] = CAPABILITIES.addressing
    can: ClassVar[Capabilities] = CAPABILITIES
    limit: ClassVar[int] = 100_000
    """Bytes of one text."""
    script: ClassVar[tuple[Step, ...]] = ()
    attempts: ClassVar[list[Batch]]
    """Every batch that was tried, in order."""
    handed_over: ClassVar[list[Batch]]
    """What the far side took; a key it knows is taken once where repeating is harmless."""
    opened: ClassVar[list[Any]]
    """Every channel of this kind that was opened, in order."""

    def __init__(self, env: Env) -> None:
        self.env = env
        self._loop: asyncio.AbstractEventLoop | None = None
        self._evidence: asyncio.Queue[Receipt] = asyncio.Queue()

    def __init_subclass__(cls) -> None:
        cls.attempts, cls.handed_over, cls.opened = [], [], []

    @classmethod
    def kind_of(
        cls,
        kind: str,
        *,
        script: Sequence[Step] = (),
        capabilities: Capabilities = CAPABILITIES,
        limit: int = 100_000,
    ) -> type[Self]:
        """A kind of its own with an empty memory."""
        members = {
            "kind": kind,
            "addressing": capabilities.addressing,
            "can": capabilities,
            "limit": limit,
            "script": tuple(script),
        }
        return type(cls.__name__, (cls,), members)

    @classmethod
    def settings(cls, raw: Mapping[str, Any]) -> None:
        """There is nothing to set."""
        wrong = [
            Problem(str(key), "is not a setting of this channel", "remove it")
            for key in raw
            if key != "kind"
        ]
        if wrong:
            raise BadInput(wrong)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: None, env: Env) -> AsyncIterator[Self]:
        """Nothing to connect."""
        channel = cls(env)
        channel._loop = asyncio.get_running_loop()
        cls.opened.append(channel)
        yield channel

    @property
    def capabilities(self) -> Capabilities:
        """What the kind was made with."""
        return self.can

    def fit(self, rendition: Rendition) -> Fitted:
        """The text as UTF-8."""
        data = rendition.text.encode()
        if len(data) > self.limit:
            surplus = len(data) - self.limit
            raise DoesNotFit(
                Problem(rendition.language, f"the text is {surplus} bytes too long"),
                surplus=surplus,
                unit="bytes",
            )
        return Fitted(
            parts=(data,), shows=data.decode(), used=len(data), limit=self.limit, unit="bytes"
        )

    def resources(self, rendition: Rendition) -> Sequence[Resource]:
        """It publishes no files."""
        return ()

    async def send(self, batch: Batch) -> Sequence[Receipt]:
        """Take the batch."""
        self.attempts.append(batch)
        return self._take(batch, State.ACCEPTED)

    async def receipts(self) -> AsyncIterator[Receipt]:
        """What :meth:`say` was given, for ever."""
        while True:
            yield await self._evidence.get()

    async def ping(self) -> str:
        """It is always there."""
        return "The far side is there."

    def say(self, receipt: Receipt) -> None:
        """Let evidence arrive now; may be called from any thread while the channel is open."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._evidence.put_nowait, receipt)

    def _take(self, batch: Batch, state: State) -> list[Receipt]:
        known = self.can.repeat_is_harmless and any(
            batch.key == earlier.key for earlier in self.handed_over
        )
        if not known:
            self.handed_over.append(batch)
        return [Receipt(key=delivery.key, state=state) for delivery in batch.deliveries]


class FlakyChannel(RecordingChannel):
    """Follows its script, one step an attempt; after the last step it takes everything."""

    kind: ClassVar[str] = "flaky"

    async def send(self, batch: Batch) -> Sequence[Receipt]:
        """Do what the script says for this attempt."""
        self.attempts.append(batch)
        number = len(self.attempts)
        step = self.script[number - 1] if number <= len(self.script) else State.ACCEPTED
        if isinstance(step, State):
            return self._take(batch, step)
        if isinstance(step, Blocks):
            time.sleep(step.seconds)  # noqa: ASYNC251 - the fault that is to be played
            return self._take(batch, State.ACCEPTED)
        if step is HANG:
            await asyncio.Event().wait()
        if isinstance(step, Exception):
            if isinstance(step, Unknown):
                self._take(batch, State.ACCEPTED)
            raise step
        if callable(step):
            return step(batch)
        self._take(batch, State.ACCEPTED)
        return []


RecordingChannel.__init_subclass__()  # the base has a memory as well
