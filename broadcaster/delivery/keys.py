"""The names of deliveries and batches: made of facts that never change.

The same delivery has the same key after a crash, in a repeat of an attempt, and in the far side's
evidence; that is what keeps a warning from reaching a phone twice.
"""

from __future__ import annotations

from dataclasses import dataclass

_GLUE = "~"
OUTSIDE = ("said.", "code.")
"""How the keys of texts begin that belong to no alert: answers to residents, codes."""


@dataclass(frozen=True, slots=True)
class ChunkKey:
    """One chunk: an alert on a channel, in one round, for one segment (0: not recipients)."""

    alert: str
    channel: str
    round: int
    segment: int

    def delivery(self, position: int) -> str:
        """The key of the delivery at this position."""
        return _GLUE.join(
            (self.alert, self.channel, str(self.round), str(self.segment), str(position))
        )

    def batch(self, first: int, last: int) -> str:
        """The key of the sending that carries these positions."""
        return _GLUE.join(
            (self.alert, self.channel, str(self.round), str(self.segment), f"{first}-{last}")
        )


def parse(delivery: str) -> tuple[ChunkKey, int]:
    """A delivery key taken apart again.  Raises ``ValueError`` when it is not one."""
    alert, channel, round_, segment, position = delivery.rsplit(_GLUE, 4)
    return ChunkKey(alert, channel, int(round_), int(segment)), int(position)
