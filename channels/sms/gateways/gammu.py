"""A GSM modem through gammu-smsd's spool folders: for a small duty list, not for a city.

gammu-smsd (backend ``files``) sends whatever text appears in its outbox, about one a second, and
moves the file to its folder for sent texts or for errors: those moves are the receipts.  What
people write appears in its inbox.  It gets the approved text and cuts it into segments itself.
Everything of ours is removed from the folders once it is settled, because names of files there
are telephone numbers.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from broadcaster.delivery.contract import Env, Heard, Receipt, State, no_messages
from broadcaster.delivery.files import sync_folder, write_whole
from broadcaster.model.errors import BadInput, Permanent, Problem, Transient
from channels.sms.gateway import Gateway, Recipient, Submission

LOOK = 1.0
"""Seconds between two looks at the folders; the modem is no faster."""
WHOLE = 3.0
"""Seconds without a further part after which a message from a person is taken as complete."""
STUCK = timedelta(minutes=5)
"""A text that waits longer says that nobody sends."""
KEPT = timedelta(days=2)
"""So long after its end a text is remembered, lest it goes out twice."""
MAX_BATCH = 20

_INBOX = re.compile(r"(IN[0-9]{8}_[0-9]{6}_[0-9]+_(.*))_([0-9]+)\.txt")
_FOLDERS = ("outbox", "sent", "error", "inbox")


@dataclass(frozen=True, slots=True, kw_only=True)
class GammuSettings:
    """gammu-smsd's folders, as its own configuration names them."""

    outbox: str
    sent: str
    error: str
    inbox: str = ""
    """Empty: nobody listens to what people write."""


class GammuDriver:
    """Checks the settings under ``driver`` and opens the spool."""

    def settings(self, raw: Mapping[str, Any]) -> GammuSettings:
        """The settings; raises :class:`BadInput` naming every wrong key at once."""
        problems = [
            Problem(str(key), "is no setting of gammu", "use " + ", ".join(_FOLDERS))
            for key in raw
            if key not in _FOLDERS
        ]
        folders = {name: raw.get(name, "") for name in _FOLDERS}
        for name, path in folders.items():
            if not isinstance(path, str) or (not path and name != "inbox"):
                says = "must be the folder that gammu-smsd's configuration names"
                problems.append(Problem(name, says, "such as /var/spool/gammu/outbox"))
        named = [path for path in folders.values() if path]
        if not problems and len(set(named)) < len(named):
            problems.append(Problem("outbox", "is named twice", "each folder has its own use"))
        if problems:
            raise BadInput(problems)
        return GammuSettings(**folders)

    @asynccontextmanager
    async def open(self, settings: GammuSettings, env: Env) -> AsyncIterator[Gateway]:
        """Nothing is held open: the folders are looked at."""
        yield GammuGateway(settings, env)


@dataclass(frozen=True, slots=True)
class _Handed:
    """One text to one phone that was put into the outbox, without its number."""

    name: str
    key: str
    expires: datetime
    settled: bool


class GammuGateway:
    """Puts texts into the outbox and reads off the folders what became of them."""

    confirms = frozenset({State.ACCEPTED, State.SENT})
    # A text that was put there is known by its key, wherever its file went.
    repeat_is_harmless = True
    max_batch = MAX_BATCH

    def __init__(self, settings: GammuSettings, env: Env) -> None:
        self._folders: dict[str, Path | None] = {
            name: env.config_dir / path if (path := getattr(settings, name)) else None
            for name in _FOLDERS
        }
        self._notes = env.data_dir / "handed"
        self._tag_file = env.data_dir / "tag"
        self._clock = env.clock

    async def submit(self, submission: Submission) -> Sequence[Receipt]:
        """Put a file for each phone into the outbox, unless it was put there before."""
        if submission.expires <= self._clock.now():
            raise Permanent(Problem("expires", "the warning has ended", "no phone must get it"))
        return await asyncio.to_thread(self._put, submission)

    async def receipts(self) -> AsyncIterator[Receipt]:
        """What the modem's program moved, and what ended before it was sent."""
        while True:
            for handed, receipt in await asyncio.to_thread(self._look):
                yield receipt
                # Asked for the next one: this one is taken.
                await asyncio.to_thread(self._settle, handed)
            await asyncio.sleep(LOOK)

    async def heard(self) -> AsyncIterator[Heard]:
        """What people wrote; a file goes when its message is kept."""
        if self._folders["inbox"] is None:
            async for none in no_messages():
                yield none
            return
        given: set[str] = set()
        while True:
            for key, address, paths, at in await asyncio.to_thread(self._inbox):
                if key in given:
                    continue
                given.add(key)
                text = await asyncio.to_thread(_texts, paths)

                async def kept(paths: Sequence[Path] = paths, key: str = key) -> None:
                    await asyncio.to_thread(_remove, paths)
                    given.discard(key)

                yield Heard(key=key, address=address, text=text, at=at, kept=kept)
            await asyncio.sleep(LOOK)

    async def ping(self) -> str:
        """Whether the folders can be used and somebody works them off."""
        waiting, oldest = await asyncio.to_thread(self._waiting)
        if oldest > STUCK:
            minutes = oldest // timedelta(minutes=1)
            raise Transient(
                Problem(
                    "gammu",
                    f"{waiting} texts wait for the modem, the oldest for {minutes} minutes",
                    "see whether gammu-smsd runs and the modem has a network",
                )
            )
        return f"The modem's folders can be used; {waiting} texts wait."

    def _put(self, submission: Submission) -> list[Receipt]:
        # gammu-smsd takes UTF-16 with a byte order mark, whatever its locale is.
        data = b"\xfe\xff" + submission.text.encode("utf-16-be")
        with _no_number_is_said():
            there = {_digest_of(path.name) for path in self._ours()}
        receipts: list[Receipt] = []
        for one in submission.recipients:
            if not re.fullmatch(r"\+?[0-9]{3,15}", one.to):
                says = "it is no telephone number"
                receipts.append(Receipt(key=one.key, state=State.REJECTED, reason=says))
                continue
            noted = self._read(self._notes / f"{_digest(one.key)}.json")
            if noted is None or not (noted.settled or noted.name in there):
                try:
                    self._put_one(one, submission, data)
                except Transient:
                    if not receipts:
                        raise
                    # Said is what was put; the rest counts as unknown and is put once more.
                    break
            says = "waits for the modem"
            receipts.append(Receipt(key=one.key, state=State.ACCEPTED, reason=says))
        return receipts

    def _put_one(self, one: Recipient, submission: Submission, data: bytes) -> None:
        digest, outbox = _digest(one.key), self._folder("outbox")
        # First the note: a file without one would be sent, and nobody would hear of it.
        self._note(_Handed(digest, one.key, submission.expires, settled=False))
        # Files go out in the order of their names: the most urgent first, then what ends first.
        urgent = "DCBA"[min(max(submission.priority, 0), 3)]
        ends = submission.expires.astimezone(UTC).strftime("%Y%m%d_%H%M%S")
        hidden = outbox / f".{digest}"
        # gammu-smsd runs as another user, who must move it; the folder keeps others out.
        write_whole(hidden, data, mode=0o660)
        with _no_number_is_said():
            os.replace(hidden, outbox / f"OUT{urgent}{ends}_00_{one.to}_{digest}.txtd")
            sync_folder(outbox)

    def _note(self, handed: _Handed) -> None:
        document = {
            "key": handed.key,
            "expires": handed.expires.isoformat(),
            "settled": handed.settled,
        }
        data = json.dumps(document).encode()
        write_whole(self._notes / f"{handed.name}.json", data, mode=0o600)

    def _look(self) -> list[tuple[_Handed, Receipt]]:
        found: list[tuple[_Handed, Receipt]] = []
        now = self._clock.now()
        with contextlib.suppress(Transient), _no_number_is_said():
            # The outbox is looked at first: files only leave it, so that one which moves between
            # the looks is seen twice and not missed.
            names = ("outbox", "sent", "error")
            seen = {name: _by_digest(self._folder(name)) for name in names}
            for handed in self._handed():
                if handed.settled:
                    if now - handed.expires > KEPT:
                        (self._notes / f"{handed.name}.json").unlink(missing_ok=True)
                elif handed.name in seen["sent"]:
                    says = "the modem's network took it"
                    found.append((handed, Receipt(key=handed.key, state=State.SENT, reason=says)))
                elif handed.name in seen["error"]:
                    says = "the modem could not send it"
                    receipt = Receipt(key=handed.key, state=State.REJECTED, reason=says)
                    found.append((handed, receipt))
                elif handed.name in seen["outbox"] and handed.expires <= now:
                    seen["outbox"][handed.name].unlink(missing_ok=True)
                    says = "taken back: the warning ended before the modem sent it"
                    receipt = Receipt(key=handed.key, state=State.EXPIRED, reason=says)
                    found.append((handed, receipt))
        return found

    def _settle(self, handed: _Handed) -> None:
        """Remember that it is settled, then remove what names a number."""
        with contextlib.suppress(Transient):  # the next look finds it again
            self._note(replace(handed, settled=True))
            with _no_number_is_said():
                _remove(p for p in self._ours() if _digest_of(p.name) == handed.name)

    def _inbox(self) -> list[tuple[str, str, list[Path], datetime]]:
        """Complete messages: key, who wrote, files in order, and when it came."""
        groups: dict[str, dict[int, Path]] = {}
        with contextlib.suppress(Transient), _no_number_is_said():
            for path in self._folder("inbox").iterdir():
                if named := _INBOX.fullmatch(path.name):
                    groups.setdefault(named[1], {})[int(named[3])] = path
            whole = []
            for name, parts in sorted(groups.items()):
                paths = [parts[at] for at in sorted(parts)]
                newest = max(path.stat().st_mtime for path in paths)
                at = datetime.fromtimestamp(newest, UTC)
                if self._clock.now().timestamp() - newest >= WHOLE:
                    address = name.split("_", 3)[3]
                    whole.append((self._tagged(name), address, paths, at))
            return whole
        return []

    def _tagged(self, name: str) -> str:
        """A key that is always the same for a message and from which nobody finds the number."""
        try:
            secret = self._tag_file.read_bytes()
        except FileNotFoundError:
            secret = secrets.token_bytes(32)
            write_whole(self._tag_file, secret, mode=0o600)
        return "gammu:" + hmac.digest(secret, name.encode(), "sha256").hex()[:32]

    def _waiting(self) -> tuple[int, timedelta]:
        with _no_number_is_said():
            for name in ("outbox", "sent", "error"):
                if not os.access(self._folder(name), os.R_OK | os.W_OK | os.X_OK):
                    raise PermissionError(13, "it cannot be written")
            files = [*self._folder("outbox").glob("OUT*")]
            since = [path.stat().st_mtime for path in files]
        now = self._clock.now().timestamp()
        return len(files), timedelta(seconds=max(0.0, now - min(since, default=now)))

    def _folder(self, name: str) -> Path:
        folder = self._folders[name]
        assert folder is not None
        return folder

    def _ours(self) -> Iterator[Path]:
        """Our files, in the order in which they move."""
        for name in ("outbox", "sent", "error"):
            yield from _by_digest(self._folder(name)).values()

    def _handed(self) -> Iterator[_Handed]:
        for path in self._notes.glob("*.json") if self._notes.is_dir() else ():
            if noted := self._read(path):
                yield noted

    def _read(self, path: Path) -> _Handed | None:
        try:
            document = json.loads(path.read_bytes())
            expires = datetime.fromisoformat(document["expires"])
            return _Handed(path.stem, document["key"], expires, document.get("settled", False))
        except (OSError, ValueError, KeyError):
            return None


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:24]


def _digest_of(name: str) -> str:
    """What we put at the end of a file's name; something else in files of others."""
    return name.rpartition("_")[2].partition(".")[0]


def _by_digest(folder: Path) -> dict[str, Path]:
    return {_digest_of(path.name): path for path in folder.glob("OUT*")}


def _texts(paths: Sequence[Path]) -> str:
    """The parts of one message put together; gammu-smsd writes UTF-16 with a byte order mark."""
    pieces = []
    for path in paths:
        data = path.read_bytes()
        wide = data[:2] in (b"\xfe\xff", b"\xff\xfe")
        pieces.append(data.decode("utf-16" if wide else "utf-8", "replace"))
    return "".join(pieces)


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


@contextmanager
def _no_number_is_said() -> Iterator[None]:
    """Names of files here are telephone numbers: an error says what is wrong, and no name."""
    why = ""
    try:
        yield
    except OSError as error:
        # It stays the context of what is raised below.
        error.filename = error.filename2 = None
        why = error.strerror or "it failed"
    if why:
        raise Transient(
            Problem(
                "gammu",
                f"the folders of gammu-smsd cannot be used: {why}",
                "see the folders' permissions and whether the disk is full",
            )
        )
