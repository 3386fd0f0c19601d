"""The door for far sides that report by HTTP: it hands each call to the channel it is for.

Nothing is decided and nothing is believed here; the channel checks who calls.  Nobody at the door
learns which channels there are: whatever is not taken gets the same empty answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus

from aiohttp import web

from broadcaster.delivery.contract import Call

log = logging.getLogger(__name__)

MOST = 64 * 1024
"""Octets of a call; reports and messages are a thousandth of that."""
READING = 10.0
"""Seconds in which a call must have come in."""

Taker = Callable[[str, Call], Awaitable[int]]
"""Given the name of a lane and a call, the HTTP status to answer with."""


class Hooks:
    """Everything below ``/hooks/``; the next step of the path names the channel."""

    def __init__(
        self, take: Taker, base_url: str, *, proxies: Sequence[str] = (), reading: float = READING
    ) -> None:
        """``base_url`` is the public address of the live site: signatures cover it.

        ``proxies`` are addresses of our own, whose ``X-Forwarded-For`` is believed.
        """
        self._take, self._base_url, self._reading = take, base_url, reading
        self._proxies = frozenset(proxies)

    def routes(self) -> list[web.RouteDef]:
        """For live channels and for those of exercises."""
        paths = ("/hooks/{rest:.*}", "/exercise/hooks/{rest:.*}")
        return [web.route("*", path, self.answer) for path in paths]

    async def answer(self, request: web.Request) -> web.Response:
        """Empty, with the status that the channel gave."""
        try:
            status = await self._status(request)
        except Exception as error:
            # Not let through: the server would log the caller's address with it.
            log.error("a call could not be taken: %s", type(error).__name__)
            status = HTTPStatus.INTERNAL_SERVER_ERROR
        return web.Response(status=status)

    async def _status(self, request: web.Request) -> int:
        if request.method not in ("GET", "POST"):
            return HTTPStatus.NOT_FOUND
        try:
            async with asyncio.timeout(self._reading):
                body = b""
                while more := await request.content.readany():
                    body += more
                    if len(body) > MOST:
                        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        except TimeoutError:
            return HTTPStatus.REQUEST_TIMEOUT
        lane, _, secret = request.match_info["rest"].partition("/")
        if not lane or not secret:
            return HTTPStatus.NOT_FOUND
        return await self._take(
            lane,
            Call(
                method=request.method,
                # As it was called, not one octet decoded: signatures cover it.
                url=self._base_url + request.raw_path,
                headers={name.lower(): value for name, value in request.headers.items()},
                body=body,
                remote=self._remote(request),
            ),
        )

    def _remote(self, request: web.Request) -> str:
        """Who calls, as far as it can be known: what our own proxy saw, or we ourselves."""
        remote = request.remote or ""
        seen = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        return seen if seen and remote in self._proxies else remote
