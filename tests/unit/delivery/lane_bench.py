"""Lanes on a real store, with channels that follow a script."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

from broadcaster.delivery.contract import Addressing, Document, Format, Mode, Rendition, Variant
from broadcaster.delivery.lane import Content, Lane, Source
from broadcaster.model.cap import MsgType
from broadcaster.model.capxml import read, write
from broadcaster.store.port import NewAlert, PlannedSend, StoredRendition, Subscription
from broadcaster.store.sqlite import SqliteStore
from broadcaster.testing import NOON, FakeClock, FlakyChannel, alert, env
from broadcaster.testing.channels import CAPABILITIES

RECIPIENTS = replace(CAPABILITIES, addressing=Addressing.RECIPIENTS, max_batch=50)
PUBLISHED = replace(CAPABILITIES, addressing=Addressing.PUBLISHED, repeat_is_harmless=True)
HARMLESS = replace(CAPABILITIES, repeat_is_harmless=True)


async def until(true, within=5.0):
    end = time.monotonic() + within
    while True:
        answer = true()
        if asyncio.iscoroutine(answer):
            answer = await answer
        if answer:
            return answer
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.01)


class Shelf(Source):
    """Texts from the store; the site is one document that lists the newest situation."""

    def __init__(self, store):
        self.store = store
        self.fault = None
        self.situation = 0

    async def content(self, identifier, channel):
        if self.fault:
            raise self.fault
        stored = await self.store.alert(identifier)
        return Content(
            alert=read(stored.cap).alert,
            renditions={
                (row.language, row.variant): Rendition(
                    alert=identifier,
                    language=row.language,
                    direction="ltr",
                    variant=Variant(row.variant),
                    format=Format.TEXT,
                    text=row.text,
                )
                for row in await self.store.renditions(identifier, channel)
            },
        )

    async def publication(self, channel, formats):
        self.situation += 1
        now = self.situation
        await asyncio.sleep(0.01)
        return (Document(path="index.html", media_type="text/html", data=b"%d" % now),), ()


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.clock = FakeClock()
        self.store = SqliteStore(folder)
        self.shelf = Shelf(self.store)
        self.lanes = {}
        self.moved = []

    def lane(self, name, *script, capabilities=CAPABILITIES, timeout=5.0, kind=None, within=5.0):
        """A lane whose far side is given back."""
        kind = kind or FlakyChannel.kind_of(name, script=script, capabilities=capabilities)
        lane = Lane(
            type_=kind,
            settings=None,
            env=env(self.folder, name=name, mode=Mode.LIVE, clock=self.clock),
            store=self.store,
            source=self.shelf,
            clock=self.clock,
            owner="me",
            timeout=timeout,
            on_progress=self.moved.append,
        )
        lane.open(within)
        self.lanes[name] = lane
        return kind

    async def start(self):
        for lane in self.lanes.values():
            await asyncio.to_thread(lane.start)

    async def commit(self, identifier, *channels, recipients=False, items=None, **changes):
        items = items or (("de", "standard"),)
        msg_type = changes.get("msg_type", "Alert")
        expires = changes.get("expires", NOON + timedelta(hours=6))
        follows = msg_type == "Cancel"
        values = NewAlert(
            identifier=identifier,
            thread=identifier,
            msg_type=msg_type,
            status="Actual",
            severity="Severe",
            priority=1,
            sent=NOON,
            release=NOON,
            expires=expires,
            cap=write(alert(identifier, msg_type=MsgType(msg_type), expires=expires, sent=NOON)),
            digest="d",
            origin="",
            areas=(),
            hazard="heat",
            officer="A. Muster",
            renditions=tuple(
                StoredRendition(
                    channel=channel,
                    language=tag,
                    variant=variant,
                    format="text",
                    text=f"{identifier} {tag}",
                )
                for channel in channels
                for tag, variant in items
            ),
            gaps=(),
            sends=tuple(
                PlannedSend(channel=channel, items=items, recipients=recipients, follows=follows)
                for channel in channels
            ),
        )
        await self.store.commit(replace(values, **changes), NOON, hold=False, detail={})
        self.wake()

    def wake(self):
        for lane in self.lanes.values():
            lane.wake()

    def advance(self, **by):
        self.clock.advance(**by)
        self.wake()

    async def subscribe(self, channel, count):
        await self.store.subscribe(
            channel,
            [
                Subscription(address=f"+4917139200{n:05}", language="de", variant="standard")
                for n in range(count)
            ],
            NOON,
        )

    async def counts(self, identifier, channel=None):
        lines, _ = await self.store.report(identifier)
        found = {}
        for line in lines:
            if channel in (None, line.channel):
                for state, n in line.counts.items():
                    found[state.value] = found.get(state.value, 0) + n
        return found

    async def reasons(self, identifier):
        lines, _ = await self.store.report(identifier)
        return [reason for line in lines for reason in line.reasons]

    async def settles(self, identifier, wanted, channel=None, within=5.0):
        last = {}

        async def reached():
            nonlocal last
            last = await self.counts(identifier, channel)
            return last == wanted

        try:
            await until(reached, within)
        except AssertionError:
            raise AssertionError(f"{last} is not {wanted}") from None

    async def close(self):
        for lane in self.lanes.values():
            await asyncio.to_thread(lane.close)
        await self.store.close()
