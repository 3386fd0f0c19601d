"""Releases, repeats and expiries in time.

APScheduler is a clock and nothing more: its jobs live in memory, every tick reads the store and is
idempotent, and a tick that comes late does what it would have done on time.  So a restart, a
blocked loop or a stepped clock loses nothing and doubles nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from broadcaster.clock import Clock
from broadcaster.model.threads import ThreadState, state
from broadcaster.store.port import Store

log = logging.getLogger(__name__)

LOOK = 20
"""Seconds between looks even when nothing is known to be due."""


class Timetable:
    """What must happen at an instant, decided from the store alone."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        published: list[str],
        others: list[str],
        wake: Callable[[], None],
    ) -> None:
        """``published`` are the lanes people read, ``others`` the lanes that reach out to them."""
        self._store, self._clock, self._wake = store, clock, wake
        self._published, self._others = published, others
        # Only saves asking the store again; the store is what remembers.
        self._ended: set[str] = set()

    async def tick(self) -> datetime | None:
        """Do what is due; give the next instant at which something will be."""
        from broadcaster.app.publication import parsed

        now = self._clock.now()
        for alert in await self._store.alerts():
            if alert.held or alert.withdrawn or alert.release > now:
                continue
            if alert.expires is not None and alert.expires <= now:
                if alert.identifier in self._ended:
                    continue
                # Announced where people read; silent where a second alarm would do harm.
                await self._store.republish(
                    alert.identifier, self._published, "expiry", now, after_end=True
                )
                self._ended.add(alert.identifier)
                continue
            if alert.repeat_every is None:
                continue
            rounds = int((now - alert.release).total_seconds() // alert.repeat_every)
            thread = [
                parsed(one.cap)
                for one in await self._store.thread(alert.thread)
                if not one.held and not one.withdrawn  # what has not gone out ends nothing
            ]
            if rounds and state(parsed(alert.cap), thread, now) is ThreadState.IN_FORCE:
                # Only the latest: rounds that were missed are not made up for all at once.
                await self._store.republish(
                    alert.identifier, self._others, f"repeat {rounds}", now, after_end=False
                )
        self._wake()
        await self._store.sweep(now)
        return await self._store.next_due(now)


class Clockwork:
    """Calls the timetable on time."""

    def __init__(self, timetable: Timetable, also: Callable[[], Awaitable[None]]) -> None:
        from apscheduler.schedulers.asyncio import AsyncIOScheduler

        self._timetable, self._also = timetable, also
        # The default grace time silently drops a job that comes a second late.
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def start(self) -> None:
        """Begin; the first look is now."""
        self._scheduler.add_job(
            self._look, "interval", seconds=LOOK, id="look", next_run_time=datetime.now(UTC)
        )
        self._scheduler.start()

    def stop(self) -> None:
        """No more looks."""
        self._scheduler.shutdown(wait=False)

    async def _look(self) -> None:
        try:
            await self._also()
            due = await self._timetable.tick()
        except Exception:
            log.exception("a look at the timetable failed; the next one follows in %d s", LOOK)
            return
        if due is not None and due < datetime.now(UTC) + timedelta(seconds=LOOK):
            self._scheduler.add_job(
                self._look, "date", run_date=due, id="due", replace_existing=True
            )
