"""Cell broadcast straight to 2G base-station controllers, over CBSP (3GPP TS 48.049).

Configuration::

    gateway: cbsp
    driver:
      peers:
        - name: north
          host: 127.0.0.1       # the near end of a tunnel: CBSP itself has no encryption
          port: 48049
          areas: [17, 18]       # location area codes of its cells, if they are known
      timeout: 10s
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from random import Random
from typing import Any, ClassVar

from broadcaster.clock import Clock
from broadcaster.delivery.contract import Env
from broadcaster.model.errors import Permanent, Problem, Transient
from broadcaster.model.states import State
from channels.cell_broadcast.gateways.cbsp.held import Key
from channels.cell_broadcast.gateways.cbsp.link import Lost
from channels.cell_broadcast.gateways.cbsp.outcome import stopped, together
from channels.cell_broadcast.gateways.cbsp.peer import Peer
from channels.cell_broadcast.gateways.cbsp.settings import CbspSettings, read
from channels.cell_broadcast.order import Answer, Limits, Order, Running, Scope, Taken

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0


class CbspDriver:
    """How the gateway is configured and opened."""

    def settings(self, raw: Mapping[str, Any]) -> CbspSettings:
        """Check the gateway's mapping; raises ``BadInput`` with paths relative to it."""
        return read(raw)

    def open(self, settings: CbspSettings, env: Env) -> CbspGateway:
        """Connects when it is first needed."""
        return CbspGateway(settings, env.clock, env.random)


class CbspGateway:
    """All base-station controllers of the settings as one way out."""

    limits: ClassVar[Limits] = Limits(
        plans_2g=True, scope=Scope.CELLS, confirms=frozenset({State.ACCEPTED, State.SENT})
    )

    def __init__(
        self,
        settings: CbspSettings,
        clock: Clock,
        random: Random,
        *,
        first_pause: float = _FIRST_PAUSE,
    ) -> None:
        self._random = random
        self._first_pause = first_pause
        self._peers = [Peer(bsc, settings, clock) for bsc in settings.peers]

    async def take(self, order: Order) -> Taken:
        """Put an order on air at all controllers at the same time.

        Raises ``Transient`` when no controller could be reached, ``Permanent`` when none of the
        order's cells is a 2G cell of theirs.
        """
        if order.on_air and not any(peer.reaches(order.cells) for peer in self._peers):
            # Before anything is stopped: what is refused has changed nothing.
            raise Permanent(
                Problem(
                    "cells",
                    "no cell of the area is a 2G cell of a controller here",
                    "check the cell inventory and `areas`, or use another gateway for this area",
                )
            )
        results = await asyncio.gather(*(peer.take(order) for peer in self._peers))
        by_name = {peer.name: result for peer, result in zip(self._peers, results, strict=True)}
        outcomes = [
            outcome
            for written, ended in results
            for outcome in (*written, *ended)
            if outcome is not None
        ]
        if outcomes and all(outcome.unsent for outcome in outcomes):
            raise Transient(
                [
                    Problem(peer.name, outcome.unsent, "check the controller and the way to it")
                    for peer, (written, ended) in zip(self._peers, results, strict=True)
                    for outcome in [*written, *ended][:1]
                    if outcome is not None
                ]
            )

        return Taken(
            reference="CBSP " + ", ".join(by_name),
            on_air=tuple(
                together(
                    item.broadcast.identifier,
                    item.serial,
                    {name: one for name, (said, _) in by_name.items() if (one := said[at])},
                )
                for at, item in enumerate(order.on_air)
            ),
            stopped=tuple(
                stopped(
                    stop.identifier,
                    stop.serial,
                    {name: said[at] for name, (_, said) in by_name.items()},
                )
                for at, stop in enumerate(order.stops)
            ),
        )

    async def ping(self) -> str:
        """Ask every controller for a sign of life; raises ``Transient`` naming the dead ones."""
        problems = [
            Problem(peer.name, why, "check the controller and the way to it")
            for peer, why in zip(
                self._peers, await asyncio.gather(*map(_sign_of_life, self._peers)), strict=True
            )
            if why
        ]
        if problems:
            raise Transient(problems)
        names = ", ".join(peer.name for peer in self._peers)
        return f"every base-station controller answers: {names}"

    async def later(
        self,
        running: Callable[[], Sequence[Running]],
        ended: Callable[[], Sequence[Key]] = tuple,
    ) -> AsyncGenerator[Answer, None]:
        """Keep every controller connected, and give it again what it lost or missed.

        ``ended`` names by message identifier and serial number what was on air and must not be any
        more.  A controller is told to stop it when this process first reaches it, because an
        earlier process may have ended before the stop arrived; one that is gone costs nothing.
        """
        said: asyncio.Queue[Answer] = asyncio.Queue()
        keeping = asyncio.gather(*(self._keep(peer, running, ended, said) for peer in self._peers))
        try:
            while True:
                answer = asyncio.create_task(said.get())
                both: set[asyncio.Future[Any]] = {answer, keeping}
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                if keeping.done():
                    answer.cancel()
                    keeping.result()  # it never ends by itself: this raises what ended it
                yield await answer
        finally:
            keeping.cancel()
            answer.cancel()
            await asyncio.gather(keeping, answer, return_exceptions=True)

    async def close(self) -> None:
        """Let all connections go; what is on air stays."""
        await asyncio.gather(*(peer.close() for peer in self._peers))

    async def _keep(
        self,
        peer: Peer,
        running: Callable[[], Sequence[Running]],
        ended: Callable[[], Sequence[Key]],
        said: asyncio.Queue[Answer],
    ) -> None:
        pause = self._first_pause
        while True:
            try:
                link = await peer.linked()
            except Lost:
                await asyncio.sleep(pause * self._random.uniform(0.5, 1))
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            changed = await peer.catch_up(running, ended)
            for key in sorted(changed, key=lambda key: (key[0], int(key[1]))):
                said.put_nowait(self._known(key))
            # Connected and silent: asked again, ever less often.
            pause = min(2 * pause, _LONGEST_PAUSE) if peer.behind else self._first_pause
            stirred = asyncio.create_task(peer.stirred.wait())
            gone = asyncio.create_task(link.gone.wait())
            try:
                await asyncio.wait(
                    {stirred, gone},
                    timeout=pause if peer.behind else None,
                    return_when=asyncio.FIRST_COMPLETED,
                )
            finally:
                stirred.cancel()
                gone.cancel()

    def _known(self, key: Key) -> Answer:
        known = {peer.name: peer.known(key) for peer in self._peers}
        return together(*key, {name: one for name, one in known.items() if one is not None})


async def _sign_of_life(peer: Peer) -> str:
    """Empty, or why there is none."""
    try:
        link = await peer.linked()
    except Lost as error:
        return str(error)
    return "" if await link.ask() else link.lost or "no answer to KEEP-ALIVE"
