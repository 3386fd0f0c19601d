"""The warnings in force as GeoJSON."""

import json

import shapely

from broadcaster.text import maps
from broadcaster.text.publication import Published, Situation
from tests.unit.text.site_examples import NOW, SITE, alert


def collection(*states):
    published = []
    for state in states:
        one = alert()
        published.append(Published(alert=one, cap=b"", state=state, history=(one,)))
    return json.loads(maps.document(Situation(alerts=tuple(published), at=NOW), SITE).data)


def test_a_warning_in_force_is_one_feature_with_its_words_and_addresses():
    (feature,) = collection("in_force")["features"]
    told = feature["properties"]

    assert feature["id"] == told["identifier"]
    assert set(told["headline"]) == set(told["web"])
    assert told["web"]["de"].startswith("https://warn.example.org/de/")
    assert told["cap"].endswith(".xml")


def test_its_ground_is_valid_and_counter_clockwise_as_rfc_7946_asks():
    (feature,) = collection("in_force")["features"]
    ground = shapely.from_geojson(json.dumps(feature["geometry"]))

    assert ground.is_valid
    assert all(piece.exterior.is_ccw for piece in ground.geoms)
    assert ground.covers(shapely.Point(7.5, 51.5))


def test_each_piece_of_ground_is_there_once_although_every_language_names_it():
    (feature,) = collection("in_force")["features"]
    assert len(feature["geometry"]["coordinates"]) == 1


def test_what_is_not_in_force_is_not_on_the_map_and_the_owner_of_the_outlines_is_named():
    found = collection("expired", "superseded")

    assert found["features"] == []
    assert found["attribution"] == "Geometry: Office of Maps 2021"
