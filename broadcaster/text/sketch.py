"""The area of an alert as a small drawing: enough to recognise it, without a map service."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from broadcaster.model.cap import Area

LONG_SIDE = 480
"""Units of the drawing's longer side.  Points that fall on the same unit are drawn once, which
keeps a detailed boundary within a few kilobytes."""
MARGIN = 12
_KM_PER_DEGREE = 111.32  # of latitude; mean meridian of WGS 84
_CIRCLE_STEPS = 36
_SMALLEST = 0.002  # degrees, about 200 m: a single point still gets a drawing around it


@dataclass(frozen=True, slots=True)
class Sketch:
    """An SVG drawing: its size and one closed path."""

    width: int
    height: int
    path: str


def sketch(areas: Iterable[Area]) -> Sketch | None:
    """Polygons and circles in one drawing, north up, true in shape; ``None`` without geometry."""
    rings = [
        ring
        for area in areas
        for ring in (
            *(list(polygon.points) for polygon in area.polygons),
            *(_round(c.latitude, c.longitude, c.radius) for c in area.circles),
        )
        if ring
    ]
    # The infos of one alert repeat its areas: draw each ring once.
    rings = list({tuple(ring): ring for ring in rings}.values())
    if not rings:
        return None
    latitudes = [latitude for ring in rings for latitude, _ in ring]
    longitudes = [longitude for ring in rings for _, longitude in ring]
    north, south = max(latitudes), min(latitudes)
    west, east = min(longitudes), max(longitudes)
    # Degrees of longitude shrink with latitude; without this a city would look too wide.
    squeeze = max(math.cos(math.radians((north + south) / 2)), 0.05)
    wide, high = max((east - west) * squeeze, _SMALLEST), max(north - south, _SMALLEST)
    scale = LONG_SIDE / max(wide, high)

    def place(point: tuple[float, float]) -> tuple[int, int]:
        latitude, longitude = point
        return (
            round((longitude - west) * squeeze * scale) + MARGIN,
            round((north - latitude) * scale) + MARGIN,
        )

    return Sketch(
        width=round(wide * scale) + 2 * MARGIN,
        height=round(high * scale) + 2 * MARGIN,
        path="".join(_path([place(point) for point in ring]) for ring in rings),
    )


def _round(latitude: float, longitude: float, radius: float) -> list[tuple[float, float]]:
    """A CAP circle (centre in degrees, radius in kilometres) as a ring."""
    high = radius / _KM_PER_DEGREE
    wide = high / max(math.cos(math.radians(latitude)), 0.05)
    turns = (2 * math.pi * step / _CIRCLE_STEPS for step in range(_CIRCLE_STEPS))
    return [(latitude + high * math.sin(t), longitude + wide * math.cos(t)) for t in turns]


def _path(points: list[tuple[int, int]]) -> str:
    """One closed subpath in relative steps, leaving out steps that go nowhere."""
    x, y = points[0]
    drawn = [f"M{x} {y}"]
    for to_x, to_y in points[1:]:
        if (to_x, to_y) != (x, y):
            drawn.append(f"l{to_x - x} {to_y - y}")
            x, y = to_x, to_y
    return "".join(drawn) + "z"
