"""OASIS CAP 1.2 as frozen values.  Names are CAP's own, in snake case.

Values carry no behaviour beyond telling their own identity; the rules they must keep are in
:mod:`broadcaster.model.rules`, their XML form is in :mod:`broadcaster.model.capxml`.
Section numbers are those of the CAP 1.2 specification (2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Status(StrEnum):
    """CAP 3.2.1 ``status``: how the alert is to be handled."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    SYSTEM = "System"
    TEST = "Test"
    DRAFT = "Draft"


class MsgType(StrEnum):
    """CAP 3.2.1 ``msgType``: the nature of the alert."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"
    ACK = "Ack"
    ERROR = "Error"


class Scope(StrEnum):
    """CAP 3.2.1 ``scope``: for whom the alert is meant."""

    PUBLIC = "Public"
    RESTRICTED = "Restricted"
    PRIVATE = "Private"


class Category(StrEnum):
    """CAP 3.2.2 ``category``."""

    GEO = "Geo"
    MET = "Met"
    SAFETY = "Safety"
    SECURITY = "Security"
    RESCUE = "Rescue"
    FIRE = "Fire"
    HEALTH = "Health"
    ENV = "Env"
    TRANSPORT = "Transport"
    INFRA = "Infra"
    CBRNE = "CBRNE"
    OTHER = "Other"


class ResponseType(StrEnum):
    """CAP 3.2.2 ``responseType``: the kind of action recommended."""

    SHELTER = "Shelter"
    EVACUATE = "Evacuate"
    PREPARE = "Prepare"
    EXECUTE = "Execute"
    AVOID = "Avoid"
    MONITOR = "Monitor"
    ASSESS = "Assess"
    ALL_CLEAR = "AllClear"
    NONE = "None"


class Urgency(StrEnum):
    """CAP 3.2.2 ``urgency``."""

    IMMEDIATE = "Immediate"
    EXPECTED = "Expected"
    FUTURE = "Future"
    PAST = "Past"
    UNKNOWN = "Unknown"


class Severity(StrEnum):
    """CAP 3.2.2 ``severity``; :attr:`rank` orders it, 4 being the worst."""

    EXTREME = "Extreme"
    SEVERE = "Severe"
    MODERATE = "Moderate"
    MINOR = "Minor"
    UNKNOWN = "Unknown"

    @property
    def rank(self) -> int:
        """4 Extreme, 3 Severe, 2 Moderate, 1 Minor, 0 Unknown."""
        return {"Extreme": 4, "Severe": 3, "Moderate": 2, "Minor": 1}.get(self.value, 0)


class Certainty(StrEnum):
    """CAP 3.2.2 ``certainty``."""

    OBSERVED = "Observed"
    LIKELY = "Likely"
    POSSIBLE = "Possible"
    UNLIKELY = "Unlikely"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Pair:
    """A ``valueName``/``value`` pair: eventCode, parameter or geocode."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Reference:
    """CAP 3.2.1 ``references``: one ``sender,identifier,sent`` triple.

    ``sent`` stays the text that was published: a reference must match it byte for byte.
    """

    sender: str
    identifier: str
    sent: str

    def __str__(self) -> str:
        return f"{self.sender},{self.identifier},{self.sent}"


@dataclass(frozen=True, slots=True)
class Polygon:
    """One ring of ``(latitude, longitude)`` pairs, WGS 84 degrees; first point equals last."""

    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Circle:
    """A centre in WGS 84 degrees and a radius in kilometres."""

    latitude: float
    longitude: float
    radius: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """CAP 3.2.4 ``area``; ``altitude`` and ``ceiling`` are feet above mean sea level."""

    area_desc: str
    polygons: tuple[Polygon, ...] = ()
    circles: tuple[Circle, ...] = ()
    geocodes: tuple[Pair, ...] = ()
    altitude: float | None = None
    ceiling: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """CAP 3.2.3 ``resource``: a file that goes with an info; ``size`` in bytes."""

    resource_desc: str
    mime_type: str
    size: int | None = None
    uri: str | None = None
    deref_uri: str | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """CAP 3.2.2 ``info``: the alert in one language (and, with us, one variant).

    ``language`` is a BCP 47 tag; ``None`` means the element was absent, which CAP defines as
    ``en-US``.  Our plain-language infos carry the registered variant subtag (``de-simple``).
    """

    language: str | None = None
    categories: tuple[Category, ...] = ()
    event: str = ""
    response_types: tuple[ResponseType, ...] = ()
    urgency: Urgency = Urgency.UNKNOWN
    severity: Severity = Severity.UNKNOWN
    certainty: Certainty = Certainty.UNKNOWN
    audience: str | None = None
    event_codes: tuple[Pair, ...] = ()
    effective: datetime | None = None
    onset: datetime | None = None
    expires: datetime | None = None
    sender_name: str | None = None
    headline: str | None = None
    description: str | None = None
    instruction: str | None = None
    web: str | None = None
    contact: str | None = None
    parameters: tuple[Pair, ...] = ()
    resources: tuple[Resource, ...] = ()
    areas: tuple[Area, ...] = ()

    def parameter(self, name: str) -> str | None:
        """The first parameter value of that name, or ``None``."""
        return next((pair.value for pair in self.parameters if pair.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """CAP 3.2.1 ``alert``: one message.  A *thread* is an alert and all that refers to it."""

    identifier: str
    sender: str
    sent: datetime
    status: Status
    msg_type: MsgType
    scope: Scope
    source: str | None = None
    restriction: str | None = None
    addresses: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    note: str | None = None
    references: tuple[Reference, ...] = ()
    incidents: tuple[str, ...] = ()
    infos: tuple[Info, ...] = ()
    signature: str | None = None
    """The enveloped XML signature as text, kept but not interpreted."""

    @property
    def severity(self) -> Severity:
        """The worst severity of any info."""
        return max(
            (info.severity for info in self.infos), key=lambda s: s.rank, default=Severity.UNKNOWN
        )

    @property
    def expires(self) -> datetime | None:
        """The latest ``expires`` of any info, or ``None`` when one never expires."""
        times = [info.expires for info in self.infos]
        known = [time for time in times if time is not None]
        return max(known) if known and len(known) == len(times) else None


# The parameters by which our own infos carry what CAP has no element for.
# Documented for integrators in docs/integrate.md.
PARAMETER_VARIANT = "broadcaster:variant"
"""``standard`` or ``plain``: tells the two infos of one language apart."""
PARAMETER_LEAD = "broadcaster:lead"
"""Hazard, place and the first thing to do in one line: what a phone shows before it is opened."""
PARAMETER_SHORT = "broadcaster:short"
"""The short text of this language, as SMS and small displays show it."""
PARAMETER_SPOKEN = "broadcaster:spoken"
"""The spoken text of this language: numbers, times and units as they are said."""
PARAMETER_HAZARD = "broadcaster:hazard"
"""The row of our hazard catalogue, e.g. ``heavy_rain``."""
PARAMETER_LEVEL = "broadcaster:level"
"""The level within that hazard, 1 to 3 (3 is the worst)."""
PARAMETER_NOTE = "broadcaster:note"
"""The officer's free text, verbatim, in the language of :data:`PARAMETER_NOTE_LANGUAGE`."""
PARAMETER_NOTE_LANGUAGE = "broadcaster:note-language"
"""BCP 47 tag of the officer's free text."""
PARAMETER_UNOFFICIAL = "broadcaster:unofficial"
"""These are our own words; the official ones are of the authority named here."""
PARAMETER_REVIEW = "broadcaster:review"
"""Review level of this language's catalogue: ``drafted``, ``reviewed`` or ``approved``."""
