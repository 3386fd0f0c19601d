"""Settings and link test of the gateway to osmo-cbc, and the real one where there is one."""

from __future__ import annotations

import asyncio
import os
import random
from typing import Any

import pytest

from broadcaster.delivery.contract import (
    State,
)
from broadcaster.model.errors import BadInput, Transient
from channels.cell_broadcast.gateways.drivers import DRIVERS
from channels.cell_broadcast.gateways.ecbe.console import Console
from channels.cell_broadcast.gateways.ecbe.gateway import EcbeDriver, EcbeGateway
from channels.cell_broadcast.gateways.ecbe.settings import EcbeSettings
from channels.cell_broadcast.order import (
    Said,
    Scope,
    Stop,
)
from channels.cell_broadcast.serials import Serial
from tests.unit.channels.fake_osmo_cbc import Peer
from tests.unit.channels.osmo_bench import (
    bench,
    on_air,
    order,
    running,
)

# --- link test and settings -----------------------------------------------------------------


async def test_a_link_test_puts_nothing_on_air_and_names_the_controllers() -> None:
    async with bench(Peer("bsc"), Peer("mme", (), "SBcAP", "<disconnected>"), vty=True) as at:
        says = await at.gateway.ping()
        assert at.cbc.calls == [("DELETE", 65535)]
        assert at.cbc.heard == []
    assert says.endswith("takes orders; bsc (CBSP) connected, mme (SBcAP) not connected")


async def test_a_link_test_says_what_stays_unknown() -> None:
    async with bench(Peer("bsc")) as at:
        assert "it does not say without `vty`" in await at.gateway.ping()
    async with bench(vty=True) as at:
        assert "no controller: nothing can go on air" in await at.gateway.ping()
        at.gateway._console = Console("127.0.0.1", 1, 1)
        assert "nobody knows what is on air" in await at.gateway.ping()


async def test_a_link_test_survives_calls_that_are_not_answered() -> None:
    async with bench(Peer("bsc")) as at:
        at.cbc.habits["DELETE"].extend(["lost", "lost"])
        assert "takes orders" in await at.gateway.ping()
        at.cbc.habits["DELETE"].extend(["lost"] * 3)
        with pytest.raises(Transient, match="left 3 calls unanswered"):
            await at.gateway.ping()
        at.cbc.habits["DELETE"].append((404, "Resource not found"))
        with pytest.raises(Transient, match="is not osmo-cbc"):
            await at.gateway.ping()


def test_the_limits_are_those_of_osmo_cbc() -> None:
    driver = EcbeDriver()
    blind = EcbeGateway(driver.settings({})).limits
    assert (blind.scope, blind.per_identifier) == (Scope.NETWORK, 1)
    assert blind.confirms == {State.ACCEPTED}
    assert "20 seconds" in blind.gap
    seeing = EcbeGateway(driver.settings({"vty": "127.0.0.1:4264"})).limits
    assert seeing.confirms == {State.ACCEPTED, State.SENT}
    assert isinstance(DRIVERS["ecbe"], EcbeDriver)


def test_the_embedded_settings_reach_an_osmo_cbc_on_this_machine() -> None:
    assert EcbeDriver().settings({}) == EcbeSettings(
        url="http://127.0.0.1:12345", cbe_name="broadcaster", timeout=20, vty=None
    )


def test_settings_are_read() -> None:
    raw = {"url": "https://cbc.example.org/", "timeout": "30s", "vty": "[::1]:4264"}
    read = EcbeDriver().settings({**raw, "cbe_name": "city-01"})
    assert read.url == "https://cbc.example.org"
    assert (read.timeout, read.vty, read.cbe_name) == (30, ("::1", 4264), "city-01")
    open_network = {"url": "http://192.0.2.7:12345", "vty": "192.0.2.7:4264", "plaintext": True}
    assert EcbeDriver().settings(open_network).vty == ("192.0.2.7", 4264)


def test_every_wrong_setting_is_named_at_once() -> None:
    with pytest.raises(BadInput) as caught:
        EcbeDriver().settings(
            {
                "url": "http://192.0.2.7:12345",
                "vty": "192.0.2.7:4264",
                "cbe_name": "it's us",
                "timeout": "5s",
                "plaintext": "yes",
                "password": "x",
            }
        )
    assert [problem.path for problem in caught.value.problems] == [
        "password",
        "plaintext",
        "url",
        "cbe_name",
        "timeout",
        "vty",
    ]
    by_path = {problem.path: problem for problem in caught.value.problems}
    assert "osmo-cbc knows no password" in by_path["url"].remedy
    assert "`plaintext: true`" in by_path["vty"].remedy


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:12345",
        "ftp://127.0.0.1",
        "http://",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:12345/api",
        "http://user:geheim@127.0.0.1:12345",
        5,
    ],
)
def test_what_is_no_address_of_a_gateway_is_refused_without_repeating_secrets(url: Any) -> None:
    with pytest.raises(BadInput) as caught:
        EcbeDriver().settings({"url": url})
    assert [problem.path for problem in caught.value.problems] == ["url"]
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("vty", [4264, "4264", "127.0.0.1:0", "127.0.0.1:70000", "::1:4264"])
def test_what_is_no_host_and_port_is_refused(vty: Any) -> None:
    with pytest.raises(BadInput, match="is no host and port"):
        EcbeDriver().settings({"vty": vty})


# --- the real one ---------------------------------------------------------------------------

REAL_URL = os.environ.get("BROADCASTER_OSMO_CBC_URL", "")
REAL_VTY = os.environ.get("BROADCASTER_OSMO_CBC_VTY", "")


@pytest.mark.skipif(
    not REAL_URL,
    reason="BROADCASTER_OSMO_CBC_URL names no osmo-cbc (and BROADCASTER_OSMO_CBC_VTY its console); "
    "it is in no distribution that CI has",
)
async def test_a_real_osmo_cbc_takes_replaces_and_ends_an_exercise() -> None:
    raw = {"url": REAL_URL, **({"vty": REAL_VTY} if REAL_VTY else {})}
    gateway = EcbeGateway(EcbeDriver().settings(raw), look_every=1)
    first, second = Serial(random.randrange(1024), 0), Serial(random.randrange(1024), 1)
    try:
        assert "takes orders" in await gateway.ping()
        taken = await gateway.take(order(on_air(4381, first)))
        assert taken.on_air[0].said is Said.ACCEPTED
        update = on_air(4381, second, "Das ist eine neue Übung.", instead_of=first)
        taken = await gateway.take(order(update, stops=(Stop(4381, first, "alert-1"),)))
        assert taken.on_air[0].said is Said.ACCEPTED
        assert taken.stopped[0].said is Said.ACCEPTED
        if REAL_VTY:
            meant = (running(update),)
            async with asyncio.timeout(30):
                answer = await anext(gateway.later(lambda: meant))
            assert (answer.identifier, answer.serial) == (4381, second)
        taken = await gateway.take(order(stops=(Stop(4381, second, "alert-1"),)))
        assert taken.stopped[0].said is Said.ACCEPTED
    finally:
        await gateway.close()
