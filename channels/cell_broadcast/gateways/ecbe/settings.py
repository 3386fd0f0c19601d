"""How a gateway to osmo-cbc is configured, checked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from broadcaster.model.errors import BadInput, Problem
from broadcaster.model.states import State
from channels.cell_broadcast.gateways.checks import is_here, seconds
from channels.cell_broadcast.order import Limits, Scope

_ITS_OWN_PATIENCE = 15
"""Seconds that osmo-cbc 0.5.3 waits for its controllers before it answers."""
_LONGEST = 120
_NO_SECRET = (
    "osmo-cbc knows no password: whoever reaches it can warn everybody. Put it on this machine or "
    "behind a tunnel; `plaintext: true` says that the network between is yours alone"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EcbeSettings:
    """Where osmo-cbc is and how long to wait for it."""

    url: str = "http://127.0.0.1:12345"
    cbe_name: str = "broadcaster"
    """How osmo-cbc's console names the origin of our messages."""
    timeout: float = 20
    """Seconds for one call."""
    vty: tuple[str, int] | None = None
    """Host and port of its console; ``None``: nobody looks what is on air."""


def read_ecbe(raw: Mapping[str, Any]) -> EcbeSettings:
    """The settings as a value; raises :class:`BadInput` naming every wrong key at once."""
    problems = [*_problems(raw)]
    if problems:
        raise BadInput(problems)
    default = EcbeSettings()
    return EcbeSettings(
        url=raw.get("url", default.url).rstrip("/"),
        cbe_name=raw.get("cbe_name", default.cbe_name),
        timeout=seconds(raw.get("timeout")) or default.timeout,
        vty=_address(raw["vty"]) if raw.get("vty") else None,
    )


def limits(settings: EcbeSettings) -> Limits:
    """What osmo-cbc 0.5.3 cannot do, and what its console adds.  Pure."""
    looked_at = {State.SENT} if settings.vty else set()
    return Limits(
        plans_2g=True,
        scope=Scope.NETWORK,
        confirms=frozenset({State.ACCEPTED} | looked_at),
        per_identifier=1,
        # Measured at osmo-cbc: the old text is taken off at once, the answer comes when every
        # controller has answered or ten seconds are over, and one such call in forty never was.
        gap=(
            "for a moment, and for up to "
            f"{settings.timeout:g} seconds when a controller or the gateway does not answer: "
            "the old text must be taken off first"
        ),
    )


def _problems(raw: Mapping[str, Any]) -> Iterator[Problem]:
    known = ("url", "cbe_name", "timeout", "vty", "plaintext")
    for key in raw:
        if key not in known:
            remedy = "remove it, or use one of " + ", ".join(known)
            yield Problem(str(key), "is no setting of a gateway to osmo-cbc", remedy)
    plaintext = raw.get("plaintext", False)
    if not isinstance(plaintext, bool):
        yield Problem("plaintext", f"{plaintext!r} is neither true nor false", _NO_SECRET)
    yield from _url_problems(raw.get("url", EcbeSettings().url), plaintext is True)
    name = raw.get("cbe_name", "broadcaster")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9._-]{1,20}", name):
        remedy = "write 1 to 20 letters, digits, dots, dashes or underscores"
        yield Problem("cbe_name", f"{name!r} cannot name a sender", remedy)
    patience = seconds(raw.get("timeout", 20))
    if patience is None or not _ITS_OWN_PATIENCE < patience <= _LONGEST:
        yield Problem(
            "timeout",
            f"{raw.get('timeout')!r} is no time to wait for osmo-cbc, which itself waits "
            f"{_ITS_OWN_PATIENCE} seconds for its controllers",
            f"write whole seconds from {_ITS_OWN_PATIENCE + 1}s to {_LONGEST}s",
        )
    vty = raw.get("vty")
    if vty:
        address = _address(vty)
        if address is None:
            yield Problem("vty", f"{vty!r} is no host and port", "write 127.0.0.1:4264")
        elif not (is_here(address[0]) or plaintext is True):
            yield Problem("vty", f"{address[0]} would be asked over an open network", _NO_SECRET)


def _url_problems(url: object, plaintext: bool) -> Iterator[Problem]:
    remedy = "write http://127.0.0.1:12345"
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        port_is_wrong = parts.port == 0
    except ValueError:
        yield Problem("url", "is no address", remedy)
        return
    if parts.username is not None or parts.password is not None:
        # Not repeated: it may be a password that works elsewhere.
        yield Problem("url", "contains a user or password, which osmo-cbc does not know", remedy)
    elif parts.scheme not in ("http", "https") or not parts.hostname or port_is_wrong:
        yield Problem("url", f"{url!r} is no address of a gateway", remedy)
    elif parts.path not in ("", "/") or parts.query or parts.fragment:
        yield Problem("url", f"{url!r} goes beyond host and port", remedy)
    elif parts.scheme == "http" and not (is_here(parts.hostname) or plaintext):
        says = f"{parts.hostname} would be sent warnings over an open network"
        yield Problem("url", says, _NO_SECRET)


def _address(text: object) -> tuple[str, int] | None:
    found = (
        re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:\[\]]+)):(\d{1,5})", text)
        if isinstance(text, str)
        else None
    )
    if not found or not 0 < int(found[3]) <= 65535:
        return None
    return found[1] or found[2], int(found[3])
