"""The residents' pages, rendered with the real templates."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import feedparser
import pytest

from broadcaster.model.cap import (
    PARAMETER_NOTE,
    PARAMETER_NOTE_LANGUAGE,
    PARAMETER_REVIEW,
    Area,
    Circle,
    MsgType,
    Pair,
    Resource,
    ResponseType,
    Severity,
    Status,
)
from broadcaster.model.rendition import Format
from broadcaster.text.publication import slug
from broadcaster.text.site import Published, Situation, documents
from broadcaster.text.sketch import sketch
from tests.unit.text.site_examples import (
    HEADLINES,
    NOW,
    ROOT,
    SENT,
    SITE,
    SQUARE,
    alert,
    follows,
    info,
    library,
    published,
    site_of,
    text_of,
    tree_of,
)

# Documents ------------------------------------------------------------------------------------


def test_every_language_and_variant_of_an_alert_has_a_page_and_feeds():
    made = site_of(published(alert()))

    pages = {"index.html", "cap/DO-1.xml", "feed/cap.atom", "feed/alerts.geojson"}
    for tag in SITE.languages:
        pages |= {
            f"{tag}/index.html",
            f"{tag}/alerts/DO-1/index.html",
            f"{tag}/alerts/DO-1/plain/index.html",
            f"feed/{tag}.atom",
            f"feed/{tag}.rss",
            f"feed/{tag}-plain.atom",
            f"feed/{tag}-plain.rss",
        }
    assert made.keys() == pages


def test_only_the_formats_asked_for_are_made():
    situation = Situation((published(alert()),), NOW)

    made = documents(situation, library(), SITE, {Format.CAP})

    assert [d.path for d in made] == ["cap/DO-1.xml"]


def test_the_same_situation_gives_the_same_bytes_at_another_time():
    situation = published(alert())

    assert site_of(situation) == site_of(situation, at=NOW + timedelta(minutes=7))


def test_cap_bytes_are_published_as_they_are():
    raw = b"<?xml version='1.0'?>\r\n<alert  >\xc3\xa4</alert>"

    made = site_of(Published(alert(), raw, "in_force"))

    assert made["cap/DO-1.xml"].data == raw
    assert made["cap/DO-1.xml"].media_type == "application/cap+xml"


def test_every_local_link_leads_to_a_document():
    first = alert("DO-1", info("de"), info("en"))
    update = alert(
        "urn:oid:2.49.0/a",
        sent=SENT + timedelta(hours=1),
        msg_type=MsgType.UPDATE,
        references=follows(first),
    )
    made = site_of(
        published(update, "in_force", first, update), published(first, "superseded", first, update)
    )

    links = 0
    for path, document in made.items():
        if path.endswith(".html"):
            for element in tree_of(document).iter("a", "link"):
                url = element.get("href")
                if url.startswith(("#", "data:")):
                    continue
                links += 1
                if url.startswith(SITE.base_url):
                    url = urlsplit(url).path.lstrip("/")
                    target = url + "index.html" if url.endswith("/") or not url else url
                else:
                    target = _joined(path, unquote(url))
                assert target in made, f"{path} links to {target}"
    assert links > 100


def _joined(path: str, url: str) -> str:
    parts: list[str] = []
    for part in (*PurePosixPath(path).parent.parts, *url.split("/")):
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def test_no_page_asks_anyone_for_anything_and_none_runs_a_script():
    for path, document in site_of(published(alert())).items():
        if path.endswith(".html"):
            page = tree_of(document)
            assert not page.xpath("//script | //img | //iframe | //link[@rel='stylesheet']"), path
            assert not re.search(r"url\(|@import|javascript:", document.data.decode()), path
            assert not page.xpath("//@style | //@*[starts-with(name(), 'on')]"), path
            assert "default-src 'none'" in page.xpath("//meta/@content")[1]


def test_a_first_view_stays_within_30_kilobytes():
    largest = max(len(d.data) for p, d in site_of(published(alert())).items() if ".html" in p)

    assert largest <= 30_000


# Languages ------------------------------------------------------------------------------------


def test_a_page_says_its_language_and_direction_and_speaks_no_other():
    made = site_of(published(alert()))

    arabic = tree_of(made["ar/alerts/DO-1/plain/index.html"])
    assert (arabic.get("lang"), arabic.get("dir")) == ("ar-simple", "rtl")
    assert arabic.find(".//h1").text == HEADLINES["ar"] + " (plain)"
    for tag in SITE.languages:
        marks = set(re.findall(r"\[(\w\w)\]", text_of(made[f"{tag}/alerts/DO-1/index.html"])))
        assert marks == {tag}


def test_the_front_door_lists_every_language_in_its_own_words():
    door = tree_of(site_of(published(alert()))["index.html"])

    found = {
        (a.get("lang"), a.get("dir"), a.get("hreflang"), " ".join(a.text_content().split()))
        for a in door.xpath("//ul[@class='choose']//a")
    }
    assert ("ar", "rtl", "ar", "العربية 1 warning in force [ar]") in found
    assert ("de", "ltr", "de", "Deutsch 1 warning in force [de]") in found
    assert len(found) == len(SITE.languages)


def test_a_missing_language_is_said_in_that_language_and_never_replaced():
    made = site_of(published(alert("DO-1", info("de"), info("en"))))

    card = tree_of(made["ar/index.html"]).xpath("//li[starts-with(@class, 'card')]")[0]
    assert "This warning is not available in this language. [ar]" in card.text_content()
    link = card.find(".//a")
    assert (link.get("lang"), link.get("dir"), link.text) == ("de", "ltr", HEADLINES["de"])
    page = tree_of(made["ar/alerts/DO-1/index.html"])
    assert page.find(".//h1").text == "This warning is not available in this language. [ar]"
    assert page.xpath("//section[@lang='de']//a/@href") == ["../../../de/alerts/DO-1/index.html"]
    assert not feedparser.parse(made["feed/ar.atom"].data).entries


def test_a_relayed_alert_in_a_language_nobody_offers_is_shown_marked_as_such():
    french = info(
        "en",
        language="fr-FR",
        headline="Crue",
        description="L'eau monte.",
        instruction="Montez.\nAttendez.",
        parameters=(),
    )

    page = tree_of(site_of(published(alert("DO-1", french)))["de/alerts/DO-1/index.html"])

    original = page.xpath("//section[@lang='fr-FR']")[0]
    assert original.find("h2").text == "Crue"
    assert [li.text_content() for li in original.iter("li")] == ["Montez.", "Attendez."]


@pytest.mark.parametrize(
    ("theirs", "tag", "variant"),
    [("en-US", "en", ""), ("DE", "de", ""), ("de-LS", "de", "plain/"), (None, "en", "")],
)
def test_other_issuers_language_tags_find_their_page(theirs: str | None, tag: str, variant: str):
    made = site_of(published(alert("X", info("en", language=theirs, parameters=()))))

    page = tree_of(made[f"{tag}/alerts/X/{variant}index.html"])
    assert page.find(".//h1").text == HEADLINES["en"]


def test_two_infos_of_one_language_are_both_on_the_page():
    north, south = info("en", headline="North"), info("en", headline="South")

    page = text_of(site_of(published(alert("X", north, south)))["en/alerts/X/index.html"])

    assert "North" in page
    assert "South" in page


# What a page says -----------------------------------------------------------------------------


def test_a_page_holds_the_five_parts_of_a_warning():
    page = tree_of(site_of(published(alert()))["de/alerts/DO-1/index.html"])

    assert page.xpath("count(//h1)") == 1
    facts = dict(
        zip(
            [dt.text for dt in page.iter("dt")],
            [" ".join(dd.text_content().split()) for dd in page.iter("dd")],
            strict=True,
        )
    )
    assert facts == {
        "Where [de]": "Dortmund-Hörde",
        "Until [de]": "Dienstag, 24. November, 20:30",
        "Source [de]": "Stadt Dortmund & Feuerwehr",
        "Sent [de]": "Dienstag, 24. November, 14:30",
    }
    assert page.xpath("//dd/bdi/text()")[0] == "Dortmund-Hörde"
    assert page.xpath("//time/@datetime")[0] == "2026-11-24T20:30:00+01:00"
    assert page.xpath("//div[contains(@class,'text')]/p/text()") == [
        "First line de.",
        "Second line de.",
    ]
    assert [li.text_content() for li in page.xpath("//ol[@class='steps']/li")] == [
        "Step one de.",
        "Step two de.",
    ]
    assert "Severe danger [de]" in page.xpath("string(//p[@class='level'])")


def test_plain_and_standard_are_one_tap_apart():
    made = site_of(published(alert()))

    standard = tree_of(made["de/alerts/DO-1/index.html"]).xpath("//header//a[@class='button']")
    plain = tree_of(made["de/alerts/DO-1/plain/index.html"]).xpath("//header//a[@class='button']")
    assert (standard[0].text, standard[0].get("href")) == ("Einfache Sprache", "plain/index.html")
    assert (plain[0].text, plain[0].get("href")) == ("Standard language [de]", "../index.html")


def test_an_officers_note_carries_its_own_language():
    note = (Pair(PARAMETER_NOTE, "Die Brücke ist zu."), Pair(PARAMETER_NOTE_LANGUAGE, "de"))
    arabic = info("ar", description="سطر\nDie Brücke ist zu.", parameters=note)

    page = tree_of(site_of(published(alert("X", arabic)))["ar/alerts/X/index.html"])

    lines = page.xpath("//div[contains(@class,'text')]/p")
    assert [(p.get("lang"), p.get("dir"), p.text) for p in lines] == [
        (None, None, "سطر"),
        ("de", "ltr", "Die Brücke ist zu."),
    ]


@pytest.mark.parametrize(("level", "shown"), [("drafted", True), ("approved", False)])
def test_an_unchecked_translation_is_marked(level: str, shown: bool):
    german = info("de", parameters=(Pair(PARAMETER_REVIEW, level),))

    page = text_of(site_of(published(alert("X", german)))["de/alerts/X/index.html"])

    assert ("This translation is a draft." in page) is shown


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("scheduled", "This warning has not begun yet. [uk]"),
        ("superseded", "This warning is no longer in force. A newer one replaces it. [uk]"),
        ("cancelled", "This warning has been cancelled. [uk]"),
        ("expired", "This warning has expired. [uk]"),
    ],
)
def test_a_page_says_first_that_a_warning_is_not_in_force(state: str, says: str):
    made = site_of(published(alert(), state))

    text = text_of(made["uk/alerts/DO-1/index.html"])
    assert text.index(says) < text.index(HEADLINES["uk"])
    assert "No warnings in force [uk]" in text_of(made["uk/index.html"])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"status": Status.EXERCISE}, "This is an exercise. There is no real danger. [ar]"),
        ({"status": Status.TEST}, "This is only a test. There is no danger. [ar]"),
    ],
)
def test_an_exercise_and_a_test_say_so_before_anything_else(changes: Any, says: str):
    text = text_of(site_of(published(alert(**changes)))["ar/alerts/DO-1/index.html"])

    assert text.index(says) < text.index("Warnings [ar]")


def test_an_exercise_site_says_so_on_every_page():
    made = site_of(published(alert()), site=replace(SITE, exercise=True))

    for path, document in made.items():
        if path.endswith(".html"):
            assert "This is an exercise. There is no real danger." in text_of(document), path


def test_an_all_clear_ends_the_thread_and_is_no_warning_in_force():
    first = alert()
    over = alert(
        "DO-2",
        *(info(tag, response_types=(ResponseType.ALL_CLEAR,)) for tag in HEADLINES),
        sent=SENT + timedelta(hours=2),
        msg_type=MsgType.CANCEL,
        references=follows(first),
    )
    made = site_of(
        published(over, "in_force", first, over), published(first, "cancelled", first, over)
    )

    index = tree_of(made["de/index.html"])
    assert "No warnings in force [de]" in index.find(".//h1").text
    assert index.xpath("//ul[@class='cards']//h3/a/@href") == ["alerts/DO-2/index.html"]
    old = tree_of(made["de/alerts/DO-1/index.html"])
    assert old.xpath("//div[@class='standing']//a/@href") == ["../DO-2/index.html"]
    history = tree_of(made["de/alerts/DO-2/index.html"]).xpath("//ol[@class='thread']/li")
    assert [li.get("aria-current") for li in history] == [None, "page"]
    assert "Until [de]" not in text_of(made["de/alerts/DO-2/index.html"])


def test_the_gravest_warning_comes_first_in_the_list():
    minor = published(alert("NEW", info("de", severity=Severity.MINOR)))
    grave = published(alert("OLD", info("de", severity=Severity.EXTREME)))

    index = tree_of(site_of(minor, grave)["de/index.html"])

    assert index.xpath("//h2/a/@href") == ["alerts/OLD/index.html", "alerts/NEW/index.html"]


def test_a_recording_comes_with_its_transcript_and_waits_to_be_asked():
    sound = Resource(
        resource_desc="Audio",
        mime_type="audio/mpeg",
        size=1000,
        uri="https://warn.example.org/audio/DO-1/de.mp3",
    )

    made = site_of(published(alert("DO-1", info("de", resources=(sound,)))))

    page = tree_of(made["de/alerts/DO-1/index.html"])
    player = page.find(".//audio")
    assert player.get("src") == "../../../audio/DO-1/de.mp3"
    assert player.get("preload") == "none"
    assert player.get("autoplay") is None
    assert "../../../audio/DO-1/de.txt" in page.xpath("//a/@href")


def test_a_foreign_address_becomes_a_link_only_when_it_is_a_web_address():
    evil = Resource(resource_desc="Map", mime_type="image/png", uri="data:text/html,x")
    a = alert("X", info("de", web="javascript:alert(1)", resources=(evil,)))

    page = site_of(published(a))["de/alerts/X/index.html"].data.decode()

    assert "javascript:" not in page
    assert "data:text" not in page


def test_text_of_an_alert_is_never_markup():
    hostile = '<script>alert("1")</script>'
    a = alert("X", info("de", headline=hostile, description=hostile, sender_name=hostile))

    for document in site_of(published(a)).values():
        assert b"<script" not in document.data


def test_no_warning_is_claimed_only_for_this_publisher():
    made = site_of()

    text = text_of(made["de/index.html"])
    assert "No warnings in force [de]" in text
    assert "shows only warnings that were published here." in text
    assert "Last change [de]: Dienstag, 24. November, 17:30" in text


def test_geometry_is_shown_with_its_licence_and_in_words():
    page = tree_of(site_of(published(alert()))["de/alerts/DO-1/index.html"])

    drawing = page.xpath("//figure//*[local-name()='svg']")[0]
    assert drawing.get("role") == "img"
    caption = page.xpath("string(//figcaption)")
    assert "Dortmund-Hörde" in caption
    assert SITE.licence in caption


# Pieces ---------------------------------------------------------------------------------------


def test_a_sketch_keeps_the_shape_north_up():
    drawn = sketch([Area(area_desc="x", polygons=(SQUARE,))])

    assert drawn is not None
    # 0.2 degrees of longitude at 51.5 north are 62 % as long as 0.2 degrees of latitude.
    assert (drawn.width - 24) / (drawn.height - 24) == pytest.approx(0.6225, abs=0.005)
    assert drawn.path.startswith(f"M12 {drawn.height - 12}l0 -")


def test_a_circle_is_drawn_and_a_place_without_geometry_is_not():
    circle = Area(area_desc="x", circles=(Circle(51.5, 7.5, 3.0),))

    drawn = sketch([circle, circle])
    assert drawn is not None
    assert drawn.path.count("M") == 1
    assert drawn.width == pytest.approx(drawn.height, abs=2)
    assert sketch([Area(area_desc="x", geocodes=(Pair("AGS", "05913000"),))]) is None


@pytest.mark.parametrize("identifier", ["../../etc", "a/b", ".hidden", "x" * 500, "ü", "a b"])
def test_no_identifier_leaves_its_folder(identifier: str):
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._~-]*", slug(identifier))
    assert slug(identifier) != slug(identifier + "x")


def test_text_colours_keep_a_contrast_of_seven_to_one():
    css = (ROOT / "templates/html/style.css").read_text()
    light, dark = re.findall(r":root \{(.*?)\}", css, re.DOTALL)[:2]
    day = dict(re.findall(r"--([\w-]+): (#\w+);", light))
    night = day | dict(re.findall(r"--([\w-]+): (#\w+);", dark))
    grounds = ("extreme", "severe", "moderate", "minor", "unknown", "clear", "alarm")
    for colours in (day, night):
        pairs = [(f"on-{ground}", ground) for ground in grounds]
        pairs += [(ink, on) for ink in ("ink", "soft", "link") for on in ("paper", "card", "tint")]
        for ink, ground in pairs:
            assert _contrast(colours[ink], colours[ground]) >= 7, (ink, ground)


def _contrast(one: str, other: str) -> float:
    """WCAG 2.2, contrast ratio."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)
