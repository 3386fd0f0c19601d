"""The published site as it is served: a file is asked for by its path and given as a body.

``www`` is a link that a publication turns to the next release, and every request follows it anew:
one ``stat``, and when inode, time and size are those of the copy in memory, nothing is read.
Files that stayed the same keep their inode from release to release, so the memory survives a
publication, and what changed cannot be served stale.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import logging
import os
import re
import stat
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote_to_bytes

log = logging.getLogger(__name__)

LARGEST = 32 * 1024 * 1024
"""Bytes of one file.  A document has 2 MB at most, two minutes of uncompressed sound 11 MB."""
MEMORY = 128 * 1024 * 1024
"""Bytes kept in memory for one site."""
SMALL = 500
"""Bytes below which compressing saves no packet."""

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".atom": "application/atom+xml; charset=utf-8",
    ".rss": "application/rss+xml; charset=utf-8",
    ".xml": "application/cap+xml",  # CAP 1.2, section 4.1; the site has no other XML
    ".css": "text/css; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".json": "application/json",
    ".geojson": "application/geo+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".ogg": "audio/ogg",
}
COMPRESSED = frozenset({".png", ".mp3", ".wav", ".ogg"})
"""Where compressing again would gain little, and would take away resuming a download."""

_STYLE = re.compile(rb"<style>(.*?)</style>", re.DOTALL)

Signature = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Body:
    """One file, ready to be sent."""

    path: str
    """Relative to the site."""
    media_type: str
    data: bytes = field(repr=False)
    squeezed: bytes | None = field(repr=False)
    """The same, compressed by gzip, where that is shorter."""
    digest: str
    """SHA-256 of the bytes, in hexadecimal."""
    modified: int
    """Seconds since 1970."""
    styles: tuple[str, ...]
    """The digests of the style sheets inside a page, as a Content-Security-Policy names them."""
    signature: Signature

    @property
    def weight(self) -> int:
        """Bytes of memory, roughly."""
        return len(self.data) + len(self.squeezed or b"") + 1000


class Folder:
    """Stands for a folder that was asked for without its last slash."""


FOLDER = Folder()


class PublishedSite:
    """One site; nothing outside its folder is ever given away."""

    def __init__(self, folder: Path, memory: int = MEMORY) -> None:
        self._folder, self._memory = folder, memory
        self._kept: OrderedDict[str, Body] = OrderedDict()
        self._weight = 0
        self._loading: dict[tuple[str, Signature], asyncio.Task[Body | None]] = {}

    async def find(self, raw: str) -> Body | Folder | None:
        """What stands at a path as it came in the request, still percent-encoded.

        ``None`` for what is not there, or is nobody's business.
        """
        path = clean(raw)
        if path is None:
            return None
        try:
            status = os.stat(f"{self._folder}/{path}")
        except (OSError, ValueError):
            return None
        if stat.S_ISDIR(status.st_mode):
            return FOLDER
        kept = self._kept.get(path)
        if kept is not None and kept.signature == _signature(status):
            self._kept.move_to_end(path)
            return kept
        # The whole city asks for a new page at once; it is read once.
        key = path, _signature(status)
        loading = self._loading.get(key)
        if loading is None:
            loading = asyncio.create_task(self._load(path))
            self._loading[key] = loading
            loading.add_done_callback(lambda _: self._loading.pop(key, None))
        return await asyncio.shield(loading)

    async def _load(self, path: str) -> Body | None:
        body = await asyncio.to_thread(_read, self._folder, path)
        if (old := self._kept.pop(path, None)) is not None:
            self._weight -= old.weight
        if body is not None:
            self._kept[path] = body
            self._weight += body.weight
            while self._weight > self._memory:
                _, dropped = self._kept.popitem(last=False)
                self._weight -= dropped.weight
        return body


@lru_cache(maxsize=1024)
def clean(raw: str) -> str | None:
    """The file a percent-encoded path means, relative to the site; ``None`` for no honest path.

    Segments are taken apart before they are decoded, so that an encoded slash never makes a new
    segment.  Hidden names are not published: files being written begin with a dot.
    """
    segments = raw.removeprefix("/").split("/")
    if segments[-1] == "":
        segments[-1] = "index.html"
    names = []
    for segment in segments:
        try:
            name = unquote_to_bytes(segment).decode()
        except UnicodeDecodeError:
            return None
        if not name or name.startswith(".") or any(c in name for c in "/\\\0"):
            return None
        names.append(name)
    return "/".join(names)


def _read(folder: Path, path: str) -> Body | None:
    """The file, if it lies inside the site after every link was followed."""
    try:
        real = os.path.realpath(folder / path, strict=True)
        # Beside its release, a site may link to the folder its releases share.
        homes = (
            os.path.realpath(folder),
            os.path.realpath(folder.parent / f".{folder.name}-shared"),
        )
        if not any(real.startswith(home + os.sep) for home in homes):
            log.warning("the site links to a file outside of it, which is not served")
            return None
        with open(os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                return None
            if status.st_size > LARGEST:
                log.error("a file of the site is larger than %d bytes: %s", LARGEST, path)
                return None
            data = file.read()
    except OSError:
        return None
    suffix = os.path.splitext(path)[1].lower()
    squeezed = None
    if len(data) > SMALL and suffix not in COMPRESSED:
        squeezed = gzip.compress(data, 6, mtime=0)
    return Body(
        path=path,
        media_type=MEDIA_TYPES.get(suffix, "application/octet-stream"),
        data=data,
        squeezed=squeezed if squeezed is not None and len(squeezed) < len(data) else None,
        digest=hashlib.sha256(data).hexdigest(),
        modified=int(status.st_mtime),
        styles=tuple(map(_policy_digest, _STYLE.findall(data))) if suffix == ".html" else (),
        signature=_signature(status),
    )


def _signature(status: os.stat_result) -> Signature:
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size


def _policy_digest(style: bytes) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(style).digest()).decode()}'"
