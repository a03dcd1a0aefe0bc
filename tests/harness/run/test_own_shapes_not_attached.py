"""What has another shape, attached wrongly, is not judged, and its cause is named; with mistakes it is judged."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness.adapters import test_express_gateway
from tests.harness.run import test_laravel_shape
from tests.harness.run.wrong_attachments import Wrong, assert_reported, changed, unattached
from tests.prerequisites import program

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

LONGEST_SECONDS = 15.0
LARAVEL, EXPRESS = Path(test_laravel_shape.TARGET), test_express_gateway.TARGET
_NOBODYS = {f"launch.env.NODE_{number}_URL": f"http://127.0.0.1:{number}" for number in range(1, 5)}
OF_LARAVEL = {
    "another secret": Wrong(
        {"launch.variables.HMAC_SECRET": "SECRET", "launch.env.WHATSAPP_WEBHOOK_SECRET": "another"},
        "it must take its secret from SECRET", ("webhooks",)),
    "secret and key exchanged": Wrong(
        {"launch.variables.HMAC_SECRET": "WHATSAPP_NODE_KEY", "launch.variables.API_KEY": "WHATSAPP_WEBHOOK_SECRET"},
        "it must take its secret from WHATSAPP_NODE_KEY", ("webhooks",)),
    "a secret under another name": Wrong(
        {"launch.variables.HMAC_SECRET": "WEBHOOK_SECRET"}, "KeyError: 'WHATSAPP_WEBHOOK_SECRET'", ("the start",)),
    "another webhook path": Wrong(
        {"webhook.path": "/webhooks/whatsap"}, "webhook.path must be the path", ("webhooks",)),
    "another table": Wrong(
        {"state.table": "whatsapp_accounts"}, "there is no table whatsapp_accounts", ("the start", "rows")),
    "another column": Wrong(
        {"state.columns.session_id": "session_id"}, "has no column session_id", ("the start", "rows")),
    "a column without its default": Wrong(
        {"state.defaults": {"name": "Account"}}, "defaults for columns of its own", ("rows",)),
    "a message without its header": Wrong(
        {"send.headers": {}}, "send.headers must have what else it goes by", ("messages",)),
    "a body one level up": Wrong(
        {"send.body": {"from": "{phone_number}", "to": "{recipient}", "message": "{text}"}},
        "send.body must be what it takes", ("messages",)),
    "an answer one level up": Wrong(
        {"send.succeeded.json": {"status": "sent"}}, "send.succeeded must describe", ("messages",)),
    "another answer within": Wrong(
        {"send.succeeded.json": {"data": {"state": "sent"}}}, "send.succeeded must describe", ("messages",)),
    "another status": Wrong(
        {"send.succeeded.status": [200, 200]}, "send.succeeded must describe", ("messages",)),
    "other instances": Wrong(_NOBODYS, "{instance_1}", ("messages", "instances")),
    "another key": Wrong(
        {"launch.variables.API_KEY": "KEY", "launch.env.WHATSAPP_NODE_KEY": "another"},
        "it must take the key from KEY", ("instances",)),
    "another log": Wrong(
        {"log.file": "{data}/storage/logs/lumen-*.log"}, "which log.file or log.files names", ("its log",)),
    "another worker": Wrong(
        {"launch.also": [["{python}", "-m", "tests.laravel_shape", "wrk"]]}, "launch.also", ("the start",)),
    "another port": Wrong(
        {"launch.command": ["{python}", "-m", "tests.laravel_shape", "serve", "--host={host}", "--port=0"],
         "launch.ready_timeout": 2}, "PORT", ("the start",)),
    "another ready path": Wrong(
        {"launch.ready": "/ready", "launch.ready_timeout": 3}, "launch.ready must be", ("the start",)),
    "another health check": Wrong(
        {"health_check.command": ["{python}", "-m", "tests.laravel_shape", "instances:chek"]},
        "health_check.command must run", ("the health check",)),
    "another option of the dry run": Wrong(
        {"health_check.dry_run": ["--dry-run"]}, "health_check.command must run", ("the health check",)),
}  # fmt: skip
"""By keys of its target file."""
OF_EXPRESS = {
    "another key": Wrong({"instance.variables.API_KEY": "KEY"}, "by which it is given API_KEY", ("gateways",)),
    "another port": Wrong(
        {"instance.variables.PORT": "NOBODYS_PORT", "instance.ready_timeout": 2}, "PORT", ("gateways",)),
    "another ready path": Wrong(
        {"instance.ready": "/ready", "instance.ready_timeout": 3}, "instance.ready", ("gateways",)),
    "another program": Wrong({"instance.command": ["node", "serve.mjs"]}, "serve.mjs", ("gateways",)),
    "a variable that is missing": Wrong(
        {"instance.env": {"WEBHOOKS": "{control_plane}"}}, "ERR_INVALID_ARG_TYPE", ("gateways",)),
    "another control plane": Wrong(
        {"instance.env.WEBHOOKS": "http://127.0.0.1:9", "instance.patience": 3}, "{control_plane}",
        ("gateways",)),
    "a control plane with its path": Wrong(
        {"instance.env.WEBHOOKS": "{control_plane}/hooks/gateway", "instance.patience": 3}, "{control_plane}",
        ("gateways", "their headers")),
    "another name": Wrong(
        {"instance.claims_as": "http://gateway.internal:{port}"}, "claims_as", ("their URL",)),
    "another webhook path": Wrong(
        {"instance.patience": 3}, "webhook_path of its adapter", ("their headers",),
        adapter=('"/hooks/gateway"', '"/hooks"')),
    "webhooks that the adapter leaves out": Wrong(
        {"instance.patience": 3}, "the hook received of its adapter", ("gateways",),
        adapter=('"session.online"', '"session.up"')),
    "a state that the adapter lacks": Wrong(
        {}, "KeyError: 'online'", ("the adapter",), adapter=('"online": "connected", ', "")),
    "a route that the adapter has wrong": Wrong(
        {}, "the hook connect of its adapter", ("gateways",), adapter=("/pair", "/paired")),
    "a message that the adapter has wrong": Wrong(
        {}, "the hook send of its adapter", ("messages",),
        adapter=('"to": message.recipient', '"phone": message.recipient')),
    "health that the adapter has wrong": Wrong(
        {}, "the hook health of its adapter", ("their /health",),
        adapter=('"GET", "/v1/sessions")', '"GET", "/v1/session")')),
    "a list that the adapter has wrong": Wrong(
        {}, "KeyError: 'session'", ("the adapter",), adapter=("/v1/outbox", "/v1/sessions")),
    "another field in that list": Wrong(
        {}, "the hook delivered of its adapter", ("what went out",), adapter=('one["text"]', 'one["to"]')),
}  # fmt: skip
"""By keys of its target file, and by words of its adapter."""


def _some(table: Collection[str], *always: str) -> list[object]:
    return [one if one in always else pytest.param(one, marks=pytest.mark.thorough) for one in table]


@pytest.fixture(autouse=True)
def _in_time() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < LONGEST_SECONDS


@pytest.mark.parametrize("name", _some(OF_LARAVEL, "another answer within", "other instances"))
def test_a_control_plane_is_not_attached(name: str, host: str, tmp_path: Path) -> None:
    wrong = OF_LARAVEL[name]
    assert_reported(wrong, unattached(changed(LARAVEL, wrong, tmp_path), host))


@pytest.mark.parametrize("name", _some(OF_EXPRESS, "another key", "another webhook path"))
def test_a_gateway_is_not_attached(name: str, host: str, tmp_path: Path) -> None:
    program("node", "nodejs")
    wrong = OF_EXPRESS[name]
    assert_reported(wrong, unattached(changed(EXPRESS, wrong, tmp_path), host))


@pytest.mark.parametrize("mistake", _some(test_laravel_shape.MISTAKES, "location_not_queued"))
def test_a_control_plane_with_a_mistake_is_attached(
    mistake: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MISTAKE", mistake)
    assert unattached(LARAVEL, host) == []


@pytest.mark.parametrize("mistake", _some(test_express_gateway.MISTAKES, "writes-later"))
def test_a_gateway_with_a_mistake_is_attached(
    mistake: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("node", "nodejs")
    monkeypatch.setenv("MISTAKE", mistake)
    assert unattached(EXPRESS, host) == []
