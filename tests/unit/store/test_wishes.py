"""Languages in order, and rest at night: who is told in which language, and who is left out."""

from datetime import datetime, timedelta

import pytest

from broadcaster.model.night import is_night
from broadcaster.store.port import PlannedSend
from broadcaster.store.sqlite import SqliteStore
from broadcaster.testing import IDENTIFIER, NOON
from tests.unit.store.store_examples import claim, follow, new_alert, number, phone

MIDNIGHT = NOON.replace(hour=23, minute=30)
TWO = PlannedSend(
    channel="texts", items=(("de", "short"), ("tr", "short")), recipients=True, follows=False
)


@pytest.fixture
async def store(tmp_path):
    store = SqliteStore(tmp_path)
    yield store
    await store.close()


async def told(store, *alerts, now=NOON):
    """Who was told in which language."""
    for alert in alerts:
        await store.commit(alert, now, hold=False, detail={})
    found = {}
    while chunk := await claim(store, now=now):
        for address in chunk.recipients.values():
            found[address] = chunk.items[0][0]
        await store.finish(chunk, remarks=(), now=now, again=None, reason="")
    return found


async def left_out(store, identifier=IDENTIFIER):
    _, gaps = await store.report(identifier)
    return [(gap.language, gap.reason) for gap in gaps]


def at(now, **changes):
    return new_alert(sends=(TWO,), gaps=(), sent=now, release=now, **changes)


async def test_whoever_named_more_languages_is_told_in_the_first_that_there_is(store):
    await store.subscribe(
        "texts",
        [
            phone(0, language="ku", others=("tr", "de")),
            phone(1, language="ku", others=("de", "tr")),
            phone(2, language="tr", others=("de",)),
            phone(3, language="de"),
        ],
        NOON,
    )

    assert await told(store, at(NOON)) == {
        number(0): "tr",
        number(1): "de",
        number(2): "tr",
        number(3): "de",
    }
    assert await left_out(store) == []


async def test_whoever_has_no_text_in_any_language_is_counted_in_the_report(store):
    wishes = [phone(0), *(phone(n, language="ku", others=("fa",)) for n in (1, 2))]
    await store.subscribe("texts", wishes, NOON)

    assert await told(store, at(NOON)) == {number(0): "de"}
    reason = "2 subscribers are left out: there is no text in a language of theirs"
    assert await left_out(store) == [("ku", reason)]


async def test_who_changes_the_order_of_languages_stays_one_subscriber(store):
    await store.subscribe("texts", [phone(0, language="ku", others=("tr",))], NOON)
    assert await store.subscribe("texts", [phone(0, language="ku", others=("de",))], NOON) == 0
    assert await store.subscribe("texts", [phone(0, language="ku", quiet=True)], NOON) == 0

    (one,) = await store.listed("texts", limit=10)
    assert one.wish == phone(0, language="ku", quiet=True)


async def test_at_night_who_asked_for_rest_is_not_told_and_is_counted(store):
    await store.subscribe("texts", [phone(0), *(phone(n, quiet=True) for n in (1, 2, 3))], NOON)

    assert await told(store, at(MIDNIGHT), now=MIDNIGHT) == {number(0): "de"}
    reason = "3 subscribers are left out: they asked for rest at night, and this is not Extreme"
    assert await left_out(store) == [("de", reason)]


async def test_only_those_whom_the_warning_concerns_are_counted(store):
    wishes = [
        phone(0, quiet=True, areas=("elsewhere",)),
        phone(1, quiet=True, hazards=("heat",)),
        phone(2, quiet=True, minimum=4),
        phone(3, quiet=True, areas=("dortmund",)),
    ]
    await store.subscribe("texts", wishes, NOON)

    assert await told(store, at(MIDNIGHT), now=MIDNIGHT) == {}
    assert [reason[:1] for _, reason in await left_out(store)] == ["1"]


async def test_what_is_extreme_wakes_everybody(store):
    await store.subscribe("texts", [phone(0, quiet=True)], NOON)

    assert await told(store, at(MIDNIGHT, severity="Extreme"), now=MIDNIGHT) == {number(0): "de"}


async def test_whoever_was_woken_by_the_worst_is_told_in_the_same_night_that_it_is_less(store):
    await store.subscribe("texts", [phone(0, quiet=True)], NOON)
    first = at(MIDNIGHT, severity="Extreme")
    assert await told(store, first, now=MIDNIGHT)
    later = MIDNIGHT + timedelta(hours=2)
    update = follow(
        "update", IDENTIFIER, sends=(TWO,), severity="Moderate", sent=later, release=later
    )

    assert await told(store, update, now=later) == {number(0): "de"}


async def test_by_day_and_for_a_release_in_the_morning_rest_changes_nothing(store):
    await store.subscribe("texts", [phone(0, quiet=True)], NOON)
    morning = MIDNIGHT + timedelta(hours=7)
    alert = new_alert(sends=(TWO,), gaps=(), sent=MIDNIGHT, release=morning, expires=None)

    assert await told(store, alert, now=MIDNIGHT) == {}
    assert await left_out(store) == []
    assert await told(store, now=morning) == {number(0): "de"}


@pytest.mark.parametrize(
    ("hour", "minute", "night"),
    [(21, 59, False), (22, 0, True), (0, 0, True), (5, 59, True), (6, 0, False), (12, 0, False)],
)
def test_the_night_lasts_from_ten_to_six(hour, minute, night):
    assert is_night(datetime(2026, 7, 1, hour, minute)) is night
