"""One HTTP request of a provider's shape, and what can honestly be said of it afterwards."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from channels.sms.gateways.http.template import NOTHING, Reply, Shape, fill, find, word

if TYPE_CHECKING:
    from aiohttp import ClientSession

_READ = 1 << 20
"""Octets of an answer that are read; ten thousand recipients fit."""
_KEPT = 160
"""Characters of an answer that an officer is shown."""
_DIGITS = re.compile(r"\+?\d[\d ()/-]{4,}\d")
"""What may be a telephone number in an answer's words."""
_LATER = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.PAYMENT_REQUIRED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.SERVICE_UNAVAILABLE,
    }
)
"""They took nothing, and say nothing about the text: somebody puts it right, or time does."""


class Verdict(StrEnum):
    """What is known of a text after one request."""

    TAKEN = "taken"
    REFUSED = "refused"
    NOT_TAKEN = "not taken"
    """Surely not, for a reason that may pass."""
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict, in words for an officer."""

    verdict: Verdict
    says: str = ""
    id: str = ""
    retry_after: float | None = None
    each: Mapping[str, Outcome] = field(default_factory=dict, repr=False)
    """By number without ``+``, where the answer has a word about each recipient."""


class Poster:
    """Makes requests of one provider; connects when there is one."""

    def __init__(
        self, url: str, seconds: float, basic: tuple[str, str], secrets: Iterable[str]
    ) -> None:
        self._url = url
        self._seconds = seconds
        user, password = basic
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._basic = f"Basic {pair}"
        self._secrets = (*secrets, pair)
        self._session: ClientSession | None = None

    async def ask(
        self, shape: Shape, values: Mapping[str, Any]
    ) -> tuple[int, bytes, str | None] | Outcome:
        """Status, body and ``Retry-After``, or what can be said where no answer came.

        Raises nothing of the network, and no word of an address or a query gets out.
        """
        import aiohttp
        from yarl import URL

        url, headers, data = self._request(shape, values)
        session = self._open()
        try:
            # A redirect is not followed: numbers go to the provider that was chosen.
            async with session.request(
                shape.method,
                URL(url, encoded=True),
                data=data,
                headers=headers,
                allow_redirects=False,
            ) as response:
                async with asyncio.timeout(self._seconds):
                    body = b""
                    while len(body) < _READ and (more := await response.content.readany()):
                        body += more
                return response.status, body, response.headers.get("Retry-After")
        except aiohttp.ConnectionTimeoutError:
            return Outcome(Verdict.NOT_TAKEN, f"no connection within {self._seconds:g} s")
        except aiohttp.ClientConnectorCertificateError:
            return Outcome(Verdict.NOT_TAKEN, "no connection: its certificate is not trusted")
        except aiohttp.ClientConnectorError as error:
            why = error.os_error.strerror if error.os_error else ""
            return Outcome(Verdict.NOT_TAKEN, "no connection" + (f": {why}" if why else ""))
        except TimeoutError:
            says = f"it was sent, and no answer came within {self._seconds:g} s"
            return Outcome(Verdict.UNSURE, says)
        except (aiohttp.ClientError, OSError):
            return Outcome(Verdict.UNSURE, "the connection broke before the answer")

    async def post(
        self, shape: Shape, reply: Reply, values: Mapping[str, Any], now: datetime
    ) -> Outcome:
        """Ask once, and judge the answer or its absence."""
        answer = await self.ask(shape, values)
        if isinstance(answer, Outcome):
            return answer
        status, body, wait = answer
        return judge(reply, status, body, seconds(wait, now), self.clean)

    def clean(self, words: str) -> str:
        """One short line without secrets, numbers and control characters."""
        for secret in self._secrets:
            words = words.replace(secret, "***")
        kept = "".join(" " if unicodedata.category(c)[0] == "C" else c for c in words)
        line = _DIGITS.sub("<number>", " ".join(kept.split()))
        return line if len(line) <= _KEPT else line[:_KEPT] + "…"

    async def close(self) -> None:
        """Let connections go."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _request(
        self, shape: Shape, values: Mapping[str, Any]
    ) -> tuple[str, dict[str, str], bytes | None]:
        quoted = {
            name: quote(value, safe="") if isinstance(value, str) else value
            for name, value in values.items()
        }
        url = self._url + fill(shape.path, quoted)
        headers = {name: str(fill(value, values)) for name, value in shape.headers.items()}
        if shape.basic:
            headers["Authorization"] = self._basic
        fields = fill(shape.fields, values)
        data = None
        if shape.body == "json":
            data = json.dumps(fields, ensure_ascii=False).encode()
            headers["Content-Type"] = "application/json; charset=utf-8"
        elif shape.body == "form":
            data = urlencode(fields).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8"
        elif fields:
            url += "?" + urlencode(fields)
        assert NOTHING not in headers.values()
        return url, headers, data

    def _open(self) -> ClientSession:
        if self._session is None:
            import aiohttp

            self._session = aiohttp.ClientSession(
                # Each request gets a connection of its own.  A kept one may be closed by the far
                # side in the moment we send, and then nobody could tell whether it had read
                # anything; and a GET on it would be sent a second time by the library itself.
                connector=aiohttp.TCPConnector(force_close=True, limit=0),
                # `connect` ends before the first octet of the request, `sock_read` begins after
                # it: which of the two ran out says whether it may have been taken.
                timeout=aiohttp.ClientTimeout(
                    total=None, connect=self._seconds, sock_read=self._seconds
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "Broadcaster"},
                trust_env=False,
            )
        return self._session


def judge(
    reply: Reply, status: int, body: bytes, wait: float | None, clean: Callable[[str], str]
) -> Outcome:
    """What an answer means for the text.  Pure."""
    document = _document(body)
    said = clean(str(find(document, reply.says) or "")) if reply.says else ""
    if not said and not isinstance(document, dict | list):
        said = clean(body[:400].decode("utf-8", "replace"))
    says = f"HTTP {status}" + (f": {said}" if said else "")
    own = word(find(document, reply.at)) if reply.at else ""
    if status in reply.status and (not reply.taken or own in reply.taken):
        id_ = find(document, reply.id) if reply.id else None
        return Outcome(
            Verdict.TAKEN,
            id="" if id_ is None else str(id_),
            each=_each(reply, document, clean),
        )
    code = word(find(document, reply.code)) if reply.code else ""
    if code in reply.refused:
        return Outcome(Verdict.REFUSED, says)
    if code in reply.later:
        return Outcome(Verdict.NOT_TAKEN, says, retry_after=wait)
    if code in reply.unsure:
        return Outcome(Verdict.UNSURE, says)
    if status in _LATER or 300 <= status < 400:
        return Outcome(Verdict.NOT_TAKEN, says, retry_after=wait)
    if 400 <= status < 500 and status != HTTPStatus.REQUEST_TIMEOUT:
        return Outcome(Verdict.REFUSED, says)
    # 2xx without its own word of success, and 5xx: it may have been taken before it went wrong.
    return Outcome(Verdict.UNSURE, says)


def seconds(retry_after: str | None, now: datetime) -> float | None:
    """``Retry-After`` in seconds, whether it was given so or as a date (RFC 9110 10.2.3)."""
    if not retry_after:
        return None
    if re.fullmatch(r"[0-9]{1,9}", retry_after.strip()):
        return float(retry_after)
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (at - now).total_seconds()) if at.tzinfo else None


def _each(reply: Reply, document: Any, clean: Callable[[str], str]) -> dict[str, Outcome]:
    entries = find(document, reply.each["in"]) if reply.each else None
    found: dict[str, Outcome] = {}
    for entry in entries if isinstance(entries, list) else ():
        number = re.sub(r"[^0-9]", "", str(find(entry, reply.each["number"])))
        taken = word(find(entry, reply.each["at"])) == "true"
        says = clean(str(find(entry, reply.each["says"]) or ""))
        found[number] = Outcome(
            Verdict.TAKEN if taken else Verdict.REFUSED,
            says="" if taken else says or "refused without a reason",
            id=str(find(entry, reply.each["id"]) or ""),
        )
    return found


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
