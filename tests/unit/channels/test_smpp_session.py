"""One SMPP session: window, signs of life, and one outcome for every submission."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any

import pytest

from channels.sms.gateways.smpp import pdu
from channels.sms.gateways.smpp.pdu import Bind, Command, Frames, Message, Tag
from channels.sms.gateways.smpp.session import Lost, Outcome, Session, Verdict, connect
from tests.peers.fake_smsc import PASSWORD, fake_smsc, receipt

BIND = Bind(system_id="dortmund", password=PASSWORD)


class Log:
    """Everything that a session tells."""

    def __init__(self) -> None:
        self.outcomes: list[tuple[Any, Outcome]] = []
        self.messages: list[tuple[Message, Callable[[int], None]]] = []
        self.ends: list[str] = []
        self.frees = 0

    def answered(self, token: Any, outcome: Outcome) -> None:
        self.outcomes.append((token, outcome))

    def delivered(self, message: Message, answer: Callable[[int], None]) -> None:
        self.messages.append((message, answer))

    def free(self) -> None:
        self.frees += 1

    def lost(self, why: str) -> None:
        self.ends.append(why)


class Socket:
    def setsockopt(self, *_: int) -> None:
        pass


class Wire(asyncio.Transport):
    """The other end of a session's connection, octet by octet."""

    def __init__(self) -> None:
        super().__init__({"socket": Socket()})
        self._frames = Frames()
        self.sent: list[tuple[int, int, int, bytes]] = []
        self.closed = False

    def write(self, data: Any) -> None:
        self.sent += self._frames.feed(bytes(data))

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        self.closed = True

    abort = close


async def bound(
    log: Log, *, window: int = 10, patience: float = 5, enquire: float = 30
) -> tuple[Session, Wire]:
    session, wire = Session(log, window=window, patience=patience, enquire=enquire), Wire()
    session.connection_made(wire)
    binding = asyncio.create_task(session.bind(Command.BIND_TRANSCEIVER, BIND))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert wire.sent[0][0] == Command.BIND_TRANSCEIVER
    session.data_received(pdu.encode(Command.BIND_TRANSCEIVER_RESP, 1, b"smsc\0"))
    assert await binding == "smsc"
    wire.sent.clear()
    return session, wire


async def test_octets_one_by_one_and_all_at_once_give_the_same() -> None:
    said = [
        pdu.encode(Command.SUBMIT_SM_RESP, 2, b"first\0"),
        pdu.encode(Command.ENQUIRE_LINK, 9),
        pdu.encode(Command.DELIVER_SM, 10, receipt("first").encode()),
        pdu.encode(Command.SUBMIT_SM_RESP, 3, b"", status=0x0B),
        pdu.encode(Command.ALERT_NOTIFICATION, 11, b"\0\0\0\0\0\0"),
        pdu.encode(0x00000103, 12),
    ]
    seen = []
    for pieces in ([bytes((octet,)) for octet in b"".join(said)], [b"".join(said)], said):
        log = Log()
        session, wire = await bound(log)
        session.submit(b"", "one")
        session.submit(b"", "two")
        for piece in pieces:
            session.data_received(piece)
        log.messages[0][1](pdu.OK)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        seen.append((log.outcomes, [message for message, _ in log.messages], wire.sent))
    assert seen[0] == seen[1] == seen[2]
    outcomes, messages, sent = seen[0]
    assert outcomes == [
        ("one", Outcome(Verdict.ACCEPTED, "first")),
        ("two", Outcome(Verdict.REJECTED, "", 0x0B)),
    ]
    assert messages == [receipt("first")]
    assert [one[:3] for one in sent] == [
        (Command.SUBMIT_SM, 0, 2),
        (Command.SUBMIT_SM, 0, 3),
        (Command.ENQUIRE_LINK_RESP, 0, 9),
        (Command.GENERIC_NACK, pdu.INVALID_COMMAND, 12),
        (Command.DELIVER_SM_RESP, 0, 10),
    ]


async def test_a_junk_length_ends_the_session_and_leaves_nothing_without_an_outcome() -> None:
    log = Log()
    session, wire = await bound(log)
    session.submit(b"", "one")
    answer = pdu.encode(Command.SUBMIT_SM_RESP, 2, b"id\0")
    session.submit(b"", "two")
    session.data_received(answer + struct.pack(">IIII", 1 << 31, 4, 0, 8))
    assert [(token, outcome.verdict) for token, outcome in log.outcomes] == [
        ("one", Verdict.ACCEPTED),
        ("two", Verdict.UNKNOWN),
    ]
    assert wire.closed
    assert wire.sent[-1][:2] == (Command.GENERIC_NACK, pdu.INVALID_LENGTH)
    assert "length" in log.ends[0]


async def test_a_generic_nack_says_that_the_submission_was_not_understood() -> None:
    log = Log()
    session, _ = await bound(log)
    session.submit(b"", "one")
    session.data_received(pdu.encode(Command.GENERIC_NACK, 2, status=pdu.INVALID_LENGTH))
    assert log.outcomes == [("one", Outcome(Verdict.REJECTED, "", pdu.INVALID_LENGTH))]


async def test_a_deliver_sm_that_cannot_be_read_is_refused_and_the_next_one_read() -> None:
    log = Log()
    session, wire = await bound(log)
    session.data_received(
        pdu.encode(Command.DELIVER_SM, 4, b"junk")
        + pdu.encode(Command.DELIVER_SM, 5, receipt("7").encode())
    )
    await asyncio.sleep(0)
    assert wire.sent == [(Command.DELIVER_SM_RESP, pdu.PERMANENT_TROUBLE, 4, b"\0")]
    assert len(log.messages) == 1


async def test_an_answer_to_nothing_of_ours_changes_nothing() -> None:
    log = Log()
    session, _ = await bound(log)
    session.data_received(pdu.encode(Command.SUBMIT_SM_RESP, 99, b"x\0"))
    session.data_received(pdu.encode(Command.ENQUIRE_LINK_RESP, 98))
    assert (log.outcomes, session.strays) == ([], 2)


async def test_an_unbind_of_the_smsc_is_answered_and_ends_the_session() -> None:
    log = Log()
    session, wire = await bound(log)
    session.submit(b"", "one")
    session.data_received(pdu.encode(Command.UNBIND, 3))
    assert wire.sent[-1] == (Command.UNBIND_RESP, 0, 3, b"")
    assert log.ends == ["the SMSC unbound"]
    assert log.outcomes[0][1].verdict is Verdict.UNKNOWN


async def test_numbers_begin_again_after_the_last_one() -> None:
    session, wire = await bound(Log())
    session._sequence = pdu.LAST_SEQUENCE - 1
    session.submit(b"", 1)
    session.submit(b"", 2)
    session.flush()
    assert [one[2] for one in wire.sent] == [pdu.LAST_SEQUENCE, 1]


async def test_nothing_is_sent_while_the_connection_takes_no_more() -> None:
    log = Log()
    session, _ = await bound(log)
    session.pause_writing()
    assert session.room == 0
    session.resume_writing()
    assert (session.room, log.frees) == (10, 1)


async def test_an_unanswered_submission_keeps_its_place_until_its_late_answer_comes() -> None:
    """No more than the window is ever with an SMSC that does not answer."""
    log = Log()
    session, _ = await bound(log, window=3, patience=0.1, enquire=30)
    session.submit(b"", "one")
    await asyncio.sleep(0.05)
    session.data_received(pdu.encode(Command.ENQUIRE_LINK, 5))
    await asyncio.sleep(0.12)
    assert log.outcomes == [("one", Outcome(Verdict.UNKNOWN, why="no answer within 0.1 seconds"))]
    assert session.room == 2
    session.data_received(pdu.encode(Command.SUBMIT_SM_RESP, 2, b"late\0"))
    assert log.outcomes[-1] == ("one", Outcome(Verdict.ACCEPTED, "late"))
    assert session.room == 3
    await session.close()


async def test_a_window_half_full_of_silence_is_given_up_for_a_new_session() -> None:
    log = Log()
    session, _ = await bound(log, window=2, patience=0.1)
    session.submit(b"", "one")
    await asyncio.sleep(0.05)
    session.data_received(pdu.encode(Command.ENQUIRE_LINK, 5))
    async with asyncio.timeout(1):
        assert "unanswered" in await session.gone
    assert not session.usable


async def test_an_smsc_that_says_nothing_at_all_is_given_up_after_the_timeout() -> None:
    log = Log()
    session, wire = await bound(log, patience=0.1)
    session.submit(b"", "one")
    async with asyncio.timeout(1):
        assert "silent" in await session.gone
    assert wire.closed
    assert [outcome.verdict for _, outcome in log.outcomes] == [Verdict.UNKNOWN]


async def test_a_quiet_session_asks_for_a_sign_of_life_and_ends_without_one() -> None:
    log = Log()
    session, wire = await bound(log, patience=0.1, enquire=0.1)
    await asyncio.sleep(0.15)
    assert wire.sent[-1][0] == Command.ENQUIRE_LINK
    session.data_received(pdu.encode(Command.ENQUIRE_LINK_RESP, wire.sent[-1][2]))
    await asyncio.sleep(0.06)
    assert session.usable
    async with asyncio.timeout(1):
        assert "sign of life" in await session.gone


@pytest.mark.parametrize(
    "command", [Command.BIND_TRANSCEIVER, Command.BIND_TRANSMITTER, Command.BIND_RECEIVER]
)
async def test_every_kind_of_bind_is_made_and_taken_back(command: Command) -> None:
    async with fake_smsc() as smsc:
        session = await connect("127.0.0.1", smsc.port, Log(), window=1, patience=2, enquire=30)
        assert await session.bind(command, BIND) == "fake"
        assert smsc.binds == [command]
        assert await session.enquire() < 2
        await session.close()
        assert session.gone.result() == "closed by us"


async def test_no_segment_waits_for_an_acknowledgement_of_the_one_before() -> None:
    """Nagle's algorithm halves small windows at a distance."""
    import socket

    async with fake_smsc() as smsc:
        session = await connect("127.0.0.1", smsc.port, Log(), window=1, patience=2, enquire=30)
        assert session._transport is not None
        raw = session._transport.get_extra_info("socket")
        assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        await session.close()


async def test_a_wrong_password_and_a_closed_port_are_said_in_words() -> None:
    async with fake_smsc() as smsc:
        session = await connect("127.0.0.1", smsc.port, Log(), window=1, patience=2, enquire=30)
        with pytest.raises(Lost, match="the password is wrong") as caught:
            await session.bind(Command.BIND_TRANSCEIVER, Bind(system_id="x", password="geheim"))
        assert "geheim" not in str(caught.value)
        await session.close()
        port = smsc.port
    for host in ("127.0.0.1", "x" * 64 + ".example.org"):
        with pytest.raises(Lost, match="no connection"):
            await connect(host, port, Log(), window=1, patience=2, enquire=30)


def test_tags_are_those_of_the_specification() -> None:
    assert (Tag.RECEIPTED_MESSAGE_ID, Tag.MESSAGE_STATE, Tag.MESSAGE_PAYLOAD) == (30, 1063, 1060)
