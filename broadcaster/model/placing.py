"""From what an officer names or draws to CAP areas, and from areas to the named ones they touch."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from broadcaster.model import outline
from broadcaster.model.area import size_km2, swapped_round, touches
from broadcaster.model.cap import Area
from broadcaster.model.errors import BadInput, Problem
from broadcaster.model.gazetteer import Gazetteer, NamedArea, keys_meet

LARGEST = 10
"""A drawn area may be this many times the city; more is a mistyped corner or radius."""


def resolve(
    specs: Sequence[str | Mapping[str, Any]],
    gazetteer: Gazetteer,
    *,
    elsewhere_ok: bool = False,
    path: str = "area",
) -> tuple[Area, ...]:
    """CAP areas for what an officer named or drew, in that order, each once.

    A spec is the name, id or key of a named area, or a mapping with one of ``polygon``
    (``lat,lon lat,lon ...``), ``circle`` (``lat,lon radius_km``) and ``geojson`` (an object), and
    a ``name`` if it has one.  A shape without a name is described by the proper names of the
    named areas it touches.  ``elsewhere_ok`` admits ground outside the city, and any size.

    Raises :class:`BadInput` with every problem of every spec.
    """
    problems: list[Problem] = []
    areas: list[Area] = []
    for index, spec in enumerate((specs,) if isinstance(specs, str) else specs):
        here = f"{path}[{index}]"
        if isinstance(spec, str):
            try:
                areas.append(gazetteer.find(spec, here).area)
            except BadInput as error:
                problems.extend(error.problems)
        elif isinstance(spec, Mapping):
            for area in _drawn(spec, here, problems):
                areas += _placed(area, gazetteer, elsewhere_ok, here, problems)
        else:
            problems.append(
                Problem(
                    here, "is neither a name nor a shape", f"write for example {gazetteer.city.id}"
                )
            )
    if not areas and not problems:
        problems.append(
            Problem(
                path,
                "is empty: nobody would be warned",
                f"name at least one area, for example {gazetteer.city.id}",
            )
        )
    total = sum(len(polygon.points) for area in areas for polygon in area.polygons)
    if total > outline.TOTAL_POINTS:
        problems.append(
            Problem(
                path,
                f"has {total} points, more than {outline.TOTAL_POINTS}",
                "simplify the outlines",
            )
        )
    if problems:
        raise BadInput(problems)
    return tuple(dict.fromkeys(areas))


def districts_touched(areas: Iterable[Area], gazetteer: Gazetteer) -> tuple[NamedArea, ...]:
    """The parts of the city (districts) that share ground or an official key with the areas."""
    codes = codes_touched(areas, gazetteer)
    return tuple(part for part in gazetteer.parts if part.id in codes)


def codes_touched(areas: Iterable[Area], gazetteer: Gazetteer) -> frozenset[str]:
    """Ids of all named areas the areas touch, the city's among them: what subscriptions match.

    CAP 3.2.4 wants ``geocode`` to be equivalent to the shapes.  Where both are given the shapes
    decide for the parts, being finer; for the city either suffices, for safety.  Areas with
    geocodes alone touch what the keys name or contain: the Land's key touches city and districts.
    """
    found = set()
    for area in areas:
        drawn = bool(area.polygons or area.circles)
        city_named = keys_meet(area.geocodes, gazetteer.city.geocodes)
        if city_named:
            found.add(gazetteer.city.id)
        for named in gazetteer.named:
            if drawn:
                met = touches(area, named.area)
            else:
                met = keys_meet(area.geocodes, named.geocodes) or (
                    city_named and not named.geocodes
                )
            if met:
                found |= {named.id, gazetteer.city.id}
    return frozenset(found)


def _drawn(spec: Mapping[str, Any], here: str, problems: list[Problem]) -> list[Area]:
    """The areas of one mapping; those still without a name have an empty ``area_desc``."""
    shapes = [key for key in ("polygon", "circle", "geojson") if key in spec]
    before = len(problems)
    for key in sorted(set(map(str, spec)) - {"name", "polygon", "circle", "geojson"}):
        problems.append(
            Problem(
                f"{here}.{key[:40]}", "is not known here", "use name, polygon, circle or geojson"
            )
        )
    name = spec.get("name")
    if name is not None and not _good_name(name):
        problems.append(Problem(f"{here}.name", "is not a name of one line, 1 to 200 characters"))
    if len(shapes) != 1:
        problems.append(
            Problem(
                here,
                "needs exactly one of polygon, circle and geojson",
                "give each shape an entry of its own",
            )
        )
    if len(problems) > before:
        return []
    name = unicodedata.normalize("NFC", name.strip()) if name else ""
    path, value = f"{here}.{shapes[0]}", spec[shapes[0]]
    if shapes[0] == "circle":
        circle = outline.read_circle(value, path, problems)
        return [Area(area_desc=name, circles=(circle,))] if circle else []
    if shapes[0] == "polygon":
        polygon = outline.read_polygon(value, path, problems)
        return [Area(area_desc=name, polygons=(polygon,))] if polygon else []
    features = outline.read_geojson(value, path, problems)
    if name and features:
        return [Area(area_desc=name, polygons=tuple(p for _, ps in features for p in ps))]
    return [
        Area(area_desc=label if label and _good_name(label) else "", polygons=polygons)
        for label, polygons in features
    ]


def _good_name(name: object) -> bool:
    return (
        isinstance(name, str)
        and 0 < len(name.strip()) <= 200
        and not any(unicodedata.category(letter) in ("Cc", "Zl", "Zp") for letter in name)
    )


def _placed(
    area: Area, gazetteer: Gazetteer, elsewhere_ok: bool, here: str, problems: list[Problem]
) -> list[Area]:
    """The area with its name, if it lies where a warning of this city may lie."""
    city = gazetteer.city
    if not elsewhere_ok:
        if not touches(area, city.area):
            swapped = touches(swapped_round(area), city.area)
            remedy = "latitude and longitude look swapped" if swapped else "check the coordinates"
            problems.append(Problem(here, f"lies wholly outside {city.name}", remedy))
            return []
        size, whole = size_km2([area]), size_km2([city.area])
        if size > LARGEST * whole:
            problems.append(
                Problem(
                    here,
                    f"covers {size:,.0f} square kilometres, more than {LARGEST} times "
                    f"{city.name} ({whole:,.0f})",
                    "check for a mistyped corner or radius",
                )
            )
            return []
    if area.area_desc:
        return [area]
    if not touches(area, city.area):
        problems.append(
            Problem(
                here,
                f"lies wholly outside {city.name} and has no name",
                "give it a name people know",
            )
        )
        return []
    # The city's direct parts name the place; all of them are the city, said shorter.
    parts = [part for part in gazetteer.parts if part.part_of in (None, city.id)]
    met = codes_touched([area], gazetteer)
    names = [part.name for part in parts if part.id in met]
    if len(names) == len(parts):
        names = []
    return [
        Area(area_desc=", ".join(names) or city.name, polygons=area.polygons, circles=area.circles)
    ]
