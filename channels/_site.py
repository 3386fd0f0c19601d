"""Publishing into a folder, all or nothing; shared by the channels that publish the site.

``www`` is a symbolic link to a release folder beside it::

    www -> .www-releases/12
    .www-releases/11            the release before, for readers still inside it
    .www-releases/12            hard links to all that stayed the same
    .www-shared/audio           folders that other channels write into; linked from every release

A publication builds the next release, makes it durable and then turns the link, which is one
rename: a reader, or a crash at any moment, meets the old site or the new one, whole.  Mirrors
should follow links (``rsync -aL``).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from broadcaster.delivery.contract import Document
from broadcaster.delivery.files import sync_folder
from broadcaster.model.errors import Permanent, Problem, Transient

SHARED = ("audio",)
"""Folders of the site that outlive releases, because files are put there one by one."""

LOCK_SECONDS = 10.0
"""How long to wait for another publication; a usual one takes well under a second."""
_LOCK_POLL_SECONDS = 0.02

_IMMUTABLE = "cap/"
"""What was published under this path may be quoted and signed: its bytes never change."""


def publish(tree: Path, documents: Iterable[Document], removes: Iterable[str] = ()) -> bool:
    """Add and replace ``documents``, take away ``removes``; everything else stays.

    Returns whether anything changed; files with unchanged bytes keep inode and time.  Raises
    :class:`Permanent` for a path outside the site, two files in one place, or other bytes under
    an immutable path (all such problems at once); :class:`Transient` when the disk is full or
    read-only or another publication holds on too long.  The old site is untouched by either.
    """
    wanted, removed = _checked(list(documents), list(removes))
    with _writing(tree):
        releases = _prepare(tree)
        current = releases / os.path.basename(os.readlink(tree))
        held = _files(current)
        changed = {
            path: data
            for path, data in wanted.items()
            if path not in held or held[path].read_bytes() != data
        }
        _refuse_rewriting(changed, held)
        kept = {path: file for path, file in held.items() if path not in removed | wanted.keys()}
        kept |= {path: held[path] for path in wanted.keys() - changed.keys()}
        _refuse_files_as_folders(kept.keys() | changed.keys())
        if not changed and len(kept) == len(held):
            return False
        _turn(tree, releases, _build(releases, kept, changed, tree), before=current)
        return True


def prepare(tree: Path) -> None:
    """Make an empty site if there is none, so that other channels find its shared folders.

    Raises :class:`Transient` like :func:`publish`.
    """
    with _writing(tree):
        _prepare(tree)


def shared(tree: Path, name: str) -> Path:
    """The folder that every release links to as ``name``, one of :data:`SHARED`."""
    if name not in SHARED:
        raise ValueError(f"{name!r} is no shared folder; those are {', '.join(SHARED)}")
    return tree.parent / f".{tree.name}-shared" / name


# What is asked --------------------------------------------------------------------------------


def _checked(
    documents: Collection[Document], removes: Collection[str]
) -> tuple[dict[str, bytes], frozenset[str]]:
    """Documents by path and the paths to remove, or every reason why not."""
    problems = [
        Problem(path or "(empty path)", says, "this is a defect of the publisher: report it")
        for path in [*(document.path for document in documents), *removes]
        if (says := _misplaced(path))
    ]
    wanted: dict[str, bytes] = {}
    for document in documents:
        if wanted.setdefault(document.path, document.data) != document.data:
            problems.append(Problem(document.path, "is given twice with different bytes"))
    if problems:
        raise Permanent(problems)
    return wanted, frozenset(removes)


def _misplaced(path: str) -> str:
    """Why a path cannot be part of the site; empty when it can."""
    parts = path.split("/")
    if "\\" in path or "\0" in path or any(part in ("", ".", "..") for part in parts):
        return "does not stay inside the site"
    if parts[0] in SHARED:
        return f"lies in {parts[0]}, which another channel fills"
    return ""


def _refuse_rewriting(changed: Mapping[str, bytes], held: Mapping[str, Path]) -> None:
    problems = [
        Problem(
            path,
            "is already published with other bytes, and a published CAP document never changes",
            "send the change as an update with an identifier of its own",
        )
        for path in sorted(changed)
        if path.startswith(_IMMUTABLE) and path in held
    ]
    if problems:
        raise Permanent(problems)


def _refuse_files_as_folders(paths: Collection[str]) -> None:
    problems = [
        Problem(str(folder), f"is a file, and {path} needs it to be a folder")
        for path in sorted(paths)
        for folder in PurePosixPath(path).parents
        if str(folder) in paths
    ]
    if problems:
        raise Permanent(problems)


# Releases -------------------------------------------------------------------------------------


@contextmanager
def _writing(tree: Path) -> Iterator[None]:
    """Alone among all threads and processes; the system's errors become :class:`Transient`."""
    try:
        tree.parent.mkdir(parents=True, exist_ok=True)
        with open(tree.parent / f".{tree.name}-lock", "wb") as lock:
            _wait_for(lock.fileno(), tree)
            yield
    except OSError as error:
        raise Transient(
            Problem(
                str(tree),
                f"could not be published: {error.strerror or error}; the old site stands",
                "free space on the disk or correct its permissions",
            )
        ) from error


def _wait_for(lock: int, tree: Path) -> None:
    """Take the lock; the system frees it when its holder dies."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Transient(
                    Problem(str(tree), "is being published by another process that does not end")
                ) from None
            time.sleep(_LOCK_POLL_SECONDS)
        else:
            return


def _prepare(tree: Path) -> Path:
    """See that ``tree`` is a link to a release; clear what a crash left; give the releases."""
    releases = tree.parent / f".{tree.name}-releases"
    releases.mkdir(exist_ok=True)
    for name in SHARED:
        shared(tree, name).mkdir(parents=True, exist_ok=True)
    for leftover in releases.glob("*.part"):
        if leftover.is_symlink():
            leftover.unlink()
        else:
            shutil.rmtree(leftover)
    if tree.is_symlink():
        return releases
    if tree.is_dir():
        _adopt(tree, releases)
    elif not _numbered(releases):
        _turn(tree, releases, _build(releases, {}, {}, tree))
    else:
        # A crash in the midst of adopting a folder: it is already a release.
        _turn(tree, releases, _numbered(releases)[-1])
    return releases


def _adopt(tree: Path, releases: Path) -> None:
    """Make a plain folder the first release.

    No file system call puts a link in the place of a folder at one stroke, so this once the site
    is away for an instant; channels do it when they open, before anything is published.
    """
    for name in SHARED:
        folder = tree / name
        if folder.is_dir() and not folder.is_symlink():
            shutil.copytree(folder, shared(tree, name), dirs_exist_ok=True)
    files = {path: file for path, file in _files(tree).items() if path.split("/")[0] not in SHARED}
    release = _build(releases, files, {}, tree)
    aside = releases / f"{release.name}.adopted.part"
    os.rename(tree, aside)
    _turn(tree, releases, release)
    shutil.rmtree(aside)


def _build(
    releases: Path, kept: Mapping[str, Path], changed: Mapping[str, bytes], tree: Path
) -> Path:
    """The next release, complete and durable, but not yet shown."""
    numbers = [int(release.name) for release in _numbered(releases)]
    release = releases / str(max(numbers, default=0) + 1)
    part = release.with_suffix(".part")
    try:
        part.mkdir()
        for path in sorted(kept.keys() | changed.keys()):
            target = part / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if path in kept:
                os.link(kept[path], target)
            else:
                _write(target, changed[path])
        for name in SHARED:
            os.symlink(os.path.relpath(shared(tree, name), release), part / name)
        for folder, _, _ in os.walk(part, topdown=False):
            sync_folder(Path(folder))
        os.rename(part, release)
        sync_folder(releases)
    except OSError:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return release


def _write(path: Path, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _turn(tree: Path, releases: Path, release: Path, before: Path | None = None) -> None:
    """Show a release, and clear away all but it and the one before."""
    link = releases / "next.part"
    # Relative, so that the data folder may be moved as a whole.
    os.symlink(os.path.relpath(release, tree.parent), link)
    os.rename(link, tree)
    sync_folder(tree.parent)
    for old in _numbered(releases):
        if old not in (release, before):
            # What cannot be cleared costs room, not truth; the next publication tries again.
            shutil.rmtree(old, ignore_errors=True)


def _numbered(releases: Path) -> list[Path]:
    """The complete releases, oldest first."""
    found = (entry for entry in releases.iterdir() if entry.name.isdigit())
    return sorted(found, key=lambda release: int(release.name))


def _files(release: Path) -> dict[str, Path]:
    """Every file of a release by its path; linked folders are not part of it."""
    return {
        (Path(folder) / name).relative_to(release).as_posix(): Path(folder) / name
        for folder, _, names in os.walk(release)
        for name in names
    }
