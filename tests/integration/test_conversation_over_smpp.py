"""Residents write to a city over an SMSC of others, and the city answers and warns them."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import yaml

from broadcaster.app.composition import App
from broadcaster.app.desk import Desk
from broadcaster.config import load
from broadcaster.testing import FakeClock
from tests.peers.fake_smsc import PHONE
from tests.peers.smpp_smsc import NodeSmsc, node_smsc
from tests.unit.app.desk_bench import CONFIG, HEAT

npm = pytest.mark.peer("node", "npm:smpp")
ANNA, BORYS, CANAN = (f"{PHONE}{n:02}" for n in range(1, 4))


def settings(folder: Path, port: int) -> Path:
    (folder / "password").write_text("secret12", encoding="ascii")
    (folder / "password").chmod(0o600)
    texts = {
        "kind": "sms",
        "gateway": "smpp",
        "review": "drafted",
        "sender": "80888",
        "driver": {
            "country": "49",
            "routes": [
                {
                    "name": "north",
                    "host": "127.0.0.1",
                    "port": port,
                    "system_id": "dortmund",
                    "password_file": str(folder / "password"),
                }
            ],
        },
    }
    path = folder / "config.yaml"
    city = {
        **CONFIG,
        "languages": ["de", "tr", "uk"],
        "channels": {"texts": texts},
        "route": {"name": "everyone", "channels": ["texts"]},
        "approval": [],
    }
    path.write_text(yaml.safe_dump(city, allow_unicode=True), encoding="utf-8")
    return path


class City:
    """A city's program and the SMSC that it is bound to."""

    def __init__(self, app: App, smsc: NodeSmsc) -> None:
        self.app, self.smsc = app, smsc
        self._acknowledged = 0

    async def hears(self, who: str, text: str, answers: int) -> list[dict[str, Any]]:
        """Somebody writes; the segments of all answers so far, of which there are so many."""
        self._acknowledged += 1
        self.smsc.tell(
            deliver={
                "source_addr": who,
                "source_addr_ton": 1,
                "destination_addr": "80888",
                "short_message": text,
                "data_coding": 0 if text.isascii() else 8,
            }
        )
        await self.smsc.hear("answered", self._acknowledged)
        return [one["pdu"] for one in await self.smsc.hear("pdu", answers)]

    async def subscribed(self) -> dict[str, int]:
        return {tag: n for (tag, _), n in (await self.app.store.subscribers("texts")).items()}


def text(*pdus: dict[str, Any]) -> str:
    return "".join(pdu["short_message"]["message"] for pdu in pdus)


@npm
async def test_residents_subscribe_change_the_language_leave_and_only_the_others_are_warned(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with node_smsc() as (smsc, port):
        app = App(load(settings(tmp_path, port)), tmp_path / "var", clock=FakeClock())
        assert not app.problems
        await app.open()
        await app.start()
        try:
            city = City(app, smsc)
            await smsc.hear("bind")
            smsc.tell(tell=True)

            (welcome,) = await city.hears(ANNA, "Start!", 1)
            assert (welcome["destination_addr"], welcome["source_addr"]) == (ANNA, "80888")
            assert text(welcome).startswith("Stadt Dortmund: ")
            assert await city.subscribed() == {"de": 1}

            second = (await city.hears(BORYS, "СТАРТ", 3))[1:]
            assert {pdu["destination_addr"] for pdu in second} == {BORYS}
            assert "STOP" in text(*second)
            third = (await city.hears(CANAN, "başlat 🙏", 5))[3:]
            assert {pdu["data_coding"] for pdu in third} == {8}
            assert await city.subscribed() == {"de": 1, "tr": 1, "uk": 1}

            await city.hears(BORYS, "LANG Türkçe", 7)
            await city.hears(CANAN, "İPTAL", 9)
            (emergency,) = (await city.hears(ANNA, "HILFE mein Haus brennt", 10))[9:]
            assert "112" in text(emergency)
            assert await city.subscribed() == {"de": 1, "tr": 1}

            request = {
                "command": "issue",
                "arguments": {"fields": HEAT, "wait": 10},
                "user": "muster",
            }
            events = [event async for event in Desk(app).handle(request)]
            assert events[-1] == {"event": "end", "exit": 0}, json.dumps(events[-3:])
            warned = {one["pdu"]["destination_addr"] for one in (await smsc.hear("pdu", 12))[10:]}
            assert warned == {ANNA, BORYS}
            assert {one["answered"] for one in smsc.said if "answered" in one} == {0}
        finally:
            await app.close()
    assert PHONE not in caplog.text
    assert "brennt" not in caplog.text
