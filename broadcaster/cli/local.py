"""Doing the whole job in this process: when no daemon runs, or as the daemon.

The only module of the command line that touches the application, and only when it is called: the
imports below cost more than everything a command through the daemon does.
"""

from __future__ import annotations

from broadcaster.cli.stop import Busy, Stop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from broadcaster.cli.stop import Problem
    from broadcaster.model.errors import BroadcasterError


def run(request: dict[str, Any], config: str | None, data: str) -> Iterator[dict[str, Any]]:
    """The events of one request, as the daemon would give them.

    Raises ``Busy`` when another process owns the data folder, ``Stop`` for every other problem.
    """
    from pathlib import Path

    from broadcaster.app.instance import Locked
    from broadcaster.app.local import events
    from broadcaster.model.errors import BroadcasterError

    try:
        yield from events(request, config=Path(config) if config else None, data=Path(data))
    except Locked as error:
        raise Busy(_problems(error), error.exit_code) from None
    except BroadcasterError as error:
        raise Stop(_problems(error), error.exit_code) from None


def serve(config: str | None, data: str, host: str, port: int) -> int:
    """Run the daemon until it is told to stop; its exit code."""
    from pathlib import Path

    from broadcaster.paths import shipped
    from broadcaster.server.serve import run as run_daemon

    return run_daemon(Path(config) if config else shipped("config.yaml"), Path(data), host, port)


def _problems(error: BroadcasterError) -> list[Problem]:
    return [
        {"path": one.path, "says": one.says, "remedy": one.remedy, "level": one.level}
        for one in error.problems
    ]
