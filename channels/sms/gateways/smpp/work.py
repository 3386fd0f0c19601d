"""A submission under way: its texts, their segments, and what has become of each."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from broadcaster.delivery.contract import Receipt, State
from channels.sms.gateway import Recipient, Submission, relative_time
from channels.sms.gateways.smpp.inbox import reference as referred
from channels.sms.gateways.smpp.pdu import Message, status_in_words
from channels.sms.gateways.smpp.route import Route
from channels.sms.gateways.smpp.session import Outcome, Verdict

NAMELESS = "-"
"""Stands for the id that an SMSC did not give."""


class Ticket:
    """One submission, as long as something of it is open."""

    def __init__(self, submission: Submission, left: timedelta, now: float) -> None:
        self.submission = submission
        self.over = ""
        """Why nothing more of it may be sent; empty: it may."""
        self.finished = asyncio.get_running_loop().create_future()
        self.all = tuple(range(len(submission.segments)))
        self.texts = [Text(self, recipient) for recipient in submission.recipients]
        self.open = len(self.texts)
        self._left = left
        self._begin = now
        self._halves: dict[str, tuple[int, bytes, list[bytes]]] = {}

    @property
    def segments(self) -> int:
        """In all its texts."""
        return len(self.texts) * len(self.submission.segments)

    def halves(self, route: Route, number: int, now: float) -> tuple[bytes, bytes]:
        """What stands before and after the number of a phone, valid until the text expires."""
        age = int(now - self._begin)
        known = self._halves.get(route.name)
        if known is None or known[0] != age:
            pairs = [
                self._message(route, octets, age).halves() for octets in self.submission.segments
            ]
            known = self._halves[route.name] = age, pairs[0][0], [after for _, after in pairs]
        return known[1], known[2][number]

    def _message(self, route: Route, octets: bytes, age: int) -> Message:
        left = max(self._left - timedelta(seconds=age), timedelta(seconds=1))
        return Message(
            source=route.sender_address(self.submission.sender),
            esm_class=self.submission.esm_class,
            priority=self.submission.priority,
            validity=relative_time(left),
            registered=1,
            data_coding=self.submission.data_coding,
            octets=octets,
        )


class Text:
    """All segments for one phone."""

    __slots__ = (
        "done",
        "dropped",
        "ids",
        "key",
        "left",
        "lost",
        "number",
        "refused",
        "reported",
        "ticket",
        "unsent",
    )

    def __init__(self, ticket: Ticket, recipient: Recipient) -> None:
        count = len(ticket.submission.segments)
        self.ticket = ticket
        self.key = recipient.key
        self.number = recipient.to.removeprefix("+")
        self.ids = [""] * count
        """References by segment."""
        self.unsent = ticket.all
        """Segments that wait for a route."""
        self.left = count
        """Segments without an outcome."""
        self.lost: dict[int, str] = {}
        """Segments of which nobody knows, and why."""
        self.refused = ""
        self.dropped = 0
        """Segments that surely never left."""
        self.done = False
        """Every segment had an outcome, or will not have one."""
        self.reported = False
        """Its receipt was given: what is learnt from now on is news."""

    @property
    def ended(self) -> bool:
        """No further segment of it may leave."""
        return bool(self.refused or self.ticket.over)

    @property
    def untouched(self) -> bool:
        """Surely nothing of it was sent."""
        return not self.refused and self.dropped == len(self.ids)

    def take(self, at: int, route: Route, outcome: Outcome) -> bool:
        """Note an outcome other than *throttled*; whether the text has all of them now."""
        first = self.lost.pop(at, None) is None
        if outcome.verdict is Verdict.ACCEPTED:
            self.ids[at] = (
                referred(route.name, outcome.message_id) if outcome.message_id else NAMELESS
            )
        elif outcome.verdict is Verdict.UNKNOWN:
            self.lost[at] = outcome.why
        else:
            part = f"segment {at + 1} of {len(self.ids)}: " if len(self.ids) > 1 else ""
            self.refused = f"{part}{status_in_words(outcome.status)}"
        self.left -= first
        return not self.left and (first or not self.lost)

    def drop(self) -> bool:
        """One segment will not be sent; whether the text has all outcomes now."""
        self.dropped += 1
        self.left -= 1
        return not self.left

    def receipt(self) -> Receipt:
        """What became of it as a whole."""
        if not (self.refused or self.lost or self.dropped):
            # An SMSC that gives no ids reports on nothing: then there is nothing to wait for.
            parts = () if NAMELESS in self.ids else tuple(self.ids)
            reference = parts[0] if parts else ""
            return Receipt(key=self.key, state=State.ACCEPTED, reference=reference, parts=parts)
        taken = sum(map(bool, self.ids))
        if self.refused:
            state, reason = State.REJECTED, self.refused
        elif self.lost:
            state, reason = State.UNKNOWN, next(iter(self.lost.values()))
        else:
            state, reason = State.REJECTED, f"not sent: {self.ticket.over}"
        if taken:
            # Part of a text that was not refused may be read: nobody can call that nothing.
            state = state if self.refused else State.UNKNOWN
            reason = f"{reason}; {taken} of {len(self.ids)} segments were taken"
        return Receipt(key=self.key, state=state, reason=reason)
