"""How large a document from strangers may be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a document may hold.  The defaults let every real document that we know pass."""

    bytes: int = 8_000_000
    """Largest real document known: 1 MB (an embedded recording)."""
    depth: int = 32
    """Elements inside elements, XML signatures included."""
    infos: int = 250
    areas: int = 5_000
    """Over all infos."""
    points_per_polygon: int = 50_000
    points: int = 500_000
    """Over all polygons."""
    text: int = 200_000
    """Characters of one element, an embedded file (``derefUri``) excepted."""
    defects: int = 500
    """Defects recorded; one more says how many were left out."""


DEFAULT_LIMITS = Limits()
