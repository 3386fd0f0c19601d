"""A desk in a small city's office: a log, phones and cells whose far sides remember."""

from dataclasses import replace

import yaml

from broadcaster.app.composition import App
from broadcaster.app.desk import Desk
from broadcaster.config import load
from broadcaster.delivery import registry
from broadcaster.delivery.contract import Addressing, Variant
from broadcaster.model.cap import MsgType
from broadcaster.store.port import Subscription
from broadcaster.testing import NOON, FakeClock, FlakyChannel
from broadcaster.testing.channels import CAPABILITIES

CONFIG = {
    "city": "Dortmund",
    "areas": "areas/dortmund.geojson",
    "sender": "warnung@example.org",
    "sender_name": "Stadt Dortmund",
    "identifier_prefix": "de-example",
    "base_url": "https://warnung.example.org",
    "languages": ["de", "tr"],
    "channels": {
        "notes": {"kind": "log", "review": "drafted", "exercise": {}},
        "texts": {"kind": "phones", "exercise": {}, "timeout": 5},
        "cells": {"kind": "cells", "timeout": 5},
        "site": {"kind": "site", "exercise": {}},
    },
    "route": {
        "name": "everyone",
        "channels": ["notes", "site"],
        "routes": [
            {
                "name": "serious",
                "match": {"severity": ["Moderate", "Severe", "Extreme"]},
                "channels": ["texts"],
            },
            {"name": "worst", "match": {"severity": ["Extreme"]}, "channels": ["cells"]},
        ],
    },
    "officers": [
        {"name": "A. Muster", "os_user": "muster"},
        {"name": "B. Beispiel", "os_user": "beispiel"},
        {"name": "C. Probe", "os_user": "probe", "roles": ["approve"]},
    ],
    "approval": [
        {"match": {"severity": ["Extreme"], "status": ["Actual"]}, "channels": ["texts", "cells"]}
    ],
    "exercise_recipients": ["+4917139200990"],
}
HEAT = {"hazard": "heat", "level": "2", "area": "dortmund", "expires": "6h"}
WORST = {**HEAT, "level": "3"}


class Office:
    def __init__(self, folder, **config):
        self.folder = folder
        self.clock = FakeClock(NOON)
        text = replace(CAPABILITIES, max_batch=50)
        short = replace(text, addressing=Addressing.RECIPIENTS, variants=(Variant.SHORT,))
        self.phones = FlakyChannel.kind_of("phones", capabilities=short)
        self.cells = FlakyChannel.kind_of("cells", capabilities=text)
        self.site = FlakyChannel.kind_of(
            "site",
            capabilities=replace(text, addressing=Addressing.PUBLISHED, repeat_is_harmless=True),
        )
        self.file = folder / "config.yaml"
        self.configure(**config)

    def configure(self, **config):
        self.file.write_text(
            yaml.safe_dump({**CONFIG, **config}, allow_unicode=True), encoding="utf-8"
        )

    def plugins(self, kind, path):
        own = {"phones": self.phones, "cells": self.cells, "site": self.site}
        return own.get(kind) or registry.find(kind, path)

    async def open(self):
        self.app = App(load(self.file), self.folder / "var", clock=self.clock, plugins=self.plugins)
        await self.app.open()
        await self.app.start()
        self.desk = Desk(self.app)
        return self

    async def close(self):
        await self.app.close()

    async def restart(self):
        await self.close()
        return await self.open()

    async def subscribe(self, count=1):
        await self.app.store.subscribe(
            "texts",
            [
                Subscription(address=f"+4917139200{n:05}", language="de", variant="short")
                for n in range(count)
            ],
            self.clock.now(),
        )

    async def ask(self, command, user="muster", **arguments):
        """The events of one request, and its exit code."""
        arguments.setdefault("wait", 5)
        request = {"command": command, "arguments": arguments, "user": user}
        found = [event async for event in self.desk.handle(request)]
        assert found[-1]["event"] == "end"
        return found, found[-1]["exit"]

    async def does(self, command, user="muster", **arguments):
        """The identifier of what was committed; fails unless it went well."""
        found, code = await self.ask(command, user, **arguments)
        (committed,) = [e for e in found if e["event"] == "committed"]
        assert code == (5 if committed["held"] else 0), found[-3:]
        return committed["identifier"]

    async def result(self, command, user="muster", **arguments):
        found, _ = await self.ask(command, user, **arguments)
        (event,) = [e for e in found if e["event"] == "result"]
        return event["result"]

    async def refused(self, command, user="muster", **arguments):
        """The words and the exit code of a refusal."""
        found, code = await self.ask(command, user, **arguments)
        assert not [e for e in found if e["event"] == "committed"]
        (event,) = [e for e in found if e["event"] == "problems"]
        assert all(p["says"] for p in event["problems"])
        return "; ".join(f"{p['path']}: {p['says']}" for p in event["problems"]), code

    def left(self):
        """Everything that went to anybody, as (channel, mode, operation)."""
        return [
            (kind.kind, batch.mode.value, batch.operation)
            for kind in (self.phones, self.cells, self.site)
            for batch in kind.attempts
        ]


ALERT, UPDATE, CANCEL = MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL
