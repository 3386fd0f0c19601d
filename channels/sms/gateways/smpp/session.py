"""One SMPP session over one connection: bind, window, signs of life, and what became of each PDU.

Every submission ends in exactly one :class:`Outcome`.  One that the SMSC left unanswered is
*unknown*: it keeps its place in the window, because a silent SMSC must never hold more than the
window, and its answer is still taken when it comes after all.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from broadcaster.model.errors import BadInput
from channels.sms.gateways.smpp import pdu
from channels.sms.gateways.smpp.pdu import Bind, Command, Frames, Message


class Verdict(StrEnum):
    """What is known of one submit_sm."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    """The SMSC said no; :attr:`Outcome.status` says why."""
    THROTTLED = "throttled"
    """The SMSC said *not now*: surely not taken."""
    UNKNOWN = "unknown"
    """It left us and nobody answered: it may have been taken."""


class Outcome(NamedTuple):
    """What became of one submit_sm."""

    verdict: Verdict
    message_id: str = ""
    status: int = pdu.OK
    why: str = ""
    """For *unknown*: why there is no answer."""


class Lost(Exception):
    """There is no session, or no more; the text says why."""


class BindRefused(Lost):
    """The SMSC does not know us so; asking again soon would not help and may lock the account."""


class Events(Protocol):
    """Whom a session tells what happens."""

    def answered(self, token: Any, outcome: Outcome) -> None:
        """A submission has its outcome; an *unknown* one may get a better one later."""
        ...

    def delivered(self, message: Message, answer: Callable[[int], None]) -> None:
        """A deliver_sm came; ``answer`` says the status for it, once."""
        ...

    def free(self) -> None:
        """There may be room in the window again."""
        ...

    def lost(self, why: str) -> None:
        """The session is over."""
        ...


_THROTTLES = frozenset({pdu.THROTTLED, pdu.QUEUE_FULL})
_QUICKEST_LOOK, _SLOWEST_LOOK = 0.02, 1.0
_FAREWELL = 2.0
"""Seconds that an unbind may take."""


class Session(asyncio.Protocol):
    """Speaks over a connection; made by :func:`connect`."""

    def __init__(self, events: Events, *, window: int, patience: float, enquire: float) -> None:
        self._events = events
        self._window = window
        self._patience = patience
        self._enquire = enquire
        self._loop = asyncio.get_running_loop()
        self._frames = Frames()
        self._out: list[bytes] = []
        self._sequence = 0
        self._pending: dict[int, tuple[float, Any]] = {}
        """Sequence number to deadline and token; the oldest first."""
        self._late: dict[int, Any] = {}
        """Submissions past their deadline: unknown, and still in the window."""
        self._asked: dict[int, asyncio.Future[tuple[int, bytes]]] = {}
        self._probed: float | None = None
        self._heard = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self._bound = False
        self._retiring = False
        self.gone = self._loop.create_future()
        """Done when the session is over, with the reason."""
        self.strays = 0
        """Responses that answer nothing of ours."""

    @property
    def room(self) -> int:
        """How many more submissions may leave now."""
        if not self._bound or self._paused or self._retiring:
            return 0
        return self._window - len(self._pending) - len(self._late)

    @property
    def usable(self) -> bool:
        """Bound, and worth giving submissions."""
        return self._bound and not self._retiring

    # ---- what we say -------------------------------------------------------------------------

    async def bind(self, command: Command, bind: Bind) -> str:
        """Bind; gives the SMSC's own name.  Raises :class:`Lost` or :class:`BindRefused`."""
        status, body = await self._ask(command, bind.encode())
        if status != pdu.OK:
            kind = BindRefused if status in pdu.WRONG_ACCOUNT else Lost
            raise kind(f"the bind was refused: {pdu.status_in_words(status)}")
        self._bound = True
        self._look()
        return pdu.decode_text(body)

    def submit(self, body: bytes, token: Any) -> None:
        """Send one submit_sm; its outcome comes as an event with this token.

        Only when :attr:`room` says so.
        """
        sequence = self._next()
        self._pending[sequence] = (self._loop.time() + self._patience, token)
        self._send(pdu.encode(Command.SUBMIT_SM, sequence, body))

    async def enquire(self) -> float:
        """Seconds that the SMSC needs for a sign of life; raises :class:`Lost`."""
        begin = self._loop.time()
        await self._ask(Command.ENQUIRE_LINK)
        return self._loop.time() - begin

    async def close(self) -> None:
        """Unbind, as the SMSC may hold receipts back from a session that only vanished."""
        if self._bound and not self.gone.done():
            with suppress(Lost):
                async with asyncio.timeout(_FAREWELL):
                    await self._ask(Command.UNBIND)
        self._end("closed by us")

    def flush(self) -> None:
        """Give everything said so far to the connection, in one write."""
        if self._out and self._transport is not None:
            self._transport.write(b"".join(self._out))
        self._out.clear()

    # ---- asyncio.Protocol --------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        raw = transport.get_extra_info("socket")
        # Small windows at a distance halve their rate when segments wait for acknowledgements.
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        """Octets came, cut anywhere."""
        self._heard = self._loop.time()
        answers = 0
        try:
            for command, status, sequence, body in self._frames.feed(data):
                if command == Command.SUBMIT_SM_RESP:
                    answers += self._answer(sequence, status, body)
                else:
                    answers += self._take(command, status, sequence, body)
                if self.gone.done():
                    return
        except BadInput as error:
            self._send(pdu.encode(Command.GENERIC_NACK, 0, status=pdu.INVALID_LENGTH))
            self._end(f"the SMSC sent {error.problems[0].says}")
            return
        if answers:
            self._events.free()
        self.flush()

    def pause_writing(self) -> None:
        """The connection takes no more for now."""
        self._paused = True

    def resume_writing(self) -> None:
        """It does again."""
        self._paused = False
        self._events.free()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        words = getattr(exc, "strerror", None) or exc
        self._end(f"the connection broke: {words}" if exc else "the SMSC closed the connection")

    # ---- inside ------------------------------------------------------------------------------

    def _answer(self, sequence: int, status: int, body: bytes) -> int:
        """An answer to a submission; 0 when it answers none of ours."""
        if entry := self._pending.pop(sequence, None):
            token = entry[1]
        elif sequence in self._late:
            token = self._late.pop(sequence)
        else:
            self.strays += 1
            return 0
        if status == pdu.OK:
            outcome = Outcome(Verdict.ACCEPTED, pdu.decode_text(body))
        elif status in _THROTTLES:
            outcome = Outcome(Verdict.THROTTLED, "", status)
        else:
            outcome = Outcome(Verdict.REJECTED, "", status)
        self._events.answered(token, outcome)
        return 1

    def _take(self, command: int, status: int, sequence: int, body: bytes) -> int:
        """Any other PDU; gives how many submissions it answered."""
        match command:
            case Command.DELIVER_SM:
                self._deliver(sequence, body)
            case Command.ENQUIRE_LINK:
                self._send(pdu.encode(Command.ENQUIRE_LINK_RESP, sequence))
            case Command.UNBIND:
                self._send(pdu.encode(Command.UNBIND_RESP, sequence))
                self._end("the SMSC unbound")
            case Command.ALERT_NOTIFICATION:
                pass  # 4.12.1: a phone is reachable again; it has no response
            case Command.GENERIC_NACK if sequence not in self._asked:
                # 4.3: the PDU was not understood, so it was surely not taken.
                return self._answer(sequence, status or pdu.INVALID_COMMAND, b"")
            case _ if command & pdu.RESPONSE:
                future = self._asked.pop(sequence, None)
                if future is None or future.done():
                    self.strays += 1
                else:
                    nack = command == Command.GENERIC_NACK
                    future.set_result((status or pdu.INVALID_COMMAND if nack else status, body))
            case _:
                refusal = pdu.encode(Command.GENERIC_NACK, sequence, status=pdu.INVALID_COMMAND)
                self._send(refusal)
        return 0

    def _deliver(self, sequence: int, body: bytes) -> None:
        open_ = True

        def answer(status: int) -> None:
            nonlocal open_
            if open_ and not self.gone.done():
                response = pdu.encode(Command.DELIVER_SM_RESP, sequence, b"\0", status=status)
                self._send(response)
            open_ = False

        try:
            message = Message.decode(body)
        except BadInput:
            # Its frame was whole, so the next one is found.  It would not be better next time.
            answer(pdu.PERMANENT_TROUBLE)
            return
        self._events.delivered(message, answer)

    async def _ask(self, command: Command, body: bytes = b"") -> tuple[int, bytes]:
        if self.gone.done():
            raise Lost(self.gone.result())
        sequence = self._next()
        future = self._asked[sequence] = self._loop.create_future()
        self._send(pdu.encode(command, sequence, body))
        try:
            async with asyncio.timeout(self._patience):
                answer: tuple[int, bytes] = await future
                return answer
        except TimeoutError:
            raise Lost(f"no answer within {self._patience:g} seconds") from None
        finally:
            self._asked.pop(sequence, None)

    def _next(self) -> int:
        self._sequence = self._sequence % pdu.LAST_SEQUENCE + 1
        return self._sequence

    def _send(self, data: bytes) -> None:
        if not self._out:
            self._loop.call_soon(self.flush)
        self._out.append(data)

    def _look(self) -> None:
        """Every now and then: find who is overdue, and whether the SMSC is alive."""
        if self.gone.done():
            return
        now = self._loop.time()
        pause = min(self._patience, self._enquire) / 4
        pause = min(max(pause, _QUICKEST_LOOK), _SLOWEST_LOOK)
        self._timer = self._loop.call_later(pause, self._look)
        overdue = [sequence for sequence, entry in self._pending.items() if entry[0] <= now]
        if overdue and self._heard < self._pending[overdue[0]][0] - self._patience:
            self._end(f"the SMSC is silent for {self._patience:g} seconds")
            return
        if self._probed is not None and self._heard >= self._probed:
            self._probed = None
        if self._probed is not None and now - self._probed >= self._patience:
            self._end("the SMSC gives no sign of life")
            return
        for sequence in overdue:
            _, token = self._pending.pop(sequence)
            self._late[sequence] = token
            why = f"no answer within {self._patience:g} seconds"
            self._events.answered(token, Outcome(Verdict.UNKNOWN, why=why))
        if overdue and 2 * len(self._late) >= self._window:
            # Half of the window is lost to submissions that are never answered: a new session
            # has the whole of it.
            self._retiring = True
        if self._retiring and not self._pending:
            self._end("the SMSC left too many submissions unanswered")
        elif now - self._heard >= self._enquire and self._probed is None:
            self._probed = now
            self._send(pdu.encode(Command.ENQUIRE_LINK, self._next()))
        elif overdue:
            self._events.free()

    def _end(self, why: str) -> None:
        if self.gone.done():
            return
        self.flush()
        was_bound, self._bound = self._bound, False
        self.gone.set_result(why)
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            # A dead peer's connection would never finish closing with octets left to send.
            if self._transport.get_write_buffer_size():
                self._transport.abort()
            else:
                self._transport.close()
        for future in self._asked.values():
            if not future.done():
                future.set_exception(Lost(why))
        pending, self._pending = self._pending, {}
        self._late.clear()
        for _, token in pending.values():
            self._events.answered(token, Outcome(Verdict.UNKNOWN, why=why))
        if was_bound:
            self._events.lost(why)


async def connect(
    host: str,
    port: int,
    events: Events,
    *,
    window: int,
    patience: float,
    enquire: float,
    tls: ssl.SSLContext | None = None,
    server_name: str | None = None,
) -> Session:
    """Open a connection, not yet bound; raises :class:`Lost` with the reason."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(patience):
            _, session = await loop.create_connection(
                lambda: Session(events, window=window, patience=patience, enquire=enquire),
                host,
                port,
                ssl=tls,
                server_hostname=(server_name or host) if tls else None,
            )
    except TimeoutError:
        raise Lost(f"no connection within {patience:g} seconds") from None
    except ssl.SSLCertVerificationError as error:
        raise Lost(f"the SMSC's certificate is not trusted: {error.verify_message}") from error
    except OSError as error:
        raise Lost(f"no connection: {error.strerror or error}") from error
    except ValueError as error:  # UnicodeError is one
        raise Lost("no connection: the host's name is not valid") from error
    return session
