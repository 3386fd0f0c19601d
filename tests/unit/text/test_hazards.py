"""A hazard is a file; what is wrong with it is said all at once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from broadcaster.model.cap import Category, ResponseType, Severity
from broadcaster.model.errors import BadInput
from broadcaster.text.hazards import load_hazards
from tests.unit.text.alert_examples import ROOT, library

LEVEL: dict[str, Any] = {
    "severity": "Severe",
    "urgency": "Expected",
    "certainty": "Likely",
    "response": ["Shelter"],
    "headline": "Storm",
    "act": "Stay indoors!",
    "tip": "Keep away from trees.",
    "impacts": ["Trees can fall."],
    "do": ["indoors"],
}
STORM: dict[str, Any] = {
    "id": "storm",
    "category": ["Met"],
    "pictogram": "storm",
    "event": "Storm",
    "lead": "Storm",
    "event_codes": [{"name": "profile:DE-BBK-EVENTCODE", "value": "BBK-EVC-036"}],
    "parameters": {"gusts": {"unit": "km/h", "minimum": 60, "says": "Gusts: up to %(gusts)s."}},
    "levels": {1: LEVEL},
    "actions": {"indoors": "Stay indoors.", "look": "Look out for loose roof tiles."},
    "all_clear": {
        "headline": "All clear: storm",
        "impacts": ["The storm is over."],
        "do": ["look"],
    },
}


def folder(tmp_path: Path, *rows: Any) -> Path:
    (tmp_path / "hazards").mkdir(exist_ok=True)
    for number, row in enumerate(rows):
        text = row if isinstance(row, str) else yaml.safe_dump(row)
        (tmp_path / "hazards" / f"{number}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def complaints(tmp_path: Path, *rows: Any) -> list[str]:
    with pytest.raises(BadInput) as caught:
        load_hazards(folder(tmp_path, *rows))
    return [str(problem) for problem in caught.value.problems]


def test_a_file_becomes_a_hazard(tmp_path: Path) -> None:
    storm = load_hazards(folder(tmp_path, STORM))["storm"]
    assert storm.categories == (Category.MET,)
    level = storm.levels[1]
    assert (level.severity, level.responses) == (Severity.SEVERE, (ResponseType.SHELTER,))
    assert [pair.value for pair in level.event_codes] == ["BBK-EVC-036"]
    assert level.texts.actions == {"indoors": "Stay indoors."}
    assert storm.all_clear.actions == {"look": "Look out for loose roof tiles."}
    assert storm.parameters["gusts"].minimum == 60


def test_a_level_may_add_codes_to_those_of_the_hazard(tmp_path: Path) -> None:
    code = {"name": "dwd:II", "value": "51"}
    level = {**LEVEL, "event_codes": [code]}
    storm = load_hazards(folder(tmp_path, {**STORM, "levels": {1: level}}))["storm"]
    assert [pair.value for pair in storm.levels[1].event_codes] == ["BBK-EVC-036", "51"]


@pytest.mark.parametrize(
    ("change", "where", "says"),
    [
        ({"id": None}, "id", "must be text"),
        ({"category": ["Weather"]}, "category", "no Category"),
        ({"category": "Met"}, "category", "list of texts"),
        ({"event": 7}, "event", "must be text"),
        ({"levels": {2: LEVEL}}, "levels", "numbered from 1"),
        ({"levels": {1: {**LEVEL, "severity": "Bad"}}}, "severity", "one of Extreme"),
        ({"levels": {1: {**LEVEL, "do": ["fly"]}}}, "do", "'fly'"),
        ({"levels": {1: "worst"}}, "levels", "not a mapping"),
        ({"parameters": {"gusts": {"unit": "knots", "says": "x"}}}, "unit", "no unit"),
        (
            {"parameters": {"gusts": {"unit": "m", "says": "x", "minimum": True}}},
            "minimum",
            "must be a number",
        ),
        ({"event_codes": {"name": "x"}}, "event_codes", "must be a list"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    tmp_path: Path, change: dict[str, Any], where: str, says: str
) -> None:
    found = complaints(tmp_path, {**STORM, **change})
    assert any(where in line and says in line for line in found), found


def test_everything_wrong_in_every_file_is_said_at_once(tmp_path: Path) -> None:
    found = complaints(tmp_path, {**STORM, "id": None, "pictogram": 1}, "- a list", "a: [", STORM)
    assert {line.partition(":")[0] for line in found} == {"0.yaml", "1.yaml", "2.yaml"}
    assert sum(line.startswith("0.yaml") for line in found) == 2


def test_two_files_cannot_describe_one_hazard(tmp_path: Path) -> None:
    assert "already describes storm" in complaints(tmp_path, STORM, STORM)[0]


def test_a_folder_without_hazards_is_a_mistake(tmp_path: Path) -> None:
    assert "holds no hazard" in complaints(tmp_path)[0]


def test_what_is_shipped_is_complete_and_the_worse_level_is_the_more_severe() -> None:
    hazards = library().hazards
    drawn = (ROOT / "templates" / "html" / "_pictograms.html.j2").read_text(encoding="utf-8")
    assert len(hazards) == 18
    for hazard in hazards.values():
        ranks = [level.severity.rank for level in hazard.levels.values()]
        assert ranks == sorted(set(ranks))
        assert len(ranks) == (1 if hazard.id == "test" else 3)
        for level in hazard.levels.values():
            assert level.texts.actions
            assert level.texts.impacts
        assert hazard.all_clear.actions
        assert f'"{hazard.pictogram}"' in drawn


def test_every_action_of_the_library_is_one_that_a_hazard_can_name() -> None:
    library_ = yaml.safe_load((ROOT / "templates" / "actions.yaml").read_text(encoding="utf-8"))
    hazards = library().hazards.values()
    used = {name for hazard in hazards if hazard.id != "other" for name in hazard.actions}
    used |= {name for hazard in hazards for name in hazard.all_clear.actions}
    assert set(library_) == used
    assert len(set(library_.values())) == len(library_)


def test_an_officer_chooses_among_the_actions_that_suit_the_hazard() -> None:
    hazards = library().hazards
    assert "upstairs" in hazards["flood"].actions or "higher" in hazards["flood"].actions
    assert "drink" not in hazards["flood"].actions
    assert len(hazards["other"].actions) > 80  # nobody knows what it will be


def test_a_headline_follows_the_severity_unless_a_level_brings_its_own() -> None:
    storm = library().hazards["storm"].levels
    assert [level.texts.headline for level in storm.values()] == [
        "Warning: %(event)s",
        "Danger: %(event)s",
        "Danger to life: %(event)s",
    ]
    assert library().hazards["heat"].levels[1].texts.headline == "Strong heat"


def test_every_hazard_of_ours_has_a_term_of_the_oasis_event_terms_list() -> None:
    for hazard in load_hazards(Path(__file__).parents[3] / "templates").values():
        for level in hazard.levels.values():
            terms = [code.value for code in level.event_codes if code.name == "OET:v1.2"]
            assert len(terms) == 1, hazard.id
            assert re.fullmatch(r"OET-[0-2][0-9]{2}", terms[0])
