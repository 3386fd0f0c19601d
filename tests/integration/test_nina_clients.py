"""pynina, which Home Assistant uses, reads the city's warnings with only its address changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pynina.label_matcher
import pynina.nina
import pynina.warning
import pytest
from aiohttp import web

from tests.integration.installation import Installation

CITY = "059130000000"


@pytest.fixture
async def city(tmp_path: Path) -> Installation:
    city = Installation(tmp_path)
    city.configure(["feeds", "pages", "texts"])
    return city


@pytest.fixture
async def client(
    city: Installation, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[pynina.nina.Nina]:
    """Its three addresses lead to a plain file server over the published folder."""
    site = web.Application()
    city.www.parent.mkdir(parents=True, exist_ok=True)

    async def file(request: web.Request) -> web.StreamResponse:
        path = city.www / request.match_info["path"]
        return web.FileResponse(path) if path.is_file() else web.Response(status=404)

    site.router.add_get("/{path:.*}", file)
    runner = web.AppRunner(site)
    await runner.setup()
    listening = web.TCPSite(runner, "127.0.0.1", 0)
    await listening.start()
    host, port = runner.addresses[0]
    at = f"http://{host}:{port}"
    monkeypatch.setattr(pynina.nina, "ENDPOINT_NINA_BASE", f"{at}/api31/dashboard/")
    monkeypatch.setattr(pynina.warning, "ENDPOINT_WARNING_DETAIL", f"{at}/api31/warnings/")
    monkeypatch.setattr(
        pynina.label_matcher, "ENDPOINT_DE_LABELS", f"{at}/api/appdata/gsb/labels/de_labels.json"
    )
    nina = pynina.nina.Nina()
    nina.addRegion(CITY)
    yield nina
    await runner.cleanup()


async def test_pynina_reads_a_warning_its_update_and_its_all_clear(
    city: Installation, client: pynina.nina.Nina
) -> None:
    async def do(command: str, **arguments: object) -> str:
        done = await asyncio.to_thread(city.do, command, wait=30, **arguments)
        assert done.exit == 0, done.problems
        await client.update()
        identifier: str = done.report["identifier"]
        return identifier

    fields = {"hazard": "flood", "level": "3", "area": "dortmund", "expires": "6h"}
    first = await do("issue", fields=fields)
    (seen,) = client.warnings[CITY]
    assert (seen.id, seen.severity) == (first, "Extreme")
    assert "Hochwasser" in seen.headline
    assert seen.sender == "Stadt Dortmund"
    assert "Keller" in seen.recommended_actions[0]
    assert seen.affected_areas == ["Dortmund"]
    assert seen.isValid()

    second = await do("update", id=first, fields={"level": "2"})
    (seen,) = client.warnings[CITY]
    assert (seen.id, seen.severity) == (second, "Severe")

    await do("cancel", id=first, reason="The water is falling.")
    (seen,) = client.warnings[CITY]
    assert seen.raw["payload"]["data"]["msgType"] == "Cancel"
    assert "Entwarnung" in seen.headline
