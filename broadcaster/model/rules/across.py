"""Rules that compare the infos of one alert: every language must say the same."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping

from broadcaster.model.cap import Alert, Info
from broadcaster.model.errors import Problem
from broadcaster.model.rules.report import refuse, warn
from broadcaster.model.rules.times import later

DEFAULT_LANGUAGE = "en-US"
"""CAP 3.2.2 language: what an absent element means."""

# IPAWS, Google profile, CAP-CP, CAP-AU: category and eventCode; MET Norway profile: the rest.
_SAME: tuple[tuple[str, Callable[[Info], Hashable]], ...] = (
    ("category", lambda info: frozenset(info.categories)),
    ("eventCode", lambda info: frozenset(info.event_codes)),
    ("urgency", lambda info: info.urgency),
    ("severity", lambda info: info.severity),
    ("certainty", lambda info: info.certainty),
    ("effective", lambda info: info.effective),
    ("onset", lambda info: info.onset),
    ("expires", lambda info: info.expires),
)


def same_facts(alert: Alert) -> Iterator[Problem]:
    """One alert is one thing: codes, grades and times are equal in all infos."""
    for index, info in enumerate(alert.infos[1:], start=1):
        for name, fact in _SAME:
            if fact(info) != fact(alert.infos[0]):
                yield refuse(
                    f"alert.info[{index}].{name}",
                    "differs from the first info",
                    f"give every language the same {name}",
                )


def same_ground(alert: Alert) -> Iterator[Problem]:
    """Our own rule: every language warns the same places.  Names of areas may be translated."""
    for index, info in enumerate(alert.infos[1:], start=1):
        if _ground(info) != _ground(alert.infos[0]):
            yield warn(
                f"alert.info[{index}].area",
                "covers other ground than the first info",
                "give every language the same areas",
            )


def _ground(info: Info) -> Hashable:
    return frozenset(
        (area.polygons, area.circles, frozenset(area.geocodes), area.altitude, area.ceiling)
        for area in info.areas
    )


def same_event(alert: Alert) -> Iterator[Problem]:
    """CAP 3.2.2 info: those of one language are one sequence about one event."""
    events: dict[str, str] = {}
    for index, info in enumerate(alert.infos):
        language = (info.language or DEFAULT_LANGUAGE).lower()
        if events.setdefault(language, info.event) != info.event:
            yield refuse(
                f"alert.info[{index}].event",
                f"differs from the event of an earlier info in {language}",
                "use the same event, or send two alerts",
            )


def translated(alert: Alert, twins: Mapping[str, Collection[str]]) -> Iterator[Problem]:
    """Google SAME_TEXT_DIFFERENT_LANGUAGE: a text under two languages is untranslated in one."""
    first: dict[tuple[str, str], tuple[str, int]] = {}
    for index, info in enumerate(alert.infos):
        primary = (info.language or DEFAULT_LANGUAGE).split("-")[0].lower()
        for name in ("headline", "description", "instruction"):
            text = (getattr(info, name) or "").strip()
            if not text:
                continue
            language, place = first.setdefault((name, text), (primary, index))
            if language != primary and language not in twins.get(primary, ()):
                yield warn(
                    f"alert.info[{index}].{name}",
                    f"is word for word the text of info[{place}] in another language",
                    f"translate it into {primary} or leave this language out",
                )


def sent_before_end(alert: Alert) -> Iterator[Problem]:
    """Google EFFECTIVE_NOT_AFTER_EXPIRES: an alert is not born expired."""
    for index, info in enumerate(alert.infos):
        if later(alert.sent, info.expires):
            yield refuse(
                f"alert.info[{index}].expires", "lies before sent", "give an end after the start"
            )


ACROSS_RULES: tuple[Callable[[Alert], Iterable[Problem]], ...] = (
    same_facts,
    same_ground,
    same_event,
    sent_before_end,
)
