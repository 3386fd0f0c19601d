"""The SMPP driver's settings, its files, and the encryption on the way to the SMSC."""

from __future__ import annotations

import random
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from broadcaster.delivery.contract import Env, Mode, State
from broadcaster.model.errors import BadInput, Transient, Unavailable
from channels.sms import SmsChannel
from channels.sms.gateways.smpp.gateway import SmppDriver
from channels.sms.gateways.smpp.settings import Route, SmppSettings, Tls, read
from tests.peers.fake_smsc import PASSWORD, fake_smsc
from tests.unit.channels.smpp_bench import Clock, submission

ROUTE = {
    "name": "north",
    "host": "127.0.0.1",
    "system_id": "dortmund",
    "password_file": "north.txt",
}


def problems(raw: Mapping[str, Any]) -> dict[str, str]:
    with pytest.raises(BadInput) as caught:
        read(raw)
    return {problem.path: problem.says for problem in caught.value.problems}


def with_(**values: Any) -> dict[str, Any]:
    return {"routes": [{**ROUTE, **values}]}


def test_a_route_needs_little() -> None:
    settings = read({"routes": [ROUTE]})
    (route,) = settings.routes
    assert (route.port, route.mode, route.window, route.rate) == (2775, "trx", 10, None)
    assert (settings.patience, settings.share) == (20.0, False)


def test_everything_can_be_said() -> None:
    tls = {
        "ca": "ca.pem",
        "certificate": "us.pem",
        "key": "us.key",
        "server_name": "smsc.example.org",
    }
    said = with_(
        host="192.0.2.1",
        system_type="ALERT",
        mode="tx+rx",
        window=100,
        rate=500,
        cost="0.065 CHF",
        timeout=4,
        enquire=10,
        source_ton=5,
        source_npi=0,
        destination_ton=1,
        destination_npi=1,
        addr_ton=1,
        addr_npi=1,
        address_range="^4923123125",
        receipt_ids="hex",
        tls=tls,
    )
    settings = read({**said, "share": True, "patience": 25, "country": "+49"})
    (route,) = settings.routes
    assert route.tls == Tls(**tls)
    assert route.port == 3550
    assert (route.cost, route.currency) == (0.065, "CHF")
    assert settings.country == "49"


def test_every_mistake_is_named_at_once_and_no_value_is_quoted() -> None:
    found = problems(
        {
            "routes": [
                {
                    **ROUTE,
                    "password": "geheim",
                    "port": 0,
                    "mode": "both",
                    "window": 0,
                    "rate": "fast",
                    "cost": -1,
                    "timeout": True,
                    "receipt_ids": "octal",
                    "tls": {"key": "x", "cert": "y"},
                },
                {"name": "north", "host": "127.0.0.1"},
                "south",
            ],
            "share": "yes",
            "country": "Germany",
            "window": 3,
        }
    )
    at = "routes.0."
    assert set(found) == {
        *(f"{at}{key}" for key in ("password", "port", "mode", "window", "rate", "cost")),
        *(f"{at}{key}" for key in ("timeout", "receipt_ids", "tls.cert", "tls.certificate")),
        *("routes.1.system_id", "routes.1.password_file", "routes.2", "routes"),
        *("share", "country", "window"),
    }
    assert "geheim" not in str(found)


def test_no_route_is_a_mistake() -> None:
    assert problems({}) == problems({"routes": []}) == {"routes": "names no route"}


def test_plain_text_leaves_this_machine_only_when_it_is_allowed() -> None:
    for host in ("192.0.2.1", "smsc.example.org"):
        assert "unencrypted" in problems(with_(host=host))["routes.0.host"]
        assert "unencrypted" in problems(with_(host=host, tls=False))["routes.0.host"]
        assert read(with_(host=host, plaintext=True)).routes[0].plaintext
        assert read(with_(host=host, tls=True)).routes[0].tls == Tls()
        assert read(with_(host=host, tls={})).routes[0].tls == Tls()
    for host in ("127.0.0.1", "::1", "localhost"):
        assert read(with_(host=host))


def test_the_channel_takes_the_driver_and_says_where_its_mistakes_are() -> None:
    raw = {"kind": "sms", "gateway": "smpp", "driver": {"routes": [ROUTE]}}
    assert SmsChannel.settings(raw).driver == read({"routes": [ROUTE]})
    with pytest.raises(BadInput) as caught:
        SmsChannel.settings({**raw, "driver": {}})
    assert caught.value.problems[0].path == "driver.routes"


def test_no_secret_is_in_a_repr() -> None:
    assert "dortmund" not in repr(read({"routes": [ROUTE]}))


# ---- files and TLS --------------------------------------------------------------------------


class Authority:
    """Signs certificates for one test."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign("authority", self.key.public_key(), ca=True)

    def _sign(self, name: str, key: ec.EllipticCurvePublicKey, *, ca: bool) -> x509.Certificate:
        now = datetime.now(UTC)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        usage = x509.KeyUsage(
            digital_signature=not ca,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=ca,
            crl_sign=ca,
            encipher_only=False,
            decipher_only=False,
        )
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(usage, critical=True)
            .sign(self.key, hashes.SHA256())
        )

    def write(self, folder: Path) -> None:
        """Its own certificate, and those of an SMSC and of us with their keys."""
        pem = serialization.Encoding.PEM
        (folder / "ca.pem").write_bytes(self.certificate.public_bytes(pem))
        for name, host in (("smsc", "smsc.example.org"), ("us", "us.example.org")):
            key = ec.generate_private_key(ec.SECP256R1())
            certificate = self._sign(host, key.public_key(), ca=False)
            (folder / f"{name}.pem").write_bytes(certificate.public_bytes(pem))
            private = key.private_bytes(
                pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            (folder / f"{name}.key").write_bytes(private)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Authority().write(tmp_path)
    (tmp_path / "north.txt").write_text(f"{PASSWORD}\n")
    return tmp_path


def env(folder: Path) -> Env:
    return Env(
        name="texts",
        mode=Mode.LIVE,
        data_dir=folder,
        output_dir=folder,
        clock=Clock(),
        random=random.Random(1),
        base_url="https://warnung.example.org",
        config_dir=folder,
    )


def server(folder: Path) -> ssl.SSLContext:
    """Of an SMSC that asks for our certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "smsc.pem", folder / "smsc.key")
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def encrypted(port: int, **tls: str) -> SmppSettings:
    route = Route(
        name="north",
        host="127.0.0.1",
        port=port,
        system_id="dortmund",
        password_file="north.txt",
        timeout=1.0,
        tls=Tls(**{"ca": "ca.pem", "certificate": "us.pem", "key": "us.key", **tls}),
    )
    return SmppSettings(routes=(route,), patience=1.0)


async def test_an_smsc_is_asked_by_name_and_both_sides_show_a_certificate(folder: Path) -> None:
    asked: list[str | None] = []
    context = server(folder)
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    async with fake_smsc(context) as smsc:
        settings = encrypted(smsc.port, server_name="smsc.example.org")
        async with SmppDriver().open(settings, env(folder)) as gateway:
            (said,) = await gateway.submit(submission())
    assert said.state is State.ACCEPTED
    assert asked == ["smsc.example.org"]


@pytest.mark.parametrize(
    ("tls", "says"),
    [
        ({"server_name": "other.example.org"}, "is not trusted: Hostname mismatch"),
        ({"server_name": "smsc.example.org", "ca": ""}, "is not trusted"),
    ],
)
async def test_an_smsc_that_is_not_who_it_should_be_gets_nothing(
    folder: Path, tls: dict[str, str], says: str
) -> None:
    async with fake_smsc(server(folder)) as smsc:
        async with SmppDriver().open(encrypted(smsc.port, **tls), env(folder)) as gateway:
            with pytest.raises(Transient, match=says):
                await gateway.submit(submission())
        assert smsc.submitted == []
        assert smsc.binds == []


async def test_every_file_that_cannot_be_used_is_named_at_once(folder: Path) -> None:
    (folder / "north.txt").write_text("two\nlines")
    for name in ("ca.pem", "us.key"):
        (folder / name).write_text("geheim")
    with pytest.raises(Unavailable) as caught:
        async with SmppDriver().open(encrypted(1), env(folder)):
            pass
    assert [problem.path for problem in caught.value.problems] == [
        "north.password_file",
        "north.tls.ca",
        "north.tls.key",
    ]
    assert "geheim" not in str(caught.value)


async def test_a_password_file_that_is_missing_is_named(folder: Path) -> None:
    (folder / "north.txt").unlink()
    settings = read({"routes": [ROUTE]})
    with pytest.raises(Unavailable, match="cannot be read: No such file"):
        async with SmppDriver().open(settings, env(folder)):
            pass
