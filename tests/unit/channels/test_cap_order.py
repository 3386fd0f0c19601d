"""An order as one CAP document: what a centre is told, and nothing that it must not show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from broadcaster.delivery.contract import Variant
from broadcaster.model.cap import Alert, MsgType, Status
from broadcaster.model.capxml import read
from broadcaster.model.errors import Permanent
from broadcaster.model.rules import check
from broadcaster.testing import values
from channels.cell_broadcast.gateways import cap_order
from channels.cell_broadcast.gateways.handover import FileGateway, file_name
from tests.unit.channels.cap_bench import EARLIER, TEXTS, on_air, order, reader


@pytest.fixture
def valid(shared: Path) -> Callable[[bytes], Alert]:
    return reader(shared)


def test_the_document_holds_every_text_exactly_as_on_air_and_no_other_text(
    valid: Callable[[bytes], Alert],
) -> None:
    xml = cap_order.document(order())
    alert = valid(xml)
    assert {info.language: info.description for info in alert.infos} == TEXTS
    for other in ("Another text", "Bleiben Sie im Haus", "Es regnet", "example.org/more"):
        assert other in str(order().alert)
        assert other.encode() not in xml
    german = alert.infos[0]
    assert [(pair.name, pair.value) for pair in german.parameters] == [
        ("broadcaster:message-identifier", "4370"),
        ("broadcaster:serial-number", "4010"),
        ("broadcaster:message-identifier", "919"),
        ("broadcaster:serial-number", "4020"),
    ]
    assert german.expires == values.NOON + timedelta(hours=6)
    ring = german.areas[0].polygons[0].points
    assert ring[0] == ring[-1]
    assert cap_order.document(order()) == xml


def test_plain_language_is_an_info_of_its_own_with_its_own_tag(
    valid: Callable[[bytes], Alert],
) -> None:
    items = [
        on_air("Gehen Sie nach oben.", "de", 4370, 1),
        on_air("Gehen Sie hoch.", "de", 4370, 2, Variant.PLAIN),
    ]
    alert = valid(cap_order.document(order(items=items)))
    assert [(info.language, info.description) for info in alert.infos] == [
        ("de", "Gehen Sie nach oben."),
        ("de-simple", "Gehen Sie hoch."),
    ]


@pytest.mark.parametrize("operation", [MsgType.UPDATE, MsgType.CANCEL])
def test_an_update_and_a_cancel_refer_to_what_was_on_air_here_and_to_nothing_else(
    valid: Callable[[bytes], Alert], operation: MsgType
) -> None:
    never_here = values.alert("de-example.20260701T100000.cccccc")
    alert = values.alert(msg_type=operation, replaces=(never_here, EARLIER))
    sent = order(operation, alert=alert, replaces=(EARLIER,))
    found = valid(cap_order.document(sent))
    assert found.msg_type is operation
    assert [str(one) for one in found.references] == [
        f"warnung@example.org,{EARLIER.identifier},2026-07-01T12:00:00+02:00"
    ]


def test_an_update_of_an_alert_that_never_left_comes_as_an_alert_without_references(
    valid: Callable[[bytes], Alert],
) -> None:
    alert = values.alert(msg_type=MsgType.UPDATE, replaces=(EARLIER,))
    found = valid(cap_order.document(order(MsgType.ALERT, alert=alert)))
    assert (found.msg_type, found.references) == (MsgType.ALERT, ())


@pytest.mark.parametrize("operation", [MsgType.UPDATE, MsgType.CANCEL])
def test_what_only_ends_texts_is_a_cancel_with_nothing_to_show(
    valid: Callable[[bytes], Alert], operation: MsgType
) -> None:
    alert = values.alert(msg_type=operation, replaces=(EARLIER,))
    found = valid(cap_order.document(order(operation, alert=alert, items=(), replaces=(EARLIER,))))
    assert found.msg_type is MsgType.CANCEL
    assert [one.identifier for one in found.references] == [EARLIER.identifier]
    (info,) = found.infos
    assert (info.headline, info.description, info.instruction) == (None, None, None)
    assert info.areas == alert.infos[0].areas


def test_an_end_is_told_also_where_the_references_name_nothing_that_was_on_air_here(
    valid: Callable[[bytes], Alert],
) -> None:
    never_here = values.alert("de-example.20260701T100000.cccccc")
    alert = values.alert(msg_type=MsgType.CANCEL, replaces=(never_here,))
    found = valid(
        cap_order.document(order(MsgType.CANCEL, alert=alert, items=(), replaces=(EARLIER,)))
    )
    assert found.msg_type is MsgType.CANCEL
    assert found.references == alert.references


def test_what_neither_says_nor_ends_anything_is_refused_in_words() -> None:
    alert = values.alert(msg_type=MsgType.CANCEL, replaces=(EARLIER,))
    with pytest.raises(Permanent, match="no text to put on air here, and ends none"):
        cap_order.document(order(MsgType.CANCEL, alert=alert, items=()))


@hypothesis(deadline=None)  # the first one loads lxml
@given(
    operation=st.sampled_from([MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL]),
    here=st.lists(st.booleans(), max_size=3),
    languages=st.lists(st.sampled_from(sorted(TEXTS)), unique=True),
    status=st.sampled_from([Status.ACTUAL, Status.EXERCISE]),
)
def test_no_document_breaks_a_rule_of_cap_whatever_of_its_thread_was_here(
    operation: MsgType, here: list[bool], languages: list[str], status: Status
) -> None:
    """``here``: of each earlier alert whether it was on air over this gateway."""
    thread = [
        values.alert(f"de-example.{at}", sent=values.NOON - timedelta(hours=3 - at))
        for at in range(len(here))
    ]
    was_here = [
        one for one, was in zip(thread, here, strict=True) if was and operation is not MsgType.ALERT
    ]
    alert = values.alert(
        msg_type=operation if thread else MsgType.ALERT, status=status, replaces=thread
    )
    items = [on_air(TEXTS[tag], tag, 4383, at) for at, tag in enumerate(languages)]
    asked = order(operation, alert=alert, items=items, replaces=was_here)
    if not items and not was_here:
        with pytest.raises(Permanent):
            cap_order.document(asked)
        return
    found = read(cap_order.document(asked)).alert
    assert [problem for problem in check(found) if problem.level == "error"] == []
    assert [one.identifier for one in found.references] == [one.identifier for one in was_here]
    assert (found.msg_type is MsgType.ALERT) is not bool(was_here)
    assert [info.description for info in found.infos if info.description] == [
        TEXTS[tag] for tag in languages
    ]


def test_an_exercise_says_so(valid: Callable[[bytes], Alert]) -> None:
    alert = values.alert(status=Status.EXERCISE)
    assert valid(cap_order.document(order(alert=alert))).status is Status.EXERCISE


def test_a_text_that_xml_cannot_carry_is_refused_and_never_mended() -> None:
    with pytest.raises(Permanent, match=r"U\+000C"):
        cap_order.document(order(items=[on_air("eins\fzwei", "de", 4370, 1)]))


async def test_the_hand_over_file_is_the_same_document(tmp_path: Path) -> None:
    await FileGateway(tmp_path).take(order())
    name = file_name(order().key).replace(".json", ".cap.xml")
    assert (tmp_path / name).read_bytes() == cap_order.document(order())
