"""From a rendition to pages: what can be carried, how it is coded, what an officer sees of it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from broadcaster.delivery.contract import Fitted, Rendition, Variant
from broadcaster.model.errors import BadInput, Problem, Unsupported
from broadcaster.text.measure import name, plain_punctuation, septets
from channels.cell_broadcast import airtime
from channels.cell_broadcast.codec import (
    Choice,
    Pages,
    choose,
    decode,
    encode,
    opens_against_the_grain,
)
from channels.cell_broadcast.profile import Profile


@dataclass(frozen=True, slots=True)
class Speaker:
    """Which texts a channel carries, and in which language every phone shows them."""

    profile: Profile
    base_language: str
    plain_as_second: bool

    def is_base(self, rendition: Rendition) -> bool:
        """Whether every phone shows it, whatever its language."""
        return rendition.language == self.base_language

    def pages(self, rendition: Rendition) -> tuple[Choice, Pages]:
        """The text as pages, with the choice of coding behind it.

        Raises :class:`Unsupported` for a language, variant or character that no phone could show,
        and ``DoesNotFit`` with the surplus.
        """
        code = self.profile.code(rendition.language)
        self._check_variant(rendition)
        if code is None and not self.is_base(rendition):
            listed = next(
                (row for row in self.profile.languages if row.language == rendition.language), None
            )
            why = f" ({listed.source})" if listed else ""
            raise Unsupported(
                Problem(
                    rendition.language,
                    "cell broadcast names languages by two letters (ISO 639-1), and "
                    f"{rendition.language} has none of its own{why}: phones could not tell it "
                    "apart",
                    "reach this language over another channel",
                )
            )
        _check_characters(rendition)
        choice = choose(rendition.text, code)
        try:
            return choice, encode(choice.text, dcs=choice.coding.dcs, language=code)
        except BadInput as error:  # a grapheme larger than a page
            raise Unsupported(error.problems) from error

    def fitted(self, rendition: Rendition) -> Fitted:
        """The pages with everything that a preview shows of them."""
        choice, pages = self.pages(rendition)
        _, shows = decode(pages.octets, None, pages.coding.dcs)
        _, first = decode(pages.octets[:1], None, pages.coding.dcs)
        return Fitted(
            parts=pages.octets,
            shows=shows,
            used=pages.used,
            limit=pages.coding.limit,
            unit=pages.coding.alphabet.value,
            notes=tuple(_notes(rendition, choice, pages.language)),
            meta={
                "dcs": f"{pages.coding.dcs:02x}",
                "pages": len(pages.octets),
                "air_time": round(airtime.round_trip(len(pages.octets)), 1),
                "units_left": pages.left,
                "first_page": first,
                "language_code": pages.language,
                "language_named": _named(pages),
                "shown_to": "every phone" if self.is_base(rendition) else "phones set to it",
            },
        )

    def _check_variant(self, rendition: Rendition) -> None:
        if rendition.variant in (Variant.STANDARD, Variant.SHORT):
            return
        plain = rendition.variant is Variant.PLAIN
        if plain and self.is_base(rendition) and self.plain_as_second:
            return
        if plain:
            says = "cell broadcast has no code for plain language: phones could not tell it apart"
            remedy = "plain_as_second sends it in the base language, to every phone"
        else:
            says, remedy = "cell broadcast carries text, not speech", "use the standard variant"
        raise Unsupported(Problem(rendition.language, says, remedy))


def slot(rendition: Rendition) -> str:
    """What stays the same from alert to update: language and, if plain, variant."""
    return rendition.language + ("/plain" if rendition.variant is Variant.PLAIN else "")


def _check_characters(rendition: Rendition) -> None:
    if not rendition.text.strip():
        raise Unsupported(Problem(rendition.language, "there is no text to broadcast", ""))
    # TS 23.038 6.2.3 knows UCS-2 only; older phones show two boxes for anything beyond it.
    beyond = [character for character in dict.fromkeys(rendition.text) if character > "\uffff"]
    if beyond:
        raise Unsupported(
            Problem(
                rendition.language,
                f"{name(character)} cannot be shown by older phones",
                "say it in words",
            )
            for character in beyond
        )


def _notes(rendition: Rendition, choice: Choice, code: str | None) -> list[str]:
    notes = [str(replacement) for replacement in choice.replaced]
    if code and code != rendition.language.partition("-")[0]:
        notes.append(f"phones know {rendition.language} as {code}")
    if "\r" in rendition.text:
        notes.append("carriage returns became line feeds")
    plain, _ = plain_punctuation(choice.text)
    foreign = [c for c in dict.fromkeys(plain) if septets(c) is None]
    # Only signs are named: nobody shall be tempted to take the marks off a language's letters.
    if foreign and not any(unicodedata.category(c)[0] in "LM" for c in foreign):
        notes.append("less room because of " + ", ".join(name(c) for c in foreign))
    if rendition.direction == "rtl" and (letter := opens_against_the_grain(rendition.text)):
        notes.append(
            f"starts with {name(letter)}: phones may show the whole text left to right; "
            "start with a word of the language"
        )
    return notes


def _named(pages: Pages) -> str:
    if pages.coding.prefixed:
        return "on every page"
    return "by the coding scheme" if pages.coding.names_language else "not at all"
