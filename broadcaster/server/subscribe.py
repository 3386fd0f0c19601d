"""The door at which residents order warnings by SMS, and end them: plain forms over HTTP.

No cookie, no script, nothing kept between two requests but what a signed token in the page
remembers.  Every POST that does something is answered by a redirect, so that a page loaded again
does nothing twice; none is ever cached.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from urllib.parse import urlencode

from aiohttp import web

from broadcaster.app.signup import SignUps
from broadcaster.app.signup_form import (
    ANSWER_WRONG,
    CODE_WRONG,
    TOO_MANY,
    Form,
    Mistake,
    answered,
    mobile,
    read,
)
from broadcaster.model.errors import BroadcasterError
from broadcaster.model.rendition import Variant
from broadcaster.server.http import policy
from broadcaster.text.forms import page, way
from broadcaster.text.library import Library
from broadcaster.text.publication import Site, subscribe_path

LARGEST = 16 * 1024
"""Octets of a form; ours has 2,000 with every box ticked."""
PATIENCE = 10.0
"""Seconds a form may take to arrive."""
STEPS = "|/code|/done|/end|/end/code|/end/done"


class SubscribeDoor:
    """Shows the pages and takes the forms."""

    def __init__(
        self,
        library: Library,
        site: Site,
        signups: SignUps | None,
        *,
        areas: Sequence[tuple[str, str]] = (),
        example: str = "",
        proxies: Sequence[str] = (),
    ) -> None:
        """``signups`` is ``None`` where nothing can be ordered; ``areas`` are ids and names."""
        self._library, self._site, self._signups = library, site, signups
        self._areas, self._example, self._proxies = areas, example, frozenset(proxies)

    def routes(self) -> list[web.RouteDef]:
        """For the application, before the published site."""
        tags = "|".join(map(re.escape, self._site.languages))
        path = f"/{{tag:{tags}}}/subscribe{{step:{STEPS}}}"
        return [web.get(path, self.show), web.post(path, self.take)]

    async def show(self, request: web.Request) -> web.Response:
        """GET and HEAD of one page."""
        tag, step = request.match_info["tag"], request.match_info["step"]
        if self._signups is None:
            return self._closed(tag)
        leaves = step.startswith("/end")
        if step in ("", "/end"):
            return self._form(tag, step, Form(text=self._usual(tag)))
        token = request.query.get("t", "")
        # Without its token a page would promise what nobody did.
        if not self._signups.waits(token, leaves=leaves):
            return self._to(request, "/end" if leaves else "")
        return self._page(tag, step, token=token)

    async def take(self, request: web.Request) -> web.Response:
        """POST of one form."""
        tag, step = request.match_info["tag"], request.match_info["step"]
        if self._signups is None:
            return self._closed(tag)
        if _foreign(request) or step.endswith("/done"):
            return self._to(request, "")
        try:
            form, token, code = await _filled(request)
        except (TimeoutError, ValueError):
            return self._to(request, step.removesuffix("/code"))
        try:
            if step.endswith("/code"):
                return await self._code(request, token, code)
            if step == "/end":
                return await self._leave(request, form, token)
            return await self._order(request, form, token)
        except BroadcasterError:
            return self._closed(tag)

    async def _order(self, request: web.Request, form: Form, token: str) -> web.Response:
        assert self._signups is not None
        tag = request.match_info["tag"]
        wish, mistakes = read(form, self._signups.offer, self._signups.asked(token))
        if wish is None:
            return self._form(tag, "", form, mistakes)
        waiting = await self._signups.order(wish, self._caller(request))
        if waiting is None:
            return self._form(tag, "", form, [Mistake("", TOO_MANY)])
        return self._to(request, "/code", waiting)

    async def _leave(self, request: web.Request, form: Form, token: str) -> web.Response:
        assert self._signups is not None
        tag = request.match_info["tag"]
        number, wrong = mobile(form.number, self._signups.offer.countries)
        mistakes = [Mistake("number", wrong)] if wrong else []
        if not answered(form.answer, self._signups.asked(token)):
            mistakes.append(Mistake("answer", ANSWER_WRONG))
        if mistakes:
            return self._form(tag, "/end", form, mistakes)
        waiting = await self._signups.leave(number, tag, self._caller(request))
        if waiting is None:
            return self._form(tag, "/end", form, [Mistake("", TOO_MANY)])
        return self._to(request, "/end/code", waiting)

    async def _code(self, request: web.Request, token: str, code: str) -> web.Response:
        assert self._signups is not None
        tag, step = request.match_info["tag"], request.match_info["step"]
        if await self._signups.confirm(token, code, leaves=step.startswith("/end")):
            return self._to(request, step.removesuffix("/code") + "/done", token)
        return self._page(tag, step, [Mistake("code", CODE_WRONG)], token=token)

    # What is shown ----------------------------------------------------------------------------

    def _form(
        self, tag: str, step: str, form: Form, mistakes: Sequence[Mistake] = ()
    ) -> web.Response:
        assert self._signups is not None
        first, second, token = self._signups.question()
        say = self._library.context(tag, Variant.STANDARD)["t"]
        hazards = self._library.hazards
        return self._page(
            tag,
            step,
            mistakes,
            form=form,
            first=first,
            second=second,
            token=token,
            example=self._example,
            areas=self._areas,
            hazards=[
                (id_, say(hazards[id_].event, context=None)) for id_ in self._signups.offer.hazards
            ],
            texts=[
                (language, variant, self._label(language.tag, variant))
                for language, variant in (
                    (self._library.languages[one], variant)
                    for one, variant in self._signups.offer.texts
                )
            ],
        )

    def _label(self, tag: str, variant: str) -> str:
        language = self._library.languages[tag]
        if variant != Variant.PLAIN:
            return language.name
        return f"{language.name} – {language.plain_name}"

    def _usual(self, tag: str) -> str:
        """The text that most readers of a page want: that of its language."""
        assert self._signups is not None
        offered = [f"{one}/{variant}" for one, variant in self._signups.offer.texts if one == tag]
        return next(iter(offered), "")

    def _page(
        self, tag: str, step: str, mistakes: Sequence[Mistake] = (), **values: object
    ) -> web.Response:
        made = page(
            self._library,
            self._site,
            tag,
            step,
            [(mistake.field, mistake.says) for mistake in mistakes],
            **values,
        )
        status = 422 if mistakes else 503 if step == "closed" else 200
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Cache-Control": "no-store",
            "Content-Security-Policy": policy([made.style]),
        }
        return web.Response(status=status, body=made.body, headers=headers)

    def _closed(self, tag: str) -> web.Response:
        return self._page(tag, "closed")

    def _to(self, request: web.Request, step: str, token: str = "") -> web.Response:
        """See Other: the browser asks for the page, and a reload asks for that again."""
        home = subscribe_path(request.match_info["tag"])
        # Relative, because a proxy may know us under another name.
        there = way(home + step, home + request.match_info["step"])
        query = f"?{urlencode({'t': token})}" if token else ""
        headers = {"Location": there + query, "Cache-Control": "no-store"}
        return web.Response(status=303, headers=headers)

    def _caller(self, request: web.Request) -> str:
        """Who asks, as far as it can be known: what our own proxy saw, or we ourselves."""
        remote = request.remote or ""
        seen = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        return seen if seen and remote in self._proxies else remote


def _foreign(request: web.Request) -> bool:
    """Whether surely another site's page sent this form (Fetch Metadata; old browsers: Origin).

    Our own pages send no ``Origin`` worth reading, because they send no referrer.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin", "null")
    return origin != "null" and origin.partition("://")[2] != request.host


async def _filled(request: web.Request) -> tuple[Form, str, str]:
    """What was filled in, with the token and the code.  Raises for what no form of ours sends."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise ValueError
    if (request.content_length or 0) > LARGEST:
        raise ValueError
    async with asyncio.timeout(PATIENCE):
        data = await request.post()

    def one(name: str) -> str:
        value = data.get(name, "")
        return value if isinstance(value, str) else ""

    def many(name: str) -> tuple[str, ...]:
        return tuple(value for value in data.getall(name, ()) if isinstance(value, str))

    form = Form(
        number=one("number")[:60],
        text=one("text"),
        where="some" if one("where") == "some" else "all",
        areas=many("area"),
        what="some" if one("what") == "some" else "all",
        hazards=many("hazard"),
        level=one("level"),
        night="night" in data,
        answer=one("answer")[:20],
    )
    return form, one("token"), one("code")[:40]
