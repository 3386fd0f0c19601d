"""Which channels an alert takes, as a pure tree that can be printed.

The root matches everything.  Unlike Alertmanager, where the deepest match replaces its parent,
every matching route here *adds* its channels: a missed channel is worse than a repeated one, and
the delivery key removes doubles.  Every channel carries the reason it was chosen, and every
channel that was not carries the reason it was not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from broadcaster.model.cap import PARAMETER_HAZARD, PARAMETER_LEVEL, Alert

FACTS = ("status", "scope", "msgType", "severity", "urgency", "certainty", "hazard", "level")
"""What a route may match on; CAP's own names where CAP has one."""


def facts(alert: Alert) -> dict[str, frozenset[str]]:
    """What routes can know of an alert; each fact is the set over all its infos."""
    infos = alert.infos
    found = {
        "status": {alert.status.value},
        "scope": {alert.scope.value},
        "msgType": {alert.msg_type.value},
        "severity": {alert.severity.value},
        "urgency": {info.urgency.value for info in infos},
        "certainty": {info.certainty.value for info in infos},
        "hazard": {value for info in infos if (value := info.parameter(PARAMETER_HAZARD))},
        "level": {value for info in infos if (value := info.parameter(PARAMETER_LEVEL))},
    }
    return {name: frozenset(values) for name, values in found.items()}


@dataclass(frozen=True, slots=True)
class Route:
    """One node: when ``match`` holds, ``channels`` are added and ``routes`` are looked at."""

    name: str
    channels: tuple[str, ...] = ()
    match: Mapping[str, frozenset[str]] | None = None
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One route's decision about one alert, for people."""

    route: str
    matched: bool
    channels: tuple[str, ...]
    reason: str


def decide(root: Route, known: Mapping[str, frozenset[str]]) -> tuple[Choice, ...]:
    """Walk the tree; every node that was looked at gives one choice, in reading order."""
    return tuple(_walk(root, known))


def chosen(choices: tuple[Choice, ...]) -> dict[str, str]:
    """Each chosen channel, in order of the tree, with the reason of the first route naming it."""
    channels: dict[str, str] = {}
    for choice in choices:
        if choice.matched:
            for channel in choice.channels:
                channels.setdefault(channel, f"route '{choice.route}': {choice.reason}")
    return channels


def all_channels(root: Route) -> frozenset[str]:
    """Every channel any route names."""
    return frozenset(root.channels).union(*(all_channels(route) for route in root.routes))


def _walk(route: Route, known: Mapping[str, frozenset[str]]) -> Iterator[Choice]:
    misses = [
        f"{name} is {_words(known[name])}, not {_words(wanted)}"
        for name, wanted in (route.match or {}).items()
        if not wanted & known[name]
    ]
    if misses:
        yield Choice(route.name, False, route.channels, "; ".join(misses))
        return
    hits = [
        f"{name} is {_words(wanted & known[name])}" for name, wanted in (route.match or {}).items()
    ]
    yield Choice(route.name, True, route.channels, " and ".join(hits) or "every alert")
    for below in route.routes:
        yield from _walk(below, known)


def _words(values: frozenset[str]) -> str:
    return " or ".join(sorted(values)) or "unknown"
