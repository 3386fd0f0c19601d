"""CAP 1.2 as XML: :func:`write` out of values, :func:`read` into values.

Writing is strict and deterministic.  Reading is tolerant: whatever still means something is
accepted, and everything accepted although CAP forbids it is kept as a list of defects.
"""

from broadcaster.model.capxml.limits import DEFAULT_LIMITS, Limits
from broadcaster.model.capxml.read import (
    MEDIA_TYPE,
    Reading,
    read,
)
from broadcaster.model.capxml.times import parse_time, time_text
from broadcaster.model.capxml.write import NAMESPACE, write

__all__ = [
    "DEFAULT_LIMITS",
    "MEDIA_TYPE",
    "NAMESPACE",
    "Limits",
    "Reading",
    "parse_time",
    "read",
    "time_text",
    "write",
]
