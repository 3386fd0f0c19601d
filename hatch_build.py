"""Build hook: the wheel carries every catalogue compiled, stamped with the hash of its source."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CatalogueHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds ``<variant>.mo`` beside each ``<variant>.po`` of the wheel.

    The source tree stays as it is: an editable install reads the ``.po`` files, which are
    force-included beside the results by ``pyproject.toml``.
    """

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile into a temporary folder and tell hatch where the files go."""
        if self.target_name != "wheel" or version == "editable":
            return
        # The project being built is not installed in the environment that builds it.
        sys.path.insert(0, self.root)
        from broadcaster.text.catalogues import compile_po

        locales = Path(self.root, "locales")
        sources = sorted(locales.glob("*/LC_MESSAGES/*.po"))
        for source in sources:
            if source.with_suffix(".mo").exists():
                raise ValueError(
                    f"{source.with_suffix('.mo')} would be in the wheel twice: delete it, "
                    "the source tree needs no compiled catalogue"
                )
        self._folder = TemporaryDirectory()
        for source in sources:
            place = source.with_suffix(".mo").relative_to(locales)
            compiled = Path(self._folder.name, place)
            compiled.parent.mkdir(parents=True, exist_ok=True)
            compiled.write_bytes(compile_po(source.read_bytes()))
            build_data["force_include"][str(compiled)] = f"broadcaster/_data/locales/{place}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Take the temporary folder away once the wheel is written."""
        folder = getattr(self, "_folder", None)
        if folder is not None:
            folder.cleanup()
