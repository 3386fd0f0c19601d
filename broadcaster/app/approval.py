"""Who may act, and when a second officer must agree.  Pure."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable, Mapping

from broadcaster.config import Approval, Officer
from broadcaster.model.errors import Problem, Refused


def identify(officers: Collection[Officer], os_user: str, token: str) -> Officer:
    """The officer behind an operating-system user or a token.

    Where the configuration names no officers, whoever may use the data folder may act, under the
    name of the operating system.  Raises ``Refused`` for a stranger.
    """
    if token:
        for officer in officers:
            if officer.token and hmac.compare_digest(
                officer.token.reveal().encode(), token.encode()
            ):
                return officer
        raise Refused(
            Problem("officer", "this token belongs to no officer", "check BROADCASTER_TOKEN")
        )
    for officer in officers:
        if officer.os_user and officer.os_user == os_user:
            return officer
    if not officers:
        return Officer(name=os_user, os_user=os_user)
    raise Refused(
        Problem(
            "officer",
            f"the user {os_user!r} is no officer of this city",
            "ask for an entry under `officers` in config.yaml",
        )
    )


def may(officer: Officer, role: str) -> None:
    """Raise ``Refused`` unless the officer has the role."""
    if role not in officer.roles:
        raise Refused(
            Problem(
                "officer",
                f"{officer.name} may not {role}",
                f"an officer with the role {role!r} must do this",
            )
        )


def reasons(
    rules: Iterable[Approval], known: Mapping[str, frozenset[str]], channels: Collection[str]
) -> list[str]:
    """Why a second officer is needed; empty when none is."""
    found = []
    for rule in rules:
        touched = sorted(rule.channels.intersection(channels))
        if touched and all(known[fact] & wanted for fact, wanted in rule.match.items()):
            what = ", ".join(
                f"{fact} {' or '.join(sorted(known[fact] & wanted))}"
                for fact, wanted in rule.match.items()
            )
            found.append(f"{what or 'every alert'} on {', '.join(touched)}")
    return found


def second(officer: Officer, authors: Collection[str]) -> None:
    """Raise ``Refused`` unless the officer is somebody else than everyone who wrote the alert."""
    if officer.name in authors:
        raise Refused(
            Problem(
                "officer",
                f"{officer.name} wrote this alert and cannot approve it",
                "a second officer must approve, or issue with --break-glass REASON",
            )
        )
