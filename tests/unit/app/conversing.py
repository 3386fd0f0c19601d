"""A far side to which people can write, and which keeps what it is not told was taken."""

import asyncio
import time
from dataclasses import dataclass, field, replace
from datetime import timedelta

from broadcaster.delivery.contract import Addressing, Heard, Mode, Receipt, State, Variant
from broadcaster.testing import NOON, FlakyChannel
from broadcaster.testing.channels import CAPABILITIES

PHONES = replace(
    CAPABILITIES,
    addressing=Addressing.RECIPIENTS,
    variants=(Variant.SHORT, Variant.PLAIN),
    max_batch=50,
)


def number(n):
    """A number reserved for fiction."""
    return f"+4917139200{n:03}"


@dataclass
class FarSide:
    """What lives on when the channel is closed: messages not yet taken, answers given."""

    waiting: dict = field(default_factory=dict)
    """Messages by key that nobody said were taken; handed over again at every opening."""
    taken: list = field(default_factory=list)
    """Keys in the order in which we said that we have them."""
    said: list = field(default_factory=list)
    """Answers that phones got: number, text, language, key."""
    faults: list = field(default_factory=list)
    """Raised by the next attempts to answer, one each."""
    opened: list = field(default_factory=list)
    """The channels that hear, the newest last; a far side tells each message to one."""
    mode: Mode = Mode.LIVE
    """Whose channels hear."""

    def writes(self, who, text, key=None):
        """Somebody writes; may be called from any thread."""
        key = key or f"mo-{len(self.waiting) + len(self.taken) + 1}"
        self.waiting[key] = (who if isinstance(who, str) else number(who), text)
        if self.opened:
            self.opened[-1].hand_over(key)

    def answers(self, who=None):
        return [text for to, text, _, _ in self.said if who is None or to == number(who)]


class ConversingChannel(FlakyChannel):
    """A channel that follows a script, and that people can write to."""

    far: FarSide

    @classmethod
    def phones(cls, kind, *, script=(), far=None):
        made = cls.kind_of(kind, script=script, capabilities=PHONES)
        made.far = far or FarSide()
        return made

    def __init__(self, env):
        super().__init__(env)
        self._inbound = asyncio.Queue()
        self._running = asyncio.get_running_loop()
        if env.mode is not self.far.mode:
            return
        self.far.opened.append(self)
        for key in self.far.waiting:
            self._inbound.put_nowait(key)

    def hand_over(self, key):
        if not self._running.is_closed():
            self._running.call_soon_threadsafe(self._inbound.put_nowait, key)

    async def heard(self):
        while True:
            key = await self._inbound.get()
            if key not in self.far.waiting:
                continue
            address, text = self.far.waiting[key]

            async def kept(key=key):
                await self.keeping(key)
                self.far.waiting.pop(key, None)
                self.far.taken.append(key)

            yield Heard(key=key, address=address, text=text, at=NOON, kept=kept)

    async def keeping(self, key):
        """A place for trouble: runs before the far side learns that a message was taken."""

    async def say(self, address, text, *, language, key, validity):
        assert validity > timedelta(0)
        if self.far.faults:
            fault = self.far.faults.pop(0)
            if isinstance(fault, Exception):
                raise fault
            await fault()
        self.far.said.append((address, text, language, key))
        return Receipt(key=key, state=State.ACCEPTED)


async def until(true, within=5.0):
    end = time.monotonic() + within
    while True:
        answer = true()
        if asyncio.iscoroutine(answer):
            answer = await answer
        if answer:
            return answer
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.01)
