"""config.yaml: everything wrong is told at once, and no secret is ever printed."""

import copy
import traceback

import pytest
import yaml

from broadcaster.config import Secret, load
from broadcaster.model.errors import BadInput
from broadcaster.paths import shipped
from tests.unit.app.desk_bench import CONFIG

SECRET = "geheim-7f3a"


def read(folder, config):
    file = folder / "config.yaml"
    text = (
        config
        if isinstance(config, str)
        else yaml.safe_dump(config, allow_unicode=True, sort_keys=False)
    )
    file.write_text(text, encoding="utf-8")
    return load(file)


def wrong(folder, config):
    with pytest.raises(BadInput) as raised:
        read(folder, config)
    assert all(problem.says for problem in raised.value.problems)
    return {problem.path: problem.says for problem in raised.value.problems}


def changed(path, value):
    config = copy.deepcopy(CONFIG)
    *above, last = path
    inner = config
    for key in above:
        inner = inner[key]
    if value is None:
        inner.pop(last)
    else:
        inner[last] = value
    return config


def test_the_shipped_configuration_is_right():
    assert load(shipped("config.yaml")).city == "Dortmund"


def test_a_right_configuration_is_read(tmp_path):
    settings = read(tmp_path, CONFIG)

    assert [c.name for c in settings.channels] == ["notes", "texts", "cells", "site"]
    assert settings.languages == ("de", "tr")
    assert settings.channels[2].exercise is None
    assert settings.channels[0].exercise == {}
    assert settings.officers[2].roles == ("approve",)
    assert settings.folder == tmp_path


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (["city"], None, "city"),
        (["city"], 5, "city"),
        (["areas"], None, "areas"),
        (["sender"], "", "sender"),
        (["sender_name"], None, "sender_name"),
        (["identifier_prefix"], None, "identifier_prefix"),
        (["zone"], "Mars/Base", "zone"),
        (["zone"], "../etc/passwd", "zone"),
        (["base_url"], "warnung.example.org", "base_url"),
        (["base_url"], "ftp://example.org", "base_url"),
        (["languages"], [], "languages"),
        (["languages"], "de", "languages"),
        (["languages"], [1], "languages"),
        (["chanels"], {}, "chanels"),
        (["channels"], [], "channels"),
        (["channels", "notes"], "log", "channels.notes"),
        (["channels", "no.tes"], {"kind": "log"}, "channels.no.tes"),
        (["channels", "no~tes"], {"kind": "log"}, "channels.no~tes"),
        (["channels", "notes", "kind"], None, "channels.notes.kind"),
        (["channels", "notes", "variants"], ["loud"], "channels.notes.variants"),
        (["channels", "notes", "languages"], "de", "channels.notes.languages"),
        (["channels", "notes", "timeout"], 0, "channels.notes.timeout"),
        (["channels", "notes", "timeout"], True, "channels.notes.timeout"),
        (["channels", "notes", "timeout"], "fast", "channels.notes.timeout"),
        (["channels", "notes", "exercise"], True, "channels.notes.exercise"),
        (["channels", "notes", "review"], "perhaps", "channels.notes.review"),
        (["route", "channels"], ["pigeons"], "route.channels"),
        (["route", "chanels"], [], "route.chanels"),
        (["route", "match"], {"colour": ["red"]}, "route.match.colour"),
        (["route", "routes"], {"a": 1}, "route.routes"),
        (
            ["route", "routes", 0, "match"],
            {"severity": ["Extrem"]},
            "route.routes[0].match.severity",
        ),
        (["route", "match"], {"msgType": "alert"}, "route.match.msgType"),
        (["approval", 0, "match"], {"severity": ["extreme"]}, "approval[0].match.severity"),
        (["route", "routes", 0, "channels"], ["pigeons"], "route.routes[0].channels"),
        (["route", "routes", 1, "match"], {"mood": "bad"}, "route.routes[1].match.mood"),
        (["officers"], {"a": "b"}, "officers"),
        (["officers", 0, "name"], None, "officers[0].name"),
        (["officers", 0, "roles"], ["king"], "officers[0].roles"),
        (["officers", 0, "rolls"], ["issue"], "officers[0].rolls"),
        (["officers", 0, "token"], SECRET, "officers[0].token"),
        (["officers", 0, "token"], {"env": "NO_SUCH_VARIABLE"}, "officers[0].token"),
        (["officers", 0, "token"], {"file": "/no/such/file"}, "officers[0].token"),
        (["approval", 0, "channels"], ["pigeons"], "approval[0].channels"),
        (["approval", 0, "match"], {"mood": "bad"}, "approval[0].match.mood"),
        (["exercise_recipients"], "+4917139200990", "exercise_recipients"),
    ],
)
def test_a_wrong_setting_is_named_where_it_stands(tmp_path, path, value, where):
    told = wrong(tmp_path, changed(path, value))

    assert where in told
    assert SECRET not in str(told)
    assert "39200" not in str(told)


def test_every_wrong_setting_is_told_at_once(tmp_path):
    config = copy.deepcopy(CONFIG)
    config.update(zone="Mars", base_url="x", misspelt=1, languages=[])
    config["channels"]["notes"]["timeout"] = -1
    config["route"]["channels"] = ["pigeons"]
    del config["city"]

    assert set(wrong(tmp_path, config)) == {
        "zone",
        "base_url",
        "misspelt",
        "languages",
        "channels.notes.timeout",
        "route.channels",
        "city",
    }


@pytest.mark.parametrize("text", ["", "[]", "a: [", "\t- x", "city: Dortmund\n  areas: x", "5"])
def test_a_file_that_is_no_mapping_is_told_without_a_traceback(tmp_path, text):
    assert wrong(tmp_path, text)


def test_a_file_that_cannot_be_read_is_told_with_a_remedy(tmp_path):
    for file in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(BadInput) as raised:
            load(file)
        assert "--config" in raised.value.problems[0].remedy
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("city: Köln".encode("latin-1"))
    with pytest.raises(BadInput, match="UTF-8"):
        load(latin)


def test_a_secret_comes_from_outside_and_never_shows(tmp_path, monkeypatch):
    monkeypatch.setenv("OFFICER_TOKEN", SECRET)
    (tmp_path / "token").write_text(SECRET[::-1] + "\n")
    config = copy.deepcopy(CONFIG)
    config["officers"][0]["token"] = {"env": "OFFICER_TOKEN"}
    config["officers"][1]["token"] = {"file": str(tmp_path / "token")}

    settings = read(tmp_path, config)

    assert [o.token.reveal() for o in settings.officers[:2]] == [SECRET, SECRET[::-1]]
    for secret in (SECRET, SECRET[::-1]):
        assert secret not in repr(settings)
        assert secret not in str(settings)
    assert SECRET not in f"{settings.officers[0].token}"
    assert "39200" not in repr(settings)


def test_one_person_cannot_be_two_officers(tmp_path, monkeypatch):
    monkeypatch.setenv("OFFICER_TOKEN", SECRET)
    config = copy.deepcopy(CONFIG)
    for officer in config["officers"][:2]:
        officer |= {"os_user": "muster", "token": {"env": "OFFICER_TOKEN"}}

    told = wrong(tmp_path, config)

    assert set(told) == {"officers[1].os_user", "officers[1].token"}
    assert SECRET not in str(told)


def test_a_secret_does_not_show_in_a_traceback():
    try:
        raise RuntimeError(Secret(SECRET))
    except RuntimeError:
        assert SECRET not in traceback.format_exc()


def test_a_secret_written_into_the_file_is_refused_and_not_quoted(tmp_path):
    told = wrong(tmp_path, changed(["officers", 0, "token"], SECRET))

    assert told == {"officers[0].token": "a secret is not written here"}
