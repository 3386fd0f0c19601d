"""The gateways there are, by the name a configuration uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from broadcaster.delivery.contract import Env
from channels.cell_broadcast.gateways.cap_http import CapHttpDriver
from channels.cell_broadcast.gateways.cbsp.gateway import CbspDriver
from channels.cell_broadcast.gateways.ecbe.gateway import EcbeDriver
from channels.cell_broadcast.gateways.handover import FileDriver
from channels.cell_broadcast.order import Gateway


class Driver(Protocol):
    """How one kind of gateway is configured and opened."""

    def settings(self, raw: Mapping[str, Any]) -> Any:
        """Check the gateway's own settings; raises ``BadInput`` with paths relative to them."""
        ...

    def open(self, settings: Any, env: Env) -> Gateway:
        """A gateway; it connects when it is first needed."""
        ...


DRIVERS: dict[str, Driver] = {
    "file": FileDriver(),
    "ecbe": EcbeDriver(),
    "cbsp": CbspDriver(),
    "cap_http": CapHttpDriver(),
}
"""Name to driver; the first is the embedded default."""
