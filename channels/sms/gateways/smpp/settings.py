"""Which SMSCs there are and how we bind to them, checked.  Paths of secrets, never secrets."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from broadcaster.model.errors import BadInput, Problem
from channels.sms.gateways.smpp import receipts

PORT = 2775
"""Registered for SMPP."""
TLS_PORT = 3550
MODES = ("trx", "tx+rx")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How the SMSC proves who it is, and how we do."""

    ca: str = ""
    """The only authorities that its certificate may stem from; empty: those of the system."""
    certificate: str = ""
    """With :attr:`key`: ours."""
    key: str = ""
    server_name: str = ""
    """The name in its certificate, where it is not the host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One account at one SMSC."""

    name: str
    """As officers call it; part of every reference, so it is never changed while receipts come."""
    host: str
    port: int = PORT
    system_id: str = field(repr=False)
    password_file: str
    system_type: str = ""
    mode: str = "trx"
    """One bind for both directions, or one for each."""
    window: int = 10
    """Submissions that may wait for their answer at the same time."""
    rate: float | None = None
    """Segments per second of the contract; ``None``: as fast as the window allows."""
    cost: float = 0.0
    """Of one segment."""
    currency: str = "EUR"
    timeout: float = 6.0
    """Seconds for a connection, and for an answer."""
    enquire: float = 30.0
    """Seconds of silence after which a sign of life is asked for."""
    source_ton: int | None = None
    """Type of number and numbering plan of the sender; ``None``: as the sender looks."""
    source_npi: int | None = None
    destination_ton: int = 1
    destination_npi: int = 1
    addr_ton: int = 0
    """What a bind says of the numbers it receives for."""
    addr_npi: int = 0
    address_range: str = ""
    receipt_ids: str = "same"
    tls: Tls | None = None
    plaintext: bool = False
    """Numbers, texts and the password may cross the network readable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmppSettings:
    """All routes, in order of preference."""

    routes: tuple[Route, ...]
    share: bool = False
    """All routes carry at the same time; else a later one only when those before it are down."""
    patience: float = 20.0
    """Seconds that a text may wait for its turn; then it goes back to the engine."""
    country: str = ""
    """Calling code of national numbers in messages from people, such as ``49``."""


def check(raw: Mapping[str, Any]) -> list[Problem]:
    """Everything that is wrong with the settings, with paths relative to them."""
    problems = _unknown(raw, ("routes", *_TOP), "")
    problems += _wrong(raw, _TOP, "")
    routes = raw.get("routes")
    if not isinstance(routes, list) or not routes:
        says = "names no route"
        remedy = "give a list of name, host, system_id and password_file"
        return [*problems, Problem("routes", says, remedy)]
    for at, route in enumerate(routes):
        problems += _check_route(route, f"routes.{at}")
    names = [route.get("name") for route in routes if isinstance(route, Mapping)]
    for name in sorted({str(name) for name in names if name and names.count(name) > 1}):
        problems.append(Problem("routes", f"two routes are called {name}", "rename one"))
    return problems


def read(raw: Mapping[str, Any]) -> SmppSettings:
    """The settings as a value; raises :class:`BadInput` naming every mistake at once."""
    if problems := check(raw):
        raise BadInput(problems)
    top = {name: raw[name] for name in ("share", "patience") if name in raw}
    country = str(raw.get("country", "")).removeprefix("+")
    return SmppSettings(routes=tuple(map(_route, raw["routes"])), country=country, **top)


def _route(raw: Mapping[str, Any]) -> Route:
    values = {key: value for key, value in raw.items() if key not in ("tls", "cost")}
    tls = raw.get("tls", False)
    if tls not in (None, False):
        values["tls"] = Tls() if tls is True else Tls(**tls)
        values.setdefault("port", TLS_PORT)
    cost, _, currency = str(raw.get("cost", 0)).partition(" ")
    return Route(**values, cost=float(cost), currency=currency or "EUR")


def _check_route(route: Any, path: str) -> list[Problem]:
    if not isinstance(route, Mapping):
        return [Problem(path, "is no mapping", "give name, host, system_id and password_file")]
    problems = _unknown(route, ("tls", *_ROUTE), f"{path}.")
    problems += _wrong(route, _ROUTE, f"{path}.")
    for key in ("name", "host", "system_id", "password_file"):
        if key not in route:
            problems.append(Problem(f"{path}.{key}", "is missing", _ROUTE[key][1]))
    tls = route.get("tls")
    if isinstance(tls, Mapping):
        problems += _unknown(tls, tuple(_TLS), f"{path}.tls.") + _wrong(tls, _TLS, f"{path}.tls.")
        if bool(tls.get("certificate")) is not bool(tls.get("key")):
            missing = "key" if tls.get("certificate") else "certificate"
            problems.append(Problem(f"{path}.tls.{missing}", "is missing", "name both files"))
    elif tls not in (None, True, False):
        remedy = "write true, or ca, certificate, key and server_name"
        problems.append(Problem(f"{path}.tls", "is not a TLS setting", remedy))
    host = route.get("host")
    open_ = not tls and tls != {} and route.get("plaintext", False) is not True
    if isinstance(host, str) and host.strip() and open_ and not _is_here(host):
        problems.append(
            Problem(
                f"{path}.host",
                f"numbers, texts and the password would travel to {host} unencrypted",
                "write `tls: true`; or let it go through a tunnel that ends on this machine; or, "
                "if the network itself is such a tunnel, write `plaintext: true`",
            )
        )
    return problems


def _unknown(raw: Mapping[str, Any], known: tuple[str, ...], path: str) -> list[Problem]:
    return [
        Problem(f"{path}{key}", "is no setting of SMPP", "use " + ", ".join(known))
        for key in raw
        if key not in known
    ]


def _wrong(raw: Mapping[str, Any], rules: Mapping[str, _Rule], path: str) -> list[Problem]:
    """No value is quoted back: it may be a secret in the wrong place."""
    return [
        Problem(f"{path}{key}", "is not valid here", remedy)
        for key, (right, remedy) in rules.items()
        if key in raw and not right(raw[key])
    ]


_Rule = tuple[Callable[[Any], bool], str]


def _number(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: type(value) in (int, float) and low <= value <= high


def _whole(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and low <= value <= high


def _word(most: int) -> Callable[[Any], bool]:
    """Something printable that SMPP can carry."""
    return lambda value: isinstance(value, str) and bool(re.fullmatch(rf"[ -~]{{1,{most}}}", value))


def _truth(value: Any) -> bool:
    return isinstance(value, bool)


def _path(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _cost(value: Any) -> bool:
    if type(value) in (int, float):
        return bool(0 <= value < 100)
    return isinstance(value, str) and bool(
        re.fullmatch(r"[0-9]{1,2}(\.[0-9]+)?( [A-Z]{3})?", value)
    )


_TON, _NPI = _whole(0, 6), _whole(0, 18)
_TOP: Mapping[str, _Rule] = {
    "share": (_truth, "write true or false"),
    "patience": (_number(1, 3600), "write seconds; less than the channel's own timeout"),
    "country": (
        lambda value: bool(re.fullmatch(r"\+?[1-9][0-9]{0,3}", str(value))),
        "write a calling code, such as 49",
    ),
}
_ROUTE: Mapping[str, _Rule] = {
    "name": (
        lambda value: isinstance(value, str) and bool(re.fullmatch(r"[\w.-]{1,32}", value)),
        "letters, digits, dots and hyphens, at most 32",
    ),
    "host": (_path, "write a name or an address"),
    "port": (_whole(1, 65535), f"leave it out for {PORT}, or {TLS_PORT} with TLS"),
    # SMPP 3.4 5.2.1 and .2 allow 15 and 8 characters, and some SMSCs hand out longer ones.
    "system_id": (_word(64), "as the provider gave it, in quotation marks"),
    "password_file": (_path, "name a file that holds the password alone"),
    "system_type": (_word(12), "as the provider gave it, or leave it out"),
    "mode": (lambda value: value in MODES, "write " + " or ".join(MODES)),
    "window": (_whole(1, 10_000), "write a whole number, such as 10"),
    "rate": (_number(0.1, 100_000), "segments per second of the contract"),
    "cost": (_cost, "of one segment, such as 0.07 EUR"),
    "timeout": (_number(0.05, 120), "write seconds, such as 6"),
    "enquire": (_number(0.05, 3600), "write seconds, such as 30"),
    "source_ton": (_TON, "write a type of number from 0 to 6"),
    "source_npi": (_NPI, "write a numbering plan from 0 to 18"),
    "destination_ton": (_TON, "write a type of number from 0 to 6"),
    "destination_npi": (_NPI, "write a numbering plan from 0 to 18"),
    "addr_ton": (_TON, "write a type of number from 0 to 6"),
    "addr_npi": (_NPI, "write a numbering plan from 0 to 18"),
    "address_range": (_word(40), "as the provider gave it, or leave it out"),
    "receipt_ids": (lambda value: value in receipts.IDS, "use " + ", ".join(receipts.IDS)),
    "plaintext": (_truth, "write true or false"),
}
_TLS: Mapping[str, _Rule] = {
    "ca": (_path, "name a file"),
    "certificate": (_path, "name a file"),
    "key": (_path, "name a file"),
    "server_name": (_path, "write the name in the SMSC's certificate"),
}


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
