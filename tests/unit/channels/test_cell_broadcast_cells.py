"""From a network's list of cells to those that are heard in an area."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.model.cap import Area, Circle, Polygon
from broadcaster.model.errors import BadInput
from broadcaster.testing import alert
from channels.cell_broadcast.cells import Inventory, Technology, parse

HEAD = "technology,mcc,mnc,area,cell,latitude,longitude,azimuth,width,reach\n"
# A square kilometre or so around 51.50 N 7.40 E.
SQUARE = Area(
    area_desc="Square",
    polygons=(
        Polygon(
            ((51.495, 7.393), (51.495, 7.407), (51.505, 7.407), (51.505, 7.393), (51.495, 7.393))
        ),
    ),
)


def sends(area: Area):  # type: ignore[no-untyped-def]
    of = alert()
    return replace(of, infos=tuple(replace(info, areas=(area,)) for info in of.infos))


def chosen(rows: str, area: Area = SQUARE) -> list[int]:
    return [cell.cell for cell in Inventory(parse(HEAD + rows)).choose(sends(area)).cells]


def test_a_cell_belongs_as_soon_as_it_is_heard_in_the_area() -> None:
    rows = (
        "2G,262,01,100,1,51.500,7.400,,,500\n"  # inside
        "2G,262,01,100,2,51.520,7.400,,,2000\n"  # 1.7 km north of the edge, reaches 2 km
        "2G,262,01,100,3,51.530,7.400,,,2000\n"  # reaches short of it
    )
    assert chosen(rows) == [1, 2]


def test_a_sector_is_heard_in_front_of_the_mast_only() -> None:
    rows = (
        "4G,262,02,7,11,51.520,7.400,180,120,3000\n"  # looks south, into the area
        "4G,262,02,7,12,51.520,7.400,0,120,3000\n"  # looks north
    )
    assert chosen(rows) == [11]


def test_a_cell_without_a_reach_has_two_kilometres() -> None:
    north = 51.505 + 1.9 / 111.32
    beyond = 51.505 + 2.1 / 111.32
    assert chosen(f"5G,262,03,9,5,{north},7.4,,,\n5G,262,03,9,6,{beyond},7.4,,,\n") == [5]


def test_a_circle_is_an_area_as_well() -> None:
    ring = Area(area_desc="Ring", circles=(Circle(51.5, 7.4, 1.0),))
    assert chosen("2G,262,01,1,1,51.5,7.42,,,1000\n2G,262,01,1,2,51.5,7.45,,,1000\n", ring) == [1]


def test_how_much_wider_the_cells_are_heard_is_told() -> None:
    found = Inventory(parse(HEAD + "2G,262,01,1,1,51.5,7.4,,,2000\n")).choose(sends(SQUARE))

    assert found.asked_km2 == pytest.approx(1.08, rel=0.02)
    # A polygon of 24 corners within a circle of 2 km.
    assert found.reached_km2 == pytest.approx(math.pi * 4, rel=0.02)


def test_an_area_of_names_alone_has_no_cells() -> None:
    assert chosen("2G,262,01,1,1,51.5,7.4,,,2000\n", Area(area_desc="somewhere")) == []


@given(
    azimuth=st.floats(0, 360),
    width=st.floats(1, 359),
    latitude=st.floats(-80, 80),
)
def test_every_sector_is_a_proper_piece_of_ground(
    azimuth: float, width: float, latitude: float
) -> None:
    import shapely

    (site,) = parse(HEAD + f"4G,001,01,1,1,{latitude},7.4,{azimuth},{width},1500\n")
    ground = shapely.Polygon(site.outline())
    assert ground.is_valid
    share = ground.area * 111.32**2 * math.cos(math.radians(latitude)) / (math.pi * 1.5**2)
    assert share == pytest.approx(width / 360, rel=0.05)


def test_every_wrong_row_is_named_at_once() -> None:
    rows = (
        "3G,262,01,1,1,51.5,7.4,,,\n"
        "2G,26,01,1,1,51.5,7.4,,,\n"
        "2G,262,1,1,1,51.5,7.4,,,\n"
        "2G,262,01,70000,1,51.5,7.4,,,\n"
        "4G,262,01,1,268435456,51.5,7.4,,,\n"
        "2G,262,01,1,x,51.5,7.4,,,\n"
        "2G,262,01,1,1,95,7.4,,,\n"
        "2G,262,01,1,1,nan,7.4,,,\n"
        "2G,262,01,1,1,51.5,7.4,,,-5\n"
        "2G,262,01,1,1,51.5,7.4,,,\n"
        "2G,262,01,1,1,51.6,7.4,,,\n"
    )
    with pytest.raises(BadInput) as refused:
        parse(HEAD + rows)
    assert [problem.path for problem in refused.value.problems] == [
        f"cells line {line}" for line in (2, 3, 4, 5, 6, 7, 8, 9, 10, 12)
    ]


def test_a_table_without_its_columns_or_rows_is_refused() -> None:
    with pytest.raises(BadInput, match="lacks the columns mnc, area, cell, latitude, longitude"):
        parse("technology,mcc\n2G,262\n")
    with pytest.raises(BadInput, match="holds no cell"):
        parse(HEAD)


def test_a_file_that_is_not_there_is_a_problem_and_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        Inventory.read(tmp_path / "cells.csv")


def test_a_table_as_spreadsheets_write_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "cells.csv"
    file.write_text("\ufeff" + HEAD + "2g, 262 ,01,1,1,51.5,7.4,,,\n", "utf-8")
    inventory = Inventory.read(file)

    assert len(inventory) == 1
    (cell,) = inventory.choose(sends(SQUARE)).cells
    assert (cell.mcc, cell.mnc, cell.technology) == ("262", "01", Technology.GSM)
