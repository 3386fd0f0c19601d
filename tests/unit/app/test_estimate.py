"""What sending to everybody takes, as far as channels tell what one text takes."""

from __future__ import annotations

from typing import Any

from broadcaster.app.estimate import estimate


def text(channel: str, language: str, variant: str = "short", **meta: Any) -> dict[str, Any]:
    return {"channel": channel, "language": language, "variant": variant, "meta": meta}


def test_segments_cost_and_time_are_those_of_all_phones_together() -> None:
    texts = [
        text("texts", "de", segments=2, cost=0.14, rate=100.0),
        text("texts", "ar", segments=3, cost=0.21, rate=100.0),
        text("texts", "de", "plain", segments=4, cost=0.28, rate=100.0),
    ]
    people = {"texts": {"de short": 500_000, "ar short": 100_000, "de plain": 3}}
    assert estimate(texts, people) == {
        "texts": {"segments": 1_300_012, "cost": 91_000.84, "seconds": 13_000.1}
    }


def test_without_price_and_pace_only_segments_are_told() -> None:
    assert estimate([text("texts", "de", segments=2)], {"texts": {"de short": 7}}) == {
        "texts": {"segments": 14}
    }


def test_channels_that_count_no_segments_and_texts_that_nobody_wants_take_nothing() -> None:
    texts = [text("pages", "de"), text("cells", "de", pages=4), text("texts", "tr", segments=2)]
    assert estimate(texts, {"texts": {"de short": 7}, "pages": {"de short": 1}}) == {}
    assert estimate([], {}) == {}
