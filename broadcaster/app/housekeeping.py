"""The commands that send nothing: what there is, and whether it is well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from broadcaster import __version__
from broadcaster.app import views
from broadcaster.app.composition import App
from broadcaster.app.subscribers import Subscribers
from broadcaster.config import Officer
from broadcaster.model.errors import BroadcasterError, Problem
from broadcaster.model.rendition import Variant
from broadcaster.text.lint import completeness

Events = AsyncIterator[dict[str, Any]]


class Housekeeping:
    """Looks, counts, checks."""

    def __init__(self, app: App, subscribers: Subscribers) -> None:
        self._app, self._subscribers = app, subscribers

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
        found += await self._subscribers.unserved()
        if await app.store.rotating():
            found.append(
                Problem(
                    "addresses",
                    "a change of the key was cut off: both keys are in use",
                    "finish it: broadcaster subscribers rotate-key",
                )
            )
        found += [
            Problem("audit", says, "find out who changed the database")
            for says in await app.store.verify()
        ]
        for row in channels:
            row["says"] += _tallied(await app.store.tally(row["name"]))
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


def _tallied(ignored: Mapping[str, int]) -> str:
    """Receipts that changed nothing, for an officer who wonders about a gateway."""
    named = {"unknown": "belong to nothing that is waited for", "repeated": "said nothing new"}
    return "".join(f" {n} receipts {named[kind]}." for kind, n in sorted(ignored.items()))
