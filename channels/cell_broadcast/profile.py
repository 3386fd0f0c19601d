"""Which message identifier carries an alert in a country: rules as data, checked on loading.

A profile is one YAML file in ``profiles/``; every row states its source.  Nothing else in this
channel chooses an identifier, so another country is another file.  Which letters name a language
is the same in every country and stands in ``languages.yaml``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from broadcaster.model.cap import Alert, Certainty, MsgType, ResponseType, Severity, Status, Urgency
from broadcaster.model.errors import BadInput, Problem, Refused, Unsupported
from channels.cell_broadcast.codec import Pages

ADDITIONAL_LANGUAGE = frozenset({*range(4383, 4396), 4397, 4399})
"""Identifiers that a phone shows only in its own language (3GPP TS 23.041 9.4.1.2.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A pair of message identifiers and when it is used; an empty condition always holds."""

    name: str
    """The title a phone shows, or the standard's name."""
    local: int
    """Shown to everyone, whatever the phone's language."""
    additional: int
    """Its twin for further languages."""
    source: str
    """Where this row was taken from."""
    copies: tuple[int, ...] = ()
    """Further identifiers that repeat the text of the base language."""
    severity: frozenset[Severity] = frozenset()
    urgency: frozenset[Urgency] = frozenset()
    certainty: frozenset[Certainty] = frozenset()

    @property
    def identifiers(self) -> frozenset[int]:
        """Everything this row can put on air."""
        return frozenset({self.local, self.additional, *self.copies})


@dataclass(frozen=True, slots=True)
class Ban:
    """Why an identifier may not be used in this country."""

    identifier: int
    reason: str
    source: str


@dataclass(frozen=True, slots=True)
class Code:
    """The two letters for a language whose tag does not already consist of them."""

    language: str
    code: str | None
    """``None``: no code names this language."""
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The rules of one country."""

    name: str
    countries: tuple[str, ...]
    """Mobile country codes."""
    levels: tuple[Row, ...]
    all_clear: Row
    exercise: Row
    test: Row
    refused: tuple[Ban, ...]
    languages: tuple[Code, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        """Every row, live ones first."""
        return (*self.levels, self.all_clear, self.exercise, self.test)

    def row(self, alert: Alert, operation: MsgType) -> Row:
        """The row that carries an alert.

        ``status`` is asked before anything else, so that an exercise or a test cannot reach a
        live identifier whatever its severity.  Raises :class:`Unsupported` when no row holds.
        """
        if alert.status is Status.EXERCISE:
            return self.exercise
        if alert.status is Status.TEST:
            return self.test
        if alert.status is not Status.ACTUAL:
            raise Unsupported(
                Problem(
                    "status",
                    f"an alert with status {alert.status} is not for the public",
                    "issue it with status Actual, Exercise or Test",
                )
            )
        if operation is MsgType.CANCEL or _is_all_clear(alert):
            return self.all_clear
        worst = max(alert.infos, key=lambda info: info.severity.rank, default=None)
        for row in self.levels:
            if worst is not None and (
                worst.severity in row.severity
                and (not row.urgency or worst.urgency in row.urgency)
                and (not row.certainty or worst.certainty in row.certainty)
            ):
                return row
        raise Unsupported(
            Problem(
                "severity",
                f"{self.name} has no message identifier for severity {alert.severity}",
                "state a severity from Minor to Extreme",
            )
        )

    def require(self, identifier: int) -> int:
        """The identifier, if this profile puts it on air; else :class:`Refused` with the reason."""
        if any(identifier in row.identifiers for row in self.rows):
            return identifier
        ban = next((ban for ban in self.refused if ban.identifier == identifier), None)
        reason = ban.reason if ban else "the profile has no row for it"
        raise Refused(
            Problem(
                "message identifier",
                f"{self.name} refuses {identifier}: {reason}",
                "use an identifier of the profile",
            )
        )

    def code(self, language: str) -> str | None:
        """The two letters that name a BCP 47 language on the wire, ``None`` if there are none.

        The longest listed prefix of the tag decides (RFC 4647 3.4), else the tag's own letters.
        """
        listed = {row.language.lower(): row.code for row in self.languages}
        subtags = language.lower().split("-")
        for length in range(len(subtags), 0, -1):
            tag = "-".join(subtags[:length])
            if tag in listed:
                return listed[tag]
        return subtags[0] if len(subtags[0]) == 2 else None


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Pages under a message identifier.

    A further language without a named language would be shown to everybody, so such a value
    cannot be made: raises :class:`Refused`.
    """

    identifier: int
    pages: Pages = field(repr=False)

    def __post_init__(self) -> None:
        if self.identifier in ADDITIONAL_LANGUAGE and not self.pages.coding.names_language:
            raise Refused(
                Problem(
                    "message identifier",
                    f"{self.identifier} is for further languages, but coding scheme "
                    f"{self.pages.coding.dcs:02x} names none: every phone would show it",
                    "encode the text with its language (scheme 00 to 0e, 10 or 11)",
                )
            )


def available() -> tuple[str, ...]:
    """Names of the profiles that are installed."""
    folder = resources.files(__package__) / "profiles"
    return tuple(
        sorted(
            file.name.removesuffix(".yaml")
            for file in folder.iterdir()
            if file.name.endswith(".yaml")
        )
    )


def load(name: str) -> Profile:
    """The installed profile of that name; raises :class:`BadInput` naming all that is wrong."""
    import yaml  # here, so that listing the channel's capabilities stays cheap

    if name not in available():
        raise BadInput(
            Problem("profile", f"there is no profile {name!r}", "use " + " or ".join(available()))
        )
    folder = resources.files(__package__)
    languages, rules = (
        yaml.safe_load((folder / path).read_text("utf-8"))
        for path in ("languages.yaml", f"profiles/{name}.yaml")
    )
    return parse({"languages": languages, **rules})


def parse(data: Mapping[str, Any]) -> Profile:
    """A profile from its file's content and the ``languages``; raises :class:`BadInput` naming
    all that is wrong.
    """
    try:
        profile = Profile(
            name=data["name"],
            countries=tuple(data["countries"]),
            levels=tuple(_row(row) for row in data["levels"]),
            all_clear=_row(data["all_clear"]),
            exercise=_row(data["exercise"]),
            test=_row(data["test"]),
            refused=tuple(
                Ban(identifier, ban["reason"], ban["source"])
                for ban in data["refused"]
                for identifier in ban["identifiers"]
            ),
            languages=tuple(
                Code(tag, row["code"], row["source"]) for tag, row in data["languages"].items()
            ),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadInput(
            Problem(
                "profile", f"is missing or misspells {error}", "compare it with profiles/de.yaml"
            )
        ) from error
    problems = [*_problems(profile)]
    if problems:
        raise BadInput(problems)
    return profile


def _row(data: Mapping[str, Any]) -> Row:
    return Row(
        name=data["name"],
        local=int(data["local"]),
        additional=int(data["additional"]),
        source=str(data["source"]),
        copies=tuple(data.get("copies", ())),
        severity=frozenset(Severity(value) for value in data.get("severity", ())),
        urgency=frozenset(Urgency(value) for value in data.get("urgency", ())),
        certainty=frozenset(Certainty(value) for value in data.get("certainty", ())),
    )


def _problems(profile: Profile) -> list[Problem]:
    problems = []
    live = frozenset().union(*(row.identifiers for row in (*profile.levels, profile.all_clear)))
    for row in profile.rows:
        if row.additional not in ADDITIONAL_LANGUAGE:
            says = f"{row.additional} is not an identifier for further languages"
            problems.append(Problem(row.name, says, "see 3GPP TS 23.041 9.4.1.2.2"))
        for identifier in (row.local, *row.copies):
            if identifier in ADDITIONAL_LANGUAGE or not 0 <= identifier <= 0xFFFF:
                says = f"{identifier} cannot carry the base language"
                problems.append(Problem(row.name, says, "see 3GPP TS 23.041 9.4.1.2.2"))
        for ban in profile.refused:
            if ban.identifier in row.identifiers:
                says = f"{ban.identifier} is refused by this profile: {ban.reason}"
                problems.append(Problem(row.name, says, "remove the row or the refusal"))
        if not row.source.strip():
            problems.append(Problem(row.name, "the row has no source", "say where it is from"))
    for row in (profile.exercise, profile.test):
        for identifier in sorted(row.identifiers & live):
            says = f"{identifier} is a live identifier"
            problems.append(Problem(row.name, says, "exercises need identifiers of their own"))
    return problems


def _is_all_clear(alert: Alert) -> bool:
    return bool(alert.infos) and all(
        ResponseType.ALL_CLEAR in info.response_types for info in alert.infos
    )
