"""Everything the SMPP driver says, read by Wireshark's decoder instead of ours.

A whole conversation with an SMSC is written to a capture file as it was on the wire, texts in
several scripts and long ones in segments, and one ``tshark`` reads it.
"""

from __future__ import annotations

import asyncio
import json
import os
import struct
import subprocess
from collections.abc import Mapping, Sequence

import pytest

from broadcaster.delivery.contract import State
from channels.sms.gateways.smpp.pdu import Command
from channels.sms.segments import encode
from tests.peers.fake_smsc import PASSWORD, PHONE, fake_smsc, receipt, written
from tests.unit.channels.smpp_bench import ear, opened, route, submission, until

pytestmark = pytest.mark.peer("tshark")

SMPP_PORT = 2775
TEXTS = (
    "Hochwasser an der Ruhr: Keller verlassen, 112 rufen.",
    "Sel: {bodrum} [terk] ~ € ^ \\ |",
    "Повінь: покиньте підвал",
    "فيضان: غادروا القبو",
    "洪水:离开地下室",
    "Überschwemmung: höher gehen. " * 12,
    "Наводнение: покиньте подвал. " * 8,
)
FIELDS = (
    "smpp.command_id",
    "smpp.command_status",
    "smpp.command_length",
    "smpp.system_id",
    "smpp.password",
    "smpp.interface_version",
    "smpp.source_addr",
    "smpp.source_addr_ton",
    "smpp.destination_addr",
    "smpp.dest_addr_ton",
    "smpp.dest_addr_npi",
    "smpp.data_coding",
    "smpp.priority_flag",
    "smpp.regdel.receipt",
    "smpp.validity_period_r",
    "smpp.esm.submit.features",
    "smpp.sm_length",
    "smpp.message",
    "smpp.message_text",
    "_ws.malformed",
)
ALPHABET = "smpp.decode_sms_over_smpp:GSM 7-bit"
"""What data_coding 0 means here."""
Read = Mapping[str, Sequence[str]]


def capture(said: Sequence[tuple[bool, bytes]]) -> bytes:
    """A pcap file of one TCP connection between the networks that RFC 5737 reserves."""
    packets = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 0xFFFF, 101)]  # 101: IP
    sequences = {True: 1, False: 1}
    for ours, octets in said:
        ports = (40000, SMPP_PORT) if ours else (SMPP_PORT, 40000)
        numbers = sequences[ours], sequences[not ours]
        tcp = struct.pack(">HHIIHHHH", *ports, *numbers, 0x5018, 0xFFFF, 0, 0)
        hosts = (bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2)))
        length = 20 + len(tcp) + len(octets)
        ip = struct.pack(">BBHHHBBH", 0x45, 0, length, 0, 0, 64, 6, 0)
        ip += b"".join(hosts if ours else hosts[::-1])
        packets.append(struct.pack("<IIII", 0, 0, length, length) + ip + tcp + octets)
        sequences[ours] += len(octets)
    return b"".join(packets)


async def conversation() -> list[tuple[bool, bytes]]:
    """Bind, every text, a receipt, a message from a person, a sign of life, unbind."""
    async with fake_smsc() as smsc:
        smsc.record = True
        async with opened(route(smsc, window=1)) as gateway:
            for reference, text in enumerate(TEXTS):
                made = encode(text, reference=reference)
                (said,) = await gateway.submit(
                    submission(
                        segments=made.parts,
                        data_coding=made.alphabet.data_coding,
                        esm_class=made.esm_class,
                    )
                )
                assert said.state is State.ACCEPTED
            async with ear(gateway.receipts()) as late, ear(gateway.heard()) as ears:
                asked = smsc.hearing.ask(Command.DELIVER_SM, receipt("id-000001").encode())
                await late.until(1)
                await asked
                asked = smsc.hearing.ask(Command.DELIVER_SM, written(b"STOP").encode())
                await (await ears.until(1))[0].kept()
                await asked
            await gateway.ping()
        # The SMSC reads our farewell in its own time.
        await until(lambda: not smsc.connections)
        return smsc.wire


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[bool, Read]]:
    """Every packet, whether it was ours, and what tshark read in it."""
    said = asyncio.run(conversation())
    folder = tmp_path_factory.mktemp("tshark")
    file = folder / "smpp.pcap"
    file.write_bytes(capture(said))
    fields = [argument for field in FIELDS for argument in ("-e", field)]
    done = subprocess.run(
        ["tshark", "-n", "-r", str(file), "-T", "json", "-o", ALPHABET, *fields],
        # No user's preferences, whoever runs the tests.
        env={**os.environ, "WIRESHARK_CONFIG_DIR": str(folder)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=True,
    )
    layers = [packet["_source"]["layers"] for packet in json.loads(done.stdout)]
    return [(ours, read) for (ours, _), read in zip(said, layers, strict=True)]


def test_tshark_finds_nothing_malformed_and_every_command(
    judged: list[tuple[bool, Read]],
) -> None:
    assert not [read for _, read in judged if "_ws.malformed" in read]
    ours = {int(read["smpp.command_id"][0], 0) for mine, read in judged if mine}
    assert ours == {
        Command.BIND_TRANSCEIVER,
        Command.SUBMIT_SM,
        Command.DELIVER_SM_RESP,
        Command.ENQUIRE_LINK,
        Command.UNBIND,
    }


def test_tshark_reads_the_bind_as_it_was_meant(judged: list[tuple[bool, Read]]) -> None:
    read = judged[0][1]
    assert read["smpp.system_id"] == ["dortmund"]
    assert read["smpp.password"] == [PASSWORD]
    assert [int(read["smpp.interface_version"][0], 0)] == [0x34]


def test_tshark_reads_every_text_and_field_of_every_segment(
    judged: list[tuple[bool, Read]],
) -> None:
    sent = [read for _, read in judged if int(read["smpp.command_id"][0], 0) == Command.SUBMIT_SM]
    expected = [
        (made, at)
        for reference, text in enumerate(TEXTS)
        for made in [encode(text, reference=reference)]
        for at in range(len(made.parts))
    ]
    for read, (made, at) in zip(sent, expected, strict=True):
        octets = made.parts[at]
        assert bytes.fromhex(read["smpp.message"][0].replace(":", "")) == octets
        assert int(read["smpp.sm_length"][0], 0) == len(octets)
        assert int(read["smpp.data_coding"][0], 0) == made.alphabet.data_coding
        features = int(read["smpp.esm.submit.features"][0], 0)
        assert features in (made.esm_class, made.esm_class >> 6)
        assert read["smpp.source_addr"] == ["Dortmund"]
        assert int(read["smpp.source_addr_ton"][0], 0) == 5
        assert read["smpp.destination_addr"] == [f"{PHONE}00"]
        assert int(read["smpp.dest_addr_ton"][0], 0) == 1
        assert int(read["smpp.dest_addr_npi"][0], 0) == 1
        assert int(read["smpp.priority_flag"][0], 0) == 3
        assert int(read["smpp.regdel.receipt"][0], 0) == 1
        assert float(read["smpp.validity_period_r"][0]) == 6 * 3600


def test_tshark_shows_every_text_as_a_phone_would(judged: list[tuple[bool, Read]]) -> None:
    sent = [read for _, read in judged if int(read["smpp.command_id"][0], 0) == Command.SUBMIT_SM]
    shown = "".join(read["smpp.message_text"][0] for read in sent)
    # It trims nothing, so that texts stand one behind the other.
    assert shown == "".join(TEXTS)
