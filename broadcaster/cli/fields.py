"""From flags to the fields of a draft and the arguments of a request."""

from __future__ import annotations

from broadcaster.cli import inputs
from broadcaster.cli.stop import BAD_INPUT, Stop, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from broadcaster.cli.words import Words

NEEDED = ("hazard", "level", "area", "expires")
"""Without these there is no warning."""
_PLAIN = (
    "hazard",
    "level",
    "area",
    "expires",
    "onset",
    "release",
    "actions",
    "severity",
    "urgency",
    "certainty",
    "repeat",
    "languages",
    "exercise",
)


def of(options: argparse.Namespace, words: Words) -> dict[str, Any]:
    """The fields that were given as flags, by their names in a draft.  Raises ``Stop``."""
    fields = {name: value for name in _PLAIN if (value := getattr(options, name)) is not None}
    if options.values:
        fields["parameters"] = parameters = dict(options.values)
        for name in parameters:
            if sum(name == other for other, _ in options.values) > 1:
                raise Stop(
                    [
                        problem(
                            "--set",
                            words("argument.twice", name=name),
                            words("argument.twice.remedy"),
                        )
                    ],
                    BAD_INPUT,
                )
    if options.note_language is not None and options.note is None:
        raise Stop([problem("--note-language", words("note.missing"))], BAD_INPUT)
    if options.note is not None:
        fields["note"] = (
            {"text": options.note, "language": options.note_language}
            if options.note_language
            else options.note
        )
    if options.test:
        fields["status"] = "Test"
    return fields


def arguments(file: str | None, fields: dict[str, Any], words: Words) -> dict[str, Any]:
    """``draft`` and ``fields`` of a request; the desk lays the second over the first."""
    found: dict[str, Any] = {}
    if file is not None:
        found["draft"] = inputs.draft(file, words)
    if fields:
        found["fields"] = fields
    return found
