"""What the documentation says is what the program does."""

from __future__ import annotations

import argparse
import dataclasses
import importlib.metadata
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from broadcaster import config
from broadcaster.cli import stop
from broadcaster.cli.parser import build, parse
from broadcaster.cli.words import Words
from broadcaster.delivery.registry import GROUP
from broadcaster.delivery.routing import FACTS, Route
from broadcaster.intake import drafts
from broadcaster.model import cap, errors
from broadcaster.model.errors import BadInput
from broadcaster.model.gazetteer import Gazetteer
from broadcaster.model.states import State
from broadcaster.text import lint
from broadcaster.text.accessible import RULES
from broadcaster.text.hazards import load_hazards
from broadcaster.text.languages import CONSUMER_TAGS
from broadcaster.text.library import Library
from broadcaster.text.lint.texts import TEXT_RULES
from channels.cell_broadcast.gateways.drivers import DRIVERS as CELL_DRIVERS
from channels.sms.gateways.drivers import DRIVERS as SMS_DRIVERS

ROOT = Path(__file__).parents[2]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *sorted((ROOT / "docs").glob("*.md")),
    )
}
EVERYTHING = "\n".join(PAGES.values())
SCRIPT = Path(sys.executable).parent / "broadcaster"


@dataclasses.dataclass(frozen=True)
class Snippet:
    page: str
    line: int
    kind: str
    text: str
    runs: bool

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def snippets() -> Iterator[Snippet]:
    """Every fenced block; one after the comment ``<!-- run -->`` is to be run."""
    fence = re.compile(
        r"^(?P<run><!-- run -->\n)?(?P<indent> *)```(?P<kind>\w+)\n(?P<text>.*?)^(?P=indent)```$",
        re.MULTILINE | re.DOTALL,
    )
    for page, content in PAGES.items():
        for found in fence.finditer(content):
            indent = found["indent"]
            lines = [line.removeprefix(indent) for line in found["text"].splitlines()]
            yield Snippet(
                page=page,
                line=content[: found.start()].count("\n") + 1,
                kind=found["kind"],
                text="\n".join(lines) + "\n",
                runs=bool(found["run"]),
            )


SNIPPETS = tuple(snippets())


def commands(snippet: Snippet) -> list[list[str]]:
    """The arguments of each ``broadcaster`` line."""
    lines = snippet.text.replace("\\\n", " ").splitlines()
    split = (shlex.split(line, comments=True) for line in lines)
    return [words[1:] for words in split if words and words[0] == "broadcaster"]


def prose(text: str) -> str:
    """A page without its snippets, whose comments look like headings."""
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)


def section(page: str, heading: str) -> str:
    """What stands under a heading, up to the next of the same rank or above; no snippets."""
    rank = len(heading) - len(heading.lstrip("#"))
    _, found, rest = prose(PAGES[page]).partition(f"\n{heading}\n")
    assert found, f"{page} has no heading {heading!r}"
    return re.split(rf"^#{{1,{rank}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def first_cells(text: str) -> set[str]:
    """The words in code in the first column of every table."""
    rows = re.findall(r"^\|([^|\n]*)\|", text, re.MULTILINE)
    return {word for cell in rows for word in re.findall(r"`([^`]+)`", cell)}


def parsers(parser: argparse.ArgumentParser, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every command by its words, with its parser."""
    below = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if not below:
        yield path, parser
    for action in below:
        for name, child in action.choices.items():
            yield from parsers(child, f"{path} {name}".strip())


COMMANDS = dict(parsers(build()))


# The command line ------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_shown_and_its_flags_are_explained_there(command: str) -> None:
    """On the same page, or on one that this page leads to."""
    called = re.compile(rf"broadcaster (?:--\w+ \S+ )*{command}\b")
    pages = {page for page, text in PAGES.items() if page != "README.md" and called.search(text)}
    assert pages, f"no page shows `broadcaster {command}`"
    linked = {
        str(Path(page).parent / link)
        for page in pages
        for link in re.findall(r"\]\((\w+\.md)", PAGES[page])
    }
    told = "\n".join(PAGES[page] for page in pages | linked)
    flags = {flag for action in COMMANDS[command]._actions for flag in action.option_strings}
    missing = {flag for flag in flags if not re.search(rf"(?<![\w-]){flag}(?![\w-])", told)}
    assert missing <= {"-h", "--help", "--config", "--data"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_choice_of_a_command_is_shown(command: str) -> None:
    for action in COMMANDS[command]._actions:
        for choice in action.choices or () if not action.option_strings else ():
            assert f"broadcaster {command} {choice}" in EVERYTHING


def test_the_flags_before_the_command_are_explained() -> None:
    flags = {flag for action in build()._actions for flag in action.option_strings}
    told = PAGES["docs/operate.md"]
    assert all(flag in told for flag in flags - {"-h", "--help"})


@pytest.mark.parametrize("snippet", [s for s in SNIPPETS if commands(s)], ids=str)
def test_every_command_line_in_a_page_is_one_the_program_takes(snippet: Snippet) -> None:
    for arguments in commands(snippet):
        parse(arguments, Words())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_example_in_the_help_is_one_the_program_takes(command: str) -> None:
    shown = re.sub(r"\\\n *", "", COMMANDS[command].description or "")
    for line in re.findall(r"^ +broadcaster (.+?)(?: {3,}.*)?$", shown, re.MULTILINE):
        options = parse(shlex.split(line), Words())
        if getattr(options, "hazard", None) is not None and command in ("issue", "update"):
            known = load_hazards(ROOT / "templates")[options.hazard].parameters
            assert {name for name, _ in options.values or ()} <= known.keys(), line


def test_every_exit_code_is_explained() -> None:
    table = section("docs/operate.md", "## Exit codes")
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    deliberate = {
        error.exit_code
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.BroadcasterError)
    }
    results = {stop.ALL_OUT, stop.SOME_OUT, stop.NONE_OUT, stop.BAD_INPUT, stop.REFUSED}
    assert told == deliberate | results | {stop.INTERRUPTED}
    first_page = {
        int(code) for code in re.findall(r"^\| (\d+) \|", PAGES["README.md"], re.MULTILINE)
    }
    assert first_page == results


def test_every_variable_of_the_environment_is_explained() -> None:
    sources = "\n".join(path.read_text() for path in (ROOT / "broadcaster").rglob("*.py"))
    assert set(re.findall(r"BROADCASTER_[A-Z]+", sources)) <= set(
        re.findall(r"BROADCASTER_[A-Z]+", PAGES["docs/operate.md"])
    )


# Drafts ------------------------------------------------------------------------------------------


def test_every_field_of_a_draft_is_explained() -> None:
    assert set(drafts.FIELDS) <= first_cells(section("docs/issue.md", "## The draft"))


def test_every_value_of_every_hazard_is_told_with_its_bounds() -> None:
    rows = {
        tuple(cell.strip(" `") for cell in row.strip("|").split("|"))
        for row in section("docs/issue.md", "## The draft").splitlines()
        if row.startswith("| `")
    }
    for hazard in load_hazards(ROOT / "templates").values():
        for name, parameter in hazard.parameters.items():
            told = [row for row in rows if row[:2] == (hazard.id, name)]
            assert len(told) == 1, f"{hazard.id}.{name}"
            assert told[0][3] == parameter.together
            if parameter.minimum is not None:
                assert f"{parameter.minimum:g} to {parameter.maximum:g}" in told[0][2]
        assert any(row[0] == hazard.id for row in rows), hazard.id


NOON = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.fixture(scope="module")
def context() -> drafts.Context:
    return drafts.Context(
        library=Library.load(ROOT / "templates", ROOT / "locales", "Europe/Berlin"),
        gazetteer=Gazetteer.load(ROOT / "templates/areas/dortmund.geojson"),
        now=NOON,
        source_language="de",
        offered=("de", "en", "tr", "ar", "uk", "pl"),
    )


@pytest.mark.parametrize(
    "snippet", [s for s in SNIPPETS if s.kind == "yaml" and "hazard:" in s.text.split()], ids=str
)
def test_every_draft_in_a_page_is_a_good_one(snippet: Snippet, context: drafts.Context) -> None:
    drafts.read(drafts.fields_of(snippet.text.encode(), str(snippet)), context, str(snippet))


@pytest.mark.parametrize(("onset", "ends"), [("", 18), ("14:00", 20), ("2026-07-01T08:00", 18)])
def test_a_duration_counts_from_an_onset_to_come_and_otherwise_from_now(
    onset: str, ends: int, context: drafts.Context
) -> None:
    fields = {"hazard": "heat", "level": "2", "area": "dortmund", "expires": "6h", "onset": onset}
    assert drafts.read(fields, context).expires == NOON.replace(hour=ends)


# Configuration -----------------------------------------------------------------------------------


def names(kind: type) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}


@pytest.mark.parametrize(
    ("heading", "settings"),
    [
        ("## The installation", names(config.Settings) - {"folder"}),
        ("## Channels", names(config.ChannelSettings) - {"name", "raw"}),
        ("## Route", names(Route)),
        ("## Officers and approval", names(config.Officer) | names(config.Approval)),
    ],
)
def test_every_setting_is_explained_and_none_that_is_not_there(
    heading: str, settings: set[str]
) -> None:
    told = section("docs/configuration.md", heading).split("\n### ")[0]
    assert first_cells(told) == settings


KINDS = {point.name: point.load() for point in importlib.metadata.entry_points(group=GROUP)}


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_of_a_channel_is_explained_and_none_that_is_not_there(kind: str) -> None:
    settings = KINDS[kind].settings({})
    wanted = names(type(settings)) if settings is not None else set()
    assert first_cells(section("docs/configuration.md", f"### {kind}")) == wanted


GATEWAYS = [("docs/cells.md", name, driver) for name, driver in CELL_DRIVERS.items()] + [
    ("docs/sms.md", name, driver) for name, driver in SMS_DRIVERS.items() if name != "file"
]


@pytest.mark.parametrize(("page", "gateway", "driver"), GATEWAYS)
def test_every_setting_of_a_gateway_is_explained_and_none_that_is_not_there(
    page: str, gateway: str, driver: Any
) -> None:
    # A driver that meets a key it does not know names all that it does.
    with pytest.raises(BadInput) as refused:
        driver.settings({"nonsense": 1})
    (remedy,) = [p.remedy for p in refused.value.problems if p.path == "nonsense"]
    known = re.split(r", ", re.split(r"(?:use(?: one of)?|only one is) ", remedy)[1])
    headings = [line for line in PAGES[page].splitlines() if line.startswith("## ")]
    (heading,) = [h for h in headings if h.removeprefix("## ").partition(":")[0] == gateway]
    assert first_cells(section(page, heading)) == set(known)


def test_every_fact_a_route_can_match_on_is_named() -> None:
    told = section("docs/configuration.md", "## Route")
    assert all(f"`{fact}`" in told for fact in FACTS)


@pytest.mark.parametrize(
    "snippet",
    [s for s in SNIPPETS if s.kind == "yaml" and "hazard:" not in s.text.split()],
    ids=str,
)
def test_every_piece_of_configuration_in_a_page_is_a_good_one(
    snippet: Snippet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in re.findall(r"env: (\w+)", snippet.text):
        monkeypatch.setenv(variable, "a-token-for-a-test")
    whole = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    piece = yaml.safe_load(snippet.text)
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(whole | piece), encoding="utf-8")
    config.load(path)


# For integrators and operators -------------------------------------------------------------------


def test_every_parameter_of_our_cap_profile_is_explained() -> None:
    known = {value for name, value in vars(cap).items() if name.startswith("PARAMETER_")}
    assert known == {
        cell
        for cell in first_cells(section("docs/integrate.md", "### Parameters"))
        if cell.startswith("broadcaster:")
    }


def test_the_language_tags_that_consumers_expect_are_told() -> None:
    for ours, theirs in CONSUMER_TAGS.items():
        assert f"read `{ours}` as `{theirs}`" in PAGES["docs/integrate.md"]


def test_every_state_of_a_delivery_is_explained() -> None:
    told = first_cells(section("docs/integrate.md", "## What receipts mean"))
    assert told == {state.value for state in State}


def test_every_metric_is_explained_and_none_that_is_not_there() -> None:
    sources = "\n".join(p.read_text() for p in (ROOT / "broadcaster/server").glob("*.py"))
    measured = set(re.findall(r'Metric\(\s*"(\w+)"', sources))
    assert measured
    told = first_cells(section("docs/operate.md", "### Health and figures"))
    assert {name for name in told if name.startswith("broadcaster_")} == measured


def test_every_lint_rule_is_explained() -> None:
    source = Path(lint.__file__).read_text(encoding="utf-8")
    across = set(re.findall(r'book\.finding\(\s*"([\w-]+)"', source))
    rules = across | {name for name, _ in TEXT_RULES} | {"fit"}  # of whole messages
    assert first_cells(section("docs/languages.md", "## What lint finds")) == rules


def test_the_table_of_what_fits_is_what_the_command_shows(town: Town) -> None:
    done = town.run(["translations", "fit", "all"])
    assert done.returncode == 0, done.stdout[-500:]
    assert done.stdout.strip() == section("docs/fit.md", "## All languages").strip()


def test_the_rules_of_plain_language_are_listed_with_their_numbers() -> None:
    told = re.findall(r"^\| (\d+) \| (.+) \|$", PAGES["docs/accessibility.md"], re.MULTILINE)
    assert [(int(number), name) for number, name in told] == [(r.number, r.name) for r in RULES]


# Links and pictures ------------------------------------------------------------------------------


def anchors(page: str) -> set[str]:
    """The anchors that a page's headings get where the project is read."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {
        re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings
    }


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", PAGES[page]):
        if re.match(r"[a-z]+:", target):
            continue
        place, _, anchor = target.partition("#")
        path = (ROOT / page).parent / place if place else ROOT / page
        if not path.exists() or (anchor and anchor not in anchors(path.read_text("utf-8"))):
            broken.append(target)
    assert not broken


def test_the_picture_is_small_enough_for_a_first_page() -> None:
    assert (ROOT / "docs/images/warning-three-scripts.png").stat().st_size < 200_000


# What is shown is run ----------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Town:
    """A working folder in which one warning is out."""

    folder: Path
    environment: dict[str, str]
    identifier: str = ""

    def run(self, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [SCRIPT, *arguments],
            cwd=self.folder,
            env=self.environment,
            text=True,
            encoding="utf-8",
            capture_output=True,
            timeout=120,
            check=False,
        )


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    folder = tmp_path_factory.mktemp("town")
    for name in ("examples", "locales", "templates"):
        shutil.copytree(ROOT / name, folder / name)
    settings = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    settings["languages"] = ["de", "en", "tr", "ar", "uk", "pl"]
    # Speaking takes longer than everything else here; its own tests listen to it.
    del settings["channels"]["voice"]
    for route in settings["route"]["routes"]:
        route["channels"] = [name for name in route["channels"] if name != "voice"]
    (folder / "config.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    kept = {"PATH", "HOME", "LANG", "TMPDIR"}
    environment = {name: value for name, value in os.environ.items() if name in kept}
    environment["BROADCASTER_CONFIG"] = str(folder / "config.yaml")
    town = Town(folder, environment)
    added = town.run(["subscribers", "import", "examples/subscribers.csv", "--channel", "texts"])
    assert added.returncode == 0, added.stderr
    issued = town.run(["issue", "examples/heat.yaml", "--yes", "--json"])
    assert issued.returncode == 0, issued.stderr
    return dataclasses.replace(town, identifier=json.loads(issued.stdout)["identifier"])


@pytest.mark.parametrize("snippet", [s for s in SNIPPETS if s.runs], ids=str)
def test_what_a_page_shows_can_be_done(snippet: Snippet, town: Town) -> None:
    for arguments in commands(snippet):
        meant = [town.identifier if word == "ID" else word for word in arguments]
        done = town.run(meant)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"


@pytest.mark.parametrize("snippet", [s for s in SNIPPETS if s.kind == "python"], ids=str)
def test_every_python_snippet_runs(snippet: Snippet, town: Town) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", snippet.text],
        cwd=town.folder,
        text=True,
        env=town.environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_published_path_is_one_that_is_told(town: Town) -> None:
    table = first_cells(section("docs/integrate.md", "## Paths"))
    told = [
        re.escape(path)
        .replace("<tag>", "[a-z]{2,3}(-[A-Z][a-z]{3})?")
        .replace("<id>", r"[\w.-]+")
        .replace("/\\.\\.\\.", "/.*")
        for path in table
    ]
    told += [r"/[a-z]{2,3}/alerts/[\w.-]+/plain/"]  # "`plain/` below it"
    site = town.folder / "var/www"
    published = {
        "/" + str(file.relative_to(site)).removesuffix("index.html")
        for file in site.rglob("*")
        if file.is_file()
    }
    assert published
    assert {path for path in published if not any(re.fullmatch(one, path) for one in told)} == set()


def keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value)
    return set().union(*map(keys, value)) if isinstance(value, list) else set()


@pytest.mark.parametrize(
    ("channel", "heading", "inner"),
    [
        ("texts", "## Hand-over of SMS", None),
        ("cells", "## Hand-over of cell broadcast", "broadcasts"),
    ],
)
def test_every_field_of_a_hand_over_file_is_explained_and_none_that_is_not_there(
    town: Town, channel: str, heading: str, inner: str | None
) -> None:
    files = [
        json.loads(p.read_bytes()) for p in (town.folder / "var/outbox" / channel).glob("*.json")
    ]
    assert files
    written = set().union(*(set(file) for file in files))
    if inner:
        written |= set().union(*(keys(file[inner]) for file in files))
    assert first_cells(section("docs/integrate.md", heading)) == written
