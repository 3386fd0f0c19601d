"""One account at one SMSC: kept bound, paced, and counted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Protocol

from channels.sms.gateways.smpp.access import Access
from channels.sms.gateways.smpp.pace import Pace
from channels.sms.gateways.smpp.pdu import Address, Bind, Command, Message
from channels.sms.gateways.smpp.session import (
    BindRefused,
    Lost,
    Outcome,
    Session,
    Verdict,
    connect,
)

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 15.0
PROBATION = 30.0
"""Seconds for which another route is preferred to one that left submissions unanswered: an SMSC
that takes binds and answers nothing would swallow a window of warnings with each."""
AFTER_REFUSAL = 30.0
"""Seconds: a wrong password tried every second locks accounts."""


class Office(Protocol):
    """The gateway, as its routes see it."""

    def answered(self, route: Route, token: Any, outcome: Outcome) -> None:
        """A submission has its outcome, or a better one."""
        ...

    def delivered(self, route: Route, message: Message, answer: Callable[[int], None]) -> None:
        """A deliver_sm came."""
        ...

    def stirred(self, route: Route) -> None:
        """It was bound or lost, or there is room: look what can be sent."""
        ...


class Route:
    """Binds again and again, after pauses that grow and differ."""

    def __init__(
        self,
        access: Access,
        office: Office,
        random: Random,
        *,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        self.settings = access.route
        self.name = access.route.name
        self.counts: Counter[str] = Counter()
        """By verdict, and segments that were submitted."""
        self.trouble = "not bound yet"
        """Why it cannot send; empty while it can."""
        self._access = access
        self._office = office
        self._random = random
        self._first_pause = first_pause
        self._now = asyncio.get_running_loop().time
        self.pace = Pace(access.route.rate, self._now())
        self._to = bytes((access.route.destination_ton, access.route.destination_npi))
        self._fresh = 0
        """Accepted since the pace was told."""
        self._trusted_from = self._now()
        self._sessions: dict[Command, Session] = {}
        self._kinds: Sequence[Command] = (
            (Command.BIND_TRANSCEIVER,)
            if access.route.mode == "trx"
            else (Command.BIND_TRANSMITTER, Command.BIND_RECEIVER)
        )
        self._tasks = [asyncio.create_task(self._keep(kind)) for kind in self._kinds]

    @property
    def sender(self) -> Session | None:
        """The session that can submit, if there is one."""
        session = self._sessions.get(self._kinds[0])
        return session if session is not None and session.usable else None

    @property
    def doubtful(self) -> bool:
        """It was lost a short while ago with submissions unanswered."""
        return self._now() < self._trusted_from

    @property
    def deaf(self) -> bool:
        """It has no session that hears receipts and people."""
        return self._kinds[-1] not in self._sessions

    def submit(self, before: bytes, number: str, after: bytes, token: Any) -> None:
        """Send one segment to a number; only when the pace and the session's room allow.

        ``before`` and ``after`` are the halves of the body around the destination.
        """
        session = self.sender
        assert session is not None
        self.pace.sent()
        self.counts["submitted"] += 1
        session.submit(b"%b%b%b\0%b" % (before, self._to, number.encode(), after), token)

    def bind_as(self) -> Bind:
        """What a bind says of us."""
        route = self.settings
        return Bind(
            system_id=route.system_id,
            password=self._access.password,
            system_type=route.system_type,
            addr_ton=route.addr_ton,
            addr_npi=route.addr_npi,
            address_range=route.address_range,
        )

    def sender_address(self, sender: str | None) -> Address:
        """SMPP 3.4 5.2.5, .6: the sender with its type, as it looks or as the settings say."""
        text = sender or ""
        digits = text.removeprefix("+")
        if not text:
            ton, npi = 0, 0
        elif not (digits.isascii() and digits.isdigit()):
            ton, npi = 5, 0
        elif text.startswith("+"):
            ton, npi = 1, 1
        else:
            ton, npi = (3, 0) if len(digits) <= 8 else (0, 1)
        route = self.settings
        return Address(
            digits,
            ton if route.source_ton is None else route.source_ton,
            npi if route.source_npi is None else route.source_npi,
        )

    async def close(self) -> None:
        """Unbind and let go."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(session.close() for session in list(self._sessions.values())))

    # ---- what sessions tell ------------------------------------------------------------------

    def answered(self, token: Any, outcome: Outcome) -> None:
        """Count it, and learn how fast the SMSC takes."""
        self.counts[outcome.verdict] += 1
        if outcome.verdict is Verdict.ACCEPTED:
            self._fresh += 1
        elif outcome.verdict is Verdict.THROTTLED:
            self._tell_the_pace()
            self.pace.throttled(self._now())
        self._office.answered(self, token, outcome)

    def delivered(self, message: Message, answer: Callable[[int], None]) -> None:
        """Pass it on."""
        self._office.delivered(self, message, answer)

    def free(self) -> None:
        """Something more may be sent."""
        self._tell_the_pace()
        self._office.stirred(self)

    def lost(self, why: str) -> None:
        """Part of :class:`Events`; :meth:`_keep` sees it as well, and later."""

    def _tell_the_pace(self) -> None:
        if self._fresh:
            self.pace.accepted(self._fresh, self._now())
            self._fresh = 0

    async def _keep(self, kind: Command) -> None:
        pause = self._first_pause
        sends = kind is self._kinds[0]
        while True:
            try:
                session = await self._bound(kind)
            except Lost as error:
                if sends:
                    self.trouble = str(error)
                    self._office.stirred(self)
                least = AFTER_REFUSAL if isinstance(error, BindRefused) else 0.0
                await asyncio.sleep(max(least, pause) * self._random.uniform(0.5, 1))
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            pause = self._first_pause
            self._sessions[kind] = session
            unknown = self.counts[Verdict.UNKNOWN]
            if sends:
                self.trouble = ""
            self._office.stirred(self)
            why = await asyncio.shield(session.gone)
            del self._sessions[kind]
            self.counts["lost"] += 1
            if sends:
                self.trouble = why
                if self.counts[Verdict.UNKNOWN] > unknown:
                    self._trusted_from = self._now() + PROBATION
                self.free()
            await asyncio.sleep(pause * self._random.uniform(0.5, 1))

    async def _bound(self, kind: Command) -> Session:
        route = self.settings
        session = await connect(
            route.host,
            route.port,
            self,
            window=route.window,
            patience=route.timeout,
            enquire=route.enquire,
            tls=self._access.tls,
            server_name=route.tls.server_name or None if route.tls else None,
        )
        try:
            await session.bind(kind, self.bind_as())
        except BaseException:
            await session.close()
            raise
        return session
