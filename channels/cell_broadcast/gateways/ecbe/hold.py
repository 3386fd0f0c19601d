"""One text under one identifier at osmo-cbc: put there and taken off, with every doubt settled.

A call may be answered, refused, never answered, or never made.  What is not answered is decided
by the same call again: osmo-cbc refuses a second message under an identifier (``409``) and does
not know one that is gone (``404``).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto

from channels.cell_broadcast.gateways.ecbe.console import Console, ConsoleError
from channels.cell_broadcast.gateways.ecbe.rest import Reply, Rest, Silent, Unreached, message
from channels.cell_broadcast.order import Running, Said
from channels.cell_broadcast.serials import Serial


class Fate(Enum):
    """What became of a text."""

    ON = auto()
    """osmo-cbc has it."""
    REFUSED = auto()
    OCCUPIED = auto()
    """Another text has the identifier and could not be moved."""
    NOBODY = auto()
    """osmo-cbc has it and no controller to ask."""
    UNREACHED = auto()
    """It was surely not told."""
    SILENT = auto()
    """It was told, and nobody knows what became of it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a text, and of what was there before."""

    fate: Fate
    text: str = ""
    cleared: bool = False
    """An earlier text was taken off."""


@dataclass(frozen=True, slots=True)
class Spell:
    """What an identifier carries, and until when: equal ones need no new call."""

    serial: Serial
    until: datetime | None = None
    period: int = 0
    """0: not known, as for what an earlier run of the program put there."""


class Holder:
    """The identifiers of one osmo-cbc.  Callers hold :meth:`lock` around every other call."""

    def __init__(self, rest: Rest, console: Console | None, sender: str) -> None:
        self._rest, self._console, self._sender = rest, console, sender
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.held: dict[int, Spell] = {}
        """What we put there and did not take off, as far as we know."""

    def lock(self, identifier: int) -> asyncio.Lock:
        """One thing at a time under an identifier; identifiers do not wait for each other."""
        return self._locks[identifier]

    async def put(
        self, item: Running, until: datetime | None, *, earlier: bool, unchanged: bool = False
    ) -> Outcome:
        """Give an identifier this text.

        ``earlier``: one of ours is there and must go first.  ``unchanged``: it is this very one; it
        stays untouched if it surely ends when it shall, else it is taken off and put there again
        under the same number, which alarms no phone twice.
        """
        identifier = item.broadcast.identifier
        spell = Spell(item.serial, until, item.slots)
        same = unchanged and self.held.get(identifier) == spell
        if same and await self._shows(item):
            return Outcome(Fate.ON, "it had stayed on air unchanged")
        cleared = False
        try:
            if (earlier or unchanged) and not same:
                # Never the other way round: it takes no second text under an identifier.
                cleared = await self._clear(identifier)
            outcome = await self._post(item, free=cleared, ours=same)
            if outcome.fate is Fate.OCCUPIED:
                cleared = await self._clear(identifier)
                outcome = await self._post(item, free=cleared, ours=False)
        except Unreached:
            outcome = Outcome(Fate.UNREACHED)
        if outcome.fate in (Fate.ON, Fate.SILENT):
            self.held[identifier] = spell
        else:
            self.held.pop(identifier, None)
        return replace(outcome, cleared=cleared)

    async def take_off(self, identifier: int, serials: Collection[Serial]) -> tuple[Said, str]:
        """End these texts under an identifier, if one of them is there.

        Gives ACCEPTED when it is gone, else UNKNOWN, and why; raises :class:`Unreached` when surely
        nothing was done.
        """
        held = self.held.get(identifier)
        if held and held.serial not in serials:
            return Said.ACCEPTED, "another text has its identifier by now"
        if self._console:
            try:
                seen = await self._console.message(identifier)
            except ConsoleError:
                seen = None
            if seen and seen.on_air and seen.serial not in map(int, serials):
                return Said.ACCEPTED, "another text has its identifier by now"
        silent = False
        for _ in range(2):
            try:
                reply = await self._rest.delete(identifier)
            except Silent:
                silent = True
                continue
            except Unreached:
                if silent:
                    break
                raise
            if reply.status in (200, 404):
                self.held.pop(identifier, None)
            return _taken_off(reply, silent)
        return Said.UNKNOWN, "the gateway did not answer whether it is gone"

    async def _post(self, item: Running, *, free: bool, ours: bool) -> Outcome:
        """``free``: nothing was there; ``ours``: what is there, if anything, is this text."""
        silent = False
        for _ in range(2):
            try:
                reply = await self._rest.post(message(item, self._sender))
            except Silent:
                silent = True
                continue
            except Unreached:
                if silent:
                    break
                return Outcome(Fate.UNREACHED)
            if reply.status == 201:
                return Outcome(Fate.ON)
            if reply.status == 409:
                # After silence it is ours only where nothing else was: a refusal can be what was
                # not answered.
                if ours or (silent and free) or await self._shows(item):
                    return Outcome(Fate.ON, "it had it already")
                return Outcome(Fate.OCCUPIED)
            if reply.status == 200:
                # Its own fifteen seconds ran out.
                return Outcome(Fate.ON if await self._shows(item) else Fate.NOBODY)
            if 400 <= reply.status < 500:
                return Outcome(Fate.REFUSED, f"it says: {reply.text or reply.status}")
            return Outcome(Fate.SILENT, f"it failed: {reply.status} {reply.text}".rstrip())
        return Outcome(Fate.ON if await self._shows(item) else Fate.SILENT)

    async def _clear(self, identifier: int) -> bool:
        """Take off whatever is there; false where only the next call can tell."""
        try:
            reply = await self._rest.delete(identifier)
        except Silent:
            # No second call: when it is gone, that one would be the likelier to stay unanswered.
            return False
        return reply.status in (200, 404)

    async def _shows(self, item: Running) -> bool:
        """Whether the console shows this very text, and a controller that was asked."""
        if self._console is None:
            return False
        try:
            seen = await self._console.message(item.broadcast.identifier)
        except ConsoleError:
            return False
        return bool(seen and seen.on_air and seen.asked and seen.serial == int(item.serial))


def _taken_off(reply: Reply, silent: bool) -> tuple[Said, str]:
    if reply.status == 404:
        return Said.ACCEPTED, "" if silent else "it was not there any more"
    if reply.status == 200 and reply.text:
        return Said.ACCEPTED, ""
    if reply.status == 200:
        return Said.UNKNOWN, "the gateway dropped it and had no controller to tell"
    return Said.UNKNOWN, f"the gateway says: {reply.status} {reply.text}".rstrip()
