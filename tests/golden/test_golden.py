"""The shipped texts, letter for letter, as someone has read and accepted them.

After a change that is meant, ``BROADCASTER_GOLDEN=write`` writes the files anew; read the
difference before committing it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from broadcaster.intake.drafts import Context, fields_of, read
from broadcaster.model.cap import MsgType
from broadcaster.model.capxml import write
from broadcaster.model.gazetteer import Gazetteer
from broadcaster.model.rendition import Variant
from broadcaster.text.compose import compose
from tests.unit.text.alert_examples import LANGUAGES, NOW, ROOT, composed, identity, library, text

HERE = Path(__file__).parent
NAMES = {
    "full": Variant.STANDARD,
    "plain": Variant.PLAIN,
    "short": Variant.SHORT,
    "spoken": Variant.SPOKEN,
}
READ = {("flood", 3): LANGUAGES, ("heat", 2): ("de", "ar"), ("heavy_rain", 3): ("uk",)}
"""Which levels are kept, and in which languages."""
TEXTS = [
    f"{hazard}-{level}-{tag}.{name}.txt"
    for (hazard, level), tags in READ.items()
    for tag in tags
    for name in NAMES
]
EXAMPLES = [path.stem for path in sorted((ROOT / "examples").glob("*.yaml"))]


def compare(name: str, made: bytes) -> None:
    """Exactly equal; a missing file is a failure and not a first version."""
    path = HERE / name
    if os.environ.get("BROADCASTER_GOLDEN") == "write":
        path.write_bytes(made)
    assert path.is_file(), f"{name} is not there: see the top of test_golden.py"
    assert made.decode() == path.read_bytes().decode()


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_the_one_that_was_accepted(name: str) -> None:
    what, kind, _ = name.split(".")
    hazard, level, tag = what.rsplit("-", 2)
    made = text(composed(hazard, int(level), MsgType.ALERT).alert, tag, NAMES[kind])
    compare(name, f"{made}\n".encode())


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_becomes_the_cap_document_that_was_accepted(name: str) -> None:
    context = Context(
        library=library(),
        gazetteer=Gazetteer.load(ROOT / "templates" / "areas" / "dortmund.geojson"),
        now=NOW,
        source_language="de",
        offered=LANGUAGES,
    )
    path = ROOT / "examples" / f"{name}.yaml"
    draft = read(fields_of(path.read_bytes(), path.name), context)
    who = identity()
    alert = compose(draft, library(), who, page=f"alerts/{who.identifier}/").alert
    compare(f"{name}.xml", write(alert))


def test_every_file_here_is_compared() -> None:
    kept = {path.name for path in HERE.iterdir() if path.suffix in (".txt", ".xml")}
    assert kept == {*TEXTS, *(f"{name}.xml" for name in EXAMPLES)}
