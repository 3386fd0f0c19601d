"""How an HTTP gateway is configured, checked.  Secrets come from files and show in no repr."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from broadcaster.model.errors import BadInput, Problem, Unavailable
from channels.sms.gateways.http import template

Network = IPv4Network | IPv6Network

_FILES = ("key_file", "password_file", "signing_file", "callback_file")
_KNOWN = (
    "provider", "url", "plaintext", "user", *_FILES, "allowed_ips",
    "rate", "connections", "timeout", "patience",
)  # fmt: skip
_SECRET_PATH = re.compile(r"[A-Za-z0-9_-]{22,200}")
"""At least 128 bits, if it was drawn: nobody finds it by trying."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """The driver's own settings.  Paths of secrets, never secrets."""

    provider: str
    """One of :func:`.template.names`."""
    url: str
    user: str = field(default="", repr=False)
    key_file: str = ""
    password_file: str = ""
    signing_file: str = ""
    """Holds the secret with which the provider signs its calls."""
    callback_file: str = ""
    """Holds the secret end of the address at which we are called; empty: nobody may call."""
    allowed_ips: tuple[Network, ...] = ()
    """From where we may be called; empty: from anywhere, which only signed calls may."""
    rate: float
    """Texts a second."""
    connections: int = 8
    """Requests at a time."""
    timeout: float = 8
    """Seconds for a connection, and again for an answer."""
    patience: float = 10
    """Seconds in which requests of a submission are begun.

    With twice :attr:`timeout` for the last of them it must stay below the channel's own timeout,
    after which nobody would hear what had been taken.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What the files hold."""

    key: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    signing: str = field(default="", repr=False)
    callback: str = field(default="", repr=False)

    def all(self) -> tuple[str, ...]:
        """Those there are, for masking."""
        return tuple(filter(None, (self.key, self.password, self.signing, self.callback)))


def read_http(raw: Mapping[str, Any]) -> HttpSettings:
    """The settings as a value; raises :class:`BadInput` naming every wrong key at once."""
    problems = [
        Problem(str(key), "is no setting of an HTTP gateway", "use " + ", ".join(_KNOWN))
        for key in raw
        if key not in _KNOWN
    ]
    name = raw.get("provider")
    if name not in template.names():
        known = ", ".join(template.names())
        problems.append(Problem("provider", "names no provider", f"use one of: {known}"))
        raise BadInput(problems)
    provider = template.load(name)
    url = raw.get("url", provider.url)
    if url or "url" not in provider.needs:
        problems += _url_problems(url, raw.get("plaintext", False))
    for key in provider.needs:
        if not raw.get(key):
            problems.append(Problem(key, f"is missing: {provider.title} needs it", "name it"))
    for key in ("user", *_FILES):
        if not isinstance(raw.get(key, ""), str):
            problems.append(Problem(key, "must be text", "put it into quotation marks"))
    networks, wrong = _networks(raw.get("allowed_ips", ()))
    problems += wrong
    problems += _calling(raw, provider, networks)
    numbers: dict[str, Any] = {}
    for key, (low, high) in _RANGES.items():
        value = raw.get(key)
        if value is None:
            continue
        if type(value) not in (int, float) or not low <= value <= high:
            problems.append(Problem(key, "is out of range", f"write a number from {low} to {high}"))
        else:
            numbers[key] = value
    if problems:
        raise BadInput(problems)
    return HttpSettings(
        provider=name,
        url=url.rstrip("/"),
        user=raw.get("user", ""),
        allowed_ips=networks,
        **{key: raw.get(key, "") for key in _FILES},
        **({"rate": provider.rate} | numbers | {"connections": int(numbers.get("connections", 8))}),
    )


_RANGES: Mapping[str, tuple[float, float]] = {
    "rate": (0.1, 10_000),
    "connections": (1, 100),
    "timeout": (1, 60),
    "patience": (1, 300),
}


def read_secrets(settings: HttpSettings, folder: Path) -> Secrets:
    """What the files hold; raises :class:`Unavailable` naming every bad file, never its content."""
    problems: list[Problem] = []
    held: dict[str, str] = {}
    for name in _FILES:
        path = getattr(settings, name)
        if not path:
            continue
        place = folder / path
        try:
            secret = place.read_text("utf-8").strip()
            why = "" if secret.isprintable() and secret else ": it must be one line"
        except (OSError, ValueError) as error:
            secret = ""
            said = error.strerror if isinstance(error, OSError) else "it is no text"
            why = f": {said}"
        if not why and name == "callback_file" and not _SECRET_PATH.fullmatch(secret):
            why = ": it must be 22 to 200 letters, digits, - or _ that nobody can guess"
        if why:
            problems.append(Problem(name, f"{place} cannot be used{why}", "correct the file"))
        held[name.removesuffix("_file")] = secret
    if problems:
        raise Unavailable(problems)
    return Secrets(**held)


def _calling(
    raw: Mapping[str, Any], provider: template.Provider, networks: tuple[Network, ...]
) -> Iterator[Problem]:
    """Nobody may call whose word cannot be trusted."""
    if not raw.get("callback_file"):
        for key in ("signing_file", "allowed_ips"):
            if raw.get(key):
                says = "does nothing without callback_file"
                yield Problem(key, says, "name callback_file, or remove it")
        return
    # Twilio signs with the account's own token.
    if provider.scheme and not (raw.get("signing_file") or raw.get("password_file")):
        yield Problem(
            "signing_file",
            f"is missing: without it nobody knows whether {provider.title} called",
            "name the file with the secret that signs its calls",
        )
    if not provider.scheme and not networks:
        yield Problem(
            "allowed_ips",
            f"is missing: {provider.title} does not sign its calls",
            "list the addresses from which it calls",
        )


def _networks(value: Any) -> tuple[tuple[Network, ...], list[Problem]]:
    if not isinstance(value, list | tuple):
        return (), [Problem("allowed_ips", "must be a list", "such as [192.0.2.7, 2001:db8::/32]")]
    found: list[Network] = []
    problems = []
    for at, each in enumerate(value):
        try:
            found.append(ip_network(str(each)))
        except ValueError:
            says = "is no address and no network"
            problems.append(Problem(f"allowed_ips[{at}]", says, "such as 192.0.2.0/24"))
    return tuple(found), problems


def _url_problems(url: Any, plaintext: Any) -> Iterator[Problem]:
    """What is wrong with the address, which is not repeated: it may hold a password."""
    if not isinstance(plaintext, bool):
        yield Problem("plaintext", "is neither true nor false", "write true or leave it out")
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        sound = bool(parts.hostname) and parts.port != 0 and parts.scheme in ("https", "http")
    except ValueError:
        sound = False
    if not sound:
        yield Problem("url", "is no web address", "such as https://sms.example.org")
    elif parts.username is not None or parts.password is not None:
        yield Problem("url", "holds a name or password", "use user, password_file or key_file")
    elif parts.query or parts.fragment:
        yield Problem("url", "goes beyond host and path", "remove what follows the path")
    elif parts.scheme == "http" and not _is_here(parts.hostname or "") and plaintext is not True:
        yield Problem(
            "url",
            "is not encrypted: anybody on the way could read numbers and change warnings",
            "use https; `plaintext: true` says that the network between is yours alone",
        )


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
