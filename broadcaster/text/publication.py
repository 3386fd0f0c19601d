"""What is published: the values behind pages and feeds, and where each document stands.

Pure.  Pages (:mod:`broadcaster.text.site`) and feeds (:mod:`broadcaster.text.feeds`) agree here
about paths, languages and times, so that a feed never links to a page that is not there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal
from urllib.parse import quote

from broadcaster.model.cap import PARAMETER_VARIANT, Alert, Info, MsgType, ResponseType
from broadcaster.model.rendition import Variant
from broadcaster.text.languages import split_cap_language

Standing = Literal["scheduled", "in_force", "superseded", "cancelled", "expired"]
Key = tuple[str, Variant]
"""A language of the site and a variant."""


@dataclass(frozen=True, slots=True)
class Published:
    """One alert as the public sees it."""

    alert: Alert
    cap: bytes
    """The CAP document that was published.  Bytes, because they are never written anew."""
    state: Standing
    history: tuple[Alert, ...] = ()
    """The alerts of its thread; whether it is among them itself does not matter."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything the site shows."""

    alerts: tuple[Published, ...]
    """Newest first."""
    at: datetime
    """When it was looked at.  Only bounds "last change": the same alerts in the same states give
    the same bytes whenever they are rendered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Who publishes, where, and in which languages."""

    base_url: str
    """The public address, without trailing slash."""
    city: str
    sender_name: str
    languages: tuple[str, ...]
    """The languages offered, the source language first.  Every one needs a complete ``page``
    catalogue."""
    source_language: str
    exercise: bool = False
    licence: str = ""
    """The line that the owner of the map geometry asks for."""
    contact: str = ""
    region_key: str = ""
    """The city's regional key (ARS), twelve digits; empty: it has none."""
    subscribe: bool = False
    """Warnings by SMS can be ordered; the daemon answers at :func:`subscribe_path`."""


def slug(identifier: str) -> str:
    """The CAP identifier as one path segment: itself where that is safe.

    CAP forbids only spaces, commas, ``<`` and ``&`` in it (3.2.1), so a relayed identifier may
    hold a slash; a hash then keeps two of them apart.
    """
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:~+=@-]{0,159}", identifier):
        return identifier
    mark = hashlib.sha256(identifier.encode()).hexdigest()[:12]
    readable = re.sub(r"[^A-Za-z0-9._~-]+", "-", identifier).strip("-.")[:120]
    return f"{readable}-{mark}" if readable else mark


def page_path(alert: Alert, tag: str, variant: Variant = Variant.STANDARD) -> str:
    """Where the page of an alert stands, relative to the site."""
    plain = "plain/" if variant is Variant.PLAIN else ""
    return f"{tag}/alerts/{slug(alert.identifier)}/{plain}index.html"


def subscribe_path(tag: str) -> str:
    """Where warnings by SMS are ordered in one language."""
    return f"{tag}/subscribe"


def cap_path(alert: Alert) -> str:
    """Where the CAP document of an alert stands, relative to the site."""
    return f"cap/{slug(alert.identifier)}.xml"


def feed_path(tag: str, variant: Variant, kind: str) -> str:
    """Where the feed of a language and variant stands; ``kind`` is ``atom`` or ``rss``."""
    return f"feed/{tag}{'-plain' if variant is Variant.PLAIN else ''}.{kind}"


def address(site: Site, path: str) -> str:
    """The public address of a document: a page is known by its folder."""
    return f"{site.base_url.rstrip('/')}/{quote(path.removesuffix('index.html'), safe='/:@+=~')}"


def texts(alert: Alert, offered: Iterable[str]) -> dict[Key, tuple[Info, ...]]:
    """The infos of an alert by language and variant, of the languages offered, in their order.

    One language may have several infos in a relayed alert (one per region, say): all are kept.
    """
    found: dict[Key, list[Info]] = {}
    order = tuple(offered)
    for info in alert.infos:
        tag, variant = language_of(info)
        known = _among(tag, order)
        if known is not None:
            found.setdefault((known, variant), []).append(info)
    return {
        (tag, variant): tuple(found[tag, variant])
        for tag in order
        for variant in (Variant.STANDARD, Variant.PLAIN)
        if (tag, variant) in found
    }


def language_of(info: Info) -> Key:
    """Language tag and variant of an info; without a language it is ``en-US`` (CAP 3.2.2)."""
    tag, variant = split_cap_language(info.language or "en-US")
    if info.parameter(PARAMETER_VARIANT) == Variant.PLAIN:
        variant = Variant.PLAIN
    return tag, variant


@lru_cache(maxsize=4096)
def _among(tag: str, offered: tuple[str, ...]) -> str | None:
    """The offered language that a tag belongs to: the same, or the same without its region."""
    known = {item.lower(): item for item in offered}
    wanted = tag.lower()
    # Only a region may be left out.  Another script is another text for its reader.
    return known.get(wanted) or known.get(re.sub(r"-([a-z]{2}|[0-9]{3})$", "", wanted))


def ends_danger(alert: Alert) -> bool:
    """Whether the alert says that a danger is over, or that a warning was withdrawn."""
    return alert.msg_type is MsgType.CANCEL or says_all_clear(alert)


def says_all_clear(alert: Alert) -> bool:
    """Whether every text of the alert says so (CAP 3.2.2 ``responseType`` AllClear)."""
    return bool(alert.infos) and all(
        ResponseType.ALL_CLEAR in info.response_types for info in alert.infos
    )


def successors(published: Published) -> tuple[Alert, ...]:
    """The alerts of the thread that refer to this one, oldest first."""
    own = published.alert.identifier
    later = {
        alert.identifier: alert
        for alert in published.history
        if any(reference.identifier == own for reference in alert.references)
    }
    return tuple(sorted(later.values(), key=lambda alert: (alert.sent, alert.identifier)))


def starts(info: Info, alert: Alert) -> datetime | None:
    """When the danger or the warning begins, if that is later than the alert was sent."""
    start = info.onset or info.effective
    return start if start is not None and start > alert.sent else None


def begins(alert: Alert) -> datetime | None:
    """The earliest instant at which any text of the alert takes effect."""
    return min((i.effective for i in alert.infos if i.effective is not None), default=None)


def changed(published: Published) -> datetime:
    """When what is said of this alert last changed: it was sent, took effect, was updated,
    was cancelled, or expired.
    """
    alert = published.alert
    instants = [alert.sent, *(later.sent for later in successors(published))]
    if published.state != "scheduled" and (start := begins(alert)) is not None:
        instants.append(start)
    if published.state == "expired" and alert.expires is not None:
        instants.append(alert.expires)
    return max(instants)


def last_change(situation: Situation) -> datetime:
    """When the situation last changed, not after it was looked at; for an empty one, that time."""
    instants = [changed(published) for published in situation.alerts]
    return max((i for i in instants if i <= situation.at), default=situation.at)


def by_identifier(situation: Situation) -> Mapping[str, Published]:
    """The published alerts by CAP identifier."""
    return {published.alert.identifier: published for published in situation.alerts}


def lines(text: str | None) -> tuple[str, ...]:
    """The lines of a CAP text that say something."""
    stripped = (line.strip() for line in (text or "").splitlines())
    return tuple(line for line in stripped if line)


def headline(info: Info) -> str:
    """The headline; CAP lets it be absent, and then the event must do."""
    return info.headline or info.event
