"""Everything that texts are made from, loaded once: languages, hazards, catalogues, templates.

A daemon loads it at start and keeps it; rendering is then values in, text out.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2

from broadcaster.model.errors import BadInput, Problem
from broadcaster.model.rendition import Variant
from broadcaster.text.catalogues import Catalogue, load
from broadcaster.text.federal import Federal, load_federal
from broadcaster.text.formats import Formats
from broadcaster.text.hazards import Hazard, load_hazards
from broadcaster.text.keywords import Keywords, load_keywords
from broadcaster.text.languages import Language, load_languages
from broadcaster.text.phrases import Phrase, declared

CATALOGUE_VARIANTS = (Variant.STANDARD, Variant.PLAIN)
"""The variants that have a catalogue; short and spoken texts live in the standard one."""


class Library:
    """The reviewed texts of one installation."""

    def __init__(self, templates: Path, locales: Path, zone: ZoneInfo) -> None:
        self.templates, self.locales, self.zone = templates, locales, zone
        self.languages: dict[str, Language] = load_languages(locales / "languages.yaml")
        self.hazards: dict[str, Hazard] = load_hazards(templates)
        self.env = jinja2.Environment(
            loader=jinja2.FileSystemLoader(templates),
            autoescape=lambda name: bool(name) and not str(name).endswith((".txt.j2", ".css.j2")),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._catalogues: dict[tuple[str, Variant], Catalogue] = {}

    @classmethod
    def load(cls, templates: Path, locales: Path, zone: str) -> Library:
        """Read languages and hazards.  Raises ``BadInput`` with every problem at once."""
        missing = [folder for folder in (templates, locales) if not folder.is_dir()]
        if missing:
            raise BadInput(
                Problem(str(folder), "is not a folder", "correct `templates` or `locales`")
                for folder in missing
            )
        return cls(templates, locales, ZoneInfo(zone))

    @cached_property
    def federal(self) -> Federal:
        """What the codes of federal warnings mean in this catalogue."""
        return load_federal(self.templates / "federal.yaml", self.hazards)

    @cached_property
    def keywords(self) -> Keywords:
        """What residents write to subscribe and to leave.  Raises ``BadInput``."""
        return load_keywords(self.locales / "keywords.yaml", self.languages)

    @cached_property
    def phrases(self) -> tuple[Phrase, ...]:
        """Every sentence that a complete language must have."""
        return declared(self.templates)

    def language(self, tag: str) -> Language:
        """The row of a language.  Raises ``BadInput`` naming the nearest tags."""
        try:
            return self.languages[tag]
        except KeyError:
            known = ", ".join(sorted(self.languages))
            raise BadInput(
                Problem(
                    "language", f"{tag!r} is not a language Broadcaster knows", f"one of {known}"
                )
            ) from None

    def catalogue(self, tag: str, variant: Variant) -> Catalogue:
        """The catalogue that says a variant: short and spoken are part of the standard one."""
        domain = variant if variant in CATALOGUE_VARIANTS else Variant.STANDARD
        key = (tag, domain)
        if key not in self._catalogues:
            self._catalogues[key] = load(self.locales, self.language(tag), domain, self.phrases)
        return self._catalogues[key]

    def forget(self, tag: str) -> None:
        """Read the catalogues of a language again: they were written to."""
        for key in [key for key in self._catalogues if key[0] == tag]:
            del self._catalogues[key]

    def formats(self, tag: str) -> Formats:
        """How a language writes times, numbers and lists, in the city's zone."""
        return Formats(self.language(tag), self.zone)

    def context(self, tag: str, variant: Variant) -> dict[str, Any]:
        """What every template is given: ``t``, ``tn``, ``formats`` and the language's row.

        ``t("Where", context=None)`` says a label, ``t("Sentence")`` the furniture of a page.
        Furniture exists in the standard catalogue only, as one wording serves both variants.
        """
        page = self.catalogue(tag, Variant.STANDARD)
        own = self.catalogue(tag, variant)

        def t(msgid: str, *, context: str | None = "page", **values: Any) -> str:
            return (page if context == "page" else own).say(msgid, context=context, **values)

        def tn(one: str, many: str, n: int, *, context: str | None = "page", **values: Any) -> str:
            return page.say_many(one, many, n, context=context, **values)

        return {"t": t, "tn": tn, "formats": self.formats(tag), "language": self.language(tag)}

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over every template and stylesheet: part of what an approval binds to."""
        digest = hashlib.sha256()
        for path in sorted(p for p in self.templates.rglob("*") if p.is_file()):
            digest.update(str(path.relative_to(self.templates)).encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()
