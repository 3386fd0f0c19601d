"""The channel's part of the configuration, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from broadcaster.model.errors import BadInput, Problem
from channels.cell_broadcast.gateways.drivers import DRIVERS
from channels.cell_broadcast.profile import Profile, load

_TAG = r"[a-z]{2,3}(-[A-Za-z0-9]+)*"
_MAX_PERIOD = 4095
"""Seconds; TS 23.041 9.4.1.2.5 and TS 36.413 9.2.1.49 code the period in twelve bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What one configured cell-broadcast channel is to do."""

    profile: Profile
    gateway: str = "file"
    """One of :data:`.drivers.DRIVERS`."""
    driver: Any = None
    """The gateway's own settings, as its driver checked them."""
    base_language: str = "de"
    """Shown to every phone; all others only to phones set to them."""
    repetition_period: int = 60
    """Seconds in 4G and 5G; in 2G at least this, and longer when the pages need it."""
    longest_period: int = 600
    """Seconds in 2G: what does not fit within it falls out, last languages first."""
    priority: tuple[str, ...] = ()
    """Languages that stay longest when not all can go out; the rest follow as offered."""
    plain_as_second: bool = False
    """The base language's plain text goes out too, as a second text for every phone."""
    cells: str = ""
    """Path of the cell inventory (CSV); empty: everything the gateway reaches."""


def read_settings(raw: Mapping[str, Any]) -> Settings:
    """The settings as a value; raises :class:`BadInput` naming every wrong key at once."""
    known = {
        "kind",
        "profile",
        "gateway",
        "driver",
        "base_language",
        "repetition_period",
        "longest_period",
        "priority",
        "plain_as_second",
        "cells",
    }
    gateway = raw.get("gateway", "file")
    problems = [
        Problem(
            str(key),
            "is no setting of a cell-broadcast channel",
            "remove it, or use one of " + ", ".join(sorted(known)),
        )
        for key in raw
        if key not in known
    ]
    profile = None
    try:
        profile = load(str(raw.get("profile", "de")))
    except BadInput as error:
        problems += error.problems
    driver = None
    if not isinstance(gateway, str) or gateway not in DRIVERS:
        says = f"there is no gateway {gateway!r}"
        problems.append(Problem("gateway", says, "use " + " or ".join(DRIVERS)))
    else:
        try:
            driver = DRIVERS[gateway].settings(raw.get("driver") or {})
        except BadInput as error:
            problems += [
                Problem(f"driver.{p.path}", p.says, p.remedy, p.level) for p in error.problems
            ]
    language = raw.get("base_language", "de")
    if not isinstance(language, str) or not re.fullmatch(_TAG, language):
        problems.append(
            Problem(
                "base_language",
                f"{language!r} is no language tag",
                "write a BCP 47 tag such as de, in quotes if YAML takes it for a word",
            )
        )
    priority = raw.get("priority", ())
    if not isinstance(priority, list | tuple) or not all(
        isinstance(tag, str) and re.fullmatch(_TAG, tag) for tag in priority
    ):
        problems.append(
            Problem("priority", "must be a list of language tags", "such as [en, tr, ar]")
        )
        priority = ()
    periods: dict[str, int] = {}
    for name in ("repetition_period", "longest_period"):
        # Nobody who lengthens the one should have to name the other.
        default = (
            60 if name == "repetition_period" else max(600, periods.get("repetition_period", 0))
        )
        seconds = _seconds(raw.get(name, default))
        if seconds is None or not 1 <= seconds <= _MAX_PERIOD:
            problems.append(
                Problem(
                    name,
                    f"{raw.get(name)!r} is no period",
                    f"write whole seconds from 1s to {_MAX_PERIOD}s",
                )
            )
        else:
            periods[name] = seconds
    if len(periods) == 2 and periods["longest_period"] < periods["repetition_period"]:
        says = "is shorter than repetition_period"
        problems.append(Problem("longest_period", says, "make it at least as long"))
    plain = raw.get("plain_as_second", False)
    if not isinstance(plain, bool):
        problems.append(Problem("plain_as_second", f"{plain!r} is neither true nor false", ""))
    cells = raw.get("cells", "")
    if not isinstance(cells, str):
        problems.append(Problem("cells", "must be the path of a CSV file", "docs/cells.md"))
    if problems or profile is None:
        raise BadInput(problems)
    return Settings(
        profile=profile,
        gateway=gateway,
        driver=driver,
        base_language=language,
        priority=tuple(priority),
        plain_as_second=plain,
        cells=cells,
        **periods,
    )


def _seconds(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    match = re.fullmatch(r"(\d{1,6})\s?s?", value) if isinstance(value, str) else None
    return int(match[1]) if match else None
