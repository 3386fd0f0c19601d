"""The CBSP gateway when controllers are dead, silent or confused, and over a longer time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager

import pytest

from broadcaster.model.errors import Transient
from channels.cell_broadcast.gateways.cbsp import messages as cbsp
from channels.cell_broadcast.gateways.cbsp.gateway import CbspGateway
from channels.cell_broadcast.gateways.cbsp.messages import Failure
from channels.cell_broadcast.gateways.cbsp.settings import Bsc, CbspSettings
from channels.cell_broadcast.order import Answer, Running, Said
from channels.cell_broadcast.serials import Serial
from tests.peers.fake_bsc import (
    HERE,
    NEW,
    OLD,
    FakeBsc,
    SetClock,
    cell,
    city,
    next_of,
    on_air,
    order,
    running,
    until,
)


@asynccontextmanager
async def listening(
    gateway: CbspGateway,
    wanted: Callable[[], Sequence[Running]],
    ended: Callable[[], Sequence[tuple[int, Serial]]] = tuple,
) -> AsyncIterator[list[Answer]]:
    """What is said of its own accord, as it comes."""
    told: list[Answer] = []

    async def listen() -> None:
        async for answer in gateway.later(wanted, ended):
            told.append(answer)

    task = asyncio.create_task(listen())
    try:
        yield told
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


# Trouble --------------------------------------------------------------------------------------


async def test_when_no_controller_can_be_reached_nothing_was_sent() -> None:
    bsc = FakeBsc(7)
    async with city(bsc) as gateway:
        await bsc.stop()
        with pytest.raises(Transient, match="north: no connection"):
            await gateway.take(order(on_air(OLD)))
        with pytest.raises(Transient, match="north: no connection"):
            await gateway.ping()


async def test_a_controller_that_turns_us_away_gets_nothing() -> None:
    bsc = FakeBsc(7)
    bsc.turns_away = True
    async with city(bsc) as gateway:
        with pytest.raises(Transient, match="perhaps it serves another sender"):
            await gateway.take(order(on_air(OLD)))
    assert bsc.writes() == []


async def test_what_is_not_answered_in_time_is_unknown() -> None:
    bsc = FakeBsc(7)
    bsc.silent = True
    async with city(bsc) as gateway:
        (answer,) = (await gateway.take(order(on_air(OLD)))).on_air
    assert (answer.said, answer.cells) == (Said.UNKNOWN, None)
    assert answer.reason == "north: no answer (silent for 1 s)"


async def test_a_connection_cut_midway_leaves_only_the_unanswered_unknown() -> None:
    bsc = FakeBsc(7)
    bsc.cut_after = 1
    async with city(bsc) as gateway:
        first, second = (
            await gateway.take(order(on_air(OLD), on_air(Serial(9, 0), "Zwei.")))
        ).on_air
    assert (first.said, second.said) == (Said.INSTALLED, Said.UNKNOWN)
    assert second.reason == "north: no answer (the controller closed the connection)"


async def test_a_dead_controller_delays_no_other_and_is_named() -> None:
    north, south = FakeBsc(7), FakeBsc(8)
    async with city(north, south) as gateway:
        await south.stop()
        taken = await asyncio.wait_for(gateway.take(order(on_air(OLD))), 1)
    (answer,) = taken.on_air
    assert (answer.said, answer.cells) == (Said.INSTALLED, 1)
    assert answer.reason.startswith("south: not sent (no connection")


async def test_two_controllers_share_the_cells_of_an_area() -> None:
    north, south = FakeBsc(7), FakeBsc(8, lac=2)
    cells = (cell(7), cell(8, lac=2), cell(99))
    async with city(north, south) as gateway:
        (answer,) = (await gateway.take(order(on_air(OLD), cells=cells))).on_air
    assert (answer.said, answer.cells) == (Said.INSTALLED, 2)
    assert answer.refused == {"the controller has no such cell": 1}


async def test_a_controller_whose_location_areas_are_known_is_asked_for_no_other() -> None:
    north, south = FakeBsc(7), FakeBsc(8, lac=2)
    async with city(north, south, areas=True) as gateway:
        (answer,) = (await gateway.take(order(on_air(OLD), cells=(cell(8, lac=2),)))).on_air
    assert (answer.said, answer.cells, answer.refused) == (Said.INSTALLED, 1, {})
    assert north.writes() == []


async def test_cells_of_a_dead_controller_are_not_called_refused() -> None:
    north, south = FakeBsc(7), FakeBsc(8, lac=2)
    cells = (cell(7), cell(8, lac=2))
    async with city(north, south) as gateway:
        await south.stop()
        (answer,) = (await gateway.take(order(on_air(OLD), cells=cells))).on_air
    assert (answer.said, answer.cells, answer.refused) == (Said.INSTALLED, 1, {})
    assert "south" in answer.reason


async def test_ping_asks_for_a_sign_of_life_and_puts_nothing_on_air() -> None:
    bsc = FakeBsc(7)
    async with city(bsc) as gateway:
        assert await gateway.ping() == "every base-station controller answers: north"
    assert {type(message) for message in bsc.heard} == {cbsp.KeepAlive}


async def test_ping_names_a_controller_that_gives_no_sign_of_life() -> None:
    bsc = FakeBsc(7)
    bsc.deaf = True
    bsc.lies_about_loss = False
    async with city(bsc) as gateway:
        with pytest.raises(Transient, match=r"north: no sign of life within 1 s"):
            await gateway.ping()


async def test_a_keep_alive_of_the_controller_is_answered() -> None:
    bsc = FakeBsc(7)
    async with city(bsc) as gateway:
        await gateway.ping()
        bsc.say(cbsp.KeepAlive(seconds=30))
        await asyncio.sleep(0.05)
    assert isinstance(bsc.heard[-1], cbsp.KeepAliveComplete)


async def test_nonsense_from_the_far_side_ends_the_connection_with_the_reason() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()
        writer.close()

    bsc = FakeBsc(7)
    server = await asyncio.start_server(serve, HERE, 0)
    bsc.port = server.sockets[0].getsockname()[1]
    async with server, city(bsc, start=False) as gateway:
        with pytest.raises(Transient, match="the controller sent a message of"):
            await gateway.ping()


# As long as it is open ------------------------------------------------------------------------


async def test_what_should_be_on_air_is_there_as_soon_as_the_connection_is() -> None:
    bsc = FakeBsc(7, 8)
    async with (
        city(bsc) as gateway,
        aclosing(gateway.later(lambda: running(on_air(OLD)))) as answers,
    ):
        answer = await next_of(answers)
    assert (answer.identifier, answer.serial) == (4370, OLD)
    assert (answer.said, answer.cells) == (Said.INSTALLED, 2)


async def test_after_a_restart_with_loss_everything_is_written_again() -> None:
    bsc = FakeBsc(7)
    async with (
        city(bsc) as gateway,
        aclosing(gateway.later(lambda: running(on_air(OLD)))) as answers,
    ):
        await next_of(answers)
        bsc.restart()
        assert (await next_of(answers)).said is Said.INSTALLED
    assert bsc.on_air[4370, int(OLD)] == set(bsc.cells)
    assert bsc.connections == 1


async def test_after_a_cut_the_connection_comes_back_and_nothing_is_reset() -> None:
    bsc = FakeBsc(7)
    async with (
        city(bsc) as gateway,
        aclosing(gateway.later(lambda: running(on_air(OLD)))) as answers,
    ):
        await next_of(answers)
        bsc.cut()
        assert (await next_of(answers)).said is Said.INSTALLED
    assert bsc.connections == 2
    assert not any(isinstance(message, cbsp.Reset) for message in bsc.heard)


async def test_a_dead_controller_gets_what_it_missed_when_it_is_back() -> None:
    north, south = FakeBsc(7), FakeBsc(8)
    async with city(north, south) as gateway:
        await south.stop()
        wanted: list[Running] = []
        async with aclosing(gateway.later(lambda: tuple(wanted))) as answers:
            waiting = asyncio.create_task(next_of(answers))
            await gateway.take(order(on_air(OLD)))
            wanted += running(on_air(OLD))
            await south.start()
            answer = await waiting
    assert (answer.said, answer.cells, answer.reason) == (Said.INSTALLED, 2, "")
    assert south.on_air[4370, int(OLD)] == set(south.cells)


async def test_a_stop_that_a_dead_controller_missed_is_made_up_for() -> None:
    north, south = FakeBsc(7), FakeBsc(8)
    async with city(north, south) as gateway:
        await gateway.take(order(on_air(OLD)))
        await south.stop()
        (answer,) = (await gateway.take(order(stops=[OLD]))).stopped
        assert (answer.said, answer.cells) == (Said.UNKNOWN, None)
        assert answer.reason.startswith("south: not sent")
        async with aclosing(gateway.later(tuple)) as answers:
            waiting = asyncio.create_task(anext(answers))
            await south.start()
            await until(lambda: not south.on_air[4370, int(OLD)])
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)


async def test_a_stop_that_one_controller_leaves_unanswered_is_unknown_and_names_it() -> None:
    north, south = FakeBsc(7), FakeBsc(8)
    async with city(north, south) as gateway:
        await gateway.take(order(on_air(OLD)))
        south.silent = True
        (answer,) = (await gateway.take(order(stops=[OLD]))).stopped
        assert (answer.said, answer.cells) == (Said.UNKNOWN, None)
        assert answer.reason == "south: no answer (silent for 1 s)"
        south.silent = False
        async with listening(gateway, tuple):
            await until(lambda: not south.on_air[4370, int(OLD)])


async def test_a_dead_controller_that_never_had_the_text_does_not_make_its_stop_doubtful() -> None:
    north, south = FakeBsc(7), FakeBsc(8, lac=2)
    async with city(north, south, areas=True) as gateway:
        await gateway.take(order(on_air(OLD), cells=(cell(7),)))
        await south.stop()
        (answer,) = (await gateway.take(order(stops=[OLD], cells=(cell(7),)))).stopped
    assert (answer.said, answer.cells, answer.reason) == (Said.INSTALLED, 1, "")


async def test_what_an_earlier_process_could_not_stop_is_stopped_by_the_next() -> None:
    bsc = FakeBsc(7)
    bsc.on_air = {(4370, int(OLD)): set(bsc.cells), (4370, int(NEW)): set(bsc.cells)}
    async with (
        city(bsc) as gateway,
        listening(gateway, lambda: running(on_air(NEW, "Neu.")), lambda: [(4370, OLD)]),
    ):
        await until(lambda: not bsc.on_air[4370, int(OLD)])
        bsc.cut()
        await until(lambda: len(bsc.writes()) == 2)
    assert bsc.on_air[4370, int(NEW)] == set(bsc.cells)
    assert [kill.old for kill in bsc.kills()] == [int(OLD)]


async def test_what_runs_is_not_stopped_for_an_order_that_was_given_up() -> None:
    bsc = FakeBsc(7)
    async with city(bsc) as gateway:
        await gateway.take(order(on_air(OLD)))
        await bsc.stop()
        with pytest.raises(Transient):
            await gateway.take(order(on_air(NEW, "Neu."), stops=[OLD]))
        await bsc.start()
        async with listening(gateway, lambda: running(on_air(OLD))) as told:
            await until(lambda: bool(told))
    assert (told[0].serial, told[0].said) == (OLD, Said.INSTALLED)
    assert bsc.kills() == []


async def test_what_a_connected_controller_left_unanswered_is_written_again() -> None:
    bsc = FakeBsc(7)
    async with city(bsc) as gateway, listening(gateway, lambda: running(on_air(OLD))) as told:
        await until(lambda: bool(told))
        bsc.restart()
        bsc.silent = True
        await until(lambda: len(told) == 2)
        assert (told[1].said, told[1].reason) == (
            Said.UNKNOWN,
            "north: no answer (silent for 1 s)",
        )
        bsc.silent = False
        await until(lambda: len(told) == 3)
    assert told[2].said is Said.INSTALLED
    assert bsc.on_air[4370, int(OLD)] == set(bsc.cells)
    assert bsc.connections == 1


async def test_an_order_that_was_not_answered_is_asked_again_and_told_later() -> None:
    bsc = FakeBsc(7)
    wanted: list[Running] = []
    async with city(bsc) as gateway, listening(gateway, lambda: tuple(wanted)) as told:
        await until(lambda: bsc.connections == 1)
        bsc.silent = True
        wanted += running(on_air(OLD))
        (answer,) = (await gateway.take(order(on_air(OLD)))).on_air
        assert answer.said is Said.UNKNOWN
        bsc.silent = False
        await until(lambda: bool(told))
    assert (told[-1].serial, told[-1].said) == (OLD, Said.INSTALLED)


async def test_an_order_works_while_nobody_and_while_somebody_listens() -> None:
    bsc = FakeBsc(7)
    async with city(bsc) as gateway:
        assert (await gateway.take(order(on_air(OLD)))).on_air[0].said is Said.INSTALLED
        async with aclosing(gateway.later(lambda: running(on_air(OLD)))) as answers:
            waiting = asyncio.create_task(anext(answers))
            taken = await gateway.take(order(on_air(NEW, "Neu.", instead_of=OLD), stops=[OLD]))
            assert taken.on_air[0].said is Said.INSTALLED
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
    assert bsc.connections == 1


async def test_cells_that_fail_later_are_told() -> None:
    bsc = FakeBsc(7, 8)
    async with (
        city(bsc) as gateway,
        aclosing(gateway.later(lambda: running(on_air(OLD)))) as answers,
    ):
        await next_of(answers)
        bsc.say(cbsp.Failed(failures=(Failure(bsc.cells[1], 0x0A),)))
        answer = await next_of(answers)
    assert (answer.said, answer.cells) == (Said.INSTALLED, 1)
    assert answer.refused == {"the cell's broadcast channel is out of order": 1}


async def test_a_silent_connection_is_given_up_and_opened_again() -> None:
    bsc = FakeBsc(7)
    await bsc.start()
    gateway = CbspGateway(
        CbspSettings(
            peers=(Bsc(name="north", host=HERE, port=bsc.port),), timeout=0.1, keep_alive=0.1
        ),
        SetClock(),
        random.Random(1),
        first_pause=0.02,
    )
    async with aclosing(gateway.later(tuple)) as answers:
        waiting = asyncio.create_task(anext(answers))
        await until(lambda: bsc.connections == 1)
        bsc.deaf = True
        await until(lambda: bsc.connections == 2)
        bsc.deaf = False
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    await gateway.close()
    await bsc.stop()


async def test_a_failure_while_looking_up_what_runs_is_not_swallowed() -> None:
    def broken() -> tuple[Running, ...]:
        raise OSError("disk")

    async with city(FakeBsc(7)) as gateway, aclosing(gateway.later(broken)) as answers:
        with pytest.raises(OSError, match="disk"):
            await next_of(answers)


async def test_what_was_said_before_a_restart_counts_for_nothing_and_is_made_up_for() -> None:
    class Forgetful(FakeBsc):
        def _write(self, write: cbsp.Write) -> cbsp.Message:
            answer = super()._write(write)
            if len(self.writes()) == 1:
                self.restart()
            return answer

    bsc = Forgetful(7)
    async with city(bsc) as gateway:
        (answer,) = (await gateway.take(order(on_air(OLD)))).on_air
        assert answer.said is Said.UNKNOWN
        assert answer.reason == "north: no answer (the controller restarted meanwhile)"
        async with aclosing(gateway.later(lambda: running(on_air(OLD)))) as answers:
            assert (await next_of(answers)).said is Said.INSTALLED
    assert bsc.on_air[4370, int(OLD)] == set(bsc.cells)
