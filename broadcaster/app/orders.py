"""What an officer's order names: the fields of a draft, an alert, its thread."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from broadcaster.app.composition import App
from broadcaster.app.publication import parsed
from broadcaster.intake import drafts
from broadcaster.model.cap import Status
from broadcaster.model.errors import BadInput, Problem, Refused
from broadcaster.store.port import StoredAlert
from broadcaster.text.compose import Draft


class Orders:
    """Reads the arguments of commands against what there is."""

    def __init__(self, app: App) -> None:
        self._app = app

    def fields(self, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
        """A draft's fields: those of the file, overridden by those given singly."""
        fields: dict[str, Any] = {}
        origin = "draft"
        draft = arguments.get("draft")
        if isinstance(draft, Mapping):
            origin = str(draft.get("name", "draft"))
            fields.update(drafts.fields_of(str(draft.get("text", "")).encode(), origin))
        if isinstance(single := arguments.get("fields"), Mapping):
            fields.update(single)
        return fields, origin

    def draft(self, fields: Mapping[str, Any], origin: str, spool: object = "") -> Draft:
        """``spool`` names a spooled order by when it was written: its ``6h`` counts from then."""
        app = self._app
        now = app.clock.now()
        if spool:
            with suppress(ValueError):
                written = datetime.strptime(str(spool)[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
                now = min(now, written.astimezone(now.tzinfo))
        return drafts.read(
            fields,
            drafts.Context(
                library=app.library,
                gazetteer=app.gazetteer,
                now=now,
                source_language=app.settings.languages[0],
                offered=app.settings.languages,
            ),
            origin,
        )

    async def find(self, arguments: Mapping[str, Any]) -> StoredAlert:
        """The alert that ``id`` names.  Raises ``BadInput`` when there is none."""
        wanted = str(arguments.get("id") or "")
        stored = await self._app.store.alert(wanted) if wanted else None
        if stored is None:
            raise BadInput(Problem("id", f"there is no alert {wanted!r}", "see `broadcaster list`"))
        return stored

    async def thread(self, arguments: Mapping[str, Any]) -> list[StoredAlert]:
        """The alerts of its thread, oldest first, without what was withdrawn."""
        stored = await self.find(arguments)
        thread = await self._app.store.thread(stored.thread)
        left = [one for one in thread if not one.withdrawn]
        if not left:
            raise Refused(
                Problem(stored.identifier, "was withdrawn before it left", "issue a new warning")
            )
        return left

    def stored_fields(self, thread: list[StoredAlert]) -> dict[str, Any]:
        """The fields of a thread's newest draft, with the times that were published."""
        newest = thread[-1]
        if not newest.draft:
            raise Refused(
                Problem(
                    newest.identifier,
                    "was relayed, not written here",
                    "relay its Update or Cancel, or issue a warning of your own",
                )
            )
        fields: dict[str, Any] = json.loads(newest.draft)
        # Times were relative when they were written; what stands is what was published.
        alert = parsed(newest.cap)
        info = alert.infos[0]
        fields["expires"] = info.expires.isoformat() if info.expires else ""
        if info.onset is not None:
            fields["onset"] = info.onset.isoformat()
        # Later than it was sent, or a clock that was set back would make a plan of what is out.
        if newest.release > max(self._app.clock.now(), newest.sent):
            fields["release"] = newest.release.isoformat()
        else:
            fields.pop("release", None)
        return fields


def every_language(thread: list[StoredAlert]) -> list[str] | None:
    """Every language that any alert of a thread was told in; none named when one was told in all.

    Who read the first text must also read the end, whatever an Update left out.
    """
    told = [json.loads(one.draft).get("languages") for one in thread if one.draft]
    if not all(told):
        return None
    words = (
        given if isinstance(given, list) else given.replace(",", " ").split() for given in told
    )
    return sorted({tag for tags in words for tag in tags})


def same_reality(status: Status, thread: list[StoredAlert]) -> None:
    """Exercise and test are fixed at creation: neither becomes the other, or real."""
    if status.value != thread[0].status:
        raise Refused(
            Problem("status", f"the thread is {thread[0].status} and stays so", "issue a new alert")
        )
