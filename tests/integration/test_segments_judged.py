"""Segment counts, judged by two programs of others on texts in every language and at every edge."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from typing import Any

import pytest

from broadcaster.model.rendition import Variant
from broadcaster.text import measure
from broadcaster.text.library import Library
from channels.sms.segments import Alphabet, Segments, encode
from tests.acceptance.city import ROOT

PEERS = ROOT / "tests" / "peers"
EDGES = (60, 69, 70, 71, 133, 134, 135, 160, 161, 200, 201, 202, 268, 305, 306, 307, 460)


@cache
def corpus() -> tuple[str, ...]:
    """Every language's own sentences joined, cut at and around every capacity; and hard cases."""
    library = Library.load(ROOT / "templates", ROOT / "locales", "Europe/Berlin")
    found = ["€" * 81, "{[]}" * 40, "a€" * 90, "Straße " * 40, "ж" * 500, "😀" * 36, "a" * 1000]
    found += [f"{'a' * n}€" for n in range(150, 162)] + [f"{'ж' * n}😀" for n in range(64, 72)]
    for tag in library.languages:
        catalogue = library.catalogue(tag, Variant.STANDARD)
        sentences = [
            catalogue.say(phrase.msgid, context=phrase.context)
            for phrase in library.phrases
            if phrase.context in (None, "page") and not phrase.plural and "%(" not in phrase.msgid
        ]
        whole = " ".join(sentences)
        found += [whole[at : at + edge].strip() for at in (0, 500, 1500) for edge in EDGES]
    return tuple(found)


@cache
def ours() -> tuple[Segments, ...]:
    return tuple(encode(text, reference=1, reference_bits=8) for text in corpus())


@cache
def theirs() -> list[Any]:
    """They count the text as the phone shows it: replacements are ours alone."""
    done = subprocess.run(
        ["node", "segments.js"],
        cwd=PEERS,
        input=json.dumps([segments.text for segments in ours()]),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found: list[Any] = json.loads(done.stdout)
    return found


def stands_alone(text: str) -> bool:
    """Whether every character is one to its reader, so that nothing is gained by not cutting it."""
    return len(measure.graphemes(text)) == len(text) == measure.units(text)


@pytest.mark.peer("node", "npm:split-sms", "npm:sms-segments-calculator")
def test_two_others_count_the_same_segments_wherever_no_character_could_be_torn() -> None:
    checked = 0
    for segments, (split, calculated, _) in zip(ours(), theirs(), strict=True):
        if stands_alone(segments.text):
            checked += 1
            assert (split, calculated) == (len(segments.parts),) * 2, segments.text
    assert checked > 1000


@pytest.mark.peer("node", "npm:split-sms", "npm:sms-segments-calculator")
def test_keeping_characters_whole_costs_a_segment_at_most() -> None:
    torn = 0
    for segments, (split, calculated, _) in zip(ours(), theirs(), strict=True):
        count = len(segments.parts)
        assert split <= count <= split + 1, segments.text
        assert abs(calculated - count) <= 1, segments.text
        torn += count > split
    assert torn > 0


@pytest.mark.peer("node", "npm:split-sms", "npm:sms-segments-calculator")
def test_the_alphabet_is_the_one_that_another_chooses() -> None:
    for segments, (_, _, alphabet) in zip(ours(), theirs(), strict=True):
        assert (alphabet == "GSM") == (segments.alphabet is Alphabet.GSM_7), segments.text
