"""The pages on which residents order warnings by SMS.  Pure: values in, a page out.

They look like the published pages, and like these they need no script: what the form hides until
it is wanted is hidden by style alone, and shown by a browser that does not know how.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from broadcaster.model.rendition import Variant
from broadcaster.text.languages import cap_language
from broadcaster.text.publication import Site, address, subscribe_path
from broadcaster.text.site import policy, style
from broadcaster.text.views import Texts


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it is sent."""

    body: bytes
    style: str
    """Digest of its style sheet, for the header's policy."""


def way(target: str, path: str) -> str:
    """A link from one path of the daemon to another, whatever name a proxy knows it under.

    Up to the root and down again: a page here is a path without a folder of its own, so there is
    no shorter way from one below it that does not end in a slash.
    """
    return "../" * path.count("/") + quote(target, safe="/")


def page(
    library: Texts,
    site: Site,
    tag: str,
    step: str,
    mistakes: Sequence[tuple[str, str]] = (),
    **values: Any,
) -> Page:
    """The page of one step in one language.

    ``step`` is the path behind ``<tag>/subscribe``: empty for the form, ``/code``, ``/done``,
    ``/end``, ``/end/code``, ``/end/done``; or ``closed`` when nothing can be ordered.
    ``mistakes`` are pairs of a field and a sentence of the catalogue.
    """
    path = subscribe_path(tag) + (step if step.startswith("/") else "")
    sheet, digest = style(library.env, "style", "form")
    text = library.env.get_template("html/subscribe.html.j2").render(
        library.context(tag, Variant.STANDARD),
        site=site,
        lang=cap_language(tag, Variant.STANDARD),
        direction=library.languages[tag].direction,
        path=path,
        link=lambda target: way(target, path),
        address=lambda target: address(site, target),
        style=sheet,
        policy=policy(digest, "'self'"),
        step=step,
        here=subscribe_path(tag),
        mistakes=dict(mistakes),
        switch=[
            (library.languages[other], subscribe_path(other) + ("/end" if "/end" in step else ""))
            for other in site.languages
        ],
        drill=None,
        **values,
    )
    return Page(text.encode(), digest)
