"""What osmo-cbc knows of the radio, as its console shows it.

Its REST interface says of a broadcast neither that it is there nor in how many cells it is on
air.  The console (``VTY``, text over telnet) does, so it is read here: three ``show`` commands,
never one that changes anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from channels.cell_broadcast.gateways.cbsp.messages import cause_in_words
from channels.cell_broadcast.order import Answer, Said
from channels.cell_broadcast.serials import Serial

# RFC 854: an option offered or asked for, a sub-negotiation, any other command.
_TELNET = re.compile(rb"\xff[\xfb-\xfe].|\xff\xfa.*?\xff\xf0|\xff[\xf1-\xf9]|\x00", re.DOTALL)
_PROMPT = re.compile(r"(?:^|[\r\n])([^\s<>#]+[>#] )$")
_HEAD = re.compile(r"Message ID ([0-9A-F]{4}), Serial Number ([0-9A-F]{4}), State: (\S+)")
_SENDER = re.compile(r"Created by CBE '(.*)' at ")
_SHARE = re.compile(r"Peer: '(.*)', State: (\S+)")
_FAILED = re.compile(r"(.+) \(cause=(\d+)\)")
_COMPLETED = re.compile(r"(.+) \(\d+/\d+\)")
_AWAY = frozenset({"<disconnected>", "INIT", "RESET_PENDING"})
_NOT_ON_AIR = frozenset({"INIT", "WAIT_DELETE_ACK", "DELETED", "EXPIRED"})
_NEVER_ASKED = "INIT"
# 3GPP TS 29.168, Cause: the one that osmo-cbc notes of an MME.
_SBC_CAUSES = {4: "the tracking area is not known there"}


class ConsoleError(Exception):
    """The console is not there, or says what cannot be understood."""


@dataclass(frozen=True, slots=True)
class Controller:
    """A base-station controller or MME that osmo-cbc speaks to (its word: *peer*)."""

    name: str
    address: str
    protocol: str
    """``CBSP`` or ``SBcAP``."""
    state: str

    @property
    def connected(self) -> bool:
        """Whether a broadcast that is handed over now reaches it."""
        return self.state not in _AWAY


@dataclass(frozen=True, slots=True)
class Share:
    """What one controller said of one broadcast."""

    controller: str
    state: str
    installed: tuple[str, ...] = ()
    """Cells, or larger areas, as the console names them."""
    failed: tuple[tuple[str, int], ...] = ()
    """Cell or area, and cause."""
    completed: tuple[str, ...] = ()
    """Cells that reported broadcasts; an MME names its cells only here."""

    @property
    def asked(self) -> bool:
        """Whether it was connected when the broadcast was handed over."""
        return self.state != _NEVER_ASKED

    @property
    def silent(self) -> bool:
        """It named no cell, neither one that has it nor one that refused."""
        return not (self.installed or self.failed or self.completed)


@dataclass(frozen=True, slots=True)
class Seen:
    """One broadcast as osmo-cbc holds it."""

    identifier: int
    serial: int
    state: str
    sender: str
    shares: tuple[Share, ...]

    @property
    def on_air(self) -> bool:
        """It is meant to be on air: not being deleted, deleted or expired."""
        return self.state not in _NOT_ON_AIR

    @property
    def settled(self) -> bool:
        """Every controller has answered, or its time is over."""
        waiting = (self.state, *(share.state for share in self.shares))
        return not any(state.startswith("WAIT_") for state in waiting)

    @property
    def asked(self) -> bool:
        """At least one controller was asked to send it."""
        return any(share.asked for share in self.shares)


class Console:
    """One osmo-cbc console; every call is a connection of its own."""

    def __init__(self, host: str, port: int, timeout: float) -> None:
        self._host, self._port, self._timeout = host, port, timeout

    async def controllers(self) -> tuple[Controller, ...]:
        """All that osmo-cbc is configured for or was called by."""
        return read_controllers(await self.ask("show peers"))

    async def message(self, identifier: int) -> Seen | None:
        """The broadcast under an identifier; ``None``: there is none."""
        return read_message(await self.ask(f"show message id {identifier}"))

    async def ask(self, command: str) -> str:
        """What the console prints for one command; raises :class:`ConsoleError`."""
        try:
            async with asyncio.timeout(self._timeout):
                reader, writer = await asyncio.open_connection(self._host, self._port)
                try:
                    prompt = (await _read(reader, ""))[1]
                    # LF alone: the console takes CR LF for two lines.
                    writer.write(f"{command}\n".encode())
                    echoed, _ = await _read(reader, prompt)
                finally:
                    writer.close()
                    with contextlib.suppress(OSError):
                        await writer.wait_closed()
        except TimeoutError:
            raise ConsoleError(f"gives no answer within {self._timeout:g} seconds") from None
        except OSError as error:
            raise ConsoleError(f"cannot be reached ({error.strerror or error})") from error
        return echoed.partition("\n")[2]


async def _read(reader: asyncio.StreamReader, prompt: str) -> tuple[str, str]:
    """Text up to the prompt, and the prompt; without a known one, the first that shows up."""
    received = b""
    while True:
        data = await reader.read(65536)
        if not data:
            raise ConsoleError("closed the connection")
        received += data
        text = _TELNET.sub(b"", received).decode("utf-8", "backslashreplace")
        if text.endswith("Password: "):
            raise ConsoleError("asks for a password; `no login` under `line vty` ends that")
        found = _PROMPT.search(text)
        if found and prompt in ("", found[1]):
            return text[: found.start(1)].replace("\r\n", "\n"), found[1]


def read_controllers(text: str) -> tuple[Controller, ...]:
    """``show peers``."""
    rows = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in text.splitlines()
        if line.lstrip().startswith("|")
    ]
    if not rows or rows[0][:1] != ["Name"] or any(len(row) != 5 for row in rows):
        raise ConsoleError("does not list its controllers as osmo-cbc 0.5.3 does")
    # The second row is a rule of dashes.
    return tuple(
        Controller(name, f"{address}:{port}", protocol, state)
        for name, address, port, protocol, state in rows[2:]
    )


def read_message(text: str) -> Seen | None:
    """``show message id``; ``None``: no such message."""
    if re.search(r"^Unknown \w+ ID", text, re.MULTILINE):
        return None
    head, sender = _HEAD.search(text), _SENDER.search(text)
    if not head or not sender:
        raise ConsoleError("does not show a message as osmo-cbc 0.5.3 does")
    parts = _SHARE.split(text[sender.end() :])[1:]
    return Seen(
        identifier=int(head[1], 16),
        serial=int(head[2], 16),
        state=head[3],
        sender=sender[1],
        shares=tuple(_share(*parts[at : at + 3]) for at in range(0, len(parts), 3)),
    )


def _share(controller: str, state: str, text: str) -> Share:
    lists: dict[str, list[str]] = {}
    current: list[str] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.endswith(":"):
            current = lists.setdefault(line, [])
        else:
            current.append(line)
    failed = [_FAILED.fullmatch(line) for line in lists.get("Cells Failed:", ())]
    completed = [
        _COMPLETED.fullmatch(line) for line in lists.get("Number of Broadcasts Completed:", ())
    ]
    return Share(
        controller,
        state,
        tuple(lists.get("Cells Installed:", ())),
        tuple((found[1], int(found[2])) for found in failed if found),
        tuple(found[1] for found in completed if found),
    )


def observed(
    identifier: int, serial: Serial, seen: Seen, controllers: Sequence[Controller]
) -> Answer:
    """What may be said of a broadcast after a look at it.  Pure."""
    connected = {one.name: one.protocol for one in controllers if one.connected}
    cells: set[tuple[str, str]] = set()
    wide: dict[str, None] = {}
    refused: Counter[str] = Counter()
    away = []
    for share in seen.shares:
        if share.controller not in connected:
            away.append(share.controller)
            continue
        for place in (*share.installed, *share.completed):
            if _is_cell(place):
                cells.add((share.controller, place))
            else:
                wide[f"in all cells of {_area(place)}{share.controller}"] = None
        for _, cause in share.failed:
            refused[_cause(connected[share.controller], cause)] += 1
    if cells or wide:
        said = Said.INSTALLED
    else:
        said = Said.REFUSED if refused and not away else Said.ACCEPTED
    parts = [*wide]
    if not (cells or wide or refused):
        parts.append("no cell reports it")
    if away:
        parts.append(f"not connected, so nobody knows of their cells: {', '.join(away)}")
    return Answer(
        identifier=identifier,
        serial=serial,
        said=said,
        cells=None if wide else len(cells),
        refused=dict(refused),
        reason="; ".join(parts),
    )


def why_again(
    serial: Serial,
    seen: Seen | None,
    controllers: Sequence[Controller],
    back: Collection[str],
    tried: Collection[str],
) -> str:
    """Why a broadcast must be put on air again; empty: it need not.  Pure.

    ``back`` are controllers that were away since it was handed over, ``tried`` those for
    whose silence it was handed over again already.
    """
    if seen is None or not seen.on_air:
        return "the gateway had lost it"
    if seen.serial != int(serial):
        return "an older text had its place"
    if not seen.settled:
        return ""
    shares = {share.controller: share for share in seen.shares}
    for one in controllers:
        if not one.connected:
            continue
        if one.name in back:
            # osmo-cbc resets a controller that connects, and does not hand over again.
            return f"{one.name} had been away"
        share = shares.get(one.name)
        # A 2G controller names its cells in every answer (TS 48.049 8.1.3.2 and 8.1.3.3); an MME
        # does not, so its silence means nothing.
        silent = share is not None and share.silent and one.protocol == "CBSP"
        if one.name not in tried and (share is None or not share.asked or silent):
            return f"{one.name} had not answered for it"
    return ""


def _is_cell(place: str) -> bool:
    return re.match(r"(CGI|ECGI|CI|LAC \d+ CI) ", place) is not None


def _area(place: str) -> str:
    return "" if place == "BSS" else f"{place} at "


def _cause(protocol: str, cause: int) -> str:
    if protocol == "CBSP":
        return cause_in_words(cause)
    return _SBC_CAUSES.get(cause, f"cause {cause} of {protocol}")
