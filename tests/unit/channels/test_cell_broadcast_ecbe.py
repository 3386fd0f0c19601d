"""The gateway to osmo-cbc, against a stub with exactly the habits that were recorded."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from broadcaster.delivery.contract import (
    Batch,
    Delivery,
    Env,
    Format,
    Mode,
    Rendition,
    State,
    Variant,
)
from broadcaster.model.cap import MsgType
from broadcaster.model.errors import Transient
from channels.cell_broadcast import CellBroadcastChannel
from channels.cell_broadcast.order import (
    Said,
    Stop,
)
from tests.unit.channels.fake_osmo_cbc import FakeOsmoCbc, Peer, pages_of, serial_of
from tests.unit.channels.osmo_bench import (
    AWAY,
    FIRST,
    FULL,
    MUTE,
    NOON,
    OTHER,
    SECOND,
    TEXTS,
    TIMEOUT,
    SetClock,
    bench,
    on_air,
    order,
    running,
)

# --- what goes on the wire ------------------------------------------------------------------


async def test_our_own_pages_are_posted_with_all_that_the_interface_needs() -> None:
    async with bench(Peer("bsc")) as at:
        item = on_air(4370)
        await at.take(item)
        [body] = at.cbc.posted
    assert body == {
        "cbe_name": "broadcaster",
        "category": "high_priority",
        "repetition_period": 32,
        "num_of_bcast": 675,  # 360 times 60 seconds, every 32 seconds
        "scope": {"scope_plmn": {}},
        "smscb_message": {
            "message_id": 4370,
            "serial_nr": {
                "serial_nr_decoded": {"geo_scope": "plmn_wide", "msg_code": 341, "update_nr": 0}
            },
            "payload": {
                "payload_encoded": {
                    "dcs": 0,
                    "pages": [page.hex() for page in item.broadcast.pages.octets],
                }
            },
        },
    }
    assert serial_of(body) == int(FIRST)
    assert {len(bytes.fromhex(page)) for page in pages_of(body)} == {82}


@pytest.mark.parametrize(("identifier", "category"), [(4383, "high_priority"), (4381, "normal")])
async def test_an_exercise_does_not_go_before_warnings(identifier: int, category: str) -> None:
    async with bench(Peer("bsc")) as at:
        await at.take(on_air(identifier))
        assert at.cbc.posted[0]["category"] == category


@pytest.mark.parametrize(
    ("number", "slots", "count"), [(0, 32, 0), (1, 32, 2), (65535, 32, 65535), (360, 150, 144)]
)
async def test_the_count_reaches_to_the_end_and_endless_stays_endless(
    number: int, slots: int, count: int
) -> None:
    async with bench(Peer("bsc")) as at:
        await at.take(on_air(4370), number_of_broadcasts=number, slots=slots)
        assert at.cbc.posted[0]["num_of_bcast"] == count
        assert at.cbc.posted[0]["repetition_period"] == slots


async def test_the_channel_posts_the_very_pages_that_were_approved(tmp_path: Path) -> None:
    async with FakeOsmoCbc(Peer("bsc")).running() as cbc:
        settings = CellBroadcastChannel.settings(
            {"gateway": "ecbe", "driver": {"url": cbc.url, "cbe_name": "city"}}
        )
        folders = [tmp_path / "data", tmp_path / "out"]
        for folder in folders:
            folder.mkdir()
        env = Env(
            name="cells",
            mode=Mode.LIVE,
            data_dir=folders[0],
            output_dir=folders[1],
            clock=SetClock(),
            random=random.Random(7),
            base_url="https://warnung.example.org",
        )
        async with CellBroadcastChannel.open(settings, env) as channel:
            texts = {"de": TEXTS[4370][0], "tr": TEXTS[4383][0]}
            deliveries = [
                Delivery(
                    key=f"alert-1/{language}",
                    target="059130000000",
                    rendition=(
                        rendition := Rendition(
                            alert="alert-1.example.org",
                            language=language,
                            direction="ltr",
                            variant=Variant.STANDARD,
                            format=Format.TEXT,
                            text=text,
                        )
                    ),
                    fitted=channel.fit(rendition),
                )
                for language, text in texts.items()
            ]
            receipts = await channel.send(
                Batch(
                    key="alert-1",
                    operation=MsgType.ALERT,
                    mode=Mode.LIVE,
                    alert=order().alert,
                    deliveries=tuple(deliveries),
                )
            )
    assert [receipt.state for receipt in receipts] == [State.ACCEPTED] * 2
    assert all("whether any cell has it was not said" in r.reason for r in receipts)
    posted = {
        body["smscb_message"]["message_id"]: [bytes.fromhex(page) for page in pages_of(body)]
        for body in cbc.posted
    }
    german, turkish = ([*delivery.fitted.parts] for delivery in deliveries)
    assert posted == {4370: german, 919: german, 4383: turkish}


# --- what an answer means -------------------------------------------------------------------


@pytest.mark.parametrize(
    "peer",
    [Peer("bsc"), AWAY, FULL, MUTE],
    ids=["it acks", "it is away", "it refuses", "it is silent"],
)
async def test_created_means_accepted_and_says_nothing_of_cells(peer: Peer) -> None:
    async with bench(replace(peer, sends={})) as at:
        [answer] = await at.take(on_air(4370))
    assert answer.said is Said.ACCEPTED
    assert answer.cells is None
    assert answer.reason == "whether any cell has it was not said"
    assert at.cbc.calls == [("POST", 4370)]


@pytest.mark.parametrize("vty", [False, True])
async def test_without_any_controller_nothing_is_on_air_and_it_is_tried_again(vty: bool) -> None:
    async with bench(vty=vty) as at:
        with pytest.raises(Transient, match="no controller to ask, so it is on air nowhere"):
            await at.take(on_air(4370), on_air(4383))
        at.cbc.peers.append(Peer("bsc"))
        answers = await at.take(on_air(4370), on_air(4383))
        assert [answer.said for answer in answers] == [Said.ACCEPTED] * 2
        assert at.cbc.peers[0].sends == {4370: int(FIRST), 4383: int(FIRST)}


async def test_a_refused_text_carries_the_gateways_own_words() -> None:
    async with bench(Peer("bsc")) as at:
        at.cbc.habits["POST"].append((400, "'pages' array size out of range"))
        refused, accepted = await at.take(on_air(4370), on_air(4383))
    assert (refused.said, accepted.said) == (Said.REFUSED, Said.ACCEPTED)
    assert refused.reason == "the gateway takes it not; it says: 'pages' array size out of range"


async def test_a_second_warning_says_which_one_it_takes_off_the_identifier() -> None:
    async with bench(Peer("bsc")) as at:
        first = on_air(4370)
        await at.take(first)
        other = on_air(4370, OTHER, "Chemieunfall.")
        taken, alone = await at.take(other, on_air(4383), beside=(running(first),))
    assert taken.said is Said.ACCEPTED
    assert taken.reason.endswith(
        "it takes the place of another warning of ours on this identifier (serial number 5550)"
    )
    assert "another warning" not in alone.reason


async def test_a_refused_warning_takes_nothing_off() -> None:
    async with bench(Peer("bsc")) as at:
        first = on_air(4370)
        await at.take(first)
        at.cbc.habits["POST"].append((400, "bad pages"))
        refused, _ = await at.take(on_air(4370, OTHER), on_air(4383), beside=(running(first),))
        assert at.cbc.peers[0].sends[4370] == int(FIRST)
    assert "another warning" not in refused.reason


@pytest.mark.parametrize("vty", [False, True])
async def test_an_old_text_under_the_identifier_makes_room(vty: bool) -> None:
    async with bench(Peer("bsc"), vty=vty) as at:
        await at.take(on_air(4370, OTHER))
        [answer] = await at.take(on_air(4370))
        assert answer.said is Said.ACCEPTED
        assert at.cbc.peers[0].sends == {4370: int(FIRST)}
        assert at.methods == ["POST", "POST", "DELETE", "POST"]


async def test_the_console_tells_that_the_same_text_is_there_already() -> None:
    async with bench(Peer("bsc"), vty=True) as at:
        await at.take(on_air(4370))
        [answer] = await at.take(on_air(4370))
        assert answer.reason.endswith("it had it already")
        assert at.methods == ["POST", "POST"]


async def test_a_sender_that_keeps_the_identifier_is_named_as_the_reason() -> None:
    async with bench(Peer("bsc")) as at:
        at.cbc.habits["POST"].extend([(409, "Could not allocate")] * 2)
        [answer] = await at.take(on_air(4370))
    assert answer.said is Said.REFUSED
    assert "another sender keeps its identifier" in answer.reason


async def test_two_texts_for_one_identifier_are_never_both_said_to_be_on_air() -> None:
    async with bench(Peer("bsc")) as at:
        first, second = await at.take(on_air(4370), on_air(4370, OTHER, "Anderes."))
    assert (first.said, second.said) == (Said.ACCEPTED, Said.REFUSED)
    assert "one text for each identifier" in second.reason
    assert at.methods == ["POST"]


# --- updates and stops ----------------------------------------------------------------------


async def test_an_update_takes_the_old_text_off_and_leaves_only_the_stated_gap() -> None:
    async with bench(Peer("bsc"), Peer("mute", answers=False)) as at:
        await at.take(on_air(4370))
        at.cbc.heard.clear()
        update = order(
            on_air(4370, SECOND, "Neu.", instead_of=FIRST),
            stops=(Stop(4370, FIRST, "alert-1"),),
            operation=MsgType.UPDATE,
        )
        taken = await at.gateway.take(update)
    assert at.methods == ["POST", "DELETE", "POST"]
    assert [answer.said for answer in taken.stopped] == [Said.ACCEPTED]
    [(off, _, nothing), (on, _, serial)] = at.cbc.heard
    assert (nothing, serial) == (None, int(SECOND))
    assert on - off < TIMEOUT
    assert "up to 0.6 seconds" in at.gateway.limits.gap


async def test_what_has_no_text_in_its_place_is_stopped_after_the_new_ones_are_on_air() -> None:
    async with bench(Peer("bsc")) as at:
        await at.take(on_air(4370), on_air(4383))
        at.cbc.calls.clear()
        clear = order(
            on_air(4396),
            stops=(Stop(4370, FIRST, "alert-1"), Stop(4383, FIRST, "alert-1")),
            operation=MsgType.CANCEL,
        )
        taken = await at.gateway.take(clear)
        assert at.cbc.calls[0] == ("POST", 4396)
        assert Counter(at.cbc.calls[1:]) == {("DELETE", 4370): 1, ("DELETE", 4383): 1}
        assert at.cbc.peers[0].sends == {4396: int(FIRST)}
    assert [(a.identifier, a.said) for a in taken.stopped] == [
        (4370, Said.ACCEPTED),
        (4383, Said.ACCEPTED),
    ]


@pytest.mark.parametrize(
    ("habits", "said", "reason"),
    [
        (["lost"], Said.ACCEPTED, ""),
        (["deaf"], Said.ACCEPTED, ""),
        (["deaf", "deaf"], Said.UNKNOWN, "the gateway did not answer whether it is gone"),
        (["cut"], Said.ACCEPTED, "it was not there any more"),
        ([(404, "Unknown message ID")], Said.ACCEPTED, "it was not there any more"),
        ([(500, "Illegal FSM event")], Said.UNKNOWN, "the gateway says: 500 Illegal FSM event"),
    ],
)
async def test_a_stop_is_certain_or_said_to_be_unknown(
    habits: list[Any], said: Said, reason: str
) -> None:
    async with bench(Peer("bsc")) as at:
        await at.take(on_air(4370))
        at.cbc.habits["DELETE"].extend(habits)
        taken = await at.gateway.take(order(stops=(Stop(4370, FIRST, "alert-1"),)))
    assert [(answer.said, answer.reason) for answer in taken.stopped] == [(said, reason)]


async def test_a_stop_that_no_controller_was_told_is_not_said_to_be_done() -> None:
    async with bench(Peer("bsc")) as at:
        await at.take(on_air(4370))
        at.cbc.peers[0].goes()
        taken = await at.gateway.take(order(stops=(Stop(4370, FIRST, "alert-1"),)))
    assert taken.stopped[0].said is Said.UNKNOWN
    assert "no controller to tell" in taken.stopped[0].reason


@pytest.mark.parametrize("knows_by", ["itself", "the console"])
async def test_ending_an_old_warning_leaves_a_newer_one_under_its_identifier(
    knows_by: str,
) -> None:
    async with bench(Peer("bsc"), vty=knows_by == "the console") as at:
        await at.take(on_air(4370))
        await at.take(on_air(4370, OTHER))
        if knows_by == "the console":
            at.gateway._holder.held.clear()  # as after a restart of the program
        taken = await at.gateway.take(order(stops=(Stop(4370, FIRST, "alert-1"),)))
        assert at.cbc.peers[0].sends == {4370: int(OTHER)}
    assert taken.stopped[0].reason == "another text has its identifier by now"


async def test_after_a_restart_ending_an_old_warning_still_leaves_the_newer_one() -> None:
    async with bench(Peer("bsc")) as at:
        newer = on_air(4383, OTHER)
        await at.take(newer)
        at.gateway._holder.held.clear()  # what a new process knows: the journal alone
        stop = Stop(4383, FIRST, "old.example.org")
        taken = await at.gateway.take(order(on_air(4396), stops=(stop,), beside=(running(newer),)))

        assert taken.stopped[0].reason == "another text has its identifier by now"
        assert at.cbc.peers[0].sends[4383] == int(OTHER)


async def test_an_unchanged_text_stays_untouched() -> None:
    async with bench(Peer("bsc"), vty=True) as at:
        await at.take(on_air(4370))
        [answer] = await at.take(on_air(4370, unchanged=True))
        assert answer.said is Said.ACCEPTED
        assert at.methods == ["POST"]


async def test_without_a_console_an_unchanged_text_is_only_asked_for() -> None:
    async with bench(Peer("bsc")) as at:
        await at.take(on_air(4370))
        at.cbc.heard.clear()
        [answer] = await at.take(on_air(4370, unchanged=True))
        assert answer.said is Said.ACCEPTED
        assert at.methods == ["POST", "POST"]
        assert at.cbc.heard == []


@pytest.mark.parametrize("vty", [False, True])
async def test_an_unchanged_text_that_is_gone_is_put_on_air_again(vty: bool) -> None:
    async with bench(Peer("bsc"), vty=vty) as at:
        await at.take(on_air(4370))
        await at.cbc.restart()
        [answer] = await at.take(on_air(4370, unchanged=True))
        assert answer.said is Said.ACCEPTED
        assert at.cbc.peers[0].sends == {4370: int(FIRST)}


async def test_an_unchanged_text_with_another_end_is_renewed_under_its_number() -> None:
    async with bench(Peer("bsc"), vty=True) as at:
        await at.take(on_air(4370))
        alert = order().alert
        later = replace(alert, infos=(replace(alert.infos[0], expires=NOON + timedelta(hours=9)),))
        await at.take(on_air(4370, unchanged=True), alert=later, number_of_broadcasts=540)
        assert at.methods == ["POST", "DELETE", "POST"]
        assert at.cbc.posted[-1]["num_of_bcast"] == 1013
        assert at.cbc.peers[0].sends == {4370: int(FIRST)}


async def test_the_same_order_again_puts_the_same_numbers_on_air() -> None:
    async with bench(Peer("bsc")) as at:
        both = on_air(4370), on_air(4383)
        await at.take(*both)
        await at.take(*both)
        assert at.cbc.peers[0].sends == {4370: int(FIRST), 4383: int(FIRST)}
        assert {serial_of(body) for body in at.cbc.posted} == {int(FIRST)}
