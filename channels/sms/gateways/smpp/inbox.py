"""What SMSCs deliver to us, until somebody has it: receipts, and messages from people.

A deliver_sm is answered only when what it says is safe elsewhere.  Until then it is the SMSC's to
keep, and it delivers again what we did not answer.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from broadcaster.clock import Clock
from broadcaster.delivery.contract import Heard, Receipt
from channels.sms.gateways.smpp import inbound, pdu, receipts
from channels.sms.gateways.smpp.inbound import Reassembly, Whole
from channels.sms.gateways.smpp.pdu import Message
from channels.sms.gateways.smpp.route import Route

Answer = Callable[[int], None]
MOST_RECEIPTS = 50_000
MOST_MESSAGES = 1_000
"""So many wait for somebody to take them; then SMSCs are told to come back later."""
HOLD = 3.0
"""Seconds for which the first parts of a long text stay unanswered.

An SMSC that delivers one at a time would never send the second part before the first is answered;
most send on at once, and then every part is answered only when the whole text is kept.
"""
REST = 300.0
"""Seconds to wait for the rest of a long text."""
BUCKET = 600
"""Seconds in which a message that was not answered is delivered again, after a crash of ours."""
T = TypeVar("T")
U = TypeVar("U")


class Stream(Generic[T, U]):
    """A queue whose items are gone only when the next one is asked for."""

    def __init__(self) -> None:
        self._items: deque[tuple[T, U]] = deque()
        self._some = asyncio.Event()

    def put(self, item: T, about: U) -> None:
        """At the end, with what ``taken`` is to be told."""
        self._items.append((item, about))
        self._some.set()

    async def items(self, taken: Callable[[U], None]) -> AsyncIterator[T]:
        """One after the other, for ever; ``taken`` when the next is asked for."""
        while True:
            while not self._items:
                self._some.clear()
                await self._some.wait()
            item, about = self._items.popleft()
            done = False
            try:
                yield item
                done = True
            finally:
                if not done:  # whoever listens next gets it
                    self._items.appendleft((item, about))
                    self._some.set()
            taken(about)


@dataclass(slots=True)
class _Said:
    """A message from a person, and all times that it was delivered."""

    bucket: int
    count: int
    answers: list[Answer] = field(default_factory=list)
    queued: bool = True
    kept: bool = False


class Inbox:
    """Sorts what comes in, and hands it on."""

    def __init__(
        self,
        clock: Clock,
        secret: bytes,
        country: str,
        *,
        hold: float = HOLD,
        rest: float = REST,
    ) -> None:
        self._clock = clock
        self._secret = hashlib.blake2b(secret).digest()
        self._country = country
        self._hold, self._rest = hold, rest
        self._loop = asyncio.get_running_loop()
        self._receipts: Stream[Receipt, Answer] = Stream()
        self._heard: Stream[Heard, _Said] = Stream()
        self._waiting = 0
        self._unkept = 0
        self._said: dict[bytes, _Said] = {}
        self._parts: Reassembly[Answer] = Reassembly(ttl=rest)

    # ---- from the routes ---------------------------------------------------------------------

    def deliver(self, route: Route, message: Message, answer: Answer) -> None:
        """Take one deliver_sm."""
        if receipts.is_receipt(message):
            self._receipt(route, message, answer)
        else:
            self._from_person(message, answer)

    def tell(self, receipt: Receipt) -> None:
        """Evidence of our own, about a submission that nobody waits for any more."""
        self._waiting += 1
        self._receipts.put(receipt, lambda status: None)

    # ---- to the channel ----------------------------------------------------------------------

    def receipts(self) -> AsyncIterator[Receipt]:
        """Receipts; asking for the next one says that the one before is safe."""
        return self._receipts.items(self._taken)

    def heard(self) -> AsyncIterator[Heard]:
        """Messages from people."""
        return self._heard.items(self._handed)

    # ---- inside ------------------------------------------------------------------------------

    def _taken(self, answer: Answer) -> None:
        self._waiting -= 1
        answer(pdu.OK)

    def _handed(self, said: _Said) -> None:
        said.queued = False

    def _receipt(self, route: Route, message: Message, answer: Answer) -> None:
        report = receipts.read(message, ids=route.settings.receipt_ids)
        if report is None:
            route.counts["unreadable"] += 1
            answer(pdu.OK)
            return
        if self._waiting >= MOST_RECEIPTS:
            answer(pdu.TEMPORARY_TROUBLE)
            return
        self._waiting += 1
        route.counts[f"receipt {report.state}"] += 1
        # It may overtake the answer that gives its id; whoever keeps the ids waits for that.
        name = reference(route.name, report.id)
        receipt = Receipt(key="", state=report.state, reference=name, reason=report.reason)
        self._receipts.put(receipt, answer)

    def _from_person(self, message: Message, answer: Answer) -> None:
        if self._unkept >= MOST_MESSAGES:
            answer(pdu.TEMPORARY_TROUBLE)
            return
        whole = self._parts.add(message, answer, self._loop.time())
        if whole is None:
            self._loop.call_later(self._hold, answer, pdu.OK)
            self._loop.call_later(self._rest, self._sweep)
        else:
            self._hear(whole)

    def _sweep(self) -> None:
        for whole in self._parts.overdue(self._loop.time()):
            self._hear(whole)

    def _hear(self, whole: Whole[Answer]) -> None:
        name = self._name(whole)
        bucket = int(self._clock.now().timestamp()) // BUCKET
        said = self._said.get(name)
        if said is not None and not said.kept:
            said.answers += whole.parts
            if said.queued:
                return
            said.queued = True
        else:
            # The same words again, after the first were kept, are a new message: who writes
            # STOP, START and STOP means the last one.
            again = said is not None and said.bucket == bucket
            count = said.count + 1 if said is not None and again else 0
            self._forget(bucket)
            said = self._said[name] = _Said(bucket, count, list(whole.parts))
            self._unkept += 1
        key = f"{name.hex()}-{said.bucket}-{said.count}"
        address = inbound.number(whole.message.source, self._country)

        async def kept() -> None:
            if not said.kept:
                said.kept = True
                self._unkept -= 1
            for answer in said.answers:
                answer(pdu.OK)

        heard = Heard(key=key, address=address, text=whole.text, at=self._clock.now(), kept=kept)
        self._heard.put(heard, said)

    def _name(self, whole: Whole[Answer]) -> bytes:
        """Of a message, and of no use to whoever tries out all numbers without the secret."""
        hashed = hashlib.blake2b(key=self._secret, digest_size=16)
        for piece in (whole.message.source.digits, whole.message.destination.digits):
            hashed.update(piece.encode() + b"\0")
        hashed.update(whole.octets)
        return hashed.digest()

    def _forget(self, bucket: int) -> None:
        if len(self._said) > 2 * MOST_MESSAGES:
            self._said = {
                name: said
                for name, said in self._said.items()
                if not said.kept or said.bucket == bucket
            }


def reference(route: str, id_: str) -> str:
    """An id as the engine keeps it: two SMSCs give the same ones."""
    return f"{route}:{receipts.same(id_)}"
