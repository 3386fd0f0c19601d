"""Whether the daemon can do its work, and in figures what it has to do.

Counts and states only: no address, no text of an alert, nobody's name.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from broadcaster import __version__
from broadcaster.clock import Clock
from broadcaster.delivery.contract import Mode
from broadcaster.delivery.plan import Way, lane_name
from broadcaster.model.errors import BroadcasterError
from broadcaster.server.metrics import Metric, write
from broadcaster.store.port import Store, StoredAlert

PATIENCE = 2.0
"""Seconds the store has to answer."""
LATE = 60.0
"""Seconds since the last look at the timetable from which on something is wrong."""
COUNTED = 10.0
"""Seconds a count is good for: a scrape must not cost the store more than an officer does."""
RECENT = timedelta(days=1)


class House(Protocol):
    """The part of the application that is looked at."""

    @property
    def store(self) -> Store:
        """What is remembered."""
        ...

    @property
    def clock(self) -> Clock:
        """The time alerts live by."""
        ...

    def ways(self) -> Mapping[tuple[str, Mode], Way]:
        """Every configured channel, the broken ones with their trouble."""
        ...


class Health:
    """Looks at the application when it is asked."""

    def __init__(
        self,
        house: House,
        seconds: Callable[[], float] = time.monotonic,
        *,
        patience: float = PATIENCE,
    ) -> None:
        self._house, self._seconds, self._patience = house, seconds, patience
        self._started = self._looked = seconds()
        self._counts: tuple[float, list[Metric]] | None = None

    def looked(self) -> None:
        """The clock has just looked at the timetable."""
        self._looked = self._seconds()

    async def reasons(self) -> list[str]:
        """Why the daemon is not ready; empty when it is."""
        house, found = self._house, []
        try:
            async with asyncio.timeout(self._patience):
                await house.store.next_due(house.clock.now())
        except TimeoutError:
            found.append(f"store: no answer within {self._patience:g} s")
        except BroadcasterError as error:
            found.append(f"store: {error.problems[0].says}")
        except Exception as error:
            found.append(f"store: {type(error).__name__}")
        for (name, mode), way in house.ways().items():
            if way.channel is None:
                found.append(f"channel {lane_name(name, mode)}: {way.trouble or 'is not open'}")
        late = self._seconds() - self._looked
        if late > LATE:
            found.append(f"clock: the timetable was last looked at {late:.0f} s ago")
        return found

    async def metrics(self) -> str:
        """Everything that is counted, in the Prometheus text format."""
        now = self._seconds()
        if self._counts is None or now - self._counts[0] > COUNTED:
            self._counts = now, await self._count()
        build = Metric("broadcaster_build_info", "The version that runs; always 1.")
        build.add(1, version=__version__)
        up = Metric("broadcaster_uptime_seconds", "Seconds since the daemon started.")
        up.add(round(now - self._started, 3))
        look = Metric("broadcaster_last_look_seconds", "Seconds since the last look at the clock.")
        look.add(round(now - self._looked, 3))
        lanes = Metric("broadcaster_lane_open", "1 where a channel is open, 0 where it is not.")
        for (name, mode), way in self._house.ways().items():
            lanes.add(way.channel is not None, channel=lane_name(name, mode))
        return write([build, up, look, lanes, *self._counts[1]])

    async def _count(self) -> list[Metric]:
        house = self._house
        now = house.clock.now()
        stored = await house.store.alerts()
        alerts = Metric("broadcaster_alerts", "Alerts by CAP status and where they stand.")
        for (status, standing), n in sorted(
            Counter((one.status, _standing(one, now)) for one in stored).items()
        ):
            alerts.add(n, status=status, standing=standing)
        deliveries = Metric(
            "broadcaster_deliveries",
            "Deliveries of alerts in force or ended within a day, by channel and state.",
        )
        gaps = Metric(
            "broadcaster_gaps", "Texts of the same alerts that a channel could not carry."
        )
        by_state: Counter[tuple[str, str]] = Counter()
        missing: Counter[str] = Counter()
        for one in stored:
            if one.withdrawn or (one.expires is not None and one.expires < now - RECENT):
                continue
            lines, lacking = await house.store.report(one.identifier)
            for line in lines:
                for state, n in line.counts.items():
                    by_state[line.channel, state.value] += n
            missing.update(gap.channel for gap in lacking)
        for (channel, state_), n in sorted(by_state.items()):
            deliveries.add(n, channel=channel, state=state_)
        for channel, n in sorted(missing.items()):
            gaps.add(n, channel=channel)
        return [alerts, deliveries, gaps]


def _standing(alert: StoredAlert, now: datetime) -> str:
    if alert.withdrawn:
        return "withdrawn"
    if alert.held:
        return "held"
    if alert.release > now:
        return "scheduled"
    return "over" if alert.expires is not None and alert.expires <= now else "released"
