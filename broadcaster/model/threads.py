"""Threads: an alert and all that refers to it, and what of it is in force.

CAP 1.2 section 3.2.1, ``msgType`` and ``references``: an Update replaces and a Cancel ends *the
messages it names*.  So two Updates that split one warning in two both stay in force; only what is
named is replaced.  Everything here is pure and does not care in which order alerts arrived,
whether some are missing, or whether one arrived twice.

Decisions where CAP is silent, each on the side of not losing a warning:

* An Update that is not yet effective replaces nothing yet.
* A Cancel also ends the Updates, sent before it, of what it names: some senders always name the
  first message only.
* Only messages of the same ``status`` count: no exercise ends a real warning.
* A message never replaces one sent after it, so references in a circle harm nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from broadcaster.model.cap import Alert, MsgType, Reference
from broadcaster.model.capxml.times import time_text

_WARNS = (MsgType.ALERT, MsgType.UPDATE)
_CHANGES = (MsgType.UPDATE, MsgType.CANCEL)


class ThreadState(StrEnum):
    """Where an alert, or a whole thread, stands at one moment."""

    SCHEDULED = "scheduled"
    """Sent, but none of its infos is effective yet."""
    IN_FORCE = "in_force"
    SUPERSEDED = "superseded"
    """An Update took its place."""
    CANCELLED = "cancelled"
    """A Cancel ended it; a Cancel itself is in this state, too."""
    EXPIRED = "expired"
    """Its time is over.  Ack and Error, which warn of nothing, are always in this state."""


@dataclass(frozen=True, slots=True)
class Thread:
    """One warning from its first message to its last."""

    root: Alert
    """The first message we have; where it was never seen, the earliest that refers to it."""
    alerts: tuple[Alert, ...]
    """Everything of the thread, each once, oldest first."""
    state: ThreadState
    """In force if anything of it is, else scheduled if anything is, else that of its newest."""


def threads(alerts: Iterable[Alert], now: datetime) -> tuple[Thread, ...]:
    """All threads, the one with the oldest root first."""
    known = _once(alerts)
    index = _Index(known)
    return tuple(_thread(group, index, now) for group in _groups(known))


def thread_of(identifier: str, alerts: Iterable[Alert]) -> tuple[Alert, ...]:
    """The alerts of the thread that contains or refers to ``identifier``, oldest first."""
    for group in _groups(_once(alerts)):
        if any(
            identifier == alert.identifier
            or any(identifier == reference.identifier for reference in alert.references)
            for alert in group
        ):
            return group
    return ()


def state(alert: Alert, alerts: Iterable[Alert], now: datetime) -> ThreadState:
    """Where ``alert`` stands at ``now`` among ``alerts`` (it need not be one of them)."""
    return _state(alert, _Index(_once([*alerts, alert])), now)


def in_force(alerts: Iterable[Alert], now: datetime) -> tuple[Alert, ...]:
    """What warns people at ``now``: thread by thread, the newest of each first.

    A thread usually has one alert in force; more only when its sender split a warning.
    """
    known = _once(alerts)
    index = _Index(known)
    return tuple(
        alert
        for group in _groups(known)
        for alert in reversed(group)
        if _state(alert, index, now) is ThreadState.IN_FORCE
    )


def references_for(
    thread_alerts: Iterable[Alert], now: datetime | None = None
) -> tuple[Reference, ...]:
    """What a new Update or Cancel of this thread must name, oldest first.

    Every Alert and Update that was not cancelled, replaced ones too: who missed the last Update
    still shows the one before (IPAWS, CAP-CP, CAP-AU and Google profiles: all active messages).
    With ``now``, what has expired is left out.  ``sent`` is the text as published.
    """
    known = _once(thread_alerts)
    index = _Index(known)
    return tuple(
        Reference(alert.sender, alert.identifier, time_text(alert.sent))
        for alert in known
        if alert.msg_type in _WARNS
        and not index.cancelled(alert)
        and (now is None or not _is_over(alert, now))
    )


_Name = tuple[str, str]
"""Sender and identifier; the sender is empty where a broken reference left it out."""


class _Index:
    """Who names whom."""

    def __init__(self, alerts: Iterable[Alert]) -> None:
        self._alerts: dict[str, list[Alert]] = {}
        self._changes: dict[str, list[tuple[Reference, Alert]]] = {}
        for alert in alerts:
            self._alerts.setdefault(alert.identifier, []).append(alert)
            if alert.msg_type in _CHANGES:
                for reference in alert.references:
                    self._changes.setdefault(reference.identifier, []).append((reference, alert))

    def superseded(self, alert: Alert, now: datetime) -> bool:
        """Whether an Update that is already effective names the alert."""
        return any(
            change.msg_type is MsgType.UPDATE and not _is_ahead(change, now)
            for change in self._changing((alert.sender, alert.identifier), alert)
        )

    def cancelled(self, alert: Alert) -> bool:
        """Whether a Cancel names the alert, or anything that the alert is an Update of."""
        return any(
            change.msg_type is MsgType.CANCEL
            for name in self._lineage(alert)
            for change in self._changing(name, alert)
        )

    def _changing(self, name: _Name, alert: Alert) -> Iterator[Alert]:
        """The Updates and Cancels that name ``name`` and were sent after ``alert``."""
        sender, identifier = name
        for reference, change in self._changes.get(identifier, ()):
            # Federal feeds contain references without sender; then the identifier must do.
            named = reference.sender == sender or "" in (reference.sender, sender)
            if named and change.status is alert.status and _age(change) > _age(alert):
                yield change

    def _lineage(self, alert: Alert) -> set[_Name]:
        """The alert and all it replaced, directly or not, whether we have it or not."""
        found = {(alert.sender, alert.identifier)}
        ahead = [alert]
        while ahead:
            following = ahead.pop()
            if following.msg_type is not MsgType.UPDATE:
                continue
            for reference in following.references:
                name = (reference.sender, reference.identifier)
                if name not in found:
                    found.add(name)
                    ahead += self._alerts.get(reference.identifier, [])
        return found


def _state(alert: Alert, index: _Index, now: datetime) -> ThreadState:
    if alert.msg_type in (MsgType.ACK, MsgType.ERROR):
        return ThreadState.EXPIRED
    if alert.msg_type is MsgType.CANCEL:
        return ThreadState.EXPIRED if _is_over(alert, now) else ThreadState.CANCELLED
    if index.cancelled(alert):
        return ThreadState.CANCELLED
    if index.superseded(alert, now):
        return ThreadState.SUPERSEDED
    if _is_over(alert, now):
        return ThreadState.EXPIRED
    return ThreadState.SCHEDULED if _is_ahead(alert, now) else ThreadState.IN_FORCE


def _thread(group: tuple[Alert, ...], index: _Index, now: datetime) -> Thread:
    states = [_state(alert, index, now) for alert in group]
    newest = states[-1]
    for lively in (ThreadState.IN_FORCE, ThreadState.SCHEDULED):
        if lively in states:
            newest = lively
            break
    return Thread(group[0], group, newest)


def _is_over(alert: Alert, now: datetime) -> bool:
    return alert.expires is not None and alert.expires <= now


def _is_ahead(alert: Alert, now: datetime) -> bool:
    """Whether none of its infos is effective yet; without ``effective`` it is so at once."""
    starts = [info.effective for info in alert.infos]
    return bool(starts) and all(start is not None and start > now for start in starts)


def _age(alert: Alert) -> tuple[datetime, str]:
    """Orders alerts by time; the identifier decides between those of one second."""
    return alert.sent, alert.identifier


def _once(alerts: Iterable[Alert]) -> tuple[Alert, ...]:
    """Each message once, oldest first; of two with one name the later (some feeds do that)."""
    known: dict[_Name, Alert] = {}
    for alert in alerts:
        name = (alert.sender, alert.identifier)
        if name not in known or known[name].sent < alert.sent:
            known[name] = alert
    return tuple(sorted(known.values(), key=_age))


def _groups(known: tuple[Alert, ...]) -> list[tuple[Alert, ...]]:
    """Alerts tied by references, also by one to a message we do not have."""
    leader: dict[str, str] = {}

    def lead(identifier: str) -> str:
        while leader.setdefault(identifier, identifier) != identifier:
            leader[identifier] = identifier = leader[leader[identifier]]
        return identifier

    for alert in known:
        for reference in alert.references:
            leader[lead(reference.identifier)] = lead(alert.identifier)
    groups: dict[str, list[Alert]] = {}
    for alert in known:
        groups.setdefault(lead(alert.identifier), []).append(alert)
    return [tuple(group) for group in groups.values()]
