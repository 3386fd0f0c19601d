"""The daemon as a process: it starts, answers at every door, takes the spool, and ends quietly."""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from broadcaster.server.serve import Discreet

ROOT = Path(__file__).parents[3]

CONFIG = """
city: Dortmund
areas: areas/dortmund.geojson
zone: Europe/Berlin
sender: warnung@dortmund.example
sender_name: Stadt Dortmund
identifier_prefix: de-nw-dortmund
base_url: https://warnung.dortmund.example
contact: https://www.dortmund.example/kontakt
languages: [de, en]
channels:
  pages: {kind: web}
route: {name: everyone reads, channels: [pages]}
"""


class Daemon:
    """A running daemon."""

    def __init__(self, data: Path, process: subprocess.Popen[str], address: str) -> None:
        self.data, self.process, self.address = data, process, address

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.address + path, timeout=5) as answer:
            body: bytes = answer.read()
            return body

    def ask(self, command: str, **arguments: object) -> list[dict[str, object]]:
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(20)
            door.connect(str(self.data / "broadcaster.sock"))
            request = {"command": command, "arguments": arguments}
            door.sendall(json.dumps(request).encode() + b"\n")
            with door.makefile("rb") as answer:
                return [json.loads(line) for line in answer]

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, float]:
        began = time.monotonic()
        self.process.send_signal(number)
        _, log = self.process.communicate(timeout=15)
        return self.process.returncode, log, time.monotonic() - began


def command(config: Path, data: Path, port: int = 0) -> list[str]:
    code = (
        "import sys; from pathlib import Path; from broadcaster.server.serve import run;"
        "sys.exit(run(Path(sys.argv[1]), Path(sys.argv[2]), '127.0.0.1', int(sys.argv[3])))"
    )
    return [sys.executable, "-c", code, str(config), str(data), str(port)]


def environment(**more: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)} | more


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    return path


@contextmanager
def running(config: Path, data: Path, **env: str) -> Iterator[Daemon]:
    process = subprocess.Popen(
        command(config, data), stderr=subprocess.PIPE, text=True, env=environment(**env)
    )
    try:
        assert process.stderr is not None
        said = ""
        for line in process.stderr:
            said += line
            if found := re.search(r"serves Dortmund on (http://\S+),", line):
                yield Daemon(data, process, found[1])
                break
        else:
            pytest.fail(f"the daemon did not start:\n{said}")
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_the_daemon_opens_every_door_and_ends_quietly(config: Path, tmp_path: Path) -> None:
    data = tmp_path / "var"
    with running(config, data) as daemon:
        assert json.loads(daemon.get("/healthz")) == {"alive": True}
        assert json.loads(daemon.get("/readyz")) == {"ready": True, "reasons": []}
        assert b'broadcaster_lane_open{channel="pages"} 1' in daemon.get("/metrics")
        assert daemon.ask("list") == [
            {"event": "result", "result": {"alerts": []}},
            {"event": "end", "exit": 0},
        ]
        second = subprocess.run(
            command(config, data), capture_output=True, text=True, env=environment(), check=False
        )
        assert second.returncode == 5
        assert "another Broadcaster is working in this data folder" in second.stderr
        assert "Traceback" not in second.stderr
        assert daemon.ask("list")[-1] == {"event": "end", "exit": 0}  # the first is unharmed
        code, log, seconds = daemon.stop()
        assert code == 0
        assert seconds < 10
        assert log.rstrip().endswith("stopped")
        assert "Traceback" not in log
        assert not (data / "broadcaster.sock").exists()


def test_an_alert_through_the_socket_is_read_at_the_http_door(config: Path, tmp_path: Path) -> None:
    draft = {"name": "heat.yaml", "text": (ROOT / "examples" / "heat.yaml").read_text()}
    with running(config, tmp_path / "var") as daemon:
        events = daemon.ask("issue", draft=draft, wait=15)
        assert events[-1] == {"event": "end", "exit": 0}, events
        (committed,) = (event for event in events if event["event"] == "committed")
        address = f"{daemon.address}/de/alerts/{committed['identifier']}/"
        with urllib.request.urlopen(address, timeout=5) as answer:
            page, policy = answer.read().decode(), answer.headers["Content-Security-Policy"]
        assert "Dortmund" in page
        # The page names the one style sheet it needs; the header must admit the same one.
        (digest,) = re.findall(r"style-src ('|&#39;)(sha256-[^'&]+)", page)
        assert digest[1] in policy
        assert b"broadcaster_alerts" in daemon.get("/metrics")


def test_what_was_spooled_while_nobody_answered_is_done_at_the_start(
    config: Path, tmp_path: Path
) -> None:
    spool = tmp_path / "var" / "spool"
    spool.mkdir(parents=True)
    (spool / "20261123T030000Z-a.json").write_text(json.dumps({"command": "list", "arguments": {}}))
    with running(config, tmp_path / "var"):
        result = spool / "done" / "20261123T030000Z-a.json.result.json"
        until = time.monotonic() + 10
        while not result.exists() and time.monotonic() < until:
            time.sleep(0.02)
        assert json.loads(result.read_bytes())["events"][-1] == {"event": "end", "exit": 0}


def test_the_service_manager_is_told_when_the_doors_are_open(config: Path, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(5)
        with running(config, tmp_path / "var", NOTIFY_SOCKET=str(tmp_path / "notify")) as daemon:
            assert manager.recv(100) == b"READY=1"
            code, _, _ = daemon.stop(signal.SIGINT)
            assert code == 0
            assert manager.recv(100) == b"STOPPING=1"


def test_a_port_that_is_taken_is_said_in_words_and_nothing_is_left(
    config: Path, tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused = subprocess.run(
            command(config, tmp_path / "var", taken.getsockname()[1]),
            capture_output=True,
            text=True,
            env=environment(),
            check=False,
        )
    assert refused.returncode == 5
    assert "choose another with --port" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "var" / "broadcaster.sock").exists()


def test_a_bad_configuration_is_named_and_ends_with_2(config: Path, tmp_path: Path) -> None:
    config.write_text(CONFIG + "colour: red\n")
    refused = subprocess.run(
        command(config, tmp_path / "var"),
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert refused.returncode == 2
    assert "colour" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    "number", ["+4917139200001", "+49 171 3920 0001", "0049 30 23125-000", "+49 (0)30 23125000"]
)
def test_a_telephone_number_never_reaches_the_log(number: str) -> None:
    try:
        raise ValueError("cannot reach " + number)
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "to %s", (number,), sys.exc_info())
    text = Discreet("%(message)s").format(record)
    assert number not in text
    assert "to <number>\n" in text
    assert text.endswith("ValueError: cannot reach <number>")


def test_identifiers_and_times_stay_readable_in_the_log() -> None:
    said = (
        "urn:oid:2.49.0.1.276.0.2026.11.23 at 2026-11-23T03:00:00+01:00, 20261123T030000Z, 1000 s"
    )
    record = logging.LogRecord("x", logging.INFO, "", 0, said, (), None)
    assert Discreet("%(message)s").format(record) == said


def test_a_providers_report_comes_through_the_http_door_to_its_channel(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("x")
    (tmp_path / "callback").write_text("an-address-nobody-can-guess")
    config = tmp_path / "config.yaml"
    driver = (
        "{provider: kannel, url: 'http://127.0.0.1:9', user: city, password_file: password,"
        " callback_file: callback, allowed_ips: [127.0.0.1]}"
    )
    config.write_text(
        CONFIG.replace(
            "pages: {kind: web}", f"texts: {{kind: sms, gateway: http, driver: {driver}}}"
        ).replace("channels: [pages]", "channels: [texts]")
    )
    key = base64.urlsafe_b64encode(b"a~texts~1~1~1#1").decode().rstrip("=")
    with running(config, tmp_path / "var") as daemon:
        path = f"/hooks/texts/an-address-nobody-can-guess?status=1&item={key}"
        # 200 is said only when the engine took what the channel understood.
        assert daemon.get(path) == b""
        with pytest.raises(urllib.error.HTTPError, match="404"):
            daemon.get(path.replace("guess", "find"))
        _, log, _ = daemon.stop()
    assert "an-address-nobody" not in log
