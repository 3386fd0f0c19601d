"""Cells: which of a network's cells are heard in an area.

The inventory is a CSV file that a network's planning system can export: one row for each cell,
with its names, its position and, if known, the sector and the distance it reaches.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from broadcaster.model.cap import Alert
from broadcaster.model.errors import BadInput, Problem

_NEEDED = ("technology", "mcc", "mnc", "area", "cell", "latitude", "longitude")
_MAY = ("azimuth", "width", "reach")
_REACH = 2000.0
"""Metres, where the inventory does not say: our own figure for a town, rather too far."""
_STEP = 15.0
"""Degrees between two corners of a round outline."""


class Technology(StrEnum):
    """What a cell speaks, and with it how it is named."""

    GSM = "2G"
    """Named by CGI: location area code (16 bits) and cell identity (16 bits)."""
    LTE = "4G"
    """Named by ECGI (28 bits); routed by tracking area code (16 bits)."""
    NR = "5G"
    """Named by NCGI (36 bits); routed by tracking area code (24 bits)."""


_BITS = {Technology.GSM: (16, 16), Technology.LTE: (16, 28), Technology.NR: (24, 36)}
"""Bits of area code and cell identity (3GPP TS 23.003 4.1, 4.3.1, 19.4.2.3, 19.6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell (3GPP TS 23.003 4.3, 19.6)."""

    technology: Technology
    mcc: str
    """Mobile country code, three digits."""
    mnc: str
    """Mobile network code, two or three digits."""
    area: int
    """Location area code (2G) or tracking area code (4G, 5G)."""
    cell: int
    """Cell identity within the network: CI, ECI or NCI."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A cell and the ground it is heard on."""

    cell: Cell
    latitude: float
    longitude: float
    reach: float
    """Metres."""
    azimuth: float | None = None
    """Degrees clockwise from north, the middle of the sector; ``None``: all around."""
    width: float = 360.0
    """Degrees."""

    def outline(self) -> tuple[tuple[float, float], ...]:
        """Corners of the ground as (longitude, latitude) in degrees; a flat earth does here."""
        north = self.reach / 111_320.0
        east = north / math.cos(math.radians(self.latitude))
        sector = self.azimuth is not None and self.width < 360
        middle, width = (self.azimuth or 0.0, self.width) if sector else (0.0, 360.0)
        steps = max(2, math.ceil(width / _STEP))
        turns = [math.radians(middle - width / 2 + width * i / steps) for i in range(steps + 1)]
        arc = [
            (self.longitude + east * math.sin(turn), self.latitude + north * math.cos(turn))
            for turn in turns
        ]
        return ((self.longitude, self.latitude), *arc) if sector else tuple(arc[:-1])


@dataclass(frozen=True, slots=True)
class Choice:
    """The cells for one alert."""

    cells: tuple[Cell, ...]
    asked_km2: float
    reached_km2: float
    """Ground on which these cells are heard: always more than was asked."""


class Inventory:
    """The cells of one or more networks, asked by area."""

    def __init__(self, sites: Sequence[Site]) -> None:
        import shapely

        self._sites = tuple(sites)
        self._ground = [shapely.Polygon(site.outline()) for site in self._sites]
        self._tree = shapely.STRtree(self._ground)

    def __len__(self) -> int:
        return len(self._sites)

    @classmethod
    def read(cls, path: Path) -> Inventory:
        """The inventory of a CSV file; raises :class:`BadInput` naming every wrong row."""
        try:
            text = path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            says = f"{path} cannot be read: {error}"
            raise BadInput(Problem("cells", says, "name a CSV file in UTF-8")) from error
        return cls(parse(text))

    def choose(self, alert: Alert, also: Sequence[Cell] = ()) -> Choice:
        """Every cell that can be heard on the alert's ground, and ``also`` these.

        A cell belongs to it as soon as its ground meets the area: who stands in the area must
        hear the warning, and whoever hears it beside the area reads there which place is meant.
        An area without polygons or circles has no cells.
        """
        import shapely

        from broadcaster.model.area import ground_of, size_km2

        areas = [area for info in alert.infos for area in info.areas]
        ground = ground_of(areas)
        found = sorted(self._tree.query(ground, predicate="intersects"))
        reached = shapely.union_all([self._ground[at] for at in found])
        here = [self._sites[at].cell for at in found]
        return Choice(
            cells=tuple(dict.fromkeys((*here, *also))),
            asked_km2=size_km2(areas),
            reached_km2=_km2(reached),
        )


def parse(text: str) -> tuple[Site, ...]:
    """The sites of a CSV text with a header; raises :class:`BadInput` naming every wrong row."""
    rows = csv.DictReader(io.StringIO(text))
    missing = [name for name in _NEEDED if name not in (rows.fieldnames or ())]
    if missing:
        says = f"lacks the columns {', '.join(missing)}"
        raise BadInput(Problem("cells", says, "the header is " + ",".join((*_NEEDED, *_MAY))))
    problems: list[Problem] = []
    sites: list[Site] = []
    seen: dict[tuple[str, str, Technology, int, int], int] = {}
    for row in rows:
        line = rows.line_num
        try:
            site = _site(row)
        except (KeyError, ValueError) as error:
            problems.append(Problem(f"cells line {line}", str(error), "correct or remove the row"))
            continue
        cell = site.cell
        name = (cell.mcc, cell.mnc, cell.technology, cell.area, cell.cell)
        if name in seen:
            says = f"is the cell of line {seen[name]} again"
            problems.append(Problem(f"cells line {line}", says, "remove one of them"))
        seen.setdefault(name, line)
        sites.append(site)
    if not sites and not problems:
        problems.append(Problem("cells", "holds no cell", "export the network's cells again"))
    if problems:
        raise BadInput(problems)
    return tuple(sites)


def _site(row: Mapping[str, str]) -> Site:
    kind = row["technology"].strip().upper()
    if kind not in set(Technology):
        raise ValueError(f"technology {kind!r} is none of {', '.join(Technology)}")
    technology = Technology(kind)
    area_bits, cell_bits = _BITS[technology]
    for name, pattern in (("mcc", r"\d{3}"), ("mnc", r"\d{2,3}")):
        if not re.fullmatch(pattern, row[name].strip()):
            raise ValueError(f"{name} {row[name]!r} is no code of a network")
    azimuth, width, reach = (_number(row, name) for name in _MAY)
    return Site(
        cell=Cell(
            technology=technology,
            mcc=row["mcc"].strip(),
            mnc=row["mnc"].strip(),
            area=_whole(row, "area", area_bits),
            cell=_whole(row, "cell", cell_bits),
        ),
        latitude=_within(row, "latitude", 90),
        longitude=_within(row, "longitude", 180),
        azimuth=azimuth,
        width=360.0 if width is None else width,
        reach=_REACH if reach is None else reach,
    )


def _whole(row: Mapping[str, str], name: str, bits: int) -> int:
    text = row[name].strip()
    if not text.isascii() or not text.isdigit() or int(text) >= 1 << bits:
        raise ValueError(f"{name} {text!r} is no whole number of {bits} bits")
    return int(text)


def _within(row: Mapping[str, str], name: str, limit: int) -> float:
    value = _number(row, name)
    if value is None or not -limit <= value <= limit:
        raise ValueError(f"{name} {row[name]!r} is not within {limit} degrees")
    return value


def _number(row: Mapping[str, str], name: str) -> float | None:
    text = (row.get(name) or "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{name} {text!r} is no number") from None
    if not math.isfinite(value) or (name in _MAY and not 0 <= value <= 100_000):
        raise ValueError(f"{name} {text!r} cannot be")
    return value


def _km2(ground: Any) -> float:
    """Square kilometres of a shape in degrees, on a flat earth about its middle."""
    if ground.is_empty:
        return 0.0
    return float(ground.area) * 111.32**2 * math.cos(math.radians(ground.centroid.y))
