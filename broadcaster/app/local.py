"""The desk in this very process, for a machine on which no daemon runs."""

from __future__ import annotations

import asyncio
import os
import pwd
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from broadcaster.app.composition import App
from broadcaster.app.desk import Desk
from broadcaster.config import load
from broadcaster.paths import shipped


def events(
    request: Mapping[str, Any], *, config: Path | None, data: Path
) -> Iterator[dict[str, Any]]:
    """Build everything, do one request, take everything apart.

    Raises what :mod:`broadcaster.model.errors` draws, ``Locked`` among it when another process
    works in this data folder.
    """
    runner = asyncio.Runner()
    app = App(load(config or shipped("config.yaml")), data)
    with runner:
        runner.run(app.open())
        try:
            runner.run(app.start())
            runner.run(app.timetable.tick())
            stream = Desk(app).handle({**request, "user": _user()})
            while True:
                try:
                    # typeshed calls it an awaitable; of an async generator it is a coroutine
                    yield runner.run(anext(stream))  # type: ignore[arg-type]
                except StopAsyncIteration:
                    return
        finally:
            runner.run(app.close())


def _user() -> str:
    """Who runs this process, by the kernel's word: USER and LOGNAME are anybody's to set."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"uid {os.geteuid()}"
