"""Stops a run at the first scenario that failed, with everything alive, and says how to look and how to go on."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fake_instances import FleetError
from harness.catalogue.verdict import Outcome
from harness.errors import ConformanceFailure, NotJudgedError
from harness.gateway_contract import NUMBERS
from harness.history import UserSends
from harness.redaction import redact
from harness.run.scope import record_in
from harness.scenario.client import message_call, sender_values
from harness.scenario.texts.words import recipient_of
from harness.scenario.world import World
from harness.wording import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from fake_instances.webhooks.message import Webhook
    from harness.adapters.values import Call
    from harness.catalogue.record import Record
    from harness.run.interruption import Interruption
    from harness.scenario.gateway_world import GatewayWorld

STOPPED = "--keep: it stopped at the first scenario that failed"
_ENDS = {Outcome.FAILED, Outcome.BROKEN}
_SHOWN = 2000
_POLL_SECONDS = 1.0


class Keep:
    """A plugin. `scene_of` returns what a test acts on, None where it acts on nothing."""

    def __init__(self, scene_of: Callable[[pytest.Item], Any], interruption: Interruption) -> None:
        self._scene_of = scene_of
        self._interruption = interruption
        self._failed: Record | None = None

    def pytest_runtest_logstart(self) -> None:
        """Forget the scenario before."""
        self._failed = None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, Any, Any]:
        """Take note of a scenario that failed in its steps."""
        report = yield
        record = record_in(report)
        if report.when == "call" and record is not None and record.outcome in _ENDS:
            self._failed = record
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        """Before anything is put back, say what is there, and wait."""
        scene = self._scene_of(item)
        if self._failed is None or scene is None or item.session.shouldstop:
            return
        item.session.shouldstop = STOPPED
        capture: Any = item.config.pluginmanager.getplugin("capturemanager")
        if capture is not None:
            capture.suspend(in_=True)
        try:
            with tempfile.TemporaryDirectory(prefix="instance-sync-kept-") as folder:
                told = "\n".join(_told(self._failed, scene, Path(folder)))
                sys.stdout.write(visible(f"\n{redact(told, scene_secrets(scene))}\n"))
                sys.stdout.flush()
                # Whatever ends the wait, the scenario was judged: its verdict counts, and the run stops by itself.
                with contextlib.suppress(KeyboardInterrupt):
                    _wait()
                self._interruption.forgive()
        finally:
            if capture is not None:
                capture.resume()


def scene_secrets(scene: World | GatewayWorld) -> tuple[str, ...]:
    """Return what must never be printed."""
    return tuple(getattr(scene, "secrets", ()))


def _wait() -> None:
    if sys.stdin is not None and sys.stdin.isatty():
        sys.stdin.readline()
        return
    ended = threading.Event()
    while not ended.wait(_POLL_SECONDS):  # until a signal ends the run
        pass


def _told(record: Record, scene: World | GatewayWorld, folder: Path) -> Iterator[str]:
    yield f"── kept: {record.name} (features/{record.file}:{record.line}) ──"
    yield from (f"  {line[:_SHOWN]}" for line in record.reason.splitlines())
    yield ""
    if isinstance(scene, World):
        yield from _of_world(scene, folder)
    else:
        yield from _of_gateways(scene, folder)
    yield ""
    if sys.stdin is not None and sys.stdin.isatty():
        yield "Enter or Ctrl-C ends the run, and removes all of this."
    else:
        yield f"There is no terminal to ask at: kill -INT {os.getpid()} ends the run, and removes all of this."


def _of_gateways(scene: GatewayWorld, folder: Path) -> Iterator[str]:
    for number in NUMBERS:
        yield f"gateway {number}    {scene.gateway(number).url or 'it was ended, and not launched again'}"
    yield f"webhooks go to  {scene.receiver.url}"
    for tenant in scene.tenants:
        on = next((str(number) for number in NUMBERS if tenant in scene.held(number)), "none")
        whose = f"workspace {tenant.workspace_id}, phone {tenant.phone_number}"
        yield f"session         {tenant.session_id} of {whose}, connected on {on}"
    yield _secrets(scene.secrets, folder)
    yield ""
    yield "the last steps again:"
    for command in _commands_of_gateways(scene, folder):
        yield f"  {command}"


def _commands_of_gateways(scene: GatewayWorld, folder: Path) -> Iterator[str]:
    """Return shell commands that repeat the last reconnect and the last message, and ask each instance."""
    if scene.is_adapted:
        yield "# sessions and messages go through the adapter, which alone can do it again"
        return
    for tenant in scene.tenants[-1:]:
        on = next((number for number in NUMBERS if tenant in scene.held(number)), None)
        calls = scene.gateway(on).calls("reconnect", tenant) if on else ()
        for number, call in enumerate(calls, 1):
            yield f"{_call_file(f'reconnect-{number}', call, folder)}   # has the session reconnect"
    for posted in scene.posted()[-1:]:
        gateway = scene.gateway(posted.instance)
        call = gateway.message(posted.session_id, recipient_of(posted.text), posted.text)
        yield f"{_call_file('message', call, folder)}   # the message {json.dumps(posted.text)}"
    for number in NUMBERS:
        if url := scene.gateway(number).url:
            yield f'curl -s "{url}/health/detailed?api_key=$API_KEY"'


def _of_world(world: World, folder: Path) -> Iterator[str]:
    implementation = world.implementation
    base = implementation.base_url
    yield f"implementation  {base or 'it was killed, and not launched again'}"
    for number in world.fleet.numbers:
        report: Any = world.fleet.report(number)
        faults = "; ".join(one["words"] for one in report["faults"])
        yield f"instance {number}   {world.fleet.url(number)}{f'  ({faults})' if faults else ''}"
    yield f"database        {implementation.database}"
    for account in world.accounts:
        holders = ", ".join(map(str, world.fleet.holders(account.session_id))) or "no instance"
        yield f"account {account.id}    session {account.session_id}, held by {holders}"
        try:
            row = implementation.accounts.get(account.id)
        except (NotJudgedError, ConformanceFailure) as problem:
            yield f"  its row       cannot be read: {type(problem).__name__}"
        else:
            columns = None if row is None else dict(row.columns)
            yield f"  its row       {'gone' if columns is None else json.dumps(columns, default=str)[:_SHOWN]}"
    yield _secrets((world.fleet.api_key, world.fleet.secret), folder)
    if not base:
        return
    yield ""
    yield "the last steps again:"
    for command in _commands(world, folder):
        yield f"  {command}"


def _commands(world: World, folder: Path) -> Iterator[str]:
    """Return shell commands that repeat the last webhook and the last message, and ask each instance."""
    implementation = world.implementation
    try:
        sends = [*world.history.of(UserSends)]
    except (NotJudgedError, FleetError, ConformanceFailure):
        sends = []
    if (webhook := world._webhook) is not None:  # noqa: SLF001
        url = implementation.base_url + implementation.target.webhook_path
        yield f"curl -i -K {_webhook_file(webhook, url, folder)}   # the webhook, with its signature of then"
    if sends:
        yield _message(world, sends[-1])
    for number in world.fleet.numbers:
        yield f'curl -s "{world.fleet.url(number)}/health/detailed?api_key=$API_KEY"'


def _message(world: World, last: UserSends) -> str:
    target = world.implementation.target
    if world.implementation.adapted is not None:
        return f'# the message "{last.text}" went through the adapter, which alone can hand it over again'
    session = next((one.session for one in world.accounts if one.id == last.account_id), None)
    values = {
        **sender_values(target, last.account_id, session),
        "recipient": last.recipient,
        "text": last.text,
    }
    call = message_call(target, values)
    headers = {"Content-Type": "application/json", **dict.fromkeys(target.headers, "…"), **call.headers}
    words = ["curl", "-i", "-X", call.method, world.implementation.base_url + call.url]
    for name, value in headers.items():
        words += ["-H", f"{name}: {value}"]
    return shlex.join([*words, "-d", json.dumps(call.body, ensure_ascii=False)])


def _secrets(secrets: tuple[str, ...], folder: Path) -> str:
    """Return the line that says how a shell learns the secrets; they are printed nowhere."""
    file = folder / "secrets.env"
    names = zip(("API_KEY", "HMAC_SECRET"), secrets, strict=False)
    _write(file, "".join(f"export {name}={shlex.quote(value)}\n" for name, value in names))
    return f"secrets         . {file}   sets API_KEY and HMAC_SECRET"


def _webhook_file(webhook: Webhook, url: str, folder: Path) -> Path:
    """Return a file of curl's options: a signature is printed nowhere, and a body may be no text."""
    return _options_file("webhook", "POST", url, webhook.headers, webhook.body, folder)


def _call_file(name: str, call: Call, folder: Path) -> str:
    """Return the shell command that makes a call, whose key is printed nowhere."""
    body = b"" if call.body is None else json.dumps(call.body, ensure_ascii=False).encode()
    headers = [*({"Content-Type": "application/json"} if body else {}).items(), *call.headers.items()]
    return f"curl -i -K {_options_file(name, call.method, call.url, headers, body, folder)}"


def _options_file(  # noqa: PLR0913, PLR0917 - what a call consists of, and where it is written
    name: str, method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes, folder: Path
) -> Path:
    content, file = folder / f"{name}.body", folder / f"{name}.curl"
    lines = [f"url = {json.dumps(url)}", f"request = {json.dumps(method)}"]
    lines += [f"header = {json.dumps(f'{one}: {value}')}" for one, value in headers]
    if body:
        content.touch(0o600)
        content.write_bytes(body)
        lines.append(f"data-binary = {json.dumps(f'@{content}')}")
    _write(file, "\n".join(lines) + "\n")
    return file


def _write(path: Path, text: str) -> None:
    path.touch(0o600)
    path.write_text(text, "utf-8")
