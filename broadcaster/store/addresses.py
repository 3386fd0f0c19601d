"""Residents' addresses at rest: AES-GCM ciphertext and a keyed lookup tag.

A plain hash of a phone number is no protection (all German mobile numbers can be tried in
minutes), so the tag is an HMAC.  Both keys derive from one secret file that lies outside the
database; whoever steals the database alone learns no number.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from broadcaster.model.errors import Problem, Unavailable


class AddressBook:
    """Seals and opens addresses; holds the key, prints nothing."""

    def __init__(self, secret: bytes) -> None:
        # Imported here: a run that touches no address never pays for the library.
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._wrong_key = InvalidTag
        self._cipher = AESGCM(_derive(secret, b"address"))
        self._tag_key = _derive(secret, b"tag")

    def seal(self, address: str) -> bytes:
        """Nonce and ciphertext of an address."""
        nonce = os.urandom(12)
        return nonce + self._cipher.encrypt(nonce, address.encode(), None)

    def open(self, sealed: bytes) -> str:
        """The address again.  Raises ``Unavailable`` when the key is another one."""
        try:
            return self._cipher.decrypt(sealed[:12], sealed[12:], None).decode()
        except self._wrong_key:
            raise Unavailable(
                Problem(
                    "addresses",
                    "the key does not open the stored addresses",
                    "put back the key file that belongs to this database",
                )
            ) from None

    def tag(self, address: str) -> bytes:
        """16 bytes that find an address again and reveal nothing without the key."""
        return hmac.new(self._tag_key, address.encode(), hashlib.sha256).digest()[:16]


def load_secret(path: Path) -> bytes:
    """The secret of this installation; made once, readable by its owner only.

    Raises ``Unavailable`` when the file cannot be made or is not ours.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            secret = bytes.fromhex(path.read_text(encoding="ascii").strip())
        else:
            secret = secrets.token_bytes(32)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secret.hex() + "\n")
                file.flush()
                os.fsync(file.fileno())
    except (OSError, ValueError) as error:
        raise Unavailable(
            Problem(
                path.name,
                f"the key for addresses cannot be used ({error})",
                "restore the key file from its backup",
            )
        ) from error
    if len(secret) != 32:
        raise Unavailable(
            Problem(
                path.name,
                "the key for addresses is not 32 bytes long",
                "restore the key file from its backup",
            )
        )
    return secret


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return hmac.new(secret, b"broadcaster " + purpose, hashlib.sha256).digest()
