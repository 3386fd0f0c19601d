"""The residents' pages: one accessible HTML document per alert, language and variant."""

from __future__ import annotations

from typing import ClassVar

from broadcaster.delivery.contract import Format
from channels._publishing import PublishingChannel, published


class WebChannel(PublishingChannel):
    """Publishes HTML documents into the site."""

    kind: ClassVar[str] = "web"
    capabilities = published(Format.HTML)
