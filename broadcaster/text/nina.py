"""The same JSON as the federal warning app's interface, for programs that read it already.  Pure.

Home Assistant, pynina and others read ``warnung.bund.de/api31``; given our address instead, they
read the city's warnings.  The shapes are those observed there (dashboard, warning, GeoJSON,
``mapData``); the words are our own.  Two things are not imitated: we are not MoWaS, so the provider
is ``CITY``, and the numbers of the app's internal area grid are not ours to give.
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Iterator
from typing import Any

from broadcaster.model.area import to_geojson
from broadcaster.model.cap import Alert, Info, MsgType, Status
from broadcaster.model.rendition import Document, Variant
from broadcaster.text.languages import cap_language
from broadcaster.text.maps import as_json
from broadcaster.text.publication import (
    Published,
    Site,
    Situation,
    address,
    ends_danger,
    headline,
    page_path,
    slug,
    texts,
)

BASE = "api31"
PROVIDER = "CITY"
PROVIDERS = ("mowas", "katwarn", "biwapp", "dwd", "lhp", "police")
"""Lists that clients ask for one by one; ours stand in the first."""
LABELS = "api/appdata/gsb/labels/de_labels.json"
"""Codes in words, where clients look for them: those of our warnings, in the city's language."""
BBK_EVENT = "profile:DE-BBK-EVENTCODE"
_VERSION = 1
_GREY, _RED = "#C4C4C4", "#FB8C00"
_MEDIA_TYPE = "application/json"
"""Also for GeoJSON, as the app's own server says: clients ask for nothing else."""


def documents(situation: Situation, site: Site) -> Iterator[Document]:
    """Everything under ``api31``; nothing for a city without a regional key (ARS)."""
    if not site.region_key:
        return
    real = [one for one in situation.alerts if one.alert.status is Status.ACTUAL]
    listed = [one for one in real if _listed(one, situation)]
    yield _document(f"dashboard/{site.region_key}.json", [_entry(one, site) for one in listed])
    for provider in PROVIDERS:
        mine = listed if provider == PROVIDERS[0] else []
        yield _document(f"{provider}/mapData.json", [_on_map(one, site) for one in mine])
    for one in real:
        name = slug(one.alert.identifier)
        yield _document(f"warnings/{name}.json", _warning(one.alert, site))
        yield _document(f"warnings/{name}.geojson", _ground(one.alert))
    labels = {
        code: info.event
        for one in reversed(real)
        for info in _standard(one.alert, site)[:1]
        if (code := _event_code(info))
    }
    yield Document(path=LABELS, media_type=_MEDIA_TYPE, data=as_json(labels))


def _listed(published: Published, situation: Situation) -> bool:
    """As the app does: what is in force, and an all-clear until it expires."""
    alert = published.alert
    if published.state == "cancelled" and alert.msg_type is MsgType.CANCEL:
        return alert.expires is None or alert.expires > situation.at
    return published.state == "in_force"


def _document(path: str, value: Any) -> Document:
    return Document(path=f"{BASE}/{path}", media_type=_MEDIA_TYPE, data=as_json(value))


def _entry(published: Published, site: Site) -> dict[str, Any]:
    """One line of the dashboard."""
    alert = published.alert
    info = _standard(alert, site)[0]
    name = slug(alert.identifier)
    code = _event_code(info)
    return {
        "id": name,
        "payload": {
            "version": _VERSION,
            "type": "ALERT",
            "id": name,
            "hash": hashlib.sha256(published.cap).hexdigest(),
            "data": {
                "headline": headline(info),
                "provider": PROVIDER,
                "severity": alert.severity.value,
                "urgency": info.urgency.value,
                "msgType": _kind(alert),
                **({"transKeys": {"event": code}} if code else {}),
                "area": {"type": "ZGEM", "data": ""},
                "valid": True,
            },
        },
        "i18nTitle": _titles(alert, site),
        "sent": alert.sent.isoformat(),
        **_times(info),
    }


def _on_map(published: Published, site: Site) -> dict[str, Any]:
    alert = published.alert
    info = _standard(alert, site)[0]
    code = _event_code(info)
    return {
        "id": slug(alert.identifier),
        "version": _VERSION,
        "startDate": alert.sent.isoformat(),
        **({"expiresDate": info.expires.isoformat()} if info.expires else {}),
        "severity": alert.severity.value,
        "urgency": info.urgency.value,
        "type": _kind(alert),
        "i18nTitle": _titles(alert, site),
        **({"transKeys": {"event": code}} if code else {}),
    }


def _warning(alert: Alert, site: Site) -> dict[str, Any]:
    """The whole warning: CAP 1.2 in the app's JSON, one info a language."""
    references = " ".join(
        f"{one.sender},{slug(one.identifier)},{one.sent}" for one in alert.references
    )
    return {
        "identifier": slug(alert.identifier),
        "sender": alert.sender,
        "sent": alert.sent.isoformat(),
        "status": alert.status.value,
        "msgType": _kind(alert),
        "scope": alert.scope.value,
        "code": [f"DVN:{_VERSION}"],
        **({"references": references} if references else {}),
        "info": [_info(info, alert, site) for info in _standard(alert, site)],
    }


def _info(info: Info, alert: Alert, site: Site) -> dict[str, Any]:
    parameters = [
        {"valueName": pair.name, "value": pair.value}
        for pair in info.parameters
        if not pair.name.startswith("broadcaster:")
    ]
    parameters += [
        {"valueName": "warnVerwaltungsbereiche", "value": site.region_key},
        {"valueName": "sender_langname", "value": info.sender_name or site.sender_name},
    ]
    clear = ends_danger(alert)
    kinds = [one.value for one in info.response_types] or (["AllClear"] if clear else [])
    key = next(key for key, infos in texts(alert, site.languages).items() if info in infos)
    return {
        "language": (info.language or "en-US"),
        "category": [one.value for one in info.categories],
        "event": info.event,
        **({"responseType": kinds} if kinds else {}),
        "urgency": info.urgency.value,
        "severity": info.severity.value,
        "certainty": info.certainty.value,
        "eventCode": [{"valueName": c.name, "value": c.value} for c in info.event_codes],
        **_times(info),
        "senderName": info.sender_name or site.sender_name,
        "headline": headline(info),
        "description": _markup(info.description or ""),
        **({"instruction": _markup(info.instruction)} if info.instruction else {}),
        "web": info.web or address(site, page_path(alert, *key)),
        **({"contact": info.contact} if info.contact else {}),
        "parameter": parameters,
        "area": [
            {"areaDesc": area.area_desc, "geocode": [{"valueName": "AreaId", "value": str(n)}]}
            for n, area in enumerate(info.areas)
        ],
    }


def _ground(alert: Alert) -> dict[str, Any]:
    colour = _GREY if ends_danger(alert) else _RED
    features = to_geojson(alert.infos[0].areas)["features"]
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": str(number),
                "geometry": feature["geometry"],
                "properties": {
                    "warnId": slug(alert.identifier),
                    "areaId": number,
                    "strokeColor": colour,
                    "strokeOpacity": 1.0,
                    "strokeWeight": 1,
                    "fillColor": colour,
                    "fillOpacity": 0.2,
                    "zIndex": 100,
                },
            }
            for number, feature in enumerate(features)
            if feature["geometry"]
        ],
    }


def _standard(alert: Alert, site: Site) -> list[Info]:
    """One info a language, the city's own first; whatever there is when none is offered."""
    found = texts(alert, site.languages)
    standard = [infos[0] for (_, variant), infos in found.items() if variant is Variant.STANDARD]
    return standard or list(alert.infos[:1])


def _titles(alert: Alert, site: Site) -> dict[str, str]:
    return {
        cap_language(tag, variant): headline(infos[0])
        for (tag, variant), infos in texts(alert, site.languages).items()
        if variant is Variant.STANDARD
    }


def _kind(alert: Alert) -> str:
    """Clients know an all-clear by ``Cancel`` alone."""
    return (MsgType.CANCEL if ends_danger(alert) else alert.msg_type).value


def _event_code(info: Info) -> str:
    return next((code.value for code in info.event_codes if code.name == BBK_EVENT), "")


def _times(info: Info) -> dict[str, str]:
    times = {"effective": info.effective, "onset": info.onset, "expires": info.expires}
    return {name: time.isoformat() for name, time in times.items() if time}


def _markup(text: str) -> str:
    """The app's texts are HTML with line breaks."""
    return html.escape(text, quote=False).replace("\n", "<br/>")
