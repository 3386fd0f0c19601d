"""Sign-ups of a configured city: whose texts can be ordered, and the code's way to the network."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from broadcaster.app.composition import App
from broadcaster.app.signup import VALIDITY, SignUps, offered, open_signups
from broadcaster.config import load
from broadcaster.delivery.contract import Mode
from broadcaster.model.errors import BadInput, Permanent
from broadcaster.model.rendition import Variant
from broadcaster.server.serve import subscribe_door
from broadcaster.store.port import Subscription

PHONE = "+4917139200012"
CITY = """
city: Dortmund
areas: areas/dortmund.geojson
sender: warnung@dortmund.example
sender_name: Stadt Dortmund
identifier_prefix: de-nw-dortmund
base_url: https://warn.example.org
languages: [de, en, ar]
channels:
  pages: {kind: web}
  texts: {kind: sms, languages: [de, ar], variants: [short], review: drafted}
  reviewed: {kind: sms}
route: {channels: [pages, texts, reviewed]}
"""


@asynccontextmanager
async def city(folder: Path, more: str = "") -> AsyncIterator[App]:
    path = folder / "config.yaml"
    path.write_text(CITY + more, encoding="utf-8")
    app = App(load(path), folder / "var")
    await app.open()
    try:
        yield app
    finally:
        await app.close()


async def test_what_can_be_ordered_is_what_the_channel_sends(tmp_path: Path) -> None:
    async with city(tmp_path, "subscribe: {channel: texts, countries: [DE, NL]}") as app:
        offer = offered(app)
        assert offer is not None
        assert offer.texts == (("de", "short"), ("ar", "short"))
        assert offer.countries == ("DE", "NL")
        assert "dortmund-hoerde" in offer.areas
        assert "dortmund" not in offer.areas
        assert app.site(Mode.LIVE).subscribe
        assert not app.site(Mode.EXERCISE).subscribe


async def test_a_draft_that_the_channel_leaves_out_cannot_be_ordered(tmp_path: Path) -> None:
    async with city(tmp_path, "subscribe: {channel: reviewed}") as app:
        offer = offered(app)
        level = app.library.catalogue("ar", Variant.STANDARD).review.level
        assert level == "drafted", "choose another language: this one was reviewed"
        assert offer is None or ("ar", "short") not in offer.texts


@pytest.mark.parametrize("more", ["", "subscribe: {channel: pages}"])
async def test_nothing_can_be_ordered_without_a_channel_that_writes_to_people(
    more: str, tmp_path: Path
) -> None:
    async with city(tmp_path, more) as app:
        assert open_signups(app) is None
        assert subscribe_door(app, None).routes()
        with pytest.raises(Permanent):
            await app.lanes["pages"].say(PHONE, "x", language="de", key="k", validity=VALIDITY)


async def test_a_code_goes_to_the_gateway_of_the_channel_and_makes_its_subscriber(
    tmp_path: Path,
) -> None:
    async with city(tmp_path, "subscribe: {channel: texts}") as app:
        signups = _quick(open_signups(app))
        token = await signups.order(
            Subscription(address=PHONE, language="ar", variant="short"), "192.0.2.1"
        )
        assert token is not None
        await signups.stop()
        handed = _only_file(tmp_path / "var" / "outbox" / "texts")
        assert handed["deliveries"][0]["to"] == PHONE
        assert handed["language"] == "ar"
        assert "Stadt Dortmund" in handed["text"]
        assert len(handed["segments"]) <= 2
        (code,) = re.findall(r"\d{6}", handed["text"])
        assert await signups.confirm(token, code, leaves=False)
        assert await app.store.subscribers("texts") == {("ar", "short"): 1}
        assert _mode(tmp_path / "var" / "keys" / "forms.key") == 0o600


async def test_a_page_from_before_a_restart_still_takes_its_code(tmp_path: Path) -> None:
    wish = Subscription(address=PHONE, language="de", variant="short")
    async with city(tmp_path, "subscribe: {channel: texts}") as app:
        before = _quick(open_signups(app))
        token = await before.order(wish, "192.0.2.1")
        await before.stop()
    (code,) = re.findall(r"\d{6}", _only_file(tmp_path / "var" / "outbox" / "texts")["text"])
    async with city(tmp_path, "subscribe: {channel: texts}") as app:
        after = _quick(open_signups(app))
        assert token is not None
        assert await after.confirm(token, code, leaves=False)


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ("subscribe: {channel: fax}", "subscribe.channel"),
        ("subscribe: {}", "subscribe.channel"),
        ("subscribe: {channel: texts, countries: [Germany]}", "subscribe.countries"),
        ("subscribe: {channel: texts, countries: [NO]}", "subscribe.countries"),
        ("subscribe: {channel: texts, countries: []}", "subscribe.countries"),
        ("subscribe: {channel: texts, codes_per_hour: 0}", "subscribe.codes_per_hour"),
        ("subscribe: {channel: texts, codes_per_hour: yes}", "subscribe.codes_per_hour"),
        ("subscribe: {channel: texts, proxies: [proxy.example]}", "subscribe.proxies"),
        ("subscribe: {channel: texts, captcha: true}", "subscribe.captcha"),
        ("subscribe: texts", "subscribe"),
    ],
)
def test_a_wrong_setting_is_named(said: str, path: str, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(CITY + said, encoding="utf-8")
    with pytest.raises(BadInput) as error:
        load(file)
    assert path in {problem.path for problem in error.value.problems}


def _quick(signups: SignUps | None) -> SignUps:
    assert signups is not None
    signups._pause = (0, 0)
    return signups


def _only_file(folder: Path) -> Any:
    (path,) = folder.glob("*.json")
    return json.loads(path.read_text(encoding="utf-8"))


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
