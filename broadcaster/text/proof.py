"""The proof that every warning can be said in a language, and fits where it must.  Pure.

Every level of every hazard is composed as a warning, an update and an all-clear, with the largest
values an officer may give, the longest weekday and month, and the longest name of an area, and is
rendered in all four variants.  ``broadcaster translations fit`` shows the outcome; what does not
fit is found by ``translations lint`` as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from broadcaster.model.cap import PARAMETER_LEAD, Alert, Area, MsgType, Reference
from broadcaster.model.capxml import time_text
from broadcaster.model.errors import BadInput, Problem
from broadcaster.model.rendition import Format, Variant
from broadcaster.text import measure
from broadcaster.text.compose import SHORT_SEPTETS, SHORT_UNITS, Draft, Identity, compose
from broadcaster.text.formats import Formats
from broadcaster.text.hazards import Hazard, Parameter
from broadcaster.text.languages import Language
from broadcaster.text.library import Library
from broadcaster.text.render import rendition

MESSAGES = (MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL)

PAGES = 15
"""Pages of one cell broadcast (3GPP TS 23.041 9.4.1.2.4)."""
PAGE_SEPTETS, PAGE_SEPTETS_PREFIXED, PAGE_UNITS = 93, 90, 40
"""What a page holds: GSM 7-bit; the same behind a language in the text; UCS-2 behind one."""

DCS_LANGUAGES = frozenset(
    {"de", "en", "it", "fr", "es", "nl", "sv", "da", "pt", "fi", "no", "el", "tr", "hu", "pl"}
    | {"cs", "he", "ar", "ru", "is"}
)
"""Languages that a data coding scheme names by itself (3GPP TS 23.038 5)."""

NAME = "Gesamtschule Scharnhorst"
"""A proper name as long as those an officer gives for a gauge, a shelter or a substance."""
NOTE = "Straße gesperrt."


@dataclass(frozen=True, slots=True)
class Fit:
    """How much of a wire's room the longest text takes."""

    size: int
    limit: int
    unit: str
    """``septets`` (GSM 7-bit) or ``UCS-2 units``."""
    of: str
    """Which text: hazard, level and message."""

    @property
    def fits(self) -> bool:
        """Whether it goes out whole."""
        return self.size <= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a language can say, and how tightly."""

    language: str
    rendered: int
    """Texts that were rendered: levels x messages x variants."""
    missing: tuple[str, ...]
    """What could not be rendered, and why."""
    first_page: Fit
    """Hazard, place and action within the first page of a cell broadcast, for the whole city."""
    short: Fit
    """The short text in one SMS, or two in UCS-2."""
    standard: Fit
    """The standard text in one cell broadcast."""

    @property
    def wires(self) -> tuple[tuple[str, Fit], ...]:
        """Every wire by name."""
        return (
            ("first page", self.first_page),
            ("short text", self.short),
            ("cell broadcast", self.standard),
        )


def prove(
    library: Library, identity: Identity, language: Language, *, city: Area, area: Area
) -> Proof:
    """Say everything in one language.

    ``city`` is what warnings usually name, ``area`` has the longest name of a single area;
    ``identity`` gives the sender and the addresses.
    """
    sent, expires = _longest_moment(Formats(language, library.zone))
    here = replace(identity, sent=sent, languages=(language.tag,))
    rendered, missing = 0, []
    first, short, standard = [_NOTHING], [_NOTHING], [_NOTHING]
    page = PAGE_SEPTETS if language.iso639_1 in DCS_LANGUAGES else PAGE_SEPTETS_PREFIXED
    for hazard, level, message in _cases(library):
        of = f"{hazard.id} {level} {message.value}"
        draft = _draft(hazard, level, language, expires)
        try:
            whole = _said(draft, library, here, message, city)
            alert = _said(draft, library, here, message, area)
        except BadInput as error:
            missing.append(f"{of}: {error.problems[0]}")
            continue
        for variant in Variant:
            made = rendition(alert, library, language.tag, variant, Format.TEXT)
            if made is None:
                missing.append(f"{of}: there is no {variant.value} text")
                continue
            rendered += 1
            if variant is Variant.SHORT:
                short.append(_fit(made.text, SHORT_SEPTETS, SHORT_UNITS, of))
            elif variant is Variant.STANDARD:
                standard.append(_fit(made.text, PAGES * page, PAGES * PAGE_UNITS, of))
        first.append(_first_page(whole, library, language, page, of))
    return Proof(
        language=language.tag,
        rendered=rendered,
        missing=tuple(missing),
        first_page=max(first, key=_tightness),
        short=max(short, key=_tightness),
        standard=max(standard, key=_tightness),
    )


def _cases(library: Library) -> Iterator[tuple[Hazard, int, MsgType]]:
    for hazard in library.hazards.values():
        for level in hazard.levels:
            for message in MESSAGES:
                yield hazard, level, message


_NOTHING = Fit(0, 1, "septets", "")


def _tightness(fit: Fit) -> float:
    return fit.size / fit.limit


def _fit(text: str, septets: int, units: int, of: str) -> Fit:
    plainly, _ = measure.plain_punctuation(text)
    count = measure.septets(plainly)
    if count is not None:
        return Fit(count, septets, "septets", of)
    return Fit(measure.units(text), units, "UCS-2 units", of)


def _first_page(alert: Alert, library: Library, language: Language, page: int, of: str) -> Fit:
    """The first line, in the alphabet of its message: one letter outside GSM 7-bit decides it."""
    lead = alert.infos[0].parameter(PARAMETER_LEAD) or ""
    message = rendition(alert, library, language.tag, Variant.STANDARD, Format.TEXT)
    plainly, _ = measure.plain_punctuation(message.text if message else lead)
    if measure.septets(plainly) is None:
        return Fit(measure.units(lead), PAGE_UNITS, "UCS-2 units", of)
    return _fit(lead, page, PAGE_UNITS, of)


def _draft(hazard: Hazard, level: int, language: Language, expires: datetime) -> Draft:
    return Draft(
        hazard=hazard.id,
        level=level,
        areas=(),
        area_ids=(),
        expires=expires,
        parameters={name: _largest(value) for name, value in hazard.parameters.items()},
        note=NOTE if hazard.needs_note else "",
        note_language=language.tag if hazard.needs_note else "",
        languages=(language.tag,),
    )


def _said(
    draft: Draft, library: Library, identity: Identity, message: MsgType, area: Area
) -> Alert:
    """The alert in its one language.  Raises :class:`BadInput` when a variant cannot be said."""
    earlier = Reference(identity.sender, identity.identifier, time_text(identity.sent))
    composition = compose(
        replace(draft, areas=(area,)),
        library,
        identity,
        msg_type=message,
        references=() if message is MsgType.ALERT else (earlier,),
        page="",
    )
    for dropped in composition.dropped:
        raise BadInput(Problem(f"{dropped.language}/{dropped.variant.value}", dropped.reason))
    return composition.alert


def _largest(parameter: Parameter) -> float | str:
    return NAME if parameter.unit == "name" else parameter.maximum or 0


def _longest_moment(formats: Formats) -> tuple[datetime, datetime]:
    """A moment, and an end within the week that takes the language the most letters to say."""
    # Any year: all weekdays and months are tried.  A fixed one gives the same proof every day.
    starts = [datetime(2026, month, 15, 12, tzinfo=formats.zone) for month in range(1, 13)]
    pairs = [(start, start + timedelta(days=day)) for start in starts for day in range(1, 7)]
    return max(
        pairs,
        key=lambda pair: (
            len(formats.brief_moment(pair[1], pair[0])) + len(formats.moment(pair[1], pair[0]))
        ),
    )
