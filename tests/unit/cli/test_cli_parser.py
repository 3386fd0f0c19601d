from __future__ import annotations

import argparse

import pytest

from broadcaster.cli import fields
from broadcaster.cli.parser import build, parse
from broadcaster.cli.stop import Stop
from broadcaster.cli.words import Words

WORDS = Words("en")
COMMANDS = (
    "issue",
    "update",
    "extend",
    "cancel",
    "relay",
    "approve",
    "withdraw",
    "preview",
    "list",
    "status",
    "route",
    "check",
    "subscribers",
    "translations",
    "audit",
    "serve",
    "version",
)


def given(*argv: str) -> dict[str, object]:
    options = vars(parse(list(argv), WORDS))
    return {name: value for name, value in options.items() if value not in (None, False, "", [])}


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ("issue", {"wait": 60.0}),
        ("issue heat.yaml --yes --json", {"file": "heat.yaml", "yes": True, "json": True}),
        ("issue - --dry-run", {"file": "-", "dry_run": True}),
        ("issue --hazard heat --level 3 --expires 6h", {"hazard": "heat", "level": "3"}),
        ("issue --area a --area b", {"area": ["a", "b"]}),
        (
            "issue --set amount=40 --set river=Ems=Ost",
            {"values": [("amount", "40"), ("river", "Ems=Ost")]},
        ),
        (
            "issue --onset 22:30 --release now --repeat 2h",
            {"onset": "22:30", "release": "now", "repeat": "2h"},
        ),
        (
            "issue --actions drink,cool --languages de,tr",
            {"actions": "drink,cool", "languages": "de,tr"},
        ),
        ("issue --note Achtung --note-language de", {"note": "Achtung", "note_language": "de"}),
        ("issue --severity Severe --urgency Expected --certainty Likely", {"severity": "Severe"}),
        ("issue --exercise Spring", {"exercise": "Spring"}),
        ("issue --test", {"test": True}),
        ("issue --break-glass fire --wait 0", {"break_glass": "fire"}),
        ("update X draft.yaml --level 2", {"id": "X", "file": "draft.yaml", "level": "2"}),
        ("extend X --expires 6h --dry-run", {"id": "X", "expires": "6h", "dry_run": True}),
        ("cancel X --reason over --yes", {"id": "X", "reason": "over", "yes": True}),
        ("relay cap.xml --yes", {"file": "cap.xml", "yes": True}),
        ("approve X --wait 1.5", {"id": "X", "wait": 1.5}),
        ("withdraw X --reason no", {"id": "X", "reason": "no"}),
        (
            "preview X --language tr --variant plain --channel texts",
            {"source": "X", "language": "tr", "variant": "plain", "channel": "texts"},
        ),
        ("list --all --json", {"all": True, "json": True}),
        ("status X --watch", {"id": "X", "watch": True}),
        ("route heat.yaml", {"file": "heat.yaml"}),
        ("check --json", {"json": True}),
        (
            "subscribers add - --channel texts --language tr --area a --hazard heat",
            {
                "action": "add",
                "address": "-",
                "channel": "texts",
                "area": ["a"],
                "hazard": ["heat"],
            },
        ),
        (
            "subscribers import people.csv --channel texts",
            {"action": "import", "file": "people.csv"},
        ),
        ("subscribers count --channel texts", {"action": "count"}),
        ("subscribers erase - --channel texts", {"action": "erase", "address": "-"}),
        ("translations status --json", {"action": "status", "json": True}),
        ("translations lint", {"action": "lint"}),
        ("audit verify", {"action": "verify"}),
        ("audit show", {"action": "show"}),
        ("serve --host 0.0.0.0 --port 0", {"host": "0.0.0.0", "port": None}),
        ("--config a.yaml --data d list", {"config": "a.yaml", "data": "d"}),
        ("list --config a.yaml --data d", {"config": "a.yaml", "data": "d"}),
        ("--data before list --config after", {"config": "after", "data": "before"}),
        ("version", {"command": "version"}),
        ("--version", {"shortcut": "version"}),
    ],
)
def test_a_command_line_means(argv: str, expected: dict[str, object]) -> None:
    found = given(*argv.split())
    assert {name: found.get(name) for name in expected if expected[name] is not None} == {
        name: value for name, value in expected.items() if value is not None
    }


@pytest.mark.parametrize(
    "argv",
    [
        ["nonsense"],
        ["extend", "X"],
        ["cancel", "X"],
        ["cancel", "X", "--reason", " "],
        ["withdraw", "X"],
        ["issue", "--set", "amount"],
        ["issue", "--set", "=4"],
        ["issue", "--wait", "soon"],
        ["issue", "--wait", "nan"],
        ["issue", "--wait", "-1"],
        ["issue", "--exercise", ""],
        ["issue", "--exercise", "a", "--test"],
        ["issue", "--break-glass", ""],
        ["issue", "--haz", "heat"],
        ["serve", "--port", "99999"],
        ["subscribers", "count"],
        ["translations"],
        ["issue", "a\udcff.yaml"],
    ],
)
def test_a_wrong_command_line_is_a_problem_with_exit_2(argv: list[str]) -> None:
    with pytest.raises(Stop) as caught:
        parse(argv, WORDS)
    assert caught.value.code == 2
    assert caught.value.problems[0]["says"]


def test_an_empty_exercise_name_never_becomes_a_real_warning() -> None:
    with pytest.raises(Stop) as caught:
        parse(["issue", "heat.yaml", "--yes", "--exercise", ""], WORDS)
    assert "--exercise" in caught.value.problems[0]["says"]


def test_a_mistyped_command_never_repeats_a_phone_number() -> None:
    with pytest.raises(Stop) as caught:
        parse(["subscribers", "add", "+49 171 3920012", "+491713920013", "--channel", "x"], WORDS)
    assert "171" not in str(caught.value.problems)
    assert "<number>" in caught.value.problems[0]["says"]


def test_help_names_every_command_and_teaches_by_example(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(["--help"], WORDS)
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    for name in COMMANDS:
        assert f"\n  {name} " in shown, name
    assert "broadcaster issue examples/heat.yaml --dry-run" in shown
    assert "exit codes" in shown


def test_the_table_of_commands_is_complete() -> None:
    actions = build()._subparsers
    assert actions is not None
    commands = next(a for a in actions._actions if isinstance(a, argparse._SubParsersAction))
    assert set(commands.choices) == set(COMMANDS)


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMMANDS:
        with pytest.raises(SystemExit) as caught:
            parse([name, "--help"], WORDS)
        assert caught.value.code == 0
        assert f"usage: broadcaster {name}" in capsys.readouterr().out


def test_flags_become_the_fields_of_a_draft() -> None:
    argv = (
        "issue --hazard heat --level 2 --area a --area b --expires 6h --set temperature=38"
        " --note Achtung --note-language de --test"
    )
    assert fields.of(parse(argv.split(), WORDS), WORDS) == {
        "hazard": "heat",
        "level": "2",
        "area": ["a", "b"],
        "expires": "6h",
        "parameters": {"temperature": "38"},
        "note": {"text": "Achtung", "language": "de"},
        "status": "Test",
    }


def test_the_fields_are_those_that_a_draft_knows() -> None:
    from broadcaster.intake.drafts import FIELDS

    argv = (
        "issue --hazard h --level 1 --area a --expires 6h --onset 1h --release now --set a=1"
        " --actions x --note n --severity S --urgency U --certainty C --repeat 2h --languages de"
    )
    for reality in ("--exercise E", "--test"):
        options = parse(f"{argv} {reality}".split(), WORDS)
        assert set(fields.of(options, WORDS)) <= set(FIELDS)


@pytest.mark.parametrize("argv", ["issue --set a=1 --set a=2", "issue --note-language de"])
def test_flags_that_would_lose_something_are_refused(argv: str) -> None:
    with pytest.raises(Stop) as caught:
        fields.of(parse(argv.split(), WORDS), WORDS)
    assert caught.value.code == 2
