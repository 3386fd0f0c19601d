"""What goes out where, decided before anything leaves.  Pure: values in, values out.

The plan is what the officer previews, what an approval binds to, and what the store commits; the
dispatcher adds nothing to it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from broadcaster.delivery.contract import (
    Addressing,
    Arranges,
    Capabilities,
    Channel,
    Fitted,
    Format,
    Mode,
    Rendition,
    Sense,
    Variant,
)
from broadcaster.model.cap import PARAMETER_REVIEW, Alert, MsgType, Status
from broadcaster.model.errors import ChannelError, DoesNotFit
from broadcaster.store.port import Gap, PlannedSend, StoredRendition
from broadcaster.text.publication import texts as texts_of

Render = Callable[[Alert, str, Variant, Format], Rendition | None]

PRIORITY = {"Extreme": 0, "Severe": 1, "Moderate": 2, "Minor": 3}
"""Queue priority by CAP severity; exercises and tests come after every real warning."""

WIDER = "reaches further than the area"
"""How the gap of a channel begins that needs a consent of its own."""

REVIEW_LEVELS = ("drafted", "reviewed", "approved")
"""How far people have checked a translation, the least first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way out as planning sees it."""

    name: str
    mode: Mode
    channel: Channel | None
    trouble: str = ""
    """Why there is no channel."""
    languages: tuple[str, ...] | None = None
    variants: tuple[Variant, ...] | None = None
    review: str | None = None
    """The least review level of a text that may take this way, as configured."""

    @property
    def least_review(self) -> str:
        """The level that counts here.

        Unless the city says otherwise, an unreviewed text goes to the public only where the
        reader is told so beside it; an exercise is there to try things out.
        """
        if self.review is not None:
            return self.review
        shown = self.mode is Mode.EXERCISE or self.capabilities.shows_review
        return "drafted" if shown else "reviewed"

    @property
    def capabilities(self) -> Capabilities:
        """What the channel can do."""
        assert self.channel is not None
        return self.channel.capabilities


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedText:
    """One text on one channel, exactly as it will be shown."""

    channel: str
    asked: Variant
    rendition: Rendition
    fitted: Fitted


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that will be sent, everything that cannot be, and why."""

    texts: tuple[PlannedText, ...]
    gaps: tuple[Gap, ...]
    sends: tuple[PlannedSend, ...]
    reasons: Mapping[str, str]
    """Why each channel was chosen."""
    senses: Mapping[str, frozenset[Sense]]
    """The senses each language of the alert reaches."""
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What an officer should know of a channel's texts together: reach, air time."""
    wider: Mapping[str, str] = field(default_factory=dict)
    """Channels that reach further than the area, by name, and in which way."""
    drafts: tuple[str, ...] = ()
    """Languages that go out although nobody who grew up with them has checked the text."""

    @property
    def reached(self) -> frozenset[str]:
        """Names of the channels that send something."""
        return frozenset(send.channel.removesuffix(".exercise") for send in self.sends)

    def stored(self) -> tuple[StoredRendition, ...]:
        """The texts as the store keeps them."""
        return tuple(
            StoredRendition(
                channel=text.channel,
                language=text.rendition.language,
                variant=text.asked.value,
                format=text.rendition.format.value,
                text=text.rendition.text,
                shown="" if text.asked is text.rendition.variant else text.rendition.variant.value,
                notes=text.fitted.notes,
            )
            for text in self.texts
        )


def way_for(alert: Alert, name: str, ways: Mapping[tuple[str, Mode], Way]) -> Way:
    """The way an alert may take: a real one for real alerts, the exercise target for all others.

    This is the only place where a live target is picked, and it looks at nothing but ``status``.
    """
    live = alert.status is Status.ACTUAL
    mode = Mode.LIVE if live else Mode.EXERCISE
    return ways.get((name, mode)) or Way(
        name=name,
        mode=mode,
        channel=None,
        trouble="is not configured"
        if live
        else f"has no exercise target, and a {alert.status.value} never reaches a live one",
    )


def make(
    alert: Alert,
    chosen: Mapping[str, str],
    ways: Mapping[tuple[str, Mode], Way],
    render: Render,
    offered: Sequence[str],
    *,
    wider: Container[str] = (),
    went: Container[str] = (),
) -> Plan:
    """Plan an alert on the chosen channels (name to reason).

    ``wider`` names the channels that may, with an officer's consent, reach further than the area
    asked; one that would and has no consent is a gap, so that the others still go out.
    ``went`` names those that earlier messages of the thread took.
    """
    texts: list[PlannedText] = []
    gaps: list[Gap] = []
    notes: dict[str, tuple[str, ...]] = {}
    further: dict[str, str] = {}
    asked = (*offered, *(tag for way in ways.values() for tag in way.languages or ()))
    levels = _levels(alert, dict.fromkeys(asked))
    sends: list[PlannedSend] = []
    for name in chosen:
        way = way_for(alert, name, ways)
        if way.channel is None:
            gaps.append(Gap(channel=name, language="", variant="", reason=way.trouble))
            continue
        if alert.msg_type not in way.capabilities.operations:
            gaps.append(
                Gap(
                    channel=name,
                    language="",
                    variant="",
                    reason=f"this channel cannot carry a CAP {alert.msg_type.value}",
                )
            )
            continue
        planned = []
        for language in way.languages or offered:
            for variant in way.variants or way.capabilities.variants:
                text = _text(alert, way, way.channel, language, variant, render, levels)
                if isinstance(text, Gap):
                    gaps.append(text)
                else:
                    planned.append(text)
        planned = _side_by_side(alert, way, planned, gaps, notes, further)
        if way.name in further and way.name not in wider:
            reason = f"{WIDER} and has no consent to: {further[way.name]}"
            gaps.append(Gap(channel=_lane(way), language="", variant="", reason=reason))
            continue
        texts += planned
        if not planned and name in went:
            reason = "what this channel has out stays until it ends by itself: see the gaps above"
            gaps.append(Gap(channel=_lane(way), language="", variant="", reason=reason))
        if planned:
            published = way.capabilities.addressing is Addressing.PUBLISHED
            sends.append(
                PlannedSend(
                    channel=_lane(way),
                    items=tuple((t.rendition.language, t.asked.value) for t in planned),
                    recipients=way.capabilities.addressing is Addressing.RECIPIENTS,
                    follows=alert.msg_type is MsgType.CANCEL and not published,
                )
            )
    return Plan(
        texts=tuple(texts),
        gaps=tuple(gaps),
        sends=tuple(sends),
        reasons=chosen,
        senses=_senses(texts, ways, alert, offered),
        drafts=tuple(
            dict.fromkeys(
                text.rendition.language
                for text in texts
                if not _level(levels, text.rendition.language, text.asked)
            )
        ),
        notes=notes,
        wider=further,
    )


def digest(cap: bytes, plan: Plan, *, release: datetime, fingerprint: str) -> str:
    """SHA-256 over all that an approval stands for: CAP bytes (texts, area, times), every text and
    its bytes on the wire, the channels, the moment of release, and the page templates.
    """
    content = {
        "cap": hashlib.sha256(cap).hexdigest(),
        "release": release.isoformat(),
        "templates": fingerprint,
        "texts": [
            [
                t.channel,
                t.rendition.language,
                t.asked.value,
                t.rendition.variant.value,
                t.rendition.format.value,
                t.rendition.text,
                [part.hex() for part in t.fitted.parts],
            ]
            for t in plan.texts
        ],
        "sends": [[s.channel, s.items, s.recipients, s.follows] for s in plan.sends],
        "gaps": [[g.channel, g.language, g.variant, g.reason] for g in plan.gaps],
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def priority(alert: Alert) -> int:
    """0 is the most urgent; what is not real waits behind everything that is."""
    if alert.status is not Status.ACTUAL:
        return 6
    return PRIORITY.get(alert.severity.value, 4)


def lane_name(name: str, mode: Mode) -> str:
    """How the lane of a channel is called: the exercise target has a lane of its own."""
    return name if mode is Mode.LIVE else f"{name}.exercise"


def _lane(way: Way) -> str:
    return lane_name(way.name, way.mode)


def _text(
    alert: Alert,
    way: Way,
    channel: Channel,
    language: str,
    variant: Variant,
    render: Render,
    levels: Mapping[tuple[str, Variant], int],
) -> PlannedText | Gap:
    capabilities = channel.capabilities
    wanted = [variant]
    if capabilities.shortens_to and capabilities.shortens_to is not variant:
        wanted.append(capabilities.shortens_to)
    name, reasons = _lane(way), []
    least = REVIEW_LEVELS.index(way.least_review)
    if least and (level := _level(levels, language, variant)) < least:
        reason = (
            f"the text is {REVIEW_LEVELS[level]}, and this channel wants {way.least_review} ones"
        )
        return Gap(channel=name, language=language, variant=variant.value, reason=reason)
    for attempt in wanted:
        rendition = render(alert, language, attempt, capabilities.formats[0])
        if rendition is None:
            reasons.append(f"the alert has no {attempt.value} text in this language")
            continue
        try:
            fitted = channel.fit(rendition)
        except DoesNotFit as error:
            reasons.append(f"the {attempt.value} text is too long by {error.surplus} {error.unit}")
            continue
        except ChannelError as error:
            reasons.append(error.problems[0].says)
            break
        return PlannedText(channel=name, asked=variant, rendition=rendition, fitted=fitted)
    return Gap(channel=name, language=language, variant=variant.value, reason="; ".join(reasons))


def _side_by_side(
    alert: Alert,
    way: Way,
    planned: list[PlannedText],
    gaps: list[Gap],
    notes: dict[str, tuple[str, ...]],
    further: dict[str, str],
) -> list[PlannedText]:
    """The texts that a channel can send together; the others become gaps."""
    if not planned or not isinstance(way.channel, Arranges):
        return planned
    try:
        found = way.channel.arrange(alert, [(text.rendition, text.fitted) for text in planned])
    except ChannelError as error:  # one channel that cannot carry it silences no other
        reason = error.problems[0].says
        gaps.append(Gap(channel=_lane(way), language="", variant="", reason=reason))
        return []
    notes[_lane(way)] = found.notes
    if found.wider:
        further[way.name] = found.wider
    gaps += [
        Gap(
            channel=_lane(way),
            language=planned[at].rendition.language,
            variant=planned[at].asked.value,
            reason=problem.says,
        )
        for at, problem in found.left_out.items()
    ]
    return [text for at, text in enumerate(planned) if at not in found.left_out]


def _levels(alert: Alert, languages: Iterable[str]) -> dict[tuple[str, Variant], int]:
    """How far each text was checked, as the alert says."""
    found = {}
    for key, infos in texts_of(alert, languages).items():
        said = (info.parameter(PARAMETER_REVIEW) for info in infos)
        known = (REVIEW_LEVELS.index(level) for level in said if level in REVIEW_LEVELS)
        if (level := next(known, None)) is not None:
            found[key] = level
    return found


def _level(levels: Mapping[tuple[str, Variant], int], language: str, variant: Variant) -> int:
    """How far a text was checked; a foreign one is as its sender meant it."""
    domain = Variant.PLAIN if variant is Variant.PLAIN else Variant.STANDARD
    return levels.get((language, domain), len(REVIEW_LEVELS) - 1)


def _senses(
    texts: Iterable[PlannedText],
    ways: Mapping[tuple[str, Mode], Way],
    alert: Alert,
    offered: Sequence[str],
) -> dict[str, frozenset[Sense]]:
    reached: dict[str, set[Sense]] = {language: set() for language in offered}
    for text in texts:
        way = way_for(alert, text.channel.removesuffix(".exercise"), ways)
        reached.setdefault(text.rendition.language, set()).update(way.capabilities.senses)
    return {language: frozenset(senses) for language, senses in reached.items()}
