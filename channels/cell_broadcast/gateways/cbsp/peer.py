"""One base-station controller: what goes to it, and what is known to be on air there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from broadcaster.clock import Clock
from broadcaster.model.errors import BadInput
from channels.cell_broadcast.cells import Cell, Technology
from channels.cell_broadcast.gateways.cbsp import messages as cbsp
from channels.cell_broadcast.gateways.cbsp import wire as cbsp_wire
from channels.cell_broadcast.gateways.cbsp.held import Held, Key, Wanted
from channels.cell_broadcast.gateways.cbsp.link import Link, Lost, connect
from channels.cell_broadcast.gateways.cbsp.messages import (
    CellList,
    CellName,
    Discriminator,
    Message,
)
from channels.cell_broadcast.gateways.cbsp.outcome import (
    Outcome,
    is_there_already,
    of_kill,
    of_write,
)
from channels.cell_broadcast.gateways.cbsp.settings import Bsc, CbspSettings
from channels.cell_broadcast.order import SLOT, OnAir, Order, Running
from channels.cell_broadcast.serials import Serial

_UNTOLD = 0
"""A period that nobody knows: it differs from every period."""
_GONE = frozenset({cbsp.NOT_IDENTIFIED})
_RESTARTED = "the controller restarted meanwhile"


class Peer:
    """A controller that is connected when it is needed; one connection at a time."""

    def __init__(self, bsc: Bsc, settings: CbspSettings, clock: Clock) -> None:
        self.name = bsc.name
        self.stirred = asyncio.Event()
        """Set when the controller has something to say or to be told."""
        self._bsc = bsc
        self._settings = settings
        self._clock = clock
        self._link: Link | None = None
        self._opening: asyncio.Task[Link] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._held: dict[Key, Held] = {}
        self._owed: dict[Key, None] = {}
        """Stops that it has not confirmed."""
        self._life = 0
        """Counts its restarts."""
        self._trouble = ""
        """Why it could not be reached; empty: it could, or nobody has tried."""
        self._behind = False
        """It may not have all that should be on air."""
        self._changed: set[Key] = set()
        self._reconciled = False
        """It was told what had ended before this process began."""

    @property
    def behind(self) -> bool:
        """It may not have all that should be on air, or still have what should not."""
        return self._behind

    def reaches(self, cells: Iterable[Cell] | None) -> bool:
        """Whether any of these cells may be its own; ``None``: all that there are."""
        return self._cells(cells) is not None

    def known(self, key: Key) -> Outcome | None:
        """What it last made of a broadcast; ``None``: nothing since it was connected."""
        held = self._held.get(key)
        if held is None and self._trouble:
            return Outcome(unsent=self._trouble)
        return held.outcome if held else None

    async def linked(self) -> Link:
        """The connection, opened and proven alive if need be; raises :class:`Lost`."""
        if self._link and not self._link.lost:
            return self._link
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(self._open())
            # Whoever waited for it may have been cancelled: its failure is no news then.
            self._opening.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            link = await asyncio.shield(self._opening)
        except Lost as error:
            self._trouble = str(error)
            raise
        self._trouble = ""
        return link

    async def take(self, order: Order) -> tuple[list[Outcome | None], list[Outcome]]:
        """Write what is new, then stop what has ended: the outcomes in the order's own order.

        ``None`` for a broadcast that has no cell here.
        """
        cells = self._cells(order.cells)
        until = self._end(order.number_2g, order.slots)
        wanted = [Wanted(item, cells, order.slots, until) for item in order.on_air if cells]
        stops = [(stop.identifier, stop.serial) for stop in order.stops]
        # Whatever happens from here on, a stop is owed until the controller has confirmed it.
        self._owed |= dict.fromkeys(stops)
        for one in wanted:
            self._owed.pop(one.key, None)
        try:
            link = await self.linked()
        except Lost as error:
            unsent = Outcome(unsent=str(error))
            return (
                [unsent if cells else None] * len(order.on_air),
                [replace(unsent, foreign=not (cells or key in self._held)) for key in stops],
            )
        async with self._one_at_a_time:
            foreign = {key for key in stops if not (cells or key in self._held)}
            stopped = await self._settle(link, wanted, stops)
            if self._behind or self._changed:
                self.stirred.set()
        written = [self._said(one) for one in wanted]
        return (
            list(written) if cells else [None] * len(order.on_air),
            [
                replace(outcome, foreign=key in foreign)
                for key, outcome in zip(stops, stopped, strict=True)
            ],
        )

    async def catch_up(
        self, running: Callable[[], Sequence[Running]], ended: Callable[[], Sequence[Key]]
    ) -> set[Key]:
        """Put on air what should be and may not be, and stop what should not be.

        The broadcasts of which there is something new to say.
        """
        async with self._one_at_a_time:
            self.stirred.clear()
            if self._behind and self._link and not self._link.lost:
                self._behind = False
                wanted = [
                    Wanted(one, cells, one.slots, self._end(one.number_2g, one.slots))
                    for one in running()
                    if (cells := self._cells(one.cells))
                ]
                before = {one.key: self._said(one) for one in wanted}
                missing = [one for one in wanted if before[one.key].unknown]
                if not self._reconciled:
                    self._owed |= dict.fromkeys(ended())
                    self._reconciled = True
                # An order that was given up has stopped nothing: what runs, runs.
                stops = [key for key in self._owed if key not in before]
                # Never a RESET: osmo-bsc reports a loss on each connection and has lost nothing.
                # What is still there answers "already used".
                await self._settle(self._link, missing, stops)
                self._changed |= {one.key for one in missing if self._said(one) != before[one.key]}
            changed, self._changed = self._changed, set()
            return changed

    async def close(self) -> None:
        """Let the connection go; what is on air stays."""
        if self._opening:
            self._opening.cancel()
            with suppress(asyncio.CancelledError, Lost):
                await self._opening
        if self._link:
            await self._link.close()

    async def _open(self) -> Link:
        if self._link:
            await self._link.close()
        self._held.clear()
        link = await connect(
            self._bsc.host,
            self._bsc.port,
            patience=self._settings.timeout,
            keep_alive=self._settings.keep_alive,
            told=self._told,
        )
        # Proven before anything is entrusted to it, so that "surely not sent" is known.  A
        # controller that serves somebody else accepts and closes at once.
        if not await link.ask() and not link.heard:
            why = f"no sign of life within {self._settings.timeout:g} s"
            if link.lost:
                why = f"{link.lost} before a sign of life; perhaps it serves another sender"
            await link.close()
            raise Lost(why)
        self._link = link
        self._fall_behind()
        return link

    def _fall_behind(self) -> None:
        self._behind = True
        self.stirred.set()

    def _told(self, message: Message) -> None:
        """RESTART and FAILURE come unasked."""
        if isinstance(message, cbsp.Restart) and not message.emergency:
            self._life += 1
            self._held.clear()
            self._fall_behind()
        if isinstance(message, cbsp.Failed) and not message.emergency:
            failures = {one.cell: one.cause for one in message.failures}
            for key, held in self._held.items():
                hit = {cell: why for cell, why in failures.items() if cell in held.outcome.cells}
                if hit:
                    outcome = replace(
                        held.outcome,
                        cells=held.outcome.cells - hit.keys(),
                        refused={**held.outcome.refused, **hit},
                    )
                    self._held[key] = replace(held, outcome=outcome)
                    self._changed.add(key)
            self.stirred.set()

    async def _settle(
        self, link: Link, wanted: Sequence[Wanted], stops: Sequence[Key]
    ) -> list[Outcome]:
        """Bring on air what is wanted beside what stays, and stop the rest: outcomes of the stops.

        All that is on air has one period that holds all its pages: with several, osmo-bsc refuses
        what would fit, confirms stops that it does not make, and hangs when it is reset.
        """
        now = self._clock.now()
        on_air = {key: held for key, held in self._held.items() if held.on_air(now)}
        going = {*(one.key for one in wanted), *stops}
        staying = [held.wanted for key, held in on_air.items() if key not in going]
        pages = sum(one.pages for one in (*wanted, *staying))
        slots = max([pages, *(one.slots for one in wanted)])
        if wanted and any(held.wanted.slots != slots for held in on_air.values()):
            # Another period for everything: stopped and written again in one go.  The numbers stay
            # the same, so no phone alarms again.
            # Those that stay come first: what had room must not lose it to what is new.
            ending = list(dict.fromkeys((*stops, *on_air)))
            both = [replace(one, slots=slots) for one in (*staying, *wanted)]
            stopped = (await self._exchange(link, ending, both))[: len(stops)]
            self._changed |= {
                one.key for one in staying if self._said(one) != on_air[one.key].outcome
            }
            return stopped
        writes, renewed, olds = [], [], {}
        for one in (replace(one, slots=slots) for one in wanted):
            item, held = one.item, self._held.get(one.key)
            if isinstance(item, OnAir) and item.unchanged:
                if held and held.serves(one):
                    continue
                # A controller takes no new end for a number that it has.
                renewed.append(one.key)
            elif isinstance(item, OnAir) and item.instead_of:
                old = on_air.get((item.broadcast.identifier, item.instead_of))
                # Only where it surely fits: osmo-bsc crashes after it has refused a replacement.
                # Otherwise it comes beside the old one, which is stopped next.
                if old and old.gives_way_to(one):
                    olds[one.key] = item.instead_of
            writes.append(one)
        await self._exchange(link, renewed, writes, olds)
        # Where the old one is gone all the same, nothing is replaced.
        replaced = [one for one in writes if one.key in olds]
        gone = [one for one in replaced if self._said(one).refused_for(_GONE)]
        await self._exchange(link, (), gone)
        stopped = await self._exchange(link, stops, ())
        if any(outcome.cells or outcome.uncounted for outcome in stopped):
            # There may be room now for what had none before.
            full = [one for one in writes if self._said(one).refused_for(cbsp.NO_ROOM)]
            await self._exchange(link, (), full)
        return stopped

    async def _exchange(
        self,
        link: Link,
        kills: Sequence[Key],
        writes: Sequence[Wanted],
        olds: Mapping[Key, Serial] | None = None,
    ) -> list[Outcome]:
        """KILL, then WRITE-REPLACE, in one go; notes what is said, and gives that of the kills."""
        if not kills and not writes:
            return []
        now, unsent, life = self._clock.now(), link.lost, self._life
        requests = {("kill", key[0], int(key[1])): _kill(key) for key in kills}
        impossible: dict[Key, str] = {}
        for one in writes:
            message = _write_replace(one, (olds or {}).get(one.key), one.count(now))
            try:
                requests["write", one.key[0], int(one.key[1])] = cbsp_wire.encode(message)
            except BadInput as error:
                impossible[one.key] = error.problems[0].says
        answers = await link.exchange(requests)
        if None in answers.values():
            self._behind = True
        if life != self._life:
            return [Outcome(unknown=_RESTARTED)] * len(kills)  # what it said before is void
        stopped = []
        for key in kills:
            answer = answers["kill", key[0], int(key[1])]
            silence = self._silence(link)
            stopped.append(
                Outcome(unsent=unsent) if unsent else of_kill(cbsp.WHOLE_BSC, answer, silence)
            )
            if answer is not None:
                self._held.pop(key, None)
                if not stopped[-1].refused:
                    self._owed.pop(key, None)
        for one in writes:
            if why := impossible.get(one.key) or unsent:
                outcome = Outcome(unsent=why)
            else:
                answer = answers["write", one.key[0], int(one.key[1])]
                outcome = of_write(one.cells, answer, self._silence(link))
                if is_there_already(answer):
                    # It goes on as it was written then; if that was not by us, nobody knows how.
                    before = self._held.get(one.key)
                    one = before.wanted if before else replace(one, slots=_UNTOLD)
            self._held[one.key] = Held(one, outcome)
        return stopped

    def _end(self, count: int, slots: int) -> datetime | None:
        if not count:
            return None
        return self._clock.now() + timedelta(seconds=count * slots * SLOT)

    def _said(self, one: Wanted) -> Outcome:
        held = self._held.get(one.key)
        # A restart reported meanwhile has made everything said before it void.
        return held.outcome if held else Outcome(unknown=_RESTARTED)

    def _silence(self, link: Link) -> str:
        return link.lost or f"silent for {self._settings.timeout:g} s"

    def _cells(self, cells: Iterable[Cell] | None) -> CellList | None:
        """Those that this controller serves; ``None``: not one of them."""
        if cells is None:
            return cbsp.WHOLE_BSC
        names = tuple(
            CellName(Discriminator.CGI, one.mcc, one.mnc, one.area, one.cell)
            for one in cells
            if one.technology is Technology.GSM
            and (self._bsc.areas is None or one.area in self._bsc.areas)
        )
        return CellList(Discriminator.CGI, names) if names else None


def _kill(key: Key) -> bytes:
    """In all cells, because the earlier one's area may have been another."""
    return cbsp_wire.encode(cbsp.Kill(identifier=key[0], old=int(key[1]), cells=cbsp.WHOLE_BSC))


def _write_replace(one: Wanted, old: Serial | None, count: int) -> cbsp.Write:
    pages = one.item.broadcast.pages
    return cbsp.Write(
        identifier=one.item.broadcast.identifier,
        serial=int(one.item.serial),
        old=None if old is None else int(old),
        cells=one.cells,
        category=cbsp.Category.HIGH_PRIORITY,
        period=one.slots,
        count=count,
        dcs=pages.coding.dcs,
        # All 82 octets count as text: a controller that is told less fills the rest of the last
        # block with zeros (osmo-bsc does), which phones show as "@" where our padding is invisible.
        pages=tuple(cbsp.Page(octets) for octets in pages.octets),
    )
