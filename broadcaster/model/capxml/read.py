"""An :class:`~broadcaster.model.cap.Alert` out of a CAP document, tolerantly.

Nothing outside the document is ever fetched, no DTD is accepted, no entity expanded, and every
size has a limit: the document comes from strangers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from broadcaster.model.cap import Alert
from broadcaster.model.capxml.elements import read_alert
from broadcaster.model.capxml.limits import DEFAULT_LIMITS, Limits
from broadcaster.model.capxml.node import Collector, TooMuch
from broadcaster.model.capxml.write import NAMESPACE
from broadcaster.model.errors import BadInput, Problem

if TYPE_CHECKING:
    from lxml.etree import _Element

MEDIA_TYPE = "application/cap+xml"
"""The media type of a CAP document."""

OLDER = ("urn:oasis:names:tc:emergency:cap:1.1", "http://www.incident.com/cap/1.0")
"""CAP 1.1 and CAP 1.0, read with a defect; the readers of elements know their own words."""

# XML 1.0 section 2.8: everything that may stand before the document type declaration.
_PROLOG = re.compile(rb"\s*(?:<\?.*?\?>\s*|<!--.*?-->\s*)*", re.DOTALL)
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_ENCODING = re.compile(rb"""<\?xml[^>]*\bencoding\s*=\s*["']([^"']*)""")
# Encodings in which "<!DOCTYPE" cannot hide behind other bytes.
_PLAIN_ENCODINGS = re.compile(
    rb"utf-?(8|16(le|be)?)|(us-)?ascii|iso-?8859-\d{1,2}|latin-?1|windows-12\d\d|cp12\d\d",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a document says, and what was accepted although CAP forbids it."""

    alert: Alert
    defects: tuple[Problem, ...] = ()
    """Each of level ``warning``."""


def read(data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Reading:
    """Read one CAP 1.2 document (1.0 and 1.1 too, with a defect).

    Blank space at the edges of an element is layout and is dropped; inside it is kept as it is.
    Raises :class:`~broadcaster.model.errors.BadInput` with every reason when no alert can be made:
    not XML, a DTD, larger than ``limits``, a container of alerts, or nothing that says
    which message this is and how it is to be handled.
    """
    root = _parse(data, limits)
    collector = Collector(limits)
    namespace, name = _split(root)
    if name != "alert":
        raise BadInput(_wrong_root(root, name))
    if namespace in OLDER:
        collector.defect("alert", f"is written in the namespace {namespace}", "CAP 1.2 was assumed")
    elif namespace == "":
        collector.defect("alert", "has no namespace", "CAP 1.2 was assumed")
    elif namespace != NAMESPACE:
        raise BadInput(
            Problem("alert", f"is of the namespace {namespace[:80]!r}", f"only {NAMESPACE} is CAP")
        )
    try:
        alert = read_alert(root, collector)
    except TooMuch as excess:
        raise BadInput(excess.problem) from None
    if alert is None:
        raise BadInput(collector.reasons)
    return Reading(alert, collector.defects())


def _parse(data: bytes, limits: Limits) -> _Element:
    """The root element; refuses what must not even be parsed."""
    if len(data) > limits.bytes:
        raise BadInput(
            Problem(
                "",
                f"the document has {len(data):,} bytes, more than the limit of {limits.bytes:,}",
                "publish large files beside the alert and name them by uri",
            )
        )
    _refuse_doctype(data)
    from lxml import etree  # here because commands that read no XML must start without it

    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise BadInput(
            Problem(
                "", f"the document is not well-formed XML: {error}", "ask the sender to mend it"
            )
        ) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise BadInput(_DOCTYPE)
    if _deeper_than(root, limits.depth):
        raise BadInput(Problem("", f"elements are nested deeper than {limits.depth}", "flatten it"))
    return root


_DOCTYPE = Problem(
    "",
    "the document has a document type declaration, which CAP does not know",
    "remove the DOCTYPE; entities are never expanded",
)


def _refuse_doctype(data: bytes) -> None:
    """Refuse a DTD before any XML parser sees it (entity bombs live there)."""
    for mark in _BYTE_ORDER_MARKS:
        data = data.removeprefix(mark)
    # UTF-16 spells the ASCII of the prolog with zero bytes in between.
    head = data.replace(b"\0", b"")
    encoding = _ENCODING.match(head.lstrip())
    if encoding is not None and not _PLAIN_ENCODINGS.fullmatch(encoding[1]):
        name = encoding[1][:40].decode("ascii", "replace")
        raise BadInput(Problem("", f"the document is encoded in {name!r}", "write it in UTF-8"))
    prolog = _PROLOG.match(head)
    if prolog is not None and head.startswith(b"<!DOCTYPE", prolog.end()):
        raise BadInput(_DOCTYPE)


def _deeper_than(root: _Element, limit: int) -> bool:
    level = [root]
    for _ in range(limit):
        level = [child for node in level for child in node]
        if not level:
            return False
    return True


def _split(node: _Element) -> tuple[str, str]:
    """Namespace and local name."""
    tag = str(node.tag)
    if tag.startswith("{"):
        namespace, _, name = tag[1:].partition("}")
        return namespace, name
    return "", tag


def _wrong_root(root: _Element, name: str) -> Problem:
    """Say whether it is a container (EDXL-DE, Atom, RSS, ``<alerts>``) or something else."""
    alerts = sum(1 for node in root.iter() if str(node.tag).rpartition("}")[2] == "alert")
    entries = sum(
        1 for node in root.iter() if str(node.tag).rpartition("}")[2] in ("entry", "item")
    )
    if alerts or entries:
        held = f"{alerts} alerts" if alerts else f"{entries} entries that may link to alerts"
        return Problem(
            name, f"is a container with {held}, not one alert", "hand over each alert by itself"
        )
    return Problem(name[:80], "is not a CAP alert", "the outermost element must be <alert>")
