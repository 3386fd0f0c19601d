"""Who is warned personally: added, imported, listed, shown, erased.

Numbers come out of here in one case only: an officer asks for what is stored about one number, or
for the whole list, and the record says so.
"""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import phonenumbers

from broadcaster.app import approval
from broadcaster.app.composition import App
from broadcaster.config import Officer
from broadcaster.delivery.plan import lane_name
from broadcaster.model.errors import BadInput, Problem
from broadcaster.model.rendition import Variant
from broadcaster.store.port import Subscriber, Subscription

Events = AsyncIterator[dict[str, Any]]

MINIMUM = {"": 0, "Minor": 1, "Moderate": 2, "Severe": 3, "Extreme": 4}
QUIET = {"": False, "no": False, "yes": True}
SLICE = 2_000
"""Subscriptions in one commit: a warning that is committed meanwhile waits no longer than that."""
PAGE = 5_000
"""Rows of the list in one answer."""
COLUMNS = ("address", "language", "variant", "areas", "hazards", "minimum", "quiet")
"""Columns of a file, as it is read and written."""


class Subscribers:
    """Does what officers ask about the subscription list."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def handle(self, arguments: Mapping[str, Any], officer: Officer) -> Events:
        """One request; ``action`` says which."""
        approval.may(officer, "issue")
        action = str(arguments.get("action", ""))
        acts: dict[str, Callable[[str, Mapping[str, Any], Officer], Any]] = {
            "add": self._add,
            "list": self._list,
            "count": self._count,
            "import": self._import,
            "export": self._export,
            "erase": self._erase,
            "rotate-key": self._rotate,
        }
        if action not in acts:
            raise BadInput(
                Problem(
                    "action",
                    f"{action!r} is nothing to do with subscribers",
                    ", ".join(acts),
                )
            )
        channel = str(arguments.get("channel", ""))
        if channel not in self._app.lanes and action != "rotate-key":
            known = ", ".join(self._app.lanes)
            raise BadInput(
                Problem("channel", f"there is no channel {channel!r}", f"one of {known}")
            )
        yield {"event": "result", "result": await acts[action](channel, arguments, officer)}

    async def _add(
        self, channel: str, arguments: Mapping[str, Any], officer: Officer
    ) -> dict[str, Any]:
        row = [str(arguments.get(name) or "") for name in COLUMNS]
        wanted = _slice(self._read(channel, [("address", row)]))
        new = await self._app.store.subscribe(channel, wanted, self._app.clock.now())
        return {"added": new, "changed": len(wanted) - new}

    async def _count(
        self, channel: str, arguments: Mapping[str, Any], officer: Officer
    ) -> dict[str, Any]:
        counts = await self._app.store.subscribers(channel)
        rows = [{"language": t, "variant": v, "subscribers": n} for (t, v), n in counts.items()]
        return {"subscribers": rows, "total": sum(counts.values())}

    async def _import(
        self, channel: str, arguments: Mapping[str, Any], officer: Officer
    ) -> dict[str, Any]:
        app, text = self._app, str(arguments.get("csv", ""))
        # Read twice, in a thread: first to see that all of it is right, then slice by slice.  Half
        # a million lines held at once would keep the program from everything else.
        rows = await asyncio.to_thread(self._count_right, channel, text)
        wanted = self._read(channel, _lines(text))
        new = 0
        while some := await asyncio.to_thread(_slice, wanted):
            new += await app.store.subscribe(channel, some, app.clock.now())
        await self._record(officer, "import", channel, {"rows": rows})
        return {"added": new, "changed": rows - new}

    async def _list(
        self, channel: str, arguments: Mapping[str, Any], officer: Officer
    ) -> dict[str, Any]:
        wanted = arguments.get("limit")
        limit = min(wanted, PAGE) if isinstance(wanted, int) and wanted > 0 else 100
        found = await self._app.store.listed(
            channel,
            limit=limit + 1,
            language=str(arguments.get("language") or ""),
            area=str(arguments.get("area") or ""),
        )
        rows = [{**_row(one), "address": masked(one.wish.address)} for one in found[:limit]]
        return {"list": rows, "more": len(found) > limit}

    async def _export(
        self, channel: str, arguments: Mapping[str, Any], officer: Officer
    ) -> dict[str, Any]:
        store = self._app.store
        if not arguments.get("address"):
            return await self._page(channel, arguments, officer)
        number = _number(str(arguments["address"]), "address")
        await self._record(officer, "export", channel, {"number": await store.short_tag(number)})
        known = await store.known(channel, number)
        traces = await store.traces(channel, number)
        if known is None:
            return {"export": {"address": number, "subscribed": False, "messages": traces}}
        one, told = known
        return {
            "export": {
                **_row(one),
                "subscribed": True,
                "told": [
                    {
                        "alert": each.alert,
                        "state": each.state.value,
                        "reason": each.reason,
                        "references": list(each.references),
                    }
                    for each in told
                ],
                "messages": traces,
            }
        }

    async def _page(
        self, channel: str, arguments: Mapping[str, Any], officer: Officer
    ) -> dict[str, Any]:
        """A page of the whole list, numbers and all; ``after`` is where the last one ended."""
        after = arguments.get("after") or (0, -1)
        if not _is_place(after):
            raise BadInput(Problem("after", "is no place in the list"))
        if not arguments.get("after"):
            await self._record(officer, "export", channel, {"rows": "all"})
        found = await self._app.store.listed(channel, after=(after[0], after[1]), limit=PAGE)
        return {
            "page": [_row(one) for one in found],
            "after": list(found[-1].place) if len(found) == PAGE else None,
        }

    async def _erase(
        self, channel: str, arguments: Mapping[str, Any], officer: Officer
    ) -> dict[str, Any]:
        store = self._app.store
        number = _number(str(arguments.get("address", "")), "address")
        gone = await store.unsubscribe(channel, number)
        # The record is the same either way: nobody learns whether a number was subscribed.
        await self._record(officer, "erase", channel, {"number": await store.short_tag(number)})
        return {"erased": gone}

    async def _rotate(
        self, channel: str, arguments: Mapping[str, Any], officer: Officer
    ) -> dict[str, Any]:
        await self._record(officer, "rotate-key", "addresses", {})
        changed = await self._app.store.rotate_key()
        return {"resealed": changed}

    async def _record(
        self, officer: Officer, action: str, subject: str, detail: Mapping[str, Any]
    ) -> None:
        now = self._app.clock.now()
        await self._app.store.record(officer.name, action, subject, detail, now)

    def served(self, lane: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The languages and variants that a lane sends to its subscribers."""
        offered: tuple[str, ...] = self._app.settings.languages
        variants: tuple[str, ...] = (Variant.SHORT, Variant.PLAIN, Variant.STANDARD)
        for (name, mode), way in self._app.ways().items():
            if lane_name(name, mode) == lane and way.channel is not None:
                offered = tuple(tag for tag in way.languages or offered if tag in offered)
                variants = tuple(way.variants or way.capabilities.variants)
        return offered, variants

    async def unserved(self) -> list[Problem]:
        """Subscribers whom no warning can reach, because their channel sends nothing like it."""
        found = []
        for lane in self._app.lanes:
            languages, variants = self.served(lane)
            found += [
                Problem(
                    f"channels.{lane}",
                    f"{n} subscribers want {variant} texts in {tag}, which it does not send",
                    "add them to the channel's `languages` and `variants`, or change these"
                    " subscriptions",
                )
                for (tag, variant), n in (await self._app.store.subscribers(lane)).items()
                if tag not in languages or variant not in variants
            ]
        return found

    def _count_right(self, lane: str, text: str) -> int:
        """How many lines a file has; every problem at once, and none of them quotes a number."""
        rows, wrong = 0, list[Problem]()
        for one in self._read(lane, _lines(text)):
            if isinstance(one, list):
                wrong += one
            rows += 1
        if wrong:
            raise BadInput(wrong)
        return rows

    def _read(
        self, lane: str, rows: Iterable[tuple[str, Sequence[str]]]
    ) -> Iterator[Subscription | list[Problem]]:
        """What each row asks for, or what is wrong with it."""
        wishes: dict[tuple[str, ...], Subscription | list[Problem]] = {}
        offered, variants = self.served(lane)
        for where, row in rows:
            if E164_MOBILE.fullmatch(row[0]):
                number = row[0]
            else:
                try:
                    number = _number(row[0], where)
                except BadInput as error:
                    yield list(error.problems)
                    continue
            # Few wishes and many people: each wish is looked at once.
            key = tuple(row[1:])
            if key not in wishes:
                wishes[key] = self._wish(lane, key, offered, variants)
            wish = wishes[key]
            if isinstance(wish, list):
                yield [Problem(where, p.says, p.remedy) for p in wish]
                continue
            yield Subscription(
                address=number,
                language=wish.language,
                variant=wish.variant,
                areas=wish.areas,
                hazards=wish.hazards,
                minimum=wish.minimum,
                others=wish.others,
                quiet=wish.quiet,
            )

    def _wish(
        self, lane: str, row: Sequence[str], offered: Sequence[str], variants: Sequence[str]
    ) -> Subscription | list[Problem]:
        spoken, variant, wants, named, minimum, quiet = row
        languages = spoken.split() or list(offered[:1])
        variant = variant or Variant.SHORT
        areas, hazards = tuple(wants.split()), tuple(named.split())
        wrong = [
            Problem("", f"{tag!r} is not offered", ", ".join(offered))
            for tag in languages
            if tag not in offered
        ]
        if variant not in variants:
            wrong.append(Problem("", f"{variant!r} is not sent by {lane}", ", ".join(variants)))
        if unknown := set(areas) - {area.id for area in self._app.gazetteer.named}:
            wrong.append(Problem("", f"no area is called {', '.join(sorted(unknown))}"))
        if unknown := set(hazards) - set(self._app.library.hazards):
            wrong.append(Problem("", f"no hazard is called {', '.join(sorted(unknown))}"))
        if minimum not in MINIMUM:
            wrong.append(Problem("", f"{minimum!r} is no severity", ", ".join(MINIMUM)))
        if quiet not in QUIET:
            wrong.append(Problem("", f"quiet is yes or no, and not {quiet!r}"))
        if wrong:
            return wrong
        return Subscription(
            address="",
            language=languages[0],
            variant=str(variant),
            areas=areas,
            hazards=hazards,
            minimum=MINIMUM[minimum],
            others=tuple(languages[1:]),
            quiet=QUIET[quiet],
        )


E164_MOBILE = re.compile(r"\+491[567][0-9]{8,9}")
"""German mobile numbers as they are stored: what :func:`_number` gives back unchanged.

Parsing costs 20 microseconds, and a city's list is mostly these."""


def _number(text: str, where: str) -> str:
    """E.164, or a problem that does not repeat what was typed."""
    wrong = Problem(where, "this is no telephone number", "write it as +49 171 3920012")
    try:
        parsed = phonenumbers.parse(text, "DE")
    except phonenumbers.NumberParseException:
        raise BadInput(wrong) from None
    if not phonenumbers.is_possible_number(parsed):
        raise BadInput(wrong)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _slice(rows: Iterator[Subscription | list[Problem]]) -> list[Subscription]:
    """The next of them; raises ``BadInput`` with what is wrong."""
    found, wrong = list[Subscription](), list[Problem]()
    for one in islice(rows, SLICE):
        if isinstance(one, list):
            wrong += one
        else:
            found.append(one)
    if wrong:
        raise BadInput(wrong)
    return found


def masked(number: str) -> str:
    """Enough to tell two numbers apart, and not enough to call one."""
    return f"{number[:3]}{'•' * (len(number) - 5)}{number[-2:]}"


def _lines(text: str) -> Iterable[tuple[str, Sequence[str]]]:
    """The lines of a file with their names, in the order of :data:`COLUMNS`."""
    reader = csv.reader(io.StringIO(text))
    header = next(reader, [])
    # A line that is too short reads its missing columns from the blank put after it.
    places = [header.index(name) if name in header else -1 for name in COLUMNS]
    width = len(header)
    for row in reader:
        if row:
            row += [""] * (width - len(row) + 1) if len(row) <= width else [""]
            yield f"line {reader.line_num}", [row[place] for place in places]


def _row(one: Subscriber) -> dict[str, Any]:
    """A subscription as a file has it."""
    wish = one.wish
    return {
        "address": wish.address,
        "language": " ".join((wish.language, *wish.others)),
        "variant": wish.variant,
        "areas": " ".join(wish.areas),
        "hazards": " ".join(wish.hazards),
        "minimum": next(name for name, rank in MINIMUM.items() if rank == wish.minimum),
        "quiet": "yes" if wish.quiet else "",
        "since": one.since,
    }


def _is_place(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(isinstance(each, int) for each in value)
    )
