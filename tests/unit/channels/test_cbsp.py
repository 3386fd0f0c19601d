"""CBSP messages (3GPP TS 48.049) to octets and back, and what a controller's answers mean."""

from __future__ import annotations

import dataclasses
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.model.errors import BadInput
from channels.cell_broadcast import codec
from channels.cell_broadcast.gateways.cbsp import messages as cbsp
from channels.cell_broadcast.gateways.cbsp import settings as cbsp_settings
from channels.cell_broadcast.gateways.cbsp.messages import (
    CellList,
    CellName,
    Completed,
    Discriminator,
    Failure,
    Load,
)
from channels.cell_broadcast.gateways.cbsp.outcome import (
    Outcome,
    of_kill,
    of_write,
    stopped,
    together,
)
from channels.cell_broadcast.gateways.cbsp.wire import LONGEST, Frames, decode, encode
from channels.cell_broadcast.order import Said
from channels.cell_broadcast.serials import Serial

SEVEN = CellName(Discriminator.CGI, "262", "98", 1, 7)
EIGHT = CellName(Discriminator.CGI, "262", "98", 1, 8)


def message_of(octets: bytes) -> cbsp.Message:
    ((kind, body),) = Frames().feed(octets)
    return decode(kind, body)


def recorded(shared: Path, name: str) -> list[dict[str, Any]]:
    path = shared / "corpus" / "cell-broadcast" / "osmo-observed.json"
    found: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))[name]
    return found


# What was recorded, word for word -------------------------------------------------------------


def test_what_a_centre_was_seen_to_send_is_read_and_written_octet_for_octet(shared: Path) -> None:
    kinds = {"RESET": cbsp.Reset, "WRITE-REPLACE": cbsp.Write, "KILL": cbsp.Kill}
    rows = recorded(shared, "cbsp_seen_by_fake_bsc")
    assert len(rows) == 3
    for row in rows:
        octets = bytes.fromhex(row["raw"])
        message = message_of(octets)
        assert type(message) is kinds[row["type"]]
        assert encode(message) == octets


def test_what_osmo_bsc_was_seen_to_answer_is_read_and_written_octet_for_octet(shared: Path) -> None:
    rows = [row for row in recorded(shared, "cbsp_with_debian_osmo_bsc_1_9_0") if "rx" in row]
    assert len(rows) == 10
    for row in rows:
        kind, body = int(row["rx_type"][:4], 16), bytes.fromhex(row["rx"])
        assert encode(decode(kind, body)) == bytes((kind, 0, 0, len(body))) + body


def test_the_recorded_arabic_page_is_the_one_our_codec_makes(shared: Path) -> None:
    row = recorded(shared, "cbsp_seen_by_fake_bsc")[1]
    write = message_of(bytes.fromhex(row["raw"]))
    assert isinstance(write, cbsp.Write)
    language, text = codec.decode([page.octets for page in write.pages], None, write.dcs)
    assert language == "ar"
    assert codec.encode(text, dcs=write.dcs, language="ar").octets == (write.pages[0].octets,)


# Tables ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "octets"),
    [
        (CellList(Discriminator.CGI, (SEVEN,)), "04 0008 00 62f289 0001 0007"),
        (
            CellList(Discriminator.CGI, (CellName(Discriminator.CGI, "310", "410", 1, 7),)),
            "04 0008 00 130014 0001 0007",
        ),
        (
            CellList(Discriminator.LAC_CI, (CellName(Discriminator.LAC_CI, lac=1, ci=7),)),
            "04 0005 01 0001 0007",
        ),
        (CellList(Discriminator.CI, (CellName(Discriminator.CI, ci=7),)), "04 0003 02 0007"),
        (
            CellList(Discriminator.LAI, (CellName(Discriminator.LAI, "262", "98", 1),)),
            "04 0006 04 62f289 0001",
        ),
        (CellList(Discriminator.LAC, (CellName(Discriminator.LAC, lac=1),)), "04 0003 05 0001"),
        (cbsp.WHOLE_BSC, "04 0001 06"),
    ],
)
def test_cells_are_named_in_all_six_ways(cells: CellList, octets: str) -> None:
    body = bytes.fromhex(octets)
    assert encode(cbsp.Reset(cells=cells)) == b"\x10\x00\x00" + bytes((len(body),)) + body
    assert decode(0x10, body) == cbsp.Reset(cells=cells)


@pytest.mark.parametrize(
    ("seconds", "octet", "means"),
    [(1, 1, 1), (10, 10, 10), (11, 10, 10), (30, 20, 30), (33, 20, 30), (120, 38, 120)],
)
def test_a_keep_alive_interval_is_rounded_down_to_a_step_of_the_table(
    seconds: int, octet: int, means: int
) -> None:
    octets = encode(cbsp.KeepAlive(seconds=seconds))
    assert octets == bytes((0x16, 0, 0, 2, 0x18, octet))
    assert message_of(octets) == cbsp.KeepAlive(seconds=means)


def test_every_cause_of_the_standard_has_words_and_so_has_any_other() -> None:
    assert list(cbsp.CAUSES) == list(range(16))
    assert len(set(cbsp.CAUSES.values())) == 16
    assert "0x2a" in cbsp.cause_in_words(0x2A)


def test_a_message_of_an_unknown_kind_is_kept_as_it_is() -> None:
    assert decode(0x0D, b"\x01\x02") == cbsp.Other(kind=0x0D, body=b"\x01\x02")


# Any message, in any pieces -------------------------------------------------------------------

sixteen = st.integers(0, 0xFFFF)
eight = st.integers(0, 0xFF)
digits = st.text("0123456789", min_size=3, max_size=3)


@st.composite
def cell_names(draw: st.DrawFn, by: Discriminator) -> CellName:
    network = by in (Discriminator.CGI, Discriminator.LAI)
    mnc = st.text("0123456789", min_size=2, max_size=3)
    lac = by in (Discriminator.CGI, Discriminator.LAC_CI, Discriminator.LAI, Discriminator.LAC)
    ci = by in (Discriminator.CGI, Discriminator.LAC_CI, Discriminator.CI)
    return CellName(
        by,
        draw(digits) if network else "",
        draw(mnc) if network else "",
        draw(sixteen) if lac else 0,
        draw(sixteen) if ci else 0,
    )


@st.composite
def cell_lists(draw: st.DrawFn) -> CellList:
    by = draw(st.sampled_from(Discriminator))
    most = 0 if by is Discriminator.WHOLE_BSC else 5
    return CellList(by, tuple(draw(st.lists(cell_names(by), max_size=most))))


by_any = st.sampled_from(Discriminator).flatmap(cell_names)
completed = st.lists(
    st.builds(Completed, cell_names(Discriminator.CGI), sixteen, eight), max_size=4
).map(tuple)
loads = st.lists(st.builds(Load, cell_names(Discriminator.CGI), eight, eight), max_size=4).map(
    tuple
)
failures = st.lists(st.builds(Failure, by_any, eight), max_size=4).map(tuple)
pages = st.lists(
    st.builds(cbsp.Page, st.binary(min_size=82, max_size=82), st.integers(0, 82)),
    min_size=1,
    max_size=15,
).map(tuple)
FIELDS = {
    "identifier": sixteen,
    "serial": sixteen,
    "old": sixteen,
    "cells": cell_lists(),
    "channel": st.integers(0, 1),
    "category": st.integers(0, 2),
    "period": st.integers(1, 4095),
    "count": sixteen,
    "dcs": eight,
    "pages": pages,
    "failures": failures,
    "completed": completed,
    "loads": loads,
    "cause": eight,
    "emergency": st.integers(0, 1),
    "lost": st.integers(0, 1),
    "seconds": st.sampled_from([1, 7, 10, 12, 30, 35, 120]),
}
MAY_BE_ABSENT = {
    cbsp.Write: {"old"},
    cbsp.WriteComplete: {"old", "completed", "cells", "channel"},
    cbsp.WriteFailure: {"old", "completed", "cells", "channel"},
    cbsp.Kill: {"channel"},
    cbsp.KillComplete: {"completed", "cells", "channel"},
    cbsp.KillFailure: {"completed", "cells", "channel"},
    cbsp.LoadQueryFailure: {"loads"},
    cbsp.StatusQueryFailure: {"completed"},
    cbsp.ResetFailure: {"cells"},
    cbsp.ErrorIndication: {"identifier", "serial", "old", "channel"},
}
KINDS = [
    kind
    for kind in vars(cbsp).values()
    if isinstance(kind, type)
    and issubclass(kind, cbsp.Message)
    and kind not in (cbsp.Message, cbsp.Other)
]


@st.composite
def messages(draw: st.DrawFn) -> cbsp.Message:
    kind = draw(st.sampled_from(KINDS))
    values = {}
    for field in dataclasses.fields(kind):
        value = FIELDS[field.name]
        absent = field.name in MAY_BE_ABSENT.get(kind, set())
        values[field.name] = draw(st.none() | value if absent else value)
    return kind(**values)


@given(st.lists(messages(), max_size=4), st.data())
def test_any_messages_survive_any_splitting_of_the_stream(
    sent: list[cbsp.Message], data: st.DataObject
) -> None:
    stream = b"".join(map(encode, sent))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    frames, received, last = Frames(), [], 0
    for cut in (*cuts, len(stream)):
        received += [decode(*frame) for frame in frames.feed(stream[last:cut])]
        last = cut
    assert received == sent


def test_every_kind_of_message_is_exercised() -> None:
    assert len(KINDS) == 20


@given(st.integers(0, 0xFF), st.binary(max_size=300))
def test_octets_that_make_no_sense_are_refused_and_nothing_else_happens(
    kind: int, body: bytes
) -> None:
    with suppress(BadInput):
        assert isinstance(decode(kind, body), cbsp.Message)


def test_a_length_that_no_message_has_ends_the_stream() -> None:
    frames = Frames()
    with pytest.raises(BadInput, match="a message of 16777215 octets"):
        frames.feed(b"\x01\xff\xff\xff")
    assert LONGEST < 0xFFFFFF


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("0e1112", "lacks serial"),
        ("7f00", "no information element 0x7f"),
        ("040002", "ends within"),
        ("0e11", "ends within"),
        ("04000407ffff00", "discriminator 7"),
        ("0400030001 02", "not of 7 each"),
        ("04 0008 00 aaaaaa 0001 0007", "no network code"),
        ("04 0000", "without discriminator"),
        ("04 0002 06 01", "names cells"),
    ],
)
def test_a_broken_message_is_refused_with_what_is_wrong(body: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        decode(0x01, bytes.fromhex(body))


def test_announced_and_sent_pages_must_agree() -> None:
    write = cbsp.Write(
        identifier=4370,
        serial=0x4010,
        cells=cbsp.WHOLE_BSC,
        category=0,
        period=60,
        count=30,
        dcs=0,
        pages=(cbsp.Page(bytes(82)), cbsp.Page(bytes(82))),
    )
    octets = bytearray(encode(write))
    octets[octets.index(b"\x13\x02") + 1] = 3
    with pytest.raises(BadInput, match="3 pages announced, 2 sent"):
        message_of(bytes(octets))


@pytest.mark.parametrize("count", [0, 16])
def test_a_broadcast_has_one_to_fifteen_pages(count: int) -> None:
    write = cbsp.Write(
        identifier=4370,
        serial=0x4010,
        cells=cbsp.WHOLE_BSC,
        category=0,
        period=60,
        count=30,
        dcs=0,
        pages=(cbsp.Page(bytes(82)),) * count,
    )
    with pytest.raises(BadInput, match=f"{count} pages"):
        encode(write)


def test_more_cells_than_one_request_can_name_are_refused() -> None:
    cells = CellList(Discriminator.CGI, (SEVEN,) * 9363)
    with pytest.raises(BadInput, match="cannot be written"):
        encode(cbsp.Reset(cells=cells))
    assert encode(cbsp.Reset(cells=CellList(Discriminator.CGI, (SEVEN,) * 9362)))


# What answers mean ----------------------------------------------------------------------------

BOTH = CellList(Discriminator.CGI, (SEVEN, EIGHT))


def written(*failures: Failure, cells: CellList | None = None) -> Outcome:
    answer = cbsp.WriteFailure(identifier=4370, serial=1, failures=failures, cells=cells)
    return of_write(BOTH, answer, "")


def test_already_used_means_that_it_is_on_air() -> None:
    assert written(Failure(SEVEN, 0x0D), Failure(EIGHT, 0x06)) == Outcome(
        cells=frozenset({SEVEN}), refused={EIGHT: 0x06}
    )


def test_not_identified_means_that_a_stop_has_nothing_to_do() -> None:
    answer = cbsp.KillFailure(
        identifier=4370, old=1, failures=(Failure(SEVEN, 0x02),), completed=(Completed(EIGHT, 3),)
    )
    assert of_kill(cbsp.WHOLE_BSC, answer, "") == Outcome(cells=frozenset({SEVEN, EIGHT}))


def test_a_complete_answer_without_cells_counts_what_was_asked_by_name_only() -> None:
    answer = cbsp.WriteComplete(identifier=4370, serial=1)
    assert of_write(BOTH, answer, "") == Outcome(cells=frozenset({SEVEN, EIGHT}))
    assert of_write(cbsp.WHOLE_BSC, answer, "") == Outcome(uncounted=True)


def test_an_error_indication_refuses_every_cell() -> None:
    answer = cbsp.ErrorIndication(cause=0x05, identifier=4370, serial=1)
    assert of_write(BOTH, answer, "").refused == {SEVEN: 5, EIGHT: 5}


BROKEN = "1 cell refused: the cell's broadcast channel is out of order"


def joined(**outcomes: Outcome) -> tuple[Said, int | None, dict[str, int], str]:
    answer = together(4370, Serial(1, 0), outcomes)
    return answer.said, answer.cells, dict(answer.refused), answer.reason


def test_a_cell_belongs_to_the_controller_that_has_it() -> None:
    north = written(Failure(EIGHT, 0x03), cells=CellList(Discriminator.CGI, (SEVEN,)))
    south = written(Failure(SEVEN, 0x00), cells=CellList(Discriminator.CGI, (EIGHT,)))
    assert joined(north=north, south=south) == (Said.INSTALLED, 2, {}, "")


def test_a_cell_that_no_controller_has_is_refused_once() -> None:
    nobody = written(Failure(SEVEN, 0x03), Failure(EIGHT, 0x03))
    said, cells, refused, _ = joined(north=nobody, south=nobody)
    assert (said, cells) == (Said.REFUSED, 0)
    assert refused == {"the controller has no such cell": 2}


def test_while_a_controller_is_silent_the_cells_may_be_its() -> None:
    nobody = written(Failure(SEVEN, 0x03), Failure(EIGHT, 0x03))
    assert joined(north=nobody, south=Outcome(unknown="silent for 10 s")) == (
        Said.UNKNOWN,
        None,
        {},
        "south: no answer (silent for 10 s)",
    )


def test_what_is_known_of_one_controller_is_said_beside_the_trouble_of_another() -> None:
    done = written(cells=BOTH)
    said, cells, _, reason = joined(north=done, south=Outcome(unsent="no connection"))
    assert (said, cells, reason) == (Said.INSTALLED, 2, "south: not sent (no connection)")


@pytest.mark.parametrize(
    ("south", "said", "reason"),
    [
        (Outcome(cells=frozenset({EIGHT})), Said.INSTALLED, ""),
        (Outcome(uncounted=True), Said.INSTALLED, ""),
        (Outcome(unknown="silent for 10 s"), Said.UNKNOWN, "south: no answer (silent for 10 s)"),
        (Outcome(unsent="no connection"), Said.UNKNOWN, "south: not sent (no connection)"),
        (Outcome(unsent="no connection", foreign=True), Said.INSTALLED, ""),
        (Outcome(refused={EIGHT: 0x0A}, foreign=True), Said.UNKNOWN, BROKEN),
        (Outcome(refused={EIGHT: 0x0A}), Said.UNKNOWN, BROKEN),
    ],
)
def test_a_stop_is_made_only_when_nobody_may_still_have_the_text(
    south: Outcome, said: Said, reason: str
) -> None:
    done = Outcome(cells=frozenset({SEVEN}))
    answer = stopped(4370, Serial(1, 0), {"north": done, "south": south})
    assert (answer.said, answer.reason) == (said, reason)
    assert (answer.cells is None) is (said is Said.UNKNOWN or south.uncounted)


def test_a_stop_of_which_nobody_had_the_text_and_nobody_speaks_is_unknown() -> None:
    away = Outcome(unsent="no connection", foreign=True)
    assert stopped(4370, Serial(1, 0), {"north": away}).said is Said.UNKNOWN


def test_of_what_nobody_has_spoken_nothing_is_known() -> None:
    assert joined()[0] is Said.UNKNOWN


# Settings -------------------------------------------------------------------------------------


def test_the_smallest_settings_have_the_port_of_the_standard() -> None:
    settings = cbsp_settings.read({"peers": [{"name": "north", "host": "127.0.0.1"}]})
    assert settings.peers == (cbsp_settings.Bsc(name="north", host="127.0.0.1", port=48049),)


def test_every_mistake_is_named_at_once() -> None:
    raw = {
        "peers": [
            {"name": "a", "host": "localhost", "port": 0, "areas": [70000]},
            {"name": "a", "host": "", "colour": "red"},
            "c",
        ],
        "timeout": 0,
        "keep_alive": True,
        "plaintext": "yes",
        "secret": 1,
    }
    assert {problem.path for problem in cbsp_settings.check(raw)} == {
        "secret",
        "plaintext",
        "timeout",
        "keep_alive",
        "peers.0.port",
        "peers.0.areas",
        "peers.1.colour",
        "peers.1.host",
        "peers.2",
        "peers",
    }
    with pytest.raises(BadInput):
        cbsp_settings.read(raw)


@pytest.mark.parametrize("raw", [{}, {"peers": []}, {"peers": "north"}])
def test_a_gateway_without_controllers_is_refused(raw: dict[str, Any]) -> None:
    assert [problem.path for problem in cbsp_settings.check(raw)] == ["peers"]


@pytest.mark.parametrize("host", ["192.0.2.1", "bsc.example.org", "2001:db8::1"])
def test_plain_text_leaves_the_machine_only_when_that_is_said(host: str) -> None:
    raw: dict[str, Any] = {"peers": [{"name": "north", "host": host}]}
    (problem,) = cbsp_settings.check(raw)
    assert problem.path == "peers.0.host"
    assert "unencrypted" in problem.says
    assert "plaintext: true" in problem.remedy
    assert cbsp_settings.check({**raw, "plaintext": True}) == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_the_near_end_of_a_tunnel_needs_no_leave(host: str) -> None:
    assert cbsp_settings.check({"peers": [{"name": "north", "host": host}]}) == []
