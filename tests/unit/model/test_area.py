"""Named areas, drawn areas, and what touches what."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from itertools import combinations, pairwise
from pathlib import Path

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcaster.model.area import (
    BoundingBox,
    bounding_box,
    circle_as_polygon,
    covers,
    simplified,
    size_km2,
    to_geojson,
    touches,
)
from broadcaster.model.cap import Area, Circle, Pair, Polygon
from broadcaster.model.errors import BadInput
from broadcaster.model.gazetteer import Gazetteer
from broadcaster.model.outline import RING_POINTS
from broadcaster.model.placing import codes_touched, districts_touched, resolve

DORTMUND = Path(__file__).parents[3] / "templates" / "areas" / "dortmund.geojson"
DISTRICTS = (
    "Innenstadt-West",
    "Innenstadt-Nord",
    "Innenstadt-Ost",
    "Eving",
    "Scharnhorst",
    "Brackel",
    "Aplerbeck",
    "Hörde",
    "Hombruch",
    "Lütgendortmund",
    "Huckarde",
    "Mengede",
)
HOERDE_TRIANGLE = "51.486,7.495 51.486,7.507 51.494,7.501 51.486,7.495"


@pytest.fixture(scope="module")
def gazetteer() -> Gazetteer:
    return Gazetteer.load(DORTMUND)


def shape(area: Area) -> shapely.Geometry:
    return shapely.union_all(
        [shapely.Polygon([(lon, lat) for lat, lon in ring.points]) for ring in area.polygons]
    )


def spot(latitude: float, longitude: float) -> Area:
    return Area(area_desc="", circles=(Circle(latitude, longitude, 0),))


def square(south: float, west: float, side: float = 0.01) -> list[list[float]]:
    north, east = south + side, west + side
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


# --- Dortmund's file


def test_the_city_carries_its_official_keys(gazetteer: Gazetteer) -> None:
    assert gazetteer.city.name == "Dortmund"
    assert gazetteer.city.geocodes == (
        Pair("ARS", "059130000000"),
        Pair("AGS", "05913000"),
        Pair("WARNCELLID", "105913000"),
    )


def test_the_outline_names_its_source_and_licence(gazetteer: Gazetteer) -> None:
    assert "GeoBasis-DE / BKG 2021 (data changed: simplified)" in gazetteer.attribution
    assert "dl-de/by-2-0" in gazetteer.licence


def test_the_boundary_is_the_surveyed_one(gazetteer: Gazetteer) -> None:
    source = Path(__file__).parents[4] / "shared/data/dortmund-and-neighbours.geojson"
    if not source.exists():
        pytest.skip(f"the surveyed boundary is not at {source}")
    features = json.loads(source.read_text())["features"]
    ring = next(
        f["geometry"]["coordinates"][0] for f in features if f["properties"]["name"] == "Dortmund"
    )
    (ours,) = gazetteer.city.polygons
    assert {(lat, lon) for lon, lat in ring} == set(ours.points)
    assert shapely.equals(shapely.Polygon(ring), shape(gazetteer.city.area))


def test_all_twelve_districts_are_there_and_marked_as_approximate(gazetteer: Gazetteer) -> None:
    assert tuple(part.name for part in gazetteer.parts) == tuple(f"Dortmund-{d}" for d in DISTRICTS)
    assert all(part.approximate and part.part_of == "dortmund" for part in gazetteer.parts)
    assert not gazetteer.city.approximate


def test_a_district_does_not_carry_the_key_of_the_whole_city(gazetteer: Gazetteer) -> None:
    assert all(part.geocodes == () for part in gazetteer.parts)


def test_the_districts_leave_no_gap_and_stay_inside(gazetteer: Gazetteer) -> None:
    together = shapely.union_all([shape(part.area) for part in gazetteer.parts])
    assert together.symmetric_difference(shape(gazetteer.city.area)).area < 1e-9


def test_no_two_districts_overlap(gazetteer: Gazetteer) -> None:
    for one, other in combinations(gazetteer.parts, 2):
        assert shape(one.area).intersection(shape(other.area)).area < 1e-12, (one.id, other.id)


def test_every_outline_is_small_enough_to_publish(gazetteer: Gazetteer) -> None:
    assert [len(part.polygons) for part in gazetteer.named] == [1] * 13
    assert all(len(part.polygons[0].points) < 150 for part in gazetteer.parts)


@pytest.mark.parametrize(
    ("place", "district"),
    [
        ((51.5178, 7.4592), "innenstadt-west"),  # main station
        ((51.4926, 7.4519), "innenstadt-west"),  # football stadium
        ((51.5690, 7.3850), "mengede"),
        ((51.4900, 7.5010), "hoerde"),
        ((51.4720, 7.4420), "hombruch"),
        ((51.4930, 7.5560), "aplerbeck"),
        ((51.5290, 7.5530), "brackel"),
        ((51.5480, 7.5450), "scharnhorst"),
        ((51.5480, 7.4700), "eving"),
        ((51.5340, 7.4090), "huckarde"),
        ((51.5010, 7.3560), "luetgendortmund"),
    ],
)
def test_a_known_place_lies_in_its_district(
    gazetteer: Gazetteer, place: tuple[float, float], district: str
) -> None:
    assert codes_touched([spot(*place)], gazetteer) == {"dortmund", f"dortmund-{district}"}


# --- finding by name


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("dortmund", "dortmund"),
        ("05913000", "dortmund"),
        ("059130000000", "dortmund"),
        ("105913000", "dortmund"),
        ("dortmund-hoerde", "dortmund-hoerde"),
        ("Dortmund-Hörde", "dortmund-hoerde"),
        ("Dortmund-Ho\u0308rde", "dortmund-hoerde"),
        ("HÖRDE", "dortmund-hoerde"),
        ("hoerde", "dortmund-hoerde"),
        ("Horde", "dortmund-hoerde"),
        (" innenstadt west ", "dortmund-innenstadt-west"),
        ("Luetgendortmund", "dortmund-luetgendortmund"),
    ],
)
def test_an_area_is_found_by_whatever_people_call_it(
    gazetteer: Gazetteer, query: str, found: str
) -> None:
    assert gazetteer.find(query).id == found


def test_a_mistyped_name_is_answered_with_the_nearest(gazetteer: Gazetteer) -> None:
    with pytest.raises(BadInput) as error:
        gazetteer.find("Aplerbek")
    (problem,) = error.value.problems
    assert problem.says == 'no area is called "Aplerbek"'
    assert problem.remedy == "did you mean Dortmund-Aplerbeck?"


@pytest.mark.parametrize("query", ["", "---", "Atlantis"])
def test_a_name_unlike_any_is_answered_with_the_list(gazetteer: Gazetteer, query: str) -> None:
    with pytest.raises(BadInput, match="known are dortmund, dortmund-innenstadt-west"):
        gazetteer.find(query)


# --- resolving what an officer wrote


def test_named_and_drawn_areas_keep_their_order_and_come_once(gazetteer: Gazetteer) -> None:
    areas = resolve(
        [
            "Eving",
            {"circle": "51.4900,7.5010 0.5"},
            "eving",
            {"polygon": HOERDE_TRIANGLE, "name": "Phoenix See"},
        ],
        gazetteer,
    )
    assert [area.area_desc for area in areas] == ["Dortmund-Eving", "Dortmund-Hörde", "Phoenix See"]
    assert areas[1].circles == (Circle(51.49, 7.501, 0.5),)
    assert areas[2].polygons == (
        Polygon(((51.486, 7.495), (51.486, 7.507), (51.494, 7.501), (51.486, 7.495))),
    )


def test_a_nameless_shape_is_called_after_all_it_touches(gazetteer: Gazetteer) -> None:
    (area,) = resolve([{"circle": "51.5245,7.4660 1.2"}], gazetteer)
    assert area.area_desc == "Dortmund-Innenstadt-West, Dortmund-Innenstadt-Nord, Dortmund-" + (
        "Innenstadt-Ost"
    )
    (area,) = resolve([{"circle": "51.5142,7.4653 20"}], gazetteer)
    assert area.area_desc == "Dortmund"


@pytest.mark.parametrize(
    ("geojson", "names", "rings"),
    [
        ({"type": "Polygon", "coordinates": [square(51.485, 7.495)]}, ["Dortmund-Hörde"], [1]),
        (
            {
                "type": "MultiPolygon",
                "coordinates": [[square(51.485, 7.495)], [square(51.57, 7.385)]],
            },
            ["Dortmund-Hörde, Dortmund-Mengede"],
            [2],
        ),
        (
            {
                "type": "Feature",
                "properties": {"name": "Phoenix-West"},
                "geometry": {"type": "Polygon", "coordinates": [square(51.485, 7.495)]},
            },
            ["Phoenix-West"],
            [1],
        ),
        (
            {
                "type": "FeatureCollection",
                "features": [
                    {
                        "type": "Feature",
                        "properties": None,
                        "geometry": {"type": "Polygon", "coordinates": [square(51.485, 7.495)]},
                    },
                    {
                        "type": "Feature",
                        "properties": {"name": "Nette"},
                        "geometry": {"type": "Polygon", "coordinates": [square(51.555, 7.39)]},
                    },
                ],
            },
            ["Dortmund-Hörde", "Nette"],
            [1, 1],
        ),
    ],
    ids=["Polygon", "MultiPolygon", "Feature", "FeatureCollection"],
)
def test_every_geojson_form_is_taken_in(
    gazetteer: Gazetteer, geojson: dict[str, object], names: list[str], rings: list[int]
) -> None:
    areas = resolve([{"geojson": geojson}], gazetteer)
    assert [area.area_desc for area in areas] == names
    assert [len(area.polygons) for area in areas] == rings
    (named,) = resolve([{"geojson": geojson, "name": "Sperrgebiet"}], gazetteer)
    assert (named.area_desc, len(named.polygons)) == ("Sperrgebiet", sum(rings))


def test_longitude_first_becomes_latitude_first(gazetteer: Gazetteer) -> None:
    geojson = {"type": "Polygon", "coordinates": [[[*p, 99.0] for p in square(51.485, 7.495)]]}
    (area,) = resolve([{"geojson": geojson}], gazetteer)
    assert area.polygons[0].points[0] == (51.485, 7.495)


def test_a_corner_written_twice_in_a_row_counts_once(gazetteer: Gazetteer) -> None:
    text = HOERDE_TRIANGLE.replace("51.494,7.501", "51.494,7.501 51.494,7.501")
    (area,) = resolve([{"polygon": text}], gazetteer)
    assert len(area.polygons[0].points) == 4


def ring(points: object) -> dict[str, object]:
    return {"geojson": {"type": "Polygon", "coordinates": [points]}}


def around(count: int) -> list[list[float]]:
    turns = [2 * math.pi * step / (count - 1) for step in range(count - 1)]
    points = [[7.5 + 0.01 * math.cos(t), 51.49 + 0.01 * math.sin(t)] for t in turns]
    return [*points, points[0]]


WRONG = [
    (
        "an open polygon",
        {"polygon": "51.486,7.495 51.486,7.507 51.494,7.501 51.490,7.496"},
        ".polygon",
        "is open",
    ),
    ("an open ring", ring(square(51.48, 7.49)[:-1]), ".geojson.coordinates", "is open"),
    (
        "a figure of eight",
        {"polygon": "51.48,7.49 51.49,7.51 51.49,7.49 51.48,7.51 51.48,7.49"},
        ".polygon",
        "touches or crosses itself near 51.48500,7.50000",
    ),
    (
        "two corners",
        {"polygon": "51.48,7.49 51.49,7.51 51.48,7.49"},
        ".polygon",
        "has 3 points; a closed ring needs at least 4",
    ),
    ("nothing", {"polygon": ""}, ".polygon", "has 0 points"),
    (
        "a line",
        {"polygon": "51.48,7.48 51.49,7.49 51.50,7.50 51.48,7.48"},
        ".polygon",
        "covers no ground",
    ),
    (
        "latitude 91",
        {"polygon": "91,7.49 51.49,7.51 51.49,7.49 91,7.49"},
        ".polygon",
        "latitude 91, longitude 7.49 is not on Earth",
    ),
    (
        "metres for degrees",
        ring([[393000.0, 5707000.0], *square(51.48, 7.49)]),
        ".geojson.coordinates",
        "is not on Earth",
    ),
    (
        "NaN",
        ring([[math.nan, 51.48], [7.5, 51.48], [7.5, 51.49], [math.nan, 51.48]]),
        ".geojson.coordinates",
        "is not on Earth",
    ),
    (
        "an integer beyond all floats",
        ring([[10**400, 51], *square(51.48, 7.49)]),
        ".geojson.coordinates",
        "is not on Earth",
    ),
    (
        "NaN in text",
        {"polygon": "nan,7.49 51.49,7.51 51.49,7.49 nan,7.49"},
        ".polygon",
        '"nan,7.49" is not latitude,longitude',
    ),
    (
        "decimal commas",
        {"polygon": "51,48 7,49 51,49,7,51"},
        ".polygon",
        '"51,49,7,51" is not latitude,longitude',
    ),
    ("a polygon that is a list", {"polygon": [[51.48, 7.49]]}, ".polygon", "is not text"),
    (
        "a huge ring",
        ring(around(RING_POINTS + 1)),
        ".geojson.coordinates",
        "has 1001 points, more than 1000",
    ),
    ("a huge text", {"polygon": "51.48,7.49 " * 9_999}, ".polygon", "has 9999 points"),
    (
        "the date line",
        {"polygon": "51,179 51,-179 52,-179 51,179"},
        ".polygon",
        "crosses the date line",
    ),
    (
        "a hole",
        {
            "geojson": {
                "type": "Polygon",
                "coordinates": [square(51.48, 7.49), square(51.483, 7.493, 0.002)],
            }
        },
        ".geojson.coordinates",
        "has a hole",
    ),
    (
        "a point",
        {"geojson": {"type": "Point", "coordinates": [7.5, 51.5]}},
        ".geojson",
        "is a Point, which covers no ground",
    ),
    (
        "no geometry",
        {"geojson": {"type": "Feature", "properties": {}, "geometry": None}},
        ".geojson.geometry",
        "is no geometry",
    ),
    (
        "no feature",
        {"geojson": {"type": "FeatureCollection", "features": []}},
        ".geojson.features",
        "holds no feature",
    ),
    (
        "a feature that is none",
        {"geojson": {"type": "FeatureCollection", "features": [7]}},
        ".geojson.features[0]",
        "is not a GeoJSON Feature",
    ),
    (
        "words for numbers",
        ring([["7.5", "51.5"]]),
        ".geojson.coordinates[0]",
        "is not a [longitude, latitude] pair",
    ),
    (
        "no rings",
        {"geojson": {"type": "Polygon", "coordinates": []}},
        ".geojson.coordinates",
        "is not a list of rings",
    ),
    (
        "no polygons",
        {"geojson": {"type": "MultiPolygon", "coordinates": []}},
        ".geojson.coordinates",
        "is empty",
    ),
    (
        "a ring that is none",
        {"geojson": {"type": "Polygon", "coordinates": [3]}},
        ".geojson.coordinates",
        "is not a ring",
    ),
    ("geojson as text", {"geojson": "area.geojson"}, ".geojson", "is not a GeoJSON object"),
    (
        "a circle without radius",
        {"circle": "51.49,7.50"},
        ".circle",
        "is not a centre and a radius",
    ),
    ("radius 0", {"circle": "51.49,7.50 0"}, ".circle", 'the radius "0" is not a length'),
    ("radius in words", {"circle": "51.49,7.50 2km"}, ".circle", 'the radius "2km"'),
    ("radius below 0", {"circle": "51.49,7.50 -1"}, ".circle", 'the radius "-1"'),
    ("a centre beyond the pole", {"circle": "151.49,7.50 2"}, ".circle", "is not on Earth"),
    ("another city", {"circle": "52.52,13.40 2"}, "", "lies wholly outside Dortmund"),
    ("half a country", {"circle": "51.49,7.50 200"}, "", "more than 10 times Dortmund (280)"),
    ("an unknown key", {"circle": "51.49,7.50 2", "radius": 3}, ".radius", "is not known here"),
    (
        "two shapes",
        {"circle": "51.49,7.50 2", "polygon": HOERDE_TRIANGLE},
        "",
        "needs exactly one of",
    ),
    ("no shape", {"name": "Hörde"}, "", "needs exactly one of"),
    ("a blank name", {"circle": "51.49,7.50 2", "name": " "}, ".name", "is not a name"),
    ("a name of two lines", {"circle": "51.49,7.50 2", "name": "a\nb"}, ".name", "is not a name"),
    ("a number", 7, "", "is neither a name nor a shape"),
    ("an unknown name", "Atlantis", "", 'no area is called "Atlantis"'),
]


@pytest.mark.parametrize(
    ("spec", "path", "says"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG]
)
def test_a_wrong_area_is_refused_with_its_place(
    gazetteer: Gazetteer, spec: object, path: str, says: str
) -> None:
    with pytest.raises(BadInput) as error:
        resolve([spec], gazetteer)  # type: ignore[list-item]
    found = {(problem.path, problem.says) for problem in error.value.problems}
    assert any(p == f"area[0]{path}" and says in s for p, s in found), found


def test_all_problems_of_all_areas_are_told_at_once(gazetteer: Gazetteer) -> None:
    with pytest.raises(BadInput) as error:
        resolve([w[1] for w in WRONG], gazetteer, path="where")  # type: ignore[misc]
    places = {problem.path.split(".")[0] for problem in error.value.problems}
    assert places == {f"where[{index}]" for index in range(len(WRONG))}


def test_swapped_coordinates_are_recognised(gazetteer: Gazetteer) -> None:
    with pytest.raises(BadInput) as error:
        resolve([{"circle": "7.5010,51.4900 2"}], gazetteer)
    assert error.value.problems[0].remedy == "latitude and longitude look swapped"


def test_an_empty_list_is_refused_because_nobody_would_be_warned(gazetteer: Gazetteer) -> None:
    with pytest.raises(BadInput, match="nobody would be warned"):
        resolve([], gazetteer)


def test_the_points_of_all_shapes_together_are_limited(gazetteer: Gazetteer) -> None:
    specs = [{**ring(around(1000)), "name": f"Zone {index}"} for index in range(6)]
    with pytest.raises(BadInput, match="has 6000 points, more than 5000"):
        resolve(specs, gazetteer)
    assert len(resolve(specs[:5], gazetteer)) == 5


def test_ground_elsewhere_is_admitted_when_asked_and_named(gazetteer: Gazetteer) -> None:
    spec = {"circle": "52.52,13.40 2"}
    (area,) = resolve([{**spec, "name": "Berlin-Mitte"}], gazetteer, elsewhere_ok=True)
    assert area.area_desc == "Berlin-Mitte"
    with pytest.raises(BadInput, match="has no name"):
        resolve([spec], gazetteer, elsewhere_ok=True)


# --- what touches what


def test_neighbours_that_share_a_border_do_not_touch(gazetteer: Gazetteer) -> None:
    for part in gazetteer.parts:
        assert codes_touched([part.area], gazetteer) == {"dortmund", part.id}


def test_the_whole_city_touches_and_covers_every_district(gazetteer: Gazetteer) -> None:
    assert districts_touched([gazetteer.city.area], gazetteer) == gazetteer.parts
    assert all(covers(gazetteer.city.area, part.area) for part in gazetteer.parts)
    assert not covers(gazetteer.parts[0].area, gazetteer.city.area)


@pytest.mark.parametrize(
    "key",
    [
        Pair("ARS", "059130000000"),
        Pair("ars", "059130000000"),
        Pair("AGS", "05913000"),
        Pair("WARNCELLID", "105913000"),
        Pair("ARS", "050000000000"),
        Pair("ARS", "059000000000"),
    ],
)
def test_a_key_alone_reaches_city_and_districts(gazetteer: Gazetteer, key: Pair) -> None:
    touched = codes_touched([Area(area_desc="NRW", geocodes=(key,))], gazetteer)
    assert touched == {named.id for named in gazetteer.named}


@pytest.mark.parametrize(
    "key",
    [
        Pair("ARS", "059110000000"),
        Pair("ARS", "100000000000"),
        Pair("AGS", "05978020"),
        Pair("WARNCELLID", "1"),
        Pair("WARNCELLID", ""),
        Pair("EMMA_ID", "DE059130000000"),
    ],
)
def test_a_key_of_another_place_reaches_nobody_here(gazetteer: Gazetteer, key: Pair) -> None:
    assert codes_touched([Area(area_desc="", geocodes=(key,))], gazetteer) == frozenset()


def test_a_shape_is_finer_than_the_key_beside_it(gazetteer: Gazetteer) -> None:
    (drawn,) = resolve([{"polygon": HOERDE_TRIANGLE}], gazetteer)
    both = Area(area_desc="Hörde", polygons=drawn.polygons, geocodes=(Pair("ARS", "059130000000"),))
    assert codes_touched([both], gazetteer) == {"dortmund", "dortmund-hoerde"}


def test_an_outline_that_crosses_itself_still_warns_those_inside(gazetteer: Gazetteer) -> None:
    eight = Polygon(((51.48, 7.49), (51.49, 7.51), (51.49, 7.49), (51.48, 7.51), (51.48, 7.49)))
    spike = Polygon(((51.569, 7.385), (51.57, 7.386), (51.569, 7.385)))
    area = Area(area_desc="", polygons=(eight, spike))
    assert {"dortmund-hoerde", "dortmund-mengede"} <= codes_touched([area], gazetteer)


def test_an_area_without_ground_touches_and_covers_nothing(gazetteer: Gazetteer) -> None:
    empty = Area(area_desc="nowhere")
    assert not touches(empty, gazetteer.city.area)
    assert not covers(gazetteer.city.area, empty)
    assert bounding_box([empty]) is None
    assert size_km2([empty]) == 0


# --- measures


def test_sizes_agree_with_a_geodesic_computation(gazetteer: Gazetteer) -> None:
    # 279.7367 by GeographicLib's polygon area on the same ring.
    assert size_km2([gazetteer.city.area]) == pytest.approx(279.7367, abs=0.001)
    together = size_km2([part.area for part in gazetteer.parts])
    assert together == pytest.approx(279.7367, abs=0.001)
    assert size_km2([spot(51.49, 7.50)] * 2) < 1e-5


def test_the_box_around_the_city(gazetteer: Gazetteer) -> None:
    assert bounding_box([gazetteer.city.area]) == BoundingBox(51.41558, 7.30231, 51.59952, 7.63793)


def on_earth(latitude: float, longitude: float) -> tuple[float, float, float]:
    """Earth-centred kilometres: an independent way to measure a distance."""
    e2, phi, lam = 0.00669437999014, math.radians(latitude), math.radians(longitude)
    n = 6378.137 / math.sqrt(1 - e2 * math.sin(phi) ** 2)
    return (
        n * math.cos(phi) * math.cos(lam),
        n * math.cos(phi) * math.sin(lam),
        n * (1 - e2) * math.sin(phi),
    )


@settings(max_examples=60, deadline=None)
@given(latitude=st.floats(-70, 70), longitude=st.floats(-170, 170), radius=st.floats(0.01, 40))
def test_a_circle_drawn_as_a_polygon_cuts_nobody_off(
    latitude: float, longitude: float, radius: float
) -> None:
    outline = circle_as_polygon(Circle(latitude, longitude, radius)).points
    assert outline[0] == outline[-1]
    assert len(outline) == 65
    centre = on_earth(latitude, longitude)
    for (lat1, lon1), (lat2, lon2) in pairwise(outline):
        corner = math.dist(centre, on_earth(lat1, lon1))
        nearest = math.dist(centre, on_earth((lat1 + lat2) / 2, (lon1 + lon2) / 2))
        assert nearest >= radius * (1 - 1e-6)
        assert corner <= radius * 1.002


@st.composite
def stars(draw: st.DrawFn) -> Polygon:
    """Rings with bays and spikes around Hörde."""
    reaches = draw(st.lists(st.floats(0.002, 0.05), min_size=8, max_size=120))
    corners = []
    for step, reach in enumerate(reaches):
        turn = 2 * math.pi * step / len(reaches)
        corners.append((51.49 + reach * math.sin(turn), 7.5 + reach * math.cos(turn)))
    return Polygon((*corners, corners[0]))


@settings(max_examples=40, deadline=None)
@given(polygon=stars(), most=st.integers(5, 40))
def test_a_simplified_outline_covers_the_original(polygon: Polygon, most: int) -> None:
    coarse = simplified(polygon, most)
    assert len(coarse.points) <= most
    assert coarse.points[0] == coarse.points[-1]
    assert shape(Area(area_desc="", polygons=(coarse,))).covers(
        shape(Area(area_desc="", polygons=(polygon,)))
    )


def test_simplifying_the_city_wastes_little_ground(gazetteer: Gazetteer) -> None:
    (border,) = gazetteer.city.polygons
    assert simplified(border, len(border.points)) is border
    coarse = Area(area_desc="", polygons=(simplified(border, 100),))
    assert size_km2([coarse]) < 1.03 * size_km2([gazetteer.city.area])
    with pytest.raises(ValueError, match="5 points"):
        simplified(border, 4)


def test_published_geojson_names_its_source_and_turns_the_right_way(gazetteer: Gazetteer) -> None:
    circle = Area(area_desc="Hörde", circles=(Circle(51.49, 7.5, 1),))
    document = to_geojson(
        [gazetteer.city.area, circle, Area(area_desc="nowhere")],
        attribution=gazetteer.attribution,
        licence=gazetteer.licence,
    )
    assert "BKG" in document["attribution"]
    city, hoerde, nowhere = json.loads(json.dumps(document))["features"]
    assert city["properties"]["ARS"] == "059130000000"
    assert shapely.from_geojson(json.dumps(city["geometry"])).equals(shape(gazetteer.city.area))
    for feature in (city, hoerde):
        ring = feature["geometry"]["coordinates"][0][0]
        assert shapely.LinearRing(ring).is_ccw
    assert nowhere["geometry"] is None
    assert "attribution" not in to_geojson([circle])


# --- another city, from a file alone


def city_file(**changes: object) -> dict[str, object]:
    def feature(ring: list[list[float]], **properties: object) -> dict[str, object]:
        return {
            "type": "Feature",
            "properties": properties,
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }

    return {
        "type": "FeatureCollection",
        "attribution": "own drawing",
        "features": [
            feature(square(46.5, 11.3, 0.1), id="bolzano", name="Bolzano/Bozen", kind="city"),
            feature(
                square(46.5, 11.3, 0.05),
                id="bolzano-gries",
                name="Gries",
                kind="district",
                geocodes={"ISTAT": ["021008", "21008"]},
            ),
        ],
        **changes,
    }


def test_another_city_needs_only_a_file(tmp_path: Path) -> None:
    file = tmp_path / "bolzano.geojson"
    file.write_text(json.dumps(city_file()), encoding="utf-8")
    city = Gazetteer.load(file)
    assert city.city.name == "Bolzano/Bozen"
    assert city.find("gries").geocodes == (Pair("ISTAT", "021008"), Pair("ISTAT", "21008"))
    (area,) = resolve([{"circle": "46.52,11.32 0.5"}], city)
    assert area.area_desc == "Bolzano/Bozen"
    assert codes_touched([area], city) == {"bolzano", "bolzano-gries"}
    assert codes_touched([spot(46.58, 11.38)], city) == {"bolzano"}


def changed(feature: int, **properties: object) -> str:
    document = json.loads(json.dumps(city_file()))
    document["features"][feature]["properties"].update(properties)
    return json.dumps(document)


def redrawn(feature: int, ring: list[list[float]], *holes: list[list[float]]) -> str:
    document = json.loads(json.dumps(city_file()))
    document["features"][feature]["geometry"]["coordinates"] = [ring, *holes]
    return json.dumps(document)


def turned(ring: list[list[float]]) -> list[list[float]]:
    return [[latitude, longitude] for longitude, latitude in ring]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "is not a GeoJSON FeatureCollection"),
        (json.dumps(city_file(features=3)), "is not a GeoJSON FeatureCollection"),
        (json.dumps(city_file(attribution=" ")), "city:attribution: is missing"),
        (json.dumps(city_file(licence=3)), "city:licence: is not text"),
        (json.dumps(city_file(features=[])), 'has 0 features of kind "city"'),
        (json.dumps(city_file(features=[3])), "features[0]: is not a GeoJSON Feature"),
        (changed(0, kind="district"), 'has 0 features of kind "city"'),
        (changed(1, kind="city"), 'has 2 features of kind "city"'),
        (changed(1, id="bolzano"), "bolzano: is the id of several features"),
        (changed(1, id="Gries!"), "features[1].properties.id: is missing or malformed"),
        (changed(1, name=""), "features[1].properties.name: is missing or malformed"),
        (changed(1, name=None), "features[1].properties.name: is missing or malformed"),
        (changed(1, kind=3), "features[1].properties.kind: is missing or malformed"),
        (changed(1, part_of="meran"), 'bolzano-gries.part_of: names no feature: "meran"'),
        (changed(1, part_of=["x"]), "features[1].properties.part_of: is not an id"),
        (changed(1, approximate="yes"), "features[1].properties.approximate: is neither"),
        (changed(0, ars=59130000000), "features[0].properties.ars: is not 12 digits"),
        (changed(0, ags="5913000"), "features[0].properties.ags: is not 8 digits"),
        (changed(0, geocodes={"ISTAT": 3}), "features[0].properties.geocodes: is not a mapping"),
        (changed(0, geocodes=[3]), "features[0].properties.geocodes: is not a mapping"),
        (redrawn(1, square(46.5, 11.3)[:-1]), "is open"),
        (
            redrawn(1, [[11.3, 46.5], [11.4, 46.6], [11.3, 46.6], [11.4, 46.5], [11.3, 46.5]]),
            "touches or crosses itself",
        ),
        (redrawn(0, square(46.5, 11.3, 0.1), square(46.52, 11.32)), "has a hole"),
        (redrawn(1, square(47.5, 11.3)), "correct its outline"),
        (redrawn(1, turned(square(46.5, 11.3))), "latitude and longitude look swapped"),
    ],
)
def test_a_wrong_gazetteer_is_refused_with_its_place(text: str, says: str) -> None:
    with pytest.raises(BadInput) as error:
        Gazetteer.parse(text, "city")
    assert says in str(error.value)


def test_all_problems_of_a_gazetteer_are_told_at_once() -> None:
    document = json.loads(changed(1, id="", kind=""))
    document["features"][0]["geometry"] = {"type": "Point"}
    del document["attribution"]
    with pytest.raises(BadInput) as error:
        Gazetteer.parse(json.dumps(document), "city")
    assert {problem.path for problem in error.value.problems} >= {
        "city:attribution",
        "city:features[0].geometry",
        "city:features[1].properties.id",
        "city:features[1].properties.kind",
    }


def test_a_gazetteer_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        Gazetteer.load(tmp_path / "missing.geojson")
    (tmp_path / "latin.geojson").write_bytes(b'{"name": "H\xf6rde"}')
    with pytest.raises(BadInput, match="it is not UTF-8"):
        Gazetteer.load(tmp_path / "latin.geojson")


def test_a_name_shared_by_two_areas_must_be_made_clear() -> None:
    document = json.loads(changed(1, name="Gries", id="bolzano-gries"))
    document["features"].append(json.loads(json.dumps(document["features"][1])))
    document["features"][2]["properties"].update(id="bolzano-gries-ost", name="Gries", geocodes={})
    city = Gazetteer.parse(json.dumps(document), "city")
    with pytest.raises(BadInput, match="write one of bolzano-gries, bolzano-gries-ost"):
        city.find("Gries")


def test_importing_the_model_does_not_import_the_geometry_library() -> None:
    code = (
        "import sys, broadcaster.model.placing as p; "
        "sys.exit(any(m in sys.modules for m in ('shapely', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
