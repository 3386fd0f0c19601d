"""``config.yaml`` as a frozen value, with every problem reported at once.

An unknown key is an error: a misspelt ``exercise`` must not quietly mean *live*.  Secrets are
written as ``{env: NAME}`` or ``{file: PATH}`` and print as ``<secret>``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from broadcaster.delivery.contract import Variant
from broadcaster.delivery.plan import REVIEW_LEVELS
from broadcaster.delivery.routing import FACTS, Route
from broadcaster.model.cap import Certainty, MsgType, Scope, Severity, Status, Urgency
from broadcaster.model.errors import BadInput, Problem

_WORDS: Mapping[str, tuple[str, ...]] = {
    "status": tuple(Status),
    "scope": tuple(Scope),
    "msgType": tuple(MsgType),
    "severity": tuple(Severity),
    "urgency": tuple(Urgency),
    "certainty": tuple(Certainty),
}
"""What CAP lets a fact be; the others are the catalogue's."""


class Secret:
    """A value that never appears in a print, a log or a traceback."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value, for the one place that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "<secret>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Officer:
    """Somebody who may act, known by the operating system's user or by a token."""

    name: str
    os_user: str = ""
    token: Secret | None = None
    roles: tuple[str, ...] = ("issue", "approve")


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """When a second officer must agree: all of ``match`` and any of ``channels``."""

    match: Mapping[str, frozenset[str]]
    channels: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSettings:
    """One configured way out; ``raw`` is checked by the channel itself."""

    name: str
    kind: str
    languages: tuple[str, ...] | None = None
    variants: tuple[Variant, ...] | None = None
    timeout: float = 30.0
    review: str | None = None
    """The least review level of a text that may go out here (:data:`REVIEW_LEVELS`); ``None``:
    ``drafted`` where readers see the level, else ``reviewed``."""
    raw: Mapping[str, Any]
    exercise: Mapping[str, Any] | None = None
    """Settings of the exercise target, laid over ``raw``; ``None``: it has no such target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribe:
    """How residents order warnings by themselves."""

    channel: str
    """The channel whose texts they get, and that sends the codes."""
    countries: tuple[str, ...] = ("DE",)
    """ISO 3166-1 codes of the countries whose mobile numbers are taken."""
    codes_per_hour: int = 1000
    """Most codes that are sent within an hour: what an attack can cost."""
    example: str = "+49 171 3920012"
    """A number that is nobody's, shown beside the field."""
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    """Addresses whose ``X-Forwarded-For`` is believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One installation."""

    city: str
    areas: str
    """Path of the GeoJSON file, relative to the templates or to the configuration file."""
    zone: str
    sender: str
    sender_name: str
    identifier_prefix: str
    base_url: str
    contact: str
    languages: tuple[str, ...]
    """Offered languages, the source language first."""
    channels: tuple[ChannelSettings, ...]
    route: Route
    officers: tuple[Officer, ...]
    approval: tuple[Approval, ...]
    exercise_recipients: tuple[str, ...] = field(repr=False, default=())
    """Phone numbers that exercises reach instead of the subscribers."""
    subscribe: Subscribe | None = None
    templates: str = ""
    """Folder of templates; empty: those that came with the program."""
    locales: str = ""
    folder: Path = Path()
    """Where the configuration file lies."""


def load(path: Path) -> Settings:
    """Read and check a configuration file.  Raises ``BadInput`` with every problem at once."""
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise BadInput(
            Problem(
                str(path),
                f"the configuration cannot be read: {reason}",
                "name another file with --config or BROADCASTER_CONFIG",
            )
        ) from error
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path.name}:{mark.line + 1}" if mark else path.name
        raise BadInput(
            Problem(
                where,
                f"is not YAML: {getattr(error, 'problem', error)}",
                "correct this line; indentation is by spaces",
            )
        ) from error
    reader = _Reader()
    settings = reader.settings(raw, path.parent)
    if reader.problems:
        raise BadInput(reader.problems)
    return settings


class _Reader:
    """Reads with manners: notes every problem and goes on."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def wrong(self, path: str, says: str, remedy: str = "") -> None:
        self.problems.append(Problem(path, says, remedy))

    def settings(self, raw: Any, folder: Path) -> Settings:
        known = (
            "city",
            "areas",
            "zone",
            "sender",
            "sender_name",
            "identifier_prefix",
            "base_url",
            "contact",
            "languages",
            "channels",
            "route",
            "officers",
            "approval",
            "exercise_recipients",
            "subscribe",
            "templates",
            "locales",
        )
        raw = self.mapping(raw, "", known)
        channels = tuple(
            self.channel(name, value)
            for name, value in self.mapping(raw.get("channels"), "channels").items()
        )
        names = frozenset(channel.name for channel in channels)
        route = self.route(raw.get("route"), "route", "everything", names)
        zone = self.text(raw, "zone", "Europe/Berlin")
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError):
            self.wrong("zone", f"{zone!r} is no time zone", "a name such as Europe/Berlin")
        base_url = self.text(raw, "base_url").rstrip("/")
        if urlsplit(base_url).scheme not in ("http", "https") or not urlsplit(base_url).netloc:
            self.wrong("base_url", f"{base_url!r} is no web address", "https://warnung.example.org")
        languages = self.texts(raw, "languages")
        if not languages:
            self.wrong("languages", "names no language", "name the source language first")
        return Settings(
            city=self.text(raw, "city"),
            areas=self.text(raw, "areas"),
            zone=zone,
            sender=self.text(raw, "sender"),
            sender_name=self.text(raw, "sender_name"),
            identifier_prefix=self.text(raw, "identifier_prefix"),
            base_url=base_url,
            contact=self.text(raw, "contact", ""),
            languages=languages,
            channels=channels,
            route=route,
            officers=self.officers(raw.get("officers") or []),
            approval=self.approval(raw.get("approval") or [], names),
            exercise_recipients=self.texts(raw, "exercise_recipients", ()),
            subscribe=self.subscribe(raw.get("subscribe"), names),
            templates=self.text(raw, "templates", ""),
            locales=self.text(raw, "locales", ""),
            folder=folder,
        )

    def channel(self, name: str, raw: Any) -> ChannelSettings:
        here = f"channels.{name}"
        rest = dict(self.mapping(raw, here))
        if "." in name or "~" in name:
            self.wrong(here, "a channel's name has no dot and no tilde")
        kind = self.text(rest, "kind", where=here)
        languages = self.texts(rest, "languages", None, where=here)
        variants = []
        for word in self.texts(rest, "variants", (), where=here) or ():
            try:
                variants.append(Variant(word))
            except ValueError:
                self.wrong(
                    f"{here}.variants", f"{word!r} is no variant", "one of " + ", ".join(Variant)
                )
        timeout = rest.get("timeout", 30)
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or timeout <= 0:
            self.wrong(f"{here}.timeout", "must be seconds, more than 0")
            timeout = 30
        review = rest.get("review")
        if review is not None and review not in REVIEW_LEVELS:
            self.wrong(f"{here}.review", f"{review!r} is no level", ", ".join(REVIEW_LEVELS))
        exercise = rest.get("exercise")
        if exercise is not None and not isinstance(exercise, Mapping):
            self.wrong(f"{here}.exercise", "must be a mapping (it may be empty: {})")
            exercise = None
        own = ("kind", "languages", "variants", "timeout", "review", "exercise")
        return ChannelSettings(
            name=name,
            kind=kind,
            languages=languages,
            variants=tuple(variants) or None,
            timeout=float(timeout),
            review=review,
            exercise=exercise,
            raw={key: value for key, value in rest.items() if key not in own},
        )

    def subscribe(self, raw: Any, names: frozenset[str]) -> Subscribe | None:
        if raw is None:
            return None
        here, usual = "subscribe", Subscribe(channel="")
        known = ("channel", "countries", "codes_per_hour", "example", "proxies")
        raw = self.mapping(raw, here, known)
        channel = self.text(raw, "channel", where=here)
        if channel and channel not in names:
            self.wrong(
                f"{here}.channel",
                f"names the channel {channel!r}, which is not configured",
                "one of " + ", ".join(sorted(names)),
            )
        countries = self.texts(raw, "countries", usual.countries, where=here)
        for country in countries:
            if not re.fullmatch("[A-Z]{2}", country):
                self.wrong(f"{here}.countries", f"{country!r} is no country", "write DE, NL, AT")
        if not countries:
            self.wrong(f"{here}.countries", "names no country", "[DE]")
        most = raw.get("codes_per_hour", usual.codes_per_hour)
        if type(most) is not int or most < 1:
            self.wrong(f"{here}.codes_per_hour", "must be a whole number, at least 1")
            most = 1
        proxies = self.texts(raw, "proxies", usual.proxies, where=here)
        for proxy in proxies:
            try:
                ip_address(proxy)
            except ValueError:
                self.wrong(f"{here}.proxies", f"{proxy!r} is no IP address", "such as 127.0.0.1")
        return Subscribe(
            channel=channel,
            countries=countries,
            codes_per_hour=most,
            example=self.text(raw, "example", usual.example, where=here),
            proxies=proxies,
        )

    def route(self, raw: Any, here: str, name: str, names: frozenset[str]) -> Route:
        raw = self.mapping(raw, here, ("name", "channels", "match", "routes"))
        channels = self.texts(raw, "channels", (), where=here) or ()
        for channel in channels:
            if channel not in names:
                self.wrong(
                    f"{here}.channels",
                    f"names the channel {channel!r}, which is not configured",
                    "one of " + ", ".join(sorted(names)),
                )
        return Route(
            name=self.text(raw, "name", name, where=here),
            channels=channels,
            match=self.match(raw.get("match"), f"{here}.match"),
            routes=tuple(
                self.route(below, f"{here}.routes[{i}]", f"{name}.{i + 1}", names)
                for i, below in enumerate(self.sequence(raw.get("routes"), f"{here}.routes"))
            ),
        )

    def match(self, raw: Any, here: str) -> dict[str, frozenset[str]]:
        wanted = {}
        for fact, values in self.mapping(raw or {}, here).items():
            if fact not in FACTS:
                self.wrong(
                    f"{here}.{fact}",
                    "is nothing a route can match on",
                    "one of " + ", ".join(FACTS),
                )
            values = values if isinstance(values, list) else [values]
            wanted[fact] = frozenset(str(value) for value in values)
            # A misspelt value never matches: no phone would alarm, no second officer be asked.
            known = _WORDS.get(fact, tuple(wanted[fact]))
            for value in sorted(wanted[fact].difference(known)):
                self.wrong(
                    f"{here}.{fact}", f"{value!r} is no {fact}", "one of " + ", ".join(known)
                )
        return wanted

    def officers(self, raw: Any) -> tuple[Officer, ...]:
        found = []
        for i, row in enumerate(self.sequence(raw, "officers")):
            here = f"officers[{i}]"
            row = self.mapping(row, here, ("name", "os_user", "token", "roles"))
            roles = self.texts(row, "roles", ("issue", "approve"), where=here) or ()
            for role in roles:
                if role not in ("issue", "approve"):
                    self.wrong(f"{here}.roles", f"{role!r} is no role", "issue, approve")
            token = row.get("token")
            found.append(
                Officer(
                    name=self.text(row, "name", where=here),
                    os_user=self.text(row, "os_user", "", where=here),
                    token=self.secret(token, f"{here}.token") if token is not None else None,
                    roles=roles,
                )
            )
        for i, one in enumerate(found):
            for other in found[:i]:
                # One person under two names would be their own second officer.
                if one.os_user and one.os_user == other.os_user:
                    self.wrong(f"officers[{i}].os_user", f"{other.name} has this user already")
                if one.token and other.token and one.token.reveal() == other.token.reveal():
                    self.wrong(f"officers[{i}].token", f"{other.name} has this token already")
                if one.name == other.name:
                    self.wrong(f"officers[{i}].name", "is the name of another officer too")
        return tuple(found)

    def approval(self, raw: Any, names: frozenset[str]) -> tuple[Approval, ...]:
        found = []
        for i, row in enumerate(self.sequence(raw, "approval")):
            here = f"approval[{i}]"
            row = self.mapping(row, here, ("match", "channels"))
            channels = frozenset(self.texts(row, "channels", (), where=here) or names)
            for channel in channels - names:
                self.wrong(
                    f"{here}.channels",
                    f"names the channel {channel!r}, which is not configured",
                    "one of " + ", ".join(sorted(names)),
                )
            found.append(
                Approval(match=self.match(row.get("match"), f"{here}.match"), channels=channels)
            )
        return tuple(found)

    def secret(self, raw: Any, here: str) -> Secret | None:
        if isinstance(raw, Mapping) and set(raw) == {"env"}:
            value = os.environ.get(str(raw["env"]))
            if value:
                return Secret(value)
            self.wrong(here, f"the environment has no {raw['env']}", "set it before the start")
        elif isinstance(raw, Mapping) and set(raw) == {"file"}:
            try:
                return Secret(Path(str(raw["file"])).read_text(encoding="utf-8").strip())
            except OSError as error:
                self.wrong(here, f"its file cannot be read: {error.strerror}")
        else:
            self.wrong(here, "a secret is not written here", "{env: NAME} or {file: PATH}")
        return None

    def mapping(self, raw: Any, here: str, known: Sequence[str] | None = None) -> Mapping[str, Any]:
        if not isinstance(raw, Mapping):
            self.wrong(here or "config", "must be a mapping", "write `name: value` lines")
            return {}
        for key in raw:
            if known is not None and key not in known:
                self.wrong(
                    f"{here}.{key}".lstrip("."), "is not a setting", "one of " + ", ".join(known)
                )
        return {str(key): value for key, value in raw.items()}

    def sequence(self, raw: Any, here: str) -> Sequence[Any]:
        if raw is None:
            return ()
        if not isinstance(raw, list):
            self.wrong(here, "must be a list")
            return ()
        return raw

    def text(
        self, raw: Mapping[str, Any], key: str, default: str | None = None, *, where: str = ""
    ) -> str:
        value = raw.get(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            self.wrong(
                f"{where}.{key}".lstrip("."), "must be text" if value is not None else "is missing"
            )
            return ""
        return value

    def texts(self, raw: Mapping[str, Any], key: str, default: Any = (), *, where: str = "") -> Any:
        value = raw.get(key, default)
        if value is default:
            return value
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            self.wrong(f"{where}.{key}".lstrip("."), "must be a list of texts")
            return default
        return tuple(value)
