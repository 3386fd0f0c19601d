"""CAP documents of some thirty countries: read, told apart, and kept element by element.

The documents lie beside the repository in ``../shared/corpus/cap``; where they are absent these
tests skip and say so.  Run with ``-s`` to see the figures.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

from broadcaster.model.capxml import Reading, parse_time, read, write
from broadcaster.model.capxml.lists import (
    SPACE,
    circle_text,
    items_text,
    number_text,
    parse_circle,
    parse_items,
    parse_number,
    parse_polygon,
    parse_references,
    polygon_text,
    references_text,
)
from broadcaster.model.capxml.times import time_text
from broadcaster.model.errors import BadInput
from broadcaster.model.rules import check

CORPUS = Path(__file__).parents[4] / "shared" / "corpus" / "cap"
SHARE_PARSED = 0.99

pytestmark = pytest.mark.skipif(
    not CORPUS.exists(), reason="the CAP corpus is not beside the repository (../shared/corpus/cap)"
)


@cache
def classified(folder: str) -> dict[str, Reading | BadInput]:
    """Every document of a folder: what was read, or why it was refused; any other error fails."""
    found: dict[str, Reading | BadInput] = {}
    for path in sorted((CORPUS / folder).iterdir()):
        try:
            found[path.name] = read(path.read_bytes())
        except BadInput as refusal:
            found[path.name] = refusal
    return found


def readings(folder: str) -> dict[str, Reading]:
    return {
        name: outcome
        for name, outcome in classified(folder).items()
        if isinstance(outcome, Reading)
    }


def test_at_least_99_percent_of_valid_documents_are_read() -> None:
    total, parsed = len(classified("valid")), readings("valid")
    clean = sum(not reading.defects for reading in parsed.values())
    print(f"\nvalid: {len(parsed)} of {total} read, {clean} of them without a defect")
    assert total > 100
    assert len(parsed) >= SHARE_PARSED * total


def test_every_invalid_document_is_classified() -> None:
    outcomes = classified("invalid")
    kinds = Counter(
        "refused"
        if isinstance(outcome, BadInput)
        else "read with defects"
        if outcome.defects
        else "read; breaks rules only"
        for outcome in outcomes.values()
    )
    print(f"\ninvalid: {len(outcomes)} classified: {dict(kinds)}")
    assert len(outcomes) > 50
    for outcome in outcomes.values():
        problems = outcome.problems if isinstance(outcome, BadInput) else outcome.defects
        assert all(problem.says for problem in problems)


def test_what_is_read_is_written_and_read_again_without_change() -> None:
    for folder in ("valid", "invalid"):
        for name, reading in readings(folder).items():
            written = write(reading.alert)
            again = read(written)
            assert again.alert == reading.alert, name
            assert write(again.alert) == written, name


def test_the_rules_judge_every_document_without_failing() -> None:
    broken: Counter[str] = Counter()
    for folder in ("valid", "invalid"):
        for reading in readings(folder).values():
            errors = {
                re.sub(r"\[\d+\]", "", problem.path)
                for problem in check(reading.alert)
                if problem.level == "error"
            }
            broken.update(errors)
    print(f"\ndocuments that break a rule, by place: {broken.most_common(12)}")
    assert broken


TELLS_OF_LOSS = re.compile(
    "was left out|stands more than once|is not an element|is '.*CAP does not"
)

# --- nothing is lost -------------------------------------------------------------------------

# The normalisations a reader may make.  Everything else must come out as it went in.
#  1. white space at the edges of an element is layout; empty elements say nothing
#  2. times: Z, fractions and missing zones become CAP's form
#  3. numbers, polygons, circles: same figures, shortest form, closed ring
#  4. lists (addresses, incidents, references): same entries, single spaces
#  5. CAP 1.0 and 1.1 namespaces become CAP 1.2
#  6. an element that stands more than once where CAP allows one: description and instruction
#     are joined, of others the first counts (always with a defect)
#  7. what cannot be understood (`was left out`) or is no CAP element: always with a defect


def normalised(name: str, text: str) -> str:
    text = text.strip(SPACE)
    try:
        if name in ("sent", "effective", "onset", "expires"):
            return time_text(parse_time(text)[0])
        if name in ("altitude", "ceiling", "size"):
            return number_text(parse_number(text))
        if name == "polygon":
            return polygon_text(parse_polygon(text)[0])
        if name == "circle":
            return circle_text(parse_circle(text)[0])
    except ValueError:
        return text
    if name in ("addresses", "incidents"):
        return items_text(parse_items(text)[0])
    return references_text(parse_references(text)[0]) if name == "references" else text


def elements(document: bytes) -> Counter[tuple[str, str]]:
    """Every element that holds text, with its way from the root, as a multiset."""
    parser = etree.XMLParser(resolve_entities=False, remove_comments=True, remove_pis=True)
    found: Counter[tuple[str, str]] = Counter()
    for node in etree.fromstring(document, parser).iter():
        way = [str(step.tag).rpartition("}")[2] for step in [*reversed(list(node.iterancestors()))]]
        name = str(node.tag).rpartition("}")[2]
        inside_signature = "Signature" in way
        if len(node) and not inside_signature:
            continue
        text = (node.text or "").strip(SPACE)
        if text:
            found["/".join([*way, name]), normalised(name, text)] += 1
    return found


def excused(lost: tuple[str, str], reading: Reading) -> bool:
    """Whether a defect at that place says why the element is not there any more."""
    way = lost[0].replace("/", ".")
    return any(
        re.sub(r"\[\d+\]", "", defect.path) == way and TELLS_OF_LOSS.match(defect.says)
        for defect in reading.defects
    )


def test_every_element_of_what_was_read_survives() -> None:
    count, lost_with_defect = 0, []
    for folder in ("valid", "invalid"):
        for name, reading in readings(folder).items():
            before = elements((CORPUS / folder / name).read_bytes())
            after = elements(write(reading.alert))
            count += before.total()
            for lost in before - after:
                assert excused(lost, reading), (name, lost)
                lost_with_defect.append((name, lost[0]))
    print(f"\n{count} elements compared, {len(lost_with_defect)} changed, each with a defect:")
    for name, way in lost_with_defect:
        print(f"  {name}: {way}")
    assert count > 9_000


def test_nothing_is_added_but_what_cap_requires() -> None:
    for folder in ("valid", "invalid"):
        for name, reading in readings(folder).items():
            before = elements((CORPUS / folder / name).read_bytes())
            for way, text in elements(write(reading.alert)) - before:
                grades = way.endswith(("urgency", "severity", "certainty")) and text == "Unknown"
                joined = any("joined" in defect.says for defect in reading.defects)
                assert grades or joined, (name, way, text[:80])
