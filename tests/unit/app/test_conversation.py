"""Residents write and are answered, on a real store and in the channel's own lane."""

import asyncio
import logging
import re

import apsw
import pytest

from broadcaster.app import conversation
from broadcaster.delivery.contract import Mode
from broadcaster.model.errors import Permanent, Problem, Transient, Unavailable, Unknown
from broadcaster.store.port import Subscription
from tests.unit.app.conversing import ConversingChannel, FarSide, number, until
from tests.unit.app.desk_bench import HEAT, Office

BUSY = Problem("gateway", "is busy")
WELCOME_DE = "Stadt Dortmund: "


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    monkeypatch.setattr(conversation, "PAUSE", 0.02)


class Line(Office):
    """An office whose phones can write to it."""

    def __init__(self, folder, *script, **config):
        super().__init__(folder, **config)
        self.far = FarSide()
        self.phones = ConversingChannel.phones("phones", script=script, far=self.far)

    async def languages(self):
        counts = await self.app.store.subscribers("texts")
        return {language: n for (language, _), n in counts.items()}

    async def wish(self, who):
        found = await self.app.store.known("texts", number(who))
        return found and found[0].wish

    async def hears(self, who, text, key=None):
        """Somebody writes; back when nothing is left to do about it."""
        self.far.writes(who, text, key)
        await self.quiet()

    async def quiet(self):
        await until(lambda: not self.far.waiting)
        await until(lambda: not self.rows("state <> 'settled'"))

    def rows(self, where="1"):
        with apsw.Connection(
            str(self.folder / "var" / "broadcaster.db"), flags=apsw.SQLITE_OPEN_READONLY
        ) as db:
            return db.execute(f"SELECT state, message, command FROM inbox WHERE {where}").fetchall()


@pytest.fixture
async def line(tmp_path):
    line = await Line(tmp_path).open()
    yield line
    await line.close()


# ---- what people ask for ------------------------------------------------------------------------


async def test_start_subscribes_to_the_whole_city_and_every_hazard_in_the_citys_language(line):
    await line.hears(1, "START")

    wish = await line.wish(1)
    assert (wish.language, wish.variant) == ("de", "short")
    assert (wish.areas, wish.hazards, wish.minimum) == ((), (), 0)
    assert line.far.said[0][0] == number(1)
    assert line.far.answers(1)[0].startswith(WELCOME_DE)


@pytest.mark.parametrize("text", ["START Türkçe", "start tr", "BAŞLAT", "başla!"])
async def test_start_in_another_language_or_naming_it_subscribes_in_that_language(line, text):
    await line.hears(1, text)

    assert await line.languages() == {"tr": 1}
    assert line.far.said[0][2] == "tr"


async def test_stop_erases_the_number_and_says_so_once_in_the_residents_language(line):
    await line.hears(1, "START tr")
    await line.hears(2, "START")
    await line.hears(1, "İPTAL.")

    assert await line.languages() == {"de": 1}
    assert [language for to, _, language, _ in line.far.said if to == number(1)] == ["tr", "tr"]
    assert "START" in line.far.answers(1)[1]


async def test_stop_erases_the_number_from_every_channel_because_the_answer_says_so(line):
    wish = Subscription(address=number(1), language="de", variant="short")
    for channel in ("texts", "texts.exercise"):
        await line.app.store.subscribe(channel, [wish], line.clock.now())
    await line.hears(1, "Stopp")

    for channel in ("texts", "texts.exercise"):
        assert await line.app.store.known(channel, number(1)) is None


async def test_another_language_keeps_areas_hazards_and_level(line):
    wish = Subscription(
        address=number(1),
        language="de",
        variant="plain",
        areas=("dortmund-hoerde",),
        hazards=("heat",),
        minimum=3,
        others=("tr",),
        quiet=True,
    )
    await line.app.store.subscribe("texts", [wish], line.clock.now())
    await line.hears(1, "LANG Türkçe")

    now = await line.wish(1)
    assert (now.language, now.variant, now.others) == ("tr", "plain", ())
    assert (now.areas, now.hazards, now.minimum, now.quiet) == (
        ("dortmund-hoerde",),
        ("heat",),
        3,
        True,
    )
    assert line.far.said[0][2] == "tr"


async def test_start_again_changes_nothing_of_what_was_chosen(line):
    wish = Subscription(address=number(1), language="tr", variant="plain", areas=("dortmund",))
    await line.app.store.subscribe("texts", [wish], line.clock.now())
    await line.hears(1, "START")

    assert await line.wish(1) == wish
    assert line.far.said[0][2] == "tr"


async def test_a_cry_for_help_gets_the_answer_that_names_the_emergency_call(line):
    await line.hears(1, "HILFE mein Haus brennt")
    await line.hears(2, "Hilfe")

    assert "112" in line.far.answers(1)[0]
    assert "112" in line.far.answers(2)[0]
    assert await line.languages() == {}


async def test_an_ordinary_sentence_that_begins_with_a_keyword_erases_nobody(line):
    await line.hears(1, "START")
    await line.hears(1, "Stopp, hier brennt es")

    assert await line.languages() == {"de": 1}


async def test_a_message_heard_in_the_exercises_lane_is_for_the_public_one(tmp_path):
    line = Line(tmp_path)
    line.far.mode = Mode.EXERCISE
    await line.open()
    (heard,) = line.far.opened
    assert heard.env.name == "texts.exercise"
    await line.hears(1, "START")
    assert await line.languages() == {"de": 1}
    await line.hears(1, "STOP")
    assert await line.languages() == {}
    await line.close()


# ---- limits -------------------------------------------------------------------------------------


async def test_nobody_is_answered_twice_within_an_hour_for_the_same_thing(line):
    for _ in range(5):
        await line.hears(1, "HELP")
    await line.hears(1, "was ist los")
    await line.hears(2, "HELP")
    assert (len(line.far.answers(1)), len(line.far.answers(2))) == (2, 1)

    line.clock.advance(minutes=61)
    await line.hears(1, "HELP")
    assert len(line.far.answers(1)) == 3


async def test_what_is_not_answered_any_more_is_done_all_the_same(line):
    for _ in range(3):
        await line.hears(1, "START")
        await line.hears(1, "STOP")
    assert await line.languages() == {}
    assert len(line.far.answers(1)) == 2


@pytest.mark.parametrize("sender", ["22333", "Stadtwerke", "+112", ""])
async def test_short_codes_and_senders_with_a_name_are_not_answered_nor_subscribed(line, sender):
    for text in ("START", "HELP", "Guten Tag"):
        await line.hears(sender, text)
    assert line.far.said == []
    assert await line.languages() == {}


async def test_two_machines_that_answer_each_other_fall_silent(line):
    await line.hears(1, "Ich bin im Urlaub")
    for _ in range(3):
        await line.hears(1, line.far.answers(1)[-1])
        line.clock.advance(hours=2)
    assert len(line.far.answers(1)) == 1


# ---- STOP beats the queue -----------------------------------------------------------------------


async def test_stop_beats_a_warning_that_waits_to_be_sent(tmp_path):
    line = await Line(tmp_path, Transient(BUSY, retry_after=60)).open()
    await line.subscribe(3)
    await line.ask("issue", fields=HEAT, wait=0)
    await until(lambda: len(line.phones.attempts) == 1)

    await line.hears("+491713920000001", "STOP")
    line.clock.advance(seconds=61)
    line.app.wake()
    await until(lambda: len(line.phones.attempts) == 2)

    assert [d.target for d in line.phones.attempts[1].deliveries] == [
        "+491713920000000",
        "+491713920000002",
    ]
    await line.close()


async def test_stop_beats_a_warning_of_which_half_has_been_sent(tmp_path):
    line = Line(tmp_path)
    gate = asyncio.Event()

    async def slow(channel, batch):
        if len(channel.handed_over) == 1:
            await gate.wait()

    class Slow(ConversingChannel):
        async def send(self, batch):
            receipts = await super().send(batch)
            await slow(self, batch)
            return receipts

    line.phones = Slow.phones("phones", far=line.far)
    await line.open()
    await line.subscribe(120)  # one chunk, three batches
    await line.ask("issue", fields=HEAT, wait=0)
    await until(lambda: len(line.phones.handed_over) == 1)

    leaver = "+491713920000077"
    await line.hears(leaver, "STOP")
    line.far.opened[-1]._running.call_soon_threadsafe(gate.set)
    await until(lambda: len(line.phones.handed_over) == 3)

    told = [d.target for batch in line.phones.handed_over for d in batch.deliveries]
    assert len(told) == len(set(told)) == 119
    assert leaver not in told
    await line.close()


async def test_whoever_changes_the_language_during_a_warning_still_gets_it_and_then_changes(
    tmp_path,
):
    line = await Line(tmp_path, Transient(BUSY, retry_after=60)).open()
    await line.subscribe(2)
    await line.ask("issue", fields=HEAT, wait=0)
    await until(lambda: len(line.phones.attempts) == 1)

    line.far.writes("+491713920000001", "LANG tr")
    await until(lambda: not line.far.waiting)
    await asyncio.sleep(0.1)
    assert await line.languages() == {"de": 2}

    line.clock.advance(seconds=61)
    line.app.wake()
    await until(lambda: len(line.phones.attempts) == 2)
    assert len(line.phones.attempts[1].deliveries) == 2
    await line.quiet()
    assert await line.languages() == {"de": 1, "tr": 1}
    await line.close()


async def test_a_language_that_waits_for_a_warning_does_not_bring_back_who_left_meanwhile(tmp_path):
    line = await Line(tmp_path, Transient(BUSY, retry_after=60)).open()
    await line.subscribe(1)
    await line.ask("issue", fields=HEAT, wait=0)
    await until(lambda: len(line.phones.attempts) == 1)

    line.far.writes("+491713920000000", "START tr")
    await until(lambda: not line.far.waiting)
    await line.hears("+491713920000000", "STOP")
    assert await line.languages() == {}
    await line.close()


# ---- nothing is lost and nothing is said twice --------------------------------------------------


async def test_the_far_side_is_told_only_when_the_message_is_in_the_store(line):
    seen = []

    async def look(key):
        seen.append(len(line.rows()))

    for channel in line.far.opened:
        channel.keeping = look
    await line.hears(1, "START")
    assert seen[0] == 1


async def test_a_message_handed_over_twice_is_one(line):
    await line.hears(1, "START", key="mo-a")
    await line.hears(1, "STOP", key="mo-b")
    await line.hears(1, "START", key="mo-a")

    assert await line.languages() == {}
    assert len(line.far.said) == 2
    assert line.far.taken.count("mo-a") >= 2, "and the far side is told again"


async def test_a_far_side_that_cannot_be_told_loses_no_stop(line):
    async def broken(key):
        raise ConnectionError("+49 171 39200001")

    await line.hears(1, "START")
    for channel in line.far.opened:
        channel.keeping = broken
    line.far.writes(1, "STOP")
    await until(lambda: len(line.far.said) == 2)
    assert await line.languages() == {}
    assert line.far.waiting, "it will come again"


async def test_a_store_that_fails_for_a_while_loses_no_stop(line):
    await line.hears(1, "START")
    inbox, full = line.app.store.inbox, Unavailable(Problem("database", "the disk is full"))
    faults = {"keep": [full] * 2, "act": [full] * 2, "settle": [full] * 2, "take_answer": [full]}
    for name, failures in faults.items():
        real = getattr(inbox, name)

        async def failing(*args, real=real, failures=failures):
            if failures:
                raise failures.pop()
            return await real(*args)

        setattr(inbox, name, failing)
    await line.hears(1, "STOP")

    assert not any(faults.values())
    assert await line.languages() == {}
    assert len(line.far.said) == 2


async def test_a_message_that_nobody_can_act_on_holds_up_no_other(line, caplog):
    real = line.app.store.inbox.act

    async def failing(id_, *args):
        if id_ == 1:
            raise ValueError("+49 171 39200001 START")
        return await real(id_, *args)

    line.app.store.inbox.act = failing
    line.far.writes(1, "START")
    line.far.writes(2, "START")
    await until(lambda: len(line.far.said) == 1)
    assert line.far.said[0][0] == number(2)
    assert "39200" not in caplog.text


async def test_what_surely_did_not_leave_is_answered_again(line):
    line.far.faults = [Transient(BUSY), Transient(BUSY)]
    await line.hears(1, "HELP")
    assert len(line.far.said) == 1


@pytest.mark.parametrize(
    "fault", [Unknown(BUSY), Permanent(BUSY), Transient(BUSY, retry_after=900), KeyError("bug")]
)
async def test_what_may_have_left_or_never_will_is_not_said_again(line, fault):
    line.far.faults = [fault]
    await line.hears(1, "HELP")
    await line.restart()
    await asyncio.sleep(0.1)
    assert line.far.said == []


async def test_an_answer_that_hangs_delays_no_stop(line):
    async def hang():
        await asyncio.Event().wait()

    await line.hears(1, "START")
    line.far.faults = [hang] * 8
    for n in range(2, 10):
        line.far.writes(n, "HELP")
    line.far.writes(1, "STOP")

    async def gone():
        return await line.languages() == {}

    await until(gone, within=1)
    line.far.faults.clear()


async def test_a_crash_between_hearing_and_acting_loses_nothing(line):
    await line.hears(1, "START")

    async def crash(*_):
        raise Unavailable(Problem("database", "gone"))

    line.app.store.inbox.act = crash
    line.far.writes(1, "STOP")
    await until(lambda: not line.far.waiting)
    assert await line.languages() == {"de": 1}

    await line.restart()
    await line.quiet()
    assert await line.languages() == {}
    assert len(line.far.said) == 2


async def test_a_crash_between_acting_and_answering_still_answers_once(line):
    async def crash(*_):
        raise Unavailable(Problem("database", "gone"))

    line.app.store.inbox.take_answer = crash
    line.far.writes(1, "START")

    async def subscribed():
        return await line.languages() == {"de": 1}

    await until(subscribed)
    assert line.far.said == []
    await line.restart()
    await line.quiet()
    assert len(line.far.said) == 1


async def test_a_crash_while_answering_says_nothing_twice(line):
    async def hang():
        await asyncio.Event().wait()

    line.far.faults = [hang]
    line.far.writes(1, "START")
    await until(lambda: line.rows("state = 'answering'"))
    await line.restart()
    await line.quiet()
    assert line.far.said == []
    assert await line.languages() == {"de": 1}


async def test_a_stream_that_breaks_is_heard_again(line):
    breaks = [ConnectionError("+49 171 39200001")]
    for channel in line.far.opened:
        real = channel.heard

        async def heard(real=real):
            async for one in real():
                yield one
                if breaks:
                    raise breaks.pop()

        channel.heard = heard
    await line.restart()
    await line.hears(1, "START")
    await line.hears(1, "STOP")
    assert len(line.far.said) == 2


async def test_the_daemon_stops_within_a_second_while_people_write(line):
    for n in range(20):
        line.far.writes(n, "HELP")
    began = asyncio.get_running_loop().time()
    await line.restart()
    assert asyncio.get_running_loop().time() - began < 5
    await line.quiet()
    assert await line.languages() == {}


# ---- nothing is told ----------------------------------------------------------------------------


async def test_no_number_and_no_text_is_in_files_logs_or_the_record(line, caplog):
    caplog.set_level(logging.DEBUG)
    await line.hears(1, "START")
    await line.hears(2, "HILFE der Schlüssel steckt")
    await line.hears(1, "STOP")

    async def hang():
        await asyncio.Event().wait()

    line.far.faults = [hang]
    line.far.writes(3, "Wortlaut, der nirgends steht")
    await until(lambda: line.rows("state = 'answering'"))

    readable = re.compile(rb"49\s?171\s?39200|steckt|Wortlaut|HILFE")
    files = [f for f in (line.folder / "var").rglob("*") if f.is_file()]
    assert any(f.name == "broadcaster.db-wal" for f in files)
    for file in files:
        assert not readable.search(file.read_bytes()), file.name
    assert "39200" not in caplog.text
    assert "Wortlaut" not in caplog.text
    assert not readable.search(repr(await line.app.store.audit()).encode())


async def test_what_was_written_is_overwritten_as_soon_as_it_is_answered(line):
    await line.hears(1, "START")
    await line.hears(1, "Hallo")
    assert {(state, message) for state, message, _ in line.rows()} == {("settled", b"")}


async def test_after_seven_days_nothing_is_left_but_a_count_in_the_record(line):
    await line.hears(1, "START")
    await line.hears(2, "Hallo")
    assert await line.app.store.inbox.counts() == {"start": 1, "other": 1}

    line.clock.advance(days=7, minutes=1)
    await line.restart()
    await until(lambda: not line.rows())
    entry = (await line.app.store.audit())[-1]
    assert (entry.actor, entry.action, dict(entry.detail)) == (
        "inbox",
        "forget",
        {"start": 1, "other": 1},
    )
    assert await line.app.store.verify() == []


async def test_without_the_file_of_keywords_start_and_stop_still_work_and_check_says_so(tmp_path):
    import shutil

    from broadcaster.paths import shipped

    shutil.copytree(shipped("locales"), tmp_path / "locales")
    (tmp_path / "locales" / "keywords.yaml").unlink()
    line = await Line(tmp_path, locales="locales").open()
    assert any("keywords.yaml" in p.path for p in line.app.problems)
    await line.hears(1, "START tr")
    assert await line.languages() == {"tr": 1}
    await line.hears(1, "СТОП")
    assert await line.languages() == {}
    await line.close()
