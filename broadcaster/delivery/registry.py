"""Channels are found by entry point; the engine never names one."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from broadcaster.delivery.contract import API, ChannelType
from broadcaster.model.errors import BadInput, Problem

GROUP = "broadcaster.channels"


def kinds() -> dict[str, EntryPoint]:
    """Every installed kind of channel."""
    return {point.name: point for point in entry_points(group=GROUP)}


def find(kind: str, path: str) -> type[ChannelType]:
    """The plugin of a kind.

    Raises ``BadInput`` with the kinds there are when it is not installed, cannot be loaded, or was
    written for another version of the contract.
    """
    known = kinds()
    if kind not in known:
        raise BadInput(
            Problem(
                path,
                f"there is no channel of the kind {kind!r}",
                "one of " + ", ".join(sorted(known)) + ", or install its plugin",
            )
        )
    try:
        found: type[ChannelType] = known[kind].load()
    except Exception as error:  # a plugin is foreign code: whatever it does on import is its fault
        raise BadInput(
            Problem(path, f"the plugin for {kind!r} does not load: {error}", "reinstall the plugin")
        ) from error
    if found.api != API:
        raise BadInput(
            Problem(
                path,
                f"the plugin for {kind!r} was written for contract {found.api},"
                f" this program speaks {API}",
                "install a matching version of the plugin",
            )
        )
    return found
