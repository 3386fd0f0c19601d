"""`audit verify` finds any changed byte."""

import json

import pytest

from broadcaster.store import audit
from broadcaster.store.sqlite import SqliteStore
from broadcaster.testing import IDENTIFIER, NOON
from tests.unit.store.store_examples import new_alert, raw


@pytest.fixture
async def store(tmp_path):
    store = SqliteStore(tmp_path)
    number = await store.take_in(b"hazard: heat", "issue by A. Muster", NOON)
    await store.commit(
        new_alert(draft='{"hazard":"heat"}', repeat_every=3600.0, intake=number),
        NOON,
        hold=False,
        detail={"command": "issue", "reason": "Grund: größte Hitze"},
    )
    await store.commit(new_alert("held.1"), NOON, hold=True, detail={})
    await store.commit(new_alert("held.2"), NOON, hold=True, detail={})
    await store.release("held.2", "B. Beispiel", NOON, {"digest": "d"})
    await store.commit(new_alert("held.3"), NOON, hold=True, detail={})
    await store.withdraw("held.3", "A. Muster", NOON, "typing error")
    await store.record("A. Muster", "import", "texts", {"rows": 3}, NOON)
    yield store
    await store.close()


def flipped(value):
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:]
    if isinstance(value, int | float):
        return value + 1
    if not value:
        return "x"
    return ("y" if value[0] == "x" else "x") + value[1:]


async def found_when(store, db, table, column, rowid, value):
    """What verify says while one cell is changed; the cell is put back afterwards."""
    key = "rowid" if table not in ("rendition",) else "text"
    before = db.execute(f"SELECT {column} FROM {table} WHERE {key}=?", (rowid,)).fetchone()[0]
    at = value if key == column else rowid
    db.execute("PRAGMA foreign_keys=OFF")
    db.execute(f"UPDATE {table} SET {column}=? WHERE {key}=?", (value, rowid))
    said = await store.verify()
    db.execute(f"UPDATE {table} SET {column}=? WHERE {key}=?", (before, at))
    return said


async def test_an_untouched_store_verifies(store):
    assert await store.verify() == []
    assert len(await store.audit()) == 8


async def test_one_changed_letter_in_any_column_of_any_entry_is_found(store, tmp_path):
    db = raw(tmp_path)
    tried = 0
    for (seq,) in db.execute("SELECT seq FROM audit").fetchall():
        for column in ("at", "actor", "action", "subject", "detail", "previous", "hash"):
            (value,) = db.execute(f"SELECT {column} FROM audit WHERE seq=?", (seq,)).fetchone()
            for place in range(0, len(value), 7):
                changed = value[:place] + flipped(value[place]) + value[place + 1 :]
                said = await found_when(store, db, "audit", column, seq, changed)
                assert said, f"entry {seq}, {column}, letter {place}"
                tried += 1
    assert tried > 200
    assert await store.verify() == []


async def test_an_entry_written_anew_with_other_spaces_is_found(store, tmp_path):
    db = raw(tmp_path)
    detail = db.execute("SELECT detail FROM audit WHERE seq=2").fetchone()[0]

    assert await found_when(store, db, "audit", "detail", 2, json.dumps(json.loads(detail)))


ALERT = (
    "identifier",
    "thread",
    "msg_type",
    "status",
    "severity",
    "priority",
    "sent",
    "release_at",
    "expires",
    "cap",
    "digest",
    "origin",
    "areas",
    "hazard",
    "officer",
    "held",
    "draft",
    "repeat_every",
    "plan",
    "intake",
)


@pytest.mark.parametrize("column", ALERT)
async def test_a_changed_column_of_an_alert_is_found(store, tmp_path, column):
    db = raw(tmp_path)
    (value,) = db.execute(f"SELECT {column} FROM alert WHERE rowid=1").fetchone()

    assert await found_when(store, db, "alert", column, 1, flipped(value))
    assert await store.verify() == []


@pytest.mark.parametrize("rowid", [2, 3, 4])
@pytest.mark.parametrize("held", [0, 1, 2])
async def test_nobody_lets_an_alert_go_but_through_the_record(store, tmp_path, rowid, held):
    db = raw(tmp_path)
    (before,) = db.execute("SELECT held FROM alert WHERE rowid=?", (rowid,)).fetchone()

    said = await found_when(store, db, "alert", "held", rowid, held)

    assert bool(said) is (held != before)


@pytest.mark.parametrize("column", ["channel", "language", "variant", "reason"])
async def test_a_changed_gap_is_found(store, tmp_path, column):
    db = raw(tmp_path)
    (value,) = db.execute(f"SELECT {column} FROM gap WHERE rowid=1").fetchone()

    assert await found_when(store, db, "gap", column, 1, flipped(value))


@pytest.mark.parametrize(
    "column", ["channel", "language", "variant", "format", "shown", "text", "notes"]
)
async def test_a_changed_text_is_found(store, tmp_path, column):
    db = raw(tmp_path)

    assert await found_when(store, db, "rendition", column, "Regen.", "[]y")


@pytest.mark.parametrize("column", ["raw", "sha256"])
async def test_a_changed_intake_is_found(store, tmp_path, column):
    db = raw(tmp_path)
    (value,) = db.execute(f"SELECT {column} FROM intake WHERE rowid=1").fetchone()

    assert await found_when(store, db, "intake", column, 1, flipped(value))


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM rendition WHERE channel='cells'",
        "DELETE FROM gap",
        "DELETE FROM intake",
        "DELETE FROM alert WHERE number=2",
        "DELETE FROM audit WHERE seq=3",
        "DELETE FROM audit WHERE seq=1",
        "DELETE FROM audit WHERE seq=8",
        "DELETE FROM audit WHERE seq>4",
        "DELETE FROM audit",
        "INSERT INTO gap SELECT alert, channel, 'xx', variant, reason FROM gap LIMIT 1",
        "UPDATE audit SET seq=seq+1000 WHERE seq=8",
    ],
)
async def test_what_was_taken_away_or_added_is_found(store, tmp_path, sql):
    db = raw(tmp_path)
    db.execute("PRAGMA foreign_keys=OFF")
    db.execute(sql)

    assert await store.verify()


async def test_a_record_cut_off_and_chained_anew_is_found_by_the_head(store, tmp_path):
    db = raw(tmp_path)
    seq, at, actor, action, subject, previous = db.execute(
        "SELECT seq, at, actor, action, subject, previous FROM audit WHERE seq=8"
    ).fetchone()
    digest = audit.chain(previous, seq, at, actor, action, subject, {"rows": 4})
    db.execute("UPDATE audit SET detail='{\"rows\":4}', hash=? WHERE seq=8", (digest,))

    assert await store.verify() == ["audit entry 8 is not the one that was written"]


async def test_a_record_that_was_cut_off_stays_cut_off_whatever_is_written_after(store, tmp_path):
    assert not await store.verify()  # by now the head was written
    raw(tmp_path).execute("DELETE FROM audit WHERE seq=8")
    assert await store.verify() == ["the audit record was cut off after entry 7 of 8"]

    await store.record("A. Muster", "look", "audit", {}, NOON)
    assert await store.verify() == ["audit entry 8 is not the one that was written"]


async def test_a_head_that_is_gone_is_told(store, tmp_path):
    assert not await store.verify()  # by now the head was written
    (tmp_path / "audit.head").unlink()

    assert any("audit.head" in said for said in await store.verify())

    await store.record("A. Muster", "look", "audit", {}, NOON)
    assert await store.verify() == []


async def test_a_head_that_cannot_be_written_stops_no_commit(store, tmp_path):
    assert not await store.verify()  # by now the head was written
    (tmp_path / "audit.part").mkdir()

    await store.commit(new_alert("later"), NOON, hold=False, detail={})

    assert await store.alert("later")
    assert IDENTIFIER in {one.identifier for one in await store.alerts()}
