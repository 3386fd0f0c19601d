"""The drivers there are, by the name a configuration uses."""

from __future__ import annotations

from channels.sms.gateway import Driver
from channels.sms.gateways.handover import FileDriver

DRIVERS: dict[str, Driver] = {
    "file": FileDriver(),
}
"""Name to driver; the first is the embedded default."""
