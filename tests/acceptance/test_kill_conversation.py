"""`kill -9` while residents write loses no STOP, and answers nobody twice."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from broadcaster.store.sqlite import SqliteStore

ROOT = Path(__file__).parents[2]
RESIDENTS = 400
KILLS = 25
STORIES: tuple[tuple[tuple[str, ...], str | None], ...] = (
    (("START", "STOP"), None),
    (("START tr",), "tr"),
    (("START", "LANG Türkçe"), "tr"),
    (("START tr", "hallo", "İPTAL"), None),
    (("STOP", "START"), "de"),
)
"""What a resident writes, one after the other, and the language of the warnings they then get."""


def number(n: int) -> str:
    return f"+49171392{n:05}"


def write(data: Path) -> dict[str, int]:
    """Everybody writes; how many messages each number wrote."""
    folder = data / "mo"
    folder.mkdir()
    wrote = Counter[str]()
    for turn in range(3):
        for n in range(RESIDENTS):
            texts, _ = STORIES[n % len(STORIES)]
            if turn < len(texts):
                wrote[number(n)] += 1
                (folder / f"{turn}-{n:04}.json").write_text(
                    json.dumps([number(n), texts[turn]]), encoding="utf-8"
                )
    return wrote


def start(data: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.acceptance.killable_conversation", str(data)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def subscribed(data: Path) -> dict[str, str]:
    async def read() -> dict[str, str]:
        store = SqliteStore(data)
        found = {
            one.wish.address: one.wish.language
            for one in await store.listed("texts", limit=10 * RESIDENTS)
        }
        assert await store.verify() == []
        await store.close()
        return found

    return asyncio.run(read())


def test_every_message_is_done_once_and_answered_at_most_once(tmp_path: Path) -> None:
    wrote = write(tmp_path)
    rng = random.Random(20260701)
    left = []
    for _ in range(KILLS):
        process = start(tmp_path)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(rng.uniform(0, 0.25))
        process.kill()
        process.wait()
        process.stdout.close()
        left.append(len(list((tmp_path / "mo").iterdir())))
    assert 0 < left[KILLS // 2] < sum(wrote.values()), "it was killed while it worked"
    (tmp_path / "enough").touch()
    process = start(tmp_path)
    out, _ = process.communicate(timeout=120)
    assert out.endswith("done\n")

    wanted = {
        number(n): language
        for n in range(RESIDENTS)
        if (language := STORIES[n % len(STORIES)][1]) is not None
    }
    assert subscribed(tmp_path) == wanted, "no STOP was lost, and nobody else left"
    lines = (tmp_path / "said.txt").read_text(encoding="utf-8").splitlines()
    keys = Counter(line.split()[0] for line in lines)
    assert set(keys.values()) == {1}, "nobody is answered twice"
    answered = Counter(line.split()[1] for line in lines)
    assert all(answered[who] <= many for who, many in wrote.items())
    # An answer that was on its way when the power failed is not given again: at most those of one
    # moment a kill, which are as many as may be under way at once.
    assert sum(wrote.values()) - len(lines) <= 4 * KILLS
