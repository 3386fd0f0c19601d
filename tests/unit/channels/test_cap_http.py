"""Orders as signed CAP over HTTP, against a real TLS server with the habits of real centres."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from lxml import etree

from broadcaster.delivery.contract import State
from broadcaster.model.cap import Alert, Circle, MsgType, Scope, Status
from broadcaster.model.capxml import MEDIA_TYPE, read
from broadcaster.model.capxml.sign import Signer, read_certificate, verify
from broadcaster.model.errors import BadInput, Permanent, Transient, Unavailable, Unknown
from broadcaster.testing import values
from channels.cell_broadcast import CellBroadcastChannel
from channels.cell_broadcast.gateways import cap_order, ibag
from channels.cell_broadcast.gateways.cap_http import CapHttpDriver, CapHttpGateway
from channels.cell_broadcast.gateways.cap_post import Verdict, judge
from channels.cell_broadcast.order import OnAir, Said, Stop
from channels.cell_broadcast.serials import Serial
from tests.unit.channels.cap_bench import EARLIER, TEXTS, on_air, order, reader

TOKEN = "t0ken-that-nobody-may-see"


# --- keys ----------------------------------------------------------------------------------


class Keys:
    """A certificate authority and what it issued, as PEM files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, folder.name)])
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(self._certificate(self._key.public_key(), self._name, ca=True))
        for name in ("server", "client", "signing"):
            self.issue(name)

    def issue(self, name: str, days: int = 365) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name}.example.org")])
        certificate = self._certificate(key.public_key(), subject, days=days)
        self.path(name).write_bytes(certificate)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.key(name).write_bytes(pem)

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.pem"

    def key(self, name: str) -> Path:
        return self.folder / f"{name}.key"

    def _certificate(
        self,
        key: ec.EllipticCurvePublicKey,
        subject: x509.Name,
        *,
        ca: bool = False,
        days: int = 365,
    ) -> bytes:
        # TLS looks at the real clock.
        now = datetime.now(UTC)
        address = x509.IPAddress(ip_address("127.0.0.1"))
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(now, values.NOON) - timedelta(days=400))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .sign(self._key, hashes.SHA256())
            .public_bytes(Encoding.PEM)
        )


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("strangers"))


# --- centres -------------------------------------------------------------------------------


@dataclass
class Centre:
    """A door of a centre; answers as told, the last answer for ever."""

    url: str
    answers: list[tuple[int, str] | str]
    got: list[bytes] = field(default_factory=list)
    headers: list[Any] = field(default_factory=list)
    clients: list[str] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def post(self, request: web.Request) -> web.Response:
        self.got.append(await request.read())
        self.asked.set()
        self.headers.append(request.headers)
        assert request.transport is not None
        peer = request.transport.get_extra_info("peercert") or {}
        self.clients += [pair[1] for rdn in peer.get("subject", ()) for pair in rdn]
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer == "hang":
            await asyncio.sleep(30)
        if answer == "drop":
            request.transport.abort()
        if isinstance(answer, str):
            return web.Response()
        status, text = answer
        headers = {"Location": "/elsewhere"} if 300 <= status < 400 else {}
        headers |= {"Retry-After": "17"} if status == 503 else {}
        return web.Response(status=status, text=text, headers=headers)


@asynccontextmanager
async def centre(keys: Keys, *answers: tuple[int, str] | str) -> AsyncIterator[Centre]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=keys.ca)
    context.load_cert_chain(keys.path("server"), keys.key("server"))
    context.verify_mode = ssl.CERT_REQUIRED
    door = Centre("", list(answers) or [(201, "stored")])
    app = web.Application()
    app.router.add_post("/{tail:.*}", door.post)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    port = runner.addresses[0][1]
    door.url = f"https://127.0.0.1:{port}/cap"
    try:
        yield door
    finally:
        await runner.cleanup()


def dead() -> str:
    """The address of a door behind which nobody is."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return f"https://127.0.0.1:{taken.getsockname()[1]}/cap"


def raw(keys: Keys, *urls: str, **changes: Any) -> dict[str, Any]:
    token = keys.folder / "token"
    token.write_text(TOKEN + "\n")
    return {
        "urls": list(urls),
        "sender": "warnung@example.org",
        "signing_key": str(keys.key("signing")),
        "signing_certificate": str(keys.path("signing")),
        "client_key": str(keys.key("client")),
        "client_certificate": str(keys.path("client")),
        "server_ca": str(keys.ca),
        "token_file": str(token),
        "timeout": 1,
        **changes,
    }


Opened = Callable[..., CapHttpGateway]


@pytest.fixture
async def opened(tmp_path: Path, keys: Keys) -> AsyncIterator[Opened]:
    """Opens gateways that share one data folder, as after a restart."""
    gateways: list[CapHttpGateway] = []

    def open_(*urls: str, **changes: Any) -> CapHttpGateway:
        driver = CapHttpDriver()
        settings = driver.settings(raw(keys, *urls, **changes))
        gateways.append(driver.open(settings, values.env(tmp_path, name="cells")))
        return gateways[-1]

    yield open_
    for gateway in gateways:
        await gateway.close()


@pytest.fixture
def valid(shared: Path) -> Callable[[bytes], Alert]:
    return reader(shared)


# --- posting -------------------------------------------------------------------------------


async def test_an_order_is_posted_signed_over_mutual_tls_and_the_answer_is_passed_on(
    keys: Keys, opened: Opened, valid: Callable[[bytes], Alert]
) -> None:
    async with centre(keys, (201, "stored as 77\n")) as door:
        taken = await opened(door.url).take(order())
    assert door.clients == ["client.example.org"]
    assert door.headers[0]["Content-Type"] == MEDIA_TYPE
    assert door.headers[0]["Authorization"] == f"Bearer {TOKEN}"
    pinned = read_certificate(keys.path("signing"))
    words = verify(door.got[0], pinned, at=values.NOON)
    assert read(words).alert == cap_order.as_alert(order())
    valid(door.got[0])
    assert taken.reference == order().alert.identifier
    assert [(a.identifier, a.said, a.reason) for a in taken.on_air] == [
        (item.broadcast.identifier, Said.ACCEPTED, "stored as 77") for item in order().on_air
    ]


async def test_stops_are_answered_with_the_document_that_orders_them(
    keys: Keys, opened: Opened
) -> None:
    cancel = order(MsgType.CANCEL, replaces=(EARLIER,))
    async with centre(keys) as door:
        taken = await opened(door.url).take(cancel)
    assert [(a.identifier, a.said) for a in taken.stopped] == [(4370, Said.ACCEPTED)]
    assert "must be agreed with the operator" in taken.on_air[0].reason


async def test_an_all_clear_of_what_never_left_is_shown_as_a_text_of_its_own(
    keys: Keys, opened: Opened
) -> None:
    alert = values.alert(msg_type=MsgType.CANCEL, replaces=(EARLIER,))
    async with centre(keys) as door:
        taken = await opened(door.url).take(order(MsgType.CANCEL, alert=alert))
    assert read(door.got[0]).alert.msg_type is MsgType.ALERT
    assert not any("agreed with the operator" in answer.reason for answer in taken.on_air)


@pytest.mark.parametrize("status", [503, 429, 408, 425, 307])
async def test_the_next_door_is_asked_when_the_first_surely_did_not_take_it(
    keys: Keys, opened: Opened, status: int
) -> None:
    async with centre(keys, (status, "no")) as first, centre(keys) as second:
        taken = await opened(dead(), first.url, second.url).take(order())
    assert taken.on_air[0].said is Said.ACCEPTED
    assert len(first.got) == 1
    assert first.got == second.got


@pytest.mark.parametrize("status", [500, 501, 502, 503, 504, 599])
def test_a_failure_that_may_have_come_after_it_was_taken_is_unsure(status: int) -> None:
    assert judge(status, "no").verdict is Verdict.UNSURE


@pytest.mark.parametrize("when", ["17", "Wed, 01 Jul 2026 12:00:00 GMT"])
def test_whoever_says_when_to_come_again_took_nothing(when: str) -> None:
    assert judge(503, "standby", when).verdict is Verdict.NOT_TAKEN


async def test_when_no_door_took_it_all_reasons_are_told_and_it_may_be_sent_again(
    keys: Keys, opened: Opened
) -> None:
    async with centre(keys, (503, "standby"), (201, "")) as door:
        gateway = opened(dead(), door.url)
        with pytest.raises(Transient) as caught:
            await gateway.take(order())
        assert caught.value.retry_after == 17
        first, second = (problem.says for problem in caught.value.problems)
        assert first.startswith("no connection")
        assert second == "HTTP 503: standby"
        assert (await gateway.take(order())).on_air[0].said is Said.ACCEPTED


async def test_a_refusal_is_passed_on_cleaned_and_short_and_no_other_door_is_asked(
    keys: Keys, opened: Opened
) -> None:
    answer = "area\x1b[31m  too\r\nlarge \u202e" + "x" * 5000
    async with centre(keys, (422, answer)) as first, centre(keys) as second:
        taken = await opened(first.url, second.url).take(order(MsgType.UPDATE, replaces=(EARLIER,)))
    assert second.got == []
    assert {answer.said for answer in (*taken.on_air, *taken.stopped)} == {Said.REFUSED}
    reason = taken.on_air[0].reason
    assert reason.startswith("HTTP 422: area [31m too large xxx")
    assert reason.endswith("x…")
    assert len(reason) < 220


async def test_what_is_there_already_was_accepted(keys: Keys, opened: Opened) -> None:
    async with centre(keys, (409, "duplicate identifier")) as door:
        taken = await opened(door.url).take(order())
    assert taken.on_air[0].said is Said.ACCEPTED
    assert "there already" in taken.on_air[0].reason


@pytest.mark.parametrize("habit", ["hang", "drop", (500, ""), (502, ""), (504, "")])
async def test_when_nobody_can_tell_no_other_door_is_asked_and_the_same_octets_go_to_the_same_door(
    keys: Keys, opened: Opened, habit: tuple[int, str] | str
) -> None:
    async with centre(keys, habit, (409, "known")) as first, centre(keys) as second:
        urls = (dead(), first.url, second.url)
        with pytest.raises(Unknown, match="ask the operator"):
            await opened(*urls).take(order())
        # As after a crash: a new gateway, and a signature that would come out differently.
        taken = await opened(*urls).take(order())
    assert taken.on_air[0].said is Said.ACCEPTED
    assert second.got == []
    assert len(first.got) == 2
    assert first.got[0] == first.got[1]


async def test_an_unknown_outcome_stays_unknown_while_its_door_is_silent_or_says_no(
    keys: Keys, opened: Opened
) -> None:
    async with centre(keys, "hang", (503, ""), (400, "bad")) as first, centre(keys) as second:
        gateway = opened(first.url, second.url)
        for _ in range(2):
            with pytest.raises(Unknown):
                await gateway.take(order())
        taken = await gateway.take(order())
    assert second.got == []
    assert {answer.said for answer in taken.on_air} == {Said.UNKNOWN}
    assert "whether the first was taken is open" in taken.on_air[0].reason


async def test_a_post_that_was_cut_off_by_a_crash_counts_as_perhaps_taken(
    keys: Keys, opened: Opened
) -> None:
    async with centre(keys, "hang", (201, "")) as first, centre(keys) as second:
        posting = asyncio.create_task(opened(first.url, second.url, timeout=20).take(order()))
        await first.asked.wait()
        posting.cancel()
        await asyncio.gather(posting, return_exceptions=True)
        # Meanwhile the order of the doors was changed.
        await opened(second.url, first.url).take(order())
    assert (len(first.got), second.got) == (2, [])


async def test_what_was_posted_is_kept_octet_by_octet(
    keys: Keys, opened: Opened, tmp_path: Path
) -> None:
    async with centre(keys) as door:
        await opened(door.url).take(order())
    folder = values.env(tmp_path, name="cells").data_dir / "posted"
    assert [path.read_bytes() for path in folder.iterdir()] == door.got


# --- who is spoken to ----------------------------------------------------------------------


async def test_a_centre_that_does_not_know_our_certificate_gets_no_document(
    keys: Keys, strangers: Keys, opened: Opened
) -> None:
    stranger = {
        "client_key": str(strangers.key("client")),
        "client_certificate": str(strangers.path("client")),
    }
    async with centre(keys) as door:
        for at, certificate in enumerate((stranger, dict.fromkeys(stranger, ""))):
            # Its refusal may be lost when it closes at once; then nobody can tell.
            with pytest.raises((Transient, Unknown)):
                await opened(door.url, **certificate).take(order(key=str(at)))
    assert door.got == []


async def test_a_refused_certificate_means_that_nothing_was_taken(
    keys: Keys, opened: Opened
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=keys.ca)
    context.load_cert_chain(keys.path("server"), keys.key("server"))
    context.verify_mode = ssl.CERT_REQUIRED

    def turn_away(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            # Keeps the socket when the handshake fails, so that what came is read to its end.
            tls = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            with pytest.raises(ssl.SSLError):
                tls.do_handshake()
            connection = socket.socket(fileno=tls.detach())
            connection.settimeout(5)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
            connection.close()

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        turning = asyncio.create_task(asyncio.to_thread(turn_away, listener))
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/cap"
        nothing = {"client_key": "", "client_certificate": ""}
        with pytest.raises(Transient, match="our client certificate was not accepted"):
            await opened(url, **nothing).take(order())
        await turning


async def test_nothing_is_sent_to_a_centre_that_another_authority_vouches_for(
    strangers: Keys, opened: Opened
) -> None:
    async with centre(strangers) as door:
        with pytest.raises(Transient, match="no connection"):
            await opened(door.url).take(order())
        with pytest.raises(Transient, match="no connection"):
            await opened(door.url, server_ca="").take(order())
    assert door.got == []


async def test_no_secret_is_shown_even_when_the_far_side_repeats_it(
    keys: Keys, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with centre(keys, (403, f"Bearer {TOKEN} is not known here")) as door:
        url = door.url + "?account=s3cret"
        gateway = opened(dead(), url)
        taken = await gateway.take(order())
        with pytest.raises(Transient) as caught:
            await gateway.ping()
    shown = f"{taken} {caught.value} {gateway!r} {vars(gateway)} {caplog.text}"
    assert "Bearer *** is not known here" in taken.on_air[0].reason
    assert TOKEN not in shown
    assert "PRIVATE KEY" not in shown
    assert "s3cret" not in f"{taken} {caught.value}"


# --- link test -----------------------------------------------------------------------------


async def test_the_link_test_asks_every_door_with_something_that_cannot_alarm_anybody(
    keys: Keys, opened: Opened, valid: Callable[[bytes], Alert]
) -> None:
    async with centre(keys) as first, centre(keys, (500, "disk full")) as second:
        says = await opened(first.url, second.url).ping()
    assert says.startswith("1 of 2 doors took the link test; ")
    assert "disk full" in says
    identifiers = set()
    for xml in (*first.got, *second.got):
        found = valid(xml)
        assert (found.status, found.msg_type, found.scope) == (
            Status.TEST,
            MsgType.ALERT,
            Scope.PRIVATE,
        )
        assert found.infos == ()
        assert found.addresses == ("127.0.0.1",)
        assert verify(xml, read_certificate(keys.path("signing")), at=values.NOON)
        identifiers.add(found.identifier)
    assert len(identifiers) == 2


async def test_the_link_test_fails_when_no_door_takes_it(keys: Keys, opened: Opened) -> None:
    async with centre(keys, "hang") as door:
        with pytest.raises(Transient) as caught:
            await opened(dead(), door.url).ping()
    assert len(caught.value.problems) == 2


async def test_the_link_test_tells_what_will_soon_go_wrong(
    keys: Keys, tmp_path: Path, opened: Opened
) -> None:
    keys.issue("ending", days=9)
    unsigned = {"signing_key": "", "signing_certificate": ""}
    client = {
        "client_key": str(keys.key("ending")),
        "client_certificate": str(keys.path("ending")),
    }
    driver = CapHttpDriver()
    clock = values.FakeClock(datetime.now(UTC))
    async with centre(keys) as door:
        gateway = driver.open(
            driver.settings(raw(keys, door.url, **unsigned, **client)),
            values.env(tmp_path, clock=clock),
        )
        says = await gateway.ping()
        await gateway.close()
    assert "documents go out unsigned" in says
    assert "the client certificate ends on 2" in says


# --- settings ------------------------------------------------------------------------------


def test_every_wrong_setting_is_named_at_once_and_none_is_repeated_where_it_may_be_secret() -> None:
    with pytest.raises(BadInput) as caught:
        CapHttpDriver().settings(
            {
                "urls": [
                    "http://cbc.example.org/cap",
                    "https://me:hunter2@cbc.example.org",
                    "ftp://cbc.example.org",
                    "https://cbc.example.org:99999/",
                    7,
                ],
                "sender": "the city",
                "signing_key": "key.pem",
                "client_certificate": "client.pem",
                "token_file": 5,
                "timeout": "1h",
                "token": "hunter2",
            }
        )
    assert {problem.path for problem in caught.value.problems} == {
        *(f"urls[{at}]" for at in range(5)),
        "sender",
        "signing_certificate",
        "client_key",
        "token_file",
        "timeout",
        "token",
    }
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/", "http://[::1]/cap", "http://localhost/"])
def test_without_encryption_only_this_machine_is_spoken_to(url: str) -> None:
    settings = CapHttpDriver().settings({"urls": [url], "sender": "a@example.org"})
    assert settings.urls == (url,)


def test_a_configured_key_that_cannot_be_used_is_never_passed_over(
    keys: Keys, strangers: Keys, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("two words")
    driver = CapHttpDriver()
    settings = driver.settings(
        raw(
            keys,
            "https://cbc.example.org/cap",
            signing_certificate=str(strangers.path("signing")),
            client_certificate=str(strangers.path("client")),
            server_ca="missing.pem",
            token_file=str(tmp_path / "token"),
        )
    )
    with pytest.raises(Unavailable) as caught:
        driver.open(settings, values.env(tmp_path))
    assert len(caught.value.problems) == 4
    assert "two words" not in str(caught.value)


async def test_paths_start_where_the_configuration_lies(keys: Keys, tmp_path: Path) -> None:
    driver = CapHttpDriver()
    settings = driver.settings(
        {
            "urls": ["https://cbc.example.org/cap"],
            "sender": "a@example.org",
            "signing_key": "signing.key",
            "signing_certificate": "signing.pem",
        }
    )
    env = replace(values.env(tmp_path), config_dir=keys.folder)
    await driver.open(settings, env).close()
    with pytest.raises(Unavailable, match=r"signing\.key cannot be read"):
        driver.open(settings, values.env(tmp_path))


# --- through the channel -------------------------------------------------------------------


async def test_the_channel_sends_over_this_gateway(keys: Keys, tmp_path: Path) -> None:
    async with centre(keys, (202, "queued")) as door:
        settings = CellBroadcastChannel.settings(
            {"kind": "cell_broadcast", "gateway": "cap_http", "driver": raw(keys, door.url)}
        )
        env = values.env(tmp_path, name="cells")
        async with CellBroadcastChannel.open(settings, env) as channel:
            batch = values.batch(
                channel,
                *(values.rendition(TEXTS[tag], language=tag) for tag in ("de", "tr")),
                of=values.alert(languages=("de", "tr")),
            )
            receipts = await channel.send(batch)
            await channel.ping()
            assert [receipt async for receipt in channel.receipts()] == []
    assert {receipt.state for receipt in receipts} == {State.ACCEPTED}
    assert all("queued" in receipt.reason for receipt in receipts)
    described = {info.language: info.description for info in read(door.got[0]).alert.infos}
    assert described == {tag: TEXTS[tag] for tag in ("de", "tr")}


# --- IBAG ----------------------------------------------------------------------------------

TERMS = ibag.Terms(gateway="gateway.example.org", categories={**ibag.CATEGORIES, 4383: "CAT1"})
_IBAG = {"i": ibag.NAMESPACE}


def said(xml: bytes, name: str) -> list[str]:
    found = etree.fromstring(xml).xpath(f"//i:IBAG_{name}/text()", namespaces=_IBAG)
    return [str(text) for text in found]


def ibag_items() -> list[OnAir]:
    return [
        on_air(TEXTS["de"], "de", 4370, 1),
        on_air(TEXTS["tr"], "tr", 4383, 2),
        on_air("Baran.", "ku", 4383, 3),
    ]


def test_ibag_holds_one_text_a_document_with_its_language_and_length_in_octets() -> None:
    found = ibag.documents(order(items=ibag_items()), TERMS)
    assert [said(xml, "text_alert_message") for xml in found] == [
        [TEXTS["de"]],
        [TEXTS["tr"]],
        ["Baran."],
    ]
    assert [said(xml, "channel_category") for xml in found] == [
        ["4370-CAT1-GERMAN"],
        ["4383-CAT1-TURKISH"],
        ["4383-CAT1-KURDISH"],
    ]
    assert said(found[1], "text_alert_message_length") == [str(len(TEXTS["tr"].encode()))]
    assert said(found[0], "message_type") == ["Alert"]
    assert len({tuple(said(xml, "message_number")) for xml in found}) == 3
    ring = said(found[0], "polygon")[0].split()
    assert ring[0] == ring[-1] == "51.4,7.3"


def test_ibag_draws_circles_as_polygons_around_them() -> None:
    alert = values.alert()
    area = replace(alert.infos[0].areas[0], polygons=(), circles=(Circle(51.5, 7.4, 2.5),))
    alert = replace(alert, infos=(replace(alert.infos[0], areas=(area,)),))
    (xml,) = ibag.documents(order(alert=alert, items=ibag_items()[:1]), TERMS)
    assert len(said(xml, "polygon")[0].split()) > 60


def test_ibag_updates_refer_to_the_number_of_what_they_take_the_place_of() -> None:
    old, gone = Serial(900, 0), Serial(901, 0)
    first = replace(ibag_items()[0], serial=Serial(900, 1), instead_of=old)
    same = replace(ibag_items()[1], unchanged=True)
    update = replace(
        order(MsgType.UPDATE, items=[first, same], replaces=(EARLIER,)),
        stops=(
            Stop(4370, old, EARLIER.identifier),
            Stop(4383, gone, EARLIER.identifier),
        ),
    )
    found = ibag.documents(update, TERMS)
    assert [said(xml, "message_type") for xml in found] == [["Update"], ["Update"], ["Cancel"]]
    assert [said(xml, "referenced_message_number") for xml in found] == [
        [ibag.message_number(EARLIER.identifier, 4370, old)],
        [ibag.message_number(EARLIER.identifier, 4383, same.serial)],
        [ibag.message_number(EARLIER.identifier, 4383, gone)],
    ]
    assert {tuple(said(xml, "referenced_message_cap_identifier")) for xml in found} == {
        (EARLIER.identifier,)
    }
    assert said(found[2], "text_alert_message") == []


def test_an_ibag_link_test_has_status_system_and_nothing_to_show() -> None:
    xml = ibag.link_test("0000abcd", values.NOON, TERMS)
    assert (said(xml, "status"), said(xml, "message_type")) == (["System"], ["Link Test"])
    assert said(xml, "text_alert_message") == []


def test_ibag_names_every_identifier_and_text_it_cannot_carry() -> None:
    items = [on_air("eins\fzwei", "de", 4372, 1), *ibag_items()]
    with pytest.raises(Permanent) as caught:
        ibag.documents(order(items=items), ibag.Terms(gateway="g"))
    assert [problem.path for problem in caught.value.problems] == ["4372", "4383", "4383", "de"]


@pytest.mark.peer("xmlsec1")
def test_xmlsec_accepts_the_signature_inside_its_ibag_element(keys: Keys, tmp_path: Path) -> None:
    import subprocess

    signer = Signer.read(keys.key("signing"), keys.path("signing"))
    (xml,) = ibag.documents(order(items=ibag_items()[:1]), TERMS)
    signed = signer.sign(xml, inside=ibag.SIGNATURE)
    holder = etree.fromstring(signed).find(ibag.SIGNATURE)
    assert holder is not None
    assert holder[0].tag == "{http://www.w3.org/2000/09/xmldsig#}Signature"
    path = tmp_path / "ibag.xml"
    command = ["xmlsec1", "--verify", "--pubkey-cert-pem", str(keys.path("signing"))]
    command += ["--enabled-key-data", "key-name", str(path)]
    for text, code in ((signed, 0), (signed.replace(b"Flut", b"Glut"), 1)):
        path.write_bytes(text)
        done = subprocess.run(command, capture_output=True, check=False)
        assert min(done.returncode, 1) == code
