"""The elements of a CAP document, one function each (CAP 1.2 section 3.2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from broadcaster.model.cap import (
    Alert,
    Area,
    Category,
    Certainty,
    Circle,
    Info,
    MsgType,
    Pair,
    Polygon,
    Resource,
    ResponseType,
    Scope,
    Severity,
    Status,
    Urgency,
)
from broadcaster.model.capxml import lists
from broadcaster.model.capxml.node import Collector, Node, TooMuch
from broadcaster.model.capxml.times import parse_time
from broadcaster.model.capxml.write import SIGNATURE, signature_elements

if TYPE_CHECKING:
    from lxml.etree import _Element

_Item = TypeVar("_Item")
_Word = TypeVar("_Word", bound=StrEnum)

# CAP 1.1 appendix: the "Very Likely" of CAP 1.0 is read as "Likely".
_FORMER_WORDS = {"verylikely": "likely"}


def read_alert(root: _Element, collector: Collector) -> Alert | None:
    """The alert, or ``None`` with the reasons in the collector."""
    node = Node(root, "alert", "alert", collector)
    identifier = node.text("identifier")
    if identifier is None:
        collector.reason("alert.identifier", "is missing", "an alert needs a name of its own")
    sent = _sent(node)
    # Guessing any of these three could turn a drill into a warning or publish a private message.
    status = _decisive(node, "status", Status)
    msg_type = _decisive(node, "msgType", MsgType)
    scope = _decisive(node, "scope", Scope)
    if node.count("info") > collector.limits.infos:
        raise TooMuch("alert", "info elements", collector.limits.infos)
    infos = tuple(_info(Node(child, "info", at, collector)) for child, at in node.elements("info"))
    if identifier is None or sent is None or status is None or msg_type is None or scope is None:
        return None
    return Alert(
        identifier=identifier,
        sender=node.required("sender"),
        sent=sent,
        status=status,
        msg_type=msg_type,
        scope=scope,
        source=node.text("source"),
        restriction=node.text("restriction"),
        addresses=_list(node, "addresses", lists.parse_items),
        codes=tuple(text for text, _ in node.texts("code")),
        note=node.joined("note"),
        references=_list(node, "references", lists.parse_references),
        incidents=_list(node, "incidents", lists.parse_items),
        infos=infos,
        signature=_signatures(node),
    )


def _info(node: Node) -> Info:
    return Info(
        language=node.text("language"),
        categories=_categories(node),
        event=node.required("event"),
        response_types=_response_types(node),
        urgency=_graded(node, "urgency", Urgency, Urgency.UNKNOWN),
        severity=_graded(node, "severity", Severity, Severity.UNKNOWN),
        certainty=_graded(node, "certainty", Certainty, Certainty.UNKNOWN),
        audience=node.text("audience"),
        event_codes=_pairs(node, "eventCode"),
        effective=_time(node, "effective"),
        onset=_time(node, "onset"),
        expires=_time(node, "expires"),
        sender_name=node.text("senderName"),
        headline=node.text("headline"),
        description=node.joined("description"),
        instruction=node.joined("instruction"),
        web=node.text("web"),
        contact=node.text("contact"),
        parameters=_pairs(node, "parameter"),
        resources=tuple(
            _resource(Node(child, "resource", at, node.collector))
            for child, at in node.elements("resource")
        ),
        areas=tuple(
            _area(Node(child, "area", at, node.collector)) for child, at in node.elements("area")
        ),
    )


def _resource(node: Node) -> Resource:
    return Resource(
        resource_desc=node.required("resourceDesc"),
        mime_type=node.required("mimeType"),
        size=_size(node),
        uri=node.text("uri"),
        deref_uri=node.text("derefUri"),
        digest=node.text("digest"),
    )


def _area(node: Node) -> Area:
    node.collector.areas += 1
    if node.collector.areas > node.collector.limits.areas:
        raise TooMuch("alert", "areas", node.collector.limits.areas)
    return Area(
        area_desc=node.required("areaDesc"),
        polygons=_polygons(node),
        circles=_circles(node),
        geocodes=_pairs(node, "geocode"),
        altitude=_number(node, "altitude"),
        ceiling=_number(node, "ceiling"),
    )


def _sent(node: Node) -> datetime | None:
    sent = _time(node, "sent")
    if sent is None:
        says = "cannot be read" if node.text("sent") else "is missing"
        node.collector.reason("alert.sent", says, "write it as 2026-07-01T14:00:00+02:00")
    return sent


def _time(node: Node, name: str) -> datetime | None:
    text = node.text(name)
    if text is None:
        return None
    try:
        time, defect = parse_time(text)
    except ValueError as error:
        node.defect(name, f"was left out: {error}")
        return None
    if defect:
        node.defect(name, defect)
    return time


def _word(text: str, words: type[_Word]) -> _Word | None:
    """The word meant, whatever its case and spacing."""
    key = "".join(text.split()).lower()
    key = _FORMER_WORDS.get(key, key)
    return next((word for word in words if word.value.lower() == key), None)


def _decisive(node: Node, name: str, words: type[_Word]) -> _Word | None:
    """A value without which the alert must not be handled at all."""
    text = node.text(name)
    word = _word(text or "", words)
    if word is None:
        says = "is missing" if text is None else f"is {text[:40]!r}, which CAP does not know"
        node.collector.reason(f"{node.path}.{name}", says, "use one of " + ", ".join(words))
    elif word.value != text:
        node.defect(name, f"is written {text!r}; read as {word.value}")
    return word


def _graded(node: Node, name: str, words: type[_Word], unknown: _Word) -> _Word:
    text = node.text(name)
    if text is None:
        if not node.count(name):
            node.defect(name, "is missing; read as Unknown", "CAP requires it")
        return unknown
    return _known(node.collector, f"{node.path}.{name}", text, words, unknown)


def _known(collector: Collector, path: str, text: str, words: type[_Word], other: _Word) -> _Word:
    word = _word(text, words) or other
    if word.value != text:
        says = f"is {text[:40]!r}, which CAP does not know; read as {word.value}"
        collector.defect(path, says)
    return word


def _categories(node: Node) -> tuple[Category, ...]:
    if not node.count("category"):
        node.defect("category", "is missing", "CAP requires it")
    return tuple(
        _known(node.collector, path, text, Category, Category.OTHER)
        for text, path in node.texts("category")
    )


def _response_types(node: Node) -> tuple[ResponseType, ...]:
    found = []
    for text, path in node.texts("responseType"):
        word = _word(text, ResponseType)
        if word is None or word.value != text:
            meant = "left out" if word is None else f"read as {word.value}"
            node.collector.defect(path, f"is {text[:40]!r}, which CAP does not know; {meant}")
        if word is not None:
            found.append(word)
    return tuple(found)


def _list(
    node: Node, name: str, parse: Callable[[str], tuple[tuple[_Item, ...], tuple[str, ...]]]
) -> tuple[_Item, ...]:
    text = node.text(name)
    if text is None:
        return ()
    items, defects = parse(text)
    for defect in defects:
        node.defect(name, defect)
    return items


def _pairs(node: Node, name: str) -> tuple[Pair, ...]:
    pairs = []
    for child, path in node.elements(name):
        part = Node(child, name, path, node.collector)
        if part.has_children:
            pair = Pair(part.required("valueName"), part.required("value"))
        else:
            # CAP 1.0 wrote "name=value" into the element itself.
            text = part.content(child, path) or ""
            pair = Pair(*(side.strip(lists.SPACE) for side in text.rpartition("=")[::2]))
            if text:
                part.defect("", "is written as name=value, the form of CAP 1.0")
        if pair.name or pair.value:
            pairs.append(pair)
    return tuple(pairs)


def _polygons(node: Node) -> tuple[Polygon, ...]:
    collector, polygons = node.collector, []
    for text, path in node.texts("polygon"):
        points = text.count(",") or len(text.split()) // 2
        collector.points += points
        if points > collector.limits.points_per_polygon:
            raise TooMuch(path, "points", collector.limits.points_per_polygon)
        if collector.points > collector.limits.points:
            raise TooMuch("alert", "points in its polygons", collector.limits.points)
        try:
            polygon, defects = lists.parse_polygon(text)
        except ValueError as error:
            collector.defect(path, f"was left out: {error}")
            continue
        for defect in defects:
            collector.defect(path, defect)
        _off_the_globe(collector, path, polygon.points)
        polygons.append(polygon)
    return tuple(polygons)


def _circles(node: Node) -> tuple[Circle, ...]:
    circles = []
    for text, path in node.texts("circle"):
        try:
            circle, defects = lists.parse_circle(text)
        except ValueError as error:
            node.collector.defect(path, f"was left out: {error}")
            continue
        for defect in defects:
            node.collector.defect(path, defect)
        _off_the_globe(node.collector, path, ((circle.latitude, circle.longitude),))
        circles.append(circle)
    return tuple(circles)


def _off_the_globe(
    collector: Collector, path: str, points: tuple[tuple[float, float], ...]
) -> None:
    if any(abs(latitude) > 90 or abs(longitude) > 180 for latitude, longitude in points):
        collector.defect(path, "lies off the globe", "CAP writes latitude,longitude")


def _number(node: Node, name: str) -> float | None:
    text = node.text(name)
    if text is None:
        return None
    try:
        return lists.parse_number(text)
    except ValueError as error:
        node.defect(name, f"was left out: {error}")
        return None


def _size(node: Node) -> int | None:
    """CAP 3.2.3: whole bytes; ``12.0`` is seen."""
    figure = _number(node, "size")
    if figure is None:
        return None
    if abs(figure) > 2**53:
        node.defect("size", "was left out: no file is that large")
        return None
    if figure != int(figure):
        node.defect("size", "is not a whole number of bytes; the fraction was cut off")
    return int(figure)


def _signatures(node: Node) -> str | None:
    """Every signature in exclusive canonical form (W3C xml-exc-c14n), which embeds anywhere."""
    found = []
    for child, path in node.elements("Signature"):
        if child.tag != SIGNATURE:
            node.collector.defect(path, "was left out: it is not an XML signature")
            continue
        text = _repeatable(child)
        if text is None:
            node.collector.defect(path, "was left out: it cannot be repeated unchanged")
        else:
            found.append(text)
    return "\n".join(found) or None


def _repeatable(signature: _Element) -> str | None:
    """The canonical text, unless it would change where we write it.

    Elements without namespace would take on that of CAP; relative namespaces have no canonical
    form at all.
    """
    from lxml import etree

    try:
        text = _canonical(signature)
        return text if _canonical(signature_elements(text)[0]) == text else None
    except (etree.LxmlError, ValueError):
        return None


def _canonical(element: _Element) -> str:
    from lxml import etree

    canonical: bytes = etree.tostring(
        element, method="c14n", exclusive=True, with_comments=False, with_tail=False
    )
    return canonical.decode("utf-8")
