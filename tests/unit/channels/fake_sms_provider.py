"""A stand-in for an HTTP gateway that answers as recorded, and a driver opened against it."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from broadcaster.delivery.contract import Env, Mode, State
from channels.sms.gateway import Recipient, Submission
from channels.sms.gateways.http import template
from channels.sms.gateways.http.gateway import HttpDriver, HttpGateway
from channels.sms.segments import decode, encode

NOW = datetime(2026, 7, 1, 10, tzinfo=UTC)
NUMBERS = tuple(f"+491713920{number:03}" for number in range(50))
GERMAN = "Starkregen in Dortmund {Hörde}: Keller verlassen, nach oben gehen. 112 nur im Notfall."
TURKISH = "Şiddetli yağış. Bodrumlara inmeyin. Üst kata çıkın. İçeride kalın, ığdır. " * 3
SECRETS = {"key_file": "k3y-nobody-may-see", "password_file": "p4ss&word", "signing_file": "s1gn"}
CALLBACK = "an-address-nobody-can-guess"


class StoppedClock:
    def now(self) -> datetime:
        return NOW


def submission(
    text: str = GERMAN, count: int = 1, ends: timedelta = timedelta(minutes=90, seconds=20)
) -> Submission:
    made = encode(text, reference=0x1234)
    return Submission(
        key="batch",
        alert="de-example.1",
        status="Actual",
        operation="Alert",
        mode="live",
        sender="Dortmund",
        priority=3,
        expires=NOW + ends,
        validity_period="",
        language="de",
        variant="short",
        text=decode(made.parts, made.alphabet),
        alphabet=str(made.alphabet),
        data_coding=made.alphabet.data_coding,
        esm_class=made.esm_class,
        segments=made.parts,
        recipients=tuple(
            Recipient(f"urn:oid:1~texts~1~1~{at}", to) for at, to in enumerate(NUMBERS[:count])
        ),
    )


@dataclass
class Asked:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=True))

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answer = web.Response | None
"""``None``: say nothing for long."""


@dataclass
class Far:
    """A provider that answers as it is told; without more words, as at last."""

    answers: list[Callable[[Asked], Answer]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    most_at_once: int = 0
    url: str = ""
    _now: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        asked = Asked(
            request.method,
            request.raw_path.partition("?")[0],
            request.raw_path.partition("?")[2],
            dict(request.headers),
            await request.read(),
        )
        self.asked.append(asked)
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            await asyncio.sleep(0.005)
            made = (self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])(asked)
            if made is None:
                await asyncio.sleep(30)
            assert made is not None
            return made
        finally:
            self._now -= 1


@asynccontextmanager
async def standing() -> AsyncIterator[Far]:
    """A provider on loopback."""
    provider = Far()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", provider.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield provider
    finally:
        await runner.cleanup()


@asynccontextmanager
async def opened(
    name: str, url: str, folder: Path, *, called: bool = True, **more: Any
) -> AsyncIterator[HttpGateway]:
    for file, secret in SECRETS.items():
        (folder / file).write_text(secret + "\n")
    (folder / "callback_file").write_text(CALLBACK)
    provider = template.load(name)
    raw: dict[str, Any] = {"provider": name, "url": url, "rate": 10_000, "timeout": 1, **more}
    raw |= {key: key for key in provider.needs if key.endswith("_file")}
    if "user" in provider.needs:
        raw["user"] = "AC/1"
    if called:
        raw["callback_file"] = "callback_file"
        raw |= {"signing_file": "signing_file"} if provider.scheme else {}
        raw |= {} if provider.scheme else {"allowed_ips": ["127.0.0.1"]}
    env = Env(
        name="texts",
        mode=Mode.LIVE,
        data_dir=folder / "state",
        output_dir=folder / "out",
        clock=StoppedClock(),
        random=random.Random(1),
        base_url="https://warnung.example.org",
        config_dir=folder,
    )
    driver = HttpDriver()
    async with driver.open(driver.settings(raw), env) as gateway:
        assert isinstance(gateway, HttpGateway)
        yield gateway


def says(status: int, document: Any = None, **headers: str) -> Callable[[Asked], Answer]:
    def answer(_: Asked) -> Answer:
        if isinstance(document, str):
            return web.Response(status=status, text=document, headers=headers)
        return web.json_response(document, status=status, headers=headers)

    return answer


def seven_takes(asked: Asked) -> Answer:
    numbers = asked.json["to"].split(",")
    messages = [
        {"id": f"7700{at}", "recipient": number, "success": True, "error_text": None}
        for at, number in enumerate(numbers)
    ]
    return web.json_response({"success": "100", "balance": 3.2, "messages": messages})


LINK_TAKES = says(
    200, {"statusCode": 2000, "statusMessage": "OK", "transferId": "005f", "smsCount": 1}
)
GATEWAYAPI_TAKES = says(202, {"msg_id": "01JNN6", "recipient": 4917139200011, "reference": "k"})
TWILIO_TAKES = says(201, {"sid": "SM0123", "status": "queued", "error_code": None})
KANNEL_TAKES = says(202, "0: Accepted for delivery")
TAKES: dict[str, Callable[[Asked], Answer]] = {
    "seven": seven_takes,
    "linkmobility": LINK_TAKES,
    "gatewayapi": GATEWAYAPI_TAKES,
    "twilio": TWILIO_TAKES,
    "kannel": KANNEL_TAKES,
}


def states(receipts: Any) -> list[State]:
    return [receipt.state for receipt in receipts]
