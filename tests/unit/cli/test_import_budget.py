"""A warning must not wait for imports.

What `--help` and a command through the daemon import is written down here.  A new name in the
failure message means that the start has become slower: import it where it is needed, or measure it
and add it knowingly.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli.fakes import Daemon, environment

OURS = {
    "broadcaster",
    "broadcaster.cli",
    "broadcaster.cli.main",
    "broadcaster.cli.overview",
    "broadcaster.cli.screen",
    "broadcaster.cli.stop",
    "broadcaster.cli.words",
}
OURS_TO_ISSUE = OURS | {
    "broadcaster.cli.client",
    "broadcaster.cli.fields",
    "broadcaster.cli.inputs",
    "broadcaster.cli.local",
    "broadcaster.cli.looking",
    "broadcaster.cli.office",
    "broadcaster.cli.parser",
    "broadcaster.cli.sending",
    "broadcaster.cli.show",
}
HELP = {"__future__"}
ISSUE = HELP | {
    # argparse and what it needs
    "argparse",
    "gettext",
    "re",
    "_sre",
    "copyreg",
    "enum",
    "functools",
    "_functools",
    "types",
    "collections",
    "_collections",
    "operator",
    "_operator",
    "keyword",
    "itertools",
    "reprlib",
    "errno",
    "locale",
    "_locale",
    "warnings",
    # the socket and what goes over it
    "json",
    "_json",
    "socket",
    "_socket",
    "selectors",
    "select",
    "math",
    "array",
    "pwd",
    "encodings",
}

# -S leaves out what start-up files in site-packages would import, which is not ours to budget;
# `site` itself belongs to the bare interpreter.
PROBE = """
import sys, site
before = set(sys.modules)
from broadcaster.cli.main import main
code = main(sys.argv[1:])
after = set(sys.modules) - before
sys.stdout.flush()
print("\\n" + " ".join(sorted(after)), file=sys.stderr)
sys.exit(code)
"""


def imported(*argv: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-S", "-c", PROBE, *argv],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.rsplit("\n", 2)[-2].split())


def packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def ours(modules: set[str]) -> set[str]:
    return {name for name in modules if name.partition(".")[0] == "broadcaster"}


def test_help_imports_nothing_but_its_budget() -> None:
    modules = imported("--help")
    assert ours(modules) <= OURS
    assert packages(modules) - {"broadcaster"} <= HELP


@pytest.mark.parametrize("flags", [("--yes",), ("--yes", "--json")])
def test_issue_through_a_daemon_imports_nothing_but_its_budget(
    daemon: Daemon, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    (tmp_path / "heat.yaml").write_text("hazard: heat\n", encoding="utf-8")
    modules = imported("issue", "heat.yaml", "--level", "2", *flags)
    assert daemon.commands == ["issue"]
    assert ours(modules) <= OURS_TO_ISSUE
    assert packages(modules) - {"broadcaster"} <= ISSUE


def test_the_budget_would_notice_a_heavy_import() -> None:
    probe = PROBE.replace("from broadcaster", "import asyncio\nfrom broadcaster")
    done = subprocess.run(
        [sys.executable, "-S", "-c", probe, "version", "--json"],
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert json.loads(done.stdout)["version"]
    assert packages(set(done.stderr.split())) - {"broadcaster"} - ISSUE >= {"asyncio"}
