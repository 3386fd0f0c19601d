"""Cell broadcast: one text to every phone in an area, without numbers or subscriptions.

This channel is the *cell broadcast entity* (CBE, 3GPP TS 23.041): it makes exact pages, message
identifiers and serial numbers, and hands them to the centre (CBC) through a gateway.  What the
radio then does no gateway of today reports, so this channel confirms *accepted*, nothing more.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import threading
import unicodedata
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar

from broadcaster.delivery.contract import (
    Addressing,
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
    no_receipts,
)
from broadcaster.model.cap import MsgType, Resource, Status
from broadcaster.model.errors import BadInput, Permanent, Problem, Unsupported
from broadcaster.text.measure import name, plain_punctuation, septets

from .codec import Choice, Pages, choose, decode, encode, opens_against_the_grain
from .gateway import (
    FileGateway,
    Gateway,
    OnAir,
    Order,
    broadcasts_until,
    relation,
    stops_and_silences,
)
from .profile import Broadcast, Profile, Row, load
from .serials import Serials, Wish

_GATEWAYS = {"file": FileGateway}
_MAX_PERIOD = 4095
"""Seconds; TS 23.041 9.4.1.2.5 and TS 36.413 9.2.1.49 code the period in twelve bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The channel's part of the configuration, checked."""

    profile: Profile
    gateway: str = "file"
    base_language: str = "de"
    """Shown to every phone; all others only to phones set to them."""
    repetition_period: int = 60
    """Seconds."""
    plain_as_second: bool = False
    """The base language's plain text goes out too, as a second text for every phone."""


class CellBroadcastChannel:
    """The opened channel, and its entry point."""

    kind: ClassVar[str] = "cell_broadcast"
    api: ClassVar[int] = 1
    addressing: ClassVar[Addressing] = Addressing.AREA

    def __init__(self, settings: Settings, env: Env, gateway: Gateway, serials: Serials) -> None:
        self._settings = settings
        self._env = env
        self._gateway = gateway
        self._serials = serials
        # A thread's lock: a cancelled send may still be writing when the next one starts.
        self._one_at_a_time = threading.Lock()

    @classmethod
    def settings(cls, raw: Mapping[str, Any]) -> Settings:
        """Check ``kind, profile, gateway, base_language, repetition_period, plain_as_second``."""
        return read_settings(raw)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, env: Env) -> AsyncIterator[CellBroadcastChannel]:
        """Read the record of serial numbers; raises ``Unavailable`` when it is damaged."""
        serials = await asyncio.to_thread(
            Serials, env.data_dir / "serials.json", env.clock, env.random
        )
        yield cls(settings, env, _GATEWAYS[settings.gateway](env.output_dir), serials)

    @property
    def capabilities(self) -> Capabilities:
        """What cell broadcast can do; plain text only where it is configured as second text."""
        plain = (Variant.PLAIN,) if self._settings.plain_as_second else ()
        return Capabilities(
            operations=frozenset({MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL}),
            formats=(Format.TEXT,),
            addressing=Addressing.AREA,
            confirms=frozenset({State.ACCEPTED}),
            senses=frozenset({Sense.SEE, Sense.HEAR, Sense.TOUCH}),
            variants=(Variant.STANDARD, *plain),
            shortens_to=Variant.SHORT,
            repeat_is_harmless=True,
            # All languages of an alert must come together: an update stops what it does not renew.
            max_batch=1000,
        )

    def fit(self, rendition: Rendition) -> Fitted:
        """Pages as they go on air, and the text a phone decodes from them.  Pure."""
        choice, pages = self._encode(rendition)
        _, shows = decode(pages.octets, None, pages.coding.dcs)
        _, first = decode(pages.octets[:1], None, pages.coding.dcs)
        return Fitted(
            parts=pages.octets,
            shows=shows,
            used=pages.used,
            limit=pages.coding.limit,
            unit=pages.coding.alphabet.value,
            notes=tuple(_notes(rendition, choice, pages.language)),
            meta={
                "dcs": f"{pages.coding.dcs:02x}",
                "pages": len(pages.octets),
                "units_left": pages.left,
                "first_page": first,
                "language_code": pages.language,
                "language_named": _named(pages),
                "shown_to": "every phone" if self._is_base(rendition) else "phones set to it",
            },
        )

    def resources(self, rendition: Rendition) -> Sequence[Resource]:
        """None: nothing is published."""
        return ()

    async def send(self, batch: Batch) -> Sequence[Receipt]:
        """Number the broadcasts and hand them over, once; a repeated key is handed over once."""
        self._check(batch)
        reference = await asyncio.to_thread(self._send, batch)
        return tuple(
            Receipt(
                key=delivery.key,
                state=State.ACCEPTED,
                reference=reference,
                reason="handed over to the operator; the radio confirms nothing",
            )
            for delivery in batch.deliveries
        )

    def receipts(self) -> AsyncIterator[Receipt]:
        """None: a hand-over gets no later word."""
        return no_receipts()

    async def ping(self) -> str:
        """Ask the gateway whether orders can be taken."""
        return await asyncio.to_thread(self._gateway.ping)

    def _is_base(self, rendition: Rendition) -> bool:
        return rendition.language == self._settings.base_language

    def _encode(self, rendition: Rendition) -> tuple[Choice, Pages]:
        code = self._settings.profile.code(rendition.language)
        _check_variant(rendition, self._is_base(rendition), self._settings.plain_as_second)
        if code is None and not self._is_base(rendition):
            raise Unsupported(
                Problem(
                    rendition.language,
                    "cell broadcast names languages by two letters "
                    f"(ISO 639-1), and {rendition.language} has none: phones could not tell "
                    "it apart",
                    "reach this language over another channel",
                )
            )
        _check_characters(rendition)
        choice = choose(rendition.text, code)
        try:
            return choice, encode(choice.text, dcs=choice.coding.dcs, language=code)
        except BadInput as error:  # a grapheme larger than a page
            raise Unsupported(error.problems) from error

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
            if self._encode(delivery.rendition)[1].octets != delivery.fitted.parts
        ]
        if changed:
            raise Permanent(changed)

    def _send(self, batch: Batch) -> str:
        with self._one_at_a_time:
            reference = self._gateway.holds(batch.key)
            if reference is None:
                reference = self._gateway.take(self._order(batch))
            if batch.replaces:
                self._serials.stopped(batch.replaces)
            return reference

    def _order(self, batch: Batch) -> Order:
        now = self._env.clock.now()
        expires = batch.alert.expires
        if expires is not None and expires <= now:
            raise Permanent(
                Problem(
                    "expires",
                    "the alert ended before it could be handed over",
                    "issue it again with a later end",
                )
            )
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
            written=now,
        )

    def _texts(self, batch: Batch) -> tuple[_Text, ...]:
        """The batch by text: several areas of one alert share a broadcast."""
        texts: dict[str, _Text] = {}
        for delivery in batch.deliveries:
            rendition = delivery.rendition
            slot = _slot(rendition)
            text = _Text(slot, rendition, self._encode(rendition)[1], (delivery.key,))
            before = texts.get(slot)
            if before and before.pages != text.pages:
                raise Permanent(
                    Problem(
                        slot,
                        "one alert has two texts for it, and phones would show only one",
                        "plan one variant for each language",
                    )
                )
            texts[slot] = replace(before, keys=before.keys + text.keys) if before else text
        return tuple(texts.values())

    def _identifiers(self, rendition: Rendition, row: Row) -> tuple[int, ...]:
        if not self._is_base(rendition):
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


def read_settings(raw: Mapping[str, Any]) -> Settings:
    """The settings as a value; raises :class:`BadInput` naming every wrong key at once."""
    known = {"kind", "profile", "gateway", "base_language", "repetition_period", "plain_as_second"}
    problems = [
        Problem(
            str(key),
            "is no setting of a cell-broadcast channel",
            "remove it, or use one of " + ", ".join(sorted(known)),
        )
        for key in raw
        if key not in known
    ]
    profile = None
    try:
        profile = load(str(raw.get("profile", "de")))
    except BadInput as error:
        problems += error.problems
    gateway = raw.get("gateway", "file")
    if gateway not in _GATEWAYS:
        problems.append(
            Problem("gateway", f"there is no gateway {gateway!r}", "use " + " or ".join(_GATEWAYS))
        )
    language = raw.get("base_language", "de")
    if not isinstance(language, str) or not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]+)*", language):
        problems.append(
            Problem(
                "base_language",
                f"{language!r} is no language tag",
                "write a BCP 47 tag such as de, in quotes if YAML takes it for a word",
            )
        )
    period = _seconds(raw.get("repetition_period", 60))
    if period is None or not 1 <= period <= _MAX_PERIOD:
        problems.append(
            Problem(
                "repetition_period",
                f"{raw.get('repetition_period')!r} is no period",
                f"write whole seconds from 1s to {_MAX_PERIOD}s",
            )
        )
    plain = raw.get("plain_as_second", False)
    if not isinstance(plain, bool):
        problems.append(Problem("plain_as_second", f"{plain!r} is neither true nor false", ""))
    if problems or profile is None or period is None:
        raise BadInput(problems)
    return Settings(
        profile=profile,
        gateway=gateway,
        base_language=language,
        repetition_period=period,
        plain_as_second=plain,
    )


def _seconds(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    match = re.fullmatch(r"(\d{1,6})\s?s?", value) if isinstance(value, str) else None
    return int(match[1]) if match else None


def _check_variant(rendition: Rendition, base: bool, plain_as_second: bool) -> None:
    if rendition.variant in (Variant.STANDARD, Variant.SHORT):
        return
    if rendition.variant is Variant.PLAIN and base and plain_as_second:
        return
    if rendition.variant is Variant.PLAIN:
        says = "cell broadcast has no code for plain language, so phones could not tell it apart"
        remedy = "plain_as_second sends it in the base language, to every phone"
    else:
        says, remedy = "cell broadcast carries text, not speech", "use the standard variant"
    raise Unsupported(Problem(rendition.language, says, remedy))


def _check_characters(rendition: Rendition) -> None:
    if not rendition.text.strip():
        raise Unsupported(Problem(rendition.language, "there is no text to broadcast", ""))
    # TS 23.038 6.2.3 knows UCS-2 only; older phones show two boxes for anything beyond it.
    beyond = [character for character in dict.fromkeys(rendition.text) if character > "\uffff"]
    if beyond:
        raise Unsupported(
            Problem(
                rendition.language,
                f"{name(character)} cannot be shown by older phones",
                "say it in words",
            )
            for character in beyond
        )


def _notes(rendition: Rendition, choice: Choice, code: str | None) -> list[str]:
    notes = [str(replacement) for replacement in choice.replaced]
    if code and code != rendition.language.partition("-")[0]:
        notes.append(f"phones know {rendition.language} as {code}")
    if "\r" in rendition.text:
        notes.append("carriage returns became line feeds")
    plain, _ = plain_punctuation(choice.text)
    foreign = [c for c in dict.fromkeys(plain) if septets(c) is None]
    # Only signs are named: nobody shall be tempted to take the marks off a language's letters.
    if foreign and not any(unicodedata.category(c)[0] in "LM" for c in foreign):
        notes.append("less room because of " + ", ".join(name(c) for c in foreign))
    if rendition.direction == "rtl" and (letter := opens_against_the_grain(rendition.text)):
        notes.append(
            f"starts with {name(letter)}: phones may show the whole text left to right; "
            "start with a word of the language"
        )
    return notes


def _named(pages: Pages) -> str:
    if pages.coding.prefixed:
        return "on every page"
    return "by the coding scheme" if pages.coding.names_language else "not at all"


def _slot(rendition: Rendition) -> str:
    return rendition.language + ("/plain" if rendition.variant is Variant.PLAIN else "")


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
