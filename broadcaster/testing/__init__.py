"""The public kit for channel authors.

Build values with :func:`alert`, :func:`rendition` and :func:`batch`, open a channel in
:func:`env`, move time with :class:`FakeClock`, stand in for a far side with
:class:`RecordingChannel` or :class:`FlakyChannel`, and let the tests of a channel inherit
:class:`ChannelContract`.  Needs ``pytest``.
"""

from __future__ import annotations

import pytest

# The inherited suite explains its failures as a test module's own asserts would.
pytest.register_assert_rewrite("broadcaster.testing.contract")

from broadcaster.testing.channels import (  # noqa: E402
    HANG,
    SILENCE,
    Blocks,
    FlakyChannel,
    RecordingChannel,
    Step,
)
from broadcaster.testing.contract import ChannelContract  # noqa: E402
from broadcaster.testing.values import (  # noqa: E402
    IDENTIFIER,
    NOON,
    NUMBER,
    FakeClock,
    alert,
    batch,
    env,
    rendition,
)

__all__ = [
    "HANG",
    "IDENTIFIER",
    "NOON",
    "NUMBER",
    "SILENCE",
    "Blocks",
    "ChannelContract",
    "FakeClock",
    "FlakyChannel",
    "RecordingChannel",
    "Step",
    "alert",
    "batch",
    "env",
    "rendition",
]
