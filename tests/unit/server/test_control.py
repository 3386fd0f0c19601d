"""The officers' socket: who asks, what is answered, and what a client cannot break."""

from __future__ import annotations

import asyncio
import getpass
import json
import logging
import stat
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from broadcaster.model.errors import BadInput, Problem, Refused, Unavailable
from broadcaster.server.answers import BUG
from broadcaster.server.control import LONGEST, Control

END = {"event": "end", "exit": 0}
NUMBER = "+4917139200001"


class FakeDesk:
    """Remembers what it was asked and plays one scene per command."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, Any]] = []
        self.done: list[str] = []
        self.gate = asyncio.Event()
        self.watching = 0

    async def handle(self, request: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
        self.asked.append(request)
        command = request["command"]
        if command == "issue":
            yield {"event": "preview", "headline": "Hitze · حر"}
            await self.gate.wait()
            yield {"event": "committed", "identifier": "x.1", "held": False, "approval": []}
            self.done.append("issue")
        elif command == "flood":
            for number in range(2000):
                yield {"event": "progress", "n": number, "fill": "x" * 1000}
            self.done.append("flood")
        elif command == "status":
            self.watching += 1
            try:
                while True:
                    yield {"event": "progress", "fill": "x" * 10_000}
                    await asyncio.sleep(0.001)
            finally:
                self.watching -= 1
        elif command == "wait":
            yield {"event": "committed", "identifier": "x.1", "held": False, "approval": []}
            await asyncio.Event().wait()
        elif command == "refuse":
            raise Refused([Problem("approval", "needs a second officer"), Problem("b", "c")])
        elif command == "break":
            raise RuntimeError(f"cannot reach {NUMBER}")
        elif command == "mute":
            return
        elif command == "strange":
            yield {"event": "result", "result": object()}
        yield END


@asynccontextmanager
async def opened(data: Path, **options: Any) -> AsyncIterator[tuple[Control, FakeDesk]]:
    desk = FakeDesk()
    control = Control(data, desk, **options)
    await control.start()
    try:
        yield control, desk
    finally:
        await control.stop(grace=0.1)


async def send(control: Control, line: bytes) -> list[dict[str, Any]]:
    reader, writer = await asyncio.open_unix_connection(str(control.path), limit=2**26)
    writer.write(line)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return [json.loads(one) for one in answer.splitlines()]


async def ask(control: Control, command: str, **more: Any) -> list[dict[str, Any]]:
    return await send(control, json.dumps({"command": command, **more}).encode() + b"\n")


async def soon(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - it looks at the outside of others
            await asyncio.sleep(0.005)


async def test_the_user_is_who_the_kernel_says_and_not_who_the_request_says(tmp_path: Path) -> None:
    async with opened(tmp_path) as (control, desk):
        assert await ask(control, "list", user="mallory", arguments={"all": True}) == [END]
        assert desk.asked == [
            {"command": "list", "arguments": {"all": True}, "token": "", "user": getpass.getuser()}
        ]


async def test_nobody_can_pass_a_request_off_as_a_spooled_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as (control, desk):
        await ask(control, "list", arguments={"spool": "other.json", "id": "7"})
        assert desk.asked[0]["arguments"] == {"id": "7"}


async def test_only_owner_and_group_can_knock(tmp_path: Path) -> None:
    async with opened(tmp_path) as (control, _):
        assert stat.S_IMODE(control.path.stat().st_mode) == 0o660


async def test_a_dead_socket_is_replaced_and_ours_is_taken_away_at_the_end(tmp_path: Path) -> None:
    first = Control(tmp_path, FakeDesk())
    await first.start()
    first._server.close()  # as a crash leaves it: the file stays
    assert first.path.exists()
    async with opened(tmp_path) as (control, _):
        assert await ask(control, "list") == [END]
    assert not control.path.exists()


async def test_a_file_in_the_place_of_the_socket_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "broadcaster.sock").write_text("mine")
    with pytest.raises(Unavailable, match="in the way"):
        await Control(tmp_path, FakeDesk()).start()
    assert (tmp_path / "broadcaster.sock").read_text() == "mine"


async def test_a_data_folder_too_deep_for_a_socket_is_refused_in_words(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    with pytest.raises(Unavailable, match="less than 90 characters"):
        await Control(deep, FakeDesk()).start()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{\n", "is not JSON"),
        (b"\xff\xfe{}\n", "is not JSON"),
        (b"[" * 100_000 + b"\n", "is not JSON"),
        (b"[]\n", "is not a JSON object"),
        (b"{}\n", "is missing"),
        (b'{"command": "list", "arguments": 3}\n', "is not a JSON object"),
        (b'{"command": "list", "token": 3}\n', "is not text"),
    ],
)
async def test_a_bad_request_is_named_and_ends_with_2(
    tmp_path: Path, line: bytes, says: str
) -> None:
    async with opened(tmp_path) as (control, desk):
        problems, end = await send(control, line)
        assert problems["problems"][0]["says"] == says
        assert problems["problems"][0]["remedy"]
        assert end == {"event": "end", "exit": BadInput.exit_code}
        assert desk.asked == []


async def test_half_a_request_is_never_taken_for_a_whole_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as (control, desk):
        reader, writer = await asyncio.open_unix_connection(str(control.path))
        writer.write(b'{"command": "issue"}')  # complete JSON, but who knows
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        assert b"broke off" in answer
        assert json.loads(answer.splitlines()[-1]) == {"event": "end", "exit": 2}
        assert desk.asked == []


async def test_a_request_of_30_mb_is_taken_and_one_over_the_limit_is_refused(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as (control, desk):
        large = {"data": "A" * 30_000_000}
        assert await ask(control, "list", arguments=large) == [END]
        assert len(desk.asked[0]["arguments"]["data"]) == 30_000_000
        reader, writer = await asyncio.open_unix_connection(str(control.path))
        writer.write(b" " * (LONGEST + 100))
        answer = await reader.read()
        writer.transport.abort()
        assert b"longer than 32 MB" in answer


async def test_a_refusal_names_every_problem_and_ends_with_its_code(tmp_path: Path) -> None:
    async with opened(tmp_path) as (control, _):
        problems, end = await ask(control, "refuse")
        assert [p["path"] for p in problems["problems"]] == ["approval", "b"]
        assert end["exit"] == 5


@pytest.mark.parametrize("command", ["break", "mute", "strange"])
async def test_a_bug_behind_the_desk_is_called_one_and_logged_without_its_words(
    tmp_path: Path, command: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path) as (control, _):
        with caplog.at_level(logging.ERROR):
            *_, problems, end = await ask(control, command)
        assert end == {"event": "end", "exit": BUG}
        assert "bug" in problems["problems"][0]["says"]
        assert "File " in caplog.text  # where
        assert NUMBER not in caplog.text + json.dumps(problems)
        assert await ask(control, "list") == [END]  # and the daemon lives


async def test_a_client_that_hangs_up_does_not_stop_what_it_began(tmp_path: Path) -> None:
    async with opened(tmp_path) as (control, desk):
        reader, writer = await asyncio.open_unix_connection(str(control.path))
        writer.write(b'{"command": "issue"}\n')
        assert b"preview" in await reader.readline()
        writer.transport.abort()
        await asyncio.sleep(0.02)
        desk.gate.set()
        await soon(lambda: desk.done == ["issue"])
        await soon(lambda: not control._talks)
        await soon(lambda: not control._works)


async def test_what_only_watches_ends_with_its_watcher(tmp_path: Path) -> None:
    async with opened(tmp_path) as (control, desk):
        reader, writer = await asyncio.open_unix_connection(str(control.path))
        writer.write(b'{"command": "status"}\n')
        await reader.readline()
        assert desk.watching == 1
        writer.transport.abort()
        await soon(lambda: desk.watching == 0)


async def test_a_client_that_does_not_read_holds_up_neither_its_work_nor_others(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, patience=0.2) as (control, desk):
        _, writer = await asyncio.open_unix_connection(str(control.path), limit=100)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b'{"command": "flood"}\n')
        async with asyncio.timeout(1):
            assert await ask(control, "list") == [END]
        await soon(lambda: desk.done == ["flood"])
        await soon(lambda: not control._talks)  # and it is let go
        writer.transport.abort()


async def test_many_clients_are_answered_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as (control, desk):
        waiting = [asyncio.create_task(ask(control, "issue")) for _ in range(50)]
        await soon(lambda: len(desk.asked) == 50)
        desk.gate.set()
        for events in await asyncio.gather(*waiting):
            assert [e["event"] for e in events] == ["preview", "committed", "end"]
            assert events[0]["headline"] == "Hitze · حر"


async def test_a_daemon_that_stops_says_what_becomes_of_a_command(tmp_path: Path) -> None:
    async with opened(tmp_path) as (control, desk):
        stored = asyncio.create_task(ask(control, "wait"))
        undone = asyncio.create_task(ask(control, "issue"))
        await soon(lambda: len(desk.asked) == 2)
        await control.stop(grace=0.1)
        *_, problems, end = await stored
        assert "is stored" in problems["problems"][0]["says"]
        assert end["exit"] == 3
        *_, problems, end = await undone
        assert "nobody knows" in problems["problems"][0]["says"]
        assert end["exit"] == 5
