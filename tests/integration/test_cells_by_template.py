"""Every shipped warning, in earnest, as an exercise and as a test: where cell broadcast puts it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broadcaster.model.cap import MsgType, Status
from channels.cell_broadcast.profile import available, load
from tests.unit.text.alert_examples import composed, levels

STATUSES = (Status.ACTUAL, Status.EXERCISE, Status.TEST)


@pytest.mark.parametrize("name", available())
def test_no_template_reaches_a_live_identifier_unless_it_is_in_earnest(name: str) -> None:
    profile = load(name)
    live = {i for row in (*profile.levels, profile.all_clear) for i in row.identifiers}
    seen = 0
    for hazard, level in levels():
        for kind in (MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL):
            for status in STATUSES:
                alert = replace(composed(hazard, level, kind).alert, status=status)
                found = profile.row(alert, kind).identifiers
                assert found <= live if status is Status.ACTUAL else not found & live
                seen += 1
    assert seen == len(levels()) * 9
