"""What phones will show of an alert, found out by letting model phones receive its pages.  Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from channels.cell_broadcast.handset import Handset, Setting, Shown
from channels.cell_broadcast.serials import Serial

_ONE_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)
_NOBODYS = "xx"
"""Stands for a phone whose language no text is in."""


@dataclass(frozen=True, slots=True)
class OnAir:
    """One text as phones receive it."""

    language: str
    """BCP 47."""
    code: str | None
    """The two letters that go with it on the wire."""
    identifiers: tuple[int, ...]
    dcs: int
    pages: tuple[bytes, ...]


def seen(texts: Sequence[OnAir], country: str) -> Iterator[str]:
    """Sentences for an officer: the title, who sees what, and every language that goes astray.

    ``country`` is the mobile country code of the phones, or ``EU`` (:class:`.handset.Handset`).
    """
    shown = {code: _shown(texts, code, country) for code in (*_codes(texts), _NOBODYS)}
    everyone = shown.pop(_NOBODYS)
    if not everyone and not any(shown.values()):
        yield "no phone shows it"
        return
    titles = {alarm.title for alarms in (everyone, *shown.values()) for alarm in alarms.values()}
    fixed = any(alarm.fixed for alarm in everyone.values())
    off = ", which cannot be switched off" if fixed else ""
    where = " and ".join(map(str, dict.fromkeys(i for t in texts for i in t.identifiers)))
    yield f"phones show it as {' or '.join(sorted(titles))}{off}; it goes out on {where}"
    own = {code: [tag for tag in shown[code] if tag not in everyone] for code in shown}
    yield f"every phone shows {', '.join(everyone) or 'nothing'}" + (
        f"; a phone set to one of {', '.join(c for c in own if own[c])} its own language as well"
        if any(own.values())
        else ""
    )
    base = {text.code for text in texts if text.language in everyone}
    for text in texts:
        if text.code not in base and text.language not in shown.get(text.code or "", ()):
            yield f"no phone shows {text.language}"


def _codes(texts: Sequence[OnAir]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text.code for text in texts if text.code))


def _shown(texts: Sequence[OnAir], code: str, country: str) -> dict[str, Shown]:
    """What a phone set to a language shows, by the text's language; every kind switched on."""
    phone = Handset((code,), country, tuple(Setting))
    found: dict[str, Shown] = {}
    for number, text in enumerate(texts):
        for identifier in text.identifiers:
            alarm = phone.hears(
                identifier, int(Serial(number, 0)), text.dcs, text.pages, at=_ONE_MOMENT
            )
            if isinstance(alarm, Shown):
                found[text.language] = alarm
    return found
