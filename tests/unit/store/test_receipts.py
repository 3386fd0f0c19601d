"""What a far side says later finds its delivery, in whatever order it comes."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadcaster.model.states import CODES, State
from broadcaster.store.port import Evidence, Parts
from broadcaster.store.sqlite import SqliteStore
from broadcaster.testing import IDENTIFIER, NOON
from tests.unit.store.store_examples import PHONES, claim, new_alert, phone, raw


@pytest.fixture
async def store(tmp_path):
    store = SqliteStore(tmp_path)
    yield store
    await store.close()


async def attempt(store, people=2, identifier=IDENTIFIER, **changes):
    """A chunk whose people are being told just now."""
    await store.subscribe("texts", [phone(n) for n in range(people)], NOON)
    alert = new_alert(identifier, sends=(PHONES,), **changes)
    await store.commit(alert, NOON, hold=False, detail={})
    chunk = await claim(store)
    chunk.states = bytes([CODES[State.ATTEMPTING]]) * people
    assert await store.progress(chunk, remarks=(), now=NOON, lease=30)
    return chunk


async def accept(store, chunk, *parts):
    chunk.states = bytes([CODES[State.ACCEPTED]]) * len(chunk.states)
    await store.finish(chunk, remarks=(), parts=parts, now=NOON, again=None, reason="")


def says(reference, state=State.DELIVERED, reason=""):
    return Evidence(state=state, reference=reference, reason=reason)


async def hear(store, *evidence, now=NOON):
    return await store.receive("texts", evidence, now)


async def counts(store, identifier=IDENTIFIER):
    lines, _ = await store.report(identifier)
    return {s.value: n for line in lines for s, n in line.counts.items()}


async def test_a_receipt_that_names_a_part_alone_reaches_its_delivery_also_after_a_restart(
    tmp_path,
):
    first = SqliteStore(tmp_path)
    chunk = await attempt(first)
    await accept(first, chunk, Parts(0, ("a",)), Parts(1, ("b",)))
    await first.close()
    store = SqliteStore(tmp_path)

    learnt = await hear(store, says("b"))

    assert (learnt.moved, learnt.alerts) == (1, {IDENTIFIER})
    assert await counts(store) == {"accepted": 1, "delivered": 1}
    await store.close()


async def test_a_text_is_delivered_when_all_its_parts_are(store):
    chunk = await attempt(store, 1)
    await accept(store, chunk, Parts(0, ("a", "b", "c")))

    await hear(store, says("b"), says("a"))
    assert await counts(store) == {"accepted": 1}
    assert (await hear(store, says("b"))).moved == 0
    assert await counts(store) == {"accepted": 1}, "the same part twice is no second part"

    await hear(store, says("c"))
    assert await counts(store) == {"delivered": 1}


async def test_a_text_has_got_as_far_as_its_last_part(store):
    chunk = await attempt(store, 1)
    await accept(store, chunk, Parts(0, ("a", "b")))

    await hear(store, says("a"))
    assert await counts(store) == {"accepted": 1}
    await hear(store, says("b", State.SENT))
    assert await counts(store) == {"sent": 1}
    await hear(store, says("b"))
    assert await counts(store) == {"delivered": 1}


@pytest.mark.parametrize("end", [State.REJECTED, State.EXPIRED])
async def test_one_part_that_never_arrives_decides_for_the_whole(store, end):
    chunk = await attempt(store, 1)
    await accept(store, chunk, Parts(0, ("a", "b")))

    await hear(store, says("a"), says("b", end, "the phone was off"))
    assert await counts(store) == {end.value: 1}
    lines, _ = await store.report(IDENTIFIER)
    assert lines[0].reasons == ("the phone was off",)

    assert (await hear(store, says("b"))).unknown == 1
    assert await counts(store) == {end.value: 1}


async def test_a_receipt_that_overtakes_the_outcome_is_kept_and_heeded_with_it(tmp_path):
    first = SqliteStore(tmp_path)
    chunk = await attempt(first)
    learnt = await hear(first, says("a"), says("b", State.REJECTED, "no such number"))
    assert (learnt.early, learnt.moved, learnt.unknown) == (2, 0, 0)
    assert (await hear(first, says("a"))).repeated == 1

    await accept(first, chunk, Parts(0, ("a",)), Parts(1, ("b",)))

    assert await counts(first) == {"delivered": 1, "rejected": 1}
    assert raw(tmp_path).execute("SELECT count(*) FROM early").fetchone() == (0,)
    await first.close()


async def test_an_early_receipt_survives_the_saves_of_a_chunk_that_is_still_out(store):
    chunk = await attempt(store)
    await hear(store, says("a"))
    chunk.states = bytes([CODES[State.ACCEPTED], CODES[State.ATTEMPTING]])
    await store.progress(chunk, remarks=(), parts=[Parts(0, ("a",))], now=NOON, lease=30)
    chunk.states = bytes([CODES[State.ACCEPTED], CODES[State.ACCEPTED]])
    await store.finish(chunk, remarks=(), parts=[Parts(1, ("b",))], now=NOON, again=None, reason="")

    assert await counts(store) == {"delivered": 1, "accepted": 1}


async def test_what_belongs_to_nothing_is_counted_and_leaves_nothing_behind(store, tmp_path):
    chunk = await attempt(store, 1)
    assert (await hear(store, says("nobody's"))).early == 1
    await accept(store, chunk, Parts(0, ("a",)))
    assert raw(tmp_path).execute("SELECT count(*) FROM early").fetchone() == (0,)

    learnt = await hear(store, says("stranger"), says("a"), says("a"))

    assert (learnt.unknown, learnt.moved) == (2, 1), "an id is forgotten with its last receipt"
    assert await store.tally("texts") == {"unknown": 3}
    assert await store.tally("others") == {}


async def test_an_id_is_kept_only_as_long_as_it_is_waited_for(store, tmp_path):
    chunk = await attempt(store)
    await accept(store, chunk, Parts(0, ("a", "b")), Parts(1, ("c",)))
    await hear(store, says("a"), says("c", State.SENT))
    rows = raw(tmp_path).execute("SELECT reference FROM part ORDER BY 1").fetchall()
    assert rows == [("b",), ("c",)]


async def test_another_channels_id_is_another_id(store):
    chunk = await attempt(store, 1)
    await accept(store, chunk, Parts(0, ("a",)))

    assert (await store.receive("others", [says("a")], NOON)).unknown == 1
    assert await counts(store) == {"accepted": 1}


async def test_ids_are_kept_until_some_days_after_the_alert_ended(store, tmp_path):
    chunk = await attempt(store, 1, expires=NOON + timedelta(hours=6))
    await accept(store, chunk, Parts(0, ("a", "b")))
    kept = "SELECT count(*) FROM part"

    await store.sweep(NOON + timedelta(days=3))
    assert raw(tmp_path).execute(kept).fetchone() == (2,)
    await store.sweep(NOON + timedelta(days=3, hours=7))
    assert raw(tmp_path).execute(kept).fetchone() == (0,)
    assert await counts(store) == {"accepted": 1}, "the outcome stays"


async def test_a_sweep_goes_on_until_everything_old_is_gone(store, tmp_path, monkeypatch):
    monkeypatch.setattr("broadcaster.store.sql_receipts.AT_ONCE", 1)
    for n in range(3):
        chunk = await attempt(store, 1, identifier=f"a.{n}")
        await accept(store, chunk, Parts(0, (f"{n}",)))

    await store.sweep(NOON + timedelta(days=30))

    assert raw(tmp_path).execute("SELECT count(*) FROM part").fetchone() == (0,)


RANK = {State.ACCEPTED: 0, State.SENT: 1, State.DELIVERED: 2}


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    told=st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from([State.SENT, State.DELIVERED])),
        max_size=12,
    ),
    outcome_after=st.integers(0, 12),
)
async def test_in_any_order_the_whole_is_where_its_slowest_part_is(
    tmp_path_factory, told, outcome_after
):
    store = SqliteStore(tmp_path_factory.mktemp("store"))
    chunk = await attempt(store, 1)
    for at, (name, state) in enumerate(told):
        if at == outcome_after:
            await accept(store, chunk, Parts(0, ("a", "b", "c")))
        await hear(store, says(name, state))
    if outcome_after >= len(told):
        await accept(store, chunk, Parts(0, ("a", "b", "c")))

    reached = dict.fromkeys("abc", State.ACCEPTED)
    for name, state in told:
        reached[name] = max(reached[name], state, key=RANK.__getitem__)
    slowest = min(reached.values(), key=RANK.__getitem__)
    assert await counts(store) == {slowest.value: 1}
    await store.close()


async def test_a_later_word_about_the_same_state_replaces_the_earlier_one(store):
    chunk = await attempt(store, 1)
    await accept(store, chunk)

    def cells(count):
        reason = f"installed in {count} cells"
        delivery = (IDENTIFIER, chunk.round, chunk.segment, 0)
        return Evidence(state=State.SENT, reference="", reason=reason, delivery=delivery)

    assert (await hear(store, cells(4))).moved == 1
    learnt = await hear(store, cells(1))
    assert (learnt.moved, learnt.alerts) == (1, {IDENTIFIER})
    lines, _ = await store.report(IDENTIFIER)
    assert [reason for line in lines for reason in line.reasons] == ["installed in 1 cells"]
    assert (await hear(store, cells(1))).moved == 0
