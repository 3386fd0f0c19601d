"""Orders for gateways that take CAP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from lxml import etree

from broadcaster.delivery.contract import Mode
from broadcaster.model.cap import Alert, MsgType
from broadcaster.model.capxml import read
from broadcaster.testing import values
from channels.cell_broadcast.codec import choose, encode
from channels.cell_broadcast.order import OnAir, Order, Stop
from channels.cell_broadcast.profile import Broadcast
from channels.cell_broadcast.serials import Serial

TEXTS = {
    "de": 'Starkregen & Flut <Höhe 3 m>. "Gehen Sie nach oben." ẞ',
    "en": "Heavy rain.\n\nGo up.",
    "tr": "Şiddetli yağmur. Üst kata çıkın.",
    "ar": "أمطار غزيرة. اصعدوا إلى أعلى.",
}
EARLIER = values.alert("de-example.20260701T110000.bbbbbb")


def on_air(
    text: str, language: str, identifier: int, code: int, variant: str = "standard"
) -> OnAir:
    choice = choose(text, language)
    pages = encode(choice.text, dcs=choice.coding.dcs, language=language)
    return OnAir(
        broadcast=Broadcast(identifier, pages),
        serial=Serial(code, 0),
        language=language,
        variant=variant,
        keys=(f"{identifier}/{language}/{variant}",),
    )


def order(
    operation: MsgType = MsgType.ALERT,
    *,
    key: str = "a~cells~0~0~0-3",
    alert: Alert | None = None,
    items: Sequence[OnAir] | None = None,
    replaces: Sequence[Alert] = (),
) -> Order:
    if items is None:
        items = [
            on_air(TEXTS["de"], "de", 4370, 1),
            on_air(TEXTS["de"], "de", 919, 2),
            *(on_air(TEXTS[tag], tag, 4383, 3 + at) for at, tag in enumerate(("en", "tr", "ar"))),
        ]
    languages = tuple(dict.fromkeys(item.language for item in items))
    alert = alert or values.alert(
        msg_type=operation,
        languages=languages,
        replaces=replaces,
        web="https://example.org/more",
        parameters={"broadcaster:short": "Another text"},
    )
    return Order(
        key=key,
        mode=Mode.LIVE,
        operation=operation,
        alert=alert,
        replaces=tuple(one.identifier for one in replaces),
        profile="de",
        title="Notfallalarm",
        on_air=tuple(items),
        stops=tuple(Stop(4370, Serial(900, 0), one.identifier) for one in replaces),
        missing=(),
        repetition_period=60,
        number_of_broadcasts=360,
        slots=32,
        number_2g=360,
        cells=None,
        written=values.NOON,
    )


def reader(shared: Path) -> Callable[[bytes], Alert]:
    """Checks a document with the schema of OASIS and reads it without a defect."""
    schema = etree.XMLSchema(etree.parse(shared / "schemas" / "CAP-v1.2.xsd"))

    def check(xml: bytes) -> Alert:
        schema.assertValid(etree.fromstring(xml))
        reading = read(xml)
        assert reading.defects == ()
        return reading.alert

    return check
