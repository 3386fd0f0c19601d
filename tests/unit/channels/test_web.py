"""The web channel; what it shares with the feed channel is tested here for both."""

import asyncio
import random
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from broadcaster.delivery.contract import (
    Addressing,
    Batch,
    Channel,
    Delivery,
    Document,
    Env,
    Fitted,
    Format,
    Mode,
    Rendition,
    State,
    Variant,
)
from broadcaster.model.cap import Alert, MsgType, Scope, Status
from broadcaster.model.errors import BadInput, DoesNotFit, Permanent, Unsupported
from channels.feed import FeedChannel
from channels.web import WebChannel

BOTH = pytest.mark.parametrize("kind", [WebChannel, FeedChannel])
SENT = datetime(2026, 11, 24, 14, 30, tzinfo=ZoneInfo("Europe/Berlin"))
ALERT = Alert(
    identifier="DO-1",
    sender="warnung@example.org",
    sent=SENT,
    status=Status.ACTUAL,
    msg_type=MsgType.ALERT,
    scope=Scope.PUBLIC,
)


class FixedClock:
    def now(self) -> datetime:
        return SENT


def env(tmp_path: Path) -> Env:
    return Env(
        name="pages",
        mode=Mode.LIVE,
        data_dir=tmp_path / "data",
        output_dir=tmp_path / "www",
        clock=FixedClock(),
        random=random.Random(1),
        base_url="https://warn.example.org",
    )


def rendition(text: str, format_: Format) -> Rendition:
    return Rendition(
        alert="DO-1",
        language="ar",
        direction="rtl",
        variant=Variant.PLAIN,
        format=format_,
        text=text,
    )


def batch(documents: dict[str, str], removes: tuple[str, ...] = ()) -> Batch:
    fitted = Fitted(parts=(b"x",), shows="x", used=1, limit=9, unit="bytes")
    return Batch(
        key="k",
        operation=MsgType.ALERT,
        mode=Mode.LIVE,
        alert=ALERT,
        deliveries=tuple(
            Delivery(
                key=f"k{n}", target="public", rendition=rendition("x", Format.HTML), fitted=fitted
            )
            for n in range(3)
        ),
        documents=tuple(
            Document(path=path, media_type="text/html", data=text.encode())
            for path, text in documents.items()
        ),
        removes=removes,
    )


@BOTH
async def test_a_batch_is_published_and_each_delivery_accepted(kind: Any, tmp_path: Path):
    async with kind.open(kind.settings({"kind": kind.kind}), env(tmp_path)) as channel:
        assert isinstance(channel, Channel)
        receipts = await channel.send(batch({"ar/index.html": "تحذير", "old.html": "x"}))
        again = await channel.send(batch({"ar/index.html": "تحذير"}, removes=("old.html",)))

    assert [(r.key, r.state) for r in receipts] == [(f"k{n}", State.ACCEPTED) for n in range(3)]
    assert len(again) == 3
    assert (tmp_path / "www/ar/index.html").read_text() == "تحذير"
    assert not (tmp_path / "www/old.html").exists()


async def test_web_and_feed_share_one_site_at_the_same_time(tmp_path: Path):
    async with (
        WebChannel.open(None, env(tmp_path)) as web,
        FeedChannel.open(None, env(tmp_path)) as feed,
    ):
        await asyncio.gather(
            web.send(batch({"de/index.html": "Seite"})), feed.send(batch({"cap/A.xml": "<a/>"}))
        )

    assert (tmp_path / "www/de/index.html").read_text() == "Seite"
    assert (tmp_path / "www/cap/A.xml").read_text() == "<a/>"


async def test_opening_makes_the_folder_that_recordings_go_into(tmp_path: Path):
    async with WebChannel.open(None, env(tmp_path)):
        assert (tmp_path / "www" / "audio").is_dir()


async def test_a_changed_cap_document_is_refused_for_good(tmp_path: Path):
    async with FeedChannel.open(None, env(tmp_path)) as feed:
        await feed.send(batch({"cap/A.xml": "<a/>"}))
        with pytest.raises(Permanent, match=r"cap/A\.xml"):
            await feed.send(batch({"cap/A.xml": "<b/>"}))


@BOTH
async def test_a_document_goes_out_as_it_was_approved(kind: Any, tmp_path: Path):
    text = "مياه &amp; \u200d — п'ять"
    async with kind.open(None, env(tmp_path)) as channel:
        fitted = channel.fit(rendition(text, channel.capabilities.formats[0]))

    assert fitted.parts == (text.encode(),)
    assert fitted.shows == text
    assert fitted.used == len(text.encode())


@BOTH
async def test_what_is_too_large_or_of_another_form_is_refused(kind: Any, tmp_path: Path):
    async with kind.open(None, env(tmp_path)) as channel:
        with pytest.raises(DoesNotFit) as caught:
            channel.fit(rendition("x" * 2_000_007, channel.capabilities.formats[0]))
        with pytest.raises(Unsupported):
            channel.fit(rendition("x", Format.TEXT))

    assert (caught.value.surplus, caught.value.unit) == (7, "bytes")


@BOTH
def test_unknown_settings_are_all_named_at_once(kind: Any):
    with pytest.raises(BadInput) as caught:
        kind.settings({"kind": kind.kind, "directory": "x", "url": "y"})

    assert [problem.path for problem in caught.value.problems] == ["directory", "url"]


@BOTH
async def test_a_link_test_says_that_the_site_can_be_published(kind: Any, tmp_path: Path):
    async with kind.open(None, env(tmp_path)) as channel:
        assert "can be published" in await channel.ping()
        assert [receipt async for receipt in channel.receipts()] == []


def test_the_web_channel_publishes_pages():
    assert WebChannel.kind == "web"
    assert WebChannel.capabilities.formats == (Format.HTML,)
    assert WebChannel.capabilities.addressing is Addressing.PUBLISHED
    assert WebChannel.capabilities.repeat_is_harmless
