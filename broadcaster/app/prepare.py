"""From a draft, a thread or a foreign alert to something that can be previewed and committed.

Nothing here is stored or sent: the same :class:`Prepared` is what the officer sees, what a digest
is taken over, and what :mod:`broadcaster.app.desk` commits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from broadcaster.app import approval
from broadcaster.app.composition import App
from broadcaster.app.publication import parsed
from broadcaster.delivery import plan, routing
from broadcaster.delivery.contract import Format, Mode, Rendition, Variant
from broadcaster.intake.relay import origin_of, relayed
from broadcaster.model import rules
from broadcaster.model.cap import Alert, Area, MsgType, Reference, Resource, Status
from broadcaster.model.capxml import write
from broadcaster.model.errors import BadInput, Problem, Refused
from broadcaster.model.placing import codes_touched
from broadcaster.model.threads import ThreadState, references_for, state
from broadcaster.store.port import Gap, NewAlert, StoredAlert
from broadcaster.text.compose import Composition, Draft, Identity, compose, with_resources
from broadcaster.text.federal import meaning
from broadcaster.text.languages import Language, cap_language
from broadcaster.text.publication import ends_danger, language_of, slug
from broadcaster.text.publication import texts as texts_of
from broadcaster.text.render import rendition

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An alert that could be committed as it stands."""

    alert: Alert
    cap: bytes
    thread: str
    plan: plan.Plan
    choices: tuple[routing.Choice, ...]
    warnings: tuple[Problem, ...]
    """What an officer who takes the time to preview should know."""
    notes: tuple[Problem, ...]
    """What every officer is told, also one who does not: texts that had to be shortened, and
    rules of CAP that a relayed alert breaks."""
    approval: tuple[str, ...]
    """Why a second officer must agree; empty when none must."""
    digest: str
    release: datetime
    area_ids: tuple[str, ...]
    hazard: str
    repeat_every: float | None = None
    origin: str = ""
    fields: Mapping[str, Any] | None = None

    def new(self, officer: str, intake: int | None) -> NewAlert:
        """What the store is asked to commit."""
        return NewAlert(
            identifier=self.alert.identifier,
            thread=self.thread,
            msg_type=self.alert.msg_type.value,
            status=self.alert.status.value,
            severity=self.alert.severity.value,
            priority=plan.priority(self.alert),
            sent=self.alert.sent,
            release=self.release,
            expires=self.alert.expires,
            cap=self.cap,
            digest=self.digest,
            origin=self.origin,
            areas=self.area_ids,
            hazard=self.hazard,
            officer=officer,
            renditions=self.plan.stored(),
            gaps=self.plan.gaps,
            sends=self.plan.sends,
            repeat_every=self.repeat_every,
            draft=json.dumps(self.fields, ensure_ascii=False) if self.fields else "",
            intake=intake,
        )


class Preparer:
    """Prepares alerts for one application."""

    def __init__(self, app: App) -> None:
        self._app = app

    def warn(self, draft: Draft, fields: Mapping[str, Any], *, wider: bool = False) -> Prepared:
        """A new alert; ``wider``: channels may reach further than its area."""
        return self._own(draft, fields, MsgType.ALERT, (), wider=wider)

    def follow(
        self,
        draft: Draft,
        fields: Mapping[str, Any],
        msg_type: MsgType,
        thread: Sequence[StoredAlert],
        *,
        wider: bool = False,
    ) -> Prepared:
        """An Update or Cancel of a thread.  Raises ``Refused`` when there is nothing to follow."""
        return self._own(draft, fields, msg_type, thread, wider=wider)

    def relay(
        self, foreign: Alert, thread: Sequence[StoredAlert], *, wider: bool = False
    ) -> Prepared:
        """A foreign alert in our envelope; ``thread`` is our thread of what it refers to.

        An Update to something that was never relayed here is the first that people hear of it,
        and goes out as an Alert: refusing it would leave them unwarned.
        """
        now = self._now()
        first = foreign.msg_type is MsgType.UPDATE and not thread
        alert = relayed(
            replace(foreign, msg_type=MsgType.ALERT) if first else foreign,
            identifier=self._identifier(now),
            sender=self._app.settings.sender,
            sent=_after(thread, now),
            references=self._references(thread) if thread else (),
        )
        if foreign.msg_type is MsgType.CANCEL and not foreign.infos and thread:
            # A Cancel without words (legal in CAP) still has to be told: in the words, areas and
            # languages of what it cancels, told apart by its msgType.
            raise Refused(
                Problem(
                    "alert.info",
                    "the Cancel has no words of its own",
                    f"use `broadcaster cancel {thread[-1].identifier}`",
                )
            )
        areas = tuple(area for info in alert.infos for area in info.areas)
        touched = tuple(sorted(codes_touched(areas, self._app.gazetteer)))
        own = self._in_our_words(alert, foreign, touched)
        return self._finish(
            replace(alert, infos=alert.infos + (own.alert.infos if own else ())),
            thread,
            composition=own,
            area_ids=touched,
            hazard="",
            release=now,
            origin=origin_of(foreign),
            strict=False,
            wider=wider,
        )

    def _in_our_words(
        self, alert: Alert, foreign: Alert, touched: tuple[str, ...]
    ) -> Composition | None:
        """Our own texts of a foreign warning for the languages and variants that it lacks.

        Codes, values, times and area are those of the authority.
        """
        app, library = self._app, self._app.library
        found = meaning(foreign, library.federal, library.hazards)
        offered = app.settings.languages
        there = texts_of(alert, offered)
        if found is None or not alert.infos:
            return None
        info = alert.infos[0]
        named = [named for named in app.gazetteer.named if named.id in touched]
        districts = [one.name for one in named if one.id != app.gazetteer.city.id]
        few = districts if 0 < len(districts) <= FEW else [app.gazetteer.city.name]
        over = MsgType.CANCEL if ends_danger(alert) else alert.msg_type
        composition = compose(
            Draft(
                hazard=found.hazard,
                level=found.level,
                areas=(_joined(info.areas, app.library.formats(offered[0]).places(few)),),
                area_ids=touched,
                expires=info.expires,
                onset=info.onset,
                release=info.effective,
                parameters={},
                actions=found.actions,
                status=alert.status,
                severity=info.severity,
                urgency=info.urgency,
                certainty=info.certainty,
                unofficial=info.sender_name or info.parameter("sender_langname") or foreign.sender,
            ),
            library,
            Identity(
                identifier=alert.identifier,
                sender=alert.sender,
                sender_name=app.settings.sender_name,
                sent=alert.sent,
                base_url=app.base_url(
                    Mode.LIVE if alert.status is Status.ACTUAL else Mode.EXERCISE
                ),
                contact=app.settings.contact,
                languages=offered,
            ),
            msg_type=over,
            page=f"alerts/{slug(alert.identifier)}/",
        )
        own = tuple(
            replace(mine, event_codes=info.event_codes, categories=info.categories)
            for mine in composition.alert.infos
            if language_of(mine) not in there
        )
        dropped = tuple(d for d in composition.dropped if (d.language, d.variant) not in there)
        return replace(composition, alert=replace(alert, infos=own), dropped=dropped)

    def unchanged(self, stored: StoredAlert, thread: Sequence[StoredAlert]) -> bool:
        """Whether a held alert would be sent now exactly as it was submitted, byte for byte.

        ``thread`` are the other alerts of its thread.
        """
        alert, fingerprint = parsed(stored.cap), self._app.library.fingerprint
        for wider in (False, True):  # whether a wider area was consented to shows in the plan
            made, _ = self._plan(alert, self._renderer(), _went_to(thread), wider=wider)
            digest = plan.digest(stored.cap, made, release=stored.release, fingerprint=fingerprint)
            if digest == stored.digest:
                return True
        return False

    def _own(
        self,
        draft: Draft,
        fields: Mapping[str, Any],
        msg_type: MsgType,
        thread: Sequence[StoredAlert],
        *,
        wider: bool,
    ) -> Prepared:
        app, now = self._app, self._now()
        sent = _after(thread, now)
        if sent > now:  # what is in force now is in force now, whatever it must be dated
            draft = replace(draft, release=draft.release or now)
        references = self._references(thread) if msg_type is not MsgType.ALERT else ()
        identifier = self._identifier(now)
        mode = Mode.LIVE if draft.status is Status.ACTUAL else Mode.EXERCISE
        composition = compose(
            draft,
            app.library,
            Identity(
                identifier=identifier,
                sender=app.settings.sender,
                sender_name=app.settings.sender_name,
                sent=sent,
                base_url=app.base_url(mode),
                contact=app.settings.contact,
                languages=app.settings.languages,
            ),
            msg_type=msg_type,
            references=references,
            page=f"alerts/{slug(identifier)}/",
        )
        return self._finish(
            composition.alert,
            thread if msg_type is not MsgType.ALERT else (),
            composition=composition,
            area_ids=draft.area_ids,
            hazard=draft.hazard,
            release=draft.release or now,
            repeat_every=draft.repeat_every.total_seconds() if draft.repeat_every else None,
            fields=fields,
            strict=True,
            wider=wider,
        )

    def _finish(
        self,
        alert: Alert,
        thread: Sequence[StoredAlert],
        *,
        area_ids: tuple[str, ...],
        hazard: str,
        release: datetime,
        strict: bool,
        wider: bool,
        composition: Composition | None = None,
        repeat_every: float | None = None,
        origin: str = "",
        fields: Mapping[str, Any] | None = None,
    ) -> Prepared:
        app = self._app
        render, earlier = self._renderer(), _went_to(thread)
        alert = self._attach(alert, render, earlier)
        found = rules.check(alert, now=app.clock.now(), twins=_twins(app.library.languages))
        errors = [problem for problem in found if problem.level == "error"]
        if errors and strict:
            raise BadInput(errors)
        cap = write(alert)
        parsed(cap, written_from=alert)
        made, choices = self._plan(alert, render, earlier, wider=wider)
        digest = plan.digest(cap, made, release=release, fingerprint=app.library.fingerprint)
        dropped = composition.dropped if composition else ()
        gaps = tuple(
            Gap(channel="", language=d.language, variant=d.variant.value, reason=d.reason)
            for d in dropped
        )
        made = replace(made, gaps=gaps + made.gaps)
        if made.drafts:
            found.append(
                Problem(
                    "review",
                    f"{len(made.drafts)} languages go out as drafts that no native speaker has"
                    f" checked: {', '.join(made.drafts)}",
                    "`review: reviewed` on a channel keeps drafts off it",
                    level="warning",
                )
            )
        known = routing.facts(alert)
        # Playing down or ending what needed two officers needs two officers as well.
        known["severity"] |= {one.severity for one in thread}
        return Prepared(
            alert=alert,
            cap=cap,
            thread=thread[0].thread if thread else alert.identifier,
            plan=made,
            choices=choices,
            warnings=tuple(found),
            notes=(*errors, *(composition.warnings if composition else ())),
            approval=tuple(approval.reasons(app.settings.approval, known, list(made.reasons))),
            digest=digest,
            release=release,
            # Those who were warned of an area that is not meant any more are told so.
            area_ids=tuple(sorted({*area_ids, *(a for one in thread for a in one.areas)})),
            hazard=hazard,
            repeat_every=repeat_every,
            origin=origin,
            fields=fields,
        )

    def _plan(
        self, alert: Alert, render: plan.Render, earlier: frozenset[str], *, wider: bool
    ) -> tuple[plan.Plan, tuple[routing.Choice, ...]]:
        app = self._app
        choices = routing.decide(app.settings.route, routing.facts(alert))
        chosen = _chosen(choices, earlier)
        # Who consented to the warning consented to its end, which must reach the same people.
        consented = frozenset(chosen) if wider else earlier
        made = plan.make(
            alert,
            chosen,
            app.ways(),
            render,
            app.settings.languages,
            wider=consented,
            went=earlier,
        )
        return made, choices

    def _renderer(self) -> plan.Render:
        """Renders one alert; each language and variant once, however many channels ask."""
        made: dict[tuple[str, Variant], Rendition | None] = {}

        def render(alert: Alert, tag: str, variant: Variant, format_: Format) -> Rendition | None:
            key = (tag, variant)
            if key not in made:
                made[key] = rendition(alert, self._app.library, tag, variant, format_)
            found = made[key]
            return replace(found, format=format_) if found else None

        return render

    def _attach(self, alert: Alert, render: plan.Render, earlier: frozenset[str]) -> Alert:
        """Name in the alert the files that channels will publish for it."""
        app = self._app
        choices = routing.decide(app.settings.route, routing.facts(alert))
        ways = app.ways()
        found: dict[str, list[Resource]] = {}
        for name in _chosen(choices, earlier):
            way = plan.way_for(alert, name, ways)
            if way.channel is None:
                continue
            for tag in way.languages or app.settings.languages:
                for variant in way.variants or way.capabilities.variants:
                    text = render(alert, tag, variant, way.capabilities.formats[0])
                    if text is None:
                        continue
                    language = cap_language(
                        tag, Variant.PLAIN if variant is Variant.PLAIN else Variant.STANDARD
                    )
                    found.setdefault(language, []).extend(way.channel.resources(text))
        return with_resources(alert, found)

    def _references(self, thread: Sequence[StoredAlert]) -> tuple[Reference, ...]:
        now = self._app.clock.now()
        alerts = [parsed(one.cap) for one in thread]
        newest = thread[-1]
        standing = state(alerts[-1], alerts, now)
        if newest.held:
            raise Refused(
                Problem(
                    newest.identifier, "still waits for approval", "approve or withdraw it first"
                )
            )
        if alerts[-1].msg_type is MsgType.CANCEL:
            raise Refused(
                Problem(newest.identifier, "the warning was ended already", "issue a new warning")
            )
        if standing is ThreadState.EXPIRED:
            raise Refused(
                Problem(newest.identifier, "the warning has expired", "issue a new warning")
            )
        return references_for(alerts)

    def _now(self) -> datetime:
        # CAP times have no fractions (3.2.1 sent).
        return self._app.clock.now().replace(microsecond=0)

    def _identifier(self, now: datetime) -> str:
        letters = "abcdefghjkmnpqrstuvwxyz23456789"  # none that are mixed up on the telephone
        name = "".join(self._app.rng.choice(letters) for _ in range(6))
        return f"{self._app.settings.identifier_prefix}.{now:%Y%m%dT%H%M%S}.{name}"


FEW = 3
"""More districts than this are the whole city, in our words for a foreign warning."""


def _joined(areas: Sequence[Area], name: str) -> Area:
    """The areas of a foreign warning as one, under a name that people here know."""
    return Area(
        area_desc=name,
        polygons=tuple(polygon for area in areas for polygon in area.polygons),
        circles=tuple(circle for area in areas for circle in area.circles),
        geocodes=tuple(dict.fromkeys(code for area in areas for code in area.geocodes)),
    )


def _twins(languages: Mapping[str, Language]) -> dict[str, frozenset[str]]:
    """Languages that may share whole sentences, both ways, by primary subtag."""
    found: dict[str, set[str]] = {}
    for tag, language in languages.items():
        for twin in language.twins:
            one, other = tag.partition("-")[0], twin.partition("-")[0]
            found.setdefault(one, set()).add(other)
            found.setdefault(other, set()).add(one)
    return {tag: frozenset(twins) for tag, twins in found.items()}


def _after(thread: Sequence[StoredAlert], now: datetime) -> datetime:
    """``sent`` of what follows a thread: now, but later than all it may replace or end.

    Two alerts within one second, or a clock that was set back, would make a Cancel older than
    its warning, and an older message ends nothing.
    """
    return max([now, *(one.sent.astimezone(now.tzinfo) + SECOND for one in thread)])


def _went_to(thread: Sequence[StoredAlert]) -> frozenset[str]:
    """The channels that earlier alerts of a thread took."""
    return frozenset(
        lane.removesuffix(".exercise")
        for one in thread
        if not one.held and not one.withdrawn
        for lane in one.channels
    )


def _chosen(choices: Sequence[routing.Choice], earlier: frozenset[str]) -> dict[str, str]:
    """The routed channels, and those that must hear how the warning went on.

    An Update that lowers the severity may be routed to fewer channels; the phones that alarmed
    must still be told, and the broadcast that runs must still be stopped.
    """
    chosen = routing.chosen(tuple(choices))
    for name in sorted(earlier):
        chosen.setdefault(name, "an earlier alert of this warning went there")
    return chosen
