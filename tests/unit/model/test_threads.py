"""Which alert of a thread is in force, whatever order its messages arrived in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from broadcaster.model.cap import (
    Alert,
    Info,
    MsgType,
    Reference,
    Scope,
    Status,
)
from broadcaster.model.capxml import parse_time, read, write
from broadcaster.model.threads import (
    ThreadState,
    in_force,
    references_for,
    state,
    thread_of,
    threads,
)

START = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
NOW = START + timedelta(hours=2)


def hours(number: float) -> datetime:
    return START + timedelta(hours=number)


def alert(
    identifier: str,
    *names: str,
    at: float = 0,
    kind: MsgType = MsgType.ALERT,
    effective: datetime | None = None,
    expires: datetime | None = None,
    status: Status = Status.ACTUAL,
    sender: str = "control.example.org",
) -> Alert:
    return Alert(
        identifier=identifier,
        sender=sender,
        sent=hours(at),
        status=status,
        msg_type=kind,
        scope=Scope.PUBLIC,
        references=tuple(Reference("control.example.org", name, "x") for name in names),
        infos=(Info(event="Flood", effective=effective, expires=expires),),
    )


A = alert("a", expires=hours(12))
U = alert("u", "a", at=1, kind=MsgType.UPDATE)
C = alert("c", "a", "u", at=1.5, kind=MsgType.CANCEL)


def test_an_alert_alone_is_in_force_until_it_expires() -> None:
    assert state(A, [A], hours(11.9)) is ThreadState.IN_FORCE
    assert state(A, [A], hours(12)) is ThreadState.EXPIRED
    assert in_force([A], hours(12)) == ()


def test_an_alert_without_end_stays_in_force() -> None:
    endless = alert("endless")
    assert in_force([endless], hours(10_000)) == (endless,)


def test_an_alert_is_scheduled_until_it_is_effective() -> None:
    later = alert("later", effective=hours(5))
    assert state(later, [later], hours(4)) is ThreadState.SCHEDULED
    assert state(later, [later], hours(5)) is ThreadState.IN_FORCE


def test_an_update_takes_the_place_of_what_it_names() -> None:
    assert in_force([A, U], NOW) == (U,)
    assert state(A, [A, U], NOW) is ThreadState.SUPERSEDED


def test_an_update_that_is_not_yet_effective_replaces_nothing_yet() -> None:
    later = alert("later", "a", at=1, kind=MsgType.UPDATE, effective=hours(5))
    assert in_force([A, later], NOW) == (A,)
    assert in_force([A, later], hours(6)) == (later,)


def test_an_expired_update_does_not_bring_back_what_it_replaced() -> None:
    short = alert("short", "a", at=1, kind=MsgType.UPDATE, expires=hours(1.5))
    assert in_force([A, short], NOW) == ()


def test_a_cancel_ends_all_it_names() -> None:
    assert in_force([A, U, C], NOW) == ()
    assert [state(each, [A, U, C], NOW) for each in (A, U, C)] == [ThreadState.CANCELLED] * 3


def test_a_cancel_that_names_only_the_first_message_ends_its_updates() -> None:
    cancel = alert("c", "a", at=1.5, kind=MsgType.CANCEL)
    assert in_force([A, U, cancel], NOW) == ()
    assert in_force([U, cancel], NOW) == (), "also when the first message was never seen"


def test_a_cancel_that_arrives_before_its_alert_still_ends_it() -> None:
    assert in_force([C], NOW) == ()
    assert in_force([C, A], NOW) == ()
    assert thread_of("a", [C]) == (C,)


def test_a_cancel_of_another_thread_ends_nothing_here() -> None:
    other = alert("c", "other", at=1, kind=MsgType.CANCEL)
    assert in_force([A, other], NOW) == (A,)


def test_an_exercise_cannot_end_a_real_warning() -> None:
    drill = alert("c", "a", at=1, kind=MsgType.CANCEL, status=Status.EXERCISE)
    assert in_force([A, drill], NOW) == (A,)


def test_a_reference_to_the_same_identifier_of_another_sender_ends_nothing() -> None:
    theirs = alert("a", sender="elsewhere.example.org")
    assert in_force([theirs, C], NOW) == (theirs,)


def test_a_reference_without_sender_counts_by_its_identifier() -> None:
    loose = alert("c", at=1, kind=MsgType.CANCEL)

    loose = replace(loose, references=(Reference("", "a", ""),))
    assert in_force([A, loose], NOW) == ()


def test_two_updates_that_split_a_warning_are_both_in_force() -> None:
    north, south = (alert(name, "a", at=1, kind=MsgType.UPDATE) for name in ("north", "south"))
    assert {member.identifier for member in in_force([A, north, south], NOW)} == {
        "north",
        "south",
    }


def test_an_update_sent_after_the_cancel_is_in_force_again() -> None:
    again = alert("again", "a", at=1.8, kind=MsgType.UPDATE)
    assert in_force([A, U, C, again], NOW) == (again,)


def test_references_in_a_circle_leave_the_newest_in_force() -> None:
    first = alert("first", "second", kind=MsgType.UPDATE)
    second = alert("second", "first", at=1, kind=MsgType.UPDATE)
    assert in_force([first, second], NOW) == (second,)


def test_a_reference_to_itself_changes_nothing() -> None:
    odd = alert("odd", "odd", kind=MsgType.UPDATE)
    assert in_force([odd], NOW) == (odd,)


def test_acknowledgements_and_errors_end_nothing_and_warn_of_nothing() -> None:
    for kind in (MsgType.ACK, MsgType.ERROR):
        answer = alert("answer", "a", at=1, kind=kind)
        assert in_force([A, answer], NOW) == (A,)


@pytest.mark.parametrize("order", list(permutations([A, U, C, A])))
def test_order_and_duplicates_make_no_difference(order: tuple[Alert, ...]) -> None:
    (thread,) = threads(order, NOW)
    assert thread.root == A
    assert thread.alerts == (A, U, C)
    assert thread.state is ThreadState.CANCELLED


def test_of_one_identifier_published_twice_the_later_counts() -> None:
    changed = alert("a", at=1, expires=hours(1.5))
    assert in_force([changed, A], NOW) == in_force([A, changed], NOW) == ()


def test_updates_of_a_message_never_seen_are_one_thread() -> None:
    one = alert("one", "lost", at=1, kind=MsgType.UPDATE)
    two = alert("two", "lost", at=2, kind=MsgType.UPDATE)
    (thread,) = threads([two, one], NOW)
    assert thread.alerts == (one, two)
    assert thread_of("lost", [two, one]) == (one, two)


def test_threads_come_with_their_own_states_oldest_first() -> None:
    other = alert("other", at=1, effective=hours(5))
    found = threads([other, U, A], NOW)
    assert [(t.root, t.state) for t in found] == [
        (A, ThreadState.IN_FORCE),
        (other, ThreadState.SCHEDULED),
    ]


def test_an_unknown_identifier_has_no_thread() -> None:
    assert thread_of("nothing", [A, U]) == ()


def test_references_name_every_message_still_shown_anywhere() -> None:
    named = references_for([U, A])
    assert [reference.identifier for reference in named] == ["a", "u"]


def test_references_leave_out_the_cancelled_and_the_expired() -> None:
    assert references_for([A, U, C]) == ()
    assert [r.identifier for r in references_for([A, U], hours(13))] == ["u"]


def test_references_repeat_sent_as_it_was_published() -> None:

    for text in ("2026-07-01T12:00:00-00:00", "2026-07-01T12:00:00+00:00"):
        published = write(replace(A, sent=parse_time(text)[0]))
        (reference,) = references_for([read(published).alert])
        assert reference.sent == text
        assert f"<sent>{reference.sent}</sent>".encode() in published
