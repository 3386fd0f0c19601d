"""Atom and RSS feeds, one per language and variant, and the index of CAP documents.  Pure.

Atom is RFC 4287, RSS is 2.0.  One alert message is one entry, never edited in place: an update is
a new entry, and the old one's ``updated`` moves (OASIS Example Practices: CAP Feeds 1.0).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit
from uuid import UUID

from broadcaster.model.cap import Alert, Info, Polygon, Resource
from broadcaster.model.rendition import Document, Variant
from broadcaster.text.languages import cap_language
from broadcaster.text.publication import (
    Key,
    Published,
    Site,
    Situation,
    address,
    cap_path,
    changed,
    ends_danger,
    feed_path,
    headline,
    last_change,
    page_path,
    texts,
)

if TYPE_CHECKING:
    from broadcaster.text.views import Texts

MEDIA_TYPES = {
    "atom": "application/atom+xml",
    "rss": "application/rss+xml",
    "cap": "application/cap+xml",
}
CAP_INDEX = "feed/cap.atom"


def documents(
    situation: Situation, library: Texts, site: Site, kinds: Sequence[str]
) -> Iterator[Document]:
    """The feeds of the given kinds (``atom``, ``rss``); with Atom, the index of CAP documents."""
    for kind in kinds:
        for tag in site.languages:
            for variant in (Variant.STANDARD, Variant.PLAIN):
                yield _feed(situation, library, site, (tag, variant), kind)
    if "atom" in kinds:
        yield _cap_index(situation, library, site)


@dataclass(frozen=True, slots=True)
class Entry:
    """One alert in a feed."""

    id: str
    published: Published
    infos: tuple[Info, ...]
    updated: datetime
    page: str | None
    """The address of its page in this language and variant; ``None`` when it has none."""
    cap: str
    """The address of its CAP document."""
    pages: tuple[tuple[str, str], ...] = ()
    """Language and address of all its pages."""

    @property
    def info(self) -> Info:
        """The first info in this language and variant."""
        return self.infos[0]

    @property
    def title(self) -> str:
        """The headline."""
        return headline(self.info) or self.published.alert.identifier

    @property
    def over(self) -> bool:
        """Whether it ends a danger: its own expiry then says nothing to a reader."""
        return ends_danger(self.published.alert)

    @property
    def enclosure(self) -> Resource | None:
        """The recording, when its size is known (RSS 2.0 demands it)."""
        sounds = (r for i in self.infos for r in i.resources if r.mime_type.startswith("audio/"))
        return next((r for r in sounds if r.uri and r.size), None)


def _feed(situation: Situation, library: Texts, site: Site, key: Key, kind: str) -> Document:
    entries = []
    for published in situation.alerts:
        alert = published.alert
        found = texts(alert, site.languages)
        if key in found:
            entries.append(
                Entry(
                    id=entry_id(alert, site),
                    published=published,
                    infos=found[key],
                    updated=changed(published),
                    page=address(site, page_path(alert, *key)),
                    cap=address(site, cap_path(alert)),
                )
            )
    path = feed_path(*key, kind)
    return _render(situation, library, site, key, f"{kind}.xml.j2", path, kind, entries)


def _cap_index(situation: Situation, library: Texts, site: Site) -> Document:
    """One entry per alert in the source language, for machines that fetch the CAP document."""
    source = (site.source_language, Variant.STANDARD)
    entries = []
    for published in situation.alerts:
        alert = published.alert
        found = texts(alert, site.languages)
        entries.append(
            Entry(
                id=entry_id(alert, site),
                published=published,
                infos=found.get(source) or alert.infos[:1] or (Info(),),
                updated=changed(published),
                page=None,
                cap=address(site, cap_path(alert)),
                pages=tuple(
                    (cap_language(*key), address(site, page_path(alert, *key))) for key in found
                ),
            )
        )
    return _render(situation, library, site, source, "cap.atom.xml.j2", CAP_INDEX, "atom", entries)


def _render(
    situation: Situation,
    library: Texts,
    site: Site,
    key: Key,
    template: str,
    path: str,
    kind: str,
    entries: Sequence[Entry],
) -> Document:
    tag, variant = key
    values: dict[str, Any] = {
        "site": site,
        "entries": entries,
        "lang": cap_language(tag, variant),
        "plain": variant is Variant.PLAIN,
        "self_url": address(site, path),
        "home": address(site, f"{tag}/index.html"),
        "updated": last_change(situation),
        "instant": lambda moment: moment.isoformat(timespec="seconds"),
        "rfc822": format_datetime,
        "polygon": _polygon,
        "number": _number,
        "another_day": another_day,
    }
    text = library.env.get_template(f"feed/{template}").render(
        library.context(tag, variant), **values
    )
    return Document(
        path=path,
        media_type=MEDIA_TYPES[kind],
        data=text.encode(),
        language=tag,
        variant=variant,
    )


def entry_id(alert: Alert, site: Site) -> str:
    """A URI that stays the alert's for ever: its URN, or a tag URI (RFC 4151) of its identifier."""
    identifier = alert.identifier
    if identifier.lower().startswith("urn:"):
        return identifier
    try:
        return UUID(identifier).urn
    except ValueError:
        host = urlsplit(site.base_url).hostname or "localhost"
        return f"tag:{host},{alert.sent:%Y-%m-%d}:{quote(identifier, safe='')}"


def another_day(moment: datetime) -> datetime:
    """A time from which ``moment`` is on another day, so that it is written with its date."""
    return moment - timedelta(days=2)


def _polygon(polygon: Polygon) -> str:
    """CAP 3.2.4 ``polygon``: ``latitude,longitude`` pairs, parted by spaces."""
    return " ".join(f"{_number(latitude)},{_number(lon)}" for latitude, lon in polygon.points)


def _number(value: float) -> str:
    """Never with an exponent, which CAP readers do not expect."""
    return format(Decimal(repr(value)), "f")
