"""What a fleet told over its control API, as lines that a person reads. Pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PLACED = ("kind", "sequence", "at", "instance")
_LONG = ("headers", "body", "data")


def status_lines(status: Mapping[str, Any]) -> list[str]:
    """Tell how each instance is, what is armed there, and what is not finished."""
    lines = [line for one in status["instances"] for line in instance_lines(one)]
    lines.append(f"control plane: {status['control_plane'] or 'none: webhooks go nowhere'}")
    lines.append(f"webhooks that did not get through are tried again: {status['retry_policy']}")
    lines += [
        f"session {session} is on its way to {to}: finish {session}"
        for session, to in status["unfinished_moves"].items()
    ]
    if status["kept_webhooks"]:
        lines.append(f"webhooks kept back: {', '.join(map(str, status['kept_webhooks']))}")
    return lines


def instance_lines(one: Mapping[str, Any]) -> list[str]:
    """Tell how an instance is, and what is armed there."""
    state = "paused" if one["paused"] else "running" if one["running"] else "stopped"
    counts = one["sessions"]
    hanging = f", requests held up: {one['hanging']}" if one["hanging"] else ""
    lines = [
        (
            f"{one['number']}  {one['url']}  {state}, "
            f"{counts['connected']} of {counts['total']} sessions connected{hanging}"
        )
    ]
    for fault in one["faults"]:
        left = "until cleared" if fault["remaining"] is None else f"{fault['remaining']} more"
        lines.append(f"      fault {fault['number']}: {fault['words']} ({left})")
    return lines


def session_lines(sessions: Iterable[Mapping[str, Any]]) -> list[str]:
    """Tell which copies an instance holds."""
    return [
        f"{one['session_id']}  {one['status']}  workspace {one['workspace_id']}  {one['phone_number'] or ''}".rstrip()
        for one in sessions
    ] or ["no session"]


def entry_line(entry: Mapping[str, Any]) -> str:
    """Tell an entry of the journal in one line; headers and bodies are left to `--json`."""
    at = datetime.fromtimestamp(entry["at"], UTC).strftime("%H:%M:%S.%f")[:-3]
    rest = [
        f"{name}={value if isinstance(value, str) and value and ' ' not in value else json.dumps(value)}"
        for name, value in entry.items()
        if name not in {*_PLACED, *_LONG} and value is not None
    ]
    place = entry.get("instance", "-")
    return " ".join([f"{entry['sequence']:>6}", at, f"{place:>5}", entry["kind"], *rest])


def webhook_line(answered: Mapping[str, Any]) -> str:
    """Tell how the control plane answered a webhook."""
    outcome = answered["status"] if answered["status"] is not None else f"no answer ({answered['reason']})"
    return f"webhook {answered['webhook']}: {outcome}"


def fault_lines(schema: Mapping[str, Any]) -> list[str]:
    """Tell every fault's kind, parameters and meaning, out of the control API's own description."""
    lines = []
    for one in schema["oneOf"]:
        needed = set(one["required"])
        parameters = [
            f"{name}=…" if name in needed else f"[{name}=…]" for name in one["properties"] if name != "kind"
        ]
        kind = one["properties"]["kind"]["const"]
        lines.append(" ".join([kind, *parameters]))
        lines.append(f"      {one.get('description', '').splitlines()[0]}")
    return lines
