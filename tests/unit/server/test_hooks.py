"""The door for far sides: a call comes through whole, and nothing is learnt at the door."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from broadcaster.delivery.contract import Call, Env
from broadcaster.delivery.lane import Lane
from broadcaster.server.hooks import MOST, Hooks
from broadcaster.testing import FakeClock, RecordingChannel, env

BASE = "https://warnung.example.org/city"
SECRET = "an-address-nobody-can-guess"


@dataclass
class Lanes:
    """What stands behind the door."""

    calls: list[tuple[str, Call]] = field(default_factory=list)
    status: int = 200
    error: Exception | None = None

    async def called(self, lane: str, call: Call) -> int:
        self.calls.append((lane, call))
        if self.error is not None:
            raise self.error
        return self.status if lane == "texts" else 404


@pytest.fixture
def lanes() -> Lanes:
    return Lanes()


@pytest.fixture
async def door(lanes: Lanes) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    app = web.Application()
    app.add_routes(Hooks(lanes.called, BASE, reading=0.2).routes())
    server = TestServer(app)
    await server.start_server(access_log=None)  # as the daemon does
    async with TestClient(server) as client:
        yield client


async def test_a_call_comes_through_as_it_was_made(
    door: TestClient[web.Request, web.Application], lanes: Lanes
) -> None:
    path = f"/hooks/texts/{SECRET}?text=%e4%20&x=a%2Fb+c&text=&flag"
    body = b'{"a": "\xc3\xa4"}\r\n'
    response = await door.post(
        URL(path, encoded=True), data=body, headers={"X-Signature": "Ab", "Content-Type": "a/b"}
    )
    assert (response.status, await response.read()) == (200, b"")
    ((lane, call),) = lanes.calls
    assert lane == "texts"
    assert call.url == BASE + path
    assert (call.method, call.body, call.remote) == ("POST", body, "127.0.0.1")
    assert call.headers["x-signature"] == "Ab"
    assert all(name == name.lower() for name in call.headers)


async def test_a_get_is_a_call_too_and_exercises_have_a_door_of_their_own(
    door: TestClient[web.Request, web.Application], lanes: Lanes
) -> None:
    response = await door.get(f"/exercise/hooks/texts.exercise/{SECRET}?a=1")
    assert response.status == 404
    ((lane, call),) = lanes.calls
    assert lane == "texts.exercise"
    assert call.url == f"{BASE}/exercise/hooks/texts.exercise/{SECRET}?a=1"


@pytest.mark.parametrize("status", [200, 204, 400, 403, 404, 503])
async def test_the_channels_word_is_the_answer_and_nothing_is_added(
    status: int, door: TestClient[web.Request, web.Application], lanes: Lanes
) -> None:
    lanes.status = status
    response = await door.post(f"/hooks/texts/{SECRET}")
    assert (response.status, await response.read()) == (status, b"")


async def test_nobody_learns_at_the_door_which_channels_there_are(
    door: TestClient[web.Request, web.Application], lanes: Lanes
) -> None:
    lanes.status = 404
    shapes = set()
    for method, path in (
        ("POST", f"/hooks/texts/{SECRET}"),
        ("POST", f"/hooks/elsewhere/{SECRET}"),
        ("POST", "/hooks/texts/"),
        ("POST", "/hooks/texts"),
        ("GET", "/hooks/"),
        ("GET", "/hooks//x"),
        ("PUT", f"/hooks/texts/{SECRET}"),
        ("DELETE", f"/hooks/texts/{SECRET}"),
        ("OPTIONS", f"/hooks/texts/{SECRET}"),
    ):
        response = await door.request(method, path)
        names = tuple(sorted(set(response.headers) - {"Date"}))
        shapes.add((response.status, await response.read(), names))
    assert len(shapes) == 1
    assert next(iter(shapes))[:2] == (404, b"")


async def test_a_call_that_is_too_long_reaches_no_channel_whatever_its_address(
    door: TestClient[web.Request, web.Application], lanes: Lanes
) -> None:
    for path in (f"/hooks/texts/{SECRET}", "/hooks/x/y"):
        response = await door.post(path, data=b"x" * (MOST + 1))
        assert (response.status, await response.read()) == (413, b"")
    assert lanes.calls == []
    response = await door.post(f"/hooks/texts/{SECRET}", data=b"x" * MOST)
    assert response.status == 200


async def test_neither_address_nor_query_reaches_a_log_even_when_a_channel_breaks(
    door: TestClient[web.Request, web.Application],
    lanes: Lanes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    lanes.error = RuntimeError("+491713920011 said STOP")
    response = await door.post(f"/hooks/texts/{SECRET}?from=%2B491713920011", data=b"STOP")
    assert (response.status, await response.read()) == (500, b"")
    said = caplog.text
    assert "RuntimeError" in said
    for hidden in (SECRET, "3920011", "127.0.0.1", "STOP"):
        assert hidden not in said


# --- from the door to the channel ----------------------------------------------------------------


class Answering(RecordingChannel):
    """A channel that notes in which thread it was called."""

    threads: list[str]

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.threads = []
        self.answers: int | Exception | None = 200

    async def called(self, call: Call) -> int:
        self.threads.append(threading.current_thread().name)
        if self.answers is None:
            await asyncio.sleep(60)
        if isinstance(self.answers, Exception):
            raise self.answers
        assert isinstance(self.answers, int)
        return self.answers


def lane(tmp_path: Path, type_: type[RecordingChannel]) -> Lane:
    return Lane(
        type_=type_.kind_of("recording"),
        settings=type_.kind_of("recording").settings({}),
        env=env(tmp_path, name="texts"),
        store=None,  # type: ignore[arg-type]  # a call needs none
        source=None,  # type: ignore[arg-type]
        clock=FakeClock(),
        owner="me",
        timeout=1,
        on_progress=lambda _: None,
    )


CALL = Call(method="POST", url=f"{BASE}/hooks/texts/x", headers={}, body=b"", remote="")


async def test_a_lane_calls_its_channel_in_its_own_thread(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = lane(tmp_path, Answering)
    assert await made.called(CALL, within=1) == 404, "it is not open yet"
    await asyncio.to_thread(made.open)
    try:
        channel = made.channel
        assert isinstance(channel, Answering)
        assert await made.called(CALL, within=1) == 200
        assert channel.threads == ["lane-texts"]
        channel.answers = None
        assert await made.called(CALL, within=0.05) == 503
        channel.answers = ValueError("+491713920011")
        assert await made.called(CALL, within=1) == 500
        assert "3920011" not in caplog.text
    finally:
        await asyncio.to_thread(made.close)


async def test_a_lane_whose_channel_takes_no_calls_has_nothing_there(tmp_path: Path) -> None:
    made = lane(tmp_path, RecordingChannel)
    await asyncio.to_thread(made.open)
    try:
        assert await made.called(CALL, within=1) == 404
    finally:
        await asyncio.to_thread(made.close)


@pytest.mark.parametrize(
    ("proxies", "seen"),
    [(("127.0.0.1",), "192.0.2.7"), (("10.0.0.1",), "127.0.0.1"), ((), "127.0.0.1")],
)
async def test_only_our_own_proxy_is_believed_who_called(
    proxies: tuple[str, ...], seen: str, lanes: Lanes
) -> None:
    app = web.Application()
    app.add_routes(Hooks(lanes.called, BASE, proxies=proxies).routes())
    async with TestClient(TestServer(app)) as client:
        headers = {"X-Forwarded-For": "203.0.113.9, 192.0.2.7"}
        await client.post(f"/hooks/texts/{SECRET}", headers=headers)
        await client.post(f"/hooks/texts/{SECRET}")
    assert [call.remote for _, call in lanes.calls] == [seen, "127.0.0.1"]


async def test_a_caller_that_never_finishes_is_let_go(
    door: TestClient[web.Request, web.Application], lanes: Lanes
) -> None:
    assert door.port is not None
    with socket.create_connection(("127.0.0.1", door.port)) as slow:
        slow.sendall(b"POST /hooks/texts/x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab")
        slow.settimeout(5)
        answer = await asyncio.to_thread(slow.recv, 200)
    assert answer.startswith(b"HTTP/1.1 408")
    assert lanes.calls == []
