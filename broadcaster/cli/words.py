"""What the commands say, in English and German.  A language is a column of one table."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

LANGUAGES = ("en", "de")


class Words:
    """The table in one language: ``words("key", name=value)``."""

    def __init__(self, language: str = "en") -> None:
        self.language = language
        self._column = LANGUAGES.index(language)

    def __call__(self, key: str, **values: object) -> str:
        """The sentence ``key`` with its values filled in."""
        return TABLE[key][self._column].format(**values)

    def known(self, key: str, otherwise: str) -> str:
        """The sentence ``key``, or ``otherwise`` when the table has none."""
        return TABLE[key][self._column] if key in TABLE else otherwise

    def number(self, value: int) -> str:
        """A count with the thousands set apart as the language does."""
        return f"{value:,}".replace(",", "." if self.language == "de" else ",")


def language_of(environment: Mapping[str, str]) -> str:
    """The interface language by POSIX order: ``LC_ALL``, ``LC_MESSAGES``, ``LANG``."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name, ""):
            tag = value[:2].lower()
            return tag if tag in LANGUAGES else "en"
    return "en"


# key: (English, German)
TABLE: dict[str, tuple[str, str]] = {
    # -- states of deliveries (broadcaster.model.states)
    "planned": ("waiting", "wartet"),
    "attempting": ("being sent", "wird gesendet"),
    "accepted": ("handed over", "übergeben"),
    "sent": ("sent", "gesendet"),
    "delivered": ("delivered", "zugestellt"),
    "rejected": ("rejected", "abgewiesen"),
    "unknown": ("unknown whether sent", "unklar, ob gesendet"),
    "expired": ("expired before it was sent", "vor dem Senden abgelaufen"),
    "superseded": ("replaced by a newer one", "durch neuere ersetzt"),
    "unsupported": ("not possible on this channel", "auf diesem Weg nicht möglich"),
    # -- senses
    "see": ("see", "sehen"),
    "hear": ("hear", "hören"),
    "touch": ("touch", "fühlen"),
    # -- standing of an alert
    "standing.in_force": ("in force", "gilt"),
    "standing.scheduled": ("scheduled", "geplant"),
    "standing.superseded": ("replaced by an update", "durch neuere ersetzt"),
    "standing.cancelled": ("ended", "beendet"),
    "standing.expired": ("expired", "abgelaufen"),
    "standing.held": ("waits for approval", "wartet auf Freigabe"),
    "standing.withdrawn": ("withdrawn", "zurückgezogen"),
    # -- reality
    "banner.Exercise": ("EXERCISE", "ÜBUNG"),
    "banner.Test": ("TEST", "PROBEALARM"),
    "banner.says": (
        "Not a real warning. It reaches exercise targets only.",
        "Keine echte Warnung. Sie geht nur an Übungsziele.",
    ),
    # -- problems
    "level.error": ("Problem", "Fehler"),
    "level.warning": ("Note", "Hinweis"),
    "nothing": ("Nothing was sent.", "Es wurde nichts gesendet."),
    "bug": (
        "Sorry: Broadcaster made a mistake of its own. Please report what follows.",
        "Entschuldigung: Broadcaster hat selbst einen Fehler gemacht. Bitte melden Sie Folgendes.",
    ),
    "bug.sent": (
        "It may have been sent. Look before you send again: broadcaster list --all",
        "Vielleicht wurde gesendet. Vor einem neuen Versuch nachsehen: broadcaster list --all",
    ),
    "usage.remedy": ("see `{program} --help`", "siehe `{program} --help`"),
    "file.missing": ("there is no such file", "diese Datei gibt es nicht"),
    "file.missing.remedy": (
        "check the name; examples/heat.yaml is a draft to start from",
        "Name prüfen; examples/heat.yaml ist eine Vorlage",
    ),
    "file.folder": ("is a folder", "ist ein Ordner"),
    "file.folder.remedy": ("name one file in it", "eine Datei darin nennen"),
    "file.denied": ("may not be read by you", "dürfen Sie nicht lesen"),
    "file.denied.remedy": (
        "ask its owner, or copy it to a place of your own",
        "Eigentümer fragen oder an eigenen Ort kopieren",
    ),
    "file.unreadable": ("cannot be read: {reason}", "ist nicht lesbar: {reason}"),
    "file.unreadable.remedy": ("check the disk, or use another copy", "Datenträger prüfen"),
    "file.large": (
        "is larger than {limit} MB",
        "ist größer als {limit} MB",
    ),
    "file.large.remedy": ("is this the right file?", "ist das die richtige Datei?"),
    "file.text": ("is not UTF-8 text (byte {at})", "ist kein UTF-8-Text (Byte {at})"),
    "file.text.remedy": ("save the file as UTF-8", "Datei als UTF-8 speichern"),
    "file.url": ("addresses are not fetched here", "Adressen werden hier nicht abgerufen"),
    "file.url.remedy": (
        "save the CAP file first, then relay the file",
        "CAP-Datei zuerst speichern, dann die Datei angeben",
    ),
    "argument.text": ("is not UTF-8 text", "ist kein UTF-8-Text"),
    "argument.twice": ("{name} is given twice", "{name} ist doppelt angegeben"),
    "argument.twice.remedy": ("give it once", "nur einmal angeben"),
    "note.missing": ("says nothing without --note", "sagt nichts ohne --note"),
    "stdin.empty": ("standard input is empty", "die Standardeingabe ist leer"),
    "draft.none": ("nothing says what to warn of", "es fehlt, wovor gewarnt wird"),
    "draft.none.remedy": (
        "name a file, or --hazard, --level, --area and --expires",
        "eine Datei nennen oder --hazard, --level, --area und --expires",
    ),
    "change.none": ("nothing says what changes", "es fehlt, was sich ändert"),
    "change.none.remedy": (
        "name what changes: --level 3, --set amount=80, ...",
        "sagen, was sich ändert: --level 3, --set amount=80, ...",
    ),
    "unconfirmed": (
        "there is no terminal on which somebody could confirm",
        "kein Terminal, an dem jemand bestätigen könnte",
    ),
    "unconfirmed.remedy": (
        "--dry-run shows what would be sent; --yes sends it",
        "--dry-run zeigt, was gesendet würde; --yes sendet",
    ),
    # -- the daemon
    "daemon.denied": (
        "you may not talk to the running Broadcaster",
        "Sie dürfen nicht mit dem laufenden Broadcaster sprechen",
    ),
    "daemon.denied.remedy": (
        "ask the administrator for access to {path}",
        "bei der Administration Zugang zu {path} erbitten",
    ),
    "daemon.lost": (
        "the running Broadcaster stopped answering",
        "der laufende Broadcaster antwortet nicht mehr",
    ),
    "daemon.lost.unknown": (
        "the running Broadcaster stopped answering; nobody knows yet whether it took the warning",
        "der laufende Broadcaster antwortet nicht mehr; ob er die Warnung annahm, ist noch unklar",
    ),
    "daemon.lost.unknown.remedy": (
        "look before you send again: broadcaster list --all",
        "vor einem neuen Versuch nachsehen: broadcaster list --all",
    ),
    "daemon.lost.remedy": (
        "is `broadcaster serve` running? then try again",
        "läuft `broadcaster serve`? dann erneut versuchen",
    ),
    "daemon.lost.stored": (
        "the running Broadcaster stopped answering; {identifier} is stored and goes on being sent",
        "der laufende Broadcaster antwortet nicht mehr; {identifier} ist gespeichert und wird"
        " weiter gesendet",
    ),
    "daemon.lost.stored.remedy": (
        "check that `broadcaster serve` runs, then: broadcaster status {identifier}",
        "prüfen, ob `broadcaster serve` läuft, dann: broadcaster status {identifier}",
    ),
    "spool.says": (
        "Stored, not yet sent: another Broadcaster owns the data folder and does not answer.",
        "Gespeichert, noch nicht gesendet: ein anderer Broadcaster belegt den Datenordner und"
        " antwortet nicht.",
    ),
    "spool.where": (
        "It is sent as soon as `broadcaster serve` runs again. Until then it waits in {path}",
        "Gesendet wird, sobald `broadcaster serve` wieder läuft. Bis dahin liegt es in {path}",
    ),
    "spool.ask": (
        "No preview is possible: another Broadcaster owns the data folder and does not answer.\n"
        "It can be stored unseen, to be sent when that one runs again.",
        "Keine Vorschau möglich: ein anderer Broadcaster belegt den Datenordner und antwortet"
        " nicht.\nDie Warnung kann ungesehen gespeichert werden; gesendet wird sie, sobald er"
        " wieder läuft.",
    ),
    "spool.confirm": ("Store unseen?", "Ungesehen speichern?"),
    "spool.failed": ("could not be stored: {reason}", "konnte nicht gespeichert werden: {reason}"),
    "spool.failed.remedy": (
        "nothing was stored or sent; free the disk or use another way to warn",
        "nichts gespeichert oder gesendet; Platz schaffen oder anders warnen",
    ),
    # -- confirming
    "confirm.word": ("YES", "JA"),
    "confirm.live": ("Send now to the public?", "Jetzt an die Öffentlichkeit senden?"),
    "confirm.exercise": ("Send now to the exercise targets?", "Jetzt an die Übungsziele senden?"),
    "confirm.held": (
        "Submit now for approval by a second officer?",
        "Jetzt zur Freigabe durch eine zweite Person einreichen?",
    ),
    "confirm.approve": ("Approve and send exactly this?", "Genau dies freigeben und senden?"),
    "confirm.type": ("type {word}", "{word} eintippen"),
    "confirm.again": (
        "Only the whole word {word} sends. An empty line, `no` or Ctrl-C leaves.",
        "Nur das ganze Wort {word} sendet. Leere Zeile, `nein` oder Strg-C bricht ab.",
    ),
    "changed": (
        "What would be sent is no longer what you saw. This is how it is now:",
        "Was gesendet würde, ist nicht mehr, was Sie sahen. So ist es jetzt:",
    ),
    "left.unsent": ("You left; nothing was sent.", "Abgebrochen; es wurde nichts gesendet."),
    "left": ("You left.", "Abgebrochen."),
    "left.asked": (
        "You left while the answer was on its way: it may have been stored."
        " Look: broadcaster list --all",
        "Abgebrochen, während die Antwort unterwegs war: vielleicht wurde gespeichert."
        " Nachsehen: broadcaster list --all",
    ),
    "left.daemon": (
        "You stopped watching. {identifier} goes on being sent: broadcaster status {identifier}",
        "Sie sehen nicht mehr zu. {identifier} wird weiter gesendet:"
        " broadcaster status {identifier}",
    ),
    "left.local": (
        "You stopped the sending. {identifier} is stored; what has not left goes out at the next"
        " start of Broadcaster: broadcaster status {identifier}",
        "Sie haben das Senden angehalten. {identifier} ist gespeichert; der Rest geht beim nächsten"
        " Start von Broadcaster hinaus: broadcaster status {identifier}",
    ),
    # -- progress and report
    "committed": (
        "{identifier} is stored and goes out.",
        "{identifier} ist gespeichert und geht hinaus.",
    ),
    "held.says": (
        "{identifier} is stored and WAITS: nothing was sent. A second officer must approve it:",
        "{identifier} ist gespeichert und WARTET: nichts wurde gesendet. Eine zweite Person muss"
        " freigeben:",
    ),
    "held.why": ("because: {reasons}", "weil: {reasons}"),
    "held.command": ("broadcaster approve {identifier}", "broadcaster approve {identifier}"),
    "channel": ("Channel", "Weg"),
    "text": ("Text", "Text"),
    "outcome": ("Outcome", "Ergebnis"),
    "until": ("until {time}", "bis {time}"),
    "from": ("from {time}", "ab {time}"),
    "tries": ("{count} attempts", "{count} Versuche"),
    "shown": ("shown as {variant}", "gezeigt als {variant}"),
    "gaps": ("Left out", "Ausgelassen"),
    "everything": ("everything", "alles"),
    "out.lost": (
        "Problem: the output could not be written: {reason}",
        "Fehler: die Ausgabe konnte nicht geschrieben werden: {reason}",
    ),
    "nobody": (
        "Nobody subscribes to {channels} in these languages.",
        "Niemand hat {channels} in diesen Sprachen abonniert.",
    ),
    "out.all": ("Everything is out: {channels}.", "Alles ist draußen: {channels}."),
    "out.none": ("NOTHING is out.", "NICHTS ist draußen."),
    "out.some": ("Out: {channels}.", "Draußen: {channels}."),
    "out.partly": ("Only partly out: {channels}.", "Nur teilweise draußen: {channels}."),
    "out.not": ("NOT out: {channels}.", "NICHT draußen: {channels}."),
    "out.waiting": ("Still waiting: {channels}.", "Wartet noch: {channels}."),
    "out.look": ("See it: {places}.", "Ansehen: {places}."),
    "out.later": (
        "How it goes on: broadcaster status {identifier}",
        "Wie es weitergeht: broadcaster status {identifier}",
    ),
    # -- preview
    "preview": ("PREVIEW, nothing is sent", "VORSCHAU, nichts ist gesendet"),
    "areas": ("Where", "Wo"),
    "times": ("When", "Wann"),
    "recipients": ("Recipients", "Empfänger"),
    "recipients.none": (
        "{channel}: nobody has subscribed, so it reaches nobody",
        "{channel}: niemand ist eingetragen, also erreicht es niemanden",
    ),
    "estimate": ("at most {figures}", "höchstens {figures}"),
    "figure.segments": ("segments", "Segmente"),
    "figure.pages": ("pages", "Seiten"),
    "figure.cost": ("cost", "Kosten"),
    "texts": ("Texts", "Texte"),
    "texts.none": ("No text at all: nobody would be warned.", "Kein Text: niemand würde gewarnt."),
    "languages": ("Languages", "Sprachen"),
    "gaps.loud": ("LEFT OUT", "AUSGELASSEN"),
    "wider.loud": ("WIDER THAN ASKED: {channel} {how}", "WEITER ALS GEWOLLT: {channel} {how}"),
    "wider.confirm": (
        "{ways}. Allow that? Without your word these channels stay silent.",
        "{ways}. Zulassen? Ohne Ihr Wort bleiben diese Kanäle still.",
    ),
    "senses.loud": (
        "REACHES FEWER THAN TWO SENSES: {languages}",
        "ERREICHT WENIGER ALS ZWEI SINNE: {languages}",
    ),
    "senses.none": ("none", "keinen"),
    "senses.fine": (
        "Every language reaches at least two senses.",
        "Jede Sprache erreicht mindestens zwei Sinne.",
    ),
    "approval.loud": (
        "A SECOND OFFICER MUST APPROVE: {reasons}",
        "FREIGABE DURCH ZWEITE PERSON NÖTIG: {reasons}",
    ),
    "preview.all": (
        "All texts in full: broadcaster preview {what}",
        "Alle Texte vollständig: broadcaster preview {what}",
    ),
    # -- lists
    "list.none": ("No warning is in force or scheduled.", "Keine Warnung gilt oder ist geplant."),
    "list.none.all": (
        "No warning was ever issued here.",
        "Hier wurde noch keine Warnung ausgegeben.",
    ),
    "withdrawn.says": (
        "{identifier} is withdrawn; nothing was sent.",
        "{identifier} ist zurückgezogen; nichts wurde gesendet.",
    ),
    "route.none": ("No route matches.", "Keine Route passt."),
    "check.fine": ("All is well.", "Alles in Ordnung."),
    "check.trouble": (
        "Not everything is well: see above.",
        "Nicht alles ist in Ordnung: siehe oben.",
    ),
    "check.incomplete": ("incomplete", "unvollständig"),
    "check.stale": ("stale", "veraltet"),
    "audit.fine": (
        "The record of {count} entries is whole.",
        "Das Protokoll mit {count} Einträgen ist unversehrt.",
    ),
    "subscribers.total": ("{count} in all", "zusammen {count}"),
    "subscribers.added": ("{added} added, {changed} changed", "{added} neu, {changed} geändert"),
    "subscribers.erased": (
        "This number is not subscribed (any more).",
        "Diese Nummer ist nicht (mehr) eingetragen.",
    ),
    "subscribers.more": ("There are more: see --limit.", "Es gibt mehr: siehe --limit."),
    "subscribers.exported": (
        "{rows} subscribers are in {file}, with their numbers.",
        "{rows} Eingetragene stehen in {file}, mit ihren Nummern.",
    ),
    "subscribers.resealed": (
        "{count} numbers are sealed with a new key; the old one is gone.",
        "{count} Nummern sind mit einem neuen Schlüssel versiegelt; der alte ist fort.",
    ),
    "file.unwritable": (
        "the file cannot be made: {reason}",
        "die Datei lässt sich nicht anlegen: {reason}",
    ),
    "file.unwritable.remedy": (
        "name a file that does not exist, in a folder you may write",
        "eine Datei nennen, die es noch nicht gibt, in einem beschreibbaren Ordner",
    ),
    "lint.fine": ("No findings.", "Keine Befunde."),
    "status.language": ("{done} sentences, {hazards} hazards", "{done} Sätze, {hazards} Gefahren"),
    "fit.language": ("language", "Sprache"),
    "fit.texts": ("texts", "Texte"),
    "fit.total": (
        "{texts} texts rendered, {missing} missing",
        "{texts} Texte gesetzt, {missing} fehlen",
    ),
    "sign.done": (
        "{language} {variant}: {level} by {by}",
        "{language} {variant}: {level}, gezeichnet {by}",
    ),
    # -- asking
    "ask.intro": (
        "A new warning for {city}. Enter takes the answer in [brackets]; Ctrl-C leaves, nothing is"
        " sent.",
        "Eine neue Warnung für {city}. Enter übernimmt die Antwort in [Klammern]; Strg-C bricht ab,"
        " nichts wird gesendet.",
    ),
    "ask.hazard": ("What happens?", "Was ist los?"),
    "ask.hazard.help": ("A number from the list.", "Eine Nummer aus der Liste."),
    "ask.level": ("How bad?", "Wie schlimm?"),
    "ask.level.help": (
        "A number from the list; the highest is the worst.",
        "Eine Nummer aus der Liste; die höchste ist die schlimmste.",
    ),
    "ask.area": ("Where?", "Wo?"),
    "ask.area.help": (
        "Numbers or names, several with commas.",
        "Nummern oder Namen, mehrere mit Komma.",
    ),
    "ask.until": ("Until when?", "Bis wann?"),
    "ask.until.help": (
        "6h, 90m, 2d, 22:30 or 2026-07-01T22:30.",
        "6h, 90m, 2d, 22:30 oder 2026-07-01T22:30.",
    ),
    "ask.value.help": (
        "A number of {unit}{bounds}; empty leaves it out.",
        "Eine Zahl in {unit}{bounds}; leer lässt sie weg.",
    ),
    "ask.value.bounds": (", {low} to {high}", ", {low} bis {high}"),
    "ask.name.help": ("A name; empty leaves it out.", "Ein Name; leer lässt ihn weg."),
    "ask.value.with": (
        "{name} says nothing without {other}.",
        "{name} sagt nichts ohne {other}.",
    ),
    "ask.actions": ("What should people do?", "Was sollen die Menschen tun?"),
    "ask.actions.help": (
        "Enter takes what the catalogue recommends for this level; or numbers with commas.",
        "Enter nimmt, was der Katalog für diese Stufe empfiehlt; oder Nummern mit Komma.",
    ),
    "ask.recommended": ("recommended", "empfohlen"),
    "ask.leave-out": ("leave out", "weglassen"),
    "ask.choice.wrong": (
        "{answer!r} is not in the list (1 to {count}).",
        "{answer!r} steht nicht in der Liste (1 bis {count}).",
    ),
    "ask.level.wrong": (
        "{answer!r} is no level of this hazard: {numbers}.",
        "{answer!r} ist keine Stufe dieser Gefahr: {numbers}.",
    ),
    "ask.value.needed": ("It is needed here.", "Der Wert wird hier gebraucht."),
    "ask.twice.wrong": ("{answer!r} is named twice.", "{answer!r} ist doppelt genannt."),
    "ask.number.wrong": ("{answer!r} is no number.", "{answer!r} ist keine Zahl."),
    "ask.range.wrong": (
        "{answer} is not plausible: {low} to {high}.",
        "{answer} ist nicht plausibel: {low} bis {high}.",
    ),
    "ask.name.wrong": ("At most 60 letters.", "Höchstens 60 Buchstaben."),
    "ask.time.wrong": ("{answer!r} is no time.", "{answer!r} ist keine Zeit."),
    "ask.past.wrong": ("{time} is in the past.", "{time} ist vorbei."),
}
