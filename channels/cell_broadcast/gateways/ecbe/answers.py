"""What is said to officers of texts at osmo-cbc.  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from channels.cell_broadcast.gateways.ecbe.hold import Fate, Outcome
from channels.cell_broadcast.order import Answer, OnAir, Order, Running, Said, Stop

_SAYS = {
    Fate.ON: (Said.ACCEPTED, "whether any cell has it was not said"),
    Fate.REFUSED: (Said.REFUSED, "the gateway takes it not"),
    Fate.OCCUPIED: (Said.REFUSED, "another sender keeps its identifier"),
    Fate.NOBODY: (Said.REFUSED, "the gateway had no controller to ask for it"),
    Fate.UNREACHED: (Said.UNKNOWN, "the gateway went away before it was told"),
    Fate.SILENT: (Said.UNKNOWN, "the gateway did not answer"),
}


def answer(item: OnAir | Running, outcome: Outcome) -> Answer:
    """What became of a text."""
    said, reason = _SAYS[outcome.fate]
    parts = [reason, outcome.text]
    if outcome.cleared and said is not Said.ACCEPTED:
        parts.append("the text that was there is off the air")
    return Answer(
        identifier=item.broadcast.identifier,
        serial=item.serial,
        said=said,
        reason="; ".join(part for part in parts if part),
    )


def newest(running: Sequence[Running]) -> dict[int, Running]:
    """What each identifier is to carry: of several the one that was sent last."""
    return {item.broadcast.identifier: item for item in running}


def beside(said: Answer, order: Order) -> Answer:
    """The same, with what an officer must know of another warning that had the identifier."""
    other = newest(order.beside).get(said.identifier)
    if said.said is not Said.ACCEPTED or other is None or other.serial == said.serial:
        return said
    says = (
        "it takes the place of another warning of ours on this identifier "
        f"(serial number {other.serial.hex})"
    )
    return replace(said, reason=f"{said.reason}; {says}")


def displaced(item: Running, why: str = "a newer warning took its identifier") -> Answer:
    """A text of ours that is meant to be on air and cannot be."""
    return Answer(
        identifier=item.broadcast.identifier,
        serial=item.serial,
        said=Said.ACCEPTED,
        cells=0,
        reason=f"it is not on air any more: {why}",
    )


def crowded(item: OnAir) -> Answer:
    """A second text of one order under one identifier."""
    return Answer(
        identifier=item.broadcast.identifier,
        serial=item.serial,
        said=Said.REFUSED,
        reason="the gateway carries one text for each identifier, and another came first",
    )


def stopped(stop: Stop, end: tuple[Said, str] | None, instead: Outcome | None) -> Answer:
    """What became of a stop.

    ``end``: what was said of it; ``None``: nothing was done.  ``instead``: what was put under the
    same identifier.
    """
    if instead is not None:
        gone = instead.fate is Fate.ON or instead.cleared
        end = (Said.ACCEPTED, "") if gone else (Said.UNKNOWN, "it may still be on air")
    said, reason = end or (Said.UNKNOWN, "the gateway went away before it was told")
    return Answer(identifier=stop.identifier, serial=stop.serial, said=said, reason=reason)
