"""What officers and machines are shown: plain mappings, ready for JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from broadcaster.app.composition import App
from broadcaster.app.estimate import estimate
from broadcaster.app.prepare import Prepared
from broadcaster.app.publication import parsed
from broadcaster.delivery.contract import Addressing, Mode, Variant
from broadcaster.delivery.plan import Plan, way_for
from broadcaster.model.cap import Alert
from broadcaster.model.errors import Problem, Refused
from broadcaster.model.states import OPEN, REACHED, State
from broadcaster.model.threads import state
from broadcaster.store.port import Gap, Line, StoredAlert
from broadcaster.text.publication import cap_path


def problems(found: Iterable[Problem], level: str = "") -> list[dict[str, str]]:
    """Problems as mappings."""
    return [
        {"path": p.path, "says": p.says, "remedy": p.remedy, "level": level or p.level}
        for p in found
    ]


def headline(alert: Alert) -> str:
    """The headline of the first info: the source language."""
    return (alert.infos[0].headline or alert.infos[0].event) if alert.infos else ""


def same_content(expected: str, prepared: Prepared) -> bool:
    """Whether a digest taken at the preview still holds.

    Identifier and ``sent`` are new at each preparation, so what is compared is the content.
    """
    return expected == content_digest(prepared)


def content_digest(prepared: Prepared) -> str:
    """A digest of everything an officer was shown that does not change by mere repetition."""
    import hashlib
    import json

    own = prepared.alert.identifier
    content = [
        [t.channel, t.rendition.language, t.asked.value, t.fitted.shows.replace(own, "")]
        for t in prepared.plan.texts
    ] + [[g.channel, g.language, g.variant, g.reason] for g in prepared.plan.gaps]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()


async def preview(app: App, prepared: Prepared) -> dict[str, Any]:
    """Everything an officer should see before sending."""
    alert = prepared.alert
    recipients = await _recipients(app, alert, prepared.plan)
    plan = _plan(prepared.plan)
    return {
        **_head(alert),
        "digest": content_digest(prepared),
        "approval": list(prepared.approval),
        "warnings": problems(
            dict.fromkeys((*app.problems, *prepared.warnings, *prepared.notes)), "warning"
        ),
        "recipients": recipients,
        "estimate": estimate(plan["texts"], recipients),
        **plan,
        **routes(prepared),
    }


async def stored_preview(app: App, stored: StoredAlert) -> dict[str, Any]:
    """What a committed or held alert says on every channel, from the stored texts."""
    alert = parsed(stored.cap)
    texts = []
    for name, lane in app.lanes.items():
        for row in await app.store.renditions(stored.identifier, name):
            content = (await app.shelf.content(stored.identifier, name)).renditions
            rendition = content[row.language, row.variant]
            if lane.channel is None:
                raise Refused(Problem(name, lane.trouble, "see `broadcaster check`"))
            fitted = lane.channel.fit(rendition)
            texts.append(
                {
                    "channel": name,
                    "language": row.language,
                    "variant": row.variant,
                    "shown": row.shown,
                    "text": fitted.shows,
                    "used": fitted.used,
                    "limit": fitted.limit,
                    "unit": fitted.unit,
                    "notes": list(fitted.notes),
                    "meta": dict(fitted.meta),
                }
            )
    _, gaps = await app.store.report(stored.identifier)
    return {
        **_head(alert),
        "digest": stored.digest,
        "approval": [],
        "texts": texts,
        "gaps": [_gap(gap) for gap in gaps],
        "senses": {},
        "warnings": [],
        "routes": [],
        "channels": {},
        "recipients": {},
        "held": stored.held,
    }


def routes(prepared: Prepared) -> dict[str, Any]:
    """Which routes matched and why."""
    return {
        "routes": [
            {
                "route": c.route,
                "matched": c.matched,
                "channels": list(c.channels),
                "reason": c.reason,
            }
            for c in prepared.choices
        ],
        "channels": dict(prepared.plan.reasons),
    }


async def report(app: App, identifier: str) -> dict[str, Any]:
    """What happened so far, and what it means for an exit code."""
    stored = await app.store.alert(identifier)
    assert stored is not None, identifier
    lines, gaps = await app.store.report(identifier)
    totals: dict[str, int] = {}
    for line in lines:
        for one, n in line.counts.items():
            totals[one.value] = totals.get(one.value, 0) + n
    alert = parsed(stored.cap)
    thread = [parsed(one.cap) for one in await app.store.thread(stored.thread) if _counts(one)]
    outcome, code = _outcome(stored, lines, gaps, totals)
    mode = Mode.LIVE if stored.status == "Actual" else Mode.EXERCISE
    site = app.output("", mode, publishes=True)
    return {
        **_head(alert),
        "thread": stored.thread,
        "state": "held" if stored.held else state(alert, thread, app.clock.now()).value,
        "held": stored.held,
        "officer": stored.officer,
        "lines": [
            {
                "channel": one.channel,
                "language": one.language,
                "variant": one.variant,
                "shown": one.shown,
                "states": {s.value: n for s, n in one.counts.items()},
                "attempts": one.attempts,
                "reasons": list(one.reasons),
            }
            for one in lines
        ],
        "gaps": [_gap(gap) for gap in gaps],
        "nobody": []
        if stored.held
        else sorted(set(stored.channels) - {one.channel for one in lines}),
        "totals": totals,
        "settled": stored.held
        or stored.release > app.clock.now()  # nobody need wait at the terminal until then
        or not any(totals.get(s.value) for s in OPEN),
        "outcome": outcome,
        "exit": code,
        "site": str(site),
        "cap": str(site / cap_path(alert)),
        "outbox": str(app.data / "outbox"),
    }


def progress(report_: Mapping[str, Any]) -> dict[str, Any]:
    """Per channel how far it is."""
    channels: dict[str, Any] = {}
    for line in report_["lines"]:
        row = channels.setdefault(line["channel"], {"total": 0, "states": {}})
        for name, n in line["states"].items():
            row["total"] += n
            row["states"][name] = row["states"].get(name, 0) + n
    return channels


async def listing(app: App) -> list[dict[str, Any]]:
    """Every alert, newest first, with its standing now."""
    now = app.clock.now()
    stored = await app.store.alerts()
    threads: dict[str, list[Alert]] = {}
    for one in stored:
        if _counts(one):
            threads.setdefault(one.thread, []).append(parsed(one.cap))
    rows = []
    for one in stored:
        alert = parsed(one.cap)
        standing = (
            "withdrawn"
            if one.withdrawn
            else "held"
            if one.held
            else state(alert, threads[one.thread], now).value
        )
        rows.append(
            {
                **_head(alert),
                "thread": one.thread,
                "state": standing,
                "held": one.held,
                "officer": one.officer,
            }
        )
    return rows


def _counts(stored: StoredAlert) -> bool:
    """Whether it changes the standing of others; what has not gone out replaces nothing."""
    return not stored.held and not stored.withdrawn


def _outcome(
    stored: StoredAlert, lines: Iterable[Line], gaps: Iterable[Gap], totals: Mapping[str, int]
) -> tuple[str, int]:
    """``all``, ``some`` or ``none`` of what was planned is out; and the exit code that says so.

    ``waiting``: nothing is out yet, and it is not over (a release to come, a gateway that is
    down).  Whoever read *none* there would issue it again.

    A language that fell out was shown before sending and is in the report; a channel that is
    missing altogether is a failure of this sending.
    """
    if stored.held:
        return "held", 5
    out = sum(totals.get(s.value, 0) for s in REACHED)
    failed = sum(
        totals.get(s.value, 0) for s in State if s not in REACHED and s is not State.SUPERSEDED
    )
    if not out and any(totals.get(s.value) for s in OPEN):
        return "waiting", 3
    lost = any(not gap.language and gap.channel for gap in gaps)
    if not out:
        return ("none", 4) if failed or lost else ("all", 0)
    return ("some", 3) if failed or lost else ("all", 0)


def _head(alert: Alert) -> dict[str, Any]:
    info = alert.infos[0] if alert.infos else None
    areas = dict.fromkeys(a.area_desc for i in alert.infos for a in i.areas)
    begins = (info.onset or info.effective) if info else None
    return {
        "identifier": alert.identifier,
        "headline": headline(alert),
        "msg_type": alert.msg_type.value,
        "status": alert.status.value,
        "severity": alert.severity.value,
        "areas": list(areas),
        "sent": alert.sent.isoformat(),
        "from": (begins or alert.sent).isoformat(),
        "until": alert.expires.isoformat() if alert.expires else "",
        "expires": alert.expires.isoformat() if alert.expires else "",
    }


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "texts": [
            {
                "channel": t.channel,
                "language": t.rendition.language,
                "variant": t.asked.value,
                "shown": "" if t.asked is t.rendition.variant else t.rendition.variant.value,
                "text": t.fitted.shows,
                "used": t.fitted.used,
                "limit": t.fitted.limit,
                "unit": t.fitted.unit,
                "notes": list(t.fitted.notes),
                "meta": dict(t.fitted.meta),
            }
            for t in plan.texts
        ],
        "gaps": [_gap(gap) for gap in plan.gaps],
        "notes": {name: list(notes) for name, notes in plan.notes.items() if notes},
        "wider": dict(plan.wider),
        "senses": {tag: sorted(s.value for s in senses) for tag, senses in plan.senses.items()},
    }


async def _recipients(app: App, alert: Alert, plan: Plan) -> dict[str, dict[str, int]]:
    """How many subscribers each channel that addresses people has, per language and variant."""
    ways = app.ways()
    found = {}
    for name in plan.reasons:
        way = way_for(alert, name, ways)
        if way.channel and way.capabilities.addressing is Addressing.RECIPIENTS:
            lane = name if way.mode is Mode.LIVE else f"{name}.exercise"
            counts = await app.store.subscribers(lane)
            found[lane] = {f"{tag} {Variant(v).value}": n for (tag, v), n in counts.items()}
    return found


def _gap(gap: Gap) -> dict[str, str]:
    return {
        "channel": gap.channel,
        "language": gap.language,
        "variant": gap.variant,
        "reason": gap.reason,
    }
