"""Warnings of every kind, composed from the shipped texts at one moment that never passes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from broadcaster.model.cap import Alert, Area, MsgType, Pair, Polygon, Reference, Status
from broadcaster.model.rendition import Format, Rendition, Variant
from broadcaster.text.compose import Composition, Draft, Identity, compose
from broadcaster.text.library import Library
from broadcaster.text.render import rendition

ROOT = Path(__file__).parents[3]
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 7, 40, tzinfo=BERLIN)
LANGUAGES = ("de", "en", "tr", "ar", "uk", "pl")
"""Enough scripts and directions for most tests; all languages are proved in test_proof.py."""
SQUARE = Polygon(((51.4, 7.4), (51.6, 7.4), (51.6, 7.6), (51.4, 7.6), (51.4, 7.4)))


def area(name: str) -> Area:
    return Area(area_desc=name, polygons=(SQUARE,), geocodes=(Pair("AGS", "05913000"),))


CITY = (area("Dortmund"),)
DISTRICTS = tuple(area(f"Dortmund-{name}") for name in ("Hörde", "Aplerbeck", "Brackel"))
VALUES: Mapping[str, Mapping[str, float | str]] = {
    "heat": {"temperature": 38},
    "heavy_rain": {"amount": 40, "period": 6},
    "flood": {"gauge": "Mengede", "water_level": 310},
    "test": {},
}
EARLIER = Reference(
    "warnung@dortmund.example", "de-nw-dortmund.earlier", "2026-11-23T05:40:00+01:00"
)


@cache
def library() -> Library:
    return Library.load(ROOT / "templates", ROOT / "locales", "Europe/Berlin")


def levels() -> list[tuple[str, int]]:
    """Every level of every hazard that is shipped."""
    return [(hazard.id, level) for hazard in library().hazards.values() for level in hazard.levels]


def identity(**changes: Any) -> Identity:
    return Identity(
        **{
            "identifier": "de-nw-dortmund.20261123T074000.abcdef",
            "sender": "warnung@dortmund.example",
            "sender_name": "Stadt Dortmund",
            "sent": NOW,
            "base_url": "https://warnung.dortmund.example",
            "contact": "https://www.dortmund.example/kontakt",
            "languages": LANGUAGES,
            **changes,
        }
    )


def draft(hazard: str = "heat", level: int = 2, **changes: Any) -> Draft:
    return Draft(
        **{
            "hazard": hazard,
            "level": level,
            "areas": CITY,
            "area_ids": ("dortmund",),
            "expires": NOW + timedelta(hours=30),
            "parameters": VALUES.get(hazard, {}),
            "exercise": "Nordwind" if changes.get("status") is Status.EXERCISE else "",
            **changes,
        }
    )


def composed(
    hazard: str = "heat",
    level: int = 2,
    msg_type: MsgType = MsgType.ALERT,
    *,
    texts: Library | None = None,
    who: Identity | None = None,
    **changes: Any,
) -> Composition:
    who = who or identity()
    return compose(
        draft(hazard, level, **changes),
        texts or library(),
        who,
        msg_type=msg_type,
        references=() if msg_type is MsgType.ALERT else (EARLIER,),
        page=f"alerts/{who.identifier}/",
    )


def text(alert: Alert, tag: str, variant: Variant, texts: Library | None = None) -> str:
    made = rendition(alert, texts or library(), tag, variant, Format.TEXT)
    assert made is not None
    return made.text


def everything() -> Iterator[tuple[str, Alert, Rendition]]:
    """Every text that can be sent: a name for it, its alert, the rendition."""
    for hazard, level in levels():
        for msg_type in (MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL):
            for status in (Status.ACTUAL, Status.EXERCISE, Status.TEST):
                alert = composed(hazard, level, msg_type, status=status, areas=DISTRICTS).alert
                for tag in LANGUAGES:
                    for variant in Variant:
                        made = rendition(alert, library(), tag, variant, Format.TEXT)
                        assert made is not None
                        yield f"{hazard} {level} {msg_type} {status} {tag} {variant}", alert, made
