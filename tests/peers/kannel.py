"""Debian's Kannel on loopback, between our HTTP driver and an SMSC of another make (npm smpp)."""

from __future__ import annotations

import json
import queue
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
USER, PASSWORD = "broadcaster", "only-here"
# A blank line ends a group, and an unknown key ends the program.
CONFIG = """
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = {password}
status-password = {password}
smsbox-port = {smsbox}
smsbox-interface = 127.0.0.1
dlr-storage = internal
store-type = spool
store-location = {folder}/spool
log-file = {folder}/bearerbox.log
log-level = 1
box-allow-ip = 127.0.0.1
box-deny-ip = *.*.*.*

group = smsc
smsc = smpp
smsc-id = peer
host = 127.0.0.1
port = {smsc}
smsc-username = kannel
smsc-password = kannel
system-type = ""
transceiver-mode = true
interface-version = 34
max-pending-submits = 100
reconnect-delay = 1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms}
sendsms-interface = 127.0.0.1
log-file = {folder}/smsbox.log
log-level = 1
mo-recode = true

group = sendsms-user
username = {user}
password = {password}
concatenation = false
max-messages = 1

group = sms-service
keyword = default
get-url = "{mo}?from=%p&text=%a&charset=%C&id=%I&time=%t"
max-messages = 0
"""


@dataclass
class Kannel:
    """A running Kannel and what its SMSC saw."""

    url: str
    _smsc: subprocess.Popen[str]
    _said: queue.Queue[dict[str, Any]]

    def submitted(self, within: float = 10) -> dict[str, Any]:
        """The next submit_sm that reached the SMSC."""
        return self._said.get(timeout=within)

    def phone_writes(self, number: str, octets: bytes, data_coding: int) -> None:
        """A message from a phone."""
        assert self._smsc.stdin is not None
        told = {
            "from": number,
            "to": "4930231250",
            "octets": octets.hex(),
            "data_coding": data_coding,
        }
        self._smsc.stdin.write(json.dumps(told) + "\n")
        self._smsc.stdin.flush()


@contextmanager
def kannel(folder: Path, mo: str) -> Iterator[Kannel]:
    """Kannel bound to its SMSC; ``mo`` is the address that it calls with messages from phones."""
    said: queue.Queue[dict[str, Any]] = queue.Queue()
    with ExitStack() as stack:
        smsc = subprocess.Popen(
            ["node", str(HERE / "kannel_smsc.js")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        stack.callback(_end, smsc)
        threading.Thread(target=_read, args=(smsc, said), daemon=True).start()
        ports = _free_ports("admin", "smsbox", "sendsms")
        ports["smsc"] = said.get(timeout=10)["port"]
        (folder / "spool").mkdir()
        config = folder / "kannel.conf"
        config.write_text(
            CONFIG.format(folder=folder, user=USER, password=PASSWORD, mo=mo, **ports)
        )
        for box, port in (("bearerbox", ports["smsbox"]), ("smsbox", ports["sendsms"])):
            with (folder / f"{box}.out").open("wb") as out:
                process = subprocess.Popen([box, str(config)], cwd=folder, stdout=out, stderr=out)
            # Ended in reverse: smsbox must go first.
            stack.callback(_end, process)
            _wait(process, port, folder / f"{box}.out")
        assert said.get(timeout=10) == {"bound": True}
        yield Kannel(f"http://127.0.0.1:{ports['sendsms']}", smsc, said)


def _free_ports(*names: str) -> dict[str, int]:
    with ExitStack() as stack:
        held = {name: stack.enter_context(closing(socket.socket())) for name in names}
        for each in held.values():
            each.bind(("127.0.0.1", 0))
        return {name: each.getsockname()[1] for name, each in held.items()}


def _read(process: subprocess.Popen[str], said: queue.Queue[dict[str, Any]]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        said.put(json.loads(line))


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(100):
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError(log.read_text(errors="replace")[-2000:])


def _end(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
