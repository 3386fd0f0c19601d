"""A new hazard is one file and its translations; no code."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from broadcaster.model.cap import PARAMETER_SPOKEN, ResponseType
from broadcaster.model.capxml import read
from broadcaster.text.languages import Variant
from broadcaster.text.phrases import Phrase
from tests.integration.installation import Installation

STORM = """
id: storm
category: [Met]
pictogram: warning
event: "Storm"
event_codes: [{name: "profile:DE-BBK-EVENTCODE", value: BBK-EVC-036}]
parameters:
  gusts: {unit: km/h, minimum: 60, maximum: 300, says: "Gusts: up to %(gusts)s."}
levels:
  1:
    severity: Severe
    urgency: Immediate
    certainty: Observed
    response: [Shelter]
    headline: "Danger from a storm"
    short: "Danger: storm. Stay indoors."
    impacts: ["Trees and roof tiles can fall."]
    do: [indoors, call]
actions:
  indoors: "Stay away from windows."
  call: "If there is danger to life, call 112."
all_clear:
  headline: "All clear: storm"
  short: "All clear. The storm is over."
  impacts: ["The storm is over."]
  do: [roofs]
  actions: {roofs: "Look out for loose roof tiles."}
"""
GERMAN = {
    "Storm": "Sturm",
    "Gusts: up to %(gusts)s.": "Böen: bis zu %(gusts)s.",
    "Danger from a storm": "Gefahr durch Sturm",
    "Danger: storm. Stay indoors.": "Gefahr: Sturm. Bleiben Sie drinnen.",
    "Trees and roof tiles can fall.": "Bäume und Dachziegel können fallen.",
    "Stay away from windows.": "Bleiben Sie weg von Fenstern.",
    "All clear: storm": "Entwarnung: Sturm",
    "All clear. The storm is over.": "Entwarnung. Der Sturm ist vorbei.",
    "The storm is over.": "Der Sturm ist vorbei.",
    "Look out for loose roof tiles.": "Achten Sie auf lose Dachziegel.",
}


@pytest.fixture
def city(tmp_path: Path) -> Installation:
    city = Installation(tmp_path)
    city.own_texts()
    (tmp_path / "templates" / "hazards" / "storm.yaml").write_text(STORM, encoding="utf-8")

    def german(phrase: Phrase) -> str:
        return GERMAN[phrase.msgid]

    def english(phrase: Phrase) -> str:
        return phrase.msgid

    for variant in (Variant.STANDARD, Variant.PLAIN):
        city.translate("de", variant, german)
        city.translate("en", variant, english)
    city.configure(
        ["pages", "feeds"], languages=["de", "en", "tr"], templates="templates", locales="locales"
    )
    return city


def test_a_hazard_added_as_a_file_is_issued_updated_and_ended(city: Installation) -> None:
    asked = {"hazard": "storm", "level": "1", "area": "dortmund", "parameters": {"gusts": "112"}}
    done = city.issue(**asked)
    assert (done.exit, done.problems) == (0, [])
    alert = read((city.www / "cap" / f"{done.report['identifier']}.xml").read_bytes()).alert
    german = alert.infos[0]
    assert german.headline == "Gefahr durch Sturm"
    assert "Böen: bis zu 112\u00a0km/h." in str(german.description)
    assert "112 Kilometer pro Stunde." in str(german.parameter(PARAMETER_SPOKEN))
    page = city.www / "de" / "alerts" / alert.identifier / "plain" / "index.html"
    assert "Bäume und Dachziegel" in page.read_text(encoding="utf-8")

    ended = city.do("cancel", id=alert.identifier, reason="the storm is over", yes=True)
    over = read((city.www / "cap" / f"{ended.report['identifier']}.xml").read_bytes()).alert
    assert over.infos[0].response_types == (ResponseType.ALL_CLEAR,)
    assert over.infos[0].instruction == "Achten Sie auf lose Dachziegel."


def test_a_language_that_does_not_know_the_hazard_falls_out_with_the_reason(
    city: Installation,
) -> None:
    done = city.issue(hazard="storm", level="1", area="dortmund")
    gaps = {
        (gap["language"], gap["variant"]): gap["reason"]
        for gap in done.report["gaps"]
        if not gap["channel"]
    }
    for variant in ("standard", "plain"):
        assert "storm" in gaps["tr", variant].lower()
        assert "translate it in locales/tr" in gaps["tr", variant]
    assert {language for _, language, _ in done.states} == {"de", "en"}
    # What it knows, it still says.
    heat = city.issue(hazard="heat", level="1", area="dortmund")
    assert {language for _, language, _ in heat.states} == {"de", "en", "tr"}


def test_a_mistake_in_the_file_is_named_before_anything_is_sent(city: Installation) -> None:
    from broadcaster.model.errors import BadInput

    path = city.folder / "templates" / "hazards" / "storm.yaml"
    row = yaml.safe_load(path.read_text(encoding="utf-8"))
    row["levels"][1]["do"] = ["hide"]
    path.write_text(yaml.safe_dump(row), encoding="utf-8")
    with pytest.raises(BadInput, match=r"storm\.yaml.*'hide'"):
        city.issue(hazard="heat", level="1", area="dortmund")
