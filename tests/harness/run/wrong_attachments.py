"""Ways to attach something wrongly, as changes of its target file, and what each must be reported as.

Each table can be tried on any target file that is right: `changed` writes it anew with one of the changes.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from harness.attach.databases import SQLITE
from harness.attach.setup import fleet_addresses
from harness.run.attachment import Attachment
from harness.targets.reader import load_target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.run.doctor.finding import Finding


@dataclass(frozen=True)
class Wrong:
    """One wrong attachment: keys of the target file, and the words by which it is reported."""

    keys: dict[str, Any]
    cause: str
    findings: tuple[str, ...]
    """Whose finding may have those words: of another program it may be another that fails first."""
    adapter: tuple[str, str] = ("", "")
    """Words of the target's adapter, and what stands there instead."""


CONTROL_PLANE = {
    "another secret": Wrong(
        {"launch.env.HMAC_SECRET": "another"}, "launch.env must not set HMAC_SECRET", ("webhooks",)),
    "another webhook path": Wrong(
        {"webhook.path": "/hooks/of/nobody"}, "webhook.path must be the path", ("webhooks",)),
    "another table": Wrong(
        {"state.table": "accounts_of_nobody"}, "[state]", ("the start", "rows", "webhooks")),
    "other columns": Wrong(
        {"state.columns.assigned_instance_url": "gateway"}, "[state]", ("the start", "rows", "webhooks")),
    "another port": Wrong(
        {"launch.variables.PORT": "NOBODYS_PORT", "launch.ready_timeout": 1}, "NOBODYS_PORT", ("the start",)),
    "another ready path": Wrong(
        {"launch.ready": "/ready/of/nobody", "launch.ready_timeout": 6}, "launch.ready must be", ("the start",)),
    "another send path": Wrong(
        {"send.path": "/nowhere/{account_id}"}, "send.method and send.path", ("messages",)),
    "another send body": Wrong(
        {"send.body": {"to": "{recipient}"}}, "send.body must be what it takes", ("messages",)),
    "another answer": Wrong(
        {"send.succeeded.json": {"queued": "yes"}}, "send.succeeded must describe", ("messages",)),
    "another status": Wrong(
        {"send.succeeded.status": [290, 299]}, "send.succeeded must describe", ("messages",)),
    "other instances": Wrong(
        {"launch.env.NODE_INSTANCES": "http://127.0.0.1:9"}, "launch.env must not set NODE_INSTANCES",
        ("messages", "instances")),
    "another key": Wrong(
        {"launch.env.API_KEY": "another"}, "launch.env must not set API_KEY", ("instances",)),
    "another log": Wrong(
        {"launch.env.LOG_FILE": "/dev/null"}, "launch.env must not set LOG_FILE", ("its log",)),
    "another path of the health check": Wrong(
        {"health_check.path": "/check/of/nobody"}, "health_check.path must be where", ("the health check",)),
    "another path of the counts": Wrong(
        {"monitoring.path": "/counts/of/nobody"}, "monitoring.path must be where", ("monitoring",)),
    "another path of the metrics": Wrong(
        {"monitoring.metrics": "/health"}, "monitoring.metrics must be", ("metrics",)),
}  # fmt: skip
"""Of a launched control plane with every profile, SQL for its rows and a file as its log."""

GATEWAY = {
    "another secret": Wrong(
        {"instance.env.HMAC_SECRET": "another"}, "by which it is given HMAC_SECRET", ("their signature",)),
    "another key": Wrong(
        {"instance.env.API_KEY": "another"}, "by which it is given API_KEY", ("messages", "their /health/detailed")),
    "another ready path": Wrong(
        {"instance.ready": "/ready/of/nobody", "instance.ready_timeout": 6}, "ready", ("gateways",)),
    "another name": Wrong(
        {"instance.claims_as": "http://gateway.internal:{port}"}, "claims_as", ("their URL",)),
    "a hook that connects nothing": Wrong(
        {"instance.connect.url": "{url}/connect/of/nobody"}, "[instance.connect]", ("gateways",)),
    "a hook that lists nothing": Wrong(
        {"instance.delivered.url": "{url}/list/of/nobody"}, "[instance.delivered]", ("what went out",)),
}  # fmt: skip
"""Of launched gateway instances with a hook `delivered`."""


def changed(right: Path, wrong: Wrong, into: Path) -> Path:
    """Write a target file anew, into a folder, with what is wrong; return the new file.

    Folders in it stay relative to the right one.
    """
    content = tomllib.loads(right.read_text("utf-8"))
    for section in ("launch", "instance"):
        if "command" in content.get(section, {}):
            own = content[section].get("directory", ".")
            content[section]["directory"] = str((right.parent / own).resolve())
    if adapter := content["implementation"].get("adapter"):
        _with_adapter(right.parent / adapter, wrong, into)
    for path, value in wrong.keys.items():
        *sections, key = path.split(".")
        table = content
        for one in sections:
            table = table.setdefault(one, {})
        table[key] = value
    file = into / "wrong.toml"
    file.write_text("".join(f"{line}\n" for line in _lines(content, "")), "utf-8")
    return file


def _with_adapter(right: Path, wrong: Wrong, into: Path) -> None:
    text = right.read_text("utf-8")
    words, instead = wrong.adapter
    assert words in text
    (into / right.name).write_text(text.replace(words, instead) if words else text, "utf-8")


def _lines(table: dict[str, Any], path: str) -> Iterator[str]:
    for key, value in table.items():
        name = f"{path}{json.dumps(key)}"
        if isinstance(value, dict) and value:
            yield from _lines(value, f"{name}.")
        else:
            yield f"{name} = {json.dumps(value)}"


def unattached(file: Path, host: str, ports: str = "free") -> list[Finding]:
    """Return the findings for which the check refuses to judge a target; none if it does not."""
    target = load_target(str(file))
    options = SimpleNamespace(fleet_host="threads", fleet_image="", database=SQLITE, fleet_address=None)
    attachment = Attachment(target, lambda: fleet_addresses(host, ports), options)
    try:
        attached = attachment.check(target.claims)
    finally:
        attachment.close()
    found = [one for one in attachment.findings if one.unattached]
    assert attached is not bool(found)
    return found


def assert_reported(wrong: Wrong, found: list[Finding]) -> None:
    """Check that one of the findings names the cause."""
    shown = "\n".join(f"{one.name}: {one.came_back}; {one.mend}" for one in found) or "it counts as attached"
    assert any(
        one.name in wrong.findings and wrong.cause in f"{one.came_back} {one.mend}" for one in found
    ), shown
