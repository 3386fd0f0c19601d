"""A gateway to osmo-cbc, the cell-broadcast centre of the Osmocom project.

osmo-cbc 0.5.3 says little and forgets: ``201`` also comes when no cell took the text, now and
then a call is never answered, an identifier carries one text at a time, and a controller that
restarts is not given its broadcasts again.  So every doubt is settled by a second call, and where
its console is configured this gateway looks there what is on air, tells it, and repairs it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from broadcaster.delivery.contract import Env
from broadcaster.model.errors import ChannelError, Problem, Transient, Unknown
from channels.cell_broadcast.gateways.ecbe.answers import (
    answer,
    beside,
    crowded,
    displaced,
    newest,
    stopped,
)
from channels.cell_broadcast.gateways.ecbe.console import (
    Console,
    ConsoleError,
    Controller,
    Seen,
    observed,
    why_again,
)
from channels.cell_broadcast.gateways.ecbe.hold import Fate, Holder, Outcome, Spell
from channels.cell_broadcast.gateways.ecbe.rest import Rest, Silent, Unreached
from channels.cell_broadcast.gateways.ecbe.settings import EcbeSettings, limits, read_ecbe
from channels.cell_broadcast.order import Answer, OnAir, Order, Running, Said, Stop, Taken
from channels.cell_broadcast.serials import Serial

LOOK_EVERY = 5.0
"""Seconds between two looks at what is on air."""
_CONSOLE_TIMEOUT = 5.0
_NEVER_USED = 65535
"""No broadcast has it: it marks the empty entries in a SIM's list (3GPP TS 31.102, EF-CBMI)."""
_PROBE_TIMEOUT = 3.0
"""Seconds; an identifier that is not there is answered at once, or never."""
_PROBES = 3
"""Of such calls 5 to 30 in a hundred are never answered."""


class EcbeDriver:
    """osmo-cbc by its REST interface, and by its console where that is configured."""

    def settings(self, raw: Mapping[str, Any]) -> EcbeSettings:
        """See :func:`.settings.read_ecbe`."""
        return read_ecbe(raw)

    def open(self, settings: EcbeSettings, env: Env) -> EcbeGateway:
        """Nothing is connected yet."""
        return EcbeGateway(settings)


class EcbeGateway:
    """Hands orders to one osmo-cbc.

    What it put on air and what has ended since, it takes off: on 2G osmo-cbc would go on, because
    it uses one count of broadcasts for two different periods.
    """

    def __init__(self, settings: EcbeSettings, *, look_every: float = LOOK_EVERY) -> None:
        self.limits = limits(settings)
        self._settings = settings
        self._look_every = look_every
        self._rest = Rest(settings.url, settings.timeout)
        self._console = Console(*settings.vty, _CONSOLE_TIMEOUT) if settings.vty else None
        self._holder = Holder(self._rest, self._console, settings.cbe_name)
        self._closed = asyncio.Event()
        self._connected: frozenset[tuple[str, str]] | None = None
        self._owed: defaultdict[int, set[str]] = defaultdict(set)
        """Controllers that came back and have not been given an identifier's text since."""
        self._tried: defaultdict[tuple[int, Serial], set[str]] = defaultdict(set)
        """Controllers that were given a text again because they had said nothing of it."""
        self._told: dict[tuple[int, Serial], Answer] = {}
        self._open: set[tuple[int, Serial]] = set()
        """To be put on air at the next look, where no console would tell that they are not."""
        self._refused: set[tuple[int, Serial]] = set()
        """Not to be put on air again without an order: it would be refused each time."""

    async def take(self, order: Order) -> Taken:
        """Put every text on air side by side, then stop what has no text in its place."""
        for identifier, other in newest(order.beside).items():
            # Known from the journal when a restart has made us forget it.
            self._holder.held.setdefault(identifier, Spell(other.serial))
        chosen: dict[int, OnAir] = {}
        for item in order.on_air:
            chosen.setdefault(item.broadcast.identifier, item)
        ending: defaultdict[int, list[Stop]] = defaultdict(list)
        for stop in order.stops:
            ending[stop.identifier].append(stop)
        # Side by side: one controller that does not answer costs each of them ten seconds.
        results = await asyncio.gather(
            *(self._put(item, order, identifier in ending) for identifier, item in chosen.items())
        )
        for item, result in zip(chosen.values(), results, strict=True):
            self._remember((item.broadcast.identifier, item.serial), result)
        outcomes = dict(zip(chosen, results, strict=True))
        if chosen and not {each.fate for each in results} & _DECIDED:
            raise self._nothing(results)
        alone = [identifier for identifier in ending if identifier not in chosen]
        ends = dict(
            zip(
                alone,
                await asyncio.gather(*(self._stop(ending[identifier]) for identifier in alone)),
                strict=True,
            )
        )
        if not chosen and ends and not any(ends.values()):
            raise Transient(self._unreached())
        return Taken(
            reference="",
            on_air=tuple(
                beside(answer(item, outcomes[item.broadcast.identifier]), order)
                if chosen[item.broadcast.identifier] is item
                else crowded(item)
                for item in order.on_air
            ),
            stopped=tuple(
                stopped(stop, ends.get(stop.identifier), outcomes.get(stop.identifier))
                for stop in order.stops
            ),
        )

    async def ping(self) -> str:
        """Take off what was never there; the console then names its controllers."""
        for _ in range(_PROBES):
            try:
                timeout = min(_PROBE_TIMEOUT, self._settings.timeout)
                reply = await self._rest.delete(_NEVER_USED, timeout)
                break
            except Unreached as error:
                raise Transient(self._unreached()) from error
            except Silent:
                continue
        else:
            says = f"takes connections, but left {_PROBES} calls unanswered"
            raise Transient(Problem(self._settings.url, says, "look at osmo-cbc's log"))
        if (reply.status, reply.text) != (404, "Unknown message ID"):
            says = f"is not osmo-cbc: it answers {reply.status} {reply.text}".rstrip()
            raise Transient(Problem(self._settings.url, says, "check `url`"))
        says = f"osmo-cbc at {self._settings.url} takes orders"
        if self._console is None:
            return f"{says}; whether its controllers are there it does not say without `vty`"
        try:
            controllers = await self._console.controllers()
        except ConsoleError as error:
            return f"{says}; its console {error}, so nobody knows what is on air"
        listed = [
            f"{one.name} ({one.protocol}) {'' if one.connected else 'not '}connected"
            for one in controllers
        ]
        return f"{says}; {', '.join(listed) or 'it has no controller: nothing can go on air'}"

    async def later(
        self,
        running: Callable[[], Sequence[Running]],
        ended: Callable[[], Sequence[tuple[int, Serial]]] = tuple,
    ) -> AsyncIterator[Answer]:
        """What the console shows of each broadcast, when it changes, and every repair.

        Without a console only what is known anyway is said: that a newer warning took a text's
        identifier, and what became of a text that was not answered and is asked again.  What has
        ended is taken off all the same.  ``ended`` names what an earlier process may have left on
        air, by message identifier and serial number; only the console tells whether it is there.
        """
        left: defaultdict[int, set[Serial]] = defaultdict(set)
        for identifier, serial in ended() if self._console else ():
            left[identifier].add(serial)
        while not self._closed.is_set():
            await self._clear_away(left, running)
            for found in await self._look(running):
                key = found.identifier, found.serial
                if self._told.get(key) != found:
                    self._told[key] = found
                    yield found
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._look_every):
                    await self._closed.wait()

    async def close(self) -> None:
        """Let connections go; what is on air stays."""
        self._closed.set()
        await self._rest.close()

    async def _put(self, item: OnAir, order: Order, earlier: bool) -> Outcome:
        async with self._holder.lock(item.broadcast.identifier):
            return await self._holder.put(
                _running(item, order),
                order.alert.expires,
                earlier=earlier or item.instead_of is not None,
                unchanged=item.unchanged,
            )

    async def _stop(self, stops: Sequence[Stop]) -> tuple[Said, str] | None:
        """``None``: surely nothing was done."""
        identifier = stops[0].identifier
        async with self._holder.lock(identifier):
            try:
                return await self._holder.take_off(identifier, [stop.serial for stop in stops])
            except Unreached:
                return None

    async def _clear_away(
        self, left: dict[int, set[Serial]], running: Callable[[], Sequence[Running]]
    ) -> None:
        """Take off what is left, and forget what is gone."""
        for identifier, serials in [*left.items()]:
            async with self._holder.lock(identifier):
                if identifier in newest(running()):
                    del left[identifier]  # what it is to carry takes the place of whatever is there
                    continue
                assert self._console is not None
                with contextlib.suppress(ConsoleError, Unreached):
                    seen = await self._console.message(identifier)
                    ours = seen is not None and seen.sender == self._settings.cbe_name
                    if seen and ours and seen.on_air and seen.serial in map(int, serials):
                        await self._holder.take_off(identifier, serials)
                    else:
                        del left[identifier]

    async def _look(self, running: Callable[[], Sequence[Running]]) -> list[Answer]:
        meant = newest(running())
        for identifier in [*self._holder.held]:
            if identifier not in meant:
                await self._end(identifier, running)
        for identifier, item in meant.items():
            self._holder.held.setdefault(identifier, Spell(item.serial))
        olds = [old for old in running() if not _is_newest(old, meant)]
        answers = [displaced(old) for old in olds]
        if self._console is None:
            # When what displaced them ends, they have their identifier again.
            self._open |= {(old.broadcast.identifier, old.serial) for old in olds}
            for identifier in meant:
                answers += await self._ask_again(identifier, running)
            return answers
        try:
            controllers = await self._console.controllers()
            self._notice(controllers, meant)
            for identifier in meant:
                answers += await self._tend(identifier, running, controllers)
        except ConsoleError:
            pass  # what is not seen is not told; the next look comes soon
        return answers

    async def _end(self, identifier: int, running: Callable[[], Sequence[Running]]) -> None:
        async with self._holder.lock(identifier):
            spell = self._holder.held.get(identifier)
            if spell is None or identifier in newest(running()):
                return
            with contextlib.suppress(Unreached):
                await self._holder.take_off(identifier, [spell.serial])

    async def _ask_again(
        self, identifier: int, running: Callable[[], Sequence[Running]]
    ) -> list[Answer]:
        """Put one broadcast on air of which nobody knows, or which is not there."""
        async with self._holder.lock(identifier):
            item = newest(running()).get(identifier)
            if item is None or (identifier, item.serial) not in self._open:
                return []
            held = self._holder.held.get(identifier)
            until = held.until if held and held.serial == item.serial else None
            outcome = await self._holder.put(item, until, earlier=False)
            self._remember((identifier, item.serial), outcome)
            return [answer(item, outcome)]

    def _remember(self, key: tuple[int, Serial], outcome: Outcome) -> None:
        """Whether to put it on air again by ourselves."""
        for keys, fates in (
            (self._open, {Fate.SILENT, Fate.UNREACHED, Fate.NOBODY}),
            (self._refused, {Fate.REFUSED}),
        ):
            if outcome.fate in fates:
                keys.add(key)
            else:
                keys.discard(key)

    def _notice(self, controllers: Sequence[Controller], meant: Mapping[int, Running]) -> None:
        """Who came back since the last look: it has lost what it was to send."""
        connected = frozenset((one.name, one.address) for one in controllers if one.connected)
        if self._connected is not None:
            back = {name for name, _ in connected - self._connected}
            for identifier in meant:
                self._owed[identifier] |= back
        self._connected = connected

    async def _tend(
        self,
        identifier: int,
        running: Callable[[], Sequence[Running]],
        controllers: Sequence[Controller],
    ) -> list[Answer]:
        """Look at one broadcast, and put it on air again where it was lost."""
        assert self._console is not None
        async with self._holder.lock(identifier):
            item = newest(running()).get(identifier)
            if item is None:
                return []
            seen = await self._console.message(identifier)
            there = seen is not None and seen.on_air
            if seen and there and _is_foreign(seen, item, self._settings.cbe_name):
                # Not taken back by itself: two senders would do so for ever.
                return [displaced(item, f"{seen.sender} put another text in its place")]
            key = identifier, item.serial
            owed, tried = self._owed[identifier], self._tried[key]
            why = why_again(item.serial, seen, controllers, owed, tried)
            if why and key in self._refused:
                return []
            if not why:
                return [observed(identifier, item.serial, seen, controllers)] if seen else []
            outcome = await self._holder.put(item, None, earlier=there)
            self._remember(key, outcome)
            if outcome.fate is Fate.UNREACHED:
                return []
            tried.update(one.name for one in controllers if one.connected)
            owed.clear()
            again = answer(item, outcome)
            return [replace(again, reason=f"put on air again, as {why}; {again.reason}")]

    def _nothing(self, outcomes: Sequence[Outcome]) -> ChannelError:
        """Nothing of an order is known to be on air."""
        lost = "; the text it was to replace is off the air"
        tail = lost if any(outcome.cleared for outcome in outcomes) else ""
        fates = {outcome.fate for outcome in outcomes}
        if Fate.SILENT in fates:
            says = "did not answer, and nobody can tell what it has on air" + tail
            return Unknown(Problem(self._settings.url, says, "look at osmo-cbc and its log"))
        if Fate.NOBODY in fates:
            says = "has no controller to ask, so it is on air nowhere" + tail
            return Transient(Problem(self._settings.url, says, "connect its controllers"))
        return Transient(self._unreached(tail))

    def _unreached(self, tail: str = "") -> Problem:
        says = "does not answer, and nothing was sent" + tail
        return Problem(self._settings.url, says, "start osmo-cbc, or check `url`")


_DECIDED = {Fate.ON, Fate.REFUSED, Fate.OCCUPIED}


def _running(item: OnAir, order: Order) -> Running:
    return Running(
        broadcast=item.broadcast,
        serial=item.serial,
        repetition_period=order.repetition_period,
        number_of_broadcasts=order.number_of_broadcasts,
        slots=order.slots,
        number_2g=order.number_2g,
        cells=order.cells,
    )


def _is_newest(item: Running, meant: Mapping[int, Running]) -> bool:
    newest = meant.get(item.broadcast.identifier)
    return newest is not None and newest.serial == item.serial


def _is_foreign(seen: Seen, item: Running, sender: str) -> bool:
    return seen.serial != int(item.serial) and seen.sender != sender
