"""Names of deliveries: stable, and taken apart again whatever an identifier contains."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.delivery.keys import ChunkKey, parse

identifiers = st.text(
    st.characters(exclude_characters=" ,<&", exclude_categories=["Cc", "Cs"]), min_size=1
)
names = st.text("abcdefghij.-_", min_size=1)


@given(identifiers, names, st.integers(0, 99), st.integers(0, 10**6), st.integers(0, 499))
def test_a_key_is_taken_apart_into_what_it_was_made_of(alert, channel, round_, segment, position):
    key = ChunkKey(alert, channel, round_, segment)

    assert parse(key.delivery(position)) == (key, position)


def test_the_key_is_the_same_for_ever():
    key = ChunkKey("de-x.20260701T120000.aaaaaa", "texts", 0, 7)

    assert key.delivery(3) == "de-x.20260701T120000.aaaaaa~texts~0~7~3"
    assert key.batch(0, 49) == "de-x.20260701T120000.aaaaaa~texts~0~7~0-49"


@pytest.mark.parametrize("text", ["", "x", "a~b~c", "a~b~c~d~e", "a~b~0~0~0-49"])
def test_what_is_no_delivery_key_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - the contract promises the type only
        parse(text)
