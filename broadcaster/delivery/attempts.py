"""The states of one chunk while a lane works it off.  Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from broadcaster.delivery import retry
from broadcaster.delivery.contract import Receipt, State
from broadcaster.delivery.keys import ChunkKey
from broadcaster.model.errors import ChannelError, Unknown
from broadcaster.model.states import CODES, REACHED
from broadcaster.store.port import Chunk, Parts, Remark

DOUBTS = frozenset({State.REJECTED, State.UNKNOWN})
"""What every receipt may say, beside what the channel confirms."""


def key_of(chunk: Chunk) -> ChunkKey:
    """The name of a chunk."""
    return ChunkKey(chunk.alert, chunk.channel, chunk.round, chunk.segment or 0)


class Attempts:
    """The states of one chunk while it is being worked off."""

    def __init__(self, chunk: Chunk, *, harmless: bool) -> None:
        self.chunk = chunk
        self.harmless = harmless
        self._remarks: dict[int, Remark] = {}
        self._parts: dict[int, tuple[str, ...]] = {}
        self._told = {""}
        self._targets = chunk.recipients
        # What an earlier attempt may have sent; no failure of a later one takes that back.
        self._doubtful = {
            position for position, code in enumerate(chunk.states) if code == CODES[State.UNKNOWN]
        }

    def pair(self, position: int) -> tuple[str, str]:
        """The language and variant of a position."""
        items = self.chunk.items
        return items[0] if self.chunk.segment is not None else items[position]

    def cells(self, size: int) -> Iterator[tuple[tuple[int, int], list[tuple[int, str]]]]:
        """What is still to send, on a fixed grid of positions.

        Gives the span of each cell with the positions and targets in it.  The grid keeps a batch
        the same batch after a crash, also when somebody in it left meanwhile: its key names the
        span, and a far side that knows the key takes it once.
        """
        wanted = {CODES[State.PLANNED]}
        if self.harmless:
            wanted.add(CODES[State.UNKNOWN])
        recipients = self.chunk.segment is not None
        for first in range(0, len(self.chunk.states), size):
            last = min(first + size, len(self.chunk.states))
            cell = [
                (position, self._targets[position] if recipients else "public")
                for position in range(first, last)
                if self.chunk.states[position] in wanted
                and (not recipients or position in self._targets)
            ]
            if cell:
                yield (first, last - 1), cell

    def mark(self, positions: Sequence[int], state: State) -> None:
        """Move positions without a remark."""
        states = bytearray(self.chunk.states)
        for position in positions:
            states[position] = CODES[state]
        self.chunk.states = bytes(states)

    def settle(self, position: int, state: State, reason: str, reference: str = "") -> None:
        """Move one position and say why."""
        self.mark([position], state)
        self._remarks[position] = Remark(position, state, reason, reference)

    def expire(self, reason: str) -> None:
        """Nothing that is planned will be sent any more."""
        for position, code in enumerate(self.chunk.states):
            if code == CODES[State.PLANNED]:
                self.settle(position, State.EXPIRED, reason)

    def failed(
        self, positions: Sequence[int], error: ChannelError, decision: retry.Retry | retry.GiveUp
    ) -> None:
        """A whole batch failed in one way."""
        failed = State.REJECTED
        if isinstance(decision, retry.Retry):
            failed = State.PLANNED
        elif decision.expired:
            failed = State.EXPIRED
        for position in positions:
            unknown = isinstance(error, Unknown) or position in self._doubtful
            state = State.UNKNOWN if unknown else failed
            if isinstance(decision, retry.Retry):
                self.mark([position], state)
            else:
                self.settle(position, state, decision.reason)

    def received(
        self, positions: Sequence[int], receipts: Sequence[Receipt], confirms: frozenset[State]
    ) -> None:
        """The far side's word, position by position; silence is *unknown*."""
        said = {receipt.key: receipt for receipt in receipts}
        key = key_of(self.chunk)
        simply: dict[State, list[int]] = {}
        for position in positions:
            receipt = said.get(key.delivery(position))
            if receipt is None:
                self.settle(position, State.UNKNOWN, "the far side said nothing about this one")
                continue
            if receipt.state not in confirms | DOUBTS:
                self.settle(
                    position,
                    State.UNKNOWN,
                    f"the channel reports '{receipt.state}', which it cannot know",
                )
                continue
            if receipt.state not in REACHED:
                self.settle(position, receipt.state, receipt.reason, receipt.reference)
                continue
            if receipt.parts:
                self._parts[position] = receipt.parts
            if receipt.reason in self._told:
                simply.setdefault(receipt.state, []).append(position)
                continue
            if self.chunk.segment is not None:
                # Of many who were reached alike, one remark says how.
                self._told.add(receipt.reason)
            self.settle(position, receipt.state, receipt.reason, receipt.reference)
        for state, many in simply.items():
            self.mark(many, state)

    @property
    def remarks(self) -> list[Remark]:
        """Remarks since the last save."""
        return list(self._remarks.values())

    @property
    def parts(self) -> list[Parts]:
        """Ids that the far side gave since the last save."""
        return [Parts(position, ids) for position, ids in self._parts.items()]

    def saved(self) -> None:
        """The store has them."""
        self._remarks.clear()
        self._parts.clear()
