"""The daemon's doors for everybody: the published site, and how the daemon is doing.

The site is the same bytes as the folder ``www``; this adds what the protocol needs around them
(RFC 9110, 9111): types, validators, ranges, caching, and headers that let a page do nothing but
be read.
"""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate

from aiohttp import web

from broadcaster.server.health import Health
from broadcaster.server.metrics import MEDIA_TYPE as METRICS_TYPE
from broadcaster.server.site import FOLDER, Body, Folder, PublishedSite

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
    live: PublishedSite,
    exercise: PublishedSite,
    health: Health,
    choices: Sequence[Choice],
    base_url: str,
    doors: Iterable[web.RouteDef] = (),
) -> web.Application:
    """The HTTP application; ``base_url`` is the public address of the live site.

    ``doors`` are asked before the published site.
    """
    app = web.Application()
    app.on_response_prepare.append(_secure)
    own = Doors(health)
    real = Shown(live, choices, base_url)
    # Nobody should find an exercise by searching for a warning.
    drill = Shown(
        exercise,
        choices,
        f"{base_url}/exercise",
        prefix="/exercise",
        headers={"X-Robots-Tag": "noindex"},
    )
    app.add_routes(
        [
            web.get("/healthz", own.alive),
            web.get("/readyz", own.ready),
            web.get("/metrics", own.metrics),
            *doors,
            web.get("/exercise", drill.answer),
            web.get("/exercise/{path:.*}", drill.answer),
            web.get("/{path:.*}", real.answer),
        ]
    )
    return app


def policy(styles: Sequence[str] = ()) -> str:
    """The Content-Security-Policy of a page that brings style sheets with these digests.

    No scripts at all.  Sound may come from elsewhere: a relayed alert may name its own.
    """
    sheets = " ".join(("'self'", *styles))
    return (
        f"default-src 'none'; style-src {sheets}; img-src 'self' data:; "
        "media-src 'self' https:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


async def _secure(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(SECURITY)
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
        self,
        site: PublishedSite,
        choices: Sequence[Choice],
        base_url: str,
        *,
        prefix: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._site, self._prefix, self._headers = site, prefix, headers or {}
        self._missing = missing_page(choices, base_url).encode()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """GET and HEAD of one path."""
        raw = request.rel_url.raw_path
        inside = raw.removeprefix(self._prefix)
        found = await self._site.find(inside) if inside else FOLDER
        if isinstance(found, Folder):
            # Relative, because a proxy may know us under another name.  The dot keeps a colon in
            # an identifier from being read as a scheme (RFC 3986, 4.2).
            there = {"Location": f"./{raw.rpartition('/')[2]}/", "Cache-Control": SHORT}
            return web.Response(status=301, headers=there)
        if found is None:
            headers = {"Content-Type": "text/html; charset=utf-8", **self._headers}
            return web.Response(status=404, body=self._missing, headers=headers)
        return await self._give(request, found)

    async def _give(self, request: web.Request, body: Body) -> web.StreamResponse:
        ranged = request.method == "GET" and "Range" in request.headers
        squeeze = body.squeezed is not None and not ranged and _takes_gzip(request)
        data = body.squeezed if squeeze and body.squeezed is not None else body.data
        tag = f"{body.digest}-gzip" if squeeze else body.digest
        headers = {
            **self._headers,
            "ETag": f'"{tag}"',
            "Cache-Control": keeping(body.path),
            "Accept-Ranges": "bytes",
        }
        # A time in seconds tells two publications within one second apart for nobody, so it is
        # told only once that second is over: a reader must not be left with the older one.
        settled = body.modified < time.time() - 1
        if settled:
            headers["Last-Modified"] = formatdate(body.modified, usegmt=True)
        if body.squeezed is not None:
            headers["Vary"] = "Accept-Encoding"
        if _knows(request, tag, headers.get("Last-Modified")):
            return web.Response(status=304, headers=headers)
        headers["Content-Type"] = body.media_type
        if body.styles:
            headers["Content-Security-Policy"] = policy(body.styles)
        if squeeze:
            headers["Content-Encoding"] = "gzip"
        status, start, stop = 200, 0, len(data)
        if ranged and (part := _part(request, headers, len(data))) is not None:
            status, (start, stop) = 206, part
            if start >= stop:
                headers["Content-Range"] = f"bytes */{len(data)}"
                return web.Response(status=416, headers=headers)
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
        return await _send(request, status, headers, memoryview(data)[start:stop])


async def _send(
    request: web.Request, status: int, headers: Mapping[str, str], data: memoryview
) -> web.StreamResponse:
    if len(data) <= SLICE or request.method == "HEAD":
        return web.Response(status=status, headers=headers, body=bytes(data))
    response = web.StreamResponse(status=status, headers=headers)
    response.content_length = len(data)
    await response.prepare(request)
    for first in range(0, len(data), SLICE):
        await response.write(bytes(data[first : first + SLICE]))
    await response.write_eof()
    return response


def keeping(path: str) -> str:
    """How long a copy of a file may be used without asking (Cache-Control, RFC 9111)."""
    if path.startswith("cap/") or _HASHED.search(path):
        return FOR_EVER
    return SOUND if path.startswith("audio/") else SHORT


def _takes_gzip(request: web.Request) -> bool:
    for offer in request.headers.get("Accept-Encoding", "").lower().split(","):
        coding, _, weight = offer.partition(";")
        if coding.strip() in ("gzip", "*"):
            return not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight)
    return False


def _knows(request: web.Request, tag: str, modified: str | None) -> bool:
    """Whether the client's copy is the present one (RFC 9110, 13.2.2)."""
    if "If-None-Match" in request.headers:
        known = request.if_none_match or ()
        return any(entry.value in (tag, "*") for entry in known)
    # Only the very time we gave: some clients make one up.
    return modified is not None and request.headers.get("If-Modified-Since") == modified


def _part(request: web.Request, headers: Mapping[str, str], size: int) -> tuple[int, int] | None:
    """The bytes asked for, empty when there are none there; ``None``: the whole file.

    Several ranges at once, and ranges of a file that has changed, get the whole (RFC 9110, 14.2
    and 13.1.5).
    """
    condition = request.headers.get("If-Range")
    if condition is not None and condition not in (headers["ETag"], headers.get("Last-Modified")):
        return None
    try:
        asked = request.http_range
    except ValueError:
        return None
    start, stop = asked.start or 0, asked.stop
    if start < 0:
        start = max(size + start, 0)
    return start, size if stop is None else min(stop, size)


def missing_page(choices: Sequence[Choice], base_url: str) -> str:
    """The page for an address at which nothing stands: where the warnings are, in every language.

    It says nothing about warnings itself: whoever mistyped must not read "none".
    """
    items = "".join(
        f'<li><a href="{html.escape(base_url)}/{html.escape(choice.tag)}/" lang="{choice.tag}"'
        f' dir="{choice.direction}" hreflang="{choice.tag}"><b>{html.escape(choice.name)}</b>: '
        f"{html.escape(choice.warnings)}</a></li>\n"
        for choice in choices
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<title>404</title>\n<link rel="icon" href="data:,">\n</head>\n<body>\n<main>\n'
        "<h1>404</h1>\n<p>There is no page at this address. All warnings are here:</p>\n"
        f"<ul>\n{items}</ul>\n</main>\n</body>\n</html>\n"
    )
