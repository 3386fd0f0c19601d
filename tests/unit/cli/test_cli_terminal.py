from __future__ import annotations

from pathlib import Path

from tests.unit.cli.fakes import (
    ID,
    UNTIL,
    Daemon,
    Terminal,
    end,
    preview,
    problems,
    result,
    sending,
    text,
)

ISSUE = (
    "issue",
    "--hazard",
    "heat",
    "--level",
    "2",
    "--area",
    "dortmund",
    "--expires",
    "6h",
    "--set",
    "temperature=38",
)


def test_issue_asks_shows_and_sends_what_was_shown(daemon: Daemon) -> None:
    terminal = Terminal("issue")
    terminal.until("A new warning for Dortmund.")
    terminal.answer("[1]:", "2")
    terminal.answer("[3]:", "")
    terminal.answer("[Dortmund]:", "hörde")
    terminal.answer("[6h]:", "22:30")
    terminal.until("mm, 5 to 300")
    terminal.answer("[leave out]:", "40")
    terminal.answer("[leave out]:", "")  # hours
    terminal.answer("[leave out]:", "Emscher")
    terminal.until("amount says nothing without hours")
    terminal.answer("1 to 72", "2")
    terminal.until("PREVIEW, nothing is sent")
    terminal.until("LEFT OUT")
    terminal.until("REACHES FEWER THAN TWO SENSES: ar (see)")
    terminal.answer("Send now to the public? (type YES)", "YES")
    terminal.until("Everything is out")
    assert terminal.leave() == 0
    assert daemon.commands == ["describe", "issue", "issue"]
    looked, sent = (request["arguments"] for request in daemon.requests[1:])
    assert looked["dry_run"] is True
    assert looked["fields"] == {
        "hazard": "heavy_rain",
        "level": "3",
        "area": ["hoerde"],
        "expires": "22:30",
        "parameters": {"amount": "40", "hours": "2", "river": "Emscher"},
    }
    assert sent["dry_run"] is False
    assert sent["expect"] == "d1"


def test_the_end_that_was_shown_is_the_end_that_is_sent(daemon: Daemon) -> None:
    terminal = Terminal(*ISSUE, "--onset", "1h", "--actions", "drink")
    terminal.answer("type YES", "yes")
    assert terminal.leave() == 0
    fields = daemon.requests[-1]["arguments"]["fields"]
    assert fields["expires"] == UNTIL
    assert fields["onset"] == preview()["from"]


def test_wrong_answers_are_explained_and_asked_again(daemon: Daemon) -> None:
    terminal = Terminal("issue")
    terminal.answer("[1]:", "9")
    terminal.answer("'9' is not in the list (1 to 2)", "?")
    terminal.until("A number from the list")
    terminal.answer("[1]:", "heat")
    terminal.answer("[1]:", "3")
    terminal.answer("'3' is no level of this hazard: 1, 2", "2")
    terminal.answer("[Dortmund]:", "1,1")
    terminal.answer("'hoerde' is named twice", "Atlantis")
    terminal.answer("'Atlantis' is not in the list", "1, 2")
    terminal.answer("[6h]:", "soon")
    terminal.answer("'soon' is no time", "2020-01-01T10:00")
    terminal.answer("01.01.2020 10:00 is in the past", "90m")
    terminal.answer("[leave out]:", "hot")
    terminal.answer("'hot' is no number", "nan")
    terminal.answer("nan is not plausible: 25 to 50", "38,5")
    terminal.answer("[recommended]:", "7")
    terminal.answer("'7' is not in the list", "2,1")
    terminal.answer("type YES", "y")
    terminal.until("Only the whole word YES sends")
    terminal.answer("type YES", "no")
    terminal.until("nothing was sent")
    assert terminal.leave() == 5
    assert daemon.commands == ["describe", "issue"]
    assert daemon.requests[1]["arguments"]["fields"] == {
        "hazard": "heat",
        "level": "2",
        "area": ["hoerde", "dortmund"],
        "expires": "90m",
        "parameters": {"temperature": "38,5"},
        "actions": ["cool", "drink"],
    }


def test_flags_are_not_asked_again(daemon: Daemon) -> None:
    terminal = Terminal(
        "issue",
        "--hazard",
        "heat",
        "--level",
        "1",
        "--area",
        "x",
        "--actions",
        "drink",
        "--set",
        "temperature=30",
    )
    terminal.answer("Until when?", "")
    terminal.answer("type YES", "")
    assert terminal.leave() == 5
    assert "What happens?" not in terminal.seen


def test_ctrl_c_and_end_of_input_leave_and_nothing_is_sent(daemon: Daemon) -> None:
    for key in (b"\x03", b"\x04"):
        terminal = Terminal("issue")
        terminal.until("[1]:")
        terminal.press(key)
        terminal.until("nothing was sent")
        assert terminal.leave() == 130
        assert "Traceback" not in terminal.seen
        terminal = Terminal(*ISSUE)
        terminal.until("type YES")
        terminal.press(key)
        terminal.until("nothing was sent")
        assert terminal.leave() == 130
    assert all(request["arguments"].get("dry_run", True) for request in daemon.requests)


def test_what_changed_since_it_was_shown_is_shown_again(daemon: Daemon) -> None:
    def changing(request):  # type: ignore[no-untyped-def]
        arguments = request["arguments"]
        now = "d1" if daemon.commands.count("issue") < 3 else "d2"
        if not arguments["dry_run"] and arguments["expect"] == "d1":
            refused = problems("what would be sent is not what was shown")
            refused["problems"][0]["path"] = "preview"
            yield from (refused, end(5))
        elif arguments["dry_run"]:
            yield from ({"event": "preview", **preview(digest=now)}, end(0))
        else:
            yield from sending(request)

    daemon.scripts["issue"] = changing
    terminal = Terminal(*ISSUE)
    terminal.answer("type YES", "YES")
    terminal.until("no longer what you saw")
    terminal.answer("type YES", "YES")
    assert terminal.leave() == 0
    assert daemon.requests[-1]["arguments"]["expect"] == "d2"


def test_the_summary_shows_equal_texts_once_and_channels_without_subscribers_loudly(
    daemon: Daemon,
) -> None:
    same = [{**text(channel, "de"), "text": "the same words"} for channel in ("pages", "feeds")]
    seen = preview(texts=same, recipients={"texts": {}})
    daemon.answer("issue", {"event": "preview", **seen}, end(0))
    terminal = Terminal(*ISSUE)
    terminal.answer("type YES", "")
    assert terminal.leave() == 5
    assert terminal.seen.count("the same words") == 1
    assert "[pages] de standard - 42/160 septets, 1 segments\n[feeds] de" in terminal.seen
    assert "texts: nobody has subscribed" in terminal.seen


def test_the_summary_says_how_much_money_and_time_everybody_together_takes(
    daemon: Daemon,
) -> None:
    taken = {"texts": {"segments": 1_200_000, "cost": 84_000.0, "seconds": 1200.2}}
    daemon.answer("issue", {"event": "preview", **preview(estimate=taken)}, end(0))
    terminal = Terminal(*ISSUE)
    terminal.answer("type YES", "")
    assert terminal.leave() == 5
    assert "at most 1,200,000 segments, cost 84000.00, 21 min" in terminal.seen


def test_a_draft_that_is_wrong_is_not_asked_about(daemon: Daemon) -> None:
    daemon.answer("issue", problems("'7' is no level"), end(2))
    terminal = Terminal(*ISSUE)
    terminal.until("'7' is no level")
    assert terminal.leave() == 2
    assert daemon.commands == ["issue"]
    assert "type YES" not in terminal.seen


def test_an_approver_sees_what_she_signs(daemon: Daemon) -> None:
    daemon.answer("preview", result(preview()), end(0))
    terminal = Terminal("approve", ID)
    terminal.until("texts says heat in de")
    terminal.answer("Approve and send exactly this?", "YES")
    assert terminal.leave() == 0
    assert daemon.commands == ["preview", "approve"]


def test_a_warning_that_needs_a_second_officer_is_asked_about_as_such(daemon: Daemon) -> None:
    daemon.answer("issue", {"event": "preview", **preview(approval=["Severe on texts"])}, end(0))
    terminal = Terminal(*ISSUE)
    terminal.until("A SECOND OFFICER MUST APPROVE: Severe on texts")
    terminal.answer("Submit now for approval by a second officer?", "")
    assert terminal.leave() == 5


def test_an_exercise_is_asked_about_as_an_exercise(daemon: Daemon) -> None:
    daemon.answer("issue", {"event": "preview", **preview(status="Exercise")}, end(0))
    terminal = Terminal(*ISSUE, "--exercise", "Spring")
    terminal.until("*** EXERCISE ***")
    terminal.answer("Send now to the exercise targets?", "")
    assert terminal.leave() == 5


def test_progress_is_redrawn_in_place_and_in_colour_only_where_allowed(daemon: Daemon) -> None:
    live = Terminal(*ISSUE, "--yes")
    assert live.leave() == 0
    assert "\x1b[1A\r\x1b[2Ktexts [####################] 0 waiting, 5,000 handed over" in live.raw
    assert "\x1b[32mEverything is out" in live.raw
    for variable in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        plain = Terminal(*ISSUE, "--yes", **variable)
        assert plain.leave() == 0
        assert "\x1b" not in plain.raw
        assert "Everything is out" in plain.seen


def test_an_officer_is_asked_in_german(daemon: Daemon) -> None:
    terminal = Terminal(*ISSUE, LANG="de_DE.UTF-8")
    terminal.until("VORSCHAU, nichts ist gesendet")
    terminal.answer("Jetzt an die Öffentlichkeit senden? (JA eintippen)", "JA")
    terminal.until("Alles ist draußen")
    assert terminal.leave() == 0


def test_a_confirmation_in_json_keeps_the_conversation_off_stdout(
    daemon: Daemon, tmp_path: Path
) -> None:
    # The terminal carries both streams; what follows the last message is the object alone.
    import json

    terminal = Terminal(*ISSUE, "--json", NO_COLOR="1")
    terminal.answer("type YES", "YES")
    assert terminal.leave() == 0
    assert json.loads(terminal.seen[terminal.seen.index("\n{") :])["outcome"] == "all"


def test_what_reaches_further_than_asked_is_a_question_of_its_own(daemon: Daemon) -> None:
    def wide(request):  # type: ignore[no-untyped-def]
        if request["arguments"]["dry_run"]:
            shown = preview(wider={"cells": "goes to the whole network"})
            yield from ({"event": "preview", **shown}, end(0))
        else:
            yield from sending(request)

    daemon.scripts["issue"] = wide
    terminal = Terminal(*ISSUE)
    terminal.answer("whole network. Allow that?", "YES")
    terminal.until("WIDER THAN ASKED: cells goes to the whole network")
    terminal.answer("Send now", "YES")
    assert terminal.leave() == 0
    assert daemon.requests[-1]["arguments"]["wider_area"] is True

    terminal = Terminal(*ISSUE)
    terminal.answer("whole network. Allow that?", "")
    terminal.answer("Send now", "YES")
    assert terminal.leave() == 0
    assert daemon.requests[-1]["arguments"]["wider_area"] is False


def test_the_same_note_about_many_texts_is_one_line(daemon: Daemon) -> None:
    says = {"says": "is sent without the address", "remedy": "", "level": "warning"}
    warnings = [{"path": f"{tag}/short", **says} for tag in ("de", "tr", "ar")]

    def noted(request):  # type: ignore[no-untyped-def]
        yield from ({"event": "preview", **preview(warnings=warnings)}, end(0))

    daemon.scripts["issue"] = noted
    terminal = Terminal(*ISSUE)
    terminal.until("de/short, tr/short, ar/short: is sent without the address")
    terminal.answer("Send now", "")
    assert terminal.leave() == 5
