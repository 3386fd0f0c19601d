"""The daemon's doors for everybody: the published site, and how the daemon is doing.

The site is the same bytes as the folder ``www``; this adds what the protocol needs around them
(RFC 9110, 9111): types, validators, ranges, caching, and headers that let a page do nothing but
be read.
"""

from __future__ import annotations

import html
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import formatdate

from aiohttp import web
from multidict import CIMultiDict

from broadcaster.server.health import Health
from broadcaster.server.metrics import MEDIA_TYPE as METRICS_TYPE
from broadcaster.server.site import Body, Folder, PublishedSite

SLICE = 64 * 1024
"""Bytes handed to a connection at a time, so that a thousand slow phones do not each hold a whole
file in memory."""

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    # The name and version of the software behind it are nobody's business.
    "Server": "Broadcaster",
}

FOR_EVER = "public, max-age=31536000, immutable"
SHORT = "public, max-age=15"
"""A cache in front may spare us a city's questions and still shows an all-clear within seconds."""
SOUND = "public, max-age=300"
NEVER = "no-store"

_HASHED = re.compile(r"[.-][0-9a-f]{8,64}\.css$")


@dataclass(frozen=True, slots=True)
class Choice:
    """One language on the page that says that something is not there."""

    tag: str
    direction: str
    name: str
    """The language in its own words."""
    warnings: str
    """The word for "Warnings" in it."""


def application(
    live: PublishedSite, exercise: PublishedSite, health: Health, choices: Sequence[Choice],
    base_url: str,
) -> web.Application:
    """The HTTP application; ``base_url`` is the public address of the live site."""
    app = web.Application()
    app.on_response_prepare.append(_secure)
    doors = Doors(health)
    app.add_routes(
        [
            web.get("/healthz", doors.alive),
            web.get("/readyz", doors.ready),
            web.get("/metrics", doors.metrics),
            web.get("/exercise{path:(/.*)?}", Shown(exercise, choices, f"{base_url}/exercise",
                                                    {"X-Robots-Tag": "noindex"}).answer),
            web.get("/{path:.*}", Shown(live, choices, base_url, {}).answer),
        ]
    )  # fmt: skip
    return app


def policy(styles: Sequence[str] = ()) -> str:
    """The Content-Security-Policy of a page that brings style sheets with these digests.

    No scripts at all.  Sound may come from elsewhere: a relayed alert may name its own.
    """
    return (
        f"default-src 'none'; style-src {' '.join(["'self'", *styles])}; img-src 'self' data:; "
        "media-src 'self' https:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


async def _secure(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in SECURITY.items():
        response.headers[name] = value
    response.headers.setdefault("Content-Security-Policy", policy())
    response.headers.setdefault("Cache-Control", NEVER)


class Doors:
    """How the daemon is doing, for machines."""

    def __init__(self, health: Health) -> None:
        self._health = health

    async def alive(self, request: web.Request) -> web.Response:
        """The process answers.  Ask this before restarting it."""
        return web.json_response({"alive": True})

    async def ready(self, request: web.Request) -> web.Response:
        """Everything that sending needs is in order, or 503 and why not.

        For whoever is to be woken.  The site is served all the same, so a proxy that decides
        where readers go should ask ``/healthz``.
        """
        reasons = await self._health.reasons()
        return web.json_response(
            {"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200
        )

    async def metrics(self, request: web.Request) -> web.Response:
        """Figures in the Prometheus text format."""
        text = await self._health.metrics()
        return web.Response(body=text.encode(), headers={"Content-Type": METRICS_TYPE})


class Shown:
    """One published site behind one prefix."""

    def __init__(
        self, site: PublishedSite, choices: Sequence[Choice], base_url: str,
        headers: dict[str, str],
    ) -> None:
        self._site, self._headers = site, headers
        self._missing = missing_page(choices, base_url).encode()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """GET and HEAD of one path."""
        raw = request.rel_url.raw_path
        if self._headers:
            raw = raw.removeprefix("/exercise")
        found = await self._site.find(raw or "/exercise") if raw else None
        if isinstance(found, Folder):
            return self._moved(raw)
        if found is None:
            return web.Response(
                status=404,
                body=self._missing,
                headers={"Content-Type": "text/html; charset=utf-8", **self._headers},
            )
        return await self._give(request, found)
