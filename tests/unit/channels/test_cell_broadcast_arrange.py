"""Which texts go on air side by side: the gateway's limits, 2G air time, and who yields to whom."""

from __future__ import annotations

import pytest

from broadcaster.model.states import State
from channels.cell_broadcast.arrange import Text, arrange
from channels.cell_broadcast.cells import Cell, Choice, Technology
from channels.cell_broadcast.codec import encode
from channels.cell_broadcast.order import Limits, Running, Scope
from channels.cell_broadcast.profile import Broadcast
from channels.cell_broadcast.serials import Serial
from channels.cell_broadcast.settings import Settings, read_settings

FILE = Limits(scope=Scope.AREA, confirms=frozenset({State.ACCEPTED}))
OSMO = Limits(scope=Scope.NETWORK, confirms=frozenset({State.ACCEPTED}), per_identifier=1)
BSC = Limits(scope=Scope.CELLS, confirms=frozenset({State.SENT}), plans_2g=True)
CELL = Cell(technology=Technology.GSM, mcc="001", mnc="01", area=1, cell=7)


def texts(*languages: str, pages: int = 4) -> list[Text]:
    return [
        Text(
            tag,
            {"prs": "fa"}.get(tag, tag),
            pages,
            (4370, 919) if tag == "de" else (4383,),
            tag == "de",
        )
        for tag in languages
    ]


def settings(**values: object) -> Settings:
    return read_settings(values)


def left(
    languages: list[str], limits: Limits = FILE, pages: int = 4, **values: object
) -> list[str]:
    found = arrange(texts(*languages, pages=pages), settings(**values), limits, None)
    return [languages[at] for at in sorted(found.left_out)]


def test_a_hand_over_takes_every_language() -> None:
    assert left(["de", "en", "tr", "ar"]) == []


def test_one_further_language_fits_over_osmo_cbc_and_the_others_are_named() -> None:
    assert left(["de", "en", "tr", "ar"], OSMO) == ["tr", "ar"]


def test_the_city_says_which_language_stays() -> None:
    assert left(["de", "en", "tr", "ar"], OSMO, priority=["ar", "tr"]) == ["en", "tr"]


def test_the_text_for_every_phone_never_yields_to_another_language() -> None:
    assert left(["en", "tr", "de"], OSMO, priority=["tr"]) == ["en"]


@pytest.mark.parametrize(
    ("longest", "out"),
    # German takes 2 x 15 slots of 1.883 s, every other language 15.
    [(60, ["en", "tr", "ar"]), (84, ["en", "tr", "ar"]), (85, ["tr", "ar"]), (113, ["ar"])],
)
def test_what_does_not_fit_the_longest_period_of_2g_falls_out(longest: int, out: list[str]) -> None:
    assert left(["de", "en", "tr", "ar"], BSC, pages=15, longest_period=longest) == out
    assert left(["de", "en", "tr", "ar"], FILE, pages=15, longest_period=longest) == []


def test_a_shorter_text_may_use_the_room_that_a_longer_one_could_not() -> None:
    many = [*texts("de", "en", pages=15), *texts("tr", pages=2)]
    found = arrange(many, settings(longest_period=61), BSC, None)

    assert list(found.left_out) == [1]
    assert "15 pages do not fit" in found.left_out[1].says


def test_an_officer_reads_how_long_one_round_takes() -> None:
    found = arrange(texts("de", "en", pages=15), settings(), FILE, None)

    assert found.notes == ("on 2G all 45 pages go on air once in 85 seconds",)
    assert found.wider == ""


def test_a_gateway_that_cannot_aim_is_wider_than_asked() -> None:
    whole = arrange(texts("de"), settings(), OSMO, None)
    aims = Limits(scope=Scope.CELLS, confirms=frozenset({State.SENT}))
    unaimed = arrange(texts("de"), settings(), aims, None)
    aimed = arrange(texts("de"), settings(), aims, Choice((CELL,), 12.0, 20.0))

    assert "whole network" in whole.wider
    assert "every cell" in unaimed.wider
    assert aimed.wider == ""
    assert "1 cells, heard on about 20 km²; asked were 12 km²" in aimed.notes


def test_an_area_without_a_cell_is_told_and_nothing_goes() -> None:
    found = arrange(texts("de", "en"), settings(), FILE, Choice((), 12.0, 0.0))

    assert list(found.left_out) == [0, 1]
    assert "no cell" in found.left_out[0].says


def test_two_languages_that_a_phone_cannot_tell_apart_do_not_alarm_it_twice() -> None:
    assert left(["de", "fa", "tr", "prs"]) == ["prs"]
    assert left(["de", "fa", "tr", "prs"], priority=["prs"]) == ["fa"]


def running(identifier: int, pages: int) -> Running:
    wire = encode("x" * 93 * pages, dcs=0)
    return Running(
        broadcast=Broadcast(identifier, wire),
        serial=Serial(7, 0),
        repetition_period=60,
        number_of_broadcasts=10,
        slots=32,
        number_2g=10,
        cells=None,
    )


def test_what_other_warnings_have_on_air_is_told_and_decides_nothing() -> None:
    many = texts("de", "en", "tr", pages=15)
    found = arrange(many, settings(longest_period=113), BSC, None, beside=[running(4396, 15)])

    assert not found.left_out
    assert "75 pages, 15 of them of other warnings, go on air" in found.notes[0]


def test_a_warning_that_takes_another_off_the_air_says_so() -> None:
    two = [running(4371, 1), running(4396, 1)]
    found = arrange(texts("de", "en"), settings(), OSMO, None, beside=[*two, running(4370, 1)])
    apart = arrange(texts("de", "en"), settings(), OSMO, None, beside=two)

    assert "takes another warning of ours off the air, on 4370" in found.notes
    assert not any("off the air" in note for note in apart.notes)
