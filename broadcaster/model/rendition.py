"""A text in one language, variant and format, and a document of the public site.

Below :mod:`broadcaster.text` (which makes them) and :mod:`broadcaster.delivery.contract` (which
hands them to channels, and is where channel authors import them from).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Variant(StrEnum):
    """How a text is put (DESIGN section 5)."""

    STANDARD = "standard"
    PLAIN = "plain"
    SHORT = "short"
    SPOKEN = "spoken"


class Format(StrEnum):
    """The form a rendition takes on its medium."""

    TEXT = "text"
    """Plain characters, NFC, LF line ends: SMS, cell broadcast, a log line."""
    SPOKEN = "spoken"
    """Characters meant for a voice: one sentence a line, no URL, numbers as said."""
    HTML = "html"
    """Whole documents of the residents' site."""
    ATOM = "atom"
    RSS = "rss"
    CAP = "cap"
    """The canonical CAP 1.2 XML."""
    GEOJSON = "geojson"
    """The warnings in force on a map (RFC 7946)."""
    NINA = "nina"
    """JSON in the shape of the federal warning app's interface."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """The approved text of one alert in one language, variant and format."""

    alert: str
    """CAP identifier."""
    language: str
    """BCP 47 tag without variant subtag (``de``, ``zh-Hans``)."""
    direction: str
    """``ltr`` or ``rtl``; declared, never guessed."""
    variant: Variant
    format: Format
    text: str
    """NFC.  For published formats the document, decoded as UTF-8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file of a publication."""

    path: str
    """Relative to the site, ``/`` separated: ``tr/alerts/<id>/index.html``."""
    media_type: str
    data: bytes
    language: str | None = None
    variant: Variant | None = None
