"""What the gateway to osmo-cbc sees on the console, tells, and repairs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import ClientSession

from channels.cell_broadcast.gateways.cbsp.messages import cause_in_words
from channels.cell_broadcast.gateways.ecbe.console import (
    Console,
    ConsoleError,
    Controller,
    Seen,
    Share,
    read_message,
    why_again,
)
from channels.cell_broadcast.order import (
    Said,
)
from channels.cell_broadcast.serials import Serial
from tests.unit.channels.fake_osmo_cbc import FakeOsmoCbc, Peer
from tests.unit.channels.osmo_bench import (
    FIRST,
    FULL,
    OTHER,
    SCALE,
    SOON,
    bench,
    on_air,
    raw,
    running,
    serial_parts,
)


async def test_cells_are_counted_and_refusals_named_by_cause() -> None:
    two = Peer("bsc", cells=("CGI 262-98-1-7", "LAC 1 CI 8"), refuses={"CGI 262-98-1-9": 6})
    four = Peer("mme", cells=("ECGI 262-98-00001-01",), protocol="SBcAP")
    async with bench(two, four, vty=True) as at:
        at.meant = [running(on_air(4370))]
        await at.take(on_air(4370))
        async with at.watching():
            await at.until(lambda: at.told)
            await asyncio.sleep(3 * SOON)
    [answer] = at.told
    assert (answer.identifier, answer.serial, answer.said) == (4370, FIRST, Said.INSTALLED)
    assert answer.cells == 3
    assert answer.refused == {cause_in_words(6): 1}


async def test_a_text_that_every_cell_refused_is_refused() -> None:
    async with bench(replace(FULL, sends={}), vty=True) as at:
        at.meant = [running(on_air(4370))]
        await at.take(on_air(4370))
        async with at.watching():
            await at.until(lambda: at.told)
    assert (at.told[0].said, at.told[0].cells) == (Said.REFUSED, 0)


async def test_whole_areas_are_on_air_without_a_count_of_cells() -> None:
    async with bench(Peer("bsc", cells=("BSS",)), Peer("b2", cells=("LAC 5",)), vty=True) as at:
        at.meant = [running(on_air(4370))]
        await at.take(on_air(4370))
        async with at.watching():
            await at.until(lambda: at.told)
    assert (at.told[0].said, at.told[0].cells) == (Said.INSTALLED, None)
    assert at.told[0].reason == "in all cells of bsc; in all cells of LAC 5 at b2"


async def test_cells_of_a_controller_that_went_away_are_not_counted() -> None:
    async with bench(Peer("bsc"), Peer("far", cells=("CI 9",)), vty=True) as at:
        at.meant = [running(on_air(4370))]
        await at.take(on_air(4370))
        async with at.watching():
            await at.until(lambda: at.told)
            at.cbc.peers[1].goes()
            await at.until(lambda: len(at.told) == 2)
    assert [answer.cells for answer in at.told] == [2, 1]
    assert "not connected, so nobody knows of their cells: far" in at.told[1].reason


async def test_a_restarted_gateway_gets_its_broadcasts_back() -> None:
    async with bench(Peer("bsc"), vty=True) as at:
        at.meant = [running(on_air(4370)), running(on_air(4383))]
        await at.take(on_air(4370), on_air(4383))
        async with at.watching():
            await at.until(lambda: len(at.told) == 2)
            await at.cbc.restart()
            assert at.cbc.peers[0].sends == {}
            await at.until(lambda: len(at.told) == 6)
        assert at.cbc.peers[0].sends == {4370: int(FIRST), 4383: int(FIRST)}
    repaired = [answer for answer in at.told if answer.said is Said.ACCEPTED]
    assert {answer.identifier for answer in repaired} == {4370, 4383}
    assert all("put on air again, as the gateway had lost it" in a.reason for a in repaired)
    assert at.told[-1].said is Said.INSTALLED


async def test_a_controller_that_comes_back_gets_its_broadcasts_back_once() -> None:
    bsc = Peer("bsc")
    async with bench(bsc, vty=True) as at:
        at.meant = [running(on_air(4370))]
        await at.take(on_air(4370))
        async with at.watching():
            await at.until(lambda: at.told)
            bsc.goes()
            await at.until(lambda: len(at.told) == 2)
            bsc.comes()
            await at.until(lambda: bsc.sends == {4370: int(FIRST)})
            await asyncio.sleep(4 * SOON)
        assert at.methods == ["POST", "DELETE", "POST"]
    assert any("as bsc had been away" in answer.reason for answer in at.told)


async def test_a_controller_that_was_away_when_it_was_sent_gets_it_when_it_comes() -> None:
    bsc, far = Peer("bsc"), Peer("far", state="<disconnected>", cells=("CI 9",))
    async with bench(bsc, far, vty=True) as at:
        at.meant = [running(on_air(4370))]
        await at.take(on_air(4370))
        far.comes()
        async with at.watching():
            await at.until(lambda: far.sends == {4370: int(FIRST)})


async def test_a_controller_that_stays_silent_is_not_asked_for_ever() -> None:
    async with bench(Peer("bsc"), Peer("mute", answers=False), vty=True) as at:
        at.meant = [running(on_air(4370))]
        await at.take(on_air(4370))
        async with at.watching():
            await at.until(lambda: at.methods.count("POST") == 2)
            await asyncio.sleep(10 * SCALE + 6 * SOON)
        assert at.methods == ["POST", "DELETE", "POST"]


async def test_another_senders_text_is_told_and_not_fought() -> None:
    async with bench(Peer("bsc"), vty=True) as at:
        at.meant = [running(on_air(4370))]
        async with ClientSession() as session, at.watching():
            await at.until(lambda: at.told)
            await session.delete(f"{at.cbc.url}/api/ecbe/v1/message/4370")
            foreign = raw(lambda b: serial_parts(b).update(msg_code=5))
            await session.post(f"{at.cbc.url}/api/ecbe/v1/message", json=foreign)
            await at.until(lambda: "lot put another text in its place" in at.told[-1].reason)
            await asyncio.sleep(3 * SOON)
            assert at.cbc.peers[0].sends == {4370: Serial(5, 0).__int__()}
    assert at.told[-1].cells == 0


async def test_of_two_warnings_under_one_identifier_the_newer_is_kept_on_air() -> None:
    async with bench(Peer("bsc"), vty=True) as at:
        at.meant = [running(on_air(4370)), running(on_air(4370, OTHER))]
        async with at.watching():
            await at.until(lambda: at.cbc.peers[0].sends == {4370: int(OTHER)})
            await asyncio.sleep(3 * SOON)
            at.meant.pop()  # it was ended: the older one is still meant to be on air
            await at.until(lambda: at.cbc.peers[0].sends == {4370: int(FIRST)})
    old = next(answer for answer in at.told if answer.serial == FIRST)
    assert (old.said, old.cells) == (Said.ACCEPTED, 0)
    assert "a newer warning took its identifier" in old.reason


async def test_without_a_console_too_the_older_of_two_warnings_is_said_to_be_off_the_air() -> None:
    async with bench(Peer("bsc")) as at:
        older, newer = on_air(4370), on_air(4370, OTHER, "Chemieunfall.")
        await at.take(older)
        await at.take(newer, beside=(running(older),))
        at.meant = [running(older), running(newer)]
        async with at.watching():
            await at.until(lambda: at.told)
            assert at.cbc.peers[0].sends == {4370: int(OTHER)}
            at.meant.pop()  # the newer one was ended
            await at.until(lambda: at.cbc.peers[0].sends == {4370: int(FIRST)})
            await at.until(lambda: len(at.told) == 2)
    assert [(answer.serial, answer.said, answer.cells) for answer in at.told] == [
        (FIRST, Said.ACCEPTED, 0),
        (FIRST, Said.ACCEPTED, None),
    ]
    assert "not on air any more: a newer warning took its identifier" in at.told[0].reason


@pytest.mark.parametrize("vty", [False, True])
async def test_what_was_refused_is_not_put_on_air_again_at_every_look(vty: bool) -> None:
    async with bench(Peer("bsc"), vty=vty) as at:
        at.cbc.habits["POST"].append((400, "bad pages"))
        refused, _ = await at.take(on_air(4370), on_air(4383))
        assert refused.said is Said.REFUSED
        at.meant = [running(on_air(4370)), running(on_air(4383))]
        async with at.watching():
            await asyncio.sleep(6 * SOON)
        assert at.methods == ["POST", "POST"]
        await at.take(on_air(4370), key="key-2")
        assert at.cbc.peers[0].sends == {4370: int(FIRST), 4383: int(FIRST)}


async def test_what_the_gateway_refuses_to_take_back_is_asked_for_once() -> None:
    async with bench(Peer("bsc"), vty=True) as at:
        await at.take(on_air(4370))
        await at.cbc.restart()
        at.cbc.habits["POST"].append((400, "bad pages"))
        at.meant = [running(on_air(4370))]
        async with at.watching():
            await at.until(lambda: at.told)
            await asyncio.sleep(6 * SOON)
    assert at.methods == ["POST", "POST"]
    assert at.told[-1].said is Said.REFUSED


@pytest.mark.parametrize("vty", [False, True])
async def test_what_an_earlier_process_left_on_air_is_taken_off_where_the_console_shows_it(
    vty: bool,
) -> None:
    async with bench(Peer("bsc"), vty=vty) as at:
        await at.take(on_air(4370), on_air(4383), on_air(919, OTHER))
        at.gateway._holder.held.clear()  # what a new process knows
        at.ended = [(4370, FIRST), (4383, FIRST), (919, FIRST)]
        at.meant = [running(on_air(4383))]
        async with at.watching():
            await asyncio.sleep(4 * SOON)
        kept = {4383: int(FIRST), 919: int(OTHER)}
        assert at.cbc.peers[0].sends == (kept if vty else {4370: int(FIRST), **kept})


@pytest.mark.parametrize("vty", [False, True])
async def test_what_has_ended_is_taken_off(vty: bool) -> None:
    async with bench(Peer("bsc"), vty=vty) as at:
        at.meant = [running(on_air(4370)), running(on_air(4383))]
        await at.take(on_air(4370), on_air(4383))
        async with at.watching():
            await asyncio.sleep(2 * SOON)
            at.meant.pop()
            await at.until(lambda: at.cbc.peers[0].sends == {4370: int(FIRST)})
    if not vty:
        assert at.told == []


async def test_the_stream_ends_when_the_gateway_is_closed() -> None:
    async with bench(Peer("bsc")) as at:
        stream = asyncio.ensure_future(anext(at.gateway.later(lambda: ()), None))
        await asyncio.sleep(SOON)
        await at.gateway.close()
        assert await asyncio.wait_for(stream, 1) is None


async def test_a_silent_console_changes_nothing() -> None:
    async with bench(Peer("bsc"), vty=True) as at:
        at.meant = [running(on_air(4370))]
        await at.take(on_air(4370))
        await at.cbc.kill()
        async with at.watching():
            await asyncio.sleep(3 * SOON)
            assert at.told == []
            await at.cbc.start()
            await at.until(lambda: at.told)


async def test_the_console_of_another_program_is_not_taken_for_osmo_cbcs() -> None:
    async with FakeOsmoCbc().running() as cbc:
        console = Console("127.0.0.1", cbc.vty_port, 1)
        assert await console.ask("show pid") == "% Unknown command.\n"
        with pytest.raises(ConsoleError, match=r"as osmo-cbc 0\.5\.3 does"):
            read_message("% Unknown command.\n")
        cbc.console_is_deaf = True
        with pytest.raises(ConsoleError, match=r"no answer within 0\.1 seconds"):
            await Console("127.0.0.1", cbc.vty_port, 0.1).controllers()


@pytest.mark.parametrize("state", ["DELETED", "EXPIRED"])
def test_a_message_that_is_kept_for_the_record_is_not_on_air(state: str) -> None:
    text = f"Message ID 1112, Serial Number 5550, State: {state}\n Created by CBE 'x' at noon\n"
    seen = read_message(text)
    assert seen is not None
    assert not seen.on_air


@pytest.mark.peer("osmo-bsc")
async def test_a_real_osmocom_console_is_read(tmp_path: Path) -> None:
    # osmo-cbc is in no distribution that CI has; osmo-bsc speaks through the same library.
    config = tmp_path / "osmo-bsc.cfg"
    config.write_text("line vty\n no login\n bind 127.0.0.77\nctrl\n bind 127.0.0.77\n")
    process = await asyncio.create_subprocess_exec(
        "osmo-bsc",
        "-c",
        str(config),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        console = Console("127.0.0.77", 4242, 2)
        async with asyncio.timeout(10):
            while True:
                try:
                    shown = await console.ask("show pid")
                    break
                except ConsoleError:
                    await asyncio.sleep(0.1)
        assert shown == f"{process.pid}\n"
        commands = await console.ask("list")
        assert len(commands.splitlines()) > 40
        assert commands.splitlines()[0] == "  show pid"
        with pytest.raises(ConsoleError):
            await console.controllers()
    finally:
        process.terminate()
        await process.wait()


def seen_by(*shares: Share, state: str = "ACTIVE") -> Seen:
    return Seen(4370, int(FIRST), state, "broadcaster", shares)


BSC_THERE = Controller("bsc", "127.0.0.1:-1", "CBSP", "IDLE")
MME_THERE = Controller("mme", "127.0.0.1:-1", "SBcAP", "IDLE")
TOOK = Share("bsc", "ACTIVE", ("CI 7",))


@pytest.mark.parametrize(
    ("seen", "controller", "why"),
    [
        (None, BSC_THERE, "the gateway had lost it"),
        (seen_by(TOOK, state="EXPIRED"), BSC_THERE, "the gateway had lost it"),
        (seen_by(TOOK), BSC_THERE, ""),
        (seen_by(Share("bsc", "ACTIVE", failed=(("CI 7", 6),))), BSC_THERE, ""),
        (seen_by(Share("bsc", "ACTIVE")), BSC_THERE, "bsc had not answered for it"),
        (seen_by(Share("bsc", "WAIT_WRITE_ACK")), BSC_THERE, ""),
        (seen_by(Share("bsc", "ACTIVE"), state="WAIT_WRITE_ACK"), BSC_THERE, ""),
        (seen_by(Share("mme", "ACTIVE")), MME_THERE, ""),
        (seen_by(Share("mme", "INIT")), MME_THERE, "mme had not answered for it"),
        (seen_by(TOOK), MME_THERE, "mme had not answered for it"),
        (seen_by(), replace(MME_THERE, state="<disconnected>"), ""),
        (seen_by(), replace(BSC_THERE, state="RESET_PENDING"), ""),
    ],
)
def test_only_what_somebody_lost_or_never_got_is_put_on_air_again(
    seen: Seen | None, controller: Controller, why: str
) -> None:
    assert why_again(FIRST, seen, [controller], back=(), tried=()) == why
