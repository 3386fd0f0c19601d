"""An order as IBAG 1.0 documents, the form that some centres take instead of CAP.  Pure.

IBAG (namespace ``ibag:1.0``) carries one text a document, under one message identifier.  Element
names and their order are those that the United Kingdom's and the Netherlands' senders are known to
use; the schema itself is not public.  So this is an export to be tried with an operator, not a
gateway: how a centre answers in IBAG is not known well enough to be read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from broadcaster.model.area import circle_as_polygon
from broadcaster.model.cap import Area, MsgType
from broadcaster.model.capxml import time_text
from broadcaster.model.capxml.characters import NOT_XML
from broadcaster.model.capxml.lists import polygon_text
from broadcaster.model.errors import BadInput, Permanent, Problem
from channels.cell_broadcast.gateways.cap_order import info_of, shown
from channels.cell_broadcast.order import OnAir, Order, Stop
from channels.cell_broadcast.serials import Serial

if TYPE_CHECKING:
    from lxml.etree import _Element

NAMESPACE = "ibag:1.0"
SIGNATURE = f"{{{NAMESPACE}}}IBAG_Digital_Signature"
"""Where a signature goes (:meth:`~broadcaster.model.capxml.sign.Signer.sign`, ``inside``)."""
CATEGORIES: Mapping[int, str] = MappingProxyType(
    {4370: "CAT1", 4378: "CAT3", 4380: "CAT5", 4382: "CAT7"}
)
"""Message identifier to the category in a channel's name, as used in the United Kingdom.  Those of
other identifiers are agreed with the operator."""
_DEFAULT_PREFIX: Any = {None: NAMESPACE}  # typed loosely: the stubs know named prefixes only
_EVENT = "LAE"
"""SAME code of a *local area emergency*, the only one that senders are known to use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is agreed with the operator of a centre."""

    gateway: str
    """Names us as the sending gateway."""
    categories: Mapping[int, str] = field(default_factory=lambda: CATEGORIES)
    alert_uri: str = ""
    """Where the public alert can be read; empty: not said."""


def read_terms(raw: Any) -> Terms:
    """Check the settings ``gateway, categories, alert_uri``; raises :class:`BadInput` with all."""
    if not isinstance(raw, Mapping):
        raise BadInput(
            Problem("ibag", "must be a mapping", "gateway: name agreed with the operator")
        )
    known = ("gateway", "categories", "alert_uri")
    problems = [
        Problem(f"ibag.{key}", "is no setting of IBAG", "use one of " + ", ".join(known))
        for key in raw
        if key not in known
    ]
    gateway, uri = raw.get("gateway"), raw.get("alert_uri", "")
    if not isinstance(gateway, str) or not gateway.strip():
        problems.append(Problem("ibag.gateway", "is missing", "the name agreed with the operator"))
    if not isinstance(uri, str):
        problems.append(Problem("ibag.alert_uri", "must be text", "an address"))
    categories = raw.get("categories", CATEGORIES)
    if not isinstance(categories, Mapping) or not all(
        isinstance(key, int) and isinstance(value, str) for key, value in categories.items()
    ):
        says = "must say the category of each message identifier"
        problems.append(Problem("ibag.categories", says, "such as {4370: CAT1}"))
    if problems:
        raise BadInput(problems)
    return Terms(gateway=str(gateway), categories=dict(categories), alert_uri=str(uri))


def documents(order: Order, terms: Terms) -> tuple[bytes, ...]:
    """One document for each broadcast, then one Cancel for each that nothing takes the place of.

    Raises :class:`~broadcaster.model.errors.Permanent` with every reason: an identifier without a
    category, or a text that no XML document can carry.
    """
    problems = [
        Problem(
            str(item.broadcast.identifier),
            f"no IBAG category is agreed for message identifier {item.broadcast.identifier}",
            "ask the operator for its name",
        )
        for item in order.on_air
        if item.broadcast.identifier not in terms.categories
    ]
    for item in order.on_air:
        bad = NOT_XML.search(shown(item))
        if bad is not None:
            says = f"contains U+{ord(bad[0]):04X}, which no XML document can carry"
            problems.append(Problem(item.language, says, "remove the character"))
    if problems:
        raise Permanent(problems)
    replaced = {(item.broadcast.identifier, item.instead_of) for item in order.on_air}
    return (
        *(_announcement(item, order, terms) for item in order.on_air),
        *(
            _cancel(stop, order, terms)
            for stop in order.stops
            if (stop.identifier, stop.serial) not in replaced
        ),
    )


def link_test(number: str, sent: datetime, terms: Terms) -> bytes:
    """A document that asks whether a centre is there: status System, and no text to show.

    ``number`` is a message number that is not in use: eight hexadecimal digits.
    """
    root = _root(number, terms)
    _put(root, "sent_date_time", time_text(sent))
    _put(root, "status", "System")
    _put(root, "message_type", "Link Test")
    return _whole(root)


def message_number(alert: str, identifier: int, serial: Serial) -> str:
    """Eight hexadecimal digits for one broadcast of one alert, the same whenever it is asked.

    Made of the broadcast's own names, so a Cancel finds the number of what it cancels without a
    record.  Two broadcasts get the same number once in 2**32.
    """
    return hashlib.sha256(f"{alert}/{identifier}/{serial.hex}".encode()).hexdigest()[:8]


def _announcement(item: OnAir, order: Order, terms: Terms) -> bytes:
    identifier = item.broadcast.identifier
    earlier = _earlier(item, order)
    kind = MsgType.UPDATE if earlier else MsgType.ALERT
    root = _root(message_number(order.alert.identifier, identifier, item.serial), terms)
    if earlier:
        _refer(root, *earlier)
    _rest(root, kind.value, order, terms)
    source = info_of(item, order.alert)
    text = shown(item)
    language = _word(item)
    info = _put(root, "alert_info")
    _put(info, "category", source.categories[0].value if source.categories else "Safety")
    _put(info, "event_code", _EVENT)
    _put(info, "severity", source.severity.value)
    _put(info, "urgency", source.urgency.value)
    _put(info, "certainty", source.certainty.value)
    if source.expires is not None:
        _put(info, "expires_date_time", time_text(source.expires))
    _put(info, "text_language", language)
    _put(info, "text_alert_message_length", str(len(text.encode())))
    _put(info, "text_alert_message", text)
    channel = f"{identifier}-{terms.categories[identifier]}-{language.upper()}"
    _put(info, "channel_category", channel)
    for area in source.areas:
        _area(info, area)
    return _whole(root)


def _cancel(stop: Stop, order: Order, terms: Terms) -> bytes:
    # Its own number must differ from that of the broadcast it ends.
    number = message_number(order.alert.identifier + "/stop", stop.identifier, stop.serial)
    root = _root(number, terms)
    _refer(root, message_number(stop.alert, stop.identifier, stop.serial), stop.alert)
    _rest(root, MsgType.CANCEL.value, order, terms)
    return _whole(root)


def _earlier(item: OnAir, order: Order) -> tuple[str, str] | None:
    """Number and CAP identifier of what the text takes the place of."""
    identifier = item.broadcast.identifier
    if item.unchanged and order.replaces:
        alert = order.replaces[-1]
        return message_number(alert, identifier, item.serial), alert
    for stop in order.stops:
        if (stop.identifier, stop.serial) == (identifier, item.instead_of):
            return message_number(stop.alert, identifier, stop.serial), stop.alert
    return None


def _root(number: str, terms: Terms) -> _Element:
    from lxml import etree

    root = etree.Element(f"{{{NAMESPACE}}}IBAG_Alert_Attributes", nsmap=_DEFAULT_PREFIX)
    _put(root, "protocol_version", "1.0")
    _put(root, "sending_gateway_id", terms.gateway)
    _put(root, "message_number", number)
    return root


def _refer(root: _Element, number: str, alert: str) -> None:
    _put(root, "referenced_message_number", number)
    _put(root, "referenced_message_cap_identifier", alert)


def _rest(root: _Element, kind: str, order: Order, terms: Terms) -> None:
    sent = time_text(order.alert.sent)
    _put(root, "sender", order.alert.sender)
    _put(root, "sent_date_time", sent)
    _put(root, "status", order.alert.status.value)
    _put(root, "message_type", kind)
    if terms.alert_uri:
        _put(root, "cap_alert_uri", terms.alert_uri)
    _put(root, "cap_identifier", order.alert.identifier)
    _put(root, "cap_sent_date_time", sent)


def _area(info: _Element, area: Area) -> None:
    node = _put(info, "Alert_Area")
    _put(node, "area_description", area.area_desc)
    # IBAG knows no circles; the polygon lies around the circle, so nobody is left out.
    for polygon in (*area.polygons, *map(circle_as_polygon, area.circles)):
        _put(node, "polygon", polygon_text(polygon))
    if not area.polygons and not area.circles:
        for code in area.geocodes:
            _put(node, "geocode", code.value)


def _word(item: OnAir) -> str:
    """The language as IBAG says it: an English word."""
    from babel import Locale

    names = Locale("en").languages
    code = item.broadcast.pages.language or ""
    primary = item.language.partition("-")[0]
    return str(names.get(primary) or names.get(code) or item.language)


def _put(parent: _Element, name: str, text: str | None = None) -> _Element:
    from lxml import etree

    node = etree.SubElement(parent, f"{{{NAMESPACE}}}IBAG_{name}")
    node.text = text
    return node


def _whole(root: _Element) -> bytes:
    from lxml import etree

    _put(root, "Digital_Signature")
    body: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=False)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + body + b"\n"
