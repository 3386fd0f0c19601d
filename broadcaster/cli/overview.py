"""What there is to do, in words: the first help, shown without building any parser."""

from __future__ import annotations

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
options, before or after the command:
  --config FILE    configuration (or BROADCASTER_CONFIG)
  --data DIR       folder of all data (or BROADCASTER_DATA; default ./var)
  --help           this, or what one command takes
  --version        the version

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
      --expires 22:30 --set amount=60 --set period=2
  broadcaster issue examples/heat.yaml --exercise "Spring 2027"
"""

# name: (in a line, at length where there is more to say)
COMMANDS: dict[str, tuple[str, str]] = {
    "issue": ("issue a warning", ISSUE),
    "update": (
        "change a warning that is out",
        "Change a warning: what is not named stays as it was.\n\n"
        "example:\n  broadcaster update ID --level 3 --set amount=80",
    ),
    "extend": (
        "let a warning last longer",
        "Let a warning last longer; everything else stays.\n\n"
        "example:\n  broadcaster extend ID --expires 6h",
    ),
    "cancel": (
        "end a warning (all clear)",
        "End a warning and tell everyone it may have reached.\n\n"
        'example:\n  broadcaster cancel ID --reason "the rain is over"',
    ),
    "relay": (
        "pass a CAP alert of somebody else on",
        "Pass a CAP 1.2 alert on, its texts verbatim, its source named.\n\n"
        "example:\n  broadcaster relay warning.xml --dry-run",
    ),
    "approve": (
        "let a waiting warning go (second officer)",
        "Let a warning go that waits for a second officer: it is shown first.",
    ),
    "withdraw": ("give up a waiting warning; nothing was sent", ""),
    "preview": (
        "show every text exactly as it would arrive",
        "Show every text of every channel exactly as it would arrive.\n\n"
        "examples:\n  broadcaster preview examples/heat.yaml --language tr --variant plain\n"
        "  broadcaster preview ID --channel texts",
    ),
    "list": ("warnings in force, scheduled or waiting", ""),
    "status": (
        "what happened to a warning, per channel and language",
        "What happened to a warning.  The end of its identifier is enough.\n\n"
        "example:\n  broadcaster status 4kx9wd --watch",
    ),
    "route": ("which routes match a draft, and why", ""),
    "check": ("configuration, texts and channels; alarms nobody", ""),
    "subscribers": (
        "add, list, import, export or erase subscribers",
        "Numbers are taken from the command line or, better, from standard input (-), which\n"
        "leaves no trace in the shell's history.  Only `export` shows them again.\n\n"
        "examples:\n  broadcaster subscribers add - --channel texts --language tr\n"
        "  broadcaster subscribers import people.csv --channel texts\n"
        "  (columns: address,language,variant,areas,hazards,minimum,quiet)",
    ),
    "translations": (
        "how complete, right, fitting and reviewed the languages are",
        "examples:\n  broadcaster translations status\n"
        "  broadcaster translations export ru --variant plain   > ru-plain.po\n"
        "  broadcaster translations import ru ru-plain.po --variant plain\n"
        "  broadcaster translations sign ru --level reviewed --by 'A. Muster'",
    ),
    "audit": ("who did what, when and why; has anyone changed the record", ""),
    "serve": ("run the daemon: site, feeds, API, queue", ""),
    "version": ("print the version", ""),
}


def overview() -> str:
    """The whole of ``broadcaster --help``."""
    rows = "".join(f"  {name:16} {says}\n" for name, (says, _) in COMMANDS.items())
    return f"usage: broadcaster COMMAND ...\n\n{ABOUT}\ncommands:\n{rows}\n{AFTER}"
