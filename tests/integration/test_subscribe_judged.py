"""The sign-up pages, judged by other people's programs and used by a real browser."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.city import ROOT
from tests.unit.server.signup_town import PHONE, Town, hidden, town

PEERS = ROOT / "tests" / "peers"
TAGS = ("de", "ar", "ta")


async def collected(at: Town, folder: Path) -> list[str]:
    """Every kind of page in three scripts, as files; their names."""
    made = []

    def keep(name: str, page: str) -> None:
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
        made.append(f"{name}.html")

    for tag in TAGS:
        home = f"/{tag}/subscribe"
        keep(f"{tag}-form", await at.open(home))
        keep(f"{tag}-end", await at.open(f"{home}/end"))
        bad = {"number": "0231 50", "where": "some", "what": "some", "answer": "1"}
        keep(f"{tag}-mistakes", await (await at.post(home, bad)).text())
        keep(f"{tag}-end-mistakes", await (await at.post(f"{home}/end", bad)).text())
        for way in ("", "/end"):
            first, second, token = at.signups.question()
            data = {"number": PHONE, "answer": str(first + second), "token": token}
            code = await at.follow(await at.post(f"{home}{way}", data))
            keep(f"{tag}{way.replace('/', '-')}-code", code)
            filled = {"token": hidden(code), "code": "000000"}
            wrong = await at.post(f"{home}{way}/code", filled)
            keep(f"{tag}{way.replace('/', '-')}-code-wrong", await wrong.text())
            await at.sent()
            filled["code"] = at.network.codes()[-1]
            done = await at.follow(await at.post(f"{home}{way}/code", filled))
            keep(f"{tag}{way.replace('/', '-')}-done", done)
        at.time.turn(days=2)
    return made


@pytest.fixture
async def pages(tmp_path: Path) -> tuple[Path, list[str]]:
    folder = tmp_path / "pages"
    folder.mkdir()
    async with town(tmp_path / "var", languages=("de", "ar", "ta", "en", "tr")) as at:
        made = await collected(at, folder)
    async with town(tmp_path / "closed", closed=True) as at:
        (folder / "closed.html").write_text(await at.open("/de/subscribe"), encoding="utf-8")
    return folder, [*made, "closed.html"]


@pytest.mark.peer("node", "chromium", "npm:axe-core", "npm:playwright-core")
def test_axe_finds_no_violation_on_any_sign_up_page_light_or_dark(
    pages: tuple[Path, list[str]],
) -> None:
    folder, every = pages
    assert len(every) == 3 * 10 + 1
    # All of one script, and of the others what differs in layout: the browser takes seconds a page.
    kinds = ("-form.html", "-mistakes.html", "-code.html")
    names = [n for n in every if n.startswith(("de", "closed")) or n.endswith(kinds)]
    names = [n for n in names if n.startswith(("de", "closed")) or "-end-" not in n]
    assert len(names) == 11 + 2 * 3
    done = subprocess.run(
        ["node", "axe.js", str(folder), *names],
        cwd=PEERS,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    verdict = json.loads(done.stdout)
    assert verdict["pages"] == 2 * len(names)
    assert verdict["violations"] == []


@pytest.mark.peer("java", "npm:vnu-jar")
def test_the_nu_checker_finds_no_error_on_any_sign_up_page(pages: tuple[Path, list[str]]) -> None:
    folder, names = pages
    jar = PEERS / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar"
    command = ["java", "-jar", str(jar), "--format", "json", "--errors-only", "--also-check-css"]
    done = subprocess.run(
        [*command, *(str(folder / name) for name in names)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert json.loads(done.stderr)["messages"] == []


@pytest.mark.peer("node", "chromium", "npm:playwright-core")
async def test_a_browser_without_scripts_signs_up_by_keyboard_alone(tmp_path: Path) -> None:
    """Mistakes first: the browser lands on them, and its links lead to the fields."""
    async with town(tmp_path, languages=("de", "ar")) as at:
        browser = await asyncio.create_subprocess_exec(
            "node",
            "signup.js",
            str(at.client.make_url("/de/subscribe")),
            PHONE,
            cwd=PEERS,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert browser.stdin is not None
        assert browser.stdout is not None
        async with asyncio.timeout(60):
            asked = await browser.stdout.readline()
            assert asked == b"code?\n", (await browser.communicate())[1].decode()
            await at.sent()
            out, err = await browser.communicate(at.network.codes()[0].encode() + b"\n")
        assert browser.returncode == 0, err.decode()
        seen = json.loads(out)
        assert seen["focused"] == "summary"
        assert seen["field"] == "number"
        assert seen["said"] == "Sie bekommen jetzt Warnungen per SMS."
        assert seen["refused"] == []
        found = await at.store.known("texts", PHONE)
        assert found is not None
        assert found[0].wish.areas == ("dortmund-innenstadt-west",)
