"""The channel's part of the configuration, checked."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from broadcaster.model.errors import BadInput, Problem
from broadcaster.text import measure
from channels.sms.gateways.drivers import DRIVERS
from channels.sms.segments import MOST_SEGMENTS

LONGEST_VALIDITY = timedelta(days=7)
"""Beyond a week an SMSC keeps nothing, whatever it is asked for."""
SENDER_SEPTETS = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsSettings:
    """The channel's part of the configuration, checked."""

    gateway: str = "file"
    """One of :data:`.gateways.drivers.DRIVERS`."""
    driver: Any = None
    """The gateway's own settings, as its driver checked them."""
    sender: str | None = field(default=None, repr=False)
    """``None`` leaves the sender to the gateway."""
    max_segments: int = 6
    reference_bits: int = 16
    """Width of the number that tells two long texts on one phone apart.

    With 8 bits two alerts of one night are confused once in 256 pairs, which is why 16 is the
    default; 8 is for networks with phones that do not know the wider one.
    """
    validity_cap: timedelta = timedelta(hours=12)
    national_tables: bool = False
    """Turkish, Spanish and Portuguese in the GSM alphabet: for routes and phones tested with it."""
    cost: float | None = None
    """Price of one segment, in whatever currency the contract has; for previews only."""
    rate: float | None = None
    """Segments a second that the contract allows; for previews only."""


def read_settings(raw: Mapping[str, Any]) -> SmsSettings:
    """The settings, or :class:`BadInput` naming every wrong key; no value is quoted back."""
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    for key, value in raw.items():
        if key in ("kind", "driver"):
            continue
        if key not in _RULES:
            problems.append(
                Problem(
                    str(key), "is not a setting of an SMS channel", f"known are {', '.join(_RULES)}"
                )
            )
            continue
        rule, says, remedy = _RULES[key]
        try:
            values[key] = rule(value)
        except ValueError:
            problems.append(Problem(key, says, remedy))
    driver = DRIVERS[values.get("gateway", "file")]
    try:
        values["driver"] = driver.settings(raw.get("driver") or {})
    except BadInput as error:
        problems += [Problem(f"driver.{p.path}", p.says, p.remedy, p.level) for p in error.problems]
    if problems:
        raise BadInput(problems)
    return SmsSettings(**values)


def _gateway(value: Any) -> str:
    if not isinstance(value, str) or value not in DRIVERS:
        raise ValueError
    return value


def _sender(value: Any) -> str:
    """3GPP TS 23.040 9.1.2.5: eleven GSM characters fit the address field; or a number."""
    # YAML reads a number without quotation marks as an integer.
    text = str(value) if type(value) in (str, int) else ""
    if re.fullmatch(r"\+?[0-9]{3,15}", text):
        return text
    length = measure.septets(text)
    if not text.strip() or not text.isprintable() or length is None or length > SENDER_SEPTETS:
        raise ValueError
    return text


def _max_segments(value: Any) -> int:
    if type(value) is not int or not 1 <= value <= MOST_SEGMENTS:
        raise ValueError
    return value


def _reference_bits(value: Any) -> int:
    if type(value) is not int or value not in (8, 16):
        raise ValueError
    return value


def _validity_cap(value: Any) -> timedelta:
    match = re.fullmatch(r"([0-9]{1,6})([smhd])", str(value))
    if match is None:
        raise ValueError
    unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[match[2]]
    cap = timedelta(**{unit: int(match[1])})
    if not timedelta(minutes=1) <= cap <= LONGEST_VALIDITY:
        raise ValueError
    return cap


def _national_tables(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError
    return value


def _positive(value: Any) -> float:
    if type(value) not in (int, float) or not 0 < value < math.inf:
        raise ValueError
    return float(value)


_RULES: Mapping[str, Any] = {
    "gateway": (_gateway, "is not a known gateway", f"use one of: {', '.join(DRIVERS)}"),
    "sender": (
        _sender,
        "is no sender that a phone can show",
        f"use at most {SENDER_SEPTETS} GSM characters, or a number in international form",
    ),
    "max_segments": (
        _max_segments,
        "is not a number of segments",
        f"use a whole number from 1 to {MOST_SEGMENTS}",
    ),
    "reference_bits": (_reference_bits, "is not a reference width", "use 8 or 16"),
    "validity_cap": (
        _validity_cap,
        "is not a duration between a minute and seven days",
        "write a number and a unit: 90s, 30m, 12h, 2d",
    ),
    "national_tables": (_national_tables, "is neither true nor false", "use true or false"),
    "cost": (_positive, "is no price", "write the price of one segment, such as 0.07"),
    "rate": (_positive, "is no pace", "write segments a second, such as 100"),
}
