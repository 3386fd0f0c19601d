"""Values that are handed to a stranger and come back unchanged, or not at all.

A form without cookies and without memory on our side: what it must remember goes out in it, signed
with a key that never leaves the data folder, and is worth nothing after its time.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

TAG = 16
"""Octets of a signature: 128 bits cannot be guessed over a network."""
LONGEST = 500
"""Characters of a token; ours stay far below."""


class Signer:
    """Signs and checks; one key, and a purpose that keeps one kind of token from being another."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign(self, purpose: str, values: Mapping[str, Any], now: datetime, life: timedelta) -> str:
        """A token of URL-safe characters, good for ``life`` from ``now``."""
        until = int((now + life).timestamp())
        body = json.dumps([until, dict(values)], separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._tag(purpose, body) + body).decode().rstrip("=")

    def open(self, purpose: str, token: str, now: datetime) -> dict[str, Any] | None:
        """The values; ``None`` for a token that is not ours, of another purpose, or too old."""
        if len(token) > LONGEST or not token.isascii():
            return None
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        tag, body = raw[:TAG], raw[TAG:]
        if not hmac.compare_digest(tag, self._tag(purpose, body)):
            return None
        until, values = json.loads(body)
        return values if now.timestamp() < until else None

    def digest(self, purpose: str, *values: bytes) -> bytes:
        """A keyed digest of values that must not be kept themselves."""
        # Lengths first: otherwise two different lists could be the same octets.
        whole = b"".join(len(value).to_bytes(4, "big") + value for value in values)
        return hmac.new(self._secret, purpose.encode() + b"\0" + whole, hashlib.sha256).digest()

    def _tag(self, purpose: str, body: bytes) -> bytes:
        return self.digest(f"token {purpose}", body)[:TAG]
