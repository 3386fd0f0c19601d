"""Where the files that came with the program are."""

from __future__ import annotations

from pathlib import Path


def shipped(name: str) -> Path:
    """``templates``, ``locales``, ``examples`` or ``config.yaml``.

    Inside an installed wheel they lie in the package; in a source tree, beside it.
    """
    package = Path(__file__).parent
    inside = package / "_data" / name
    return inside if inside.exists() else package.parent / name
