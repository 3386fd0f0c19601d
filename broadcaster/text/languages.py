"""Languages as rows of data, and the language tags that CAP and its readers use.

The rows are ``locales/languages.yaml``.  Nothing in Broadcaster asks *which* language it has;
it asks the row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from broadcaster.model.errors import BadInput, Problem
from broadcaster.model.rendition import Variant as Variant

if TYPE_CHECKING:
    from babel import Locale


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainRules:
    """What the plain-language check needs to know of a language.  All words are lower case.

    A rule whose list is empty is not checked: better no finding than a wrong one.
    """

    level: str = "E"
    """``L`` (Leichte Sprache) or ``E`` (Einfache Sprache): what its plain catalogue must keep."""
    words: tuple[int, ...] = (10, 15)
    """Words a sentence usually has, and has at most."""
    strict: tuple[int, ...] = (8, 10)
    """The same for level ``L``."""
    letters: int = 0
    """Letters an uncut word has at most; 0: words are not measured in this language."""
    subordinators: tuple[str, ...] = ()
    """Words that open a subordinate clause after a comma."""
    passive: tuple[str, ...] = ()
    """Auxiliaries of the passive; with :attr:`participle` they make one."""
    participle: str = ""
    """Regular expression of a whole participle."""
    conditionals: tuple[str, ...] = ()
    genitive_articles: tuple[str, ...] = ()
    genitive_prepositions: tuple[str, ...] = ()
    abbreviations: tuple[str, ...] = ()
    negations: tuple[str, ...] = ()
    number_words: tuple[str, ...] = ()
    """Numbers in letters, which are easier as digits."""
    indirect: tuple[str, ...] = ()
    """Words that speak past the reader."""
    stems: tuple[str, ...] = ()
    """Parts of compounds; two of them in one word must be parted by a hyphen."""
    whole: tuple[str, ...] = ()
    """Compounds that everyone reads as one word."""
    same: tuple[tuple[str, ...], ...] = ()
    """Words for one thing, of which a message uses one."""
    hard: tuple[str, ...] = ()
    """Words that need an explanation in the same message."""
    explains: tuple[str, ...] = ()
    """Words that make a sentence with a hard word its explanation."""


@dataclass(frozen=True, kw_only=True)
class Language:
    """One language: a row of ``locales/languages.yaml``."""

    tag: str
    """BCP 47 without variant (``tr``, ``zh-Hans``); also the folder under ``locales``."""
    name: str
    """What the language calls itself."""
    english: str
    direction: str
    """``ltr`` or ``rtl``."""
    script: str
    """ISO 15924 (``Latn``)."""
    cldr: str
    """Babel locale identifier."""
    iso639_1: str | None
    """Two letters for cell broadcast (3GPP TS 23.038 5), or ``None`` where none is assigned."""
    plain_name: str
    """What plain language is called there (``Einfache Sprache``)."""
    gsm7: bool = False
    """The alphabet is within the GSM 7-bit default alphabet."""
    moment: str = "{weekday}, {date}, {time}"
    """The order of weekday, date and time."""
    date: str = ""
    """A CLDR date pattern for day and month; empty: CLDR's own ``MMMMd``."""
    twins: tuple[str, ...] = ()
    """Tags of languages that may rightly share whole sentences with it."""
    units: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    """Symbols that differ from the international ones."""
    plain: PlainRules = PlainRules()
    betrays: tuple[str, ...] = ()
    """Words so much its own that in another language's text they are left over from this one."""
    respells: str = ""
    """Tag of the language whose catalogues it writes in other letters; it has none of its own."""
    letters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    """With :attr:`respells`: each small letter there, and what is written here."""

    def respelt(self, text: str) -> str:
        """A text of the language it :attr:`respells`, in its own letters."""
        written = []
        for letter, following in zip(text, f"{text[1:]} ", strict=True):
            own = self.letters.get(letter.lower(), letter)
            if own is not letter and letter.isupper():
                own = own.upper() if following.isupper() else own.capitalize()
            written.append(own)
        return "".join(written)

    @cached_property
    def locale(self) -> Locale:
        """The CLDR data of this language."""
        from babel import Locale

        return Locale.parse(self.cldr)

    @cached_property
    def plural_categories(self) -> tuple[str, ...]:
        """CLDR plural categories in gettext's order: form *i* of an entry is for category *i*."""
        used = self.locale.plural_form.tags | {"other"}
        return tuple(tag for tag in ("zero", "one", "two", "few", "many", "other") if tag in used)


def load_languages(path: Path) -> dict[str, Language]:
    """All rows by tag, in the order of the file.

    Raises :class:`BadInput` naming every wrong row at once.
    """
    import yaml

    try:
        raw = yaml.load(path.read_bytes(), safe_loader())
    except OSError as error:
        raise BadInput(Problem(str(path), f"cannot be read: {error.strerror}")) from error
    except yaml.YAMLError as error:
        raise BadInput(Problem(str(path), f"is not YAML: {error}")) from error
    rows = raw.get("languages") if isinstance(raw, dict) else None
    if not isinstance(rows, dict) or not rows:
        raise BadInput(Problem(str(path), "has no languages", "start it with `languages:`"))
    problems: list[Problem] = []
    languages: dict[str, Language] = {}
    for tag, row in rows.items():
        language = _language(str(tag), row, f"{path.name}:{tag}", problems)
        if language is not None:
            languages[language.tag] = language
    for tag, language in languages.items():
        other = languages.get(language.respells)
        if language.respells and (other is None or other.respells or not language.letters):
            problems.append(
                Problem(
                    f"{path.name}:{tag}.respells",
                    f"{language.respells!r} has no catalogues of its own, or no letters are given",
                    "name a language that has, and what is written for each of its letters",
                )
            )
    if problems:
        raise BadInput(problems)
    return languages


def safe_loader() -> Any:
    """The safe loader of libyaml where it is built in: the pure one is ten times slower."""
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


_TAG = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?")
_NEEDED = ("name", "english", "direction", "script", "cldr", "iso639_1", "plain_name")


def _language(tag: str, row: Any, path: str, problems: list[Problem]) -> Language | None:
    """The row as a value, or ``None`` with the reasons added to ``problems``."""
    if not isinstance(row, dict):
        problems.append(Problem(path, "is not a mapping"))
        return None
    found = len(problems)

    def wrong(key: str, says: str, remedy: str = "") -> None:
        problems.append(Problem(f"{path}.{key}" if key else path, says, remedy))

    if not _TAG.fullmatch(tag):
        wrong("", "is not a BCP 47 language tag", "write it like tr or zh-Hans")
    known = {item.name for item in fields(Language)} - {"tag"}
    for key in row:
        if key not in known:
            wrong(key, "is not known", f"known are {', '.join(sorted(known))}")
    for key in _NEEDED:
        value = row.get(key)
        if key not in row:
            wrong(key, "is missing")
        elif not isinstance(value, str) and not (key == "iso639_1" and value is None):
            wrong(key, "is not a text")
    if row.get("direction") not in ("ltr", "rtl", None):
        wrong("direction", "is neither ltr nor rtl")
    code = row.get("iso639_1")
    if isinstance(code, str) and not re.fullmatch("[a-z]{2}", code):
        wrong("iso639_1", "is not two letters", "write null where the language has no such code")
    if not isinstance(row.get("gsm7", False), bool):
        wrong("gsm7", "is neither true nor false")
    if isinstance(row.get("cldr"), str) and not _has_cldr(row["cldr"]):
        wrong("cldr", "is no locale that Babel has", "take the nearest one, as prs takes fa_AF")
    units, twins = row.get("units", {}), row.get("twins", [])
    letters = row.get("letters", {})
    betrays = row.get("betrays", [])
    if not isinstance(betrays, list):
        wrong("betrays", "is not a list of words")
    for key, value in (("units", units), ("letters", letters)):
        if not isinstance(value, dict):
            wrong(key, "is not a mapping")
    if not isinstance(twins, list):
        wrong("twins", "is not a list of tags")
    plain = _plain(row.get("plain", {}), wrong)
    if len(problems) > found or plain is None:
        return None
    read = {
        "tag": tag,
        "twins": tuple(twins),
        "betrays": tuple(betrays),
        "units": MappingProxyType(dict(units)),
        "letters": MappingProxyType(dict(letters)),
        "plain": plain,
    }
    return Language(**{**row, **read})


def _has_cldr(identifier: str) -> bool:
    from babel import Locale, UnknownLocaleError

    try:
        Locale.parse(identifier)
    except (UnknownLocaleError, ValueError):
        return False
    return True


def _plain(raw: Any, wrong: Any) -> PlainRules | None:
    """The ``plain`` part of a row."""
    if not isinstance(raw, dict):
        wrong("plain", "is not a mapping")
        return None
    known = {item.name: item.default for item in fields(PlainRules)}
    values: dict[str, Any] = {}
    for key, value in raw.items():
        default = known.get(key)
        if default is None:
            wrong(f"plain.{key}", "is not known", f"known are {', '.join(sorted(known))}")
        elif isinstance(default, tuple):
            if not isinstance(value, list):
                wrong(f"plain.{key}", "is not a list")
                return None
            values[key] = tuple(tuple(v) if isinstance(v, list) else v for v in value)
        elif not isinstance(value, type(default)):
            wrong(f"plain.{key}", f"is not of the kind {type(default).__name__}")
        else:
            values[key] = value
    if values.get("level", "E") not in ("L", "E"):
        wrong("plain.level", "is neither L nor E")
    for key in ("words", "strict"):
        pair = values.get(key, (1, 2))
        if len(pair) != 2 or not all(isinstance(n, int) for n in pair) or not pair[0] <= pair[1]:
            wrong(f"plain.{key}", "is not a pair of whole numbers, usual and most")
    return PlainRules(**values)


# CAP: one info per language and variant -------------------------------------------------------

_SIMPLE = "-simple"  # the registered BCP 47 variant subtag for simplified language

CONSUMER_TAGS: Mapping[str, str] = MappingProxyType({"de-simple": "de-LS"})
"""Our CAP tag to the tag that NINA's readers expect for German plain language."""

_OUR_TAGS = {theirs.lower(): ours for ours, theirs in CONSUMER_TAGS.items()}


def cap_language(tag: str, variant: Variant) -> str:
    """The CAP ``language`` (3.2.2, BCP 47): ``de``, or ``de-simple`` for plain language."""
    return tag + _SIMPLE if variant is Variant.PLAIN else tag


@lru_cache(maxsize=1024)
def split_cap_language(language: str) -> tuple[str, Variant]:
    """What a CAP ``language`` says: the tag without variant, and STANDARD or PLAIN.

    Reads other issuers' tags too (``de-LS``); a tag we do not know is returned as it is.
    """
    ours = _OUR_TAGS.get(language.lower(), language)
    if ours.lower().endswith(_SIMPLE):
        return ours[: -len(_SIMPLE)], Variant.PLAIN
    return ours, Variant.STANDARD
