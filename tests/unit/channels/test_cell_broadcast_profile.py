"""Message identifiers: what each country's rules allow, and what cannot be built at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from importlib import resources
from itertools import product
from typing import Any

import pytest
import yaml

from broadcaster.model.cap import (
    Alert,
    Certainty,
    Info,
    MsgType,
    ResponseType,
    Scope,
    Severity,
    Status,
    Urgency,
)
from broadcaster.model.errors import BadInput, Refused, Unsupported
from channels.cell_broadcast.codec import CODINGS, encode
from channels.cell_broadcast.profile import (
    ADDITIONAL_LANGUAGE,
    Broadcast,
    Profile,
    available,
    load,
    parse,
)


def alert(
    severity: Severity = Severity.SEVERE, *, status: Status = Status.ACTUAL, **info: Any
) -> Alert:
    return Alert(
        identifier="2.49.0.1.276.0.example",
        sender="dispatch@example.org",
        sent=datetime(2026, 7, 1, tzinfo=UTC),
        status=status,
        msg_type=MsgType.ALERT,
        scope=Scope.PUBLIC,
        infos=(Info(severity=severity, **info),),
    )


@pytest.fixture(scope="module", params=available())
def profile(request: pytest.FixtureRequest) -> Profile:
    return load(request.param)


def raw(name: str = "de") -> dict[str, Any]:
    file = resources.files("channels.cell_broadcast") / "profiles" / f"{name}.yaml"
    data: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
    return data


@pytest.mark.parametrize(
    ("severity", "pair"),
    [
        (Severity.EXTREME, (4370, 4383)),
        (Severity.SEVERE, (4372, 4385)),
        (Severity.MODERATE, (4378, 4391)),
        (Severity.MINOR, (4396, 4397)),
    ],
)
def test_germany_has_four_pairs_by_severity(severity: Severity, pair: tuple[int, int]) -> None:
    row = load("de").row(alert(severity), MsgType.ALERT)
    assert (row.local, row.additional) == pair


def test_the_all_clear_goes_on_the_lowest_step_whatever_it_ends() -> None:
    profile = load("de")
    assert profile.row(alert(Severity.EXTREME), MsgType.CANCEL).identifiers == {4396, 4397}
    over = alert(Severity.EXTREME, response_types=(ResponseType.ALL_CLEAR,))
    assert profile.row(over, MsgType.UPDATE).identifiers == {4396, 4397}


def test_only_german_level_one_has_the_copy_for_old_phones() -> None:
    assert {row.name: row.copies for row in load("de").rows if row.copies} == {
        "Notfallalarm": (919,)
    }


def test_eu_alert_tells_levels_by_urgency_and_certainty() -> None:
    row = load("eu").row
    extreme: dict[str, Any] = {"urgency": Urgency.IMMEDIATE, "certainty": Certainty.OBSERVED}
    assert row(alert(Severity.EXTREME, **extreme), MsgType.ALERT).local == 4370
    likely = extreme | {"certainty": Certainty.LIKELY}
    assert row(alert(Severity.EXTREME, **likely), MsgType.ALERT).local == 4372
    assert row(alert(Severity.EXTREME), MsgType.ALERT).local == 4371


def test_no_exercise_or_test_reaches_a_live_identifier(profile: Profile) -> None:
    live = set().union(*(row.identifiers for row in (*profile.levels, profile.all_clear)))
    walked = 0
    for severity, urgency, certainty, operation, status in product(
        Severity, Urgency, Certainty, MsgType, (Status.EXERCISE, Status.TEST)
    ):
        row = profile.row(
            alert(severity, status=status, urgency=urgency, certainty=certainty), operation
        )
        assert not row.identifiers & live
        walked += 1
    assert walked == 5 * 5 * 5 * 5 * 2


def test_no_actual_alert_reaches_an_exercise_or_test_identifier(profile: Profile) -> None:
    drill = profile.exercise.identifiers | profile.test.identifiers
    for severity, urgency, certainty in product(Severity, Urgency, Certainty):
        if severity is not Severity.UNKNOWN:
            actual = alert(severity, urgency=urgency, certainty=certainty)
            for operation in (MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL):
                assert not profile.row(actual, operation).identifiers & drill


def test_unknown_severity_and_internal_alerts_have_no_identifier(profile: Profile) -> None:
    with pytest.raises(Unsupported, match="severity"):
        profile.row(alert(Severity.UNKNOWN), MsgType.ALERT)
    for status in (Status.SYSTEM, Status.DRAFT):
        with pytest.raises(Unsupported, match=status.value):
            profile.row(alert(status=status), MsgType.ALERT)


def test_germany_emits_nothing_but_what_german_phones_hear() -> None:
    emitted = set().union(*(row.identifiers for row in load("de").rows))
    heard = {4370, 4372, 4378, 4396, 4398, 4381}
    assert emitted == heard | {4383, 4385, 4391, 4397, 4399, 4394} | {919}


@pytest.mark.parametrize(
    "identifier", [4371, *range(4373, 4378), 4379, 6400, 4384, *range(4352, 4360), 4400, 1]
)
def test_other_identifiers_are_refused_with_a_reason(identifier: int) -> None:
    with pytest.raises(Refused) as refused:
        load("de").require(identifier)
    assert str(identifier) in str(refused.value)
    assert len(str(refused.value).partition(": ")[2]) > 20


def test_an_additional_language_without_a_named_language_cannot_be_built() -> None:
    tried = 0
    for identifier, scheme in product(sorted(ADDITIONAL_LANGUAGE), CODINGS.values()):
        pages = encode("x", dcs=scheme.dcs, language="tr" if scheme.prefixed else None)
        if scheme.names_language:
            assert Broadcast(identifier, pages).pages.language
        else:
            with pytest.raises(Refused, match="every phone would show it"):
                Broadcast(identifier, pages)
            tried += 1
    assert tried == 15 * 3  # 0F, 40 and 48
    nameless = encode("x", dcs=0x48)
    with pytest.raises(Refused):
        replace(Broadcast(4370, nameless), identifier=4383)


def test_every_row_and_refusal_states_its_source(profile: Profile) -> None:
    sources = [
        *(row.source for row in profile.rows),
        *(ban.source for ban in profile.refused),
        *(code.source for code in profile.languages),
    ]
    assert len(sources) > 15
    assert all(len(source) > 10 for source in sources)


def test_two_letter_codes_come_from_the_tag_or_the_table() -> None:
    code = load("de").code
    assert [code(tag) for tag in ("tr", "zh-Hans", "kmr", "prs")] == ["tr", "zh", "ku", "fa"]
    assert code("ckb") is None
    assert code("fil") is None


def test_an_unknown_profile_names_the_known_ones() -> None:
    with pytest.raises(BadInput, match="use de or eu"):
        load("atlantis")


def test_a_wrong_profile_is_refused_with_everything_that_is_wrong() -> None:
    data = raw()
    data["levels"][0]["additional"] = 4370  # no language filter
    data["levels"][1]["local"] = 4371  # refused in Germany
    data["exercise"]["local"] = 4378  # live
    data["test"]["source"] = " "
    with pytest.raises(BadInput) as refused:
        parse(data)
    said = str(refused.value)
    for part in ("4370 is not an identifier", "4371 is refused", "4378 is a live", "no source"):
        assert part in said


@pytest.mark.parametrize("key", ["levels", "all_clear", "exercise", "languages"])
def test_a_profile_with_a_part_missing_is_refused(key: str) -> None:
    data = raw()
    del data[key]
    with pytest.raises(BadInput, match=key):
        parse(data)


def test_a_profile_with_a_misspelt_severity_is_refused() -> None:
    data = raw()
    data["levels"][0]["severity"] = ["Extrem"]
    with pytest.raises(BadInput, match="Extrem"):
        parse(data)
