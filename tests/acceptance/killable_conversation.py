"""Listens to residents who write, and answers them; made to be killed.

Run as ``python -m tests.acceptance.killable_conversation DATA``.  The far side is two folders'
worth of files: a message stays in ``mo`` until it is told that it was taken, and every answer that
a phone gets is a line of ``said.txt``.  Prints ``ready`` when it listens; ends when the file
``enough`` is there and nothing is left to do.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import apsw

from broadcaster.app.answers import Offer, Phrases
from broadcaster.app.conversation import Conversation
from broadcaster.clock import SystemClock
from broadcaster.delivery.contract import Addressing, Heard, Mode, Receipt, State, Variant
from broadcaster.delivery.lane import Lane
from broadcaster.paths import shipped
from broadcaster.store.sqlite import SqliteStore
from broadcaster.testing import RecordingChannel, env
from broadcaster.testing.channels import CAPABILITIES
from broadcaster.text.library import Library
from tests.acceptance.killable import Words

CLOCK = SystemClock("Europe/Berlin")


class Letterbox(RecordingChannel):
    """A far side of files."""

    can = replace(CAPABILITIES, addressing=Addressing.RECIPIENTS, variants=(Variant.SHORT,))

    async def heard(self) -> AsyncIterator[Heard]:
        given: set[str] = set()
        while True:
            for file in sorted((self.env.data_dir.parent / "mo").glob("*.json")):
                if file.name in given:
                    continue
                given.add(file.name)
                who, text = json.loads(file.read_text(encoding="utf-8"))

                async def kept(file: Path = file) -> None:
                    await asyncio.to_thread(file.unlink)

                yield Heard(key=file.stem, address=who, text=text, at=CLOCK.now(), kept=kept)
            await asyncio.sleep(0.005)

    async def say(
        self, address: str, text: str, *, language: str, key: str, validity: timedelta
    ) -> Receipt:
        await asyncio.to_thread(self._append, f"{key} {address} {language}\n")
        return Receipt(key=key, state=State.ACCEPTED)

    def _append(self, line: str) -> None:
        with (self.env.data_dir.parent / "said.txt").open("a", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())


def at_rest(data: Path) -> bool:
    """Whether everything that was written has been taken, done and answered."""
    if not (data / "enough").exists() or any((data / "mo").glob("*.json")):
        return False
    with apsw.Connection(str(data / "broadcaster.db"), flags=apsw.SQLITE_OPEN_READONLY) as db:
        return not db.execute("SELECT 1 FROM inbox WHERE state <> 'settled'").fetchone()


async def main(data: Path) -> None:
    store = SqliteStore(data)
    library = Library.load(shipped("templates"), shipped("locales"), "Europe/Berlin")
    offer = Offer(
        channel="texts",
        languages=("de", "tr"),
        variants=(Variant.SHORT,),
        sender="Stadt Dortmund",
        url="https://example.org",
    )
    lane = Lane(
        type_=Letterbox,
        settings=None,
        store=store,
        source=Words(),
        clock=CLOCK,
        owner=str(os.getpid()),
        timeout=30,
        on_progress=lambda _: None,
        env=replace(env(data, name="texts", mode=Mode.LIVE, clock=CLOCK), data_dir=data / "state"),
    )
    conversation = Conversation(
        lane="texts",
        offer=offer,
        phrases=Phrases(library, offer),
        keywords=library.keywords,
        inbox=store.inbox,
        clock=CLOCK,
    )
    lane.accompany(conversation.run)
    await asyncio.to_thread(lane.open)
    assert not lane.trouble, lane.trouble
    await asyncio.to_thread(lane.start)
    print("ready", flush=True)
    while True:
        if at_rest(data):
            break
        await asyncio.sleep(0.02)
    await asyncio.to_thread(lane.close)
    await store.close()
    print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
