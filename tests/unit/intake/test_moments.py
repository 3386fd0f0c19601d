"""Times as officers write them, also in the two nights the clocks change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.intake.moments import duration, moment

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 7, 1, 12, 30, tzinfo=BERLIN)


def at(text, now=NOW, **more):
    problems = []
    found = moment(text, now, "expires", problems, **more)
    assert (found is None) is bool(problems)
    return found


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("6h", 360),
        ("90m", 90),
        ("90min", 90),
        ("2d", 2880),
        ("1h30m", 90),
        ("1d2h3m", 1563),
        (" 6h ", 360),
        ("1h 30m", 90),
        ("0m", 0),
    ],
)
def test_a_duration_is_read(text, minutes):
    assert duration(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "text",
    ["", " ", "6", "h", "6 Stunden", "-6h", "6h6h", "6.5h", "30m1h", "99999999999h", "6H", "9999d"],
)
def test_what_is_no_duration_is_none(text):
    assert duration(text) is None


@pytest.mark.parametrize(
    ("now", "text", "offset_hours", "clock"),
    [
        # 29 March 2026, 02:00 -> 03:00; 25 October 2026, 03:00 -> 02:00
        (datetime(2026, 3, 28, 22, tzinfo=BERLIN), "6h", 6, "05:00"),
        (datetime(2026, 10, 24, 22, tzinfo=BERLIN), "6h", 6, "03:00"),
        (datetime(2026, 3, 29, 1, 30, tzinfo=BERLIN), "1h", 1, "03:30"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=BERLIN), "2h", 2, "02:30"),
        (datetime(2026, 3, 28, 12, tzinfo=BERLIN), "1d", 24, "13:00"),
    ],
)
def test_hours_are_hours_also_when_the_clocks_change(now, text, offset_hours, clock):
    found = at(text, now)

    assert found.astimezone(UTC) - now.astimezone(UTC) == timedelta(hours=offset_hours)
    assert f"{found:%H:%M}" == clock


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("22:30", "2026-07-01T22:30:00+02:00"),
        ("12:31", "2026-07-01T12:31:00+02:00"),
        ("12:30", "2026-07-02T12:30:00+02:00"),
        ("6:05", "2026-07-02T06:05:00+02:00"),
        ("00:00", "2026-07-02T00:00:00+02:00"),
        ("now", "2026-07-01T12:30:00+02:00"),
        ("2026-07-03T08:00", "2026-07-03T08:00:00+02:00"),
        ("2026-07-03 08:00", "2026-07-03T08:00:00+02:00"),
        ("2026-07-03T08:00Z", "2026-07-03T10:00:00+02:00"),
        ("2026-07-03T08:00+01:00", "2026-07-03T09:00:00+02:00"),
        ("2026-12-03T08:00", "2026-12-03T08:00:00+01:00"),
    ],
)
def test_a_clock_time_is_the_next_one_and_a_date_is_in_the_citys_zone(text, wanted):
    assert at(text).isoformat() == wanted


def test_tomorrows_clock_time_is_right_across_the_change():
    evening = datetime(2026, 10, 24, 22, tzinfo=BERLIN)

    assert at("06:00", evening).isoformat() == "2026-10-25T06:00:00+01:00"
    assert at("06:00", datetime(2026, 3, 28, 22, tzinfo=BERLIN)).isoformat() == (
        "2026-03-29T06:00:00+02:00"
    )


def test_a_duration_counts_from_where_it_is_told():
    assert at("2h", start=NOW + timedelta(hours=3)) == NOW + timedelta(hours=5)


@pytest.mark.parametrize("text", ["2026-03-29T02:30", "2026-03-29 02:00", "2026-03-29T02:59:59"])
def test_a_time_that_does_not_exist_is_told(text):
    problems = []
    assert moment(text, datetime(2026, 3, 28, tzinfo=BERLIN), "onset", problems) is None
    assert "does not exist" in problems[0].says


@pytest.mark.parametrize("text", ["02:30", "2:00"])
def test_a_clock_time_that_does_not_exist_tonight_is_told(text):
    problems = []
    assert moment(text, datetime(2026, 3, 28, 22, tzinfo=BERLIN), "onset", problems) is None
    assert "does not exist" in problems[0].says


def test_a_time_that_comes_twice_is_the_first_of_the_two():
    found = at("2026-10-25T02:30", datetime(2026, 10, 24, 22, tzinfo=BERLIN))

    assert found.isoformat() == "2026-10-25T02:30:00+02:00"


@pytest.mark.parametrize(
    "text",
    ["soon", "24:00", "12:60", "tomorrow", "2026-13-01T00:00", "2026-02-30", "1.7.2026", "٦h"],
)
def test_what_is_no_time_is_told_with_a_remedy(text):
    problems = []
    found = moment(text, NOW, "draft:expires", problems)

    if text == "٦h":  # Arabic-Indic digits are digits
        assert found == NOW + timedelta(hours=6)
        return
    assert found is None
    assert problems[0].path == "draft:expires"
    assert "6h" in problems[0].remedy


@given(st.text(max_size=20), st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)))
def test_no_text_breaks_it(text, now):
    problems = []
    found = moment(text, now.replace(tzinfo=BERLIN), "x", problems)

    assert (found is None) is bool(problems)
    if found is not None:
        assert found.tzinfo is not None


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)), st.integers(0, 23), st.integers(0, 59)
)
def test_a_clock_time_lies_ahead_within_a_day_and_shows_what_was_written(now, hour, minute):
    now = now.replace(tzinfo=BERLIN)
    problems = []
    found = moment(f"{hour}:{minute:02}", now, "x", problems)

    if found is None:
        assert "does not exist" in problems[0].says
        return
    ahead = found.astimezone(UTC) - now.astimezone(UTC)
    assert timedelta(0) < ahead <= timedelta(hours=25)
    assert f"{found:%H:%M}" == f"{hour:02}:{minute:02}"
