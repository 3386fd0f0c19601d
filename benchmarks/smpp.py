"""Submissions a second over SMPP, at three windows, to one SMSC that answers at once.

The SMSC is a loop of a few lines in a process of its own, faster than every client measured.  The
ratio is to smpplib 2.2.4, where that is installed (`pip install smpplib`): the fastest public
client that keeps a window at all.  Ours is measured whole: the driver, with its receipts for every
recipient, not the session alone.
"""

from __future__ import annotations

import asyncio
import importlib.util
import random
import resource
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from broadcaster.delivery.contract import State
from channels.sms.gateway import Recipient, Submission
from channels.sms.gateways.smpp.access import Access
from channels.sms.gateways.smpp.gateway import SmppGateway
from channels.sms.gateways.smpp.settings import Route, SmppSettings
from tests.peers.fake_smsc import PASSWORD, fake_smsc

WINDOWS = (1, 10, 100)
COUNTS = {1: 10_000, 10: 40_000, 100: 60_000}
RUNS = 3
BODY = (
    b"Hochwasser an der Ruhr: Keller verlassen, in ein hoeheres Stockwerk gehen, Radio einschalten."
)
BATCH = 500
AWAY = 0.02
"""Seconds from a submission to its answer, as at a real carrier."""
HEADER = struct.Struct(">IIII")
SUBMIT_SM = 4
RESPONSE = 0x80000000


class Clock:
    """The machine's."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def sink() -> None:
    """The SMSC: an id for every submission, and yes to everything else."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            connection, _ = server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection:
                answer(connection)


def answer(connection: socket.socket) -> None:
    """Answer one client until it hangs up."""
    rest, ids = b"", 0
    while data := connection.recv(1 << 18):
        data, at, out = rest + data, 0, []
        while len(data) - at >= 16:
            length, command, _, sequence = HEADER.unpack_from(data, at)
            if len(data) - at < length:
                break
            at += length
            if command == SUBMIT_SM:
                ids += 1
                out.append(HEADER.pack(25, command | RESPONSE, 0, sequence) + b"%08x\0" % ids)
            elif not command & RESPONSE:
                body = b"sink\0" if command in (1, 2, 9) else b""
                out.append(HEADER.pack(16 + len(body), command | RESPONSE, 0, sequence) + body)
        rest = data[at:]
        if out:
            connection.sendall(b"".join(out))


@contextmanager
def smsc() -> Iterator[int]:
    """The sink in a process of its own; gives its port."""
    command = [sys.executable, "-c", "from benchmarks.smpp import sink; sink()"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def submissions(count: int) -> list[Submission]:
    """Batches of one segment to many phones."""
    now = datetime.now(UTC)
    return [
        Submission(
            key=f"batch-{first}",
            alert="benchmark",
            status="Actual",
            operation="Alert",
            mode="live",
            sender="Dortmund",
            priority=3,
            expires=now + timedelta(hours=6),
            validity_period="000000060000000R",
            language="de",
            variant="short",
            text=BODY.decode(),
            alphabet="GSM-7",
            data_coding=0,
            esm_class=0,
            segments=(BODY,),
            recipients=tuple(
                Recipient(f"key-{at}", f"+4917139200{at:05}")
                for at in range(first, min(first + BATCH, count))
            ),
        )
        for first in range(0, count, BATCH)
    ]


def ours(port: int, window: int, count: int) -> float:
    """Seconds for so many recipients, from submissions to receipts."""
    return asyncio.run(_ours(port, window, count))


async def _ours(port: int, window: int, count: int) -> float:
    route = Route(
        name="sink", host="127.0.0.1", port=port, system_id="a", password_file="", window=window
    )
    gateway = SmppGateway(
        SmppSettings(routes=(route,), patience=600),
        [Access(route=route, password="secret12")],
        Clock(),
        random.Random(1),
    )
    await gateway.ping()
    work = iter(submissions(count))
    accepted = 0

    async def lane() -> None:
        nonlocal accepted
        for submission in work:
            receipts = await gateway.submit(submission)
            accepted += sum(receipt.state is State.ACCEPTED for receipt in receipts)

    begin = time.perf_counter()
    # Two at a time, so that one is under way while the other's receipts are read.
    await asyncio.gather(lane(), lane())
    spent = time.perf_counter() - begin
    await gateway.close()
    assert accepted == count
    return spent


def public(port: int, window: int, count: int) -> float:
    """The same with smpplib, which has no window of its own: read one answer when it is full."""
    import smpplib.client  # type: ignore[import-not-found]
    import smpplib.consts  # type: ignore[import-not-found]

    client = smpplib.client.Client("127.0.0.1", port, allow_unknown_opt_params=True)
    client.connect()
    client.bind_transceiver(system_id="a", password="secret12")
    answered = 0

    def count_one(**_: Any) -> None:
        nonlocal answered
        answered += 1

    client.set_message_sent_handler(count_one)
    sent = 0
    begin = time.perf_counter()
    while answered < count:
        while sent < count and sent - answered < window:
            client.send_message(
                source_addr_ton=5,
                source_addr_npi=0,
                source_addr="Dortmund",
                dest_addr_ton=1,
                dest_addr_npi=1,
                destination_addr=f"4917139200{sent:05}",
                short_message=BODY,
                data_coding=0,
                registered_delivery=1,
                validity_period="000000060000000R",
            )
            sent += 1
        client.read_once()
    spent = time.perf_counter() - begin
    client.unbind()
    client.disconnect()
    return spent


async def at_a_distance(window: int) -> float:
    """Share of window / round trip that is reached when each answer takes :data:`AWAY`."""
    async with fake_smsc() as far:
        route = Route(
            name="far",
            host="127.0.0.1",
            port=far.port,
            system_id="a",
            password_file="",
            window=window,
        )
        settings = SmppSettings(routes=(route,), patience=600)
        access = Access(route=route, password=PASSWORD)
        gateway = SmppGateway(settings, [access], Clock(), random.Random(1))
        await gateway.ping()
        far.delay = AWAY
        (submission,) = submissions(50 * window)
        begin = time.perf_counter()
        await gateway.submit(submission)
        spent = time.perf_counter() - begin
        await gateway.close()
    return len(submission.recipients) / spent * AWAY / window


def measured(once: Callable[[int, int, int], float], port: int, window: int) -> tuple[float, float]:
    """Median of submissions a second, and seconds of CPU for 100,000 of them."""
    count, rates, costs = COUNTS[window], [], []
    for _ in range(RUNS):
        before = _cpu()
        rates.append(count / once(port, window, count))
        costs.append((_cpu() - before) / count * 100_000)
    return median(rates), median(costs)


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def run() -> None:
    """Ours at each window, and beside it the public client's."""
    has_public = importlib.util.find_spec("smpplib") is not None
    for window in WINDOWS:
        with smsc() as port:
            rate, cost = measured(ours, port, window)
            line = f"SMPP, window {window:3}: {rate:9,.0f} submit_sm/s, {cost:4.2f} CPU-s/100k"
            if has_public:
                other, spent = measured(public, port, window)
                line += f"; smpplib {other:8,.0f}/s, {spent:4.2f} CPU-s/100k: {rate / other:4.1f}x"
                line += "  (goal >= 4x)" if window == 100 else ""
            else:
                line += "; smpplib is not installed"
        print(line, flush=True)
    share = asyncio.run(at_a_distance(10))
    print(
        f"SMPP, window 10, {AWAY * 1000:.0f} ms away: {share:.0%} of window / round trip"
        "  (goal >= 90 %)"
    )


if __name__ == "__main__":
    run()
