"""The commands that send nothing."""

from __future__ import annotations

from broadcaster.cli import fields, inputs, show
from broadcaster.cli.screen import GREEN, RED, YELLOW
from broadcaster.cli.stop import BAD_INPUT, Stop, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping
    from typing import Any

    from broadcaster.cli.office import Office
    from broadcaster.cli.screen import Screen

    Show = Callable[[Screen, Mapping[str, Any]], None]

WATCH = 86_400.0
"""Seconds that ``status --watch`` watches: a day."""


def preview(office: Office, options: argparse.Namespace) -> int:
    """Every text as it would arrive; of a draft, or of a warning that is stored."""
    wanted: dict[str, Any] = {
        name: getattr(options, name) for name in ("language", "variant", "channel")
    }
    source = options.source
    if source is not None and not inputs.looks_like_file(source):
        wanted["id"] = source
    else:
        wanted |= _draft(office, source, options)
    return _look(office, "preview", wanted, show.preview, json=options.json)


def route(office: Office, options: argparse.Namespace) -> int:
    """Which routes match and why."""
    wanted = _draft(office, options.file, options)
    return _look(office, "route", wanted, _routes, json=options.json)


def listing(office: Office, options: argparse.Namespace) -> int:
    """The warnings there are."""

    def rows(screen: Screen, result: Mapping[str, Any]) -> None:
        words = screen.words
        if not result["alerts"]:
            screen.result(words("list.none.all" if options.all else "list.none"))
        for row in result["alerts"]:
            standing = words.known(f"standing.{row['state']}", row["state"])
            until = words("until", time=show.moment(row["expires"])) if row.get("expires") else ""
            mark = "" if row["status"] == "Actual" else words.known(f"banner.{row['status']}", "")
            facts = (row["identifier"], mark, standing, row["severity"], row["headline"], until)
            colour = YELLOW if row.get("held") else ""
            line = " | ".join(filter(None, facts))
            screen.loud(line, colour, result=True) if colour else screen.result(line)

    return _look(office, "list", {"all": options.all}, rows, json=options.json)


def status(office: Office, options: argparse.Namespace) -> int:
    """What happened to one warning."""
    wanted = {"id": options.id, "watch": options.watch}
    if options.watch:
        wanted["wait"] = WATCH
    return _look(office, "status", wanted, show.report, json=options.json)


def check(office: Office, options: argparse.Namespace) -> int:
    """Whether everything would work."""
    return _look(office, "check", {}, _checked, json=options.json)


def translations(office: Office, options: argparse.Namespace) -> int:
    """How far every language is, what is wrong, what fits, and who stands for it."""
    shows: dict[str, Show] = {
        "status": _languages,
        "lint": _findings,
        "fit": _fits,
        "export": lambda screen, result: screen.result(result["po"].rstrip("\n")),
        "import": _findings,
        "sign": lambda screen, result: screen.result(
            screen.words(
                "sign.done", **{key: result[key] for key in ("language", "variant", "level", "by")}
            )
        ),
    }
    named = ("languages", "language", "variant", "level", "by")
    wanted = {key: value for key in named if (value := getattr(options, key, None))}
    if options.action == "import":
        wanted["po"] = inputs.text(options.file, office.words)
    wanted["action"] = options.action
    return _look(office, "translations", wanted, shows[options.action], json=options.json)


def audit(office: Office, options: argparse.Namespace) -> int:
    """The record of who did what."""
    show_ = _entries if options.action == "show" else _verified
    return _look(office, "audit", {"action": options.action}, show_, json=options.json)


def _look(
    office: Office, command: str, wanted: Mapping[str, Any], show_: Show, *, json: bool
) -> int:
    answer = office.ask(command, wanted)
    if json:
        office.screen.json(answer.as_json())
    elif answer.result:
        show_(office.screen, answer.result)
    return answer.code


def _draft(office: Office, file: str | None, options: argparse.Namespace) -> dict[str, Any]:
    words = office.words
    found = fields.arguments(file, fields.of(options, words), words)
    if not found:
        raise Stop(
            [problem(options.command, words("draft.none"), words("draft.none.remedy"))], BAD_INPUT
        )
    return found


def _routes(screen: Screen, result: Mapping[str, Any]) -> None:
    for row in result["routes"]:
        mark = "+" if row["matched"] else "-"
        channels = f" -> {', '.join(row['channels'])}" if row["channels"] else ""
        screen.result(f"{mark} {row['route']}: {row['reason']}{channels}")
    if result["channels"]:
        screen.result("")
        for name, reason in result["channels"].items():
            screen.result(f"{name}: {reason}")
    else:
        screen.loud(screen.words("route.none"), RED, result=True)


def _checked(screen: Screen, result: Mapping[str, Any]) -> None:
    words = screen.words
    for row in result["channels"]:
        line = f"{'ok' if row['ok'] else '!!'} {row['name']} ({row['kind']}, {row['mode']}): "
        screen.loud(line + row["says"], GREEN if row["ok"] else RED, result=True)
    for row in result["languages"]:
        marks = [row["review"]]
        marks += [] if row["complete"] else [words("check.incomplete")]
        marks += [words("check.stale")] if row["stale"] else []
        # `language` names a catalogue row, `tag` a language as a whole.
        name = f"{row.get('language', row.get('tag', ''))} {row.get('variant', '')}".strip()
        screen.result(f"   {name}: {', '.join(map(str, marks))}")
    for name, version in result["versions"].items():
        screen.result(f"   {name} {version}")
    screen.result(f"   {result['store']}")
    screen.problems(result["problems"])
    fine = not result["problems"] and all(row["ok"] for row in result["channels"])
    screen.loud(
        words("check.fine" if fine else "check.trouble"), GREEN if fine else RED, result=True
    )


def _languages(screen: Screen, result: Mapping[str, Any]) -> None:
    for row in result["languages"]:
        stale = f", {screen.words('check.stale')}" if row["stale"] else ""
        done = f"{row['translated']}/{row['total']}"
        hazards = row["hazards"]
        ready = f"{list(hazards.values()).count(0)}/{len(hazards)}"
        lacking = ", ".join(f"{name} ({n})" for name, n in hazards.items() if n)
        screen.result(
            f"{row['language']} {row['variant']}: "
            + screen.words("status.language", done=done, hazards=ready)
            + f", {row['review']}{stale}"
            + (f"; {lacking}" if lacking and row["translated"] else "")
        )


MANY = 20
"""So many lines of one kind are read; the rest is in --json."""


def _fits(screen: Screen, result: Mapping[str, Any]) -> None:
    """A table in Markdown, as docs/fit.md shows it."""
    rows = result["fits"]
    wires = list(rows[0]["wires"]) if rows else []
    screen.result(
        "| " + " | ".join([screen.words("fit.language"), *wires, screen.words("fit.texts")]) + " |"
    )
    screen.result("|" + "---|" * (len(wires) + 2))
    for row in rows:
        cells = [
            f"{fit['size']}/{fit['limit']} {fit['unit']}"
            + ("" if fit["fits"] else f" **{fit['of']}**")
            for fit in row["wires"].values()
        ]
        screen.result("| " + " | ".join([row["language"], *cells, str(row["rendered"])]) + " |")
    missing = [f"{row['language']}: {what}" for row in rows for what in row["missing"]]
    for what in missing[:MANY]:
        screen.loud(what, RED, result=True)
    total = sum(row["rendered"] for row in rows)
    screen.result("")
    screen.result(screen.words("fit.total", texts=screen.words.number(total), missing=len(missing)))


def _findings(screen: Screen, result: Mapping[str, Any]) -> None:
    for row in result["findings"]:
        remedy = f" -> {row['remedy']}" if row.get("remedy") else ""
        where = f"{row['language']} {row['variant']} [{row['rule']}] {row['msgid']!r}"
        screen.loud(
            f"{where}: {row['says']}{remedy}",
            RED if row["level"] == "error" else YELLOW,
            result=True,
        )
    if not result["findings"]:
        screen.loud(screen.words("lint.fine"), GREEN, result=True)


def _entries(screen: Screen, result: Mapping[str, Any]) -> None:
    for row in result["entries"]:
        detail = ", ".join(f"{k}={v}" for k, v in row.get("detail", {}).items() if v)
        facts = (str(row["seq"]), row["at"], row["actor"], row["action"], row["subject"], detail)
        screen.result(" | ".join(filter(None, facts)))


def _verified(screen: Screen, result: Mapping[str, Any]) -> None:
    for says in result["contradictions"]:
        screen.loud(str(says), RED, result=True)
    if not result["contradictions"]:
        count = screen.words.number(result["entries"])
        screen.loud(screen.words("audit.fine", count=count), GREEN, result=True)
