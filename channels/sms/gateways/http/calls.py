"""What the provider tells us: calls checked, understood, and answered when they are kept."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from broadcaster.clock import Clock
from broadcaster.delivery.contract import Call, Heard, Receipt, no_messages, no_receipts
from channels.sms.gateways.http.settings import HttpSettings, Secrets
from channels.sms.gateways.http.signatures import SCHEMES, Seen, Verdict, same
from channels.sms.gateways.http.template import Hearing, Provider, find, moment, word

KEEPING = 8.0
"""Seconds a caller waits for its word to be kept before it is told to come again."""
WAITING = 1000
"""Calls that may wait at a time; the next one is told to come again."""


class Receiver:
    """Takes the calls of one provider at one secret address."""

    def __init__(
        self,
        provider: Provider,
        settings: HttpSettings,
        secrets: Secrets,
        *,
        address: str,
        clock: Clock,
        keeping: float = KEEPING,
    ) -> None:
        self._provider, self._settings, self._secrets = provider, settings, secrets
        self._path = urlsplit(address).path
        self._clock = clock
        self._keeping = keeping
        self._seen = Seen()
        self._open: set[str] = set()
        self._receipts: asyncio.Queue[tuple[Receipt, asyncio.Event]] = asyncio.Queue(WAITING)
        self._heard: asyncio.Queue[Heard] = asyncio.Queue(WAITING)

    async def called(self, call: Call) -> int:
        """The HTTP status to answer with; 2xx only when what the call says is kept.

        404 is also the answer to whoever does not know the secret address, or calls from where
        the provider never does: nobody learns that there is a door.
        """
        if not self._secrets.callback or not same(urlsplit(call.url).path, self._path):
            return HTTPStatus.NOT_FOUND
        if not self._from_there(call.remote):
            return HTTPStatus.NOT_FOUND
        once = ""
        if self._provider.scheme:
            secret = (self._secrets.signing or self._secrets.password).encode()
            check = SCHEMES[self._provider.scheme]
            checked = check(call, secret, self._clock.now(), self._provider.oldest)
            if checked.verdict is not Verdict.GENUINE:
                return HTTPStatus.FORBIDDEN
            once = checked.once
        if once and once in self._seen:
            return HTTPStatus.OK  # kept the first time; once more would be twice
        if once in self._open:
            return HTTPStatus.SERVICE_UNAVAILABLE
        if once:
            self._open.add(once)
        try:
            status = await self._take(call)
        finally:
            self._open.discard(once)
        if once and status == HTTPStatus.OK:
            self._seen.add(once)
        return status

    async def receipts(self) -> AsyncIterator[Receipt]:
        """Evidence from calls.

        Whoever asks for the next receipt has kept the one before; that is what the caller waits
        for.
        """
        if not self._secrets.callback:
            async for none in no_receipts():
                yield none
            return
        while True:
            receipt, kept = await self._receipts.get()
            yield receipt
            kept.set()

    async def heard(self) -> AsyncIterator[Heard]:
        """Messages from people."""
        if not self._secrets.callback:
            async for none in no_messages():
                yield none
            return
        while True:
            yield await self._heard.get()

    def _from_there(self, remote: str) -> bool:
        if not self._settings.allowed_ips:
            return bool(self._provider.scheme)
        try:
            address = ip_address(remote)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self._settings.allowed_ips)

    async def _take(self, call: Call) -> int:
        try:
            document = read(call, self._provider.calls)
        except ValueError:
            return HTTPStatus.BAD_REQUEST
        hearing = next((each for each in self._provider.hears if _fits(each, document)), None)
        if hearing is None:
            return HTTPStatus.OK  # something else that this provider also tells
        said = {name: find(document, path) for name, path in hearing.reads.items()}
        kept = asyncio.Event()
        try:
            if hearing.states:
                receipt = as_receipt(hearing, said)
                if receipt is None:
                    return HTTPStatus.OK  # a state that says nothing about arrival
                self._receipts.put_nowait((receipt, kept))
            elif said.get("from"):
                self._heard.put_nowait(self._message(call, said, kept))
            else:
                return HTTPStatus.BAD_REQUEST
        except asyncio.QueueFull:
            return HTTPStatus.SERVICE_UNAVAILABLE
        try:
            async with asyncio.timeout(self._keeping):
                await kept.wait()
        except TimeoutError:
            # It is not forgotten, but who knows whether it will be kept: it may come again, and
            # its id or the order of states makes that harmless.
            return HTTPStatus.SERVICE_UNAVAILABLE
        return HTTPStatus.OK

    def _message(self, call: Call, said: Mapping[str, Any], kept: asyncio.Event) -> Heard:
        id_ = said.get("id")
        if not id_:
            # The same call again is the same message; nobody can find the number in this.
            data = call.url.encode() + b"\n" + call.body
            id_ = hmac.digest(self._secrets.callback.encode(), data, "sha256").hex()
        return Heard(
            key=f"{self._settings.provider}:{id_}",
            address=str(said["from"]),
            text=str(said.get("text") or ""),
            at=moment(said.get("time")) or self._clock.now(),
            kept=_setter(kept),
        )


def read(call: Call, holds: str) -> dict[str, Any]:
    """A call as one document with ``query`` and ``body``; raises ``ValueError``."""
    document: dict[str, Any] = {"query": _query(urlsplit(call.url).query)}
    if holds == "json":
        document["body"] = json.loads(call.body)
    elif holds == "form":
        document["body"] = dict(parse_qsl(call.body.decode(), keep_blank_values=True))
    return document


def as_receipt(hearing: Hearing, said: Mapping[str, Any]) -> Receipt | None:
    """What a report proves; ``None`` for a state that proves nothing."""
    state = hearing.states.get(word(said.get("state")))
    key, id_ = said.get("key"), said.get("id")
    if state is None or not (key or id_):
        return None
    reported = f"the provider reports {said['state']}"
    if said.get("says"):
        reported += f" ({said['says']})"
    return Receipt(key=str(key or ""), state=state, reference=str(id_ or ""), reason=reported[:120])


def _fits(hearing: Hearing, document: Mapping[str, Any]) -> bool:
    value = find(document, hearing.at)
    return value is not None and (not hearing.names or word(value) in hearing.names)


def _query(query: str) -> dict[str, str]:
    """A query's fields, in the charset that it names itself (Kannel's ``%C``), usually UTF-8."""
    octets = dict(parse_qsl(query, keep_blank_values=True, encoding="latin-1"))
    charset = octets.get("charset") or "utf-8"
    fields = {}
    for name, value in octets.items():
        raw = value.encode("latin-1")
        try:
            fields[name] = raw.decode(charset if name == "text" else "utf-8")
        except (LookupError, ValueError):
            fields[name] = raw.decode("utf-8", "replace")
    return fields


def _setter(kept: asyncio.Event) -> Callable[[], Awaitable[None]]:
    async def set_() -> None:
        kept.set()

    return set_
