"""Rules on one area (CAP 1.2 section 3.2.4)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import pairwise

from broadcaster.model.cap import Area, Polygon
from broadcaster.model.errors import Problem
from broadcaster.model.rules.report import refuse, warn


def described(area: Area, at: str) -> Iterator[Problem]:
    """CAP 3.2.4 areaDesc: mandatory."""
    if not area.area_desc.strip():
        yield refuse(f"{at}.areaDesc", "is missing", "name the place in words")


def somewhere(area: Area, at: str) -> Iterator[Problem]:
    """Google CIRCLE_POLYGON_OR_GEOCODE_IS_REQUIRED; CAP 3.2.4 prefers polygon and circle."""
    if area.polygons or area.circles:
        return
    if area.geocodes:
        yield warn(
            at, "is given by codes alone, which few clients can map", "add a polygon or a circle"
        )
    else:
        yield refuse(at, "has neither polygon, circle nor geocode", "draw a polygon or a circle")


def geocodes(area: Area, at: str) -> Iterator[Problem]:
    """CAP 3.2.4 geocode; Google EMPTY_GEOCODE_FIELD."""
    for index, pair in enumerate(area.geocodes):
        if not pair.name.strip() or not pair.value.strip():
            yield refuse(
                f"{at}.geocode[{index}]", "lacks its name or its value", "give both or neither"
            )


def polygons(area: Area, at: str) -> Iterator[Problem]:
    """CAP 3.2.4 polygon, 3.3.1 WGS 84; Google INVALID_POLYGON, ..._SELF_INTERSECTION."""
    for index, polygon in enumerate(area.polygons):
        says = ring_problem(polygon)
        if says is not None:
            yield refuse(f"{at}.polygon[{index}]", *says)
        elif any(point == following for point, following in pairwise(polygon.points)):
            yield warn(f"{at}.polygon[{index}]", "has the same point twice in a row", "remove one")


@lru_cache(maxsize=256)  # every language of an alert carries the same ring
def ring_problem(polygon: Polygon) -> tuple[str, str] | None:
    """What is wrong with a ring, and the remedy; the first of its faults, for the rest follow."""
    points = polygon.points
    if not all(_on_the_globe(*point) for point in points):
        return "has a point off the globe", "write latitude first, then longitude, in degrees"
    if len(points) < 4:
        return "has fewer than four coordinate pairs", "draw at least three corners"
    if points[0] != points[-1]:
        return "is an open ring", "repeat the first point at the end"
    if any(abs(lon - following) > 180 for (_, lon), (_, following) in pairwise(points)):
        return "jumps across the 180th meridian", "cut the polygon in two there"
    return _shape_problem(polygon)


def _shape_problem(polygon: Polygon) -> tuple[str, str] | None:
    from shapely import Polygon as Shape  # here because it costs more than the rest of the model
    from shapely import is_valid_reason

    shape = Shape([(longitude, latitude) for latitude, longitude in polygon.points])
    if shape.area == 0:
        return "encloses nothing", "draw at least three corners that are not in one line"
    if not shape.is_valid:
        reason = is_valid_reason(shape)
        return (
            f"crosses or touches itself ({reason})",
            "draw it so that its line never meets itself",
        )
    return None


def circles(area: Area, at: str) -> Iterator[Problem]:
    """CAP 3.2.4 circle; Google INVALID_CIRCLE and zero radius."""
    for index, circle in enumerate(area.circles):
        path = f"{at}.circle[{index}]"
        if not _on_the_globe(circle.latitude, circle.longitude):
            yield refuse(
                path, "has its centre off the globe", "write latitude first, then longitude"
            )
        if not math.isfinite(circle.radius) or circle.radius < 0:
            yield refuse(path, "has a radius that is no distance", "give kilometres, 0 or more")
        elif circle.radius == 0:
            yield warn(path, "has radius 0, so it covers nobody", "give the radius in kilometres")


def heights(area: Area, at: str) -> Iterator[Problem]:
    """CAP 3.2.4 altitude, ceiling: feet; Google INVALID_AREA, INVALID_ALTITUDE_CEILING_RANGE."""
    for name, figure in (("altitude", area.altitude), ("ceiling", area.ceiling)):
        if figure is not None and (not math.isfinite(figure) or figure < 0):
            yield refuse(
                f"{at}.{name}", "is no height above mean sea level", "give feet, 0 or more"
            )
    if area.ceiling is None:
        return
    if area.altitude is None:
        yield refuse(f"{at}.ceiling", "stands without altitude", "give the altitude too")
    elif area.ceiling <= area.altitude:
        yield refuse(f"{at}.ceiling", "is not above the altitude", "swap or correct them")


def _on_the_globe(latitude: float, longitude: float) -> bool:
    return abs(latitude) <= 90 and abs(longitude) <= 180  # false for what is not a number, too


AREA_RULES: tuple[Callable[[Area, str], Iterable[Problem]], ...] = (
    described,
    somewhere,
    geocodes,
    polygons,
    circles,
    heights,
)
