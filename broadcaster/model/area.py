"""Ground: whether one area meets another, how large it is, and its outline made coarser.

shapely does the geometry.  It is imported inside the functions because it costs more than the
rest of the model together, and most commands never ask about ground.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from broadcaster.model.cap import Area, Circle, Polygon

# WGS 84: semi-major axis in metres and first eccentricity squared.
_A = 6_378_137.0
_E2 = 0.00669437999014

# About one square metre at 50 degrees north, in square degrees: less is rounding, not ground.
_ROUNDING = 1e-10


class BoundingBox(NamedTuple):
    """The smallest rectangle of latitudes and longitudes around something, in degrees."""

    south: float
    west: float
    north: float
    east: float


def touches(area: Area, other: Area) -> bool:
    """Whether the two share ground.

    Neighbours that only share a border do not, or every district would warn all around it.  An
    area that has geocodes alone has no ground here; see :func:`.placing.codes_touched`.
    """
    mine, theirs = _ground(area), _ground(other)
    return bool(mine.intersects(theirs) and not mine.touches(theirs))


def covers(area: Area, other: Area) -> bool:
    """Whether all ground of ``other`` (and it has some) lies in ``area``, rounding forgiven."""
    rest = _ground(other).difference(_ground(area))
    return not _ground(other).is_empty and bool(rest.area < _ROUNDING)


def bounding_box(areas: Iterable[Area]) -> BoundingBox | None:
    """The rectangle around all of them; ``None`` when none has ground."""
    ground = ground_of(areas)
    if ground.is_empty:
        return None
    west, south, east, north = ground.bounds
    return BoundingBox(south, west, north, east)


def size_km2(areas: Iterable[Area]) -> float:
    """The ground of all of them in square kilometres, overlaps counted once.

    Method: Lambert's cylindrical equal-area projection of the WGS 84 ellipsoid (Snyder, *Map
    Projections*, USGS 1987, equations 10-13 and 3-12), exact but for the bend of long edges.
    """
    import numpy as np
    import shapely

    e = math.sqrt(_E2)

    def project(points: Any) -> Any:
        sine = np.sin(np.radians(points[:, 1]))
        q = (1 - _E2) * (sine / (1 - _E2 * sine**2) + np.arctanh(e * sine) / e)
        return np.column_stack([_A * np.radians(points[:, 0]), _A * q / 2])

    return float(shapely.transform(ground_of(areas), project).area) / 1e6


def circle_as_polygon(circle: Circle, sides: int = 64) -> Polygon:
    """A polygon of that many sides drawn around the circle, so that nobody inside is cut off.

    Each corner is placed by the middle-latitude formula on the ellipsoid: north by the meridian's
    radius of curvature, east by the parallel half way to the corner.
    """
    # The sides, not the corners, touch the circle, with a ten-thousandth to spare for what the
    # formula errs up to 100 km.  One metre at least: a centre alone (earthquake feeds write a
    # radius of 0) must still lie *in* a district and not between two.
    reach = max(circle.radius * 1000, 1.0) / math.cos(math.pi / sides) * 1.0001
    sine = math.sin(math.radians(circle.latitude))
    prime = _A / math.sqrt(1 - _E2 * sine**2)
    meridian = prime * (1 - _E2) / (1 - _E2 * sine**2)
    points = []
    for step in range(sides):
        bearing = 2 * math.pi * step / sides
        north = math.degrees(reach * math.cos(bearing) / meridian)
        middle = math.radians(circle.latitude + north / 2)
        east = math.degrees(reach * math.sin(bearing) / (prime * max(math.cos(middle), 1e-6)))
        # A circle over a pole or the date line is cut there.
        points.append(
            (
                min(max(circle.latitude + north, -90.0), 90.0),
                min(max(circle.longitude + east, -180.0), 180.0),
            )
        )
    return Polygon((*points, points[0]))


def simplified(polygon: Polygon, max_points: int) -> Polygon:
    """The same ground or a little more, in at most ``max_points`` (5 or more, closing one too).

    Grows only: the result covers the original, so nobody who was chosen is cut off.  Bays are
    filled first, the smallest first; only when too few bays are left is the outline pushed out.
    """
    import shapely

    if max_points < 5:
        raise ValueError("a simplified polygon needs room for 5 points")
    if len(polygon.points) <= max_points:
        return polygon
    original = _ring_ground(polygon)
    if original.geom_type != "Polygon":  # a mended outline may have come apart
        original = original.convex_hull
    filled = _bays_filled(shapely.Polygon(original.exterior), max_points)
    return _polygon_of(filled if _fits(filled, max_points) else _pushed_out(filled, max_points))


def _fits(shape: Any, max_points: int) -> bool:
    return len(shape.exterior.coords) <= max_points


def _bays_filled(shape: Any, max_points: int) -> Any:
    """Drop inward corners, each time the one that adds the least ground, while there are any."""
    import shapely

    while not _fits(shape, max_points):
        ring = list(shapely.orient_polygons(shape).exterior.coords)[:-1]
        corners = zip(ring[-1:] + ring[:-1], ring, ring[1:] + ring[:1], strict=True)
        # Twice the triangle at the corner; negative where a counter-clockwise ring turns inward.
        turns = [
            (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0]) for a, b, c in corners
        ]
        inward = sorted((-turn, at) for at, turn in enumerate(turns) if turn <= 0)
        fewer = (shapely.Polygon(ring[:at] + ring[at + 1 :]) for _, at in inward)
        # A line across a bay may cut a headland inside it; then the next bay has its turn.
        found = next((candidate for candidate in fewer if candidate.is_valid), None)
        if found is None:
            break
        shape = found
    return shape


def _pushed_out(shape: Any, max_points: int) -> Any:
    """Move the outline out by a distance, then straighten it by less than that distance.

    The smallest distance that suffices is found by doubling and halving.
    """
    import shapely

    # Metres, near enough: the growth need not be exact, only outward.
    scale = (111_320 * math.cos(math.radians(shape.centroid.y)), 111_320)
    flat = shapely.transform(shape, lambda points: points * scale)

    def grown(metres: float) -> Any:
        hull = flat.buffer(metres, join_style="mitre", mitre_limit=2.0)
        hull = shapely.Polygon(hull.exterior).simplify(0.9 * metres)
        hull = shapely.transform(hull, lambda points: points / scale)
        return hull if _fits(hull, max_points) and hull.covers(shape) else None

    low, high = 0.0, 1.0
    while (best := grown(high)) is None:
        low, high = high, high * 2
        if high > 100_000:
            return shapely.box(*shape.bounds)
    for _ in range(10):
        trial = (low + high) / 2
        hull = grown(trial)
        if hull is None:
            low = trial
        else:
            high, best = trial, hull
    return best


def swapped_round(area: Area) -> Area:
    """The area with latitude and longitude exchanged: how a mix-up is recognised."""
    polygons = tuple(Polygon(tuple((b, a) for a, b in p.points)) for p in area.polygons)
    circles = tuple(Circle(c.longitude, c.latitude, c.radius) for c in area.circles)
    return Area(area_desc="", polygons=polygons, circles=circles)


def to_geojson(
    areas: Iterable[Area], *, attribution: str = "", licence: str = ""
) -> dict[str, Any]:
    """RFC 7946 FeatureCollection, one Feature an area, for maps and downloads.

    ``attribution`` and ``licence`` are the gazetteer's: whoever publishes its outlines owes them.
    Circles are drawn as polygons; an area without ground has a ``null`` geometry.
    """
    from shapely import Polygon as Shape
    from shapely.geometry.polygon import orient

    features = []
    for area in areas:
        rings = []
        for polygon in (*area.polygons, *map(circle_as_polygon, area.circles)):
            # RFC 7946 3.1.6: exterior rings are counter-clockwise.
            shape = orient(Shape([(lon, lat) for lat, lon in polygon.points]))
            rings.append([[list(point) for point in shape.exterior.coords]])
        features.append(
            {
                "type": "Feature",
                "properties": {
                    "name": area.area_desc,
                    **{pair.name: pair.value for pair in area.geocodes},
                },
                "geometry": {"type": "MultiPolygon", "coordinates": rings} if rings else None,
            }
        )
    head = {"attribution": attribution, "licence": licence}
    return {
        "type": "FeatureCollection",
        **{key: text for key, text in head.items() if text},
        "features": features,
    }


# Shapes are remembered because one alert is compared with every named area, and the values
# they are made from never change.


@lru_cache(maxsize=256)
def _ground(area: Area) -> Any:
    import shapely

    parts = [
        *map(_ring_ground, area.polygons),
        *(_ring_ground(circle_as_polygon(circle)) for circle in area.circles),
    ]
    return shapely.union_all(parts)


@lru_cache(maxsize=256)
def _ring_ground(polygon: Polygon) -> Any:
    """The ring as ground, mended if need be: a federal outline that crosses itself still warns."""
    import shapely

    points = [(longitude, latitude) for latitude, longitude in polygon.points]
    if len(set(points)) < 3:
        return shapely.MultiPoint(points).buffer(1e-5)
    shape = shapely.Polygon(points)
    return shape if shape.is_valid else shapely.make_valid(shape)


def ground_of(areas: Iterable[Area]) -> Any:
    """All their ground as one shapely shape in degrees, longitude first."""
    import shapely

    return shapely.union_all([_ground(area) for area in areas])


def _polygon_of(shape: Any) -> Polygon:
    return Polygon(tuple((float(lat), float(lon)) for lon, lat in shape.exterior.coords))
