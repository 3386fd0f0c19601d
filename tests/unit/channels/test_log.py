import os
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from broadcaster.delivery.contract import (
    Addressing,
    Batch,
    Delivery,
    Env,
    Format,
    Mode,
    Rendition,
    State,
    Variant,
)
from broadcaster.model.cap import Alert, MsgType, Scope, Status
from broadcaster.model.errors import BadInput, DoesNotFit, Transient, Unknown
from channels.log import LIMIT, LogChannel

NOW = datetime(2025, 7, 1, 14, 30, tzinfo=UTC)
ARABIC = "تحذير: أمطار غزيرة\nاذهبوا إلى طابق أعلى"
NUMBER = "+491713920001"


class StoppedClock:
    def now(self):
        return NOW


def rendition(text=ARABIC):
    return Rendition(
        alert="2.49.0.0.276.0.DE.123",
        language="ar",
        direction="rtl",
        variant=Variant.PLAIN,
        format=Format.TEXT,
        text=text,
    )


def batch(channel, *texts):
    return Batch(
        key="b",
        operation=MsgType.UPDATE,
        mode=Mode.EXERCISE,
        alert=Alert(
            identifier="2.49.0.0.276.0.DE.123",
            sender="warnung@example.org",
            sent=NOW,
            status=Status.EXERCISE,
            msg_type=MsgType.UPDATE,
            scope=Scope.PUBLIC,
        ),
        deliveries=tuple(
            Delivery(
                key=f"b/{index}",
                target=NUMBER,
                rendition=rendition(text),
                fitted=channel.fit(rendition(text)),
            )
            for index, text in enumerate(texts)
        ),
    )


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "outbox" / "log"


@pytest.fixture
async def channel(tmp_path, folder):
    env = Env(
        name="log",
        mode=Mode.LIVE,
        data_dir=tmp_path,
        output_dir=folder,
        clock=StoppedClock(),
        random=random.Random(1),
        base_url="https://warnung.example.org",
    )
    async with LogChannel.open(LogChannel.settings({"kind": "log"}), env) as opened:
        yield opened


async def test_each_text_becomes_a_block_and_is_confirmed(channel, folder):
    receipts = await channel.send(batch(channel, ARABIC, "zwei"))

    head = "--- 2025-07-01T14:30:00+00:00 exercise Update 2.49.0.0.276.0.DE.123 ar plain\n"
    written = (folder / "log.txt").read_text(encoding="utf-8")
    assert written == f"{head}{ARABIC}\n\n{head}zwei\n\n"
    assert [(r.key, r.state) for r in receipts] == [
        ("b/0", State.ACCEPTED),
        ("b/1", State.ACCEPTED),
    ]
    assert [receipt async for receipt in channel.receipts()] == []


async def test_a_second_batch_is_added_to_the_first(channel, folder):
    await channel.send(batch(channel, "eins"))
    await channel.send(batch(channel, "zwei"))

    written = (folder / "log.txt").read_text(encoding="utf-8")
    assert written.index("eins") < written.index("zwei")


async def test_no_address_is_logged(channel, folder):
    await channel.send(batch(channel, ARABIC))

    assert NUMBER not in (folder / "log.txt").read_text(encoding="utf-8")


def test_it_claims_no_more_than_it_can(channel):
    assert channel.capabilities.addressing is Addressing.AREA
    assert channel.capabilities.confirms == {State.ACCEPTED}
    assert not channel.capabilities.repeat_is_harmless


def test_the_preview_is_the_bytes_that_are_written(channel):
    fitted = channel.fit(rendition())

    assert fitted.parts == (ARABIC.encode(),)
    assert fitted.shows == ARABIC
    assert (fitted.used, fitted.limit, fitted.unit) == (len(ARABIC.encode()), LIMIT, "bytes")
    assert channel.resources(rendition()) == ()


def test_too_long_a_text_is_refused_with_the_surplus(channel):
    assert channel.fit(rendition("a" * LIMIT)).used == LIMIT
    with pytest.raises(DoesNotFit) as raised:
        channel.fit(rendition("a" * LIMIT + "é"))
    assert (raised.value.surplus, raised.value.unit) == (2, "bytes")


def test_every_key_it_does_not_know_is_told_at_once():
    with pytest.raises(BadInput) as raised:
        LogChannel.settings({"kind": "log", "colour": "red", "size": 1})
    assert [problem.path for problem in raised.value.problems] == ["colour", "size"]


async def test_a_folder_that_cannot_be_made_is_surely_not_sent(channel, folder):
    folder.parent.write_bytes(b"a file where a folder should be")

    with pytest.raises(Transient, match="could not be written"):
        await channel.send(batch(channel, ARABIC))
    with pytest.raises(Transient):
        await channel.ping()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device /dev/full")
async def test_a_disk_that_fills_up_while_writing_leaves_it_unknown(channel, folder):
    folder.mkdir(parents=True)
    os.symlink("/dev/full", folder / "log.txt")

    with pytest.raises(Unknown, match="No space left"):
        await channel.send(batch(channel, ARABIC))


async def test_ping_writes_nothing(channel, folder):
    assert "can be written" in await channel.ping()
    assert (folder / "log.txt").read_bytes() == b""
