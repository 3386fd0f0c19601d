"""Another city is a configuration and an outline; no code and no text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from broadcaster.model.capxml import read
from broadcaster.model.errors import BadInput
from tests.integration.installation import Installation


def outline(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


AREAS = {
    "type": "FeatureCollection",
    "attribution": "drawn for this test",
    "features": [
        {
            "type": "Feature",
            "properties": {
                "id": "seestadt",
                "name": "Seestadt",
                "kind": "city",
                "ars": "010000000000",
                "ags": "01000000",
            },
            "geometry": outline(9.0, 54.0, 9.2, 54.1),
        },
        {
            "type": "Feature",
            "properties": {"id": "seestadt-hafen", "name": "Seestadt-Hafen", "kind": "district"},
            "geometry": outline(9.0, 54.0, 9.1, 54.1),
        },
    ],
}
OWN = {
    "city": "Seestadt",
    "areas": "seestadt.geojson",
    "sender": "warnung@seestadt.example",
    "sender_name": "Hansestadt Seestadt",
    "identifier_prefix": "de-sh-seestadt",
    "base_url": "https://warnung.seestadt.example",
    "contact": "https://seestadt.example/kontakt",
    "languages": ["en", "de", "pl"],
}


@pytest.fixture
def city(tmp_path: Path) -> Installation:
    (tmp_path / "seestadt.geojson").write_text(json.dumps(AREAS), encoding="utf-8")
    city = Installation(tmp_path)
    city.configure(["pages", "feeds", "cells"], **OWN)
    return city


def test_another_city_warns_in_its_own_name(city: Installation) -> None:
    done = city.issue(
        hazard="flood",
        level="3",
        area="Seestadt-Hafen",
        parameters={"gauge": "Alter Hafen", "water_level": "410"},
    )
    assert done.exit == 0
    assert {problem["level"] for problem in done.problems} <= {"warning"}
    assert done.report["identifier"].startswith("de-sh-seestadt.")
    data = (city.www / "cap" / f"{done.report['identifier']}.xml").read_bytes()
    alert = read(data).alert
    assert alert.sender == "warnung@seestadt.example"
    # The source language is the first one of its configuration, whatever the code was born with.
    assert alert.infos[0].language == "en"
    for info in alert.infos:
        assert info.sender_name == "Hansestadt Seestadt"
        assert [area.area_desc for area in info.areas] == ["Seestadt-Hafen"]
        assert str(info.web).startswith("https://warnung.seestadt.example/")


def test_nothing_of_the_first_city_is_left_in_what_is_published(city: Installation) -> None:
    city.issue(hazard="heat", level="2", area="seestadt")
    published = [path for path in city.www.rglob("*") if path.is_file()]
    assert len(published) > 10
    for path in published:
        assert b"dortmund" not in path.read_bytes().lower(), path.name
    for path in (city.folder / "var" / "outbox").rglob("*"):
        assert path.is_dir() or b"dortmund" not in path.read_bytes().lower()


def test_a_place_of_another_city_is_unknown_here(city: Installation) -> None:
    done = city.issue(hazard="heat", level="2", area="dortmund-hoerde")
    assert done.exit == 2
    assert "dortmund-hoerde" in done.problems[0]["says"]


def test_an_outline_that_is_wrong_is_named(city: Installation) -> None:
    wrong = json.loads(json.dumps(AREAS))
    wrong["features"][1]["geometry"]["coordinates"][0].pop()
    (city.folder / "seestadt.geojson").write_text(json.dumps(wrong), encoding="utf-8")
    with pytest.raises(BadInput, match="seestadt"):
        city.issue(hazard="heat", level="2", area="seestadt")
