"""Previews and reports as an officer reads them."""

from __future__ import annotations

from broadcaster.cli.screen import BOLD, GREEN, RED, REVERSE, YELLOW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from broadcaster.cli.screen import Screen
    from broadcaster.cli.words import Words

REACHED = frozenset({"accepted", "sent", "delivered"})
WAITING = frozenset({"planned", "attempting"})
"""As in broadcaster.model.states, which a light command does not import; a test compares them."""
FIGURES = ("segments", "pages", "cost")
_BAR = 20


def states(counts: Mapping[str, int], words: Words) -> str:
    """``4,990 handed over, 10 rejected``."""
    return ", ".join(f"{words.number(n)} {words.known(name, name)}" for name, n in counts.items())


def progress(channels: Mapping[str, Any], words: Words) -> list[str]:
    """One line per channel: how much is no longer waiting, and what became of it."""
    width = max(map(len, channels), default=0)
    lines = []
    for name, row in channels.items():
        total, counts = row["total"], row["states"]
        done = total - sum(counts.get(state, 0) for state in WAITING)
        filled = _BAR * done // total if total else _BAR
        bar = "#" * filled + "." * (_BAR - filled)
        lines.append(f"{name:{width}} [{bar}] {states(counts, words)}")
    return lines


def moment(text: str) -> str:
    """An ISO 8601 time as ``23.11.2026 22:30``; anything else as it is."""
    if len(text) >= 16 and text[4] == text[7] == "-" and text[10] == "T":
        return f"{text[8:10]}.{text[5:7]}.{text[:4]} {text[11:16]}"
    return text


def banner(screen: Screen, status: str, *, result: bool) -> None:
    """Exercise and test cannot be overlooked."""
    if status in ("Exercise", "Test"):
        word = screen.words(f"banner.{status}")
        line = f"*** {word} *** {screen.words('banner.says')} *** {word} ***"
        screen.loud(line, REVERSE, result=result)


# ---- preview ------------------------------------------------------------------------------------


def preview(screen: Screen, seen: Mapping[str, Any]) -> None:
    """Every text in full, as the result of a command that only looks."""
    _head(screen, seen, result=True)
    for text in seen.get("texts", ()):
        screen.result("")
        screen.loud(_label(text, screen.words), BOLD, result=True)
        screen.result(*(f"    {line}" for line in str(text["text"]).split("\n")))
        screen.result(*(f"    ({note})" for note in text.get("notes", ())))
    screen.result("")
    _cautions(screen, seen, result=True)


def summary(screen: Screen, seen: Mapping[str, Any], *, what: str) -> None:
    """The preview before the question: one language in full, the others counted, gaps loud."""
    words = screen.words
    screen.loud(f"--- {words('preview')} ---", BOLD, result=False)
    _head(screen, seen, result=False)
    texts = seen.get("texts", ())
    for group in _first_of_each_channel(texts):
        for text in group:
            screen.loud(_label(text, words), BOLD, result=False)
        lines = str(group[0]["text"]).split("\n")
        # A whole web document would push the question off the screen.
        screen.say(*(f"    {line}" for line in lines[:_SHOWN]))
        if len(lines) > _SHOWN:
            screen.say(f"    ... (+{len(lines) - _SHOWN})")
    by_channel: dict[str, dict[str, list[str]]] = {}
    for text in texts:
        row = by_channel.setdefault(text["channel"], {})
        row.setdefault(text["variant"], []).append(text["language"])
    screen.say(f"{words('texts')}:" if by_channel else "")
    for name, variants in by_channel.items():
        for variant, languages in variants.items():
            screen.say(f"  {name}: {variant}: {', '.join(dict.fromkeys(languages))}")
    _cautions(screen, seen, result=False)
    if what and what != "-":
        screen.say(words("preview.all", what=what))
    banner(screen, str(seen.get("status", "")), result=False)


_SHOWN = 8
"""Lines of one text in the summary."""


def _first_of_each_channel(
    texts: Sequence[Mapping[str, Any]],
) -> list[list[Mapping[str, Any]]]:
    """One text per channel in the source language, which comes first; equal ones together."""
    source = texts[0]["language"] if texts else ""
    first: dict[str, Mapping[str, Any]] = {}
    for text in texts:
        if text["language"] == source:
            first.setdefault(text["channel"], text)
    equal: dict[str, list[Mapping[str, Any]]] = {}
    for text in first.values():
        equal.setdefault(text["text"], []).append(text)
    return list(equal.values())


def _head(screen: Screen, seen: Mapping[str, Any], *, result: bool) -> None:
    words = screen.words
    banner(screen, str(seen.get("status", "")), result=result)
    show = screen.result if result else screen.say
    screen.loud(f"{seen.get('headline', '')} ({seen.get('severity', '')})", BOLD, result=result)
    areas = ", ".join(seen.get("areas", ()))
    begins, until = str(seen.get("from", "")), str(seen.get("until", ""))
    times = " ".join(
        words(key, time=moment(time)) for key, time in (("from", begins), ("until", until)) if time
    )
    show(f"  {words('areas')}: {areas}", f"  {words('times')}: {times}")
    for channel, counts in (seen.get("recipients") or {}).items():
        total = sum(counts.values())
        if not total:
            screen.loud(f"  {words('recipients.none', channel=channel)}", YELLOW, result=result)
            continue
        detail = ", ".join(f"{name} {words.number(n)}" for name, n in counts.items())
        show(f"  {words('recipients')}: {channel}: {words.number(total)} ({detail})")
        if taken := (seen.get("estimate") or {}).get(channel):
            show(f"    {_estimate(taken, words)}")


def _estimate(taken: Mapping[str, float], words: Words) -> str:
    """``at most 1,200,000 segments, 84,000.00 cost, 20 min``."""
    said = [f"{words.number(int(taken['segments']))} {words('figure.segments')}"]
    if "cost" in taken:
        said.append(f"{words('figure.cost')} {taken['cost']:.2f}")
    if "seconds" in taken:
        seconds = int(-(-taken["seconds"] // 1))
        said.append(f"{seconds} s" if seconds < 120 else f"{-(-seconds // 60)} min")
    return words("estimate", figures=", ".join(said))


def _label(text: Mapping[str, Any], words: Words) -> str:
    size = f"{words.number(text['used'])}/{words.number(text['limit'])} {text['unit']}"
    # Of a channel's figures those that mean something to an officer; machines get them all.
    figures = ((name, value) for name, value in (text.get("meta") or {}).items())
    extra = "".join(
        f", {value} {words(f'figure.{name}')}" for name, value in figures if name in FIGURES
    )
    return f"[{text['channel']}] {_version(text, words)} - {size}{extra}"


def _version(text: Mapping[str, Any], words: Words) -> str:
    shown = text.get("shown") or ""
    version = f"{text['language']} {text['variant']}".strip()
    if shown and shown != text["variant"]:
        version += f" ({words('shown', variant=shown)})"
    return version


def _cautions(screen: Screen, seen: Mapping[str, Any], *, result: bool) -> None:
    """What an officer must know before the word that sends."""
    words = screen.words
    show = screen.result if result else screen.say
    if not seen.get("texts"):
        screen.loud(words("texts.none"), RED, result=result)
    if gaps := seen.get("gaps"):
        screen.loud(f"{words('gaps.loud')}:", RED, result=result)
        show(*_gaps(gaps, words))
    for name, notes in (seen.get("notes") or {}).items():
        show(*(f"  {name}: {note}" for note in notes))
    for name, how in (seen.get("wider") or {}).items():
        screen.loud(words("wider.loud", channel=name, how=how), RED, result=result)
    senses: Mapping[str, Sequence[str]] = seen.get("senses") or {}
    few = {tag: reached for tag, reached in senses.items() if len(reached) < 2}
    if few:
        names = ", ".join(
            f"{tag} ({', '.join(words.known(s, s) for s in reached) or words('senses.none')})"
            for tag, reached in few.items()
        )
        screen.loud(words("senses.loud", languages=names), RED, result=result)
    elif senses:
        show(words("senses.fine"))
    if reasons := seen.get("approval"):
        screen.loud(words("approval.loud", reasons="; ".join(reasons)), YELLOW, result=result)
    screen.problems([{**one, "level": "warning"} for one in seen.get("warnings") or ()])


def _gaps(gaps: Iterable[Mapping[str, str]], words: Words) -> list[str]:
    """One line per channel and reason, the versions it concerns together."""
    rows: dict[tuple[str, str], list[str]] = {}
    for gap in gaps:
        version = f"{gap.get('language', '')} {gap.get('variant', '')}".strip()
        rows.setdefault((gap.get("channel", ""), gap["reason"]), []).append(
            version or words("everything")
        )
    return [
        f"  {channel or '*'}: {', '.join(versions)}: {reason}"
        for (channel, reason), versions in rows.items()
    ]


# ---- report -------------------------------------------------------------------------------------


def report(screen: Screen, result: Mapping[str, Any]) -> None:
    """What happened, per channel and version, closed by one sentence an officer can read aloud."""
    words = screen.words
    status = str(result.get("status", ""))
    banner(screen, status, result=True)
    screen.loud(f"{result.get('headline', '')} ({result.get('severity', '')})", BOLD, result=True)
    standing = str(result.get("state", ""))
    facts = [
        str(result["identifier"]),
        str(result.get("msg_type", "")),
        status,
        words.known(f"standing.{standing}", standing),
    ]
    if result.get("expires"):
        facts.append(words("until", time=moment(str(result["expires"]))))
    screen.result(" | ".join(filter(None, facts)))
    if result.get("held"):
        held(screen, str(result["identifier"]), result.get("approval") or (), result=True)
        return
    rows = _merged(result.get("lines", ()), words)
    if rows:
        screen.result("")
        table(screen, (words("channel"), words("text"), words("outcome")), rows)
    if gaps := result.get("gaps"):
        screen.loud(f"{words('gaps')}:", YELLOW, result=True)
        screen.result(*_gaps(gaps, words))
    if nobody := result.get("nobody"):
        screen.loud(words("nobody", channels=", ".join(nobody)), YELLOW, result=True)
    screen.result("")
    _conclusion(screen, result)


def held(screen: Screen, identifier: str, reasons: Sequence[str], *, result: bool = False) -> None:
    """It waits: for whom, why, and the exact command that lets it go."""
    words = screen.words
    screen.loud(words("held.says", identifier=identifier), YELLOW, result=result)
    show = screen.result if result else screen.say
    show("    " + words("held.command", identifier=identifier))
    if reasons:
        show("  " + words("held.why", reasons="; ".join(reasons)))


def table(screen: Screen, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns of text, the last as wide as it likes."""
    widths = [max(len(row[i]) for row in (heads, *rows)) for i in range(len(heads) - 1)]
    for index, row in enumerate((heads, *rows)):
        cells = [f"{cell:{width}}" for cell, width in zip(row, widths, strict=False)]
        line = "  ".join((*cells, row[-1])).rstrip()
        if index:
            screen.result(line)
        else:
            screen.loud(line, BOLD, result=True)


def _merged(lines: Sequence[Mapping[str, Any]], words: Words) -> list[tuple[str, str, str]]:
    """Rows of the table; versions that fared exactly alike on one channel share a row."""
    alike: dict[tuple[object, ...], list[Mapping[str, Any]]] = {}
    for line in lines:
        key = (
            line["channel"],
            line["variant"],
            line.get("shown", ""),
            tuple(line["states"].items()),
            line.get("attempts", 0),
            tuple(line.get("reasons", ())),
        )
        alike.setdefault(key, []).append(line)
    rows = []
    for group in alike.values():
        first = group[0]
        languages = " ".join(line["language"] for line in group)
        counts = {name: n * len(group) for name, n in first["states"].items()}
        says = [states(counts, words)]
        if first.get("attempts", 0) > 1:
            says.append(words("tries", count=first["attempts"]))
        says += first.get("reasons", ())
        version = _version({**first, "language": languages}, words)
        rows.append((str(first["channel"]), version, "; ".join(filter(None, says))))
    return rows


def _conclusion(screen: Screen, result: Mapping[str, Any]) -> None:
    """What is out, what is not, and where to look."""
    words = screen.words
    totals: dict[str, dict[str, int]] = {}
    for line in result.get("lines", ()):
        row = totals.setdefault(line["channel"], {})
        for name, n in line["states"].items():
            row[name] = row.get(name, 0) + n
    out, partly, waiting, not_out = [], [], [], []
    for name, counts in totals.items():
        reached = sum(n for state, n in counts.items() if state in REACHED)
        # What a newer alert replaced is no failure; nobody was meant to get it any more.
        total = sum(n for state, n in counts.items() if state != "superseded")
        if any(counts.get(state) for state in WAITING):
            waiting.append(name)
        if total and reached == total:
            out.append(name)
        elif reached:
            partly.append(name)
        elif total and name not in waiting:
            not_out.append(name)
    for gap in result.get("gaps", ()):
        name = gap.get("channel", "")
        if name and not gap.get("language") and name not in totals:
            not_out.append(name)
    outcome = result.get("outcome")
    if outcome == "none":
        screen.loud(words("out.none"), RED, result=True)
    elif outcome == "all" and out and not (partly or waiting or not_out):
        screen.loud(words("out.all", channels=", ".join(out)), GREEN, result=True)
    elif out:
        screen.loud(words("out.some", channels=", ".join(out)), GREEN, result=True)
    for key, names, colour in (
        ("out.partly", partly, YELLOW),
        ("out.waiting", waiting, YELLOW),
        ("out.not", not_out, RED),
    ):
        if names:
            screen.loud(words(key, channels=", ".join(dict.fromkeys(names))), colour, result=True)
    places = [str(result[key]) for key in ("site", "cap", "outbox") if result.get(key)]
    if places:
        screen.result(words("out.look", places=", ".join(places)))
    if outcome != "all":
        screen.result(words("out.later", identifier=result["identifier"]))
