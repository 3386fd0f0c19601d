"""What providers report: checked, understood, kept, and only then answered."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from broadcaster.delivery.contract import Call, Called, Heard, Mode, Receipt, State
from broadcaster.testing import env as an_env
from channels.sms import SmsChannel
from channels.sms.gateways.http import template
from channels.sms.gateways.http.calls import Receiver
from channels.sms.gateways.http.settings import Secrets, read_http

NOW = datetime(2026, 7, 1, 10, tzinfo=UTC)
SECRET = b"s1gning-secret"
PATH = "/hooks/texts/an-address-nobody-can-guess"
URL = f"https://warnung.example.org{PATH}"
KEY = "urn:oid:1~texts~1~1~7"
NUMBER = "+491713920011"


class StoppedClock:
    def now(self) -> datetime:
        return NOW


def token(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def sign(name: str, url: str, body: bytes, nonce: str = "n1") -> dict[str, str]:
    if name == "seven":
        stamp = str(int(NOW.timestamp()))
        line = "\n".join((stamp, nonce, "POST", url, hashlib.md5(body).hexdigest()))
        signature = hmac.new(SECRET, line.encode(), "sha256").hexdigest()
        return {"x-signature": signature, "x-timestamp": stamp, "x-nonce": nonce}
    if name == "gatewayapi":
        return {"signature": "v1=" + hmac.new(SECRET, body, "sha256").hexdigest()}
    if name == "twilio":
        from urllib.parse import parse_qsl

        pairs = sorted(parse_qsl(body.decode(), keep_blank_values=True))
        signed = url + "".join(key + value for key, value in pairs)
        made = base64.b64encode(hmac.new(SECRET, signed.encode(), "sha1").digest()).decode()
        kind = "application/x-www-form-urlencoded"
        return {"x-twilio-signature": made, "content-type": kind}
    return {}


def call(
    name: str, document: Any = None, query: str = "", nonce: str = "n1", remote: str = "192.0.2.7"
) -> Call:
    url = URL + (f"?{query}" if query else "")
    body = b""
    if name == "twilio":
        body = urlencode(document).encode()
    elif document is not None:
        body = json.dumps(document, ensure_ascii=False).encode()
    headers = sign(name, url, body, nonce)
    return Call(method="POST", url=url, headers=headers, body=body, remote=remote)


def report(name: str, state: str, nonce: str = "n1") -> Call:
    """A delivery report in the shape that the provider documents."""
    match name:
        case "seven":
            data = {"msg_id": "77149", "status": state, "timestamp": "2026-07-01 10:00:00.000000"}
            stamp = "2026-07-01T12:00:00+02:00"
            document: Any = {"data": data, "webhook_event": "dlr", "webhook_timestamp": stamp}
            return call(name, document, nonce=nonce)
        case "linkmobility":
            document = {
                "messageType": "deliveryReport",
                "notificationId": "1",
                "transferId": "005f",
                "clientMessageId": KEY,
                "recipientAddress": NUMBER[1:],
                "deliveryReportMessageStatus": state,
            }
            return call(name, document, nonce=nonce)
        case "gatewayapi":
            event = {
                "msg_id": "01JNN6",
                "recipient": 491713920011,
                "reference": KEY,
                "status": state,
            }
            document = {
                "event_id": nonce,
                "timestamp": "2026-07-01T09:59:00.003029+00:00",
                "event_type": "message.status.sms",
                "event": event,
            }
            return call(name, document, nonce=nonce)
        case "twilio":
            fields = {
                "MessageSid": "SM01",
                "MessageStatus": state,
                "To": NUMBER,
                "AccountSid": nonce,
            }
            return call(name, fields, query=f"item={token(KEY)}")
    return call(name, None, query=f"status={state}&item={token(KEY + '#2')}")


def message(name: str, text: str, nonce: str = "n1") -> Call:
    """A message from a person in the shape that the provider documents."""
    match name:
        case "seven":
            data = {
                "id": "681590",
                "sender": NUMBER[1:],
                "system": "4930231250",
                "text": text,
                "time": "1782900000",
            }
            return call(name, {"data": data, "webhook_event": "sms_mo"}, nonce=nonce)
        case "linkmobility":
            document = {
                "messageType": "text",
                "notificationId": "n-9",
                "senderAddress": NUMBER[1:],
                "recipientAddress": "4930231250",
                "textMessageContent": text,
            }
            return call(name, document, nonce=nonce)
        case "twilio":
            fields = {"MessageSid": "SM02", "From": NUMBER, "To": "+4930231250", "Body": text}
            return call(name, fields)
    query = urlencode(
        {"from": NUMBER, "text": text, "charset": "UTF-8", "id": "ab-1"}, quote_via=quote
    )
    return call(name, None, query=query + "&time=2026-07-01%2009:59:58")


class Engine:
    """Keeps what the receiver hands out, when it is told to."""

    def __init__(self, receiver: Receiver) -> None:
        self.receipts: list[Receipt] = []
        self.heard: list[Heard] = []
        self.keeps = asyncio.Event()
        self._tasks = [
            asyncio.ensure_future(self._receive(receiver)),
            asyncio.ensure_future(self._hear(receiver)),
        ]

    async def _receive(self, receiver: Receiver) -> None:
        async for receipt in receiver.receipts():
            await self.keeps.wait()
            self.receipts.append(receipt)

    async def _hear(self, receiver: Receiver) -> None:
        async for heard in receiver.heard():
            await self.keeps.wait()
            self.heard.append(heard)
            await heard.kept()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def receiver(name: str, keeping: float = 1.0) -> Receiver:
    provider = template.load(name)
    raw: dict[str, Any] = {"provider": name, "callback_file": "c", "url": "https://x.example.org"}
    raw |= dict.fromkeys(provider.needs, "x") | {"url": "https://x.example.org"}
    raw |= {"signing_file": "s"} if provider.scheme else {"allowed_ips": ["192.0.2.0/24"]}
    return Receiver(
        provider,
        read_http(raw),
        Secrets(signing=SECRET.decode(), callback=PATH.rpartition("/")[2]),
        address=URL,
        clock=StoppedClock(),
        keeping=keeping,
    )


@contextlib.asynccontextmanager
async def both(name: str, keeping: float = 1.0) -> AsyncIterator[tuple[Receiver, Engine]]:
    door = receiver(name, keeping)
    engine = Engine(door)
    engine.keeps.set()
    yield door, engine
    await engine.stop()


every = pytest.mark.parametrize("name", template.names())
SIGNED = pytest.mark.parametrize("name", ["seven", "gatewayapi", "twilio"])
UNSIGNED = pytest.mark.parametrize("name", ["linkmobility", "kannel"])
ANSWERED = pytest.mark.parametrize("name", ["seven", "linkmobility", "twilio", "kannel"])
"""GatewayAPI's newer interface reports; people cannot answer through it."""
DELIVERED = {
    "seven": "DELIVERED",
    "linkmobility": "delivered",
    "gatewayapi": "DELIVERED",
    "twilio": "delivered",
    "kannel": "1",
}


@every
async def test_a_report_becomes_evidence_under_our_key_or_their_id(name: str) -> None:
    async with both(name) as (door, engine):
        assert await door.called(report(name, DELIVERED[name])) == 200
    (receipt,) = engine.receipts
    assert receipt.state is State.DELIVERED
    expected = {
        "seven": ("", "77149"),
        "linkmobility": (KEY, "005f"),
        "gatewayapi": (KEY, "01JNN6"),
        "twilio": (KEY, "SM01"),
        "kannel": ("", f"{KEY}#2"),
    }
    assert (receipt.key, receipt.reference) == expected[name]


STATES = [
    ("seven", "TRANSMITTED", State.SENT),
    ("seven", "NOTDELIVERED", State.REJECTED),
    ("seven", "EXPIRED", State.REJECTED),
    ("seven", "BUFFERED", State.ACCEPTED),
    ("linkmobility", "undelivered", State.REJECTED),
    ("linkmobility", "unknown", State.UNKNOWN),
    ("gatewayapi", "UNDELIVERABLE", State.REJECTED),
    ("gatewayapi", "ENROUTE", State.SENT),
    ("twilio", "sent", State.SENT),
    ("twilio", "failed", State.REJECTED),
    ("kannel", "8", State.ACCEPTED),
    ("kannel", "2", State.REJECTED),
    ("kannel", "16", State.REJECTED),
]


@pytest.mark.parametrize(("name", "said", "state"), STATES)
async def test_a_providers_states_are_ours(name: str, said: str, state: State) -> None:
    async with both(name) as (door, engine):
        assert await door.called(report(name, said)) == 200
    assert [receipt.state for receipt in engine.receipts] == [state]


@every
async def test_a_state_that_nobody_knows_breaks_nothing_and_proves_nothing(name: str) -> None:
    async with both(name) as (door, engine):
        assert await door.called(report(name, "SHINY_NEW")) == 200
    assert engine.receipts == []


@ANSWERED
@pytest.mark.parametrize("text", ["STOP", "İPTAL", "إيقاف", "می\u200cخواهم", "ä€ 😀 & = +"])
async def test_a_message_is_heard_letter_by_letter(name: str, text: str) -> None:
    async with both(name) as (door, engine):
        assert await door.called(message(name, text)) == 200
    (heard,) = engine.heard
    assert (heard.address, heard.text) == (NUMBER, text)
    assert NUMBER[1:] not in heard.key
    assert NUMBER not in repr(heard)
    assert text not in repr(heard)
    assert heard.at.tzinfo is not None


async def test_kannels_words_are_read_in_the_charset_that_it_names() -> None:
    octets = quote("إيقاف".encode("utf-16-be"))
    query = f"from={quote(NUMBER)}&text={octets}&charset=UTF-16BE&id=1"
    async with both("kannel") as (door, engine):
        assert await door.called(call("kannel", None, query=query)) == 200
        latin = f"from={quote(NUMBER)}&text=%e4%f6&charset=iso-8859-1&id=2"
        assert await door.called(call("kannel", None, query=latin)) == 200
        odd = f"from={quote(NUMBER)}&text=STOP&charset=no-such-thing&id=3"
        assert await door.called(call("kannel", None, query=odd)) == 200
    assert [heard.text for heard in engine.heard] == ["إيقاف", "äö", "STOP"]


async def test_a_message_without_an_id_is_the_same_message_when_it_comes_again() -> None:
    query = f"from={quote(NUMBER)}&text=STOP"
    async with both("kannel") as (door, engine):
        for _ in range(2):
            assert await door.called(call("kannel", None, query=query)) == 200
    first, second = engine.heard
    assert first.key == second.key
    assert NUMBER[1:] not in first.key


@every
async def test_2xx_is_said_only_when_it_is_kept(name: str) -> None:
    async with both(name) as (door, engine):
        engine.keeps.clear()
        asked = asyncio.ensure_future(door.called(report(name, DELIVERED[name])))
        await asyncio.sleep(0.05)
        assert not asked.done()
        engine.keeps.set()
        assert await asked == 200
    assert len(engine.receipts) == 1


@every
async def test_what_cannot_be_kept_is_asked_for_again_and_then_heard(name: str) -> None:
    async with both(name, keeping=0.05) as (door, engine):
        engine.keeps.clear()
        assert await door.called(report(name, DELIVERED[name])) == 503
        engine.keeps.set()
        assert await door.called(report(name, DELIVERED[name])) == 200
    assert {receipt.state for receipt in engine.receipts} == {State.DELIVERED}


@SIGNED
async def test_a_signed_call_that_is_replayed_is_answered_and_does_nothing(name: str) -> None:
    async with both(name) as (door, engine):
        first = report(name, DELIVERED[name])
        assert [await door.called(first) for _ in range(3)] == [200, 200, 200]
        assert await door.called(report(name, DELIVERED[name], nonce="n2")) == 200
    assert len(engine.receipts) == 2


@SIGNED
async def test_two_copies_of_a_call_at_a_time_are_taken_once(name: str) -> None:
    async with both(name) as (door, engine):
        engine.keeps.clear()
        first = asyncio.ensure_future(door.called(report(name, DELIVERED[name])))
        await asyncio.sleep(0.01)
        assert await door.called(report(name, DELIVERED[name])) == 503
        engine.keeps.set()
        assert await first == 200
    assert len(engine.receipts) == 1


@SIGNED
async def test_a_forged_call_is_refused_and_leaves_nothing(name: str) -> None:
    async with both(name) as (door, engine):
        genuine = report(name, DELIVERED[name])
        for forged in (
            replace(genuine, headers={}),
            replace(genuine, body=genuine.body.replace(b"e", b"f")),
        ):
            assert await door.called(forged) == 403
        if name != "gatewayapi":  # whose signature does not cover the address
            more = "&x=1" if "?" in genuine.url else "?x=1"
            assert await door.called(replace(genuine, url=genuine.url + more)) == 403
        assert await door.called(genuine) == 200
    assert len(engine.receipts) == 1


@every
async def test_whoever_does_not_know_the_secret_address_finds_no_door(name: str) -> None:
    async with both(name) as (door, engine):
        genuine = report(name, DELIVERED[name])
        for path in (PATH[:-1], PATH + "x", PATH + "/", PATH.upper(), "/hooks/texts/"):
            wrong = replace(genuine, url=genuine.url.replace(PATH, path))
            assert await door.called(wrong) == 404
    assert engine.receipts == []


@UNSIGNED
async def test_an_unsigned_call_from_another_address_finds_no_door(name: str) -> None:
    async with both(name) as (door, engine):
        genuine = report(name, DELIVERED[name])
        for remote in ("198.51.100.1", "", "not an address", "::1"):
            assert await door.called(replace(genuine, remote=remote)) == 404
        # The same address as a socket for both protocols shows it.
        assert await door.called(replace(genuine, remote="::ffff:192.0.2.9")) == 200
    assert len(engine.receipts) == 1


@every
@how(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=60), query=st.text("abc=&%+0F", max_size=20))
async def test_no_signed_junk_breaks_anything(name: str, body: bytes, query: str) -> None:
    door = receiver(name, keeping=0.001)
    headers: dict[str, str] = {}
    url = f"{URL}?{query}" if query else URL
    with contextlib.suppress(UnicodeDecodeError):
        headers = sign(name, url, body)
    made = Call(method="POST", url=url, headers=headers, body=body, remote="192.0.2.7")
    assert await door.called(made) in (200, 400, 403, 503)


async def test_a_channel_whose_driver_is_never_called_has_nothing_at_any_address(
    tmp_path: Path,
) -> None:
    env = an_env(tmp_path)
    async with SmsChannel.open(SmsChannel.settings({"kind": "sms"}), env) as channel:
        assert isinstance(channel, Called)
        assert await channel.called(report("kannel", "1")) == 404


async def test_a_channel_hands_calls_to_its_driver(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret")
    (tmp_path / "callback").write_text("an-address-nobody-can-guess")
    env = replace(
        an_env(tmp_path),
        name="texts",
        mode=Mode.LIVE,
        random=random.Random(1),
        base_url="https://warnung.example.org",
        config_dir=tmp_path,
    )
    raw = {
        "kind": "sms",
        "gateway": "http",
        "driver": {
            "provider": "kannel",
            "url": "http://127.0.0.1:1",
            "user": "u",
            "password_file": "password",
            "callback_file": "callback",
            "allowed_ips": ["192.0.2.7"],
        },
    }
    async with SmsChannel.open(SmsChannel.settings(raw), env) as channel:
        assert State.DELIVERED in channel.capabilities.confirms
        stream = channel.receipts()
        asked = asyncio.ensure_future(channel.called(report("kannel", "1")))
        receipt = await anext(stream)
        following = asyncio.ensure_future(anext(stream))
        assert await asked == 200
        assert receipt.state is State.DELIVERED
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
