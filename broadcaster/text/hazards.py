"""The hazard catalogue: rows of ``templates/hazards/*.yaml`` as frozen values.

A hazard is data.  Adding one is adding a file and translating its sentences; no code names one.
What people should do is one library for all hazards, ``templates/actions.yaml``, so that each
sentence is translated once; a hazard names its actions by id, and may bring some of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from broadcaster.model.cap import Category, Certainty, Pair, ResponseType, Severity, Urgency
from broadcaster.model.errors import BadInput, Problem
from broadcaster.text.formats import UNITS
from broadcaster.text.languages import safe_loader

E = TypeVar("E", bound=StrEnum)

HEADLINES = {
    Severity.EXTREME: "Danger to life: %(event)s",
    Severity.SEVERE: "Danger: %(event)s",
}
"""The headline of a level that brings none; every other severity is :data:`WARNING`."""
WARNING = "Warning: %(event)s"
ALL_CLEAR = "All clear: %(event)s"
OVER = "The warning is over."


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A value an officer may give, and the sentence that says it."""

    name: str
    unit: str
    """One of :data:`broadcaster.text.formats.UNITS`, or ``name`` for a proper name."""
    says: str
    """Msgid with ``%(name)s`` for this value and for the one it goes ``with``."""
    minimum: float | None = None
    maximum: float | None = None
    together: str = ""
    """Another parameter that is said in the same sentence; it must be given too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The sentences of one level, or of the all-clear; all are msgids."""

    headline: str
    """May hold ``%(event)s``, the hazard's name."""
    impacts: tuple[str, ...]
    actions: Mapping[str, str]
    """Action id to sentence, in order of importance; the default choice of an officer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level of a hazard; 3 is the worst."""

    number: int
    severity: Severity
    urgency: Urgency
    certainty: Certainty
    responses: tuple[ResponseType, ...]
    event_codes: tuple[Pair, ...]
    texts: Texts
    act: str
    """The first thing to do, in two or three words, for the first line of a small screen."""
    tip: str
    """One more thing to do or know, for the smallest wires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """One row of the catalogue."""

    id: str
    event: str
    """Msgid of the hazard's name."""
    lead: str
    """The hazard in a word, for the first line of a small screen."""
    needs_note: bool
    """Its texts say nothing without an officer's own words."""
    categories: tuple[Category, ...]
    pictogram: str
    levels: Mapping[int, Level]
    parameters: Mapping[str, Parameter]
    actions: Mapping[str, str]
    """Every action an officer may choose: id to msgid."""
    all_clear: Texts


def load_hazards(templates: Path) -> dict[str, Hazard]:
    """Every ``hazards/*.yaml`` by id, with the actions of ``actions.yaml``.

    Raises ``BadInput`` with every problem at once.
    """
    folder, actions = templates / "hazards", templates / "actions.yaml"
    problems: list[Problem] = []
    row = _Row(_yaml(actions, problems) if actions.exists() else {}, actions.name, problems)
    library = {str(name): row.text(name) for name in row.names()}
    found: dict[str, Hazard] = {}
    for path in sorted(folder.glob("*.yaml")):
        raw = _yaml(path, problems)
        if raw is None:
            continue
        row = _Row(raw, path.name, problems)
        hazard = _hazard(row, library)
        if hazard.id in found:
            row.wrong("id", f"another file already describes {hazard.id}")
        found[hazard.id] = hazard
    if not found:
        problems.append(Problem(str(folder), "holds no hazard", "add a file such as heat.yaml"))
    if problems:
        raise BadInput(problems)
    return found


def _yaml(path: Path, problems: list[Problem]) -> Any:
    import yaml

    try:
        return yaml.load(path.read_bytes(), safe_loader())
    except (OSError, yaml.YAMLError) as error:
        problems.append(Problem(path.name, f"cannot be read: {error}"))
        return None


class _Row:
    """A mapping that is read with manners: what is missing or wrong is noted, never raised."""

    def __init__(self, raw: Any, where: str, problems: list[Problem]) -> None:
        self._raw = raw if isinstance(raw, Mapping) else {}
        self._where, self._problems = where, problems
        if not isinstance(raw, Mapping):
            problems.append(Problem(where, "is not a mapping", "write `name: value` lines"))

    def wrong(self, key: str, says: str, remedy: str = "") -> None:
        self._problems.append(Problem(f"{self._where}:{key}", says, remedy))

    def names(self) -> list[Any]:
        return list(self._raw)

    def raw(self, key: str) -> Any:
        return self._raw.get(key)

    def flag(self, key: str) -> bool:
        value = self._raw.get(key, False)
        if not isinstance(value, bool):
            self.wrong(key, "is neither true nor false")
        return value is True

    def text(self, key: str, default: str | None = None) -> str:
        value = self._raw.get(key, default)
        if not isinstance(value, str) or (not value and default is None):
            self.wrong(key, "must be text")
            return ""
        return value

    def texts(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        value = self._raw.get(key, default)
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
            self.wrong(key, "must be a list of texts")
            return ()
        return tuple(value)

    def number(self, key: str) -> float | None:
        value = self._raw.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            self.wrong(key, "must be a number")
            return None
        return value

    def choice(self, key: str, kind: type[E], default: E) -> E:
        value = self._raw.get(key)
        try:
            return kind(str(value))
        except ValueError:
            self.wrong(
                key,
                f"{value!r} is no {kind.__name__}",
                "one of " + ", ".join(member.value for member in kind),
            )
            return default

    def choices(self, key: str, kind: type[E]) -> tuple[E, ...]:
        return tuple(
            _Row({key: value}, self._where, self._problems).choice(key, kind, next(iter(kind)))
            for value in self.texts(key)
        )

    def pairs(self, key: str) -> tuple[Pair, ...]:
        rows = self._raw.get(key, [])
        if not isinstance(rows, list):
            self.wrong(key, "must be a list of {name, value}")
            return ()
        return tuple(
            Pair(row.text("name"), row.text("value"))
            for row in (_Row(raw, f"{self._where}:{key}", self._problems) for raw in rows)
        )

    def row(self, key: Any) -> _Row:
        return _Row(self._raw.get(key, {}), f"{self._where}:{key}", self._problems)


def _hazard(row: _Row, library: Mapping[str, str]) -> Hazard:
    own = row.row("actions")
    known = {**library, **{name: own.text(name) for name in own.names()}}
    codes = row.pairs("event_codes")
    levels = {
        number: _level(row.row("levels").row(number), number, known, codes)
        for number in row.row("levels").names()
    }
    if sorted(levels) != list(range(1, len(levels) + 1)):
        row.wrong("levels", "must be numbered from 1 upwards; 3 is the worst")
    ending = row.row("all_clear")
    chosen = {name for level in levels.values() for name in level.texts.actions}
    chosen |= {*own.names(), *_named(row, "also", known, ())}
    return Hazard(
        id=row.text("id"),
        event=row.text("event"),
        lead=row.text("lead"),
        needs_note=row.flag("needs_note"),
        categories=row.choices("category", Category),
        pictogram=row.text("pictogram"),
        levels=MappingProxyType(levels),
        parameters=MappingProxyType(
            {
                name: _parameter(row.row("parameters").row(name), name)
                for name in row.row("parameters").names()
            }
        ),
        actions=MappingProxyType({name: known[name] for name in known if name in chosen}),
        all_clear=Texts(
            headline=ending.text("headline", ALL_CLEAR),
            impacts=ending.texts("impacts", (OVER,)),
            actions=_named(ending, "do", known),
        ),
    )


def _level(row: _Row, number: int, known: Mapping[str, str], codes: tuple[Pair, ...]) -> Level:
    severity = row.choice("severity", Severity, Severity.UNKNOWN)
    return Level(
        number=number,
        severity=severity,
        urgency=row.choice("urgency", Urgency, Urgency.UNKNOWN),
        certainty=row.choice("certainty", Certainty, Certainty.UNKNOWN),
        responses=row.choices("response", ResponseType),
        event_codes=codes + row.pairs("event_codes"),
        texts=Texts(
            headline=row.text("headline", HEADLINES.get(severity, WARNING)),
            impacts=row.texts("impacts"),
            actions=_named(row, "do", known),
        ),
        act=row.text("act"),
        tip=row.text("tip"),
    )


def _named(
    row: _Row, key: str, known: Mapping[str, str], default: tuple[str, ...] | None = None
) -> Mapping[str, str]:
    """The actions that a list of ids names; ``all`` instead of a list names every one."""
    names = tuple(known) if row.raw(key) == "all" else row.texts(key, default)
    for name in names:
        if name not in known:
            says = f"names the action {name!r}, which is not described"
            row.wrong(key, says, "describe it in templates/actions.yaml, or correct its name")
    return MappingProxyType({name: known[name] for name in names if name in known})


def _parameter(row: _Row, name: str) -> Parameter:
    unit = row.text("unit")
    if unit not in (*UNITS, "name"):
        row.wrong("unit", f"{unit!r} is no unit", f"one of {', '.join(UNITS)}, name")
    return Parameter(
        name=name,
        unit=unit,
        says=row.text("says"),
        minimum=row.number("minimum"),
        maximum=row.number("maximum"),
        together=row.text("with", ""),
    )
