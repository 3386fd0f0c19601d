"""What CAP 1.2 and its profiles demand of an alert, checked on values.

``error`` means: we do not let such an alert out.  ``warning`` means: it goes out, and the officer
is told.  Sources: the CAP 1.2 specification (section numbers), the OASIS errata, Google's CAP
profile, IPAWS, CAP-CP, CAP-AU and the MET Norway profile; each rule names its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from types import MappingProxyType

from broadcaster.model.cap import Alert
from broadcaster.model.errors import Problem
from broadcaster.model.rules.across import ACROSS_RULES, translated
from broadcaster.model.rules.alert import ALERT_RULES, over
from broadcaster.model.rules.area import AREA_RULES
from broadcaster.model.rules.info import INFO_RULES
from broadcaster.model.rules.resource import RESOURCE_RULES
from broadcaster.model.rules.text import TEXT_RULES, texts

__all__ = ["check"]

_NO_TWINS: Mapping[str, Collection[str]] = MappingProxyType({})


def check(
    alert: Alert,
    *,
    now: datetime | None = None,
    twins: Mapping[str, Collection[str]] = _NO_TWINS,
) -> list[Problem]:
    """Every rule the alert breaks, all at once; an empty list means it is clean.

    With ``now`` (aware) the alert is also measured against the clock: already over, or sent in
    the future.  ``twins`` names, by primary subtag, languages that may share whole sentences.
    Paths are CAP's own, counted from 0: ``alert.info[2].area[0].polygon[0]``.
    """
    problems = [problem for alert_rule in ALERT_RULES for problem in alert_rule(alert)]
    if now is not None:
        problems += over(alert, now)
    problems += [problem for across_rule in ACROSS_RULES for problem in across_rule(alert)]
    problems += translated(alert, twins)
    for number, info in enumerate(alert.infos):
        at = f"alert.info[{number}]"
        problems += [problem for info_rule in INFO_RULES for problem in info_rule(info, at)]
        for index, resource in enumerate(info.resources):
            path = f"{at}.resource[{index}]"
            problems += [found for rule in RESOURCE_RULES for found in rule(resource, path)]
        for index, area in enumerate(info.areas):
            path = f"{at}.area[{index}]"
            problems += [found for area_rule in AREA_RULES for found in area_rule(area, path)]
    for path, text in texts(alert):
        problems += [problem for text_rule in TEXT_RULES for problem in text_rule(text, path)]
    return problems
