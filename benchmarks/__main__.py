"""``make bench``: every figure is a ratio taken in one run, so that it holds on any machine."""

from __future__ import annotations

from benchmarks import cells, queue, rendering, smpp, sms, startup


def main() -> None:
    """Run everything and print one line per figure."""
    startup.run()
    rendering.run()
    queue.run()
    sms.run()
    smpp.run()
    cells.run()


main()
