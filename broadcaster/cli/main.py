"""The ``broadcaster`` command.

Light on purpose: through a running daemon it is a socket and JSON.  Nothing of the application is
imported here; tests/unit/cli/test_import_budget.py holds that.
"""

from __future__ import annotations

import os
import sys

from broadcaster.cli.screen import RED, Screen
from broadcaster.cli.stop import INTERRUPTED, Leave, Stop
from broadcaster.cli.words import Words, language_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import NoReturn

    from broadcaster.cli.office import Local, Office

DATA = "./var"
"""Where everything is written, unless ``--data`` or ``BROADCASTER_DATA`` says otherwise."""


def entry() -> NoReturn:
    """The console script."""
    code = main(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):  # there is none, or nobody reads it
            continue
    # Not sys.exit: it waits for every thread, and that of a channel that hangs never ends.
    # Whatever must last is on disk by now.
    os._exit(code)


def main(argv: Sequence[str], *, local_run: Local | None = None) -> int:
    """Do one command; give the exit code.

    ``local_run`` does a request in this process when no daemon runs
    (default :func:`broadcaster.cli.local.run`).
    """
    arguments = list(argv)
    words = Words(language_of(os.environ))
    screen = Screen(sys.stdin, sys.stdout, sys.stderr, os.environ, words)
    office: Office | None = None
    try:
        if arguments in ([], ["-h"], ["--help"]):
            from broadcaster.cli.overview import overview

            screen.result(overview())
            return 0
        from broadcaster.cli.parser import parse

        options = parse(arguments, words)
        if options.command is None and options.shortcut is None:
            parse(["--help"], words)
        if options.shortcut == "version" or options.command == "version":
            return _version(screen, json=getattr(options, "json", False))

        from broadcaster.cli.office import Office

        office = Office(
            screen,
            data=_place(options, "data", "BROADCASTER_DATA") or DATA,
            config=_place(options, "config", "BROADCASTER_CONFIG"),
            token=os.environ.get("BROADCASTER_TOKEN", ""),
            local_run=local_run,
        )
        return _command(office, options)
    except SystemExit as done:  # argparse has shown its help
        return int(done.code or 0)
    except Stop as stop:
        screen.problems(stop.problems)
        if "--json" in arguments:
            screen.json({**stop.facts, "problems": stop.problems, "exit": stop.code})
        return stop.code
    except (KeyboardInterrupt, Leave):
        screen.say("", _left(office, words))
        return INTERRUPTED
    except Exception:
        import traceback

        screen.loud(words("bug"), RED, result=False)
        if office is not None and office.underway:
            screen.loud(words("bug.sent"), RED, result=False)
        screen.say(traceback.format_exc())
        return 1


def _command(office: Office, options: argparse.Namespace) -> int:
    if options.command == "serve":
        from broadcaster.cli import local

        return local.serve(office.config, office.data, options.host, options.port)
    if options.command == "subscribers":
        from broadcaster.cli import people

        return people.subscribers(office, options)
    from broadcaster.cli import looking, sending

    commands = {
        "issue": sending.issue,
        "update": sending.update,
        "extend": sending.extend,
        "cancel": sending.cancel,
        "relay": sending.relay,
        "approve": sending.approve,
        "withdraw": sending.withdraw,
        "preview": looking.preview,
        "list": looking.listing,
        "status": looking.status,
        "route": looking.route,
        "check": looking.check,
        "translations": looking.translations,
        "audit": looking.audit,
    }
    return commands[options.command](office, options)


def _place(options: argparse.Namespace, flag: str, variable: str) -> str | None:
    """A folder or file from its flag, else from the environment; empty means not given."""
    return getattr(options, flag, None) or os.environ.get(variable) or None


def _version(screen: Screen, *, json: bool) -> int:
    from broadcaster import __version__

    if json:
        screen.json({"version": __version__})
    else:
        screen.result(f"broadcaster {__version__}")
    return 0


def _left(office: Office | None, words: Words) -> str:
    """What is true of the warning when the officer leaves in the middle."""
    if office is None or not office.underway:
        return words("left.unsent")
    if office.underway == "asked":
        return words("left.asked")
    key = "left.daemon" if office.by_daemon else "left.local"
    return words(key, identifier=office.identifier)
