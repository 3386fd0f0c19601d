"""Every cell-broadcast page of the shipped texts, read by Wireshark's decoder instead of ours.

The pages travel in CBSP WRITE-REPLACE messages (3GPP TS 48.049), as they would to a 2G network,
in one capture file, and one ``tshark`` reads them all.  It shows a page as it is on air, so the
language in front and the padding behind are taken off here.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from babel import Locale

from broadcaster.model.cap import Alert, MsgType, Status
from broadcaster.model.rendition import Format, Variant
from broadcaster.text.measure import plain_punctuation, septets
from broadcaster.text.render import rendition
from channels.cell_broadcast.codec import CODINGS, Pages, choose, encode
from channels.cell_broadcast.profile import Broadcast, Profile, load
from channels.cell_broadcast.serials import Serial
from tests.unit.text.alert_examples import composed, identity, levels, library

pytestmark = pytest.mark.peer("tshark")

CBSP_PORT = 48049
FIELDS = (
    "cbsp.message_id",
    "cbsp.new_serial_nr",
    "cbsp.dcs",
    "cbsp.num_of_pages",
    "cbsp.cb_page_content",
    "gsm_map.cbs.coding_grp0_lang",
    "gsm_map.cbs.coding_grp2_lang",
    "_ws.malformed",
)
NAMELESS = {"ckb", "sr-Latn"}
"""No two letters name them, so they can only be the text for everyone."""


@dataclass(frozen=True)
class Sent:
    """An approved text, and what was made of it."""

    name: str
    tag: str
    text: str
    broadcast: Broadcast
    serial: Serial

    @property
    def pages(self) -> Pages:
        return self.broadcast.pages

    @property
    def approved(self) -> str:
        """What the officer saw: with plain punctuation where that spares the larger alphabet."""
        plain, _ = plain_punctuation(self.text)
        return unicodedata.normalize("NFC", self.text) if septets(plain) is None else plain


Read = Mapping[str, Sequence[str]]
"""What tshark found in one message, by the name of its field."""


def alerts() -> Iterator[tuple[str, MsgType, Alert]]:
    """Every level as warning, update and all-clear, every hazard as exercise and test."""
    tags = tuple(library().languages)
    for hazard, level in levels():
        cases = [(m, Status.ACTUAL) for m in (MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL)]
        if level == min(library().hazards[hazard].levels):
            cases += [(MsgType.ALERT, status) for status in (Status.EXERCISE, Status.TEST)]
        for message, status in cases:
            alert = composed(hazard, level, message, who=identity(languages=tags), status=status)
            yield f"{hazard} {level} {message} {status}", message, alert.alert


def everything_sent(profile: Profile) -> Iterator[Sent]:
    """All texts for Germany in all languages, long and short."""
    number = 0
    for of, message, alert in alerts():
        row = profile.row(alert, message)
        for tag in library().languages:
            code = profile.code(tag)
            for variant in (Variant.STANDARD, Variant.SHORT):
                name = f"{of} {tag} {variant}"
                made = rendition(alert, library(), tag, variant, Format.TEXT)
                assert made is not None, name
                choice = choose(made.text, code)
                pages = encode(choice.text, dcs=choice.coding.dcs, language=code)
                base = tag == "de" or code is None
                broadcast = Broadcast(row.local if base else row.additional, pages)
                serial = Serial(number >> 4 & 0x3FF, number & 0xF)
                yield Sent(name, tag, made.text, broadcast, serial)
                number += 1


def write_replace(sent: Sent) -> bytes:
    """TS 48.049 8.1.3.1: a new message in all cells of a BSC, once a minute until stopped."""
    pages = sent.pages
    elements = [
        struct.pack(">BHBH", 0x0E, sent.broadcast.identifier, 0x03, int(sent.serial)),
        bytes((0x04, 0, 1, 6)),  # cell list: one octet, all cells
        bytes((0x12, 0, 0x05, 0)),  # basic channel, high priority
        struct.pack(">BHBH", 0x06, 32, 0x07, 0),  # repetition period, number of broadcasts
        bytes((0x13, len(pages.octets), 0x0C, pages.coding.dcs)),
        *(
            bytes((0x01, length)) + page
            for page, length in zip(pages.octets, pages.lengths, strict=True)
        ),
    ]
    body = b"".join(elements)
    return bytes((0x01,)) + len(body).to_bytes(3, "big") + body


def capture(messages: Sequence[bytes]) -> bytes:
    """A pcap file: one TCP segment each, between the networks that RFC 5737 reserves."""
    packets = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 0xFFFF, 101)]  # 101: IP
    sequence = 1
    for message in messages:
        tcp = struct.pack(">HHIIHHHH", 40000, CBSP_PORT, sequence, 1, 0x5018, 0xFFFF, 0, 0)
        length = 20 + len(tcp) + len(message)
        addresses = bytes((192, 0, 2, 1, 192, 0, 2, 2))
        ip = struct.pack(">BBHHHBBH", 0x45, 0, length, 0, 0, 64, 6, 0) + addresses
        packets.append(struct.pack("<IIII", 0, 0, length, length) + ip + tcp + message)
        sequence = (sequence + len(message)) & 0xFFFFFFFF
    return b"".join(packets)


def tshark(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["tshark", *arguments],
        # No user's preferences, whoever runs the tests.
        env={**os.environ, "WIRESHARK_CONFIG_DIR": str(folder)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Sent, Read]]:
    """Everything that was sent, with what tshark read."""
    sent = list(everything_sent(load("de")))
    folder = tmp_path_factory.mktemp("tshark")
    file = folder / "cells.pcap"
    file.write_bytes(capture([write_replace(each) for each in sent]))
    fields = [argument for field in FIELDS for argument in ("-e", field)]
    output = tshark(folder, "-n", "-r", str(file), "-T", "json", *fields)
    packets: list[dict[str, Any]] = json.loads(output)
    return list(zip(sent, (packet["_source"]["layers"] for packet in packets), strict=True))


@pytest.fixture(scope="module")
def schemes(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """Wireshark's names for the languages of coding groups 0 and 2, by field and value."""
    output = tshark(tmp_path_factory.mktemp("values"), "-G", "values")
    values = [line.split("\t") for line in output.splitlines() if line.startswith("V\tgsm_map.cbs")]
    return {(field, value): meaning for _, field, value, meaning in values}


def letters(unit: str) -> str:
    """The two letters packed into the first UCS-2 unit of a page (TS 23.038 5, 6.1.2.1)."""
    first, second = ord(unit).to_bytes(2, "big")
    return chr(first & 0x7F) + chr(first >> 7 | (second & 0x3F) << 1)


def apart(page: str, dcs: int) -> tuple[str, str]:
    """The language in front of a page, or nothing, and its text."""
    text = page.rstrip("\r")
    if dcs == 0x10:
        assert page[2] == "\r"
        return page[:2], text[3:]
    if dcs == 0x11:
        return letters(page[0]), text[1:]
    return "", text


def test_tshark_reads_every_text_in_every_language_as_it_was_approved(
    judged: list[tuple[Sent, Read]],
) -> None:
    pages: Counter[str] = Counter()
    for sent, read in judged:
        shown = "".join(
            apart(page, sent.pages.coding.dcs)[1] for page in read["cbsp.cb_page_content"]
        )
        assert shown == sent.approved, sent.name
        assert "_ws.malformed" not in read, sent.name
        pages[sent.tag] += len(read["cbsp.cb_page_content"])
    assert set(pages) == set(library().languages)
    assert min(pages.values()) > 1000


def test_tshark_finds_identifier_serial_scheme_and_number_of_pages(
    judged: list[tuple[Sent, Read]],
) -> None:
    for sent, read in judged:
        found = [int(read[field][0], 0) for field in FIELDS[:4]]
        assert found == [
            sent.broadcast.identifier,
            int(sent.serial),
            sent.pages.coding.dcs,
            len(sent.pages.octets),
        ], sent.name
        assert len(read["cbsp.cb_page_content"]) == len(sent.pages.octets)


def test_tshark_and_we_mean_the_same_language_by_every_scheme(
    schemes: dict[tuple[str, str], str],
) -> None:
    named = {dcs: coding.language for dcs, coding in CODINGS.items() if coding.language}
    assert len(named) == 20
    for dcs, language in named.items():
        field = f"gsm_map.cbs.coding_grp{dcs >> 4}_lang"
        english = Locale(language).get_language_name("en")
        assert schemes[field, str(dcs & 0xF)] == english, f"{dcs:02x}"


def test_every_page_names_its_language_by_the_scheme_or_in_front(
    judged: list[tuple[Sent, Read]], schemes: dict[tuple[str, str], str]
) -> None:
    profile = load("de")
    by_scheme, in_front, not_at_all = set(), set(), set()
    for sent, read in judged:
        named = {apart(page, sent.pages.coding.dcs)[0] for page in read["cbsp.cb_page_content"]}
        groups = [(field, read[field][0]) for field in FIELDS[5:7] if field in read]
        if named != {""}:
            assert named == {profile.code(sent.tag)}, sent.name
            in_front.add(sent.tag)
        elif groups and schemes[groups[0]] != "Language unspecified":
            assert schemes[groups[0]] == library().languages[sent.tag].english, sent.name
            by_scheme.add(sent.tag)
        else:
            not_at_all.add(sent.tag)
    assert not_at_all == NAMELESS
    assert {"de", "en"} <= by_scheme
    assert by_scheme | in_front | not_at_all == set(library().languages)
