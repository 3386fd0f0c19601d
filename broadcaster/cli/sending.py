"""The commands after which something leaves: preview, consent, send, report."""

from __future__ import annotations

from broadcaster.cli import fields, inputs, show
from broadcaster.cli.screen import RED, YELLOW
from broadcaster.cli.stop import BAD_INPUT, REFUSED, SOME_OUT, Busy, Stop, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from broadcaster.cli.office import Answer, Office


def issue(office: Office, options: argparse.Namespace) -> int:
    """A new warning, from a file, flags or questions."""
    words = office.words
    given = fields.of(options, words)
    missing = [name for name in fields.NEEDED if name not in given]
    if options.file is None and missing:
        if office.screen.interactive and not options.yes:
            given = _asked(office, given)
        elif not given:
            raise Stop(
                [problem("issue", words("draft.none"), words("draft.none.remedy"))], BAD_INPUT
            )
    return _send(office, options, "issue", fields.arguments(options.file, given, words))


def update(office: Office, options: argparse.Namespace) -> int:
    """A change to a warning that is out."""
    words = office.words
    changes = fields.arguments(options.file, fields.of(options, words), words)
    if not changes:
        raise Stop(
            [problem("update", words("change.none"), words("change.none.remedy"))], BAD_INPUT
        )
    return _send(office, options, "update", {"id": options.id, **changes})


def extend(office: Office, options: argparse.Namespace) -> int:
    """A later end."""
    return _send(office, options, "extend", {"id": options.id, "expires": options.expires})


def cancel(office: Office, options: argparse.Namespace) -> int:
    """The end, told to everyone the warning may have reached."""
    return _send(office, options, "cancel", {"id": options.id, "reason": options.reason})


def relay(office: Office, options: argparse.Namespace) -> int:
    """Somebody else's CAP alert."""
    return _send(office, options, "relay", inputs.foreign(options.file, office.words))


def approve(office: Office, options: argparse.Namespace) -> int:
    """Let a waiting warning go.

    On a terminal it is shown first: nobody should sign unseen.  A script names one identifier,
    and the desk itself checks that its bytes are those that were submitted.
    """
    screen, words = office.screen, office.words
    if screen.interactive and not options.yes:
        seen = office.ask("preview", {"id": options.id})
        if not seen.result:
            return _show(office, seen, json=options.json)
        show.summary(screen, seen.result, what=options.id)
        if not screen.confirm(words("confirm.approve")):
            return _declined(office, json=options.json)
    arguments = {"id": options.id, "wait": options.wait}
    try:
        answer = office.ask("approve", arguments)
    except Busy:
        return _spool(office, "approve", arguments, json=options.json)
    return _show(office, answer, json=options.json)


def withdraw(office: Office, options: argparse.Namespace) -> int:
    """Give up a waiting warning."""
    answer = office.ask("withdraw", {"id": options.id, "reason": options.reason})
    if options.json:
        office.screen.json(answer.as_json())
    elif answer.result:
        identifier = answer.result.get("identifier", options.id)
        office.screen.result(office.words("withdrawn.says", identifier=identifier))
    return answer.code


def _asked(office: Office, given: dict[str, Any]) -> dict[str, Any]:
    """The fields with what the officer answers to questions."""
    from broadcaster.cli import ask

    described = office.ask("describe", {}, quiet=True)
    if not described.result:
        raise Stop(described.problems, described.code)
    return ask.draft(office.screen, described.result, given)


def _send(
    office: Office, options: argparse.Namespace, command: str, arguments: dict[str, Any]
) -> int:
    """The way of every sending command."""
    screen, words = office.screen, office.words
    arguments = {
        **arguments,
        "dry_run": options.dry_run,
        "expect": "",
        "break_glass": options.break_glass or "",
        "wider_area": options.wider_area,
        "wait": options.wait,
    }
    if options.dry_run:
        answer = office.ask(command, arguments)
        if options.json:
            screen.json(answer.as_json())
        elif answer.preview:
            show.preview(screen, answer.preview)
        return answer.code
    if options.yes:
        try:
            return _show(office, office.ask(command, arguments), json=options.json)
        except Busy:
            return _spool(office, command, arguments, json=options.json)
    if not screen.interactive:
        raise Stop([problem(command, words("unconfirmed"), words("unconfirmed.remedy"))], BAD_INPUT)
    asked = bool(arguments["wider_area"])
    while True:
        try:
            seen = office.ask(command, {**arguments, "dry_run": True})
        except Busy:
            screen.loud(words("spool.ask"), YELLOW, result=False)
            if screen.confirm(words("spool.confirm")):
                return _spool(office, command, arguments, json=options.json)
            return _declined(office, json=options.json)
        if not seen.preview or seen.code:
            return _show(office, seen, json=options.json)
        if (ways := _wider(seen.preview)) and not asked:
            asked = True
            arguments["wider_area"] = screen.confirm(words("wider.confirm", ways=ways))
            continue
        show.summary(screen, seen.preview, what=getattr(options, "file", None) or "")
        if not screen.confirm(_question(office, seen.preview, options.break_glass)):
            return _declined(office, json=options.json)
        consented = _pinned(command, arguments, seen.preview)
        answer = office.ask(command, {**consented, "expect": seen.preview.get("digest", "")})
        if answer.identifier or [one.get("path") for one in answer.problems] != ["preview"]:
            return _show(office, answer, json=options.json)
        # The desk refused because the content changed between look and word; look again.
        screen.say(words("changed"))


def _pinned(command: str, arguments: dict[str, Any], preview: dict[str, Any]) -> dict[str, Any]:
    """The request with the times that were shown: ``6h`` would count anew from the last word."""
    until, begins = preview.get("until"), preview.get("from")
    if command == "extend" and until:
        return {**arguments, "expires": until}
    if command not in ("issue", "update"):
        return arguments
    given = dict(arguments.get("fields") or {})
    if until:
        given["expires"] = until
    if begins and given.get("onset"):
        given["onset"] = begins
    return {**arguments, "fields": given}


def _wider(preview: dict[str, Any]) -> str:
    """The channels that would reach further than the area, and how."""
    return "; ".join(f"{name} {how}" for name, how in (preview.get("wider") or {}).items())


def _question(office: Office, preview: dict[str, Any], break_glass: str | None) -> str:
    if preview.get("approval") and not break_glass:
        return office.words("confirm.held")
    real = preview.get("status") == "Actual"
    return office.words("confirm.live" if real else "confirm.exercise")


def _declined(office: Office, *, json: bool) -> int:
    says = office.words("left.unsent")
    office.screen.say(says)
    if json:
        office.screen.json({"problems": [problem("", says)], "exit": REFUSED})
    return REFUSED


def _show(office: Office, answer: Answer, *, json: bool) -> int:
    """The report, or word that nothing was sent."""
    screen = office.screen
    if json:
        screen.json(answer.as_json())
    elif answer.result:
        show.report(screen, answer.result)
    elif answer.held:
        show.held(screen, answer.identifier, answer.approval)
    elif not answer.identifier:
        screen.loud(office.words("nothing"), RED, result=False)
    return answer.code


def _spool(office: Office, command: str, arguments: dict[str, Any], *, json: bool) -> int:
    """Store the request for the process that owns the data folder but does not answer."""
    words = office.words
    path = office.spool(command, arguments)
    office.screen.loud(words("spool.says"), YELLOW, result=False)
    office.screen.say(words("spool.where", path=path))
    if json:
        office.screen.json({"outcome": "spooled", "spool": path, "exit": SOME_OUT})
    return SOME_OUT
