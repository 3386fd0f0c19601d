"""Foreign alerts at the desk: which thread they join, and what they may not touch."""

import base64
from dataclasses import replace
from datetime import timedelta

import pytest

from broadcaster.model.cap import (
    PARAMETER_HAZARD,
    PARAMETER_LEVEL,
    PARAMETER_UNOFFICIAL,
    Area,
    Circle,
    MsgType,
    Pair,
    Reference,
    ResponseType,
    Status,
)
from broadcaster.model.capxml import read, time_text, write
from broadcaster.model.errors import Problem, Transient
from broadcaster.model.rendition import Variant
from broadcaster.testing import NOON, alert
from tests.unit.app.desk_bench import ALERT, CANCEL, Office

HERE = (Area(area_desc="Dortmund", circles=(Circle(51.51, 7.46, 1.0),)),)
NOTHING_TO_END = "names no alert that was relayed here"


def foreign(identifier, *references, **changes):
    return replace(alert(identifier, areas=HERE), references=references, **changes)


def named(of, sent=None):
    return Reference(of.sender, of.identifier, sent or time_text(of.sent))


@pytest.fixture
async def office(tmp_path):
    office = await Office(tmp_path).open()
    await office.subscribe()
    yield office
    await office.close()


async def relay(office, of, **arguments):
    """Its identifier here, or why there is none; with everything it was told."""
    office.clock.advance(seconds=40)
    data = base64.b64encode(write(of)).decode()
    found, _ = await office.ask("relay", data=data, name="file", wait=0.3, **arguments)
    said = [p["says"] for e in found if e["event"] == "problems" for p in e["problems"]]
    committed = [e["identifier"] for e in found if e["event"] == "committed"]
    return (committed or [""])[0], "; ".join(said)


async def state(office, identifier):
    return (await office.result("status", id=identifier))["state"]


async def test_an_exercise_never_stops_a_real_warning_that_has_not_left(office):
    office.phones.script = (Transient(Problem("gateway", "is busy")),)
    real = foreign("X.1")
    ours, _ = await relay(office, real)
    exercise = {"status": Status.EXERCISE, "note": "Probe"}

    for number, msg_type in enumerate((MsgType.CANCEL, MsgType.UPDATE)):
        of = foreign(f"E.{number}", named(real), msg_type=msg_type, **exercise)
        _, said = await relay(office, of)
        assert (NOTHING_TO_END in said) is (msg_type is MsgType.CANCEL)

    assert await state(office, ours) == "in_force"
    office.app.wake()
    report = await office.result("status", id=ours, watch=True, wait=3)
    texts = [line["states"] for line in report["lines"] if line["channel"] == "texts"]
    assert texts == [{"accepted": 1}]


@pytest.mark.parametrize(
    "sent", ["2026-07-01T10:00:00+00:00", "2026-07-01T10:00:00-00:00", "2026-07-01T12:00:00+02:00"]
)
async def test_an_end_is_an_end_however_its_reference_writes_the_time(office, sent):
    real = foreign("X.1")
    ours, _ = await relay(office, real)
    end = foreign(
        "X.2", named(real, sent), msg_type=MsgType.CANCEL, sent=NOON + timedelta(seconds=30)
    )
    await relay(office, end)

    assert await state(office, ours) == "cancelled"
    assert [way[2] for way in office.left() if way[0] == "phones"] == [ALERT, CANCEL]


async def test_a_warning_that_is_named_and_not_ended_is_told(office):
    first, second = foreign("X.1"), foreign("Y.1")
    one, _ = await relay(office, first)
    other, _ = await relay(office, second)
    _, said = await relay(
        office, foreign("Z.1", named(first), named(second), msg_type=MsgType.CANCEL)
    )

    assert "is named as well, and is not changed or ended by this" in said
    assert [await state(office, one), await state(office, other)] == ["in_force", "cancelled"]


async def test_a_withdrawn_end_is_no_end(tmp_path):
    rule = [{"match": {"msgType": ["Cancel"]}, "channels": ["texts"]}]
    office = await Office(tmp_path, approval=rule).open()
    real = foreign("X.1")
    ours, _ = await relay(office, real)
    cancel, _ = await relay(office, foreign("X.2", named(real), msg_type=MsgType.CANCEL))
    await office.ask("withdraw", id=cancel, reason="it goes on")
    update, said = await relay(office, foreign("X.3", named(real), msg_type=MsgType.UPDATE))

    assert (await state(office, ours), await state(office, update), said) == (
        "superseded",
        "in_force",
        "",
    )
    await office.close()


# ---- our own words beside the official ones ------------------------------------------------------


def coded(identifier, code, *references, **changes):
    """A foreign warning in German with the event code of a federal authority."""
    of = foreign(identifier, *references, **changes)
    pair = Pair("profile:DE-BBK-EVENTCODE", code)
    return replace(of, infos=tuple(replace(i, event_codes=(pair,)) for i in of.infos))


async def cap_of(office, identifier):
    return read((await office.app.store.alert(identifier)).cap).alert


async def test_languages_the_authority_does_not_write_get_our_own_words_marked_as_such(office):
    theirs = coded("X.1", "BBK-EVC-062")
    ours, _ = await relay(office, theirs)

    relayed = await cap_of(office, ours)

    official = [i for i in relayed.infos if i.parameter(PARAMETER_UNOFFICIAL) is None]
    assert [i.headline for i in official] == [i.headline for i in theirs.infos]
    own = {i.language: i for i in relayed.infos if i.parameter(PARAMETER_UNOFFICIAL)}
    assert set(own) == {"de-simple", "tr", "tr-simple"}
    level = own["tr"].parameter(PARAMETER_LEVEL)
    for info in own.values():
        assert info.event_codes == theirs.infos[0].event_codes
        assert (info.severity, info.expires) == (theirs.infos[0].severity, theirs.infos[0].expires)
        assert info.areas[0].circles == HERE[0].circles
        assert (info.parameter(PARAMETER_HAZARD), level) == ("heavy_rain", "2")
    turkish = office.app.library.catalogue("tr", Variant.STANDARD)
    assert own["tr"].headline == turkish.say("Danger from very heavy rain")
    authority = theirs.infos[0].sender_name or theirs.sender
    assert authority in own["tr"].description
    assert own["tr"].parameter(PARAMETER_UNOFFICIAL) == authority


async def test_a_code_that_means_nothing_here_adds_nothing(office):
    ours, _ = await relay(office, coded("X.1", "BBK-EVC-078"))

    relayed = await cap_of(office, ours)

    assert {i.language for i in relayed.infos} == {i.language for i in foreign("X.1").infos}


async def test_an_all_clear_of_the_authority_is_one_in_our_words_too(office):
    first = coded("X.1", "BBK-EVC-062")
    await relay(office, first)
    ended, _ = await relay(
        office, coded("X.2", "BBK-EVC-062", named(first), msg_type=MsgType.CANCEL)
    )

    own = [i for i in (await cap_of(office, ended)).infos if i.parameter(PARAMETER_UNOFFICIAL)]

    assert {i.language for i in own} == {"de-simple", "tr", "tr-simple"}
    assert all(i.response_types == (ResponseType.ALL_CLEAR,) for i in own)
