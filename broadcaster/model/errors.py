"""Every error Broadcaster raises on purpose, in one tree.

::

    BroadcasterError
    ├── BadInput            what a person or a file said is wrong        exit 2
    ├── Refused             policy, approval or safety says no           exit 5
    ├── Unavailable         disk, database or daemon cannot be relied on exit 5
    └── ChannelError        the outcome of one attempt on one channel
        ├── Transient       surely not sent; worth another attempt
        ├── Unknown         may have been sent; nobody can say
        ├── Permanent       surely not sent; another attempt will not help
        ├── DoesNotFit      the text is larger than the wire
        └── Unsupported     the channel cannot do this, and said so in its capabilities

Mistakes of users arrive as a list of :class:`Problem` (all at once, each with a place and a
remedy).  Anything that is not in this tree is a bug and may end in a traceback.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, in words a duty officer could read aloud."""

    path: str
    """Where: ``area.polygon``, ``channels.texts.kind``, ``examples/heat.yaml:level``."""
    says: str
    """What is wrong."""
    remedy: str = ""
    """What to do about it."""
    level: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        text = f"{self.path}: {self.says}" if self.path else self.says
        return f"{text} -> {self.remedy}" if self.remedy else text


class BroadcasterError(Exception):
    """The root of every deliberate error."""

    exit_code = 1

    def __init__(self, problems: Problem | Iterable[Problem] | str) -> None:
        if isinstance(problems, str):
            problems = Problem("", problems)
        if isinstance(problems, Problem):
            problems = (problems,)
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


class BadInput(BroadcasterError):
    """What a person or a file said is wrong; nothing was changed."""

    exit_code = 2


class Refused(BroadcasterError):
    """Policy, approval or safety says no; nothing was sent."""

    exit_code = 5


class Unavailable(BroadcasterError):
    """Disk, database or daemon cannot be relied on, so nothing is promised."""

    exit_code = 5


class ChannelError(BroadcasterError):
    """One attempt on one channel did not succeed; the subclass says what is known."""


class Transient(ChannelError):
    """Surely not sent; worth another attempt, not before ``retry_after`` seconds if given."""

    def __init__(
        self, problems: Problem | Iterable[Problem] | str, *, retry_after: float | None = None
    ) -> None:
        super().__init__(problems)
        self.retry_after = retry_after


class Unknown(ChannelError):
    """May have been sent: never counted as success, never blindly sent again."""


class Permanent(ChannelError):
    """Surely not sent, and another attempt will not help."""


class DoesNotFit(ChannelError):
    """The text is larger than the wire by ``surplus`` of the channel's own ``unit``."""

    def __init__(
        self, problems: Problem | Iterable[Problem] | str, *, surplus: int, unit: str
    ) -> None:
        super().__init__(problems)
        self.surplus = surplus
        self.unit = unit


class Unsupported(ChannelError):
    """The channel's capabilities do not contain what was asked."""
