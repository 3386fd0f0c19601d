"""Every matching route adds its channels, and says why; every other says why not."""

import pytest

from broadcaster.delivery.routing import FACTS, Route, all_channels, chosen, decide, facts
from broadcaster.model.cap import (
    PARAMETER_HAZARD,
    PARAMETER_LEVEL,
    Certainty,
    MsgType,
    Severity,
    Status,
    Urgency,
)
from broadcaster.testing import alert


def on(**match):
    return {fact: frozenset(values) for fact, values in match.items()}


TREE = Route(
    "everyone",
    ("pages", "feeds"),
    routes=(
        Route(
            "serious",
            ("texts", "pages"),
            on(severity=("Severe", "Extreme")),
            routes=(Route("worst", ("cells",), on(severity=("Extreme",))),),
        ),
        Route("heat", ("voice",), on(hazard=("heat",))),
    ),
)


def choices(**of):
    return decide(TREE, facts(alert(**of)))


def test_routes_add_and_none_replaces_its_parent():
    found = choices(severity=Severity.EXTREME, parameters={PARAMETER_HAZARD: "heat"})

    assert list(chosen(found)) == ["pages", "feeds", "texts", "cells", "voice"]
    assert [choice.route for choice in found] == ["everyone", "serious", "worst", "heat"]


def test_the_first_route_that_names_a_channel_gives_its_reason():
    reasons = chosen(choices(severity=Severity.EXTREME))

    assert reasons["pages"] == "route 'everyone': every alert"
    assert reasons["texts"] == "route 'serious': severity is Extreme"


def test_a_route_that_does_not_match_says_why_and_is_not_entered():
    found = {choice.route: choice for choice in choices(severity=Severity.MINOR)}

    assert not found["serious"].matched
    assert found["serious"].reason == "severity is Minor, not Extreme or Severe"
    assert "worst" not in found
    assert found["heat"].reason == "hazard is unknown, not heat"
    assert list(chosen(tuple(found.values()))) == ["pages", "feeds"]


def test_a_root_that_does_not_match_chooses_nothing_and_says_why():
    root = Route("real", ("pages",), on(status=("Actual",)))
    found = decide(root, facts(alert(status=Status.TEST)))

    assert chosen(found) == {}
    assert found[0].reason == "status is Test, not Actual"


def test_all_of_a_match_must_hold_and_every_miss_is_named():
    root = Route("r", ("c",), on(severity=("Extreme",), urgency=("Past",), status=("Actual",)))
    (choice,) = decide(root, facts(alert(severity=Severity.MINOR)))

    assert choice.reason == "severity is Minor, not Extreme; urgency is Immediate, not Past"


VALUES = {
    "status": ({"status": Status.EXERCISE}, "Exercise"),
    "scope": ({}, "Public"),
    "msgType": ({"msg_type": MsgType.CANCEL}, "Cancel"),
    "severity": ({"severity": Severity.MODERATE}, "Moderate"),
    "urgency": ({"urgency": Urgency.FUTURE}, "Future"),
    "certainty": ({"certainty": Certainty.OBSERVED}, "Observed"),
    "hazard": ({"parameters": {PARAMETER_HAZARD: "flood"}}, "flood"),
    "level": ({"parameters": {PARAMETER_LEVEL: "3"}}, "3"),
}


@pytest.mark.parametrize("fact", FACTS)
def test_a_route_can_match_on_every_fact(fact):
    of, value = VALUES[fact]
    known = facts(alert(**of))

    assert known[fact] == {value}
    assert decide(Route("r", (), on(**{fact: (value,)})), known)[0].matched
    assert not decide(Route("r", (), on(**{fact: ("other",)})), known)[0].matched


def test_there_are_no_other_facts():
    assert set(facts(alert())) == set(FACTS) == set(VALUES)


def test_infos_that_differ_give_every_value():
    from dataclasses import replace

    one = alert(languages=("de", "en"))
    two = replace(one, infos=(one.infos[0], replace(one.infos[1], urgency=Urgency.PAST)))

    assert facts(two)["urgency"] == {"Immediate", "Past"}
    assert decide(Route("r", (), on(urgency=("Past",))), facts(two))[0].matched


def test_every_channel_of_the_tree_is_known():
    assert all_channels(TREE) == {"pages", "feeds", "texts", "cells", "voice"}
