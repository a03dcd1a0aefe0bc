"""Target files: what a valid one comes to."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.contract import Operations, SendTarget, Settings, Target
from harness.errors import TargetError
from harness.gateway_contract import Hook
from harness.targets.reader import built_in_targets, load_target, read_target

if TYPE_CHECKING:
    from pathlib import Path

SMALLEST = """
[implementation]
name = "acme"
[launch]
command = ["true"]
"""

RUNNING = """
[implementation]
name = "acme"
[launch]
url = "http://127.0.0.1:8000/"
[log]
file = "app.log"
[timing]
verify_timeout = 1
send_timeout = 5
"""
GATEWAY = """
[implementation]
name = "acme"
claims = ["instance"]
[instance]
command = ["node", "server.js", "--port", "{port}"]
env = { DATA_DIR = "{data}" }
connect = { url = "{url}/conformance/sessions", body = { id = "{session_id}" } }
keeps_sessions = true
patience = 7
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mine.toml"


def read(file: Path, text: str) -> Target:
    file.write_text(text, "utf-8")
    return read_target(file)


def with_line(section: str, line: str, text: str = SMALLEST) -> str:
    """Return a file with one more line in a section."""
    if f"[{section}]" in text:
        return text.replace(f"[{section}]", f"[{section}]\n{line}")
    return f"{text}\n[{section}]\n{line}\n"


@pytest.mark.parametrize(
    ("key", "value", "field", "read_as"),
    [
        ("implementation.version", '"1.4"', "version", "1.4"),
        ("implementation.claims", '["core", "security"]', "claims", ("core", "security")),
        ("launch.databases", '["sqlite", "mysql"]', "databases", ("sqlite", "mysql")),
        ("launch.ready", '"/up"', "ready", "/up"),
        ("launch.ready_timeout", "7", "ready_timeout", 7.0),
        ("launch.env", '{ APP_ENV = "testing" }', "environment", {"APP_ENV": "testing"}),
        ("launch.variables", '{ PORT = "ON" }', "variables", {"PORT": "ON"}),
        ("http.headers", '{ Authorization = "k" }', "headers", {"Authorization": "k"}),
        ("webhook.path", '"/hooks"', "webhook_path", "/hooks"),
        ("webhook.asynchronous", "true", "asynchronous", True),
        ("send.path", '"/send"', "send", SendTarget(path="/send")),
        ("send.method", '"PUT"', "send", SendTarget(method="PUT")),
        ("send.body", "{ to = 1 }", "send", SendTarget(body={"to": 1})),
        ("send.succeeded", "{ status = [200, 201] }", "send", SendTarget(succeeded_status=(200, 201))),
        ("send.succeeded", "{ json = { ok = true } }", "send", SendTarget(succeeded_json={"ok": True})),
        ("state.table", '"accounts"', "table", "accounts"),
        ("state.columns", '{ session_id = "sid" }', "columns", {"session_id": "sid"}),
        ("health_check.path", '"/check"', "operations", Operations(path="/check")),
        ("monitoring.path", '"/counts"', "operations", Operations(monitoring="/counts")),
        ("monitoring.metrics", '"/prom"', "operations", Operations(metrics="/prom")),
        ("webhook.max_body", "2000000", "max_body", 2_000_000),
        ("log.files", '["{log_file}", "/var/log/w.log"]', "log_files", ("{log_file}", "/var/log/w.log")),
        ("log.via", '"stderr"', "log", "stderr"),
        ("timing.settle_seconds", "1.5", "settle_seconds", 1.5),
        ("state", '"http"\npath = "/rows"', "state_path", "/rows"),
        ("log", '"http"\npath = "/log?after={cursor}"', "log_path", "/log?after={cursor}"),
        ("health_check", '"command"\ncommand = ["x"]', "operations", Operations(command=("x",))),
    ],
)
def test_a_key_changes_one_field_and_no_other(
    file: Path, key: str, value: str, field: str, read_as: object
) -> None:
    section, _, name = key.partition(".")
    target, smallest = read(file, with_line(section, f"{name or 'via'} = {value}")), read(file, SMALLEST)
    assert getattr(target, field) == read_as
    assert replace(target, **{"log": smallest.log, field: getattr(smallest, field)}) == smallest


def test_the_smallest_file_has_the_defaults_of_the_contract(file: Path) -> None:
    assert read(file, SMALLEST) == Target(
        name="acme", version="unknown", claims=("core",), command=("true",), directory=file.parent
    )


def test_what_runs_already_brings_its_timeouts_and_its_log(file: Path) -> None:
    target = read(file, RUNNING)
    assert (target.url, target.verify_timeout, target.send_timeout) == ("http://127.0.0.1:8000", 1, 5)
    assert target.log_file == file.parent / "app.log"


def test_bounds_are_scaled_by_the_timeouts_that_a_target_states(file: Path) -> None:
    given = Settings(verify_timeout=0.8, send_timeout=2.0)
    assert given.under(read(file, SMALLEST)) == given
    fixed = given.under(read(file, with_line("timing", "verify_timeout = 1.5")))
    assert (fixed.verify_timeout_in_force, fixed.send_timeout_in_force) == (1.5, 2.0)
    assert (fixed.verify_timeout, fixed.in_force) == (0.8, Settings(verify_timeout=1.5, send_timeout=2.0))


def test_a_gateway_of_a_team_is_read_whole(file: Path) -> None:
    target = read(file, GATEWAY + '[instance.variables]\nHMAC_SECRET = "WEBHOOK_SECRET"\n')
    gateway = target.gateway
    assert gateway is not None
    assert (target.command, target.image) == ((), "")
    assert gateway.command == ("node", "server.js", "--port", "{port}")
    assert (gateway.directory, gateway.environment) == (file.parent, {"DATA_DIR": "{data}"})
    assert gateway.variables == {"HMAC_SECRET": "WEBHOOK_SECRET"}
    assert gateway.connect == Hook("POST", "{url}/conformance/sessions", {"id": "{session_id}"})
    assert gateway.reconnect.url == "{url}/api/sessions/{session_id}/reconnect"
    assert (gateway.restart, gateway.delivered) == (None, None)
    assert (gateway.keeps_sessions, gateway.patience, gateway.ready) == (True, 7, "/health")


def test_an_instance_may_state_the_url_by_which_it_names_itself(file: Path) -> None:
    def stated(line: str) -> tuple[str, ...]:
        gateway = read(file, with_line("instance", line, GATEWAY)).gateway
        assert gateway is not None
        return gateway.claims_as

    four = [f"http://gateway-{letter}.internal" for letter in "abcd"]
    assert stated('claims_as = "http://{host}:{port}"') == ("http://{host}:{port}",)
    assert stated(f"claims_as = {json.dumps(four)}") == tuple(four)
    assert stated("") == ()


def test_a_claim_of_instance_without_a_gateway_is_about_the_fakes(file: Path) -> None:
    target = read(file, with_line("implementation", 'claims = ["core", "instance"]'))
    assert target.command == ("true",)
    assert target.gateway == load_target("fake-gateway").gateway
    assert target.gateway is not None
    alone = read(file, '[implementation]\nname = "acme"\nclaims = ["instance"]')
    assert (alone.command, alone.gateway) == ((), target.gateway)


def test_a_target_that_does_not_claim_core_needs_no_log(file: Path) -> None:
    text = with_line("implementation", 'claims = ["security"]') + '[log]\nvia = "none"'
    assert read(file, text).log == "none"


def test_a_relative_path_gives_an_absolute_folder(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(SMALLEST, "utf-8")
    monkeypatch.chdir(file.parent)
    assert load_target("mine.toml").directory == file.parent


def test_the_built_in_targets_are_valid_and_run_with_this_python() -> None:
    assert built_in_targets() == ("before-fix", "fake-gateway", "reference")
    for name in built_in_targets():
        target = load_target(name)
        assert target.name == name
        for launched in (target, target.gateway):
            if launched is not None and launched.command:
                assert launched.command[0] in {"{python}", sys.executable}


@pytest.mark.parametrize(
    ("name", "hint"), [("referense", " (did you mean reference?)"), ("qqq", ""), ("mine.toml", "")]
)
def test_an_unknown_name_is_reported_with_those_that_exist(
    name: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TargetError) as raised:
        load_target(name)

    assert str(raised.value) == (
        f"there is no target {name!r}{hint}: give before-fix, fake-gateway, reference, or the path of a target file"
    )
