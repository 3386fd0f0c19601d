"""Disks fill up and files break; then the store says so, and says what to do."""

import apsw
import pytest

from broadcaster.model.errors import Unavailable
from broadcaster.store.sqlite import SqliteStore
from broadcaster.testing import IDENTIFIER, NOON
from tests.unit.store.store_examples import new_alert


def told(raised):
    (problem,) = raised.value.problems
    assert problem.says
    assert problem.remedy
    assert raised.value.exit_code == 5
    return problem.says


async def test_a_full_disk_stores_nothing_and_says_so(tmp_path):
    store = SqliteStore(tmp_path)
    pages = store._writer.submit(
        lambda db: db.execute("PRAGMA max_page_count=1").fetchone()
    )  # the smallest SQLite takes is what the file has now
    assert pages.result(5)

    async def fill():
        for n in range(50):
            await store.commit(new_alert(f"a.{n}", draft="x" * 50_000), NOON, hold=False, detail={})

    with pytest.raises(Unavailable) as raised:
        await fill()

    assert "full" in told(raised)
    failed = f"a.{len(await store.alerts())}"
    assert await store.alert(failed) is None
    assert not await store.verify()

    store._writer.submit(lambda db: db.execute("PRAGMA max_page_count=100000").fetchone()).result(5)
    await store.commit(new_alert(failed), NOON, hold=False, detail={})
    assert not await store.verify()
    await store.close()


async def test_a_database_that_became_read_only_says_so(tmp_path):
    store = SqliteStore(tmp_path)
    store._writer.submit(lambda db: db.execute("PRAGMA query_only=ON").fetchall()).result(5)

    with pytest.raises(Unavailable) as raised:
        await store.commit(new_alert(), NOON, hold=False, detail={})

    assert "cannot be written" in told(raised)
    assert await store.alert(IDENTIFIER) is None
    await store.close()


def test_a_file_that_is_no_database_is_told(tmp_path):
    (tmp_path / "broadcaster.db").write_bytes(b"garbage " * 4096)

    with pytest.raises(Unavailable) as raised:
        SqliteStore(tmp_path)

    assert "damaged" in told(raised)
    assert "backup" in raised.value.problems[0].remedy


async def filled(folder):
    store = SqliteStore(folder)
    for n in range(20):
        await store.commit(new_alert(f"a.{n}", draft="x" * 5_000), NOON, hold=False, detail={})
    await store.close()
    return folder / "broadcaster.db"


async def test_a_truncated_database_is_told(tmp_path):
    file = await filled(tmp_path)
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])

    with pytest.raises(Unavailable) as raised:
        SqliteStore(tmp_path)

    assert "damaged" in told(raised)


async def test_a_database_with_an_overwritten_page_is_told(tmp_path):
    file = await filled(tmp_path)
    data = bytearray(file.read_bytes())
    data[4096 : 4096 * 6] = b"\xa5" * (4096 * 5)
    file.write_bytes(bytes(data))

    with pytest.raises(Unavailable) as raised:
        SqliteStore(tmp_path)

    assert "damaged" in told(raised)


def test_a_folder_in_place_of_the_database_is_told(tmp_path):
    (tmp_path / "broadcaster.db").mkdir()

    with pytest.raises(Unavailable) as raised:
        SqliteStore(tmp_path)

    assert "opened" in told(raised)


def test_a_file_in_place_of_the_data_folder_is_told(tmp_path):
    (tmp_path / "data").write_text("")

    with pytest.raises(Unavailable) as raised:
        SqliteStore(tmp_path / "data")

    assert "--data" in raised.value.problems[0].remedy


async def test_a_database_of_a_newer_version_is_left_alone(tmp_path):
    await SqliteStore(tmp_path).close()
    with apsw.Connection(str(tmp_path / "broadcaster.db")) as db:
        db.execute("PRAGMA user_version=9999")
    db.close()

    with pytest.raises(Unavailable) as raised:
        SqliteStore(tmp_path)

    assert "newer" in told(raised)


async def test_opening_twice_changes_no_schema(tmp_path):
    await SqliteStore(tmp_path).close()
    with apsw.Connection(str(tmp_path / "broadcaster.db")) as db:
        before = db.execute("SELECT sql FROM sqlite_schema ORDER BY name").fetchall()
    db.close()
    await SqliteStore(tmp_path).close()
    with apsw.Connection(str(tmp_path / "broadcaster.db")) as db:
        assert db.execute("SELECT sql FROM sqlite_schema ORDER BY name").fetchall() == before
    db.close()
