"""A channel that raises, hangs, blocks its thread or is missing delays no other."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from tests.acceptance.city import broadcaster, config, result

PLUGIN = """
import asyncio, time
from channels.log import LogChannel

class Raises(LogChannel):
    kind = "raises"
    async def send(self, batch):
        raise RuntimeError("a bug that quotes +49" + "17139200011")

class Hangs(LogChannel):
    kind = "hangs"
    async def send(self, batch):
        await asyncio.Event().wait()

class Blocks(LogChannel):
    kind = "blocks"
    async def send(self, batch):
        time.sleep(25)
"""
ENTRY_POINTS = """[broadcaster.channels]
raises = broken_channels:Raises
hangs = broken_channels:Hangs
blocks = broken_channels:Blocks
"""


def plugins(folder: Path) -> Path:
    """Installed as pip would: a module and its metadata on the path."""
    (folder / "broken_channels.py").write_text(PLUGIN, encoding="utf-8")
    info = folder / "broken_channels-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: broken-channels\nVersion: 1.0\n", encoding="utf-8"
    )
    (info / "entry_points.txt").write_text(ENTRY_POINTS, encoding="utf-8")
    return folder


def test_the_others_are_out_within_a_second_and_the_report_says_which_is_not(
    tmp_path: Path,
) -> None:
    path = plugins(tmp_path)
    names = ("sound", "raising", "hanging", "blocking", "absent")
    kinds = ("log", "raises", "hangs", "blocks", "carrier_pigeon")
    settings = config(
        tmp_path,
        channels={
            n: {"kind": k, "timeout": 1, "review": "drafted"}
            for n, k in zip(names, kinds, strict=True)
        },
        route={"channels": list(names)},
    )
    done = broadcaster(
        "issue",
        "--hazard",
        "heat",
        "--level",
        "2",
        "--area",
        "dortmund",
        "--expires",
        "6h",
        "--yes",
        "--json",
        "--wait",
        "4",
        data=tmp_path / "var",
        config=settings,
        env={"PYTHONPATH": str(path)},
    )
    assert done.returncode == 3, done.stderr
    report = result(done)
    assert report["outcome"] == "some"
    states = {}
    for line in report["lines"]:
        states.setdefault(line["channel"], {}).update(line["states"])
    assert set(states["sound"]) == {"accepted"}
    assert set(states["raising"]) == {"unknown"}, "a bug may strike after the sending"
    for name in ("hanging", "blocking"):
        assert set(states[name]) <= {"unknown", "attempting", "planned"}
    assert [gap["reason"] for gap in report["gaps"] if gap["channel"] == "absent"]
    assert "+49171" not in done.stdout + done.stderr, "the message of a bug is never shown"

    log = tmp_path / "var" / "outbox" / "sound" / "log.txt"
    sent = datetime.fromisoformat(report["sent"]).timestamp()
    delay = log.stat().st_mtime - sent
    assert delay < 2.5, "the sound channel was out at once (sent has no fractions of a second)"
