"""Debian's osmo-bsc, a real 2G base-station controller, on loopback and without radio."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PORT = 48049
CONFIG = """
line vty
 no login
 bind {host}
ctrl
 bind {host}
e1_input
 e1_line 0 driver ipa
 ipa bind {host}
network
 network country code 262
 mobile network code 98
 bts 0
  type osmo-bts
  band GSM-1800
  location_area_code 1
  cell_identity 7
  ipa unit-id 1800 0
  trx 0
   rf_locked 0
   arfcn 868
   nominal power 23
   timeslot 0
    phys_chan_config CCCH+SDCCH4+CBCH
   timeslot 1
    phys_chan_config SDCCH8
   timeslot 2
    phys_chan_config TCH/F
msc 0
 allow-emergency deny
 codec-list fr1
cbc
 mode server
 server
  local-ip {host}
  local-port {port}
"""


@contextmanager
def osmo_bsc(folder: Path) -> Iterator[str]:
    """One controller with one cell, on a loopback address of this process's own.

    Some of its listeners have no configurable port, but all have an address.
    """
    pid = os.getpid()
    host = f"127.{pid >> 16 & 0x3F | 0x40}.{pid >> 8 & 0xFF}.{pid & 0xFF}"
    config, log = folder / "osmo-bsc.cfg", folder / "osmo-bsc.log"
    config.write_text(CONFIG.format(host=host, port=PORT), encoding="ascii")
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["osmo-bsc", "-s", "-c", str(config)], cwd=folder, stdout=out, stderr=out
        )
    try:
        _wait_until_it_listens(process, host, log)
        yield host
    finally:
        process.terminate()
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_it_listens(process: subprocess.Popen[bytes], host: str, log: Path) -> None:
    wanted = f"listening at {host}:{PORT}"
    for _ in range(200):
        if wanted in log.read_text(errors="replace"):
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(log.read_text(errors="replace"))
