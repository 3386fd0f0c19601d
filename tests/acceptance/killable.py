"""Works off one alert for many recipients, over and over; made to be killed.

Run as ``python -m tests.acceptance.killable DATA KIND`` where KIND is ``sms`` (the real channel,
whose gateway knows a batch again) or ``harmful`` (a far side that takes everything as often as it
is given).  Prints ``ready`` when sending begins.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from broadcaster.clock import SystemClock
from broadcaster.delivery.contract import (
    API,
    Batch,
    Document,
    Env,
    Format,
    Mode,
    Receipt,
    Rendition,
    State,
    Variant,
)
from broadcaster.delivery.lane import Content, Lane, Source
from broadcaster.model.cap import Alert, MsgType, Scope, Status
from broadcaster.store.port import NewAlert, PlannedSend, StoredRendition
from broadcaster.store.sqlite import SqliteStore
from channels.sms import SmsChannel

TEXT = "Danger: very heavy rain. Stay indoors, keep out of cellars."


class HarmfulChannel(SmsChannel):
    """Writes every address it is given to one file, every time it is given it."""

    api = API

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Any, env: Env) -> AsyncIterator[Any]:
        async with SmsChannel.open(settings, env) as channel:
            channel.__class__ = cls
            channel._ledger = env.output_dir / "taken.txt"
            env.output_dir.mkdir(parents=True, exist_ok=True)
            yield channel

    @property
    def capabilities(self) -> Any:
        return replace(super().capabilities, repeat_is_harmless=False)

    async def send(self, batch: Batch) -> Sequence[Receipt]:
        lines = "".join(f"{batch.alert.identifier} {d.target}\n" for d in batch.deliveries)
        await asyncio.to_thread(self._append, lines)
        return [Receipt(key=d.key, state=State.ACCEPTED) for d in batch.deliveries]

    def _append(self, lines: str) -> None:
        with open(self._ledger, "a", encoding="utf-8") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())


class Words(Source):
    """One text for everybody."""

    async def content(self, alert: str, channel: str) -> Content:
        now = datetime.fromisoformat("2026-07-01T14:00:00+02:00")
        rendition = Rendition(
            alert=alert,
            language="en",
            direction="ltr",
            variant=Variant.SHORT,
            format=Format.TEXT,
            text=TEXT,
        )
        return Content(
            alert=Alert(
                identifier=alert,
                sender="s@example.org",
                sent=now,
                status=Status.ACTUAL,
                msg_type=MsgType.ALERT,
                scope=Scope.PUBLIC,
            ),
            renditions={("en", "short"): rendition},
        )

    async def publication(
        self, channel: str, formats: Sequence[str]
    ) -> tuple[tuple[Document, ...], tuple[str, ...]]:
        return (), ()


def new_alert(identifier: str, now: datetime) -> NewAlert:
    return NewAlert(
        identifier=identifier,
        thread=identifier,
        msg_type="Alert",
        status="Actual",
        severity="Severe",
        priority=1,
        sent=now,
        release=now,
        expires=now + timedelta(hours=1),
        cap=b"<alert/>",
        digest="",
        origin="",
        areas=("dortmund",),
        hazard="heavy_rain",
        officer="test",
        gaps=(),
        renditions=(
            StoredRendition(
                channel="texts", language="en", variant="short", format="text", text=TEXT
            ),
        ),
        sends=(
            PlannedSend(channel="texts", items=(("en", "short"),), recipients=True, follows=False),
        ),
    )


async def main(data: Path, kind: str) -> None:
    clock = SystemClock("Europe/Berlin")
    store = SqliteStore(data)
    type_ = SmsChannel if kind == "sms" else HarmfulChannel
    lane = Lane(
        type_=type_,
        settings=type_.settings({}),
        store=store,
        source=Words(),
        clock=clock,
        owner=str(os.getpid()),
        timeout=30,
        on_progress=lambda _: None,
        env=Env(
            name="texts",
            mode=Mode.LIVE,
            data_dir=data / "state",
            clock=clock,
            output_dir=data / "outbox",
            random=random.Random(1),
            base_url="https://example.org",
        ),
    )
    await asyncio.to_thread(lane.open)
    assert not lane.trouble, lane.trouble
    await store.void_leases(clock.now())
    await asyncio.to_thread(lane.start)
    print("ready", flush=True)
    while True:
        alerts = await store.alerts()
        lines, _ = (await store.report(alerts[0].identifier)) if alerts else ((), ())
        if not any(
            line.counts.get(State.PLANNED) or line.counts.get(State.ATTEMPTING) for line in lines
        ):
            if (data / "enough").exists():
                break
            await store.commit(
                new_alert(f"test.{len(alerts) + 1}", clock.now()),
                clock.now(),
                hold=False,
                detail={},
            )
            lane.wake()
        await asyncio.sleep(0.002)
    await asyncio.to_thread(lane.close)
    await store.close()
    print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
