"""A model of a phone that receives broadcasts: what its owner sees, or why nothing.  Pure.

The preview asks it what a phone set to Turkish would show; tests ask it of every order.  It does
what the handset software that can be read does (Android's CellBroadcastService and
CellBroadcastReceiver; oFono), and where phones differ it takes the stricter rule, because a
warning must pass the strictest phone.  What phones listen to is data: ``handsets.yaml``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache, lru_cache
from importlib import resources

from broadcaster.model.errors import BadInput
from channels.cell_broadcast.codec import decode
from channels.cell_broadcast.serials import Serial

MEMORY = timedelta(hours=24)
"""Android, ``message_expiration_time``.  Repeats are not noted, so it counts from the first
reception: a broadcast that runs longer alarms again once a day."""


class Setting(StrEnum):
    """What the owner can switch on; everything else is on as delivered."""

    TEST = "test"
    EXERCISE = "exercise"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a phone is when it hears a broadcast; as delivered, in a test network."""

    network: str = "00101"
    """PLMN: country and network code."""
    area: int = 1
    """Location, service or tracking area."""
    cell: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An alarm, as its owner sees it."""

    title: str
    """Above the text: which kind of alarm it is."""
    text: str
    language: str | None
    """The two letters that came with the text; ``None``: none did."""
    everyone: bool
    """Whether phones of this country show it whatever their language."""
    fixed: bool
    """Whether the owner cannot switch off this kind of alarm."""


@dataclass(frozen=True, slots=True)
class Silent:
    """Nothing is shown."""

    reason: str


@dataclass(frozen=True, slots=True)
class _Row:
    title: str
    everyone: bool
    fixed: bool
    needs: Setting | None


@dataclass(frozen=True, slots=True)
class _Set:
    """How phones of one country are set up."""

    name: str
    rows: dict[int, _Row]


@dataclass(frozen=True, slots=True)
class _Received:
    identifier: int
    serial: Serial
    place: Place
    at: datetime


class Handset:
    """One phone, with its memory of the last day."""

    def __init__(
        self,
        languages: Sequence[str] = ("tr",),
        country: str = "262",
        enabled: Collection[Setting] = (),
    ) -> None:
        """A phone as delivered.

        ``languages`` are those its owner chose, in order, as phones name them (``Profile.code``);
        ``country`` is the mobile country code of its SIM, or ``EU`` for the phone that ETSI
        TS 102 900 describes; ``enabled`` is what its owner switched on besides.
        """
        # Android, `Locale.getDefault().getLanguage()`: only the first language counts, and of it
        # neither script nor region.
        self.language = languages[0].partition("-")[0].lower()
        self._set = _sets().get(country) or _sets()[""]
        self._enabled = frozenset(enabled)
        self._memory: list[_Received] = []

    def hears(
        self,
        identifier: int,
        serial: int,
        dcs: int,
        pages: Sequence[bytes],
        lengths: Sequence[int] | None = None,
        *,
        at: datetime,
        place: Place | None = None,
    ) -> Shown | Silent:
        """Receive a whole broadcast.

        ``serial`` are the 16 bits of the serial number.  With ``lengths`` the pages are taken as
        3G, 4G and 5G phones do, without as 2G phones do: all 82 octets of each.
        """
        row = self._set.rows.get(identifier)
        if row is None:
            return Silent(f"phones set up for {self._set.name} do not listen to {identifier}")
        if row.needs is not None and row.needs not in self._enabled:
            return Silent(f"{row.title} is switched off as delivered")
        try:
            language, text = _decoded(tuple(pages), lengths and tuple(lengths), dcs)
        except BadInput as error:
            return Silent(f"the pages cannot be read: {error}")
        number = Serial(serial >> 4 & 0x3FF, serial & 0xF, serial >> 14)
        received = _Received(identifier, number, place or Place(), at)
        if known := self._known(received):
            return Silent(known)
        # Android notes it here, before it looks at the language: a phone that is set to Turkish a
        # minute later stays silent.
        self._memory.append(received)
        # Android, `filter_language`: a text without a language is shown, whatever the phone's.
        if not row.everyone and language not in (None, self.language):
            return Silent(f"it is in {language}, the phone is set to {self.language}")
        return Shown(
            title=row.title,
            text=text,
            language=language,
            everyone=row.everyone or language is None,
            fixed=row.fixed,
        )

    def _known(self, new: _Received) -> str | None:
        """Why a broadcast is no news to this phone; ``None`` if it is."""
        self._memory = [old for old in self._memory if new.at - old.at < MEMORY]
        same = [old for old in self._memory if _same_message(old, new)]
        for old in same:
            if old.serial.update == new.serial.update:
                return f"it was received at {old.at:%H:%M}; same identifier and serial number"
        if same and not _newer(new.serial.update, same[-1].serial.update):
            return f"a newer version was received at {same[-1].at:%H:%M}"
        return None


def _same_message(old: _Received, new: _Received) -> bool:
    """Two versions of one message (TS 23.041 9.4.1.2.1), whatever their text: Android's
    ``duplicate_compare_body`` is false.
    """
    return (
        old.identifier == new.identifier
        and (old.serial.scope, old.serial.code) == (new.serial.scope, new.serial.code)
        and _where(old) == _where(new)
    )


def _where(received: _Received) -> tuple[str | int, ...]:
    """The part of a place within which a serial number stays the same message (TS 23.041
    9.4.1.2.1): 1 the network; 2 the location, service or tracking area; 0 and 3 the cell.
    """
    place = received.place
    if received.serial.scope == 1:
        return (place.network,)
    if received.serial.scope == 2:
        return (place.network, place.area)
    return (place.network, place.area, place.cell)


def _newer(update: int, last: int) -> bool:
    """TS 23.041 9.4.1.2.1: eight or less higher, modulo 16.

    oFono keeps to it; Android shows every number that it does not remember.
    """
    return 1 <= (update - last) % 16 <= 8


@lru_cache(maxsize=256)
def _decoded(
    pages: tuple[bytes, ...], lengths: tuple[int, ...] | None, dcs: int
) -> tuple[str | None, str]:
    """Remembered, because every model phone is given the same pages."""
    return decode(pages, lengths, dcs)


@cache
def _sets() -> dict[str, _Set]:
    """How phones are set up by country; under the empty name, those of all other countries."""
    import yaml  # here, so that listing the channel's capabilities stays cheap

    file = resources.files(__package__) / "handsets.yaml"
    sets: dict[str, _Set] = {}
    for data in yaml.safe_load(file.read_text("utf-8")):
        rows: dict[int, _Row] = {}
        for heard in data["hears"]:
            needs = Setting(heard["needs"]) if "needs" in heard else None
            for key in ("base", "additional"):
                everyone = key == "base" or not data["filters"]
                row = _Row(heard["title"], everyone, heard.get("fixed", False), needs)
                rows.update(dict.fromkeys(heard[key], row))
        for country in data["countries"] or [""]:
            sets[country] = _Set(data["name"], rows)
    return sets
