"""The channel keeps the contract with an HTTP gateway and with a modem's spool, too."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from broadcaster.delivery.contract import ChannelType, Env
from broadcaster.testing import ChannelContract
from channels.sms import SmsChannel


class Kannel(BaseHTTPRequestHandler):
    """Accepts every text, and answers a ping as Kannel does."""

    def do_GET(self) -> None:
        text = "&text=" in self.path
        self.send_response(202 if text else 400)
        self.end_headers()
        self.wfile.write(b"0: Accepted for delivery" if text else b"Missing receiver number")

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


class TestOverHttp(ChannelContract):
    @pytest.fixture
    def channel_type(self) -> type[ChannelType]:
        return SmsChannel

    @pytest.fixture
    def raw_settings(self, tmp_path: Path) -> Iterator[dict[str, Any]]:
        (tmp_path / "password").write_text("x")
        with ThreadingHTTPServer(("127.0.0.1", 0), Kannel) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            yield {
                "gateway": "http",
                "driver": {
                    "provider": "kannel",
                    "url": f"http://127.0.0.1:{server.server_port}",
                    "user": "city",
                    "password_file": str(tmp_path / "password"),
                },
            }
            server.shutdown()
            thread.join()

    # It writes no files: there is no folder that could break.
    test_a_broken_output_folder_is_an_error_of_the_contract_and_leaks_no_address = None
    test_an_output_folder_that_cannot_be_made_is_told_at_opening_or_sending = None


class TestThroughAModem(ChannelContract):
    @pytest.fixture
    def channel_type(self) -> type[ChannelType]:
        return SmsChannel

    @pytest.fixture
    def raw_settings(self, env: Env) -> dict[str, Any]:
        folders = {name: env.output_dir / name for name in ("outbox", "sent", "error", "inbox")}
        for folder in folders.values():
            folder.mkdir(parents=True)
        return {"gateway": "gammu", "driver": {n: str(path) for n, path in folders.items()}}

    # Its folders belong to gammu-smsd, and exist before the channel does.
    test_an_output_folder_that_cannot_be_made_is_told_at_opening_or_sending = None
