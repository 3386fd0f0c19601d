"""The published site over HTTP: right bytes, right headers, and nothing but the site."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from broadcaster.server.http import Choice, application
from broadcaster.server.site import Body, PublishedSite, clean

LONG_AGO = 1_700_000_000
STYLE = "body { color: black }"
PAGE = f"<!DOCTYPE html><html lang=de><style>{STYLE}</style><p>Warnung — تحذير</p>" + "x " * 900
SOUND = bytes(range(256)) * 2000
CHOICES = [
    Choice("de", "ltr", "Deutsch", "Warnungen"),
    Choice("ar", "rtl", "العربية", "تحذيرات <&>"),
]


class FakeHealth:
    def __init__(self) -> None:
        self.why: list[str] = []

    async def reasons(self) -> list[str]:
        return self.why

    async def metrics(self) -> str:
        return "up 1\n"


def release(data: Path, number: int, files: dict[str, str | bytes], name: str = "www") -> None:
    """Publish as the site's channels do: a folder, and a link turned to it in one step."""
    folder = data / f".{name}-releases" / str(number)
    before = data / name
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        content = content if isinstance(content, bytes) else content.encode()
        if (before / path).exists() and (before / path).read_bytes() == content:
            os.link((before / path).resolve(), target)
            continue
        target.write_bytes(content)
        os.utime(target, (LONG_AGO, LONG_AGO))
    shared = data / f".{name}-shared" / "audio"
    shared.mkdir(parents=True, exist_ok=True)
    (folder / "audio").symlink_to(os.path.relpath(shared, folder))
    link = data / "next"
    link.symlink_to(f".{name}-releases/{number}")
    os.rename(link, data / name)


FILES: dict[str, str | bytes] = {
    "index.html": PAGE,
    "de/index.html": PAGE,
    "de/alerts/urn:oid:2.49/index.html": PAGE,
    "cap/a.xml": "<alert/>",
    "feed/de.atom": "<feed/>",
    "feed/de.rss": "<rss/>",
    "style.0123456789ab.css": STYLE,
    "style.css": STYLE,
    "sign.svg": "<svg/>",
    "note.txt": "Ä",
    ".hidden": "secret",
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    release(tmp_path, 1, FILES)
    release(tmp_path, 1, {"index.html": "<p>Exercise"}, name="www-exercise")
    audio = tmp_path / ".www-shared" / "audio" / "a"
    audio.mkdir()
    (audio / "de.mp3").write_bytes(SOUND)
    os.utime(audio / "de.mp3", (LONG_AGO, LONG_AGO))
    (tmp_path / "broadcaster.db").write_text("secret")
    return tmp_path


@asynccontextmanager
async def served(data: Path, health: Any = None) -> AsyncIterator[TestClient[Any, Any]]:
    app = application(
        PublishedSite(data / "www"),
        PublishedSite(data / "www-exercise"),
        health or cast("Any", FakeHealth()),
        CHOICES,
        "https://warn.example.org",
    )
    async with TestClient(TestServer(app), auto_decompress=False) as client:
        yield client


async def get(client: TestClient[Any, Any], path: str, **headers: str) -> ClientResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named.setdefault("Accept-Encoding", "identity")
    return await client.get(URL(path, encoded=True), headers=named, allow_redirects=False)


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/de/", "text/html; charset=utf-8"),
        ("/de/index.html", "text/html; charset=utf-8"),
        ("/de/alerts/urn:oid:2.49/", "text/html; charset=utf-8"),
        ("/de/alerts/urn%3Aoid%3A2.49/", "text/html; charset=utf-8"),
        ("/cap/a.xml", "application/cap+xml"),
        ("/feed/de.atom", "application/atom+xml; charset=utf-8"),
        ("/feed/de.rss", "application/rss+xml; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/sign.svg", "image/svg+xml"),
        ("/note.txt", "text/plain; charset=utf-8"),
        ("/audio/a/de.mp3", "audio/mpeg"),
    ],
)
async def test_every_document_has_its_own_bytes_and_media_type(
    data: Path, path: str, media_type: str
) -> None:
    async with served(data) as client:
        response = await get(client, path)
        assert response.status == 200
        assert response.headers["Content-Type"] == media_type
        file = path.replace("%3A", ":").strip("/")
        file = (
            file if "." in file.rsplit("/", 1)[-1] and "oid" not in file else f"{file}/index.html"
        )
        expected = (data / "www" / file.lstrip("/")).read_bytes()
        assert await response.read() == expected
        assert response.headers["ETag"] == f'"{hashlib.sha256(expected).hexdigest()}"'
        assert response.headers["Last-Modified"] == formatdate(LONG_AGO, usegmt=True)


@pytest.mark.parametrize(
    "path",
    [
        "/../broadcaster.db",
        "/..%2fbroadcaster.db",
        "/%2e%2e/broadcaster.db",
        "/%2e%2e%2fbroadcaster.db",
        "/de/../../broadcaster.db",
        "/de/..%5c..%5cbroadcaster.db",
        "/audio/../../broadcaster.db",
        "/exercise/../broadcaster.db",
        "/exercise/%2e%2e/www/note.txt",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/.hidden",
        "/%2ehidden",
        "/note.txt%00.html",
        "/note.txt/",
        "/%ff",
        "/" + "a" * 5000,
        "/de//",
    ],
)
async def test_nothing_but_the_site_is_ever_given_away(data: Path, path: str) -> None:
    async with served(data) as client:
        # Written by hand: a client library would tidy the path.
        assert client.port is not None
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        assert answer.split(b" ", 2)[1] == b"404", answer[:200]
        assert b"secret" not in answer
        assert b"root:" not in answer


async def test_a_link_out_of_the_site_leads_nowhere(data: Path) -> None:
    (data / "www" / "leak.txt").symlink_to(data / "broadcaster.db")
    (data / "www" / "out").symlink_to(data)
    (data / "www" / "inside.txt").symlink_to("note.txt")
    os.mkfifo(data / "www" / "pipe.txt")
    async with served(data) as client:
        assert (await get(client, "/leak.txt")).status == 404
        assert (await get(client, "/out/broadcaster.db")).status == 404
        assert (await get(client, "/pipe.txt")).status == 404
        assert (await get(client, "/inside.txt")).status == 200


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/", "index.html"),
        ("/de/", "de/index.html"),
        ("/a%20b.txt", "a b.txt"),
        ("/%C3%A4", "ä"),
        ("", "index.html"),
        ("/a//b", None),
        ("/./a", None),
        ("/a/%2e%2e/b", None),
        ("/a%2Fb", None),
        ("/a%5Cb", None),
        ("/%00", None),
        ("/%c3", None),
    ],
)
def test_a_path_is_taken_apart_before_it_is_decoded(raw: str, path: str | None) -> None:
    assert clean(raw) == path


async def test_a_publication_shows_with_the_next_request(data: Path) -> None:
    async with served(data) as client:
        before = await get(client, "/de/")
        assert await before.text() == PAGE
        release(data, 2, FILES | {"de/index.html": "<p>All clear", "new.txt": "new"})
        after = await get(client, "/de/", If_None_Match=before.headers["ETag"])
        assert after.status == 200
        assert await after.text() == "<p>All clear"
        assert (await get(client, "/new.txt")).status == 200
        release(data, 3, {k: v for k, v in FILES.items() if k != "note.txt"})
        assert (await get(client, "/note.txt")).status == 404


async def test_a_file_that_did_not_change_is_read_once_across_publications(data: Path) -> None:
    site = PublishedSite(data / "www")
    first, *others = await asyncio.gather(*(site.find("/de/") for _ in range(30)))
    assert isinstance(first, Body)
    assert all(other is first for other in others)
    front = await site.find("/")
    release(data, 2, FILES | {"index.html": "<p>new"})
    assert await site.find("/de/") is first
    assert await site.find("/") is not front


async def test_the_memory_of_a_site_has_an_end(data: Path) -> None:
    site = PublishedSite(data / "www", memory=len(SOUND) + 2000)
    for _ in range(2):
        for path in ("/audio/a/de.mp3", "/note.txt", "/de/"):
            body = await site.find(path)
            assert isinstance(body, Body)
    assert site._weight <= len(SOUND) + 2000
    assert site._weight == sum(body.weight for body in site._kept.values())


async def test_an_unchanged_document_is_not_sent_again(data: Path) -> None:
    async with served(data) as client:
        first = await get(client, "/feed/de.atom")
        tag, modified = first.headers["ETag"], first.headers["Last-Modified"]
        for headers in (
            {"If_None_Match": tag},
            {"If_None_Match": f'"other", W/{tag}'},
            {"If_None_Match": "*"},
            {"If_Modified_Since": modified},
        ):
            again = await get(client, "/feed/de.atom", **headers)
            assert again.status == 304, headers
            assert again.headers["ETag"] == tag
            assert await again.read() == b""
        for headers in (
            {"If_None_Match": '"other"'},
            {"If_None_Match": '"other"', "If_Modified_Since": modified},
            {"If_None_Match": "nonsense", "If_Modified_Since": modified},
            {"If_Modified_Since": formatdate(time.time(), usegmt=True)},
        ):
            assert (await get(client, "/feed/de.atom", **headers)).status == 200, headers


async def test_two_publications_within_a_second_are_told_apart(data: Path) -> None:
    fresh = data / "www" / "note.txt"
    fresh.write_text("danger")
    async with served(data) as client:
        first = await get(client, "/note.txt")
        assert "Last-Modified" not in first.headers
        stamp = formatdate(int(fresh.stat().st_mtime), usegmt=True)
        assert (await get(client, "/note.txt", If_Modified_Since=stamp)).status == 200


async def test_a_page_is_squeezed_for_who_can_take_it_and_says_so(data: Path) -> None:
    async with served(data) as client:
        plain = await get(client, "/de/")
        small = await get(client, "/de/", Accept_Encoding="br, gzip;q=0.8")
        assert small.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(await small.read()) == await plain.read()
        assert small.headers["ETag"] != plain.headers["ETag"]
        assert small.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
        again = await get(
            client, "/de/", Accept_Encoding="gzip", If_None_Match=small.headers["ETag"]
        )
        assert again.status == 304
        refused = await get(client, "/de/", Accept_Encoding="gzip;q=0")
        assert "Content-Encoding" not in refused.headers
        sound = await get(client, "/audio/a/de.mp3", Accept_Encoding="gzip")
        assert "Content-Encoding" not in sound.headers


async def test_head_says_what_get_would_and_sends_nothing(data: Path) -> None:
    async with served(data) as client:
        for path, size in (("/note.txt", 2), ("/audio/a/de.mp3", len(SOUND))):
            response = await client.head(path, headers={"Accept-Encoding": "identity"})
            assert response.status == 200
            assert response.headers["Content-Length"] == str(size)
            assert (await get(client, path)).headers["ETag"] == response.headers["ETag"]
            assert await response.read() == b""


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, len(SOUND)),
        ("bytes=-500", len(SOUND) - 500, len(SOUND)),
        ("bytes=0-99999999", 0, len(SOUND)),
        ("bytes=-99999999", 0, len(SOUND)),
        ("bytes=5-5", 5, 6),
    ],
)
async def test_a_part_of_a_sound_can_be_asked_for(
    data: Path, asked: str, start: int, stop: int
) -> None:
    async with served(data) as client:
        response = await get(client, "/audio/a/de.mp3", Range=asked)
        assert response.status == 206
        assert response.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(SOUND)}"
        assert response.headers["Content-Length"] == str(stop - start)
        assert await response.read() == SOUND[start:stop]


async def test_a_part_that_is_not_there_is_refused_and_nonsense_gets_the_whole(data: Path) -> None:
    async with served(data) as client:
        beyond = await get(client, "/audio/a/de.mp3", Range=f"bytes={len(SOUND)}-")
        assert beyond.status == 416
        assert beyond.headers["Content-Range"] == f"bytes */{len(SOUND)}"
        for asked in ("bytes=9-3", "lines=1-2", "bytes=0-1,5-6", "bytes=x-"):
            assert (await get(client, "/audio/a/de.mp3", Range=asked)).status == 200, asked


async def test_a_download_is_resumed_only_with_the_file_it_began_with(data: Path) -> None:
    async with served(data) as client:
        tag = (await get(client, "/audio/a/de.mp3")).headers["ETag"]
        resumed = await get(client, "/audio/a/de.mp3", Range="bytes=10-", If_Range=tag)
        assert resumed.status == 206
        (data / ".www-shared" / "audio" / "a" / "de.mp3").write_bytes(SOUND[::-1])
        anew = await get(client, "/audio/a/de.mp3", Range="bytes=10-", If_Range=tag)
        assert anew.status == 200
        assert await anew.read() == SOUND[::-1]


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/cap/a.xml", "public, max-age=31536000, immutable"),
        ("/style.0123456789ab.css", "public, max-age=31536000, immutable"),
        ("/style.css", "public, max-age=15"),
        ("/de/", "public, max-age=15"),
        ("/feed/de.atom", "public, max-age=15"),
        ("/audio/a/de.mp3", "public, max-age=300"),
        ("/nothing", "no-store"),
        ("/healthz", "no-store"),
    ],
)
async def test_only_what_never_changes_may_be_kept_for_long(
    data: Path, path: str, kept: str
) -> None:
    async with served(data) as client:
        assert (await get(client, path)).headers["Cache-Control"] == kept


@pytest.mark.parametrize("path", ["/", "/cap/a.xml", "/nothing", "/readyz", "/exercise/", "/de"])
async def test_every_answer_forbids_a_page_to_do_more_than_be_read(data: Path, path: str) -> None:
    async with served(data) as client:
        headers = (await get(client, path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "geolocation=()" in headers["Permissions-Policy"]
        assert headers["Server"] == "Broadcaster"
        rules = dict(rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; "))
        assert rules["default-src"] == rules["base-uri"] == rules["frame-ancestors"] == "'none'"
        assert "unsafe" not in headers["Content-Security-Policy"]


async def test_a_page_may_use_its_own_style_sheet_and_no_other(data: Path) -> None:
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    async with served(data) as client:
        assert (
            f"style-src 'self' 'sha256-{digest}';"
            in (await get(client, "/de/")).headers["Content-Security-Policy"]
        )


async def test_writing_is_not_offered_and_the_refusal_is_as_guarded(data: Path) -> None:
    async with served(data) as client:
        response = await client.post("/de/")
        assert response.status == 405
        assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/de", "./de/"),
        ("/de/alerts/urn:oid:2.49", "./urn:oid:2.49/"),
        ("/exercise", "./exercise/"),
    ],
)
async def test_a_folder_without_its_slash_is_found_wherever_a_proxy_puts_us(
    data: Path, path: str, location: str
) -> None:
    async with served(data) as client:
        response = await get(client, path)
        assert response.status == 301
        assert response.headers["Location"] == location
        followed = await client.get(path)
        assert followed.status == 200
        assert str(followed.url.path) == f"{path}/"


async def test_what_is_not_there_is_said_in_words_with_the_way_to_every_language(
    data: Path,
) -> None:
    async with served(data) as client:
        response = await get(client, "/de/nothing.html")
        text = await response.text()
        assert response.status == 404
        assert "There is no page at this address" in text
        assert 'href="https://warn.example.org/de/"' in text
        assert '<a href="https://warn.example.org/ar/" lang="ar" dir="rtl"' in text
        assert "تحذيرات &lt;&amp;&gt;" in text
        drill = await (await get(client, "/exercise/nothing")).text()
        assert 'href="https://warn.example.org/exercise/de/"' in drill


async def test_exercises_stand_apart_and_no_search_engine_finds_them(data: Path) -> None:
    async with served(data) as client:
        drill = await get(client, "/exercise/")
        assert await drill.text() == "<p>Exercise"
        assert drill.headers["X-Robots-Tag"] == "noindex"
        assert (await get(client, "/exercise/cap/a.xml")).status == 404
        assert "X-Robots-Tag" not in (await get(client, "/")).headers


async def test_before_anything_is_published_the_doors_answer_all_the_same(tmp_path: Path) -> None:
    async with served(tmp_path) as client:
        assert (await get(client, "/")).status == 404
        assert (await get(client, "/exercise/")).status == 404
        assert await (await client.get("/healthz")).json() == {"alive": True}


async def test_readiness_gives_its_reasons(data: Path) -> None:
    health = FakeHealth()
    async with served(data, health) as client:
        ready = await client.get("/readyz")
        assert (ready.status, await ready.json()) == (200, {"ready": True, "reasons": []})
        health.why = ["channel texts: no route to the gateway"]
        broken = await client.get("/readyz")
        assert broken.status == 503
        assert await broken.json() == {"ready": False, "reasons": health.why}


async def test_metrics_are_given_in_the_format_prometheus_reads(data: Path) -> None:
    async with served(data) as client:
        response = await client.get("/metrics")
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert await response.read() == b"up 1\n"
