"""The inherited suite finds channels that break their promises."""

import asyncio
from dataclasses import replace

import pytest

from broadcaster.delivery.contract import Fitted, State
from broadcaster.model.cap import MsgType
from broadcaster.model.errors import BadInput, DoesNotFit, Problem
from broadcaster.testing import ChannelContract, RecordingChannel, env
from broadcaster.testing.bench import Bench
from broadcaster.testing.channels import CAPABILITIES


def put(channel):
    channel.env.output_dir.mkdir(parents=True, exist_ok=True)
    name = f"{len(list(channel.env.output_dir.iterdir()))}.txt"
    (channel.env.output_dir / name).write_text("handed over")


class Replaces(RecordingChannel):
    def fit(self, rendition):
        data = rendition.text.encode("ascii", "replace")
        return Fitted(parts=(data,), shows=data.decode(), used=1, limit=2, unit="bytes")


class Forgets(RecordingChannel):
    count = 0

    def fit(self, rendition):
        type(self).count += 1
        return replace(super().fit(rendition), used=self.count)


class Mumbles(RecordingChannel):
    def fit(self, rendition):
        raise DoesNotFit(Problem("x", "no"), surplus=0, unit="")


class Rings(RecordingChannel):
    async def ping(self):
        put(self)
        return "rang"


class Doubles(RecordingChannel):
    can = replace(CAPABILITIES, repeat_is_harmless=True)

    async def send(self, batch):
        put(self)
        return await super().send(batch)


class Boasts(RecordingChannel):
    can = replace(CAPABILITIES, confirms=frozenset({State.ACCEPTED}))

    async def send(self, batch):
        return self._take(batch, State.DELIVERED)


class Stays(RecordingChannel):
    async def send(self, batch):
        for _ in range(150):
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue
        return []


class Quotes(RecordingChannel):
    @classmethod
    def settings(cls, raw):
        if raw:
            raise BadInput([Problem(str(key), f"{value!r} is wrong") for key, value in raw.items()])


class Senseless(RecordingChannel):
    can = replace(CAPABILITIES, senses=frozenset())


@pytest.mark.parametrize(
    ("kind", "promise", "more"),
    [
        (Replaces, "the_far_end_shows_every_letter_and_what_else_changed_is_noted", ["Arabic"]),
        (Forgets, "fit_is_pure", []),
        (Mumbles, "a_text_fits_or_is_refused_with_a_reason", ["German"]),
        (Rings, "ping_alarms_nobody", []),
        (Doubles, "where_repeating_is_harmless_the_same_key_is_handed_over_once", []),
        (
            Boasts,
            "a_delivery_gets_one_receipt_or_none_and_no_more_than_it_can_confirm",
            [MsgType.ALERT],
        ),
        (Stays, "a_cancelled_send_ends_within_a_second", []),
        (Senseless, "its_capabilities_are_data_and_agree_with_one_another", []),
    ],
)
def test_a_broken_promise_is_found(tmp_path, kind, promise, more):
    bench = Bench(kind, {}, env(tmp_path), "de", "Regen.")

    with pytest.raises(AssertionError):
        getattr(ChannelContract(), f"test_{promise}")(bench, *more)


def test_a_settings_check_that_quotes_values_is_found():
    check = ChannelContract().test_every_unknown_setting_is_named_at_once_and_no_value_is_quoted

    with pytest.raises(AssertionError):
        check(Quotes, {})
