"""SMS to SMSCs of others: the npm package smpp, and the example of Debian's libnet-smpp-perl."""

from __future__ import annotations

import asyncio
import gzip
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from broadcaster.delivery.contract import State
from channels.sms.gateways.smpp.pdu import Bind, Command
from channels.sms.gateways.smpp.receipts import same
from channels.sms.gateways.smpp.session import BindRefused, connect
from channels.sms.segments import encode
from tests.peers.fake_smsc import PHONE
from tests.peers.smpp_smsc import node_smsc
from tests.unit.channels.smpp_bench import ear, opened, route, submission
from tests.unit.channels.test_smpp_session import Log

npm = pytest.mark.peer("node", "npm:smpp")
PERL = Path("/usr/share/doc/libnet-smpp-perl/examples/smsc.pl")
PERL_PORT = 9900
"""Written in the example."""


# ---- npm smpp -------------------------------------------------------------------------------


@npm
@pytest.mark.parametrize(
    ("mode", "binds"),
    [
        ("trx", {"bind_transceiver"}),
        ("tx+rx", {"bind_transmitter", "bind_receiver"}),
    ],
)
async def test_it_is_bound_in_every_mode_and_answers_signs_of_life(
    mode: str, binds: set[str]
) -> None:
    async with node_smsc() as (smsc, port), opened(route(port, mode=mode)) as gateway:
        said = await smsc.hear("bind", len(binds))
        assert {one["bind"] for one in said} == binds
        assert {(one["as"], one["version"], one["ok"]) for one in said} == {
            ("dortmund", 0x34, True)
        }
        assert "bound, answers in" in await gateway.ping()


@npm
async def test_it_reads_every_field_as_we_meant_it() -> None:
    texts = {
        "Hochwasser an der Ruhr: [112] rufen, 5 € {bar}. " * 5: 0,
        "Повінь: покиньте підвал 🙂. " * 5: 8,
    }
    async with node_smsc() as (smsc, port), opened(route(port, window=1)) as gateway:
        smsc.tell(tell=True)
        for text, data_coding in texts.items():
            made = encode(text, reference=4711)
            before = len([one for one in smsc.said if "pdu" in one])
            (said,) = await gateway.submit(
                submission(
                    segments=made.parts,
                    data_coding=made.alphabet.data_coding,
                    esm_class=made.esm_class,
                )
            )
            assert said.state is State.ACCEPTED
            got = (await smsc.hear("pdu", before + len(made.parts)))[before:]
            read = [one["pdu"] for one in got]
            assert "".join(pdu["short_message"]["message"] for pdu in read) == text
            for at, pdu in enumerate(read, 1):
                (header,) = pdu["short_message"]["udh"]
                assert bytes(header["data"]) == bytes((8, 4, 0x12, 0x67, len(read), at))
                assert pdu["data_coding"] == data_coding
                assert pdu["registered_delivery"] == 1
                assert pdu["priority_flag"] == 3
                assert pdu["destination_addr"] == f"{PHONE}00"
                assert (pdu["dest_addr_ton"], pdu["dest_addr_npi"]) == (1, 1)
                assert (pdu["source_addr_ton"], pdu["source_addr"]) == (5, "Dortmund")
            assert said.parts == tuple(f"north:{same(one['id'])}" for one in got)


@npm
@pytest.mark.parametrize("when", ["before", "after"])
async def test_its_receipts_in_decimal_belong_to_its_answers_in_hexadecimal(when: str) -> None:
    decimal = {"receipt_ids": "decimal"}
    async with node_smsc() as (smsc, port), opened(route(port, **decimal)) as gateway:
        smsc.tell(receipts=when)
        async with ear(gateway.receipts()) as late:
            said = await gateway.submit(submission(20))
            told = await late.until(20)
            assert {one.state for one in told} == {State.DELIVERED}
            assert {one.reference for one in told} == {one.reference for one in said}
            assert {one["answered"] for one in await smsc.hear("answered", 20)} == {0}


@npm
async def test_what_people_write_is_read_and_answered_when_it_is_kept() -> None:
    """Without data_coding this SMSC writes 1 over octets of the GSM alphabet."""
    person = {"source_addr": f"{PHONE}01", "source_addr_ton": 1, "destination_addr": "80888"}
    async with node_smsc() as (smsc, port), opened(route(port)) as gateway:
        await smsc.hear("bind")
        async with ear(gateway.heard()) as ears:
            for at, (fields, text) in enumerate(
                (
                    ({"short_message": "STOPP für ä€"}, "STOPP für ä€"),
                    ({"short_message": "СТОП", "data_coding": 8}, "СТОП"),
                    ({"message_payload": "STOP " * 60, "data_coding": 0}, "STOP " * 60),
                ),
                1,
            ):
                smsc.tell(deliver={**person, **fields})
                heard = (await ears.until(at))[-1]
                assert (heard.text, heard.address) == (text, f"+{PHONE}01")
                assert len([one for one in smsc.said if "answered" in one]) == at - 1
                await heard.kept()
                assert (await smsc.hear("answered", at))[-1] == {"answered": 0}


@npm
async def test_what_it_throttles_arrives_and_nothing_arrives_twice() -> None:
    async with node_smsc() as (smsc, port), opened(route(port, window=20)) as gateway:
        smsc.tell(allow=150)
        said = await gateway.submit(submission(400))
        counted = await smsc.counted()
    assert {one.state for one in said} == {State.ACCEPTED}
    assert counted["accepted"] == 400
    throttled = gateway.routes[0].counts["throttled"]
    assert 0 < throttled == counted["submitted"] - 400


@npm
async def test_killed_with_1500_in_flight_all_are_accounted_for_and_it_is_bound_again() -> None:
    timeout = 3.0
    async with opened(route(port := free_port(), window=1500, timeout=timeout)) as gateway:
        async with node_smsc(port) as (smsc, _):
            await smsc.hear("bind")
            smsc.tell(silent=True)
            sending = asyncio.create_task(gateway.submit(submission(1500)))
            while (await smsc.counted())["submitted"] < 1500:
                pass
            begin = time.monotonic()
            await smsc.kill()
            said = await sending
            assert time.monotonic() - begin < timeout + 5
            assert Counter(one.state for one in said) == {State.UNKNOWN: 1500}
        async with node_smsc(port) as (smsc, _):
            await smsc.hear("bind")
            said = await gateway.submit(submission(10))
            assert {one.state for one in said} == {State.ACCEPTED}
            assert (await smsc.counted())["submitted"] == 10, "the unknown ones went again"


@npm
async def test_a_wrong_password_is_told_in_words() -> None:
    async with node_smsc() as (_, port):
        session = await connect("127.0.0.1", port, Log(), window=1, patience=2, enquire=30)
        with pytest.raises(BindRefused, match="the password is wrong"):
            await session.bind(Command.BIND_TRANSCEIVER, Bind(system_id="x", password="wrong"))
        await session.close()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


# ---- libnet-smpp-perl -----------------------------------------------------------------------


@pytest.fixture
def perl_smsc(tmp_path: Path) -> Iterator[None]:
    """The example as it is shipped; Debian compresses examples when they are long."""
    if not PERL.exists() and not PERL.with_suffix(".pl.gz").exists():
        pytest.skip("libnet-smpp-perl is not installed; `make peers` installs it")
    script = tmp_path / "smsc.pl"
    packed = PERL.with_suffix(".pl.gz")
    script.write_bytes(PERL.read_bytes() if PERL.exists() else gzip.decompress(packed.read_bytes()))
    process = subprocess.Popen(
        ["perl", str(script)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(100):
            with socket.socket() as one:
                if one.connect_ex(("localhost", PERL_PORT)) == 0:
                    break
            time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait()


@pytest.mark.peer("perl")
@pytest.mark.usefixtures("perl_smsc")
@pytest.mark.parametrize("mode", ["trx", "tx+rx"])
async def test_the_perl_example_takes_our_binds_texts_and_farewell(mode: str) -> None:
    async with opened(route(PERL_PORT, mode=mode, timeout=3)) as gateway:
        said = await gateway.submit(submission(20, segments=(b"Hochwasser",)))
        assert {one.state for one in said} == {State.ACCEPTED}
        assert {one.parts for one in said} == {("north:123456789",)}
        assert "20 accepted" in await gateway.ping()
