"""What officers can ask about the subscription list, and what the record says of it."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.app.subscribers import COLUMNS, E164_MOBILE, PAGE, _number, masked
from broadcaster.store.port import Subscription
from broadcaster.testing import NOON
from tests.unit.app.desk_bench import HEAT, Office

TO = {"channel": "texts"}
NUMBER = "+4917139200077"


@pytest.fixture
async def office(tmp_path):
    office = await Office(tmp_path).open()
    yield office
    await office.close()


HEADER = ",".join(COLUMNS)


async def brought_in(office, *rows, header=HEADER):
    text = "\n".join((header, *rows)) + "\n"
    return await office.result("subscribers", action="import", csv=text, **TO)


async def record(office):
    return [(e.action, e.subject, dict(e.detail)) for e in await office.app.store.audit()]


async def wish(office, address=NUMBER):
    return (await office.app.store.known("texts", address))[0].wish


async def test_a_file_says_everything_that_a_subscription_can_hold(office):
    done = await brought_in(
        office,
        f"{NUMBER},tr de,short,dortmund-hoerde,heat flood,Severe,yes",
        "0171 39200 078,,,,,,",
        "+49 171 39200079",
    )

    assert done == {"added": 3, "changed": 0}
    assert await wish(office) == Subscription(
        address=NUMBER,
        language="tr",
        others=("de",),
        variant="short",
        areas=("dortmund-hoerde",),
        hazards=("heat", "flood"),
        minimum=3,
        quiet=True,
    )
    plain = Subscription(address="+4917139200078", language="de", variant="short")
    assert await wish(office, "+4917139200078") == plain
    assert ("import", "texts", {"rows": 3}) in await record(office)


async def test_every_wrong_line_is_named_and_then_nothing_of_the_file_is_taken(office):
    text = "\n".join(
        [
            ",".join(COLUMNS),
            f"{NUMBER},de,short,,,,",
            "12,de,short,,,,",
            f"{NUMBER},de xx,short,,,,",
            f"{NUMBER},de,short,nowhere,,,",
            f"{NUMBER},de,short,,,,perhaps",
        ]
    )
    said, code = await office.refused("subscribers", action="import", csv=text, **TO)

    assert code == 2
    assert [line.split(":")[0] for line in said.split("; ")] == [f"line {n}" for n in (4, 5, 6)]
    assert "'xx' is not offered" in said
    assert "no area is called nowhere" in said
    assert "39200" not in said
    assert await office.app.store.subscribers("texts") == {}


async def test_columns_may_stand_in_any_order_and_others_are_passed_over(office):
    await brought_in(office, f"Mo,,{NUMBER},tr", header="name,areas,address,language")

    assert (await wish(office)).language == "tr"


async def test_a_list_shows_wishes_and_no_number(office):
    await brought_in(
        office,
        f"{NUMBER},tr de,short,dortmund-hoerde,,Severe,yes",
        "+4917139200078,de,short,dortmund-mengede,,,",
        "+4917139200079,de,short,,,,",
    )

    async def listed(**wanted):
        result = await office.result("subscribers", action="list", **TO, **wanted)
        assert "39200" not in json.dumps(result)
        return [row["address"][-2:] for row in result["list"]], result["more"]

    assert await listed() == (["77", "78", "79"], False)
    assert await listed(language="de") == (["78", "79"], False)
    assert await listed(area="dortmund-hoerde") == (["77", "79"], False)
    assert await listed(limit=2) == (["77", "78"], True)


def test_a_masked_number_keeps_its_country_and_two_digits():
    assert masked(NUMBER) == "+49•••••••••77"


async def test_all_that_is_stored_about_one_number_comes_out_and_the_record_says_so(office):
    await brought_in(office, f"{NUMBER},de tr,short,,,,yes")
    identifier = await office.does("issue", fields=HEAT)

    found = (await office.result("subscribers", action="export", address=NUMBER, **TO))["export"]

    assert found == {
        "address": NUMBER,
        "language": "de tr",
        "variant": "short",
        "areas": "",
        "hazards": "",
        "minimum": "",
        "quiet": "yes",
        "since": NOON.isoformat(timespec="seconds"),
        "subscribed": True,
        "told": [{"alert": identifier, "state": "accepted", "reason": "", "references": []}],
        "messages": [],
    }
    action, subject, detail = (await record(office))[-1]
    assert (action, subject) == ("export", "texts")
    assert len(detail["number"]) == 8
    assert "39200" not in json.dumps(await record(office))


async def test_an_erased_number_is_gone_and_the_record_names_it_by_its_tag_alone(office):
    await brought_in(office, f"{NUMBER},de,short,,,,")
    await office.result("subscribers", action="export", address=NUMBER, **TO)
    assert await office.result("subscribers", action="erase", address=NUMBER, **TO) == {
        "erased": True
    }

    exported, erased = (await record(office))[-2:]
    assert exported[2] == erased[2], "the same tag"
    found = (await office.result("subscribers", action="export", address=NUMBER, **TO))["export"]
    assert found == {"address": NUMBER, "subscribed": False, "messages": []}


async def test_the_whole_list_comes_out_in_pages_and_goes_in_again(office, monkeypatch):
    monkeypatch.setattr("broadcaster.app.subscribers.PAGE", 2)
    rows = [f"+491713920007{n},{'de tr' if n else 'tr'},short,,heat,,yes" for n in range(5)]
    await brought_in(office, *rows)

    text, after, pages = io.StringIO(), None, 0
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore")
    writer.writeheader()
    while True:
        page = await office.result("subscribers", action="export", after=after, **TO)
        writer.writerows(page["page"])
        pages += 1
        if (after := page["after"]) is None:
            break

    assert pages == 3
    assert [e for e in await record(office) if e[0] == "export"] == [
        ("export", "texts", {"rows": "all"})
    ]
    again = await office.result("subscribers", action="import", csv=text.getvalue(), **TO)
    assert again == {"added": 0, "changed": 5}
    assert PAGE == 5_000


async def test_a_new_key_changes_nothing_that_anybody_sees(office):
    await brought_in(office, f"{NUMBER},de,short,,,,", "+4917139200078,de,short,,,,")

    # The third is the phone of the exercises.
    assert await office.result("subscribers", action="rotate-key") == {"resealed": 3}

    assert await office.result("subscribers", action="erase", address=NUMBER, **TO) == {
        "erased": True
    }
    assert ("rotate-key", "addresses", {}) in await record(office)


async def test_check_tells_of_a_key_that_was_changed_half_way(office):
    (office.app.data / "keys" / "addresses.next.key").write_text("ab" * 32)
    problems = (await office.result("check"))["problems"]
    assert [p["remedy"] for p in problems if p["path"] == "addresses"] == [
        "finish it: broadcaster subscribers rotate-key"
    ]


async def test_who_may_not_issue_sees_nothing_of_the_list(office):
    for action in ("list", "count", "export", "erase", "rotate-key"):
        said, _ = await office.refused(
            "subscribers", user="probe", action=action, address=NUMBER, **TO
        )
        assert "C. Probe may not issue" in said


# ---- the short way for numbers that are stored as they were typed --------------------------------


@given(st.from_regex(E164_MOBILE, fullmatch=True))
def test_what_takes_the_short_way_is_what_the_long_way_gives(number):
    assert _number(number, "") == number
