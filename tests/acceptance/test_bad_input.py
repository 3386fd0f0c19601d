"""Whatever is wrong with the input, the officer gets a list of problems and nothing is lost."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from broadcaster.app.composition import App
from broadcaster.app.desk import Desk
from broadcaster.config import load
from tests.acceptance.city import config, quiet_channels

HEAT: dict[str, Any] = {"hazard": "heat", "level": "2", "area": "dortmund", "expires": "6h"}
CAP = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
<identifier>x.1</identifier><sender>s@example.org</sender><sent>{sent}</sent>
<status>{status}</status><msgType>{msg_type}</msgType><scope>{scope}</scope>{extra}
<info><language>de</language><category>Met</category><event>Sturm</event><urgency>Immediate</urgency>
<severity>Severe</severity><certainty>Observed</certainty><expires>{expires}</expires>
<headline>Sturm</headline><description>Es stürmt.</description>
<area><areaDesc>Dortmund</areaDesc><polygon>{polygon}</polygon></area></info></alert>"""
INSIDE = "51.50,7.40 51.52,7.40 51.52,7.45 51.50,7.40"


def draft(**changes: Any) -> dict[str, Any]:
    """The heat draft with changes; a value of None removes the field."""
    fields = {**HEAT, **changes}
    return {"fields": {name: value for name, value in fields.items() if value is not None}}


def text(yaml: str) -> dict[str, Any]:
    return {"draft": {"name": "draft.yaml", "text": yaml}}


def at(hours: float) -> str:
    """An instant so many hours from now."""
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="seconds")


def relay(data: bytes | str) -> dict[str, Any]:
    raw = data.encode() if isinstance(data, str) else data
    return {"name": "alert.xml", "data": base64.b64encode(raw).decode()}


def polygon(points: str) -> dict[str, Any]:
    return draft(area=[{"polygon": points}])


# name: (command, arguments, a word of the place, a word of what is said)
CASES: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "no such command": ("explode", {}, "command", "no command"),
    "empty draft": ("issue", {"fields": {}}, "hazard", "missing"),
    "hazard missing": ("issue", draft(hazard=None), "hazard", "missing"),
    "unknown hazard": ("issue", draft(hazard="zombies"), "hazard", "catalogue"),
    "level missing": ("issue", draft(level=None), "level", "missing"),
    "level too high": ("issue", draft(level="7"), "level", "no level"),
    "level in words nobody uses": ("issue", draft(level="awful"), "level", "no level"),
    "level negative": ("issue", draft(level="-1"), "level", "no level"),
    "area missing": ("issue", draft(area=None), "area", "missing"),
    "area unknown": ("issue", draft(area="Atlantis"), "area", "Atlantis"),
    "one of two areas unknown": (
        "issue",
        draft(area=["dortmund", "Nirgendwo"]),
        "area",
        "Nirgendwo",
    ),
    "polygon open": ("issue", polygon("51.50,7.40 51.52,7.40 51.52,7.45"), "polygon", ""),
    "polygon crosses itself": (
        "issue",
        polygon("51.50,7.40 51.52,7.45 51.52,7.40 51.50,7.45 51.50,7.40"),
        "polygon",
        "",
    ),
    "polygon of two points": ("issue", polygon("51.50,7.40 51.50,7.40"), "polygon", ""),
    "polygon of words": ("issue", polygon("here there everywhere here"), "polygon", ""),
    "polygon off the globe": (
        "issue",
        polygon("99.0,7.40 99.1,7.40 99.1,7.45 99.0,7.40"),
        "polygon",
        "",
    ),
    "polygon not a number": (
        "issue",
        polygon("nan,7.40 51.5,7.40 51.5,7.45 nan,7.40"),
        "polygon",
        "",
    ),
    "latitude and longitude swapped": (
        "issue",
        polygon("7.40,51.50 7.40,51.52 7.45,51.52 7.40,51.50"),
        "area",
        "",
    ),
    "polygon in another city": (
        "issue",
        polygon("52.50,13.40 52.52,13.40 52.52,13.45 52.50,13.40"),
        "area",
        "",
    ),
    "circle without radius": ("issue", draft(area=[{"circle": "51.5,7.4"}]), "circle", ""),
    "circle with a negative radius": (
        "issue",
        draft(area=[{"circle": "51.5,7.4 -3"}]),
        "circle",
        "",
    ),
    "area of an unknown form": ("issue", draft(area=[{"square": "1"}]), "area", ""),
    "expires missing": ("issue", draft(expires=None), "expires", "missing"),
    "expires in the past": ("issue", draft(expires="2020-01-01T00:00"), "expires", "past"),
    "expires in a year": ("issue", draft(expires="365d"), "expires", "days away"),
    "expires is no time": ("issue", draft(expires="soon"), "expires", "no time"),
    "expires at a date that does not exist": (
        "issue",
        draft(expires="2027-02-30T10:00"),
        "expires",
        "",
    ),
    "expires overflows": ("issue", draft(expires="999999999999h"), "expires", ""),
    "onset after the end": ("issue", draft(onset=at(5), expires=at(3)), "onset", "before"),
    "release after the end": ("issue", draft(release=at(5), expires=at(3)), "release", "before"),
    "release long ago": ("issue", draft(release="2020-01-01T00:00"), "release", "past"),
    "unknown field": ("issue", draft(colour="red"), "colour", "no field"),
    "unknown parameter": ("issue", draft(parameters={"wind": "3"}), "parameters.wind", "no such"),
    "parameter no number": (
        "issue",
        draft(parameters={"temperature": "hot"}),
        "temperature",
        "no number",
    ),
    "parameter not plausible": (
        "issue",
        draft(parameters={"temperature": "380"}),
        "temperature",
        "plausible",
    ),
    "parameter not finite": ("issue", draft(parameters={"temperature": "nan"}), "temperature", ""),
    "parameters no mapping": ("issue", draft(parameters="38"), "parameters", "mapping"),
    "a parameter that needs another": (
        "issue",
        draft(hazard="heavy_rain", parameters={"period": "6"}),
        "period",
        "without",
    ),
    "unknown action": ("issue", draft(actions="dance"), "actions", "no action"),
    "an action twice": ("issue", draft(actions=["drink", "drink"]), "actions", "twice"),
    "no action at all": ("issue", draft(actions=[]), "actions", "empty"),
    "note in an unknown language": (
        "issue",
        draft(note={"text": "hi", "language": "xx"}),
        "note.language",
        "no language",
    ),
    "note too long": ("issue", draft(note="a" * 500), "note", "letters"),
    "note with a tag": ("issue", draft(note="<b>run</b>"), "note", "tags"),
    "note with control characters": ("issue", draft(note="run\x07now"), "note", "control"),
    "status nobody knows": ("issue", draft(status="Perhaps"), "status", "no status"),
    "exercise without a name": ("issue", draft(status="Exercise"), "exercise", "name"),
    "real and exercise at once": (
        "issue",
        draft(status="Actual", exercise="Spring"),
        "exercise",
        "",
    ),
    "a test that says it is real": (
        "issue",
        draft(hazard="test", level=None, status="Actual"),
        "status",
        "never Actual",
    ),
    "severity nobody knows": ("issue", draft(severity="Awful"), "severity", "CAP"),
    "urgency nobody knows": ("issue", draft(urgency="Now"), "urgency", "CAP"),
    "repeat every minute": ("issue", draft(repeat="1m"), "repeat", "15 minutes"),
    "language not offered": ("issue", draft(languages="de fr"), "languages", "not offered"),
    "source language left out": ("issue", draft(languages="en"), "languages", "source"),
    "YAML that is none": ("issue", text("hazard: [heat"), "draft.yaml:", "YAML"),
    "YAML with tabs": ("issue", text("hazard:\n\tx: y"), "draft.yaml:", "YAML"),
    "YAML that is a list": ("issue", text("- heat"), "draft.yaml", "not a draft"),
    "YAML that is empty": ("issue", text(""), "draft.yaml", "not a draft"),
    "YAML with a field twice": ("issue", text("level: 1\nlevel: 3\n"), "draft.yaml", "twice"),
    "YAML that unfolds to gigabytes": (
        "issue",
        text("a: &a [x,x]\nb: &b [*a,*a]\nhazard: *b\n"),
        "draft.yaml",
        "alias",
    ),
    "YAML nested without end": ("issue", text("[" * 5000), "draft.yaml", ""),
    "a draft of two megabytes": (
        "issue",
        text("hazard: " + "a" * 2_000_000),
        "draft.yaml",
        "bytes",
    ),
    "update of nothing": ("update", {"id": "nope", "fields": {}}, "id", "no alert"),
    "extend without a time": ("extend", {"id": "nope"}, "id", "no alert"),
    "cancel without a reason": ("cancel", {"id": "nope"}, "reason", "missing"),
    "cancel of nothing": ("cancel", {"id": "nope", "reason": "over"}, "id", "no alert"),
    "approve nothing": ("approve", {"id": "nope"}, "id", "no alert"),
    "status of nothing": ("status", {"id": ""}, "id", "no alert"),
    "relay of nothing": ("relay", relay(""), "", ""),
    "relay of what is not base64": ("relay", {"name": "x", "data": "%%%"}, "data", "base64"),
    "relay of words": ("relay", relay("hello"), "", ""),
    "relay of another XML": ("relay", relay("<html/>"), "", ""),
    "relay of a billion laughs": (
        "relay",
        relay('<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><alert>&c;</alert>'),
        "",
        "",
    ),
    "relay that reads a file": (
        "relay",
        relay('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><alert>&x;</alert>'),
        "",
        "",
    ),
    "relay of 20 MB": ("relay", relay(b"<alert>" + b" " * 20_000_000 + b"</alert>"), "", ""),
    "relay that is cut off": ("relay", relay("<alert><identifier>x"), "", ""),
    "relay without an identifier": (
        "relay",
        relay(CAP.replace("<identifier>x.1</identifier>", "")),
        "",
        "",
    ),
    "relay of an alert that has ended": (
        "relay",
        relay(
            CAP.format(
                sent="2020-01-01T00:00:00+01:00",
                expires="2020-01-01T06:00:00+01:00",
                status="Actual",
                msg_type="Alert",
                scope="Public",
                extra="",
                polygon=INSIDE,
            )
        ),
        "expires",
        "ended",
    ),
    "relay of a private message": (
        "relay",
        relay(
            CAP.format(
                sent="2026-01-01T00:00:00+01:00",
                expires="2036-01-01T06:00:00+01:00",
                status="Actual",
                msg_type="Alert",
                scope="Private",
                extra="<addresses>a@example.org</addresses>",
                polygon=INSIDE,
            )
        ),
        "scope",
        "Private",
    ),
    "relay of an alert for elsewhere": (
        "relay",
        relay(
            CAP.format(
                sent="2026-01-01T00:00:00+01:00",
                expires="2036-01-01T06:00:00+01:00",
                status="Actual",
                msg_type="Alert",
                scope="Public",
                extra="",
                polygon="52.50,13.40 52.52,13.40 52.52,13.45 52.50,13.40",
            )
        ),
        "area",
        "touch",
    ),
    "relay from a clock that is days ahead": (
        "relay",
        relay(
            CAP.format(
                sent="2035-01-01T00:00:00+01:00",
                expires="2036-01-01T06:00:00+01:00",
                status="Actual",
                msg_type="Alert",
                scope="Public",
                extra="",
                polygon=INSIDE,
            )
        ),
        "sent",
        "yet to come",
    ),
    "relay of an all-clear for what was never relayed": (
        "relay",
        relay(
            CAP.format(
                sent="2026-01-01T00:00:00+01:00",
                expires="2036-01-01T06:00:00+01:00",
                status="Actual",
                msg_type="Cancel",
                scope="Public",
                polygon=INSIDE,
                extra="<references>s@example.org,x.0,2026-01-01T00:00:00+01:00</references>",
            )
        ),
        "references",
        "relayed here",
    ),
    "subscriber on no channel": (
        "subscribers",
        {"action": "add", "channel": "x", "address": "+4917139200011"},
        "channel",
        "",
    ),
    "subscriber without a number": (
        "subscribers",
        {"action": "add", "channel": "texts", "address": "call me"},
        "address",
        "number",
    ),
    "subscriber in a language that is not offered": (
        "subscribers",
        {"action": "add", "channel": "texts", "address": "+4917139200011", "language": "xx"},
        "address",
        "offered",
    ),
    "import with three bad lines": (
        "subscribers",
        {
            "action": "import",
            "channel": "texts",
            "csv": "address,language\nx,de\n+4917139200011,xx\n,de\n",
        },
        "line",
        "",
    ),
    "nothing to do with subscribers": (
        "subscribers",
        {"action": "dance", "channel": "texts"},
        "action",
        "",
    ),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    folder = tmp_path_factory.mktemp("city")
    app = App(load(config(folder, **quiet_channels("texts", "cells"))), folder / "var")
    await app.open()
    await app.start()
    yield app
    await app.close()


async def ask(
    app: App, command: str, arguments: dict[str, Any]
) -> tuple[int, list[dict[str, Any]]]:
    events = [
        event
        async for event in Desk(app).handle(
            {"command": command, "arguments": arguments, "user": "officer"}
        )
    ]
    assert events[-1]["event"] == "end"
    return events[-1]["exit"], events


def test_the_table_is_as_long_as_promised() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize("name", CASES)
@pytest.mark.asyncio(loop_scope="module")
async def test_it_is_a_list_of_problems_and_nothing_is_sent(app: App, name: str) -> None:
    command, arguments, place, says = CASES[name]
    before = await app.store.alerts()
    code, events = await ask(app, command, arguments)
    assert code in (2, 5), events
    problems = [p for event in events if event["event"] == "problems" for p in event["problems"]]
    assert problems, events
    assert any(place in p["path"] and says in p["says"] for p in problems), problems
    assert all(p["says"] for p in problems)
    assert any(p["remedy"] for p in problems) or command == "relay", problems
    assert await app.store.alerts() == before, "nothing was committed"
    assert await app.store.verify() == []


@pytest.mark.asyncio(loop_scope="module")
async def test_what_came_in_is_kept_even_when_it_is_refused(app: App) -> None:
    entries = [e for e in await app.store.audit() if e.action == "intake"]
    await ask(app, "relay", relay("<html>evidence</html>"))
    after = [e for e in await app.store.audit() if e.action == "intake"]
    assert len(after) == len(entries) + 1
    assert await app.store.unfinished() == []


@pytest.mark.asyncio(loop_scope="module")
async def test_every_mistake_of_a_draft_is_told_at_once(app: App) -> None:
    code, events = await ask(
        app,
        "issue",
        {
            "fields": {
                "hazard": "zombies",
                "level": "9",
                "area": "Atlantis",
                "expires": "soon",
                "colour": "red",
                "severity": "Awful",
                "note": "<b>",
            }
        },
    )
    paths = {
        p["path"].rpartition(":")[2]
        for e in events
        if e["event"] == "problems"
        for p in e["problems"]
    }
    assert code == 2
    assert {"hazard", "level", "expires", "colour", "severity", "note"} <= paths
    assert any(path.startswith("area") for path in paths)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_second_relay_of_the_same_alert_is_refused(app: App) -> None:
    cap = CAP.format(
        sent="2026-01-01T00:00:00+01:00",
        msg_type="Alert",
        status="Actual",
        scope="Public",
        extra="",
        polygon=INSIDE,
        expires=(app.clock.now() + timedelta(days=1)).isoformat(timespec="seconds"),
    )
    code, events = await ask(app, "relay", relay(cap))
    assert code == 0, events
    code, events = await ask(app, "relay", relay(cap))
    assert code == 5
    assert "before" in events[-2]["problems"][0]["says"]


@pytest.mark.asyncio(loop_scope="module")
async def test_an_update_from_a_clock_that_was_set_back_still_follows_its_warning(app: App) -> None:
    code, events = await ask(app, "issue", {**draft(), "wait": 5})
    assert code == 0, events
    identifier = next(e["identifier"] for e in events if e["event"] == "committed")
    real = app.clock

    class Behind:
        def now(self) -> Any:
            return real.now() - timedelta(hours=2)

    app.clock = Behind()
    try:
        code, events = await ask(app, "update", {"id": identifier, "fields": {"level": "3"}})
    finally:
        app.clock = real
    assert code == 0, events
    followed = next(e["identifier"] for e in events if e["event"] == "committed")
    warning, update = await app.store.alert(identifier), await app.store.alert(followed)
    assert warning is not None
    assert update is not None
    assert update.sent > warning.sent, "a reference never points into the future"
