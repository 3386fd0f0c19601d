"""Which texts of an alert go on air side by side: limits of the gateway, then 2G air time.  Pure.

Whatever falls out is named with its reason before release.  Languages fall out in a stated order:
the base language never yields to another one, then come those of the ``priority`` setting, then
the rest as offered.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from broadcaster.delivery.contract import Arrangement
from broadcaster.model.errors import Problem
from channels.cell_broadcast import airtime
from channels.cell_broadcast.cells import Choice
from channels.cell_broadcast.order import Limits, Running, Scope
from channels.cell_broadcast.settings import Settings

_NO_LIMIT = sys.maxsize


@dataclass(frozen=True, slots=True)
class Text:
    """One text that could go on air."""

    language: str
    code: str | None
    """The two letters that phones compare with their own language."""
    pages: int
    identifiers: tuple[int, ...]
    """Every identifier that repeats it takes air time of its own."""
    base: bool
    """Shown to every phone."""

    @property
    def slots(self) -> int:
        """Pages on a 2G channel."""
        return self.pages * len(self.identifiers)


def arrange(
    texts: Sequence[Text],
    settings: Settings,
    limits: Limits,
    chosen: Choice | None,
    *,
    beside: Sequence[Running] = (),
) -> Arrangement:
    """What goes out, what falls out and why, and what an officer should know of reach and time.

    ``chosen`` are the cells for the alert's area; ``None``: there is no inventory.  ``beside`` is
    what other alerts have on air: it is told of, but decides nothing, or what was approved would
    change whenever another warning comes or goes.
    """
    if chosen is not None and not chosen.cells:
        problem = Problem(
            "area",
            "the cell inventory has no cell that is heard in this area",
            "check the area, or the inventory",
        )
        return Arrangement(left_out=dict.fromkeys(range(len(texts)), problem))
    ranked = _by_priority(texts, settings.priority)
    left_out = _no_place(texts, ranked, limits)
    carried = [at for at in ranked if at not in left_out]
    # Elsewhere the centre plans the air time, and may have no 2G at all.
    longest = airtime.slots_within(settings.longest_period) if limits.plans_2g else _NO_LIMIT
    timed = airtime.plan(
        [airtime.Text(texts[at].language, texts[at].slots) for at in carried],
        longest=longest,
    )
    left_out |= {carried[at]: problem for at, problem in timed.problems.items()}
    replaced = _replaced(texts, left_out, limits, beside)
    notes = _notes(timed, replaced, beside, settings, limits, chosen)
    return Arrangement(
        left_out=left_out,
        notes=tuple(notes if timed.fits else ()),
        wider=_wider(limits, chosen),
    )


def _by_priority(texts: Sequence[Text], priority: Sequence[str]) -> list[int]:
    rank = {language: at for at, language in enumerate(priority)}
    return sorted(
        range(len(texts)),
        key=lambda at: (not texts[at].base, rank.get(texts[at].language, len(rank)), at),
    )


def _no_place(texts: Sequence[Text], ranked: Sequence[int], limits: Limits) -> dict[int, Problem]:
    """The texts that have no identifier left, or none of their own on a phone."""
    left_out: dict[int, Problem] = {}
    carried: Counter[int] = Counter()
    told: dict[str, str] = {}
    most = limits.per_identifier
    for text, at in ((texts[at], at) for at in ranked):
        full = [one for one in text.identifiers if most is not None and carried[one] >= most]
        twin = told.get(text.code) if text.code and not text.base else None
        if twin is not None:
            says = (
                f"phones cannot tell it from {twin} (both are {text.code} to them), "
                "and would alarm twice"
            )
            remedy = "`priority` says which of them comes first"
            left_out[at] = Problem(text.language, says, remedy)
        elif full:
            says = (
                f"the gateway carries {most} text{'s' if most != 1 else ''} at a time on "
                f"{full[0]}, and others come first"
            )
            remedy = "`priority` says which languages come first"
            left_out[at] = Problem(text.language, says, remedy)
        else:
            carried.update(text.identifiers)
            if text.code and not text.base:
                told[text.code] = text.language
    return left_out


def _notes(
    timed: airtime.Plan,
    replaced: Sequence[int],
    beside: Sequence[Running],
    settings: Settings,
    limits: Limits,
    chosen: Choice | None,
) -> list[str]:
    foreign = sum(len(one.broadcast.pages.octets) for one in beside)
    pages = timed.pages + foreign
    seconds = max(settings.repetition_period, round(airtime.round_trip(pages)))
    others = f", {foreign} of them of other warnings," if foreign else ""
    notes = [f"on 2G all {pages} pages{others} go on air once in {seconds} seconds"]
    if replaced:
        which = ", ".join(map(str, replaced))
        notes.append(f"takes another warning of ours off the air, on {which}")
    if limits.gap:
        notes.append(f"an update leaves phones without either text {limits.gap}")
    if chosen is not None:
        notes.append(
            f"{len(chosen.cells)} cells, heard on about {chosen.reached_km2:.0f} km²; "
            f"asked were {chosen.asked_km2:.0f} km²"
        )
    return notes


def _replaced(
    texts: Sequence[Text],
    left_out: Mapping[int, Problem],
    limits: Limits,
    beside: Sequence[Running],
) -> list[int]:
    """Identifiers on which another warning must make room."""
    if limits.per_identifier is None:
        return []
    taken = Counter(one.broadcast.identifier for one in beside)
    wanted = {i for at, text in enumerate(texts) if at not in left_out for i in text.identifiers}
    return sorted(i for i in wanted if taken[i] >= limits.per_identifier)


def _wider(limits: Limits, chosen: Choice | None) -> str:
    if limits.scope is Scope.NETWORK:
        return "goes to every phone in the whole network, not only in the area"
    if limits.scope is Scope.CELLS and chosen is None:
        return "goes to every cell of its base-station controllers: there is no cell inventory"
    return ""
