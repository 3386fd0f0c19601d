"""Residents write, and are answered: subscribe, leave, change the language, get help.

Runs in the lane of every channel that people can write to, in three strands that wait for nothing
but the store: one takes messages in, one acts on them, one answers.  A gateway that is slow to take
answers holds up nobody who wants to leave.

What must hold at every instant at which the power may fail:

* A message is in the store before the far side is told that we have it, so none is lost; one that
  is handed over twice is known by its key.
* What it asks for is done, and noted as done, in one transaction.
* An answer is marked as given before it is given, so nobody is answered twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from broadcaster.app.answers import Offer, Phrases, respond
from broadcaster.clock import Clock
from broadcaster.delivery.contract import Channel, Converses, Heard
from broadcaster.model.errors import BroadcasterError, Transient, Unavailable
from broadcaster.store.inbox import Answer, Deed, Inbox, Message
from broadcaster.text.keywords import Keywords, decide

log = logging.getLogger(__name__)

VALIDITY = timedelta(hours=6)
"""A phone that is switched on later than this gets no answer any more."""
ANSWERS_AT_ONCE = 4
"""Answers under way at the same time."""
ATTEMPTS = 3
"""How often an answer is tried that surely did not leave."""
WITHIN = 60.0
"""Seconds in which a channel must have taken an answer."""
PAUSE = 1.0
"""Seconds before the next look when something had to wait."""
TIDY = timedelta(hours=1).total_seconds()
"""Seconds between two looks for what is old enough to be forgotten."""


class Conversation:
    """All that one lane hears and answers."""

    def __init__(
        self,
        *,
        lane: str,
        offer: Offer,
        phrases: Phrases,
        keywords: Keywords,
        inbox: Inbox,
        clock: Clock,
    ) -> None:
        self._lane, self._offer, self._phrases = lane, offer, phrases
        self._keywords = keywords.preferring(offer.languages)
        self._inbox, self._clock = inbox, clock
        self._heard = asyncio.Event()
        self._decided = asyncio.Event()
        self._beyond_us: set[int] = set()

    async def run(self, channel: Channel) -> None:
        """Converse until cancelled; ends at once for a channel that nobody can write to."""
        if not isinstance(channel, Converses):
            return
        if not self._offer.variants:
            self._offer = replace(self._offer, variants=channel.capabilities.variants)
        await self._persist("begin", self._begin)
        async with asyncio.TaskGroup() as strands:
            strands.create_task(self._listen(channel))
            strands.create_task(self._work())
            strands.create_task(self._reply(channel))

    async def _begin(self) -> None:
        cut_off = await self._inbox.interrupted(self._lane)
        if cut_off:
            log.warning("channel %s: %d answers were cut off", self._lane, cut_off)

    # ---- taking in ---------------------------------------------------------------------------

    async def _listen(self, channel: Converses) -> None:
        while True:
            try:
                async for heard in channel.heard():
                    await self._take(heard)
                return
            except Exception as error:  # a broken stream must not make us deaf for ever
                log.error("channel %s: hearing broke off: %s", self._lane, _says(error))
                await asyncio.sleep(PAUSE)

    async def _take(self, heard: Heard) -> None:
        """Store it, then say that it was taken; not the other way round."""
        await self._persist(
            "keep a message",
            lambda: self._inbox.keep(
                self._lane, heard.key, heard.address, heard.text, self._clock.now()
            ),
        )
        self._heard.set()
        try:
            await heard.kept()
        except Exception as error:  # it comes again, and is known by its key
            log.warning("channel %s: the far side was not told: %s", self._lane, _says(error))

    async def _persist(self, what: str, step: Callable[[], Awaitable[object]]) -> None:
        """Try until the store can; until then the far side keeps what it has."""
        while True:
            try:
                await step()
                return
            except Unavailable as error:
                log.error("channel %s cannot %s: %s", self._lane, what, _says(error))
                await asyncio.sleep(PAUSE)

    # ---- acting ------------------------------------------------------------------------------

    async def _work(self) -> None:
        time = asyncio.get_running_loop().time
        tidied = time() - TIDY
        while True:
            self._heard.clear()
            waiting = await self._act_on_all()
            if time() - tidied >= TIDY:
                await self._tidy()
                tidied = time()
            with suppress(TimeoutError):
                async with asyncio.timeout(PAUSE if waiting else TIDY):
                    await self._heard.wait()

    async def _act_on_all(self) -> bool:
        """One walk through all that is new, oldest first; whether any of it had to wait."""
        waiting, last = False, 0
        try:
            while messages := await self._inbox.new(self._lane, self._offer.channel, last):
                for message in messages:
                    last = message.id
                    waiting |= not await self._act_on(message)
                    self._decided.set()
        except BroadcasterError as error:
            log.error("channel %s cannot act on messages: %s", self._lane, _says(error))
            return True
        return waiting

    async def _act_on(self, message: Message) -> bool:
        """False when it has to wait."""
        if message.id in self._beyond_us:
            return True
        try:
            deed = await asyncio.to_thread(self._deed, message)
            return await self._inbox.act(message.id, self._offer.channel, deed, self._clock.now())
        except BroadcasterError:
            raise
        except Exception as error:  # it stays in the store, and the others go on
            self._beyond_us.add(message.id)
            log.error("bug: channel %s cannot act on a message: %s", self._lane, _says(error))
            return True

    def _deed(self, message: Message) -> Deed:
        if self._phrases.ours(message.text):
            return Deed(command="echo")
        command = decide(message.text, self._keywords, message.language)
        return respond(command, message, self._offer)

    async def _tidy(self) -> None:
        try:
            await self._inbox.forget(self._clock.now())
        except BroadcasterError as error:
            log.error("channel %s cannot forget old messages: %s", self._lane, _says(error))

    # ---- answering ---------------------------------------------------------------------------

    async def _reply(self, channel: Converses) -> None:
        room = asyncio.Semaphore(ANSWERS_AT_ONCE)
        async with asyncio.TaskGroup() as under_way:
            while True:
                await room.acquire()
                self._decided.clear()
                try:
                    answer = await self._inbox.take_answer(self._lane, self._clock.now())
                except Exception as error:
                    log.error("channel %s cannot answer: %s", self._lane, _says(error))
                    room.release()
                    await asyncio.sleep(PAUSE)
                    continue
                if answer is not None:
                    under_way.create_task(self._give(channel, answer, room))
                    continue
                room.release()
                await self._decided.wait()

    async def _give(self, channel: Converses, answer: Answer, room: asyncio.Semaphore) -> None:
        try:
            await self._say(channel, answer)
        except Exception as error:  # its words could quote a number
            log.error("channel %s: an answer failed: %s", self._lane, _says(error))
        finally:
            room.release()
        await self._persist("note an answer", lambda: self._inbox.settle(answer.id))

    async def _say(self, channel: Converses, answer: Answer) -> None:
        """Once; again only what surely did not leave."""
        text = await asyncio.to_thread(self._phrases.text, answer.answer, answer.language)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with asyncio.timeout(WITHIN):
                    await channel.say(
                        answer.address,
                        text,
                        language=answer.language,
                        key=answer.key,
                        validity=VALIDITY,
                    )
                return
            except Transient as error:
                log.warning("channel %s: an answer did not leave: %s", self._lane, _says(error))
                wait = error.retry_after or attempt * PAUSE
                if attempt == ATTEMPTS or wait > WITHIN:
                    return
                await asyncio.sleep(wait)


def _says(error: Exception) -> str:
    """An error in words; not those of a bug, because they could quote a number."""
    return error.problems[0].says if isinstance(error, BroadcasterError) else type(error).__name__
