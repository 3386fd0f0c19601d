"""Whether and when an attempt is made again, as a table."""

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.delivery.retry import Backoff, GiveUp, Retry, decide
from broadcaster.model.errors import (
    DoesNotFit,
    Permanent,
    Problem,
    Transient,
    Unknown,
    Unsupported,
)
from broadcaster.testing import NOON

SOON = NOON + timedelta(seconds=0.4)
LATER = NOON + timedelta(hours=6)
BUSY = Problem("gateway", "is busy")


def outcome(error, *, attempt=1, expires=LATER, harmless=False, seed=1, backoff=None):
    return decide(
        error,
        attempt=attempt,
        now=NOON,
        expires=expires,
        harmless=harmless,
        rng=random.Random(seed),
        backoff=backoff,
    )


# error, harmless, expires -> again, expired
TABLE = [
    (Transient(BUSY), False, LATER, True, False),
    (Transient(BUSY), True, LATER, True, False),
    (Transient(BUSY), False, None, True, False),
    (Transient(BUSY), False, SOON, False, True),
    (Transient(BUSY), True, SOON, False, True),
    (Transient(BUSY, retry_after=5), False, LATER, True, False),
    (Transient(BUSY, retry_after=5), False, NOON + timedelta(seconds=4), False, True),
    (Transient(BUSY, retry_after=1e9), False, LATER, False, True),
    (Unknown(BUSY), False, LATER, False, False),
    (Unknown(BUSY), False, None, False, False),
    (Unknown(BUSY), False, SOON, False, False),
    (Unknown(BUSY), True, LATER, True, False),
    (Unknown(BUSY), True, None, True, False),
    (Unknown(BUSY), True, SOON, False, True),
    (Permanent(BUSY), False, LATER, False, False),
    (Permanent(BUSY), True, LATER, False, False),
    (Permanent(BUSY), True, SOON, False, False),
    (DoesNotFit(BUSY, surplus=1, unit="septets"), False, LATER, False, False),
    (DoesNotFit(BUSY, surplus=1, unit="septets"), True, LATER, False, False),
    (Unsupported(BUSY), False, LATER, False, False),
    (Unsupported(BUSY), True, None, False, False),
]


@pytest.mark.parametrize(("error", "harmless", "expires", "again", "expired"), TABLE)
def test_the_decision_follows_from_what_is_known(error, harmless, expires, again, expired):
    decision = outcome(error, harmless=harmless, expires=expires)

    assert isinstance(decision, Retry) is again
    if isinstance(decision, GiveUp):
        assert decision.expired is expired
    assert "is busy" in decision.reason


@pytest.mark.parametrize("attempt", range(1, 60))
def test_delays_grow_to_a_ceiling_and_never_beyond(attempt):
    backoff = Backoff(first=1, factor=2, ceiling=60, jitter=0.5)
    whole = min(2 ** (attempt - 1), 60)

    for seed in range(20):
        decision = outcome(Transient(BUSY), attempt=attempt, seed=seed, backoff=backoff)
        delay = (decision.at - NOON).total_seconds()
        assert whole * 0.5 <= delay <= whole


def test_chunks_do_not_knock_at_the_same_instant():
    delays = {outcome(Transient(BUSY), attempt=6, seed=seed).at for seed in range(50)}

    assert len(delays) > 40


def test_the_far_sides_wish_is_a_minimum():
    assert outcome(Transient(BUSY, retry_after=300)).at >= NOON + timedelta(seconds=300)
    assert outcome(Transient(BUSY, retry_after=0.0), attempt=7).at > NOON + timedelta(seconds=20)


def test_an_officer_is_told_why_there_is_no_second_attempt():
    assert "may have arrived" in outcome(Unknown(BUSY)).reason
    assert "ends before another attempt" in outcome(Transient(BUSY), expires=SOON).reason
    assert "attempt 4 follows" in outcome(Transient(BUSY), attempt=3).reason


@given(
    st.sampled_from([Transient(BUSY), Unknown(BUSY), Permanent(BUSY), Unsupported(BUSY)]),
    st.integers(1, 10_000),
    st.booleans(),
    st.integers(0, 2**32),
    st.none() | st.integers(-100, 100_000).map(lambda s: NOON + timedelta(seconds=s)),
)
def test_nothing_is_tried_in_the_past_or_after_the_end(error, attempt, harmless, seed, expires):
    decision = outcome(error, attempt=attempt, harmless=harmless, seed=seed, expires=expires)

    if isinstance(decision, Retry):
        assert decision.at > NOON
        assert expires is None or decision.at < expires
        assert isinstance(error, Transient) or harmless
