"""The SMSC of smpp_smsc.js as a process, told and asked in lines of JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("smpp_smsc.js")


class NodeSmsc:
    """A running one."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.said: list[dict[str, Any]] = []
        self._more = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            self.said.append(json.loads(line))
            self._more.set()

    def tell(self, **rules: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(rules).encode() + b"\n")

    async def hear(self, key: str, count: int = 1, seconds: float = 10) -> list[dict[str, Any]]:
        """The first documents with this key; waits for them."""
        async with asyncio.timeout(seconds):
            while len(found := [one for one in self.said if key in one]) < count:
                self._more.clear()
                await self._more.wait()
        return found

    async def counted(self) -> dict[str, int]:
        before = len([one for one in self.said if "submitted" in one])
        self.tell(count=True)
        return (await self.hear("submitted", before + 1))[-1]

    async def kill(self) -> None:
        """At once, as by a power cut."""
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        await self._reading
        # Without this its transport is closed by the garbage collector, with a warning.
        self._process._transport.close()  # type: ignore[attr-defined]


@asynccontextmanager
async def node_smsc(port: int = 0) -> AsyncIterator[tuple[NodeSmsc, int]]:
    """The SMSC and its port on loopback."""
    process = await asyncio.create_subprocess_exec(
        "node",
        str(SCRIPT),
        str(port),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    smsc = NodeSmsc(process)
    try:
        yield smsc, (await smsc.hear("port"))[0]["port"]
    finally:
        await smsc.kill()
