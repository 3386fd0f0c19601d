"""The life of one delivery, as one table.

Two rules stand behind every row:

* Only the far side's word moves a delivery to a success; *unknown* is a state, never a success.
* What may have reached somebody (accepted, sent, delivered, unknown) is never quietly replaced:
  an Update or Cancel goes there as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class State(StrEnum):
    """Where one delivery stands."""

    PLANNED = "planned"
    ATTEMPTING = "attempting"
    ACCEPTED = "accepted"
    """The next hop took it (gateway, spool, published folder)."""
    SENT = "sent"
    """The far network says it went out."""
    DELIVERED = "delivered"
    """The far end says it arrived."""
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    UNSUPPORTED = "unsupported"


MOVES: dict[State, frozenset[State]] = {
    State.PLANNED: frozenset(
        {State.ATTEMPTING, State.EXPIRED, State.SUPERSEDED, State.UNSUPPORTED}
    ),
    State.ATTEMPTING: frozenset(
        {
            State.ACCEPTED,
            State.SENT,
            State.DELIVERED,
            State.REJECTED,
            State.UNKNOWN,
            State.PLANNED,  # surely not sent: it goes back to wait for its next attempt
            State.EXPIRED,
            State.SUPERSEDED,
        }
    ),
    State.ACCEPTED: frozenset({State.SENT, State.DELIVERED, State.REJECTED, State.EXPIRED}),
    State.SENT: frozenset({State.DELIVERED, State.REJECTED, State.EXPIRED}),
    State.UNKNOWN: frozenset(
        {
            State.ATTEMPTING,  # only where repeating reaches nobody twice
            State.ACCEPTED,
            State.SENT,
            State.DELIVERED,
            State.REJECTED,
        }
    ),
    State.DELIVERED: frozenset(),
    State.REJECTED: frozenset(),
    State.EXPIRED: frozenset(),
    State.SUPERSEDED: frozenset(),
    State.UNSUPPORTED: frozenset(),
}
"""From each state, where a delivery may go next.  Staying where one is, is always allowed."""

REACHED = frozenset({State.ACCEPTED, State.SENT, State.DELIVERED})
"""Somebody on the far side took it."""

MAY_HAVE_REACHED = REACHED | {State.UNKNOWN, State.ATTEMPTING}
"""An Update or a Cancel must follow to these targets."""

OPEN = frozenset({State.PLANNED, State.ATTEMPTING})
"""Work the dispatcher still has to do."""


def may_move(before: State, after: State) -> bool:
    """Whether the table lets a delivery go from one state to the other."""
    return before is after or after in MOVES[before]


def moved(before: State, evidence: State) -> State:
    """Where late evidence takes a delivery: forward if the table allows, else nowhere.

    Receipts arrive twice, late and out of order; an ``accepted`` after a ``delivered`` must not
    turn the clock back.
    """
    return evidence if may_move(before, evidence) else before


# ---------------------------------------------------------------------------------------------
# Compact form.  A chunk of up to 500 recipients keeps one byte per position, so that 600,000
# outcomes are 600 kB and not 600,000 rows.

CODES: dict[State, int] = {state: code for code, state in enumerate(State, start=1)}
NOT_ADDRESSED = 0
"""This position is not part of the alert: outside its area, below the asked severity, or gone."""
_STATES: dict[int, State] = {code: state for state, code in CODES.items()}


def decode(states: bytes) -> list[State | None]:
    """One state per position, ``None`` where the position is not addressed."""
    return [_STATES.get(code) for code in states]


def count(states: bytes) -> dict[State, int]:
    """How many positions are in each state, states without any left out."""
    return {state: n for state, code in CODES.items() if (n := states.count(code))}


def replace(states: bytes, befores: Iterable[State], after: State) -> bytes:
    """Every position that is in one of ``befores`` moved to ``after``."""
    table = bytearray(range(256))
    for before in befores:
        if not may_move(before, after):
            raise ValueError(f"no delivery moves from {before} to {after}")
        table[CODES[before]] = CODES[after]
    return states.translate(bytes(table))
