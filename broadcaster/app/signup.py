"""Residents order warnings by SMS on a page, and end them there.

Whoever types a number proves that the phone is theirs by a code that goes to it.  Nothing that is
said before that depends on whether a number is known here: not the words, not the status, not the
time it takes, because a code leaves only after the page was answered.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any, Protocol

from broadcaster.app.composition import App
from broadcaster.app.signup_form import Offer, digits
from broadcaster.app.tokens import Signer
from broadcaster.clock import Clock
from broadcaster.delivery.contract import Converses, Mode, Receipt
from broadcaster.delivery.plan import REVIEW_LEVELS
from broadcaster.model.errors import BroadcasterError
from broadcaster.model.rendition import Variant
from broadcaster.store.addresses import load_secret
from broadcaster.store.port import Answered, Asked, SignUp, Store, Subscription
from broadcaster.text.catalogues import Catalogue

log = logging.getLogger(__name__)

VALIDITY = timedelta(minutes=10)
"""How long a code is good for; the message that brings it says so."""
TRIES = 5
"""Wrong codes before a right one is of no use."""
PER_NUMBER = 3
"""Codes to one number within a day."""
PER_CALLER = 30
"""Codes one address on the Internet may ask for within an hour: many phones share one."""
OPEN = timedelta(hours=2)
"""How long a form may stay open before its question must be answered anew."""
AFTER_ANSWER = 0.5, 1.5
"""Seconds between the page's answer and its code, so that neither tells of the other."""
WITHIN = 60.0
"""Seconds in which the channel must have taken a code."""

CODE_SAYS = (
    "%(code)s is your code for warnings of %(sender)s. It is valid for 10 minutes."
    " Tell it to nobody."
)


class Callers:
    """How often each caller asked within the hour; forgets who they were.

    Kept is a hash under a salt that lives for a day and only here.
    """

    def __init__(self, clock: Clock, rng: random.Random, limit: int = PER_CALLER) -> None:
        self._clock, self._rng, self._limit = clock, rng, limit
        self._day: date | None = None
        self._hour = -1
        self._salt = b""
        self._seen: Counter[bytes] = Counter()

    def may(self, remote: str) -> bool:
        """Whether this caller may ask once more; counts it."""
        now = self._clock.now()
        hour = int(now.timestamp() // 3600)
        if hour != self._hour:
            self._hour = hour
            self._seen.clear()
        if now.date() != self._day:
            self._day, self._salt = now.date(), self._rng.randbytes(32)
        key = hmac.digest(self._salt, household(remote).encode(), hashlib.sha256)[:16]
        self._seen[key] += 1
        return self._seen[key] <= self._limit


def household(remote: str) -> str:
    """The address that counts: an IPv6 household has a whole /64 (RFC 6177)."""
    try:
        address = ipaddress.ip_address(remote)
    except ValueError:
        return remote
    if address.version == 4:
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))


class Say(Protocol):
    """How a code gets to a phone (:meth:`Converses.say`, in the channel's own lane)."""

    def __call__(
        self, address: str, text: str, *, language: str, key: str, validity: timedelta
    ) -> Awaitable[Receipt]:
        """One text to one phone."""
        ...


class SignUps:
    """Takes orders, sends codes, and does what they confirm."""

    def __init__(
        self,
        *,
        offer: Offer,
        store: Store,
        signer: Signer,
        say: Say,
        code_text: Callable[[str, str], str],
        clock: Clock,
        per_hour: int,
        rng: random.Random | None = None,
        pause: tuple[float, float] = AFTER_ANSWER,
    ) -> None:
        """``code_text`` says a code in a language; ``rng`` must not be guessable."""
        self.offer = offer
        self._store, self._signer, self._say, self._code_text = store, signer, say, code_text
        self._clock, self._per_hour, self._pause = clock, per_hour, pause
        self._rng = rng or random.SystemRandom()
        self._callers = Callers(clock, self._rng)
        self._sending: set[asyncio.Task[None]] = set()

    def question(self) -> tuple[int, int, str]:
        """Two small numbers to add, and the token that remembers them."""
        first, second = self._rng.randint(2, 9), self._rng.randint(2, 9)
        values = {"first": first, "second": second}
        return first, second, self._signer.sign("question", values, self._clock.now(), OPEN)

    def asked(self, token: str) -> dict[str, Any] | None:
        """What :meth:`question` asked."""
        return self._signer.open("question", token, self._clock.now())

    async def order(self, wish: Subscription, remote: str) -> str | None:
        """Send a code for a wish; the token of the page that takes it.

        ``None``: this caller, or everybody together, asked too often.
        """
        return await self._ask(wish, remote, leaves=False)

    async def leave(self, number: str, language: str, remote: str) -> str | None:
        """Send a code for ending the warnings of a number; the rest as :meth:`order`."""
        wish = Subscription(address=number, language=language, variant=Variant.SHORT)
        return await self._ask(wish, remote, leaves=True)

    async def confirm(self, token: str, code: str, *, leaves: bool) -> bool:
        """Whether the code is right, and with it everything done."""
        values = self._signer.open(_purpose(leaves), token, self._clock.now())
        if values is None:
            return False
        id_ = bytes.fromhex(values["id"])
        verdict = await self._store.confirm(
            id_, self._digest(id_, digits(code)), self._clock.now(), tries=TRIES
        )
        return verdict is not Answered.WRONG

    def waits(self, token: str, *, leaves: bool) -> bool:
        """Whether the token is of a page that still may take a code."""
        return self._signer.open(_purpose(leaves), token, self._clock.now()) is not None

    async def sweep(self) -> None:
        """Erase what is too old."""
        await self._store.forget_sign_ups(self._clock.now())

    async def stop(self) -> None:
        """Let the codes that are on their way go out."""
        if self._sending:
            await asyncio.wait(self._sending, timeout=2 * max(*self._pause, 1))

    async def _ask(self, wish: Subscription, remote: str, *, leaves: bool) -> str | None:
        if not self._callers.may(remote):
            return None
        now = self._clock.now()
        id_, code = self._rng.randbytes(16), f"{self._rng.randrange(10**6):06}"
        verdict = await self._store.sign_up(
            SignUp(
                id=id_,
                channel=self.offer.channel,
                wish=wish,
                leaves=leaves,
                code=self._digest(id_, code),
                expires=now + VALIDITY,
            ),
            now,
            per_number=PER_NUMBER,
            per_hour=self._per_hour,
        )
        if verdict is Asked.FULL:
            log.warning("too many sign-ups within the hour: no more codes are sent")
            return None
        if verdict is Asked.SEND:
            task = asyncio.create_task(self._send(wish, id_, code))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return self._signer.sign(_purpose(leaves), {"id": id_.hex()}, now, VALIDITY)

    async def _send(self, wish: Subscription, id_: bytes, code: str) -> None:
        await asyncio.sleep(self._rng.uniform(*self._pause))
        try:
            async with asyncio.timeout(WITHIN):
                await self._say(
                    wish.address,
                    self._code_text(wish.language, code),
                    language=wish.language,
                    key=f"code.{id_.hex()}",
                    validity=VALIDITY,
                )
        except TimeoutError:
            log.error("a code was not taken by the channel within %.0f s", WITHIN)
        except BroadcasterError as error:
            log.error("a code could not be sent: %s", error.problems[0].says)
        except Exception as error:  # its words could quote a number
            log.error("bug: a code could not be sent: %s", type(error).__name__)

    def _digest(self, id_: bytes, code: str) -> bytes:
        return self._signer.digest("code", id_, code.encode())


def offered(app: App) -> Offer | None:
    """What can be ordered on the page; ``None`` without ``subscribe`` or an open channel for it."""
    wanted = app.settings.subscribe
    lane = app.lanes.get(wanted.channel) if wanted is not None else None
    if wanted is None or lane is None or not isinstance(lane.channel, Converses):
        return None
    way = app.ways()[wanted.channel, Mode.LIVE]
    texts = tuple(
        (tag, variant.value)
        for tag in app.settings.languages
        if tag in (way.languages or app.settings.languages)
        for variant in way.variants or way.capabilities.variants
        # Nobody shall order a text that this channel leaves out because it is a draft.
        if _level(app.library.catalogue(tag, variant)) >= REVIEW_LEVELS.index(way.least_review)
    )
    if not texts:
        return None
    return Offer(
        channel=lane.name,
        texts=texts,
        areas=tuple(area.id for area in app.gazetteer.parts),
        hazards=tuple(app.library.hazards),
        countries=wanted.countries,
    )


def _level(catalogue: Catalogue) -> int:
    review = catalogue.review
    return REVIEW_LEVELS.index("drafted" if review.stale else review.level)


def open_signups(app: App) -> SignUps | None:
    """The sign-ups of an installation; ``None`` when nothing can be ordered at the moment."""
    offer, wanted = offered(app), app.settings.subscribe
    if offer is None or wanted is None:
        return None

    def code_text(tag: str, code: str) -> str:
        sentences = app.library.catalogue(tag, Variant.STANDARD)
        return sentences.say(CODE_SAYS, context="sms", code=code, sender=app.settings.sender_name)

    return SignUps(
        offer=offer,
        store=app.store,
        signer=Signer(load_secret(app.data / "keys" / "forms.key")),
        say=app.lanes[offer.channel].say,
        code_text=code_text,
        clock=app.clock,
        per_hour=wanted.codes_per_hour,
    )


def _purpose(leaves: bool) -> str:
    return "leave" if leaves else "order"
