"""What sending to everybody who subscribed takes: segments, money, time.  Pure.

Only where the channel said what one text takes (figures of :attr:`Fitted.meta`), and at most that:
whoever wants other places or dangers, or rests at night, gets nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def estimate(
    texts: Iterable[Mapping[str, Any]], recipients: Mapping[str, Mapping[str, int]]
) -> dict[str, dict[str, float]]:
    """By channel: ``segments``, and where its prices and pace are known ``cost`` and ``seconds``.

    ``texts`` are those of a preview; ``recipients`` count subscribers by channel and by language
    and variant, as ``tr short``.
    """
    found: dict[str, dict[str, float]] = {}
    for text in texts:
        people = recipients.get(text["channel"], {}).get(f"{text['language']} {text['variant']}", 0)
        meta = text["meta"]
        if not people or "segments" not in meta:
            continue
        total = found.setdefault(text["channel"], {"segments": 0})
        segments = people * meta["segments"]
        total["segments"] += segments
        if "cost" in meta:
            total["cost"] = round(total.get("cost", 0) + people * meta["cost"], 2)
        if "rate" in meta:
            total["seconds"] = round(total.get("seconds", 0) + segments / meta["rate"], 1)
    return found
