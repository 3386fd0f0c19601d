"""When to try again: a pure decision from what is known.

There is one deadline, the alert's own ``expires``: a warning nobody can use any more is not sent.
Backoff has a ceiling (a dead gateway that comes back is found within a minute) and jitter (a
thousand chunks do not knock at the same instant).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from broadcaster.model.errors import ChannelError, Transient, Unknown


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds before the next attempt: ``first * factor ** (attempt - 1)``, at most ``ceiling``."""

    first: float = 1.0
    factor: float = 2.0
    ceiling: float = 60.0
    jitter: float = 0.5
    """Share of the delay that is drawn by lot."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again, not before ``at``; ``reason`` is for the officer."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Do not try again; ``reason`` is for the officer."""

    reason: str
    expired: bool = False


def decide(
    error: ChannelError,
    *,
    attempt: int,
    now: datetime,
    expires: datetime | None,
    harmless: bool,
    rng: random.Random,
    backoff: Backoff | None = None,
) -> Retry | GiveUp:
    """What to do after an attempt ended in ``error``.

    ``attempt`` counts from 1; ``harmless`` says that repeating this sending reaches nobody twice.
    """
    backoff = backoff or Backoff()
    says = "; ".join(problem.says for problem in error.problems)
    if isinstance(error, Unknown) and not harmless:
        return GiveUp(f"{says}; not repeated, because it may have arrived")
    if not isinstance(error, Transient | Unknown):
        return GiveUp(says)
    delay = min(backoff.first * backoff.factor ** min(attempt - 1, 32), backoff.ceiling)
    delay *= 1 - backoff.jitter * rng.random()
    if isinstance(error, Transient) and error.retry_after is not None:
        delay = max(delay, error.retry_after)
    at = now + timedelta(seconds=delay)
    if expires is not None and at >= expires:
        return GiveUp(f"{says}; the warning ends before another attempt", expired=True)
    return Retry(at, f"{says}; attempt {attempt + 1} follows in {delay:.0f} s")
