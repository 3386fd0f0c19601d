"""How long the command takes to start, against a bare interpreter."""

from __future__ import annotations

import compileall
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
COMMAND = Path(sys.executable).with_name("broadcaster")


def wall(command: list[str], times: int = 25) -> float:
    """Median wall time in milliseconds."""
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        taken.append((time.perf_counter() - begin) * 1000)
    return statistics.median(taken)


def run() -> None:
    """Bare interpreter, --help, and issue through a running daemon until it is committed."""
    # As an installation has it: compiled once, not at every start.
    for package in ("broadcaster", "channels"):
        compileall.compile_dir(ROOT / package, quiet=1)
    bare = wall([sys.executable, "-I", "-c", "pass"])
    started = wall([sys.executable, "-c", "pass"])
    print(f"bare interpreter (-I)             {bare:7.1f} ms")
    print(f"interpreter with site packages    {started:7.1f} ms  {started / bare:5.2f}x")
    helped = wall([str(COMMAND), "--help"])
    print(f"broadcaster --help                {helped:7.1f} ms  {helped / bare:5.2f}x (goal <= 3x)")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "var"
        env = {**os.environ, "BROADCASTER_DATA": str(data)}
        daemon = subprocess.Popen(
            [str(COMMAND), "serve", "--port", "0"],
            env=env,
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        try:
            while not (data / "broadcaster.sock").exists():
                time.sleep(0.05)
            time.sleep(1)
            issue = [
                str(COMMAND),
                "--data",
                str(data),
                "issue",
                "--hazard",
                "heat",
                "--level",
                "2",
                "--area",
                "dortmund",
                "--expires",
                "6h",
                "--exercise",
                "benchmark",
                "--yes",
                "--wait",
                "0",
                "--json",
            ]
            # In turn, because a machine that has just been idle is slower for both; the bare one
            # first, because after an issue the lanes are at work.
            bares, taken = [], []
            for _ in range(9):
                time.sleep(8)  # let the voices finish: they would compete for the cores
                for kind in ("bare", "issue"):
                    command = issue if kind == "issue" else [sys.executable, "-I", "-c", "pass"]
                    begin = time.perf_counter()
                    # issue ends with 4: committed, and at this instant nothing of it is out yet
                    subprocess.run(
                        command,
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                        check=False,
                    )
                    times = taken if kind == "issue" else bares
                    times.append((time.perf_counter() - begin) * 1000)
            issued, bare = statistics.median(taken), statistics.median(bares)
            print(
                f"issue through a running daemon    {issued:7.1f} ms  {issued / bare:5.2f}x"
                f" of {bare:.1f} ms in turn (goal <= 5x)"
            )
        finally:
            daemon.terminate()
            daemon.wait()
