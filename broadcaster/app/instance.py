"""One process owns a data folder at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from broadcaster.model.errors import Problem, Unavailable


class Locked(Unavailable):
    """Another process owns the data folder."""


class InstanceLock:
    """An advisory lock the kernel drops when the process dies, however it dies."""

    def __init__(self, data: Path) -> None:
        """Take the lock.  Raises ``Locked`` when it is taken, ``Unavailable`` without a folder."""
        path = data / "instance.lock"
        try:
            data.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise Unavailable(
                Problem(
                    "data",
                    f"the data folder {data} cannot be used: {error.strerror}",
                    "name a folder you may write with --data",
                )
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise Locked(
                Problem(
                    "data",
                    "another Broadcaster is working in this data folder",
                    "use its `serve` process, or stop it",
                )
            ) from None

    def release(self) -> None:
        """Let the next process in."""
        os.close(self._descriptor)
