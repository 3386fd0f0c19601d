"""How long it takes to say one alert in every language and variant, for every channel.

Against the time that Babel needs to read one catalogue, so that the figure means something on any
machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

from babel.messages.pofile import read_po

from broadcaster.model.cap import Area, MsgType
from broadcaster.model.rendition import Format, Variant
from broadcaster.text.catalogues import compile_po
from broadcaster.text.compose import Draft, Identity, compose
from broadcaster.text.library import Library
from broadcaster.text.render import rendition

ROOT = Path(__file__).parents[1]
BERLIN = ZoneInfo("Europe/Berlin")
SENT = datetime(2026, 7, 1, 3, 0, tzinfo=BERLIN)


def say_everything(library: Library) -> int:
    """Compose one alert in all languages and render all variants; how many texts came out."""
    tags = tuple(library.languages)
    alert = compose(
        Draft(
            hazard="heavy_rain",
            level=3,
            areas=(Area(area_desc="Dortmund"),),
            area_ids=("dortmund",),
            expires=SENT + timedelta(hours=30),
            parameters={"amount": 40, "period": 6},
        ),
        library,
        Identity(
            identifier="benchmark",
            sender="warnung@dortmund.example",
            sender_name="Stadt Dortmund",
            sent=SENT,
            base_url="https://warnung.dortmund.example",
            contact="",
            languages=tags,
        ),
        msg_type=MsgType.ALERT,
        page="alerts/benchmark/",
    ).alert
    return sum(
        rendition(alert, library, tag, variant, Format.TEXT) is not None
        for tag in tags
        for variant in Variant
    )


def once(locales: str) -> None:
    """In a fresh process: from nothing to every text."""
    begin = time.perf_counter()
    library = Library.load(ROOT / "templates", Path(locales), "Europe/Berlin")
    texts = say_everything(library)
    print(time.perf_counter() - begin, texts)


def run() -> None:
    """Cold, in a process of its own, and warm."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    cold, source = [], []
    with tempfile.TemporaryDirectory() as folder:
        built = Path(shutil.copytree(ROOT / "locales", Path(folder) / "locales"))
        for po in built.rglob("*.po"):  # as an installation has them
            po.with_suffix(".mo").write_bytes(compile_po(po.read_bytes()))
        for taken, locales in ((cold, built), (source, ROOT / "locales")) * 5:
            code = f"from benchmarks import rendering; rendering.once({str(locales)!r})"
            command = [sys.executable, "-c", code]
            done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
            seconds, texts = done.stdout.split()
            taken.append(float(seconds))
    library = Library.load(ROOT / "templates", ROOT / "locales", "Europe/Berlin")
    say_everything(library)
    warm = []
    for _ in range(20):
        begin = time.perf_counter()
        say_everything(library)
        warm.append(time.perf_counter() - begin)
    catalogue = (ROOT / "locales" / "de" / "LC_MESSAGES" / "standard.po").read_bytes()
    read = []
    for _ in range(20):
        begin = time.perf_counter()
        read_po(BytesIO(catalogue))
        read.append(time.perf_counter() - begin)
    unit = median(read)
    print(f"texts of one alert                {texts:>7}")
    print(f"one catalogue read by Babel       {unit * 1000:7.1f} ms")
    for name, taken, goal in (
        ("cold, as installed", cold, 1000),
        ("cold, from source", source, 1000),
        ("warm", warm, 100),
    ):
        spent = median(taken)
        print(
            f"every language and variant, {name:<22}{spent * 1000:7.0f} ms "
            f"{spent / unit:6.1f}x (goal <= {goal} ms)"
        )
