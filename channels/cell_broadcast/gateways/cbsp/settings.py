"""Where base-station controllers are, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from broadcaster.model.errors import BadInput, Problem
from channels.cell_broadcast.gateways.cbsp.messages import PORT
from channels.cell_broadcast.gateways.checks import is_here, seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Bsc:
    """One base-station controller that waits for our connection."""

    name: str
    """As officers call it."""
    host: str
    port: int = PORT
    areas: tuple[int, ...] | None = None
    """Location area codes of its cells; ``None``: it is asked for every cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CbspSettings:
    """All controllers that together cover the city."""

    peers: tuple[Bsc, ...]
    timeout: float = 10.0
    """Seconds to wait for a connection, and for an answer after the last one."""
    keep_alive: float = 30.0
    """Seconds between two signs of life."""
    plaintext: bool = False
    """CBSP may leave this machine although it cannot be encrypted."""


def check(raw: Mapping[str, Any]) -> list[Problem]:
    """Everything that is wrong with the settings, with paths relative to them."""
    problems = _unknown(raw, {"peers", "timeout", "keep_alive", "plaintext"}, "")
    plaintext = raw.get("plaintext", False)
    if not isinstance(plaintext, bool):
        problems.append(Problem("plaintext", f"{plaintext!r} is neither true nor false"))
    for name, default, most in (("timeout", 10, 120), ("keep_alive", 30, 120)):
        patience = seconds(raw.get(name, default))
        if patience is None or not 0 < patience <= most:
            says = f"{raw.get(name)!r} is not a number of seconds up to {most}"
            problems.append(Problem(name, says, f"leave it out for {default}"))
    peers = raw.get("peers")
    if not isinstance(peers, list) or not peers:
        says = "names no base-station controller"
        return [*problems, Problem("peers", says, "give a list of name, host and port")]
    for at, peer in enumerate(peers):
        problems += _check_peer(peer, f"peers.{at}", plaintext is True)
    names = [peer.get("name") for peer in peers if isinstance(peer, Mapping)]
    for name in sorted({str(name) for name in names if name and names.count(name) > 1}):
        problems.append(Problem("peers", f"two controllers are called {name}", "rename one"))
    return problems


def read(raw: Mapping[str, Any]) -> CbspSettings:
    """The settings as a value; raises :class:`BadInput` naming every mistake at once."""
    if problems := check(raw):
        raise BadInput(problems)
    default = CbspSettings(peers=())
    return CbspSettings(
        peers=tuple(
            Bsc(
                name=peer["name"],
                host=peer["host"],
                port=peer.get("port", PORT),
                areas=tuple(peer["areas"]) if "areas" in peer else None,
            )
            for peer in raw["peers"]
        ),
        timeout=seconds(raw.get("timeout")) or default.timeout,
        keep_alive=seconds(raw.get("keep_alive")) or default.keep_alive,
        plaintext=raw.get("plaintext", default.plaintext),
    )


def _unknown(raw: Mapping[str, Any], known: set[str], path: str) -> list[Problem]:
    return [
        Problem(f"{path}{key}", "is no setting of CBSP", "use " + ", ".join(sorted(known)))
        for key in raw
        if key not in known
    ]


def _check_peer(peer: Any, path: str, plaintext: bool) -> list[Problem]:
    if not isinstance(peer, Mapping):
        return [Problem(path, "is no mapping", "give name, host and port")]
    problems = _unknown(peer, {"name", "host", "port", "areas"}, f"{path}.")
    for key in ("name", "host"):
        if not isinstance(peer.get(key), str) or not peer[key].strip():
            problems.append(Problem(f"{path}.{key}", "is missing", "write it as text"))
    port = peer.get("port", PORT)
    if not isinstance(port, int) or isinstance(port, bool) or not 1 <= port <= 65535:
        problems.append(Problem(f"{path}.port", f"{port!r} is no TCP port", f"usual is {PORT}"))
    areas = peer.get("areas", [1])
    if (
        not isinstance(areas, list)
        or not areas
        or not all(type(area) is int and 0 <= area <= 0xFFFF for area in areas)
    ):
        says = "is not a list of location area codes (0 to 65535)"
        problems.append(Problem(f"{path}.areas", says, "leave it out to ask for every cell"))
    host = peer.get("host")
    if isinstance(host, str) and host.strip() and not plaintext and not is_here(host):
        problems.append(
            Problem(
                f"{path}.host",
                f"warnings would travel to {host} unencrypted, and anybody on the way could forge "
                "one: CBSP has no encryption and no password",
                "let it go through a tunnel that ends on this machine; or, if the network itself "
                "is such a tunnel, write `plaintext: true`",
            )
        )
    return problems
