"""Texts through Debian's Kannel to an SMSC of another make, their receipts, and messages back."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from broadcaster.clock import SystemClock
from broadcaster.delivery.contract import Call, Env, Heard, Mode, Receipt, State
from broadcaster.model.errors import Transient
from broadcaster.server.hooks import Hooks
from channels.sms.gateway import Gateway, Recipient, Submission
from channels.sms.gateways.http.gateway import HttpDriver, HttpGateway
from channels.sms.segments import decode, encode
from tests.peers.kannel import PASSWORD, USER, Kannel, kannel

pytestmark = pytest.mark.peer("bearerbox", "smsbox", "node", "npm:smpp")

NUMBER = "+491713920011"
UNREACHABLE = "+491713920019"
"""The SMSC of these tests cannot deliver to numbers that end in 9."""
ODD = "Hör auf: 5 € für {nichts}?"
TEXTS = {
    "one segment": "Starkregen in Hörde: nach oben gehen! {112} kostet 0 €.",
    "152 septets and an escape at the cut": "a" * 151 + "€" + "b" * 60,
    "Cyrillic in four segments": "Сильна злива. Залишайтеся вдома. " * 7,
    "emoji and joiners": "می\u200cتوانید بمانید 😀 " * 6,
}


@dataclass
class Engine:
    """Keeps whatever comes."""

    receipts: list[Receipt] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self, gateway: Gateway) -> None:
        async for receipt in gateway.receipts():
            self.receipts.append(receipt)
            self.came.set()

    async def hear(self, gateway: Gateway) -> None:
        async for heard in gateway.heard():
            self.heard.append(heard)
            await heard.kept()
            self.came.set()

    def named(self, state: State) -> set[str]:
        """The ids of everything that was reported so."""
        return {receipt.reference for receipt in self.receipts if receipt.state is state}

    async def until(self, ready: Any) -> None:
        async with asyncio.timeout(10):
            while not ready():
                self.came.clear()
                await self.came.wait()


@dataclass
class Chain:
    """Our driver, Kannel, the SMSC, and our door for what comes back."""

    gateway: HttpGateway
    kannel: Kannel
    engine: Engine

    async def reached(self) -> dict[str, Any]:
        return await asyncio.to_thread(self.kannel.submitted)


@asynccontextmanager
async def chain(folder: Path) -> AsyncIterator[Chain]:
    opened: list[HttpGateway] = []

    async def called(lane: str, call: Call) -> int:
        assert lane == "texts"
        return await opened[0].called(call)

    # The door must stand before its address can be told.
    calls: list[Hooks] = []

    async def answer(request: web.Request) -> web.Response:
        return await calls[0].answer(request)

    app = web.Application()
    app.router.add_route("*", "/hooks/{rest:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    calls.append(Hooks(called, base))
    secret = "an-address-nobody-can-guess"
    (folder / "password").write_text(PASSWORD)
    (folder / "callback").write_text(secret)
    with_peer = kannel(folder, f"{base}/hooks/texts/{secret}")
    running = await asyncio.to_thread(with_peer.__enter__)
    engine = Engine()
    tasks: list[asyncio.Task[None]] = []
    try:
        driver = HttpDriver()
        raw = {
            "provider": "kannel",
            "url": running.url,
            "user": USER,
            "password_file": "password",
            "callback_file": "callback",
            "allowed_ips": ["127.0.0.1"],
        }
        env = Env(
            name="texts",
            mode=Mode.LIVE,
            data_dir=folder / "state",
            output_dir=folder / "out",
            clock=SystemClock("Europe/Berlin"),
            random=random.Random(1),
            base_url=base,
            config_dir=folder,
        )
        async with driver.open(driver.settings(raw), env) as gateway:
            assert isinstance(gateway, HttpGateway)
            opened.append(gateway)
            tasks += [
                asyncio.ensure_future(engine.receive(gateway)),
                asyncio.ensure_future(engine.hear(gateway)),
            ]
            yield Chain(gateway, running, engine)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await runner.cleanup()
        await asyncio.to_thread(with_peer.__exit__, None, None, None)


def submission(text: str, *numbers: str) -> Submission:
    made = encode(text, reference=0x1234)
    return Submission(
        key="batch",
        alert="de-example.1",
        status="Actual",
        operation="Alert",
        mode="live",
        sender="Dortmund",
        priority=3,
        expires=datetime.now(UTC) + timedelta(minutes=90, seconds=30),
        validity_period="",
        language="de",
        variant="short",
        text=decode(made.parts, made.alphabet),
        alphabet=str(made.alphabet),
        data_coding=made.alphabet.data_coding,
        esm_class=made.esm_class,
        segments=made.parts,
        recipients=tuple(Recipient(f"urn:a~texts~1~1~{at}", to) for at, to in enumerate(numbers)),
    )


async def test_the_approved_segments_reach_the_network_and_each_is_receipted(
    tmp_path: Path,
) -> None:
    async with chain(tmp_path) as made:
        assert "answers" in await made.gateway.ping()
        for text in TEXTS.values():
            made.engine.receipts.clear()
            sent = submission(text, NUMBER)
            (taken,) = await made.gateway.submit(sent)
            assert taken.state is State.ACCEPTED
            shown = ""
            for segment in sent.segments:
                reached = await made.reached()
                end = segment[0] + 1 if sent.esm_class else 0
                # The library leaves out the header's own length.
                assert reached["udh"] == segment[1:end].hex()
                assert reached["data_coding"] == sent.data_coding
                assert bool(reached["esm_class"] & 0x40) is bool(sent.esm_class)
                assert reached["priority"] == 3
                assert reached["registered"] & 1
                assert (reached["from"], reached["to"]) == ("Dortmund", NUMBER[1:])
                ends = datetime.fromisoformat(reached["validity"])
                assert sent.expires - timedelta(minutes=2) < ends <= sent.expires
                shown += reached["text"]
            assert shown == sent.text
            await made.engine.until(
                lambda parts=set(taken.parts): parts <= made.engine.named(State.DELIVERED)
            )
            assert {receipt.key for receipt in made.engine.receipts} == {""}


async def test_what_the_network_cannot_deliver_is_told(tmp_path: Path) -> None:
    async with chain(tmp_path) as made:
        sent = submission("kurz", NUMBER, UNREACHABLE)
        taken = await made.gateway.submit(sent)
        names = {receipt.parts[0]: receipt.key for receipt in taken}

        def final() -> dict[str, State]:
            return {
                names[receipt.reference]: receipt.state
                for receipt in made.engine.receipts
                if receipt.state in (State.DELIVERED, State.REJECTED)
            }

        await made.engine.until(lambda: len(final()) == 2)
        assert final() == {taken[0].key: State.DELIVERED, taken[1].key: State.REJECTED}


async def test_what_people_write_comes_back_letter_by_letter(tmp_path: Path) -> None:
    async with chain(tmp_path) as made:
        for text, octets, coding in (
            ("STOP", b"STOP", 0),
            (
                "Hör auf: 5 € für {nichts}?",
                encode("Hör auf: 5 € für {nichts}?", reference=1).parts[0],
                0,
            ),
            ("İPTAL", "İPTAL".encode("utf-16-be"), 8),
            ("إيقاف", "إيقاف".encode("utf-16-be"), 8),
            ("Стоп 😀", "Стоп 😀".encode("utf-16-be"), 8),
        ):
            made.engine.heard.clear()
            made.kannel.phone_writes(NUMBER[1:], octets, coding)
            await made.engine.until(lambda: made.engine.heard)
            (heard,) = made.engine.heard
            assert (heard.text, heard.address) == (text, NUMBER)
            assert abs(heard.at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_a_wrong_password_sends_nothing_and_may_pass(tmp_path: Path) -> None:
    async with chain(tmp_path) as made:
        (tmp_path / "password").write_text("guessed")
        raw = {
            "provider": "kannel",
            "url": made.kannel.url,
            "user": USER,
            "password_file": "password",
        }
        driver = HttpDriver()
        env = Env(
            name="texts",
            mode=Mode.LIVE,
            data_dir=tmp_path / "state",
            output_dir=tmp_path / "out",
            clock=SystemClock("Europe/Berlin"),
            random=random.Random(1),
            base_url="https://warnung.example.org",
            config_dir=tmp_path,
        )
        async with driver.open(driver.settings(raw), env) as gateway:
            with pytest.raises(Transient, match="Authorization failed"):
                await gateway.submit(submission("kurz", NUMBER))
            with pytest.raises(Transient):
                await gateway.ping()
