"""Peers: real programs that some tests talk to."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared"
NODE_MODULES = Path(__file__).parent / "peers" / "node_modules"


def _missing(peer: str) -> str:
    if peer.startswith("npm:"):
        return "" if (NODE_MODULES / peer[4:]).is_dir() else f"the npm package {peer[4:]}"
    return "" if shutil.which(peer) else f"the program {peer}"


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("peer"):
        for peer in marker.args:
            if missing := _missing(peer):
                reason = f"{missing} is not installed; `make peers` installs it"
                # In CI the peers are installed first: one that is missing there is a failure.
                (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real warnings and schemas, which are not part of the project."""
    if not SHARED.is_dir():
        pytest.skip("../shared with real warnings and schemas is not on this machine")
    return SHARED
