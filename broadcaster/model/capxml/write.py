"""A CAP 1.2 document out of an :class:`~broadcaster.model.cap.Alert`.

The same value always gives the same bytes: element order is the schema's, numbers are the
shortest that read back exactly, nothing depends on locale, clock or dictionary order.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from broadcaster.model.cap import Alert, Area, Info, Pair, Resource
from broadcaster.model.capxml import lists
from broadcaster.model.capxml.characters import NOT_XML
from broadcaster.model.capxml.times import time_problem, time_text
from broadcaster.model.errors import BadInput, Problem

if TYPE_CHECKING:
    from lxml.etree import _Element

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
_DEFAULT_PREFIX: Any = {None: NAMESPACE}  # typed loosely: the stubs know named prefixes only
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"


def write(alert: Alert) -> bytes:
    """The alert as a CAP 1.2 document in UTF-8.

    Values are written as they are; whether they keep CAP's rules is for
    :func:`broadcaster.model.rules.check` to say.  Two things are mended because XML readers could
    not tell: an open ring is closed, and empty lists are left out.

    Raises :class:`~broadcaster.model.errors.BadInput`, with every reason, for values that no XML
    document can carry: forbidden characters, times without zone, numbers that are not finite,
    list items that cannot be told apart, a signature that is not one.
    """
    from lxml import etree  # here because commands that write no XML must start without it

    writer = _Writer()
    signatures: list[_Element] = []
    if alert.signature is not None:
        try:
            signatures = signature_elements(alert.signature)
        except ValueError:
            writer.problem("alert.signature", "is not an XML signature", "sign the alert again")
    root = etree.Element(f"{{{NAMESPACE}}}alert", nsmap=_DEFAULT_PREFIX)
    writer.alert(root, alert)
    if writer.problems:
        raise BadInput(writer.problems)
    etree.indent(root, "  ")
    for signature in signatures:
        # A signature covers its own white space, so it is added after indenting.
        root[-1].tail, signature.tail = "\n  ", "\n"
        root.append(signature)
    body: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=False)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + body + b"\n"


def signature_elements(text: str) -> list[_Element]:
    """The signatures of :attr:`Alert.signature` as they will stand in a document.

    Raises :class:`ValueError` when the text is anything else.
    """
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        # Inside an element there can be no DTD, and nothing can break out of it.
        holder = f'<signatures xmlns="{NAMESPACE}">{text}</signatures>'.encode()
        found = list(inside := etree.fromstring(holder, parser))
    except etree.XMLSyntaxError as error:
        raise ValueError(str(error)) from None
    loose = "".join([inside.text or "", *(child.tail or "" for child in found)])
    if not found or loose.strip() or any(child.tag != SIGNATURE for child in found):
        raise ValueError("not an XML signature")
    return found


class _Writer:
    """Appends elements and collects what XML cannot carry, so that all of it is told at once."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def alert(self, node: _Element, alert: Alert) -> None:
        """CAP 3.2.1, in schema order."""
        at = "alert"
        self.text(node, at, "identifier", alert.identifier)
        self.text(node, at, "sender", alert.sender)
        self.time(node, at, "sent", alert.sent)
        self.text(node, at, "status", alert.status)
        self.text(node, at, "msgType", alert.msg_type)
        self.text(node, at, "source", alert.source)
        self.text(node, at, "scope", alert.scope)
        self.text(node, at, "restriction", alert.restriction)
        self.items(node, at, "addresses", alert.addresses)
        self.texts(node, at, "code", alert.codes)
        self.text(node, at, "note", alert.note)
        references = lists.references_text(alert.references)
        if lists.parse_references(references)[0] != alert.references:
            self.problem(
                f"{at}.references",
                "cannot be told apart once written",
                "take commas and spaces out of sender, identifier and sent",
            )
        self.text(node, at, "references", references or None)
        self.items(node, at, "incidents", alert.incidents)
        for index, info in enumerate(alert.infos):
            self.info(_child(node, "info"), f"{at}.info[{index}]", info)

    def info(self, node: _Element, at: str, info: Info) -> None:
        """CAP 3.2.2, in schema order."""
        self.text(node, at, "language", info.language)
        self.texts(node, at, "category", info.categories)
        self.text(node, at, "event", info.event)
        self.texts(node, at, "responseType", info.response_types)
        self.text(node, at, "urgency", info.urgency)
        self.text(node, at, "severity", info.severity)
        self.text(node, at, "certainty", info.certainty)
        self.text(node, at, "audience", info.audience)
        self.pairs(node, at, "eventCode", info.event_codes)
        self.time(node, at, "effective", info.effective)
        self.time(node, at, "onset", info.onset)
        self.time(node, at, "expires", info.expires)
        self.text(node, at, "senderName", info.sender_name)
        self.text(node, at, "headline", info.headline)
        self.text(node, at, "description", info.description)
        self.text(node, at, "instruction", info.instruction)
        self.text(node, at, "web", info.web)
        self.text(node, at, "contact", info.contact)
        self.pairs(node, at, "parameter", info.parameters)
        for index, resource in enumerate(info.resources):
            self.resource(_child(node, "resource"), f"{at}.resource[{index}]", resource)
        for index, area in enumerate(info.areas):
            self.area(_child(node, "area"), f"{at}.area[{index}]", area)

    def resource(self, node: _Element, at: str, resource: Resource) -> None:
        """CAP 3.2.3, in schema order."""
        self.text(node, at, "resourceDesc", resource.resource_desc)
        self.text(node, at, "mimeType", resource.mime_type)
        self.text(node, at, "size", None if resource.size is None else str(resource.size))
        self.text(node, at, "uri", resource.uri)
        self.text(node, at, "derefUri", resource.deref_uri)
        self.text(node, at, "digest", resource.digest)

    def area(self, node: _Element, at: str, area: Area) -> None:
        """CAP 3.2.4, in schema order."""
        self.text(node, at, "areaDesc", area.area_desc)
        for index, polygon in enumerate(area.polygons):
            figures = [figure for point in polygon.points for figure in point]
            if self.finite(f"{at}.polygon[{index}]", figures):
                self.text(node, at, "polygon", lists.polygon_text(polygon))
        for index, circle in enumerate(area.circles):
            figures = [circle.latitude, circle.longitude, circle.radius]
            if self.finite(f"{at}.circle[{index}]", figures):
                self.text(node, at, "circle", lists.circle_text(circle))
        self.pairs(node, at, "geocode", area.geocodes)
        for name, figure in (("altitude", area.altitude), ("ceiling", area.ceiling)):
            if figure is not None and self.finite(f"{at}.{name}", [figure]):
                self.text(node, at, name, lists.number_text(figure))

    def text(self, node: _Element, at: str, name: str, text: str | None) -> None:
        """One element, unless there is nothing to say."""
        if text is None:
            return
        bad = NOT_XML.search(text)
        if bad is None:
            _child(node, name).text = text
            return
        says = f"contains U+{ord(bad[0]):04X}, which no XML document can carry"
        self.problem(f"{at}.{name}", says, "remove the character")

    def texts(self, node: _Element, at: str, name: str, texts: Iterable[str]) -> None:
        """An element that may repeat."""
        for text in texts:
            self.text(node, at, name, text)

    def items(self, node: _Element, at: str, name: str, items: tuple[str, ...]) -> None:
        """A list in one element, spaces between its items."""
        for index, item in enumerate(items):
            if not item or '"' in item:
                self.problem(
                    f"{at}.{name}[{index}]", "is empty or contains a quotation mark", "remove it"
                )
        self.text(node, at, name, lists.items_text(items) or None)

    def pairs(self, node: _Element, at: str, name: str, pairs: Iterable[Pair]) -> None:
        """``valueName`` and ``value``."""
        for index, pair in enumerate(pairs):
            child, path = _child(node, name), f"{at}.{name}[{index}]"
            self.text(child, path, "valueName", pair.name)
            self.text(child, path, "value", pair.value)

    def time(self, node: _Element, at: str, name: str, time: datetime | None) -> None:
        """A CAP date-time."""
        if time is None:
            return
        problem = time_problem(time)
        if problem is None:
            self.text(node, at, name, time_text(time))
        else:
            self.problem(f"{at}.{name}", problem, "give whole seconds and a zone such as +02:00")

    def finite(self, path: str, figures: Iterable[float]) -> bool:
        """Whether all of them are numbers that can be written."""
        if all(math.isfinite(figure) for figure in figures):
            return True
        self.problem(path, "has a number that is not finite", "correct the figure")
        return False

    def problem(self, path: str, says: str, remedy: str) -> None:
        """Remember a reason to refuse."""
        self.problems.append(Problem(path, says, remedy))


def _child(node: _Element, name: str) -> _Element:
    from lxml import etree

    return etree.SubElement(node, f"{{{NAMESPACE}}}{name}")
