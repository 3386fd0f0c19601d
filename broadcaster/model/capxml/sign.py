"""XML signatures on CAP documents (CAP 1.2 section 3.3.4.1): make them, and believe them or not.

CAP allows one kind only: the *enveloped* signature of W3C XML-Signature.  A signature says who
wrote a document and that no byte of meaning changed.  It says so only to a reader who knows the
writer's certificate beforehand: the certificate inside a document proves nothing, anyone can put
one there.  So :func:`verify` takes a pinned certificate, ignores whatever the document says about
keys, and gives back the words that were signed, which are the only ones to be believed.
"""

# The library is signxml: pure Python upon lxml and cryptography, both needed here anyway.  The
# binding to the C library xmlsec signs faster, but it must be built against the very libxml2 that
# lxml carries in its wheel, and refuses to load otherwise: too brittle for a warning system that
# signs a few documents a minute.

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from broadcaster.model.capxml.read import read
from broadcaster.model.capxml.write import SIGNATURE
from broadcaster.model.errors import BadInput, Problem

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from lxml.etree import _Element

_DSIG = "http://www.w3.org/2000/09/xmldsig#"
_ENVELOPED = _DSIG + "enveloped-signature"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_CANONICAL = frozenset(
    {
        _EXCLUSIVE,
        "http://www.w3.org/2006/12/xml-c14n11",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
    }
)
"""The ways of writing XML down that leave comments out and everything else in."""
_SMALLEST_RSA = 2048
"""Bits; shorter keys are no longer advised (BSI TR-02102-1, NIST SP 800-131A)."""
_CURVES = frozenset({"secp256r1", "secp384r1", "secp521r1"})


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key with its certificate; neither is ever shown."""

    certificate: x509.Certificate = field(repr=False)
    _key: RSAPrivateKey | EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def read(cls, key: Path, certificate: Path) -> Signer:
        """From two PEM files: an unencrypted private key (RSA or EC) and its certificate.

        Raises :class:`BadInput` naming every file that cannot be used, and never what is in it.
        """
        problems: list[Problem] = []
        private = _private_key(key, problems)
        public = _certificate(certificate, problems)
        if private is not None and public is not None:
            if private.public_key() == public.public_key():
                return cls(public, private)
            says = f"the certificate {certificate} belongs to another key than {key}"
            problems.append(Problem(str(certificate), says, "use the one issued for this key"))
        raise BadInput(problems)

    def sign(self, xml: bytes, *, inside: str | None = None) -> bytes:
        """The document with an enveloped signature as the last child of its root.

        RSA-SHA256 or ECDSA-SHA256, as the key is, over the document in exclusive canonical form,
        which survives a stay inside another document.  ``inside`` names an empty child of the
        root (``{namespace}name``) that holds the signature instead, as IBAG wants it.

        The bytes that come back must be kept and served as they are: even an added line break
        makes the signature invalid.  Raises :class:`BadInput` for what is not XML, holds a
        signature already, or has no such child.
        """
        from lxml import etree
        from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
        from signxml.exceptions import SignXMLException
        from signxml.signer import XMLSigner

        root = _parsed(xml)
        if root.find(f".//{SIGNATURE}") is not None:
            raise BadInput(Problem("signature", "the document is already signed", "sign it once"))
        # The library puts the signature where an element of this name and Id waits for it.
        holder = root if inside is None else root.find(inside)
        if holder is None:
            raise BadInput(Problem("signature", f"there is no {inside} to hold it", ""))
        if inside is not None:
            etree.SubElement(holder, SIGNATURE, {"Id": "placeholder"}, nsmap={"ds": _DSIG})
        rsa = hasattr(self._key, "decrypt")
        signer = XMLSigner(
            signature_algorithm=SignatureMethod.RSA_SHA256 if rsa else SignatureMethod.ECDSA_SHA256,
            digest_algorithm=DigestAlgorithm.SHA256,
            c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
        )
        try:
            signed = signer.sign(root, key=self._key, cert=[self.certificate])
        except (SignXMLException, ValueError) as error:
            raise BadInput(Problem("signature", f"could not be made: {error}", "")) from error
        body: bytes = etree.tostring(signed, encoding="UTF-8", xml_declaration=False)
        return b'<?xml version="1.0" encoding="UTF-8"?>\n' + body + b"\n"


def verify(xml: bytes, certificate: x509.Certificate, *, at: datetime) -> bytes:
    """What the holder of this certificate signed, in canonical form and without the signature.

    Read the alert from the returned bytes, never from ``xml``.  ``at`` is the moment at which the
    certificate must be valid: for an alert its ``sent``, because warnings are read long after a
    certificate has ended, and ``sent`` is believed only if the signature holds.

    Raises :class:`BadInput` unless the document is one CAP alert, with exactly one signature, as
    a child of its root, made with this certificate's key by a sound algorithm over the whole
    document and nothing else.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from lxml import etree
    from signxml.algorithms import DigestAlgorithm, SignatureMethod
    from signxml.exceptions import SignXMLException
    from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

    read(xml)  # one alert, without DTD, within the limits of size and depth
    root = _parsed(xml)
    _check_form(root)
    hashes = ("SHA256", "SHA384", "SHA512")
    expected = SignatureConfiguration(
        location="./",
        signature_methods=frozenset(
            SignatureMethod[f"{kind}_{name}"] for kind in ("RSA", "ECDSA") for name in hashes
        ),
        digest_algorithms=frozenset(DigestAlgorithm[name] for name in hashes),
        # The pinned key decides; what the document says of keys is neither used nor compared.
        ignore_ambiguous_key_info=True,
        verification_time=at,
    )
    try:
        found = XMLVerifier().verify(root, x509_cert=certificate, expect_config=expected)
    except (
        SignXMLException,
        UnsupportedAlgorithm,
        etree.LxmlError,
        AttributeError,  # an element that should have text has none
        TypeError,
        ValueError,
    ) as error:
        raise _untrusted(f"does not hold ({error})") from error
    if not isinstance(found, VerifyResult) or found.signed_xml is None:
        raise _untrusted("covers something else than this document")
    if found.signed_xml.tag != root.tag:
        raise _untrusted("covers something else than this document")
    return found.signed_data


def read_certificate(path: Path) -> x509.Certificate:
    """A certificate to pin, from a PEM file; raises :class:`BadInput` saying why not."""
    problems: list[Problem] = []
    certificate = _certificate(path, problems)
    if certificate is None:
        raise BadInput(problems)
    return certificate


def _check_form(root: _Element) -> None:
    """Refuse every arrangement in which the signed words and the read words could differ."""
    signatures = root.findall(f".//{SIGNATURE}")
    if not signatures:
        raise _untrusted("is missing", "ask the sender for the signed document")
    if len(signatures) > 1:
        raise _untrusted(f"is there {len(signatures)} times")
    signature = signatures[0]
    if signature.getparent() is not root:
        raise _untrusted("stands inside another element than the alert")
    if signature.find(f".//{{{_DSIG}}}Object") is not None:
        raise _untrusted("carries content of its own")
    references = signature.findall(f"./{{{_DSIG}}}SignedInfo/{{{_DSIG}}}Reference")
    # An empty URI is the whole document (XML-Signature 4.4.3.2); any other one could point at a
    # signed part that has been moved where nobody reads it.
    if len(references) != 1 or references[0].get("URI") != "":
        raise _untrusted("does not cover the whole document")
    transforms = [
        element.get("Algorithm")
        for element in references[0].iterfind(f"./{{{_DSIG}}}Transforms/{{{_DSIG}}}Transform")
    ]
    if transforms[:1] != [_ENVELOPED] or len(transforms) > 2 or not {*transforms[1:]} <= _CANONICAL:
        raise _untrusted("covers an altered form of the document")


def _untrusted(says: str, remedy: str = "do not rely on this document") -> BadInput:
    return BadInput(Problem("signature", says, remedy))


def _parsed(xml: bytes) -> _Element:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True)
    try:
        return etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as error:
        raise BadInput(Problem("", f"is not well-formed XML: {error}", "")) from None


def _private_key(
    path: Path, problems: list[Problem]
) -> RSAPrivateKey | EllipticCurvePrivateKey | None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    data = _bytes(path, problems)
    if data is None:
        return None
    # What the parser says is not repeated: it could quote the key.
    try:
        key = load_pem_private_key(data, password=None)
    except TypeError:
        says = f"the key in {path} is encrypted"
        problems.append(Problem(str(path), says, "store it unencrypted, readable by us only"))
        return None
    except (ValueError, UnsupportedAlgorithm):
        says = f"{path} holds no private key that can be read"
        problems.append(Problem(str(path), says, "write it as PEM"))
        return None
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= _SMALLEST_RSA:
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return key
    says = f"the key in {path} is too weak or of another kind"
    remedy = f"use RSA with {_SMALLEST_RSA} bits or more, or EC on P-256, P-384 or P-521"
    problems.append(Problem(str(path), says, remedy))
    return None


def _certificate(path: Path, problems: list[Problem]) -> x509.Certificate | None:
    from cryptography import x509

    data = _bytes(path, problems)
    if data is None:
        return None
    try:
        return x509.load_pem_x509_certificate(data)
    except ValueError:
        says = f"{path} holds no certificate that can be read"
        problems.append(Problem(str(path), says, "write it as PEM"))
        return None


def _bytes(path: Path, problems: list[Problem]) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError as error:
        says = f"{path} cannot be read: {error.strerror}"
        problems.append(Problem(str(path), says, "correct the path or its permissions"))
        return None
