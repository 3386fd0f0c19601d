"""What every channel owes, as a suite that its tests inherit.

::

    class TestPager(ChannelContract):
        @pytest.fixture
        def channel_type(self):
            return PagerChannel

pytest collects the subclass only.  The suite writes nothing but into ``tmp_path``, needs no
network, and speaks to the channel's embedded driver: give :meth:`ChannelContract.raw_settings`
the settings that select it.
"""

# ruff: noqa: D102 - the name of a test is the sentence that a docstring would repeat

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import shutil
import time
import unicodedata
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from broadcaster.delivery.contract import (
    API,
    Channel,
    ChannelType,
    Env,
    Fitted,
    Format,
    Rendition,
    Sense,
    State,
    Variant,
)
from broadcaster.model.cap import MsgType
from broadcaster.model.errors import (
    BadInput,
    BroadcasterError,
    ChannelError,
    DoesNotFit,
    Unsupported,
)
from broadcaster.model.states import REACHED
from broadcaster.testing import values
from broadcaster.testing.bench import TEXTS, Bench

CANARY = "canary-7f3a"
"""Stands for a secret; it must never be quoted back."""


class ChannelContract:
    """Inherit, and override :meth:`channel_type`."""

    @pytest.fixture
    def channel_type(self) -> type[ChannelType]:
        """The kind under test."""
        raise NotImplementedError("override the fixture `channel_type`")

    @pytest.fixture
    def raw_settings(self) -> dict[str, Any]:
        """Its part of ``config.yaml``: the least that opens an embedded driver."""
        return {}

    @pytest.fixture
    def secrets(self) -> dict[str, Any]:
        """Settings that hold secrets, each with a value containing :data:`CANARY`."""
        return {}

    @pytest.fixture
    def language(self) -> str:
        """A language that the channel surely carries."""
        return "de"

    @pytest.fixture
    def text(self) -> str:
        """A text that the channel surely carries in that language."""
        return "Starkregen. Bleiben Sie im Haus."

    def handed_over(self, env: Env) -> object:
        """What has left so far, as a value that can be compared; default: files put out."""
        return {
            str(path.relative_to(env.output_dir)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(env.output_dir.rglob("*"))
            if path.is_file() and path.stat().st_size
        }

    # ---- fixtures that need no overriding ----------------------------------------------------

    @pytest.fixture
    def env(self, tmp_path: Path, channel_type: type[ChannelType]) -> Env:
        """Folders of its own and a clock that stands at noon."""
        return values.env(tmp_path, name=channel_type.kind)

    @pytest.fixture
    def bench(
        self,
        channel_type: type[ChannelType],
        raw_settings: dict[str, Any],
        env: Env,
        language: str,
        text: str,
    ) -> Bench:
        """The channel, ready to be opened."""
        return Bench(channel_type, raw_settings, env, language, text)

    # ---- what it says of itself --------------------------------------------------------------

    def test_it_is_written_for_this_contract_and_names_its_kind(
        self, channel_type: type[ChannelType]
    ) -> None:
        assert channel_type.api == API
        assert channel_type.kind
        assert channel_type.kind == channel_type.kind.strip().lower()

    def test_its_capabilities_are_data_and_agree_with_one_another(self, bench: Bench) -> None:
        async def act(channel: Channel) -> None:
            can = channel.capabilities
            assert can.operations
            assert can.operations <= {MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL}
            assert can.confirms <= REACHED
            assert can.senses
            assert can.senses <= set(Sense)
            assert can.formats
            assert set(can.formats) <= set(Format)
            assert can.variants
            assert set(can.variants) <= set(Variant)
            assert can.max_batch >= 1
            assert can.addressing is bench.type_.addressing
            assert isinstance(channel, Channel)

        bench.run(act)

    def test_its_capabilities_are_read_without_touching_its_folders(self, bench: Bench) -> None:
        async def act(channel: Channel) -> None:
            before = channel.capabilities
            for folder in (bench.env.output_dir, bench.env.data_dir):
                shutil.rmtree(folder.parent, ignore_errors=True)
            assert channel.capabilities == before
            assert not bench.env.output_dir.exists()
            assert not bench.env.data_dir.exists()

        bench.run(act)

    # ---- settings ----------------------------------------------------------------------------

    def test_every_unknown_setting_is_named_at_once_and_no_value_is_quoted(
        self, channel_type: type[ChannelType], raw_settings: dict[str, Any]
    ) -> None:
        wrong = {"no_such_setting": CANARY, "another": [CANARY], "a third": {"deep": CANARY}}

        with pytest.raises(BadInput) as raised:
            channel_type.settings({**raw_settings, **wrong})

        assert set(wrong) <= {problem.path for problem in raised.value.problems}
        assert all(problem.says for problem in raised.value.problems)
        assert CANARY not in str(raised.value)

    def test_its_kind_is_no_unknown_setting(
        self, channel_type: type[ChannelType], raw_settings: dict[str, Any]
    ) -> None:
        channel_type.settings({"kind": channel_type.kind, **raw_settings})

    def test_no_secret_shows_in_its_settings(
        self,
        channel_type: type[ChannelType],
        raw_settings: dict[str, Any],
        secrets: dict[str, Any],
    ) -> None:
        checked = channel_type.settings({**raw_settings, **secrets})

        assert CANARY not in repr(checked)
        assert CANARY not in str(checked)

    # ---- fit ---------------------------------------------------------------------------------

    @pytest.mark.parametrize("name", TEXTS)
    def test_a_text_fits_or_is_refused_with_a_reason(self, bench: Bench, name: str) -> None:
        async def act(channel: Channel) -> None:
            outcome = _fit(channel, bench.rendition(channel, *TEXTS[name]))
            if isinstance(outcome, Fitted):
                assert outcome.parts
                assert 0 <= outcome.used <= outcome.limit
                assert outcome.unit
                return
            if isinstance(outcome, DoesNotFit):
                assert outcome.surplus > 0
                assert outcome.unit
            for problem in outcome.problems:
                assert len(problem.says) > 10
                assert "Error" not in problem.says
                assert "\n" not in problem.says

        bench.run(act)

    @pytest.mark.parametrize("name", TEXTS)
    def test_the_far_end_shows_every_letter_and_what_else_changed_is_noted(
        self, bench: Bench, name: str
    ) -> None:
        async def act(channel: Channel) -> None:
            rendition = bench.rendition(channel, *TEXTS[name])
            outcome = _fit(channel, rendition)
            if not isinstance(outcome, Fitted):
                return
            text = unicodedata.normalize("NFC", rendition.text)
            assert list(_letters(outcome.shows)) == list(_letters(text))
            assert outcome.shows.count("?") == text.count("?")
            assert "\N{REPLACEMENT CHARACTER}" not in outcome.shows
            if outcome.shows != text:
                assert outcome.notes

        bench.run(act)

    def test_fit_is_pure(self, bench: Bench) -> None:
        async def act(channel: Channel) -> None:
            wanted = [bench.rendition(channel, *row) for row in TEXTS.values()]
            before = self.handed_over(bench.env)
            first = [_told(_fit(channel, one)) for one in wanted]
            again = [_told(_fit(channel, one)) for one in reversed(wanted)]

            assert first == again[::-1]
            assert self.handed_over(bench.env) == before
            assert [channel.resources(one) for one in wanted] == [
                channel.resources(one) for one in wanted
            ]

        bench.run(act)

    # ---- send --------------------------------------------------------------------------------

    @pytest.mark.parametrize("operation", [MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL])
    def test_a_delivery_gets_one_receipt_or_none_and_no_more_than_it_can_confirm(
        self, bench: Bench, operation: MsgType
    ) -> None:
        async def act(channel: Channel) -> None:
            can = channel.capabilities
            if operation not in can.operations:
                pytest.skip(f"{bench.type_.kind} cannot carry a CAP {operation}")
            if operation is not MsgType.ALERT:
                await channel.send(bench.batch(channel))
            batch = bench.batch(channel, operation)
            receipts = await channel.send(batch)

            keys = [receipt.key for receipt in receipts]
            assert len(keys) == len(set(keys))
            assert set(keys) <= {delivery.key for delivery in batch.deliveries}
            allowed = can.confirms | {State.REJECTED, State.UNKNOWN}
            assert {receipt.state for receipt in receipts} <= allowed
            for receipt in receipts:
                assert receipt.state in REACHED or receipt.reason

        bench.run(act)

    def test_where_repeating_is_harmless_the_same_key_is_handed_over_once(
        self, bench: Bench
    ) -> None:
        async def act(channel: Channel) -> None:
            if not channel.capabilities.repeat_is_harmless:
                pytest.skip(f"{bench.type_.kind} does not claim that repeating is harmless")
            await channel.send(bench.batch(channel))
            before = self.handed_over(bench.env)
            await channel.send(bench.batch(channel))
            assert self.handed_over(bench.env) == before

        bench.run(act)
        before = self.handed_over(bench.env)

        async def again(channel: Channel) -> None:
            await channel.send(bench.batch(channel))
            assert self.handed_over(bench.env) == before, "handed over again after a restart"

        bench.run(lambda channel: _if_harmless(channel, again))

    def test_a_cancelled_send_ends_within_a_second(self, bench: Bench) -> None:
        async def act(channel: Channel) -> None:
            task = asyncio.ensure_future(channel.send(bench.batch(channel)))
            await asyncio.sleep(0.001)
            began = time.monotonic()
            task.cancel()
            done, _ = await asyncio.wait({task}, timeout=1)
            assert done, "send goes on after it was cancelled"
            assert time.monotonic() - began < 1
            if not task.cancelled():
                assert task.exception() is None

        bench.run(act)

    @pytest.mark.parametrize("trouble", ["in the way", "gone"])
    def test_a_broken_output_folder_is_an_error_of_the_contract_and_leaks_no_address(
        self, bench: Bench, trouble: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        # The folder above: a channel may repair its own folder, but nobody writes into a file.
        above = bench.env.output_dir.parent

        async def act(channel: Channel) -> None:
            batch = bench.batch(channel, target=values.NUMBER)
            shutil.rmtree(above, ignore_errors=True)
            if trouble == "in the way":
                above.write_bytes(b"")
            try:
                receipts = await channel.send(batch)
            except ChannelError as error:
                _hides(values.NUMBER, error)
                return
            if any(one.state in REACHED for one in receipts):
                assert self.handed_over(bench.env), "confirmed, and nothing was handed over"
            for receipt in receipts:
                assert values.NUMBER not in repr(receipt)

        bench.run(act)
        assert values.NUMBER not in caplog.text

    def test_an_output_folder_that_cannot_be_made_is_told_at_opening_or_sending(
        self, bench: Bench
    ) -> None:
        above = bench.env.output_dir.parent
        above.write_bytes(b"")

        async def act(channel: Channel) -> None:
            receipts = await channel.send(bench.batch(channel, target=values.NUMBER))
            assert not [one for one in receipts if one.state in REACHED]

        with contextlib.suppress(BroadcasterError):
            bench.run(act)

    def test_no_address_is_printed_or_logged(
        self, bench: Bench, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)

        async def act(channel: Channel) -> None:
            batch = bench.batch(channel, target=values.NUMBER)
            receipts = await channel.send(batch)
            assert values.NUMBER not in repr((channel, batch, receipts))

        bench.run(act)
        assert values.NUMBER not in caplog.text

    # ---- the rest ----------------------------------------------------------------------------

    def test_ping_alarms_nobody(self, bench: Bench) -> None:
        async def act(channel: Channel) -> None:
            before = self.handed_over(bench.env)
            try:
                said = await channel.ping()
            except ChannelError as error:
                said = error.problems[0].says
            assert said
            assert self.handed_over(bench.env) == before

        bench.run(act)

    def test_late_evidence_ends_or_can_be_cancelled(self, bench: Bench) -> None:
        async def act(channel: Channel) -> None:
            async def listen() -> None:
                async for receipt in channel.receipts():
                    assert receipt.key

            task = asyncio.ensure_future(listen())
            await asyncio.wait({task}, timeout=0.05)
            task.cancel()
            done, _ = await asyncio.wait({task}, timeout=1)
            assert done, "receipts() goes on after it was cancelled"

        bench.run(act)

    def test_it_can_be_opened_again_after_it_was_closed(self, bench: Bench) -> None:
        async def act(channel: Channel) -> None:
            assert channel.capabilities

        bench.run(act)
        bench.run(act)


async def _if_harmless(channel: Channel, act: Callable[[Channel], Awaitable[None]]) -> None:
    if channel.capabilities.repeat_is_harmless:
        await act(channel)


def _fit(channel: Channel, rendition: Rendition) -> Fitted | DoesNotFit | Unsupported:
    try:
        return channel.fit(rendition)
    except (DoesNotFit, Unsupported) as error:
        return error


def _told(outcome: Fitted | ChannelError) -> object:
    return outcome if isinstance(outcome, Fitted) else (type(outcome), outcome.problems)


def _letters(text: str) -> Iterator[str]:
    """Letters, marks and digits, and the joiners that change how letters are read."""
    return (c for c in text if unicodedata.category(c)[0] in "LMN" or c in "\u200c\u200d")


def _hides(address: str, error: BaseException) -> None:
    """The address shows neither in the error nor in what caused it."""
    seen: BaseException | None = error
    while seen is not None:
        assert address not in str(seen)
        assert address not in repr(seen)
        seen = seen.__cause__ or seen.__context__
