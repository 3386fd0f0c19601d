"""SMS to subscribed phones, in segments that every phone since the nineties can show.

The texts are decided here (:mod:`channels.sms.segments`), the way to the network is a driver
(:mod:`channels.sms.gateway`).  Configuration::

    kind: sms
    gateway: file           # the driver
    sender: Dortmund        # at most 11 GSM characters, or a number that can be answered
    max_segments: 6         # a longer text is refused, or shortened by the engine
    validity_cap: 12h       # no phone gets the text later than this, nor after it expired
    reference_bits: 16      # 8 gains one septet per segment, see SmsSettings
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from typing import Any, ClassVar

from broadcaster.clock import Clock
from broadcaster.delivery.contract import (
    API,
    Addressing,
    Batch,
    Capabilities,
    Delivery,
    Env,
    Fitted,
    Format,
    Receipt,
    Rendition,
    Sense,
    Variant,
)
from broadcaster.model.cap import Alert, MsgType, Resource
from broadcaster.model.errors import BadInput, ChannelError, Permanent, Problem
from broadcaster.text import measure
from channels.sms.gateway import GATEWAYS, Gateway, Recipient, Submission, relative_time
from channels.sms.segments import MOST_SEGMENTS, Segments, decode, encode, header_octets

LONGEST_VALIDITY = timedelta(days=7)
"""Beyond a week an SMSC keeps nothing, whatever it is asked for."""
SENDER_SEPTETS = 11
NAMED_CHARACTERS = 8
"""How many characters a note names before it says how many more there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsSettings:
    """The channel's part of the configuration, checked."""

    gateway: str = "file"
    sender: str | None = field(default=None, repr=False)
    """``None`` leaves the sender to the gateway."""
    max_segments: int = 6
    reference_bits: int = 16
    """Width of the number that tells two long texts on one phone apart.

    With 8 bits two alerts of one night are confused once in 256 pairs, which is why 16 is the
    default; 8 is for networks with phones that do not know the wider one.
    """
    validity_cap: timedelta = timedelta(hours=12)


class SmsChannel:
    """An opened SMS channel."""

    kind: ClassVar[str] = "sms"
    api: ClassVar[int] = API
    addressing: ClassVar[Addressing] = Addressing.RECIPIENTS

    def __init__(self, settings: SmsSettings, gateway: Gateway, clock: Clock) -> None:
        self._settings = settings
        self._gateway = gateway
        self._clock = clock

    @classmethod
    def settings(cls, raw: Mapping[str, Any]) -> SmsSettings:
        """Check the channel's part of ``config.yaml``; raises :class:`BadInput` with all faults."""
        return read_settings(raw)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: SmsSettings, env: Env) -> AsyncIterator[SmsChannel]:
        """Open the driver; leaving the context closes it."""
        async with GATEWAYS[settings.gateway](env) as gateway:
            yield cls(settings, gateway, env.clock)

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
            max_batch=50,
        )

    def fit(self, rendition: Rendition) -> Fitted:
        """Segments, and every change and cost an officer should see before approving them."""
        settings = self._settings
        segments = encode(
            rendition.text,
            reference=reference(rendition),
            reference_bits=settings.reference_bits,
            max_segments=settings.max_segments,
            label=f"{rendition.language} {rendition.variant}",
        )
        header = header_octets(settings.reference_bits) if settings.max_segments > 1 else 0
        return Fitted(
            parts=segments.parts,
            shows=decode(segments.parts, segments.alphabet),
            used=segments.units,
            limit=segments.alphabet.capacity(header) * settings.max_segments,
            unit=segments.alphabet.unit,
            notes=tuple(notes(segments, rendition.direction)),
            meta={
                "alphabet": str(segments.alphabet),
                "segments": len(segments.parts),
                "units": segments.units,
                "per_segment": segments.per_segment,
                "data_coding": segments.alphabet.data_coding,
                "esm_class": segments.esm_class,
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
    name = "\n".join((rendition.alert, rendition.language, rendition.variant))
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


def read_settings(raw: Mapping[str, Any]) -> SmsSettings:
    """The settings, or :class:`BadInput` naming every wrong key; no value is quoted back."""
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    for key, value in raw.items():
        if key == "kind":
            continue
        if key not in _RULES:
            problems.append(
                Problem(
                    str(key), "is not a setting of an SMS channel", f"known are {', '.join(_RULES)}"
                )
            )
            continue
        rule, says, remedy = _RULES[key]
        try:
            values[key] = rule(value)
        except ValueError:
            problems.append(Problem(key, says, remedy))
    if problems:
        raise BadInput(problems)
    return SmsSettings(**values)


def _gateway(value: Any) -> str:
    if not isinstance(value, str) or value not in GATEWAYS:
        raise ValueError
    return value


def _sender(value: Any) -> str:
    """3GPP TS 23.040 9.1.2.5: eleven GSM characters fit the address field; or a number."""
    # YAML reads a number without quotation marks as an integer.
    text = str(value) if type(value) in (str, int) else ""
    if re.fullmatch(r"\+?[0-9]{3,15}", text):
        return text
    length = measure.septets(text)
    if not text.strip() or not text.isprintable() or length is None or length > SENDER_SEPTETS:
        raise ValueError
    return text


def _max_segments(value: Any) -> int:
    if type(value) is not int or not 1 <= value <= MOST_SEGMENTS:
        raise ValueError
    return value


def _reference_bits(value: Any) -> int:
    if type(value) is not int or value not in (8, 16):
        raise ValueError
    return value


def _validity_cap(value: Any) -> timedelta:
    match = re.fullmatch(r"([0-9]{1,6})([smhd])", str(value))
    if match is None:
        raise ValueError
    unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[match[2]]
    cap = timedelta(**{unit: int(match[1])})
    if not timedelta(minutes=1) <= cap <= LONGEST_VALIDITY:
        raise ValueError
    return cap


_RULES: Mapping[str, Any] = {
    "gateway": (_gateway, "is not a known gateway", f"use one of: {', '.join(GATEWAYS)}"),
    "sender": (
        _sender,
        "is no sender that a phone can show",
        f"use at most {SENDER_SEPTETS} GSM characters, or a number in international form",
    ),
    "max_segments": (
        _max_segments,
        "is not a number of segments",
        f"use a whole number from 1 to {MOST_SEGMENTS}",
    ),
    "reference_bits": (_reference_bits, "is not a reference width", "use 8 or 16"),
    "validity_cap": (
        _validity_cap,
        "is not a duration between a minute and seven days",
        "write a number and a unit: 90s, 30m, 12h, 2d",
    ),
}
