"""Times, numbers, units and lists as each language writes them, and as it says them.

Everything is CLDR's (through Babel) except where that is unfit for a warning:

* 24 hours everywhere, in the city's zone, with ASCII digits: as on every German clock and sign.
* Unit symbols are our own table (:data:`SYMBOLS` and the language's row): where CLDR has none,
  Babel writes the raw identifier (``30 length-millimeter``).
* Words for how something is said aloud are sentences of the catalogue, context ``spoken``.

A number is joined to its unit by a no-break space; wires without one show a plain space.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from broadcaster.text.languages import Language
from broadcaster.text.phrases import SPOKEN

if TYPE_CHECKING:
    from broadcaster.text.catalogues import Catalogue

Number = int | float | Decimal

SYMBOLS = {"mm": "mm", "l/m2": "l/m²", "cm": "cm", "m": "m", "km/h": "km/h", "degC": "°C"}
"""Units of measurement and their international symbols."""

DURATIONS = {"h": "hour", "min": "minute", "d": "day"}
"""Units of time and CLDR's names for them; they are written as words."""

PERCENT = "%"

UNITS = (*SYMBOLS, *DURATIONS, PERCENT)
"""Every unit that a quantity may have."""

SPOKEN_UNITS = {
    "mm": ("%(amount)s millimetre", "%(amount)s millimetres"),
    "l/m2": ("%(amount)s litre per square metre", "%(amount)s litres per square metre"),
    "cm": ("%(amount)s centimetre", "%(amount)s centimetres"),
    "m": ("%(amount)s metre", "%(amount)s metres"),
    "km/h": ("%(amount)s kilometre per hour", "%(amount)s kilometres per hour"),
    "degC": ("%(amount)s degree", "%(amount)s degrees"),
    "%": ("%(amount)s percent", "%(amount)s percent"),
    "h": ("%(amount)s hour", "%(amount)s hours"),
    "min": ("%(amount)s minute", "%(amount)s minutes"),
    "d": ("%(amount)s day", "%(amount)s days"),
}
"""How quantities are said: one and many, declared in templates/phrases/shared.yaml."""

SPOKEN_MINUS = "minus %(amount)s"
SPOKEN_HOUR = ("%(hour)s o'clock", "%(hour)s hours")
SPOKEN_EARLY = "%(hour)s:0%(minute)s"
SPOKEN_TIME = "%(hour)s:%(minute)s"
SPOKEN_NEAR = "%(weekday)s, %(time)s"
SPOKEN_FAR = "%(weekday)s, %(day)s %(month)s, %(time)s"
SPOKEN_DAYS = tuple(
    f"{day}{'th' if day in (11, 12, 13) else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"
    for day in range(1, 32)
)
"""The days of a month as they are said before its name: a voice reads "24." as a full stop."""

WEEK = timedelta(days=6)
"""So long a weekday alone is clear: on the seventh day it would mean today."""

FSI, PDI = "\u2068", "\u2069"  # Unicode UAX 9: first strong isolate, pop directional isolate

_SPACES = str.maketrans({"\u202f": "\u00a0", "\u200e": "", "\u200f": "", "\u061c": ""})
"""One kind of no-break space, and no directional marks: isolates do their work."""


class Formats:
    """The formats of one language in one zone."""

    def __init__(self, language: Language, zone: ZoneInfo) -> None:
        self.language = language
        self.zone = zone

    # Time -------------------------------------------------------------------------------------

    def time(self, moment: datetime) -> str:
        """``14:30``, in the zone."""
        return f"{self._local(moment):%H:%M}"

    def moment(self, moment: datetime, now: datetime) -> str:
        """``14:30`` today; ``Dienstag, 24. November, 14:30`` on another day."""
        from babel.dates import format_date, format_skeleton

        here, today = self._local(moment), self._local(now)
        if here.date() == today.date():
            return self.time(here)
        locale = self.language.locale
        date = (
            format_date(here, self.language.date, locale)
            if self.language.date
            else format_skeleton("MMMMd", here, locale=locale)
        )
        return self.language.moment.format(
            weekday=self._weekday(here), date=date, time=self.time(here)
        )

    def brief_moment(self, moment: datetime, now: datetime) -> str:
        """The same for the smallest wires: within six days the weekday says which day."""
        here, today = self._local(moment), self._local(now)
        away = here.date() - today.date()
        if timedelta() < away <= WEEK:
            return f"{self._weekday(here)} {self.time(here)}"
        return self.moment(moment, now)

    def spoken_time(self, moment: datetime, catalogue: Catalogue) -> str:
        """The time of day in words to be said; never ``14:30``."""
        here = self._local(moment)
        if here.minute == 0:
            return catalogue.say_many(*SPOKEN_HOUR, here.hour, context=SPOKEN, hour=here.hour)
        sentence = SPOKEN_EARLY if here.minute < 10 else SPOKEN_TIME
        return catalogue.say(sentence, context=SPOKEN, hour=here.hour, minute=here.minute)

    def spoken_moment(self, moment: datetime, now: datetime, catalogue: Catalogue) -> str:
        """The time today; with the weekday within six days; with day and month beyond."""
        here, today = self._local(moment), self._local(now)
        time = self.spoken_time(here, catalogue)
        away = here.date() - today.date()
        if not away:
            return time
        weekday = self._weekday(here)
        if timedelta() < away <= WEEK:
            return catalogue.say(SPOKEN_NEAR, context=SPOKEN, weekday=weekday, time=time)
        months = self.language.locale.months["format"]["wide"]
        return catalogue.say(
            SPOKEN_FAR,
            context=SPOKEN,
            weekday=weekday,
            day=catalogue.say(SPOKEN_DAYS[here.day - 1], context=SPOKEN),
            month=months[here.month],
            time=time,
        )

    def _local(self, moment: datetime) -> datetime:
        if moment.tzinfo is None:
            raise ValueError("a moment without an offset could be any time")
        return moment.astimezone(self.zone)

    def _weekday(self, moment: datetime) -> str:
        # Not Babel's stand-alone names: where CLDR takes those from the names in a date, Babel 2.18
        # may give another language's, whichever was asked for first.
        return str(self.language.locale.days["format"]["wide"][moment.weekday()])

    # Numbers ----------------------------------------------------------------------------------

    def number(self, x: Number) -> str:
        """``12.500,5``: at most three decimals, ASCII digits."""
        from babel.numbers import format_decimal

        return format_decimal(_exact(x), locale=self.language.locale).translate(_SPACES)

    def quantity(self, x: Number, unit: str) -> str:
        """``30 l/m²``, ``6 Stunden``, ``30 %``; ``unit`` is one of :data:`UNITS`."""
        own = self.language.units.get(unit)
        if unit in SYMBOLS or (own and unit in DURATIONS):
            return f"{self.number(x)}\u00a0{own or SYMBOLS[unit]}"
        if unit in DURATIONS:
            return self._duration(x, f"duration-{DURATIONS[unit]}")
        if unit == PERCENT:
            from babel.numbers import format_percent

            share = _exact(x) / 100
            text = format_percent(share, locale=self.language.locale, decimal_quantization=False)
            return text.translate(_SPACES)
        raise ValueError(f"{unit!r} is no unit; units are {', '.join(UNITS)}")

    def _duration(self, x: Number, name: str) -> str:
        """CLDR's words, long or else short: it leaves out a long form that equals the short one."""
        from babel.units import format_unit

        for length in ("long", "short"):
            text = format_unit(_exact(x), name, length, locale=self.language.locale)
            if name not in text:
                return text.translate(_SPACES)
        raise LookupError(
            f"CLDR has no word for {name} in {self.language.tag}: add it to its row's units"
        )

    def spoken_quantity(self, x: Number, unit: str, catalogue: Catalogue) -> str:
        """``30 Liter pro Quadratmeter``: no symbol, no digits grouped, the sign as a word."""
        from babel.numbers import format_decimal

        exact = _exact(x)
        size = abs(exact)
        amount = format_decimal(size, locale=self.language.locale, group_separator=False)
        if exact < 0:
            amount = catalogue.say(SPOKEN_MINUS, context=SPOKEN, amount=amount)
        one, many = SPOKEN_UNITS[unit]
        return catalogue.say_many(one, many, size, context=SPOKEN, amount=amount)

    # Lists and direction ----------------------------------------------------------------------

    def places(self, names: Sequence[str]) -> str:
        """``A, B und C`` by CLDR."""
        from babel.lists import format_list

        if not names:
            return ""
        return format_list(list(names), locale=self.language.locale).translate(_SPACES)

    def isolate(self, value: str) -> str:
        """A value in foreign letters, kept whole inside right-to-left plain text (UAX 9)."""
        return f"{FSI}{value}{PDI}" if self.language.direction == "rtl" and value else value


def _exact(x: Number) -> Decimal:
    """Through its text, so that 38.1 stays 38.1."""
    return x if isinstance(x, Decimal) else Decimal(str(x))
