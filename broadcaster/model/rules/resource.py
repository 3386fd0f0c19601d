"""Rules on one resource (CAP 1.2 section 3.2.3)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator

from broadcaster.model.cap import Resource
from broadcaster.model.errors import Problem
from broadcaster.model.rules.info import is_absolute_uri
from broadcaster.model.rules.report import refuse, warn

# IANA "Media Types" registry: the top-level types.
_MEDIA_TYPE = re.compile(
    r"(application|audio|font|haptics|image|message|model|multipart|text|video)"
    r"/[a-z0-9][a-z0-9!#$&^_.+-]*(\s*;\s*[a-z0-9-]+=[^\s;]+)*",
    re.IGNORECASE | re.ASCII,
)
_SHA1 = re.compile(r"[0-9a-f]{40}", re.IGNORECASE | re.ASCII)


def described(resource: Resource, at: str) -> Iterator[Problem]:
    """CAP 3.2.3 resourceDesc: who cannot see the file learns from it what it holds."""
    if not resource.resource_desc.strip():
        yield refuse(f"{at}.resourceDesc", "is missing", "say what the file shows or says")


def media_type(resource: Resource, at: str) -> Iterator[Problem]:
    """CAP 3.2.3 mimeType (mandatory since 1.2); Google INVALID_MIME_TYPE."""
    if not _MEDIA_TYPE.fullmatch(resource.mime_type):
        yield refuse(f"{at}.mimeType", "is not a media type", "write it like audio/mpeg")


def location(resource: Resource, at: str) -> Iterator[Problem]:
    """CAP 3.2.3 uri; Google RELATIVE_URI_MISSING_DEREF_URI."""
    if resource.uri is None and resource.deref_uri is None:
        yield warn(at, "names a file that nobody can fetch", "give its uri")
    if resource.uri is not None and not is_absolute_uri(resource.uri):
        relative = re.fullmatch(r"[^\s:]+", resource.uri) is not None
        if not relative or resource.deref_uri is None:
            yield refuse(
                f"{at}.uri",
                "is not an absolute address, nor the name of a file in derefUri",
                "begin it with https://",
            )


def content(resource: Resource, at: str) -> Iterator[Problem]:
    """CAP 3.2.3 derefUri, size, digest: base64, bytes, SHA-1; and they agree."""
    if resource.size is not None and resource.size < 0:
        yield refuse(f"{at}.size", "is negative", "give the bytes of the file")
    if resource.digest is not None and not _SHA1.fullmatch(resource.digest):
        yield refuse(f"{at}.digest", "is not a SHA-1 in hexadecimal", "give 40 digits 0-9, a-f")
    if resource.deref_uri is None:
        return
    try:
        data = base64.b64decode("".join(resource.deref_uri.split()), validate=True)
    except (binascii.Error, ValueError):
        yield refuse(f"{at}.derefUri", "is not base64", "encode the file again")
        return
    if resource.size is not None and 0 <= resource.size != len(data):
        yield refuse(f"{at}.size", f"is not the {len(data)} bytes of derefUri", "correct it")
    digest = hashlib.sha1(data, usedforsecurity=False).hexdigest()
    if resource.digest is not None and resource.digest.lower() != digest:
        yield refuse(f"{at}.digest", "is not the SHA-1 of derefUri", "compute it again")


RESOURCE_RULES: tuple[Callable[[Resource, str], Iterable[Problem]], ...] = (
    described,
    media_type,
    location,
    content,
)
