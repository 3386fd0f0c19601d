"""Which texts fit on a 2G broadcast channel side by side; osmo-bsc proves it elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.cell_broadcast import airtime
from channels.cell_broadcast.airtime import Text, plan, shortest


@pytest.mark.parametrize(
    ("pages", "slots", "fit"),
    [([15] * 4, 60, 4), ([15] * 5, 60, 4), ([15], 15, 1), ([15], 5, 0), ([1] * 61, 60, 60)],
)
def test_pages_of_all_texts_must_not_be_more_than_the_slots_of_the_period(
    pages: list[int], slots: int, fit: int
) -> None:
    found = plan([Text("de", count) for count in pages], longest=slots)
    assert len(found.fits) == fit
    assert len(found.problems) == len(pages) - fit


@given(st.lists(st.integers(1, 15), min_size=1))
def test_the_shortest_period_holds_all_and_one_slot_less_does_not(pages: list[int]) -> None:
    texts = [Text("de", count) for count in pages]
    assert plan(texts, longest=shortest(pages)).problems == {}
    assert plan(texts, longest=shortest(pages) - 1).problems != {}


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
    first, second = found.problems.values()
    assert (first.path, second.path) == ("ar", "uk")
    assert first.says == (
        "its 15 pages do not fit on 2G: 30 of the 40 pages that go on air within 75 seconds "
        "are taken"
    )
    assert first.remedy == "shorten the texts by 5 pages, or allow a longer repetition period"
    assert "by 1 page," in second.remedy


def test_texts_on_air_come_before_new_ones() -> None:
    found = plan([Text("de", 15)], longest=60, running=[15, 15, 20])
    assert found.fits == ()
    assert "50 of the 60 pages" in found.problems[0].says
