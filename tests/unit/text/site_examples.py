"""Alerts, a site and a marked library for the tests of pages and feeds.

Every sentence of the furniture is answered as ``<sentence> [<language>]``, so that a test sees
at once when a page speaks the wrong language.
"""

from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
from lxml import html

from broadcaster.model.cap import (
    PARAMETER_HAZARD,
    PARAMETER_VARIANT,
    Alert,
    Area,
    Category,
    Certainty,
    Info,
    MsgType,
    Pair,
    Polygon,
    Reference,
    ResponseType,
    Scope,
    Severity,
    Status,
    Urgency,
)
from broadcaster.model.rendition import Document, Format, Variant
from broadcaster.text.formats import Formats
from broadcaster.text.hazards import Hazard, load_hazards
from broadcaster.text.languages import Language, cap_language, load_languages
from broadcaster.text.site import Published, Site, Situation, documents

ROOT = Path(__file__).parents[3]
SCHEMAS = ROOT.parent / "shared" / "schemas"
ZONE = ZoneInfo("Europe/Berlin")
SENT = datetime(2026, 11, 24, 14, 30, tzinfo=ZONE)
NOW = SENT + timedelta(hours=3)
SITE = Site(
    base_url="https://warn.example.org",
    city="Dortmund",
    sender_name="Stadt Dortmund & Feuerwehr",
    languages=("de", "en", "ar", "uk"),
    source_language="de",
    licence="Geometry: Office of Maps 2021",
    contact="warnung@example.org",
)
HEADLINES = {
    "de": "Gefahr: Wasser < 2 m & steigend",
    "en": "Danger: water rising",
    "ar": "خطر: المياه ترتفع",
    "uk": "Небезпека: п'ять річок",
}
SQUARE = Polygon(((51.4, 7.4), (51.6, 7.4), (51.6, 7.6), (51.4, 7.6), (51.4, 7.4)))
EVERYTHING = frozenset(Format)


class MarkedLibrary:
    """The real templates, languages and hazards with marked sentences for a catalogue."""

    def __init__(self) -> None:
        self.env = jinja2.Environment(
            loader=jinja2.FileSystemLoader(ROOT / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.languages: dict[str, Language] = load_languages(ROOT / "locales" / "languages.yaml")
        self.hazards: dict[str, Hazard] = load_hazards(ROOT / "templates")

    def formats(self, tag: str) -> Formats:
        return Formats(self.languages[tag], ZONE)

    def context(self, tag: str, variant: Variant) -> dict[str, Any]:
        def t(msgid: str, *, context: str | None = "page", **values: object) -> str:
            return f"{msgid} [{tag}]"

        def tn(one: str, many: str, n: int, *, context: str | None = "page") -> str:
            return f"{(one if n == 1 else many).replace('%(n)s', str(n))} [{tag}]"

        return {"t": t, "tn": tn, "formats": self.formats(tag), "language": self.languages[tag]}


@cache
def library() -> MarkedLibrary:
    return MarkedLibrary()


def info(tag: str, variant: Variant = Variant.STANDARD, **changes: Any) -> Info:
    plain = " (plain)" if variant is Variant.PLAIN else ""
    values: dict[str, Any] = {
        "language": cap_language(tag, variant),
        "categories": (Category.MET,),
        "event": f"Event-{tag}",
        "response_types": (ResponseType.SHELTER,),
        "urgency": Urgency.IMMEDIATE,
        "severity": Severity.SEVERE,
        "certainty": Certainty.OBSERVED,
        "effective": SENT,
        "expires": SENT + timedelta(hours=6),
        "sender_name": "Stadt Dortmund & Feuerwehr",
        "headline": HEADLINES[tag] + plain,
        "description": f"First line {tag}.\nSecond line {tag}.",
        "instruction": f"Step one {tag}.\nStep two {tag}.",
        "parameters": (Pair(PARAMETER_VARIANT, variant.value), Pair(PARAMETER_HAZARD, "flood")),
        "areas": (
            Area(
                area_desc="Dortmund-Hörde", polygons=(SQUARE,), geocodes=(Pair("AGS", "05913000"),)
            ),
        ),
    }
    return Info(**(values | changes))


def alert(identifier: str = "DO-1", *infos: Info, **changes: Any) -> Alert:
    both = (Variant.STANDARD, Variant.PLAIN)
    every = tuple(info(tag, variant) for tag in HEADLINES for variant in both)
    values: dict[str, Any] = {
        "identifier": identifier,
        "sender": "warnung@example.org",
        "sent": SENT,
        "status": Status.ACTUAL,
        "msg_type": MsgType.ALERT,
        "scope": Scope.PUBLIC,
        "infos": infos or every,
    }
    return Alert(**(values | changes))


def follows(first: Alert) -> tuple[Reference, ...]:
    return (Reference(first.sender, first.identifier, first.sent.isoformat()),)


def published(a: Alert, state: Any = "in_force", *history: Alert) -> Published:
    return Published(a, f"<alert>{a.identifier}</alert>".encode(), state, history)


def site_of(*alerts: Published, site: Site = SITE, at: datetime = NOW) -> dict[str, Document]:
    made = documents(Situation(alerts, at), library(), site, EVERYTHING)
    by_path = {document.path: document for document in made}
    assert len(by_path) == len(made), "two documents in one place"
    return by_path


def tree_of(document: Document) -> Any:
    return html.document_fromstring(document.data.decode())


def text_of(document: Document) -> str:
    body = tree_of(document).find("body")
    return " ".join(" ".join(body.itertext()).split())
