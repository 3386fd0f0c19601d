"""Serial numbers: no phone may take a new warning for one it has shown, nor the reverse."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broadcaster.model.errors import Transient, Unavailable
from channels.cell_broadcast.serials import Serial, Serials, Wish

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


class SetClock:
    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "serials.json"


def serials(path: Path, clock: SetClock, seed: int = 1) -> Serials:
    return Serials(path, clock, random.Random(seed))


def wish(
    alert: str = "a1",
    slot: str = "tr",
    text: str = "water",
    identifier: int = 4383,
    hours: float | None = 6,
) -> Wish:
    until = None if hours is None else NOON + timedelta(hours=hours)
    return Wish(alert=alert, identifier=identifier, slot=slot, text=text, until=until)


def test_a_serial_number_is_two_bits_ten_bits_four_bits() -> None:
    assert Serial(341, 2).hex == "5552"
    assert int(Serial(1023, 15)) == 0x7FFF
    assert Serial(0, 0, scope=3).hex == "c000"


def test_languages_on_one_identifier_get_different_codes(path: Path, clock: SetClock) -> None:
    wishes = [wish(slot=slot) for slot in ("tr", "ar", "uk", "pl")]
    given = serials(path, clock).assign(wishes, ())
    assert len({serial.code for serial in given}) == 4
    assert {(serial.scope, serial.update) for serial in given} == {(1, 0)}


def test_the_same_wish_keeps_its_number_also_after_a_restart(path: Path, clock: SetClock) -> None:
    first = serials(path, clock).assign([wish()], ())
    assert serials(path, clock, seed=2).assign([wish()], ()) == first


def test_a_changed_text_adds_one_to_the_same_code(path: Path, clock: SetClock) -> None:
    numbers = serials(path, clock)
    (first,) = numbers.assign([wish()], ())
    (second,) = numbers.assign([wish("a2", text="more water")], ["a1"])
    assert (second.code, second.update) == (first.code, 1)


def test_an_unchanged_text_keeps_its_number_in_an_update(path: Path, clock: SetClock) -> None:
    numbers = serials(path, clock)
    first = numbers.assign([wish(slot="tr"), wish(slot="ar")], ())
    second = numbers.assign([wish("a2", "tr"), wish("a2", "ar", "more")], ["a1"])
    assert second == (first[0], Serial(first[1].code, 1))


def test_the_text_is_compared_with_the_last_version_not_an_older_one(
    path: Path, clock: SetClock
) -> None:
    numbers = serials(path, clock)
    numbers.assign([wish("a1")], ())
    numbers.assign([wish("a2", text="more")], ["a1"])
    (third,) = numbers.assign([wish("a3")], ["a1", "a2"])
    assert third.update == 2


def test_sixteen_versions_wrap_and_the_next_within_a_day_takes_a_new_code(
    path: Path, clock: SetClock
) -> None:
    numbers = serials(path, clock)
    given = []
    for version in range(20):
        thread = [f"a{earlier}" for earlier in range(version)]
        (serial,) = numbers.assign([wish(f"a{version}", text=str(version))], thread)
        given.append(serial)
    assert [serial.update for serial in given] == [*range(16), 0, 1, 2, 3]
    assert len(set(given)) == 20


def test_a_number_returns_only_24_hours_after_its_broadcast_ended(
    path: Path, clock: SetClock
) -> None:
    numbers = serials(path, clock)
    numbers.assign([wish(f"a{i}", hours=6) for i in range(1024)], ())
    clock.time = NOON + timedelta(hours=29, minutes=59)
    with pytest.raises(Transient, match="1024 codes") as refused:
        numbers.assign([wish("late", hours=40)], ())
    assert refused.value.retry_after == 60
    clock.time = NOON + timedelta(hours=30)
    numbers.assign([wish("late", hours=40)], ())


def test_an_endless_broadcast_keeps_its_number_until_24_hours_after_its_stop(
    path: Path, clock: SetClock
) -> None:
    numbers = serials(path, clock)
    numbers.assign([wish(hours=None)], ())
    clock.time = NOON + timedelta(days=400)
    assert len(serials(path, clock).given(["a1"])) == 1
    numbers.stopped(["a1"])
    clock.time += timedelta(hours=23)
    numbers.assign([wish("b", slot="ar")], ())
    assert len(numbers.given(["a1"])) == 1
    clock.time += timedelta(hours=1)
    numbers.assign([wish("c", slot="ar")], ())
    assert numbers.given(["a1"]) == ()


def test_numbers_are_per_identifier(path: Path, clock: SetClock) -> None:
    numbers = serials(path, clock)
    numbers.assign([wish(f"a{i}") for i in range(1024)], ())
    numbers.assign([wish("b", identifier=4385)], ())


def test_a_lost_record_starts_at_another_code(tmp_path: Path, clock: SetClock) -> None:
    codes = {
        serials(tmp_path / f"{seed}.json", clock, seed).assign([wish()], ())[0].code
        for seed in range(8)
    }
    assert len(codes) > 4


def test_nothing_is_given_out_when_the_record_cannot_be_written(
    tmp_path: Path, clock: SetClock
) -> None:
    path = tmp_path / "serials.json"
    numbers = serials(path, clock)
    path.mkdir()
    with pytest.raises(Transient, match="could not be written"):
        numbers.assign([wish()], ())
    assert numbers.given(["a1"]) == ()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"format": 2, "entries": [], "next": 0}',
        '{"format": 1, "entries": [{}], "next": 0}',
    ],
)
def test_a_damaged_record_is_never_taken_for_an_empty_one(
    path: Path, clock: SetClock, content: str
) -> None:
    path.write_text(content)
    with pytest.raises(Unavailable, match="24 hours"):
        serials(path, clock)


def test_no_pair_of_different_texts_shares_a_number_within_a_day(
    path: Path, clock: SetClock
) -> None:
    """Eight days of random alerts and updates, with restarts, watched as a phone would."""
    chance = random.Random(7)
    seen: dict[tuple[int, Serial], tuple[str, datetime]] = {}
    threads: list[list[str]] = []
    numbers = serials(path, clock)
    for step in range(250):
        clock.time += timedelta(minutes=chance.randrange(100))
        if chance.random() < 0.1:
            numbers = serials(path, clock, seed=step)
        update = bool(threads) and chance.random() < 0.7
        thread = chance.choice(threads[-5:]) if update else []
        alert = f"alert-{step}"
        ends = clock.time + timedelta(hours=chance.randrange(1, 30))
        wishes = [
            Wish(
                alert=alert,
                identifier=identifier,
                slot=slot,
                until=ends,
                text=f"{slot} {step if not update or chance.random() < 0.6 else thread[-1]}",
            )
            for identifier, slot in ((4370, "de"), (4383, "tr"), (4383, "ar"))
        ]
        for wish, serial in zip(wishes, numbers.assign(wishes, thread), strict=True):
            text, last = seen.get((wish.identifier, serial), (wish.text, clock.time))
            assert text == wish.text or clock.time - last >= timedelta(hours=24)
            seen[wish.identifier, serial] = (wish.text, ends)
        thread.append(alert)
        if not update:
            threads.append(thread)
    assert len(seen) > 300


CRASHER = """
import random, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from broadcaster.clock import SystemClock
from channels.cell_broadcast.serials import Serials, Wish
run = sys.argv[2]
clock = SystemClock("Europe/Berlin")
numbers = Serials(Path(sys.argv[1]), clock, random.Random(3))
for step in range(100000):
    wishes = [Wish(alert=f"{run}-{step}", identifier=4383, slot=slot, text=f"{run} {step}",
                   until=clock.now() + timedelta(hours=1)) for slot in ("tr", "ar")]
    for serial in numbers.assign(wishes, [f"{run}-{step - 1}"] if step % 4 else []):
        print(serial.hex, flush=True)
"""


def test_no_number_returns_after_kill_9(path: Path) -> None:
    root = Path(__file__).parents[3]
    used: list[str] = []
    chance = random.Random(11)
    for run in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", CRASHER, str(path), str(run)],
            cwd=root,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            used.append(process.stdout.readline().strip())
            time.sleep(chance.uniform(0.0, 0.1))
            process.kill()
            # A last line without its end was cut by the kill; whole lines count as on air.
            used += [line[:-1] for line in process.stdout if line.endswith("\n")]
        json.loads(path.read_bytes())
    assert len(used) > 12
    assert len(used) == len(set(used))
