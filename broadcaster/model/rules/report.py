"""How a rule reports: refuse or warn."""

from __future__ import annotations

from broadcaster.model.errors import Problem


def refuse(path: str, says: str, remedy: str) -> Problem:
    """The alert must not go out like this."""
    return Problem(path, says, remedy, level="error")


def warn(path: str, says: str, remedy: str) -> Problem:
    """The alert may go out; somebody should know."""
    return Problem(path, says, remedy, level="warning")
