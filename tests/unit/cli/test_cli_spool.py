from __future__ import annotations

import fcntl
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from broadcaster.cli.main import main
from tests.unit.cli.fakes import Terminal


@pytest.fixture
def owned(data: Path) -> Iterator[None]:
    """Another process holds the data folder and answers nobody."""
    descriptor = os.open(data / "instance.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    yield
    os.close(descriptor)


def spooled(data: Path) -> list[Path]:
    return sorted((data / "spool").glob("*")) if (data / "spool").exists() else []


@pytest.mark.usefixtures("owned")
def test_a_warning_for_a_silent_daemon_is_stored_whole_and_said_to_be_unsent(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    issue = ["issue", "--hazard", "heat", "--level", "2", "--area", "dortmund", "--expires", "6h"]
    assert main([*issue, "--yes", "--json"]) == 3
    shown = capsys.readouterr()
    assert "Stored, not yet sent" in shown.err
    (file,) = spooled(data)
    assert json.loads(shown.out) == {"outcome": "spooled", "spool": str(file), "exit": 3}
    request = json.loads(file.read_bytes())
    assert request["command"] == "issue"
    assert request["arguments"]["fields"] == {
        "hazard": "heat",
        "level": "2",
        "area": ["dortmund"],
        "expires": "6h",
    }
    assert request["user"]
    # The daemon refuses what others than its owner might have changed.
    assert not file.stat().st_mode & (stat.S_IWGRP | stat.S_IRWXO)


@pytest.mark.usefixtures("owned")
@pytest.mark.parametrize(
    "argv",
    [
        ["update", "X", "--level", "3", "--yes"],
        ["extend", "X", "--expires", "6h", "--yes"],
        ["cancel", "X", "--reason", "over", "--yes"],
        ["approve", "X"],
        ["relay", "cap.xml", "--yes"],
    ],
)
def test_everything_that_sends_is_stored(data: Path, tmp_path: Path, argv: list[str]) -> None:
    (tmp_path / "cap.xml").write_text("<alert/>", encoding="utf-8")
    assert main(argv) == 3
    (file,) = spooled(data)
    assert json.loads(file.read_bytes())["command"] == argv[0]


@pytest.mark.usefixtures("owned")
@pytest.mark.parametrize("argv", [["list"], ["extend", "X", "--expires", "6h", "--dry-run"]])
def test_what_sends_nothing_is_refused_and_not_stored(
    data: Path, argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 5
    assert "another Broadcaster is working in this data folder" in capsys.readouterr().err
    assert spooled(data) == []


@pytest.mark.usefixtures("owned")
def test_a_spool_that_cannot_be_written_is_told_and_nothing_is_claimed(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "spool").write_text("in the way", encoding="utf-8")
    assert main(["cancel", "X", "--reason", "over", "--yes"]) == 5
    shown = capsys.readouterr().err
    assert "could not be stored" in shown
    assert "Stored, not yet sent" not in shown


@pytest.mark.usefixtures("owned")
def test_on_a_terminal_nothing_is_stored_unseen_without_the_word(data: Path) -> None:
    terminal = Terminal("cancel", "X", "--reason", "over")
    terminal.answer("Store unseen?", "no")
    assert terminal.leave() == 5
    assert spooled(data) == []
    terminal = Terminal("cancel", "X", "--reason", "over")
    terminal.answer("Store unseen?", "yes")
    assert terminal.leave() == 3
    assert len(spooled(data)) == 1
