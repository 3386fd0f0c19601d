"""SMPP 3.4 on the wire: PDUs to octets and back, and PDUs out of a stream.  Pure.

Sources: Short Message Peer to Peer Protocol Specification v3.4; section numbers are its own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from broadcaster.model.errors import BadInput, Problem

INTERFACE_VERSION = 0x34
HEADER = struct.Struct(">IIII")
"""3.2: command length, identifier, status and sequence number."""
LARGEST = 65536
"""Octets of the longest PDU taken: message_payload at its limit would just not fit, and nobody
sends that; a longer one is a stream out of step, or an attack on our memory."""
LAST_SEQUENCE = 0x7FFFFFFF
SHORT_LIMIT = 254
"""5.2.22: octets of short_message; more travels in message_payload."""


class Command(IntEnum):
    """5.1.2.1 command_id; a response has the highest bit set."""

    GENERIC_NACK = 0x80000000
    BIND_RECEIVER = 0x00000001
    BIND_TRANSMITTER = 0x00000002
    SUBMIT_SM = 0x00000004
    DELIVER_SM = 0x00000005
    UNBIND = 0x00000006
    BIND_TRANSCEIVER = 0x00000009
    ENQUIRE_LINK = 0x00000015
    ALERT_NOTIFICATION = 0x00000102
    BIND_RECEIVER_RESP = 0x80000001
    BIND_TRANSMITTER_RESP = 0x80000002
    SUBMIT_SM_RESP = 0x80000004
    DELIVER_SM_RESP = 0x80000005
    UNBIND_RESP = 0x80000006
    BIND_TRANSCEIVER_RESP = 0x80000009
    ENQUIRE_LINK_RESP = 0x80000015


RESPONSE = 0x80000000


class Tag(IntEnum):
    """5.3.2: optional parameters that are looked at; any other is carried along unread."""

    USER_MESSAGE_REFERENCE = 0x0204
    SAR_MSG_REF_NUM = 0x020C
    SAR_TOTAL_SEGMENTS = 0x020E
    SAR_SEGMENT_SEQNUM = 0x020F
    SC_INTERFACE_VERSION = 0x0210
    RECEIPTED_MESSAGE_ID = 0x001E
    NETWORK_ERROR_CODE = 0x0423
    MESSAGE_PAYLOAD = 0x0424
    MESSAGE_STATE = 0x0427


class EsmClass(IntEnum):
    """5.2.12: bits of esm_class."""

    TYPE = 0x3C
    """Mask of the message type."""
    DELIVERY_RECEIPT = 0x04
    INTERMEDIATE_NOTIFICATION = 0x20
    UDHI = 0x40
    """The octets start with a user data header."""


OK = 0x00000000
INVALID_LENGTH = 0x00000002
INVALID_COMMAND = 0x00000003
QUEUE_FULL = 0x00000014
THROTTLED = 0x00000058
TEMPORARY_TROUBLE = 0x00000064
PERMANENT_TROUBLE = 0x00000065
WRONG_ACCOUNT = frozenset({0x0E, 0x0F, 0x53})
"""Password, system_id or system_type are wrong."""

STATUSES: Mapping[int, tuple[str, str]] = {
    0x00: ("ESME_ROK", "no error"),
    0x01: ("ESME_RINVMSGLEN", "the text is too long for this SMSC"),
    0x02: ("ESME_RINVCMDLEN", "a PDU of the wrong length"),
    0x03: ("ESME_RINVCMDID", "a command that this SMSC does not know"),
    0x04: ("ESME_RINVBNDSTS", "not allowed in this kind of bind"),
    0x05: ("ESME_RALYBND", "this account is bound already"),
    0x06: ("ESME_RINVPRTFLG", "a priority that this SMSC does not take"),
    0x07: ("ESME_RINVREGDLVFLG", "receipts cannot be asked for in this way"),
    0x08: ("ESME_RSYSERR", "a system error in the SMSC"),
    0x0A: ("ESME_RINVSRCADR", "the sender is not allowed"),
    0x0B: ("ESME_RINVDSTADR", "the number is not valid"),
    0x0C: ("ESME_RINVMSGID", "a message id that does not exist"),
    0x0D: ("ESME_RBINDFAIL", "the bind failed"),
    0x0E: ("ESME_RINVPASWD", "the password is wrong"),
    0x0F: ("ESME_RINVSYSID", "the system_id is wrong"),
    0x14: ("ESME_RMSGQFUL", "the SMSC's queue is full"),
    0x15: ("ESME_RINVSERTYP", "a service type that this SMSC does not know"),
    0x43: ("ESME_RINVESMCLASS", "an esm_class that this SMSC does not take"),
    0x45: ("ESME_RSUBMITFAIL", "the submission failed"),
    0x48: ("ESME_RINVSRCTON", "the sender's type of number is not taken"),
    0x49: ("ESME_RINVSRCNPI", "the sender's numbering plan is not taken"),
    0x50: ("ESME_RINVDSTTON", "the number's type is not taken"),
    0x51: ("ESME_RINVDSTNPI", "the number's numbering plan is not taken"),
    0x53: ("ESME_RINVSYSTYP", "the system_type is wrong"),
    0x58: ("ESME_RTHROTTLED", "faster than this account may send"),
    0x61: ("ESME_RINVSCHED", "a delivery time that is not valid"),
    0x62: ("ESME_RINVEXPIRY", "a validity period that is not valid"),
    0x64: ("ESME_RX_T_APPN", "temporary trouble in the receiver"),
    0x65: ("ESME_RX_P_APPN", "permanent trouble in the receiver"),
    0x66: ("ESME_RX_R_APPN", "refused by the receiver"),
    0xC1: ("ESME_ROPTPARNOTALLWD", "an optional parameter that is not allowed"),
    0xC3: ("ESME_RMISSINGOPTPARAM", "an optional parameter is missing"),
    0xC4: ("ESME_RINVOPTPARAMVAL", "an optional parameter with a wrong value"),
    0xFE: ("ESME_RDELIVERYFAILURE", "the delivery failed"),
    0xFF: ("ESME_RUNKNOWNERR", "an error that the SMSC does not name"),
}
"""5.1.3 command_status: its name, and what it means for an officer."""


def status_in_words(status: int) -> str:
    """What a command status means, with the name to tell the provider."""
    if status in STATUSES:
        name, says = STATUSES[status]
        return f"{says} ({name})"
    return f"the provider's own error {status:#x}"


@dataclass(frozen=True, slots=True)
class Address:
    """5.2.5 to 5.2.9: an address with its type of number and numbering plan."""

    digits: str = field(default="", repr=False)
    """Without plus sign; letters for an alphanumeric sender."""
    ton: int = 0
    npi: int = 0

    def encode(self) -> bytes:
        """Type, plan, and the octets with their closing zero."""
        return bytes((self.ton, self.npi)) + _c_octets(self.digits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """4.1: what a bind says of us."""

    system_id: str
    password: str = field(default="", repr=False)
    system_type: str = ""
    interface_version: int = INTERFACE_VERSION
    addr_ton: int = 0
    addr_npi: int = 0
    address_range: str = ""

    def encode(self) -> bytes:
        """The body of a bind_transmitter, bind_receiver or bind_transceiver."""
        return (
            _c_octets(self.system_id)
            + _c_octets(self.password)
            + _c_octets(self.system_type)
            + bytes((self.interface_version, self.addr_ton, self.addr_npi))
            + _c_octets(self.address_range)
        )

    @classmethod
    def decode(cls, body: bytes) -> Bind:
        """Out of a body; raises :class:`BadInput`."""
        reader = _Reader(body)
        return cls(
            system_id=reader.text(),
            password=reader.text(),
            system_type=reader.text(),
            interface_version=reader.octet(),
            addr_ton=reader.octet(),
            addr_npi=reader.octet(),
            address_range=reader.text(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """4.4.1 submit_sm and 4.6.1 deliver_sm, which have the same fields."""

    source: Address = Address()
    destination: Address = Address()
    service_type: str = ""
    esm_class: int = 0
    protocol_id: int = 0
    priority: int = 0
    schedule: str = ""
    validity: str = ""
    registered: int = 0
    replace: int = 0
    data_coding: int = 0
    canned: int = 0
    """sm_default_msg_id."""
    octets: bytes = field(default=b"", repr=False)
    """The text: short_message, or message_payload where that is used."""
    tlvs: Mapping[int, bytes] = field(default_factory=dict, repr=False)
    """Optional parameters without message_payload; of a repeated one the first."""

    def halves(self) -> tuple[bytes, bytes]:
        """The body before and after the destination, for many recipients of one text."""
        before = _c_octets(self.service_type) + self.source.encode()
        tlvs = dict(self.tlvs)
        short = self.octets
        if len(short) > SHORT_LIMIT:
            short, tlvs[Tag.MESSAGE_PAYLOAD] = b"", self.octets
        after = (
            bytes((self.esm_class, self.protocol_id, self.priority))
            + _c_octets(self.schedule)
            + _c_octets(self.validity)
            + bytes((self.registered, self.replace, self.data_coding, self.canned, len(short)))
            + short
            + encode_tlvs(tlvs)
        )
        return before, after

    def encode(self) -> bytes:
        """The body."""
        before, after = self.halves()
        return before + self.destination.encode() + after

    @classmethod
    def decode(cls, body: bytes) -> Message:
        """Out of a body; raises :class:`BadInput`."""
        reader = _Reader(body)
        service_type = reader.text()
        source, destination = reader.address(), reader.address()
        esm_class, protocol_id, priority = reader.octet(), reader.octet(), reader.octet()
        schedule, validity = reader.text(), reader.text()
        registered, replace = reader.octet(), reader.octet()
        data_coding, canned = reader.octet(), reader.octet()
        short = reader.take(reader.octet())
        tlvs = reader.tlvs()
        payload = tlvs.pop(Tag.MESSAGE_PAYLOAD, b"")
        return cls(
            source=source,
            destination=destination,
            service_type=service_type,
            esm_class=esm_class,
            protocol_id=protocol_id,
            priority=priority,
            schedule=schedule,
            validity=validity,
            registered=registered,
            replace=replace,
            data_coding=data_coding,
            canned=canned,
            # 5.3.2.32: only one of the two may be used.  Where both are, the payload is whole.
            octets=payload or short,
            tlvs=tlvs,
        )


def encode(command: int, sequence: int, body: bytes = b"", *, status: int = OK) -> bytes:
    """One PDU."""
    return HEADER.pack(16 + len(body), command, status, sequence) + body


def encode_tlvs(tlvs: Mapping[int, bytes]) -> bytes:
    """5.3.1: optional parameters."""
    return b"".join(struct.pack(">HH", tag, len(value)) + value for tag, value in tlvs.items())


def encode_text(text: str) -> bytes:
    """The body of a response that is one string: a system_id, a message id."""
    return _c_octets(text)


def decode_text(body: bytes) -> str:
    """The string at the beginning of a response; empty where there is none, as after an error.

    Tolerates the missing zero of some SMSCs; what is not ASCII is kept as Latin-1.
    """
    return body.partition(b"\0")[0].decode("latin-1")


class Frames:
    """Finds the PDUs in a stream, however it was cut."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
        """Command, status, sequence number and body of every PDU that is now whole.

        Raises :class:`BadInput` after those before it for a length that cannot be: the stream is
        out of step then, and of no more use.
        """
        data = self._rest + data if self._rest else data
        at, end = 0, len(data)
        self._rest = b""
        while end - at >= 16:
            length, command, status, sequence = HEADER.unpack_from(data, at)
            if not 16 <= length <= LARGEST:
                says = f"a PDU with the length {length}, which cannot be"
                raise BadInput(Problem("smpp", says))
            if end - at < length:
                break
            yield command, status, sequence, data[at + 16 : at + length]
            at += length
        self._rest = data[at:]


class _Reader:
    """Walks through a body, and says in words where it ends too early."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._body):
            raise BadInput(Problem("smpp", f"a PDU that ends {end - len(self._body)} octets early"))
        taken = self._body[self._at : end]
        self._at = end
        return taken

    def octet(self) -> int:
        return self.take(1)[0]

    def text(self) -> str:
        end = self._body.find(b"\0", self._at)
        if end < 0:
            raise BadInput(Problem("smpp", "a PDU with a string that does not end"))
        text = self._body[self._at : end].decode("latin-1")
        self._at = end + 1
        return text

    def address(self) -> Address:
        ton, npi = self.octet(), self.octet()
        return Address(self.text(), ton, npi)

    def tlvs(self) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        # Some SMSCs leave an octet or two behind the last one; they cannot be a parameter.
        while len(self._body) - self._at >= 4:
            tag, length = struct.unpack(">HH", self.take(4))
            found.setdefault(tag, self.take(length))
        return found


def _c_octets(text: str) -> bytes:
    """3.1: a C-octet string.  Latin-1, because senders with umlauts are asked for and taken."""
    try:
        octets = text.encode("latin-1")
    except UnicodeEncodeError:
        octets = b"\0"
    if b"\0" in octets:
        raise BadInput(Problem("smpp", "a string with characters that SMPP cannot carry"))
    return octets + b"\0"
