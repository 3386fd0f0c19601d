"""A modem through gammu-smsd's folders, with a stand-in for it and with the real one."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from broadcaster.clock import Clock, SystemClock
from broadcaster.delivery.contract import Heard, Receipt, State
from broadcaster.model.errors import BadInput, Permanent, Transient
from broadcaster.testing import FakeClock
from broadcaster.testing import env as an_env
from channels.sms.gateway import Gateway, Recipient, Submission
from channels.sms.gateways.gammu import WHOLE, GammuDriver
from channels.sms.segments import decode, encode

NUMBERS = ("+491713920011", "+491713920012")
TEXT = "Şiddetli yağış! می\u200cتوانید 😀 €"


@dataclass
class Spool:
    folder: Path

    def __post_init__(self) -> None:
        for name in ("outbox", "sent", "error", "inbox"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    def raw(self) -> dict[str, Any]:
        return {name: str(self.folder / name) for name in ("outbox", "sent", "error", "inbox")}

    def names(self, name: str) -> list[str]:
        return sorted(path.name for path in (self.folder / name).iterdir())

    def move(self, name: str, to: str) -> None:
        (self.folder / "outbox" / name).rename(self.folder / to / name)

    def receive(self, name: str, data: bytes, at: float) -> Path:
        path = self.folder / "inbox" / name
        path.write_bytes(data)
        os.utime(path, (at, at))
        return path


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@asynccontextmanager
async def opened(tmp_path: Path, spool: Spool, clock: Clock) -> AsyncIterator[Gateway]:
    driver = GammuDriver()
    async with driver.open(driver.settings(spool.raw()), an_env(tmp_path, clock=clock)) as gateway:
        yield gateway


def submission(clock: Clock, *numbers: str, text: str = TEXT, key: str = "k") -> Submission:
    made = encode(text, reference=1)
    return Submission(
        key=key,
        alert="a",
        status="Actual",
        operation="Alert",
        mode="live",
        sender=None,
        priority=3,
        expires=clock.now() + timedelta(hours=1),
        validity_period="",
        language="tr",
        variant="short",
        text=decode(made.parts, made.alphabet),
        alphabet=str(made.alphabet),
        data_coding=made.alphabet.data_coding,
        esm_class=made.esm_class,
        segments=made.parts,
        recipients=tuple(Recipient(f"{key}~{at}", to) for at, to in enumerate(numbers or NUMBERS)),
    )


def hides(error: BaseException) -> None:
    """No number shows in the error, nor in what caused it."""
    seen: BaseException | None = error
    while seen is not None:
        assert "3920" not in str(seen) + repr(seen)
        seen = seen.__cause__ or seen.__context__


async def evidence(gateway: Gateway, count: int, within: float = 5) -> list[Receipt]:
    """The next receipts, each asked for after the one before was kept."""
    found: list[Receipt] = []
    enough = asyncio.Event()

    async def listen() -> None:
        async for receipt in gateway.receipts():
            found.append(receipt)
            if len(found) >= count:
                enough.set()

    await _until(listen(), enough, within)
    return found


async def messages(gateway: Gateway, count: int) -> list[Heard]:
    found: list[Heard] = []
    enough = asyncio.Event()

    async def listen() -> None:
        async for heard in gateway.heard():
            found.append(heard)
            await heard.kept()
            if len(found) >= count:
                enough.set()

    await _until(listen(), enough, 5)
    return found


async def _until(
    listening: Coroutine[Any, Any, None], enough: asyncio.Event, within: float
) -> None:
    task = asyncio.ensure_future(listening)
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            await enough.wait()
            await asyncio.sleep(0.2)  # for what follows the last one
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_text_is_put_whole_into_the_outbox_for_each_phone(
    tmp_path: Path, spool: Spool, clock: FakeClock
) -> None:
    async with opened(tmp_path, spool, clock) as gateway:
        receipts = await gateway.submit(submission(clock))
    assert [(r.key, r.state) for r in receipts] == [
        ("k~0", State.ACCEPTED),
        ("k~1", State.ACCEPTED),
    ]
    names = spool.names("outbox")
    assert len(names) == 2
    for name, number in zip(names, NUMBERS, strict=True):
        assert name.startswith("OUTA20260701_110000_00_" + number + "_")
        assert name.endswith(".txtd")
        data = (spool.folder / "outbox" / name).read_bytes()
        assert data.decode("utf-16") == TEXT


async def test_urgent_texts_go_out_first(tmp_path: Path, spool: Spool, clock: FakeClock) -> None:
    async with opened(tmp_path, spool, clock) as gateway:
        for priority, key in ((0, "calm"), (3, "danger"), (1, "all clear")):
            made = replace(submission(clock, NUMBERS[0], key=key), priority=priority)
            await gateway.submit(made)
    assert [name[3] for name in spool.names("outbox")] == ["A", "C", "D"]


@pytest.mark.parametrize("where", ["outbox", "sent", "error", "settled"])
async def test_the_same_text_again_is_not_put_there_twice_wherever_it_went(
    where: str, tmp_path: Path, spool: Spool, clock: FakeClock
) -> None:
    made = submission(clock, NUMBERS[0])
    async with opened(tmp_path, spool, clock) as gateway:
        await gateway.submit(made)
        (name,) = spool.names("outbox")
        if where != "outbox":
            spool.move(name, "error" if where == "error" else "sent")
        if where == "settled":
            await evidence(gateway, 1)
    async with opened(tmp_path, spool, clock) as gateway:
        receipts = await gateway.submit(made)
    assert [receipt.state for receipt in receipts] == [State.ACCEPTED]
    assert len(spool.names("outbox")) == (1 if where == "outbox" else 0)


async def test_what_became_of_a_text_is_read_off_the_folders_and_then_removed(
    tmp_path: Path, spool: Spool, clock: FakeClock
) -> None:
    (spool.folder / "sent" / "OUT+4930231250.txt").write_text("somebody else's")
    async with opened(tmp_path, spool, clock) as gateway:
        await gateway.submit(submission(clock))
        first, second = spool.names("outbox")
        spool.move(first, "sent")
        spool.move(second, "error")
        receipts = await evidence(gateway, 2)
        assert {(r.key, r.state) for r in receipts} == {
            ("k~0", State.SENT),
            ("k~1", State.REJECTED),
        }
        assert await evidence(gateway, 1, within=1.5) == [], "each is told once"
    assert spool.names("sent") == ["OUT+4930231250.txt"]
    assert spool.names("error") == []


async def test_evidence_that_was_not_kept_is_told_again_after_a_restart(
    tmp_path: Path, spool: Spool, clock: FakeClock
) -> None:
    async with opened(tmp_path, spool, clock) as gateway:
        await gateway.submit(submission(clock, NUMBERS[0]))
        spool.move(spool.names("outbox")[0], "sent")
        stream = gateway.receipts()
        assert (await anext(stream)).state is State.SENT  # and nobody asks for another
    async with opened(tmp_path, spool, clock) as gateway:
        assert [r.state for r in await evidence(gateway, 1)] == [State.SENT]


async def test_what_ended_before_the_modem_sent_it_is_taken_back(
    tmp_path: Path, spool: Spool, clock: FakeClock
) -> None:
    async with opened(tmp_path, spool, clock) as gateway:
        await gateway.submit(submission(clock, NUMBERS[0]))
        clock.advance(hours=1)
        (receipt,) = await evidence(gateway, 1)
        assert receipt.state is State.EXPIRED
        assert spool.names("outbox") == []
        with pytest.raises(Permanent):
            await gateway.submit(replace(submission(clock), expires=clock.now()))


async def test_a_message_is_heard_when_all_its_parts_are_there_and_removed_when_kept(
    tmp_path: Path, spool: Spool, clock: FakeClock
) -> None:
    now = clock.now().timestamp()
    old = now - WHOLE - 1
    spool.receive(
        f"IN20260701_120000_00_{NUMBERS[0]}_00.txt",
        b"\xfe\xff" + "إيقاف ".encode("utf-16-be"),
        old,
    )
    spool.receive(
        f"IN20260701_120000_00_{NUMBERS[0]}_01.txt", b"\xfe\xff" + "😀".encode("utf-16-be"), old
    )
    spool.receive(f"IN20260701_120000_00_{NUMBERS[1]}_00.txt", b"STOP", old)
    spool.receive(f"IN20260701_120001_00_{NUMBERS[1]}_00.txt", b"half", now)
    spool.receive("readme.txt", b"no message", old)
    async with opened(tmp_path, spool, clock) as gateway:
        heard = await messages(gateway, 2)
    assert {(each.address, each.text) for each in heard} == {
        (NUMBERS[0], "إيقاف 😀"),
        (NUMBERS[1], "STOP"),
    }
    assert len({each.key for each in heard}) == 2
    assert not any("3920" in each.key or "3920" in repr(each) for each in heard)
    assert spool.names("inbox") == [f"IN20260701_120001_00_{NUMBERS[1]}_00.txt", "readme.txt"]


async def test_a_message_that_was_not_kept_comes_again_under_the_same_key(
    tmp_path: Path, spool: Spool, clock: FakeClock
) -> None:
    spool.receive(f"IN20260701_120000_00_{NUMBERS[0]}_00.txt", b"STOP", clock.now().timestamp() - 9)
    keys = []
    for _ in range(2):
        async with opened(tmp_path, spool, clock) as gateway:
            keys.append((await anext(gateway.heard())).key)
    assert keys[0] == keys[1]


async def test_no_number_is_said_when_the_folders_fail(
    tmp_path: Path, spool: Spool, clock: FakeClock
) -> None:
    async with opened(tmp_path, spool, clock) as gateway:
        shutil.rmtree(spool.folder / "outbox")
        (spool.folder / "outbox").write_text("in the way")
        with pytest.raises(Transient) as caught:
            await gateway.submit(submission(clock))
        with pytest.raises(Transient):
            await gateway.ping()
    hides(caught.value)


async def test_no_number_is_said_when_a_single_file_fails(
    tmp_path: Path, spool: Spool, clock: FakeClock
) -> None:
    made = submission(clock, NUMBERS[0])
    elsewhere = Spool(tmp_path / "elsewhere")
    async with opened(tmp_path / "other", elsewhere, clock) as gateway:
        await gateway.submit(made)
    (spool.folder / "outbox" / elsewhere.names("outbox")[0]).mkdir()
    async with opened(tmp_path, spool, clock) as gateway:
        with pytest.raises(Transient) as caught:
            await gateway.submit(made)
    hides(caught.value)


async def test_what_is_kept_about_a_text_holds_no_number(
    tmp_path: Path, spool: Spool, clock: FakeClock
) -> None:
    async with opened(tmp_path, spool, clock) as gateway:
        await gateway.submit(submission(clock))
    kept = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert len(kept) == 2
    for path in kept:
        assert b"3920" not in path.read_bytes() + path.name.encode()
        assert path.stat().st_mode & 0o077 == 0


async def test_something_that_is_no_number_never_names_a_file(
    tmp_path: Path, spool: Spool, clock: FakeClock
) -> None:
    async with opened(tmp_path, spool, clock) as gateway:
        receipts = await gateway.submit(submission(clock, "../../x", NUMBERS[0]))
    assert [receipt.state for receipt in receipts] == [State.REJECTED, State.ACCEPTED]
    assert len(spool.names("outbox")) == 1


async def test_the_ping_tells_when_nobody_works_the_folders_off(
    tmp_path: Path, spool: Spool, clock: FakeClock
) -> None:
    async with opened(tmp_path, spool, clock) as gateway:
        await gateway.submit(submission(clock, NUMBERS[0]))
        path = spool.folder / "outbox" / spool.names("outbox")[0]
        os.utime(path, (clock.now().timestamp(),) * 2)
        assert "1 texts wait" in await gateway.ping()
        clock.advance(minutes=6)
        with pytest.raises(Transient, match="oldest for 6 minutes"):
            await gateway.ping()


def test_every_mistake_in_the_settings_is_told_at_once() -> None:
    with pytest.raises(BadInput) as caught:
        GammuDriver().settings({"outbox": 7, "sent": "/s", "colour": "red"})
    assert {problem.path for problem in caught.value.problems} == {"outbox", "error", "colour"}
    with pytest.raises(BadInput):
        GammuDriver().settings({"outbox": "/s", "sent": "/s", "error": "/e"})


CONFIG = """
[gammu]
model = dummy
connection = none
device = {folder}/modem
gammuloc = /dev/null

[smsd]
service = files
inboxpath = {folder}/inbox/
outboxpath = {folder}/outbox/
sentsmspath = {folder}/sent/
errorsmspath = {folder}/error/
inboxformat = unicode
outboxformat = unicode
transmitformat = auto
commtimeout = 1
receivefrequency = 1
loopsleep = 1
logfile = {folder}/log
debuglevel = 255
"""


@contextmanager
def gammu_smsd(spool: Spool) -> Iterator[Path]:
    """The real program with its dummy modem; the path of its log."""
    for name in ("sms/1", "sms/2", "sms/3", "sms/4", "sms/5"):
        (spool.folder / "modem" / name).mkdir(parents=True)
    config = spool.folder / "smsdrc"
    config.write_text(CONFIG.format(folder=spool.folder))
    process = subprocess.Popen(
        ["gammu-smsd", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield spool.folder / "log"
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.peer("gammu-smsd")
async def test_the_real_gammu_smsd_sends_what_is_put_there_and_we_hear_of_it(
    tmp_path: Path, spool: Spool
) -> None:
    clock = SystemClock("Europe/Berlin")
    with gammu_smsd(spool) as log:
        async with opened(tmp_path, spool, clock) as gateway:
            await gateway.submit(submission(clock, text=TEXT + " und so weiter" * 20))
            receipts = await evidence(gateway, 2, within=30)
    assert [receipt.state for receipt in receipts] == [State.SENT, State.SENT]
    said = log.read_text(errors="replace")
    assert "yağış" in said
    for number in NUMBERS:
        assert f'Recipient number "{number}"' in said
