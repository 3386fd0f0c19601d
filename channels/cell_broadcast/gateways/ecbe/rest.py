"""The two calls of osmo-cbc's REST interface, and what can become of a call.

The interface (ECBE) puts a message on air and takes one off.  It has no way to ask, to list or to
change, and no authentication.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from channels.cell_broadcast.order import Running

if TYPE_CHECKING:
    import aiohttp

PATH = "/api/ecbe/v1/message"
_CONNECT = 3.0
"""Seconds for the connection alone: a dead gateway must not hold up the next attempt."""
_MAX_BROADCASTS = 65535
# 3GPP TS 23.041 9.4.1.2.1: the geographical scopes in their order, as osmo-cbc names them.
_SCOPES = ("cell_wide_immediate", "plmn_wide", "lac_sac_tac_wide", "cell_wide")
# 3GPP TS 23.041 9.4.1.2.2: required monthly test, exercise, operator-defined, and their twins;
# state and local test with its twin.  On 2G they must not go before a warning.
_NO_WARNING = frozenset({*range(4380, 4383), *range(4393, 4396), 4398, 4399})


class Unreached(Exception):
    """No connection: surely nothing was sent."""


class Silent(Exception):
    """It was sent, and no answer came."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer."""

    status: int
    text: str
    """The first line of the body."""


class Rest:
    """The interface at one URL."""

    def __init__(self, url: str, timeout: float) -> None:
        self._url, self._timeout = url.rstrip("/") + PATH, timeout
        self._session: aiohttp.ClientSession | None = None

    async def post(self, message: Mapping[str, Any]) -> Reply:
        """Put a message on air; raises :class:`Unreached` or :class:`Silent`."""
        return await self._call("POST", self._url, self._timeout, message)

    async def delete(self, identifier: int, patience: float | None = None) -> Reply:
        """Take off the message of an identifier; raises :class:`Unreached` or :class:`Silent`."""
        return await self._call("DELETE", f"{self._url}/{identifier}", patience or self._timeout)

    async def close(self) -> None:
        """Let the connections go."""
        if self._session:
            await self._session.close()

    async def _call(
        self, method: str, url: str, patience: float, message: Mapping[str, Any] | None = None
    ) -> Reply:
        import aiohttp  # here, so that reading the configuration stays cheap

        if self._session is None:
            # A new connection for each call: on a kept one a broken pipe would not tell whether
            # the call was heard.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True, limit=0)
            )
        if self._session.closed:
            raise Unreached("it was closed")
        limits = aiohttp.ClientTimeout(total=patience, sock_connect=min(_CONNECT, patience / 2))
        try:
            async with self._session.request(
                method, url, json=message, timeout=limits, allow_redirects=False
            ) as response:
                body = await response.content.read(1000)
                lines = body.decode("utf-8", "backslashreplace").splitlines()
                return Reply(response.status, lines[0].strip() if lines else "")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Unreached(str(error)) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Silent(str(error)) from error


def message(item: Running, sender: str) -> dict[str, Any]:
    """The body of a POST: our own pages, as they are.  Pure.

    osmo-cbc hands one number on as the period of 2G (slots of 1.883 s) and of 4G (seconds).  The
    slots keep the 2G plan that was shown before release, and 4G repeats sooner than it must; the
    other way round 2G would take 1.883 times as long as planned.  The count is that of 4G, so that
    nothing ends early; on 2G the gateway takes it off at its end.
    """
    seconds = item.number_of_broadcasts * item.repetition_period
    serial, pages = item.serial, item.broadcast.pages
    return {
        "cbe_name": sender,
        "category": "normal" if item.broadcast.identifier in _NO_WARNING else "high_priority",
        "repetition_period": item.slots,
        "num_of_bcast": min(_MAX_BROADCASTS, math.ceil(seconds / item.slots)),
        "scope": {"scope_plmn": {}},
        "smscb_message": {
            "message_id": item.broadcast.identifier,
            "serial_nr": {
                "serial_nr_decoded": {
                    "geo_scope": _SCOPES[serial.scope],
                    "msg_code": serial.code,
                    "update_nr": serial.update,
                }
            },
            # Its own encoding turns umlauts into other letters and cuts without a word.
            "payload": {
                "payload_encoded": {
                    "dcs": pages.coding.dcs,
                    "pages": [page.hex() for page in pages.octets],
                }
            },
        },
    }
