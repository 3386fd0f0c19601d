"""What base-station controllers' answers mean, one by one and all together.  Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from channels.cell_broadcast.gateways.cbsp import messages as cbsp
from channels.cell_broadcast.gateways.cbsp.messages import (
    CellList,
    CellName,
    Discriminator,
    Message,
)
from channels.cell_broadcast.order import Answer, Said
from channels.cell_broadcast.serials import Serial


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one controller made of one request."""

    cells: frozenset[CellName] = frozenset()
    """Where it was done, or was so already."""
    uncounted: bool = False
    """It was done, and nobody said in which cells."""
    refused: Mapping[CellName, int] = field(default_factory=dict)
    """Cells that refused, with the cause."""
    unknown: str = ""
    """Why nobody can say; empty: somebody said."""
    unsent: str = ""
    """Why surely nothing went there; empty: something did."""
    foreign: bool = False
    """It never had the text that was to stop: its silence means nothing."""

    @property
    def complete(self) -> bool:
        """It was done, and nobody refused."""
        return (self.uncounted or bool(self.cells)) and not self.refused

    def refused_for(self, causes: frozenset[int]) -> bool:
        """Whether any cell refused for one of these causes."""
        return not causes.isdisjoint(self.refused.values())


def of_write(asked: CellList, answer: Message | None, silence: str) -> Outcome:
    """What the answer to a WRITE-REPLACE says; ``silence`` is why there is none.

    *Already used* means that the same number is on air already: that is what was asked.
    """
    match answer:
        case cbsp.WriteComplete():
            return _done(_names(answer.cells) or _names(asked))
        case cbsp.WriteFailure():
            return _partly(answer.failures, _names(answer.cells), cbsp.ALREADY_USED)
    return _otherwise(asked, answer, silence)


def is_there_already(answer: Message | None) -> bool:
    """Whether a cell answered a WRITE-REPLACE with *already used*."""
    return isinstance(answer, cbsp.WriteFailure) and any(
        failure.cause == cbsp.ALREADY_USED for failure in answer.failures
    )


def of_kill(asked: CellList, answer: Message | None, silence: str) -> Outcome:
    """What the answer to a KILL says.

    *Not identified* means that it is not on air there: that is what was asked.
    """
    match answer:
        case cbsp.KillComplete():
            return _done(_counted(answer) or _names(answer.cells))
        case cbsp.KillFailure():
            done = _counted(answer) | _names(answer.cells)
            return _partly(answer.failures, done, cbsp.NOT_IDENTIFIED)
    return _otherwise(asked, answer, silence)


def together(identifier: int, serial: Serial, outcomes: Mapping[str, Outcome]) -> Answer:
    """One answer from those of all controllers, by name.

    A cell that one controller does not have belongs to another: it counts as refused only when
    every controller has spoken and none has it.
    """
    cells = frozenset[CellName]().union(*(outcome.cells for outcome in outcomes.values()))
    uncounted = any(outcome.uncounted for outcome in outcomes.values())
    silent = any(outcome.unknown or outcome.unsent for outcome in outcomes.values())
    refused: dict[CellName, int] = {}
    reasons = []
    for name, outcome in outcomes.items():
        for why, says in ((outcome.unknown, "no answer"), (outcome.unsent, "not sent")):
            if why:
                reasons.append(f"{name}: {says} ({why})")
        for cell, cause in outcome.refused.items():
            foreign = cause in cbsp.NOT_ITS_CELL
            if cell.by is Discriminator.WHOLE_BSC:
                reasons.append(f"{name} refused: {cbsp.cause_in_words(cause)}")
                refused[cell] = cause
            elif cell not in cells and not (foreign and (silent or cell in refused)):
                refused[cell] = cause
    if cells or uncounted:
        said = Said.INSTALLED
    elif refused and not any(outcome.unknown for outcome in outcomes.values()):
        said = Said.REFUSED
    else:
        said = Said.UNKNOWN
    return Answer(
        identifier=identifier,
        serial=serial,
        said=said,
        cells=None if uncounted or said is Said.UNKNOWN else len(cells),
        refused=dict(
            Counter(
                cbsp.cause_in_words(cause)
                for cell, cause in refused.items()
                if cell.by is not Discriminator.WHOLE_BSC
            )
        ),
        reason="; ".join(reasons),
    )


def stopped(identifier: int, serial: Serial, outcomes: Mapping[str, Outcome]) -> Answer:
    """One answer on a stop: it is made when it is made everywhere where the text may be."""
    heard = {
        name: outcome
        for name, outcome in outcomes.items()
        if not (outcome.foreign and (outcome.unknown or outcome.unsent))
    }
    answer = together(identifier, serial, heard or outcomes)
    if answer.said is not Said.INSTALLED or not (answer.refused or answer.reason):
        return answer
    refused = (
        f"{count} cell{'s' if count > 1 else ''} refused: {cause}"
        for cause, count in answer.refused.items()
    )
    reason = "; ".join(filter(None, (answer.reason, *refused)))
    return replace(answer, said=Said.UNKNOWN, cells=None, reason=reason)


def _names(cells: CellList | None) -> frozenset[CellName]:
    return frozenset(cells.names) if cells else frozenset()


def _counted(answer: cbsp.KillComplete | cbsp.KillFailure) -> frozenset[CellName]:
    return frozenset(one.cell for one in answer.completed or ())


def _done(cells: frozenset[CellName]) -> Outcome:
    return Outcome(cells=cells, uncounted=not cells)


def _partly(
    failures: tuple[cbsp.Failure, ...], done: frozenset[CellName], harmless: int
) -> Outcome:
    already = frozenset(one.cell for one in failures if one.cause == harmless)
    uncounted = any(cell.by is Discriminator.WHOLE_BSC for cell in already)
    return Outcome(
        cells=done | {cell for cell in already if cell.by is not Discriminator.WHOLE_BSC},
        uncounted=uncounted,
        refused={one.cell: one.cause for one in failures if one.cause != harmless},
    )


def _otherwise(asked: CellList, answer: Message | None, silence: str) -> Outcome:
    if isinstance(answer, cbsp.ErrorIndication):
        names = asked.names or (CellName(Discriminator.WHOLE_BSC),)
        return Outcome(refused=dict.fromkeys(names, answer.cause))
    return Outcome(unknown=silence)
