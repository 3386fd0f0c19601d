"""Rules on the alert itself (CAP 1.2 section 3.2.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from broadcaster.model.cap import Alert, MsgType, Scope, Status
from broadcaster.model.capxml.times import CAP_TIME, parse_time
from broadcaster.model.errors import Problem
from broadcaster.model.rules.report import refuse, warn
from broadcaster.model.rules.times import later, writable_time

CLOCK_SKEW = timedelta(minutes=5)
"""How far two honest clocks may differ."""

_NAME = re.compile(r"[^\s,&<]+")


def names(alert: Alert) -> Iterator[Problem]:
    """CAP 3.2.1 identifier, sender: no spaces, commas, ``<`` or ``&``."""
    for name, text in (("identifier", alert.identifier), ("sender", alert.sender)):
        if not _NAME.fullmatch(text):
            yield refuse(
                f"alert.{name}",
                "is empty or contains a space, a comma, < or &",
                "use letters, digits, full stops and hyphens",
            )


def sent_time(alert: Alert) -> Iterator[Problem]:
    """CAP 3.2.1 sent, 3.3.2."""
    yield from writable_time(alert.sent, "alert.sent")


def references_needed(alert: Alert) -> Iterator[Problem]:
    """CAP 3.2.1 msgType: all but Alert refer to earlier messages."""
    if alert.msg_type is not MsgType.ALERT and not alert.references:
        yield refuse(
            "alert.references",
            f"is missing: {alert.msg_type} must name the messages it is about",
            "name sender, identifier and sent of each",
        )


def references_form(alert: Alert) -> Iterator[Problem]:
    """CAP 3.2.1 references: ``sender,identifier,sent`` as published."""
    for index, reference in enumerate(alert.references):
        path = f"alert.references[{index}]"
        if not (_NAME.fullmatch(reference.sender) and _NAME.fullmatch(reference.identifier)):
            yield refuse(
                path,
                "lacks a sender or an identifier, or they contain a space, a comma, < or &",
                "copy both from the message it refers to",
            )
        if not CAP_TIME.fullmatch(reference.sent):
            yield refuse(
                path, "has a time that CAP does not allow", "copy sent as it was published"
            )


def references_target(alert: Alert) -> Iterator[Problem]:
    """Google profile CIRCULAR_REFERENCE, POSTDATED_REFERENCE; a repeated one says nothing."""
    seen = set()
    for index, reference in enumerate(alert.references):
        path = f"alert.references[{index}]"
        if (reference.sender, reference.identifier) == (alert.sender, alert.identifier):
            yield refuse(path, "refers to the alert itself", "remove it")
        if later(_time(reference.sent), alert.sent):
            yield refuse(path, "refers to a message sent after this one", "correct sent")
        if reference in seen:
            yield warn(path, "stands there twice", "remove one")
        seen.add(reference)


def _time(text: str) -> datetime | None:
    try:
        return parse_time(text)[0]
    except ValueError:
        return None


def restriction(alert: Alert) -> Iterator[Problem]:
    """CAP 3.2.1 scope, restriction; Google RESTRICTION_SCOPE_MISMATCH."""
    if alert.scope is Scope.RESTRICTED and not alert.restriction:
        yield refuse(
            "alert.restriction", "is missing in a Restricted alert", "say whom it is restricted to"
        )
    if alert.scope is not Scope.RESTRICTED and alert.restriction is not None:
        yield refuse(
            "alert.restriction",
            f"stands in a {alert.scope} alert",
            "remove it or make the scope Restricted",
        )


def addresses(alert: Alert) -> Iterator[Problem]:
    """CAP 3.2.1 scope, addresses."""
    if alert.scope is Scope.PRIVATE and not alert.addresses:
        yield refuse("alert.addresses", "is missing in a Private alert", "name its recipients")


def list_items(alert: Alert) -> Iterator[Problem]:
    """CAP 3.2.1 addresses, incidents: spaces divide items, quotation marks hold them together."""
    for name, items in (("addresses", alert.addresses), ("incidents", alert.incidents)):
        for index, item in enumerate(items):
            if not item or '"' in item:
                yield refuse(
                    f"alert.{name}[{index}]",
                    "is empty or contains a quotation mark",
                    "leave the quotation mark out; items with spaces are quoted on writing",
                )


def empty_codes(alert: Alert) -> Iterator[Problem]:
    """CAP 3.2.1 code: a marker that marks nothing is a mistake."""
    for index, code in enumerate(alert.codes):
        if not code.strip():
            yield refuse(f"alert.code[{index}]", "is empty", "remove it")


def note(alert: Alert) -> Iterator[Problem]:
    """CAP 3.2.1 status Exercise: the exercise is named in note; msgType Error: the reason is."""
    if (alert.note or "").strip():
        return
    if alert.status is Status.EXERCISE:
        yield warn("alert.note", "does not name the exercise", "put the exercise's name there")
    if alert.msg_type is MsgType.ERROR:
        yield warn("alert.note", "does not say what the error is", "explain it there")


def public_needs_info(alert: Alert) -> Iterator[Problem]:
    """Google profile: nobody can act on a public alert without info."""
    speaks = alert.msg_type in (MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL)
    if alert.scope is Scope.PUBLIC and speaks and not alert.infos:
        yield refuse("alert.info", "is missing: the alert says nothing", "add one per language")


def over(alert: Alert, now: datetime) -> Iterator[Problem]:
    """Measured against the clock: our own rule, so that nothing stale or future goes out."""
    ends = [info.expires for info in alert.infos if _in_the_past(info.expires, now)]
    if alert.infos and len(ends) == len(alert.infos):
        expires = max(end for end in ends if end is not None)
        says = f"was over at {expires.isoformat(timespec='minutes')}"
        if alert.msg_type in (MsgType.ALERT, MsgType.UPDATE):
            yield refuse("alert.info.expires", says, "give an end in the future")
        else:
            yield warn("alert.info.expires", says, "give an end in the future")
    if later(alert.sent, now + CLOCK_SKEW):
        yield warn("alert.sent", "lies in the future", "compare the clocks")


def _in_the_past(time: datetime | None, now: datetime) -> bool:
    return time is not None and time.tzinfo is not None and time <= now


ALERT_RULES: tuple[Callable[[Alert], Iterable[Problem]], ...] = (
    names,
    sent_time,
    references_needed,
    references_form,
    references_target,
    restriction,
    addresses,
    list_items,
    empty_codes,
    note,
    public_needs_info,
)
