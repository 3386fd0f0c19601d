"""The example channel: every text becomes a block in ``log.txt``.

Copy this file to start a channel of your own, name it in the entry-point group
``broadcaster.channels``, and let its tests inherit ``broadcaster.testing.ChannelContract``.
What to decide, in this order:

1. *What can it truly do?*  Say so in :class:`Capabilities`; it is never asked for more, and an
   officer believes it.
2. *What does the wire carry?*  ``fit`` turns an approved text into the very bytes sent, without
   I/O, because they are previewed and approved before anything leaves.  It refuses, never trims.
3. *What is known when an attempt fails?*  ``send`` is ONE attempt.  ``Transient`` means surely not
   sent, ``Unknown`` means nobody can say; when in doubt it is ``Unknown``.  The engine retries.
4. *What is proof?*  Return a :class:`Receipt` only for what the far side confirmed.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from broadcaster.delivery.contract import (
    API,
    Addressing,
    Batch,
    Capabilities,
    Env,
    Fitted,
    Format,
    Receipt,
    Rendition,
    Sense,
    State,
    Variant,
    no_receipts,
)
from broadcaster.model.cap import MsgType, Resource
from broadcaster.model.errors import BadInput, DoesNotFit, Problem, Transient, Unknown

LIMIT = 100_000
"""Bytes of one text.  A log has no wire to fit, but no reader either beyond this."""


class LogChannel:
    """An opened log."""

    kind: ClassVar[str] = "log"
    api: ClassVar[int] = API
    addressing: ClassVar[Addressing] = Addressing.AREA

    capabilities = Capabilities(
        operations=frozenset({MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL}),
        formats=(Format.TEXT,),
        addressing=Addressing.AREA,
        confirms=frozenset({State.ACCEPTED}),
        senses=frozenset({Sense.SEE}),
        variants=(Variant.STANDARD, Variant.PLAIN, Variant.SHORT),
        # The same batch again would be logged again, so it must not be claimed otherwise.
        repeat_is_harmless=False,
    )

    def __init__(self, env: Env) -> None:
        self._clock = env.clock
        self._path = env.output_dir / "log.txt"

    @classmethod
    def settings(cls, raw: Mapping[str, Any]) -> None:
        """A log has nothing to set; every key but ``kind`` is a mistake worth telling."""
        problems = [
            Problem(str(key), "is not a setting of a log channel", "remove it")
            for key in raw
            if key != "kind"
        ]
        if problems:
            raise BadInput(problems)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: None, env: Env) -> AsyncIterator[LogChannel]:
        """Nothing to connect: a channel with a connection opens it here and closes it after."""
        yield cls(env)

    def fit(self, rendition: Rendition) -> Fitted:
        """The text as UTF-8; too long a text is refused with the surplus, never cut."""
        data = rendition.text.encode()
        if len(data) > LIMIT:
            surplus = len(data) - LIMIT
            raise DoesNotFit(
                Problem(rendition.language, f"the text is {surplus} bytes too long for the log"),
                surplus=surplus,
                unit="bytes",
            )
        return Fitted(parts=(data,), shows=data.decode(), used=len(data), limit=LIMIT, unit="bytes")

    def resources(self, rendition: Rendition) -> Sequence[Resource]:
        """A log publishes no files."""
        return ()

    async def send(self, batch: Batch) -> Sequence[Receipt]:
        """Append one block per delivery; they are on the disk when this returns."""
        time = self._clock.now().isoformat(timespec="seconds")
        # The target is left out on purpose: targets may be addresses, and those are never logged.
        blocks = "".join(
            f"--- {time} {batch.mode} {batch.operation} {batch.alert.identifier} "
            f"{delivery.rendition.language} {delivery.rendition.variant}\n"
            f"{delivery.fitted.shows}\n\n"
            for delivery in batch.deliveries
        )
        # In a thread, because a slow disk must not hold up the other channels.
        await asyncio.to_thread(self._append, blocks.encode())
        return [
            Receipt(key=delivery.key, state=State.ACCEPTED, reason="written to the log")
            for delivery in batch.deliveries
        ]

    def receipts(self) -> AsyncIterator[Receipt]:
        """All evidence there will ever be came with ``send``."""
        return no_receipts()

    async def ping(self) -> str:
        """Append nothing, which shows that the log can be opened for writing."""
        await asyncio.to_thread(self._append, b"")
        return f"The log {self._path.name} can be written."

    def _append(self, data: bytes) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = open(self._path, "ab")  # noqa: SIM115 - each failure means something else
        except OSError as error:
            # Nothing was written: the engine may safely try again.
            raise Transient(_problem(error)) from error
        try:
            with file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            # A part may be on the disk: "surely not sent" would be a lie.
            raise Unknown(_problem(error)) from error


def _problem(error: OSError) -> Problem:
    return Problem(
        "log.txt",
        f"could not be written: {error.strerror}",
        "free space on the disk or correct its permissions",
    )
