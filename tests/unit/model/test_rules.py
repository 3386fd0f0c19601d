"""Each rule is broken by a minimal alert, found at its place, and nothing else is reported."""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from broadcaster.model.cap import (
    Alert,
    Area,
    Category,
    Certainty,
    Circle,
    Info,
    MsgType,
    Pair,
    Polygon,
    Reference,
    Resource,
    ResponseType,
    Scope,
    Severity,
    Status,
    Urgency,
)
from broadcaster.model.rules import check

SUMMER = timezone(timedelta(hours=2))
SENT = datetime(2026, 7, 1, 14, 0, tzinfo=SUMMER)
RING = Polygon(((51.5, 7.4), (51.5, 7.5), (51.6, 7.5), (51.5, 7.4)))
AREA = Area(
    area_desc="Dortmund",
    polygons=(RING,),
    circles=(Circle(51.51, 7.46, 5.0),),
    geocodes=(Pair("ARS", "059130000000"),),
    altitude=100.0,
    ceiling=1000.0,
)
FILE = b"siren"
RESOURCE = Resource(
    resource_desc="The warning, spoken",
    mime_type="audio/mpeg",
    size=len(FILE),
    uri="https://warn.example.org/a.mp3",
    deref_uri=base64.b64encode(FILE).decode(),
    digest=hashlib.sha1(FILE).hexdigest(),
)
GERMAN = Info(
    language="de",
    categories=(Category.MET,),
    event="Starkregen",
    response_types=(ResponseType.SHELTER,),
    urgency=Urgency.IMMEDIATE,
    severity=Severity.SEVERE,
    certainty=Certainty.LIKELY,
    event_codes=(Pair("profile:example", "RAIN"),),
    effective=SENT,
    onset=SENT + timedelta(hours=1),
    expires=SENT + timedelta(hours=6),
    sender_name="Stadt Dortmund",
    headline="Starkregen",
    description="Straßen können überflutet werden.",
    instruction="Gehen Sie nicht in den Keller.",
    web="https://warn.example.org/de",
    contact="warnung@example.org",
    parameters=(Pair("broadcaster:level", "2"),),
    resources=(RESOURCE,),
    areas=(AREA,),
)
TURKISH = replace(
    GERMAN,
    language="tr",
    event="Şiddetli yağmur",
    headline="Şiddetli yağmur",
    description="Yolları su basabilir.",
    instruction="Bodruma inmeyin.",
)
CLEAN = Alert(
    identifier="2.49.0.0.276.5.1",
    sender="warnung@example.org",
    sent=SENT,
    status=Status.ACTUAL,
    msg_type=MsgType.UPDATE,
    scope=Scope.PUBLIC,
    codes=("one",),
    note="Second version",
    references=(Reference("warnung@example.org", "before", "2026-07-01T13:00:00+02:00"),),
    incidents=("heavy rain 7",),
    infos=(GERMAN, TURKISH),
)

Change = Callable[[Alert], Alert]


def alert(**values: Any) -> Change:
    return lambda clean: replace(clean, **values)


def both(**values: Any) -> Change:
    """The same in every info, so that the infos still agree."""
    return lambda clean: replace(
        clean, infos=tuple(replace(info, **values) for info in clean.infos)
    )


def second(**values: Any) -> Change:
    return lambda clean: replace(clean, infos=(clean.infos[0], replace(clean.infos[1], **values)))


def area(**values: Any) -> Change:
    return both(areas=(replace(AREA, **values),))


def resource(**values: Any) -> Change:
    return second(resources=(replace(RESOURCE, **values),))


def reference(sender: str, identifier: str, sent: str) -> Change:
    return alert(references=(Reference(sender, identifier, sent),))


def ring(*points: tuple[float, float]) -> Change:
    return area(polygons=(Polygon(points),))


I0, I1 = "alert.info[0]", "alert.info[1]"
BOTH_AREAS = (f"{I0}.area[0]", f"{I1}.area[0]")
EARLY = "2026-07-01T13:00:00+02:00"


def at_both(name: str) -> tuple[str, ...]:
    return f"{I0}.{name}", f"{I1}.{name}"


REFUSED: list[tuple[str, Change, tuple[str, ...]]] = [
    ("identifier empty", alert(identifier=""), ("alert.identifier",)),
    ("identifier with a space", alert(identifier="a b"), ("alert.identifier",)),
    ("identifier with a comma", alert(identifier="a,b"), ("alert.identifier",)),
    ("sender with an ampersand", alert(sender="a&b"), ("alert.sender",)),
    ("sender with a less-than sign", alert(sender="a<b"), ("alert.sender",)),
    ("sent without zone", alert(sent=datetime(2026, 7, 1)), ("alert.sent",)),
    ("sent with fractions", alert(sent=SENT.replace(microsecond=5)), ("alert.sent",)),
    (
        "sent with seconds in its offset",
        alert(sent=SENT.astimezone(timezone(timedelta(seconds=3208)))),
        ("alert.sent",),
    ),
    (
        "sent with an offset beyond 14 hours",
        alert(sent=SENT.astimezone(timezone(timedelta(hours=15)))),
        ("alert.sent",),
    ),
    ("update without references", alert(references=()), ("alert.references",)),
    (
        "cancel without references",
        alert(references=(), msg_type=MsgType.CANCEL),
        ("alert.references",),
    ),
    ("ack without references", alert(references=(), msg_type=MsgType.ACK), ("alert.references",)),
    ("reference without sender", reference("", "before", EARLY), ("alert.references[0]",)),
    ("reference with a space", reference("x y", "before", EARLY), ("alert.references[0]",)),
    ("reference with Z", reference("x", "y", "2026-07-01T11:00:00Z"), ("alert.references[0]",)),
    (
        "reference to itself",
        reference(CLEAN.sender, CLEAN.identifier, EARLY),
        ("alert.references[0]",),
    ),
    (
        "reference to the future",
        reference("x", "y", "2026-07-01T12:00:01-00:00"),
        ("alert.references[0]",),
    ),
    ("restricted without restriction", alert(scope=Scope.RESTRICTED), ("alert.restriction",)),
    ("public with restriction", alert(restriction="fire brigade"), ("alert.restriction",)),
    ("private without addresses", alert(scope=Scope.PRIVATE), ("alert.addresses",)),
    ("address with a quotation mark", alert(addresses=('a"b',)), ("alert.addresses[0]",)),
    ("incident that is empty", alert(incidents=("a", "")), ("alert.incidents[1]",)),
    ("code that is empty", alert(codes=("",)), ("alert.code[0]",)),
    ("public without info", alert(infos=()), ("alert.info",)),
    ("language with underscore", second(language="en_US"), (f"{I1}.language",)),
    ("language that is a sentence", second(language="Plain German"), (f"{I1}.language",)),
    ("no category", both(categories=()), at_both("category")),
    ("no event", both(event=" "), at_both("event")),
    ("categories differ", second(categories=(Category.GEO,)), (f"{I1}.category",)),
    ("event codes differ", second(event_codes=(Pair("a", "b"),)), (f"{I1}.eventCode",)),
    ("urgency differs", second(urgency=Urgency.FUTURE), (f"{I1}.urgency",)),
    ("severity differs", second(severity=Severity.MINOR), (f"{I1}.severity",)),
    ("certainty differs", second(certainty=Certainty.OBSERVED), (f"{I1}.certainty",)),
    ("effective differs", second(effective=None), (f"{I1}.effective",)),
    ("onset differs", second(onset=None), (f"{I1}.onset",)),
    ("expires differs", second(expires=SENT + timedelta(hours=7)), (f"{I1}.expires",)),
    ("one language, two events", second(language="DE"), (f"{I1}.event",)),
    (
        "expires before sent",
        both(effective=None, onset=None, expires=SENT - timedelta(seconds=1)),
        at_both("expires"),
    ),
    (
        "expires before effective",
        both(effective=SENT + timedelta(hours=7), onset=None),
        at_both("expires"),
    ),
    ("effective with fractions", both(effective=SENT.replace(microsecond=1)), at_both("effective")),
    ("onset without zone", both(onset=datetime(2026, 7, 1, 15)), at_both("onset")),
    ("expires without zone", both(expires=datetime(2026, 7, 2)), at_both("expires")),
    ("web that is relative", second(web="/tr"), (f"{I1}.web",)),
    ("web without host", second(web="https:/tr"), (f"{I1}.web",)),
    ("web with a space", second(web="https://example.org/a b"), (f"{I1}.web",)),
    ("event code without value", both(event_codes=(Pair("a", ""),)), at_both("eventCode[0]")),
    ("parameter without name", second(parameters=(Pair("", "b"),)), (f"{I1}.parameter[0]",)),
    ("resource not described", resource(resource_desc=""), (f"{I1}.resource[0].resourceDesc",)),
    ("media type missing", resource(mime_type=""), (f"{I1}.resource[0].mimeType",)),
    ("media type unknown", resource(mime_type="sound/mpeg"), (f"{I1}.resource[0].mimeType",)),
    ("uri relative to nothing", resource(uri="a.mp3", deref_uri=None), (f"{I1}.resource[0].uri",)),
    ("file not base64", resource(deref_uri="§"), (f"{I1}.resource[0].derefUri",)),
    ("size negative", resource(size=-1), (f"{I1}.resource[0].size",)),
    ("size of another file", resource(size=6), (f"{I1}.resource[0].size",)),
    ("digest not hexadecimal", resource(digest="x", deref_uri=None), (f"{I1}.resource[0].digest",)),
    ("digest of another file", resource(digest="0" * 40), (f"{I1}.resource[0].digest",)),
    ("area without name", area(area_desc=""), at_both("area[0].areaDesc")),
    ("area nowhere", area(polygons=(), circles=(), geocodes=()), BOTH_AREAS),
    ("geocode without value", area(geocodes=(Pair("ARS", ""),)), at_both("area[0].geocode[0]")),
    ("polygon with three pairs", ring((1, 1), (2, 2), (1, 1)), at_both("area[0].polygon[0]")),
    ("polygon open", ring((1, 1), (2, 2), (1, 2), (3, 1)), at_both("area[0].polygon[0]")),
    ("polygon lon,lat", ring((1, 1), (91, 2), (1, 2), (1, 1)), at_both("area[0].polygon[0]")),
    ("polygon beyond 180", ring((1, 1), (1, 181), (2, 2), (1, 1)), at_both("area[0].polygon[0]")),
    (
        "polygon not a number",
        ring((1, 1), (1, float("inf")), (2, 2), (1, 1)),
        at_both("area[0].polygon[0]"),
    ),
    (
        "polygon over the antimeridian",
        ring((1, 179), (1, -179), (2, -179), (1, 179)),
        at_both("area[0].polygon[0]"),
    ),
    (
        "polygon that crosses itself",
        ring((0, 0), (1, 1), (1, 0), (0, 2), (0, 0)),
        at_both("area[0].polygon[0]"),
    ),
    (
        "polygon that encloses nothing",
        ring((0, 0), (1, 1), (2, 2), (0, 0)),
        at_both("area[0].polygon[0]"),
    ),
    ("circle off the globe", area(circles=(Circle(91, 0, 1),)), at_both("area[0].circle[0]")),
    ("circle negative", area(circles=(Circle(1, 1, -1),)), at_both("area[0].circle[0]")),
    ("circle endless", area(circles=(Circle(1, 1, float("inf")),)), at_both("area[0].circle[0]")),
    ("altitude negative", area(altitude=-1.0), at_both("area[0].altitude")),
    ("ceiling without altitude", area(altitude=None), at_both("area[0].ceiling")),
    ("ceiling at the altitude", area(altitude=1000.0), at_both("area[0].ceiling")),
    ("NUL in a text", second(headline="a\0b"), (f"{I1}.headline",)),
    ("lone surrogate in a text", second(contact="a\ud800"), (f"{I1}.contact",)),
    ("non-character in a text", alert(note="a\ufffe"), ("alert.note",)),
    ("control character in a text", second(instruction="a\x85b"), (f"{I1}.instruction",)),
    (
        "escape in a geocode",
        area(geocodes=(Pair("ARS", "1\x1b"),)),
        at_both("area[0].geocode[0].value"),
    ),
]

WARNED: list[tuple[str, Change, tuple[str, ...]]] = [
    ("sent in UTC", alert(sent=SENT.astimezone(UTC)), ("alert.sent",)),
    ("effective in UTC", both(effective=SENT.astimezone(UTC)), at_both("effective")),
    (
        "reference twice",
        alert(references=CLEAN.references * 2),
        ("alert.references[1]",),
    ),
    ("exercise not named", alert(status=Status.EXERCISE, note=None), ("alert.note",)),
    ("error not explained", alert(msg_type=MsgType.ERROR, note=""), ("alert.note",)),
    ("areas differ", second(areas=(replace(AREA, polygons=()),)), (f"{I1}.area",)),
    ("no language", second(language=None), (f"{I1}.language",)),
    ("urgency unknown", both(urgency=Urgency.UNKNOWN), at_both("urgency")),
    ("severity unknown", both(severity=Severity.UNKNOWN), at_both("severity")),
    ("certainty unknown", both(certainty=Certainty.UNKNOWN), at_both("certainty")),
    ("headline over 140", second(headline="x" * 141), (f"{I1}.headline",)),
    ("headline over 160", second(headline="x" * 161), (f"{I1}.headline",)),
    ("headline in description", second(description=TURKISH.headline), (f"{I1}.description",)),
    ("description in instruction", second(instruction=TURKISH.description), (f"{I1}.instruction",)),
    ("text untranslated", second(description=GERMAN.description), (f"{I1}.description",)),
    ("no sender name", second(sender_name=None), (f"{I1}.senderName",)),
    ("no headline", second(headline=None), (f"{I1}.headline",)),
    ("no description", second(description=None), (f"{I1}.description",)),
    ("no instruction", second(instruction=None), (f"{I1}.instruction",)),
    ("no web", second(web=None), (f"{I1}.web",)),
    ("no contact", second(contact=None), (f"{I1}.contact",)),
    ("no response type", second(response_types=()), (f"{I1}.responseType",)),
    ("no expires", both(expires=None), at_both("expires")),
    ("no area", both(areas=()), at_both("area")),
    ("onset after expires", both(onset=SENT + timedelta(hours=7)), at_both("expires")),
    ("resource nowhere", resource(uri=None, deref_uri=None), (f"{I1}.resource[0]",)),
    ("area by codes alone", area(polygons=(), circles=()), BOTH_AREAS),
    (
        "polygon point doubled",
        area(polygons=(Polygon((RING.points[0], *RING.points)),)),
        at_both("area[0].polygon[0]"),
    ),
    ("circle of radius 0", area(circles=(Circle(1, 1, 0),)), at_both("area[0].circle[0]")),
    (
        "text not NFC",
        second(headline=unicodedata.normalize("NFD", "Ş")),
        (f"{I1}.headline",),
    ),
    ("HTML tag", second(description="Su<br/>basabilir"), (f"{I1}.description",)),
    ("escaped entity", second(description="&quot;Su&quot;"), (f"{I1}.description",)),
    ("blank edges", second(contact=" a"), (f"{I1}.contact",)),
]


def _said(problems: list[Any]) -> set[tuple[str, str]]:
    return {(problem.path, problem.level) for problem in problems}


def test_a_clean_alert_has_no_problem() -> None:
    assert check(CLEAN, now=SENT) == []


@pytest.mark.parametrize(
    ("change", "paths"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_refused(change: Change, paths: tuple[str, ...]) -> None:
    problems = check(change(CLEAN))
    errors = [problem for problem in problems if problem.level == "error"]
    assert _said(errors) == {(path, "error") for path in paths}
    assert {problem.path for problem in problems} <= set(paths)
    assert all(problem.says and problem.remedy for problem in problems)


@pytest.mark.parametrize(
    ("change", "paths"), [case[1:] for case in WARNED], ids=[case[0] for case in WARNED]
)
def test_warned_of_but_let_through(change: Change, paths: tuple[str, ...]) -> None:
    problems = check(change(CLEAN))
    assert _said(problems) == {(path, "warning") for path in paths}
    assert all(problem.says and problem.remedy for problem in problems)


def test_all_problems_come_at_once() -> None:
    broken = CLEAN
    for _, change, _ in (REFUSED[0], REFUSED[4], WARNED[0]):
        broken = change(broken)
    assert {problem.path for problem in check(broken)} >= {
        "alert.identifier",
        "alert.sender",
        "alert.sent",
    }


def test_a_relative_uri_may_name_the_enclosed_file() -> None:
    assert check(resource(uri="a.mp3")(CLEAN)) == []


def test_a_text_may_be_equal_in_two_variants_of_one_language() -> None:
    change = second(language="de-simple", event=GERMAN.event, headline=GERMAN.headline)
    assert check(change(CLEAN)) == []


@pytest.mark.parametrize(
    "tag",
    ["de", "de-DE", "zh-Hans", "de-simple", "de-1996", "kmr", "sr-Latn-RS", "prs-AF", "de-x-a"],
)
def test_language_tags_of_every_shape_are_known(tag: str) -> None:
    assert check(second(language=tag, event=GERMAN.event)(CLEAN)) == []


def test_what_is_already_over_is_refused() -> None:
    problems = check(CLEAN, now=SENT + timedelta(hours=6))
    assert _said(problems) == {("alert.info.expires", "error")}


def test_a_late_cancel_is_let_through_with_a_warning() -> None:
    cancel = replace(CLEAN, msg_type=MsgType.CANCEL)
    assert _said(check(cancel, now=SENT + timedelta(hours=7))) == {
        ("alert.info.expires", "warning")
    }


def test_an_alert_from_the_future_tells_of_clocks() -> None:
    assert _said(check(CLEAN, now=SENT - timedelta(minutes=6))) == {("alert.sent", "warning")}
    assert check(CLEAN, now=SENT - timedelta(minutes=4)) == []


def test_languages_that_may_share_sentences_are_not_taken_for_untranslated() -> None:
    info = CLEAN.infos[0]
    same = [replace(info, language=tag) for tag in ("hr", "bs")]
    alert = replace(CLEAN, infos=tuple(same))

    assert any("word for word" in p.says for p in check(alert))
    assert not any("word for word" in p.says for p in check(alert, twins={"bs": {"hr"}}))
    assert any("word for word" in p.says for p in check(alert, twins={"hr": {"bs"}}))
