"""Who acts where no daemon runs, and what of a configuration can never happen."""

import os
import pwd

import pytest

from broadcaster.app import local
from tests.unit.app.desk_bench import CONFIG, Office


@pytest.mark.parametrize("name", ["LOGNAME", "USER", "LNAME", "USERNAME"])
def test_nobody_becomes_another_officer_by_a_variable(tmp_path, monkeypatch, name):
    monkeypatch.setenv(name, "beispiel")
    config = Office(
        tmp_path,
        channels={"notes": {"kind": "log"}},
        route={"channels": ["notes"]},
        approval=[],
        officers=[],
    ).file

    (found, _) = local.events(
        {"command": "describe", "arguments": {}}, config=config, data=tmp_path / "var"
    )

    assert found["result"]["officer"] == pwd.getpwuid(os.geteuid()).pw_name != "beispiel"


async def test_a_channel_no_route_names_and_a_hazard_there_is_not_are_told(tmp_path):
    channels = {**CONFIG["channels"], "spare": {"kind": "log"}}
    route = {
        **CONFIG["route"],
        "routes": [
            *CONFIG["route"]["routes"],
            {"match": {"hazard": "heavyrain"}, "channels": ["cells"]},
        ],
    }
    office = await Office(tmp_path, channels=channels, route=route).open()

    told = {problem.path: problem.says for problem in office.app.problems}
    await office.close()

    assert "nothing ever goes there" in told["channels.spare"]
    assert "'heavyrain' is not in the catalogue" in told["match.hazard"]
