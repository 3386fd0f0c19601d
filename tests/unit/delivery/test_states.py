"""The state table, written out a second time, and its compact form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.model.states import (
    CODES,
    MAY_HAVE_REACHED,
    NOT_ADDRESSED,
    OPEN,
    REACHED,
    State,
    count,
    decode,
    may_move,
    moved,
    replace,
)

# Rows: from.  Columns: to, in the order of ORDER.  x: allowed.
ORDER = "planned attempting accepted sent delivered rejected unknown expired superseded"
ORDER = [*ORDER.split(), "unsupported"]
TABLE = """
planned      x x . . . . . x x x
attempting   x x x x x x x x x .
accepted     . . x x x x . x . .
sent         . . . x x x . x . .
delivered    . . . . x . . . . .
rejected     . . . . . x . . . .
unknown      . x x x x x x . . .
expired      . . . . . . . x . .
superseded   . . . . . . . . x .
unsupported  . . . . . . . . . x
"""
EXPECTED = {
    (State(row.split()[0]), State(to)): mark == "x"
    for row in TABLE.strip().splitlines()
    for to, mark in zip(ORDER, row.split()[1:], strict=True)
}
states = st.sampled_from(list(State))
compact = st.lists(st.sampled_from([NOT_ADDRESSED, *CODES.values()]), max_size=60).map(bytes)


@pytest.mark.parametrize(("before", "after"), [(b, a) for b in State for a in State])
def test_a_delivery_moves_only_as_the_table_says(before, after):
    assert may_move(before, after) is EXPECTED[before, after]
    assert moved(before, after) is (after if EXPECTED[before, after] else before)


def test_the_table_names_every_pair():
    assert len(EXPECTED) == len(State) ** 2


def test_a_success_never_turns_into_a_guess():
    for success in REACHED:
        assert moved(success, State.UNKNOWN) is success
        assert moved(success, State.PLANNED) is success
        assert moved(success, State.ATTEMPTING) is success


def test_who_may_have_been_reached_and_what_is_still_to_do():
    assert {"accepted", "sent", "delivered", "unknown", "attempting"} == MAY_HAVE_REACHED
    assert {"planned", "attempting"} == OPEN
    assert {"accepted", "sent", "delivered"} == REACHED


RANK = {State.ACCEPTED: 1, State.SENT: 2, State.DELIVERED: 3}


@given(st.lists(st.sampled_from(list(RANK)), max_size=12))
def test_successes_only_go_up_in_whatever_order_receipts_arrive(evidence):
    state, ranks = State.ATTEMPTING, [0]
    for one in evidence:
        state = moved(state, one)
        ranks.append(RANK[state])

    assert ranks == sorted(ranks)
    if evidence:
        assert ranks[-1] == max(RANK[one] for one in evidence)


@given(states, st.lists(states, max_size=12))
def test_the_same_evidence_twice_changes_nothing_more(before, evidence):
    for one in evidence:
        before = moved(before, one)
        assert moved(before, one) is before


@given(compact)
def test_the_compact_form_says_what_its_letters_say(packed):
    unpacked = decode(packed)

    assert len(unpacked) == len(packed)
    assert bytes(CODES[s] if s else NOT_ADDRESSED for s in unpacked) == packed
    assert count(packed) == {s: unpacked.count(s) for s in State if s in unpacked}


@given(compact, st.lists(states, max_size=3), states)
def test_replacing_moves_the_named_and_leaves_the_others(packed, befores, after):
    if not all(EXPECTED[before, after] for before in befores):
        with pytest.raises(ValueError, match="no delivery moves"):
            replace(packed, befores, after)
        return

    replaced = decode(replace(packed, befores, after))

    assert replaced == [after if one in befores else one for one in decode(packed)]


def test_the_codes_on_disk_never_change():
    assert {state.value: code for state, code in CODES.items()} == {
        "planned": 1,
        "attempting": 2,
        "accepted": 3,
        "sent": 4,
        "delivered": 5,
        "rejected": 6,
        "unknown": 7,
        "expired": 8,
        "superseded": 9,
        "unsupported": 10,
    }
