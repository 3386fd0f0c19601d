"""The integrators' documents: CAP, and Atom and RSS feeds per language and variant."""

from __future__ import annotations

from typing import ClassVar

from broadcaster.delivery.contract import Format
from channels._publishing import PublishingChannel, published


class FeedChannel(PublishingChannel):
    """Publishes CAP documents and feeds into the site."""

    kind: ClassVar[str] = "feed"
    capabilities = published(Format.CAP, Format.ATOM, Format.RSS, Format.GEOJSON, Format.NINA)
