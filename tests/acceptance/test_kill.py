"""`kill -9` at any moment loses no warning, and sends none twice to a phone."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from broadcaster.model.states import State
from broadcaster.store.port import Subscription
from broadcaster.store.sqlite import SqliteStore

ROOT = Path(__file__).parents[2]
RECIPIENTS = 5_000
KILLS = 50


def start(data: Path, kind: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.acceptance.killable", str(data), kind],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def subscribe(data: Path, many: int) -> None:
    async def add() -> None:
        store = SqliteStore(data)
        await store.subscribe(
            "texts",
            [
                Subscription(address=f"+49171392{i:05}", language="en", variant="short")
                for i in range(many)
            ],
            datetime.now(UTC),
        )
        await store.close()

    asyncio.run(add())


def torment(data: Path, kind: str, kills: int) -> int:
    """Start and kill until it was killed often enough, then let it finish.  Alerts sent."""
    rng = random.Random(20260701)
    for _ in range(kills):
        process = start(data, kind)
        assert process.stdout is not None
        if rng.random() < 0.85:
            process.stdout.readline()  # else: kill it while it starts
        time.sleep(rng.uniform(0, 0.35))
        process.kill()
        process.wait()
        process.stdout.close()
    (data / "enough").touch()
    process = start(data, kind)
    out, _ = process.communicate(timeout=120)
    assert out.endswith("done\n")
    return process.returncode


def totals(data: Path) -> dict[str, Counter[State]]:
    async def read() -> dict[str, Counter[State]]:
        store = SqliteStore(data)
        found = {}
        for alert in await store.alerts():
            lines, _ = await store.report(alert.identifier)
            found[alert.identifier] = sum((Counter(line.counts) for line in lines), Counter())
        assert await store.verify() == []
        await store.close()
        return found

    return asyncio.run(read())


def test_every_recipient_is_handed_over_exactly_once_to_a_gateway_that_knows_a_batch_again(
    tmp_path: Path,
) -> None:
    subscribe(tmp_path, RECIPIENTS)
    assert torment(tmp_path, "sms", KILLS) == 0
    handed: dict[str, Counter[str]] = {}
    for file in (tmp_path / "outbox").rglob("*.json"):
        order = json.loads(file.read_text(encoding="utf-8"))
        numbers = [delivery["to"] for delivery in order["deliveries"]]
        handed.setdefault(order["alert"], Counter()).update(numbers)
    found = totals(tmp_path)
    assert len(found) > 1
    for alert, counts in found.items():
        assert counts == {State.ACCEPTED: RECIPIENTS}, alert
        assert len(handed[alert]) == RECIPIENTS
        assert set(handed[alert].values()) == {1}, "nobody is told twice"


def test_where_a_repeat_would_reach_a_phone_twice_the_interrupted_few_are_honestly_unknown(
    tmp_path: Path,
) -> None:
    subscribe(tmp_path, RECIPIENTS)
    assert torment(tmp_path, "harmful", KILLS // 2) == 0
    handed: dict[str, Counter[str]] = {}
    for line in (tmp_path / "outbox" / "taken.txt").read_text(encoding="utf-8").splitlines():
        alert, number = line.split()
        handed.setdefault(alert, Counter())[number] += 1
    unknown = 0
    for alert, counts in totals(tmp_path).items():
        assert set(counts) <= {State.ACCEPTED, State.UNKNOWN}, alert
        assert counts.total() == RECIPIENTS, "every recipient has exactly one outcome"
        assert set(handed[alert].values()) == {1}, "nobody is told twice"
        assert counts[State.ACCEPTED] <= len(handed[alert]) <= RECIPIENTS, (
            "none is called accepted that was not"
        )
        unknown += counts[State.UNKNOWN]
    assert unknown <= (KILLS // 2) * 50, "at most one batch a kill is unknown"
