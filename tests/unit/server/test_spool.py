"""Requests left for later: each is done once, in order, in its owner's name."""

from __future__ import annotations

import getpass
import json
import os
import stat
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from broadcaster.model.errors import Problem, Refused, Unavailable
from broadcaster.server.spool import prepare, take_spooled


class FakeDesk:
    """Issues once per spool name, as the real one promises; fails as it is told."""

    def __init__(self, fails: BaseException | None = None) -> None:
        self.asked: list[Mapping[str, Any]] = []
        self.issued: list[str] = []
        self.fails = fails

    async def handle(self, request: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
        self.asked.append(request)
        name = request["arguments"]["spool"]
        if self.fails is not None:
            raise self.fails
        if name not in self.issued:
            self.issued.append(name)
        yield {"event": "committed", "identifier": f"x.{name}", "held": False, "approval": []}
        yield {"event": "progress", "identifier": f"x.{name}", "channels": {}}
        yield {"event": "end", "exit": 0}


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    prepare(tmp_path)
    return tmp_path / "spool"


def leave(spool: Path, name: str, content: str = "", mode: int = 0o600) -> Path:
    file = spool / name
    file.write_text(content or json.dumps({"command": "issue", "arguments": {"wait": 60}}))
    file.chmod(mode)
    return file


def outcome(spool: Path, folder: str, name: str) -> list[dict[str, Any]]:
    assert (spool / folder / name).exists()
    events: list[dict[str, Any]] = json.loads(
        (spool / folder / f"{name}.result.json").read_bytes()
    )["events"]
    return events


async def test_requests_are_done_oldest_first_in_the_name_of_their_owner(spool: Path) -> None:
    for name in ("20261123T0200Z-b.json", "20261123T0100Z-c.json", "20261123T0300Z-a.json"):
        leave(spool, name)
    desk = FakeDesk()
    assert await take_spooled(spool.parent, desk) == 3
    assert [n[9:13] for n in desk.issued] == ["0100", "0200", "0300"]
    assert {request["user"] for request in desk.asked} == {getpass.getuser()}
    assert sorted(os.listdir(spool)) == ["bad", "done"]


async def test_the_outcome_lies_beside_the_request_that_was_done(spool: Path) -> None:
    leave(spool, "1.json")
    await take_spooled(spool.parent, FakeDesk())
    events = outcome(spool, "done", "1.json")
    assert [event["event"] for event in events] == ["committed", "end"]
    assert stat.S_IMODE((spool / "done").stat().st_mode) == 0o700


async def test_nobody_is_waited_for_while_others_wait_in_the_spool(spool: Path) -> None:
    leave(spool, "1.json")
    desk = FakeDesk()
    await take_spooled(spool.parent, desk)
    assert desk.asked[0]["arguments"] == {"spool": "1.json", "wait": 0}


async def test_files_still_being_written_are_left_alone(spool: Path) -> None:
    leave(spool, ".1.json.part")
    leave(spool, ".2.json")
    assert await take_spooled(spool.parent, FakeDesk()) == 0
    assert (spool / ".2.json").exists()


async def test_a_crash_before_the_move_does_not_issue_twice(spool: Path) -> None:
    file = leave(spool, "1.json")
    content = file.read_bytes()
    desk = FakeDesk()
    await take_spooled(spool.parent, desk)
    # As if the process had died after the command and before the move.
    os.rename(spool / "done" / "1.json", file)
    assert await take_spooled(spool.parent, desk) == 1
    assert [request["arguments"]["spool"] for request in desk.asked] == ["1.json", "1.json"]
    assert desk.issued == ["1.json"]
    assert (spool / "done" / "1.json").read_bytes() == content


@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [
        ("{", 0o600, "is not JSON"),
        ("[]", 0o600, "is not a JSON object"),
        ("{}", 0o600, "is missing"),
        ("", 0o620, "may be changed by others"),
        ("", 0o602, "may be changed by others"),
    ],
)
async def test_a_request_that_cannot_be_used_is_set_aside_with_the_reason(
    spool: Path, content: str, mode: int, says: str
) -> None:
    leave(spool, "1.json", content, mode)
    leave(spool, "2.json")
    desk = FakeDesk()
    assert await take_spooled(spool.parent, desk) == 2
    problems, end = outcome(spool, "bad", "1.json")
    assert says in problems["problems"][0]["says"]
    assert end["exit"] == 2
    assert desk.issued == ["2.json"]  # the next one does not suffer


async def test_a_link_lends_nobody_the_name_of_another(spool: Path, tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text('{"command": "issue"}')
    (spool / "1.json").symlink_to(tmp_path / "theirs")
    os.mkfifo(spool / "2.json")
    desk = FakeDesk()
    assert await take_spooled(spool.parent, desk) == 2
    assert desk.asked == []
    assert (spool / "bad" / "1.json").is_symlink()
    assert (tmp_path / "theirs").exists()


async def test_a_full_disk_leaves_the_request_for_the_next_look(spool: Path) -> None:
    leave(spool, "1.json")
    full = FakeDesk(Unavailable(Problem("data", "the disk is full")))
    assert await take_spooled(spool.parent, full) == 0
    assert (spool / "1.json").exists()
    desk = FakeDesk()
    assert await take_spooled(spool.parent, desk) == 1
    assert desk.issued == ["1.json"]


async def test_a_refused_request_is_done_with_and_says_so(spool: Path) -> None:
    leave(spool, "1.json")
    await take_spooled(spool.parent, FakeDesk(Refused(Problem("approval", "is needed"))))
    problems, end = outcome(spool, "done", "1.json")
    assert problems["problems"][0]["says"] == "is needed"
    assert end["exit"] == 5


async def test_a_request_that_meets_a_bug_is_set_aside_and_the_next_is_done(spool: Path) -> None:
    leave(spool, "1.json")
    assert await take_spooled(spool.parent, FakeDesk(RuntimeError("x"))) == 1
    problems, end = outcome(spool, "bad", "1.json")
    assert "bug" in problems["problems"][0]["says"]
    assert end["exit"] == 1
