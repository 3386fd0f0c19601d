"""Programs that read the federal app's interface read the city's warnings."""

import json
from dataclasses import replace

import pytest

from broadcaster.model.cap import MsgType, ResponseType, Status
from broadcaster.text import nina
from broadcaster.text.publication import Published, Situation
from tests.unit.text.site_examples import NOW, SITE, alert

CITY = replace(SITE, region_key="059130000000")


def made(*published):
    found = nina.documents(Situation(alerts=published, at=NOW), CITY)
    return {document.path: json.loads(document.data) for document in found}


def shown(state="in_force", **changes):
    one = alert(**changes)
    return Published(alert=one, cap=b"<alert/>", state=state, history=(one,))


def test_a_warning_in_force_is_on_the_dashboard_with_its_titles_and_its_details():
    one = shown()
    found = made(one)
    (entry,) = found["api31/dashboard/059130000000.json"]
    details = found[f"api31/warnings/{entry['id']}.json"]

    assert entry["payload"]["id"] == entry["id"]
    assert entry["payload"]["data"]["msgType"] == "Alert"
    assert entry["payload"]["data"]["severity"] == one.alert.severity.value
    assert set(entry["i18nTitle"]) == {"de", "en", "ar", "uk"}
    assert details["identifier"] == entry["id"]
    assert details["info"][0]["language"].startswith("de")
    assert "<br/>" not in details["info"][0]["headline"]
    assert {p["valueName"] for p in details["info"][0]["parameter"]} >= {
        "warnVerwaltungsbereiche",
        "sender_langname",
    }


def test_the_ground_is_longitude_first_and_grey_when_it_is_over():
    found = made(shown())
    (name,) = [path for path in found if path.endswith(".geojson")]
    (feature,) = found[name]["features"]
    longitude, latitude = feature["geometry"]["coordinates"][0][0][0]

    assert 7 < longitude < 8
    assert 51 < latitude < 52
    assert feature["properties"]["fillColor"] != "#C4C4C4"
    over = made(shown(msg_type=MsgType.CANCEL))
    (name,) = [path for path in over if path.endswith(".geojson")]
    assert over[name]["features"][0]["properties"]["fillColor"] == "#C4C4C4"


def test_an_all_clear_that_is_an_update_is_a_cancel_to_clients():
    one = alert(msg_type=MsgType.UPDATE)
    infos = tuple(replace(i, response_types=(ResponseType.ALL_CLEAR,)) for i in one.infos)
    clear = replace(one, infos=infos)
    found = made(Published(alert=clear, cap=b"", state="in_force", history=(clear,)))
    (entry,) = found["api31/dashboard/059130000000.json"]

    assert entry["payload"]["data"]["msgType"] == "Cancel"
    assert found[f"api31/warnings/{entry['id']}.json"]["info"][0]["responseType"] == ["AllClear"]


@pytest.mark.parametrize("state", ["expired", "superseded", "cancelled", "scheduled"])
def test_what_is_not_in_force_is_not_on_the_dashboard_but_can_still_be_looked_up(state):
    found = made(shown(state))

    assert found["api31/dashboard/059130000000.json"] == []
    assert any(path.startswith("api31/warnings/") for path in found)


def test_an_all_clear_is_listed_until_it_expires():
    clear = shown("cancelled", msg_type=MsgType.CANCEL)
    (entry,) = made(clear)["api31/dashboard/059130000000.json"]
    assert entry["payload"]["data"]["msgType"] == "Cancel"

    later = Situation(alerts=(clear,), at=clear.alert.expires)
    found = {d.path: json.loads(d.data) for d in nina.documents(later, CITY)}
    assert found["api31/dashboard/059130000000.json"] == []


def test_an_exercise_never_shows_where_clients_expect_the_real_thing():
    found = made(shown(status=Status.EXERCISE))

    assert found["api31/dashboard/059130000000.json"] == []
    assert not any(path.startswith("api31/warnings/") for path in found)


def test_every_list_that_clients_ask_for_is_there_and_only_one_is_filled():
    found = made(shown())
    lists = {name: found[f"api31/{name}/mapData.json"] for name in nina.PROVIDERS}

    assert [name for name, entries in lists.items() if entries] == ["mowas"]
    assert lists["mowas"][0]["type"] == "Alert"


def test_the_hash_moves_with_the_document():
    one = shown()
    first = made(one)["api31/dashboard/059130000000.json"][0]["payload"]["hash"]
    other = made(replace(one, cap=b"<alert> </alert>"))
    assert other["api31/dashboard/059130000000.json"][0]["payload"]["hash"] != first


def test_a_city_without_a_regional_key_has_no_such_door():
    situation = Situation(alerts=(shown(),), at=NOW)
    assert list(nina.documents(situation, SITE)) == []
