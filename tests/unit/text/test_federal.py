"""A federal warning in our own terms: by its codes, never by its words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from broadcaster.model.cap import Alert, Pair, Severity, Urgency
from broadcaster.model.errors import BadInput
from broadcaster.text.federal import MOST_ACTIONS, load_federal, meaning
from tests.unit.text.alert_examples import composed, library

BBK = "profile:DE-BBK-EVENTCODE:01.00R"


def foreign(*codes: Pair, **changes: Any) -> Alert:
    alert = composed("flood", 3).alert
    info = replace(alert.infos[0], event_codes=codes, parameters=(), **changes)
    return replace(alert, infos=(info,))


def test_dwd_names_the_level_itself() -> None:
    federal, hazards = library().federal, library().hazards
    found = meaning(foreign(Pair("GROUP", "RAIN"), Pair("II", "66")), federal, hazards)
    assert found
    assert (found.hazard, found.level) == ("heavy_rain", 3)
    assert found.actions == tuple(hazards["heavy_rain"].levels[3].texts.actions)


def test_advance_information_is_never_more_than_the_lowest_level() -> None:
    alert = foreign(Pair("II", "65"), urgency=Urgency.FUTURE)
    found = meaning(alert, library().federal, library().hazards)
    assert found
    assert (found.hazard, found.level) == ("heavy_rain", 1)


@pytest.mark.parametrize(
    ("severity", "level"),
    [(Severity.EXTREME, 3), (Severity.SEVERE, 2), (Severity.MINOR, 1), (Severity.UNKNOWN, 1)],
)
def test_the_level_of_a_mowas_warning_follows_its_severity(severity: Severity, level: int) -> None:
    alert = foreign(Pair(BBK, "BBK-EVC-063"), severity=severity)
    found = meaning(alert, library().federal, library().hazards)
    assert found
    assert (found.hazard, found.level) == ("power_outage", level)


def test_what_the_authority_tells_people_to_do_comes_first() -> None:
    alert = foreign(Pair(BBK, "BBK-EVC-062"))
    codes = Pair("instructionCode", "BBK-ISC-040 BBK-ISC-999 shortCode:BBK-ISC-041 BBK-ISC-060")
    alert = replace(alert, infos=(replace(alert.infos[0], parameters=(codes,)),))
    found = meaning(alert, library().federal, library().hazards)
    assert found
    # 060 is about cool rooms, which is no advice for rain; 999 is unknown and passes by.
    assert found.actions[:2] == ("upstairs", "cellars")
    assert "cool" not in found.actions
    assert len(found.actions) <= MOST_ACTIONS


def test_codes_that_mean_nothing_here_give_nothing() -> None:
    federal, hazards = library().federal, library().hazards
    assert meaning(foreign(Pair(BBK, "BBK-EVC-078")), federal, hazards) is None
    assert meaning(foreign(Pair("II", "4711")), federal, hazards) is None
    assert meaning(replace(foreign(), infos=()), federal, hazards) is None


def test_every_code_of_the_table_means_something_that_is_described() -> None:
    federal = library().federal
    assert {"BBK-EVC-037", "BBK-EVC-062", "BBK-EVC-038"} <= federal.events.keys()
    assert federal.weather["247"] == ("heat", 1)


def test_a_table_that_names_what_there_is_not_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "federal.yaml"
    path.write_text(
        "events: {BBK-EVC-001: hackers}\nweather: {heat: {9: [1]}}\n"
        "instructions: {BBK-ISC-001: fly}"
    )
    with pytest.raises(BadInput) as caught:
        load_federal(path, library().hazards)
    assert [p.path.partition(":")[2] for p in caught.value.problems] == [
        "BBK-EVC-001",
        "1",
        "BBK-ISC-001",
    ]
    path.write_text("events: [a]")
    with pytest.raises(BadInput, match="cannot be read"):
        load_federal(path, library().hazards)
    path.unlink()
    assert not load_federal(path, library().hazards).events
