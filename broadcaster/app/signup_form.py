"""What a sign-up form means: a wish, or every mistake in it.  Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import phonenumbers

from broadcaster.store.port import Subscription

LEVELS = (2, 3, 4)
"""CAP severity ranks that can be asked for: Moderate, Severe, Extreme."""

NUMBER_WRONG = "Enter a mobile phone number with its country code."
COUNTRY_WRONG = "We cannot send SMS to numbers of this country."
ANSWER_WRONG = "The answer to the question is wrong."
NO_PLACE = "Choose at least one place."
NO_DANGER = "Choose at least one danger."
CODE_WRONG = "The code is wrong or too old. Ask for a new one."
TOO_MANY = "Too many attempts. Try again in one hour."

_MOBILE = (
    phonenumbers.PhoneNumberType.MOBILE,
    # Where numbers do not tell (North America), a phone that cannot get SMS gets no code.
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What residents of one city can choose from."""

    channel: str
    texts: tuple[tuple[str, str], ...]
    """Language and variant of every text that can be ordered."""
    areas: tuple[str, ...]
    hazards: tuple[str, ...]
    countries: tuple[str, ...]
    """ISO 3166-1 codes; a number without country code belongs to the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form as it was filled in; nothing in it is trusted."""

    number: str = field(default="", repr=False)
    text: str = ""
    """Language and variant, as ``tr/short``."""
    where: str = "all"
    areas: tuple[str, ...] = ()
    what: str = "all"
    hazards: tuple[str, ...] = ()
    level: str = "2"
    night: bool = False
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing to correct: the field and a sentence of the catalogue."""

    field: str
    says: str


def mobile(text: str, countries: Sequence[str]) -> tuple[str, str]:
    """A mobile number in E.164 and nothing, or nothing and what is wrong with it.

    Spaces, brackets, ``00`` for ``+`` and the digits of any script are understood; ``49171...``
    without ``+`` too, when nothing else makes sense of it.
    """
    verdict = NUMBER_WRONG
    for attempt in (text, "+" + text.strip().lstrip("+")):
        try:
            parsed = phonenumbers.parse(attempt, countries[0])
        except phonenumbers.NumberParseException:
            continue
        # An extension is dialled by hand: no message gets there.
        if not phonenumbers.is_valid_number(parsed) or parsed.extension:
            continue
        if phonenumbers.region_code_for_number(parsed) not in countries:
            verdict = COUNTRY_WRONG
            continue
        if phonenumbers.number_type(parsed) not in _MOBILE:
            continue
        return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164), ""
    return "", verdict


def digits(text: str) -> str:
    """The digits of a code or an answer, in any script; empty when there is anything else."""
    written = [c for c in text if not c.isspace() and c not in "-\u200e\u200f"]
    values = [unicodedata.decimal(c, None) for c in written]
    return "" if None in values else "".join(str(value) for value in values)


def read(
    form: Form, offer: Offer, question: Mapping[str, Any] | None
) -> tuple[Subscription | None, tuple[Mistake, ...]]:
    """The wish in a form, or every mistake in it, in the order of its fields.

    ``question`` is what the form's token held; ``None`` when that was not ours or too old.
    """
    found: list[Mistake] = []
    number, wrong = mobile(form.number, offer.countries)
    if wrong:
        found.append(Mistake("number", wrong))
    tag, _, variant = form.text.partition("/")
    if (tag, variant) not in offer.texts:  # only a form that is not ours says so
        tag, variant = offer.texts[0]
    areas = tuple(area for area in offer.areas if area in form.areas)
    if form.where == "all":
        areas = ()
    elif not areas:
        found.append(Mistake("area", NO_PLACE))
    hazards = tuple(hazard for hazard in offer.hazards if hazard in form.hazards)
    if form.what == "all":
        hazards = ()
    elif not hazards:
        found.append(Mistake("hazard", NO_DANGER))
    if not answered(form.answer, question):
        found.append(Mistake("answer", ANSWER_WRONG))
    if found:
        return None, tuple(found)
    return (
        Subscription(
            address=number,
            language=tag,
            variant=variant,
            areas=areas,
            hazards=hazards,
            quiet=form.night,
            minimum=int(form.level) if form.level in map(str, LEVELS) else LEVELS[0],
        ),
        (),
    )


def answered(answer: str, question: Mapping[str, Any] | None) -> bool:
    """Whether the sum is right."""
    return question is not None and digits(answer).lstrip("0") == str(
        question["first"] + question["second"]
    )
