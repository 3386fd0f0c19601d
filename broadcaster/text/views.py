"""What pages show of an alert: values between CAP and the templates.  Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from jinja2 import Environment

from broadcaster.model.cap import (
    PARAMETER_HAZARD,
    PARAMETER_NOTE,
    PARAMETER_NOTE_LANGUAGE,
    Alert,
    Info,
    MsgType,
    Status,
)
from broadcaster.model.rendition import Variant
from broadcaster.text import publication
from broadcaster.text.formats import Formats
from broadcaster.text.hazards import Hazard
from broadcaster.text.languages import Language
from broadcaster.text.publication import (
    Key,
    Published,
    Site,
    Situation,
    address,
    ends_danger,
    headline,
    language_of,
    lines,
    page_path,
    says_all_clear,
    starts,
    texts,
)


class Texts(Protocol):
    """What the site needs of :class:`broadcaster.text.library.Library`."""

    env: Environment
    languages: dict[str, Language]
    hazards: dict[str, Hazard]

    def context(self, tag: str, variant: Variant) -> dict[str, Any]:
        """``t``, ``tn``, ``formats`` and ``language`` for one rendering."""
        ...

    def formats(self, tag: str) -> Formats:
        """How the language writes times."""
        ...


@dataclass(frozen=True, slots=True)
class Notice:
    """One alert as one page or card shows it."""

    alert: Alert
    state: str
    kind: str
    """``warning``, ``update``, ``clear`` or ``cancellation``."""
    level: str
    """CAP severity in lower case."""
    colour: str
    """The level, or ``clear`` when a danger is over."""
    pictogram: str
    info: Info | None
    """The first info in this language and variant; ``None`` when the alert has none."""
    further: tuple[Info, ...] = ()
    original: Original | None = None
    place: str = ""
    plain_place: str | None = None

    @property
    def headline(self) -> str:
        """The headline in the language of the page."""
        return headline(self.info) if self.info else ""

    @property
    def begins(self) -> datetime | None:
        """When it begins, if that is later than it was sent."""
        return starts(self.info, self.alert) if self.info else None


@dataclass(frozen=True, slots=True)
class Original:
    """An alert in a language that it does have, for readers of one that it lacks."""

    tag: str
    direction: str
    headline: str
    place: str | None
    """Its page; ``None`` when the site does not offer that language."""
    description: str | None
    instruction: str | None


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A line of the description; with a language of its own when it is an officer's note."""

    text: str
    tag: str | None = None
    direction: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One alert in the history of a warning."""

    alert: Alert
    kind: str
    headline: str | None
    place: str | None
    current: bool


@dataclass(frozen=True, slots=True)
class File:
    """A CAP resource that a page offers."""

    name: str
    type: str
    source: str
    transcript: str | None = None


class Views:
    """One situation as the pages of one site show it."""

    def __init__(self, situation: Situation, library: Texts, site: Site) -> None:
        self.library, self.site = library, site
        self.known = publication.by_identifier(situation)
        self.texts = {p.alert.identifier: texts(p.alert, site.languages) for p in situation.alerts}

    def notice(self, published: Published, key: Key) -> Notice:
        """An alert as a card or page in this language and variant shows it."""
        tag, variant = key
        alert = published.alert
        found = self.texts[alert.identifier]
        infos = found.get(key, ())
        plain = (tag, Variant.PLAIN) in found and variant is Variant.STANDARD and infos
        level = alert.severity.value.lower()
        return Notice(
            alert=alert,
            state=published.state,
            kind=_kind(alert),
            level=level,
            colour="clear" if ends_danger(alert) else level,
            pictogram=self.pictogram(alert),
            info=infos[0] if infos else None,
            further=infos[1:],
            original=None if infos else self.original(alert),
            place=page_path(alert, tag, variant),
            plain_place=page_path(alert, tag, Variant.PLAIN) if plain else None,
        )

    def original(self, alert: Alert) -> Original:
        """The alert in the source language, or else in the first language that it has."""
        for (tag, variant), infos in self.texts[alert.identifier].items():
            if variant is Variant.STANDARD:
                place, info = page_path(alert, tag), infos[0]
                break
        else:
            # None of its languages is offered, or it has no text at all: show what there is.
            place, info = None, next(iter(alert.infos), Info())
            tag = language_of(info)[0]
        return Original(
            tag=tag,
            direction=self.direction(tag),
            headline=headline(info) or alert.identifier,
            place=place,
            description=info.description,
            instruction=info.instruction,
        )

    def newest(self, published: Published) -> Alert | None:
        """The last alert of the thread that the site shows, unless it is this one."""
        later = [
            alert
            for alert in published.history
            if alert.sent > published.alert.sent and alert.identifier in self.known
        ]
        return max(later, key=lambda alert: alert.sent, default=None)

    def thread(self, published: Published, key: Key) -> list[Step]:
        """The history, oldest first, in this language and variant where an alert has it."""
        own = published.alert
        alerts = {alert.identifier: alert for alert in (*published.history, own)}
        steps = []
        for alert in sorted(alerts.values(), key=lambda alert: (alert.sent, alert.identifier)):
            infos = texts(alert, self.site.languages).get(key, ())
            there = infos and alert.identifier in self.known
            steps.append(
                Step(
                    alert=alert,
                    kind=_kind(alert),
                    headline=headline(infos[0]) if infos else None,
                    place=page_path(alert, *key) if there else None,
                    current=alert.identifier == own.identifier,
                )
            )
        return steps

    def paragraphs(self, info: Info) -> list[Paragraph]:
        """The description; the lines of an officer's note carry the language they are in."""
        note = set(lines(info.parameter(PARAMETER_NOTE)))
        tag = info.parameter(PARAMETER_NOTE_LANGUAGE)
        return [
            Paragraph(line, tag, self.direction(tag))
            if tag is not None and line in note
            else Paragraph(line)
            for line in lines(info.description)
        ]

    def direction(self, tag: str) -> str:
        """The direction of a language; ``auto`` for one that nobody declared."""
        language = self.library.languages.get(tag)
        return language.direction if language else "auto"

    def switch(self, alert: Alert) -> list[tuple[Language, str]]:
        """The same alert in every language offered; where it is missing, the page says so."""
        return [(self.library.languages[o], page_path(alert, o)) for o in self.site.languages]

    def files(self, infos: Iterable[Info], path: str) -> list[File]:
        """The resources that may be linked; our own by a relative link, with their transcript."""
        base = self.site.base_url.rstrip("/") + "/"
        files = {}
        for resource in (resource for info in infos for resource in info.resources):
            uri = _safe(resource.uri)
            if uri is None:
                continue
            transcript = None
            if uri.startswith(base):
                uri = relative(uri.removeprefix(base), path)
                transcript = posixpath.splitext(uri)[0] + ".txt"
            files[uri] = File(resource.resource_desc, resource.mime_type, uri, transcript)
        return list(files.values())

    def other_web(self, info: Info, path: str) -> str | None:
        """The address for more information, unless it is this very page."""
        web = _safe(info.web)
        return None if web == address(self.site, path) else web

    def pictogram(self, alert: Alert) -> str:
        """The drawing of the hazard; a plain warning sign for one we do not know."""
        if ends_danger(alert):
            return "clear"
        named = (info.parameter(PARAMETER_HAZARD) for info in alert.infos)
        hazard = next((self.library.hazards[n] for n in named if n in self.library.hazards), None)
        return hazard.pictogram if hazard else "warning"

    def drill(self, alert: Alert) -> str | None:
        """Whether a page must say first that there is no danger."""
        if self.site.exercise or alert.status is Status.EXERCISE:
            return "exercise"
        return "test" if alert.status is Status.TEST else None


def in_force(published: Published) -> bool:
    """Whether it warns of a danger now; an all-clear in force is no warning."""
    return published.state == "in_force" and not ends_danger(published.alert)


def _kind(alert: Alert) -> str:
    if says_all_clear(alert):
        return "clear"
    kinds = {MsgType.CANCEL: "cancellation", MsgType.UPDATE: "update"}
    return kinds.get(alert.msg_type, "warning")


def relative(target: str, path: str) -> str:
    """A link that works on a server, in a mirror's sub-folder and from a disk."""
    return quote(posixpath.relpath(target, posixpath.dirname(path) or "."), safe="/:@+=~%")


def _safe(uri: str | None) -> str | None:
    """An address that may become a link: relayed alerts are foreign input."""
    if uri and urlsplit(uri.strip()).scheme.lower() in ("http", "https"):
        return uri.strip()
    return None
