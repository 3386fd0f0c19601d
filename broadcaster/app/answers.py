"""What a resident's message leads to, and in which words it is answered.  Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from broadcaster.model.rendition import Variant
from broadcaster.store.inbox import Deed, Message
from broadcaster.text.keywords import Act, Command, fold
from broadcaster.text.library import Library

_SUBSCRIBER = re.compile(r"\+[1-9][0-9]{6,14}")
"""E.164.  Short codes, and senders with a name, are machines: nobody to answer or to warn."""
_RECOGNISED = 24
"""Characters, folded, by which one of our own answers is known when it comes back."""
_SHORTEST = 10
"""None of our answers is shorter, folded; whatever is, needs no comparing."""


class Says(StrEnum):
    """The sentences of an answer, as `templates/phrases/subscriptions.yaml` declares them."""

    WELCOME = (
        "%(sender)s: you will now get warnings by SMS, in this language. To end it, send STOP."
    )
    GOODBYE = (
        "You get no more warnings by SMS. Your number was deleted. To begin again, send START."
    )
    CHANGED = "You will now get warnings in this language. To end it, send STOP."
    HELP = "In an emergency call 112. Warnings by SMS: START or STOP. Language: LANG. %(url)s"
    NO_SUCH_LANGUAGE = "We have no warnings in the language that you named. All languages: %(url)s"
    NOBODY_READS = (
        "Nobody reads this number. In an emergency call 112."
        " To get help with warnings by SMS, send HELP. To end them, send STOP."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a city's channel has for those who subscribe by writing to it."""

    channel: str
    """The public lane: what is heard in an exercise's lane is of the same people."""
    languages: tuple[str, ...]
    """The source language first."""
    variants: tuple[Variant, ...]
    """Those that are sent."""
    sender: str
    """Who warns (``sender_name``)."""
    url: str
    """Where residents read of all languages."""

    @property
    def variant(self) -> Variant:
        """What somebody gets who asked for nothing in particular."""
        return Variant.SHORT if Variant.SHORT in self.variants else self.variants[0]


def answerable(address: str) -> bool:
    """Whether somebody can be at this address: a whole telephone number."""
    return _SUBSCRIBER.fullmatch(address) is not None


def respond(command: Command, message: Message, offer: Offer) -> Deed:
    """What a message leads to.  Pure."""
    source = offer.languages[0]
    spoken = message.language or source
    asked = command.language if command.language in offer.languages else None
    match command.act:
        case Act.STOP:
            return _deed(
                message, command, Says.GOODBYE, message.language or asked or source, erase=True
            )
        case Act.START if answerable(message.address):
            speaks = asked or spoken
            return _deed(
                message,
                command,
                Says.WELCOME,
                speaks,
                speaks=speaks,
                subscribes=True,
                variant=offer.variant,
            )
        case Act.LANGUAGE if asked is not None and message.language is not None:
            return _deed(message, command, Says.CHANGED, asked, speaks=asked)
        case Act.LANGUAGE if asked is None:
            return _deed(message, command, Says.NO_SUCH_LANGUAGE, spoken)
        case Act.LANGUAGE | Act.HELP:  # nobody's language can be changed who gets no warnings
            return _deed(message, command, Says.HELP, message.language or asked or source)
        case _:
            return _deed(message, command, Says.NOBODY_READS, spoken)


def _deed(
    message: Message,
    command: Command,
    says: Says,
    language: str,
    *,
    erase: bool = False,
    speaks: str = "",
    subscribes: bool = False,
    variant: str = "",
) -> Deed:
    return Deed(
        command=command.act,
        answer=says.name if answerable(message.address) else "",
        language=language,
        erase=erase,
        speaks=speaks,
        subscribes=subscribes,
        variant=variant,
    )


class Phrases:
    """Our answers as residents read them."""

    def __init__(self, library: Library, offer: Offer) -> None:
        self._library, self._offer = library, offer
        self._ours: frozenset[str] | None = None

    def text(self, answer: str, language: str) -> str:
        """One answer in one language."""
        return self._library.catalogue(language, Variant.STANDARD).say(
            Says[answer], context="sms", sender=self._offer.sender, url=self._offer.url
        )

    def ours(self, text: str) -> bool:
        """Whether a text is one of our own answers come back, whole or cut off."""
        begins = fold(text)[:_RECOGNISED]
        if len(begins) < _SHORTEST:
            return False
        if self._ours is None:
            self._ours = frozenset(
                fold(self.text(says.name, tag))[:_RECOGNISED]
                for tag in self._offer.languages
                for says in Says
            )
        return begins in self._ours
