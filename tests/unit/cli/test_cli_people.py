"""Lists of subscribers on the screen and in files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from broadcaster.cli.main import main
from broadcaster.cli.parser import parse
from broadcaster.cli.stop import Stop
from broadcaster.cli.words import Words
from tests.unit.cli.fakes import Daemon, end, result

NUMBER = "+491713920012"
ROW = {
    "address": NUMBER,
    "language": "tr de",
    "variant": "short",
    "areas": "",
    "hazards": "heat",
    "minimum": "",
    "quiet": "yes",
    "since": "2026-07-01T12:00:00+02:00",
}
TO = ["--channel", "texts"]
HEADER = "address,language,variant,areas,hazards,minimum,quiet\n"


def page(*rows: dict[str, str], after: list[int] | None = None) -> dict[str, Any]:
    return result({"page": list(rows), "after": after})


def asked(daemon: Daemon) -> list[dict[str, Any]]:
    return [request["arguments"] for request in daemon.requests]


def test_a_list_is_one_line_each_and_says_when_there_is_more(
    daemon: Daemon, capsys: pytest.CaptureFixture[str]
) -> None:
    masked = {**ROW, "address": "+49•••••••12"}
    daemon.answer("subscribers", result({"list": [masked], "more": True}), end(0))

    assert main(["subscribers", "list", *TO, "--language", "tr", "--limit", "1"]) == 0

    shown = capsys.readouterr().out
    assert shown == "+49•••••••12 | tr de | short | heat | yes\nThere are more: see --limit.\n"
    assert asked(daemon) == [
        {"action": "list", "channel": "texts", "language": "tr", "area": "", "limit": 1}
    ]


def test_all_about_one_number_is_shown_line_by_line(
    daemon: Daemon, capsys: pytest.CaptureFixture[str]
) -> None:
    told = [{"alert": "a.1", "state": "delivered", "reason": "", "references": []}]
    daemon.answer("subscribers", result({"export": {"address": NUMBER, "told": told}}), end(0))

    assert main(["subscribers", "export", NUMBER, *TO]) == 0

    shown = capsys.readouterr().out
    assert shown == f"address: {NUMBER}\ntold: alert=a.1, state=delivered\n"


def test_the_whole_list_is_written_page_by_page_into_a_file_of_ones_own(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.scripts["subscribers"] = lambda request: (
        page(ROW) if request["arguments"].get("after") else page(ROW, after=[7, 3]),
        end(0),
    )

    assert main(["subscribers", "export", "--all", "people.csv", *TO]) == 0

    file = tmp_path / "people.csv"
    assert file.read_text() == HEADER + 2 * f"{NUMBER},tr de,short,,heat,,yes\n"
    assert asked(daemon)[1]["after"] == [7, 3]
    assert file.stat().st_mode & 0o777 == 0o600
    shown = capsys.readouterr()
    assert shown.out == "2 subscribers are in people.csv, with their numbers.\n"
    assert NUMBER not in shown.out + shown.err


def test_a_file_that_exists_is_never_written_over(daemon: Daemon, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("mine")

    assert main(["subscribers", "export", "--all", "people.csv", *TO]) == 2

    assert (tmp_path / "people.csv").read_text() == "mine"
    assert not daemon.requests


def test_half_a_list_does_not_stay(daemon: Daemon, tmp_path: Path) -> None:
    problem = {"path": "officer", "says": "may not issue", "remedy": "", "level": "error"}
    daemon.answer("subscribers", {"event": "problems", "problems": [problem]}, end(6))

    assert main(["subscribers", "export", "--all", "people.csv", *TO]) == 6

    assert not (tmp_path / "people.csv").exists()


def test_a_new_key_needs_no_channel_and_rest_at_night_is_said(daemon: Daemon) -> None:
    daemon.answer("subscribers", result({"resealed": 3}), end(0))
    assert main(["subscribers", "rotate-key"]) == 0
    daemon.answer("subscribers", result({"added": 1, "changed": 0}), end(0))
    assert main(["subscribers", "add", NUMBER, *TO, "--quiet"]) == 0

    assert asked(daemon)[0] == {"action": "rotate-key", "wait": 600.0}
    assert asked(daemon)[1]["quiet"] == "yes"


@pytest.mark.parametrize("extra", [[], [NUMBER, "--all", "people.csv"]])
def test_an_export_is_of_one_number_or_of_all(extra: list[str]) -> None:
    with pytest.raises(Stop):
        parse(["subscribers", "export", *extra, *TO], Words())
