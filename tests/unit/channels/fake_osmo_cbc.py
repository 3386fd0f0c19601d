"""osmo-cbc 0.5.3 as it was observed: its REST interface, its console, its controllers and cells.

Habits, words and times are those of the recording in ``osmo-observed.json`` (taken from a real
one on loopback); the console speaks as the telnet of the real libosmovty does, two prompts for CR
LF included.  Times shrink by ``scale``.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

SCOPES = ("cell_wide_immediate", "plmn_wide", "lac_sac_tac_wide", "cell_wide")
CATEGORIES = {"high_priority": "High Priority", "background": "Background", "normal": "Normal"}
GREETING = (
    b"Welcome to the OsmoCBC VTY interface\r\n\r\nLicense AGPLv3+: GNU AGPL version 3 or later "
    b'<http://gnu.org/licenses/agpl-3.0.html>\r\n\xff\xfb\x01\xff\xfb\x03\xff\xfe"\xff\xfd\x1f'
)
PROMPT = b"OsmoCBC> "


@dataclass
class Peer:
    """A base-station controller or MME, and what its cells send."""

    name: str
    cells: tuple[str, ...] = ("CGI 262-98-1-7",)
    protocol: str = "CBSP"
    state: str = "IDLE"
    answers: bool = True
    refuses: dict[str, int] = field(default_factory=dict)
    """Cell to cause."""
    sends: dict[int, int] = field(default_factory=dict)
    """Identifier to serial number: what phones can hear."""

    @property
    def connected(self) -> bool:
        return self.state == "IDLE"

    def goes(self) -> None:
        self.state = "<disconnected>"

    def comes(self) -> None:
        """A controller that connects is reset by osmo-cbc, and is given nothing again."""
        self.state, self.sends = "IDLE", {}


@dataclass
class Message:
    body: dict[str, Any]
    identifier: int
    serial: int
    state: str = "ACTIVE"
    shares: dict[str, str] = field(default_factory=dict)
    """Peer to state."""


class FakeOsmoCbc:
    """Answers as observed; what it is to do otherwise stands in :attr:`habits`."""

    def __init__(self, *peers: Peer, scale: float = 0.01) -> None:
        self.peers = list(peers)
        self.scale = scale
        self.messages: dict[int, Message] = {}
        self.habits: dict[str, deque[Any]] = {"POST": deque(), "DELETE": deque()}
        """For the next calls: ``lost`` (done, never answered), ``deaf`` (neither), ``cut`` (done,
        the connection broken), ``cut deaf``, a pair of status and text, or ``None``."""
        self.calls: list[tuple[str, int | None]] = []
        self.posted: list[dict[str, Any]] = []
        self.heard: list[tuple[float, int, int | None]] = []
        """Time, identifier and serial number (``None``: nothing) on air, at each change."""
        self.console_is_deaf = False
        self._runner: web.AppRunner | None = None
        self._console: asyncio.Server | None = None
        self.port = self.vty_port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FakeOsmoCbc]:
        await self.start()
        try:
            yield self
        finally:
            await self.kill()

    async def start(self) -> None:
        """On the same ports as before; a new process knows no message."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._http)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.01)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self._console = await asyncio.start_server(self._telnet, "127.0.0.1", self.vty_port)
        self.vty_port = self._console.sockets[0].getsockname()[1]

    async def kill(self) -> None:
        if self._runner and self._console:
            self._console.close()
            await self._runner.cleanup()
            self._runner = self._console = None
        self.messages.clear()

    async def restart(self) -> None:
        await self.kill()
        for peer in self.peers:
            peer.comes()
        await self.start()

    # --- REST ------------------------------------------------------------------------------

    async def _http(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix("/api/ecbe/v1/message")
        if path == request.path or request.method not in self.habits:
            return web.Response(status=404, text="Resource not found")
        identifier = re.match(r"/(\d+)", path)
        self.calls.append((request.method, int(identifier[1]) if identifier else None))
        habits = self.habits[request.method]
        habit = habits.popleft() if habits else None
        if isinstance(habit, tuple):
            return web.Response(status=habit[0], text=habit[1])
        if habit in ("deaf", "cut deaf"):
            status, text = 0, ""
        elif request.method == "POST":
            status, text = await self._post(await request.read())
        else:
            status, text = await self._delete(path.lstrip("/"))
        if habit in ("cut", "cut deaf"):
            assert request.transport
            request.transport.abort()
        if habit in ("lost", "deaf"):
            await asyncio.Event().wait()
        return web.Response(status=status or 500, text=text)

    async def _post(self, raw: bytes) -> tuple[int, str]:
        try:
            body = json.loads(raw)
        except ValueError:
            return 400, "REST: No JSON Body"
        if complaint := check(body):
            return 400, complaint
        self.posted.append(body)
        identifier = body["smscb_message"]["message_id"]
        if identifier in self.messages:
            return 409, "Could not allocate"
        self.calls[-1] = ("POST", identifier)
        message = Message(body, identifier, serial_of(body))
        self.messages[identifier] = message
        decoded = body["smscb_message"]["payload"].get("payload_decoded", {})
        if decoded.get("character_set") == "ucs2":
            await asyncio.Event().wait()
        for peer in self.peers:
            message.shares[peer.name] = "ACTIVE" if peer.connected else "INIT"
            if peer.connected and peer.answers and len(peer.refuses) < len(peer.cells):
                peer.sends[identifier] = message.serial
        self._note(identifier)
        if not self.peers:
            await self._wait(15)
            return 200, ""
        if any(peer.connected and not peer.answers for peer in self.peers):
            await self._wait(10)
        return 201, "Created"

    async def _delete(self, text: str) -> tuple[int, str]:
        identifier = int(text) if text.isdigit() else 0  # C's atoi
        if identifier > 65535:
            return 400, ""
        message = self.messages.get(identifier)
        if message is None:
            return 404, "Unknown message ID"
        for peer in self.peers:
            if peer.connected:
                peer.sends.pop(identifier, None)
        self._note(identifier)
        if not any(peer.connected for peer in self.peers):
            await self._wait(15)
            self.messages.pop(identifier, None)
            return 200, ""
        if any(peer.connected and not peer.answers for peer in self.peers):
            await self._wait(10)
        self.messages.pop(identifier, None)
        return 200, "OK"

    async def _wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self.scale)

    def _note(self, identifier: int) -> None:
        on_air = [peer.sends[identifier] for peer in self.peers if identifier in peer.sends]
        self.heard.append((time.monotonic(), identifier, on_air[0] if on_air else None))

    # --- console ---------------------------------------------------------------------------

    async def _telnet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            writer.write(GREETING[:70])
            await writer.drain()
            await asyncio.sleep(0)
            writer.write(GREETING[70:] + PROMPT)
            while line := await reader.readline():
                command = line.decode().strip()
                if self.console_is_deaf:
                    continue
                text = self.console(command).replace("\n", "\r\n")
                writer.write(f"{command}\r\n{text}".encode() + PROMPT)
                if line.endswith(b"\r\n"):
                    writer.write(b"\r\n" + PROMPT)
                await writer.drain()
        writer.close()

    def console(self, command: str) -> str:
        if command == "show peers":
            return self._show_peers()
        if found := re.fullmatch(r"show message id (\d+)", command):
            return self._show_message(int(found[1]))
        return "% Unknown command.\n"

    def _show_peers(self) -> str:
        lines = [
            "|Name                | IP             | Port | Proto | State               |",
            "|--------------------|----------------|------|-------|---------------------|",
            *(
                f"|{peer.name:<20}| {'127.0.0.1':<15}| {-1:<5d}| {peer.protocol:<6}| "
                f"{peer.state:<20}|"
                for peer in self.peers
            ),
        ]
        return "".join(f"{line}\n" for line in lines)

    def _show_message(self, identifier: int) -> str:
        message = self.messages.get(identifier)
        if message is None:
            return f"Unknown Messsage ID {identifier}\n"
        body, pages = message.body, pages_of(message.body)
        lines = [
            f"Message ID {identifier:04X}, Serial Number {message.serial:04X}, "
            f"State: {message.state}",
            f" Created by CBE '{body['cbe_name']}' at Wed Jul  1 12:00:00 2026",
            f" Repetition Period: {body['repetition_period']} "
            f"({body['repetition_period'] * 1.883:5.2f}s), "
            f"Number of broadcasts: {body.get('num_of_bcast', 0)}",
            " Warning Period: 4294967295s",
            f" DCS: 0x{body['smscb_message']['payload']['payload_encoded']['dcs']:02x}, "
            f"Number of pages: {len(pages)}, User Data Bytes: {82 * len(pages)}",
            *(f" Page {at}: {page.ljust(164, '0')}" for at, page in enumerate(pages)),
        ]
        for peer in self.peers:
            state = message.shares.get(peer.name)
            if state is not None:
                lines += self._share(peer, state, message)
        return "".join(f"{line}\n" for line in lines)

    def _share(self, peer: Peer, state: str, message: Message) -> list[str]:
        spoke = state == "ACTIVE" and peer.answers
        # A controller's cells stay listed after it restarted: nobody tells the list.
        took = [cell for cell in peer.cells if spoke and cell not in peer.refuses]
        return [
            f" Peer: '{peer.name}', State: {state}",
            "  Cells Installed:",
            *(f"   {cell}" for cell in took if peer.protocol == "CBSP"),
            "  Cells Failed:",
            *(f"   {cell} (cause={cause})" for cell, cause in peer.refuses.items() if spoke),
            "  Number of Broadcasts Completed:",
            *(f"   {cell} (1/1)" for cell in took if peer.protocol == "SBcAP"),
        ]


def serial_of(body: Mapping[str, Any]) -> int:
    number = body["smscb_message"]["serial_nr"]
    if "serial_nr_encoded" in number:
        return int(number["serial_nr_encoded"])
    parts = number["serial_nr_decoded"]
    scope = SCOPES.index(parts["geo_scope"])
    return scope << 14 | (parts["msg_code"] & 0x3FF) << 4 | parts["update_nr"]


def pages_of(body: Mapping[str, Any]) -> list[str]:
    pages: list[str] = body["smscb_message"]["payload"]["payload_encoded"]["pages"]
    return pages


def check(body: Any) -> str:
    """The complaint of osmo-cbc, in its order and words."""
    if not isinstance(body, dict) or "cbe_name" not in body:
        return "CBCMSG 'cbe_name' is mandatory"
    if body.get("category", "normal") not in CATEGORIES:
        return "CBCMSG 'category' unknown"
    if "repetition_period" not in body:
        return "CBCMSG 'repetiton_period' is mandatory"
    if not 0 <= body["repetition_period"] <= 4095:
        return "CBCMSG 'repetiton_period' out of range"
    if not 0 <= body.get("num_of_bcast", 0) <= 65535:
        return "CBCMSG 'num_of_bcast' out of range"
    if "scope" not in body:
        return "CBCMSG 'scope' is mandatory"
    if "scope_plmn" not in body["scope"]:
        return "CBCMSG only 'scope_plmn' supported"
    if "smscb_message" not in body:
        return "CBCMSG 'smscb_message' is mandatory"
    message = body["smscb_message"]
    return (
        _check_serial(message.get("serial_nr"))
        or ("" if 0 <= message["message_id"] <= 65535 else "message_id out of range")
        or _check_payload(message["payload"])
    )


def _check_serial(number: Any) -> str:
    if not isinstance(number, dict):
        return "'serial_nr' must be present and an object"
    parts = number.get("serial_nr_decoded")
    if parts and not 0 <= parts["msg_code"] <= 1024:
        return "'msg_code' is out of range"
    if parts and not 0 <= parts["update_nr"] <= 15:
        return "'update_nr' is out of range"
    return ""


def _check_payload(payload: Mapping[str, Any]) -> str:
    decoded = payload.get("payload_decoded")
    if decoded:
        if len(decoded.get("language", "")) > 2:
            return "Only two-digit 'language' code is supported"
        known = ("gsm", "8bit", "ucs2")
        return "" if decoded["character_set"] in known else "Invalid 'character_set'"
    pages = payload["payload_encoded"]["pages"]
    if not 1 <= len(pages) <= 15:
        return "'pages' array size out of range"
    for page in pages:
        if len(page) > 164:
            return "'pages' actual data array must contain strings up to 82 hex nibbles"
        if not re.fullmatch(r"([0-9a-fA-F]{2})*", page):
            return "'pages' array must contain hex strings"
    return ""
