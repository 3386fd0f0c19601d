"""Cell broadcast: one text to every phone in an area, without numbers or subscriptions.

This channel is the *cell broadcast entity* (CBE, 3GPP TS 23.041): it makes exact pages, message
identifiers and serial numbers, and hands them to the centre (CBC), or straight to a base-station
controller, through a gateway.  Phones answer nothing: what is confirmed is at most that a text is
on air in so many cells.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar

from broadcaster.delivery.contract import (
    Addressing,
    Arrangement,
    Batch,
    Capabilities,
    Env,
    Fitted,
    Format,
    Mode,
    Receipt,
    Rendition,
    Sense,
    State,
    Variant,
)
from broadcaster.model.cap import Alert, MsgType, Resource, Status
from broadcaster.model.errors import Permanent, Problem, Transient, Unknown
from channels.cell_broadcast import airtime, phones
from channels.cell_broadcast.arrange import Text, arrange
from channels.cell_broadcast.cells import Choice, Inventory
from channels.cell_broadcast.codec import Pages
from channels.cell_broadcast.gateways.drivers import DRIVERS
from channels.cell_broadcast.journal import Journal, outcome
from channels.cell_broadcast.order import (
    SLOT,
    Answer,
    Gateway,
    OnAir,
    Order,
    Running,
    Said,
    Taken,
    broadcasts_until,
    relation,
    stops_and_silences,
)
from channels.cell_broadcast.phones import seen
from channels.cell_broadcast.profile import Broadcast, Row
from channels.cell_broadcast.serials import Serials, Wish
from channels.cell_broadcast.settings import Settings, read_settings
from channels.cell_broadcast.texts import Speaker, slot

_STATES = {
    Said.SENT: State.UNKNOWN,
    Said.ACCEPTED: State.ACCEPTED,
    Said.INSTALLED: State.SENT,
    Said.REFUSED: State.REJECTED,
    Said.UNKNOWN: State.UNKNOWN,
}


class CellBroadcastChannel:
    """The opened channel, and its entry point."""

    kind: ClassVar[str] = "cell_broadcast"
    api: ClassVar[int] = 1
    addressing: ClassVar[Addressing] = Addressing.AREA

    def __init__(
        self,
        settings: Settings,
        env: Env,
        gateway: Gateway,
        serials: Serials,
        journal: Journal,
        inventory: Inventory | None,
    ) -> None:
        self._settings = settings
        self._env = env
        self._gateway = gateway
        self._serials = serials
        self._journal = journal
        self._inventory = inventory
        self._speaker = Speaker(settings.profile, settings.base_language, settings.plain_as_second)
        self._numbering = asyncio.Lock()
        """Around serial numbers and journal, which are for one caller at a time."""
        self._threads: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @classmethod
    def settings(cls, raw: Mapping[str, Any]) -> Settings:
        """Check the channel's mapping; see :func:`.settings.read_settings`."""
        return read_settings(raw)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, env: Env) -> AsyncIterator[CellBroadcastChannel]:
        """Read serial numbers, journal and cells; raises ``Unavailable`` when one is damaged."""
        gateway = DRIVERS[settings.gateway].open(settings.driver, env)
        channel = await asyncio.to_thread(_opened, settings, env, gateway)
        try:
            yield channel
        finally:
            await gateway.close()

    @property
    def capabilities(self) -> Capabilities:
        """What cell broadcast can do; plain text only where it is configured as second text."""
        plain = (Variant.PLAIN,) if self._settings.plain_as_second else ()
        return Capabilities(
            operations=frozenset({MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL}),
            formats=(Format.TEXT,),
            addressing=Addressing.AREA,
            confirms=self._gateway.limits.confirms,
            senses=frozenset({Sense.SEE, Sense.HEAR, Sense.TOUCH}),
            variants=(Variant.STANDARD, *plain),
            shortens_to=Variant.SHORT,
            # The same serial number is never shown twice, and a centre that has it says so.
            repeat_is_harmless=True,
            # All languages of an alert must come together: an update stops what it does not renew.
            max_batch=1000,
        )

    def fit(self, rendition: Rendition) -> Fitted:
        """Pages as they go on air, and the text a phone decodes from them.  Pure."""
        return self._speaker.fitted(rendition)

    def arrange(self, alert: Alert, texts: Sequence[tuple[Rendition, Fitted]]) -> Arrangement:
        """Which texts go on air side by side through this gateway, and how wide they reach."""
        profile = self._settings.profile
        row = profile.row(alert, alert.msg_type)
        found = arrange(
            [
                Text(
                    rendition.language,
                    profile.code(rendition.language),
                    len(fitted.parts),
                    self._identifiers(rendition, row),
                    self._speaker.is_base(rendition),
                )
                for rendition, fitted in texts
            ],
            self._settings,
            self._gateway.limits,
            self._cells(alert),
            beside=self._beside(alert),
        )
        going = [text for at, text in enumerate(texts) if at not in found.left_out]
        shown = seen(
            [
                phones.OnAir(
                    rendition.language,
                    profile.code(rendition.language),
                    self._identifiers(rendition, row),
                    int(fitted.meta["dcs"], 16),
                    fitted.parts,
                )
                for rendition, fitted in going
            ],
            profile.countries[0] if profile.countries else "EU",
        )
        return replace(found, notes=(*(shown if going else ()), *found.notes))

    def resources(self, rendition: Rendition) -> Sequence[Resource]:
        """None: nothing is published."""
        return ()

    async def send(self, batch: Batch) -> Sequence[Receipt]:
        """Number the broadcasts and hand them over, once; a repeated key is handed over once."""
        self._check(batch)
        # Shielded: what has begun to go on air is noted to its end, whoever stops waiting.
        sending = asyncio.ensure_future(self._send(batch))
        sending.add_done_callback(lambda done: done.cancelled() or done.exception())
        taken = await asyncio.shield(sending)
        answers = {(answer.identifier, answer.serial): answer for answer in taken.on_air}
        said: defaultdict[str, list[Answer]] = defaultdict(list)
        for number, keys in self._journal.spoken_for(batch.key):
            for key in keys:
                if number in answers:
                    said[key].append(answers[number])
        caution = _still_on_air(taken)
        return tuple(
            _receipt(delivery.key, said[delivery.key], taken.reference, caution)
            for delivery in batch.deliveries
        )

    async def receipts(self) -> AsyncIterator[Receipt]:
        """What the far side says later of its own accord."""
        async for answer in self._gateway.later(self._journal.running, self._journal.ended):
            for key in self._journal.keys(answer.identifier, answer.serial):
                yield _receipt(key, [answer], "")

    async def ping(self) -> str:
        """Ask the gateway whether orders can be taken."""
        return await self._gateway.ping()

    def _check(self, batch: Batch) -> None:
        """Refuse before anything is numbered whatever must not or cannot go out as approved."""
        live = batch.alert.status is Status.ACTUAL
        if batch.mode is not self._env.mode or live is not (batch.mode is Mode.LIVE):
            raise Permanent(
                Problem(
                    "mode",
                    f"an alert with status {batch.alert.status} cannot go out in "
                    f"{batch.mode} mode over a channel opened for {self._env.mode}",
                    "exercises and tests have targets of their own",
                )
            )
        changed = [
            Problem(
                delivery.rendition.language,
                "the pages differ from the approved ones",
                "have the alert approved again",
            )
            for delivery in batch.deliveries
            if self._speaker.pages(delivery.rendition)[1].octets != delivery.fitted.parts
        ]
        if changed:
            raise Permanent(changed)

    async def _send(self, batch: Batch) -> Taken:
        # A thread's messages one after the other, or a stop could overtake what it stops; threads
        # side by side, or what is extreme would wait behind a gateway that does not answer.
        thread = batch.replaces[0] if batch.replaces else batch.alert.identifier
        async with self._threads[thread]:
            before = self._journal.find(batch.key)
            if before and before.taken and not _open(before.taken):
                return before.taken
            async with self._numbering:
                order = await asyncio.to_thread(self._order, batch)
                if order is not None:
                    await asyncio.to_thread(self._journal.begin, order)
            if order is None:
                says = "the alert ended before it could be handed over"
                problem = Problem("expires", says, "issue it again with a later end")
                # Begun and never finished: whether it was on air is lost, not known to be no.
                raise Unknown(problem) if before and not before.off else Permanent(problem)
            try:
                taken = await self._gateway.take(order)
            except (Transient, Permanent):
                async with self._numbering:
                    await asyncio.to_thread(self._journal.give_up, batch.key)
                raise
            async with self._numbering:
                taken = await asyncio.to_thread(self._journal.finish, batch.key, taken)
                # What may not have stopped is still on air, and its number still in use.
                if batch.replaces and not _still_on_air(taken):
                    await asyncio.to_thread(self._serials.stopped, batch.replaces)
            return taken

    def _beside(self, alert: Alert) -> tuple[Running, ...]:
        """What other alerts have on air; an Update takes the place of its own."""
        own = {alert.identifier, *(reference.identifier for reference in alert.references)}
        return self._journal.running(without=own)

    def _cells(self, alert: Alert) -> Choice | None:
        """The cells of an alert's area, and those that its earlier messages went to."""
        if self._inventory is None:
            return None
        earlier = self._journal.cells([reference.identifier for reference in alert.references])
        return self._inventory.choose(alert, earlier)

    def _order(self, batch: Batch) -> Order | None:
        """What is to be done now; ``None`` when the alert has ended meanwhile."""
        now = self._env.clock.now()
        expires = batch.alert.expires
        if expires is not None and expires <= now:
            return None
        row = self._settings.profile.row(batch.alert, batch.operation)
        earlier = self._serials.given(batch.replaces)
        wanted = [
            (text, Broadcast(self._settings.profile.require(identifier), text.pages))
            for text in self._texts(batch)
            for identifier in self._identifiers(text.rendition, row)
        ]
        wishes = [
            _wish(batch.alert.identifier, text, broadcast, expires) for text, broadcast in wanted
        ]
        numbers = self._serials.assign(wishes, batch.replaces)
        on_air = tuple(
            OnAir(
                broadcast=broadcast,
                serial=serial,
                language=text.rendition.language,
                variant=text.rendition.variant.value,
                keys=text.keys,
                **relation(wish, serial, earlier),
            )
            for (text, broadcast), wish, serial in zip(wanted, wishes, numbers, strict=True)
        )
        stops, missing = stops_and_silences(earlier, self._serials.given((batch.alert.identifier,)))
        period = self._settings.repetition_period
        beside = self._beside(batch.alert)
        own = {(item.broadcast.identifier, item.serial): item.broadcast for item in on_air}
        for one in self._journal.running():
            # Also texts of this alert that are decided already, when only some are asked again.
            own.setdefault((one.broadcast.identifier, one.serial), one.broadcast)
        pages = sum(len(broadcast.pages.octets) for broadcast in own.values())
        slots = max(math.ceil(period / SLOT), airtime.shortest([pages]))
        chosen = self._cells(batch.alert)
        return Order(
            key=batch.key,
            mode=batch.mode,
            operation=batch.operation,
            alert=batch.alert,
            replaces=batch.replaces,
            profile=self._settings.profile.name,
            title=row.name,
            on_air=on_air,
            stops=stops,
            missing=missing,
            repetition_period=period,
            number_of_broadcasts=broadcasts_until(now, expires, period),
            slots=slots,
            number_2g=broadcasts_until(now, expires, slots * SLOT),
            cells=chosen.cells if chosen else None,
            written=now,
            beside=beside,
        )

    def _texts(self, batch: Batch) -> tuple[_Text, ...]:
        """The batch by text: several areas of one alert share a broadcast."""
        texts: dict[str, _Text] = {}
        for delivery in batch.deliveries:
            rendition = delivery.rendition
            where = slot(rendition)
            text = _Text(where, rendition, self._speaker.pages(rendition)[1], (delivery.key,))
            before = texts.get(where)
            if before and before.pages != text.pages:
                raise Permanent(
                    Problem(
                        where,
                        "one alert has two texts for it, and phones would show only one",
                        "plan one variant for each language",
                    )
                )
            texts[where] = replace(before, keys=before.keys + text.keys) if before else text
        return tuple(texts.values())

    def _identifiers(self, rendition: Rendition, row: Row) -> tuple[int, ...]:
        if not self._speaker.is_base(rendition):
            return (row.additional,)
        if rendition.variant is Variant.PLAIN:
            return (row.local,)
        return (row.local, *row.copies)


@dataclass(frozen=True, slots=True)
class _Text:
    slot: str
    rendition: Rendition
    pages: Pages
    keys: tuple[str, ...]


def _opened(settings: Settings, env: Env, gateway: Gateway) -> CellBroadcastChannel:
    return CellBroadcastChannel(
        settings,
        env,
        gateway,
        Serials(env.data_dir / "serials.json", env.clock, env.random),
        Journal(env.data_dir / "orders", env.clock),
        Inventory.read(env.config_dir / settings.cells) if settings.cells else None,
    )


def _open(taken: Taken) -> bool:
    """Whether something of it is still undecided, so that asking again may tell."""
    return any(one.said is Said.UNKNOWN for one in (*taken.on_air, *taken.stopped))


def _still_on_air(taken: Taken) -> str:
    """What an officer must know of earlier texts that were to end."""
    left = [one for one in taken.stopped if one.said in (Said.REFUSED, Said.UNKNOWN)]
    if not left:
        return ""
    which = ", ".join(f"{one.identifier} ({one.reason or one.said.value})" for one in left)
    return f"earlier texts may still be on air: {which}"


def _receipt(key: str, answers: Sequence[Answer], reference: str, caution: str = "") -> Receipt:
    """One text's word: that of its first identifier, with all that was said as the reason."""
    state = _STATES[answers[0].said] if answers else State.UNKNOWN
    told = [*outcome(answers), *([caution] if caution else ())]
    reason = ". ".join(told) or "nobody said anything about it"
    return Receipt(key=key, state=state, reference=reference, reason=reason)


def _wish(alert: str, text: _Text, broadcast: Broadcast, until: datetime | None) -> Wish:
    pages = text.pages
    shown = bytes((pages.coding.dcs,)) + b"".join(pages.octets)
    return Wish(
        alert=alert,
        identifier=broadcast.identifier,
        slot=text.slot,
        text=hashlib.sha256(shown).hexdigest(),
        until=until,
    )
