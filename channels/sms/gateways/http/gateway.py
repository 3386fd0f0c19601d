"""The driver ``http``: texts to a provider over HTTPS, its reports and messages back.

One submission names several phones, and most providers take one text for one phone in a request.
So the outcome of a submission is made of many, and each must stay true: what was taken must never
go out again, and what nobody answered must never be sent blindly again.  The first request goes
alone: while it fails in a way that may pass, nothing has left, and the engine tries again with
everything.  Once something has been taken the rest cannot be given back, so that requests which
surely took nothing are held and made again, as long as the submission's time lasts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from broadcaster.delivery.contract import Call, Env, Heard, Receipt, State
from broadcaster.model.errors import Permanent, Problem, Transient, Unknown
from broadcaster.text import measure
from channels.sms.gateway import Gateway, Recipient, Submission
from channels.sms.gateways.http import template
from channels.sms.gateways.http.calls import Receiver
from channels.sms.gateways.http.post import Outcome, Poster, Verdict
from channels.sms.gateways.http.settings import (
    HttpSettings,
    Secrets,
    read_http,
    read_secrets,
)

LEAST = timedelta(minutes=1)
"""Kannel and seven.io count validity in minutes; less than one cannot be said to them."""
AGAIN = 1.0
"""Seconds before a request that surely took nothing is made again."""
ALPHABETS = ("GSM-7", "UCS-2")
MOST = 50
"""Phones in one submission, where the rate allows as many."""


class HttpDriver:
    """Checks the settings under ``driver`` and opens the gateway."""

    def settings(self, raw: Mapping[str, Any]) -> HttpSettings:
        """The settings; raises :class:`BadInput` naming every wrong key at once."""
        return read_http(raw)

    @asynccontextmanager
    async def open(self, settings: HttpSettings, env: Env) -> AsyncIterator[Gateway]:
        """Read the secrets; raises :class:`Unavailable` naming every bad file."""
        secrets = await asyncio.to_thread(read_secrets, settings, env.config_dir)
        gateway = HttpGateway(settings, secrets, env)
        try:
            yield gateway
        finally:
            await gateway.close()


@dataclass(slots=True)
class _Run:
    """One submission under way."""

    until: float
    """Loop time at which nothing more is begun."""
    holds: bool = False
    """What surely took nothing is held here and not given back to the engine."""
    left: bool = False
    """Something may have been taken."""


class HttpGateway:
    """Hands submissions to one provider."""

    repeat_is_harmless = False

    def __init__(self, settings: HttpSettings, secrets: Secrets, env: Env) -> None:
        self._settings, self._secrets, self._clock = settings, secrets, env.clock
        self._provider = template.load(settings.provider)
        self._callback = (
            f"{env.base_url}/hooks/{env.name}/{secrets.callback}" if secrets.callback else None
        )
        self._receiver = Receiver(
            self._provider,
            settings,
            secrets,
            address=self._callback or "",
            clock=env.clock,
        )
        self._poster = Poster(
            settings.url,
            settings.timeout,
            (settings.user, secrets.password),
            secrets.all(),
        )
        self._turn = 0.0

    @property
    def confirms(self) -> frozenset[State]:
        """That the provider took it; and what its calls prove, where it may call."""
        called = self._provider.confirms if self._callback else frozenset()
        return called | {State.ACCEPTED}

    @property
    def max_batch(self) -> int:
        """As many phones as the rate lets through in half of a submission's time.

        Where each phone needs a request, no more than go out in a few rounds: when the provider
        fails in between, only so many are in its wake.
        """
        settings = self._settings
        most = MOST if self._provider.batch > 1 else min(MOST, 2 * settings.connections + 1)
        return max(1, min(most, int(settings.rate * settings.patience / 2)))

    async def submit(self, submission: Submission) -> Sequence[Receipt]:
        """Make one attempt at every phone; see the module."""
        self._check(submission)
        size = self._provider.batch
        groups = [
            submission.recipients[at : at + size]
            for at in range(0, len(submission.recipients), size)
        ]
        run = _Run(asyncio.get_running_loop().time() + self._settings.patience)
        outcomes = await self._carry(groups[0], submission, run)
        self._give_back(outcomes, run)
        run.holds = True
        waiting = groups[:0:-1]

        async def work() -> None:
            while waiting:
                outcomes.update(await self._carry(waiting.pop(), submission, run))

        async with asyncio.TaskGroup() as workers:
            for _ in range(min(self._settings.connections, len(waiting))):
                workers.create_task(work())
        self._give_back(outcomes, run)
        if all(outcome.verdict is Verdict.UNSURE for outcome in outcomes.values()):
            raise Unknown(self._problem(outcomes[groups[0][0].key].says))
        return [
            self._receipt(each, outcomes[each.key], len(submission.segments))
            for each in submission.recipients
        ]

    def receipts(self) -> AsyncIterator[Receipt]:
        """What the provider's calls report; ends at once where it may not call."""
        return self._receiver.receipts()

    def heard(self) -> AsyncIterator[Heard]:
        """What people wrote; ends at once where the provider may not call."""
        return self._receiver.heard()

    async def called(self, call: Call) -> int:
        """Take one call of the provider."""
        return await self._receiver.called(call)

    async def ping(self) -> str:
        """Ask for something that sends nothing."""
        answer = await self._poster.ask(self._provider.ping, self._constants())
        if isinstance(answer, Outcome):
            raise Transient(self._problem(answer.says))
        if answer[0] not in self._provider.alive:
            raise Transient(self._problem(f"it answers HTTP {answer[0]}"))
        says = f"{self._provider.title} answers"
        return says if self._callback else f"{says}; it will not report what arrived"

    async def close(self) -> None:
        """Let connections go."""
        await self._poster.close()

    def _give_back(self, outcomes: Mapping[str, Outcome], run: _Run) -> None:
        """Nothing has left, and something may still: the engine tries again with everything.

        What was refused on the way will be refused again; it reached nobody.
        """
        held = [each for each in outcomes.values() if each.verdict is Verdict.NOT_TAKEN]
        if held and not run.left:
            raise Transient(self._problem(held[0].says), retry_after=held[0].retry_after)

    async def _carry(
        self, group: Sequence[Recipient], submission: Submission, run: _Run
    ) -> dict[str, Outcome]:
        """One text to the phones of one request, in as many requests as it has pieces."""
        if self._provider.hands_over == "text":
            piece = {"text": submission.text, "udh": None, "item": group[0].key}
            outcome = await self._post(group, submission, piece, run)
            each = outcome.each
            missing = Outcome(Verdict.UNSURE, "the provider said nothing about this number")
            return {
                one.key: each.get(one.to.removeprefix("+"), missing) if each else outcome
                for one in group
            }
        outcome = Outcome(Verdict.NOT_TAKEN)
        pieces = _pieces(submission)
        for number, piece in enumerate(pieces, start=1):
            named = piece | {"item": _item(group[0].key, number)}
            outcome = await self._post(group, submission, named, run)
            if outcome.verdict is not Verdict.TAKEN:
                if number > 1:
                    says = f"part {number} of {len(pieces)} was not taken: {outcome.says}"
                    outcome = Outcome(Verdict.UNSURE, says)
                break
        return {one.key: outcome for one in group}

    async def _post(
        self,
        group: Sequence[Recipient],
        submission: Submission,
        piece: Mapping[str, Any],
        run: _Run,
    ) -> Outcome:
        """One request; again and again only while it surely took nothing, see the module."""
        loop = asyncio.get_running_loop()
        while True:
            await self._my_turn(len(group))
            if loop.time() > run.until:
                return Outcome(Verdict.NOT_TAKEN, "no time was left for it")
            now = self._clock.now()
            validity = submission.expires - now
            if validity < LEAST:
                return Outcome(Verdict.NOT_TAKEN, "the warning ended before it could be sent")
            values = {
                **self._constants(),
                **piece,
                "to": tuple(one.to for one in group),
                "key": group[0].key,
                "sender": submission.sender,
                "sender_kind": _kind(submission.sender),
                "validity": validity,
                "expires": submission.expires,
                "priority": submission.priority,
                "parts": len(submission.segments),
                # 3GPP TS 23.038 section 4: bits 3 and 2 of a data coding name the alphabet.
                "alphabet": submission.data_coding >> 2,
            }
            outcome = await self._poster.post(
                self._provider.send, self._provider.reply, values, now
            )
            if outcome.verdict in (Verdict.TAKEN, Verdict.UNSURE):
                run.holds = run.left = True
            wait = max(outcome.retry_after or 0.0, AGAIN)
            held = outcome.verdict is Verdict.NOT_TAKEN and run.holds
            if not held or loop.time() + wait > run.until:
                return outcome
            await asyncio.sleep(wait)

    async def _my_turn(self, texts: int) -> None:
        """Wait until the contracted rate lets these through."""
        now = asyncio.get_running_loop().time()
        mine = max(self._turn, now)
        self._turn = mine + texts / self._settings.rate
        if mine > now:
            await asyncio.sleep(mine - now)

    def _constants(self) -> dict[str, Any]:
        return {
            "api_key": self._secrets.key,
            "user": self._settings.user,
            "password": self._secrets.password,
            "callback": self._callback,
        }

    def _check(self, submission: Submission) -> None:
        if submission.expires - self._clock.now() < LEAST:
            says = "the warning ends within a minute"
            raise Permanent(Problem(self._provider.title, says, "no phone would get it in time"))
        if self._provider.hands_over == "segments" and submission.alphabet not in ALPHABETS:
            # It takes letters and not septets, and knows only these for them.
            says = f"{submission.alphabet} cannot be handed over"
            raise Permanent(Problem(self._provider.title, says, "leave national tables off here"))

    def _receipt(self, one: Recipient, outcome: Outcome, parts: int) -> Receipt:
        title = self._provider.title
        if outcome.verdict is Verdict.TAKEN:
            names: tuple[str, ...] = ()
            if self._callback and self._provider.by_id:
                segmented = self._provider.hands_over == "segments"
                made = tuple(_item(one.key, number) for number in range(1, parts + 1))
                names = made if segmented else tuple(filter(None, (outcome.id,)))
            return Receipt(key=one.key, state=State.ACCEPTED, reference=outcome.id, parts=names)
        state = State.UNKNOWN if outcome.verdict is Verdict.UNSURE else State.REJECTED
        says = outcome.says
        if outcome.verdict is Verdict.NOT_TAKEN:
            says = f"surely not sent: {says}"
        return Receipt(key=one.key, state=state, reason=f"{title}: {says}")

    def _problem(self, says: str) -> Problem:
        return Problem(self._provider.title, says, "see `broadcaster check`")


def _pieces(submission: Submission) -> list[dict[str, Any]]:
    """Each approved segment as its header and its own text; together they are its octets again."""
    pieces = []
    for segment in submission.segments:
        # SMPP 3.4 5.2.12: the octets start with a header, and its first one is its length.
        end = segment[0] + 1 if submission.esm_class & 0x40 else 0
        udh, body = segment[:end], segment[end:]
        text = (
            measure.from_septets(body) if submission.data_coding == 0 else body.decode("utf-16-be")
        )
        pieces.append({"text": text, "udh": udh or None})
    return pieces


def _item(key: str, number: int) -> str:
    return f"{key}#{number}"


def _kind(sender: str | None) -> str | None:
    """What sort of sender: with letters, an international number, or a short one."""
    if sender is None:
        return None
    digits = sender.removeprefix("+")
    if not (digits.isascii() and digits.isdecimal()):
        return "alphanumeric"
    return "shortcode" if len(digits) <= 6 else "international"
