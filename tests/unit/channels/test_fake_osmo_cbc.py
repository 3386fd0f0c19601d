"""The stub of osmo-cbc answers as the real one was recorded."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientTimeout

from tests.unit.channels.fake_osmo_cbc import FakeOsmoCbc, Peer
from tests.unit.channels.osmo_bench import (
    AWAY,
    BSC,
    FULL,
    MUTE,
    SCALE,
    TIMEOUT,
    raw,
    serial_parts,
)


def decoded(**values: Any) -> dict[str, Any]:
    payload = {"character_set": "gsm", "language": "de", "data_utf8": "Probe", **values}
    return raw(lambda b: b["smscb_message"].update(payload={"payload_decoded": payload}))


def encoded(*pages: str) -> dict[str, Any]:
    return raw(
        lambda b: b["smscb_message"].update(
            payload={"payload_encoded": {"dcs": 0, "pages": [*pages]}}
        )
    )


POST, DELETE = ("POST", ""), ("DELETE", "/4370")
CASES: dict[str, tuple[tuple[Peer, ...], tuple[str, str], Any, bool]] = {
    "valid POST, no peer configured": ((), POST, raw(), False),
    "valid POST, peers configured but all disconnected": ((AWAY,), POST, raw(), False),
    "valid POST, BSC acks": ((BSC,), POST, raw(), False),
    "valid POST, BSC refuses (cause 6 for its cell)": ((FULL,), POST, raw(), False),
    "valid POST, BSC never answers": ((MUTE,), POST, raw(), False),
    "POST with a message_id that is already active (any serial)": ((BSC,), POST, raw(), True),
    "DELETE active id": ((BSC,), DELETE, None, True),
    "DELETE active id, peer silent": ((MUTE,), DELETE, None, True),
    "DELETE active id, no peer": ((), DELETE, None, True),
    "DELETE unknown id": ((BSC,), DELETE, None, False),
    "DELETE 70000": ((BSC,), ("DELETE", "/70000"), None, False),
    "DELETE abc (atoi gives 0)": ((BSC,), ("DELETE", "/abc"), None, False),
    "GET /message": ((BSC,), ("GET", ""), None, False),
    "body not JSON": ((BSC,), POST, "no JSON", False),
    "{} or no cbe_name": ((BSC,), POST, {}, False),
    "no repetition_period": ((BSC,), POST, raw(lambda b: b.pop("repetition_period")), False),
    "repetition_period 4096": (
        (BSC,),
        POST,
        raw(lambda b: b.update(repetition_period=4096)),
        False,
    ),
    "repetition_period 0": ((BSC,), POST, raw(lambda b: b.update(repetition_period=0)), False),
    "category 'urgent'": ((BSC,), POST, raw(lambda b: b.update(category="urgent")), False),
    "no scope": ((BSC,), POST, raw(lambda b: b.pop("scope")), False),
    "scope other than scope_plmn": (
        (BSC,),
        POST,
        raw(lambda b: b.update(scope={"scope_tac": {}})),
        False,
    ),
    "no smscb_message": ((BSC,), POST, raw(lambda b: b.pop("smscb_message")), False),
    "message_id 70000": (
        (BSC,),
        POST,
        raw(lambda b: b["smscb_message"].update(message_id=70000)),
        False,
    ),
    "serial_nr is a bare integer": (
        (BSC,),
        POST,
        raw(lambda b: b["smscb_message"].update(serial_nr=5)),
        False,
    ),
    "msg_code 1024": ((BSC,), POST, raw(lambda b: serial_parts(b).update(msg_code=1024)), False),
    "msg_code 1025": ((BSC,), POST, raw(lambda b: serial_parts(b).update(msg_code=1025)), False),
    "update_nr 16": ((BSC,), POST, raw(lambda b: serial_parts(b).update(update_nr=16)), False),
    "decoded: character_set utf8": ((BSC,), POST, decoded(character_set="utf8"), False),
    "decoded: language deu": ((BSC,), POST, decoded(language="deu"), False),
    "decoded: ucs2": ((BSC,), POST, decoded(character_set="ucs2"), False),
    "decoded: 2000 GSM characters": ((BSC,), POST, decoded(data_utf8="x" * 2000), False),
    "encoded: 0 or 16 pages": ((BSC,), POST, encoded(*["0d" * 82] * 16), False),
    "encoded: 83 octets in a page": ((BSC,), POST, encoded("0d" * 83), False),
    "encoded: odd or non-hex digits": ((BSC,), POST, encoded("0dx"), False),
    "encoded: first page shorter than 82 octets": ((BSC,), POST, encoded("0d" * 10), False),
}


@pytest.fixture(scope="module")
def recorded(shared: Path) -> dict[str, dict[str, Any]]:
    observed = json.loads((shared / "corpus/cell-broadcast/osmo-observed.json").read_bytes())
    return {case["case"]: case for case in observed["ecbe_http"]}


def test_every_recorded_case_has_its_like_at_the_stub(recorded: dict[str, Any]) -> None:
    assert set(CASES) == set(recorded)


@pytest.mark.parametrize("case", CASES)
async def test_the_stub_answers_as_was_recorded(case: str, recorded: dict[str, Any]) -> None:
    expected = recorded[case]
    peers, (method, path), body, active = CASES[case]
    cbc = FakeOsmoCbc(*(replace(peer, sends={}) for peer in peers), scale=SCALE)
    url = "{}/api/ecbe/v1/message"
    async with cbc.running(), ClientSession(timeout=ClientTimeout(total=TIMEOUT)) as session:
        if active:
            async with session.post(url.format(cbc.url), json=raw()):
                pass
        began = time.monotonic()
        sent = {"data": body} if isinstance(body, str) else {"json": body}
        call = session.request(method, url.format(cbc.url) + path, **sent)
        if expected["status"] is None:
            with pytest.raises(TimeoutError):
                await call
            return
        async with call as response:
            assert (response.status, await response.text()) == (
                expected["status"],
                expected["body"],
            )
    if expected.get("seconds", 0) >= 1:
        assert time.monotonic() - began >= expected["seconds"] * SCALE
