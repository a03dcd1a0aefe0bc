"""What is attached wrongly is not judged, and its cause is named."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.exit_codes import ExitCode
from harness.report.model import parse_json
from harness.targets.reader import BUILT_IN
from tests.harness.commands import COMMAND, assert_nothing_is_left, run
from tests.harness.run.wrong_attachments import (
    CONTROL_PLANE,
    GATEWAY,
    Wrong,
    assert_reported,
    changed,
    unattached,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
HOST = f"127.0.2.{1 + 20 * _WORKER}"
"""Each worker has addresses of its own: runs stand side by side, and take those that follow."""
LONGEST_SECONDS = 60.0
"""What is not attached is told in some ten seconds; here three others run beside it, on two cores."""
REFERENCE, FAKES = BUILT_IN / "reference.toml", BUILT_IN / "fake-gateway.toml"
FOREIGN = Path(__file__).with_name("foreign_gateway.py")
ANOTHER_SHAPE = (
    "import reference_impl.fix.webhooks as w; own = w.json_object; "
    "w.json_object = lambda body: (own(body) or {}).get('payload'); "
    "import reference_impl.__main__ as them; them.main()"
)
A_LOGIN = (
    "import waitress.server as w; make = w.create_server; "
    "w.create_server = lambda app, **more: make(lambda asked, begin: "
    "app(asked, begin) if 'messages' not in asked['PATH_INFO'] else "
    "(begin('401 Unauthorized', []), [b'{}'])[1], **more); "
    "import reference_impl.__main__ as them; them.main()"
)
OF_THE_REFERENCE = {
    "webhooks in another shape": Wrong(
        {"launch.command": [sys.executable, "-c", ANOTHER_SHAPE]}, "webhook", ("webhooks",)),
    "a login before messages": Wrong(
        {"launch.command": [sys.executable, "-c", A_LOGIN]}, "http.headers must let the harness in", ("messages",)),
    "no key": Wrong({"launch.variables.API_KEY": "NOBODYS_KEY"}, "API_KEY", ("the start",)),
    "hooks that are not there": Wrong(
        {"state": {"via": "http", "path": "/hooks/of/nobody"}}, "state.path must name hooks", ("rows",)),
}  # fmt: skip


def fakes(*changes: str) -> list[str]:
    """Return the command of the fakes, with words of it replaced: by turns an old one and a new one."""
    text = FAKES.read_text("utf-8")
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert old in text
        text = text.replace(old, new, 1)
    start = text.index("command = [") + len("command = ")
    return list(json.loads(text[start : text.index("]", start) + 1].replace(",\n]", "\n]")))


OF_THE_FAKES = {
    "another control plane": Wrong(
        {"instance.command": fakes("{control_plane}", "http://127.0.0.1:9"), "instance.patience": 2},
        "{control_plane}", ("gateways",)),
    "another port": Wrong(
        {"instance.command": fakes('"{port}"', '"0"'), "instance.ready_timeout": 1}, "PORT", ("gateways",)),
    "a list of something else": Wrong(
        {"instance.delivered.url": "{control_url}/journal?kind=SessionHeld"}, "[instance.delivered]",
        ("what went out",)),
    "a list without messages": Wrong(
        {"instance.delivered.url": "{control_url}/journal?kind=WebhookLost"}, "[instance.delivered]",
        ("what went out",)),
}  # fmt: skip
OF_A_FOREIGN_GATEWAY = {
    "webhook": Wrong({}, "the gateway, or an adapter", ("gateways",)),
    "path": Wrong({}, "{control_plane}", ("their headers",)),
    "health": Wrong({}, "the gateway, which must answer there", ("their /health",)),
    "send path": Wrong({}, "the gateway, which must take a message", ("messages",)),
    "send body": Wrong({}, "the gateway, which must take a message", ("messages",)),
}


@pytest.fixture(autouse=True)
def _in_time() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < LONGEST_SECONDS


@pytest.mark.parametrize("name", [*CONTROL_PLANE, *OF_THE_REFERENCE])
def test_a_control_plane_is_not_attached(name: str, tmp_path: Path) -> None:
    wrong = {**CONTROL_PLANE, **OF_THE_REFERENCE}[name]
    claims = ["core", "health-check", "monitoring"]
    keys = {"implementation.claims": claims, "timing.settle_seconds": 0.3, **wrong.keys}
    assert_reported(wrong, unattached(changed(REFERENCE, Wrong(keys, "", ()), tmp_path), HOST))


@pytest.mark.parametrize("name", [*GATEWAY, *OF_THE_FAKES])
def test_a_gateway_is_not_attached(name: str, tmp_path: Path) -> None:
    wrong = {**GATEWAY, **OF_THE_FAKES}[name]
    assert_reported(wrong, unattached(changed(FAKES, wrong, tmp_path), HOST))


def foreign(tmp_path: Path, *parts: str) -> Path:
    file = tmp_path / "foreign.toml"
    command = [sys.executable, str(FOREIGN), "{host}", "{port}", "{control_plane}", *parts]
    body = {name: f"{{{name}}}" for name in ("session_id", "workspace_id", "phone_number")}
    table = ", ".join(f'{name} = "{value}"' for name, value in body.items())
    file.write_text(
        '[implementation]\nname = "foreign"\nclaims = ["instance"]\n'
        f'[instance]\ncommand = {json.dumps(command)}\nready = "/up"\npatience = 4\n'
        f'connect = {{ url = "{{url}}/connect", body = {{ {table} }} }}\n'
        'delivered = { method = "GET", url = "{url}/delivered" }\n',
        "utf-8",
    )
    return file


def test_a_gateway_without_a_foreign_part_is_attached(tmp_path: Path) -> None:
    assert unattached(foreign(tmp_path), HOST) == []


@pytest.mark.parametrize("part", OF_A_FOREIGN_GATEWAY)
def test_a_gateway_of_another_dialect_is_not_attached(part: str, tmp_path: Path) -> None:
    assert_reported(OF_A_FOREIGN_GATEWAY[part], unattached(foreign(tmp_path, part), HOST))


@pytest.mark.parametrize("target", ["reference", "before-fix"])
def test_what_is_attached_is_judged(target: str) -> None:
    assert unattached(BUILT_IN / f"{target}.toml", HOST) == []


# As a command


def verify(file: Path, folder: Path, *more: str) -> tuple[int, str]:
    room = ["--fleet-address", HOST, *more]
    ended = run([str(COMMAND), "verify", "-q", "--target", str(file), *room], folder)
    return ended.returncode, ended.stdout


@pytest.mark.parametrize("several", [True, False], ids=["with workers", "without"])
def test_verify_says_what_is_not_attached_and_judges_nothing(tmp_path: Path, *, several: bool) -> None:
    file = changed(REFERENCE, CONTROL_PLANE["another webhook path"], tmp_path)
    chosen = ("--profile", "core") if several else ("--requirement", "WEBHOOK-01")
    code, said = verify(file, tmp_path, *chosen, "--report", str(tmp_path / "reports"))
    assert code == ExitCode.INCOMPLETE, said
    assert "    change     webhook.path must be the path at which it takes webhooks, by POST\n" in said
    assert f"instance-sync doctor --target {file}\n" in said
    assert "verdict         incomplete: not attached, as told above\n" in said
    assert "FAILED" not in said
    report = parse_json((tmp_path / "reports" / "report.json").read_text("utf-8"))
    assert report.complete
    assert report.verdict.why.startswith("not attached: webhooks")
    assert not any(one.ran for one in report.scenarios)
    assert_nothing_is_left(HOST, tmp_path)


def test_who_insists_is_judged_all_the_same(tmp_path: Path) -> None:
    file = changed(REFERENCE, CONTROL_PLANE["another webhook path"], tmp_path)
    code, said = verify(file, tmp_path, "--requirement", "WEBHOOK-01", "--unchecked")
    assert (code, "failed: WEBHOOK-01" in said) == (ExitCode.NON_CONFORMANT, True), said


@pytest.mark.parametrize("chosen", [("--profile", "core"), ("--requirement", "SCAN-02")], ids=str)
def test_a_port_in_use_ends_it_at_once(chosen: tuple[str, ...], tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 3003))
        taken.listen()
        code, said = verify(REFERENCE, tmp_path, *chosen)
    assert code == ExitCode.INCOMPLETE, said
    assert "✗ the start\n" in said
    assert "--fleet-ports" in said
    assert "FAILED" not in said
