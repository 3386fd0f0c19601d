"""What lanes send: the approved texts from the store, and the site as it must be now."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

from broadcaster.clock import Clock
from broadcaster.delivery.contract import Document, Format, Mode, Rendition, Variant
from broadcaster.delivery.lane import Content, Source
from broadcaster.model.cap import Alert
from broadcaster.model.capxml import read
from broadcaster.model.threads import state
from broadcaster.store.port import Store
from broadcaster.text.library import Library
from broadcaster.text.publication import Published, Site, Situation
from broadcaster.text.site import documents

KEPT = 1000
"""Alerts kept as values."""
_READ: OrderedDict[bytes, Alert] = OrderedDict()


def parsed(cap: bytes, written_from: Alert | None = None) -> Alert:
    """An alert from its published bytes; these never change, so neither does the answer.

    ``written_from``: the value these bytes were just written from, which reading gives again.
    """
    key = hashlib.sha256(cap).digest()
    if key not in _READ:
        _READ[key] = written_from or read(cap).alert
        while len(_READ) > KEPT:
            _READ.popitem(last=False)
    return _READ[key]


class Shelf(Source):
    """The store and the library, seen as a source for lanes."""

    def __init__(
        self, store: Store, library: Library, sites: dict[Mode, Site], clock: Clock
    ) -> None:
        self._store, self._library, self._sites, self._clock = store, library, sites, clock

    async def content(self, alert: str, channel: str) -> Content:
        """The alert and its approved renditions for one channel."""
        stored = await self._store.alert(alert)
        assert stored is not None, "a chunk names an alert that is not stored"
        renditions = {}
        for row in await self._store.renditions(alert, channel):
            renditions[row.language, row.variant] = Rendition(
                alert=alert,
                language=row.language,
                direction=self._library.language(row.language).direction,
                variant=Variant(row.shown or row.variant),
                format=Format(row.format),
                text=row.text,
            )
        return Content(alert=parsed(stored.cap), renditions=renditions)

    async def publication(
        self, channel: str, formats: Sequence[str]
    ) -> tuple[tuple[Document, ...], tuple[str, ...]]:
        """Everything the site must hold now, from all that was let go."""
        now = self._clock.now()
        mode = Mode.EXERCISE if channel.endswith(".exercise") else Mode.LIVE
        stored = [a for a in await self._store.published(channel) if a.release <= now]
        alerts = [parsed(one.cap) for one in stored]
        threads: dict[str, list[Alert]] = {}
        for one, alert in zip(reversed(stored), reversed(alerts), strict=True):
            threads.setdefault(one.thread, []).append(alert)
        situation = Situation(
            alerts=tuple(
                Published(
                    alert=alert,
                    cap=one.cap,
                    state=state(alert, threads[one.thread], now).value,
                    history=tuple(threads[one.thread]),
                )
                for one, alert in zip(stored, alerts, strict=True)
            ),
            at=now,
        )
        wanted = {Format(name) for name in formats}
        return documents(situation, self._library, self._sites[mode], wanted), ()
