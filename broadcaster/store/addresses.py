"""Residents' addresses at rest: AES-GCM ciphertext and a keyed lookup tag.

A plain hash of a phone number is no protection (all German mobile numbers can be tried in
minutes), so the tag is an HMAC.  Both keys derive from one secret file that lies outside the
database; whoever steals the database alone learns no number.
"""

from __future__ import annotations

import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from broadcaster.model.errors import Problem, Unavailable


class AddressBook:
    """Seals and opens addresses; holds the key, prints nothing."""

    def __init__(self, secret: bytes, older: bytes | None = None) -> None:
        """``older`` opens and finds what was sealed before the key was changed."""
        # Imported here: a run that touches no address never pays for the library.
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._wrong_key = InvalidTag
        known = [secret] if older is None else [secret, older]
        self._ciphers = [AESGCM(_derive(one, b"address")) for one in known]
        self._tag_keys = [_derive(one, b"tag") for one in known]

    def seal(self, address: str) -> bytes:
        """Nonce and ciphertext of an address."""
        nonce = os.urandom(12)
        return nonce + self._ciphers[0].encrypt(nonce, address.encode(), None)

    def open(self, sealed: bytes) -> str:
        """The address again.  Raises ``Unavailable`` when the key is another one."""
        for cipher in self._ciphers:
            with suppress(self._wrong_key):
                return cipher.decrypt(sealed[:12], sealed[12:], None).decode()
        raise Unavailable(
            Problem(
                "addresses",
                "the key does not open the stored addresses",
                "put back the key file that belongs to this database",
            )
        )

    def current(self, sealed: bytes) -> bool:
        """Whether this was sealed with the newest key."""
        try:
            self._ciphers[0].decrypt(sealed[:12], sealed[12:], None)
        except self._wrong_key:
            return False
        return True

    def tag(self, address: str) -> bytes:
        """16 bytes that find an address again and reveal nothing without the key."""
        return hmac.digest(self._tag_keys[0], address.encode(), "sha256")[:16]

    def tags(self, address: str) -> tuple[bytes, bytes]:
        """The tags under which an address may lie: two alike unless the key is being changed."""
        raw = address.encode()
        first = hmac.digest(self._tag_keys[0], raw, "sha256")[:16]
        if len(self._tag_keys) == 1:
            return first, first
        return first, hmac.digest(self._tag_keys[1], raw, "sha256")[:16]


def load_secret(path: Path) -> bytes:
    """The secret of this installation; made once, readable by its owner only.

    Raises ``Unavailable`` when the file cannot be made or is not ours.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _make(path)
        secret = bytes.fromhex(path.read_text(encoding="ascii").strip())
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


def _make(path: Path) -> None:
    """Whole or not at all: half a key would lock everybody out after a crash."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_bytes(32).hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        os.link(part, path)
    part.unlink()
    sync(path.parent)


def sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return hmac.digest(secret, b"broadcaster " + purpose, "sha256")
