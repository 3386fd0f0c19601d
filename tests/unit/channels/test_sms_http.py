"""SMS over HTTP: each provider is asked as its API wants, and no secret gets out."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.delivery.contract import Receipt, State
from broadcaster.model.errors import Transient, Unknown
from channels.sms.gateway import Recipient
from channels.sms.gateways.http import template
from channels.sms.gateways.http.post import Verdict, judge, seconds
from channels.sms.segments import encode
from tests.unit.channels.fake_sms_provider import (
    CALLBACK,
    GATEWAYAPI_TAKES,
    GERMAN,
    KANNEL_TAKES,
    LINK_TAKES,
    NOW,
    NUMBERS,
    SECRETS,
    TAKES,
    TURKISH,
    TWILIO_TAKES,
    Answer,
    Asked,
    Far,
    opened,
    says,
    seven_takes,
    standing,
    submission,
)

every = pytest.mark.parametrize("name", TAKES)


@pytest.fixture
async def far() -> AsyncIterator[Far]:
    async with standing() as provider:
        yield provider


# --- what goes over the wire ---------------------------------------------------------------------


def test_every_provider_there_is_is_tested_here() -> None:
    assert set(template.names()) == TAKES.keys()


def test_providers_are_data_files_and_no_code() -> None:
    assert {path.suffix for path in template.FOLDER.iterdir()} == {".yaml"}


async def test_seven_is_asked_as_its_api_wants(far: Far, tmp_path: Path) -> None:
    far.answers = [seven_takes]
    async with opened("seven", far.url, tmp_path) as gateway:
        receipts = await gateway.submit(submission(count=3))
    (asked,) = far.asked
    assert (asked.method, asked.path) == ("POST", "/api/sms")
    assert asked.headers["X-Api-Key"] == SECRETS["key_file"]
    assert asked.json == {
        "to": "491713920000,491713920001,491713920002",
        "from": "Dortmund",
        "text": GERMAN,
        "ttl": 90,
    }
    assert [(one.state, one.reference, one.parts) for one in receipts] == [
        (State.ACCEPTED, f"7700{at}", (f"7700{at}",)) for at in range(3)
    ]


async def test_link_mobility_is_asked_as_its_api_wants(far: Far, tmp_path: Path) -> None:
    far.answers = [LINK_TAKES]
    async with opened("linkmobility", far.url, tmp_path) as gateway:
        (receipt,) = await gateway.submit(submission(TURKISH))
    (asked,) = far.asked
    assert (asked.method, asked.path) == ("POST", "/rest/smsmessaging/text")
    assert asked.headers["Authorization"] == f"Bearer {SECRETS['key_file']}"
    sent = submission(TURKISH)
    assert asked.json == {
        "messageContent": sent.text,
        "recipientAddressList": ["491713920000"],
        "senderAddress": "Dortmund",
        "senderAddressType": "alphanumeric",
        "clientMessageId": sent.recipients[0].key,
        "validityPeriode": 5420,
        "contentCategory": "informational",
        "maxSmsPerMessage": len(sent.segments),
        "notificationCallbackUrl": f"https://warnung.example.org/hooks/texts/{CALLBACK}",
    }
    assert (receipt.state, receipt.reference) == (State.ACCEPTED, "005f")


async def test_gatewayapi_is_asked_as_its_api_wants(far: Far, tmp_path: Path) -> None:
    far.answers = [GATEWAYAPI_TAKES]
    async with opened("gatewayapi", far.url, tmp_path) as gateway:
        (receipt,) = await gateway.submit(submission(TURKISH))
    (asked,) = far.asked
    assert (asked.method, asked.path) == ("POST", "/mobile/single")
    assert asked.headers["Authorization"] == f"Token {SECRETS['key_file']}"
    assert asked.json == {
        "sender": "Dortmund",
        "message": submission(TURKISH).text,
        "recipient": 491713920000,
        "reference": submission().recipients[0].key,
        "expiration": "PT5420S",
    }
    assert (receipt.state, receipt.reference) == (State.ACCEPTED, "01JNN6")


async def test_twilio_is_asked_as_its_api_wants(far: Far, tmp_path: Path) -> None:
    far.answers = [TWILIO_TAKES]
    async with opened("twilio", far.url, tmp_path) as gateway:
        (receipt,) = await gateway.submit(submission(TURKISH))
    (asked,) = far.asked
    # The account's name is one step of the path, whatever it holds.
    assert (asked.method, asked.path) == ("POST", "/2010-04-01/Accounts/AC%2F1/Messages.json")
    assert asked.headers["Authorization"] == "Basic QUMvMTpwNHNzJndvcmQ="
    form = asked.form
    back = form.pop("StatusCallback")
    assert form == {
        "To": NUMBERS[0],
        "From": "Dortmund",
        "Body": submission(TURKISH).text,
        "SmartEncoded": "false",
        "ValidityPeriod": "5420",
    }
    assert back.startswith(f"https://warnung.example.org/hooks/texts/{CALLBACK}?item=")
    assert NUMBERS[0][1:] not in back
    assert (receipt.state, receipt.reference) == (State.ACCEPTED, "SM0123")


async def test_twilio_is_never_asked_for_a_validity_beyond_its_own_limit(
    far: Far, tmp_path: Path
) -> None:
    far.answers = [TWILIO_TAKES]
    async with opened("twilio", far.url, tmp_path) as gateway:
        await gateway.submit(submission(ends=timedelta(hours=12)))
    assert far.asked[0].form["ValidityPeriod"] == "36000"


@pytest.mark.parametrize("text", [GERMAN, TURKISH, "€" * 200])
async def test_kannel_gets_the_approved_segments_octet_by_octet(
    far: Far, tmp_path: Path, text: str
) -> None:
    far.answers = [KANNEL_TAKES]
    sent = submission(text)
    async with opened("kannel", far.url, tmp_path) as gateway:
        (receipt,) = await gateway.submit(sent)
    octets = []
    for asked in far.asked:
        assert (asked.method, asked.path) == ("GET", "/cgi-bin/sendsms")
        fields = parse_qs(asked.query, encoding="utf-8", errors="strict", keep_blank_values=True)
        raw = dict(parse_qsl(asked.query, encoding="latin-1"))
        assert fields["to"] == [NUMBERS[0]]
        assert fields["username"] == ["AC/1"]
        assert fields["password"] == [SECRETS["password_file"]]
        assert fields["validity"] == ["90"]
        assert fields["charset"] == ["UTF-8"]
        assert fields["coding"] == ["0" if sent.data_coding == 0 else "2"]
        alphabet = "GSM-7" if sent.data_coding == 0 else "UCS-2"
        body = encode(fields["text"][0], reference=1).parts[0]
        assert sent.alphabet == alphabet
        octets.append(raw.get("udh", "").encode("latin-1") + body)
    assert tuple(octets) == sent.segments
    assert receipt.state is State.ACCEPTED
    assert len(receipt.parts) == len(set(receipt.parts)) == len(sent.segments)


@every
async def test_a_sender_that_is_not_set_is_left_to_the_provider(
    name: str, far: Far, tmp_path: Path
) -> None:
    far.answers = [TAKES[name]]
    async with opened(name, far.url, tmp_path) as gateway:
        await gateway.submit(replace(submission(), sender=None))
    asked = far.asked[0]
    sent = asked.query + asked.body.decode()
    assert "None" not in sent
    assert "sender" not in sent.lower()
    assert "from" not in sent.lower()


@every
async def test_without_a_secret_address_no_provider_is_told_one_and_none_proves_more(
    name: str, far: Far, tmp_path: Path
) -> None:
    far.answers = [TAKES[name]]
    async with opened(name, far.url, tmp_path, called=False) as gateway:
        (receipt,) = await gateway.submit(submission())
        assert gateway.confirms == {State.ACCEPTED}
        assert [each async for each in gateway.receipts()] == []
        assert [each async for each in gateway.heard()] == []
    assert "hooks" not in far.asked[0].query + far.asked[0].body.decode()
    assert receipt.parts == ()


@every
async def test_with_a_secret_address_a_provider_proves_arrival(
    name: str, far: Far, tmp_path: Path
) -> None:
    async with opened(name, far.url, tmp_path) as gateway:
        assert {State.ACCEPTED, State.DELIVERED} <= gateway.confirms
        assert not gateway.repeat_is_harmless


# --- secrets -------------------------------------------------------------------------------------


@every
@pytest.mark.parametrize("status", [200, 400, 503, 500])
async def test_no_number_and_no_secret_is_said_even_when_the_answer_repeats_them(
    name: str, status: int, far: Far, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    secrets = [SECRETS[file] for file in template.load(name).needs if file in SECRETS]
    secrets.append(CALLBACK)

    def echo(asked: Asked) -> Answer:
        said = " ".join([NUMBERS[0], "0171 3920000", *secrets]) * 9
        words = dict.fromkeys(("statusMessage", "message", "detail", "error_text"), said)
        return web.json_response(words, status=status)

    far.answers = [echo]
    async with opened(name, far.url, tmp_path) as gateway:
        try:
            told = repr(await gateway.submit(submission()))
        except (Transient, Unknown) as error:
            told = str(error) + repr(error.__cause__) + repr(error.__context__)
        told += repr(gateway)
    hidden = told + caplog.text
    assert "3920000" not in hidden
    for secret in secrets:
        assert secret not in hidden


@pytest.mark.parametrize(
    ("name", "alive"),
    [("seven", 200), ("linkmobility", 404), ("gatewayapi", 404), ("twilio", 200), ("kannel", 400)],
)
async def test_the_ping_sends_nothing_and_tells_who_is_there(
    name: str, alive: int, far: Far, tmp_path: Path
) -> None:
    far.answers = [says(alive, {}), says(500, {})]
    async with opened(name, far.url, tmp_path) as gateway:
        assert "answers" in await gateway.ping()
        with pytest.raises(Transient):
            await gateway.ping()
    assert {asked.method for asked in far.asked} == {"GET"}
    assert all("text" not in asked.query for asked in far.asked)


# --- pure pieces ---------------------------------------------------------------------------------


@given(status=st.integers(100, 599), body=st.binary(max_size=80))
@every
def test_no_answer_breaks_the_judgement_and_only_2xx_can_have_taken_anything(
    name: str, status: int, body: bytes
) -> None:
    outcome = judge(template.load(name).reply, status, body, None, str)
    if outcome.verdict is Verdict.TAKEN:
        assert 200 <= status < 300


def test_retry_after_may_be_seconds_or_a_date() -> None:
    assert seconds("120", NOW) == 120
    assert seconds(format_datetime(NOW + timedelta(seconds=30), usegmt=True), NOW) == 30
    assert seconds(format_datetime(NOW - timedelta(days=1), usegmt=True), NOW) == 0
    assert seconds("soon", NOW) is None
    assert seconds(None, NOW) is None


@given(st.text(min_size=1, max_size=60))
def test_a_token_comes_back_as_it_was_and_needs_no_quoting(text: str) -> None:
    token = template.apply("|token", text)
    assert token.replace("-", "").replace("_", "").isalnum()
    assert template.apply("|untoken", token) == text


def test_a_receipt_shows_no_number() -> None:
    assert NUMBERS[0] not in repr(Recipient("k", NUMBERS[0]))
    assert NUMBERS[0] not in repr(Receipt(key="k", state=State.ACCEPTED))
