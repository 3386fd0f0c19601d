"""Settings of HTTP gateways: every mistake at once, and no secret in any of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from broadcaster.model.errors import BadInput, Unavailable
from channels.sms.gateways.http.settings import read_http, read_secrets
from channels.sms.settings import read_settings

SEVEN: dict[str, Any] = {"provider": "seven", "key_file": "seven.key"}
KANNEL: dict[str, Any] = {
    "provider": "kannel",
    "url": "http://127.0.0.1:13013",
    "user": "city",
    "password_file": "kannel.password",
}


def wrong(raw: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(BadInput) as caught:
        read_http(raw)
    return {problem.path: str(problem) for problem in caught.value.problems}


def test_what_is_left_out_is_the_providers_own() -> None:
    settings = read_http(SEVEN)
    assert settings.url == "https://gateway.seven.io"
    assert settings.rate == 50
    assert settings.allowed_ips == ()


def test_every_mistake_is_told_at_once() -> None:
    raw = {
        "provider": "kannel",
        "url": "ftp://x",
        "rate": "fast",
        "timeout": 0,
        "connections": True,
        "colour": "red",
        "callback_file": "c",
        "allowed_ips": ["192.0.2.7/8", "here"],
        "key_file": 7,
    }
    expected = {
        "url", "rate", "timeout", "connections", "colour",
        "allowed_ips[0]", "allowed_ips[1]", "allowed_ips", "key_file", "user", "password_file",
    }  # fmt: skip
    assert wrong(raw).keys() == expected


def test_a_provider_that_nobody_knows_is_told_with_those_there_are() -> None:
    assert "gatewayapi, kannel, linkmobility, seven, twilio" in wrong({"provider": "x"})["provider"]


@pytest.mark.parametrize("url", ["http://sms.example.org", "http://192.0.2.1:13013"])
def test_an_open_network_is_refused_unless_it_is_ones_own(url: str) -> None:
    assert "not encrypted" in wrong({**KANNEL, "url": url})["url"]
    assert read_http({**KANNEL, "url": url, "plaintext": True}).url == url


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost/x/"])
def test_this_machine_needs_no_encryption(url: str) -> None:
    assert read_http({**KANNEL, "url": url}).url == url.rstrip("/")


@pytest.mark.parametrize(
    "url", ["https://me:pa55@sms.example.org", "https://sms.example.org/?key=pa55", "pa55", 55, ""]
)
def test_an_address_that_may_hold_a_secret_is_not_repeated(url: Any) -> None:
    problems = wrong({**KANNEL, "url": url})
    assert "url" in problems
    assert "pa55" not in str(problems)


def test_calls_of_a_provider_that_signs_nothing_need_a_list_of_addresses() -> None:
    raw = {**KANNEL, "callback_file": "callback"}
    assert "allowed_ips" in wrong(raw)
    assert read_http({**raw, "allowed_ips": ["192.0.2.0/24", "::1"]})


def test_calls_of_a_provider_that_signs_need_its_secret() -> None:
    raw = {**SEVEN, "callback_file": "callback"}
    assert "signing_file" in wrong(raw)
    assert read_http({**raw, "signing_file": "signing"})


@pytest.mark.parametrize("key", ["signing_file", "allowed_ips"])
def test_a_setting_for_calls_without_an_address_for_them_is_told(key: str) -> None:
    value = ["192.0.2.7"] if key == "allowed_ips" else "x"
    assert key in wrong({**SEVEN, key: value})


def test_the_channel_tells_where_the_mistake_is() -> None:
    with pytest.raises(BadInput) as caught:
        read_settings({"kind": "sms", "gateway": "http", "driver": {"provider": "seven"}})
    assert [problem.path for problem in caught.value.problems] == ["driver.key_file"]


def test_secrets_are_read_from_files_and_shown_nowhere(tmp_path: Path) -> None:
    (tmp_path / "seven.key").write_text("pa55word\n")
    settings = read_http(SEVEN)
    secrets = read_secrets(settings, tmp_path)
    assert secrets.key == "pa55word"
    assert "pa55word" not in repr((settings, secrets))


@pytest.mark.parametrize("content", ["", "two\nlines", b"\xff\xfe", None])
def test_a_file_without_a_secret_is_told_without_its_content(
    content: str | bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / "seven.key"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        path.write_text(content)
    with pytest.raises(Unavailable) as caught:
        read_secrets(read_http(SEVEN), tmp_path)
    assert [problem.path for problem in caught.value.problems] == ["key_file"]
    assert "lines" not in str(caught.value)


@pytest.mark.parametrize("secret", ["short", "with/slash-0123456789-0123456789", "a" * 201])
def test_an_address_that_can_be_guessed_or_does_not_fit_a_path_is_refused(
    secret: str, tmp_path: Path
) -> None:
    (tmp_path / "kannel.password").write_text("x")
    (tmp_path / "callback").write_text(secret)
    raw = {**KANNEL, "callback_file": "callback", "allowed_ips": ["127.0.0.1"]}
    with pytest.raises(Unavailable) as caught:
        read_secrets(read_http(raw), tmp_path)
    assert [problem.path for problem in caught.value.problems] == ["callback_file"]
    assert secret not in str(caught.value)
