"""What of somebody else is passed on, and what is refused and why."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broadcaster.intake.relay import origin_of, refusals, relayed
from broadcaster.model.cap import Area, Circle, MsgType, Pair, Scope, Status
from broadcaster.model.gazetteer import Gazetteer
from broadcaster.paths import shipped
from broadcaster.testing import NOON, alert

HERE = (Area(area_desc="Dortmund", circles=(Circle(51.51, 7.46, 1.0),)),)
THERE = (Area(area_desc="München", circles=(Circle(48.13, 11.57, 5.0),)),)


@pytest.fixture(scope="module")
def gazetteer():
    return Gazetteer.load(shipped("templates") / "areas/dortmund.geojson")


def foreign(**changes):
    info = {name: changes.pop(name) for name in ("areas", "expires") if name in changes}
    return replace(alert("2.49.0.0.276.0.X", **{"areas": HERE, **info}), **changes)


def says(of, gazetteer):
    found = refusals(of, gazetteer, NOON)
    assert all(problem.path.startswith("alert.") for problem in found)
    return "; ".join(f"{problem.path} {problem.says}" for problem in found)


@pytest.mark.parametrize(
    "of",
    [
        foreign(),
        foreign(status=Status.EXERCISE, note="Probe"),
        foreign(status=Status.TEST),
        foreign(msg_type=MsgType.UPDATE),
        foreign(msg_type=MsgType.CANCEL),
        foreign(msg_type=MsgType.CANCEL, infos=()),
        foreign(expires=None),
        foreign(areas=THERE + HERE),
        foreign(areas=(Area(area_desc="x", geocodes=(Pair("AGS", "05913000"),)),)),
        foreign(sent=NOON + timedelta(minutes=30)),
    ],
)
def test_what_is_for_the_public_here_and_now_passes(of, gazetteer):
    assert says(of, gazetteer) == ""


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (foreign(status=Status.SYSTEM), "alert.status is System, which is not for the public"),
        (foreign(status=Status.DRAFT), "alert.status is Draft"),
        (foreign(scope=Scope.RESTRICTED, restriction="x"), "alert.scope is Restricted"),
        (foreign(scope=Scope.PRIVATE), "alert.scope is Private"),
        (foreign(msg_type=MsgType.ACK), "alert.msgType is Ack"),
        (foreign(msg_type=MsgType.ERROR), "alert.msgType is Error"),
        (foreign(infos=()), "alert.info is missing"),
        (foreign(expires=NOON), "alert.info.expires ended at 01.07.2026 12:00"),
        (foreign(expires=NOON - timedelta(days=1)), "ended at 30.06.2026"),
        (foreign(areas=THERE), "alert.info.area does not touch"),
        (foreign(areas=()), "alert.info.area is missing"),
        (foreign(sent=NOON + timedelta(hours=2)), "alert.sent"),
    ],
)
def test_what_is_refused_is_refused_in_words(of, said, gazetteer):
    assert said in says(of, gazetteer)


def test_every_reason_is_told(gazetteer):
    of = foreign(status=Status.DRAFT, scope=Scope.PRIVATE, areas=THERE, expires=NOON)

    assert len(refusals(of, gazetteer, NOON)) == 4


def test_the_texts_stay_and_the_envelope_is_ours():
    of = foreign(signature="<Signature/>", addresses=("a",), source="DWD")
    ours = relayed(
        of, identifier="de-example.1", sender="warnung@example.org", sent=NOON, references=()
    )

    assert ours.infos == of.infos
    assert (ours.identifier, ours.sender, ours.sent) == (
        "de-example.1",
        "warnung@example.org",
        NOON,
    )
    assert ours.source == "warnung@example.org 2.49.0.0.276.0.X (DWD)"
    assert (ours.signature, ours.addresses) == (None, ())


def test_a_foreign_alert_has_one_name_for_ever():
    assert origin_of(foreign()) == "warnung@example.org,2.49.0.0.276.0.X,2026-07-01T12:00:00+02:00"
