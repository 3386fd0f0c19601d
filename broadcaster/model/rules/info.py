"""Rules on one info (CAP 1.2 section 3.2.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations

from broadcaster.model.cap import Certainty, Info, Severity, Urgency
from broadcaster.model.errors import Problem
from broadcaster.model.rules.report import refuse, warn
from broadcaster.model.rules.times import later, writable_time

HEADLINE_LONG = 140
"""Characters; Google profile HEADLINE_TOO_LONG."""
HEADLINE_LIMIT = 160
"""Characters; the hint in CAP 3.2.2 headline."""

# RFC 5646 section 2.1, without the irregular tags of old.
_LANGUAGE_TAG = re.compile(
    r"(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})"
    r"(?:-[a-z]{4})?(?:-(?:[a-z]{2}|\d{3}))?(?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*"
    r"(?:-[0-9a-wyz](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?"
    r"|x(?:-[a-z0-9]{1,8})+",
    re.IGNORECASE | re.ASCII,
)
# RFC 3986 section 4.3; a web address also needs a host.
_ABSOLUTE_URI = re.compile(r"(?!https?:(?!//[^/\s]))[a-z][a-z0-9+.-]*:[^\s<>\"{}|\\^`]+", re.I)


def is_absolute_uri(text: str) -> bool:
    """Whether a reader who has only this text knows where to go."""
    return _ABSOLUTE_URI.fullmatch(text) is not None


def language(info: Info, at: str) -> Iterator[Problem]:
    """CAP 3.2.2 language, RFC 5646: absent or empty means en-US, so it is always written."""
    if not info.language:
        yield warn(f"{at}.language", "is missing, which means en-US", "write the language's tag")
    elif not _LANGUAGE_TAG.fullmatch(info.language):
        yield refuse(
            f"{at}.language",
            f"{info.language!r} is not a language tag",
            "write it like de, de-DE or zh-Hans (BCP 47)",
        )


def mandatory(info: Info, at: str) -> Iterator[Problem]:
    """CAP 3.2.2: category and event are required."""
    if not info.categories:
        yield refuse(f"{at}.category", "is missing", "name at least one")
    if not info.event.strip():
        yield refuse(f"{at}.event", "is missing", "say what happens")


def unknown_grades(info: Info, at: str) -> Iterator[Problem]:
    """Google profile: Unknown tells clients nothing about how loudly to warn."""
    for name, value, unknown in (
        ("urgency", info.urgency, Urgency.UNKNOWN),
        ("severity", info.severity, Severity.UNKNOWN),
        ("certainty", info.certainty, Certainty.UNKNOWN),
    ):
        if value is unknown:
            yield warn(f"{at}.{name}", "is Unknown", "give the best estimate")


def advised(info: Info, at: str) -> Iterator[Problem]:
    """Google profile: what a resident needs although CAP leaves it optional."""
    for name, value in (
        ("senderName", info.sender_name),
        ("headline", info.headline),
        ("description", info.description),
        ("instruction", info.instruction),
        ("web", info.web),
        ("contact", info.contact),
        ("responseType", info.response_types),
        ("expires", info.expires),
        ("area", info.areas),
    ):
        if not value:
            yield warn(f"{at}.{name}", "is missing", "fill it in")


def headline_length(info: Info, at: str) -> Iterator[Problem]:
    """Google HEADLINE_TOO_LONG (140), CAP 3.2.2 headline (160)."""
    length = len(info.headline or "")
    if length > HEADLINE_LONG:
        limit = HEADLINE_LIMIT if length > HEADLINE_LIMIT else HEADLINE_LONG
        yield warn(
            f"{at}.headline",
            f"has {length} characters, more than {limit}: displays will cut it",
            "shorten it",
        )


def repeated_texts(info: Info, at: str) -> Iterator[Problem]:
    """Google profile: headline, description and instruction each say something of their own."""
    said = (
        ("headline", info.headline),
        ("description", info.description),
        ("instruction", info.instruction),
    )
    for (name, text), (other, other_text) in combinations(said, 2):
        if text and text == other_text:
            yield warn(f"{at}.{other}", f"repeats the {name}", "leave one out or say more")


def times(info: Info, at: str) -> Iterator[Problem]:
    """CAP 3.3.2; Google EFFECTIVE_NOT_AFTER_EXPIRES; NWS: onset after expires confuses clients."""
    yield from writable_time(info.effective, f"{at}.effective")
    yield from writable_time(info.onset, f"{at}.onset")
    yield from writable_time(info.expires, f"{at}.expires")
    if later(info.effective, info.expires):
        yield refuse(f"{at}.expires", "lies before effective", "give an end after the start")
    if later(info.onset, info.expires):
        yield warn(f"{at}.expires", "lies before onset", "let the alert last beyond its onset")


def web(info: Info, at: str) -> Iterator[Problem]:
    """CAP 3.2.2 web: a full, absolute URI."""
    if info.web is not None and not is_absolute_uri(info.web):
        yield refuse(f"{at}.web", "is not an absolute address", "begin it with https://")


def pairs(info: Info, at: str) -> Iterator[Problem]:
    """CAP 3.2.2 eventCode, parameter: a name without value, or a value without name."""
    for name, found in (("eventCode", info.event_codes), ("parameter", info.parameters)):
        for index, pair in enumerate(found):
            if not pair.name.strip() or not pair.value.strip():
                yield refuse(
                    f"{at}.{name}[{index}]", "lacks its name or its value", "give both or neither"
                )


INFO_RULES: tuple[Callable[[Info, str], Iterable[Problem]], ...] = (
    language,
    mandatory,
    unknown_grades,
    advised,
    headline_length,
    repeated_texts,
    times,
    web,
    pairs,
)
