"""Taking in a CAP alert of somebody else: what is passed on, and what is refused and why.  Pure.

The texts stay verbatim.  What changes is the envelope: the relayed alert is our message, with our
identifier and sender, and names its origin in ``source`` (CAP 3.2.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from broadcaster.model.area import touches
from broadcaster.model.cap import Alert, Area, MsgType, Reference, Scope, Status
from broadcaster.model.capxml import time_text
from broadcaster.model.errors import Problem
from broadcaster.model.gazetteer import Gazetteer, keys_meet

CLOCKS_DIFFER = timedelta(hours=1)
"""How far a sender's clock may be ahead of ours before its alert is not believed."""


def origin_of(alert: Alert) -> str:
    """What identifies a foreign alert for ever: ``sender,identifier,sent``."""
    return str(Reference(alert.sender, alert.identifier, time_text(alert.sent)))


def refusals(alert: Alert, gazetteer: Gazetteer, now: datetime) -> list[Problem]:
    """Every reason why policy does not pass this alert on; empty when it may go."""
    found = []
    if alert.status not in (Status.ACTUAL, Status.EXERCISE, Status.TEST):
        found.append(Problem("alert.status", f"is {alert.status}, which is not for the public"))
    if alert.scope is not Scope.PUBLIC:
        found.append(Problem("alert.scope", f"is {alert.scope}: not ours to publish"))
    if alert.msg_type not in (MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL):
        found.append(Problem("alert.msgType", f"is {alert.msg_type}, which warns nobody"))
    if not alert.infos and alert.msg_type is not MsgType.CANCEL:
        found.append(Problem("alert.info", "is missing: there is nothing to say"))
    if alert.sent > now + CLOCKS_DIFFER:
        found.append(
            Problem(
                "alert.sent",
                f"is {alert.sent:%d.%m.%Y %H:%M}, which is yet to come",
                "check both clocks; if the danger is real, issue a warning of our own",
            )
        )
    if alert.expires is not None and alert.expires <= now:
        found.append(Problem("alert.info.expires", f"ended at {alert.expires:%d.%m.%Y %H:%M}"))
    areas = [area for info in alert.infos for area in info.areas]
    if areas and not any(_meets(area, gazetteer) for area in areas):
        found.append(Problem("alert.info.area", f"does not touch {gazetteer.city.name}"))
    elif alert.infos and not areas:
        found.append(
            Problem(
                "alert.info.area",
                f"is missing: it cannot be told whether {gazetteer.city.name} is meant",
                "issue a warning of our own",
            )
        )
    return found


def relayed(
    alert: Alert, *, identifier: str, sender: str, sent: datetime, references: Sequence[Reference]
) -> Alert:
    """The alert in our envelope, texts verbatim."""
    return replace(
        alert,
        identifier=identifier,
        sender=sender,
        sent=sent,
        source=f"{alert.sender} {alert.identifier}"
        + (f" ({alert.source})" if alert.source else ""),
        references=tuple(references),
        addresses=(),
        signature=None,  # it signed the other envelope; the bytes that came in are kept with it
    )


def _meets(area: Area, gazetteer: Gazetteer) -> bool:
    return touches(area, gazetteer.city.area) or keys_meet(area.geocodes, gazetteer.city.geocodes)
