"""From an alert to the text of one language and variant.  Pure.

Works from the CAP info alone, so that a relayed foreign alert is laid out like our own.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime

from broadcaster.model.cap import PARAMETER_LEAD, PARAMETER_SHORT, PARAMETER_SPOKEN, Alert, Info
from broadcaster.model.rendition import Format, Rendition, Variant
from broadcaster.text.accessible import sentences
from broadcaster.text.formats import SYMBOLS
from broadcaster.text.library import Library
from broadcaster.text.publication import headline, lines, page_path, texts

_ISOLATES = re.compile("[\u2066-\u2069]")
_EMERGENCY = re.compile(
    r"(?<![\d.,:/+-])1(1)(\d)(?!\d|[.,:/-]\d|\s?(?:"
    + "|".join([*SYMBOLS.values(), "%"])
    + r")(?!\w))"
)
"""110 to 119, where Europe's emergency numbers lie, standing alone and counting nothing."""


def bare(text: str) -> str:
    """Without bidi isolates: wires without them show boxes, and count them (UAX 9)."""
    return unicodedata.normalize("NFC", _ISOLATES.sub("", text))


def said_digits(text: str) -> str:
    """``112`` as ``1 1 2``: every voice measured reads it as one hundred and twelve."""
    return _EMERGENCY.sub(r"1 \1 \2", text)


def address(web: str) -> str:
    """As it is read and typed: phones know an address by its dots."""
    return re.sub(r"^https?://", "", web)


def _front(web: str, alert: Alert, tag: str, variant: Variant) -> str:
    """For the page of one of our alerts, the front page of its language.

    It is half as long, and shows what has replaced the alert since.  Any other address stays.
    """
    own = page_path(alert, tag, variant).removesuffix("index.html")
    return f"{web.removesuffix(own)}{tag}/" if web.endswith(f"/{own}") else web


def rendition(
    alert: Alert, library: Library, tag: str, variant: Variant, format_: Format
) -> Rendition | None:
    """The alert in one language and variant, or ``None`` when it has no such text.

    Plain is never standard and standard is never plain; short and spoken belong to standard.
    """
    domain = Variant.PLAIN if variant is Variant.PLAIN else Variant.STANDARD
    infos = texts(alert, [tag]).get((tag, domain))
    if not infos:
        return None
    parts = [_text(alert, info, library, tag, variant) for info in infos]
    return Rendition(
        alert=alert.identifier,
        language=tag,
        direction=library.language(tag).direction,
        variant=variant,
        format=format_,
        text=bare("\n\n".join(dict.fromkeys(parts))),
    )


def _text(alert: Alert, info: Info, library: Library, tag: str, variant: Variant) -> str:
    if variant is Variant.SHORT and (own := info.parameter(PARAMETER_SHORT)):
        return own
    if variant is Variant.SPOKEN and (own := info.parameter(PARAMETER_SPOKEN)):
        return own
    context = library.context(tag, variant)
    formats = context["formats"]

    def moment(value: datetime | None) -> str:
        return formats.moment(value, alert.sent) if value else ""

    template = library.env.get_template(f"text/{_LAYOUTS[variant]}.txt.j2")
    text = template.render(
        context,
        lead=info.parameter(PARAMETER_LEAD),
        headline=headline(info),
        places=formats.places(list(dict.fromkeys(area.area_desc for area in info.areas))),
        onset=moment(info.onset if info.onset and info.onset > alert.sent else None),
        expires=moment(info.expires),
        description=lines(info.description),
        instruction=lines(info.instruction),
        sender=info.sender_name or alert.sender,
        web=address(_front(info.web or "", alert, tag, variant)),
        ends=alert.msg_type.value == "Cancel",
    )
    if variant is not Variant.SPOKEN:
        return text.strip()
    # Foreign texts come in paragraphs; a voice pauses at the end of a line.
    return "\n".join(said_digits(s) for line in text.splitlines() for s in sentences(line))


_LAYOUTS = {
    Variant.STANDARD: "full",
    Variant.PLAIN: "full",
    Variant.SHORT: "short",
    Variant.SPOKEN: "spoken",
}
