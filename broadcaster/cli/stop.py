"""How a command ends early: with problems and an exit code, never with a traceback.

The same shape as :class:`broadcaster.model.errors.Problem`, but as plain mappings: they arrive
from the daemon as JSON, and dataclasses would cost more start-up than the whole command.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    Problem = dict[str, str]

ALL_OUT, SOME_OUT, NONE_OUT, BAD_INPUT, REFUSED = 0, 3, 4, 2, 5
"""The exit codes scripts rely on (DESIGN section 7); 1 is a bug."""
INTERRUPTED = 130
"""128 + SIGINT, as shells expect."""


def problem(path: str, says: str, remedy: str = "", level: str = "error") -> Problem:
    """One thing that is wrong, where, and what to do about it."""
    return {"path": path, "says": says, "remedy": remedy, "level": level}


class Stop(Exception):
    """Ends the command.  ``facts`` goes into the JSON answer beside the problems."""

    def __init__(
        self, problems: Sequence[Problem], code: int, facts: dict[str, Any] | None = None
    ) -> None:
        super().__init__(code)
        self.problems, self.code, self.facts = list(problems), code, facts or {}


class Busy(Stop):
    """Another process owns the data folder, and it does not answer."""


class Leave(Exception):
    """The officer left the questions (end of input)."""
