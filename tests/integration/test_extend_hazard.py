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

METEORITE = """
id: meteorite
category: [Met]
pictogram: warning
event: "Meteorite"
lead: "Meteorite"
event_codes: [{name: "profile:DE-BBK-EVENTCODE", value: BBK-EVC-036}]
parameters:
  speed: {unit: km/h, minimum: 60, maximum: 300, says: "Speed: up to %(speed)s."}
levels:
  1:
    severity: Severe
    urgency: Immediate
    certainty: Observed
    response: [Shelter]
    act: "Go to a cellar!"
    tip: "Beware of splinters."
    impacts: ["Stones can fall from the sky."]
    do: [away_from_windows, crater, call]
actions:
  crater: "Keep away from the crater."
all_clear:
  impacts: ["No more stones will fall."]
  do: [crater]
"""
GERMAN = {
    "Meteorite": "Meteorit",
    "Speed: up to %(speed)s.": "Tempo: bis zu %(speed)s.",
    "Go to a cellar!": "In den Keller!",
    "Beware of splinters.": "Achten Sie auf Splitter.",
    "Stones can fall from the sky.": "Steine können vom Himmel fallen.",
    "Keep away from the crater.": "Halten Sie sich vom Krater fern.",
    "No more stones will fall.": "Es fallen keine Steine mehr.",
}


@pytest.fixture
def city(tmp_path: Path) -> Installation:
    city = Installation(tmp_path)
    city.own_texts()
    (tmp_path / "templates" / "hazards" / "meteorite.yaml").write_text(METEORITE, encoding="utf-8")

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
    asked = {
        "hazard": "meteorite",
        "level": "1",
        "area": "dortmund",
        "parameters": {"speed": "112"},
    }
    done = city.issue(**asked)
    assert (done.exit, done.problems) == (0, [])
    alert = read((city.www / "cap" / f"{done.report['identifier']}.xml").read_bytes()).alert
    german = alert.infos[0]
    assert german.headline == "Gefahr: Meteorit"
    assert "Tempo: bis zu 112\u00a0km/h." in str(german.description)
    assert "112 Kilometer pro Stunde." in str(german.parameter(PARAMETER_SPOKEN))
    page = city.www / "de" / "alerts" / alert.identifier / "plain" / "index.html"
    assert "Steine können vom Himmel" in page.read_text(encoding="utf-8")

    ended = city.do("cancel", id=alert.identifier, reason="it is over", yes=True)
    over = read((city.www / "cap" / f"{ended.report['identifier']}.xml").read_bytes()).alert
    assert over.infos[0].response_types == (ResponseType.ALL_CLEAR,)
    assert over.infos[0].instruction == "Halten Sie sich vom Krater fern."


def test_a_language_that_does_not_know_the_hazard_falls_out_with_the_reason(
    city: Installation,
) -> None:
    done = city.issue(hazard="meteorite", level="1", area="dortmund")
    gaps = {
        (gap["language"], gap["variant"]): gap["reason"]
        for gap in done.report["gaps"]
        if not gap["channel"]
    }
    for variant in ("standard", "plain"):
        assert "meteorite" in gaps["tr", variant].lower()
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
