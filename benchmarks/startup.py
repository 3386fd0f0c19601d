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
            taken = []
            for _ in range(10):
                begin = time.perf_counter()
                # exit 3 or 4: committed, and at this instant not all of it is out
                subprocess.run(
                    issue, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
                )
                taken.append((time.perf_counter() - begin) * 1000)
                time.sleep(8)  # let the voices finish: they would compete for the two cores
            issued = statistics.median(taken)
            print(
                f"issue through a running daemon    {issued:7.1f} ms  {issued / bare:5.2f}x"
                " (goal <= 5x)"
            )
        finally:
            daemon.terminate()
            daemon.wait()
