"""Gateway for centres that take CAP 1.2 over HTTP: signed documents, mutual TLS, several doors.

A centre has usually more than one door: two sites, and two proxies before each.  They are asked in
the order of the configuration, and the next one only when the former *surely* did not take the
document.  When nobody can tell, the outcome is unknown and no other door is asked: two sites that
do not know of each other would alarm every phone twice.  The same document may go to the same
door again, because a centre tells documents apart by their CAP identifier: that is how an unknown
outcome is cleared up, also after a crash.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from broadcaster.delivery.contract import Env
from broadcaster.delivery.files import write_whole
from broadcaster.model.cap import MsgType
from broadcaster.model.capxml.sign import Signer, read_certificate
from broadcaster.model.errors import BadInput, Problem, Transient, Unavailable, Unknown
from broadcaster.model.states import State
from channels.cell_broadcast.gateways.cap_order import as_alert, document, link_test
from channels.cell_broadcast.gateways.cap_post import Outcome, Poster, Verdict, route
from channels.cell_broadcast.gateways.checks import is_here, seconds
from channels.cell_broadcast.gateways.handover import file_name
from channels.cell_broadcast.order import Answer, Limits, Order, Running, Said, Scope, Taken
from channels.cell_broadcast.serials import Serial

_USUAL = 10
_LONGEST = 60
"""Seconds to wait for a centre; an officer waits as long."""
_SOON = timedelta(days=30)
"""So long before its end a certificate is mentioned."""
_FILES = (
    "signing_key",
    "signing_certificate",
    "client_key",
    "client_certificate",
    "server_ca",
    "token_file",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapHttpSettings:
    """Where documents go and how they prove whose they are.  Paths, never secrets."""

    urls: tuple[str, ...]
    """Asked in this order."""
    sender: str
    """CAP ``sender`` of link tests, as agreed with the operator."""
    signing_key: str = ""
    """With its certificate: every document is signed.  Empty: none is."""
    signing_certificate: str = ""
    client_key: str = ""
    """With its certificate: mutual TLS."""
    client_certificate: str = ""
    server_ca: str = ""
    """The only certificates that a centre's own may stem from; empty: those of the system."""
    token_file: str = ""
    """Holds the bearer token; empty: none is sent."""
    timeout: float = _USUAL
    """Seconds for a connection, and again for an answer."""


class CapHttpDriver:
    """Checks the gateway's settings and opens it."""

    def settings(self, raw: Mapping[str, Any]) -> CapHttpSettings:
        """The settings; raises :class:`BadInput` naming every wrong key at once."""
        known = ("urls", "sender", *_FILES, "timeout")
        problems = [
            Problem(str(key), "is no setting of cap_http", "use " + ", ".join(known))
            for key in raw
            if key not in known
        ]
        urls = raw.get("urls", ())
        if not isinstance(urls, list | tuple) or not urls:
            problems.append(Problem("urls", "must be a list of addresses", "name at least one"))
            urls = ()
        for at, url in enumerate(urls):
            problems += _url_problems(f"urls[{at}]", url)
        if len(set(map(str, urls))) < len(urls):
            problems.append(Problem("urls", "names an address twice", "name each once"))
        sender = raw.get("sender", "")
        # CAP 3.2.1: no spaces, commas or characters that XML would have to escape.
        if not isinstance(sender, str) or not re.fullmatch(r"[^\s,<&]+", sender):
            says = "must be the CAP sender that was agreed with the operator"
            problems.append(Problem("sender", says, "such as warning@example.org"))
        files = {name: raw.get(name, "") for name in _FILES}
        for name, path in files.items():
            if not isinstance(path, str):
                problems.append(Problem(name, "must be the path of a file", ""))
        for kind in ("signing", "client"):
            key, certificate = f"{kind}_key", f"{kind}_certificate"
            if bool(files[key]) is not bool(files[certificate]):
                missing, there = (certificate, key) if files[key] else (key, certificate)
                problems.append(Problem(missing, f"is missing beside {there}", "name both"))
        patience = seconds(raw.get("timeout", _USUAL))
        if patience is None or not 1 <= patience <= _LONGEST:
            says = f"{raw.get('timeout')!r} is no time to wait"
            problems.append(Problem("timeout", says, f"write 1s to {_LONGEST}s"))
        if problems or patience is None:
            raise BadInput(problems)
        return CapHttpSettings(urls=tuple(urls), sender=sender, timeout=patience, **files)

    def open(self, settings: CapHttpSettings, env: Env) -> CapHttpGateway:
        """Read keys and certificates; raises :class:`Unavailable` naming every bad file."""
        problems: list[Problem] = []
        paths = {
            name: env.config_dir / path if (path := getattr(settings, name)) else None
            for name in _FILES
        }
        signer = None
        if paths["signing_key"] and paths["signing_certificate"]:
            try:
                signer = Signer.read(paths["signing_key"], paths["signing_certificate"])
            except BadInput as error:
                problems += error.problems
        ends = {"signing": signer.certificate.not_valid_after_utc} if signer else {}
        if paths["client_certificate"]:
            try:
                ends["client"] = read_certificate(paths["client_certificate"]).not_valid_after_utc
            except BadInput as error:
                problems += error.problems
        context = _context(paths, problems)
        token = _token(paths["token_file"], problems)
        if problems:
            raise Unavailable(problems)
        poster = Poster(context, token, settings.timeout)
        return CapHttpGateway(settings, env, signer, poster, ends)


class CapHttpGateway:
    """Posts each order as one CAP document holding all its texts."""

    limits: ClassVar[Limits] = Limits(scope=Scope.AREA, confirms=frozenset({State.ACCEPTED}))

    def __init__(
        self,
        settings: CapHttpSettings,
        env: Env,
        signer: Signer | None,
        poster: Poster,
        ends: Mapping[str, datetime],
    ) -> None:
        self._settings = settings
        self._env = env
        self._signer = signer
        self._poster = poster
        self._ends = ends
        self._posted = _Posted(env.data_dir / "posted")

    async def take(self, order: Order) -> Taken:
        """Post the order's document at the first door that takes it.

        Raises ``Transient`` when every door surely did not, ``Unknown`` when one may have.
        """
        name = file_name(order.key).removesuffix(".json")
        pending = await asyncio.to_thread(self._posted.pending, name)
        for url in self._settings.urls:
            if pending is not None and pending[0] == _mark(url):
                return await self._ask_again(order, name, url, pending[1])
        xml = await asyncio.to_thread(self._signed, document(order))
        tried: list[Problem] = []
        waits: list[float] = []
        for url in self._settings.urls:
            await asyncio.to_thread(self._posted.begin, name, url, xml)
            outcome = await self._poster.post(url, xml)
            if outcome.verdict is Verdict.UNSURE:
                raise Unknown(_unsure(url, outcome.says))
            if outcome.verdict is not Verdict.NOT_TAKEN:
                await asyncio.to_thread(self._posted.settle, name)
                return _taken(order, outcome)
            tried.append(Problem(route(url), outcome.says, "see `broadcaster check`"))
            waits += [] if outcome.retry_after is None else [outcome.retry_after]
        await asyncio.to_thread(self._posted.settle, name)
        raise Transient(tried, retry_after=min(waits, default=None))

    async def ping(self) -> str:
        """A link test at every door: a document that no centre may put on air."""
        sent = self._env.clock.now().replace(microsecond=0)
        name = re.sub(r"[^A-Za-z0-9-]+", "-", self._env.name)
        found = await asyncio.gather(
            *(
                self._link_test(url, f"link-test.{name}.{sent:%Y%m%dT%H%M%S%z}.{at}", sent)
                for at, url in enumerate(self._settings.urls, 1)
            )
        )
        open_doors = [url for url, outcome in found if outcome.verdict is Verdict.TAKEN]
        closed = [
            Problem(route(url), outcome.says or outcome.verdict.value)
            for url, outcome in found
            if outcome.verdict is not Verdict.TAKEN
        ]
        if not open_doors:
            raise Transient(closed)
        says = [f"{len(open_doors)} of {len(found)} doors took the link test"]
        says += [str(problem) for problem in closed]
        says += [] if self._signer else ["documents go out unsigned"]
        says += [
            f"the {kind} certificate ends on {end:%Y-%m-%d}"
            for kind, end in self._ends.items()
            if end - sent < _SOON
        ]
        return "; ".join(says)

    async def later(
        self,
        running: Callable[[], Sequence[Running]],
        ended: Callable[[], Sequence[tuple[int, Serial]]] = tuple,
    ) -> AsyncIterator[Answer]:
        """Nothing: a centre of this kind does not call back."""
        return
        yield

    async def close(self) -> None:
        """Let connections go."""
        await self._poster.close()

    async def _ask_again(self, order: Order, name: str, url: str, xml: bytes) -> Taken:
        """Post what may have been taken once more: the same octets at the same door."""
        outcome = await self._poster.post(url, xml)
        if outcome.verdict in (Verdict.UNSURE, Verdict.NOT_TAKEN):
            raise Unknown(_unsure(url, f"{outcome.says}; an earlier time it may have been taken"))
        await asyncio.to_thread(self._posted.settle, name)
        if outcome.verdict is Verdict.TAKEN:
            return _taken(order, outcome)
        # It may be refused just because the first one was taken.
        says = f"the repetition was refused ({outcome.says}); whether the first was taken is open"
        return _answers(order, Said.UNKNOWN, says)

    async def _link_test(self, url: str, identifier: str, sent: datetime) -> tuple[str, Outcome]:
        addressee = urlsplit(url).hostname or "centre"
        xml = link_test(identifier, self._settings.sender, sent, addressee)
        return url, await self._poster.post(url, await asyncio.to_thread(self._signed, xml))

    def _signed(self, xml: bytes) -> bytes:
        return xml if self._signer is None else self._signer.sign(xml)


class _Posted:
    """What was posted, octet by octet, and where the outcome is open; one folder, on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def pending(self, name: str) -> tuple[str, bytes] | None:
        """Door and octets of a POST of which nobody knows what became."""
        try:
            mark = (self._folder / f"{name}.open").read_text("ascii")
            return mark, (self._folder / f"{name}.cap.xml").read_bytes()
        except FileNotFoundError:
            return None

    def begin(self, name: str, url: str, xml: bytes) -> None:
        """Note a POST before its first octet goes out; the door last, because it counts."""
        write_whole(self._folder / f"{name}.cap.xml", xml)
        write_whole(self._folder / f"{name}.open", _mark(url).encode())

    def settle(self, name: str) -> None:
        """The outcome is known.  The octets stay as evidence."""
        # An order whose outcome is noted is not taken again, so a mark that stays harms nobody.
        with suppress(OSError):
            (self._folder / f"{name}.open").unlink()


def _mark(url: str) -> str:
    """Tells doors apart on disk without writing down what a query could hold."""
    return hashlib.sha256(url.encode()).hexdigest()


def _taken(order: Order, outcome: Outcome) -> Taken:
    if outcome.verdict is Verdict.REFUSED:
        return _answers(order, Said.REFUSED, outcome.says)
    says = outcome.says
    if order.on_air and as_alert(order).msg_type is MsgType.CANCEL:
        # CAP 3.2.1: a Cancel ends the alerts it refers to; it does not say "and show this".
        own = "that a Cancel's own text goes on air must be agreed with the operator"
        says = f"{says}; {own}" if says else own
    return _answers(order, Said.ACCEPTED, says)


def _answers(order: Order, said: Said, reason: str) -> Taken:
    """One document, one answer for all that is in it."""
    return Taken(
        reference=order.alert.identifier,
        on_air=tuple(
            Answer(
                identifier=item.broadcast.identifier, serial=item.serial, said=said, reason=reason
            )
            for item in order.on_air
        ),
        stopped=tuple(
            Answer(identifier=stop.identifier, serial=stop.serial, said=said, reason=reason)
            for stop in order.stops
        ),
    )


def _unsure(url: str, says: str) -> Problem:
    return Problem(route(url), says, "ask the operator whether it is on air")


def _url_problems(path: str, url: object) -> list[Problem]:
    """What is wrong with an address; the address itself is not repeated."""
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
        host = parts.hostname if parts else None
        port_is_sound = parts is None or parts.port != 0
    except ValueError:
        parts = host = None
        port_is_sound = False
    if not parts or not host or not port_is_sound or parts.scheme not in ("https", "http"):
        return [Problem(path, "is no web address", "such as https://cbc.example.org/cap")]
    problems = []
    if parts.username is not None or parts.password is not None:
        says = "holds a name or password"
        problems.append(Problem(path, says, "use client_certificate or token_file"))
    if parts.fragment:
        problems.append(Problem(path, "has a fragment, which is never sent", "remove it"))
    if parts.scheme == "http" and not is_here(host):
        says = "is not encrypted: anybody on the way could change or hold back a warning"
        problems.append(Problem(path, says, "use https; http is for this machine only"))
    return problems


def _context(paths: Mapping[str, Path | None], problems: list[Problem]) -> ssl.SSLContext:
    """TLS as configured: given certificate authorities replace those of the system."""
    context = ssl.create_default_context()
    ca = paths["server_ca"]
    try:
        if ca:
            context = ssl.create_default_context(cafile=ca)
    except OSError as error:  # SSLError is one
        problems.append(_bad_file(ca, "certificate authorities", error))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    key, certificate = paths["client_key"], paths["client_certificate"]
    if key and certificate:
        try:
            # Without this word OpenSSL would ask for one on the terminal.
            context.load_cert_chain(certificate, key, password="")
        except (OSError, ValueError) as error:
            problems.append(_bad_file(key, "the unencrypted key of client_certificate", error))
    return context


def _token(path: Path | None, problems: list[Problem]) -> str:
    if path is None:
        return ""
    try:
        token = path.read_text("ascii").strip()
    except (OSError, ValueError) as error:
        problems.append(_bad_file(path, "a token", error))
        return ""
    if not re.fullmatch(r"[\x21-\x7e]+", token):
        problems.append(_bad_file(path, "a token on one line", None))
        return ""
    return token


def _bad_file(path: Path | None, holds: str, error: Exception | None) -> Problem:
    # What was found in the file is not repeated: it may be the secret itself.
    why = f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""
    return Problem(str(path), f"{path} does not hold {holds}{why}", "correct the file or its path")
