"""SMS straight to SMSCs over SMPP 3.4.

Configuration::

    gateway: smpp
    driver:
      routes:
        - name: north
          host: smsc.example.org
          tls: true                       # or {ca, certificate, key, server_name}
          system_id: "dortmund"
          password_file: smpp-north.txt
          window: 20
          rate: 100                       # segments per second of the contract
          cost: 0.07 EUR
        - name: south                     # takes over when north is down
          host: 127.0.0.1
          system_id: "dortmund"
          password_file: smpp-south.txt
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, timedelta
from random import Random
from typing import Any

from broadcaster.clock import Clock
from broadcaster.delivery.contract import Env, Heard, Receipt, State
from broadcaster.model.errors import Permanent, Problem, Transient
from channels.sms.gateway import Gateway, Submission
from channels.sms.gateways.smpp.access import Access, read_files
from channels.sms.gateways.smpp.inbox import Inbox
from channels.sms.gateways.smpp.pdu import Message
from channels.sms.gateways.smpp.route import FIRST_PAUSE, Route
from channels.sms.gateways.smpp.session import Lost, Outcome, Verdict
from channels.sms.gateways.smpp.settings import SmppSettings, read
from channels.sms.gateways.smpp.work import Text, Ticket


class SmppDriver:
    """How the gateway is configured and opened."""

    def settings(self, raw: Mapping[str, Any]) -> SmppSettings:
        """Check the driver's mapping; raises ``BadInput`` with paths relative to it."""
        return read(raw)

    @asynccontextmanager
    async def open(self, settings: SmppSettings, env: Env) -> AsyncIterator[Gateway]:
        """Bind to every route, and keep it bound; raises :class:`Unavailable` for bad files."""
        accesses = await asyncio.to_thread(read_files, settings, env.config_dir)
        gateway = SmppGateway(settings, accesses, env.clock, env.random)
        try:
            yield gateway
        finally:
            await gateway.close()


class SmppGateway:
    """All routes of the settings as one way out, and in."""

    confirms = frozenset({State.ACCEPTED, State.DELIVERED})
    repeat_is_harmless = False

    def __init__(
        self,
        settings: SmppSettings,
        accesses: Sequence[Access],
        clock: Clock,
        random: Random,
        *,
        first_pause: float = FIRST_PAUSE,
        inbox: Inbox | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        secret = "\n".join(access.password for access in accesses).encode()
        self._inbox = inbox or Inbox(clock, secret, settings.country)
        self._queue: deque[Text] = deque()
        self._backlog = 0
        """Segments that wait for their turn."""
        self._timer: asyncio.TimerHandle | None = None
        self._stirred = asyncio.Event()
        self._todo: dict[str, deque[tuple[Text, int]]] = {}
        self.routes = [Route(access, self, random, first_pause=first_pause) for access in accesses]
        self._todo = {route.name: deque() for route in self.routes}

    # ---- the driver's contract ---------------------------------------------------------------

    async def submit(self, submission: Submission) -> Sequence[Receipt]:
        """Send every segment to every recipient, and wait for what the SMSCs say.

        Raises :class:`Transient` when surely nothing was sent, :class:`Permanent` when the text
        has expired.
        """
        left = submission.expires.astimezone(UTC) - self._clock.now().astimezone(UTC)
        if left < timedelta(seconds=1):
            raise Permanent(Problem("expires", "the text has expired", "no phone may get it now"))
        ticket = Ticket(submission, left, self._loop.time())
        self._make_sure_of_a_turn(ticket.segments)
        self._enter(ticket)
        try:
            await self._finished(ticket)
            if ticket.texts and all(text.untouched for text in ticket.texts):
                raise Transient(self._troubles(ticket.over))
            return [text.receipt() for text in ticket.texts]
        finally:
            # Also when the engine has no more time: what is in flight then is told later.
            self._give_up(ticket, "the sending was stopped")
            for text in ticket.texts:
                text.reported = True
            # They name each other: let go now, not when the garbage collector comes round.
            ticket.texts.clear()

    def receipts(self) -> AsyncIterator[Receipt]:
        """Delivery receipts, by the SMSC's id; and answers that came too late, by our key."""
        return self._inbox.receipts()

    def heard(self) -> AsyncIterator[Heard]:
        """Messages from people."""
        return self._inbox.heard()

    async def ping(self) -> str:
        """Ask every SMSC for a sign of life; raises ``Transient`` when none gives one."""
        said = await asyncio.gather(*map(self._sign_of_life, self.routes))
        if not any(alive for alive, _ in said):
            raise Transient(
                Problem(route.name, words, "check the account and the way to the SMSC")
                for route, (_, words) in zip(self.routes, said, strict=True)
            )
        return "; ".join(
            f"{route.name}: {words}" for route, (_, words) in zip(self.routes, said, strict=True)
        )

    async def close(self) -> None:
        """Unbind everywhere."""
        if self._timer is not None:
            self._timer.cancel()
        await asyncio.gather(*(route.close() for route in self.routes))

    # ---- what routes tell --------------------------------------------------------------------

    def answered(self, route: Route, token: Any, outcome: Outcome) -> None:
        """Note what became of a segment."""
        text, at = token
        if outcome.verdict is Verdict.THROTTLED and at not in text.lost:
            # Surely not taken: this one, and only this one, goes again.
            if text.ended:
                self._whole(text, text.drop())
            else:
                self._backlog += 1
                self._todo[route.name].appendleft(token)
            return
        self._whole(text, text.take(at, route, outcome))

    def delivered(self, route: Route, message: Message, answer: Callable[[int], None]) -> None:
        """Pass it on."""
        self._inbox.deliver(route, message, answer)

    def stirred(self, route: Route) -> None:
        """See what can be sent now."""
        self._stirred.set()
        self._stirred = asyncio.Event()
        self._pump()

    # ---- the queue ---------------------------------------------------------------------------

    def _enter(self, ticket: Ticket) -> None:
        self._backlog += ticket.segments
        for text in ticket.texts:
            if text.number.isascii() and text.number.isdigit():
                self._queue.append(text)
            else:
                self._backlog -= len(text.ids)
                text.refused = "this is no phone number"
                while not text.drop():
                    pass
                self._whole(text, True)
        self._pump()

    def _pump(self) -> None:
        """Give routes what they can take; only the first that is up starts new texts."""
        first = True
        for route in sorted(self.routes, key=lambda route: route.doubtful):
            if route.sender is None:
                self._take_back(route)
            else:
                shares = self._settings.share and not route.doubtful
                self._fill(route, new=first or shares)
                first = False

    def _fill(self, route: Route, *, new: bool) -> None:
        session = route.sender
        todo = self._todo[route.name]
        room = session.room if session is not None else 0
        now = self._loop.time()
        while room > 0:
            if not todo:
                if not new or not self._queue:
                    return
                text = self._queue.popleft()
                # All segments of a text take one route: phones join what has one sender.
                todo.extend((text, at) for at in text.unsent)
                text.unsent = ()
            text, at = todo[0]
            if text.ended:
                todo.popleft()
                self._backlog -= 1
                self._whole(text, text.drop())
                continue
            if (wait := route.pace.wait(now)) > 0:
                self._again_in(wait)
                return
            todo.popleft()
            self._backlog -= 1
            before, after = text.ticket.halves(route, at, now)
            route.submit(before, text.number, after, (text, at))
            room -= 1

    def _take_back(self, route: Route) -> None:
        """What a dead route has not sent goes to the front of the queue."""
        todo = self._todo[route.name]
        while todo:
            text, at = todo.pop()
            text.unsent = (at, *text.unsent)
            if not self._queue or self._queue[0] is not text:
                self._queue.appendleft(text)

    def _again_in(self, seconds: float) -> None:
        if self._timer is not None:
            if self._timer.when() <= self._loop.time() + seconds and not self._timer.cancelled():
                return
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        self._pump()

    def _whole(self, text: Text, ready: bool) -> None:
        if not ready:
            return
        if text.reported:
            # A text that nothing was sent of is the engine's again, and may be under way anew.
            if not text.untouched:
                self._inbox.tell(text.receipt())
        elif not text.done:
            text.done = True
            text.ticket.open -= 1
            if not text.ticket.open:
                text.ticket.finished.set_result(None)

    # ---- time --------------------------------------------------------------------------------

    def _make_sure_of_a_turn(self, segments: int) -> None:
        """Refuse at once what could not go out in time: the engine keeps it better than we do."""
        up = [route for route in self.routes if route.sender is not None]
        rates = [route.pace.rate for route in (up if self._settings.share else up[:1])]
        if not self._backlog or not rates or None in rates:
            return
        seconds = (self._backlog + segments) / sum(rate for rate in rates if rate)
        if seconds > self._settings.patience:
            says = (
                f"{self._backlog} segments wait already, at {sum(filter(None, rates)):g} a second"
            )
            raise Transient(Problem("rate", says), retry_after=seconds - self._settings.patience)

    async def _finished(self, ticket: Ticket) -> None:
        try:
            async with asyncio.timeout(self._settings.patience):
                await asyncio.shield(ticket.finished)
        except TimeoutError:
            self._give_up(ticket, f"no turn within {self._settings.patience:g} seconds")
            # What has left gets its outcome from its session, an answer or the end of waiting.
            await asyncio.shield(ticket.finished)

    def _give_up(self, ticket: Ticket, why: str) -> None:
        """Nothing of this submission leaves any more."""
        if ticket.finished.done() or ticket.over:
            return
        ticket.over = why
        waiting = [text for text in self._queue if text.ticket is ticket]
        self._queue = deque(text for text in self._queue if text.ticket is not ticket)
        for text in waiting:
            for _ in text.unsent:
                self._backlog -= 1
                self._whole(text, text.drop())
            text.unsent = ()
        for name, todo in self._todo.items():
            self._todo[name] = deque(token for token in todo if token[0].ticket is not ticket)
            for text, _ in todo:
                if text.ticket is ticket:
                    self._backlog -= 1
                    self._whole(text, text.drop())

    # ---- words -------------------------------------------------------------------------------

    def _troubles(self, why: str) -> list[Problem]:
        found = [
            Problem(route.name, route.trouble, "check the account and the way to the SMSC")
            for route in self.routes
            if route.trouble
        ]
        return found or [Problem("smpp", why, "raise the window or the rate")]

    async def _sign_of_life(self, route: Route) -> tuple[bool, str]:
        until = self._loop.time() + route.settings.timeout
        while (session := route.sender) is None and (left := until - self._loop.time()) > 0:
            stirred = self._stirred
            try:
                async with asyncio.timeout(left):
                    await stirred.wait()
            except TimeoutError:
                break
        if session is None:
            return False, route.trouble
        try:
            seconds = await session.enquire()
        except Lost as error:
            return False, str(error)
        return True, describe(route, seconds)


def describe(route: Route, seconds: float) -> str:
    """How a route does, in words."""
    counts = route.counts
    words = [
        f"bound, answers in {seconds * 1000:.0f} ms",
        f"{counts['submitted']} segments submitted, {counts[Verdict.ACCEPTED]} accepted, "
        f"{counts[Verdict.REJECTED]} rejected, {counts[Verdict.THROTTLED]} throttled, "
        f"{counts[Verdict.UNKNOWN]} unknown",
    ]
    delivered, failed = counts["receipt delivered"], counts["receipt rejected"]
    if delivered or failed:
        words.append(f"receipts: {delivered} delivered, {failed} not")
    if route.settings.cost:
        cost = counts[Verdict.ACCEPTED] * route.settings.cost
        words.append(f"{cost:.2f} {route.settings.currency}")
    if route.pace.rate is not None:
        words.append(f"at most {route.pace.rate:.0f} segments a second")
    if route.deaf:
        words.append("hears no receipts: its receiver is not bound")
    return ", ".join(words)
