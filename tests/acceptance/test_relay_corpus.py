"""Every real CAP document is relayed, or refused with a reason that can be read aloud."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from broadcaster.app.composition import App
from broadcaster.app.desk import Desk
from broadcaster.config import load
from broadcaster.model.capxml import read
from broadcaster.model.errors import BadInput
from tests.acceptance.city import config, quiet_channels


class Settable:
    """A clock that stands at the moment a document was sent."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    folder = tmp_path_factory.mktemp("city")
    settings = load(config(folder, **quiet_channels("pages", "cells")))
    app = App(settings, folder / "var", clock=Settable(datetime.now().astimezone()))
    await app.open()
    yield app
    await app.close()


async def relay(app: App, data: bytes) -> tuple[int, list[dict[str, Any]]]:
    arguments = {"name": "x", "data": base64.b64encode(data).decode(), "dry_run": True}
    events = [
        e
        async for e in Desk(app).handle(
            {"command": "relay", "arguments": arguments, "user": "officer"}
        )
    ]
    return events[-1]["exit"], events


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("folder", ["valid", "invalid"])
async def test_every_document_of_the_corpus_is_relayed_or_refused_with_a_reason(
    app: App, shared: Path, folder: str
) -> None:
    outcomes: Counter[str] = Counter()
    parsed = 0
    files = sorted((shared / "corpus" / "cap" / folder).glob("*.xml"))
    for file in files:
        data = file.read_bytes()
        try:
            alert = read(data).alert
            # As if it had just been sent: most are years old and would be refused for that alone.
            app.clock.at = alert.sent.astimezone(app.library.zone) + timedelta(minutes=1)  # type: ignore[attr-defined]
            parsed += 1
        except BadInput:
            pass
        code, events = await relay(app, data)
        if code == 0:
            outcomes["relayed"] += 1
            continue
        problems = [
            p
            for e in events
            if e["event"] == "problems"
            for p in e["problems"]
            if p["level"] == "error"
        ]
        assert code in (2, 5)
        assert problems, file.name
        assert all(p["path"] or p["says"] for p in problems)
        outcomes[f"{code}: {problems[0]['path']}"] += 1
    print(folder, len(files), "parsed", parsed, dict(outcomes))
    if folder == "valid":
        assert parsed >= 0.99 * len(files)


def dortmund(cap: bytes) -> bytes:
    """The document as if it were about Dortmund."""
    import re

    inside = b"51.50,7.40 51.52,7.40 51.52,7.45 51.50,7.40"
    return re.sub(rb"(<(?:\w+:)?polygon>)[^<]*", rb"\g<1>" + inside, cap)


@pytest.mark.asyncio(loop_scope="module")
async def test_documents_moved_to_our_city_are_relayed_verbatim(app: App, shared: Path) -> None:
    relayed = 0
    for file in sorted((shared / "corpus" / "cap" / "valid").glob("*.xml")):
        data = dortmund(file.read_bytes())
        alert = read(data).alert
        app.clock.at = alert.sent.astimezone(app.library.zone) + timedelta(minutes=1)  # type: ignore[attr-defined]
        code, events = await relay(app, data)
        if code == 0:
            preview = next(e for e in events if e["event"] == "preview")
            assert preview["headline"] == (alert.infos[0].headline or alert.infos[0].event)
            relayed += 1
    print("relayed once moved here:", relayed)
    assert relayed >= 20
