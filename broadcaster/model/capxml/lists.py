"""CAP elements whose text is a list or a figure: references, addresses, polygons, circles.

Each ``parse_`` function returns what it understood and what was wrong with the text; each
``_text`` function is its exact inverse for values that CAP allows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache

from broadcaster.model.cap import Circle, Polygon, Reference
from broadcaster.model.capxml.times import CAP_TIME

SPACE = " \t\r\n"
"""XML 1.0 section 2.3: white space.  At the edges of an element it is layout, not content."""

# No pattern here may try the same text in two ways: strangers choose the text.
_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?"
_FIGURE = re.compile(_NUMBER, re.ASCII)
_PAIR = re.compile(rf"({_NUMBER}),({_NUMBER})", re.ASCII)
_TRIPLE = re.compile(r"([^,]*),([^\s,]*),([^\s,]*)")
_ITEM = re.compile(r'"([^"]*)"|([^\s"]+)')


def number_text(value: float) -> str:
    """The shortest decimal that reads back as the same float, without exponent."""
    return format(Decimal(repr(float(value))), "f")


def parse_number(text: str) -> float:
    """The figure; raises :class:`ValueError` for anything else, infinity included."""
    if not _FIGURE.fullmatch(text) or not math.isfinite(value := float(text)):
        raise ValueError(f"{text[:40]!r} is not a number")
    return value


@lru_cache(maxsize=512)  # every info of an alert repeats the same areas
def polygon_text(polygon: Polygon) -> str:
    """``lat,lon lat,lon ...`` (CAP 3.2.4), closed."""
    points = polygon.points
    if points and points[0] != points[-1]:
        points = (*points, points[0])
    return " ".join(f"{number_text(lat)},{number_text(lon)}" for lat, lon in points)


@lru_cache(maxsize=512)
def parse_polygon(text: str) -> tuple[Polygon, tuple[str, ...]]:
    """The ring, closed if it was open; raises :class:`ValueError` when it is no list of pairs."""
    defects = []
    if re.search(r"[()\[\];]", text):
        text = re.sub(r"[()\[\];]", " ", text)
        defects.append("has brackets between its coordinates")
    if re.search(r"[\t\r\n]|  ", text.strip(SPACE)):
        defects.append("separates coordinates by more than single spaces")
    if re.search(r"\s,|,\s", text):
        text = _tight(text)
        defects.append("has spaces around its commas")
    words = text.split()
    if words and "," not in text and len(words) % 2 == 0:
        words = [f"{lat},{lon}" for lat, lon in zip(words[::2], words[1::2], strict=True)]
        defects.append("has no commas between latitude and longitude")
    points = tuple(_point(word) for word in words)
    if not points:
        raise ValueError("it has no coordinates")
    if points[0] != points[-1]:
        points = (*points, points[0])
        defects.append("is an open ring; it was closed")
    if len(points) < 4:
        defects.append("has fewer than four coordinate pairs")
    return Polygon(points), tuple(defects)


def _tight(text: str) -> str:
    """Single spaces, and none around commas."""
    return " ".join(text.split()).replace(" ,", ",").replace(", ", ",")


def _point(word: str) -> tuple[float, float]:
    match = _PAIR.fullmatch(word)
    if match is None:
        raise ValueError(f"{word[:40]!r} is not a latitude,longitude pair")
    return parse_number(match[1]), parse_number(match[2])


def circle_text(circle: Circle) -> str:
    """``lat,lon radius`` (CAP 3.2.4)."""
    latitude, longitude = number_text(circle.latitude), number_text(circle.longitude)
    return f"{latitude},{longitude} {number_text(circle.radius)}"


def parse_circle(text: str) -> tuple[Circle, tuple[str, ...]]:
    """The circle; raises :class:`ValueError` when it is not ``lat,lon radius``."""
    words = _tight(text).split()
    if len(words) != 2:
        raise ValueError(f"{text[:60]!r} is not a latitude,longitude pair and a radius")
    (latitude, longitude), radius = _point(words[0]), parse_number(words[1])
    tidy = re.fullmatch(r"\S+ \S+", text) is not None
    defects = () if tidy else ("has white space that CAP does not allow",)
    return Circle(latitude, longitude, radius), defects


def items_text(items: Iterable[str]) -> str:
    """``addresses`` and ``incidents`` (CAP 3.2.1): spaces between, quotes around spaces."""
    return " ".join(f'"{item}"' if re.search(r"\s", item) else item for item in items)


def parse_items(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The items of ``addresses`` or ``incidents``."""
    items = tuple(quoted or bare for quoted, bare in _ITEM.findall(text) if quoted or bare)
    defects = ("has a quotation mark without its partner",) if text.count('"') % 2 else ()
    return items, defects


def references_text(references: Iterable[Reference]) -> str:
    """``sender,identifier,sent sender,identifier,sent`` (CAP 3.2.1)."""
    return " ".join(str(reference) for reference in references)


def parse_references(text: str) -> tuple[tuple[Reference, ...], tuple[str, ...]]:
    """The references a text names, also in the broken forms that federal feeds contain.

    Besides CAP's own form these are understood: senders with spaces; a list inside each of the
    three parts (``a b,id.a id.b,time``); identifiers without commas; triples joined by commas.
    What is missing in a reference is left empty.
    """
    words = text.split()
    triples = [_TRIPLE.fullmatch(word) for word in words]
    references: list[Reference]
    defects: list[str]
    if all(triples):
        references = [Reference(*match.groups()) for match in triples if match]
        defects = []
    else:
        references, defects = _broken_references(text, words)
    if any(not reference.sender for reference in references):
        defects.append("names no sender")
    if any(not CAP_TIME.fullmatch(reference.sent) for reference in references):
        defects.append("has a time that CAP does not allow; it was kept as text")
    named = tuple(reference for reference in references if reference.identifier)
    if len(named) != len(references):
        defects.append("has an entry without identifier, which was dropped")
    return named, tuple(defects)


def _broken_references(text: str, words: list[str]) -> tuple[list[Reference], list[str]]:
    loose = _loose_triples(text)
    if loose:
        return loose, ["has a sender with spaces"]
    if "," not in text:
        return [Reference("", word, "") for word in words], ["has no commas"]
    parts = [part.strip(SPACE) for part in text.split(",")]
    if len(parts) == 3:
        senders, identifiers, times = (part.split() for part in parts)
        if len(times) != len(identifiers):
            times = (times[:1] or [""]) * len(identifiers)
        if len(senders) != len(identifiers):
            # One sender with spaces, not a list; without a time it could not be told apart.
            senders = [" ".join(senders) if times[:1] != [""] else ""] * len(identifiers)
        merged = zip(senders, identifiers, times, strict=True)
        return [Reference(*triple) for triple in merged], ["has lists inside its three parts"]
    return _joined_references(words)


def _loose_triples(text: str) -> list[Reference]:
    """Triples whose senders contain spaces; nothing when the text is something else.

    Between two commas then stands either an identifier or ``sent`` and the next sender.
    """
    parts = [part.split() for part in text.split(",")]
    if len(parts) < 3 or len(parts) % 2 == 0:
        return []
    references, sender = [], parts[0]
    for identifier, (sent, *following) in zip(
        parts[1::2], (part or [""] for part in parts[2::2]), strict=True
    ):
        if not sender or len(identifier) != 1 or not sent:
            return []
        references.append(Reference(" ".join(sender), identifier[0], sent))
        sender = following
    return [] if sender else references


def _joined_references(words: list[str]) -> tuple[list[Reference], list[str]]:
    references = []
    for word in words:
        parts = word.split(",")
        if len(parts) % 3 == 0:
            references += [Reference(*parts[i : i + 3]) for i in range(0, len(parts), 3)]
        elif len(parts) == 1:
            references.append(Reference("", word, ""))
        elif len(parts) == 2:
            references.append(Reference(parts[0], parts[1], ""))
    return references, ["is not a list of sender,identifier,sent"]
