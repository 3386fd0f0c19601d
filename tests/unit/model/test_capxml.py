"""CAP XML: what we write is exact and valid, what strangers write is read without a crash."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

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
from broadcaster.model.capxml import Limits, Reading, parse_time, read, time_text, write
from broadcaster.model.errors import BadInput
from broadcaster.model.rules import check

SCHEMAS = Path(__file__).parents[4] / "shared" / "schemas"
CEST = timezone(timedelta(hours=2))
SENT = datetime(2026, 7, 1, 14, 0, tzinfo=CEST)
RING = Polygon(((51.5, 7.4), (51.5, 7.5), (51.6, 7.5), (51.5, 7.4)))
ALERT = Alert(
    identifier="warning-1",
    sender="control.example.org",
    sent=SENT,
    status=Status.ACTUAL,
    msg_type=MsgType.ALERT,
    scope=Scope.PUBLIC,
    infos=(
        Info(
            language="de",
            categories=(Category.MET,),
            event="Starkregen",
            areas=(Area(area_desc="Dortmund", polygons=(RING,)),),
        ),
    ),
)
FULL = replace(
    ALERT,
    msg_type=MsgType.UPDATE,
    source="Leitstelle",
    codes=("one", "two"),
    note="a note",
    addresses=("one@example.org", "the second one"),
    references=(
        Reference("control.example.org", "warning-0", "2026-07-01T13:00:00+02:00"),
        Reference("control.example.org", "warning-00", "2026-07-01T12:00:00-00:00"),
    ),
    incidents=("flood of July", "7"),
    infos=(
        replace(
            ALERT.infos[0],
            response_types=(ResponseType.AVOID,),
            urgency=Urgency.IMMEDIATE,
            severity=Severity.SEVERE,
            certainty=Certainty.OBSERVED,
            audience="everyone",
            event_codes=(Pair("profile", "RAIN"),),
            effective=SENT,
            onset=SENT,
            expires=SENT + timedelta(hours=6),
            sender_name="Stadt Dortmund",
            headline="Starkregen",
            description="Erste Zeile\nZweite Zeile & mehr",
            instruction="Nicht in den Keller gehen",
            web="https://warn.example.org/",
            contact="warnung@example.org",
            parameters=(Pair("broadcaster:level", "2"),),
            resources=(
                Resource(
                    resource_desc="Durchsage",
                    mime_type="audio/mpeg",
                    size=5,
                    uri="https://warn.example.org/a.mp3",
                    deref_uri="c2lyZW4=",
                    digest="0" * 40,
                ),
            ),
            areas=(
                Area(
                    area_desc="Dortmund",
                    polygons=(RING,),
                    circles=(Circle(51.51, 7.46, 5.0),),
                    geocodes=(Pair("ARS", "059130000000"),),
                    altitude=0.0,
                    ceiling=9842.5197,
                ),
            ),
        ),
    ),
)


# --- writing ---------------------------------------------------------------------------------


@pytest.mark.parametrize("schema", ["CAP-v1.2.xsd", "cap12_extended.google.xsd"])
@pytest.mark.parametrize("alert", [ALERT, replace(FULL, addresses=())], ids=["small", "full"])
def test_what_is_written_validates(schema: str, alert: Alert) -> None:
    if not SCHEMAS.exists():
        pytest.skip("the CAP schemas are not beside the repository (../shared/schemas)")
    validator = etree.XMLSchema(etree.parse(str(SCHEMAS / schema)))
    validator.assertValid(etree.fromstring(write(alert)))


def test_a_full_alert_survives_without_any_defect() -> None:
    assert read(write(FULL)) == Reading(FULL, ())


def test_the_same_value_gives_the_same_bytes() -> None:
    code = (
        "import sys; from broadcaster.model.capxml import read, write;"
        "sys.stdout.buffer.write(write(read(sys.stdin.buffer.read()).alert))"
    )
    document = write(FULL)
    for seed in ("1", "2"):
        other = subprocess.run(
            [sys.executable, "-c", code],
            input=document,
            capture_output=True,
            check=True,
            cwd=Path(__file__).parents[3],
            env={"PYTHONHASHSEED": seed, "LC_ALL": "C"},
        )
        assert other.stdout == document


def test_empty_references_are_never_written() -> None:
    assert b"references" not in write(ALERT)


def test_items_with_spaces_are_quoted() -> None:
    assert b'<addresses>one@example.org "the second one"</addresses>' in write(FULL)


def test_an_open_ring_is_closed() -> None:
    area = Area(area_desc="x", polygons=(Polygon(RING.points[:-1]),))
    document = write(replace(ALERT, infos=(replace(ALERT.infos[0], areas=(area,)),)))
    assert b"<polygon>51.5,7.4 51.5,7.5 51.6,7.5 51.5,7.4</polygon>" in document


@pytest.mark.parametrize(
    "text",
    [
        "2026-07-01T14:00:00+02:00",
        "2026-01-01T00:00:00-00:00",
        "2026-01-01T00:00:00+00:00",
        "2026-07-01T14:00:00-03:30",
    ],
)
def test_offsets_are_repeated_exactly(text: str) -> None:
    time, defect = parse_time(text)
    assert defect is None
    assert time_text(time) == text


def test_utc_is_written_with_an_offset_and_never_z() -> None:
    assert time_text(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00-00:00"


def test_everything_that_xml_cannot_carry_is_told_at_once() -> None:
    circle = Circle(math.nan, 0, 1)
    info = replace(
        ALERT.infos[0],
        headline="a\0",
        onset=datetime(2026, 7, 1),
        areas=(Area(area_desc="x", circles=(circle,), altitude=math.inf),),
    )
    broken = replace(
        ALERT,
        infos=(info,),
        addresses=('a"b',),
        references=(Reference("a", "b,c", "d e"),),
        signature="<b/>",
        sent=SENT.replace(microsecond=1),
    )
    with pytest.raises(BadInput) as refusal:
        write(broken)
    assert {problem.path for problem in refusal.value.problems} == {
        "alert.sent",
        "alert.addresses[0]",
        "alert.references",
        "alert.signature",
        "alert.info[0].headline",
        "alert.info[0].onset",
        "alert.info[0].area[0].circle[0]",
        "alert.info[0].area[0].altitude",
    }


@pytest.mark.parametrize("text", ["a\ufffe", "a\ud800", "a\x1b"])
def test_characters_outside_xml_are_refused_and_named(text: str) -> None:
    with pytest.raises(BadInput, match=r"U\+[0-9A-F]{4}"):
        write(replace(ALERT, note=text))


SIGNATURE = (
    '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:A>x</ds:A></ds:Signature>'
)


def test_signatures_stay_last_and_unchanged() -> None:
    signed = replace(ALERT, signature=f"{SIGNATURE}\n{SIGNATURE}")
    document = write(signed)
    assert document.decode().count(SIGNATURE) == 2
    assert document.rstrip().endswith(b"</ds:Signature>\n</alert>")
    assert read(document).alert == signed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "<ds:Signature/>",
        SIGNATURE + "<info/>",
        SIGNATURE + "</signatures><signatures>",
        "<!DOCTYPE x>" + SIGNATURE,
    ],
)
def test_nothing_else_passes_as_a_signature(text: str) -> None:
    with pytest.raises(BadInput, match="signature"):
        write(replace(ALERT, signature=text))


def test_a_signature_that_would_change_its_meaning_is_left_out_and_reported() -> None:
    signed = write(replace(ALERT, signature=SIGNATURE)).decode()
    prefixed = (
        signed.replace("<", "<cap:").replace("<cap:/", "</cap:").replace("xmlns=", "xmlns:cap=")
    )
    prefixed = prefixed.replace("cap:?", "?").replace("cap:ds:A", "A").replace("cap:ds:", "ds:")
    reading = read(prefixed.encode())
    assert reading.alert == ALERT
    assert [defect.path for defect in reading.defects] == ["alert.Signature[0]"]


# --- reading what CAP forbids ----------------------------------------------------------------


def swap(old: str, new: str) -> bytes:
    text = write(FULL).decode()
    assert old in text
    return text.replace(old, new).encode()


SENT_TEXT = "<sent>2026-07-01T14:00:00+02:00</sent>"
TOLERATED: list[tuple[str, str, str, str]] = [
    ("Z", SENT_TEXT, "<sent>2026-07-01T12:00:00Z</sent>", "alert.sent"),
    ("fractions", SENT_TEXT, "<sent>2026-07-01T14:00:00.123+02:00</sent>", "alert.sent"),
    ("no zone", SENT_TEXT, "<sent>2026-07-01T12:00:00</sent>", "alert.sent"),
    ("no seconds", SENT_TEXT, "<sent>2026-07-01T14:00+0200</sent>", "alert.sent"),
    ("midnight as 24", SENT_TEXT, "<sent>2026-07-01T24:00:00+02:00</sent>", "alert.sent"),
    ("Very Likely", ">Observed<", ">Very Likely<", "alert.info[0].certainty"),
    ("unknown urgency", ">Immediate<", ">Soon<", "alert.info[0].urgency"),
    ("unknown category", ">Met<", ">Weather<", "alert.info[0].category[0]"),
    ("unknown response", ">Avoid<", ">Flee<", "alert.info[0].responseType[0]"),
    ("lower case status", ">Actual<", ">actual<", "alert.status"),
    (
        "swapped order",
        "<urgency>Immediate</urgency>\n    <severity>Severe</severity>",
        "<severity>Severe</severity><urgency>Immediate</urgency>",
        "alert.info[0]",
    ),
    ("missing sender", "<sender>control.example.org</sender>", "", "alert.sender"),
    ("empty element", ">a note<", "><", "alert.note"),
    ("markup in a text", ">a note<", "><b>a</b> note<", "alert.note"),
    ("unknown element", "<note>", "<colour>red</colour><note>", "alert.colour"),
    ("CAP 1.1", "cap:1.2", "cap:1.1", "alert"),
    ("no namespace", ' xmlns="urn:oasis:names:tc:emergency:cap:1.2"', "", "alert"),
    ("no mimeType", "<mimeType>audio/mpeg</mimeType>", "", "alert.info[0].resource[0].mimeType"),
    (
        "newlines in a polygon",
        "51.5,7.4 51.5,7.5",
        "51.5,7.4\n\t51.5,7.5",
        "alert.info[0].area[0].polygon[0]",
    ),
    (
        "parentheses in a polygon",
        "51.5,7.4 51.5,7.5",
        "(51.5,7.4) (51.5,7.5)",
        "alert.info[0].area[0].polygon[0]",
    ),
    ("open ring", " 51.5,7.4</polygon>", "</polygon>", "alert.info[0].area[0].polygon[0]"),
    ("off the globe", "51.51,7.46 5.0", "97.46,51.51 5", "alert.info[0].area[0].circle[0]"),
    ("no polygon at all", "51.5,7.4 51.5,7.5", "here", "alert.info[0].area[0].polygon[0]"),
    ("altitude in words", ">0.0<", ">sea level<", "alert.info[0].area[0].altitude"),
    ("size with fraction", ">5<", ">5.5<", "alert.info[0].resource[0].size"),
    ("unreadable end", "20:00:00+02:00", "late", "alert.info[0].expires"),
    (
        "pair of CAP 1.0",
        "<valueName>ARS</valueName>\n        <value>059130000000</value>",
        "ARS=059130000000",
        "alert.info[0].area[0].geocode[0]",
    ),
    (
        "references without commas",
        "control.example.org,warning-0,2026-07-01T13:00:00+02:00 ",
        "warning-0 ",
        "alert.references",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "path"), [case[1:] for case in TOLERATED], ids=[case[0] for case in TOLERATED]
)
def test_accepted_with_a_defect_at_its_place(old: str, new: str, path: str) -> None:
    reading = read(swap(old, new))
    assert {defect.path for defect in reading.defects} == {path}
    assert {defect.level for defect in reading.defects} <= {"warning"}
    assert read(write(reading.alert)).alert == reading.alert


def test_meaning_is_kept_where_the_form_is_wrong() -> None:
    assert read(swap(">Observed<", ">Very Likely<")).alert.infos[0].certainty is Certainty.LIKELY
    assert read(swap(">Immediate<", ">Soon<")).alert.infos[0].urgency is Urgency.UNKNOWN
    assert read(swap(">Met<", ">Weather<")).alert.infos[0].categories == (Category.OTHER,)
    assert read(swap(">a note<", "><b>a</b> note<")).alert.note == "a note"
    assert read(swap(SENT_TEXT, "<sent>2026-07-01T12:00:00Z</sent>")).alert == FULL
    assert read(swap(" 51.5,7.4</polygon>", "</polygon>")).alert == FULL
    assert read(swap("ARS</valueName>", "\n ARS \n</valueName>")) == Reading(FULL, ())


def test_a_prefix_or_another_encoding_makes_no_difference() -> None:
    root = etree.fromstring(write(FULL))
    prefixed = write(FULL).decode().replace("<", "<cap:").replace("<cap:/", "</cap:")
    prefixed = prefixed.replace("<cap:?", "<?").replace("xmlns=", "xmlns:cap=")
    assert read(prefixed.encode()) == Reading(FULL, ())
    for encoding in ("UTF-16", "ISO-8859-1", "US-ASCII"):
        recoded = etree.tostring(root, encoding=encoding)
        assert isinstance(recoded, bytes)
        assert read(recoded) == Reading(FULL, ())


def test_text_cut_into_two_elements_is_joined() -> None:
    alert = read(
        swap("</instruction>", "</instruction><instruction>Fenster zu</instruction>")
    ).alert
    assert alert.infos[0].instruction == "Nicht in den Keller gehen\nFenster zu"


TIME = "2020-04-03T10:00:00-00:00"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (f"a,b,{TIME}", [("a", "b", TIME)]),
        (f"a,b,{TIME}\n  c,d,{TIME}", [("a", "b", TIME), ("c", "d", TIME)]),
        (
            f"the office,b,{TIME} the office,c,{TIME}",
            [("the office", "b", TIME), ("the office", "c", TIME)],
        ),
        (f"a b,mow.a mow.b,{TIME} {TIME}", [("a", "mow.a", TIME), ("b", "mow.b", TIME)]),
        (
            f"a b c,mow.a mow.b mow.c,{TIME}",
            [("a", "mow.a", TIME), ("b", "mow.b", TIME), ("c", "mow.c", TIME)],
        ),
        ("biw.X biw.Y", [("", "biw.X", ""), ("", "biw.Y", "")]),
        ("a,b,66--T00:00:00+00:00", [("a", "b", "66--T00:00:00+00:00")]),
        (f"a,b,{TIME},c,d,{TIME}", [("a", "b", TIME), ("c", "d", TIME)]),
    ],
)
def test_broken_references_of_federal_feeds_are_understood(
    text: str, names: list[tuple[str, str, str]]
) -> None:
    old = write(FULL).decode().partition("<references>")[2].partition("</references>")[0]
    reading = read(swap(old, text))
    expected = tuple(Reference(*name) for name in names)
    assert reading.alert.references == expected
    assert read(write(reading.alert)).alert.references == expected


# --- refusing --------------------------------------------------------------------------------

LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE alert [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;">]><alert>&c;</alert>'
)
REFUSALS: list[tuple[str, bytes, str]] = [
    ("nothing", b"", "not well-formed"),
    ("not XML", b"Starkregen in Dortmund", "not well-formed"),
    ("cut off", write(FULL)[:-20], "not well-formed"),
    ("billion laughs", LAUGHS.encode(), "document type declaration"),
    ("billion laughs in UTF-16", LAUGHS.encode("utf-16"), "document type declaration"),
    (
        "DTD behind a comment",
        b'<!-- <alert> --><!DOCTYPE alert SYSTEM "file:///etc/passwd"><alert/>',
        "document type declaration",
    ),
    ("DTD behind many comments", b"<!--" + b" " * 70_000 + b"--><!DOCTYPE a><a/>", "type declara"),
    ("another encoding", b'<?xml version="1.0" encoding="UTF-7"?><alert/>', "UTF-7"),
    ("an entity", b"<alert>&unknown;</alert>", "not well-formed"),
    ("a web page", b"<html><body/></html>", "not a CAP alert"),
    ("another namespace", b'<alert xmlns="urn:example"/>', "only urn:oasis"),
    ("20 MB", b"<alert>" + b" " * 20_000_000 + b"</alert>", "20,000,015 bytes"),
    ("Atom", b"<feed><entry/><entry/></feed>", "container with 2 entries"),
    ("EDXL-DE", b"<e:x xmlns:e='u'><alert/><alert/><alert/></e:x>", "container with 3 alerts"),
    ("nested deeply", b"<alert>" + b"<a>" * 50 + b"</a>" * 50 + b"</alert>", "nested deeper"),
    ("unknown status", swap(">Actual<", ">Maybe<"), "alert.status"),
]


@pytest.mark.parametrize(
    ("data", "says"), [case[1:] for case in REFUSALS], ids=[case[0] for case in REFUSALS]
)
def test_refused_with_a_reason(data: bytes, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        read(data)


def test_every_reason_for_refusal_is_told_at_once() -> None:
    with pytest.raises(BadInput) as refusal:
        read(b"<alert/>")
    assert [problem.path for problem in refusal.value.problems] == [
        "alert.identifier",
        "alert.sent",
        "alert.status",
        "alert.msgType",
        "alert.scope",
    ]


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (Limits(infos=0), "info elements"),
        (Limits(areas=0), "areas"),
        (Limits(points_per_polygon=3), "points"),
        (Limits(points=3), "points"),
        (Limits(text=20), "characters"),
        (Limits(bytes=100), "bytes"),
        (Limits(depth=2), "nested deeper than 2"),
    ],
)
def test_each_limit_refuses_what_exceeds_it(limits: Limits, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        read(write(FULL), limits=limits)


def test_defects_are_counted_beyond_the_limit_but_not_listed() -> None:
    many = "".join(f"<x{number}/>" for number in range(20))
    defects = read(swap("<note>", f"{many}<note>"), limits=Limits(defects=5)).defects
    assert len(defects) == 6
    assert "15 more" in defects[-1].says


HOSTILE: list[tuple[str, str, str]] = [
    ("polygon", "51.5,7.4 51.5,7.5", "1 ,2" + " " * 1_000_000),
    ("polygon of one number", "51.5,7.4 51.5,7.5", "1" * 1_000_000),
    ("circle", "51.51,7.46 5", "1" + " " * 190_000 + "x"),
    ("references", "control.example.org,warning-0,", "a " * 90_000 + ","),
    ("references of commas", "control.example.org,warning-0,", "," * 190_000),
    ("addresses", "one@example.org", '" ' * 90_000),
    ("address list", "one@example.org", '"' + "a " * 90_000),
    ("media type", "audio/mpeg", "audio/mpeg" + ";a=1" * 40_000 + " "),
    ("headline", "Zweite Zeile", "&lt;a " * 30_000),
    ("language", ">de<", ">de" + "-abcde" * 30_000 + "-<"),
    ("web", "https://warn.example.org/<", "a+" * 90_000 + "<"),
    ("time", "2026-07-01T14:00:00+02:00</effective>", "2" * 190_000 + "</effective>"),
]


@pytest.mark.parametrize(
    ("old", "new"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE]
)
def test_no_text_makes_reading_or_checking_slow(old: str, new: str) -> None:
    data = swap(old, new)
    start = perf_counter()
    check(read(data).alert)
    assert perf_counter() - start < 5, "seconds; what is linear takes a fraction of one"


# --- properties ------------------------------------------------------------------------------

_CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff").filter(
    lambda c: c in "\t\n\r" or (c >= " " and ord(c) & 0xFFFE != 0xFFFE)
)
TEXT = st.text(_CHARACTERS, min_size=1, max_size=30).filter(lambda t: t == t.strip(" \t\r\n"))
NAME = st.text(
    st.characters(categories=["L", "N", "M", "P"], exclude_characters=',&<"'),
    min_size=1,
    max_size=12,
)
ITEM = st.text(st.characters(categories=["L", "N", "Zs"]), min_size=1, max_size=12)
TIMES = st.datetimes(
    min_value=datetime(1000, 1, 1),
    max_value=datetime(9000, 1, 1),
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m))),
).map(lambda time: time.replace(microsecond=0))
FLOAT = st.floats(allow_nan=False, allow_infinity=False)
PAIRS = st.lists(st.builds(Pair, TEXT, TEXT), max_size=2).map(tuple)


def some(strategy: st.SearchStrategy[object], size: int = 2) -> st.SearchStrategy[object]:
    return st.lists(strategy, max_size=size).map(tuple)


RINGS = st.lists(st.tuples(FLOAT, FLOAT), min_size=1, max_size=4).map(
    lambda points: Polygon((*points, points[0]))
)
AREAS = st.builds(
    Area,
    area_desc=TEXT,
    polygons=some(RINGS),
    circles=some(st.builds(Circle, FLOAT, FLOAT, FLOAT)),
    geocodes=PAIRS,
    altitude=st.none() | FLOAT,
    ceiling=st.none() | FLOAT,
)
RESOURCES = st.builds(
    Resource,
    resource_desc=TEXT,
    mime_type=TEXT,
    size=st.none() | st.integers(0, 2**53),
    uri=st.none() | TEXT,
    deref_uri=st.none() | TEXT,
    digest=st.none() | TEXT,
)
OPTIONAL = st.none() | TEXT
INFOS = st.builds(
    Info,
    language=OPTIONAL,
    categories=some(st.sampled_from(Category)),
    event=TEXT,
    response_types=some(st.sampled_from(ResponseType)),
    urgency=st.sampled_from(Urgency),
    severity=st.sampled_from(Severity),
    certainty=st.sampled_from(Certainty),
    audience=OPTIONAL,
    event_codes=PAIRS,
    effective=st.none() | TIMES,
    onset=st.none() | TIMES,
    expires=st.none() | TIMES,
    sender_name=OPTIONAL,
    headline=OPTIONAL,
    description=OPTIONAL,
    instruction=OPTIONAL,
    web=OPTIONAL,
    contact=OPTIONAL,
    parameters=PAIRS,
    resources=some(RESOURCES, 1),
    areas=some(AREAS, 1),
)
ALERTS = st.builds(
    Alert,
    identifier=NAME,
    sender=NAME,
    sent=TIMES,
    status=st.sampled_from(Status),
    msg_type=st.sampled_from(MsgType),
    scope=st.sampled_from(Scope),
    source=OPTIONAL,
    restriction=OPTIONAL,
    addresses=some(ITEM),
    codes=some(TEXT),
    note=OPTIONAL,
    references=some(st.builds(Reference, NAME, NAME, TIMES.map(time_text))),
    incidents=some(ITEM),
    infos=some(INFOS),
)
QUICK = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@QUICK
@given(ALERTS)
def test_reading_what_was_written_gives_the_same_alert(alert: Alert) -> None:
    written = write(alert)
    again = read(written).alert
    assert again == alert
    assert write(again) == written


@settings(QUICK, max_examples=300)
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(write(FULL)) - 1),
            st.integers(0, 40),
            st.binary(max_size=6)
            | st.sampled_from(
                [
                    b"<",
                    b">",
                    b"&#0;",
                    b"<![CDATA[",
                    b"]]>",
                    b"<!DOCTYPE a>",
                    b"\0",
                    b"1e999",
                    b",",
                    b'"',
                    b"</info>",
                    b"<info>",
                    b"-",
                    b"=",
                    b" ",
                ]
            ),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_no_mutation_crashes_the_reader(cuts: list[tuple[int, int, bytes]]) -> None:
    data = write(FULL)
    for start, length, put in cuts:
        data = data[:start] + put + data[start + length :]
    try:
        alert = read(data).alert
    except BadInput:
        return
    assert read(write(alert)).alert == alert


_ELEMENTS = sorted(
    {str(node.tag).partition("}")[2] for node in etree.fromstring(write(FULL)).iter()}
)


_FIGURES = st.text('0123456789.,:+-TZ e()"= \n', max_size=30)


@settings(QUICK, max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(_ELEMENTS), TEXT | _FIGURES), max_size=4))
def test_no_text_in_any_element_crashes_the_reader(changes: list[tuple[str, str]]) -> None:
    root = etree.fromstring(write(FULL))
    for name, text in changes:
        for node in root.iter("{*}" + name):
            if len(node) == 0:
                node.text = text
    try:
        alert = read(etree.tostring(root)).alert
    except BadInput:
        return
    assert read(write(alert)).alert == alert
