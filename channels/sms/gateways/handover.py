"""The embedded driver: submissions as JSON files in a folder.

They are for a gateway program that takes a file by *renaming* it into the folder ``taken`` beside
it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

from broadcaster.delivery.contract import (
    Env,
    Heard,
    Receipt,
    State,
    no_messages,
    no_receipts,
)
from broadcaster.delivery.files import sync_folder, write_whole
from broadcaster.model.errors import BadInput, Problem, Transient
from channels.sms.gateway import Gateway, Submission

TAKEN = "taken"
"""The folder into which the gateway moves what it took; kept until the alert has expired."""


class FileDriver:
    """Nothing to configure: the folder is the channel's own."""

    def settings(self, raw: Mapping[str, Any]) -> None:
        """Every key is a mistake worth telling."""
        problems = [Problem(str(key), "is no setting of a hand-over", "remove it") for key in raw]
        if problems:
            raise BadInput(problems)

    @asynccontextmanager
    async def open(self, settings: None, env: Env) -> AsyncIterator[Gateway]:
        """Writes into the channel's folder."""
        yield FileGateway(env.output_dir)


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

    def heard(self) -> AsyncIterator[Heard]:
        """None: nobody answers a file."""
        return no_messages()

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
