"""Signed calls: only what the provider sent, as it sent it, where it sent it, and once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.delivery.contract import Call
from channels.sms.gateways.http.signatures import SCHEMES, Checked, Seen, Verdict

NOW = datetime(2026, 7, 1, 10, tzinfo=UTC)
SECRET = b"s3cret-of-the-account"
URL = "https://warnung.example.org/hooks/texts/an-address-nobody-can-guess"
WINDOW = timedelta(minutes=5)


def seven(
    url: str = URL, at: datetime = NOW, nonce: str = "n" * 32, secret: bytes = SECRET
) -> Call:
    body = b'{"webhook_event":"dlr","data":{"msg_id":"77","status":"DELIVERED"}}'
    stamp = str(int(at.timestamp()))
    line = "\n".join((stamp, nonce, "POST", url, hashlib.md5(body).hexdigest()))
    signature = hmac.new(secret, line.encode(), hashlib.sha256).hexdigest()
    headers = {"x-signature": signature, "x-timestamp": stamp, "x-nonce": nonce}
    return Call(method="POST", url=url, headers=headers, body=body, remote="192.0.2.1")


def gatewayapi(
    url: str = URL, at: datetime = NOW, nonce: str = "e-1", secret: bytes = SECRET
) -> Call:
    event = {"msg_id": "01J", "reference": "k", "status": "DELIVERED"}
    body = json.dumps(
        {
            "event_id": nonce,
            "timestamp": at.isoformat(),
            "event_type": "message.status.sms",
            "event": event,
        }
    ).encode()
    signature = "v1=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    return Call(
        method="POST", url=url, headers={"signature": signature}, body=body, remote="192.0.2.1"
    )


def twilio(
    url: str = f"{URL}?item=a2V5",
    at: datetime = NOW,
    nonce: str = "SM1",
    secret: bytes = SECRET,
) -> Call:
    fields = {"MessageStatus": "delivered", "MessageSid": nonce, "From": "+4930231250", "Body": "E"}
    signed = url + "".join(name + fields[name] for name in sorted(fields))
    made = hmac.new(secret, signed.encode(), hashlib.sha1).digest()
    headers = {
        "x-twilio-signature": base64.b64encode(made).decode(),
        "content-type": "application/x-www-form-urlencoded; charset=UTF-8",
    }
    body = urlencode(fields).encode()
    return Call(method="POST", url=url, headers=headers, body=body, remote="192.0.2.1")


Maker = Callable[..., Call]
MADE: dict[str, Maker] = {"seven": seven, "gatewayapi": gatewayapi, "twilio": twilio}
every = pytest.mark.parametrize("name", MADE)


def check(name: str, call: Call, oldest: timedelta = WINDOW, secret: bytes = SECRET) -> Checked:
    return SCHEMES[name](call, secret, NOW, oldest)


def test_every_scheme_is_tested_here() -> None:
    assert SCHEMES.keys() == MADE.keys()


@every
def test_a_signed_call_is_genuine(name: str) -> None:
    assert check(name, MADE[name]()).verdict is Verdict.GENUINE


@every
def test_a_call_signed_with_another_secret_is_forged(name: str) -> None:
    assert check(name, MADE[name](secret=b"guessed")).verdict is Verdict.FORGED


@every
def test_a_call_without_a_signature_is_forged(name: str) -> None:
    call = replace(MADE[name](), headers={"content-type": "application/json"})
    assert check(name, call).verdict is Verdict.FORGED


@every
def test_a_call_whose_body_was_altered_is_forged(name: str) -> None:
    call = MADE[name]()
    for before, after in ((b"E", b"e"), (b"d", b"dd")):
        altered = replace(call, body=call.body.replace(before, after))
        assert altered.body != call.body
        assert check(name, altered).verdict is Verdict.FORGED


@pytest.mark.parametrize("name", ["seven", "twilio"])
def test_a_call_that_was_signed_for_another_address_is_forged(name: str) -> None:
    call = MADE[name]()
    for url in (call.url + "x", call.url.replace("https:", "http:"), call.url.upper()):
        assert check(name, replace(call, url=url)).verdict is Verdict.FORGED


def test_gatewayapi_signs_no_address_so_the_secret_address_must_fit_instead() -> None:
    # The receiver compares it before it looks at the signature: see the tests of calls.
    assert check("gatewayapi", replace(gatewayapi(), url="x")).verdict is Verdict.GENUINE


@pytest.mark.parametrize("name", ["seven", "gatewayapi"])
def test_a_call_that_was_signed_too_long_ago_or_ahead_is_old(name: str) -> None:
    make = MADE[name]
    for minutes in (-6, 6):
        call = make(at=NOW + timedelta(minutes=minutes))
        assert check(name, call).verdict is Verdict.OLD
    for minutes in (-5, 5):
        call = make(at=NOW + timedelta(minutes=minutes))
        assert check(name, call).verdict is Verdict.GENUINE


def test_the_time_and_nonce_of_a_call_cannot_be_changed() -> None:
    for header in ("x-timestamp", "x-nonce"):
        call = seven()
        headers = {**call.headers, header: str(int(NOW.timestamp()) + 1)}
        assert check("seven", replace(call, headers=headers)).verdict is Verdict.FORGED


@every
def test_a_call_that_is_sent_again_is_recognised_and_another_is_not(name: str) -> None:
    seen = Seen()
    make = MADE[name]
    first = check(name, make(nonce="first"))
    seen.add(first.once)
    assert check(name, make(nonce="first")).once in seen
    assert check(name, make(nonce="second")).once not in seen


def test_what_was_seen_is_bounded_and_the_oldest_goes_first() -> None:
    seen = Seen(most=2)
    for once in ("a", "b", "c"):
        seen.add(once)
    assert [once in seen for once in ("a", "b", "c")] == [False, True, True]


def test_a_twilio_call_with_a_json_body_is_covered_by_the_digest_in_its_address() -> None:
    body = b'{"status": "delivered"}'
    url = f"{URL}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    signature = base64.b64encode(hmac.digest(SECRET, url.encode(), "sha1")).decode()
    headers = {"x-twilio-signature": signature, "content-type": "application/json"}
    call = Call(method="POST", url=url, headers=headers, body=body, remote="")
    assert check("twilio", call).verdict is Verdict.GENUINE
    assert check("twilio", replace(call, body=body + b" ")).verdict is Verdict.FORGED
    assert check("twilio", replace(call, url=URL)).verdict is Verdict.FORGED


@every
@given(
    body=st.binary(max_size=60),
    signature=st.text(max_size=60),
    stamp=st.text(max_size=20),
    kind=st.sampled_from(["application/json", "application/x-www-form-urlencoded", ""]),
)
def test_no_junk_is_ever_genuine_or_breaks_anything(
    name: str, body: bytes, signature: str, stamp: str, kind: str
) -> None:
    headers = {
        "x-signature": signature,
        "signature": f"v1={signature}",
        "x-twilio-signature": signature,
        "x-timestamp": stamp,
        "x-nonce": stamp,
        "content-type": kind,
    }
    call = Call(method="POST", url=URL, headers=headers, body=body, remote="")
    assert check(name, call).verdict is Verdict.FORGED
