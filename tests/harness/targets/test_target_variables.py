"""What a program is launched with, if its target file has other names for the contract's variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.attach.drivers.program import command_program, image_program
from harness.contract import Settings
from harness.targets.reader import read_target
from tests.harness.support import launch_of, target

if TYPE_CHECKING:
    from pathlib import Path

RENAMED = """
[implementation]
name = "acme"
[launch]
command = ["true"]
[launch.variables]
HMAC_SECRET = "WEBHOOK_SECRET"
VERIFY_TIMEOUT = "ACME_TIMEOUT"
LOG_FILE = "ACME_LOG"
HOST = "LISTEN"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mine.toml"


def test_what_is_launched_gets_a_variable_by_its_own_name_alone(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HMAC_SECRET", "HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ACME_TIMEOUT", "9")
    file.write_text(RENAMED, "utf-8")
    given = launch_of(file.parent)

    environment = command_program(read_target(file), given).environment

    assert environment["WEBHOOK_SECRET"] == given.hmac_secret
    assert (environment["LISTEN"], environment["ACME_TIMEOUT"]) == (given.host, "0.8")
    assert environment["ACME_LOG"] == str(given.log_file)
    assert environment["API_KEY"] == given.api_key
    assert not {"HMAC_SECRET", "VERIFY_TIMEOUT", "LOG_FILE", "HOST"} & environment.keys()
    without = launch_of(file.parent, settings=Settings(verify_timeout=None))
    assert "ACME_TIMEOUT" not in command_program(read_target(file), without).environment


def test_an_image_gets_its_own_names_too(tmp_path: Path) -> None:
    renamed = {"HOST": "LISTEN", "HMAC_SECRET": "WEBHOOK_SECRET"}
    made = target(image="acme/sync:1", network="published", variables=renamed)

    program = image_program(made, launch_of(tmp_path), tmp_path)

    assert program.environment["LISTEN"] == "0.0.0.0"
    handed_on = program.words[program.words.index(str(program.port)) + 1 :]
    assert {"LISTEN", "WEBHOOK_SECRET", "PORT", "API_KEY"} <= set(handed_on)
    assert not {"HOST", "HMAC_SECRET"} & set(handed_on)


def test_two_may_change_names(file: Path) -> None:
    file.write_text(RENAMED + 'API_KEY = "PORT"\nPORT = "API_KEY"\n', "utf-8")
    given = launch_of(file.parent)
    program = command_program(read_target(file), given)
    assert (program.environment["PORT"], program.environment["API_KEY"]) == (given.api_key, str(program.port))
