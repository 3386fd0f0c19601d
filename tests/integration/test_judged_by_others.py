"""What is published, judged by other people's programs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import feedparser
import pytest

from tests.acceptance.city import ROOT, broadcaster, config, quiet_channels, result

PEERS = ROOT / "tests" / "peers"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with a warning in force, an updated one, an ended one and an official text."""
    folder = tmp_path_factory.mktemp("site")
    settings = config(folder, **quiet_channels("pages", "feeds"))
    data = folder / "var"

    def run(*arguments: str | Path) -> str:
        done = broadcaster(*arguments, "--yes", "--json", data=data, config=settings)
        assert done.returncode == 0, done.stderr
        return str(result(done)["identifier"])

    run("issue", ROOT / "examples" / "flood.yaml")
    heat = run("issue", ROOT / "examples" / "heat.yaml")
    run("update", heat, "--level", "3")
    rain = run("issue", ROOT / "examples" / "heavy_rain.yaml")
    run("cancel", rain, "--reason", "over")
    return data / "www"


def pages(site: Path) -> list[str]:
    return sorted(str(p.relative_to(site)) for p in site.rglob("*.html"))


def one_of_each_kind(site: Path) -> list[str]:
    """The chooser, three fronts, and alerts of each standing in three scripts and both variants."""
    alerts = sorted(path.name for path in (site / "de" / "alerts").iterdir())
    return [
        "index.html",
        *(f"{tag}/index.html" for tag in ("de", "ar", "uk")),
        *(
            f"{tag}/alerts/{alert}/{variant}index.html"
            for tag, alert in zip(("de", "ar", "uk", "pl", "ar"), alerts, strict=False)
            for variant in ("", "plain/")
        ),
    ]


@pytest.mark.peer("java", "npm:vnu-jar")
def test_the_nu_checker_finds_no_error_on_any_page(site: Path) -> None:
    jar = PEERS / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar"
    found = pages(site)
    assert len(found) > 60
    done = subprocess.run(
        [
            "java",
            "-jar",
            str(jar),
            "--format",
            "json",
            "--errors-only",
            "--also-check-css",
            *(str(site / page) for page in found),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    messages = json.loads(done.stderr)["messages"]
    assert messages == []


@pytest.mark.peer("node", "chromium", "npm:axe-core", "npm:playwright-core")
def test_axe_finds_no_violation_in_any_script_light_or_dark(site: Path) -> None:
    found = one_of_each_kind(site)
    assert len(found) > 12
    done = subprocess.run(
        ["node", "axe.js", str(site.resolve()), *found],
        cwd=PEERS,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    verdict = json.loads(done.stdout)
    assert verdict["pages"] == 2 * len(found)
    assert verdict["violations"] == []


@pytest.mark.peer("msgfmt")
@pytest.mark.parametrize(
    "catalogue", sorted((ROOT / "locales").rglob("*.po")), ids=lambda p: "/".join(p.parts[-3:])
)
def test_gettext_itself_accepts_every_catalogue(catalogue: Path) -> None:
    done = subprocess.run(
        ["msgfmt", "--check-format", "--check-domain", "-o", "/dev/null", str(catalogue)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_feed_is_read_by_feedparser_with_its_language_and_its_own_address(site: Path) -> None:
    feeds = sorted(path for path in (site / "feed").iterdir() if path.suffix != ".geojson")
    assert len(feeds) == 6 * 2 * 2 + 1
    for path in feeds:
        feed = feedparser.parse(path.read_bytes())
        assert not feed.bozo, (path, feed.get("bozo_exception"))
        assert feed.version in ("atom10", "rss20")
        assert feed.entries, path
        links = {link["rel"]: link["href"] for link in feed.feed.links}
        assert links["self"].endswith("/feed/" + path.name)
        if path.name != "cap.atom":
            tag = path.stem.removesuffix("-plain")
            assert feed.feed.language.split("-")[0] == tag, path
        types = {link.get("type") for entry in feed.entries for link in entry.links}
        assert "application/cap+xml" in types, path


def test_every_local_link_leads_to_a_file(site: Path) -> None:
    import re

    for page in pages(site):
        text = (site / page).read_text(encoding="utf-8")
        for target in re.findall(r'(?:href|src)="([^"#:]+)(?:#[^"]*)?"', text):
            if target.startswith(("http", "mailto", "data")):
                continue
            assert (site / page).parent.joinpath(target).exists(), (page, target)
