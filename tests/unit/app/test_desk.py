"""The officer's commands, from request to what left, and what is refused."""

import json

import pytest

from broadcaster.delivery.contract import Arrangement
from broadcaster.model.capxml import read
from broadcaster.model.errors import Permanent, Problem
from broadcaster.store.port import Subscription
from broadcaster.testing import FlakyChannel
from tests.unit.app.desk_bench import ALERT, CANCEL, HEAT, UPDATE, WORST, Office


@pytest.fixture
async def office(tmp_path):
    office = await Office(tmp_path).open()
    await office.subscribe()
    yield office
    await office.close()


# ---- the straight way ---------------------------------------------------------------------------


async def test_an_alert_is_committed_sent_and_reported(office):
    found, code = await office.ask("issue", fields=HEAT)

    assert [e["event"] for e in found][:2] == ["committed", "progress"]
    assert code == 0
    report = found[-2]["result"]
    assert (report["outcome"], report["state"], report["severity"]) == ("all", "in_force", "Severe")
    assert set(report["totals"]) == {"accepted"}
    assert sorted(office.left()) == [("phones", "live", ALERT), ("site", "live", ALERT)]
    assert "Extreme Hitze" in (office.folder / "var/outbox/notes/log.txt").read_text()


async def test_the_preview_shows_the_texts_that_are_sent(office):
    found, _ = await office.ask("issue", fields=HEAT, dry_run=True)
    shown = {(t["channel"], t["language"]): t["text"] for t in found[0]["texts"]}
    own = found[0]["identifier"]
    committed = await office.does("issue", fields=HEAT)

    sent = office.phones.attempts[0].deliveries[0]
    assert shown["texts", "de"].replace(own, committed) == sent.fitted.shows


async def test_a_dry_run_stores_and_sends_nothing(office):
    found, code = await office.ask("issue", fields=HEAT, dry_run=True)

    assert (found[0]["event"], code) == ("preview", 0)
    assert await office.app.store.alerts() == []
    assert await office.app.store.audit() == []
    assert office.left() == []


async def test_update_extend_and_cancel_follow_in_one_thread(office):
    first = await office.does("issue", fields=HEAT)
    office.clock.advance(minutes=5)
    second = await office.does("update", id=first, fields={"parameters": {"temperature": "38"}})
    office.clock.advance(minutes=5)
    third = await office.does("extend", id=second, expires="12h")
    office.clock.advance(minutes=5)
    fourth = await office.does("cancel", id=third, reason="es regnet")

    assert [b.operation for b in office.phones.attempts] == [ALERT, UPDATE, UPDATE, CANCEL]
    assert [b.alert.identifier for b in office.phones.attempts] == [first, second, third, fourth]
    assert office.phones.attempts[3].replaces == (first, second, third)
    assert "38" in office.phones.attempts[1].alert.infos[0].description
    extended = office.phones.attempts[2].alert
    assert (extended.expires - office.phones.attempts[0].alert.expires).total_seconds() == 22_200
    rows = await office.result("list", all=True)
    assert [row["state"] for row in rows["alerts"]] == [
        "cancelled",
        "cancelled",
        "cancelled",
        "cancelled",
    ]
    assert (await office.result("list"))["alerts"] == []
    assert await office.app.store.verify() == []


async def test_status_and_route_say_what_happened_and_why(office):
    identifier = await office.does("issue", fields=HEAT)

    status = await office.result("status", id=identifier[-6:])
    assert status["identifier"] == identifier
    assert {line["channel"] for line in status["lines"]} == {"notes", "texts", "site"}
    routes = await office.result("route", fields=HEAT)
    assert {r["route"]: r["matched"] for r in routes["routes"]} == {
        "everyone": True,
        "serious": True,
        "worst": False,
    }
    assert routes["routes"][2]["reason"] == "severity is Severe, not Extreme"


async def test_check_asks_every_channel_and_alarms_nobody(office):
    found, _ = await office.ask("check")
    result = found[0]["result"]

    assert {row["name"]: row["ok"] for row in result["channels"]} == {
        "notes": True,
        "notes.exercise": True,
        "texts": True,
        "texts.exercise": True,
        "cells": True,
        "site": True,
        "site.exercise": True,
    }
    assert office.left() == []


async def test_nobody_subscribes_to_what_a_channel_does_not_send(office):
    to = {"action": "add", "channel": "texts", "address": "+4917139200077"}
    for wish in ({"variant": "standard"}, {"language": "en"}):
        said, code = await office.refused("subscribers", **to, **wish)
        assert (code, "is not " in said) == (2, True)
    await office.ask("subscribers", **to)

    assert await office.app.store.subscribers("texts") == {("de", "short"): 2}


async def test_check_tells_of_subscribers_whom_nothing_can_reach(office):
    odd = Subscription(address="+4917139200098", language="de", variant="standard")
    await office.app.store.subscribe("texts", [odd], office.clock.now())

    problems = (await office.result("check"))["problems"]
    assert [p["says"] for p in problems if p["path"] == "channels.texts"] == [
        "1 subscribers want standard texts in de, which it does not send"
    ]


@pytest.mark.parametrize(
    ("step", "code", "outcome"),
    [(Permanent(Problem("", "the far side says no")), 3, "some"), (RuntimeError("x"), 3, "some")],
)
async def test_a_channel_that_fails_shows_in_the_report_and_the_exit_code(
    tmp_path, step, code, outcome
):
    office = Office(tmp_path)
    office.phones.script = (step,)
    await office.open()
    await office.subscribe()
    found, got = await office.ask("issue", fields=HEAT)
    await office.close()

    assert (got, found[-2]["result"]["outcome"]) == (code, outcome)


async def test_nothing_out_is_exit_4(tmp_path):
    office = Office(tmp_path, route={"name": "phones", "channels": ["texts"]})
    office.phones.script = (Permanent(Problem("", "the far side says no")),)
    await office.open()
    await office.subscribe()
    _, code = await office.ask("issue", fields=HEAT)
    await office.close()

    assert code == 4


async def test_a_missing_plugin_is_told_and_the_others_go(tmp_path):
    office = Office(
        tmp_path,
        channels={"notes": {"kind": "log", "review": "drafted"}, "siren": {"kind": "siren"}},
        route={"channels": ["notes", "siren"]},
        approval=[],
    )
    await office.open()
    found, code = await office.ask("issue", fields=HEAT)
    await office.close()

    report = found[-2]["result"]
    assert code == 3
    assert [gap["reason"] for gap in report["gaps"] if gap["channel"] == "siren"] == [
        "there is no channel of the kind 'siren'"
    ]
    assert report["totals"]["accepted"] > 0


# ---- refusals -----------------------------------------------------------------------------------


async def test_a_stranger_may_nothing(office):
    for command in ("issue", "list", "check", "approve", "audit"):
        words, code = await office.refused(command, user="mallory", fields=HEAT)
        assert code == 5
        assert "is no officer" in words
    assert office.left() == []


async def test_a_role_bounds_what_an_officer_does(office):
    words, code = await office.refused("issue", user="probe", fields=HEAT)

    assert (words, code) == ("officer: C. Probe may not issue", 5)


@pytest.mark.parametrize(
    ("command", "arguments", "said", "code"),
    [
        ("fly", {}, "is no command", 2),
        ("issue", {"fields": {}}, "hazard: is missing", 2),
        ("update", {"id": "nothing", "fields": HEAT}, "there is no alert", 2),
        ("cancel", {"id": "nothing", "reason": "x"}, "there is no alert", 2),
        ("cancel", {"id": "nothing"}, "reason: is missing", 2),
        ("status", {}, "there is no alert", 2),
        ("relay", {"data": "???"}, "is not base64", 2),
        ("issue", {"fields": HEAT, "expect": "other"}, "is not what was shown", 5),
    ],
)
async def test_what_cannot_be_done_is_refused_in_words(office, command, arguments, said, code):
    words, got = await office.refused(command, **arguments)

    assert said in words
    assert got == code
    assert office.left() == []


async def test_what_was_shown_may_be_sent(office):
    found, _ = await office.ask("issue", fields=HEAT, dry_run=True)
    office.clock.advance(seconds=30)

    await office.does("issue", fields=HEAT, expect=found[0]["digest"])


async def test_what_was_asked_is_kept_even_when_it_is_refused(office):
    await office.refused("issue", fields={"hazard": "dragon"})

    (entry,) = await office.app.store.audit()
    assert (entry.action, entry.actor) == ("intake", "issue by A. Muster")


@pytest.mark.parametrize("ended_by", ["cancel", "time"])
@pytest.mark.parametrize("command", ["update", "extend", "cancel"])
async def test_a_warning_that_is_over_is_not_followed(office, ended_by, command):
    first = await office.does("issue", fields=HEAT)
    if ended_by == "cancel":
        office.clock.advance(minutes=1)
        await office.does("cancel", id=first, reason="over")
    else:
        office.clock.advance(hours=7)
    before = office.left()

    words, code = await office.refused(
        command, id=first, expires="3h", reason="again", fields={"expires": "3h"}
    )

    assert code == 5
    assert "ended already" in words or "has expired" in words
    assert office.left() == before


# ---- exercise -----------------------------------------------------------------------------------


async def test_an_exercise_reaches_exercise_targets_only(office):
    found, code = await office.ask("issue", fields={**WORST, "exercise": "Spring"})

    assert {mode for _, mode, _ in office.left()} == {"exercise"}
    assert code == 3
    report = found[-2]["result"]
    assert [(g["channel"], g["reason"]) for g in report["gaps"] if g["channel"] == "cells"] == [
        ("cells", "has no exercise target, and a Exercise never reaches a live one")
    ]
    (batch,) = office.phones.attempts
    assert [d.target for d in batch.deliveries] == ["+4917139200990"]
    assert not (office.folder / "var/outbox/notes").exists()
    assert (office.folder / "var/outbox/notes.exercise/log.txt").exists()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"exercise": "Spring"}, {"status": "Actual", "exercise": ""}),
        ({}, {"exercise": "Spring"}),
        ({"status": "Test"}, {"status": "Actual"}),
    ],
)
async def test_an_exercise_never_becomes_real_nor_the_other_way(office, before, after):
    first, _ = await office.ask("issue", fields={**HEAT, **before})
    identifier = first[1]["identifier"]
    left = office.left()
    office.clock.advance(minutes=1)

    words, code = await office.refused("update", id=identifier, fields=after)

    assert code == 5
    assert "stays so" in words
    assert office.left() == left


async def test_the_end_of_an_exercise_goes_where_the_exercise_was(office):
    found, _ = await office.ask("issue", fields={**HEAT, "exercise": "Spring"})
    office.clock.advance(minutes=1)
    await office.does("cancel", id=found[1]["identifier"], reason="over")

    assert {mode for _, mode, _ in office.left()} == {"exercise"}
    assert ("phones", "exercise", CANCEL) in office.left()


# ---- the second officer -------------------------------------------------------------------------


async def test_nothing_leaves_before_a_second_officer_agrees(office):
    held = await office.does("issue", fields=WORST)
    assert office.left() == []
    assert not (office.folder / "var/outbox/notes/log.txt").exists()

    words, code = await office.refused("approve", user="muster", id=held)
    assert code == 5
    assert "wrote this alert" in words
    assert office.left() == []

    await office.does("approve", user="probe", id=held)
    assert {kind for kind, _, _ in office.left()} == {"phones", "cells", "site"}
    actions = [(e.action, e.actor) for e in await office.app.store.audit()]
    assert ("release", "C. Probe") in actions
    words, _ = await office.refused("approve", user="beispiel", id=held)
    assert "does not wait" in words


async def test_a_held_alert_is_shown_as_it_will_be(office):
    held = await office.does("issue", fields=WORST)

    preview = await office.result("preview", id=held)
    assert preview["held"]
    assert {t["channel"] for t in preview["texts"]} == {"notes", "texts", "cells", "site"}
    status = await office.result("status", id=held)
    assert (status["state"], status["outcome"], status["exit"]) == ("held", "held", 5)


@pytest.mark.parametrize("command", ["update", "cancel", "extend"])
async def test_a_held_alert_is_not_followed(office, command):
    held = await office.does("issue", fields=WORST)

    words, code = await office.refused(
        command, user="beispiel", id=held, expires="3h", reason="x", fields={"expires": "3h"}
    )

    assert code == 5
    assert "waits for approval" in words


async def test_a_withdrawn_alert_never_leaves(office):
    held = await office.does("issue", fields=WORST)
    await office.ask("withdraw", id=held, reason="typing error")

    words, code = await office.refused("approve", user="beispiel", id=held)
    assert (code, "does not wait" in words) == (5, True)
    words, _ = await office.refused("withdraw", id=held)
    assert "waits for approval" in words
    words, code = await office.refused("cancel", id=held, reason="x")
    assert code in (2, 5)
    assert office.left() == []


async def test_an_alert_that_expired_while_it_waited_is_not_released(office):
    held = await office.does("issue", fields=WORST)
    office.clock.advance(hours=7)

    words, code = await office.refused("approve", user="beispiel", id=held)

    assert (code, "expired while it waited" in words) == (5, True)
    assert office.left() == []


async def test_breaking_the_glass_sends_at_once_and_is_written_down(office):
    identifier = await office.does("issue", fields=WORST, break_glass="nobody else is here")

    assert {kind for kind, _, _ in office.left()} == {"phones", "cells", "site"}
    (entry,) = [e for e in await office.app.store.audit() if e.action == "commit"]
    assert entry.subject == identifier
    assert entry.detail["break_glass"] == "nobody else is here"
    assert entry.detail["approval"]


async def voided(office, change):
    held = await office.does("issue", fields=WORST)
    await office.close()
    change()
    await office.open()
    words, code = await office.refused("approve", user="beispiel", id=held)
    assert code == 5
    assert "byte for byte" in words
    assert office.left() == []


async def test_a_channel_that_writes_one_byte_differently_voids_the_approval(office):
    def change():
        class Louder(FlakyChannel):
            kind = "phones"
            can = office.phones.can
            addressing = office.phones.addressing

            def fit(self, rendition):
                from dataclasses import replace

                fitted = super().fit(rendition)
                return replace(fitted, parts=tuple(part + b"!" for part in fitted.parts))

        office.phones = Louder

    await voided(office, change)


async def test_one_changed_letter_of_a_catalogue_voids_the_approval(tmp_path):
    import shutil

    from broadcaster.paths import shipped

    shutil.copytree(shipped("locales"), tmp_path / "locales")
    office = await Office(tmp_path, locales="locales").open()
    await office.subscribe()

    def change():
        catalogue = tmp_path / "locales/de/LC_MESSAGES/standard.po"
        words = catalogue.read_text(encoding="utf-8")
        assert 'msgstr "Bis' in words
        catalogue.write_text(words.replace('msgstr "Bis', 'msgstr "Bjs'), encoding="utf-8")

    await voided(office, change)
    await office.close()


async def test_one_changed_byte_of_a_page_template_voids_the_approval(tmp_path):
    import shutil

    from broadcaster.paths import shipped

    shutil.copytree(shipped("templates"), tmp_path / "templates")
    office = await Office(tmp_path, templates="templates").open()
    await office.subscribe()

    def change():
        page = next((tmp_path / "templates/html").rglob("*.j2"))
        page.write_bytes(page.read_bytes() + b"\n")

    await voided(office, change)
    await office.close()


# ---- privacy ------------------------------------------------------------------------------------


async def test_no_number_is_in_any_answer_or_log(office, caplog):
    caplog.set_level("DEBUG")
    found = []
    for command, arguments in [
        ("subscribers", {"action": "add", "channel": "texts", "address": "+4917139200077"}),
        ("subscribers", {"action": "add", "channel": "texts", "address": "0171 no 39200077"}),
        ("subscribers", {"action": "count", "channel": "texts"}),
        ("subscribers", {"action": "erase", "channel": "texts", "address": "+4917139200077"}),
        ("issue", {"fields": HEAT}),
        ("audit", {"action": "show"}),
        ("list", {}),
    ]:
        found += (await office.ask(command, **arguments))[0]

    assert "39200" not in json.dumps(found)
    assert "39200" not in caplog.text


# ---- what the next alert of a thread owes to those who heard the last ---------------------------


async def test_cells_that_alarmed_hear_of_an_update_that_alone_would_not_alarm_them(office):
    first = await office.does("issue", fields=WORST, break_glass="nobody else is here")
    await office.does("update", id=first, fields={"level": "2"}, break_glass="still alone")

    assert [way for way in office.left() if way[0] == "cells"] == [
        ("cells", "live", ALERT),
        ("cells", "live", UPDATE),
    ]


async def test_the_end_is_told_in_every_language_the_warning_was_told_in(office):
    turkish = Subscription(address="+4917139200099", language="tr", variant="short")
    await office.app.store.subscribe("texts", [turkish], office.clock.now())
    first = await office.does("issue", fields=HEAT)
    await office.does("update", id=first, fields={"languages": ["de"]})
    await office.does("cancel", id=first, reason="over")

    ends = [b for b in office.phones.handed_over if b.operation is CANCEL]
    assert {d.rendition.language for b in ends for d in b.deliveries} == {"de", "tr"}


async def test_the_end_told_in_two_of_six_languages_stays_in_two(tmp_path):
    office = await Office(tmp_path, languages=["de", "tr", "en"]).open()
    first = await office.does("issue", fields={**HEAT, "languages": "de en"})
    await office.does("update", id=first, fields={"languages": ["de", "tr"]})
    last = await office.does("cancel", id=first, reason="over")
    cap = (await office.app.store.alert(last)).cap
    await office.close()

    found = {info.language.partition("-")[0] for info in read(cap).alert.infos}
    assert found == {"de", "en", "tr"}


@pytest.mark.parametrize("step", [0, -120])
async def test_a_clock_that_stands_or_was_set_back_hinders_no_end(office, step):
    first = await office.does("issue", fields=HEAT)
    office.clock.advance(seconds=step)
    update = await office.does("update", id=first, fields={"level": "3"}, break_glass="alone")
    assert (await office.result("status", id=first))["state"] == "superseded"
    assert (await office.result("status", id=update))["state"] == "in_force"
    await office.does("cancel", id=first, reason="over", break_glass="alone")

    assert (await office.result("status", id=update))["state"] == "cancelled"
    assert [way[2] for way in office.left() if way[0] == "phones"] == [ALERT, UPDATE, CANCEL]


async def test_a_preview_says_which_languages_go_out_as_drafts(office):
    found, code = await office.ask("issue", fields=HEAT, dry_run=True)

    (preview,) = [e for e in found if e["event"] == "preview"]
    said = [p["says"] for p in preview["warnings"] if p["path"] == "review"]
    assert said == ["2 languages go out as drafts that no native speaker has checked: de, tr"]
    assert code == 0


# ---- further than asked -------------------------------------------------------------------------


def widening(office):
    """Makes the cells of this office go to the whole network."""

    def arrange(self, of, texts):
        return Arrangement(wider="goes to every phone in the whole network")

    office.cells.arrange = arrange


async def test_what_reaches_further_than_asked_stays_silent_without_consent(tmp_path):
    office = Office(tmp_path, approval=[])
    widening(office)
    await office.open()
    await office.subscribe()
    found, code = await office.ask("issue", fields=WORST)
    await office.close()

    gaps = [gap["reason"] for gap in found[-2]["result"]["gaps"] if gap["channel"] == "cells"]
    assert code == 3
    assert len(gaps) == 1
    assert "every phone in the whole network" in gaps[0]
    assert {kind for kind, _, _ in office.left()} == {"phones", "site"}


async def test_a_consent_to_reach_further_is_on_record_and_holds_to_the_end(tmp_path):
    office = Office(tmp_path)
    widening(office)
    await office.open()
    await office.subscribe()
    held = await office.does("issue", fields=WORST, wider_area=True)
    await office.does("approve", user="probe", id=held)
    # Nobody is asked again at the end: it has to reach whom the warning reached.
    ended = await office.does("cancel", id=held, reason="over")
    await office.does("approve", user="probe", id=ended)
    records = await office.app.store.audit()
    await office.close()

    assert [kind for kind, _, _ in office.left()].count("cells") == 2
    consents = [r.detail["wider_area"] for r in records if "wider_area" in r.detail]
    assert consents[0] == {"cells": "goes to every phone in the whole network"}
