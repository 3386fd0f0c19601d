"""A small installation in a folder of its own, as an integrator would set one up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


def config(folder: Path, **changes: Any) -> Path:
    """The shipped configuration with changes, written to ``folder``."""
    settings = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    # Six languages of three scripts: every language is proved by itself, and takes its time.
    settings["languages"] = ["de", "en", "tr", "ar", "uk", "pl"]
    settings.update(changes)
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    return path


def quiet_channels(*names: str) -> dict[str, Any]:
    """``channels`` and ``route`` with these of the shipped channels only."""
    settings = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    return {
        "channels": {name: settings["channels"][name] for name in names},
        "route": {"channels": list(names)},
    }


def broadcaster(
    *arguments: str | Path,
    data: Path,
    config: Path | None = None,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
    timeout: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Run the command as an officer does."""
    command = [sys.executable, "-m", "broadcaster", "--data", str(data)]
    if config:
        command += ["--config", str(config)]
    return subprocess.run(
        [*command, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8", "NO_COLOR": "1", **(env or {})},
    )


def result(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The JSON object on standard output."""
    assert done.stdout.strip(), done.stderr
    value: dict[str, Any] = json.loads(done.stdout)
    return value
