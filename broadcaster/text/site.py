"""The residents' site: from a situation to all its documents.  Pure.

Everything a page says of a warning comes from its CAP info, so that a relayed foreign alert is
shown as well as our own.  A language that an alert lacks is said to be lacking, in that language;
no other one takes its place silently.

Pages carry their style inside: a page that was saved, mailed or mirrored still looks as it
should, and the first view is one request.  There is no script, and the page's own policy forbids
any.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Container, Iterator
from functools import lru_cache
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from broadcaster.model.cap import PARAMETER_REVIEW
from broadcaster.model.rendition import Document, Format, Variant
from broadcaster.text import feeds, maps, nina, publication
from broadcaster.text.languages import cap_language
from broadcaster.text.publication import (
    Key,
    Published,
    Site,
    Situation,
    address,
    cap_path,
    last_change,
    lines,
    page_path,
    starts,
    successors,
)
from broadcaster.text.sketch import sketch
from broadcaster.text.views import Texts, Views, in_force, relative

__all__ = ["Published", "Site", "Situation", "Texts", "documents"]


def documents(
    situation: Situation, library: Texts, site: Site, formats: Container[Format]
) -> tuple[Document, ...]:
    """Every document of the given formats that the site must now hold.

    The same situation gives the same bytes.  Raises
    :class:`~broadcaster.text.catalogues.MissingText` when an offered language lacks a sentence of
    the site's furniture: offer only languages that :meth:`Library.gaps` finds complete.
    """
    made: list[Document] = []
    if Format.HTML in formats:
        made += _Desk(situation, library, site).pages()
    if Format.CAP in formats:
        made += [
            Document(path=cap_path(p.alert), media_type=feeds.MEDIA_TYPES["cap"], data=p.cap)
            for p in situation.alerts
        ]
    if Format.GEOJSON in formats:
        made.append(maps.document(situation, site))
    if Format.NINA in formats:
        made += nina.documents(situation, site)
    wanted = [kind for kind in ("atom", "rss") if Format(kind) in formats]
    made += feeds.documents(situation, library, site, wanted)
    return tuple(made)


class _Desk:
    """Where the pages of one situation are made."""

    def __init__(self, situation: Situation, library: Texts, site: Site) -> None:
        self.situation, self.library, self.site = situation, library, site
        self.views = Views(situation, library, site)
        self.style, digest = style(library.env, "style")
        self.policy = policy(digest)
        self.changed = last_change(situation)

    # The documents ----------------------------------------------------------------------------

    def pages(self) -> Iterator[Document]:
        """All HTML documents."""
        yield self.chooser()
        for tag in self.site.languages:
            yield self.index(tag)
            for published in self.situation.alerts:
                found = self.views.texts[published.alert.identifier]
                if (tag, Variant.STANDARD) not in found:
                    yield self.missing(published, tag)
                for variant in (Variant.STANDARD, Variant.PLAIN):
                    if (tag, variant) in found:
                        yield self.alert(published, (tag, variant))

    def chooser(self) -> Document:
        """The front door: every language in its own words, with what it has to say."""
        choices = []
        for tag in self.site.languages:
            own = self.library.context(tag, Variant.STANDARD)
            choices.append(own | {"place": f"{tag}/index.html"})
        tag = self.site.source_language
        standing = len([p for p in self.situation.alerts if in_force(p)])
        drills = {self.views.drill(p.alert) for p in self.situation.alerts}
        drill = "exercise" if self.site.exercise else drills.pop() if len(drills) == 1 else None
        return self.render(
            "languages",
            "index.html",
            (tag, Variant.STANDARD),
            choices=choices,
            in_force=standing,
            drill=drill,
        )

    def index(self, tag: str) -> Document:
        """The warnings in one language: in force by gravity, announced, and recently ended."""
        alerts = self.situation.alerts
        # Of one thread only the last word is listed; the rest is in its history.
        said = {
            p.alert.identifier
            for p in alerts
            if any(later.identifier in self.views.known for later in successors(p))
        }
        ended = [
            p
            for p in alerts
            if p.alert.identifier not in said
            and not in_force(p)
            and p.state not in ("scheduled", "superseded")
        ]
        standing = sorted(
            filter(in_force, alerts), key=lambda p: p.alert.severity.rank, reverse=True
        )
        announced = [p for p in alerts if p.state == "scheduled"]
        return self.render(
            "index",
            f"{tag}/index.html",
            (tag, Variant.STANDARD),
            in_force=[self.views.notice(p, (tag, Variant.STANDARD)) for p in standing],
            announced=[self.views.notice(p, (tag, Variant.STANDARD)) for p in announced],
            ended=[self.views.notice(p, (tag, Variant.STANDARD)) for p in ended],
            last_change=self.changed,
            switch=[(self.library.languages[o], f"{o}/index.html") for o in self.site.languages],
            alternates=[(other, f"{other}/index.html") for other in self.site.languages],
            feeds=self.feeds(tag),
            drill="exercise" if self.site.exercise else None,
        )

    def alert(self, published: Published, key: Key) -> Document:
        """One alert in one language and variant."""
        tag, variant = key
        alert, notice = published.alert, self.views.notice(published, key)
        found = self.views.texts[alert.identifier]
        assert notice.info is not None  # the caller found a text under this key
        infos = (notice.info, *notice.further)
        twin = Variant.STANDARD if variant is Variant.PLAIN else Variant.PLAIN
        path = page_path(alert, *key)
        areas = [area for info in infos for area in info.areas]
        newest = self.views.newest(published)
        return self.render(
            "alert",
            path,
            key,
            notice=notice,
            over=published.state in ("superseded", "cancelled", "expired"),
            newest=page_path(newest, tag) if newest else None,
            twin=page_path(alert, tag, twin) if (tag, twin) in found else None,
            switch=self.views.switch(alert),
            alternates=[(cap_language(*k), page_path(alert, *k)) for k in found],
            paragraphs=self.views.paragraphs,
            starts=starts,
            drafted=any(info.parameter(PARAMETER_REVIEW) == "drafted" for info in infos),
            sounds=[f for f in self.views.files(infos, path) if f.type.startswith("audio/")],
            files=[f for f in self.views.files(infos, path) if not f.type.startswith("audio/")],
            map=sketch(areas),
            map_areas=list(dict.fromkeys(area.area_desc for area in areas)),
            web=self.views.other_web(notice.info, path),
            cap=cap_path(alert),
            thread=self.views.thread(published, key),
            drill=self.views.drill(alert),
        )

    def missing(self, published: Published, tag: str) -> Document:
        """The page that says, in its own language, that this language is missing."""
        notice = self.views.notice(published, (tag, Variant.STANDARD))
        return self.render(
            "missing",
            page_path(published.alert, tag),
            (tag, Variant.STANDARD),
            notice=notice,
            original=notice.original,
            over=published.state in ("superseded", "cancelled", "expired"),
            switch=self.views.switch(published.alert),
            alternates=[
                (cap_language(*key), page_path(published.alert, *key))
                for key in self.views.texts[published.alert.identifier]
            ],
            cap=cap_path(published.alert),
            drill=self.views.drill(published.alert),
        )

    def render(self, template: str, path: str, key: Key, **values: Any) -> Document:
        """One document."""
        tag, variant = key
        formats = self.library.formats(tag)
        text = self.library.env.get_template(f"html/{template}.html.j2").render(
            self.library.context(tag, variant),
            site=self.site,
            lang=cap_language(tag, variant),
            direction=self.library.languages[tag].direction,
            variant=variant.value,
            path=path,
            link=lambda target: relative(target, path),
            address=lambda target: address(self.site, target),
            # A published page is read on a day nobody knows: every time on it carries its date.
            when=lambda moment: formats.moment(moment, feeds.another_day(moment)),
            lines=lines,
            style=self.style,
            policy=self.policy,
            **values,
        )
        return Document(
            path=path,
            media_type="text/html; charset=utf-8",
            data=text.encode(),
            language=tag,
            variant=variant,
        )

    def feeds(self, tag: str) -> list[tuple[str, str, str, str]]:
        """Name, path, media type and language of the feeds for readers of one language."""
        language = self.library.languages[tag]
        offered = [
            (
                f"{name} · {label}",
                publication.feed_path(tag, variant, kind),
                feeds.MEDIA_TYPES[kind],
                cap_language(tag, variant),
            )
            for variant, name in (
                (Variant.STANDARD, language.name),
                (Variant.PLAIN, language.plain_name),
            )
            for kind, label in (("atom", "Atom"), ("rss", "RSS"))
        ]
        source = self.site.source_language
        return [*offered, ("CAP · Atom", feeds.CAP_INDEX, feeds.MEDIA_TYPES["atom"], source)]


@lru_cache(maxsize=4)
def style(env: Environment, *sheets: str) -> tuple[Markup, str]:
    """Style sheets as they stand in a page, and their digest as a policy names it."""
    assert env.loader is not None  # a library without templates cannot be loaded
    sources = [env.loader.get_source(env, f"html/{sheet}.css")[0] for sheet in sheets]
    text = re.sub(r"/\*.*?\*/\s*", "", "\n".join(sources), flags=re.DOTALL)
    text = re.sub(r"\s*\n\s*", "\n", text).strip()
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Markup(text), f"'sha256-{digest}'"


def policy(digest: str, form_action: str = "'none'") -> str:
    """The policy that admits a page's own style sheet and nothing else."""
    return (
        f"default-src 'none'; style-src {digest}; img-src data:; media-src 'self' https:; "
        f"base-uri 'none'; form-action {form_action}"
    )
