"""The Prometheus text format, version 0.0.4: figures in, text out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class Metric:
    """One figure with its values by labels."""

    name: str
    says: str
    """What is counted, and in which unit."""
    kind: Literal["gauge", "counter"] = "gauge"
    values: list[tuple[Mapping[str, str], float]] = field(default_factory=list)

    def add(self, value: float, **labels: str) -> None:
        """One value."""
        self.values.append((labels, value))


def write(metrics: Iterable[Metric]) -> str:
    """The text that a Prometheus server reads."""
    lines = []
    for metric in metrics:
        lines.append(f"# HELP {metric.name} {_escaped(metric.says)}")
        lines.append(f"# TYPE {metric.name} {metric.kind}")
        for labels, value in metric.values:
            named = ",".join(
                f'{name}="{_escaped(text).replace(chr(34), chr(92) + chr(34))}"'
                for name, text in labels.items()
            )
            lines.append(
                f"{metric.name}{{{named}}} {_number(value)}"
                if named
                else f"{metric.name} {_number(value)}"
            )
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) else repr(value)
