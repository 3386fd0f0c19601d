"""A new channel is a package of its own with an entry point; nothing here is changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from broadcaster.delivery.registry import find, kinds
from broadcaster.model.errors import BadInput
from tests.integration.installation import ROOT, Installation


def plugin(folder: Path, code: str) -> None:
    """An installed distribution, as pip would leave it."""
    package, metadata = folder / "town_crier", folder / "town_crier-1.0.dist-info"
    package.mkdir(parents=True)
    metadata.mkdir()
    (package / "__init__.py").write_text(code, encoding="utf-8")
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: town-crier\nVersion: 1.0\n", encoding="utf-8"
    )
    (metadata / "entry_points.txt").write_text(
        "[broadcaster.channels]\ncrier = town_crier:CrierChannel\n", encoding="utf-8"
    )


@pytest.fixture
def crier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The example channel, copied and renamed as its first lines advise."""
    code = (ROOT / "channels" / "log.py").read_text(encoding="utf-8")
    code = code.replace("LogChannel", "CrierChannel").replace('"log"', '"crier"')
    monkeypatch.syspath_prepend(tmp_path / "plugins")
    monkeypatch.delitem(__import__("sys").modules, "town_crier", raising=False)
    return code.replace("log.txt", "cried.txt")


def test_an_installed_plugin_is_found_by_its_kind_and_sends(tmp_path: Path, crier: str) -> None:
    plugin(tmp_path / "plugins", crier)
    assert find("crier", "channels.square.kind").kind == "crier"
    city = Installation(tmp_path)
    square = {"kind": "crier", "review": "drafted"}
    city.configure(["feeds"], languages=["de", "ar"], more={"square": square})
    done = city.issue(hazard="heat", level="1", area="dortmund")
    assert (done.exit, done.problems) == (0, [])
    assert done.states["square", "ar", "standard"] == {"accepted": 1}
    cried = (tmp_path / "var" / "outbox" / "square" / "cried.txt").read_text(encoding="utf-8")
    assert "Starke Hitze" in cried
    assert "حر شديد" in cried


def test_a_plugin_that_is_not_installed_stops_no_other_channel(tmp_path: Path) -> None:
    assert "crier" not in kinds()
    city = Installation(tmp_path)
    city.configure(["feeds"], languages=["de"], more={"square": {"kind": "crier"}})
    done = city.issue(hazard="heat", level="1", area="dortmund")
    assert done.exit == 3
    assert done.states["feeds", "de", "standard"] == {"accepted": 1}
    assert any("no channel of the kind 'crier'" in gap["reason"] for gap in done.report["gaps"])


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("raise RuntimeError('no licence')", "does not load: no licence"),
        ("class CrierChannel:\n    api = 0\n", "was written for contract 0"),
    ],
)
def test_a_plugin_that_does_not_fit_is_refused_with_the_reason(
    tmp_path: Path, crier: str, code: str, says: str
) -> None:
    plugin(tmp_path / "plugins", code)
    with pytest.raises(BadInput, match=says):
        find("crier", "channels.square.kind")
