from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broadcaster.cli.main import main
from broadcaster.cli.show import REACHED, WAITING
from broadcaster.model import states
from broadcaster.model.errors import Problem
from tests.unit.cli.fakes import (
    ID,
    UNTIL,
    Daemon,
    committed,
    end,
    environment,
    preview,
    problems,
    python,
    report,
    result,
)

HEAT = "hazard: heat\nlevel: 2\narea: dortmund\nexpires: 6h\n"
LISTED = {
    "identifier": ID,
    "thread": ID,
    "msg_type": "Alert",
    "status": "Exercise",
    "state": "held",
    "severity": "Severe",
    "headline": "Extreme heat",
    "expires": UNTIL,
    "held": True,
}


@pytest.fixture
def heat(tmp_path: Path) -> str:
    (tmp_path / "heat.yaml").write_text(HEAT, encoding="utf-8")
    return "heat.yaml"


def test_issue_hands_the_draft_over_as_it_was_written(
    daemon: Daemon, heat: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROADCASTER_TOKEN", "t0ken")
    assert main(["issue", heat, "--yes", "--level", "3", "--wait", "1"]) == 0
    (request,) = daemon.requests
    assert request["token"] == "t0ken"
    assert request["arguments"] == {
        "draft": {"name": "heat.yaml", "text": HEAT},
        "fields": {"level": "3"},
        "dry_run": False,
        "expect": "",
        "break_glass": "",
        "wider_area": False,
        "wait": 1.0,
    }


def test_the_report_is_a_table_closed_by_what_is_out_and_where_to_look(
    daemon: Daemon, heat: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["issue", heat, "--yes"]) == 0
    shown = capsys.readouterr()
    assert "4,990 handed over, 10 delivered" in shown.out
    assert "site     de ar standard  2 handed over" in shown.out
    assert "Everything is out: site, texts." in shown.out
    assert "var/www" in shown.out
    assert ID in shown.err
    assert "\x1b" not in shown.out + shown.err


def test_languages_that_fared_differently_have_rows_of_their_own(
    daemon: Daemon, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = report()["lines"]
    lines[1] |= {"states": {"rejected": 1}, "reasons": ["the disk is full"], "attempts": 3}
    daemon.answer("status", result(report(lines=lines, outcome="some")), end(3))
    assert main(["status", "4kx9wd"]) == 3
    shown = capsys.readouterr().out
    assert "1 rejected; 3 attempts; the disk is full" in shown
    assert "Out: texts." in shown
    assert "Only partly out: site." in shown
    assert f"broadcaster status {ID}" in shown


def test_a_channel_that_is_missing_is_named_as_not_out(
    daemon: Daemon, capsys: pytest.CaptureFixture[str]
) -> None:
    gaps = [{"channel": "voice", "language": "", "variant": "", "reason": "is not configured"}]
    daemon.answer("status", result(report(gaps=gaps, outcome="some")), end(3))
    assert main(["status", ID]) == 3
    shown = capsys.readouterr().out
    assert "voice: everything: is not configured" in shown
    assert "NOT out: voice." in shown


def test_nothing_out_is_said_loudly(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [{**line, "states": {"expired": 1}} for line in report()["lines"]]
    daemon.answer("status", result(report(lines=lines, outcome="none")), end(4))
    assert main(["status", ID]) == 4
    assert "NOTHING is out." in capsys.readouterr().out


def test_an_exercise_is_loud_in_report_and_preview(
    daemon: Daemon, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.answer("status", result(report(status="Exercise")), end(0))
    daemon.answer("preview", result(preview(status="Test")), end(0))
    assert main(["status", ID]) == 0
    assert "*** EXERCISE *** Not a real warning." in capsys.readouterr().out
    assert main(["preview", ID]) == 0
    assert "*** TEST *** Not a real warning." in capsys.readouterr().out


def test_a_held_warning_names_who_must_act_and_the_exact_command(
    daemon: Daemon, heat: str, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.answer(
        "issue", committed(held=True), result(report(held=True, outcome="held", lines=[])), end(5)
    )
    assert main(["issue", heat, "--yes"]) == 5
    shown = capsys.readouterr()
    assert f"broadcaster approve {ID}" in shown.out
    assert "goes out" not in shown.err


def test_a_dry_run_shows_every_text_gaps_and_missing_senses(
    daemon: Daemon, heat: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["issue", heat, "--dry-run"]) == 0
    shown = capsys.readouterr().out
    for expected in (
        "texts says heat in tr",
        "site says heat in ar",
        "voice: ar plain: no voice",
        "REACHES FEWER THAN TWO SENSES: ar (see)",
        "23.11.2026 22:30",
        "texts: 5,000",
    ):
        assert expected in shown
    assert daemon.requests[0]["arguments"]["dry_run"] is True


@pytest.mark.parametrize("code", [0, 2, 3, 4, 5])
def test_the_exit_code_is_the_desks(daemon: Daemon, heat: str, code: int) -> None:
    daemon.answer("issue", end(code))
    assert main(["issue", heat, "--yes"]) == code


def test_problems_are_shown_on_stderr_with_their_remedy(
    daemon: Daemon, heat: str, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.answer("issue", problems("'7' is no level"), problems("late", "warning"), end(2))
    assert main(["issue", heat, "--yes"]) == 2
    shown = capsys.readouterr()
    assert "Problem: draft:level: '7' is no level -> 1, 2 or 3" in shown.err
    assert "Note: draft:level: late" in shown.err
    assert "Nothing was sent." in shown.err
    assert shown.out == ""


ANSWERS: dict[str, dict[str, Any]] = {
    "status": report(),
    "preview": preview(),
    "list": {"alerts": [LISTED]},
    "withdraw": {"identifier": ID, "withdrawn": True},
    "route": {
        "routes": [{"route": "all", "matched": True, "channels": ["site"], "reason": "always"}],
        "channels": {"site": "all: always"},
    },
    "check": {
        "problems": [],
        "channels": [{"name": "site", "mode": "live", "kind": "web", "ok": False, "says": "full"}],
        "languages": [
            {
                "language": "ti",
                "variant": "plain",
                "translated": 1,
                "total": 2,
                "hazards": {"heat": 0, "flood": 1},
                "complete": False,
                "stale": True,
                "review": "drafted",
            }
        ],
        "store": "var",
        "versions": {"broadcaster": "0.1.0"},
    },
    "subscribers": {"added": 1, "changed": 0},
    "translations": {
        "languages": [
            {
                "language": "ti",
                "variant": "plain",
                "translated": 1,
                "total": 2,
                "hazards": {"heat": 0, "flood": 1},
                "stale": True,
                "review": "drafted",
            }
        ]
    },
    "audit": {"contradictions": [], "entries": 7},
}


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["issue", "heat.yaml", "--yes"], "identifier"),
        (["issue", "heat.yaml", "--dry-run"], "texts"),
        (["update", ID, "--level", "3", "--yes"], "identifier"),
        (["extend", ID, "--expires", "6h", "--yes"], "identifier"),
        (["cancel", ID, "--reason", "over", "--yes"], "identifier"),
        (["relay", "heat.yaml", "--yes"], "identifier"),
        (["approve", ID], "identifier"),
        (["withdraw", ID, "--reason", "no"], "withdrawn"),
        (["preview", "heat.yaml"], "texts"),
        (["status", ID], "lines"),
        (["list"], "alerts"),
        (["route", "heat.yaml"], "routes"),
        (["check"], "channels"),
        (["subscribers", "add", "+49 171 3920012", "--channel", "texts"], "added"),
        (["translations", "status"], "languages"),
        (["audit", "verify"], "contradictions"),
        (["version"], "version"),
        (["issue", "missing.yaml", "--yes"], "problems"),
        (["issue", "--nonsense"], "problems"),
        (["issue", "heat.yaml"], "problems"),
    ],
)
@pytest.mark.usefixtures("heat")
def test_json_is_exactly_one_object_on_stdout(
    daemon: Daemon, argv: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for command, answer in ANSWERS.items():
        daemon.answer(command, problems("take note", "warning"), result(answer), end(0))
    main([*argv, "--json"])
    assert expected in json.loads(capsys.readouterr().out)


def test_a_refusal_in_json_carries_its_problems_and_exit_code(
    daemon: Daemon, heat: str, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.answer("issue", {"event": "preview", **preview()}, problems("not today"), end(5))
    assert main(["issue", heat, "--yes", "--json"]) == 5
    told = json.loads(capsys.readouterr().out)
    assert told["exit"] == 5
    assert told["problems"][0]["says"] == "not today"


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["list"], f"{ID} | EXERCISE | waits for approval | Severe | Extreme heat | until 23.11."),
        (["route", "--hazard", "heat"], "+ all: always -> site"),
        (["check"], "!! site (web, live): full"),
        (["check"], "ti plain: drafted, incomplete, stale"),
        (
            ["translations", "status"],
            "ti plain: 1/2 sentences, 1/2 hazards, drafted, stale; flood (1)",
        ),
        (["audit", "verify"], "The record of 7 entries is whole."),
        (["withdraw", ID, "--reason", "no"], "is withdrawn; nothing was sent"),
        (["subscribers", "add", "+49 171 3920012", "--channel", "texts"], "1 added, 0 changed"),
    ],
)
def test_results_are_words_too(
    daemon: Daemon, argv: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for command, answer in ANSWERS.items():
        daemon.answer(command, result(answer), end(0))
    assert main(argv) == 0
    assert expected in capsys.readouterr().out


@pytest.mark.parametrize(
    ("action", "answer", "expected"),
    [
        (
            ["subscribers", "count", "--channel", "texts"],
            {
                "subscribers": [{"language": "de", "variant": "short", "subscribers": 5000}],
                "total": 5000,
            },
            "5,000 in all",
        ),
        (
            ["translations", "lint"],
            {
                "findings": [
                    {
                        "rule": "long",
                        "language": "de",
                        "variant": "plain",
                        "msgid": "A",
                        "says": "too long",
                        "remedy": "cut",
                        "level": "error",
                    }
                ]
            },
            "de plain [long] 'A': too long -> cut",
        ),
        (["translations", "lint"], {"findings": []}, "No findings."),
        (
            ["audit", "show"],
            {
                "entries": [
                    {
                        "seq": 1,
                        "at": "t",
                        "actor": "a",
                        "action": "issue",
                        "subject": ID,
                        "detail": {"reason": "rain", "empty": ""},
                    }
                ]
            },
            f"1 | t | a | issue | {ID} | reason=rain",
        ),
        (
            ["audit", "verify"],
            {"contradictions": ["entry 3 was changed"], "entries": 7},
            "entry 3 was changed",
        ),
        (["list"], {"alerts": []}, "No warning is in force or scheduled."),
    ],
)
def test_every_result_of_a_looking_command_is_shown(
    daemon: Daemon,
    action: list[str],
    answer: dict[str, Any],
    expected: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    daemon.answer(action[0], result(answer), end(0))
    assert main(action) == 0
    assert expected in capsys.readouterr().out


def test_a_phone_number_goes_to_the_desk_and_never_to_the_screen(
    daemon: Daemon, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.answer("subscribers", result({"erased": True}), end(0))
    erase = ["subscribers", "erase", "+49 171 3920012", "--channel", "texts"]
    assert main(erase) == 0
    gone = capsys.readouterr()
    daemon.answer("subscribers", result({"erased": False}), end(0))
    assert main(erase) == 0
    never_there = capsys.readouterr()
    assert gone == never_there
    assert "3920012" not in gone.out + gone.err
    assert daemon.requests[0]["arguments"]["address"] == "+49 171 3920012"


def test_a_phone_number_may_come_from_standard_input(daemon: Daemon) -> None:
    daemon.answer("subscribers", result({"added": 1, "changed": 0}), end(0))
    command = python(
        "subscribers",
        "add",
        "-",
        "--channel",
        "texts",
        "--area",
        "a",
        "--area",
        "b",
        "--minimum",
        "severe",
    )
    done = subprocess.run(
        command, input="+49 171 3920012\n", text=True, env=environment(), capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert "3920012" not in done.stdout + done.stderr
    assert daemon.requests[0]["arguments"] == {
        "action": "add",
        "channel": "texts",
        "address": "+49 171 3920012",
        "language": "",
        "variant": "",
        "areas": "a b",
        "hazards": "",
        "minimum": "Severe",
    }


def test_a_list_of_subscribers_is_handed_over_as_text(daemon: Daemon, tmp_path: Path) -> None:
    daemon.answer("subscribers", result({"added": 1, "changed": 0}), end(0))
    (tmp_path / "people.csv").write_text("address\n+49 171 3920012\n", encoding="utf-8-sig")
    assert main(["subscribers", "import", "people.csv", "--channel", "texts"]) == 0
    assert daemon.requests[0]["arguments"]["csv"] == "address\n+49 171 3920012\n"


def test_relay_hands_over_the_very_bytes(daemon: Daemon, tmp_path: Path) -> None:
    (tmp_path / "cap.xml").write_bytes(b"\xff\x00<alert/>")
    assert main(["relay", "cap.xml", "--yes"]) == 0
    arguments = daemon.requests[0]["arguments"]
    assert arguments["name"] == "cap.xml"
    assert base64.b64decode(arguments["data"]) == b"\xff\x00<alert/>"


def test_a_name_of_a_file_previews_the_file_and_anything_else_a_stored_warning(
    daemon: Daemon, heat: str
) -> None:
    daemon.answer("preview", result(preview()), end(0))
    main(["preview", heat, "--language", "tr"])
    main(["preview", ID, "--channel", "texts"])
    by_file, by_id = (request["arguments"] for request in daemon.requests)
    assert by_file["draft"]["text"] == HEAT
    assert by_file["language"] == "tr"
    assert by_id == {"id": ID, "language": "", "variant": "", "channel": "texts"}


def test_watching_a_status_waits_for_the_end(daemon: Daemon) -> None:
    daemon.answer("status", result(report()), end(0))
    main(["status", ID, "--watch"])
    assert daemon.requests[0]["arguments"] == {"id": ID, "watch": True, "wait": 86400.0}


@pytest.mark.parametrize(
    "argv",
    [
        ["issue", "heat.yaml"],
        ["issue", "--hazard", "heat"],
        ["update", ID, "--level", "3"],
        ["extend", ID, "--expires", "6h"],
        ["cancel", ID, "--reason", "over"],
        ["relay", "heat.yaml"],
    ],
)
@pytest.mark.usefixtures("heat")
def test_without_a_terminal_nothing_is_sent_unless_told_to(
    daemon: Daemon, argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    assert "--yes" in capsys.readouterr().err
    assert daemon.requests == []


@pytest.mark.parametrize(
    "argv", [["issue"], ["issue", "--yes"], ["update", ID], ["route"], ["preview"]]
)
def test_nothing_to_say_is_a_problem(
    daemon: Daemon, argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    assert "->" in capsys.readouterr().err
    assert daemon.requests == []


# ---- files that cannot be read -------------------------------------------------------------------


def test_a_missing_file_a_folder_and_a_file_that_is_no_text_are_problems(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "latin.yaml").write_bytes("hazard: Hörde".encode("latin-1"))
    for name, says in (
        ("missing.yaml", "there is no such file"),
        ("folder.yaml", "is a folder"),
        ("latin.yaml", "is not UTF-8 text (byte 9)"),
        ("latin.yaml/x", "cannot be read"),
        ("https://example.org/cap.xml", "there is no such file"),
    ):
        assert main(["issue", name, "--yes"]) == 2
        shown = capsys.readouterr().err
        assert says in shown
        assert " -> " in shown
        assert "Traceback" not in shown
    assert main(["relay", "https://example.org/cap.xml", "--yes"]) == 2
    assert "addresses are not fetched" in capsys.readouterr().err
    assert daemon.requests == []


def test_a_file_of_more_than_20_megabytes_is_not_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open(tmp_path / "huge.xml", "wb") as file:
        file.truncate(20_000_001)
    assert main(["relay", "huge.xml", "--yes"]) == 2
    assert "is larger than 20 MB" in capsys.readouterr().err


def test_a_file_one_may_not_read_is_a_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "secret.yaml"
    secret.write_text(HEAT, encoding="utf-8")
    secret.chmod(0)
    if os.access(secret, os.R_OK):
        pytest.skip("root reads every file")
    assert main(["issue", "secret.yaml", "--yes"]) == 2
    assert "may not be read by you" in capsys.readouterr().err


# ---- a daemon that goes away ---------------------------------------------------------------------


def test_a_daemon_lost_before_it_answered_leaves_it_open_and_tries_nothing_again(
    daemon: Daemon, heat: str, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.answer("issue")
    assert main(["issue", heat, "--yes"]) == 5
    assert "nobody knows yet whether it took the warning" in capsys.readouterr().err
    assert daemon.commands == ["issue"]


def test_a_daemon_lost_after_it_stored_the_warning_says_so(
    daemon: Daemon, heat: str, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.answer("issue", committed())
    assert main(["issue", heat, "--yes", "--json"]) == 3
    shown = capsys.readouterr()
    assert f"stopped answering; {ID} is stored" in shown.err
    assert json.loads(shown.out)["identifier"] == ID


def test_a_daemon_lost_while_looking_harms_nothing(
    daemon: Daemon, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.answer("list")
    assert main(["list"]) == 5
    assert "nobody knows" not in capsys.readouterr().err


# ---- no daemon -----------------------------------------------------------------------------------


def test_without_a_daemon_the_job_is_done_in_this_process(
    data: Path, heat: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def local_run(request: dict[str, Any], config: str | None, folder: str) -> Iterator[Any]:
        asked.append((request["command"], config, folder))
        yield committed()
        yield result(report())
        yield end(0)

    argv = ["issue", heat, "--yes", "--config", "c.yaml"]
    assert main(argv, local_run=local_run) == 0
    assert asked == [("issue", "c.yaml", str(data))]
    assert "Everything is out" in capsys.readouterr().out


def test_a_socket_that_a_dead_daemon_left_behind_counts_as_none(data: Path) -> None:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    folder = os.open(data, os.O_PATH)
    listener.bind(f"/proc/self/fd/{folder}/broadcaster.sock")
    os.close(folder)
    listener.close()

    def local_run(request: dict[str, Any], config: str | None, folder: str) -> Iterator[Any]:
        yield result({"alerts": []})
        yield end(0)

    assert main(["list"], local_run=local_run) == 0


def test_a_bug_is_an_apology_with_a_traceback_and_exit_1(
    data: Path, heat: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def local_run(request: dict[str, Any], config: str | None, folder: str) -> Iterator[Any]:
        raise ZeroDivisionError

    assert main(["issue", heat, "--yes"], local_run=local_run) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("Sorry")
    assert "ZeroDivisionError" in shown
    assert "broadcaster list --all" in shown


def test_ctrl_c_in_the_middle_says_what_is_true_of_the_warning(
    data: Path, heat: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def before(request: dict[str, Any], config: str | None, folder: str) -> Iterator[Any]:
        raise KeyboardInterrupt
        yield

    def after(request: dict[str, Any], config: str | None, folder: str) -> Iterator[Any]:
        yield committed()
        raise KeyboardInterrupt

    assert main(["issue", heat, "--yes"], local_run=before) == 130
    assert "it may have been stored" in capsys.readouterr().err
    assert main(["issue", heat, "--yes"], local_run=after) == 130
    assert f"You stopped the sending. {ID} is stored" in capsys.readouterr().err
    assert main(["list"], local_run=before) == 130
    assert "nothing was sent" in capsys.readouterr().err


# ---- small promises ------------------------------------------------------------------------------


def test_what_counts_as_out_is_what_the_states_say() -> None:
    assert {state.value for state in states.REACHED} == REACHED
    assert {state.value for state in states.OPEN} == WAITING


def test_a_problem_has_the_fields_of_the_models_problem() -> None:
    from broadcaster.cli.stop import problem

    assert set(problem("", "")) == set(Problem.__dataclass_fields__)


def test_a_reader_that_goes_away_stops_no_warning(daemon: Daemon, heat: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            python("issue", heat, "--yes"), stdout=writing, stderr=writing, env=environment()
        )
    finally:
        os.close(writing)
    assert done.returncode == 0
    assert daemon.commands == ["issue"]


def test_a_full_disk_behind_stdout_stops_no_warning_and_is_told(daemon: Daemon, heat: str) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            python("issue", heat, "--yes"), stdout=full, stderr=subprocess.PIPE, env=environment()
        )
    assert done.returncode == 0
    assert b"the output could not be written: No space left" in done.stderr
    assert b"Traceback" not in done.stderr


def test_closed_streams_stop_no_warning(daemon: Daemon, heat: str) -> None:
    command = " ".join(python("issue", heat, "--yes"))
    done = subprocess.run(f"{command} <&- >&- 2>&-", shell=True, env=environment())
    assert done.returncode == 0
    assert daemon.commands == ["issue"]
    done = subprocess.run(
        f"{' '.join(python('issue', '-', '--yes'))} <&-",
        shell=True,
        env=environment(),
        stderr=subprocess.PIPE,
    )
    assert done.returncode == 2
    assert b"standard input is empty" in done.stderr


def test_a_terminal_without_arabic_letters_loses_none(daemon: Daemon) -> None:
    daemon.answer("preview", result(preview(headline="حرارة")), end(0))
    done = subprocess.run(
        python("preview", ID), env=environment(PYTHONIOENCODING="latin-1"), capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert b"\\u062d" in done.stdout
    machine = subprocess.run(
        python("preview", ID, "--json"),
        env=environment(PYTHONIOENCODING="latin-1"),
        capture_output=True,
    )
    assert json.loads(machine.stdout)["headline"] == "حرارة"


def test_a_text_cannot_command_the_terminal(
    daemon: Daemon, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.answer("preview", result(preview(headline="a\x1b[2Jb\x9b2Jc")), end(0))
    main(["preview", ID])
    assert "a\\x1b[2Jb\\x9b2Jc" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("variables", "german"),
    [
        ({"LANG": "de_DE.UTF-8"}, True),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "C"}, False),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "de_AT"}, True),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "de_AT", "LC_ALL": ""}, True),
        ({"LANG": "tr_TR.UTF-8"}, False),
    ],
)
def test_the_interface_speaks_the_officers_language(
    daemon: Daemon,
    heat: str,
    variables: dict[str, str],
    german: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(["issue", heat, "--yes"]) == 0
    shown = capsys.readouterr().out
    assert ("4.990 übergeben, 10 zugestellt" in shown) is german
    assert ("4,990 handed over, 10 delivered" in shown) is not german


def test_both_columns_of_the_table_have_the_same_blanks() -> None:
    from string import Formatter

    from broadcaster.cli.words import TABLE

    for key, (english, german) in TABLE.items():
        blanks = [
            {name for _, name, _, _ in Formatter().parse(s) if name} for s in (english, german)
        ]
        assert blanks[0] == blanks[1], key
        assert english
        assert german
