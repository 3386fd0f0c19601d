"""Catalogues go out to translators, come back, are signed for, and are proved to fit."""

import shutil

import pytest
import yaml

from broadcaster.model.rendition import Variant
from broadcaster.paths import shipped
from tests.unit.app.desk_bench import Office

THERE = 'msgid "Heat"\nmsgstr "'


@pytest.fixture
async def office(tmp_path):
    shutil.copytree(shipped("locales"), tmp_path / "locales")
    office = await Office(tmp_path, locales=str(tmp_path / "locales")).open()
    yield office
    await office.close()


async def test_status_tells_every_variant_and_hazard_of_every_language(office):
    rows = (await office.result("translations", action="status", languages=["all"]))["languages"]

    assert len({row["language"] for row in rows}) == 37
    offered = (await office.result("translations", action="status"))["languages"]
    assert {row["language"] for row in offered} == {"de", "tr"}
    turkish = [row for row in rows if row["language"] == "tr"]
    assert [row["variant"] for row in turkish] == ["standard", "short", "spoken", "plain"]
    assert all(len(row["hazards"]) == 18 and not any(row["hazards"].values()) for row in turkish)
    assert {row["review"] for row in turkish} == {"drafted"}


async def test_a_catalogue_goes_out_and_comes_back_corrected(office):
    po = (await office.result("translations", action="export", language="tr", variant="plain"))[
        "po"
    ]
    assert THERE in po
    i = po.index(THERE) + len(THERE)
    changed = po[:i] + "Büyük " + po[i:]

    back = await office.result(
        "translations", action="import", language="tr", variant="plain", po=changed
    )

    # Somebody signed for other words: that is the one thing wrong now.
    assert [f["rule"] for f in back["findings"] if f["level"] == "error"] == ["stale"]
    signed = await office.result(
        "translations", action="sign", language="tr", variant="plain", level="reviewed", by="A. M."
    )
    assert (signed["level"], signed["by"]) == ("reviewed", "A. M.")
    ledger = yaml.safe_load((office.folder / "locales" / "tr" / "ledger.yaml").read_text("utf-8"))
    assert ledger["plain"]["level"] == "reviewed"
    assert ledger["standard"]["level"] == "drafted"
    rows = (await office.result("translations", action="status", languages=["tr"]))["languages"]
    assert {r["variant"]: (r["review"], r["stale"]) for r in rows}["plain"] == ("reviewed", False)
    actions = [e.action for e in await office.app.store.audit()]
    assert actions[-2:] == ["translations import", "translations sign"]


async def test_what_came_back_is_what_the_next_warning_says(office):
    export = {"action": "export", "language": "tr", "variant": "plain"}
    po = (await office.result("translations", **export))["po"]
    i = po.index(THERE) + len(THERE)
    await office.ask(
        "translations",
        action="import",
        language="tr",
        variant="plain",
        po=po[:i] + "Büyük " + po[i:],
    )

    said = office.app.library.catalogue("tr", Variant.PLAIN).say("Heat")

    assert said.startswith("Büyük ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"action": "fly"}, "'fly' is no action"),
        ({"action": "export", "language": "xx", "variant": "plain"}, "'xx' is not a language"),
        ({"action": "export", "language": "tr", "variant": "short"}, "'short' has no catalogue"),
        ({"action": "export", "language": "sr-Latn", "variant": "plain"}, "in other letters"),
        ({"action": "import", "language": "tr", "variant": "plain", "po": "?"}, "line 1"),
        (
            {"action": "sign", "language": "tr", "variant": "plain", "level": "good", "by": ""},
            "'good' is no level",
        ),
        ({"action": "fit", "languages": ["xx"]}, "'xx' is not a language"),
    ],
)
async def test_what_cannot_be_done_is_said(office, arguments, said):
    before = {p: p.read_bytes() for p in (office.folder / "locales" / "tr").rglob("*.*")}

    words, code = await office.refused("translations", **arguments)

    assert said in words
    assert code == 2
    assert before == {p: p.read_bytes() for p in (office.folder / "locales" / "tr").rglob("*.*")}


async def test_only_who_may_approve_may_sign(office):
    office.configure(
        locales=str(office.folder / "locales"),
        officers=[{"name": "A. Muster", "os_user": "muster", "roles": ["issue"]}],
    )
    await office.restart()

    words, code = await office.refused(
        "translations", action="sign", language="tr", variant="plain", level="reviewed", by="A. M."
    )

    assert code == 5
    assert "approve" in words


async def test_fit_and_lint_name_what_is_too_long(office):
    path = office.folder / "locales" / "tr" / "LC_MESSAGES" / "standard.po"
    before = 'msgctxt "lead"\nmsgid "Heat"\nmsgstr "'
    text = path.read_text("utf-8")
    path.write_text(text.replace(before, before + "Uzun " * 12), "utf-8")
    office.app.library.forget("tr")

    (row,) = (await office.result("translations", action="fit", languages=["tr"]))["fits"]
    found = (await office.result("translations", action="lint", languages=["tr"]))["findings"]

    assert row["rendered"] == 52 * 3 * 4
    assert not row["wires"]["first page"]["fits"]
    assert row["wires"]["first page"]["of"].startswith("heat ")
    assert any(f["rule"] == "fit" and "first page: heat" in f["says"] for f in found)
