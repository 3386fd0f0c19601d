"""The air time of 2G cell broadcast: which texts fit side by side, how long a round takes.  Pure.

A 2G cell sends one page in each slot of 1.883 s.  All texts on air share one repetition period,
counted in slots, so the pages of all of them together must not be more than it has.  One period
for everything on air is not only simple: osmo-bsc 1.9.0 refuses later texts when periods are
mixed, and hangs when it is then reset.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from broadcaster.model.errors import Problem
from channels.cell_broadcast.gateways.cbsp.messages import MAX_PERIOD
from channels.cell_broadcast.order import SLOT


@dataclass(frozen=True, slots=True)
class Text:
    """A text that wants air time."""

    name: str
    """For an officer: its language, and its variant if there are two."""
    pages: int
    """Every identifier that repeats a text counts its pages again."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes on air within a period, and what does not."""

    fits: tuple[Text, ...]
    pages: int
    """Of all texts on air, those that run already included."""
    problems: Mapping[int, Problem]
    """Position of each text that falls out, with its surplus in words."""


def shortest(pages: Sequence[int]) -> int:
    """The shortest period that holds all of them, in slots."""
    return max(1, sum(pages))


def round_trip(slots: int) -> float:
    """Seconds that a period of so many slots lasts: in it, every page is sent once."""
    return slots * SLOT


def slots_within(seconds: float) -> int:
    """The slots of the longest period that is not longer than ``seconds``."""
    return min(MAX_PERIOD, int(seconds / SLOT))


def plan(texts: Sequence[Text], *, longest: int, running: Sequence[int] = ()) -> Plan:
    """Which texts go on air, in order of priority, when a period may have ``longest`` slots.

    A text that does not fit falls out whole; a shorter one after it may still fit.  ``running`` are
    the page counts of what is on air already: they come first.
    """
    used = sum(running)
    chosen: list[Text] = []
    problems: dict[int, Problem] = {}
    for at, text in enumerate(texts):
        if used + text.pages <= longest:
            chosen.append(text)
            used += text.pages
            continue
        surplus = used + text.pages - longest
        problems[at] = Problem(
            text.name,
            f"its {_pages(text.pages)} do not fit on 2G: {used} of the {_pages(longest)} that "
            f"go on air within {round_trip(longest):.0f} seconds are taken",
            f"shorten the texts by {_pages(surplus)}, or allow a longer repetition period",
        )
    return Plan(
        fits=tuple(chosen),
        pages=used,
        problems=problems,
    )


def _pages(count: int) -> str:
    return "1 page" if count == 1 else f"{count} pages"
