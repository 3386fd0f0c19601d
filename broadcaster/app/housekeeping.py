"""The commands that send nothing: what there is, whether it is well, who subscribes."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Mapping
from typing import Any

import phonenumbers

from broadcaster import __version__
from broadcaster.app import approval, views
from broadcaster.app.composition import App
from broadcaster.config import Officer
from broadcaster.delivery.plan import lane_name
from broadcaster.model.errors import BadInput, BroadcasterError, Problem
from broadcaster.model.rendition import Variant
from broadcaster.store.port import Subscription
from broadcaster.text.lint import completeness

Events = AsyncIterator[dict[str, Any]]

MINIMUM = {"": 0, "Minor": 1, "Moderate": 2, "Severe": 3, "Extreme": 4}


class Housekeeping:
    """Looks, counts, checks."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def describe(self, arguments: Mapping[str, Any], officer: Officer) -> Events:
        """Everything an officer can choose from."""
        app = self._app
        say = app.library.catalogue(app.settings.languages[0], Variant.STANDARD).say
        hazards = [
            {
                "id": hazard.id,
                "name": say(hazard.event),
                "levels": [
                    {
                        "number": level.number,
                        "severity": level.severity.value,
                        "headline": say(level.texts.headline, event=say(hazard.event)),
                    }
                    for level in hazard.levels.values()
                ],
                "parameters": [
                    {
                        "name": p.name,
                        "unit": p.unit,
                        "minimum": p.minimum,
                        "maximum": p.maximum,
                        "with": p.together,
                    }
                    for p in hazard.parameters.values()
                ],
                "actions": [
                    {"id": name, "says": say(msgid)} for name, msgid in hazard.actions.items()
                ],
            }
            for hazard in app.library.hazards.values()
        ]
        yield _result(
            {
                "hazards": hazards,
                "areas": [
                    {"id": a.id, "name": a.name, "kind": a.kind} for a in app.gazetteer.named
                ],
                "languages": list(app.settings.languages),
                "channels": [c.name for c in app.settings.channels],
                "officer": officer.name,
                "zone": app.settings.zone,
                "now": app.clock.now().isoformat(),
                "city": app.settings.city,
            }
        )

    async def check(self, arguments: Mapping[str, Any], officer: Officer) -> Events:
        """Configuration, catalogues, and a link test of every channel that alarms nobody."""
        app = self._app
        channels = await asyncio.gather(
            *(asyncio.to_thread(self._ping, name) for name in app.lanes)
        )
        broken = [
            {
                "name": w.settings.name,
                "mode": "live",
                "kind": w.settings.kind,
                "ok": False,
                "says": w.trouble,
            }
            for w in app.wirings
            if not w.checked
        ]
        library = app.library
        rows = completeness(
            library.locales, library.languages.values(), library.phrases, library.hazards
        )
        offered = set(app.settings.languages)
        languages: list[dict[str, Any]] = [
            {
                "language": r.language,
                "variant": r.variant,
                "translated": r.translated,
                "total": r.total,
                "complete": r.complete,
                "stale": r.review.stale,
                "review": r.review.level,
            }
            for r in rows
            if r.language in offered
        ]
        found = list(app.problems)
        found += [
            Problem(
                f"locales/{r['language']}",
                f"{r['variant']}: {r['total'] - r['translated']}"
                f" of {r['total']} sentences are missing",
                "translate and review them",
            )
            for r in languages
            if not r["complete"]
        ]
        found += [
            Problem(
                f"intake {number}",
                f"came in at {received} ({origin}) and was cut off before it was decided",
                "see `broadcaster list`; what is not there was not sent: issue it again",
            )
            for number, origin, received in await app.store.unfinished()
        ]
        found += await self._unserved()
        found += [
            Problem("audit", says, "find out who changed the database")
            for says in await app.store.verify()
        ]
        checked = [*channels, *broken]
        yield _result(
            {
                "problems": views.problems(found),
                "channels": checked,
                "languages": languages,
                "store": str(app.data),
                "versions": {"broadcaster": __version__},
            }
        )
        bad = bool(found) or not all(row["ok"] for row in checked)
        yield {"event": "end", "exit": 2 if bad else 0}

    def _ping(self, name: str) -> dict[str, Any]:
        lane = self._app.lanes[name]
        row = {"name": name, "mode": lane.mode.value, "kind": lane.kind}
        try:
            return {**row, "ok": True, "says": lane.ping(within=30)}
        except BroadcasterError as error:
            return {**row, "ok": False, "says": str(error.problems[0])}
        except TimeoutError:
            return {**row, "ok": False, "says": "no answer within 30 s"}

    async def subscribers(self, arguments: Mapping[str, Any], officer: Officer) -> Events:
        """Add, import, count or erase subscriptions."""
        approval.may(officer, "issue")
        app = self._app
        action = str(arguments.get("action", ""))
        channel = str(arguments.get("channel", ""))
        if channel not in app.lanes:
            raise BadInput(
                Problem(
                    "channel", f"there is no channel {channel!r}", "one of " + ", ".join(app.lanes)
                )
            )
        if action == "count":
            counts = await app.store.subscribers(channel)
            rows = [{"language": t, "variant": v, "subscribers": n} for (t, v), n in counts.items()]
            yield _result({"subscribers": rows, "total": sum(counts.values())})
        elif action == "erase":
            number = _number(str(arguments.get("address", "")), "address")
            gone = await app.store.unsubscribe(channel, number)
            # The answer is the same either way: nobody learns whether a number was subscribed.
            await app.store.record(officer.name, "erase", channel, {}, app.clock.now())
            yield _result({"erased": gone})
        elif action == "add":
            wanted = self._subscriptions(channel, [{**arguments, "line": "address"}])
            new = await app.store.subscribe(channel, wanted, app.clock.now())
            yield _result({"added": new, "changed": len(wanted) - new})
        elif action == "import":
            rows_ = csv.DictReader(io.StringIO(str(arguments.get("csv", ""))))
            wanted = self._subscriptions(
                channel, [{**row, "line": f"line {rows_.line_num}"} for row in rows_]
            )
            new = await app.store.subscribe(channel, wanted, app.clock.now())
            await app.store.record(
                officer.name, "import", channel, {"rows": len(wanted)}, app.clock.now()
            )
            yield _result({"added": new, "changed": len(wanted) - new})
        else:
            raise BadInput(
                Problem(
                    "action",
                    f"{action!r} is nothing to do with subscribers",
                    "add, import, count or erase",
                )
            )

    def _served(self, lane: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The languages and variants that a lane sends to its subscribers."""
        offered: tuple[str, ...] = self._app.settings.languages
        variants: tuple[str, ...] = (Variant.SHORT, Variant.PLAIN, Variant.STANDARD)
        for (name, mode), way in self._app.ways().items():
            if lane_name(name, mode) == lane and way.channel is not None:
                offered = tuple(tag for tag in way.languages or offered if tag in offered)
                variants = tuple(way.variants or way.capabilities.variants)
        return offered, variants

    async def _unserved(self) -> list[Problem]:
        """Subscribers whom no warning can reach, because their channel sends nothing like it."""
        found = []
        for lane in self._app.lanes:
            languages, variants = self._served(lane)
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

    def _subscriptions(self, lane: str, rows: list[dict[str, Any]]) -> list[Subscription]:
        """Rows checked; every problem at once, and none of them quotes a number."""
        found: list[Subscription] = []
        wrong: list[Problem] = []
        offered, variants = self._served(lane)
        areas = {area.id for area in self._app.gazetteer.named}
        for row in rows:
            where = str(row["line"])
            try:
                number = _number(str(row.get("address") or ""), where)
            except BadInput as error:
                wrong += error.problems
                continue
            language = str(row.get("language") or offered[0])
            variant = str(row.get("variant") or Variant.SHORT)
            wants = tuple(str(row.get("areas") or "").split())
            hazards = tuple(str(row.get("hazards") or "").split())
            minimum = str(row.get("minimum") or "")
            if language not in offered:
                wrong.append(Problem(where, f"{language!r} is not offered", ", ".join(offered)))
            if variant not in variants:
                wrong.append(
                    Problem(where, f"{variant!r} is not sent by {lane}", ", ".join(variants))
                )
            if unknown := set(wants) - areas:
                wrong.append(Problem(where, f"no area is called {', '.join(sorted(unknown))}"))
            if unknown := set(hazards) - set(self._app.library.hazards):
                wrong.append(Problem(where, f"no hazard is called {', '.join(sorted(unknown))}"))
            if minimum not in MINIMUM:
                wrong.append(Problem(where, f"{minimum!r} is no severity", ", ".join(MINIMUM)))
            found.append(
                Subscription(
                    address=number,
                    language=language,
                    variant=variant,
                    areas=wants,
                    hazards=hazards,
                    minimum=MINIMUM.get(minimum, 0),
                )
            )
        if wrong:
            raise BadInput(wrong)
        return found

    async def audit(self, arguments: Mapping[str, Any], officer: Officer) -> Events:
        """The record of who did what, and whether anyone changed it."""
        store = self._app.store
        entries = await store.audit()
        if arguments.get("action") == "show":
            yield _result(
                {
                    "entries": [
                        {
                            "seq": e.seq,
                            "at": e.at,
                            "actor": e.actor,
                            "action": e.action,
                            "subject": e.subject,
                            "detail": dict(e.detail),
                            "hash": e.hash,
                        }
                        for e in entries
                    ]
                }
            )
            return
        found = list(await store.verify())
        yield _result({"contradictions": found, "entries": len(entries)})
        yield {"event": "end", "exit": 2 if found else 0}


def _result(value: dict[str, Any]) -> dict[str, Any]:
    return {"event": "result", "result": value}


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
