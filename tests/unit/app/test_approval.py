"""Who may act, and when two must agree."""

import pytest

from broadcaster.app.approval import identify, may, reasons, second
from broadcaster.config import Approval, Officer, Secret
from broadcaster.model.errors import Refused

MUSTER = Officer(name="A. Muster", os_user="muster")
REMOTE = Officer(name="R. Fern", token=Secret("geheim-1"))
BOTH = Officer(name="B. Beispiel", os_user="beispiel", token=Secret("geheim-2"))
ALL = (MUSTER, REMOTE, BOTH)


@pytest.mark.parametrize(
    ("user", "token", "name"),
    [
        ("muster", "", "A. Muster"),
        ("beispiel", "", "B. Beispiel"),
        ("", "geheim-1", "R. Fern"),
        ("", "geheim-2", "B. Beispiel"),
        ("muster", "geheim-1", "R. Fern"),
    ],
)
def test_an_officer_is_known_by_user_or_token(user, token, name):
    assert identify(ALL, user, token).name == name


@pytest.mark.parametrize(
    ("user", "token"),
    [("mallory", ""), ("", ""), ("muster", "wrong"), ("", "geheim-"), ("", "GEHEIM-1"), ("", "ü")],
)
def test_a_stranger_is_refused_and_no_token_is_quoted(user, token):
    with pytest.raises(Refused) as raised:
        identify(ALL, user, token)

    assert raised.value.problems[0].remedy
    assert "geheim" not in str(raised.value)
    assert not token or token not in raised.value.problems[0].says


def test_an_officer_without_user_is_not_everybody_without_user():
    with pytest.raises(Refused):
        identify((REMOTE,), "", "")


def test_without_officers_the_operating_system_names_them():
    assert identify((), "anna", "").name == "anna"
    with pytest.raises(Refused):
        identify((), "anna", "some token")


def test_a_role_is_needed():
    may(MUSTER, "issue")
    with pytest.raises(Refused, match="may not issue"):
        may(Officer(name="P", roles=("approve",)), "issue")


def test_nobody_approves_what_they_wrote():
    second(MUSTER, {"B. Beispiel"})
    with pytest.raises(Refused, match="second officer"):
        second(MUSTER, {"A. Muster", "B. Beispiel"})


KNOWN = {
    "severity": frozenset({"Extreme"}),
    "status": frozenset({"Actual"}),
    "hazard": frozenset({"heat"}),
}


def rule(channels, **match):
    return Approval(match={k: frozenset(v) for k, v in match.items()}, channels=frozenset(channels))


@pytest.mark.parametrize(
    ("rules", "channels", "expected"),
    [
        ([], ["cells"], []),
        ([rule(["cells"])], ["cells"], ["every alert on cells"]),
        ([rule(["cells"])], ["pages"], []),
        ([rule(["cells"], severity=["Extreme"])], ["cells"], ["severity Extreme on cells"]),
        ([rule(["cells"], severity=["Severe"])], ["cells"], []),
        ([rule(["cells"], severity=["Extreme"], hazard=["flood"])], ["cells"], []),
        (
            [rule(["cells", "texts"], severity=["Severe", "Extreme"], status=["Actual"])],
            ["texts", "pages", "cells"],
            ["severity Extreme, status Actual on cells, texts"],
        ),
        (
            [rule(["cells"]), rule(["texts"], hazard=["heat"])],
            ["cells", "texts"],
            ["every alert on cells", "hazard heat on texts"],
        ),
    ],
)
def test_a_rule_asks_for_a_second_officer_when_all_of_it_holds(rules, channels, expected):
    assert reasons(rules, KNOWN, channels) == expected
