"""What the channels that publish documents into the site have in common; not a channel."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Self

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
from broadcaster.model.errors import BadInput, DoesNotFit, Problem, Transient, Unsupported
from channels._site import prepare, publish

LIMIT = 2_000_000
"""Bytes of one document.  The web has no limit, but a bus with one bar of signal has."""

ROOM = 50_000_000
"""Bytes that must be free on the disk for a link test to be content."""


def published(*formats: Format) -> Capabilities:
    """The capabilities of a channel that publishes these formats."""
    return Capabilities(
        operations=frozenset({MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL}),
        formats=formats,
        addressing=Addressing.PUBLISHED,
        confirms=frozenset({State.ACCEPTED}),
        senses=frozenset({Sense.SEE}),
        variants=(Variant.STANDARD, Variant.PLAIN),
        # The same documents in the same places: nobody is told twice.
        repeat_is_harmless=True,
        # Every page says it in words, every feed entry carries the CAP parameter.
        shows_review=True,
        max_batch=1000,
    )


class PublishingChannel:
    """Puts a batch's documents into the site, all or none; a kind of channel derives from it."""

    kind: ClassVar[str]
    api: ClassVar[int] = API
    addressing: ClassVar[Addressing] = Addressing.PUBLISHED
    capabilities: Capabilities

    def __init__(self, env: Env) -> None:
        self._tree = env.output_dir

    @classmethod
    def settings(cls, raw: Mapping[str, Any]) -> None:
        """There is nothing to set: the site's folder and address are the installation's."""
        problems = [
            Problem(str(key), f"is not a setting of a {cls.kind} channel", "remove it")
            for key in raw
            if key != "kind"
        ]
        if problems:
            raise BadInput(problems)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: None, env: Env) -> AsyncIterator[Self]:
        """Make the folder a site at once, so that other channels can put files beside it."""
        channel = cls(env)
        await asyncio.to_thread(prepare, channel._tree)
        yield channel

    def fit(self, rendition: Rendition) -> Fitted:
        """The document as UTF-8; nothing is replaced or cut."""
        if rendition.format not in self.capabilities.formats:
            known = ", ".join(self.capabilities.formats)
            raise Unsupported(
                Problem(rendition.format, f"a {self.kind} channel publishes {known} only")
            )
        data = rendition.text.encode()
        if len(data) > LIMIT:
            raise DoesNotFit(
                Problem(rendition.language, f"the document has {len(data)} bytes of {LIMIT}"),
                surplus=len(data) - LIMIT,
                unit="bytes",
            )
        return Fitted(
            parts=(data,), shows=rendition.text, used=len(data), limit=LIMIT, unit="bytes"
        )

    def resources(self, rendition: Rendition) -> Sequence[Resource]:
        """Documents are no CAP resources."""
        return ()

    async def send(self, batch: Batch) -> Sequence[Receipt]:
        """Publish everything in the batch at one stroke."""
        # In a thread, because a slow disk must not hold up the other channels.  If this task is
        # cancelled the thread still ends its stroke: the site is the old one or the new one.
        changed = await asyncio.to_thread(publish, self._tree, batch.documents, batch.removes)
        reason = "published" if changed else "was already published"
        return [
            Receipt(key=delivery.key, state=State.ACCEPTED, reason=reason)
            for delivery in batch.deliveries
        ]

    def receipts(self) -> AsyncIterator[Receipt]:
        """All evidence there will ever be came with ``send``."""
        return no_receipts()

    async def ping(self) -> str:
        """Whether the site is there, can be written, and has room."""
        await asyncio.to_thread(prepare, self._tree)
        free = shutil.disk_usage(self._tree).free
        if free < ROOM:
            raise Transient(
                Problem(
                    self._tree.name,
                    f"has only {free // 1_000_000} MB left on its disk",
                    "free some space",
                )
            )
        return f"The site can be published; {free // 1_000_000} MB are free."
