"""The drivers there are, by the name a configuration uses."""

from __future__ import annotations

from channels.sms.gateway import Driver
from channels.sms.gateways.gammu import GammuDriver
from channels.sms.gateways.handover import FileDriver
from channels.sms.gateways.http.gateway import HttpDriver
from channels.sms.gateways.smpp.gateway import SmppDriver

DRIVERS: dict[str, Driver] = {
    "file": FileDriver(),
    "http": HttpDriver(),
    "gammu": GammuDriver(),
    "smpp": SmppDriver(),
}
"""Name to driver; the first is the embedded default."""
