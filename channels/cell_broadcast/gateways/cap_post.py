"""One HTTP POST of one CAP document, and what can honestly be said of it afterwards."""

from __future__ import annotations

import asyncio
import ssl
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from broadcaster.model.capxml import MEDIA_TYPE
from broadcaster.text.measure import graphemes

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

_WORDS_READ = 4096
"""Octets of an answer that are looked at."""
_WORDS_KEPT = 200
"""Characters of it that an officer is shown."""
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
"""4xx that speak of the moment and not of the document (RFC 9110 15.5.9, 8470 5.2, 6585 4)."""

_ABOUT_CERTIFICATES = ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED")
"""In OpenSSL's names of the alerts of RFC 8446 6.2 that end a handshake."""


class Verdict(StrEnum):
    """What is known of the document after one POST."""

    TAKEN = "taken"
    REFUSED = "refused"
    """The far side read it and does not want it; it would not want it elsewhere either."""
    NOT_TAKEN = "not taken"
    """It surely did not reach anybody who would act on it."""
    UNSURE = "unsure"
    """It may have been taken: to ask another would be to risk a second alarm."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict, in words for an officer."""

    verdict: Verdict
    says: str
    retry_after: float | None = None
    """Seconds the far side asked us to wait."""


def route(url: str) -> str:
    """An address as it may be shown: a query could hold a secret."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] + parts.path


class Poster:
    """Posts documents; connects when there is one."""

    def __init__(self, context: ssl.SSLContext | None, token: str, seconds: float) -> None:
        self._context = context
        self._token = token
        self._seconds = seconds
        self._session: ClientSession | None = None

    async def post(self, url: str, document: bytes) -> Outcome:
        """Post once, and judge the answer or its absence.  Raises nothing of the network."""
        import aiohttp

        headers = {"Content-Type": MEDIA_TYPE, "Accept": "text/plain, */*;q=0.1"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        session = self._open()
        try:
            # A redirect is not followed: what is signed for one centre is not for any other.
            async with session.post(
                url, data=document, headers=headers, allow_redirects=False
            ) as response:
                return judge(
                    response.status,
                    await self._words(response),
                    response.headers.get("Retry-After"),
                )
        except aiohttp.ConnectionTimeoutError:
            return Outcome(Verdict.NOT_TAKEN, f"no connection within {self._seconds:g} s")
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
            return Outcome(Verdict.NOT_TAKEN, f"no connection: {self._cleaned(str(error))}")
        except TimeoutError:
            says = f"it was sent, and no answer came within {self._seconds:g} s"
            return Outcome(Verdict.UNSURE, says)
        except (aiohttp.ClientError, OSError) as error:
            if _turned_away(error):
                says = f"our client certificate was not accepted: {self._cleaned(str(error))}"
                return Outcome(Verdict.NOT_TAKEN, says)
            says = f"the connection broke before the answer: {self._cleaned(str(error))}"
            return Outcome(Verdict.UNSURE, says)

    async def close(self) -> None:
        """Let connections go."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> ClientSession:
        if self._session is None:
            import aiohttp

            self._session = aiohttp.ClientSession(
                # A kept connection may be closed by the far side in the moment we send, and then
                # nobody could tell whether it had read anything: each POST gets its own.
                connector=aiohttp.TCPConnector(ssl=self._context or True, force_close=True),
                # `connect` ends before the first octet of the document, `sock_read` begins after
                # it: which of the two ran out says whether it may have been taken.
                timeout=aiohttp.ClientTimeout(
                    total=None, connect=self._seconds, sock_read=self._seconds
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "Broadcaster"},
                trust_env=False,
            )
        return self._session

    async def _words(self, response: ClientResponse) -> str:
        """What the far side said, as far as it came: the status counts without it too."""
        import aiohttp

        data = b""
        try:
            async with asyncio.timeout(self._seconds):
                while len(data) < _WORDS_READ and (more := await response.content.readany()):
                    data += more
        except (aiohttp.ClientError, OSError, TimeoutError):
            pass
        return self._cleaned(data[:_WORDS_READ].decode("utf-8", "replace"))

    def _cleaned(self, text: str) -> str:
        """One short line without control characters and without our secret."""
        if self._token:
            text = text.replace(self._token, "***")
        kept = "".join(" " if unicodedata.category(c) in ("Cc", "Cf") else c for c in text)
        words = graphemes(" ".join(kept.split()))
        return "".join(words[:_WORDS_KEPT]) + ("…" if len(words) > _WORDS_KEPT else "")


def judge(status: int, words: str, retry_after: str | None = None) -> Outcome:
    """What a status means for the document (RFC 9110 section 15).  Pure."""
    said = f"HTTP {status}" + (f": {words}" if words else "")
    wait = float(retry_after) if retry_after and retry_after.isdecimal() else None
    if 200 <= status < 300:
        return Outcome(Verdict.TAKEN, words)
    if status == HTTPStatus.CONFLICT:
        # The CAP identifier is what a centre tells documents apart by.
        return Outcome(Verdict.TAKEN, f"it was there already ({said})")
    if 400 <= status < 500 and status not in _LATER:
        return Outcome(Verdict.REFUSED, said)
    # Whoever says when to come again (15.6.4) has turned it away unread, and a redirect took
    # nothing.  Any other 5xx can also come after the document was taken: 500 from a centre that
    # failed later, 502 and 504 from a proxy that passed it on and heard nothing sensible.
    later = status == HTTPStatus.SERVICE_UNAVAILABLE and retry_after is not None
    if later or status in _LATER or 300 <= status < 400:
        return Outcome(Verdict.NOT_TAKEN, said, wait)
    return Outcome(Verdict.UNSURE, said, wait)


def _turned_away(error: BaseException) -> bool:
    """Whether the far side ended the TLS handshake because of our certificate.

    In TLS 1.3 a client sends before the server has looked at its certificate, so the refusal
    arrives like a broken connection; but nothing was read by then.  A far side that closes at once
    may even lose its own alert on the way: then it *is* a broken connection to us, and unsure.
    """
    seen: BaseException | None = error
    while seen is not None:
        reason = (seen.reason or "") if isinstance(seen, ssl.SSLError) else ""
        if "ALERT" in reason and any(word in reason for word in _ABOUT_CERTIFICATES):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
