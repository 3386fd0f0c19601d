"""Readiness and figures: what is wrong is named, and nobody is."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from broadcaster import __version__
from broadcaster.delivery.contract import Mode, State
from broadcaster.delivery.plan import Way
from broadcaster.model.errors import Problem, Unavailable
from broadcaster.server.health import Health
from broadcaster.server.metrics import Metric, write
from broadcaster.store.port import Gap, Line

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def alert(identifier: str, **changes: Any) -> Any:
    usual = {
        "identifier": identifier,
        "status": "Actual",
        "held": False,
        "withdrawn": False,
        "release": NOW - timedelta(hours=1),
        "expires": NOW + timedelta(hours=5),
        "officer": "A. Muster",
    }
    return SimpleNamespace(**usual | changes)


def line(channel: str, counts: dict[State, int]) -> Line:
    return Line(
        channel=channel,
        language="de",
        variant="short",
        shown="",
        counts=counts,
        reasons=("+4917139200001 is barred",),
        attempts=1,
        recipients=True,
    )


class FakeStore:
    def __init__(self) -> None:
        self.stored = [
            alert("one"),
            alert("held", held=True),
            alert("later", release=NOW + timedelta(hours=1)),
            alert("over", expires=NOW - timedelta(hours=1)),
            alert("old", expires=NOW - timedelta(days=2)),
            alert("gone", withdrawn=True),
            alert("drill", status="Exercise"),
        ]
        self.reports = {
            "one": ([line("texts", {State.ACCEPTED: 4990, State.PLANNED: 10})], []),
            "over": (
                [line("texts", {State.ACCEPTED: 5, State.EXPIRED: 2})],
                [Gap(channel="voice", language="ti", variant="spoken", reason="no voice")],
            ),
            "old": ([line("texts", {State.REJECTED: 77})], []),
        }
        self.asked = 0
        self.answer: Any = None

    async def next_due(self, now: datetime) -> datetime | None:
        if isinstance(self.answer, BaseException):
            raise self.answer
        if self.answer == "never":
            await asyncio.Event().wait()
        return None

    async def alerts(self) -> Sequence[Any]:
        self.asked += 1
        return self.stored

    async def report(self, identifier: str) -> Any:
        return self.reports.get(identifier, ([], []))


class House:
    def __init__(self) -> None:
        self.store: Any = FakeStore()
        self.clock: Any = SimpleNamespace(now=lambda: NOW)
        self.trouble = ""

    def ways(self) -> dict[tuple[str, Mode], Way]:
        channel: Any = None if self.trouble else object()
        return {
            ("texts", Mode.LIVE): Way(
                name="texts", mode=Mode.LIVE, channel=channel, trouble=self.trouble
            ),
            ("pages", Mode.EXERCISE): Way(name="pages", mode=Mode.EXERCISE, channel=object()),  # type: ignore[arg-type]
        }


class Seconds:
    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


async def test_a_daemon_whose_parts_all_work_is_ready() -> None:
    assert await Health(House()).reasons() == []


async def test_a_channel_that_is_not_open_is_a_reason_by_name() -> None:
    house = House()
    house.trouble = "the gateway refused the password"
    assert await Health(house).reasons() == ["channel texts: the gateway refused the password"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Unavailable(Problem("data", "the disk is full")), "store: the disk is full"),
        (RuntimeError("+4917139200001"), "store: RuntimeError"),
    ],
)
async def test_a_store_that_fails_is_a_reason(answer: BaseException, reason: str) -> None:
    house = House()
    house.store.answer = answer
    assert await Health(house).reasons() == [reason]


async def test_a_store_that_hangs_is_a_reason_and_does_not_hang_the_question() -> None:
    house = House()
    house.store.answer = "never"
    async with asyncio.timeout(1):
        assert await Health(house, patience=0.05).reasons() == ["store: no answer within 0.05 s"]


async def test_a_clock_that_stopped_is_a_reason_after_a_minute() -> None:
    seconds = Seconds()
    health = Health(House(), seconds)
    seconds.at += 60
    assert await health.reasons() == []
    seconds.at += 1
    assert await health.reasons() == ["clock: the timetable was last looked at 61 s ago"]
    health.looked()
    assert await health.reasons() == []


async def test_the_figures_count_alerts_deliveries_and_lanes() -> None:
    seconds = Seconds()
    house = House()
    house.trouble = "closed"
    health = Health(house, seconds)
    seconds.at += 2.5
    text = await health.metrics()
    for expected in (
        f'broadcaster_build_info{{version="{__version__}"}} 1',
        "broadcaster_uptime_seconds 2.5",
        "broadcaster_last_look_seconds 2.5",
        'broadcaster_lane_open{channel="texts"} 0',
        'broadcaster_lane_open{channel="pages.exercise"} 1',
        'broadcaster_alerts{status="Actual",standing="released"} 1',
        'broadcaster_alerts{status="Actual",standing="held"} 1',
        'broadcaster_alerts{status="Actual",standing="scheduled"} 1',
        'broadcaster_alerts{status="Actual",standing="over"} 2',
        'broadcaster_alerts{status="Actual",standing="withdrawn"} 1',
        'broadcaster_alerts{status="Exercise",standing="released"} 1',
        'broadcaster_deliveries{channel="texts",state="accepted"} 4995',
        'broadcaster_deliveries{channel="texts",state="planned"} 10',
        'broadcaster_deliveries{channel="texts",state="expired"} 2',
        'broadcaster_gaps{channel="voice"} 1',
    ):
        assert expected in text.splitlines()
    assert "rejected" not in text  # that alert ended two days ago


async def test_the_figures_name_nobody() -> None:
    text = await Health(House()).metrics()
    assert "Muster" not in text
    assert "4917139200001" not in text


async def test_scrapes_do_not_cost_the_store_more_than_one_count_in_ten_seconds() -> None:
    seconds, house = Seconds(), House()
    health = Health(house, seconds)
    for _ in range(5):
        await health.metrics()
        seconds.at += 2
    assert house.store.asked == 1
    seconds.at += 2
    await health.metrics()
    assert house.store.asked == 2


def test_labels_and_help_are_escaped_as_the_format_asks() -> None:
    metric = Metric("m", "one\\two\nthree", "counter")
    metric.add(1.5, path='C:\\"a"\nb')
    metric.add(math.inf)
    metric.add(math.nan)
    metric.add(3.0)
    assert write([metric]) == (
        "# HELP m one\\\\two\\nthree\n# TYPE m counter\n"
        'm{path="C:\\\\\\"a\\"\\nb"} 1.5\nm +Inf\nm NaN\nm 3\n'
    )
