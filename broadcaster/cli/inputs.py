"""Files an officer names, read whole, with every way that can fail told as a problem."""

from __future__ import annotations

import os
import sys

from broadcaster.cli.stop import BAD_INPUT, Stop, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from broadcaster.cli.words import Words

LARGEST = 20
"""Megabytes (of 1,000,000 bytes) that are read at all; the desk refuses far smaller drafts."""
STDIN = "-"


def looks_like_file(name: str) -> bool:
    """Whether ``FILE|ID`` means a file: it exists, or its name has the shape of one."""
    return (
        name == STDIN
        or os.sep in name
        or name.endswith((".yaml", ".yml", ".json", ".xml"))
        or os.path.exists(name)
    )


def raw(name: str, words: Words) -> bytes:
    """The bytes of a file, or of standard input for ``-``.  Raises ``Stop``."""
    try:
        if name == STDIN:
            # Python has no stdin where it was started with the stream closed.
            content = sys.stdin.buffer.read(LARGEST * 1_000_000 + 1) if sys.stdin else b""
            if not content:
                raise _wrong("stdin", words("stdin.empty"), "")
        else:
            with open(name, "rb") as file:
                content = file.read(LARGEST * 1_000_000 + 1)
    except FileNotFoundError:
        raise _wrong(name, words("file.missing"), words("file.missing.remedy")) from None
    except IsADirectoryError:
        raise _wrong(name, words("file.folder"), words("file.folder.remedy")) from None
    except PermissionError:
        raise _wrong(name, words("file.denied"), words("file.denied.remedy")) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise _wrong(
            name, words("file.unreadable", reason=reason), words("file.unreadable.remedy")
        ) from None
    if len(content) > LARGEST * 1_000_000:
        raise _wrong(name, words("file.large", limit=LARGEST), words("file.large.remedy"))
    return content


def text(name: str, words: Words) -> str:
    """The text of a UTF-8 file.  Raises ``Stop``."""
    try:
        return raw(name, words).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _wrong(
            _label(name), words("file.text", at=error.start), words("file.text.remedy")
        ) from None


def draft(name: str, words: Words) -> dict[str, Any]:
    """The ``draft`` argument of a request: the desk parses it."""
    return {"name": _label(name), "text": text(name, words)}


def foreign(name: str, words: Words) -> dict[str, Any]:
    """The arguments of ``relay``: bytes as they are, for evidence."""
    if name.startswith(("http://", "https://")):
        raise _wrong(name, words("file.url"), words("file.url.remedy"))
    import base64

    return {"name": _label(name), "data": base64.b64encode(raw(name, words)).decode("ascii")}


def secret(value: str, words: Words) -> str:
    """An address from the command line, or the first line of standard input for ``-``."""
    if value != STDIN:
        return value
    lines = text(STDIN, words).split("\n", 1)
    if not lines[0].strip():
        raise _wrong("stdin", words("stdin.empty"), "")
    return lines[0].strip()


def _label(name: str) -> str:
    return "stdin" if name == STDIN else name


def _wrong(path: str, says: str, remedy: str) -> Stop:
    return Stop([problem(path, says, remedy)], BAD_INPUT)
