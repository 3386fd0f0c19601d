"""The officer's terminal: results to stdout, everything else to stderr, never a broken pipe.

Colour and moving progress appear only on a terminal and not under ``NO_COLOR``
(https://no-color.org); a pipe gets plain lines.
"""

from __future__ import annotations

import os

from broadcaster.cli.stop import Leave
from broadcaster.cli.words import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, TextIO

    from broadcaster.cli.stop import Problem

RED, YELLOW, GREEN, BOLD, REVERSE = "31;1", "33;1", "32", "1", "7;1"

# A relayed text may hold control characters that a terminal would obey (U+009B starts a command
# like ESC does).  They are shown by number; line feed and tab stay.
_VISIBLE = {
    code: f"\\x{code:02x}"
    for code in (*range(0x20), *range(0x7F, 0xA0))
    if code not in (0x09, 0x0A)
}


def visible(text: str) -> str:
    """``text`` with every control character shown instead of obeyed."""
    return text.translate(_VISIBLE)


class Screen:
    """Three streams and what may be done with each of them."""

    def __init__(
        self,
        stdin: TextIO | None,
        out: TextIO | None,
        err: TextIO | None,
        environment: Mapping[str, str],
        words: Words,
    ) -> None:
        self._stdin, self._out, self._err = stdin, out, err
        self.words = words
        plain = bool(environment.get("NO_COLOR")) or environment.get("TERM") == "dumb"
        self._colour_out = _terminal(out) and not plain
        self._colour_err = self.live = _terminal(err) and not plain
        self.interactive = _terminal(stdin) and _terminal(err)
        """Whether somebody is there to read a question and answer it."""
        self._moving = 0
        for stream in (out, err):
            # A terminal that cannot show a letter gets its number; nothing is lost or turned
            # into a question mark.
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:
                reconfigure(errors="backslashreplace")

    # ---- results ----------------------------------------------------------------------------

    def result(self, *lines: str) -> None:
        """Lines of the result."""
        for line in lines:
            self._write(self._out, visible(line) + "\n")

    def loud(self, line: str, colour: str, *, result: bool) -> None:
        """A line that must not be missed, in colour where there is colour."""
        stream, has = (self._out, self._colour_out) if result else (self._err, self._colour_err)
        if not result:
            self._settle()
        text = visible(line)
        self._write(stream, (f"\x1b[{colour}m{text}\x1b[0m" if has else text) + "\n")

    def json(self, value: Mapping[str, Any]) -> None:
        """The one JSON object a machine reads."""
        import json

        utf8 = (getattr(self._out, "encoding", None) or "utf-8").lower().startswith("utf")
        self._write(self._out, json.dumps(value, ensure_ascii=not utf8, indent=2) + "\n")

    # ---- conversation -----------------------------------------------------------------------

    def say(self, *lines: str) -> None:
        """Lines about what goes on; not the result."""
        self._settle()
        for line in lines:
            self._write(self._err, visible(line) + "\n")

    def problems(self, problems: Sequence[Problem]) -> None:
        """Each problem on a line: where, what, and what to do; the same one in many places once."""
        alike: dict[tuple[str, str, str], list[str]] = {}
        for one in problems:
            level = "warning" if one.get("level") == "warning" else "error"
            what = (level, one.get("says", ""), one.get("remedy", ""))
            alike.setdefault(what, []).append(one.get("path", ""))
        for (level, says, remedy), paths in alike.items():
            where = ", ".join(dict.fromkeys(path for path in paths if path))
            where = f"{where}: " if where else ""
            remedy = f" -> {remedy}" if remedy else ""
            colour = YELLOW if level == "warning" else RED
            label = self.words(f"level.{level}")
            self.loud(f"{label}: {where}{says}{remedy}", colour, result=False)

    def ask(self, question: str) -> str:
        """One answer.  Raises ``Leave`` when there is no more input."""
        self._settle()
        self._write(self._err, visible(question) + " ")
        answer = self._stdin.readline() if self._stdin is not None else ""
        if not answer:
            self._write(self._err, "\n")
            raise Leave
        return answer.strip()

    def confirm(self, question: str) -> bool:
        """Whether the officer typed the word that sends.  Raises ``Leave`` at end of input."""
        word = self.words("confirm.word")
        accepted = {"yes", "ja"}
        while True:
            answer = self.ask(f"{question} ({self.words('confirm.type', word=word)})").lower()
            if answer in accepted:
                return True
            if answer in ("", "n", "no", "nein"):
                return False
            self.say(self.words("confirm.again", word=word))

    # ---- moving progress --------------------------------------------------------------------

    def move(self, lines: Sequence[str]) -> None:
        """Show these lines in place of the ones shown before; only where ``live``."""
        width = _width(self._err)
        up = f"\x1b[{self._moving}A" if self._moving else ""
        shown = "".join(f"\r\x1b[2K{visible(line)[: width - 1]}\n" for line in lines)
        # Lines of an earlier, longer picture would stay behind.
        self._write(self._err, up + shown + ("\x1b[J" if self._moving > len(lines) else ""))
        self._moving = len(lines)

    def _settle(self) -> None:
        """What comes next stands below the progress, which moves no more."""
        self._moving = 0

    # ---- edges ------------------------------------------------------------------------------

    def _write(self, stream: TextIO | None, text: str) -> None:
        """Write at once.  A reader that went away must not stop a warning from going out."""
        if stream is None:  # started with the stream closed
            return
        try:
            stream.write(text)
            stream.flush()
        except OSError as error:
            # Python flushes again at exit and would complain there.
            devnull = os.open(os.devnull, os.O_WRONLY)
            os.dup2(devnull, stream.fileno())
            os.close(devnull)
            if not isinstance(error, BrokenPipeError):
                self._write(self._err, self.words("out.lost", reason=error.strerror) + "\n")


def _terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed before we began
        return False


def _width(stream: TextIO | None) -> int:
    try:
        return (os.get_terminal_size(stream.fileno()).columns if stream else 0) or 80
    except OSError:
        return 80
