"""From a draft to one CAP alert with one info per language and variant.  Pure.

Texts come only from the reviewed catalogues plus typed values, formatted per locale.  A language
whose catalogue lacks a sentence falls out with the reason; nothing stands in for it.  An officer's
free text is carried verbatim, in its own language, and marked as such in every other one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from broadcaster.model.cap import (
    PARAMETER_HAZARD,
    PARAMETER_LEVEL,
    PARAMETER_NOTE,
    PARAMETER_NOTE_LANGUAGE,
    PARAMETER_REVIEW,
    PARAMETER_SHORT,
    PARAMETER_SPOKEN,
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
from broadcaster.model.errors import BadInput
from broadcaster.model.rendition import Variant
from broadcaster.text.catalogues import Catalogue, MissingText
from broadcaster.text.hazards import Hazard, Level, Parameter, Texts
from broadcaster.text.languages import cap_language
from broadcaster.text.library import CATALOGUE_VARIANTS, Library
from broadcaster.text.render import bare, said_digits

ALL_CLEAR_STAYS = timedelta(hours=6)
"""An all-clear stays up this long; NINA's figure, so that both disappear together."""

SOON = timedelta(minutes=15)
"""An onset nearer than this is now, and not worth a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What an officer decides; everything else follows from the catalogue."""

    hazard: str
    level: int
    areas: tuple[Area, ...]
    area_ids: tuple[str, ...]
    """Ids of the named areas these touch: whose subscribers are meant."""
    expires: datetime
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
    for tag in draft.languages or identity.languages:
        for variant in CATALOGUE_VARIANTS:
            try:
                catalogue = library.catalogue(tag, variant)
                saying = _Saying(draft, library, identity, msg_type, catalogue)
                infos.append(saying.info(f"{identity.base_url}/{tag}/{page}"))
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
    return Composition(alert, tuple(dropped))


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
        self.over = msg_type is MsgType.CANCEL
        self.texts: Texts = self.hazard.all_clear if self.over else self.level.texts
        # The all-clear itself must be readable for a while, however soon the warning would end.
        self.expires = identity.sent + ALL_CLEAR_STAYS if self.over else draft.expires
        self.library = library

    def info(self, web: str) -> Info:
        draft, level, say = self.draft, self.level, self.catalogue.say
        web += "plain/" if self.variant is Variant.PLAIN else ""
        parameters = [
            Pair(PARAMETER_VARIANT, self.variant.value),
            Pair(PARAMETER_HAZARD, self.hazard.id),
            Pair(PARAMETER_LEVEL, str(level.number)),
            Pair(PARAMETER_REVIEW, self.catalogue.review.level),
        ]
        if draft.note:
            parameters += [
                Pair(PARAMETER_NOTE, draft.note),
                Pair(PARAMETER_NOTE_LANGUAGE, draft.note_language),
            ]
        if self.variant is Variant.STANDARD:
            parameters += [
                Pair(PARAMETER_SHORT, self.short()),
                Pair(PARAMETER_SPOKEN, self.spoken()),
            ]
        return Info(
            language=cap_language(self.tag, self.variant),
            categories=self.hazard.categories,
            event=say(self.hazard.event),
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
            description="\n".join([*self.opening(), *self.impacts(spoken=False), *self.note()]),
            instruction="\n".join(self.actions()),
            web=web,
            contact=self.identity.contact or None,
            parameters=tuple(parameters),
            areas=draft.areas,
        )

    def mark(self) -> str:
        """What must be said first: that this is no real danger, or that it changes a warning."""
        words = []
        if self.draft.status is Status.EXERCISE:
            words.append(self.catalogue.say("Exercise"))
        elif self.draft.status is Status.TEST:
            words.append(self.catalogue.say("Test"))
        if self.msg_type is MsgType.UPDATE:
            words.append(self.catalogue.say("Update"))
        return "".join(f"{word}: " for word in words)

    def headline(self) -> str:
        return self.mark() + self.catalogue.say(self.texts.headline)

    def opening(self) -> list[str]:
        lines = []
        if self.draft.status is Status.EXERCISE:
            lines.append(self.catalogue.say("This is an exercise. There is no real danger."))
        elif self.draft.status is Status.TEST:
            lines.append(self.catalogue.say("This is only a test. There is no danger."))
        if self.msg_type is MsgType.UPDATE:
            lines.append(self.catalogue.say("This warning replaces the earlier one."))
        return lines

    def impacts(self, *, spoken: bool) -> list[str]:
        lines = [self.catalogue.say(msgid) for msgid in self.texts.impacts]
        if self.over:
            return lines
        given = self.draft.parameters
        absorbed = {p.together for name, p in self.hazard.parameters.items() if name in given}
        for name, parameter in self.hazard.parameters.items():
            if name in given and name not in absorbed:
                lines.append(self.measure(parameter, spoken=spoken))
        return lines

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
        own = self.library.language(self.draft.note_language)
        name = own.locale.get_display_name(self.catalogue.language.cldr) or own.name
        return [
            self.catalogue.say("Additional text in %(language)s:", language=name),
            self.draft.note,
        ]

    def places(self) -> str:
        return self.formats.places([area.area_desc for area in self.draft.areas])

    def short(self) -> str:
        """Hazard and action first, then place, time, who says so, where to read more."""
        until = self.formats.moment(self.expires, self.identity.sent)
        time = "" if self.over else f"{self.catalogue.say('Until')}: {until}\n"
        return bare(
            f"{self.mark()}{self.catalogue.say(self.texts.short, context='short')}\n"
            f"{self.places()}\n{time}"
            f"{self.identity.sender_name}\n{self.identity.base_url}/{self.tag}/"
        )

    def spoken(self) -> str:
        """One sentence a line; who speaks comes first, so that a listener knows whom to trust."""
        sent, say = self.identity.sent, self.catalogue.say
        lines = [f"{self.identity.sender_name}.", f"{self.headline()}."]
        lines += self.opening()
        lines.append(f"{say('Where')}: {self.places()}.")
        if not self.over:
            onset = self.draft.onset
            if onset and onset - sent > SOON:
                said = self.formats.spoken_moment(onset, sent, self.catalogue)
                lines.append(f"{say('From')}: {said}.")
            said = self.formats.spoken_moment(self.expires, sent, self.catalogue)
            lines.append(f"{say('Until')}: {said}.")
        lines += self.impacts(spoken=True)
        lines += self.actions()
        return "\n".join(said_digits(bare(line)) for line in lines)


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
