"""Durable files for channels: a file is there whole, or not at all.

Part of the contract side, so that no channel writes its own version of these few lines.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from broadcaster.model.errors import Problem, Transient


def write_whole(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file so that a reader, or a crash, sees the old bytes or the new, never a part.

    ``mode`` is the permission of the new file (``0o600`` for one that holds addresses).
    Raises :class:`Transient` with the operating system's word when the disk is full or read-only:
    nothing was handed over, so another attempt is safe.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise Transient(
            Problem(
                str(path),
                f"could not be written: {error.strerror}",
                "free space on the disk or correct its permissions",
            )
        ) from error


def sync_folder(folder: Path) -> None:
    """Make a rename inside ``folder`` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
