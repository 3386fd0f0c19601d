"""Asking an officer for a warning: numbers and Enter are enough, wrong answers are explained."""

from __future__ import annotations

from broadcaster.cli.screen import BOLD, YELLOW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, TypeVar

    from broadcaster.cli.screen import Screen

    T = TypeVar("T")

UNTIL = "6h"
"""The end proposed for a warning."""


class Wrong(Exception):
    """An answer that cannot be taken; says why."""


def draft(screen: Screen, known: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a draft: those given, and answers for the rest.  Raises ``Leave``."""
    words = screen.words
    screen.loud(words("ask.intro", city=known["city"]), BOLD, result=False)
    fields = dict(given)
    hazards: Sequence[Mapping[str, Any]] = known["hazards"]
    if "hazard" not in fields:
        fields["hazard"] = _hazard(screen, hazards)
    # A hazard given as a flag may be unknown; then only the desk can say what is wrong with it.
    hazard = next((one for one in hazards if one["id"] == fields["hazard"]), None)
    if "level" not in fields and hazard is not None:
        fields["level"] = _level(screen, hazard)
    if "area" not in fields:
        fields["area"] = _areas(screen, known["areas"])
    if "expires" not in fields:
        fields["expires"] = _until(screen, str(known["now"]))
    if hazard is not None:
        if "parameters" not in fields and (values := _values(screen, hazard["parameters"])):
            fields["parameters"] = values
        if "actions" not in fields and (actions := _actions(screen, hazard["actions"])):
            fields["actions"] = actions
    return fields


def _hazard(screen: Screen, hazards: Sequence[Mapping[str, Any]]) -> str:
    words = screen.words
    _list(screen, words("ask.hazard"), [str(one["name"]) for one in hazards])
    ids = [str(one["id"]) for one in hazards]
    names = [str(one["name"]) for one in hazards]
    return _ask(
        screen,
        words("ask.hazard.help"),
        "1",
        "1",
        lambda answer: ids[_choice(screen, answer, len(ids), ids, names)],
    )


def _level(screen: Screen, hazard: Mapping[str, Any]) -> str:
    words = screen.words
    levels = hazard["levels"]
    screen.loud(words("ask.level"), BOLD, result=False)
    for level in levels:
        screen.say(f"  {level['number']}  {level['severity']}: {level['headline']}")
    numbers = [str(level["number"]) for level in levels]

    def take(answer: str) -> str:
        if answer not in numbers:
            raise Wrong(words("ask.level.wrong", answer=answer, numbers=", ".join(numbers)))
        return answer

    return _ask(screen, words("ask.level.help"), numbers[0], numbers[0], take)


def _areas(screen: Screen, areas: Sequence[Mapping[str, Any]]) -> list[str]:
    words = screen.words
    ids = [str(one["id"]) for one in areas]
    names = [str(one["name"]) for one in areas]
    city = next((i for i, one in enumerate(areas) if one.get("kind") == "city"), 0)
    _list(screen, words("ask.area"), names)

    def take(answer: str) -> list[str]:
        found = [
            ids[_choice(screen, part.strip(), len(ids), ids, names)]
            for part in answer.split(",")
            if part.strip()
        ]
        _each_once(screen, found)
        return found

    return _ask(screen, words("ask.area.help"), names[city], names[city], take)


def _until(screen: Screen, now_text: str) -> str:
    # The one rule for times is the intake's; asking is not the path that must start fast.
    from datetime import datetime

    from broadcaster.intake.moments import moment
    from broadcaster.model.errors import Problem

    words, now = screen.words, datetime.fromisoformat(now_text)

    def take(answer: str) -> str:
        problems: list[Problem] = []
        try:
            found = moment(answer, now, "expires", problems)
        except OverflowError:
            found = None
        if found is None:
            raise Wrong(words("ask.time.wrong", answer=answer))
        if found <= now:
            raise Wrong(words("ask.past.wrong", time=f"{found:%d.%m.%Y %H:%M}"))
        return answer

    screen.loud(words("ask.until"), BOLD, result=False)
    return _ask(screen, words("ask.until.help"), UNTIL, UNTIL, take)


def _values(screen: Screen, parameters: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    words = screen.words
    found: dict[str, str] = {}
    for one in parameters:
        if value := _value(screen, one, optional=True):
            found[one["name"]] = value
    for one in parameters:
        other = one.get("with")
        if one["name"] in found and other and other not in found:
            screen.say(words("ask.value.with", name=one["name"], other=other))
            partner = next(p for p in parameters if p["name"] == other)
            found[other] = _value(screen, partner, optional=False)
    return found


def _value(screen: Screen, one: Mapping[str, Any], *, optional: bool) -> str:
    words = screen.words
    low, high = one.get("minimum"), one.get("maximum")
    name = one["unit"] == "name"
    bounds = words("ask.value.bounds", low=low, high=high) if None not in (low, high) else ""
    help_ = (
        words("ask.name.help") if name else words("ask.value.help", unit=one["unit"], bounds=bounds)
    )

    def take(answer: str) -> str:
        if not answer:
            if optional:
                return ""
            raise Wrong(words("ask.value.needed"))
        if name:
            if len(answer) > 60:
                raise Wrong(words("ask.name.wrong"))
            return answer
        try:
            number = float(answer.replace(",", ".", 1))
        except ValueError:
            raise Wrong(words("ask.number.wrong", answer=answer)) from None
        # Written so that "nan", which is in no range, is refused too.
        if not ((low is None or number >= low) and (high is None or number <= high)):
            raise Wrong(words("ask.range.wrong", answer=answer, low=low, high=high))
        return answer

    screen.loud(f"{one['name']}?", BOLD, result=False)
    shown = words("ask.leave-out") if optional else ""
    return _ask(screen, help_, "", shown, take)


def _actions(screen: Screen, actions: Sequence[Mapping[str, Any]]) -> list[str]:
    words = screen.words
    if not actions:
        return []
    ids = [str(one["id"]) for one in actions]
    says = [str(one["says"]) for one in actions]
    _list(screen, words("ask.actions"), says)

    def take(answer: str) -> list[str]:
        found = [
            ids[_choice(screen, part.strip(), len(ids), ids, says)]
            for part in answer.split(",")
            if part.strip()
        ]
        _each_once(screen, found)
        return found

    return _ask(screen, words("ask.actions.help"), "", words("ask.recommended"), take)


def _ask(screen: Screen, help_: str, default: str, shown: str, take: Callable[[str], T]) -> T:
    """Ask until the answer can be taken; Enter is the default, ``?`` shows the help again."""
    screen.say(f"  {help_}")
    while True:
        answer = screen.ask(f"  [{shown}]:" if shown else "  :")
        if answer == "?":
            screen.say(f"  {help_}")
            continue
        try:
            return take(answer or default)
        except Wrong as wrong:
            screen.loud(f"  {wrong}", YELLOW, result=False)


def _list(screen: Screen, title: str, entries: Sequence[str]) -> None:
    screen.loud(title, BOLD, result=False)
    screen.say(*(f"  {number:2}  {entry}" for number, entry in enumerate(entries, start=1)))


def _choice(screen: Screen, answer: str, count: int, *names: Sequence[str]) -> int:
    """The index behind a number from the list, a name, or an ending only one name has (Hörde)."""
    if answer.isascii() and answer.isdigit() and 1 <= int(answer[:6]) <= count:
        return int(answer) - 1
    for column in names:
        for index, name in enumerate(column):
            if answer.casefold() == name.casefold():
                return index
    ends = {
        index
        for column in names
        for index, name in enumerate(column)
        if len(answer) > 2 and name.casefold().endswith(f"-{answer.casefold()}")
    }
    if len(ends) == 1:
        return ends.pop()
    raise Wrong(screen.words("ask.choice.wrong", answer=answer, count=count))


def _each_once(screen: Screen, found: Sequence[str]) -> None:
    for one in found:
        if found.count(one) > 1:
            raise Wrong(screen.words("ask.twice.wrong", answer=one))
