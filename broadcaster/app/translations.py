"""``broadcaster translations``: how far every language is, what is wrong, and who stands for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from broadcaster.app import approval
from broadcaster.app.composition import App
from broadcaster.config import Officer
from broadcaster.delivery.files import write_whole
from broadcaster.model.cap import Area
from broadcaster.model.errors import BadInput, Problem
from broadcaster.model.rendition import Variant
from broadcaster.text.catalogues import po_path, read_ledger, sign
from broadcaster.text.compose import Identity
from broadcaster.text.languages import Language
from broadcaster.text.library import CATALOGUE_VARIANTS
from broadcaster.text.lint import Finding, completeness, lint
from broadcaster.text.phrases import for_variant, update_po
from broadcaster.text.proof import Proof, prove

Events = AsyncIterator[dict[str, Any]]

LEDGER_HEAD = """\
# Who stands for these catalogues.  `drafted`: no native speaker has read them yet.
# `source` and `text` are SHA-256; when a sentence changes, the review is stale.
"""


class Translations:
    """Reads and writes the catalogues of this installation."""

    def __init__(self, app: App) -> None:
        self._app, self._library = app, app.library

    async def handle(self, arguments: Mapping[str, Any], officer: Officer) -> Events:
        """The events of one request; ``action`` says which."""
        acts = {
            "status": self._status,
            "lint": self._lint,
            "fit": self._fit,
            "export": self._export,
            "import": self._import,
            "sign": self._sign,
        }
        action = str(arguments.get("action", ""))
        if action not in acts:
            raise BadInput(Problem("action", f"{action!r} is no action", ", ".join(acts)))
        if action in ("import", "sign"):
            approval.may(officer, "approve")
        code, values = acts[action](arguments, officer)
        if action in ("import", "sign"):
            await self._app.store.record(
                officer.name,
                f"translations {action}",
                f"{values['language']}/{values['variant']}",
                {
                    key: value
                    for key, value in values.items()
                    if key in ("level", "by", "sentences")
                },
                self._app.clock.now(),
            )
        yield {"event": "result", "result": values}
        if code:
            yield {"event": "end", "exit": code}

    # ---- looking -----------------------------------------------------------------------------

    def _languages(self, arguments: Mapping[str, Any]) -> list[Language]:
        """The languages asked for; else those the city offers."""
        wanted = arguments.get("languages") or self._app.settings.languages
        if wanted == ["all"]:
            return list(self._library.languages.values())
        return [self._library.language(str(tag)) for tag in wanted]

    def _status(self, arguments: Mapping[str, Any], officer: Officer) -> tuple[int, dict[str, Any]]:
        library = self._library
        languages = self._languages(arguments)
        rows = completeness(library.locales, languages, library.phrases, library.hazards)
        return 0, {
            "languages": [
                {
                    "language": r.language,
                    "variant": r.variant,
                    "translated": r.translated,
                    "total": r.total,
                    "hazards": dict(r.hazards),
                    "stale": r.review.stale,
                    "review": r.review.level,
                    "by": r.review.by,
                    "on": r.review.on.isoformat() if r.review.on else "",
                }
                for r in rows
            ]
        }

    def _lint(self, arguments: Mapping[str, Any], officer: Officer) -> tuple[int, dict[str, Any]]:
        library = self._library
        # Two languages with one text are found only when all are looked at.
        found = lint(library.locales, library.languages.values(), library.phrases)
        wanted = self._languages(arguments)
        tags = {language.tag for language in wanted}
        rows = [asdict(f) for f in found if f.language in tags]
        rows += [asdict(f) for proof in self._proofs(wanted) for f in _too_long(proof)]
        return (2 if any(row["level"] == "error" for row in rows) else 0), {"findings": rows}

    def _fit(self, arguments: Mapping[str, Any], officer: Officer) -> tuple[int, dict[str, Any]]:
        proofs = self._proofs(self._languages(arguments))
        rows = [
            {
                "language": proof.language,
                "rendered": proof.rendered,
                "missing": list(proof.missing),
                "wires": {name: {**asdict(fit), "fits": fit.fits} for name, fit in proof.wires},
            }
            for proof in proofs
        ]
        bad = any(p.missing or not all(fit.fits for _, fit in p.wires) for p in proofs)
        return (2 if bad else 0), {"fits": rows}

    def _proofs(self, languages: Iterable[Language]) -> list[Proof]:
        settings, gazetteer = self._app.settings, self._app.gazetteer
        identity = Identity(
            identifier=f"{settings.identifier_prefix}.20260101T000000.aaaaaa",
            sender=settings.sender,
            sender_name=settings.sender_name,
            sent=self._app.clock.now(),
            base_url=settings.base_url,
            contact=settings.contact,
            languages=settings.languages,
        )
        longest = max((named.name for named in gazetteer.named), key=len)
        return [
            prove(
                self._library,
                identity,
                language,
                city=Area(area_desc=gazetteer.city.name),
                area=Area(area_desc=longest),
            )
            for language in languages
        ]

    # ---- to translators and back -------------------------------------------------------------

    def _catalogue(self, arguments: Mapping[str, Any]) -> tuple[Language, Variant, Path]:
        language = self._library.language(str(arguments.get("language", "")))
        name = str(arguments.get("variant", ""))
        if name not in [variant.value for variant in CATALOGUE_VARIANTS]:
            raise BadInput(Problem("variant", f"{name!r} has no catalogue", "standard or plain"))
        if language.respells:
            says = f"is {language.respells} in other letters and has no catalogue of its own"
            raise BadInput(Problem("language", says, f"work on {language.respells}"))
        variant = Variant(name)
        return language, variant, po_path(self._library.locales, language.tag, variant)

    def _export(self, arguments: Mapping[str, Any], officer: Officer) -> tuple[int, dict[str, Any]]:
        language, variant, path = self._catalogue(arguments)
        phrases = for_variant(self._library.phrases, variant)
        before = path.read_bytes() if path.exists() else None
        po = update_po(before, phrases, language).decode()
        return 0, {"language": language.tag, "variant": variant.value, "po": po}

    def _import(self, arguments: Mapping[str, Any], officer: Officer) -> tuple[int, dict[str, Any]]:
        language, variant, path = self._catalogue(arguments)
        phrases = for_variant(self._library.phrases, variant)
        po = update_po(str(arguments.get("po", "")).encode(), phrases, language)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, po)
        self._library.forget(language.tag)
        found = [
            asdict(f)
            for f in lint(self._library.locales, [language], self._library.phrases)
            if f.variant == variant.value
        ]
        # What is wrong is kept as well: a translator works on, and an error keeps it from shipping.
        wrong = any(f["level"] == "error" for f in found)
        return (2 if wrong else 0), {
            "language": language.tag,
            "variant": variant.value,
            "sentences": len(phrases),
            "findings": found,
        }

    def _sign(self, arguments: Mapping[str, Any], officer: Officer) -> tuple[int, dict[str, Any]]:
        language, variant, _ = self._catalogue(arguments)
        locales, tag = self._library.locales, language.tag
        self._library.forget(tag)
        row = sign(
            self._library.catalogue(tag, variant),
            self._library.phrases,
            level=str(arguments.get("level", "")),
            by=str(arguments.get("by", "")),
            on=_today(self._app),
        )
        rows = {**read_ledger(locales, tag), variant.value: row}
        text = LEDGER_HEAD + yaml.safe_dump(rows, sort_keys=False, allow_unicode=True)
        write_whole(locales / tag / "ledger.yaml", text.encode())
        self._library.forget(tag)
        return 0, {
            "language": tag,
            "variant": variant.value,
            **{key: str(value) for key, value in row.items()},
        }


def _today(app: App) -> date:
    return app.clock.now().astimezone(app.library.zone).date()


def _too_long(proof: Proof) -> list[Finding]:
    return [
        Finding(
            rule="fit",
            language=proof.language,
            variant=Variant.STANDARD.value,
            msgid="",
            context=None,
            says=f"{wire}: {fit.of} takes {fit.size} {fit.unit} of {fit.limit}",
            remedy="say its sentences shorter",
            level="error",
        )
        for wire, fit in proof.wires
        if not fit.fits
    ]
