"""Evidence that arrives later, stored many at a time.

A far side reports on half a million phones within minutes, and a commit costs the same for one
receipt as for a thousand.  So they are collected for a moment.  What is collected is bounded: a
far side that is faster than the disk waits.

A far side may forget a receipt once we have answered it, so that answer must not come before the
commit.  A receipt that brings its own ``kept`` is told afterwards, and the next one is taken
meanwhile.  Of one that does not, asking for the next says that it is safe: then they are stored
one by one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

from broadcaster.clock import Clock
from broadcaster.delivery.attempts import DOUBTS
from broadcaster.delivery.contract import Receipt, State
from broadcaster.delivery.keys import OUTSIDE, parse
from broadcaster.model.errors import Unavailable
from broadcaster.store.port import Evidence, Store

log = logging.getLogger(__name__)

MOST = 1000
"""Receipts in one commit, and as many wait for the next."""
MOMENT = 0.05
"""Seconds that receipts are collected before they are stored."""
PAUSE = 1.0
"""Seconds before the store is asked again when it could not be used."""


Kept = Callable[[], Awaitable[None]]
"""To be awaited once a receipt is stored."""


class Hearing:
    """Takes receipts and stores them in batches."""

    def __init__(
        self, name: str, store: Store, clock: Clock, on_progress: Callable[[str], None]
    ) -> None:
        self._name, self._store, self._clock = name, store, clock
        self._on_progress = on_progress
        self._heard: asyncio.Queue[tuple[Evidence, Kept] | None] = asyncio.Queue(MOST)
        self._full = asyncio.Event()

    async def hear(self, receipts: AsyncIterator[Receipt], confirms: frozenset[State]) -> None:
        """Take a stream of receipts until it ends; the stream waits while the disk is behind."""
        believed = confirms | DOUBTS | {State.EXPIRED}
        heard = self._heard
        async for receipt in receipts:
            if receipt.state not in believed:
                log.warning("channel %s: a receipt says what this channel cannot know", self._name)
                continue
            delivery = None
            if receipt.key:
                try:
                    key, position = parse(receipt.key)
                except ValueError:
                    if receipt.key.startswith(OUTSIDE):
                        continue  # nobody waits for what became of it
                    log.warning("channel %s: a receipt names no delivery of ours", self._name)
                    continue
                if key.channel != self._name:
                    log.warning("channel %s: a receipt is about another channel", self._name)
                    continue
                delivery = (key.alert, key.round, key.segment, position)
            evidence = Evidence(
                state=receipt.state,
                reason=receipt.reason,
                reference=receipt.reference,
                delivery=delivery,
            )
            if receipt.kept is None:
                stored = asyncio.Event()
                await heard.put((evidence, _setter(stored)))
                self._full.set()
                await stored.wait()
                continue
            if heard.full():
                self._full.set()
            await heard.put((evidence, receipt.kept))

    async def end(self) -> None:
        """No more receipts come."""
        await self._heard.put(None)

    async def store(self) -> None:
        """Store what was heard, until the end."""
        while (first := await self._heard.get()) is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(MOMENT):
                    await self._full.wait()
            self._full.clear()
            batch = [first]
            last = False
            while len(batch) < MOST and not self._heard.empty() and not last:
                one = self._heard.get_nowait()
                last = one is None
                if one is not None:
                    batch.append(one)
            await self._keep(batch)
            if last:
                return

    async def _keep(self, batch: list[tuple[Evidence, Kept]]) -> None:
        evidence = [one for one, _ in batch]
        while True:
            try:
                learnt = await self._store.receive(self._name, evidence, self._clock.now())
                break
            except Unavailable as error:
                says = error.problems[0].says
                log.error("channel %s cannot save evidence: %s", self._name, says)
                await asyncio.sleep(PAUSE)
        for _, kept in batch:
            try:
                await kept()
            except Exception as error:  # the evidence is safe; the far side may say it again
                log.warning("channel %s did not answer: %s", self._name, type(error).__name__)
        if learnt.unknown:
            log.warning(
                "channel %s: %d receipts belong to no delivery of ours", self._name, learnt.unknown
            )
        for alert in learnt.alerts:
            self._on_progress(alert)


def _setter(event: asyncio.Event) -> Kept:
    async def kept() -> None:
        event.set()

    return kept
