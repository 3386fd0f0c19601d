"""A city's own installation: configuration, texts and data in a folder, used in this process."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import yaml

from broadcaster.app.local import events
from broadcaster.text.catalogues import po_path
from broadcaster.text.languages import Language, Variant, load_languages
from broadcaster.text.phrases import Phrase, declared, for_variant, parse_po, update_po

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Outcome:
    """What a command said."""

    exit: int
    report: dict[str, Any]
    problems: list[dict[str, Any]]

    @property
    def states(self) -> dict[tuple[str, str, str], dict[str, int]]:
        """Channel, language and variant to how its deliveries stand."""
        lines = self.report["lines"]
        return {(r["channel"], r["language"], r["variant"]): r["states"] for r in lines}


@dataclass(frozen=True)
class Installation:
    """One city."""

    folder: Path

    @property
    def www(self) -> Path:
        return self.folder / "var" / "www"

    def configure(
        self, names: Iterable[str], more: Mapping[str, Any] | None = None, **changes: Any
    ) -> None:
        """The shipped configuration with channels of these names, and more of its own; every one
        of them for every alert.
        """
        settings = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
        kept = {name: settings["channels"][name] for name in names} | dict(more or {})
        settings["languages"] = ["de", "en", "tr", "ar", "uk", "pl"]
        settings |= {"channels": kept, "route": {"channels": list(kept)}, **changes}
        text = yaml.safe_dump(settings, allow_unicode=True)
        (self.folder / "config.yaml").write_text(text, encoding="utf-8")

    def own_texts(self) -> None:
        """Copies of templates and locales, to change."""
        for name in ("templates", "locales"):
            shutil.copytree(ROOT / name, self.folder / name)

    def translate(self, tag: str, variant: Variant, says: Callable[[Phrase], str]) -> None:
        """Fill in what the catalogue lacks; what it has stays."""
        phrases = for_variant(declared(self.folder / "templates"), variant)
        path = po_path(self.folder / "locales", tag, variant)
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_bytes() if path.exists() else None
        path.write_bytes(_filled(update_po(before, phrases, self.language(tag)), phrases, says))

    def language(self, tag: str) -> Language:
        return load_languages(self.folder / "locales" / "languages.yaml")[tag]

    def do(self, command: str, **arguments: Any) -> Outcome:
        request = {"command": command, "arguments": arguments}
        config, data = self.folder / "config.yaml", self.folder / "var"
        code, report, problems = 99, {}, []
        for event in events(request, config=config, data=data):
            match event["event"]:
                case "end":
                    code = event["exit"]
                case "result":
                    report = event["result"]
                case "problems":
                    problems += event["problems"]
        return Outcome(code, report, problems)

    def issue(self, **fields: Any) -> Outcome:
        return self.do("issue", fields={"expires": "6h", **fields}, yes=True)


def _filled(po: bytes, phrases: Iterable[Phrase], says: Callable[[Phrase], str]) -> bytes:
    from babel.messages.pofile import write_po

    known = {phrase.key: phrase for phrase in phrases}
    catalogue = parse_po(po)
    for message in catalogue:
        if not message.id:
            continue
        counted = not isinstance(message.id, str)
        phrase = known[message.context, message.id[0] if counted else message.id]
        if counted and not all(message.string):
            message.string = (says(phrase),) * len(message.string)
        elif not message.string:
            message.string = says(phrase)
    made = BytesIO()
    write_po(made, catalogue, width=0)
    return made.getvalue()
