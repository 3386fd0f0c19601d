"""Every command and flag, as scripts may rely on them (DESIGN section 7)."""

from __future__ import annotations

import argparse
import os
import re

from broadcaster.cli.overview import COMMANDS, overview
from broadcaster.cli.stop import BAD_INPUT, Stop, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from broadcaster.cli.words import Words


WAIT = 60.0
"""Seconds a command watches its deliveries before it reports what is still open."""


class Parser(argparse.ArgumentParser):
    """Tells a mistake as a problem, without repeating what may be a phone number.

    A command's flags are made by ``fill`` when that command is parsed: making those of all
    commands at every start would cost as much as the interpreter itself.
    """

    words: Words
    fill: Callable[[Parser], None] | None = None

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Make the flags, then parse."""
        if self.fill is not None:
            fill, self.fill = self.fill, None
            fill(self)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Raise ``Stop`` instead of printing usage and leaving."""
        says = re.sub(r"\+?\d[\d\s()/.-]{5,}", "<number>", message)
        remedy = self.words("usage.remedy", program=self.prog)
        raise Stop([problem(self.prog, says, remedy)], BAD_INPUT)


class _Whole(Parser):
    """The command as a whole."""

    def format_help(self) -> str:
        """The overview, which ``main`` shows without this module."""
        return overview()


def parse(argv: list[str], words: Words) -> argparse.Namespace:
    """The options of one call.  Raises ``Stop``; ``SystemExit(0)`` after help."""
    Parser.words = words
    for argument in argv:
        try:
            argument.encode()
        except UnicodeEncodeError:  # the terminal sent bytes that are no text
            raise Stop([problem("", words("argument.text"))], BAD_INPUT) from None
    return build(only=_named(argv)).parse_args(argv)


def _named(argv: list[str]) -> str | None:
    """The command of a call, if it is plainly there."""
    rest = iter(argv)
    for argument in rest:
        if argument in ("--config", "--data"):
            next(rest, None)
        elif not argument.startswith("-"):
            return argument if argument in COMMANDS else None
    return None


def build(only: str | None = None) -> Parser:
    """The whole parser, or just what one command needs: to build the others takes longer than
    to ask the daemon.
    """
    parser = _Whole(prog="broadcaster", allow_abbrev=False, formatter_class=_layout)
    _places(parser)
    parser.add_argument(
        "--version",
        action="store_const",
        const="version",
        dest="shortcut",
        help="print the version",
    )
    # Named, because argparse would lay out a whole usage to find the name out.
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", prog=parser.prog, parser_class=Parser
    )
    for name in [only] if only else COMMANDS:
        says, about = COMMANDS[name]
        commands.add_parser(
            name, description=about or says, allow_abbrev=False, formatter_class=_layout
        ).fill = _FILL[name]
    return parser


# ---- commands that send -------------------------------------------------------------------------


def _issue(parser: Parser) -> None:
    parser.add_argument("file", nargs="?", metavar="FILE", help="a draft; - reads standard input")
    _draft(parser)
    _sends(parser)


def _update(parser: Parser) -> None:
    _identifier(parser)
    parser.add_argument("file", nargs="?", metavar="FILE", help="a draft with the changes")
    _draft(parser)
    _sends(parser)


def _extend(parser: Parser) -> None:
    _identifier(parser)
    parser.add_argument("--expires", required=True, metavar="WHEN", help="6h, 90m, 2d, 22:30, ...")
    _sends(parser)


def _cancel(parser: Parser) -> None:
    _identifier(parser)
    _reason(parser)
    _sends(parser)


def _relay(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="a CAP file; - reads standard input")
    _sends(parser)


def _approve(parser: Parser) -> None:
    _identifier(parser)
    parser.add_argument("--yes", action="store_true", help="do not show, do not ask")
    _wait(parser)
    _plain(parser)


def _withdraw(parser: Parser) -> None:
    _identifier(parser)
    _reason(parser)
    _plain(parser)


# ---- commands that look -------------------------------------------------------------------------


def _preview(parser: Parser) -> None:
    parser.add_argument("source", nargs="?", metavar="FILE|ID", help="a draft, or a warning")
    _draft(parser)
    parser.add_argument("--language", default="", metavar="TAG", help="only this language")
    parser.add_argument(
        "--variant", default="", metavar="NAME", help="only standard, plain, short or spoken"
    )
    parser.add_argument("--channel", default="", metavar="NAME", help="only this channel")
    _plain(parser)


def _list(parser: Parser) -> None:
    parser.add_argument("--all", action="store_true", help="ended ones too")
    _plain(parser)


def _status(parser: Parser) -> None:
    _identifier(parser)
    parser.add_argument("--watch", action="store_true", help="until nothing is open any more")
    _plain(parser)


def _route(parser: Parser) -> None:
    parser.add_argument("file", nargs="?", metavar="FILE", help="a draft; - reads standard input")
    _draft(parser)
    _plain(parser)


def _subscribers(parser: Parser) -> None:
    actions = parser.add_subparsers(
        dest="action", metavar="ACTION", required=True, prog=parser.prog
    )

    def action(name: str, says: str, *, channel: bool = True) -> Parser:
        made: Parser = actions.add_parser(
            name, help=says, description=says, allow_abbrev=False, formatter_class=_layout
        )
        if channel:
            made.add_argument("--channel", required=True, metavar="NAME")
        _plain(made)
        return made

    add = action("add", "one number")
    add.add_argument("address", metavar="NUMBER|-", help="- reads it from standard input")
    add.add_argument(
        "--language", default="", metavar="TAG", help="more of them, in order: 'ku tr de'"
    )
    add.add_argument("--variant", default="", metavar="NAME", help="short, plain or standard")
    add.add_argument("--area", action="append", default=[], metavar="ID", help="default: all")
    add.add_argument("--hazard", action="append", default=[], metavar="ID", help="default: all")
    add.add_argument("--minimum", default="", metavar="SEVERITY", help="least CAP severity")
    add.add_argument("--quiet", action="store_true", help="at night only what is Extreme")
    listed = action("list", "who, with masked numbers")
    listed.add_argument("--language", default="", metavar="TAG")
    listed.add_argument("--area", default="", metavar="ID", help="also those who named none")
    listed.add_argument("--limit", type=int, default=100, metavar="N", help="default: 100")
    action("count", "how many, by language")
    action("import", "a CSV file").add_argument("file", metavar="FILE|-")
    export = action("export", "all that is stored about one number, or the whole list")
    which = export.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "address", nargs="?", metavar="NUMBER|-", help="- reads it from standard input"
    )
    which.add_argument("--all", metavar="FILE", help="a new CSV file that only you can read")
    action("erase", "forget one number").add_argument(
        "address", metavar="NUMBER|-", help="- reads it from standard input"
    )
    action("rotate-key", "seal all numbers anew with a new key", channel=False)


def _translations(parser: Parser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, says: str) -> Parser:
        made: Parser = actions.add_parser(
            name, help=says, description=says, allow_abbrev=False, formatter_class=_layout
        )
        _plain(made)
        return made

    for name, says in (
        ("status", "how complete and how reviewed each language is, hazard by hazard"),
        ("lint", "everything that is wrong in the texts"),
        ("fit", "say every warning in every variant, and show how it fits SMS and cell broadcast"),
    ):
        action(name, says).add_argument(
            "languages", nargs="*", metavar="TAG", help="default: those on offer; or: all"
        )
    for name, says in (
        ("export", "a gettext file for translators, on standard output"),
        ("import", "take a translated gettext file"),
        ("sign", "record who reviewed a catalogue"),
    ):
        made = action(name, says)
        made.add_argument("language", metavar="TAG")
        made.add_argument("--variant", default="standard", help="standard (default) or plain")
        if name == "import":
            made.add_argument("file", metavar="FILE|-")
        if name == "sign":
            made.add_argument("--level", required=True, help="drafted, reviewed or approved")
            made.add_argument("--by", required=True, metavar="NAME", help="who read it")


def _audit(parser: Parser) -> None:
    parser.add_argument("action", choices=("verify", "show"))
    _plain(parser)


def _serve(parser: Parser) -> None:
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="where to listen (default 127.0.0.1: this machine only)",
    )
    parser.add_argument(
        "--port",
        default=8080,
        type=_port,
        metavar="NUMBER",
        help="default 8080; 0 takes a free one",
    )
    _places(parser)


# ---- parts that commands share ------------------------------------------------------------------


def _layout(prog: str) -> argparse.HelpFormatter:
    # The width is given, because argparse would import shutil and with it every compression.
    width = int(os.environ.get("COLUMNS") or 0) or _columns()
    return argparse.RawDescriptionHelpFormatter(prog, width=min(width, 100) - 2)


def _columns() -> int:
    try:
        return os.get_terminal_size(1).columns or 80
    except OSError:
        return 80


def _places(parser: Parser) -> None:
    group = parser.add_argument_group("where")
    # Both before and after the command, so neither may set a default that hides the other.
    group.add_argument(
        "--config",
        metavar="FILE",
        default=argparse.SUPPRESS,
        help="configuration (or BROADCASTER_CONFIG)",
    )
    group.add_argument(
        "--data",
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="folder of all data (or BROADCASTER_DATA; default ./var)",
    )


def _plain(parser: Parser) -> None:
    _json(parser)
    _places(parser)


def _reason(parser: Parser) -> None:
    parser.add_argument(
        "--reason", type=_given, required=True, metavar="TEXT", help="for the record"
    )


def _identifier(parser: Parser) -> None:
    parser.add_argument("id", metavar="ID", help="identifier, or its last letters")


def _draft(parser: Parser) -> None:
    draft = parser.add_argument_group("what to say")
    draft.add_argument("--hazard", metavar="ID", help="heat, heavy_rain, flood, test, ...")
    draft.add_argument("--level", metavar="N", help="1, 2 or 3; 3 is the worst")
    draft.add_argument("--area", action="append", metavar="NAME", help="may be given again")
    draft.add_argument("--expires", metavar="WHEN", help="6h, 90m, 2d, 22:30, 2026-07-01T22:30")
    draft.add_argument("--onset", metavar="WHEN", help="when the hazard begins")
    draft.add_argument("--release", metavar="WHEN", help="send later, then")
    draft.add_argument(
        "--set",
        action="append",
        type=_pair,
        metavar="NAME=VALUE",
        dest="values",
        help="a value of the hazard: amount=40; may be given again",
    )
    draft.add_argument("--actions", metavar="IDS", help="what to do, with commas, in this order")
    draft.add_argument("--note", metavar="TEXT", help="free text; carried verbatim, untranslated")
    draft.add_argument("--note-language", metavar="TAG", help="language of the note")
    draft.add_argument("--severity", metavar="CAP", help="instead of the level's own")
    draft.add_argument("--urgency", metavar="CAP")
    draft.add_argument("--certainty", metavar="CAP")
    draft.add_argument("--repeat", metavar="SPAN", help="broadcast again every 2h until it ends")
    draft.add_argument("--languages", metavar="TAGS", help="only these, with commas")
    reality = draft.add_mutually_exclusive_group()
    reality.add_argument(
        "--exercise", type=_given, metavar="NAME", help="an exercise: never reaches the public"
    )
    reality.add_argument("--test", action="store_true", help="a test: never reaches the public")


def _sends(parser: Parser) -> None:
    sending = parser.add_argument_group("sending")
    sending.add_argument("--yes", action="store_true", help="send without asking")
    sending.add_argument("--dry-run", action="store_true", help="show what would be sent")
    sending.add_argument(
        "--wider-area",
        action="store_true",
        help="channels may reach further than the area asked; on record",
    )
    sending.add_argument(
        "--break-glass",
        type=_given,
        metavar="REASON",
        help="send without the second officer; loud and on record",
    )
    _wait(parser)
    _plain(parser)


def _wait(parser: Parser) -> None:
    parser.add_argument(
        "--wait",
        type=_seconds,
        default=WAIT,
        metavar="SECONDS",
        help="watch that long, then report what is open (default 60)",
    )


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and name.strip() and value.strip()):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE, for example amount=40")
    return name.strip(), value.strip()


def _given(text: str) -> str:
    # `--exercise "$NAME"` with NAME unset must not quietly become a real warning.
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty")
    return text.strip()


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:  # also refuses nan
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to 86400")
    return seconds


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 <= int(text[:6]) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is no port")
    return int(text)


_FILL: dict[str, Callable[[Parser], None]] = {
    "issue": _issue,
    "update": _update,
    "extend": _extend,
    "cancel": _cancel,
    "relay": _relay,
    "approve": _approve,
    "withdraw": _withdraw,
    "preview": _preview,
    "list": _list,
    "status": _status,
    "route": _route,
    "check": _plain,
    "subscribers": _subscribers,
    "translations": _translations,
    "audit": _audit,
    "serve": _serve,
    "version": _plain,
}
