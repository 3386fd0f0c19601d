"""A provider as data: what a request looks like, what an answer means, what a call says.

A value in a template is a literal, or holds places such as ``{to|digits|csv}``: a name, then what
is done to it, from :data:`FILTERS`.  A place that is the whole value keeps its type (a number stays
a number in JSON); a field with a place that has nothing to show is left out.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from broadcaster.delivery.contract import State

FOLDER = Path(__file__).parent / "providers"
_PLACE = re.compile(r"\{(\w+)((?:\|\w+(?::\w+)?)*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One request."""

    method: str
    path: str
    body: str
    """``json``, ``form``, or ``query`` for fields in the address."""
    headers: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)
    basic: bool = False
    """User and password as HTTP basic authentication."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What an answer means.  Paths lead into a JSON answer (``messages.0.id``)."""

    status: tuple[int, ...]
    """Only with one of these a text can have been taken."""
    at: str = ""
    """Where the answer's own word for its success stands."""
    taken: frozenset[str] = frozenset()
    """Empty: the status is enough."""
    id: str = ""
    says: str = ""
    """Where the answer explains itself."""
    code: str = ""
    """Where an answer that took nothing says why; looked up in the three lists below."""
    refused: frozenset[str] = frozenset()
    later: frozenset[str] = frozenset()
    unsure: frozenset[str] = frozenset()
    each: Mapping[str, str] = field(default_factory=dict)
    """A list with a word about each recipient: ``in``, ``number``, ``id``, ``at``, ``says``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """One kind of call that the provider makes."""

    at: str
    """Stands only in calls of this kind, and is one of :attr:`names` where that is not empty."""
    names: frozenset[str]
    reads: Mapping[str, str]
    """Receipt: ``key`` or ``id``, ``state``, ``says``.  Message: ``id``, ``from``, ``text``,
    ``time``."""
    states: Mapping[str, State] = field(default_factory=dict)
    """Empty for messages from people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Everything about one provider that the driver needs to know."""

    title: str
    url: str
    """Where its API is; empty: the configuration must say."""
    needs: tuple[str, ...]
    """Settings without which it cannot be used."""
    hands_over: str
    """``text``: the approved text, which the provider cuts; ``segments``: the approved octets."""
    batch: int
    """Recipients one request may name."""
    rate: float
    """Texts a second, unless the configuration says otherwise."""
    send: Shape
    reply: Reply
    ping: Shape
    alive: tuple[int, ...]
    """Answers to the ping that show that it is there and knows us."""
    scheme: str
    """How its calls are signed, of :data:`.signatures.SCHEMES`; empty: not at all."""
    oldest: timedelta
    """How old a signed time may be."""
    calls: str
    """Where its calls hold what they say: ``json``, ``form`` or ``query``."""
    hears: tuple[Hearing, ...]

    @property
    def confirms(self) -> frozenset[State]:
        """What its calls can prove, when it makes any."""
        said = {state for hearing in self.hears for state in hearing.states.values()}
        return frozenset(said & {State.ACCEPTED, State.SENT, State.DELIVERED})

    @property
    def by_id(self) -> bool:
        """Receipts name the provider's id only, and not what we called the delivery."""
        return any(each.states and "key" not in each.reads for each in self.hears)


def names() -> tuple[str, ...]:
    """The providers there are."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


@cache
def load(name: str) -> Provider:
    """One of :func:`names`."""
    raw = yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))
    send, ping, calls = raw["send"], raw["ping"], raw["calls"]
    shared = {"headers": send.get("headers", {}), "basic": send.get("basic", False)}
    return Provider(
        title=raw["title"],
        url=raw.get("url", ""),
        needs=tuple(raw["needs"]),
        hands_over=raw["hands_over"],
        batch=raw["batch"],
        rate=float(raw["rate"]),
        send=Shape(
            method=send["method"],
            path=send["path"],
            body=send["body"],
            fields=send["fields"],
            **shared,
        ),
        reply=_reply(raw["reply"]),
        ping=Shape(
            method="GET",
            path=ping["path"],
            body="query",
            fields=ping.get("fields", {}),
            **shared,
        ),
        alive=tuple(ping["status"]),
        scheme=calls.get("signed", ""),
        oldest=timedelta(seconds=calls.get("oldest", 300)),
        calls=calls["body"],
        hears=tuple(
            Hearing(
                at=each["at"],
                names=_words(each.get("is", ())),
                reads=each["reads"],
                states={
                    str(word).lower(): State(state)
                    for state, words in each.get("states", {}).items()
                    for word in words
                },
            )
            for each in calls["hears"]
        ),
    )


def _reply(raw: Mapping[str, Any]) -> Reply:
    fields: dict[str, Any] = dict(raw)
    for key in ("taken", "refused", "later", "unsure"):
        fields[key] = _words(raw.get(key, ()))
    return Reply(**fields | {"status": tuple(raw["status"])})


def _words(values: Sequence[Any]) -> frozenset[str]:
    return frozenset(word(value) for value in values)


def word(value: Any) -> str:
    """A value of a template or an answer as a word to compare: JSON's ``true`` is ``true``."""
    return str(value).lower()


# --- filling in ----------------------------------------------------------------------------------

NOTHING: Any = object()
"""What a field becomes that has nothing to show."""


def fill(shape: Any, values: Mapping[str, Any]) -> Any:
    """A template's value with its places filled in; :data:`NOTHING` where there is nothing."""
    if isinstance(shape, Mapping):
        filled = ((key, fill(value, values)) for key, value in shape.items())
        return {key: value for key, value in filled if value is not NOTHING}
    if isinstance(shape, list):
        return [value for each in shape if (value := fill(each, values)) is not NOTHING]
    if not isinstance(shape, str):
        return shape
    if whole := _PLACE.fullmatch(shape):
        return _place(whole, values)
    parts = [_place(place, values) for place in _PLACE.finditer(shape)]
    if NOTHING in parts:
        return NOTHING
    said = iter(parts)
    return _PLACE.sub(lambda _: str(next(said)), shape)


def _place(place: re.Match[str], values: Mapping[str, Any]) -> Any:
    value = values[place[1]]
    return NOTHING if value is None else apply(place[2], value)


def apply(filters: str, value: Any) -> Any:
    """A value through filters written as ``|name|name:argument``."""
    for each in filters.split("|")[1:]:
        name, _, argument = each.partition(":")
        value = FILTERS[name](value, argument)
    return value


def _each(change: Callable[[str], Any]) -> Callable[[Any, str], Any]:
    def changed(value: Any, _: str) -> Any:
        return tuple(map(change, value)) if isinstance(value, tuple) else change(str(value))

    return changed


def _iso(value: timedelta, _: str) -> str:
    return f"PT{int(value.total_seconds())}S"


def _token(value: str, _: str) -> str:
    """Letters, digits, ``-`` and ``_``: nothing that an address or Kannel's ``%`` would change."""
    return base64.urlsafe_b64encode(value.encode()).decode().rstrip("=")


def _untoken(value: str, _: str) -> str:
    try:
        return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode()
    except (binascii.Error, ValueError):
        return ""


def _plus(number: str) -> str:
    """International form, of a number that is long enough to be one (ITU-T E.164)."""
    digits = number.strip().removeprefix("00").lstrip("+")
    return f"+{digits}" if digits.isascii() and digits.isdecimal() and len(digits) > 6 else number


FILTERS: Mapping[str, Callable[[Any, str], Any]] = {
    "digits": _each(lambda number: number.removeprefix("+")),
    "plus": _each(_plus),
    "int": _each(lambda number: int(number.removeprefix("+"))),
    "one": lambda value, _: value[0],
    "list": lambda value, _: list(value),
    "csv": lambda value, _: ",".join(map(str, value)),
    "minutes": lambda value, _: int(value.total_seconds()) // 60,
    "seconds": lambda value, _: int(value.total_seconds()),
    "duration": _iso,
    "until": lambda value, _: value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "epoch": lambda value, _: int(value.timestamp()),
    "most": lambda value, argument: min(value, int(argument)),
    "hex": lambda value, _: value.hex(),
    "token": _token,
    "untoken": _untoken,
}
"""What can be done to a value, by name.  Times are rounded down: never longer than asked."""


# --- reading out ---------------------------------------------------------------------------------


def find(document: Any, path: str) -> Any:
    """What stands at a path such as ``data.id|untoken``; ``None`` where nothing stands."""
    where, _, filters = path.partition("|")
    value = document
    for step in where.split(".") if where else ():
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    if value is None or not filters:
        return value
    return apply("|" + filters, str(value))


def moment(said: Any) -> datetime | None:
    """A time as providers write it: seconds since 1970, or ISO 8601, UTC where it has no zone."""
    text = str(said)
    try:
        if re.fullmatch(r"[0-9]{1,11}", text):
            return datetime.fromtimestamp(int(text), UTC)
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
