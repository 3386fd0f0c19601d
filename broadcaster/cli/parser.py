"""Every command and flag, as scripts may rely on them (DESIGN section 7)."""

from __future__ import annotations

import argparse
import re

from broadcaster.cli.stop import BAD_INPUT, Stop, problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from broadcaster.cli.words import Words

    Commands = argparse._SubParsersAction["Parser"]

WAIT = 20.0
"""Seconds a command watches its deliveries before it reports what is still open."""

ABOUT = """\
One warning in; every language and channel out.

examples:
  broadcaster issue                                     asks, shows a preview, sends on YES
  broadcaster issue examples/heat.yaml --dry-run        shows what would be sent
  broadcaster issue --hazard heat --level 2 --area dortmund --expires 6h
  broadcaster status ID --watch                         did it arrive?
  broadcaster extend ID --expires 6h                    it lasts longer
  broadcaster cancel ID --reason "the rain is over"     all clear
"""
AFTER = """\
exit codes: 0 all out, 2 wrong input, 3 some out, 4 none out, 5 refused or unavailable
Each command explains itself: broadcaster issue --help
"""
ISSUE = """\
Issue a warning: from a file, from flags (they override the file), or by questions.

examples:
  broadcaster issue                                     asks on the terminal
  broadcaster issue examples/heat.yaml                  previews, asks for YES, sends
  broadcaster issue examples/heat.yaml --dry-run        previews only
  broadcaster issue examples/heat.yaml --yes --json     for scripts
  broadcaster issue --hazard heavy_rain --level 3 --area hoerde --area aplerbeck \\
      --expires 22:30 --set amount=60 --set hours=2
  broadcaster issue examples/heat.yaml --exercise "Spring 2027"
"""


class Parser(argparse.ArgumentParser):
    """Tells a mistake as a problem, without repeating what may be a phone number."""

    words: Words

    def error(self, message: str) -> NoReturn:
        """Raise ``Stop`` instead of printing usage and leaving."""
        says = re.sub(r"\+?\d[\d\s()/.-]{5,}", "<number>", message)
        remedy = self.words("usage.remedy", program=self.prog)
        raise Stop([problem(self.prog, says, remedy)], BAD_INPUT)


def parse(argv: list[str], words: Words) -> argparse.Namespace:
    """The options of one call.  Raises ``Stop``; ``SystemExit(0)`` after help."""
    Parser.words = words
    for argument in argv:
        try:
            argument.encode()
        except UnicodeEncodeError:  # the terminal sent bytes that are no text
            raise Stop([problem("", words("argument.text"))], BAD_INPUT) from None
    return build().parse_args(argv)


def build() -> Parser:
    """The whole parser."""
    places = Parser(add_help=False, allow_abbrev=False)
    group = places.add_argument_group("where")
    # Both before and after the command, so neither may set a default that hides the other.
    group.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS,
                       help="configuration (or BROADCASTER_CONFIG)")  # fmt: skip
    group.add_argument("--data", metavar="DIR", default=argparse.SUPPRESS,
                       help="folder of all data (or BROADCASTER_DATA; default ./var)")  # fmt: skip
    parser = Parser(
        prog="broadcaster", description=ABOUT, epilog=AFTER, parents=[places], allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--version", action="store_const", const="version", dest="shortcut",
                        help="print the version")  # fmt: skip
    # Named, because argparse would lay out a whole usage to find the name out.
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", title="commands", prog=parser.prog
    )

    def command(name: str, says: str, about: str = "") -> Parser:
        made: Parser = commands.add_parser(
            name, help=says, description=about or says, parents=[places], allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        return made

    _sending(command)
    _looking(command)
    _keeping(command, places)
    return parser


def _sending(command: Any) -> None:
    issue = command("issue", "issue a warning", ISSUE)
    issue.add_argument("file", nargs="?", metavar="FILE", help="a draft; - reads standard input")
    _draft(issue)
    _sends(issue)

    update = command(
        "update", "change a warning that is out",
        "Change a warning: what is not named stays as it was.\n\n"
        "example:\n  broadcaster update ID --level 3 --set amount=80",
    )  # fmt: skip
    _identifier(update)
    update.add_argument("file", nargs="?", metavar="FILE", help="a draft with the changes")
    _draft(update)
    _sends(update)

    extend = command(
        "extend", "let a warning last longer",
        "Let a warning last longer; everything else stays.\n\n"
        "example:\n  broadcaster extend ID --expires 6h",
    )  # fmt: skip
    _identifier(extend)
    extend.add_argument("--expires", required=True, metavar="WHEN", help="6h, 90m, 2d, 22:30, ...")
    _sends(extend)

    cancel = command(
        "cancel", "end a warning (all clear)",
        "End a warning and tell everyone it may have reached.\n\n"
        'example:\n  broadcaster cancel ID --reason "the rain is over"',
    )  # fmt: skip
    _identifier(cancel)
    cancel.add_argument(
        "--reason", type=_given, required=True, metavar="TEXT", help="for the record"
    )
    _sends(cancel)

    relay = command(
        "relay", "pass a CAP alert of somebody else on",
        "Pass a CAP 1.2 alert on, its texts verbatim, its source named.\n\n"
        "example:\n  broadcaster relay warning.xml --dry-run",
    )  # fmt: skip
    relay.add_argument("file", metavar="FILE", help="a CAP file; - reads standard input")
    _sends(relay)

    approve = command(
        "approve", "let a waiting warning go (second officer)",
        "Let a warning go that waits for a second officer: it is shown first.",
    )  # fmt: skip
    _identifier(approve)
    approve.add_argument("--yes", action="store_true", help="do not show, do not ask")
    _wait(approve)
    _json(approve)

    withdraw = command("withdraw", "give up a waiting warning; nothing was sent")
    _identifier(withdraw)
    withdraw.add_argument(
        "--reason", type=_given, required=True, metavar="TEXT", help="for the record"
    )
    _json(withdraw)


def _looking(command: Any) -> None:
    preview = command(
        "preview", "show every text exactly as it would arrive",
        "Show every text of every channel exactly as it would arrive.\n\n"
        "examples:\n  broadcaster preview examples/heat.yaml --language tr --variant plain\n"
        "  broadcaster preview ID --channel texts",
    )  # fmt: skip
    preview.add_argument("source", nargs="?", metavar="FILE|ID", help="a draft, or a warning")
    _draft(preview)
    preview.add_argument("--language", default="", metavar="TAG", help="only this language")
    preview.add_argument("--variant", default="", metavar="NAME",
                         help="only standard, plain, short or spoken")  # fmt: skip
    preview.add_argument("--channel", default="", metavar="NAME", help="only this channel")
    _json(preview)

    listing = command("list", "warnings in force, scheduled or waiting")
    listing.add_argument("--all", action="store_true", help="ended ones too")
    _json(listing)

    status = command(
        "status", "what happened to a warning, per channel and language",
        "What happened to a warning.  The end of its identifier is enough.\n\n"
        "example:\n  broadcaster status 4kx9wd --watch",
    )  # fmt: skip
    _identifier(status)
    status.add_argument("--watch", action="store_true", help="until nothing is open any more")
    _json(status)

    route = command("route", "which routes match a draft, and why")
    route.add_argument("file", nargs="?", metavar="FILE", help="a draft; - reads standard input")
    _draft(route)
    _json(route)

    check = command("check", "configuration, texts and channels; alarms nobody")
    _json(check)


def _keeping(command: Any, places: Parser) -> None:
    subscribers = command(
        "subscribers", "add, import, count or erase subscribers",
        "Numbers are taken from the command line or, better, from standard input (-), which\n"
        "leaves no trace in the shell's history.  They are never shown again.\n\n"
        "examples:\n  broadcaster subscribers add - --channel texts --language tr\n"
        "  broadcaster subscribers import people.csv --channel texts\n"
        "  (columns: address,language,variant,areas,hazards,minimum)",
    )  # fmt: skip
    actions = subscribers.add_subparsers(
        dest="action", metavar="ACTION", required=True, prog=subscribers.prog
    )

    def action(name: str, says: str) -> Parser:
        made: Parser = actions.add_parser(name, help=says, parents=[places], allow_abbrev=False)
        made.add_argument("--channel", required=True, metavar="NAME")
        _json(made)
        return made

    add = action("add", "one number")
    add.add_argument("address", metavar="NUMBER|-", help="- reads it from standard input")
    add.add_argument("--language", default="", metavar="TAG")
    add.add_argument("--variant", default="", metavar="NAME", help="short, plain or standard")
    add.add_argument("--area", action="append", default=[], metavar="ID", help="default: all")
    add.add_argument("--hazard", action="append", default=[], metavar="ID", help="default: all")
    add.add_argument("--minimum", default="", metavar="SEVERITY", help="least CAP severity")
    importing = action("import", "a CSV file")
    importing.add_argument("file", metavar="FILE|-")
    action("count", "how many, by language")
    erase = action("erase", "forget one number")
    erase.add_argument("address", metavar="NUMBER|-", help="- reads it from standard input")

    translations = command("translations", "how complete and reviewed the languages are")
    translations.add_argument("action", choices=("status", "lint"))
    _json(translations)

    audit = command("audit", "who did what, when and why; has anyone changed the record")
    audit.add_argument("action", choices=("verify", "show"))
    _json(audit)

    serve = command("serve", "run the daemon: site, feeds, API, queue")
    serve.add_argument("--host", default="127.0.0.1", metavar="ADDRESS",
                       help="where to listen (default 127.0.0.1: this machine only)")  # fmt: skip
    serve.add_argument("--port", default=8080, type=_port, metavar="NUMBER",
                       help="default 8080; 0 takes a free one")  # fmt: skip

    version = command("version", "print the version")
    _json(version)


def _identifier(parser: Parser) -> None:
    parser.add_argument("id", metavar="ID", help="identifier, or its last letters")


def _draft(parser: Parser) -> None:
    draft = parser.add_argument_group("what to say")
    draft.add_argument("--hazard", metavar="ID", help="heat, heavy_rain, flooding, test, ...")
    draft.add_argument("--level", metavar="N", help="1, 2 or 3; 3 is the worst")
    draft.add_argument("--area", action="append", metavar="NAME", help="may be given again")
    draft.add_argument("--expires", metavar="WHEN", help="6h, 90m, 2d, 22:30, 2026-07-01T22:30")
    draft.add_argument("--onset", metavar="WHEN", help="when the hazard begins")
    draft.add_argument("--release", metavar="WHEN", help="send later, then")
    draft.add_argument("--set", action="append", type=_pair, metavar="NAME=VALUE", dest="values",
                       help="a value of the hazard: amount=40; may be given again")  # fmt: skip
    draft.add_argument("--actions", metavar="IDS", help="what to do, with commas, in this order")
    draft.add_argument("--note", metavar="TEXT", help="free text; carried verbatim, untranslated")
    draft.add_argument("--note-language", metavar="TAG", help="language of the note")
    draft.add_argument("--severity", metavar="CAP", help="instead of the level's own")
    draft.add_argument("--urgency", metavar="CAP")
    draft.add_argument("--certainty", metavar="CAP")
    draft.add_argument("--repeat", metavar="SPAN", help="broadcast again every 2h until it ends")
    draft.add_argument("--languages", metavar="TAGS", help="only these, with commas")
    reality = draft.add_mutually_exclusive_group()
    reality.add_argument("--exercise", type=_given, metavar="NAME",
                         help="an exercise: never reaches the public")  # fmt: skip
    reality.add_argument("--test", action="store_true", help="a test: never reaches the public")


def _sends(parser: Parser) -> None:
    sending = parser.add_argument_group("sending")
    sending.add_argument("--yes", action="store_true", help="send without asking")
    sending.add_argument("--dry-run", action="store_true", help="show what would be sent")
    sending.add_argument("--break-glass", type=_given, metavar="REASON",
                         help="send without the second officer; loud and on record")  # fmt: skip
    _wait(parser)
    _json(parser)


def _wait(parser: Parser) -> None:
    parser.add_argument("--wait", type=_seconds, default=WAIT, metavar="SECONDS",
                        help="watch that long, then report what is open (default 20)")  # fmt: skip


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
