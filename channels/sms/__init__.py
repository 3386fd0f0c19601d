"""SMS to subscribed phones, in segments that every phone since the nineties can show.

The texts are decided here (:mod:`channels.sms.segments`), the way to the network is a driver
(:mod:`channels.sms.gateways`).  Configuration::

    kind: sms
    gateway: file           # the driver; its own settings stand under `driver:`
    sender: Dortmund        # at most 11 GSM characters, or a number that can be answered
    max_segments: 6         # a longer text is refused, or shortened by the engine
    validity_cap: 12h       # no phone gets the text later than this, nor after it expired
    reference_bits: 16      # 8 gains one septet per segment, see SmsSettings
    national_tables: false  # Turkish, Spanish, Portuguese in the GSM alphabet, see SmsSettings
    cost: 0.07              # of one segment, and `rate: 100` segments a second: for previews
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, timedelta
from http import HTTPStatus
from typing import Any, ClassVar

from broadcaster.clock import Clock
from broadcaster.delivery.contract import (
    API,
    Addressing,
    Batch,
    Call,
    Called,
    Capabilities,
    Delivery,
    Env,
    Fitted,
    Format,
    Heard,
    Mode,
    Receipt,
    Rendition,
    Sense,
    Variant,
)
from broadcaster.model.cap import Alert, MsgType, Resource, Status
from broadcaster.model.errors import ChannelError, Permanent, Problem
from broadcaster.text import measure
from channels.sms.gateway import Gateway, Recipient, Submission, relative_time
from channels.sms.gateways.drivers import DRIVERS
from channels.sms.segments import Segments, decode, encode
from channels.sms.settings import SmsSettings, read_settings

MAX_BATCH = 50
"""Phones in one submission, unless the driver says otherwise."""
NAMED_CHARACTERS = 8
"""How many characters a note names before it says how many more there are."""


class SmsChannel:
    """An opened SMS channel."""

    kind: ClassVar[str] = "sms"
    api: ClassVar[int] = API
    addressing: ClassVar[Addressing] = Addressing.RECIPIENTS

    def __init__(self, settings: SmsSettings, gateway: Gateway, clock: Clock, mode: Mode) -> None:
        self._settings = settings
        self._gateway = gateway
        self._clock = clock
        self._mode = mode

    @classmethod
    def settings(cls, raw: Mapping[str, Any]) -> SmsSettings:
        """Check the channel's part of ``config.yaml``; raises :class:`BadInput` with all faults."""
        return read_settings(raw)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: SmsSettings, env: Env) -> AsyncIterator[SmsChannel]:
        """Open the driver; leaving the context closes it."""
        async with DRIVERS[settings.gateway].open(settings.driver, env) as gateway:
            yield cls(settings, gateway, env.clock, env.mode)

    @property
    def capabilities(self) -> Capabilities:
        """What SMS can do; what it can prove is the driver's to say."""
        return Capabilities(
            operations=frozenset({MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL}),
            formats=(Format.TEXT,),
            addressing=Addressing.RECIPIENTS,
            confirms=self._gateway.confirms,
            # It shows and, as a phone is carried, vibrates.  It is no alarm that wakes a sleeper,
            # so hearing is not claimed.
            senses=frozenset({Sense.SEE, Sense.TOUCH}),
            variants=(Variant.SHORT, Variant.PLAIN),
            shortens_to=Variant.SHORT,
            repeat_is_harmless=self._gateway.repeat_is_harmless,
            # A driver that makes one request for each phone carries fewer at a time.
            max_batch=getattr(self._gateway, "max_batch", MAX_BATCH),
        )

    def fit(self, rendition: Rendition) -> Fitted:
        """Segments, and every change and cost an officer should see before approving them."""
        settings = self._settings
        segments = encode(
            rendition.text,
            reference=reference(rendition),
            reference_bits=settings.reference_bits,
            max_segments=settings.max_segments,
            national_tables=settings.national_tables,
            label=f"{rendition.language} {rendition.variant}",
        )
        most = segments.alphabet.per_segment(
            settings.reference_bits, alone=settings.max_segments == 1
        )
        return Fitted(
            parts=segments.parts,
            shows=decode(segments.parts, segments.alphabet),
            used=segments.units,
            limit=most * settings.max_segments,
            unit=segments.alphabet.unit,
            notes=tuple(notes(segments, rendition.direction)),
            meta={
                "alphabet": str(segments.alphabet),
                "segments": len(segments.parts),
                "units": segments.units,
                "per_segment": segments.per_segment,
                "data_coding": segments.alphabet.data_coding,
                "esm_class": segments.esm_class,
                **price(len(segments.parts), settings),
            },
        )

    def resources(self, rendition: Rendition) -> Sequence[Resource]:
        """An SMS publishes no files."""
        return ()

    async def send(self, batch: Batch) -> Sequence[Receipt]:
        """Hand the batch to the gateway, one submission per rendition in it."""
        receipts: list[Receipt] = []
        for submission in self._submissions(batch):
            try:
                receipts += await self._gateway.submit(submission)
            except ChannelError:
                if not receipts:
                    raise
                # "Surely not sent" is no longer true of the whole batch.  What was taken is
                # said; what is not mentioned counts as unknown.
                break
        return receipts

    def receipts(self) -> AsyncIterator[Receipt]:
        """Whatever the driver hears later."""
        return self._gateway.receipts()

    def heard(self) -> AsyncIterator[Heard]:
        """What people write to our number, as far as the driver can hear it."""
        return self._gateway.heard()

    async def say(
        self, address: str, text: str, *, language: str, key: str, validity: timedelta
    ) -> Receipt:
        """One text to one phone: an answer to a message, or a code."""
        segments = encode(
            text,
            reference=_drawn(key),
            reference_bits=self._settings.reference_bits,
            max_segments=self._settings.max_segments,
            national_tables=self._settings.national_tables,
            label=language,
        )
        now = self._clock.now()
        (receipt,) = await self._gateway.submit(
            Submission(
                key=key,
                alert="",
                status=Status.ACTUAL,
                operation="",
                mode=self._mode,
                sender=self._settings.sender,
                priority=1,
                expires=now + validity,
                validity_period=relative_time(validity),
                language=language,
                variant=Variant.SHORT,
                text=decode(segments.parts, segments.alphabet),
                alphabet=str(segments.alphabet),
                data_coding=segments.alphabet.data_coding,
                esm_class=segments.esm_class,
                segments=segments.parts,
                recipients=(Recipient(key, address),),
            )
        )
        return receipt

    async def called(self, call: Call) -> int:
        """Hand the request to the driver; one that is never called has nothing at any address."""
        if not isinstance(self._gateway, Called):
            return HTTPStatus.NOT_FOUND
        return await self._gateway.called(call)

    async def ping(self) -> str:
        """Ask the gateway, sending nothing."""
        return await self._gateway.ping()

    def _submissions(self, batch: Batch) -> list[Submission]:
        local = self._clock.now()
        # Counted in UTC: within one zone Python counts the wall clock, an hour off in the two
        # nights of the year in which that is changed.
        now = local.astimezone(UTC)
        expires = now + self._settings.validity_cap
        if batch.alert.expires is not None:
            expires = min(expires, batch.alert.expires.astimezone(UTC))
        # Whole seconds, rounded down, are what the wire can say.
        validity = timedelta(seconds=(expires - now) // timedelta(seconds=1))
        if validity <= timedelta(0):
            raise Permanent(
                Problem(
                    "expires",
                    f"the alert {batch.alert.identifier} has expired",
                    "extend it; a phone must not get it now",
                )
            )
        by_rendition: dict[Rendition, list[Delivery]] = {}
        for delivery in batch.deliveries:
            by_rendition.setdefault(delivery.rendition, []).append(delivery)
        return [
            Submission(
                key=batch.key if number == 1 else f"{batch.key}+{number}",
                alert=batch.alert.identifier,
                status=batch.alert.status,
                operation=batch.operation,
                mode=batch.mode,
                sender=self._settings.sender,
                priority=priority(batch.operation, batch.alert),
                expires=(now + validity).astimezone(local.tzinfo),
                validity_period=relative_time(validity),
                language=rendition.language,
                variant=rendition.variant,
                text=deliveries[0].fitted.shows,
                alphabet=deliveries[0].fitted.meta["alphabet"],
                data_coding=deliveries[0].fitted.meta["data_coding"],
                esm_class=deliveries[0].fitted.meta["esm_class"],
                segments=deliveries[0].fitted.parts,
                recipients=tuple(Recipient(each.key, each.target) for each in deliveries),
            )
            for number, (rendition, deliveries) in enumerate(by_rendition.items(), start=1)
        ]


def reference(rendition: Rendition) -> int:
    """The concatenation reference of a text: always the same for it, and unlike other texts'.

    Drawn from what names the rendition, so that the octets of the preview are those sent.
    """
    return _drawn("\n".join((rendition.alert, rendition.language, rendition.variant)))


def price(segments: int, settings: SmsSettings) -> dict[str, float]:
    """What one phone costs, and how many segments a second go out, where that is configured."""
    figures = {}
    if settings.cost is not None:
        figures["cost"] = round(segments * settings.cost, 4)
    if settings.rate is not None:
        figures["rate"] = settings.rate
    return figures


def _drawn(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:2], "big")


def priority(operation: MsgType, alert: Alert) -> int:
    """SMPP 3.4 5.2.14 priority_flag: danger overtakes, the end of a danger does not."""
    if operation is MsgType.CANCEL:
        return 1
    return {4: 3, 3: 3, 2: 2}.get(alert.severity.rank, 1)


def notes(segments: Segments, direction: str) -> list[str]:
    """What an officer should see before approving: changes, costs, and how it will look."""
    said = [str(replacement) for replacement in segments.replacements]
    if segments.forced_by:
        named = ", ".join(
            f"{character} ({measure.name(character)})"
            for character in segments.forced_by[:NAMED_CHARACTERS]
        )
        more = len(segments.forced_by) - NAMED_CHARACTERS
        said.append(f"sent as UCS-2 because of {named}" + (f" and {more} more" if more > 0 else ""))
    if segments.alphabet.table is not None:
        said.append(f"sent as {segments.alphabet}: a phone without it shows other letters")
    if direction == "rtl" and _first_strong(segments.text) != "rtl":
        # Unicode UAX 9 rule P2, the only one that a phone has to go by.
        said.append(
            "phones will set this text from left to right, because it does not begin with a "
            "right-to-left word"
        )
    return said


def _first_strong(text: str) -> str | None:
    for character in text:
        match unicodedata.bidirectional(character):
            case "L":
                return "ltr"
            case "R" | "AL":
                return "rtl"
    return None
