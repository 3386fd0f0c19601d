"""How fast a route sends, against an SMSC that refuses what is more than it allows."""

from __future__ import annotations

import pytest

from channels.sms.gateways.smpp.pace import Pace


def taken_by(limit: int, contracted: float | None, seconds: int) -> list[int]:
    """Segments taken in each second by an SMSC that counts per second of its own clock."""
    pace, now, taken = Pace(contracted, 0.0), 0.0, [0] * seconds
    while now < seconds:
        if (wait := pace.wait(now)) > 0:
            now += max(wait, 0.001)
            continue
        pace.sent()
        now += 0.0001
        second = min(int(now), seconds - 1)
        if taken[second] < limit:
            taken[second] += 1
            pace.accepted(1, now)
        else:
            pace.throttled(now)
    return taken


def test_without_refusals_the_contracted_rate_is_kept_and_used() -> None:
    taken = taken_by(10_000, 100, 10)
    assert 98 * 10 <= sum(taken) <= 100 * 10 + 6


@pytest.mark.parametrize("contracted", [50, 500, 2000, None])
def test_an_smsc_that_takes_less_than_the_contract_gets_95_percent_of_what_it_takes(
    contracted: float | None,
) -> None:
    limit = min(400, contracted or 400)
    taken = taken_by(limit, contracted, 40)
    assert sum(taken[10:]) >= 0.95 * limit * 30


def test_after_an_overload_the_contracted_rate_comes_back() -> None:
    pace = Pace(100, 0.0)
    pace.accepted(1, 0.0)
    pace.throttled(1.0)
    assert pace.rate == 50
    for tick in range(13, 1000):
        pace.wait(tick / 10)
    assert pace.rate == 100


def test_a_burst_is_a_twentieth_of_a_second() -> None:
    pace, sent = Pace(1000, 0.0), 0
    pace.wait(5.0)
    while pace.wait(5.0) == 0:
        pace.sent()
        sent += 1
    assert sent == 50


def test_many_refusals_at_once_count_once() -> None:
    pace = Pace(1000, 0.0)
    pace.accepted(1, 0.0)
    for _ in range(100):
        pace.throttled(1.0)
    assert pace.rate == 500


def test_an_smsc_that_takes_nothing_is_asked_ever_less_often() -> None:
    pace, now, asked = Pace(None, 0.0), 0.0, 0
    while now < 20:
        if (wait := pace.wait(now)) > 0:
            now += wait
        else:
            asked += 1
            now += 0.26
            pace.throttled(now)
    assert pace.rate is None
    assert asked < 25
