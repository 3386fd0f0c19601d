"""The commands about subscribers.  Numbers go in; they come out only of ``export``."""

from __future__ import annotations

import os

from broadcaster.cli import inputs
from broadcaster.cli.stop import ALL_OUT, BAD_INPUT, Stop, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from typing import Any

    from broadcaster.cli.office import Answer, Office
    from broadcaster.cli.screen import Screen

COLUMNS = ("address", "language", "variant", "areas", "hazards", "minimum", "quiet")
PATIENCE = 600.0
"""Seconds that a daemon may be silent while it goes through the whole list."""


def subscribers(office: Office, options: argparse.Namespace) -> int:
    """Who is warned personally."""
    wanted: dict[str, Any] = {"action": options.action}
    if options.action != "rotate-key":
        wanted["channel"] = options.channel
    if getattr(options, "all", None):
        return _export_all(office, wanted, options.all, json=options.json)
    if options.action in ("add", "erase", "export"):
        wanted["address"] = inputs.secret(options.address, office.words)
    if options.action == "add":
        wanted |= {
            "language": options.language,
            "variant": options.variant,
            "areas": " ".join(options.area),
            "hazards": " ".join(options.hazard),
            "minimum": options.minimum.capitalize(),
        }
        if options.quiet:
            wanted["quiet"] = "yes"
    if options.action == "list":
        wanted |= {
            "language": options.language,
            "area": options.area,
            "limit": options.limit,
        }
    if options.action in ("import", "rotate-key"):
        wanted["wait"] = PATIENCE
    if options.action == "import":
        wanted["csv"] = inputs.text(options.file, office.words)
    answer = office.ask("subscribers", wanted)
    if options.json:
        office.screen.json(answer.as_json())
    elif answer.result:
        _show(office.screen, answer.result)
    return answer.code


def _export_all(office: Office, wanted: dict[str, Any], path: str, *, json: bool) -> int:
    """The whole list, page by page, into a file that ``import`` reads again."""
    import csv

    words = office.words
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        says = words("file.unwritable", reason=error.strerror or "")
        raise Stop([problem(path, says, words("file.unwritable.remedy"))], BAD_INPUT) from None
    rows = 0
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        answer: Answer = office.ask("subscribers", wanted)
        while answer.code == ALL_OUT:
            page = answer.result["page"]
            writer.writerows(page)
            rows += len(page)
            if answer.result["after"] is None:
                break
            answer = office.ask("subscribers", {**wanted, "after": answer.result["after"]})
    if answer.code == ALL_OUT:
        if json:
            office.screen.json({"rows": rows, "file": path})
        else:
            office.screen.result(words("subscribers.exported", rows=words.number(rows), file=path))
    else:
        os.unlink(path)  # half a list would pass for a whole one
    return answer.code


def _show(screen: Screen, result: Mapping[str, Any]) -> None:
    words = screen.words
    if "total" in result:
        for row in result["subscribers"]:
            count = words.number(row["subscribers"])
            screen.result(f"{row['language']} {row['variant']}: {count}")
        screen.result(words("subscribers.total", count=words.number(result["total"])))
    elif "added" in result:
        screen.result(
            words(
                "subscribers.added",
                added=words.number(result["added"]),
                changed=words.number(result["changed"]),
            )
        )
    elif "list" in result:
        for row in result["list"]:
            screen.result(" | ".join(filter(None, (row[name] for name in COLUMNS))))
        if result["more"]:
            screen.result(words("subscribers.more"))
    elif "export" in result:
        for name, value in result["export"].items():
            if not isinstance(value, list):
                screen.result(f"{name}: {value}")
                continue
            for row in value:
                told = ", ".join(f"{key}={each}" for key, each in row.items() if each)
                screen.result(f"{name}: {told}")
    elif "resealed" in result:
        count = words.number(result["resealed"])
        screen.result(words("subscribers.resealed", count=count))
    else:
        # The same sentence whether or not the number was there: nobody learns who subscribes.
        screen.result(words("subscribers.erased"))
