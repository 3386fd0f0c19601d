"""Which texts fit on a 2G broadcast channel side by side; osmo-bsc proves it elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.cell_broadcast import airtime
from channels.cell_broadcast.airtime import Text, fits, plan, shortest


@pytest.mark.parametrize(
    ("pages", "slots", "answer"),
    [
        ([15] * 4, 60, True),
        ([15] * 5, 60, False),
        ([15], 15, True),
        ([15], 5, False),
        ([1] * 60, 60, True),
        ([1] * 61, 60, False),
    ],
)
def test_pages_of_all_texts_must_not_be_more_than_the_slots_of_the_period(
    pages: list[int], slots: int, answer: bool
) -> None:
    assert fits(pages, slots) is answer


def test_what_runs_already_takes_its_part() -> None:
    assert fits([15], 60, running=[15, 15, 15])
    assert not fits([15, 1], 60, running=[15, 15, 15])


@given(st.lists(st.integers(1, 15), min_size=1), st.lists(st.integers(1, 15)))
def test_the_shortest_period_holds_all_and_one_slot_less_does_not(
    pages: list[int], running: list[int]
) -> None:
    slots = shortest(pages, running=running)
    assert fits(pages, slots, running=running)
    assert not fits(pages, slots - 1, running=running)


def test_a_period_is_counted_in_slots_of_1_883_seconds() -> None:
    assert airtime.round_trip(60) == pytest.approx(112.98)
    assert airtime.slots_within(112.98) == 60
    assert airtime.slots_within(112.97) == 59
    assert airtime.slots_within(10**6) == 4095


def test_a_text_that_does_not_fit_falls_out_whole_with_its_surplus_and_a_shorter_one_stays() -> (
    None
):
    texts = [Text("de", 15), Text("en", 15), Text("ar", 15), Text("tr", 9), Text("uk", 2)]
    found = plan(texts, longest=40)
    assert [text.name for text in found.fits] == ["de", "en", "tr"]
    assert [text.name for text in found.falls_out] == ["ar", "uk"]
    first, second = found.problems.values()
    assert (first.path, second.path) == ("ar", "uk")
    assert first.says == (
        "its 15 pages do not fit on 2G: 30 of the 40 pages that go on air within 75 seconds "
        "are taken"
    )
    assert first.remedy == "shorten the texts by 5 pages, or allow a longer repetition period"
    assert "by 1 page," in second.remedy


def test_the_period_is_as_long_as_the_pages_need_and_not_shorter_than_asked() -> None:
    short = plan([Text("de", 2)], longest=300, at_least=32)
    assert (short.slots, short.pages) == (32, 2)
    long = plan([Text("de", 15), Text("en", 15), Text("ar", 15)], longest=300, at_least=32)
    assert (long.slots, long.pages) == (45, 45)
    assert long.seconds == pytest.approx(84.735)


def test_texts_on_air_come_before_new_ones() -> None:
    found = plan([Text("de", 15)], longest=60, running=[15, 15, 20])
    assert found.fits == ()
    assert "50 of the 60 pages" in found.problems[0].says
