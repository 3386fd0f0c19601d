"""A new key for all addresses, with work going on and after a crash in the middle."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from broadcaster.store.sqlite import SqliteStore
from broadcaster.testing import NOON
from tests.unit.store.store_examples import PHONES, claim, new_alert, number, phone, raw

ROOT = Path(__file__).parents[3]


async def addresses(store):
    found, after = [], (0, -1)
    while page := await store.listed("texts", after=after, limit=400):
        found += [one.wish.address for one in page]
        after = page[-1].place
    return found


async def test_everything_is_sealed_and_tagged_anew_and_the_old_key_is_gone(tmp_path):
    store = SqliteStore(tmp_path)
    await store.subscribe("texts", [phone(n) for n in range(1100)], NOON)
    await store.subscribe("other", [phone(7)], NOON)
    key = tmp_path / "keys" / "addresses.key"
    before = key.read_text()
    look = "SELECT tag, address FROM subscriber"
    rows = set(raw(tmp_path).execute(look).fetchall())

    assert await store.rotate_key() == 1101

    assert not {value for row in rows for value in row} & {
        value for row in raw(tmp_path).execute(look).fetchall() for value in row
    }
    assert key.read_text() != before
    assert key.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in key.parent.iterdir()] == ["addresses.key"]
    assert not await store.rotating()
    assert await addresses(store) == [number(n) for n in range(1100)]
    await store.close()

    again = SqliteStore(tmp_path)
    assert await addresses(again) == [number(n) for n in range(1100)]
    assert await again.subscribe("texts", [phone(5)], NOON) == 0, "she is known by her new tag"
    assert await again.unsubscribe("texts", number(6))
    await again.close()


async def halfway(folder):
    """A store of which the first segment has the new key, and the others the old one."""
    store = SqliteStore(folder)
    await store.subscribe("texts", [phone(n) for n in range(1100)], NOON)
    step, steps = store._reseal, []

    async def failing(after):
        if steps:
            raise RuntimeError("stop here")
        steps.append(after)
        return await step(after)

    store._reseal = failing
    with pytest.raises(RuntimeError):
        await store.rotate_key()
    store._reseal = step
    return store


async def test_between_two_keys_everybody_is_found_told_changed_and_erased(tmp_path):
    store = await halfway(tmp_path)
    assert await store.rotating()
    for place in (3, 900):
        assert await store.subscribe("texts", [phone(place)], NOON) == 0, "nobody is doubled"
        assert (await store.known("texts", number(place)))[0].wish.address == number(place)
    for place in (4, 901):
        assert await store.unsubscribe("texts", number(place))
        assert await store.known("texts", number(place)) is None
    assert await store.subscribe("texts", [phone(2000)], NOON) == 1

    await store.commit(new_alert(sends=(PHONES,)), NOON, hold=False, detail={})
    told = []
    while chunk := await claim(store):
        told += chunk.recipients.values()
        await store.finish(chunk, remarks=(), now=NOON, again=None, reason="")
    assert sorted(told) == sorted(number(n) for n in [*range(1100), 2000] if n not in (4, 901))
    await store.close()


async def test_what_was_cut_off_goes_on_where_it_stopped(tmp_path):
    await (await halfway(tmp_path)).close()
    assert len(list((tmp_path / "keys").iterdir())) == 2, "both keys are kept"
    store = SqliteStore(tmp_path)

    assert await store.rotate_key() == 600, "the first segment has the new key already"

    assert not await store.rotating()
    assert await addresses(store) == [number(n) for n in range(1100)]
    await store.close()


ROTATE = """
import asyncio, sys
from pathlib import Path
from broadcaster.store.sqlite import SqliteStore

async def main():
    store = SqliteStore(Path(sys.argv[1]))
    print("begins", flush=True)
    await store.rotate_key()
    await store.close()

asyncio.run(main())
"""


def rotate_and_kill(folder, after):
    process = subprocess.Popen(
        [sys.executable, "-c", ROTATE, str(folder)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    process.stdout.readline()
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


async def test_killed_at_any_moment_no_number_is_lost_and_the_key_is_changed_in_the_end(tmp_path):
    store = SqliteStore(tmp_path)
    await store.subscribe("texts", [phone(n) for n in range(6000)], NOON)
    await store.close()
    unfinished = 0
    for n in range(8):
        rotate_and_kill(tmp_path, 0.01 + 0.01 * n)
        unfinished += (tmp_path / "keys" / "addresses.next.key").exists()
        store = SqliteStore(tmp_path)
        assert await addresses(store) == [number(place) for place in range(6000)]
        await store.close()
    assert unfinished, "at least one was killed in the middle"

    store = SqliteStore(tmp_path)
    await store.rotate_key()
    assert [file.name for file in (tmp_path / "keys").iterdir()] == ["addresses.key"]
    assert await addresses(store) == [number(place) for place in range(6000)]
    await store.close()


async def test_a_key_that_a_crash_cut_off_while_it_was_made_is_made_again(tmp_path):
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "addresses.part").write_text("ab")
    store = SqliteStore(tmp_path)
    await store.subscribe("texts", [phone(1)], NOON)

    assert await addresses(store) == [number(1)]
    assert [file.name for file in keys.iterdir()] == ["addresses.key"]
    await store.close()
