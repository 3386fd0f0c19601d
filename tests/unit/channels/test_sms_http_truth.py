"""SMS over HTTP: the truth about each phone, whatever the provider does."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from broadcaster.delivery.contract import State
from broadcaster.model.errors import Permanent, Transient, Unknown
from tests.unit.channels.fake_sms_provider import (
    KANNEL_TAKES,
    TAKES,
    TURKISH,
    TWILIO_TAKES,
    Far,
    opened,
    says,
    standing,
    states,
    submission,
)

every = pytest.mark.parametrize("name", TAKES)
SINGLE = ["linkmobility", "gatewayapi", "twilio", "kannel"]
"""They take one phone in a request."""


@pytest.fixture
async def far() -> AsyncIterator[Far]:
    async with standing() as provider:
        yield provider


@every
async def test_an_unanswered_request_is_unknown_and_not_made_again(
    name: str, far: Far, tmp_path: Path
) -> None:
    far.answers = [lambda _: None]
    async with opened(name, far.url, tmp_path) as gateway:
        with pytest.raises(Unknown, match="no answer"):
            await gateway.submit(submission())
    assert len(far.asked) == 1


@every
async def test_a_provider_that_is_not_there_took_nothing(name: str, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        async with opened(name, url, tmp_path) as gateway:
            with pytest.raises(Transient, match="no connection"):
                await gateway.submit(submission(count=3))


async def test_a_provider_whose_certificate_nobody_vouches_for_is_told_nothing(
    tmp_path: Path,
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "both.pem").write_bytes(pem + certificate.public_bytes(Encoding.PEM))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "both.pem")
    heard = bytearray()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.read(100))
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0, ssl=context)
    async with server:
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
        async with opened("twilio", url, tmp_path) as gateway:
            with pytest.raises(Transient, match="certificate is not trusted"):
                await gateway.submit(submission())
    assert heard == b""


@every
@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_provider_says_when_to_come_again(
    name: str, status: int, far: Far, tmp_path: Path
) -> None:
    far.answers = [says(status, "busy", **{"Retry-After": "17"})]
    async with opened(name, far.url, tmp_path) as gateway:
        with pytest.raises(Transient) as caught:
            await gateway.submit(submission(count=5))
    assert caught.value.retry_after == 17
    assert len(far.asked) == 1


@every
async def test_a_broken_connection_is_unknown(name: str, far: Far, tmp_path: Path) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.close()

    server = await asyncio.start_server(cut, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with opened(name, url, tmp_path) as gateway:
            with pytest.raises(Unknown, match="broke"):
                await gateway.submit(submission())


REFUSALS = [
    ("seven", says(200, {"success": "202"}), State.REJECTED),
    ("seven", says(200, {"success": "600"}), Unknown),
    ("seven", says(200, {"success": "500"}), Transient),
    ("seven", says(200, "what is this"), Unknown),
    ("linkmobility", says(200, {"statusCode": 4002, "statusMessage": "no such"}), State.REJECTED),
    ("linkmobility", says(200, {"statusCode": 4013}), Transient),
    ("linkmobility", says(500, {"statusCode": 5000}), Unknown),
    ("linkmobility", says(200, {"statusCode": 5003}), Transient),
    ("gatewayapi", says(422, {"detail": "recipient is no number"}), State.REJECTED),
    ("gatewayapi", says(401, {"detail": "token"}), Transient),
    ("gatewayapi", says(500, "Internal"), Unknown),
    ("twilio", says(400, {"code": 21211, "message": "invalid To"}), State.REJECTED),
    ("twilio", says(401, {"code": 20003, "message": "Authenticate"}), Transient),
    ("twilio", says(429, {"code": 20429, "message": "Too many"}), Transient),
    ("twilio", says(504, ""), Unknown),
    ("kannel", says(400, "Missing receiver number, rejected"), State.REJECTED),
    ("kannel", says(403, "Authorization failed for sendsms"), Transient),
    ("kannel", says(503, "Temporal failure, try again later."), Transient),
    ("kannel", says(302, "", Location="http://127.0.0.1:1/"), Transient),
]


@pytest.mark.parametrize(("name", "answer", "outcome"), REFUSALS)
async def test_a_refusal_is_told_from_a_passing_trouble_and_from_doubt(
    name: str, answer: Any, outcome: Any, far: Far, tmp_path: Path
) -> None:
    far.answers = [answer]
    async with opened(name, far.url, tmp_path) as gateway:
        if isinstance(outcome, State):
            (receipt,) = await gateway.submit(submission())
            assert receipt.state is outcome
            assert receipt.reason
        else:
            with pytest.raises(outcome):
                await gateway.submit(submission())
    assert len(far.asked) == 1


async def test_seven_takes_some_phones_and_refuses_others(far: Far, tmp_path: Path) -> None:
    messages = [
        {"id": "1", "recipient": "491713920000", "success": True, "error_text": None},
        {"id": None, "recipient": "491713920001", "success": False, "error_text": "no route"},
    ]
    far.answers = [says(200, {"success": "101", "messages": messages})]
    async with opened("seven", far.url, tmp_path) as gateway:
        receipts = await gateway.submit(submission(count=3))
    # Of the third it says nothing: nobody knows.
    assert states(receipts) == [State.ACCEPTED, State.REJECTED, State.UNKNOWN]
    assert "no route" in receipts[1].reason


@pytest.mark.parametrize("name", SINGLE)
async def test_what_was_taken_never_goes_out_again_when_the_provider_gets_busy(
    name: str, far: Far, tmp_path: Path
) -> None:
    far.answers = [TAKES[name], says(429, "busy"), says(429, "busy"), TAKES[name]]
    async with opened(name, far.url, tmp_path, connections=4) as gateway:
        receipts = await gateway.submit(submission("kurz", count=4))
    assert states(receipts) == [State.ACCEPTED] * 4
    assert len(far.asked) == 6, "two were busy and made again; nothing else was"


async def test_what_surely_was_not_sent_in_time_is_said_so(far: Far, tmp_path: Path) -> None:
    far.answers = [TWILIO_TAKES, says(429, "busy")]
    async with opened("twilio", far.url, tmp_path, patience=1) as gateway:
        receipts = await gateway.submit(submission(count=3))
    assert states(receipts) == [State.ACCEPTED, State.REJECTED, State.REJECTED]
    assert "surely not sent" in receipts[1].reason


async def test_a_provider_that_falls_silent_does_not_hold_the_submission_for_ever(
    far: Far, tmp_path: Path
) -> None:
    far.answers = [TWILIO_TAKES, lambda _: None]
    async with opened("twilio", far.url, tmp_path, patience=1, connections=2) as gateway:
        began = asyncio.get_running_loop().time()
        receipts = await gateway.submit(submission(count=9))
        assert asyncio.get_running_loop().time() - began < 3.5
    said = states(receipts)
    assert said[0] is State.ACCEPTED
    # Those it was asked about are in doubt, and the others surely did not go out.
    assert said.count(State.UNKNOWN) == len(far.asked) - 1
    assert said.count(State.REJECTED) == 9 - len(far.asked)


async def test_one_unanswered_request_among_many_leaves_the_others_their_truth(
    far: Far, tmp_path: Path
) -> None:
    far.answers = [TWILIO_TAKES, lambda _: None, TWILIO_TAKES]
    async with opened("twilio", far.url, tmp_path, connections=1) as gateway:
        receipts = await gateway.submit(submission(count=3))
    assert states(receipts) == [State.ACCEPTED, State.UNKNOWN, State.ACCEPTED]
    assert len(far.asked) == 3


async def test_nothing_left_and_some_refused_may_all_be_tried_again(
    far: Far, tmp_path: Path
) -> None:
    far.answers = [says(400, {"code": 21211}), says(503, "busy")]
    async with opened("twilio", far.url, tmp_path, patience=1) as gateway:
        with pytest.raises(Transient):
            await gateway.submit(submission(count=2))


async def test_a_text_of_which_a_part_was_taken_is_in_doubt(far: Far, tmp_path: Path) -> None:
    far.answers = [KANNEL_TAKES, says(400, "rejected")]
    async with opened("kannel", far.url, tmp_path) as gateway:
        with pytest.raises(Unknown, match="part 2"):
            await gateway.submit(submission(TURKISH))


async def test_a_warning_that_ends_within_the_minute_is_not_sent(far: Far, tmp_path: Path) -> None:
    async with opened("kannel", far.url, tmp_path) as gateway:
        with pytest.raises(Permanent):
            await gateway.submit(submission(ends=timedelta(seconds=59)))
    assert far.asked == []


async def test_a_national_table_is_refused_where_the_approved_segments_would_be_lost(
    far: Far, tmp_path: Path
) -> None:
    far.answers = [TWILIO_TAKES]
    national = replace(submission(), alphabet="GSM-7, Turkish table")
    async with opened("kannel", far.url, tmp_path) as gateway:
        with pytest.raises(Permanent, match="national tables"):
            await gateway.submit(national)
    assert far.asked == []
    async with opened("twilio", far.url, tmp_path) as gateway:
        assert states(await gateway.submit(national)) == [State.ACCEPTED]


async def test_the_rate_is_kept_and_the_batch_fits_it(far: Far, tmp_path: Path) -> None:
    far.answers = [TWILIO_TAKES]
    async with opened("seven", far.url, tmp_path) as gateway:
        assert gateway.max_batch == 50, "one request takes them all"
    async with opened("twilio", far.url, tmp_path, connections=8) as gateway:
        assert gateway.max_batch == 17
    async with opened("twilio", far.url, tmp_path, rate=20, patience=1) as gateway:
        assert gateway.max_batch == 10
        began = asyncio.get_running_loop().time()
        await gateway.submit(submission(count=10))
        took = asyncio.get_running_loop().time() - began
    assert took >= 9 / 20


async def test_no_more_requests_than_configured_are_open_at_a_time(
    far: Far, tmp_path: Path
) -> None:
    far.answers = [TWILIO_TAKES]
    async with opened("twilio", far.url, tmp_path, connections=3) as gateway:
        await gateway.submit(submission(count=20))
    assert far.most_at_once == 3


async def test_a_cancelled_submission_ends_at_once_and_sends_nothing_more(
    far: Far, tmp_path: Path
) -> None:
    far.answers = [TWILIO_TAKES]
    async with opened("twilio", far.url, tmp_path, rate=20) as gateway:
        task = asyncio.ensure_future(gateway.submit(submission(count=50)))
        await asyncio.sleep(0.3)
        task.cancel()
        began = asyncio.get_running_loop().time()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.get_running_loop().time() - began < 1
        sent = len(far.asked)
        await asyncio.sleep(0.3)
    assert len(far.asked) == sent < 50
