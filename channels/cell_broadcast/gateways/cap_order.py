"""An order as one CAP 1.2 document: for a centre that takes texts and makes the pages itself.

It holds what goes on air and nothing that must not: one ``info`` for each text, whose
``description`` is that text exactly as it was approved, decoded from the very pages.  Whatever
else the public alert says (headline, instruction, links) is left out, because a centre could
put it on air in place of the approved text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from broadcaster.delivery.contract import Variant
from broadcaster.model.cap import (
    PARAMETER_VARIANT,
    Alert,
    Category,
    Info,
    MsgType,
    Pair,
    Reference,
    Scope,
    Status,
)
from broadcaster.model.capxml import write
from broadcaster.model.errors import BadInput, Permanent, Problem
from channels.cell_broadcast.codec import decode
from channels.cell_broadcast.order import OnAir, Order

PARAMETER_IDENTIFIER = "broadcaster:message-identifier"
"""Message identifier (TS 23.041 9.4.1.2.2), decimal; repeated where a text has several."""
PARAMETER_SERIAL = "broadcaster:serial-number"
"""Serial number (TS 23.041 9.4.1.2.1), four hexadecimal digits, one for each identifier: what we
would put on air ourselves.  A centre that counts for itself may ignore it."""
# CAP 3.2.2 wants category and event in every info, also where the alert has none.
_NOTHING = Info(language="en", categories=(Category.OTHER,))


def document(order: Order) -> bytes:
    """The order's CAP 1.2 document, unsigned; the same order gives the same bytes.

    Raises :class:`~broadcaster.model.errors.Permanent` for a text that no XML document can carry,
    and for an order that neither says nor ends anything.
    """
    try:
        return write(as_alert(order))
    except BadInput as error:
        raise Permanent(error.problems) from error


def as_alert(order: Order) -> Alert:
    """What the centre is told to do.  Pure.

    ``msgType`` is what is done on this channel, and ``references`` (CAP 3.2.1) are the alerts that
    this channel had on air.  Where none of them ever left, an Update or an all-clear is the first
    that the centre hears of it, and comes as an Alert: CAP wants both others to name what they are
    about.  Where no text is left to show, it comes as a Cancel.  The identifier stays that of the
    public alert, so that the same order again is known to be the same, and so that a later
    reference finds it.
    """
    alert = order.alert
    references = tuple(one for one in alert.references if one.identifier in order.replaces)
    if order.operation is MsgType.ALERT:
        references = ()
    infos = tuple(_info(texts, order) for texts in _texts(order.on_air))
    if not infos and not references and order.stops:
        # Better to name what the centre may not know than not to say that it is over.
        references = alert.references
    if not infos and not references:
        says = "has no text to put on air here, and ends none"
        raise Permanent(Problem(alert.identifier, says, "see which texts were left out, and why"))
    return Alert(
        identifier=alert.identifier,
        sender=alert.sender,
        sent=alert.sent,
        status=alert.status,
        msg_type=_kind(order, references),
        scope=alert.scope,
        note=alert.note,
        references=references,
        # Google's profile wants one in every public message; without a text there is nothing in it
        # that could be shown.
        infos=infos or (_facts(next(iter(alert.infos), _NOTHING), order),),
    )


def link_test(identifier: str, sender: str, sent: datetime, addressee: str) -> bytes:
    """A document that asks whether a centre is there, and that no centre may put on air.

    Status Test ("technical testing only, all recipients disregard", CAP 3.2.1), scope Private to
    one addressee, and no ``info``: there is nothing in it that could be shown to anybody.
    """
    return write(
        Alert(
            identifier=identifier,
            sender=sender,
            sent=sent,
            status=Status.TEST,
            msg_type=MsgType.ALERT,
            scope=Scope.PRIVATE,
            addresses=(addressee,),
            note="Link test. Not for broadcast.",
        )
    )


def shown(item: OnAir) -> str:
    """The text as phones decode it from the pages."""
    pages = item.broadcast.pages
    return decode(pages.octets, pages.lengths, pages.coding.dcs)[1]


def info_of(item: OnAir, alert: Alert) -> Info:
    """The alert's info that the text was made from, for what is said beside the text.

    The nearest there is: of the same language and variant, else of the same primary language,
    else the first.  Codes, times and shapes are equal in all infos.
    """
    plain = item.variant == Variant.PLAIN.value
    tag = item.language.lower()

    def distance(info: Info) -> tuple[bool, bool, bool]:
        language = (info.language or "en-US").lower()
        theirs = (info.parameter(PARAMETER_VARIANT) or "") == Variant.PLAIN.value
        return (
            language.partition("-")[0] != tag.partition("-")[0],
            theirs is not plain,
            language.removesuffix("-simple") != tag,
        )

    return min(alert.infos, key=distance, default=_NOTHING)


def _kind(order: Order, references: Sequence[Reference]) -> MsgType:
    if not references:
        return MsgType.ALERT
    return order.operation if order.on_air else MsgType.CANCEL


def _texts(on_air: Sequence[OnAir]) -> list[list[OnAir]]:
    """The broadcasts by text: copies under further identifiers say the same."""
    texts: dict[tuple[str, str], list[OnAir]] = {}
    for item in on_air:
        texts.setdefault((item.language, item.variant), []).append(item)
    return list(texts.values())


def _info(texts: Sequence[OnAir], order: Order) -> Info:
    first = texts[0]
    source = info_of(first, order.alert)
    plain = "-simple" if first.variant == Variant.PLAIN.value else ""
    numbers = [
        Pair(name, value)
        for item in texts
        for name, value in (
            (PARAMETER_IDENTIFIER, str(item.broadcast.identifier)),
            (PARAMETER_SERIAL, item.serial.hex),
        )
    ]
    return replace(
        _facts(source, order),
        language=first.language + plain,
        description=shown(first),
        parameters=tuple(numbers),
    )


def _facts(source: Info, order: Order) -> Info:
    """All but the texts."""
    return Info(
        language=source.language,
        categories=source.categories,
        event=source.event or order.title,
        response_types=source.response_types,
        urgency=source.urgency,
        severity=source.severity,
        certainty=source.certainty,
        event_codes=source.event_codes,
        expires=source.expires,
        sender_name=source.sender_name,
        areas=source.areas,
    )
