"""How an officer may name one entry of a list."""

from __future__ import annotations

import pytest

from broadcaster.cli.ask import Wrong, _choice
from broadcaster.cli.screen import Screen
from broadcaster.cli.words import Words

IDS = ["dortmund", "dortmund-hoerde", "dortmund-innenstadt-west"]
NAMES = ["Dortmund", "Dortmund-Hörde", "Dortmund-Innenstadt-West"]


@pytest.fixture
def screen() -> Screen:
    return Screen(None, None, None, {}, Words("en"))


@pytest.mark.parametrize(
    ("answer", "index"),
    [("1", 0), ("dortmund", 0), ("DORTMUND-HÖRDE", 1), ("Hörde", 1), ("hoerde", 1), ("west", 2)],
)
def test_a_number_a_name_or_its_last_part_is_taken(screen, answer, index) -> None:
    assert _choice(screen, answer, 3, IDS, NAMES) == index


@pytest.mark.parametrize("answer", ["0", "4", "", "we", "Atlantis", "mund"])
def test_what_names_no_entry_is_told(screen, answer) -> None:
    with pytest.raises(Wrong):
        _choice(screen, answer, 3, IDS, NAMES)
