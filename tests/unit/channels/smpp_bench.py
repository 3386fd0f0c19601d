"""An SMPP gateway on a fake SMSC, with short times; shared by the tests of the driver."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from broadcaster.delivery.contract import Heard, Receipt
from channels.sms.gateway import Recipient, Submission, relative_time
from channels.sms.gateways.smpp.access import Access
from channels.sms.gateways.smpp.gateway import SmppGateway
from channels.sms.gateways.smpp.inbox import Inbox
from channels.sms.gateways.smpp.settings import Route, SmppSettings
from tests.peers.fake_smsc import PASSWORD, PHONE, FakeSmsc

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time


def route(smsc: FakeSmsc | int, name: str = "north", **values: Any) -> Route:
    port = smsc if isinstance(smsc, int) else smsc.port
    given = {"window": 10, "timeout": 0.5, "enquire": 30.0, **values}
    return Route(
        name=name, host="127.0.0.1", port=port, system_id="dortmund", password_file="x", **given
    )


@asynccontextmanager
async def opened(
    *routes: Route, clock: Clock | None = None, times: dict[str, float] | None = None, **top: Any
) -> AsyncIterator[SmppGateway]:
    """A gateway on these routes; ``times`` are those of the inbox."""
    clock = clock or Clock()
    settings = SmppSettings(routes=routes, **{"patience": 5.0, "country": "49", **top})
    inbox = Inbox(clock, b"secret", "49", **(times or {}))
    gateway = SmppGateway(
        settings,
        [Access(route=one, password=PASSWORD) for one in routes],
        clock,
        random.Random(1),
        first_pause=0.05,
        inbox=inbox,
    )
    try:
        yield gateway
    finally:
        await gateway.close()


def phone(at: int) -> str:
    """Of the numbers reserved for fiction; as many as are asked for, so some are longer."""
    return f"+{PHONE}{at:02}"


def submission(
    recipients: int = 1,
    *,
    to: Sequence[Recipient] = (),
    segments: Sequence[bytes] = (b"Hochwasser",),
    **values: Any,
) -> Submission:
    given: dict[str, Any] = {
        "key": "batch",
        "alert": "alert",
        "status": "Actual",
        "operation": "Alert",
        "mode": "live",
        "sender": "Dortmund",
        "priority": 3,
        "expires": NOW + timedelta(hours=6),
        "validity_period": relative_time(timedelta(hours=6)),
        "language": "de",
        "variant": "short",
        "text": "Hochwasser",
        "alphabet": "GSM-7",
        "data_coding": 0,
        "esm_class": 0x40 if len(segments) > 1 else 0,
        "segments": tuple(segments),
        "recipients": to or tuple(Recipient(f"key-{at}", phone(at)) for at in range(recipients)),
    }
    return Submission(**{**given, **values})


def parts(count: int) -> list[bytes]:
    """Segments with a header, as the channel makes them."""
    return [bytes((5, 0, 3, 42, count, at)) + b"x" * 100 for at in range(1, count + 1)]


class Ear:
    """Listens to a stream of the gateway."""

    def __init__(self, stream: AsyncIterator[Any]) -> None:
        self.heard: list[Any] = []
        self._stream = stream
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for one in self._stream:
            self.heard.append(one)

    async def until(self, count: int) -> Sequence[Any]:
        await until(lambda: len(self.heard) >= count)
        return self.heard

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._stream.aclose()  # type: ignore[attr-defined]


@asynccontextmanager
async def ear(stream: AsyncIterator[Receipt] | AsyncIterator[Heard]) -> AsyncIterator[Ear]:
    one = Ear(stream)
    try:
        yield one
    finally:
        await one.close()


async def until(true: Callable[[], bool], seconds: float = 3.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - of things that tell nobody
            await asyncio.sleep(0.005)
