"""From what an officer wrote to a :class:`Draft`, or to the list of everything wrong with it.

The same fields come from a file (``issue heat.yaml``), from flags, from questions on a terminal
and from the API; all take this one door.  Values are read as text: YAML would otherwise turn
``22:30`` into 1350 and ``no`` into false.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from broadcaster.intake.moments import HOW, duration, moment
from broadcaster.model.cap import Certainty, Severity, Status, Urgency
from broadcaster.model.errors import BadInput, Problem
from broadcaster.model.gazetteer import Gazetteer
from broadcaster.model.placing import codes_touched, resolve
from broadcaster.text.compose import Draft
from broadcaster.text.hazards import Hazard
from broadcaster.text.library import Library

E = TypeVar("E", bound=StrEnum)

LARGEST = 1_000_000
"""Bytes of a draft; a real one has a few hundred."""
DEEPEST = 20
"""Levels of nesting; a GeoJSON MultiPolygon within a draft has nine."""
LONGEST = timedelta(days=14)
"""A warning that nobody has looked at for so long is no warning."""
LEVEL_WORDS = {"moderate": 1, "severe": 2, "extreme": 3}
"""The levels by name, for people who know MoWaS, where 1 is the worst."""
FIELDS = (
    "hazard",
    "level",
    "area",
    "onset",
    "expires",
    "release",
    "parameters",
    "actions",
    "note",
    "status",
    "exercise",
    "severity",
    "urgency",
    "certainty",
    "repeat",
    "languages",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a draft is read against."""

    library: Library
    gazetteer: Gazetteer
    now: datetime
    source_language: str
    offered: tuple[str, ...]


def fields_of(raw: bytes, origin: str) -> dict[str, Any]:
    """The fields of a YAML (or JSON) draft as text, lists and mappings.

    Raises ``BadInput`` for a file that is too large, no YAML, or uses aliases (which can be small
    and unfold to gigabytes).
    """
    import yaml

    if len(raw) > LARGEST:
        raise BadInput(
            Problem(
                origin,
                f"has {len(raw):,} bytes; a draft has at most {LARGEST:,}",
                "is this the right file? CAP files go through `relay`",
            )
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(
            Problem(origin, f"is not UTF-8 text (byte {error.start})", "save the file as UTF-8")
        ) from error
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.BaseLoader):
            if isinstance(event, yaml.AliasEvent):
                raise BadInput(Problem(origin, "uses a YAML alias (*)", "write the value out"))
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise BadInput(Problem(origin, "is nested too deeply", "write a flat draft"))
        value = yaml.load(text, Loader=_strict_loader())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{origin}:{mark.line + 1}" if mark else origin
        says = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise BadInput(
            Problem(where, f"is not YAML: {says}", "write `name: value` lines, indented by spaces")
        ) from error
    if not isinstance(value, dict):
        raise BadInput(
            Problem(origin, "is not a draft", "start with `hazard: heat`; see examples/heat.yaml")
        )
    return value


def read(fields: Mapping[str, Any], context: Context, origin: str = "draft") -> Draft:
    """A draft.  Raises ``BadInput`` with every problem at once."""
    reader = _Reader(fields, context, origin)
    draft = reader.draft()
    if reader.problems or draft is None:
        raise BadInput(reader.problems)
    return draft


def _strict_loader() -> Any:
    """A loader of text only; made here, so that a run without a file never imports YAML."""
    import yaml

    class Strict(yaml.BaseLoader):
        """Refuses a key that is written twice: one of the two would silently be lost."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            seen = set()
            for key, _ in node.value:
                name = self.construct_object(key, deep=True)
                if not isinstance(name, str):
                    raise yaml.constructor.ConstructorError(
                        None, None, "a name is a word, not a list or mapping", key.start_mark
                    )
                if name in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"{name!r} is written twice", key.start_mark
                    )
                seen.add(name)
            return super().construct_mapping(node, deep)

    return Strict


class _Reader:
    def __init__(self, fields: Mapping[str, Any], context: Context, origin: str) -> None:
        self.fields, self.context, self.origin = fields, context, origin
        self.problems: list[Problem] = []

    def wrong(self, field: str, says: str, remedy: str = "") -> None:
        self.problems.append(Problem(f"{self.origin}:{field}", says, remedy))

    def draft(self) -> Draft | None:
        for name in self.fields:
            if name not in FIELDS:
                self.wrong(str(name), "is no field of a draft", "one of " + ", ".join(FIELDS))
        hazard = self.hazard()
        level = self.level(hazard)
        status = self.status(hazard)
        areas, ids = self.areas()
        now = self.context.now
        release = self.time("release")
        onset = self.time("onset")
        # Not from an onset that is over: `extend ID --expires 6h` means six hours from now.
        expires = self.time("expires", start=max(onset or release or now, now))
        self.order(now, release, onset, expires)
        note, note_language = self.note()
        if hazard and hazard.needs_note and not self.fields.get("note"):
            self.wrong("note", f"is missing: {hazard.id} says nothing without it", "say what it is")
        repeat = self.repeat()
        parameters = self.parameters(hazard)
        actions = self.actions(hazard)
        severity = self.word("severity", Severity)
        urgency = self.word("urgency", Urgency)
        certainty = self.word("certainty", Certainty)
        languages = self.languages()
        if self.problems or hazard is None or level is None or expires is None:
            return None
        return Draft(
            hazard=hazard.id,
            level=level,
            areas=areas,
            area_ids=ids,
            expires=expires,
            onset=onset,
            release=release if release and release > now else None,
            parameters=parameters,
            actions=actions,
            status=status,
            exercise=self.text("exercise") or "",
            note=note,
            note_language=note_language,
            severity=severity,
            urgency=urgency,
            certainty=certainty,
            repeat_every=repeat,
            languages=languages,
        )

    def text(self, field: str) -> str | None:
        value = self.fields.get(field)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            self.wrong(field, "must be text")
            return None
        return unicodedata.normalize("NFC", value.strip())

    def hazard(self) -> Hazard | None:
        name = self.text("hazard")
        known = self.context.library.hazards
        if name is None:
            self.wrong("hazard", "is missing", "one of " + ", ".join(known))
            return None
        if name not in known:
            self.wrong("hazard", f"{name!r} is not in the catalogue", "one of " + ", ".join(known))
            return None
        return known[name]

    def level(self, hazard: Hazard | None) -> int | None:
        text = self.text("level")
        if text is None:
            if hazard is not None and len(hazard.levels) == 1:
                return 1
            self.wrong("level", "is missing", "1 (moderate), 2 (severe) or 3 (extreme)")
            return None
        number = LEVEL_WORDS.get(text.lower())
        if number is None and text.isascii() and text.isdigit() and len(text) < 4:
            number = int(text)
        levels = tuple(hazard.levels) if hazard else (1, 2, 3)
        if number not in levels:
            self.wrong(
                "level",
                f"{text!r} is no level of this hazard",
                f"one of {', '.join(map(str, levels))}; the highest is the worst",
            )
            return None
        return number

    def status(self, hazard: Hazard | None) -> Status:
        text, exercise = self.text("status"), self.text("exercise")
        if exercise is not None and text not in (None, "Exercise"):
            self.wrong(
                "exercise",
                f"a draft with status {text} is no exercise",
                "leave out `status`, or leave out `exercise`",
            )
        if text is None:
            if exercise:
                return Status.EXERCISE
            return Status.TEST if hazard is not None and hazard.id == "test" else Status.ACTUAL
        for status in (Status.ACTUAL, Status.EXERCISE, Status.TEST):
            if text == status.value:
                if status is Status.EXERCISE and not exercise:
                    self.wrong(
                        "exercise",
                        "an exercise needs a name (CAP 1.2, 3.2.1 note)",
                        "exercise: Spring 2027",
                    )
                if status is Status.ACTUAL and hazard is not None and hazard.id == "test":
                    self.wrong("status", "a test warning is never Actual", "status: Test")
                return status
        self.wrong("status", f"{text!r} is no status", "Actual, Exercise or Test")
        return Status.TEST

    def areas(self) -> tuple[Any, tuple[str, ...]]:
        value = self.fields.get("area")
        specs: list[Any] = value if isinstance(value, list) else [value]
        if value in (None, "", []):
            self.wrong("area", "is missing", f"area: {self.context.gazetteer.city.id}")
            return (), ()
        try:
            areas = resolve(specs, self.context.gazetteer, path=f"{self.origin}:area")
        except BadInput as error:
            self.problems += error.problems
            return (), ()
        return areas, tuple(sorted(codes_touched(areas, self.context.gazetteer)))

    def time(self, field: str, start: datetime | None = None) -> datetime | None:
        text = self.text(field)
        if text is None:
            return None
        try:
            found = moment(
                text, self.context.now, f"{self.origin}:{field}", self.problems, start=start
            )
        except OverflowError:
            self.wrong(field, f"{text!r} is too far away", HOW)
            return None
        return found.replace(microsecond=0) if found else None

    def order(
        self,
        now: datetime,
        release: datetime | None,
        onset: datetime | None,
        expires: datetime | None,
    ) -> None:
        if self.fields.get("expires") in (None, ""):
            self.wrong("expires", "is missing: every warning ends", HOW)
        if expires is None:
            return
        if expires <= now:
            self.wrong("expires", f"{expires:%d.%m.%Y %H:%M} is in the past", HOW)
        elif expires - now > LONGEST:
            self.wrong(
                "expires",
                f"is more than {LONGEST.days} days away",
                "issue it for a shorter time and `extend` it when it lasts",
            )
        for name, value in (("onset", onset), ("release", release)):
            if value is not None and value >= expires:
                self.wrong(name, "is not before the warning expires", "correct one of the two")
        if release is not None and release < now - timedelta(minutes=5):
            self.wrong("release", "is in the past", "leave it out to send at once")

    def parameters(self, hazard: Hazard | None) -> dict[str, float | str]:
        raw = self.fields.get("parameters") or {}
        if not isinstance(raw, Mapping):
            self.wrong("parameters", "must be a mapping", "amount: 40")
            return {}
        if hazard is None:
            return {}
        found: dict[str, float | str] = {}
        for name, value in raw.items():
            spec = hazard.parameters.get(name)
            if spec is None:
                known = ", ".join(hazard.parameters) or "none"
                self.wrong(
                    f"parameters.{name}", f"{hazard.id} has no such value", f"it takes: {known}"
                )
            elif not isinstance(value, str | int | float) or isinstance(value, bool):
                self.wrong(f"parameters.{name}", "must be one value")
            elif spec.unit == "name":
                if not str(value).strip() or len(str(value)) > 60 or "\n" in str(value):
                    self.wrong(f"parameters.{name}", "must be a name of at most 60 letters")
                found[name] = unicodedata.normalize("NFC", str(value).strip())
            else:
                number = _number(str(value))
                low, high = spec.minimum, spec.maximum
                if number is None:
                    self.wrong(
                        f"parameters.{name}", f"{value!r} is no number", f"a number of {spec.unit}"
                    )
                elif (low is not None and number < low) or (high is not None and number > high):
                    self.wrong(
                        f"parameters.{name}",
                        f"{number:g} {spec.unit} is not plausible",
                        f"between {low:g} and {high:g}",
                    )
                else:
                    found[name] = number
        for name in found:
            other = hazard.parameters[name].together
            if other and other not in found and other not in raw:
                self.wrong(
                    f"parameters.{name}",
                    f"says nothing without {other}",
                    f"give {other} as well, or leave it out",
                )
        return found

    def actions(self, hazard: Hazard | None) -> tuple[str, ...] | None:
        raw = self.fields.get("actions")
        if raw in (None, ""):
            return None
        given = raw if isinstance(raw, list) else str(raw).replace(",", " ").split()
        names = [str(name) for name in given]
        if hazard is None:
            return None
        for name in names:
            if name not in hazard.actions:
                self.wrong(
                    "actions",
                    f"{name!r} is no action for {hazard.id}",
                    "one of " + ", ".join(hazard.actions),
                )
        if not names:
            self.wrong("actions", "is empty: a warning says what to do", "leave it out")
        if len(set(names)) != len(names):
            self.wrong("actions", "names an action twice", "name each once")
        return tuple(names)

    def note(self) -> tuple[str, str]:
        raw = self.fields.get("note")
        if raw in (None, ""):
            return "", ""
        if isinstance(raw, Mapping):
            text, language = raw.get("text"), raw.get("language")
            for key in raw:
                if key not in ("text", "language"):
                    self.wrong(f"note.{key}", "is no part of a note", "text, language")
        else:
            text, language = raw, self.context.source_language
        if not isinstance(text, str) or not text.strip():
            self.wrong("note", "has no text")
            return "", ""
        if not isinstance(language, str) or language not in self.context.library.languages:
            self.wrong("note.language", f"{language!r} is no language", "de, en, tr ...")
        text = unicodedata.normalize("NFC", " ".join(text.split()))
        if len(text) > 400:
            self.wrong("note", f"has {len(text)} letters", "at most 400")
        if any(unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn") or c in "<>" for c in text):
            self.wrong("note", "holds control characters or tags", "plain text only")
        return text, str(language)

    def repeat(self) -> timedelta | None:
        text = self.text("repeat")
        if text is None:
            return None
        span = duration(text)
        if span is None or span < timedelta(minutes=15):
            self.wrong("repeat", f"{text!r} is no interval of 15 minutes or more", "2h")
            return None
        return span

    def word(self, field: str, kind: type[E]) -> E | None:
        text = self.text(field)
        if text is None:
            return None
        try:
            return kind(text)
        except ValueError:
            self.wrong(
                field,
                f"{text!r} is not a CAP {field}",
                "one of " + ", ".join(member.value for member in kind),
            )
            return None

    def languages(self) -> tuple[str, ...] | None:
        raw = self.fields.get("languages")
        if raw in (None, ""):
            return None
        tags = raw if isinstance(raw, list) else str(raw).replace(",", " ").split()
        source = self.context.source_language
        for tag in tags:
            if tag not in self.context.offered:
                self.wrong(
                    "languages",
                    f"{tag!r} is not offered here",
                    "one of " + ", ".join(self.context.offered),
                )
        if source not in tags:
            self.wrong(
                "languages", f"leaves out the source language {source}", f"name {source} as well"
            )
        return (source, *(tag for tag in tags if tag != source))


def _number(text: str) -> float | None:
    try:
        number = float(text.replace(",", ".", 1))
    except ValueError:
        return None
    return number if abs(number) < 1e6 else None
