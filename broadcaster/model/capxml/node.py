"""One element of a document under reading: finds children, strips layout, records defects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from broadcaster.model.capxml.limits import Limits
from broadcaster.model.capxml.lists import SPACE
from broadcaster.model.errors import Problem

if TYPE_CHECKING:
    from lxml.etree import _Element

# CAP 1.2 section 3.2: children in schema order; a star marks those that may repeat.
_SCHEMA = {
    "alert": "identifier sender sent status msgType source scope restriction addresses code* note "
    "references incidents info* Signature*",
    "info": "language category* event responseType* urgency severity certainty audience eventCode* "
    "effective onset expires senderName headline description instruction web contact parameter* "
    "resource* area*",
    "resource": "resourceDesc mimeType size uri derefUri digest",
    "area": "areaDesc polygon* circle* geocode* altitude ceiling",
    "eventCode": "valueName value",
    "parameter": "valueName value",
    "geocode": "valueName value",
}
ORDER = {
    parent: {name.rstrip("*"): place for place, name in enumerate(names.split())}
    for parent, names in _SCHEMA.items()
}
REPEATABLE = {
    parent: frozenset(name[:-1] for name in names.split() if name.endswith("*"))
    for parent, names in _SCHEMA.items()
}


JOINED = frozenset({"description", "instruction", "note"})
"""Texts that some senders cut into several elements."""

# An embedded file is limited by the size of the document, a polygon by its points.
_LIMITED_ELSEWHERE = re.compile(r"\.(derefUri|polygon\[\d+\])$")


class TooMuch(Exception):
    """A limit is exceeded, so reading stops."""

    def __init__(self, path: str, what: str, limit: int) -> None:
        super().__init__(path)
        self.problem = Problem(path, f"has more than {limit:,} {what}", "simplify the alert")


class Collector:
    """What was accepted (defects) and what makes an alert impossible (reasons)."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.reasons: list[Problem] = []
        self.areas = 0
        self.points = 0
        self._defects: dict[tuple[str, str], Problem] = {}
        self._left_out = 0

    def defect(self, path: str, says: str, remedy: str = "") -> None:
        """Record something accepted; the same thing at the same place only once."""
        if (path, says) in self._defects:
            return
        if len(self._defects) >= self.limits.defects:
            self._left_out += 1
        else:
            self._defects[path, says] = Problem(path, says, remedy, level="warning")

    def reason(self, path: str, says: str, remedy: str) -> None:
        """Record why no alert can be made."""
        self.reasons.append(Problem(path, says, remedy))

    def defects(self) -> tuple[Problem, ...]:
        """Everything accepted, in the order of the document."""
        found = tuple(self._defects.values())
        if not self._left_out:
            return found
        rest = f"has {self._left_out:,} more defects that are not listed"
        return (*found, Problem("alert", rest, level="warning"))


def _kept(name: str) -> str:
    return "joined" if name in JOINED else "the first one counts"


class Node:
    """An element, its CAP path and its known children by name."""

    def __init__(self, element: _Element, kind: str, path: str, collector: Collector) -> None:
        self.element = element
        self.path = path
        self.collector = collector
        self._children: dict[str, list[_Element]] = {}
        order, furthest, known = ORDER[kind], -1, 0
        for child in element:
            name = str(child.tag).rpartition("}")[2]
            place = order.get(name)
            if place is None:
                collector.defect(f"{path}.{name[:80]}", "is not an element of CAP; left out")
                continue
            known += 1
            if place < furthest:
                collector.defect(path, f"has {name} in the wrong place", "follow the CAP order")
            furthest = max(furthest, place)
            self._children.setdefault(name, []).append(child)
        for name, found in self._children.items():
            if len(found) > 1 and name not in REPEATABLE[kind]:
                collector.defect(f"{path}.{name}", f"stands more than once; {_kept(name)}")
        self.has_children = known > 0

    def defect(self, name: str, says: str, remedy: str = "") -> None:
        """Record a defect of a child, or of this element where ``name`` is empty."""
        self.collector.defect(f"{self.path}.{name}" if name else self.path, says, remedy)

    def elements(self, name: str) -> Iterator[tuple[_Element, str]]:
        """The children of that name, each with its path (``alert.info[0]``)."""
        for index, child in enumerate(self._children.get(name, ())):
            yield child, f"{self.path}.{name}[{index}]"

    def count(self, name: str) -> int:
        """How many children of that name there are."""
        return len(self._children.get(name, ()))

    def text(self, name: str) -> str | None:
        """The text of the first child of that name; ``None`` when it is absent or blank."""
        found = self._children.get(name)
        if not found:
            return None
        return self.content(found[0], f"{self.path}.{name}")

    def joined(self, name: str) -> str | None:
        """All texts of children of that name, a line break between: nothing said is lost."""
        path = f"{self.path}.{name}"
        texts = (self.content(child, path) for child in self._children.get(name, ()))
        return "\n".join(text for text in texts if text) or None

    def required(self, name: str) -> str:
        """Like :meth:`text`, but its absence is a defect and reads as the empty text."""
        text = self.text(name)
        if text is None and not self.count(name):
            self.defect(name, "is missing", "CAP requires it")
        return text or ""

    def texts(self, name: str) -> Iterator[tuple[str, str]]:
        """The texts of all children of that name that are not blank, each with its path."""
        for child, path in self.elements(name):
            text = self.content(child, path)
            if text is not None:
                yield text, path

    def content(self, element: _Element, path: str) -> str | None:
        """The text of an element, layout at its edges dropped; ``None`` when nothing remains."""
        if len(element):
            self.collector.defect(path, "contains markup; only its text was read")
            text = "".join(str(part) for part in element.itertext()).strip(SPACE)
        else:
            text = (element.text or "").strip(SPACE)
        if not text:
            self.collector.defect(path, "is empty", "leave the element out")
            return None
        limit = self.collector.limits.text
        if len(text) > limit and not _LIMITED_ELSEWHERE.search(path):
            raise TooMuch(path, "characters", limit)
        return text
