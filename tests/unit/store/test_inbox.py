"""What residents write: sealed until it is done, known by its key, and forgotten in time."""

import time
from datetime import timedelta

import pytest

from broadcaster.store.inbox import Deed
from broadcaster.store.sqlite import SqliteStore
from broadcaster.testing import NOON
from tests.unit.store.store_examples import number, phone, raw

STOP = Deed(command="stop", erase=True, answer="GOODBYE", language="de")
HELP = Deed(command="help", answer="HELP", language="de")


@pytest.fixture
async def store(tmp_path):
    store = SqliteStore(tmp_path)
    yield store
    await store.close()


async def keep(store, n, text="STOP", key="mo-1", channel="texts"):
    return await store.inbox.keep(channel, key, number(n), text, NOON)


async def test_a_message_is_kept_once_by_channel_key_and_sender(store):
    assert await keep(store, 1)
    assert not await keep(store, 1)
    assert await keep(store, 2)
    assert await keep(store, 1, key="mo-2")
    assert await keep(store, 1, channel="calls")

    assert len(await store.inbox.new("texts", "texts", 0)) == 3


async def test_new_messages_come_oldest_first_a_hundred_at_a_time(store):
    for n in range(120):
        await keep(store, n)
    first = await store.inbox.new("texts", "texts", 0)
    rest = await store.inbox.new("texts", "texts", first[-1].id)

    assert [m.address for m in (*first, *rest)] == [number(n) for n in range(120)]
    assert len(first) == 100
    assert number(3) not in repr(first)
    assert "STOP" not in repr(first)


async def test_what_the_sender_has_is_told_of_the_public_channel(store):
    await store.subscribe("texts", [phone(1, language="tr")], NOON)
    await keep(store, 1, channel="texts.exercise")
    await keep(store, 2, channel="texts.exercise")

    one, other = await store.inbox.new("texts.exercise", "texts", 0)
    assert (one.language, other.language) == ("tr", None)


async def test_what_was_written_is_sealed_until_it_is_settled_and_then_gone(store, tmp_path):
    await keep(store, 1, text="Wortlaut")
    (message,) = await store.inbox.new("texts", "texts", 0)
    db = raw(tmp_path)
    (sealed,) = db.execute("SELECT message FROM inbox").fetchone()
    assert b"Wortlaut" not in sealed

    await store.inbox.act(message.id, "texts", HELP, NOON)
    answer = await store.inbox.take_answer("texts", NOON)
    assert answer.address == number(1)
    assert number(1) not in repr(answer)
    assert "39200" not in answer.key
    await store.inbox.settle(answer.id)
    db.close()
    await store.close()

    for file in tmp_path.glob("broadcaster.db*"):
        assert sealed not in file.read_bytes(), file.name


async def test_an_answer_is_handed_out_once(store):
    await keep(store, 1)
    (message,) = await store.inbox.new("texts", "texts", 0)
    await store.inbox.act(message.id, "texts", HELP, NOON)

    assert await store.inbox.take_answer("texts", NOON) is not None
    assert await store.inbox.take_answer("texts", NOON) is None
    assert await store.inbox.interrupted("texts") == 1
    assert await store.inbox.take_answer("texts", NOON) is None


async def test_acting_twice_does_it_once(store):
    await keep(store, 1)
    (message,) = await store.inbox.new("texts", "texts", 0)
    assert await store.inbox.act(message.id, "texts", STOP, NOON)
    await store.subscribe("texts", [phone(1)], NOON)
    assert await store.inbox.act(message.id, "texts", STOP, NOON)

    assert await store.subscribers("texts") == {("de", "short"): 1}


async def test_a_change_of_the_key_keeps_what_is_not_done_and_knows_it_again(store):
    await store.subscribe("texts", [phone(1)], NOON)
    await keep(store, 1)
    await keep(store, 2, text="HELP")
    await store.rotate_key()

    assert not await keep(store, 1)
    one, other = await store.inbox.new("texts", "texts", 0)
    assert (one.address, one.text, one.language) == (number(1), "STOP", "de")
    assert await store.inbox.act(one.id, "texts", STOP, NOON)
    assert await store.inbox.act(other.id, "texts", HELP, NOON)
    assert await store.subscribers("texts") == {}


async def test_after_its_time_everything_is_deleted_and_counted(store, tmp_path):
    await keep(store, 1)
    (message,) = await store.inbox.new("texts", "texts", 0)
    await store.inbox.act(message.id, "texts", STOP, NOON)
    await keep(store, 2, text="Hallo")

    assert await store.inbox.counts() == {"stop": 1, "new": 1}
    assert await store.inbox.forget(NOON + timedelta(days=6)) == {}
    assert await store.inbox.forget(NOON + timedelta(days=8)) == {"stop": 1, "new": 1}
    assert raw(tmp_path).execute("SELECT count(*) FROM inbox").fetchone() == (0,)


async def test_an_id_is_never_used_again(store):
    await keep(store, 1)
    (first,) = await store.inbox.new("texts", "texts", 0)
    await store.inbox.forget(NOON + timedelta(days=8))
    await keep(store, 1)
    (second,) = await store.inbox.new("texts", "texts", 0)
    assert second.id > first.id


async def test_leaving_takes_milliseconds_among_a_hundred_thousand(store):
    many = 100_000
    await store.subscribe("texts", [phone(n) for n in range(many)], NOON)
    await keep(store, 77_777)
    (message,) = await store.inbox.new("texts", "texts", 0)
    began = time.perf_counter()
    await store.inbox.act(message.id, "texts", STOP, NOON)
    assert time.perf_counter() - began < 0.1
    assert await store.subscribers("texts") == {("de", "short"): many - 1}
