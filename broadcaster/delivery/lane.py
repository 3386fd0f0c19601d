"""A lane: one channel, one thread, one event loop, and the attempts made in it.

Channels cannot delay one another because they share nothing that could block: a channel that
hangs, even one that blocks its event loop, holds up its own lane only.  Within a lane a second
worker takes nothing but the most urgent work, so that an Extreme alert never queues behind
100,000 lesser messages.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import traceback
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Protocol

from broadcaster.clock import Clock
from broadcaster.delivery import retry
from broadcaster.delivery.attempts import Attempts, key_of
from broadcaster.delivery.contract import (
    Addressing,
    Batch,
    Call,
    Called,
    Channel,
    ChannelType,
    Converses,
    Delivery,
    Document,
    Env,
    Fitted,
    Mode,
    Receipt,
    Rendition,
    State,
)
from broadcaster.delivery.hearing import Hearing
from broadcaster.model.cap import Alert
from broadcaster.model.errors import (
    BroadcasterError,
    ChannelError,
    Permanent,
    Problem,
    Unavailable,
    Unknown,
)
from broadcaster.model.states import CODES, replace
from broadcaster.store.port import Chunk, Store

log = logging.getLogger(__name__)

ATTEMPTING = CODES[State.ATTEMPTING]
LEASE = 30.0
"""Seconds a claim holds without a save."""
REAPING = 0.1
"""Seconds in which a channel's killed child processes are reaped before the loop goes."""
PAUSE = 1.0
"""Seconds before the next look when there is nothing to do, or the store cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a chunk is to send, looked up once."""

    alert: Alert
    renditions: dict[tuple[str, str], Rendition]


class Source(Protocol):
    """Where lanes get what they send.  Implemented by the application."""

    async def content(self, alert: str, channel: str) -> Content:
        """The alert and its approved renditions for one channel."""
        ...

    async def publication(
        self, channel: str, formats: Sequence[str]
    ) -> tuple[tuple[Document, ...], tuple[str, ...]]:
        """Everything the site must hold now, and what it must no longer hold."""
        ...


class Lane:
    """Opens a channel in a thread of its own and works off its chunks there."""

    def __init__(
        self,
        *,
        type_: type[ChannelType],
        settings: Any,
        env: Env,
        store: Store,
        source: Source,
        clock: Clock,
        owner: str,
        timeout: float,
        on_progress: Callable[[str], None],
    ) -> None:
        self.name = env.name
        self.mode: Mode = env.mode
        self.kind = type_.kind
        self.addressing: Addressing = type_.addressing
        self._type, self._settings, self._env = type_, settings, env
        self._store, self._source, self._clock = store, source, clock
        self._owner, self._timeout, self._on_progress = owner, timeout, on_progress
        self._rng = random.Random(env.random.random())
        self._loop = asyncio.new_event_loop()
        self._wake = asyncio.Event()
        self._opened = asyncio.Event()
        self._publishing = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self._companions: list[Callable[[Channel], Coroutine[Any, Any, None]]] = []
        self._thread = threading.Thread(target=self._run, name=f"lane-{self.name}", daemon=True)
        self.channel: Channel | None = None
        self.trouble = ""
        """Why the channel could not be opened, for the report."""

    # ---- called from the application's thread ------------------------------------------------

    def open(self, within: float = 10.0) -> None:
        """Start the thread and open the channel; on failure :attr:`trouble` says why."""
        self._thread.start()
        future = asyncio.run_coroutine_threadsafe(self._open(), self._loop)
        try:
            future.result(within)
        except TimeoutError:
            self.trouble = f"did not open within {within:.0f} s"
        except BroadcasterError as error:
            self.trouble = "; ".join(problem.says for problem in error.problems)
        except Exception as error:
            self.trouble = _bug(self.name, error)

    def start(self) -> None:
        """Begin to work, now or when a channel that is slow to open is open at last.

        Waits for nothing: a lane that hangs must not keep the others from starting.
        """
        asyncio.run_coroutine_threadsafe(self._start(), self._loop)

    def accompany(self, companion: Callable[[Channel], Coroutine[Any, Any, None]]) -> None:
        """Run this beside the work, in the channel's own loop, until the lane is closed.

        To be said before :meth:`start`.
        """
        self._companions.append(companion)

    def wake(self) -> None:
        """There is, or may be, work."""
        self._loop.call_soon_threadsafe(self._wake.set)

    def ping(self, within: float) -> str:
        """The channel's own link test, in its own loop.  Raises what the channel raises."""
        if self.channel is None:
            raise Unknown(Problem(self.name, self.trouble))
        return asyncio.run_coroutine_threadsafe(self.channel.ping(), self._loop).result(within)

    async def say(
        self, address: str, text: str, *, language: str, key: str, validity: timedelta
    ) -> Receipt:
        """One text to one person (:meth:`Converses.say`), in the channel's own loop.

        Raises what the channel raises, and ``Permanent`` where it has no such way.
        """
        channel = self.channel
        if not isinstance(channel, Converses):
            raise Permanent(Problem(self.name, self.trouble or "cannot write to one person"))
        saying = channel.say(address, text, language=language, key=key, validity=validity)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(saying, self._loop))

    async def called(self, call: Call, within: float) -> int:
        """Give a far side's request to the channel; the HTTP status to answer with."""
        if not isinstance(self.channel, Called):
            return HTTPStatus.NOT_FOUND
        future = asyncio.run_coroutine_threadsafe(self.channel.called(call), self._loop)
        try:
            async with asyncio.timeout(within):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            return HTTPStatus.SERVICE_UNAVAILABLE
        except Exception as error:  # its message could quote an address
            _bug(self.name, error)
            return HTTPStatus.INTERNAL_SERVER_ERROR

    def close(self, within: float = 5.0) -> None:
        """Stop working and close the channel; a lane that hangs is left behind."""
        if not self._thread.is_alive():
            return
        future = asyncio.run_coroutine_threadsafe(self._close(), self._loop)
        try:
            future.result(within)
        except Exception as error:  # a hanging or broken channel must not hinder the others
            log.warning("channel %s did not close: %s", self.name, type(error).__name__)
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(within)

    # ---- inside the lane's thread ------------------------------------------------------------

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    async def _open(self) -> None:
        opened = self._type.open(self._settings, self._env)
        self.channel = await self._stack.enter_async_context(opened)
        self._opened.set()

    async def _start(self) -> None:
        if (task := asyncio.current_task()) is not None:
            self._tasks.append(task)
        await self._opened.wait()
        for urgent_only in (False, True):
            self._tasks.append(self._loop.create_task(self._work(urgent_only=urgent_only)))
        self._tasks.append(self._loop.create_task(self._listen()))
        self._tasks += [self._loop.create_task(self._with(each)) for each in self._companions]

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()
        await asyncio.sleep(REAPING)

    async def _work(self, *, urgent_only: bool) -> None:
        assert self.channel is not None
        harmless = self.channel.capabilities.repeat_is_harmless
        while True:
            self._wake.clear()
            try:
                chunk = await self._store.claim(
                    self.name,
                    self._clock.now(),
                    owner=self._owner,
                    lease=LEASE,
                    urgent_only=urgent_only,
                    harmless=harmless,
                )
            except Exception as error:  # the lane must be there when the store is back
                log.error("channel %s cannot get its work: %s", self.name, _says(error))
                chunk = None
            if chunk is None:
                # A missed wake-up, or work that becomes due, costs a second at most.
                with suppress(TimeoutError):
                    async with asyncio.timeout(PAUSE):  # wait_for can lose a cancellation
                        await self._wake.wait()
                continue
            try:
                await self._do(chunk)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                # A bug between claim and save.  The states of the last save are the truth.
                reason = _bug(self.name, error)
                settled = replace(chunk.states, [State.ATTEMPTING], State.UNKNOWN)
                chunk.states = settled
                again = retry.decide(
                    Unknown(reason),
                    attempt=chunk.attempts,
                    now=self._clock.now(),
                    expires=chunk.expires,
                    harmless=True,
                    rng=self._rng,
                )
                at = again.at if isinstance(again, retry.Retry) else None
                await self._finish(chunk, again=at, reason=reason)
            self._on_progress(chunk.alert)

    async def _finish(
        self, chunk: Chunk, work: Attempts | None = None, *, again: datetime | None, reason: str
    ) -> None:
        """Give a chunk back; what is known of it is kept until the store can take it."""
        while True:
            try:
                await self._store.finish(
                    chunk,
                    remarks=work.remarks if work else (),
                    parts=work.parts if work else (),
                    now=self._clock.now(),
                    again=again,
                    reason=reason,
                )
                return
            except Unavailable as error:
                log.error("channel %s cannot save an outcome: %s", self.name, _says(error))
                await asyncio.sleep(PAUSE)

    async def _do(self, chunk: Chunk) -> None:
        """Work off one chunk: ledger first, then the attempt, then what came of it."""
        assert self.channel is not None
        work = Attempts(chunk, harmless=self.channel.capabilities.repeat_is_harmless)
        content = await self._source.content(chunk.alert, self.name)
        again: datetime | None = None
        reason = ""
        made: dict[tuple[str, str], tuple[Rendition, Fitted]] = {}
        for span, cell in work.cells(self.channel.capabilities.max_batch):
            if chunk.expires is not None and self._clock.now() >= chunk.expires:
                work.expire("the warning ended before this could be sent")
                break
            fitted = self._fit(work, cell, content, made)
            if not fitted:
                continue
            positions = [position for position, _, _ in fitted]
            before = chunk.states
            work.mark(positions, State.ATTEMPTING)
            try:
                saved = await self._store.progress(
                    chunk,
                    remarks=work.remarks,
                    parts=work.parts,
                    now=self._clock.now(),
                    lease=LEASE + self._timeout,
                )
                work.saved()
                if not saved:  # superseded or lease lost: this cell surely did not leave
                    chunk.states = before
                    break
                # Who left in the meantime was taken out by the store.
                fitted = [one for one in fitted if chunk.states[one[0]] == ATTEMPTING]
                positions = [position for position, _, _ in fitted]
                if not fitted:
                    continue
                receipts = await self._attempt(chunk, span, fitted, content)
            except Unavailable as error:  # no ledger, no attempt: surely not sent
                chunk.states = before
                again, reason = self._clock.now() + timedelta(seconds=PAUSE), _says(error)
                break
            except ChannelError as error:
                decision = retry.decide(
                    error,
                    attempt=chunk.attempts,
                    now=self._clock.now(),
                    expires=chunk.expires,
                    harmless=work.harmless,
                    rng=self._rng,
                )
                work.failed(positions, error, decision)
                if isinstance(decision, retry.Retry):
                    again, reason = decision.at, decision.reason
                    break
            else:
                work.received(positions, receipts, self.channel.capabilities.confirms)
            self._on_progress(chunk.alert)
        await self._finish(chunk, work, again=again, reason=reason)

    def _fit(
        self,
        work: Attempts,
        cell: list[tuple[int, str]],
        content: Content,
        made: dict[tuple[str, str], tuple[Rendition, Fitted]],
    ) -> list[tuple[int, str, tuple[Rendition, Fitted]]]:
        assert self.channel is not None
        ready = []
        for position, target in cell:
            pair = work.pair(position)
            if pair not in made:
                rendition = content.renditions.get(pair)
                if rendition is None:
                    work.settle(position, State.UNSUPPORTED, "there is no text in this language")
                    continue
                try:
                    made[pair] = (rendition, self.channel.fit(rendition))
                except ChannelError as error:
                    work.settle(position, State.UNSUPPORTED, error.problems[0].says)
                    continue
            ready.append((position, target, made[pair]))
        return ready

    async def _attempt(
        self,
        chunk: Chunk,
        span: tuple[int, int],
        fitted: list[tuple[int, str, tuple[Rendition, Fitted]]],
        content: Content,
    ) -> Sequence[Receipt]:
        """ONE call of ``send``; whatever happens becomes receipts or a ``ChannelError``."""
        assert self.channel is not None
        key = key_of(chunk)
        capabilities = self.channel.capabilities

        async def send() -> Sequence[Receipt]:
            assert self.channel is not None
            documents: tuple[Document, ...] = ()
            removes: tuple[str, ...] = ()
            if capabilities.addressing is Addressing.PUBLISHED:
                documents, removes = await self._source.publication(
                    self.name, [format_.value for format_ in capabilities.formats]
                )
            return await self.channel.send(
                Batch(
                    key=key.batch(*span),
                    operation=content.alert.msg_type,
                    mode=self.mode,
                    alert=content.alert,
                    deliveries=tuple(
                        Delivery(
                            key=key.delivery(position),
                            target=target,
                            rendition=rendition,
                            fitted=fit,
                        )
                        for position, target, (rendition, fit) in fitted
                    ),
                    replaces=chunk.replaces,
                    documents=documents,
                    removes=removes,
                )
            )

        try:
            if capabilities.addressing is not Addressing.PUBLISHED:
                async with asyncio.timeout(self._timeout):
                    return await send()
            # A publication is the whole site: one computed earlier must never land on top of
            # one computed later.
            async with self._publishing, asyncio.timeout(self._timeout):
                return await send()
        except ChannelError:
            raise
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise  # the lane itself is being closed
            # A connection that the channel lost may end its own tasks this way.  Let through, it
            # would end this worker, and the lane would be deaf until the next start.
            raise Unknown(Problem(self.name, _bug(self.name, error))) from error
        except TimeoutError:
            raise Unknown(Problem(self.name, f"no answer within {self._timeout:.0f} s")) from None
        except Exception as error:
            raise Unknown(Problem(self.name, _bug(self.name, error))) from error

    async def _with(self, companion: Callable[[Channel], Coroutine[Any, Any, None]]) -> None:
        """A companion that fails is begun again: nobody else would hear what it hears."""
        assert self.channel is not None
        while True:
            try:
                await companion(self.channel)
                return
            except Exception as error:
                _bug(self.name, error)
                await asyncio.sleep(PAUSE)

    async def _listen(self) -> None:
        """Evidence that arrives later, for as long as the lane is open."""
        hearing = Hearing(self.name, self._store, self._clock, self._on_progress)
        assert self.channel is not None
        async with asyncio.TaskGroup() as group:
            group.create_task(hearing.store())
            while True:
                try:
                    await hearing.hear(self.channel.receipts(), self.channel.capabilities.confirms)
                    break
                except Exception as error:  # a broken stream must not make the lane deaf for ever
                    _bug(self.name, error)
                    await asyncio.sleep(PAUSE)
            await hearing.end()


def _says(error: Exception) -> str:
    """An error in words; not those of a bug, because they could quote an address."""
    if isinstance(error, BroadcasterError):
        return error.problems[0].says
    return type(error).__name__


def _bug(name: str, error: BaseException) -> str:
    """A bug in a channel, without the message of the error: it could quote an address."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("bug in channel %s: %s\n%s", name, type(error).__name__, frames)
    return f"a bug in the channel ({type(error).__name__}); see the log"
