"""Who subscribes: kept sealed, kept in segments, and told only what they asked for."""

import logging
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcaster.model.errors import Unavailable
from broadcaster.model.states import State, count
from broadcaster.store.addresses import AddressBook
from broadcaster.store.sqlite import SqliteStore
from broadcaster.testing import NOON
from tests.unit.store.store_examples import PHONES, claim, new_alert, number, phone, raw


@pytest.fixture
async def store(tmp_path):
    store = SqliteStore(tmp_path)
    yield store
    await store.close()


async def commit(store, **changes):
    await store.commit(new_alert(sends=(PHONES,), **changes), NOON, hold=False, detail={})


async def claim_all(store):
    chunks = []
    while chunk := await claim(store):
        chunks.append(chunk)
        await store.finish(chunk, remarks=(), now=NOON, again=None, reason="")
    return chunks


async def test_1201_subscribers_are_three_chunks_and_nobody_is_lost_or_doubled(store):
    assert await store.subscribe("texts", [phone(n) for n in range(1201)], NOON) == 1201
    await commit(store)

    chunks = await claim_all(store)

    assert sorted(len(chunk.recipients) for chunk in chunks) == [201, 500, 500]
    reached = [address for chunk in chunks for address in chunk.recipients.values()]
    assert sorted(reached) == [number(n) for n in range(1201)]


async def test_each_language_and_variant_has_segments_of_its_own(store):
    wishes = [("de", "short"), ("de", "plain"), ("tr", "short")]
    await store.subscribe(
        "texts",
        [phone(n, language=wishes[n % 3][0], variant=wishes[n % 3][1]) for n in range(30)],
        NOON,
    )

    assert await store.subscribers("texts") == dict.fromkeys(wishes, 10)
    await commit(store)
    (chunk,) = await claim_all(store)
    assert len(chunk.recipients) == 10


@pytest.mark.parametrize(
    ("wish", "alert", "wanted"),
    [
        ({}, {}, True),
        ({"areas": ("dortmund-hoerde",)}, {"areas": ("dortmund-hoerde", "dortmund")}, True),
        ({"areas": ("dortmund-hoerde",)}, {"areas": ("dortmund-mengede",)}, False),
        ({"areas": ("dortmund-hoerde",)}, {"areas": ()}, False),
        ({"areas": ("hoerde", "mengede")}, {"areas": ("mengede",)}, True),
        ({"hazards": ("heat",)}, {"hazard": "heat"}, True),
        ({"hazards": ("heat",)}, {"hazard": "flood"}, False),
        ({"hazards": ("heat",)}, {"hazard": ""}, True),  # relayed: it may be heat
        ({"hazards": ("heat", "flood")}, {"hazard": "flood"}, True),
        ({"minimum": 3}, {"severity": "Severe"}, True),
        ({"minimum": 3}, {"severity": "Moderate"}, False),
        ({"minimum": 4}, {"severity": "Extreme"}, True),
        ({"minimum": 0}, {"severity": "Unknown"}, True),
        ({"areas": ("a",), "hazards": ("heat",)}, {"areas": ("a",), "hazard": "flood"}, False),
    ],
)
async def test_a_subscriber_gets_what_she_asked_for_and_nothing_else(store, wish, alert, wanted):
    await store.subscribe("texts", [phone(1), phone(2, **wish)], NOON)
    await commit(store, **alert)

    (chunk,) = await claim_all(store)

    assert (number(2) in chunk.recipients.values()) is wanted
    assert number(1) in chunk.recipients.values()
    assert count(chunk.states) == {State.PLANNED: 2 if wanted else 1}


async def test_who_subscribes_again_changes_the_wish_and_is_no_second_recipient(store):
    assert await store.subscribe("texts", [phone(1)], NOON) == 1
    assert await store.subscribe("texts", [phone(1, language="tr")], NOON) == 0

    assert await store.subscribers("texts") == {("tr", "short"): 1}


async def test_who_leaves_is_not_reached_also_by_work_already_planned(store):
    await store.subscribe("texts", [phone(n) for n in range(3)], NOON)
    await commit(store)

    assert await store.unsubscribe("texts", number(1))
    assert not await store.unsubscribe("texts", number(1))

    (chunk,) = await claim_all(store)
    assert sorted(chunk.recipients.values()) == [number(0), number(2)]


async def test_who_leaves_between_two_attempts_gets_no_second(store):
    await store.subscribe("texts", [phone(n) for n in range(2)], NOON)
    await commit(store)
    chunk = await claim(store)
    await store.finish(chunk, remarks=(), now=NOON, again=NOON, reason="busy")
    await store.unsubscribe("texts", number(0))

    again = await claim(store)

    assert list(again.recipients.values()) == [number(1)]


async def test_erasing_takes_the_ciphertext_out_of_the_table(store, tmp_path):
    await store.subscribe("texts", [phone(1)], NOON)
    db = raw(tmp_path)
    assert db.execute("SELECT count(*) FROM subscriber").fetchone() == (1,)

    await store.unsubscribe("texts", number(1))

    assert db.execute("SELECT count(*) FROM subscriber").fetchone() == (0,)


async def test_erasing_takes_the_ciphertext_out_of_the_files(tmp_path):
    store = SqliteStore(tmp_path)
    await store.subscribe("texts", [phone(1)], NOON)
    db = raw(tmp_path)
    (sealed,) = db.execute("SELECT address FROM subscriber").fetchone()
    db.close()
    await store.unsubscribe("texts", number(1))
    await store.close()

    for file in tmp_path.glob("broadcaster.db*"):
        assert sealed not in file.read_bytes(), file.name


async def test_no_number_is_readable_in_any_file_or_log(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    store = SqliteStore(tmp_path)
    await store.subscribe("texts", [phone(n) for n in range(50)], NOON)
    await commit(store)
    chunk = await claim(store)
    assert chunk.recipients
    assert number(1) not in repr(chunk)
    assert number(1) not in repr(phone(1))
    await store.finish(chunk, remarks=(), now=NOON, again=None, reason="")
    files = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    await store.close()

    readable = re.compile(rb"49\s?171\s?39200|171/?39200")
    assert any(file.name.startswith("broadcaster.db") for file in files)
    for file, data in files.items():
        assert not readable.search(data), file.name
    assert "39200" not in caplog.text


async def test_the_key_lies_outside_the_database_and_only_its_owner_reads_it(store, tmp_path):
    key = tmp_path / "keys" / "addresses.key"

    assert key.stat().st_mode & 0o777 == 0o600
    assert bytes.fromhex(key.read_text()) not in (tmp_path / "broadcaster.db").read_bytes()


async def test_with_a_wrong_key_the_addresses_stay_closed_and_the_remedy_is_told(tmp_path):
    first = SqliteStore(tmp_path)
    await first.subscribe("texts", [phone(1)], NOON)
    await commit(first)
    await first.close()
    (tmp_path / "keys" / "addresses.key").write_text("ab" * 32 + "\n")
    second = SqliteStore(tmp_path)

    with pytest.raises(Unavailable) as raised:
        await claim(second)

    assert "key" in raised.value.problems[0].says
    assert raised.value.problems[0].remedy
    await second.close()


@pytest.mark.parametrize("content", ["", "no key", "ab" * 31, "zz" * 32])
def test_a_spoiled_key_file_is_told_before_anything_is_opened(tmp_path, content):
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "addresses.key").write_text(content)

    with pytest.raises(Unavailable) as raised:
        SqliteStore(tmp_path)

    assert raised.value.problems[0].path == "addresses.key"
    assert "backup" in raised.value.problems[0].remedy
    assert "zz" not in str(raised.value)


@settings(max_examples=50)
@given(st.text(min_size=1, max_size=40))
def test_a_sealed_address_opens_again_and_no_two_seals_are_alike(address):
    address = address.encode("utf-8", "ignore").decode()
    book = AddressBook(b"k" * 32)

    assert book.open(book.seal(address)) == address
    assert book.seal(address) != book.seal(address)
    assert book.tag(address) == book.tag(address)
    assert book.tag(address) != AddressBook(b"j" * 32).tag(address)
