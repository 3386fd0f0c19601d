"""Every sentence Broadcaster can say, gathered from the four places that declare them.

1. ``templates/hazards/*.yaml``: the texts of the hazards
2. ``templates/actions.yaml``: what people should do
3. ``templates/phrases/*.yaml``: sentences and labels that belong to no single hazard
4. ``t("...")`` and ``tn("...", "...", n)`` in ``templates/**/*.j2``: the furniture of the site

A msgid is the English sentence itself; a translator sees it with its note and its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from broadcaster.model.errors import BadInput, Problem
from broadcaster.text.languages import Language, Variant, safe_loader

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

SHORT = "short"
"""Context of texts for the smallest wires."""
LEAD = "lead"
"""Context of the first line on a small screen: the hazard in a word, and the first thing to do."""
SPOKEN = "spoken"
"""Context of words as they are said aloud."""
PAGE = "page"
"""Context of the furniture of the site."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """One declared msgid."""

    msgid: str
    context: str | None = None
    plural: str | None = None
    """The English plural, when the phrase is counted."""
    note: str = ""
    """For translators."""
    where: tuple[str, ...] = ()
    """The files that use it, relative to the folder above ``templates``."""

    @property
    def key(self) -> tuple[str | None, str]:
        """Context and msgid: what a catalogue finds it by."""
        return self.context, self.msgid


def declared(templates: Path) -> tuple[Phrase, ...]:
    """All phrases, each once, in the order of the places above.

    Raises :class:`BadInput` with every file that cannot be read and every phrase that is declared
    in two ways.
    """
    problems: list[Problem] = []
    found: dict[tuple[str | None, str], Phrase] = {}
    for phrase in _all(templates, problems):
        before = found.get(phrase.key)
        if before is None:
            found[phrase.key] = phrase
            continue
        if before.plural != phrase.plural:
            problems.append(
                Problem(
                    phrase.where[0],
                    f"{phrase.msgid!r} is counted here and not counted, or counted otherwise, "
                    f"in {before.where[0]}",
                    "word one of them differently or give it a context",
                )
            )
        notes = dict.fromkeys(note for note in (before.note, phrase.note) if note)
        found[phrase.key] = Phrase(
            before.msgid,
            before.context,
            before.plural,
            " ".join(notes),
            tuple(dict.fromkeys(before.where + phrase.where)),
        )
    if problems:
        raise BadInput(problems)
    return tuple(found.values())


def for_variant(phrases: Iterable[Phrase], variant: Variant) -> tuple[Phrase, ...]:
    """The phrases that the catalogue of a variant holds.

    ``plain`` holds what residents read in a whole warning; the shortest texts, how things are said
    aloud and the furniture of the site are in ``standard`` alone.
    """
    if variant is Variant.PLAIN:
        return tuple(phrase for phrase in phrases if phrase.context is None)
    return tuple(phrases)


def _all(templates: Path, problems: list[Problem]) -> Iterator[Phrase]:
    for path in sorted((templates / "hazards").glob("*.yaml")):
        yield from _sentences(_yaml(path, problems), _where(templates, path))
    actions = templates / "actions.yaml"
    if actions.exists():
        yield from _under(_yaml(actions, problems), None, _where(templates, actions))
    for shared in sorted((templates / "phrases").glob("*.yaml")):
        yield from _shared(_yaml(shared, problems), _where(templates, shared), problems)
    for path in sorted(templates.rglob("*.j2")):
        yield from _template(path, _where(templates, path), problems)


def _where(templates: Path, path: Path) -> str:
    return path.relative_to(templates.parent).as_posix()


def _yaml(path: Path, problems: list[Problem]) -> Any:
    import yaml

    try:
        return yaml.load(path.read_bytes(), safe_loader())
    except OSError as error:
        problems.append(Problem(str(path), f"cannot be read: {error.strerror}"))
    except yaml.YAMLError as error:
        problems.append(Problem(str(path), f"is not YAML: {error}"))
    return None


# Hazards --------------------------------------------------------------------------------------

_CONTEXTS = {
    "event": None,
    "headline": None,
    "impacts": None,
    "actions": None,
    "says": None,
    "lead": LEAD,
    "act": LEAD,
    "tip": SHORT,
}
"""The keys whose texts are msgids, and the context each gives."""


def _sentences(node: Any, where: str) -> Iterator[Phrase]:
    """Every text under one of the keys, however deep."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in _CONTEXTS:
                yield from _under(value, _CONTEXTS[key], where)
            else:
                yield from _sentences(value, where)
    elif isinstance(node, list):
        for item in node:
            yield from _sentences(item, where)


def _under(value: Any, context: str | None, where: str) -> Iterator[Phrase]:
    """A text, a list of texts, a mapping of ids to texts, or a mapping that has keys of its own."""
    if isinstance(value, str):
        yield Phrase(value, context, where=(where,))
    elif isinstance(value, list):
        for item in value:
            yield from _under(item, context, where)
    elif isinstance(value, dict):
        if _CONTEXTS.keys() & value.keys():
            yield from _sentences(value, where)
        else:
            for item in value.values():
                yield from _under(item, context, where)


# Shared phrases -------------------------------------------------------------------------------

_KEYS = {"says", "context", "plural", "note"}


def _shared(rows: Any, where: str, problems: list[Problem]) -> Iterator[Phrase]:
    if rows is None:
        return
    if not isinstance(rows, list):
        problems.append(Problem(where, "is not a list of phrases", "write - {says: ...}"))
        return
    for number, row in enumerate(rows):
        path = f"{where}[{number}]"
        if not isinstance(row, dict) or not isinstance(row.get("says"), str):
            problems.append(Problem(path, "has no `says`", "write - {says: ...}"))
            continue
        wrong = [
            key for key, value in row.items() if key not in _KEYS or not isinstance(value, str)
        ]
        for key in wrong:
            problems.append(
                Problem(
                    f"{path}.{key}", "is not known or no text", "use says, context, plural, note"
                )
            )
        if not wrong:
            yield Phrase(
                row["says"], row.get("context"), row.get("plural"), row.get("note", ""), (where,)
            )


# Templates ------------------------------------------------------------------------------------


def _template(path: Path, where: str, problems: list[Problem]) -> Iterator[Phrase]:
    """The calls of ``t`` and ``tn`` whose sentences are written out.

    A call with a variable says a sentence that is declared elsewhere.  Jinja's own extractor
    drops keyword arguments, and with them the context, so the syntax tree is read directly.
    """
    from jinja2 import Environment, TemplateSyntaxError, nodes

    environment = Environment(
        extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"], autoescape=True
    )
    try:
        tree = environment.parse(path.read_text("utf-8"), filename=str(path))
    except TemplateSyntaxError as error:
        problems.append(Problem(f"{where}:{error.lineno}", f"is no template: {error.message}"))
        return
    except (OSError, UnicodeDecodeError) as error:
        problems.append(Problem(where, f"cannot be read: {error}"))
        return
    for call in tree.find_all(nodes.Call):
        if not isinstance(call.node, nodes.Name) or call.node.name not in ("t", "tn"):
            continue
        counted = call.node.name == "tn"
        texts = [_text(argument) for argument in call.args[: 2 if counted else 1]]
        if not texts or any(text is None for text in texts) or len(texts) != 1 + counted:
            continue
        context: str | None = PAGE
        for keyword in call.kwargs:
            if keyword.key == "context" and isinstance(keyword.value, nodes.Const):
                context = keyword.value.value
        yield Phrase(str(texts[0]), context, texts[1] if counted else None, where=(where,))


def _text(node: Any) -> str | None:
    """The text of a constant, else ``None``."""
    value = getattr(node, "value", None)
    return value if isinstance(value, str) else None


# For translators ------------------------------------------------------------------------------


def extract_pot(templates: Path) -> str:
    """All phrases as a gettext template; the same templates give the same text."""
    header = _header(("Content-Type", "text/plain; charset=UTF-8"))
    return header + _body(declared(templates), {}).decode()


def update_po(po: bytes | None, declared: Iterable[Phrase], language: Language) -> bytes:
    """The catalogue with exactly the declared phrases, in their order.

    Translations, fuzzy marks and translators' comments are kept, new phrases are empty, phrases
    that nothing says any more are dropped.  The same input gives the same bytes: no dates, no
    tool's name.  Pass the phrases of one variant (:func:`for_variant`).  Raises
    :class:`BadInput` when ``po`` is no catalogue.
    """
    before: dict[Any, Any] = {}
    comment = ""
    if po is not None:
        before = {
            (m.context, m.id if isinstance(m.id, str) else m.id[0]): m for m in parse_po(po) if m.id
        }
        comment = _comment(po)
    header = _header(
        ("Language", language.tag),
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=UTF-8"),
        ("Content-Transfer-Encoding", "8bit"),
        ("Plural-Forms", plural_forms(language)),
    )
    body = _body(declared, before, len(language.plural_categories), plural_forms(language))
    return comment.encode() + header.encode() + body


_PO_LINE = re.compile(
    r"""\s*(?:\#.*|(?:(msgid)\s|msg(?:ctxt|id_plural|str(?:\[\d\])?)\s)?\s*"(?:[^"\\]|\\.)*"\s*|)""",
)


def parse_po(data: bytes) -> Catalog:
    """A ``.po`` file as Babel reads it.

    Raises :class:`BadInput` with every line that is wrong.  Babel itself is too kind for texts
    that people's lives hang on: it cuts the last letter off a line without its closing quotation
    mark, and keeps the first of two entries for one sentence without a word.
    """
    from babel.messages.pofile import PoFileError, read_po

    remedy = "correct the file, or restore the last one that worked"
    try:
        lines = data.decode().split("\n")
        matches = [_PO_LINE.fullmatch(line) for line in lines]
        problems = [
            Problem(f"line {number}", f"is not a catalogue's: {lines[number - 1][:60]}", remedy)
            for number, match in enumerate(matches, 1)
            if match is None
        ]
        if problems:
            raise BadInput(problems)
        catalog = read_po(BytesIO(data), ignore_obsolete=True, abort_invalid=True)
    except (PoFileError, ValueError) as error:
        raise BadInput(Problem("", f"is not a catalogue: {error}", remedy)) from error
    entries = sum(match is not None and match[1] is not None for match in matches)
    if entries != len(catalog) + 1:  # the header is an entry without a sentence
        says = "has two entries for one sentence and context, or no header"
        raise BadInput(Problem("", says, "keep the right one"))
    return catalog


def plural_forms(language: Language) -> str:
    """The ``Plural-Forms`` header of a language: CLDR's categories in order, for whole numbers."""
    from babel.plural import to_gettext

    # CLDR's operand e (compact exponents such as 1c6) is 0 for every number we say, and gettext
    # knows no operand but n.
    return re.sub(r"\be\b", "0", to_gettext(language.locale.plural_form))


def _header(*fields: tuple[str, str]) -> str:
    lines = "".join(f'"{name}: {value}\\n"\n' for name, value in fields)
    return f'msgid ""\nmsgstr ""\n{lines}\n'


def _comment(po: bytes) -> str:
    """The lines above the header: a licence, a word to translators."""
    lines = []
    for line in po.decode().splitlines():
        if not line.startswith("#") or line.startswith("#,"):
            break
        lines.append(line + "\n")
    return "".join(lines)


def _body(
    phrases: Iterable[Phrase],
    before: dict[Any, Any],
    forms: int = 2,
    plural_forms: str = "nplurals=2; plural=(n != 1);",
) -> bytes:
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import write_po

    catalog = Catalog(charset="utf-8", fuzzy=False)
    catalog.mime_headers = [("Plural-Forms", plural_forms)]
    for phrase in phrases:
        old = before.get(phrase.key)
        empty: Any = ("",) * forms if phrase.plural else ""
        text = empty
        if old is not None and isinstance(old.string, str) == (phrase.plural is None):
            # A translation with another number of plural forms is kept as far as it goes.
            text = old.string if phrase.plural is None else (*old.string, *empty)[:forms]
        message = catalog.add(
            (phrase.msgid, phrase.plural) if phrase.plural else phrase.msgid,
            text,
            context=phrase.context,
            locations=[(where, 0) for where in phrase.where],
            auto_comments=[phrase.note] if phrase.note else [],
            user_comments=old.user_comments if old is not None else [],
        )
        # Babel guesses python-format, which would make editors ask for doubled percent signs.
        message.flags = {"fuzzy"} if old is not None and old.fuzzy and any(text) else set()
    written = BytesIO()
    write_po(written, catalog, width=100, omit_header=True, include_lineno=False)
    return written.getvalue()
