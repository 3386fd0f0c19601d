"""What a federal warning is in our own catalogue: its codes, read by ``templates/federal.yaml``.

MoWaS translates a headline and instructions into eight languages and leaves the description
German; DWD writes eight languages in full.  What they write is passed on word for word.  For every
other language this says which of our own texts means the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from broadcaster.model.cap import Alert, Pair, Severity, Urgency
from broadcaster.model.errors import BadInput, Problem
from broadcaster.text.hazards import Hazard
from broadcaster.text.languages import safe_loader

BBK_EVENT = "profile:DE-BBK-EVENTCODE"
"""``valueName`` of MoWaS event codes; a version may follow (``:01.00R``)."""
DWD_EVENT = "II"
"""``valueName`` of DWD event codes."""
INSTRUCTIONS = "instructionCode"
"""Parameter of MoWaS with instruction codes, parted by spaces."""

MOST_ACTIONS = 6
"""A warning that says more than this to do says nothing."""

_LEVELS = {Severity.EXTREME: 3, Severity.SEVERE: 2}


@dataclass(frozen=True, slots=True)
class Federal:
    """The codes, each with what it means here."""

    events: Mapping[str, str]
    """MoWaS event code to hazard."""
    weather: Mapping[str, tuple[str, int]]
    """DWD event code to hazard and level."""
    instructions: Mapping[str, str]
    """MoWaS instruction code to action."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """A foreign warning in our own terms."""

    hazard: str
    level: int
    actions: tuple[str, ...]
    """What to do: what the authority says first, then what we advise."""


def load_federal(path: Path, hazards: Mapping[str, Hazard]) -> Federal:
    """The table.  Raises :class:`BadInput` with every code that means something we do not have."""
    import yaml

    if not path.exists():
        nothing: Mapping[str, str] = MappingProxyType({})
        return Federal(nothing, MappingProxyType({}), nothing)
    try:
        raw = yaml.load(path.read_bytes(), safe_loader()) or {}
        weather = {
            str(code): (hazard, level)
            for hazard, levels in raw.get("weather", {}).items()
            for level, codes in levels.items()
            for code in codes
        }
        events, instructions = dict(raw.get("events", {})), dict(raw.get("instructions", {}))
    except (OSError, yaml.YAMLError, AttributeError, TypeError, ValueError) as error:
        raise BadInput(Problem(path.name, f"cannot be read: {error}")) from error
    problems = [
        Problem(f"{path.name}:{code}", f"names the hazard {hazard!r}, which is not described")
        for code, hazard in events.items()
        if hazard not in hazards
    ]
    problems += [
        Problem(f"{path.name}:{code}", f"names level {level} of {hazard}, which is not described")
        for code, (hazard, level) in weather.items()
        if hazard not in hazards or level not in hazards[hazard].levels
    ]
    actions = {name for hazard in hazards.values() for name in hazard.actions}
    problems += [
        Problem(f"{path.name}:{code}", f"names the action {name!r}, which no hazard has")
        for code, name in instructions.items()
        if name not in actions
    ]
    if problems:
        raise BadInput(problems)
    return Federal(
        MappingProxyType(events), MappingProxyType(weather), MappingProxyType(instructions)
    )


def meaning(alert: Alert, federal: Federal, hazards: Mapping[str, Hazard]) -> Meaning | None:
    """What a foreign warning means here, or ``None`` when none of its codes is in the table."""
    for info in alert.infos:
        found = _event(info.event_codes, info.severity, federal)
        if found is None:
            continue
        hazard, level = hazards[found[0]], found[1]
        if info.urgency is Urgency.FUTURE:
            level = 1  # DWD's advance information uses the codes of what may follow
        level = min(level, max(hazard.levels))
        codes = re.findall(r"BBK-ISC-\d{3}", info.parameter(INSTRUCTIONS) or "")
        said = [federal.instructions[code] for code in codes if code in federal.instructions]
        chosen = [name for name in said if name in hazard.actions]
        chosen += hazard.levels[level].texts.actions
        return Meaning(hazard.id, level, tuple(dict.fromkeys(chosen))[:MOST_ACTIONS])
    return None


def _event(codes: Iterable[Pair], severity: Severity, federal: Federal) -> tuple[str, int] | None:
    for code in codes:
        if code.name == DWD_EVENT and code.value in federal.weather:
            return federal.weather[code.value]
        if code.name.startswith(BBK_EVENT) and code.value in federal.events:
            return federal.events[code.value], _LEVELS.get(severity, 1)
    return None
