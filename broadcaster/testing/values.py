"""Values that tests of channels need: small, complete, and the same on every run."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from broadcaster.clock import Clock
from broadcaster.delivery.contract import (
    Addressing,
    Batch,
    Channel,
    Delivery,
    Document,
    Env,
    Format,
    Mode,
    Rendition,
    Variant,
)
from broadcaster.model.cap import (
    Alert,
    Area,
    Category,
    Certainty,
    Info,
    MsgType,
    Pair,
    Polygon,
    Reference,
    ResponseType,
    Scope,
    Severity,
    Status,
    Urgency,
)
from broadcaster.model.capxml import time_text

NOON = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))
"""When tests take place, unless they say otherwise."""
IDENTIFIER = "de-example.20260701T120000.aaaaaa"
NUMBER = "+4917139200011"
"""A telephone number reserved for fiction (Bundesnetzagentur, drama numbers)."""

_RING = ((51.40, 7.30), (51.40, 7.60), (51.60, 7.60), (51.60, 7.30), (51.40, 7.30))
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "ckb", "ur", "ps", "prs"})


class FakeClock:
    """A clock that stands until it is moved; always aware."""

    def __init__(self, start: datetime = NOON) -> None:
        """Raises ``ValueError`` for a time without a zone."""
        if start.tzinfo is None:
            raise ValueError("a clock needs a zone")
        self._now = start

    def now(self) -> datetime:
        """The time it shows."""
        return self._now

    def advance(self, **by: float) -> datetime:
        """Move by a ``timedelta``'s keywords (``hours=6``), as elapsed time, and show the time."""
        # Through UTC: six hours are six hours also on the night the clocks change.
        utc = self._now.astimezone(ZoneInfo("UTC")) + timedelta(**by)
        self._now = utc.astimezone(self._now.tzinfo)
        return self._now


def alert(
    identifier: str = IDENTIFIER,
    *,
    msg_type: MsgType = MsgType.ALERT,
    status: Status = Status.ACTUAL,
    severity: Severity = Severity.SEVERE,
    sent: datetime = NOON,
    expires: datetime | None = NOON + timedelta(hours=6),
    languages: Sequence[str] = ("de",),
    parameters: Mapping[str, str] | None = None,
    replaces: Sequence[Alert] = (),
    **info: Any,
) -> Alert:
    """A valid CAP alert with one info per language; ``info`` overrides fields of every info."""
    first = Info(
        categories=(Category.MET,),
        event="Starkregen",
        response_types=(ResponseType.SHELTER,),
        urgency=Urgency.IMMEDIATE,
        severity=severity,
        certainty=Certainty.LIKELY,
        effective=sent,
        expires=expires,
        sender_name="Stadt Beispiel",
        headline="Starkregen in Beispielstadt",
        description="Es regnet sehr stark.",
        instruction="Bleiben Sie im Haus.",
        parameters=tuple(Pair(name, value) for name, value in (parameters or {}).items()),
        areas=(Area(area_desc="Beispielstadt", polygons=(Polygon(_RING),)),),
    )
    return Alert(
        identifier=identifier,
        sender="warnung@example.org",
        sent=sent,
        status=status,
        msg_type=msg_type,
        scope=Scope.PUBLIC,
        note="Probe" if status is Status.EXERCISE else None,
        references=tuple(
            Reference(one.sender, one.identifier, time_text(one.sent)) for one in replaces
        ),
        infos=tuple(replace(first, language=language, **info) for language in languages),
    )


def rendition(
    text: str = "Starkregen in Beispielstadt. Bleiben Sie im Haus.",
    *,
    language: str = "de",
    variant: Variant = Variant.STANDARD,
    format: Format = Format.TEXT,
    of: str = IDENTIFIER,
) -> Rendition:
    """A text of the alert with the identifier ``of``."""
    return Rendition(
        alert=of,
        language=language,
        direction="rtl" if language in _RIGHT_TO_LEFT else "ltr",
        variant=variant,
        format=format,
        text=text,
    )


def env(
    folder: Path,
    *,
    name: str = "fake",
    mode: Mode = Mode.LIVE,
    clock: Clock | None = None,
    seed: int = 1,
    base_url: str = "https://warnung.example.org",
) -> Env:
    """What a channel gets from outside, with both of its folders inside ``folder``."""
    return Env(
        name=name,
        mode=mode,
        data_dir=folder / "state" / name,
        output_dir=folder / "outbox" / name,
        clock=clock or FakeClock(),
        random=random.Random(seed),
        base_url=base_url,
    )


def batch(
    channel: Channel,
    *renditions: Rendition,
    of: Alert | None = None,
    key: str = "",
    mode: Mode = Mode.LIVE,
    target: str = "",
) -> Batch:
    """What one ``send`` carries: each rendition fitted by the channel, to one target.

    Raises what ``fit`` raises.  A channel that publishes gets one document per rendition.
    """
    of = of or alert()
    key = key or f"{of.identifier}~fake~0~0~0-{len(renditions) - 1}"
    addressing = channel.capabilities.addressing
    target = target or (NUMBER if addressing is Addressing.RECIPIENTS else "public")
    documents = tuple(
        Document(
            path=f"{one.language}/alerts/{of.identifier}/index.html",
            media_type="text/html; charset=utf-8",
            data=one.text.encode(),
            language=one.language,
            variant=one.variant,
        )
        for one in renditions
    )
    return Batch(
        key=key,
        operation=of.msg_type,
        mode=mode,
        alert=of,
        deliveries=tuple(
            Delivery(
                key=f"{of.identifier}~fake~0~0~{position}",
                target=target,
                rendition=one,
                fitted=channel.fit(one),
            )
            for position, one in enumerate(renditions)
        ),
        replaces=tuple(reference.identifier for reference in of.references),
        documents=documents if addressing is Addressing.PUBLISHED else (),
    )
