"""From a draft to one CAP alert with one info per language and variant.  Pure.

Texts come only from the reviewed catalogues plus typed values, formatted per locale.  A language
whose catalogue lacks a sentence falls out with the reason; nothing stands in for it.  An officer's
free text is carried verbatim, in its own language, and marked as such in every other one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from broadcaster.model.cap import (
    PARAMETER_HAZARD,
    PARAMETER_LEAD,
    PARAMETER_LEVEL,
    PARAMETER_NOTE,
    PARAMETER_NOTE_LANGUAGE,
    PARAMETER_REVIEW,
    PARAMETER_SHORT,
    PARAMETER_SPOKEN,
    PARAMETER_UNOFFICIAL,
    PARAMETER_VARIANT,
    Alert,
    Area,
    Certainty,
    Info,
    MsgType,
    Pair,
    Reference,
    Resource,
    ResponseType,
    Scope,
    Severity,
    Status,
    Urgency,
)
from broadcaster.model.errors import BadInput, Problem
from broadcaster.model.rendition import Variant
from broadcaster.text import measure
from broadcaster.text.accessible import sentences
from broadcaster.text.catalogues import Catalogue, MissingText
from broadcaster.text.hazards import OVER, Hazard, Level, Parameter, Texts
from broadcaster.text.languages import Language, cap_language
from broadcaster.text.library import CATALOGUE_VARIANTS, Library
from broadcaster.text.phrases import LEAD, SHORT
from broadcaster.text.render import address, bare, said_digits

ALL_CLEAR_STAYS = timedelta(hours=6)
"""An all-clear stays up this long; NINA's figure, so that both disappear together."""

SOON = timedelta(minutes=15)
"""An onset nearer than this is now, and not worth a line."""

SHORT_SEPTETS, SHORT_UNITS = 160, 134
"""What a short text may take: one SMS in GSM 7-bit, two in UCS-2 (3GPP TS 23.040 9.2.3.24.1)."""


LEAD_LINE = "%(hazard)s: %(places)s. %(act)s"
"""The first line of everything on a small screen; each language gives the punctuation."""

UNOFFICIAL = "This is not the official text. The official warning comes from: %(sender)s"
"""Below our own words for the warning of another authority."""

DANGER = {Severity.EXTREME: "Danger to life.", Severity.SEVERE: "Danger."}
"""How bad it is, in the shortest text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What an officer decides; everything else follows from the catalogue."""

    hazard: str
    level: int
    areas: tuple[Area, ...]
    area_ids: tuple[str, ...]
    """Ids of the named areas these touch: whose subscribers are meant."""
    expires: datetime | None
    """``None`` only for a foreign warning that names no end."""
    onset: datetime | None = None
    release: datetime | None = None
    """CAP ``effective``: when it may go out, if not at once."""
    parameters: Mapping[str, float | str]
    actions: tuple[str, ...] | None = None
    """Ids of the hazard's actions in order; ``None``: the level's own."""
    status: Status = Status.ACTUAL
    exercise: str = ""
    """Name of the exercise; required with status Exercise (CAP 3.2.1 ``note``)."""
    note: str = ""
    """Free text, verbatim."""
    note_language: str = ""
    severity: Severity | None = None
    urgency: Urgency | None = None
    certainty: Certainty | None = None
    repeat_every: timedelta | None = None
    languages: tuple[str, ...] | None = None
    unofficial: str = ""
    """The authority whose warning this says in our own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who speaks, and what makes this alert this one."""

    identifier: str
    sender: str
    sender_name: str
    sent: datetime
    base_url: str
    contact: str
    languages: tuple[str, ...]
    """Offered languages, the source language first."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """A language and variant that this alert cannot have, with the reason."""

    language: str
    variant: Variant
    reason: str


@dataclass(frozen=True, slots=True)
class Composition:
    """The alert and what fell out of it."""

    alert: Alert
    dropped: tuple[Dropped, ...]
    warnings: tuple[Problem, ...] = ()
    """What an officer should know of the texts that remain: a short one without its address."""


def compose(
    draft: Draft,
    library: Library,
    identity: Identity,
    *,
    msg_type: MsgType = MsgType.ALERT,
    references: Sequence[Reference] = (),
    page: str,
) -> Composition:
    """Say a draft in every language and variant.

    ``page`` is the path of the alert's page under each language.  Raises ``BadInput`` when the
    source language itself cannot be said: then there is no warning to send.
    """
    infos: list[Info] = []
    dropped: list[Dropped] = []
    warnings: list[Problem] = []
    for tag in draft.languages or identity.languages:
        for variant in CATALOGUE_VARIANTS:
            try:
                catalogue = library.catalogue(tag, variant)
                saying = _Saying(draft, library, identity, msg_type, catalogue)
                infos.append(saying.info(f"{identity.base_url}/{tag}/{page}"))
                warnings += saying.warnings
            except (MissingText, BadInput) as error:
                if tag == identity.languages[0] and variant is Variant.STANDARD:
                    raise BadInput(error.problems) from error
                dropped.append(Dropped(tag, variant, str(error.problems[0])))
    alert = Alert(
        identifier=identity.identifier,
        sender=identity.sender,
        sent=identity.sent,
        status=draft.status,
        msg_type=msg_type,
        scope=Scope.PUBLIC,
        note=draft.exercise or None,
        references=tuple(references),
        infos=tuple(infos),
    )
    return Composition(alert, tuple(dropped), tuple(warnings))


class _Saying:
    """One draft in one language and variant."""

    def __init__(
        self,
        draft: Draft,
        library: Library,
        identity: Identity,
        msg_type: MsgType,
        catalogue: Catalogue,
    ) -> None:
        self.draft, self.identity, self.msg_type = draft, identity, msg_type
        self.catalogue = catalogue
        self.variant = catalogue.variant
        self.tag = catalogue.language.tag
        self.formats = library.formats(self.tag)
        self.hazard: Hazard = library.hazards[draft.hazard]
        self.level: Level = self.hazard.levels[draft.level]
        self.event = catalogue.say(self.hazard.event)
        self.over = msg_type is MsgType.CANCEL
        self.texts: Texts = self.hazard.all_clear if self.over else self.level.texts
        # The all-clear itself must be readable for a while, however soon the warning would end.
        self.expires = identity.sent + ALL_CLEAR_STAYS if self.over else draft.expires
        self.library = library
        self.warnings: list[Problem] = []

    def info(self, web: str) -> Info:
        draft, level = self.draft, self.level
        web += "plain/" if self.variant is Variant.PLAIN else ""
        review = self.catalogue.review
        parameters = [
            Pair(PARAMETER_VARIANT, self.variant.value),
            Pair(PARAMETER_HAZARD, self.hazard.id),
            Pair(PARAMETER_LEVEL, str(level.number)),
            Pair(PARAMETER_REVIEW, "drafted" if review.stale else review.level),
        ]
        if draft.unofficial:
            parameters.append(Pair(PARAMETER_UNOFFICIAL, draft.unofficial))
        if draft.note:
            parameters += [
                Pair(PARAMETER_NOTE, draft.note),
                Pair(PARAMETER_NOTE_LANGUAGE, draft.note_language),
            ]
        if self.variant is Variant.STANDARD:
            parameters += [
                Pair(PARAMETER_LEAD, self.lead()),
                Pair(PARAMETER_SHORT, self.short()),
                Pair(PARAMETER_SPOKEN, self.spoken()),
            ]
        return Info(
            language=cap_language(self.tag, self.variant),
            categories=self.hazard.categories,
            event=self.event,
            response_types=(ResponseType.ALL_CLEAR,) if self.over else level.responses,
            urgency=Urgency.PAST if self.over else draft.urgency or level.urgency,
            severity=draft.severity or level.severity,
            certainty=Certainty.OBSERVED if self.over else draft.certainty or level.certainty,
            event_codes=level.event_codes,
            effective=draft.release or self.identity.sent,
            onset=None if self.over else draft.onset,
            expires=self.expires,
            sender_name=self.identity.sender_name,
            headline=self.headline(),
            description="\n".join(
                [
                    *self.opening(explain=self.variant is Variant.PLAIN),
                    *self.impacts(),
                    *self.measures(spoken=False),
                    *self.note(),
                    *self.unofficial(),
                ]
            ),
            instruction="\n".join(self.actions()),
            web=web,
            contact=self.identity.contact or None,
            parameters=tuple(parameters),
            areas=draft.areas,
        )

    def status(self) -> list[str]:
        """The word that must be said first of all where there is no real danger."""
        words = {Status.EXERCISE: "Exercise", Status.TEST: "Test"}
        return [self.catalogue.say(words[s])] if (s := self.draft.status) in words else []

    def mark(self) -> str:
        """What must be said first: that this is no real danger, or that it changes a warning."""
        words = self.status()
        if self.msg_type is MsgType.UPDATE:
            words.append(self.catalogue.say("Update"))
        return " - ".join(words) + ": " if words else ""

    def headline(self) -> str:
        return self.mark() + self.catalogue.say(self.texts.headline, event=self.event)

    def opening(self, *, explain: bool) -> list[str]:
        """What the mark means.  A reader of the standard text sees from its headline that it is an
        update, and cell broadcast has no room to say it twice.
        """
        lines = []
        if self.draft.status is Status.EXERCISE:
            lines.append(self.catalogue.say("This is an exercise. There is no real danger."))
        elif self.draft.status is Status.TEST:
            lines.append(self.catalogue.say("This is only a test. There is no danger."))
        if self.msg_type is MsgType.UPDATE and explain:
            lines.append(self.catalogue.say("This warning replaces the earlier one."))
        return lines

    def impacts(self) -> list[str]:
        return [self.catalogue.say(msgid) for msgid in self.texts.impacts]

    def measures(self, *, spoken: bool) -> list[str]:
        """The values given, each in its sentence; an all-clear has none any more."""
        if self.over:
            return []
        given = self.draft.parameters
        absorbed = {p.together for name, p in self.hazard.parameters.items() if name in given}
        return [
            self.measure(parameter, spoken=spoken)
            for name, parameter in self.hazard.parameters.items()
            if name in given and name not in absorbed
        ]

    def measure(self, parameter: Parameter, *, spoken: bool) -> str:
        values = {
            name: self.value(self.hazard.parameters[name], spoken=spoken)
            for name in (parameter.name, parameter.together)
            if name
        }
        return self.catalogue.say(parameter.says, **values)

    def value(self, parameter: Parameter, *, spoken: bool) -> str:
        given = self.draft.parameters[parameter.name]
        if isinstance(given, str):
            return given if spoken else self.formats.isolate(given)
        if spoken:
            return self.formats.spoken_quantity(given, parameter.unit, self.catalogue)
        return self.formats.isolate(self.formats.quantity(given, parameter.unit))

    def actions(self) -> list[str]:
        chosen: Iterable[str] = self.texts.actions.values()
        if self.draft.actions is not None and not self.over:
            chosen = (self.hazard.actions[name] for name in self.draft.actions)
        return [self.catalogue.say(msgid) for msgid in chosen]

    def note(self) -> list[str]:
        """The officer's own words; in another language, announced as what they are."""
        if not self.draft.note:
            return []
        if self.draft.note_language == self.tag:
            return [self.draft.note]
        name = _named(self.library.language(self.draft.note_language), self.catalogue.language)
        return [
            self.catalogue.say("Additional text in %(language)s:", language=name),
            # Line by line: an isolate ends with its paragraph (UAX 9 P1).
            *(self.formats.isolate(line) for line in self.draft.note.splitlines()),
        ]

    def unofficial(self) -> list[str]:
        """That these are our words, and whose the official ones are."""
        if not self.draft.unofficial:
            return []
        sender = self.formats.isolate(self.draft.unofficial)
        return [self.catalogue.say(UNOFFICIAL, sender=sender)]

    def until(self, moment: Callable[[datetime], str]) -> str:
        """When it ends, said by ``moment``, or that nobody has said so yet."""
        return moment(self.expires) if self.expires else self.catalogue.say("until further notice")

    def places(self) -> str:
        return self.formats.places([area.area_desc for area in self.draft.areas])

    def lead(self) -> str:
        """Hazard, place and the first thing to do; of an all-clear, that it is one, and of what.

        The first line of a small screen: locked phones and old ones show no more of a message
        than the first page of a cell broadcast (93 letters, or 40; 3GPP TS 23.041 9.4.2.2.5).
        """

        def say(msgid: str) -> str:
            return self.catalogue.say(msgid, context=LEAD)

        hazard, places = say(self.hazard.lead), self.formats.places(_parts(self.draft.areas))
        if self.over:
            line = self.catalogue.say(
                LEAD_LINE, context=LEAD, hazard=say("All clear"), places=hazard, act=places
            )
        else:
            line = self.catalogue.say(
                LEAD_LINE, context=LEAD, hazard=hazard, places=places, act=say(self.level.act)
            )
        return bare(": ".join([*self.status(), line]))

    def short(self) -> str:
        """Hazard, place and action first, then how bad it is, until when, who says so, and where
        to read more.

        The officer's own words go in where the warning is nothing without them.  The address, the
        advice after the first, and those words give way, in this order and nothing else, when the
        text would be too long for the smallest wires; what was done is told in :attr:`warnings`.
        """
        own = self.draft.note_language == self.tag and self.hazard.needs_note and not self.over
        parts = {
            "the officer's own words": [self.draft.note] if own else [],
            "the address of the pages": [address(f"{self.identity.base_url}/{self.tag}/")],
            "the advice after the first": [] if self.over else [self._short(self.level.tip)],
        }
        lost: list[str] = []
        for given_up in ((), (1,), (1, 2), (0, 1), (0, 1, 2)):
            lost = [
                words for n, (words, part) in enumerate(parts.items()) if part and n in given_up
            ]
            note, web, tip = ([] if words in lost else part for words, part in parts.items())
            text = self._short_text(tip, note, web)
            if not _surplus(text):
                break
        if lost:
            says, remedy = f"is sent without {' and '.join(lost)}, which would not fit", ""
            if too_long := _surplus(text):
                says += f"; it is still {too_long} too long for the smallest wires"
                remedy = "name fewer or larger areas"
            self.warnings.append(Problem(f"{self.tag}/short", says, remedy, level="warning"))
        return text

    def _short(self, msgid: str) -> str:
        return self.catalogue.say(msgid, context=SHORT)

    def _short_text(self, tip: list[str], note: list[str], web: list[str]) -> str:
        lines = [self.lead()]
        if self.over:
            lines.append(self._short(OVER))
        else:
            words = (
                [self._short(DANGER[severity])]
                if (severity := self.level.severity) in DANGER
                else []
            )
            if self.msg_type is MsgType.UPDATE:
                words.insert(0, f"{self._short('Update')}:")
            until = self.until(lambda end: self.formats.brief_moment(end, self.identity.sent))
            lines += [" ".join([*words, *tip]), *note, f"{self._short('Until')}: {until}"]
        return bare("\n".join(line for line in [*lines, self.identity.sender_name, *web] if line))

    def spoken(self) -> str:
        """One sentence a line; who speaks comes first, so that a listener knows whom to trust.

        Only what this is (an exercise, a test, an update) is said before.
        """
        sent, say = self.identity.sent, self.catalogue.say
        before = [f"{self.identity.sender_name}.", f"{self.headline()}."]
        if self.mark():
            before.reverse()
        before += self.opening(explain=True)
        before.append(f"{say('Where')}: {self.places()}.")
        if not self.over:
            onset = self.draft.onset
            if onset and onset - sent > SOON:
                said = self.formats.spoken_moment(onset, sent, self.catalogue)
                before.append(f"{say('From')}: {said}.")
            said = self.until(lambda end: self.formats.spoken_moment(end, sent, self.catalogue))
            before.append(f"{say('Until')}: {said}.")
        before += self.impacts()
        # A voice reads its own language only; in the others the note stays in writing.
        own = self.draft.note.splitlines() if self.draft.note_language == self.tag else []
        lines = [
            *map(said_digits, before),
            *self.measures(spoken=True),  # their digits are amounts
            *map(said_digits, [*own, *self.actions()]),
        ]
        return "\n".join(sentence for line in lines for sentence in sentences(bare(line)))


def _named(language: Language, reader: Language) -> str:
    """What the reader calls a language; CLDR knows some by our tag and some by its own."""
    names = reader.locale.languages
    known = (language.tag.replace("-", "_"), language.cldr, language.locale.language)
    return next((names[name] for name in known if name in names), language.name)


def _parts(areas: Sequence[Area]) -> list[str]:
    """Names of areas, the part that all begin with said once: ``Dortmund: Hörde``, ``Brackel``."""
    names = [area.area_desc for area in areas]
    whole, hyphen, first = names[0].partition("-") if len(names) > 1 else ("", "", "")
    if not hyphen or not all(name.startswith(f"{whole}-") for name in names):
        return names
    return [f"{whole}: {first}", *(name.removeprefix(f"{whole}-") for name in names[1:])]


def _surplus(text: str) -> str:
    """By how much a short text is longer than the smallest wires carry; empty when it fits."""
    plainly, _ = measure.plain_punctuation(text)
    count, limit, unit = measure.septets(plainly), SHORT_SEPTETS, "septets"
    if count is None:
        count, limit, unit = measure.units(text), SHORT_UNITS, "UCS-2 units"
    return f"{count - limit} {unit}" if count > limit else ""


def with_resources(alert: Alert, resources: Mapping[str, Sequence[Resource]]) -> Alert:
    """The alert with files named in the infos of their language (CAP language tag to resources).

    Only in the info of the same language: a Turkish reader is not offered a German recording.
    """
    return replace(
        alert,
        infos=tuple(
            replace(info, resources=info.resources + tuple(resources.get(info.language or "", ())))
            for info in alert.infos
        ),
    )
