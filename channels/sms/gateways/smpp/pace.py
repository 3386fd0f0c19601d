"""How fast a route may send: the contracted rate, and less while the SMSC says *too fast*.  Pure.

Time is a number of seconds that is handed in; it must never go back.
"""

from __future__ import annotations

from collections import deque

_BURST = 0.05
"""Seconds of the rate that may go out at once: timers are not finer than that on a busy machine."""
_CALM = 0.25
"""Refusals so shortly after another stem from the same overload and count once."""
_STEP = 0.02
"""A first answer to *too fast*: so much slower."""
_GROWTH = 0.01
"""Per second without refusal, of the rate now: back towards what the contract says."""
_LONGEST_PAUSE = 1.0
"""Seconds to wait after refusals with nothing taken between them; it grows from a burst."""
_SLOWEST = 1.0
"""Segments per second; below it nothing could be learnt."""


class Pace:
    """A bucket of tokens that fills with the rate; the rate adapts to what is refused."""

    def __init__(self, rate: float | None, now: float) -> None:
        self._contracted = rate
        self.rate = rate
        """Segments per second at present; ``None``: as fast as the window allows."""
        self._tokens = 1.0
        self._filled = now
        self._cut = now - 1
        self._not_before = now
        self._pause = 0.0
        self._taken: deque[tuple[float, int]] = deque()
        self._count = 0

    def wait(self, now: float) -> float:
        """Seconds until a segment may go out; zero: now."""
        if now < self._not_before:
            return self._not_before - now
        if self.rate is None:
            return 0.0
        self._fill(now)
        return 0.0 if self._tokens >= 1 else (1 - self._tokens) / self.rate

    def sent(self) -> None:
        """One went out."""
        self._tokens -= 1

    def accepted(self, count: int, now: float) -> None:
        """So many were taken; what a second takes is what a refusal is measured against."""
        self._pause = 0.0
        self._count += count
        if self._taken and now - self._taken[-1][0] < _BURST:
            self._taken[-1] = (self._taken[-1][0], self._taken[-1][1] + count)
        else:
            self._taken.append((now, count))
            self._forget(now)

    def throttled(self, now: float) -> None:
        """One was refused as too fast: slower, but never less than half of before."""
        if now - self._cut < _CALM:
            return
        self._forget(now)
        self._cut = self._filled = now
        self._tokens = 0.0
        self._not_before = now + self._pause
        self._pause = min(max(2 * self._pause, _BURST), _LONGEST_PAUSE)
        if self._taken:
            speed = self._count / max(now - self._taken[0][0], _BURST)
            before = speed if self.rate is None else self.rate
            self.rate = max(_SLOWEST, before / 2, min(before * (1 - _STEP), speed))

    def _fill(self, now: float) -> None:
        assert self.rate is not None
        spent = now - self._filled
        self._filled = now
        if now - self._cut > _CALM and self.rate != self._contracted:
            self.rate *= 1 + _GROWTH * spent
            if self._contracted is not None:
                self.rate = min(self.rate, self._contracted)
        self._tokens = min(max(1.0, self.rate * _BURST), self._tokens + self.rate * spent)

    def _forget(self, now: float) -> None:
        while self._taken and now - self._taken[0][0] > 1:
            self._count -= self._taken.popleft()[1]
