"""Signatures on CAP documents: who is believed, and every way in which somebody might cheat."""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.signer import XMLSigner

from broadcaster.model.capxml import NAMESPACE, read, write
from broadcaster.model.capxml.sign import Signer, read_certificate, verify
from broadcaster.model.errors import BadInput
from broadcaster.testing.values import alert

SENT = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))
DSIG = "{http://www.w3.org/2000/09/xmldsig#}"
ALERT = alert(languages=("de", "ar"), sent=SENT, description="Wasser & <Strom>\n٣ أمتار \r ẞ")


class Owner(NamedTuple):
    key: Path
    certificate: Path

    @property
    def signer(self) -> Signer:
        return Signer.read(self.key, self.certificate)

    @property
    def pinned(self) -> x509.Certificate:
        return read_certificate(self.certificate)


def owner(folder: Path, name: str, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> Owner:
    """A key and its self-signed certificate, valid for 90 days around the alert."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name}.example.org")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(SENT - timedelta(days=45))
        .not_valid_after(SENT + timedelta(days=45))
        .sign(key, hashes.SHA256())
    )
    paths = Owner(folder / f"{name}.key.pem", folder / f"{name}.cert.pem")
    paths.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    paths.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
    return paths


@pytest.fixture(scope="module")
def owners(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Owner]:
    folder = tmp_path_factory.mktemp("keys")
    return {
        "rsa": owner(folder, "rsa", rsa.generate_private_key(65537, 2048)),
        "ec": owner(folder, "ec", ec.generate_private_key(ec.SECP256R1())),
        "other": owner(folder, "other", ec.generate_private_key(ec.SECP256R1())),
    }


@pytest.fixture(scope="module")
def signed(owners: dict[str, Owner]) -> bytes:
    return owners["ec"].signer.sign(write(ALERT))


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_what_was_signed_comes_back_word_for_word(owners: dict[str, Owner], kind: str) -> None:
    signed = owners[kind].signer.sign(write(ALERT))
    words = verify(signed, owners[kind].pinned, at=SENT)
    assert b"Signature" not in words
    assert read(words).alert == ALERT


def test_a_signed_document_keeps_the_schema_of_cap(shared: Path, signed: bytes) -> None:
    schema = etree.XMLSchema(etree.parse(shared / "schemas" / "CAP-v1.2.xsd"))
    schema.assertValid(etree.fromstring(signed))


def test_a_signed_alert_can_be_read_and_its_signature_is_kept(signed: bytes) -> None:
    assert "SignatureValue" in (read(signed).alert.signature or "")


@pytest.mark.peer("xmlsec1")
@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_xmlsec_agrees_that_it_holds_and_that_a_changed_one_does_not(
    owners: dict[str, Owner], tmp_path: Path, kind: str
) -> None:
    def judged(xml: bytes) -> int:
        path = tmp_path / "alert.xml"
        path.write_bytes(xml)
        return subprocess.run(
            [
                "xmlsec1",
                "--verify",
                "--pubkey-cert-pem",
                str(owners[kind].certificate),
                "--enabled-key-data",
                "key-name",  # not the certificate inside the document
                str(path),
            ],
            capture_output=True,
            check=False,
        ).returncode

    signed = owners[kind].signer.sign(write(ALERT))
    assert judged(signed) == 0
    assert judged(signed.replace(b"Wasser", b"Brot")) != 0


def test_the_certificate_counts_at_the_time_of_the_alert_not_of_the_reader(
    owners: dict[str, Owner], signed: bytes
) -> None:
    pinned = owners["ec"].pinned
    assert verify(signed, pinned, at=SENT)
    with pytest.raises(BadInput, match="expired"):
        verify(signed, pinned, at=SENT + timedelta(days=46))


# --- cheating ------------------------------------------------------------------------------


def test_one_changed_letter_is_noticed(owners: dict[str, Owner], signed: bytes) -> None:
    with pytest.raises(BadInput, match="signature: does not hold"):
        verify(signed.replace("ẞ".encode(), b"s"), owners["ec"].pinned, at=SENT)


def test_the_signature_of_somebody_else_does_not_hold_though_he_names_himself(
    owners: dict[str, Owner],
) -> None:
    forged = owners["other"].signer.sign(write(ALERT))
    with pytest.raises(BadInput, match="signature: does not hold"):
        verify(forged, owners["ec"].pinned, at=SENT)


def test_the_certificate_inside_the_document_is_not_asked(
    owners: dict[str, Owner], signed: bytes
) -> None:
    """Neither does a foreign one spoil a good signature, nor does a good one save a forgery."""
    forged = owners["other"].signer.sign(write(ALERT))

    def with_certificate(xml: bytes, of: Owner) -> bytes:
        root = etree.fromstring(xml)
        held = root.find(f".//{DSIG}X509Certificate")
        assert held is not None
        der = of.pinned.public_bytes(Encoding.DER)
        held.text = base64.b64encode(der).decode()
        return etree.tostring(root)

    assert verify(with_certificate(signed, owners["other"]), owners["ec"].pinned, at=SENT)
    with pytest.raises(BadInput, match="does not hold"):
        verify(with_certificate(forged, owners["ec"]), owners["ec"].pinned, at=SENT)


def test_an_unsigned_document_is_not_believed(owners: dict[str, Owner]) -> None:
    with pytest.raises(BadInput, match="signature: is missing"):
        verify(write(ALERT), owners["ec"].pinned, at=SENT)


def _second_info(root: etree._Element, signature: etree._Element) -> etree._Element:
    info = root.find(f"{{{NAMESPACE}}}info")
    assert info is not None
    copy = etree.fromstring(etree.tostring(info))
    info.addnext(copy)
    return root


def _nested_alert(root: etree._Element, signature: etree._Element) -> etree._Element:
    """A foreign alert around the signed one, which is still there, whole."""
    outer = etree.fromstring(write(ALERT).replace(b"Wasser", b"Feuer"))
    outer.append(root)
    return outer


def _nested_alert_signature_outside(
    root: etree._Element, signature: etree._Element
) -> etree._Element:
    outer = etree.fromstring(write(ALERT).replace(b"Wasser", b"Feuer"))
    root.remove(signature)
    outer.append(root)
    outer.append(signature)
    return outer


def _reference_to_a_part(root: etree._Element, signature: etree._Element) -> etree._Element:
    reference = signature.find(f".//{DSIG}Reference")
    assert reference is not None
    reference.set("URI", "#part")
    return root


def _second_reference(root: etree._Element, signature: etree._Element) -> etree._Element:
    reference = signature.find(f".//{DSIG}Reference")
    assert reference is not None
    reference.addnext(etree.fromstring(etree.tostring(reference)))
    return root


def _object_inside(root: etree._Element, signature: etree._Element) -> etree._Element:
    holder = etree.SubElement(signature, f"{DSIG}Object")
    holder.append(etree.fromstring(write(ALERT)))
    return root


def _second_signature(root: etree._Element, signature: etree._Element) -> etree._Element:
    root.append(etree.fromstring(etree.tostring(signature)))
    return root


def _filtering_transform(root: etree._Element, signature: etree._Element) -> etree._Element:
    transforms = signature.find(f".//{DSIG}Transforms")
    assert transforms is not None
    transforms[1].set("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116")
    return root


def _weak_digest(root: etree._Element, signature: etree._Element) -> etree._Element:
    method = signature.find(f".//{DSIG}DigestMethod")
    assert method is not None
    method.set("Algorithm", "http://www.w3.org/2000/09/xmldsig#sha1")
    return root


def _shared_secret(root: etree._Element, signature: etree._Element) -> etree._Element:
    method = signature.find(f".//{DSIG}SignatureMethod")
    assert method is not None
    method.set("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")
    return root


def _empty_value(root: etree._Element, signature: etree._Element) -> etree._Element:
    value = signature.find(f".//{DSIG}SignatureValue")
    assert value is not None
    value.text = None
    return root


@pytest.mark.parametrize(
    "cheat",
    [
        _second_info,
        _nested_alert,
        _nested_alert_signature_outside,
        _reference_to_a_part,
        _second_reference,
        _object_inside,
        _second_signature,
        _filtering_transform,
        _weak_digest,
        _shared_secret,
        _empty_value,
    ],
)
def test_no_rearrangement_of_a_signed_document_is_believed(
    owners: dict[str, Owner],
    signed: bytes,
    cheat: Callable[[etree._Element, etree._Element], etree._Element],
) -> None:
    root = etree.fromstring(signed)
    assert verify(etree.tostring(root), owners["ec"].pinned, at=SENT)  # untouched, it holds
    signature = root.find(f"{DSIG}Signature")
    assert signature is not None
    with pytest.raises(BadInput, match="signature"):
        verify(etree.tostring(cheat(root, signature)), owners["ec"].pinned, at=SENT)


def test_a_true_signature_over_a_part_does_not_vouch_for_the_rest(
    owners: dict[str, Owner],
) -> None:
    root = etree.fromstring(write(ALERT))
    info = root.find(f"{{{NAMESPACE}}}info")
    assert info is not None
    info.set("Id", "part")
    signer = XMLSigner(signature_algorithm="ecdsa-sha256")
    key = load_pem_private_key(owners["ec"].key.read_bytes(), None)
    partly = signer.sign(root, key=key, cert=[owners["ec"].pinned], reference_uri="#part")
    forged = etree.tostring(partly).replace(b"<status>Actual", b"<status>Exercise")
    with pytest.raises(BadInput, match="does not cover the whole document"):
        verify(forged, owners["ec"].pinned, at=SENT)


def test_a_comment_cannot_cut_a_word_short(owners: dict[str, Owner], signed: bytes) -> None:
    commented = signed.replace(b"Wasser", b"Was<!-- -->ser")
    words = verify(commented, owners["ec"].pinned, at=SENT)
    assert read(words).alert == ALERT


@pytest.mark.parametrize(
    ("xml", "says"),
    [
        (b'<!DOCTYPE alert [<!ENTITY a "b">]>', "document type"),
        (b"<alerts>", "container|not well-formed"),
        (b"nothing", "not well-formed"),
    ],
)
def test_what_is_no_alert_is_refused_before_any_signature_is_looked_at(
    owners: dict[str, Owner], signed: bytes, xml: bytes, says: str
) -> None:
    body = signed.partition(b"\n")[2]
    document = xml + body + (b"</alerts>" if xml == b"<alerts>" else b"")
    with pytest.raises(BadInput, match=says):
        verify(document, owners["ec"].pinned, at=SENT)


# --- signing -------------------------------------------------------------------------------


def test_a_document_is_signed_once(owners: dict[str, Owner], signed: bytes) -> None:
    with pytest.raises(BadInput, match="already signed"):
        owners["rsa"].signer.sign(signed)


def test_a_place_for_the_signature_that_is_not_there_is_an_error_not_an_unsigned_document(
    owners: dict[str, Owner],
) -> None:
    with pytest.raises(BadInput, match=r"there is no .*X to hold it"):
        owners["ec"].signer.sign(write(ALERT), inside="{ibag:1.0}X")


def test_every_unusable_file_is_named_at_once_and_nothing_of_its_content(
    owners: dict[str, Owner], tmp_path: Path
) -> None:
    (tmp_path / "key.pem").write_text("hunter2")
    with pytest.raises(BadInput) as caught:
        Signer.read(tmp_path / "key.pem", tmp_path / "missing.pem")
    assert [problem.path.rpartition("/")[2] for problem in caught.value.problems] == [
        "key.pem",
        "missing.pem",
    ]
    assert "hunter2" not in str(caught.value)
    with pytest.raises(BadInput, match="belongs to another key"):
        Signer.read(owners["ec"].key, owners["other"].certificate)


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (lambda: rsa.generate_private_key(65537, 1024), "too weak"),
        (ed25519.Ed25519PrivateKey.generate, "too weak or of another kind"),
    ],
    ids=["short", "unknown kind"],
)
def test_a_weak_or_unusable_key_is_refused(
    tmp_path: Path,
    owners: dict[str, Owner],
    key: Callable[[], rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey],
    says: str,
) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(BadInput, match=says):
        Signer.read(path, owners["ec"].certificate)


def test_an_encrypted_key_is_refused_with_what_to_do(
    tmp_path: Path, owners: dict[str, Owner]
) -> None:
    path = tmp_path / "key.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word"))
    )
    with pytest.raises(BadInput, match="is encrypted"):
        Signer.read(path, owners["ec"].certificate)


def test_a_signer_shows_nothing_of_its_key(owners: dict[str, Owner]) -> None:
    assert re.fullmatch(r"Signer\(\)", repr(owners["rsa"].signer))
