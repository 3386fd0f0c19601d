"""Delivery receipts, in every form in which SMSCs were seen to send them.  Pure.

SMPP 3.4 Appendix B gives a text as an example, and calls it vendor specific; 5.3.2.12, .35 and .31
give the same as optional parameters.  Either alone must do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from broadcaster.model.states import State
from channels.sms.gateways.smpp import inbound
from channels.sms.gateways.smpp.pdu import EsmClass, Message, Tag

_FINAL: Mapping[str, tuple[State, str]] = {
    "DELIVRD": (State.DELIVERED, "delivered to the phone"),
    "EXPIRED": (State.EXPIRED, "the phone was not reached in time"),
    "DELETED": (State.REJECTED, "deleted by the SMSC before it was delivered"),
    "UNDELIV": (State.REJECTED, "could not be delivered"),
    "REJECTD": (State.REJECTED, "refused by the network"),
}
_ON_ITS_WAY: Mapping[str, str] = {
    "ENROUTE": "on its way",
    "ACCEPTD": "taken by the network",
    "UNKNOWN": "the SMSC does not know what became of it",
}
_BY_NUMBER: Mapping[int, str] = {
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    7: "UNKNOWN",
    8: "REJECTD",
}
"""5.2.28 message_state, as the text would write it."""
_ALIASES: Mapping[str, str] = {
    "DELIVERED": "DELIVRD",
    "DELIVERD": "DELIVRD",
    "UNDELIVERABLE": "UNDELIV",
    "UNDELIVERED": "UNDELIV",
    "REJECTED": "REJECTD",
    "ACCEPTED": "ACCEPTD",
}
_ID = re.compile(r"(?:^|[\s,;])id:\s*([^\s,;]+)", re.IGNORECASE)
_STAT = re.compile(r"(?:^|[\s,;])stat(?:us)?:\s*([A-Za-z_]+)", re.IGNORECASE)
_ERR = re.compile(r"(?:^|[\s,;])err(?:or)?:\s*([^\s,;]+)", re.IGNORECASE)
_TEXT = re.compile(r"(?:^|[\s,;])text:", re.IGNORECASE)
IDS = ("same", "decimal", "hex")
"""How an SMSC writes an id in the text of a receipt, compared with its answer to the submission."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a receipt says of one segment."""

    id: str
    """In the form of :func:`same`, so that it can be looked up."""
    state: State
    """ACCEPTED, DELIVERED, REJECTED or EXPIRED.

    ACCEPTED is what every receipt proves, even with a status that nobody knows: the SMSC has it.
    As no delivery moves back to it, such a receipt does no harm after a final one.
    """
    reason: str


def is_receipt(message: Message) -> bool:
    """Whether a deliver_sm is the SMSC's word and not a person's.

    The text alone never is: anybody can write ``stat:DELIVRD``.
    """
    kind = message.esm_class & EsmClass.TYPE
    return (
        kind in (EsmClass.DELIVERY_RECEIPT, EsmClass.INTERMEDIATE_NOTIFICATION)
        or Tag.RECEIPTED_MESSAGE_ID in message.tlvs
    )


def read(message: Message, *, ids: str = "same") -> Report | None:
    """What a receipt says; ``None`` when it does not say of what.

    ``ids`` is one of :data:`IDS`, and holds for the text; receipted_message_id is by its
    definition what the answer to the submission said.
    """
    text = inbound.decode(inbound.body(message).octets, message.data_coding)
    # Behind `text:` stand our own words, in which anything may look like a field.
    fields = _TEXT.split(text, maxsplit=1)[0]
    by_tlv = message.tlvs.get(Tag.RECEIPTED_MESSAGE_ID, b"").partition(b"\0")[0].decode("latin-1")
    by_text = _ID.search(fields)
    if by_tlv.strip():
        id_ = same(by_tlv)
    elif by_text:
        id_ = same(_converted(by_text[1], ids))
    else:
        return None
    said = _BY_NUMBER.get(int.from_bytes(message.tlvs.get(Tag.MESSAGE_STATE, b""), "big"), "")
    written = _STAT.search(fields)
    if not said and written:
        said = written[1].upper()
    said = _ALIASES.get(said, said)
    final = message.esm_class & EsmClass.TYPE != EsmClass.INTERMEDIATE_NOTIFICATION
    if said in _FINAL and final:
        state, reason = _FINAL[said]
    else:
        state = State.ACCEPTED
        reason = _ON_ITS_WAY.get(said, f"the SMSC reports {said or 'no status'}")
    return Report(id_, state, reason + _error(message, fields, state))


def same(id_: str) -> str:
    """One form for all ways of writing the same id: no zeros in front, no capitals."""
    return id_.strip().lower().lstrip("0") or "0"


def _converted(id_: str, ids: str) -> str:
    """From the form of the receipt to that of the answer."""
    try:
        if ids == "decimal":
            return f"{int(id_):x}"
        if ids == "hex":
            return str(int(id_, 16))
    except ValueError:
        pass  # not a number at all: then it is what the answer said
    return id_


def _error(message: Message, fields: str, state: State) -> str:
    """The network's own error, for the provider to explain; a delivered one has none."""
    if state is State.DELIVERED:
        return ""
    network = message.tlvs.get(Tag.NETWORK_ERROR_CODE, b"")
    if len(network) == 3 and any(network[1:]):
        return f" (network error {int.from_bytes(network[1:], 'big')})"
    written = _ERR.search(fields)
    return f" (error {written[1]})" if written and written[1].strip("0") else ""
