"""Who carries the segments to the network: the drivers behind ``gateway:`` in the configuration.

A driver gets a :class:`Submission`, everything about one text and its recipients, already encoded;
it decides nothing about texts.  It states its own evidence (:attr:`Gateway.confirms`) and whether a
submission may be repeated, and the channel passes both on as its capabilities.

The ``file`` driver hands submissions over as JSON files in a folder, for a gateway program that
takes a file by *renaming* it into the folder ``taken`` beside it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from broadcaster.delivery.contract import Env, Receipt, State, no_receipts
from broadcaster.delivery.files import sync_folder, write_whole
from broadcaster.model.errors import Problem, Transient

TAKEN = "taken"
"""The folder into which the gateway moves what it took; kept until the alert has expired."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One phone: the delivery's key and the number, which stays out of every repr."""

    key: str
    to: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One text for many phones."""

    key: str
    """Stable: the same key is the same submission, also after a crash."""
    alert: str
    status: str
    operation: str
    mode: str
    sender: str | None = field(repr=False)
    """What the phone shows as sender; ``None`` leaves it to the gateway."""
    priority: int
    """SMPP 3.4 5.2.14 priority_flag, 0 to 3."""
    expires: datetime
    """After this moment no phone may get the text any more."""
    validity_period: str
    """The same as SMPP 3.4 7.1.1.2 relative time, counted from the hand-over."""
    language: str
    variant: str
    text: str
    """As the phone shows it."""
    alphabet: str
    data_coding: int
    esm_class: int
    segments: tuple[bytes, ...]
    recipients: tuple[Recipient, ...]


class Gateway(Protocol):
    """An opened driver."""

    @property
    def confirms(self) -> frozenset[State]:
        """The receipts this driver can honestly give."""
        ...

    @property
    def repeat_is_harmless(self) -> bool:
        """The same :attr:`Submission.key` submitted again reaches nobody twice."""
        ...

    async def submit(self, submission: Submission) -> Sequence[Receipt]:
        """Make one attempt; errors as :meth:`broadcaster.delivery.contract.Channel.send`."""
        ...

    def receipts(self) -> AsyncIterator[Receipt]:
        """Evidence that arrives later."""
        ...

    async def ping(self) -> str:
        """Is the gateway there?  A sentence for the officer, or a ``ChannelError``."""
        ...


class FileGateway:
    """Hands submissions over as files: ``<folder>/<key>.json``, whole or not at all."""

    confirms = frozenset({State.ACCEPTED})
    repeat_is_harmless = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # A cancelled attempt leaves its thread writing; the next attempt must wait for it, or both
        # would write the same temporary file.
        self._writing = threading.Lock()

    async def submit(self, submission: Submission) -> Sequence[Receipt]:
        """Write the file, unless this submission was already handed over.

        Raises :class:`Transient` when the disk is full, read-only or gone.
        """
        name = file_name(submission.key)
        data = as_json(submission)
        await asyncio.to_thread(self._hand_over, name, data)
        reason = "handed over to the SMS gateway's folder"
        return [
            Receipt(key=recipient.key, state=State.ACCEPTED, reference=name, reason=reason)
            for recipient in submission.recipients
        ]

    def receipts(self) -> AsyncIterator[Receipt]:
        """None: a file says nothing about what became of it."""
        return no_receipts()

    async def ping(self) -> str:
        """Write and remove an empty file that no gateway takes for a submission."""
        waiting = await asyncio.to_thread(self._probe)
        return f"The SMS hand-over folder takes files; {waiting} wait for the gateway."

    def _hand_over(self, name: str, data: bytes) -> None:
        with self._writing, _transient_if_the_disk_fails(self._folder):
            self._prepare()
            waiting = self._folder / name
            # First the folder, then `taken`: files move only in that direction, so one that is
            # moved between the two looks is seen by the second.  The other way round it would be
            # missed by both and written, and sent, a second time.
            if waiting.exists() or (self._folder / TAKEN / name).exists():
                # The attempt that wrote it may have died before its rename was durable.
                sync_folder(self._folder)
                return
            write_whole(waiting, data)
            with suppress(FileNotFoundError):  # the gateway may have taken it already
                waiting.chmod(0o600)

    def _prepare(self) -> None:
        """Make the folders, closed to everyone else: what they hold are phone numbers."""
        for folder in (self._folder, self._folder / TAKEN):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)

    def _probe(self) -> int:
        with self._writing, _transient_if_the_disk_fails(self._folder):
            self._prepare()
            probe = self._folder / ".ping"
            write_whole(probe, b"")
            probe.unlink()
            return sum(1 for _ in self._folder.glob("*.json"))


def file_name(key: str) -> str:
    """A file name for a key: the key itself where it is one, else made safe and told apart."""
    if re.fullmatch(r"\w[\w.+-]{0,99}", key, re.ASCII):
        return f"{key}.json"
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    safe = re.sub(r"[^\w.+-]+", "_", key, flags=re.ASCII).lstrip(".")[:80]
    return f"{safe}-{digest}.json"


def as_json(submission: Submission) -> bytes:
    """The file's content; the format is the hand-over's contract with gateway programs."""
    document: dict[str, Any] = {
        "batch": submission.key,
        "alert": submission.alert,
        "status": submission.status,
        "operation": submission.operation,
        "mode": submission.mode,
        "sender": submission.sender,
        "priority": submission.priority,
        "expires": submission.expires.isoformat(),
        "validity_period": submission.validity_period,
        "language": submission.language,
        "variant": submission.variant,
        "text": submission.text,
        "alphabet": submission.alphabet,
        "data_coding": submission.data_coding,
        "esm_class": submission.esm_class,
        "segments": [segment.hex() for segment in submission.segments],
        "deliveries": [
            {"key": recipient.key, "to": recipient.to} for recipient in submission.recipients
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def relative_time(period: timedelta) -> str:
    """SMPP 3.4 7.1.1.2 relative time ``YYMMDDhhmmss000R``, rounded down to a second.

    Days stay days, because the length of a month is the SMSC's guess; at most 99 of them.
    """
    minutes, seconds = divmod(int(period.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"0000{days:02}{hours:02}{minutes:02}{seconds:02}000R"


@contextmanager
def _transient_if_the_disk_fails(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Transient(
            Problem(
                str(folder),
                f"the SMS hand-over folder cannot be used: {error.strerror}",
                "free space on the disk or correct its permissions",
            )
        ) from error


@asynccontextmanager
async def _open_file_gateway(env: Env) -> AsyncIterator[Gateway]:
    yield FileGateway(env.output_dir)


GATEWAYS: Mapping[str, Callable[[Env], AbstractAsyncContextManager[Gateway]]] = {
    "file": _open_file_gateway,
}
"""Drivers by the name that the configuration uses."""
