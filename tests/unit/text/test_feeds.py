"""The feeds, rendered with the real templates."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any

import feedparser
import pytest
from lxml import etree

from broadcaster.model.cap import (
    Area,
    Circle,
    MsgType,
    Resource,
)
from broadcaster.model.rendition import Document
from broadcaster.text import maps
from broadcaster.text.site import Published
from tests.unit.text.site_examples import (
    HEADLINES,
    NOW,
    SCHEMAS,
    SENT,
    alert,
    follows,
    info,
    published,
    site_of,
)

# Feeds ----------------------------------------------------------------------------------------


def feeds(made: dict[str, Document]) -> Iterator[tuple[str, Document]]:
    return (
        (path, document)
        for path, document in made.items()
        if path.startswith("feed/") and path != maps.PATH
    )


def test_every_feed_parses_strictly_with_its_language_type_and_self_link():
    types = {".atom": "application/atom+xml", ".rss": "application/rss+xml"}
    for path, document in feeds(site_of(published(alert()))):
        parsed = feedparser.parse(document.data)

        assert parsed.bozo == 0, path
        assert document.media_type == types[PurePosixPath(path).suffix]
        own = [link.href for link in parsed.feed.links if link.rel == "self"]
        assert own == [f"https://warn.example.org/{path}"]
        tag = path.removeprefix("feed/").split(".")[0].replace("-plain", "-simple")
        assert parsed.feed.language == ("de" if tag == "cap" else tag)
        assert len(parsed.entries) == 1


def test_an_entry_is_escaped_once_and_links_to_page_and_cap():
    made = site_of(published(alert()))
    for path in ("feed/de.atom", "feed/de.rss"):
        entry = feedparser.parse(made[path].data).entries[0]
        raw = etree.fromstring(made[path].data)

        titles = raw.xpath(
            "//*[local-name()='entry' or local-name()='item']/*[local-name()='title']"
        )
        assert titles[0].text == HEADLINES["de"]
        assert entry.id == "tag:warn.example.org,2026-11-24:DO-1"
        assert entry.link == "https://warn.example.org/de/alerts/DO-1/"
        assert "https://warn.example.org/cap/DO-1.xml" in [link.href for link in entry.links]
        assert "Step two de." in raw.xpath(
            "string(//*[local-name()='content'] | //item/description)"
        )


def test_right_to_left_text_stays_as_it_is():
    made = site_of(published(alert()))

    assert f"<title>{HEADLINES['ar']}</title>".encode() in made["feed/ar.atom"].data


@pytest.mark.parametrize(
    ("identifier", "is_"),
    [
        ("urn:oid:2.49.0.1.276.0", "urn:oid:2.49.0.1.276.0"),
        ("6f1c2d3e-0000-4000-8000-000000000001", "urn:uuid:6f1c2d3e-0000-4000-8000-000000000001"),
        ("mow.DE/ü", "tag:warn.example.org,2026-11-24:mow.DE%2F%C3%BC"),
    ],
)
def test_an_entry_id_is_a_uri_made_of_the_identifier(identifier: str, is_: str):
    made = site_of(published(alert(identifier)))

    rss = etree.fromstring(made["feed/de.rss"].data)
    assert rss.findtext(".//guid") == is_
    assert rss.find(".//guid").get("isPermaLink") == "false"
    assert feedparser.parse(made["feed/cap.atom"].data).entries[0].id == is_


def test_updated_moves_when_a_later_alert_updates_or_when_it_expires():
    first = alert()
    update = alert(
        "DO-2", sent=SENT + timedelta(hours=1), msg_type=MsgType.UPDATE, references=follows(first)
    )

    def times(*alerts: Published) -> list[str]:
        feed = etree.fromstring(site_of(*alerts, at=NOW + timedelta(days=1))["feed/de.atom"].data)
        return [element.text for element in feed.iter("{*}updated")]

    assert times(published(first)) == ["2026-11-24T14:30:00+01:00"] * 2
    history = (first, update)
    assert (
        times(published(update, "in_force", *history), published(first, "superseded", *history))
        == ["2026-11-24T15:30:00+01:00"] * 3
    )
    assert times(published(first, "expired")) == ["2026-11-24T20:30:00+01:00"] * 2


def test_the_cap_index_hints_by_cap_names():
    circle = Area(area_desc="Hafen", circles=(Circle(51.5, 0.00001, 2.0),))
    a = alert("DO-1", info("de", areas=(*info("de").areas, circle)), info("ar"))

    feed = etree.fromstring(site_of(published(a))["feed/cap.atom"].data)

    cap = {"cap": "urn:oasis:names:tc:emergency:cap:1.2", "a": "http://www.w3.org/2005/Atom"}
    hints = [(e.tag.split("}")[1], e.text) for e in feed.xpath("//a:entry/cap:*", namespaces=cap)]
    assert ("identifier", "DO-1") in hints
    assert ("msgType", "Alert") in hints
    assert ("severity", "Severe") in hints
    assert ("expires", "2026-11-24T20:30:00+01:00") in hints
    assert ("polygon", "51.4,7.4 51.6,7.4 51.6,7.6 51.4,7.6 51.4,7.4") in hints
    assert ("circle", "51.5,0.00001 2.0") in hints
    geocode = feed.xpath("string(//cap:geocode/cap:value)", namespaces=cap)
    assert geocode == "05913000"
    links = feed.xpath("//a:entry/a:link", namespaces=cap)
    assert [(link.get("type"), link.get("hreflang"), link.get("href")) for link in links] == [
        ("application/cap+xml", None, "https://warn.example.org/cap/DO-1.xml"),
        ("text/html", "de", "https://warn.example.org/de/alerts/DO-1/"),
        ("text/html", "ar", "https://warn.example.org/ar/alerts/DO-1/"),
    ]


def test_a_recording_is_an_enclosure_of_its_own_language():
    sound = Resource(
        resource_desc="Audio",
        mime_type="audio/mpeg",
        size=1000,
        uri="https://warn.example.org/audio/DO-1/de.mp3",
    )
    made = site_of(published(alert("DO-1", info("de", resources=(sound,)), info("en"))))

    enclosures = feedparser.parse(made["feed/de.rss"].data).entries[0].enclosures
    assert [(e.type, e.length) for e in enclosures] == [("audio/mpeg", "1000")]
    assert not feedparser.parse(made["feed/en.rss"].data).entries[0].enclosures


_XML_NAMESPACE = b"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"
  targetNamespace="http://www.w3.org/XML/1998/namespace">
  <xs:attribute name="lang" type="xs:language"/><xs:attribute name="base" type="xs:anyURI"/>
</xs:schema>"""


class _Beside(etree.Resolver):
    """The schemas that atom.xsd imports: of XML itself, and of CAP, which our hints do without."""

    def resolve(self, url: str, public_id: str, context: Any) -> Any:
        if url.endswith("xml.xsd"):
            return self.resolve_string(_XML_NAMESPACE, context)
        return None


def test_atom_and_rss_keep_their_schemas():
    if not SCHEMAS.is_dir():
        pytest.skip("the schemas of Atom and RSS are not beside this repository")
    source = (SCHEMAS / "atom.xsd").read_bytes()
    # Imports of whole CAP documents go: ours are linked, and hints are single CAP elements.
    source = re.sub(rb"<xs:import[^>]*cap1[12]_extended.xsd[^>]*>(\s*</xs:import>)?", b"", source)
    source = source.replace(
        b'<xs:any namespace="##other"', b'<xs:any namespace="##other" processContents="lax"'
    )
    parser = etree.XMLParser()
    parser.resolvers.add(_Beside())
    atom = etree.XMLSchema(etree.fromstring(source, parser))
    rss = etree.XMLSchema(etree.parse(SCHEMAS / "rss-2_0.xsd"))

    for path, document in feeds(site_of(published(alert()))):
        schema = rss if path.endswith(".rss") else atom
        schema.assertValid(etree.fromstring(document.data))
