"""The city's named areas: read from a file, checked, and found by what people call them.

A gazetteer is one GeoJSON file (``templates/areas/README.md`` says what it must hold), so that
another city is set up without touching code.
"""

from __future__ import annotations

import difflib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from broadcaster.model import outline
from broadcaster.model.area import covers, size_km2, swapped_round, touches
from broadcaster.model.cap import Area, Pair, Polygon
from broadcaster.model.errors import BadInput, Problem

# The official keys nest: each ends where a level of administration ends, zeros stand for "all
# below".  ARS: Land 2, Regierungsbezirk 1, Kreis 2, Verband 4, Gemeinde 3; AGS has no Verband.
_LEVELS = {"ARS": (2, 3, 5, 9, 12), "AGS": (2, 3, 5, 8)}


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedArea:
    """An area people call by a name."""

    id: str
    """Stable for ever, ASCII: subscriptions are kept under it."""
    name: str
    """The proper name, the same in every language."""
    kind: str
    """``city`` (exactly one) or what the others are: ``district``."""
    part_of: str | None = None
    """The id of the area it lies in; ``None`` for the city."""
    geocodes: tuple[Pair, ...] = ()
    """Official keys (AGS, ARS, WARNCELLID).  A part of the city without a key of its own has
    none: with the city's, receivers that read only keys would warn the whole city."""
    polygons: tuple[Polygon, ...] = ()
    approximate: bool = False
    """The outline is not the official border."""

    @property
    def area(self) -> Area:
        """As CAP publishes it."""
        return Area(area_desc=self.name, polygons=self.polygons, geocodes=self.geocodes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gazetteer:
    """All named areas of one city, and what is owed to those who surveyed them."""

    named: tuple[NamedArea, ...]
    attribution: str
    """Stands wherever an outline is published."""
    licence: str = ""

    @classmethod
    def load(cls, path: Path) -> Gazetteer:
        """Read a gazetteer file.  Raises :class:`BadInput` with everything wrong in it."""
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise BadInput(
                Problem(str(path), f"cannot be read: {why}", "name a GeoJSON file of the city")
            ) from error
        return cls.parse(text, str(path))

    @classmethod
    def parse(cls, text: str, origin: str) -> Gazetteer:
        """The same from text; ``origin`` is how problems name it."""
        problems: list[Problem] = []
        gazetteer = _read(text, origin, problems)
        if problems:
            raise BadInput(problems)
        return gazetteer

    @property
    def city(self) -> NamedArea:
        """The whole city."""
        return next(area for area in self.named if area.kind == "city")

    @property
    def parts(self) -> tuple[NamedArea, ...]:
        """All but the city itself, in the file's order."""
        return tuple(area for area in self.named if area.kind != "city")

    def find(self, query: str, path: str = "area") -> NamedArea:
        """The area with this id, name (the city's may be left off), or official key.

        Case, accents, spaces and hyphens do not matter.  Raises :class:`BadInput` naming the
        nearest matches when none or several fit.
        """
        wanted = _fold(query)
        calls = {area.id: self._calls(area) for area in self.named}
        found = [area for area in self.named if wanted and wanted in calls[area.id]]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(area.id for area in found)
            raise BadInput(
                Problem(path, f'"{query}" is the name of several areas', f"write one of {ids}")
            )
        near = difflib.get_close_matches(wanted, [c for all_ in calls.values() for c in all_], 6)
        likely = [area.name for area in self.named if calls[area.id] & set(near)]
        remedy = (
            f"did you mean {' or '.join(likely[:3])}?"
            if likely
            else f"known are {', '.join(area.id for area in self.named)}"
        )
        raise BadInput(Problem(path, f'no area is called "{query[:80]}"', remedy))

    def _calls(self, area: NamedArea) -> set[str]:
        """Everything the area answers to, folded."""
        full = {_fold(area.id), _fold(area.name)}
        city = {_fold(self.city.id), _fold(self.city.name)}
        short = {name.removeprefix(c) for name in full for c in city} - {""}
        return full | short | {_fold(pair.value) for pair in area.geocodes}


def _read(text: str, origin: str, problems: list[Problem]) -> Gazetteer:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        problems.append(Problem(origin, f"is not JSON: {error}"))
        return Gazetteer(named=(), attribution="")
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or document.get("type") != "FeatureCollection":
        problems.append(
            Problem(
                origin, "is not a GeoJSON FeatureCollection", "templates/areas/README.md shows one"
            )
        )
        return Gazetteer(named=(), attribution="")
    attribution, licence = document.get("attribution"), document.get("licence", "")
    if not isinstance(attribution, str) or not attribution.strip():
        problems.append(
            Problem(
                f"{origin}:attribution",
                "is missing",
                "say whose outlines these are; it is published with them",
            )
        )
    if not isinstance(licence, str):
        problems.append(Problem(f"{origin}:licence", "is not text"))
    named = [
        area
        for index, feature in enumerate(features)
        if (area := _named_area(feature, f"{origin}:features[{index}]", problems)) is not None
    ]
    cities = [area for area in named if area.kind == "city"]
    if not problems or not cities:
        _check_together(named, cities, origin, problems)
    return Gazetteer(named=tuple(named), attribution=str(attribution), licence=str(licence))


def _named_area(feature: object, here: str, problems: list[Problem]) -> NamedArea | None:
    before = len(problems)
    properties = feature.get("properties") if isinstance(feature, dict) else None
    if not isinstance(feature, dict) or not isinstance(properties, dict):
        problems.append(Problem(here, "is not a GeoJSON Feature with properties"))
        return None
    for key, pattern, says in (
        ("id", r"[a-z0-9]+(-[a-z0-9]+)*", "lower-case letters a-z, digits and single hyphens"),
        ("name", r"\S(.*\S)?", "the name as people write it"),
        ("kind", r"[a-z]+", '"city" for the whole, for example "district" for its parts'),
    ):
        value = properties.get(key)
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            problems.append(
                Problem(f"{here}.properties.{key}", "is missing or malformed", f"give {says}")
            )
    if not isinstance(properties.get("part_of", ""), str):
        problems.append(Problem(f"{here}.properties.part_of", "is not an id"))
    if not isinstance(properties.get("approximate", False), bool):
        problems.append(Problem(f"{here}.properties.approximate", "is neither true nor false"))
    geocodes = _geocodes(properties, f"{here}.properties", problems)
    polygons = outline.read_geometry(feature.get("geometry"), f"{here}.geometry", problems)
    if len(problems) > before:
        return None
    return NamedArea(
        id=properties["id"],
        name=unicodedata.normalize("NFC", properties["name"]),
        kind=properties["kind"],
        part_of=properties.get("part_of"),
        geocodes=geocodes,
        polygons=polygons,
        approximate=properties.get("approximate", False),
    )


def _geocodes(
    properties: Mapping[str, Any], here: str, problems: list[Problem]
) -> tuple[Pair, ...]:
    pairs = []
    for name, levels in _LEVELS.items():
        value = properties.get(name.lower())
        if value is None:
            continue
        if not isinstance(value, str) or not re.fullmatch(rf"[0-9]{{{levels[-1]}}}", value):
            problems.append(
                Problem(
                    f"{here}.{name.lower()}",
                    f"is not {levels[-1]} digits",
                    "write it in quotes, with the zero it begins with",
                )
            )
        else:
            pairs.append(Pair(name, value))
    others = properties.get("geocodes", {})
    for name, value in others.items() if isinstance(others, dict) else [("", None)]:
        values: list[Any] = value if isinstance(value, list) else [value]
        if not name or not all(isinstance(v, str) and v.strip() for v in values):
            problems.append(
                Problem(
                    f"{here}.geocodes",
                    "is not a mapping of names to texts",
                    'for example {"WARNCELLID": "105913000"}',
                )
            )
        else:
            pairs += [Pair(name, v) for v in values]
    return tuple(pairs)


def _check_together(
    named: Sequence[NamedArea], cities: Sequence[NamedArea], origin: str, problems: list[Problem]
) -> None:
    """What can only be seen with all areas read."""
    ids = [area.id for area in named]
    problems += [
        Problem(f"{origin}:{id_}", "is the id of several features", "give each its own")
        for id_ in sorted({id_ for id_ in ids if ids.count(id_) > 1})
    ]
    if len(cities) != 1:
        problems.append(
            Problem(
                origin,
                f'has {len(cities)} features of kind "city"',
                "mark exactly one, the whole city",
            )
        )
        return
    (city,) = cities
    for area in named:
        if area is city:
            continue
        here = f"{origin}:{area.id}"
        if area.part_of not in (None, *ids):
            problems.append(Problem(f"{here}.part_of", f'names no feature: "{area.part_of}"'))
        if not _inside(area.area, city.area):
            swapped = touches(swapped_round(area.area), city.area)
            problems.append(
                Problem(
                    here,
                    f"reaches out of {city.name} with more than a hundredth of its ground",
                    "latitude and longitude look swapped; GeoJSON has longitude first"
                    if swapped
                    else "correct its outline",
                )
            )


def _inside(part: Area, city: Area) -> bool:
    """Whether the part lies in the city; outlines of two surveys may differ by a hundredth."""
    if covers(city, part):
        return True
    return size_km2([part, city]) - size_km2([city]) <= size_km2([part]) / 100


def keys_meet(given: Iterable[Pair], ours: Iterable[Pair]) -> bool:
    """Whether an official key of one names, contains or lies in what one of the other names."""
    return any(_key_meets(a, b) for a in given for b in ours)


def _key_meets(a: Pair, b: Pair) -> bool:
    if a.name.upper() != b.name.upper() or not (a.value and b.value):
        return False
    one, other = _stem(a), _stem(b)
    nested = a.name.upper() in _LEVELS
    return one == other or (nested and (one.startswith(other) or other.startswith(one)))


def _stem(pair: Pair) -> str:
    """An official key without the zeros that stand for "everything below"."""
    for end in _LEVELS.get(pair.name.upper(), ()):
        if not pair.value[end:].strip("0"):
            return pair.value[:end]
    return pair.value


def _fold(text: str) -> str:
    """Letters and digits without case and accents, for comparing what people type."""
    split = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in split if letter.isalnum())
