"""Rules on every text of an alert, whatever element it stands in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator

from broadcaster.model.cap import Alert, Area, Info, Pair, Resource
from broadcaster.model.capxml.characters import NOT_XML
from broadcaster.model.capxml.lists import SPACE
from broadcaster.model.errors import Problem
from broadcaster.model.rules.report import refuse, warn

# XML 1.0 carries these control characters, but no display, voice or phone knows them.
_CONTROL = re.compile("[\x7f-\x9f]")
_TAG = re.compile(r"</?[a-z][a-z0-9]*(\s[^<>]*)?/?>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:[a-z][a-z0-9]{1,30}|#\d{1,7}|#x[0-9a-f]{1,6});", re.IGNORECASE)


def texts(alert: Alert) -> Iterator[tuple[str, str]]:
    """Every text of the alert but ``derefUri``, which is a file; each with its CAP path."""
    yield from _present(
        "alert",
        ("identifier", alert.identifier),
        ("sender", alert.sender),
        ("source", alert.source),
        ("restriction", alert.restriction),
        ("note", alert.note),
    )
    for name, items in (
        ("addresses", alert.addresses),
        ("code", alert.codes),
        ("incidents", alert.incidents),
    ):
        for index, item in enumerate(items):
            yield f"alert.{name}[{index}]", item
    for index, reference in enumerate(alert.references):
        yield f"alert.references[{index}]", str(reference)
    for index, info in enumerate(alert.infos):
        yield from _info_texts(info, f"alert.info[{index}]")


def _info_texts(info: Info, at: str) -> Iterator[tuple[str, str]]:
    yield from _present(
        at,
        ("language", info.language),
        ("event", info.event),
        ("audience", info.audience),
        ("senderName", info.sender_name),
        ("headline", info.headline),
        ("description", info.description),
        ("instruction", info.instruction),
        ("web", info.web),
        ("contact", info.contact),
    )
    yield from _pair_texts(info.event_codes, f"{at}.eventCode")
    yield from _pair_texts(info.parameters, f"{at}.parameter")
    for index, resource in enumerate(info.resources):
        yield from _resource_texts(resource, f"{at}.resource[{index}]")
    for index, area in enumerate(info.areas):
        yield from _area_texts(area, f"{at}.area[{index}]")


def _resource_texts(resource: Resource, at: str) -> Iterator[tuple[str, str]]:
    yield from _present(
        at,
        ("resourceDesc", resource.resource_desc),
        ("mimeType", resource.mime_type),
        ("uri", resource.uri),
        ("digest", resource.digest),
    )


def _area_texts(area: Area, at: str) -> Iterator[tuple[str, str]]:
    yield f"{at}.areaDesc", area.area_desc
    yield from _pair_texts(area.geocodes, f"{at}.geocode")


def _pair_texts(pairs: Iterable[Pair], at: str) -> Iterator[tuple[str, str]]:
    for index, pair in enumerate(pairs):
        yield f"{at}[{index}].valueName", pair.name
        yield f"{at}[{index}].value", pair.value


def _present(at: str, *named: tuple[str, str | None]) -> Iterator[tuple[str, str]]:
    for name, text in named:
        if text is not None:
            yield f"{at}.{name}", text


def characters(text: str, path: str) -> Iterator[Problem]:
    """XML 1.0 section 2.2, and the controls U+007F to U+009F; Google INVALID_CHARACTERS."""
    found = NOT_XML.search(text) or _CONTROL.search(text)
    if found is not None:
        yield refuse(
            path,
            f"contains U+{ord(found[0]):04X}, a character that no display can show",
            "remove it",
        )


def normal_form(text: str, path: str) -> Iterator[Problem]:
    """Unicode NFC (our own rule, W3C charmod-norm): equal texts have equal bytes."""
    if not unicodedata.is_normalized("NFC", text):
        yield warn(path, "is not in Unicode normal form C", "normalise it to NFC")


def markup(text: str, path: str) -> Iterator[Problem]:
    """Google TEXT_CONTAINS_HTML_TAGS, TEXT_CONTAINS_HTML_ENTITIES: readers show them raw."""
    tag = _TAG.search(text)
    if tag is not None:
        yield warn(path, f"contains the HTML tag {tag[0][:40]}", "use plain text and line breaks")
    entity = _ENTITY.search(text)
    if entity is not None:
        yield warn(path, f"contains the HTML entity {entity[0]}", "write the character itself")


def edges(text: str, path: str) -> Iterator[Problem]:
    """White space at the edges of an element is layout; readers, ours too, drop it."""
    if text != text.strip(SPACE):
        yield warn(path, "begins or ends with blank space, which readers drop", "trim it")


TEXT_RULES: tuple[Callable[[str, str], Iterable[Problem]], ...] = (
    characters,
    normal_form,
    markup,
    edges,
)
