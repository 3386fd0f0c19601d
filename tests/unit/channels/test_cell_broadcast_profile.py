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
    folder = resources.files("channels.cell_broadcast")
    data: dict[str, Any] = yaml.safe_load((folder / "profiles" / f"{name}.yaml").read_text("utf-8"))
    data["languages"] = yaml.safe_load((folder / "languages.yaml").read_text("utf-8"))
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
    copies = {
        (name, row.name): row.copies
        for name in available()
        for row in load(name).rows
        if row.copies
    }
    assert copies == {("de", "Notfallalarm"): (919,)}
    assert load("de").require(919) == 919
    for name in available():
        if name != "de":
            with pytest.raises(Refused, match="refuses 919"):
                load(name).require(919)


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


@pytest.mark.parametrize("mode", [Status.ACTUAL, Status.EXERCISE, Status.TEST])
def test_every_row_is_reached_in_its_own_mode_only(profile: Profile, mode: Status) -> None:
    of_mode = {
        Status.ACTUAL: {*profile.levels, profile.all_clear},
        Status.EXERCISE: {profile.exercise},
        Status.TEST: {profile.test},
    }
    reached = {
        profile.row(alert(severity, status=mode, urgency=urgency, certainty=certainty), operation)
        for severity, urgency, certainty, operation in product(
            set(Severity) - {Severity.UNKNOWN},
            Urgency,
            Certainty,
            (MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL),
        )
    }
    assert reached == of_mode[mode]
    on_air = set().union(*(row.identifiers for row in reached))
    drills = {*range(4380, 4383), *range(4393, 4396), 4398, 4399}
    assert on_air.isdisjoint(drills) if mode is Status.ACTUAL else on_air <= drills


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
    ("identifier", "reason"),
    [
        *((never, "do not listen to it") for never in (4371, *range(4373, 4378))),
        (4379, "EU-Amber is switched off in Germany"),
        (6400, "EU-Info is not received in Germany"),
        (4384, "the twin of an identifier"),
        *((etws, "earthquake and tsunami") for etws in range(4352, 4360)),
        (4400, "no row for it"),
        (1, "no row for it"),
    ],
)
def test_germany_refuses_what_its_phones_do_not_hear_and_says_why(
    identifier: int, reason: str
) -> None:
    assert "262" in load("de").countries
    with pytest.raises(Refused, match=f"DE-Alert refuses {identifier}: .*{reason}"):
        load("de").require(identifier)


def test_every_identifier_is_either_on_a_row_or_refused_with_a_reason(profile: Profile) -> None:
    emitted = set().union(*(row.identifiers for row in profile.rows))
    for identifier in range(4352, 4412):
        if identifier in emitted:
            assert profile.require(identifier) == identifier
        else:
            with pytest.raises(Refused) as refused:
                profile.require(identifier)
            assert len(str(refused.value).partition(f"refuses {identifier}: ")[2]) > 20


def test_each_country_has_one_profile() -> None:
    countries = {name: load(name).countries for name in available()}
    assert countries == {
        "at": ("232",),
        "de": ("262",),
        "es": ("214",),
        "eu": (),
        "fr": ("208",),
        "it": ("222",),
        "nl": ("204",),
    }


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


def test_two_letter_codes_come_from_the_tag_or_the_table(profile: Profile) -> None:
    code = profile.code
    assert [code(tag) for tag in ("tr", "zh-Hans", "kmr", "prs")] == ["tr", "zh", "ku", "fa"]
    assert [code(tag) for tag in ("kmr-TR", "de-simple", "SR")] == ["ku", "de", "sr"]
    assert code("ckb") is None
    assert code("fil") is None


def test_serbian_in_latin_letters_has_no_code_so_a_serbian_phone_alarms_once(
    profile: Profile,
) -> None:
    assert [profile.code(tag) for tag in ("sr", "sr-Cyrl", "sr-RS")] == ["sr"] * 3
    assert [profile.code(tag) for tag in ("sr-Latn", "sr-Latn-RS", "SR-latn")] == [None] * 3


def test_an_unknown_profile_names_the_known_ones() -> None:
    with pytest.raises(BadInput, match="use at or de or es or eu or fr or it or nl"):
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
