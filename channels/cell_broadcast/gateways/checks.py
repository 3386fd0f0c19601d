"""What the settings of several gateways are checked for.  Pure."""

from __future__ import annotations

import re
from ipaddress import ip_address


def is_here(host: str) -> bool:
    """Whether a host is this very machine, so that what is sent to it crosses no network."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def seconds(value: object) -> float | None:
    """A time to wait: a number, or digits with or without ``s``; ``None`` for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    found = re.fullmatch(r"(\d{1,4})\s?s?", value) if isinstance(value, str) else None
    return int(found[1]) if found else None
