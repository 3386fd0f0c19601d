"""Outlines people draw: CAP text and GeoJSON read into polygons and circles, and checked.

CAP writes *latitude, longitude*, GeoJSON writes *longitude, latitude*, both WGS 84 degrees; the
values of :mod:`broadcaster.model.cap` keep CAP's order, and the turn happens here alone.  What is
wrong is added to a list of problems, so that one look shows a person everything.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from broadcaster.model.cap import Circle, Polygon
from broadcaster.model.errors import Problem

RING_POINTS = 1_000
"""The most points one ring may have: receivers redraw it on small machines."""
TOTAL_POINTS = 5_000
"""The most points one alert may have."""

# About one square metre at 50 degrees north, in square degrees: less is rounding, not ground.
_ROUNDING = 1e-10

_PAIR = re.compile(r"([+-]?\d+(?:\.\d*)?),([+-]?\d+(?:\.\d*)?)", re.ASCII)
_NUMBER = re.compile(r"\d+(?:\.\d*)?", re.ASCII)


def read_polygon(text: object, path: str, problems: list[Problem]) -> Polygon | None:
    """CAP 3.2.4 ``polygon``: ``lat,lon lat,lon ...`` with the first pair repeated at the end.

    What is wrong is added to ``problems``; ``None`` then stands for the polygon.
    """
    if not isinstance(text, str):
        problems.append(Problem(path, "is not text", 'write "51.49,7.49 51.50,7.49 ..."'))
        return None
    words = text.split()
    if len(words) > RING_POINTS:
        problems.append(_too_many(path, len(words)))
        return None
    pairs = [_PAIR.fullmatch(word) for word in words]
    wrong = [word for word, pair in zip(words, pairs, strict=True) if pair is None]
    if wrong:
        problems.append(_not_a_pair(path, wrong[0]))
        return None
    return _polygon([(float(p[1]), float(p[2])) for p in pairs if p], path, problems)


def read_circle(text: object, path: str, problems: list[Problem]) -> Circle | None:
    """CAP 3.2.4 ``circle``: ``lat,lon radius`` with the radius in kilometres."""
    words = text.split() if isinstance(text, str) else []
    if len(words) != 2:
        problems.append(
            Problem(path, "is not a centre and a radius", 'write "51.4900,7.5010 2.5" (km)')
        )
        return None
    pair = _PAIR.fullmatch(words[0])
    if pair is None:
        problems.append(_not_a_pair(path, words[0]))
        return None
    centre = (float(pair[1]), float(pair[2]))
    found = _off_the_globe([centre], path)
    if not _NUMBER.fullmatch(words[1]) or not 0 < float(words[1]) < 20_000:
        found.append(
            Problem(
                path,
                f'the radius "{words[1][:20]}" is not a length in kilometres above 0',
                "write for example 2.5 for two and a half kilometres",
            )
        )
    problems.extend(found)
    return None if found else Circle(*centre, float(words[1]))


def read_geojson(
    value: object, path: str, problems: list[Problem]
) -> list[tuple[str | None, tuple[Polygon, ...]]]:
    """RFC 7946: the name and polygons of a geometry, a Feature or every Feature of a collection.

    The name is the property ``name`` of the feature, if it has one.
    """
    if not isinstance(value, Mapping):
        problems.append(Problem(path, "is not a GeoJSON object", 'it needs a "type"'))
        return []
    if value.get("type") == "FeatureCollection":
        features = value.get("features")
        if not isinstance(features, list) or not features:
            problems.append(Problem(f"{path}.features", "holds no feature", "draw an area"))
            return []
        found = []
        for index, feature in enumerate(features):
            here = f"{path}.features[{index}]"
            if isinstance(feature, Mapping) and feature.get("type") == "Feature":
                found += read_geojson(feature, here, problems)
            else:
                problems.append(Problem(here, "is not a GeoJSON Feature"))
        return found
    if value.get("type") == "Feature":
        properties = value.get("properties")
        name = properties.get("name") if isinstance(properties, Mapping) else None
        polygons = read_geometry(value.get("geometry"), f"{path}.geometry", problems)
        return [(name if isinstance(name, str) else None, polygons)] if polygons else []
    polygons = read_geometry(value, path, problems)
    return [(None, polygons)] if polygons else []


def read_geometry(value: object, path: str, problems: list[Problem]) -> tuple[Polygon, ...]:
    """RFC 7946 section 3.1.6 and 3.1.7: the rings of a Polygon or MultiPolygon, none a hole."""
    kind = value.get("type") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or kind not in ("Polygon", "MultiPolygon"):
        says = f"is a {kind}" if isinstance(kind, str) else "is no geometry"
        problems.append(
            Problem(path, f"{says}, which covers no ground", "draw a Polygon or MultiPolygon")
        )
        return ()
    coordinates = value.get("coordinates")
    parts = coordinates if kind == "MultiPolygon" else [coordinates]
    if not isinstance(parts, list) or not parts:
        problems.append(Problem(f"{path}.coordinates", "is empty", "draw an area"))
        return ()
    found = []
    for index, rings in enumerate(parts):
        here = f"{path}.coordinates" + (f"[{index}]" if kind == "MultiPolygon" else "")
        if not isinstance(rings, list) or not rings:
            problems.append(Problem(here, "is not a list of rings"))
            continue
        if len(rings) > 1:
            # CAP 3.2.4 has one ring per polygon, so a hole cannot be published.
            problems.append(
                Problem(
                    here,
                    "has a hole, and a CAP polygon cannot have one",
                    "remove the inner ring (its ground is then warned too) or cut the area in two",
                )
            )
        ring = _positions(rings[0], here, problems)
        polygon = _polygon(ring, here, problems) if ring is not None else None
        if polygon is not None:
            found.append(polygon)
    return tuple(found)


def check_polygon(polygon: Polygon, path: str) -> list[Problem]:
    """Every rule of CAP 3.2.4 and of common sense that the ring breaks; empty when it is sound."""
    points = polygon.points
    if len(points) > RING_POINTS:
        return [_too_many(path, len(points))]
    found = _off_the_globe(points, path)
    if len(points) < 4:
        found.append(
            Problem(
                path,
                f"has {len(points)} points; a closed ring needs at least 4",
                "give three corners and repeat the first at the end",
            )
        )
    elif points[0] != points[-1]:
        first = f"{points[0][0]:g},{points[0][1]:g}"
        found.append(
            Problem(
                path,
                "is open: the last point is not the first",
                f"repeat the first point {first} at the end",
            )
        )
    if any(abs(a[1] - b[1]) > 180 for a, b in pairwise(points)):
        found.append(
            Problem(path, "crosses the date line", "draw one polygon on either side of it")
        )
    return found or _shape_problems(points, path)


def _shape_problems(points: tuple[tuple[float, float], ...], path: str) -> list[Problem]:
    """What is wrong with a closed ring of good points: no ground inside, or it crosses itself."""
    import shapely

    shape = shapely.Polygon([(longitude, latitude) for latitude, longitude in points])
    # The hull, because the two halves of a figure of eight cancel out in the plain area.
    if shapely.convex_hull(shape).area < _ROUNDING:
        return [
            Problem(
                path,
                "covers no ground: its points lie on one line or one spot",
                "draw at least three corners apart from each other",
            )
        ]
    if shape.is_valid:
        return []
    place = re.search(r"\[(\S+) (\S+)\]", shapely.is_valid_reason(shape))
    near = f" near {float(place[2]):.5f},{float(place[1]):.5f}" if place else ""
    return [
        Problem(
            path,
            f"touches or crosses itself{near}",
            "draw the corners in order around the area, each once",
        )
    ]


def _polygon(
    points: Sequence[tuple[float, float]], path: str, problems: list[Problem]
) -> Polygon | None:
    """The sound polygon of these points, or ``None`` with its problems."""
    # The same corner written twice in a row changes no ground, but some receivers refuse it.
    kept = [p for i, p in enumerate(points) if i == 0 or p != points[i - 1]]
    polygon = Polygon(tuple(kept))
    found = check_polygon(polygon, path)
    problems.extend(found)
    return None if found else polygon


def _positions(
    ring: object, path: str, problems: list[Problem]
) -> list[tuple[float, float]] | None:
    """RFC 7946 section 3.1.1 positions as ``(latitude, longitude)``; altitude is dropped."""
    if not isinstance(ring, list):
        problems.append(Problem(path, "is not a ring of [longitude, latitude] pairs"))
        return None
    if len(ring) > RING_POINTS:
        problems.append(_too_many(path, len(ring)))
        return None
    points = []
    for index, position in enumerate(ring):
        if not (
            isinstance(position, list)
            and len(position) >= 2
            and all(isinstance(n, int | float) and not isinstance(n, bool) for n in position)
        ):
            problems.append(
                Problem(f"{path}[{index}]", "is not a [longitude, latitude] pair of numbers")
            )
            return None
        points.append((_float(position[1]), _float(position[0])))
    return points


def _float(number: int | float) -> float:
    """As a float; an integer too large for one is as far off the globe as infinity."""
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _off_the_globe(points: Iterable[tuple[float, float]], path: str) -> list[Problem]:
    """The first point that is nowhere on Earth (NaN is nowhere, too)."""
    for latitude, longitude in points:
        if not (abs(latitude) <= 90 and abs(longitude) <= 180):
            return [
                Problem(
                    path,
                    f"latitude {latitude:g}, longitude {longitude:g} is not on Earth",
                    "give WGS 84 degrees (EPSG:4326), latitude -90 to 90, longitude -180 to 180",
                )
            ]
    return []


def _too_many(path: str, count: int) -> Problem:
    return Problem(
        path,
        f"has {count} points, more than {RING_POINTS}",
        "simplify the outline; warned people do not see metres",
    )


def _not_a_pair(path: str, word: str) -> Problem:
    return Problem(
        path,
        f'"{word[:40]}" is not latitude,longitude',
        "write degrees with a decimal point and no space after the comma: 51.5142,7.4653",
    )
