"""What the control API of a fleet answers, as lines that a person reads. Pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_PLACED = ("kind", "sequence", "at", "instance")
_LONG = ("headers", "body", "data")


def lines_of(answer: Mapping[str, Any]) -> list[str]:
    """Return the lines for an answer, whichever order it answers."""
    return next((lines(answer) for field, lines in _LINES.items() if field in answer), ["done"])


def _status_lines(status: Mapping[str, Any]) -> list[str]:
    lines = [line for one in status["instances"] for line in _instance_lines(one)]
    lines.append(f"control plane: {status['control_plane'] or 'none: webhooks go nowhere'}")
    lines.append(f"webhooks that did not get through are tried again: {status['retry_policy']}")
    lines += [
        f"session {session} is on its way to {to}: finish {session}"
        for session, to in status["unfinished_moves"].items()
    ]
    if status["kept_webhooks"]:
        lines.append(f"webhooks kept back: {', '.join(map(str, status['kept_webhooks']))}")
    return lines


def _instance_lines(one: Mapping[str, Any]) -> list[str]:
    state = "paused" if one["paused"] else "running" if one["running"] else "stopped"
    counts = one["sessions"]
    hanging = f", requests held up: {one['hanging']}" if one["hanging"] else ""
    held = f"{counts['connected']} of {counts['total']} sessions connected"
    lines = [f"{one['number']}  {one['url']}  {state}, {held}{hanging}"]
    for fault in one["faults"]:
        left = "until cleared" if fault["remaining"] is None else f"{fault['remaining']} more"
        lines.append(f"      fault {fault['number']}: {fault['words']} ({left})")
    return lines


def _session_line(one: Mapping[str, Any]) -> str:
    phone = one["phone_number"] or ""
    return f"{one['session_id']}  {one['status']}  workspace {one['workspace_id']}  {phone}".rstrip()


def _entry_line(entry: Mapping[str, Any]) -> str:
    """Return an entry of the journal in one line; headers and bodies are left to `--json`."""
    at = datetime.fromtimestamp(entry["at"], UTC).strftime("%H:%M:%S.%f")[:-3]
    rest = [
        f"{name}={value if isinstance(value, str) and value and ' ' not in value else json.dumps(value)}"
        for name, value in entry.items()
        if name not in {*_PLACED, *_LONG} and value is not None
    ]
    place = entry.get("instance", "-")
    return " ".join([f"{entry['sequence']:>6}", at, f"{place:>5}", entry["kind"], *rest])


def _webhook_line(answered: Mapping[str, Any]) -> str:
    outcome = answered["status"] if answered["status"] is not None else f"no answer ({answered['reason']})"
    return f"webhook {answered['webhook']}: {outcome}"


def _kept_line(one: Mapping[str, Any]) -> str:
    return f"webhook {one['webhook']}: {one['event']} of session {one['session_id']}, from {one['instance']}"


def fault_lines(schema: Mapping[str, Any]) -> list[str]:
    """Return every kind of fault with its parameters and meaning, from the control API's own description."""
    lines = []
    for one in schema["oneOf"]:
        kind, *names = (str(value.get("const", name)) for name, value in one["properties"].items())
        parameters = [f"{name}=…" if name in one["required"] else f"[{name}=…]" for name in names]
        lines.append(" ".join([kind, *parameters]))
        lines.append(f"      {one.get('description', '').splitlines()[0]}")
    return lines


_LINES: Mapping[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "instances": _status_lines,
    "url": _instance_lines,
    "holders": lambda answer: [f"held by {' and '.join(map(str, answer['holders'])) or 'no instance'}"],
    "trigger": lambda _: ["it moves after that answer"],
    "words": lambda answer: [f"fault {answer['number']}: {answer['words']}"],
    "webhook": lambda answer: [_webhook_line(answer)],
    "released": lambda answer: [*map(_webhook_line, answer["released"])] or ["no webhook was kept back"],
    "kept": lambda answer: [*map(_kept_line, answer["kept"])] or ["no webhook is kept back"],
    "sessions": lambda answer: [*map(_session_line, answer["sessions"])] or ["no session"],
    "entries": lambda answer: [*map(_entry_line, answer["entries"])],
    "retry_policy": lambda answer: [f"webhooks are tried again: {answer['retry_policy']}"],
    "settled": lambda answer: ["done" if answer["settled"] else "some requests are not answered yet"],
}
"""By a field that only this kind of answer has; of several, the first counts."""
