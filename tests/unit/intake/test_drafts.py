"""Drafts: what an officer wrote, or everything that is wrong with it."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.intake.drafts import LARGEST, Context, fields_of, read
from broadcaster.model.cap import Severity, Status
from broadcaster.model.errors import BadInput
from broadcaster.model.gazetteer import Gazetteer
from broadcaster.paths import shipped
from broadcaster.text.library import Library

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=ZoneInfo("Europe/Berlin"))
HEAT = {"hazard": "heat", "level": "2", "area": "dortmund", "expires": "6h"}
RAIN = {**HEAT, "hazard": "heavy_rain"}


@pytest.fixture(scope="module")
def context():
    return Context(
        library=Library.load(shipped("templates"), shipped("locales"), "Europe/Berlin"),
        gazetteer=Gazetteer.load(shipped("templates") / "areas/dortmund.geojson"),
        now=NOW,
        source_language="de",
        offered=("de", "en", "tr"),
    )


def problems(fields, context):
    with pytest.raises(BadInput) as raised:
        read(fields, context, "heat.yaml")
    return raised.value.problems


BAD = [
    ({"hazard": None}, "hazard"),
    ({"hazard": ""}, "hazard"),
    ({"hazard": "dragon"}, "hazard"),
    ({"hazard": ["heat"]}, "hazard"),
    ({"hazard": "Heat"}, "hazard"),
    ({"level": None}, "level"),
    ({"level": "0"}, "level"),
    ({"level": "4"}, "level"),
    ({"level": "-1"}, "level"),
    ({"level": "2.0"}, "level"),
    ({"level": "high"}, "level"),
    ({"level": "²"}, "level"),
    ({"level": "9" * 5000}, "level"),
    ({"area": None}, "area"),
    ({"area": []}, "area"),
    ({"area": "Atlantis"}, "area[0]"),
    ({"area": ["dortmund", "Atlantis"]}, "area[1]"),
    ({"area": [["dortmund"]]}, "area[0]"),
    ({"area": {"polygon": "51.5,7.4 51.6,7.4"}}, "area[0].polygon"),
    ({"area": {"polygon": "51.5,7.4 51.6,7.4 51.5,7.5"}}, "area[0].polygon"),
    ({"area": {"polygon": "51.5,7.4 51.5,7.5 51.6,7.4 51.6,7.5 51.5,7.4"}}, "area[0].polygon"),
    ({"area": {"polygon": "lots of words"}}, "area[0].polygon"),
    ({"area": {"polygon": "91,7.4 92,7.5 93,7.4 91,7.4"}}, "area[0].polygon"),
    ({"area": {"circle": "51.5,7.4"}}, "area[0].circle"),
    ({"area": {"circle": "51.5,7.4 -1"}}, "area[0].circle"),
    ({"area": {"circle": "51.5,7.4 99999"}}, "area[0].circle"),
    ({"area": {"circle": "48.1,11.6 1"}}, "area[0]"),
    ({"area": {"shape": "round"}}, "area[0]"),
    ({"expires": None}, "expires"),
    ({"expires": "soon"}, "expires"),
    ({"expires": "2026-07-01T11:59"}, "expires"),
    ({"expires": "now"}, "expires"),
    ({"expires": "15d"}, "expires"),
    ({"expires": "99999h"}, "expires"),
    ({"expires": ["6h"]}, "expires"),
    ({"expires": "9999-12-31T23:59"}, "expires"),
    ({"onset": "later"}, "onset"),
    ({"onset": "2026-07-05T12:00", "expires": "2026-07-04T12:00"}, "onset"),
    ({"release": "2026-07-01T08:00"}, "release"),
    ({"release": "2026-07-02T12:00", "expires": "2026-07-02T11:00"}, "release"),
    ({"status": "actual"}, "status"),
    ({"status": "Draft"}, "status"),
    ({"status": "System"}, "status"),
    ({"status": "Exercise"}, "exercise"),
    ({"status": "Actual", "exercise": "Spring"}, "exercise"),
    ({"hazard": "test", "level": "1", "status": "Actual"}, "status"),
    ({"parameters": "38"}, "parameters"),
    ({"parameters": {"wind": "38"}}, "parameters.wind"),
    ({"parameters": {"temperature": "hot"}}, "parameters.temperature"),
    ({"parameters": {"temperature": "380"}}, "parameters.temperature"),
    ({"parameters": {"temperature": "-38"}}, "parameters.temperature"),
    ({"parameters": {"temperature": ["38"]}}, "parameters.temperature"),
    ({"parameters": {"temperature": "nan"}}, "parameters.temperature"),
    ({"parameters": {"temperature": "inf"}}, "parameters.temperature"),
    ({"parameters": {"temperature": True}}, "parameters.temperature"),
    ({"hazard": "heavy_rain", "parameters": {"period": "6"}}, "parameters.period"),
    ({"actions": "dance"}, "actions"),
    ({"actions": ["drink", "drink"]}, "actions"),
    ({"actions": {"drink": "yes"}, "hazard": "flood"}, "actions"),
    ({"note": {"text": ""}}, "note"),
    ({"note": {"text": "Hallo", "language": "xx"}}, "note.language"),
    ({"note": {"text": "Hallo", "lang": "de"}}, "note.lang"),
    ({"note": "x" * 401}, "note"),
    ({"note": "<b>Hallo</b>"}, "note"),
    ({"note": "Hallo\x07"}, "note"),
    ({"note": ["Hallo"]}, "note"),
    ({"severity": "Terrible"}, "severity"),
    ({"urgency": "Now"}, "urgency"),
    ({"certainty": "Maybe"}, "certainty"),
    ({"repeat": "5m"}, "repeat"),
    ({"repeat": "often"}, "repeat"),
    ({"languages": ["en"]}, "languages"),
    ({"languages": "de fr"}, "languages"),
    ({"langauges": "de"}, "langauges"),
    ({"exercise": ["Spring"]}, "exercise"),
    ({5: "x"}, "5"),
]


@pytest.mark.parametrize(("change", "where"), BAD, ids=lambda value: str(value)[:60])
def test_a_bad_value_is_named_with_a_reason_and_a_remedy(context, change, where):
    fields = {k: v for k, v in {**HEAT, **change}.items() if v is not None}
    found = problems(fields, context)

    assert f"heat.yaml:{where}" in [problem.path for problem in found]
    for problem in found:
        assert problem.says
        assert problem.level == "error"
        assert "Traceback" not in problem.says


def test_the_table_is_long_enough():
    assert len(BAD) >= 50


def test_everything_wrong_is_told_at_once(context):
    found = problems(
        {
            "hazard": "dragon",
            "level": "9",
            "area": "Atlantis",
            "expires": "soon",
            "x": "y",
            "repeat": "1m",
        },
        context,
    )

    assert [p.path.partition(":")[2] for p in found] == [
        "x",
        "hazard",
        "level",
        "area[0]",
        "expires",
        "repeat",
    ]


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({}, {"level": 2, "status": Status.ACTUAL, "onset": None, "languages": None}),
        ({"level": "severe"}, {"level": 2}),
        ({"level": "EXTREME"}, {"level": 3}),
        ({"level": " 1 "}, {"level": 1}),
        ({"exercise": "Spring"}, {"status": Status.EXERCISE, "exercise": "Spring"}),
        ({"hazard": "test", "level": ""}, {"status": Status.TEST, "level": 1}),
        ({"severity": "Extreme"}, {"severity": Severity.EXTREME}),
        ({"parameters": {"temperature": "38,5"}}, {"parameters": {"temperature": 38.5}}),
        ({"actions": "drink, cool"}, {"actions": ("drink", "cool")}),
        ({"languages": "tr de"}, {"languages": ("de", "tr")}),
        ({"note": "Halle  offen\n"}, {"note": "Halle offen", "note_language": "de"}),
        ({"note": {"text": "Open", "language": "en"}}, {"note_language": "en"}),
        ({"release": "now"}, {"release": None}),
        ({"area": ["dortmund-hoerde"]}, {"area_ids": ("dortmund-hoerde",)}),
    ],
)
def test_a_good_value_is_read(context, change, wanted):
    draft = read({**HEAT, **change}, context)

    got = {name: getattr(draft, name) for name in wanted}
    if "area_ids" in wanted:
        assert set(wanted["area_ids"]) <= set(got.pop("area_ids"))
        wanted = {}
    assert got == wanted


def test_the_end_counts_from_the_beginning(context):
    draft = read({**HEAT, "onset": "20:00", "expires": "6h"}, context)

    assert draft.expires == datetime(2026, 7, 2, 2, 0, tzinfo=NOW.tzinfo)


def test_a_draft_file_is_read_as_text_only():
    raw = b"hazard: heat\nexpires: 22:30\nlevel: 2\nnote: no\nactions: [drink]\n"

    assert fields_of(raw, "heat.yaml") == {
        "hazard": "heat",
        "expires": "22:30",
        "level": "2",
        "note": "no",
        "actions": ["drink"],
    }
    assert fields_of(b'\xef\xbb\xbf{"hazard": "heat", "level": 2}', "x") == {
        "hazard": "heat",
        "level": "2",
    }


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "is not a draft"),
        (b"heat", "is not a draft"),
        (b"- heat", "is not a draft"),
        (b"a: [", "is not YAML"),
        (b"\ta: b", "is not YAML"),
        (b"a: b\na: c", "is written twice"),
        (b"a: &x [1]\nb: *x", "alias"),
        (b"a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]", "alias"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"x" * (LARGEST + 1), "bytes"),
        (b"[" * 900_000, "nested too deeply"),
        (b"? [a]\n: b", "a name is a word"),
        (b"a: \x00", "is not YAML"),
    ],
)
def test_a_file_that_is_no_draft_is_told(raw, says):
    with pytest.raises(BadInput) as raised:
        fields_of(raw, "draft.yaml")

    assert says in str(raised.value)
    assert raised.value.problems[0].path.startswith("draft.yaml")
    assert raised.value.problems[0].remedy


def test_a_tag_that_asks_for_code_is_text_and_runs_nothing(tmp_path):
    made = tmp_path / "made"
    raw = f"hazard: !!python/object/apply:os.mkdir ['{made}']".encode()

    assert fields_of(raw, "draft.yaml") == {"hazard": [str(made)]}
    assert not made.exists()


leaves = st.text(max_size=8) | st.sampled_from(["6h", "heat", "dortmund", "2", "de"]) | st.none()
values = st.recursive(
    leaves,
    lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=5), v, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(
    [
        *HEAT,
        "parameters",
        "actions",
        "note",
        "onset",
        "release",
        "repeat",
        "languages",
        "status",
        "exercise",
        "severity",
        "other",
    ]
)


@given(st.dictionaries(names, values, max_size=6))
def test_no_value_breaks_the_reader(context, changes):
    try:
        draft = read({**HEAT, **changes}, context)
    except BadInput as error:
        assert error.problems  # noqa: PT017 - either outcome is right
    else:
        assert draft.expires > NOW


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader_of_files(raw):
    try:
        assert isinstance(fields_of(raw, "x"), dict)
    except BadInput as error:
        assert error.problems[0].says  # noqa: PT017 - either outcome is right
