"""Whether an HTTP request truly came from the provider.  Pure: nothing is read but the request.

What is signed is the body *as it came* and the address *as the provider called it*; anything that
was parsed, re-encoded or rewritten by a proxy in between no longer fits its signature.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import parse_qs, parse_qsl, urlsplit

from broadcaster.delivery.contract import Call
from channels.sms.gateways.http.template import moment

AHEAD = timedelta(minutes=5)
"""How far a provider's clock may run before ours."""


class Verdict(StrEnum):
    """What a signature says about a request."""

    GENUINE = "genuine"
    FORGED = "forged"
    """Not signed, or signed for other bytes, another address or with another secret."""
    OLD = "old"
    """Truly signed, but so long ago that it may have been recorded and sent again."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The verdict, and what makes this request the only one of its kind."""

    verdict: Verdict
    once: str = ""
    """The same in a request that is sent again, and in no other."""


Scheme = Callable[[Call, bytes, datetime, timedelta], Checked]
"""Request, secret, now, and how old a signed time may be."""

_FORGED = Checked(Verdict.FORGED)


def seven(call: Call, secret: bytes, now: datetime, oldest: timedelta) -> Checked:
    """seven.io: hex HMAC-SHA256 over time, nonce, method, address and MD5 of the body.

    The MD5 only shortens the body for the line that is signed; that line is what is protected.
    """
    said = call.headers.get("x-signature", "")
    stamp, nonce = call.headers.get("x-timestamp", ""), call.headers.get("x-nonce", "")
    digest = hashlib.md5(call.body, usedforsecurity=False).hexdigest()
    line = "\n".join((stamp, nonce, call.method.upper(), call.url, digest))
    if not nonce or not same(said.lower(), _hex(secret, line.encode())):
        return _FORGED
    return _timed(moment(stamp), nonce, now, oldest)


def gatewayapi(call: Call, secret: bytes, now: datetime, oldest: timedelta) -> Checked:
    """GatewayAPI: ``Signature: v1=`` and hex HMAC-SHA256 of the body, which holds time and id."""
    said = call.headers.get("signature", "")
    if not same(said.lower(), "v1=" + _hex(secret, call.body)):
        return _FORGED
    try:
        document = json.loads(call.body)
    except ValueError:
        return _FORGED
    if not isinstance(document, dict) or not document.get("event_id"):
        return _FORGED
    return _timed(moment(document.get("timestamp")), str(document["event_id"]), now, oldest)


def twilio(call: Call, secret: bytes, now: datetime, oldest: timedelta) -> Checked:
    """Twilio: base64 HMAC-SHA1 over the address and the sorted form fields.

    A body that is no form is covered by the query's ``bodySHA256`` instead.  No time is signed, so
    that the same request can come again at any time: it must be harmless, see :class:`Seen`.
    """
    said = call.headers.get("x-twilio-signature", "")
    signed = call.url
    if call.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        try:
            pairs = parse_qsl(call.body.decode(), keep_blank_values=True, strict_parsing=False)
        except ValueError:
            return _FORGED
        signed += "".join(name + value for name, value in sorted(set(pairs)))
    elif call.body or "bodySHA256=" in call.url:
        claimed = parse_qs(urlsplit(call.url).query).get("bodySHA256", [""])[0]
        if not same(claimed.lower(), hashlib.sha256(call.body).hexdigest()):
            return _FORGED
    made = base64.b64encode(hmac.digest(secret, signed.encode(), "sha1")).decode()
    return Checked(Verdict.GENUINE, said) if same(said, made) else _FORGED


SCHEMES: Mapping[str, Scheme] = {"seven": seven, "gatewayapi": gatewayapi, "twilio": twilio}
"""By the name that a provider's data file uses."""


class Seen:
    """Which requests were taken already.

    Only what was *kept* is remembered: a provider that was told to come again must be heard when
    it does.  It is held in memory; after a restart the messages' own ids and the order of states
    make a repetition harmless.
    """

    def __init__(self, most: int = 100_000) -> None:
        self._most = most
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def __contains__(self, once: str) -> bool:
        return _short(once) in self._seen

    def add(self, once: str) -> None:
        """Remember one that was kept."""
        self._seen[_short(once)] = None
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)


def same(one: str, other: str) -> bool:
    """Whether they are equal, found in a time that does not tell how much of them is."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def _hex(secret: bytes, data: bytes) -> str:
    return hmac.digest(secret, data, "sha256").hex()


def _short(once: str) -> bytes:
    return hashlib.sha256(once.encode("utf-8", "replace")).digest()[:16]


def _timed(at: datetime | None, once: str, now: datetime, oldest: timedelta) -> Checked:
    if at is None:
        return _FORGED
    verdict = Verdict.GENUINE if -AHEAD <= now - at <= oldest else Verdict.OLD
    return Checked(verdict, once)
