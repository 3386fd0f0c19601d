"""An SMSC that does what a test says: answer, keep silent, throttle, hang up, report, deliver."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from channels.sms.gateways.smpp import pdu
from channels.sms.gateways.smpp.pdu import Address, Bind, Command, Frames, Message

PASSWORD = "secret12"
PHONE = "4917139200"
"""Beginning of the numbers that are reserved for fiction."""


@dataclass(eq=False)
class Connection:
    """One ESME that is connected."""

    writer: asyncio.StreamWriter
    said: Callable[[bytes], None]
    """Told every octet that is sent."""
    command: int = 0
    """Of its bind; zero before."""
    bind: Bind | None = None
    waiting: dict[int, asyncio.Future[int]] = field(default_factory=dict)
    sequence: int = 0

    def say(self, command: int, sequence: int, body: bytes = b"", status: int = pdu.OK) -> None:
        if not self.writer.is_closing():
            octets = pdu.encode(command, sequence, body, status=status)
            self.said(octets)
            self.writer.write(octets)

    def ask(self, command: int, body: bytes = b"") -> asyncio.Future[int]:
        """Say it; the future gets the status of the answer."""
        self.sequence += 1
        future = self.waiting[self.sequence] = asyncio.get_running_loop().create_future()
        self.say(command, self.sequence, body)
        return future


class FakeSmsc:
    """Listens on loopback.  Every attribute may be changed while it runs."""

    def __init__(self) -> None:
        self.port = 0
        self.connections: list[Connection] = []
        self.binds: list[int] = []
        self.taken: list[Message] = []
        """Submissions that were accepted."""
        self.submitted: list[Message] = []
        """All of them."""
        self.outstanding = 0
        self.most_outstanding = 0
        self.silent = False
        """Answers nothing at all any more."""
        self.mute = False
        """Answers everything but submissions."""
        self.delay = 0.0
        self.wire: list[tuple[bool, bytes]] = []
        """Everything said by an ESME (true) and by this SMSC (false), if :attr:`record`."""
        self.record = False
        self.refuse_binds = 0
        """A status for every bind."""
        self.answer: Callable[[Message], tuple[int, str]] = self._accept
        """Status and id for a submission."""
        self.before: Callable[[Connection, Message, str], None] = lambda *_: None
        """Done before a submission is answered: an early receipt, say."""
        self.after: Callable[[Connection, Message, str], None] = lambda *_: None
        self._ids = 0
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def _accept(self, message: Message) -> tuple[int, str]:
        self._ids += 1
        return pdu.OK, f"id-{self._ids:06}"

    async def start(self, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """As if it were killed: no farewell."""
        if self._server is not None:
            self._server.close()
        for connection in self.connections:
            connection.writer.transport.abort()
        if self._tasks:
            await asyncio.wait(self._tasks)
        for task in self._tasks:
            task.cancel()
        self._server = None

    @property
    def bound(self) -> list[Connection]:
        return [one for one in self.connections if one.command]

    @property
    def hearing(self) -> Connection:
        """The connection that receipts go to."""
        return next(one for one in self.bound if one.command != Command.BIND_TRANSMITTER)

    async def until_bound(self, count: int = 1) -> None:
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(lambda: len(self.bound) >= count)

    async def deliver(self, message: Message) -> int:
        """Deliver it; the status of the answer, after at most two seconds."""
        async with asyncio.timeout(2):
            return await self.hearing.ask(Command.DELIVER_SM, message.encode())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(writer, lambda octets: self._note(False, octets))
        self.connections.append(connection)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        frames = Frames()
        with suppress(OSError):
            while data := await reader.read(65536):
                self._note(True, data)
                for command, status, sequence, body in frames.feed(data):
                    if not self.silent:
                        self._take(connection, command, status, sequence, body)
                    elif command == Command.SUBMIT_SM:
                        self._count(Message.decode(body))
                async with self._changed:
                    self._changed.notify_all()
        self.connections.remove(connection)
        self._tasks.discard(task)
        writer.close()

    def _take(
        self, connection: Connection, command: int, status: int, sequence: int, body: bytes
    ) -> None:
        match command:
            case Command.BIND_TRANSCEIVER | Command.BIND_RECEIVER | Command.BIND_TRANSMITTER:
                bind = Bind.decode(body)
                refused = self.refuse_binds or (0x0E if bind.password != PASSWORD else 0)
                if not refused:
                    connection.bind, connection.command = bind, command
                    self.binds.append(command)
                name = b"" if refused else pdu.encode_text("fake")
                connection.say(command | pdu.RESPONSE, sequence, name, refused)
            case Command.SUBMIT_SM:
                message = Message.decode(body)
                self._count(message)
                if self.mute:
                    return
                if self.delay:
                    loop = asyncio.get_running_loop()
                    loop.call_later(self.delay, self._answer, connection, sequence, message)
                else:
                    self._answer(connection, sequence, message)
            case Command.ENQUIRE_LINK | Command.UNBIND:
                connection.say(command | pdu.RESPONSE, sequence)
                if command == Command.UNBIND:
                    connection.writer.close()
            case _ if command & pdu.RESPONSE and sequence in connection.waiting:
                connection.waiting.pop(sequence).set_result(status)

    def _note(self, ours: bool, octets: bytes) -> None:
        if self.record:
            self.wire.append((ours, octets))

    def _count(self, message: Message) -> None:
        self.submitted.append(message)
        self.outstanding += 1
        self.most_outstanding = max(self.most_outstanding, self.outstanding)

    def _answer(self, connection: Connection, sequence: int, message: Message) -> None:
        self.outstanding -= 1
        status, id_ = self.answer(message)
        if status == pdu.OK:
            self.taken.append(message)
            self.before(connection, message, id_)
        body = pdu.encode_text(id_) if status == pdu.OK else b""
        connection.say(Command.SUBMIT_SM_RESP, sequence, body, status)
        if status == pdu.OK:
            self.after(connection, message, id_)


@asynccontextmanager
async def fake_smsc(tls: ssl.SSLContext | None = None) -> AsyncIterator[FakeSmsc]:
    smsc = FakeSmsc()
    await smsc.start(tls=tls)
    try:
        yield smsc
    finally:
        await smsc.stop()


def receipt(
    id_: str, stat: str = "DELIVRD", *, tlvs: Mapping[int, bytes] | None = None, err: str = "000"
) -> Message:
    """A delivery receipt in the form of the specification's example (Appendix B)."""
    text = (
        f"id:{id_} sub:001 dlvrd:001 submit date:2607011200 done date:2607011201 "
        f"stat:{stat} err:{err} text:Hochwasser"
    )
    return Message(
        source=Address(f"{PHONE}00", 1, 1),
        destination=Address("Dortmund", 5, 0),
        esm_class=0x04,
        octets=text.encode("ascii"),
        tlvs=tlvs or {},
    )


def written(text: bytes, phone: str = f"{PHONE}00", **fields: object) -> Message:
    """What a person writes to us."""
    values = {"source": Address(phone, 1, 1), "destination": Address("4923123125", 1, 1)}
    return Message(**{**values, "octets": text, **fields})  # type: ignore[arg-type]
