"""The wheel carries everything, and works from any folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from this tree by its declared backend, which is installed here already."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    done = subprocess.run([*command, str(ROOT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = folder.glob("*.whl")
    return made


def names(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_carries_texts_catalogues_configuration_and_licences(wheel: Path) -> None:
    held = names(wheel)
    data = "broadcaster/_data"
    assert {f"{data}/config.yaml", f"{data}/examples/heat.yaml"} <= held
    assert f"{data}/templates/hazards/flood.yaml" in held
    assert f"{data}/templates/areas/dortmund.geojson" in held
    for tag in ("de", "en", "tr", "ar", "uk", "pl"):
        assert f"{data}/locales/{tag}/ledger.yaml" in held
        for variant in ("standard", "plain"):
            for kind in ("po", "mo"):
                assert f"{data}/locales/{tag}/LC_MESSAGES/{variant}.{kind}" in held
    assert any(name.endswith("licenses/NOTICE") for name in held)


def test_the_wheel_carries_every_module_and_data_file_and_no_test(wheel: Path) -> None:
    held = names(wheel)
    for package in ("broadcaster", "channels"):
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and path.suffix not in (".pyc", ""):
                assert path.relative_to(ROOT).as_posix() in held
    assert not [name for name in held if name.startswith("tests/") or name.endswith(".pyc")]


def test_the_installed_wheel_warns_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    site = next(home.glob("lib/python*/site-packages"))
    install = [sys.executable, "-m", "pip", "--python", str(python), "install"]
    quiet = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    subprocess.run([*install, *quiet, str(wheel)], check=True)
    # The dependencies are those of the tests; ours comes first, from the wheel.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        "LC_ALL": "C.UTF-8",
    }
    where = "import broadcaster; print(broadcaster.__file__)"
    shown = subprocess.run(
        [python, "-c", where],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.startswith(str(site))

    settings = (ROOT / "config.yaml").read_text(encoding="utf-8")
    # Speech takes a minute; the voices are tested where they live.
    (elsewhere / "config.yaml").write_text(settings.replace("[voice, texts]", "[texts]"))
    command = [
        home / "bin" / "broadcaster",
        "--data",
        "var",
        "--config",
        "config.yaml",
        "issue",
        "--hazard",
        "flood",
        "--level",
        "3",
        "--area",
        "dortmund",
        "--expires",
        "6h",
        "--yes",
        "--json",
    ]
    done = subprocess.run(
        command,
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    sent = {(line["channel"], line["language"], line["variant"]) for line in report["lines"]}
    assert ("pages", "ar", "plain") in sent
    assert ("cells", "uk", "standard") in sent
    assert all(set(line["states"]) == {"accepted"} for line in report["lines"])
    published = elsewhere / "var" / "www" / "cap" / f"{report['identifier']}.xml"
    assert "Lebensgefahr durch Hochwasser" in published.read_text(encoding="utf-8")
