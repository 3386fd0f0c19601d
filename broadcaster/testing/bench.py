"""The bench on which the contract's suite puts a channel, and the texts it is tried with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

from broadcaster.delivery.contract import Batch, Channel, ChannelType, Env, Rendition
from broadcaster.model.cap import MsgType
from broadcaster.testing import values

T = TypeVar("T")

TEXTS: dict[str, tuple[str, str]] = {
    "German": ("de", "Überflutung! Straßen gesperrt: Größte Vorsicht."),
    "Turkish": ("tr", "Şiddetli yağış. Işıkları söndürün, ığdır gibi değil: İçeri girin."),
    "Arabic": ("ar", "أمطار غزيرة في المدينة. ابقوا في المنزل."),
    "Polish": ("pl", "Ulewny deszcz. Zostańcie w domu, żółć i gęś."),
    "Ukrainian": ("uk", "Сильна злива. Залишайтеся вдома, ґанок, їжа."),
    "Persian with joiners": ("fa", "باران شدید است. از خانه بیرون نروید، می\u200cتوانید بمانید."),
    "Tamil": ("ta", "கனமழை எச்சரிக்கை. வீட்டிலேயே இருங்கள்."),
    "an emoji flag": ("de", "Warnung \U0001f1e9\U0001f1ea Bleiben Sie im Haus."),
    "1,395 septets": ("de", "a" * 1395),
    "5,000 letters": ("de", "Warnung. " * 555 + "Warnt"),
    "nothing": ("de", ""),
}
"""Name, language and text of everything that a channel must carry or refuse in words."""


class Bench:
    """A kind of channel with its settings and surroundings."""

    def __init__(
        self, type_: type[ChannelType], raw: dict[str, Any], env: Env, language: str, text: str
    ) -> None:
        self.type_, self.env = type_, env
        self._raw, self._language, self._text = raw, language, text

    def run(self, act: Callable[[Channel], Awaitable[T]]) -> T:
        """Open the channel in an event loop of its own and do something with it."""

        async def main() -> T:
            settings = self.type_.settings(self._raw)
            async with self.type_.open(settings, self.env) as channel:
                return await act(channel)

        return asyncio.run(main())

    def rendition(self, channel: Channel, language: str, text: str) -> Rendition:
        """A text in the channel's own favourite variant and format."""
        can = channel.capabilities
        return values.rendition(
            text, language=language, variant=can.variants[0], format=can.formats[0]
        )

    def batch(
        self, channel: Channel, operation: MsgType = MsgType.ALERT, *, target: str = ""
    ) -> Batch:
        """One delivery of a valid alert, update or cancel."""
        first = values.alert()
        of = first
        if operation is not MsgType.ALERT:
            later = self.env.clock.now()
            of = values.alert(
                f"{values.IDENTIFIER}.{operation}", msg_type=operation, sent=later, replaces=[first]
            )
        text = replace(self.rendition(channel, self._language, self._text), alert=of.identifier)
        return values.batch(channel, text, of=of, target=target)
