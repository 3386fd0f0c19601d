"""Passwords, keys and certificates of the routes, read from their files."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from broadcaster.model.errors import Problem, Unavailable
from channels.sms.gateways.smpp.settings import Route, SmppSettings, Tls


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A route with its secrets, read and checked."""

    route: Route
    password: str = field(repr=False)
    tls: ssl.SSLContext | None = None


def read_files(settings: SmppSettings, folder: Path) -> list[Access]:
    """Passwords, keys and certificates; raises :class:`Unavailable` naming every bad file."""
    problems: list[Problem] = []
    accesses = [
        Access(
            route=route,
            password=_password(
                f"{route.name}.password_file", folder / route.password_file, problems
            ),
            tls=_context(route.name, route.tls, folder, problems) if route.tls else None,
        )
        for route in settings.routes
    ]
    if problems:
        raise Unavailable(problems)
    return accesses


def _password(path: str, file: Path, problems: list[Problem]) -> str:
    try:
        password = file.read_text("ascii").strip()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        problems.append(Problem(path, f"{file} cannot be read: {why}", "correct the path"))
        return ""
    # SMPP 3.4 5.2.2 allows eight; some SMSCs hand out longer ones and take them.
    if not 1 <= len(password) <= 64 or not password.isprintable():
        problems.append(Problem(path, f"{file} does not hold a password on one line"))
    return password


def _context(name: str, tls: Tls, folder: Path, problems: list[Problem]) -> ssl.SSLContext:
    """TLS as configured: given authorities replace those of the system."""
    context = ssl.create_default_context()
    try:
        if tls.ca:
            context = ssl.create_default_context(cafile=folder / tls.ca)
    except OSError:  # SSLError is one
        says = f"{folder / tls.ca} does not hold certificate authorities"
        problems.append(Problem(f"{name}.tls.ca", says, "correct the file or its path"))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.certificate and tls.key:
        try:
            # Without this word OpenSSL would ask for one on the terminal.
            context.load_cert_chain(folder / tls.certificate, folder / tls.key, password="")
        except (OSError, ValueError):
            says = f"{folder / tls.key} does not hold the unencrypted key of the certificate"
            problems.append(Problem(f"{name}.tls.key", says, "correct the file or its path"))
    return context
