"""The officer's commands.  One door for the terminal, the daemon's socket and the API.

A request is a mapping with ``command``, ``arguments``, ``user`` and ``token``; the answer is a
stream of events, the last of which is ``end`` with an exit code.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from broadcaster.app import approval, views
from broadcaster.app.composition import App
from broadcaster.app.housekeeping import Housekeeping
from broadcaster.app.orders import Orders, every_language, same_reality
from broadcaster.app.prepare import Prepared, Preparer
from broadcaster.app.subscribers import Subscribers
from broadcaster.app.translations import Translations
from broadcaster.config import Officer
from broadcaster.intake.relay import origin_of, refusals
from broadcaster.model.cap import MsgType
from broadcaster.model.capxml import read
from broadcaster.model.errors import BadInput, BroadcasterError, Problem, Refused, Unavailable
from broadcaster.store.port import StoredAlert

Event = dict[str, Any]
Events = AsyncIterator[Event]

WAIT = 60.0
"""Seconds a command watches its deliveries before it reports what is still open."""


class Desk:
    """Does what officers ask."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._prepare = Preparer(app)
        self._subscribers = Subscribers(app)
        self._house = Housekeeping(app, self._subscribers)
        self._translations = Translations(app)
        self._orders = Orders(app)
        # One alert is prepared and committed at a time: an Update must see its predecessor.
        self._pen = asyncio.Lock()

    async def handle(self, request: Mapping[str, Any]) -> Events:
        """Do one request.  What is wrong with it becomes an event; bugs are raised."""
        command = str(request.get("command", ""))
        arguments = request.get("arguments")
        arguments = arguments if isinstance(arguments, Mapping) else {}
        code = 0
        try:
            officer = approval.identify(
                self._app.settings.officers,
                str(request.get("user", "")),
                str(request.get("token", "")),
            )
            act = self._acts().get(command)
            if act is None:
                raise BadInput(
                    Problem("command", f"{command!r} is no command", "see `broadcaster --help`")
                )
            async for event in act(arguments, officer):
                if event["event"] == "end":
                    code = event["exit"]
                else:
                    yield event
        except Unavailable:
            raise  # not a matter of this request: whoever keeps it may ask again later
        except BroadcasterError as error:
            code = error.exit_code
            yield {"event": "problems", "problems": views.problems(error.problems)}
        yield {"event": "end", "exit": code}

    def rehearse(self) -> None:
        """Prepare one alert and throw it away.

        The first real one then finds catalogues, locale data and templates loaded.
        """
        hazard = next(iter(self._app.library.hazards.values()))
        fields = {
            "hazard": hazard.id,
            "level": str(max(hazard.levels)),
            "area": self._app.gazetteer.city.id,
            "expires": "1h",
            "exercise": "rehearsal",
        }
        try:
            self._prepare.warn(self._orders.draft(fields, "rehearsal"), fields)
        except BroadcasterError:
            return  # whoever issues will be told, and `check` tells it now

    def _acts(self) -> dict[str, Callable[[Mapping[str, Any], Officer], Events]]:
        house = self._house
        return {
            "issue": self._issue,
            "preview": self._preview,
            "update": self._update,
            "extend": self._extend,
            "cancel": self._cancel,
            "approve": self._approve,
            "withdraw": self._withdraw,
            "relay": self._relay,
            "status": self._status,
            "list": self._list,
            "route": self._route,
            "describe": house.describe,
            "check": house.check,
            "subscribers": self._subscribers.handle,
            "translations": self._translations.handle,
            "audit": house.audit,
        }

    # ---- commands that send ------------------------------------------------------------------

    async def _issue(self, arguments: Mapping[str, Any], officer: Officer) -> Events:
        approval.may(officer, "issue")

        async def prepare() -> Prepared:
            fields, origin = self._orders.fields(arguments)
            draft = self._orders.draft(fields, origin, arguments.get("spool"))
            return self._prepare.warn(draft, fields, wider=_wider(arguments))

        async for event in self._send(arguments, officer, prepare, "issue"):
            yield event

    async def _update(self, arguments: Mapping[str, Any], officer: Officer) -> Events:
        approval.may(officer, "issue")

        async def prepare() -> Prepared:
            thread = await self._orders.thread(arguments)
            changes, origin = self._orders.fields(arguments)
            fields = {**self._orders.stored_fields(thread), **changes}
            draft = self._orders.draft(fields, origin, arguments.get("spool"))
            same_reality(draft.status, thread)
            return self._prepare.follow(
                draft, fields, MsgType.UPDATE, thread, wider=_wider(arguments)
            )

        async for event in self._send(arguments, officer, prepare, "update"):
            yield event

    async def _extend(self, arguments: Mapping[str, Any], officer: Officer) -> Events:
        fields = {"expires": arguments.get("expires", "")}
        async for event in self._update({**arguments, "fields": fields}, officer):
            yield event

    async def _cancel(self, arguments: Mapping[str, Any], officer: Officer) -> Events:
        approval.may(officer, "issue")
        reason = str(arguments.get("reason") or "").strip()
        if not reason:
            raise BadInput(Problem("reason", "is missing", "--reason 'the rain is over'"))

        async def prepare() -> Prepared:
            thread = await self._orders.thread(arguments)
            # The end is told now, whenever the warning itself would have ended.
            fields = {**self._orders.stored_fields(thread), "expires": "6h"}
            for name in ("onset", "release", "repeat", "note"):
                fields.pop(name, None)
            fields["languages"] = every_language(thread)
            return self._prepare.follow(
                self._orders.draft(fields, "cancel"),
                fields,
                MsgType.CANCEL,
                thread,
                wider=_wider(arguments),
            )

        async for event in self._send(arguments, officer, prepare, "cancel", reason=reason):
            yield event

    async def _relay(self, arguments: Mapping[str, Any], officer: Officer) -> Events:
        approval.may(officer, "issue")
        app = self._app
        try:
            raw = base64.b64decode(str(arguments.get("data", "")), validate=True)
        except binascii.Error as error:
            raise BadInput(Problem("data", "is not base64")) from error
        name = str(arguments.get("name", "relay"))
        # Kept before anyone looks at it: what came in is evidence, whatever it is.
        spool = str(arguments.get("spool") or "")
        origin = f"spool {spool}" if spool else f"relay of {name} by {officer.name}"
        if spool and (done := await app.store.committed_from(origin)):
            yield _committed(done)
            return
        intake = await app.store.take_in(raw, origin, app.clock.now())
        try:
            reading = read(raw)
            foreign = reading.alert
            found = refusals(foreign, app.gazetteer, app.clock.now())
            if found:
                raise Refused(found)
            twin = await app.store.relayed(origin_of(foreign))
            if twin is not None:
                raise Refused(
                    Problem(
                        "alert.identifier",
                        f"was relayed before, as {twin.identifier}",
                        "nothing to do: it is out already",
                    )
                )
        except BroadcasterError as error:
            await app.store.took(intake, f"refused: {error.problems[0]}")
            raise
        if reading.defects:
            yield {"event": "problems", "problems": views.problems(reading.defects, "warning")}

        async def prepare() -> Prepared:
            threads: dict[str, list[StoredAlert]] = {}
            for reference in foreign.references:
                ours = await app.store.referred(reference.sender, reference.identifier)
                # No exercise replaces or ends a real warning, and no real one an exercise.
                if ours is not None and ours.status == foreign.status.value:
                    found = await app.store.thread(ours.thread)
                    threads[ours.thread] = [one for one in found if not one.withdrawn]
            thread, *others = [*threads.values()][::-1] or [[]]
            if foreign.msg_type is MsgType.CANCEL and not thread:
                raise Refused(
                    Problem(
                        "alert.references",
                        "names no alert that was relayed here: there is nothing to end",
                        "nothing to do; or end a warning of our own with `cancel`",
                    )
                )
            prepared = self._prepare.relay(foreign, thread, wider=_wider(arguments))
            return replace(prepared, notes=(*prepared.notes, *_left_standing(others)))

        async for event in self._send(arguments, officer, prepare, "relay", intake=intake):
            yield event

    async def _send(
        self,
        arguments: Mapping[str, Any],
        officer: Officer,
        prepare: Callable[[], Awaitable[Prepared]],
        command: str,
        *,
        reason: str = "",
        intake: int | None = None,
    ) -> Events:
        """Preview, check the officer's consent, commit, watch."""
        app = self._app
        break_glass = str(arguments.get("break_glass") or "").strip()
        spool = str(arguments.get("spool") or "")
        origin = f"spool {spool}" if spool else f"{command} by {officer.name}"
        async with self._pen:
            if spool and (twin := await app.store.committed_from(origin)):
                # A crash came between the commit and the tidying up of the spool.
                yield _committed(twin)
                return
            if intake is None and not arguments.get("dry_run"):
                # What the officer asked for is kept before it is acted on.
                kept = {k: v for k, v in arguments.items() if k not in ("wait", "expect")}
                intake = await app.store.take_in(
                    json.dumps(kept, ensure_ascii=False, sort_keys=True).encode(),
                    origin,
                    app.clock.now(),
                )
            try:
                prepared = await prepare()
                if arguments.get("dry_run"):
                    yield {"event": "preview", **await views.preview(app, prepared)}
                    yield {"event": "end", "exit": 0}
                    if intake is not None:
                        await app.store.took(intake, "previewed")
                    return
                if prepared.notes:
                    yield {
                        "event": "problems",
                        "problems": views.problems(prepared.notes, "warning"),
                    }
                expected = str(arguments.get("expect") or "")
                if expected and not views.same_content(expected, prepared):
                    raise Refused(
                        Problem(
                            "preview",
                            "what would be sent is not what was shown",
                            "look at the preview again",
                        )
                    )
                if not prepared.plan.sends:
                    raise Refused(
                        [
                            Problem(gap.channel or "languages", gap.reason)
                            for gap in prepared.plan.gaps
                        ]
                        or [Problem("route", "no route leads anywhere for this alert")]
                    )
                hold = bool(prepared.approval) and not break_glass
                await app.store.commit(
                    prepared.new(officer.name, intake),
                    app.clock.now(),
                    hold=hold,
                    detail={
                        "command": command,
                        "reason": reason,
                        "break_glass": break_glass,
                        "wider_area": {
                            name: how
                            for name, how in prepared.plan.wider.items()
                            if name in prepared.plan.reached
                        },
                        "approval": list(prepared.approval),
                    },
                )
            except BroadcasterError as error:
                if intake is not None:
                    await app.store.took(intake, f"refused: {error.problems[0]}")
                raise
        identifier = prepared.alert.identifier
        committed = {**_committed(identifier), "held": hold, "approval": list(prepared.approval)}
        if arguments.get("wait") == 0:
            # Whoever does not wait is told what is planned before the lanes want the machine.
            report = await views.report(app, identifier)
            app.wake()
            yield committed
            yield {"event": "result", "result": report}
            yield {"event": "end", "exit": report["exit"]}
            return
        app.wake()
        yield committed
        async for event in self._watch(identifier, arguments):
            yield event

    async def _approve(self, arguments: Mapping[str, Any], officer: Officer) -> Events:
        approval.may(officer, "approve")
        app = self._app
        async with self._pen:
            stored = await self._orders.find(arguments)
            if not stored.held:
                raise Refused(Problem(stored.identifier, "does not wait for approval"))
            approval.second(officer, {stored.officer})
            if stored.expires is not None and stored.expires <= app.clock.now():
                raise Refused(
                    Problem(
                        stored.identifier,
                        "has expired while it waited",
                        "withdraw it and issue it anew",
                    )
                )
            thread = await app.store.thread(stored.thread)
            others = [one for one in thread if one.identifier != stored.identifier]
            if not self._prepare.unchanged(stored, others):
                raise Refused(
                    Problem(
                        stored.identifier,
                        "what would be sent now is not, byte for"
                        " byte, what was submitted: texts, templates or channels"
                        " changed since",
                        "withdraw it and issue it anew",
                    )
                )
            await app.store.release(
                stored.identifier,
                officer.name,
                app.clock.now(),
                {"digest": stored.digest, "author": stored.officer},
            )
        app.wake()
        yield {"event": "committed", "identifier": stored.identifier, "held": False, "approval": []}
        async for event in self._watch(stored.identifier, arguments):
            yield event

    async def _withdraw(self, arguments: Mapping[str, Any], officer: Officer) -> Events:
        approval.may(officer, "issue")
        stored = await self._orders.find(arguments)
        reason = str(arguments.get("reason") or "")
        await self._app.store.withdraw(
            stored.identifier, officer.name, self._app.clock.now(), reason
        )
        yield {"event": "result", "result": {"identifier": stored.identifier, "withdrawn": True}}

    # ---- commands that look ------------------------------------------------------------------

    async def _preview(self, arguments: Mapping[str, Any], officer: Officer) -> Events:
        if arguments.get("id"):
            stored = await self._orders.find(arguments)
            result = await views.stored_preview(self._app, stored)
        else:
            fields, origin = self._orders.fields(arguments)
            draft = self._orders.draft(fields, origin)
            prepared = self._prepare.warn(draft, fields, wider=_wider(arguments))
            result = await views.preview(self._app, prepared)
        for key in ("language", "variant", "channel"):
            if wanted := arguments.get(key):
                result["texts"] = [t for t in result["texts"] if t[key] == wanted]
        yield {"event": "result", "result": result}

    async def _status(self, arguments: Mapping[str, Any], officer: Officer) -> Events:
        stored = await self._orders.find(arguments)
        if arguments.get("watch"):
            async for event in self._watch(stored.identifier, arguments):
                yield event
            return
        report = await views.report(self._app, stored.identifier)
        yield {"event": "result", "result": report}

    async def _list(self, arguments: Mapping[str, Any], officer: Officer) -> Events:
        rows = await views.listing(self._app)
        if not arguments.get("all"):
            rows = [row for row in rows if row["held"] or row["state"] in ("in_force", "scheduled")]
        yield {"event": "result", "result": {"alerts": rows}}

    async def _route(self, arguments: Mapping[str, Any], officer: Officer) -> Events:
        fields, origin = self._orders.fields(arguments)
        prepared = self._prepare.warn(self._orders.draft(fields, origin), fields)
        yield {"event": "result", "result": views.routes(prepared)}

    async def _watch(self, identifier: str, arguments: Mapping[str, Any]) -> Events:
        """Progress until nothing is open, or the officer has waited long enough."""
        wait = arguments.get("wait")
        limit = float(wait) if isinstance(wait, int | float) else WAIT
        loop = asyncio.get_running_loop()
        end = loop.time() + limit
        moved = self._app.progress()
        try:
            while True:
                moved.clear()
                report = await views.report(self._app, identifier)
                yield {
                    "event": "progress",
                    "identifier": identifier,
                    "channels": views.progress(report),
                }
                left = end - loop.time()
                if report["settled"] or left <= 0:
                    break
                try:
                    await asyncio.wait_for(moved.wait(), min(left, 1.0))
                except TimeoutError:
                    continue
                await asyncio.sleep(0.02)  # let a burst of small steps become one
        finally:
            self._app.forget(moved)
        yield {"event": "result", "result": report}
        yield {"event": "end", "exit": report["exit"]}


def _wider(arguments: Mapping[str, Any]) -> bool:
    """The officer's consent that channels reach further than the area."""
    return bool(arguments.get("wider_area"))


def _left_standing(threads: list[list[StoredAlert]]) -> list[Problem]:
    """What a foreign alert names beside the thread it is passed on in."""
    return [
        Problem(
            thread[-1].identifier,
            "is named as well, and is not changed or ended by this",
            f"if it is over: broadcaster cancel {thread[-1].identifier}",
            level="warning",
        )
        for thread in threads
        if thread
    ]


def _committed(identifier: str) -> Event:
    """For an order that a crash cut off after its commit: it was done, and is not done again."""
    return {"event": "committed", "identifier": identifier, "held": False, "approval": []}
