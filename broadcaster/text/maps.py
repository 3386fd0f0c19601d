"""GeoJSON (RFC 7946): the warnings in force as features on a map.  Pure."""

from __future__ import annotations

import json
from typing import Any

from broadcaster.model.area import to_geojson
from broadcaster.model.cap import Alert
from broadcaster.model.rendition import Document
from broadcaster.text.languages import cap_language
from broadcaster.text.publication import (
    Published,
    Site,
    Situation,
    address,
    cap_path,
    headline,
    page_path,
    texts,
)
from broadcaster.text.views import in_force

MEDIA_TYPE = "application/geo+json"
PATH = "feed/alerts.geojson"


def document(situation: Situation, site: Site) -> Document:
    """Every warning in force as one feature, with its words in every language."""
    collection = {
        "type": "FeatureCollection",
        **({"attribution": site.licence} if site.licence else {}),
        "features": [_feature(one, site) for one in situation.alerts if in_force(one)],
    }
    return Document(path=PATH, media_type=MEDIA_TYPE, data=as_json(collection))


def geometry(alert: Alert) -> dict[str, Any] | None:
    """All ground of an alert, each piece once; ``None`` when it has none."""
    shapes = {(area.polygons, area.circles): area for info in alert.infos for area in info.areas}
    features = to_geojson(shapes.values())["features"]
    rings = [ring for one in features if one["geometry"] for ring in one["geometry"]["coordinates"]]
    return {"type": "MultiPolygon", "coordinates": rings} if rings else None


def as_json(value: Any) -> bytes:
    """Compact, in UTF-8, always the same for the same value; safe inside HTML as well."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").encode() + b"\n"


def _feature(published: Published, site: Site) -> dict[str, Any]:
    alert = published.alert
    found = texts(alert, site.languages)
    first = alert.infos[0]
    return {
        "type": "Feature",
        "id": alert.identifier,
        "geometry": geometry(alert),
        "properties": {
            "identifier": alert.identifier,
            "sender": alert.sender,
            "sent": alert.sent.isoformat(),
            "status": alert.status.value,
            "msgType": alert.msg_type.value,
            "severity": alert.severity.value,
            "urgency": first.urgency.value,
            "certainty": first.certainty.value,
            "event": first.event,
            "onset": first.onset.isoformat() if first.onset else None,
            "expires": alert.expires.isoformat() if alert.expires else None,
            "areaDesc": [area.area_desc for area in first.areas],
            "headline": {_tag(key): headline(infos[0]) for key, infos in found.items()},
            "web": {_tag(key): address(site, page_path(alert, *key)) for key in found},
            "cap": address(site, cap_path(alert)),
        },
    }


def _tag(key: tuple[str, Any]) -> str:
    return cap_language(*key)
