"""What the settings of several gateways are checked for."""

from __future__ import annotations

import pytest

from channels.cell_broadcast.gateways.cbsp import settings as cbsp_settings
from channels.cell_broadcast.gateways.checks import is_here, seconds


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("localhost.example.org", False),
        ("", False),
    ],
)
def test_only_this_machine_is_here(host: str, here: bool) -> None:
    assert is_here(host) is here


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (10, 10),
        (0.5, 0.5),
        ("10", 10),
        ("10s", 10),
        ("10 s", 10),
        ("10m", None),
        ("-1s", None),
        ("", None),
        (True, None),
        (None, None),
        ([10], None),
    ],
)
def test_a_time_is_a_number_with_or_without_its_unit(value: object, read: float | None) -> None:
    assert seconds(value) == read


def test_a_controllers_times_may_be_written_with_their_unit() -> None:
    peer = {"name": "north", "host": "127.0.0.1"}
    settings = cbsp_settings.read({"peers": [peer], "timeout": "5s", "keep_alive": 20})
    assert (settings.timeout, settings.keep_alive) == (5, 20)
