"""Reads the `[instance]` section of a target file: how gateway instances are attached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.gateway_contract import GatewayTarget, Hook
from harness.targets.variables import OF_AN_INSTANCE, read_renamed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

HOOKS = ("connect", "create", "reconnect", "end", "restart", "delivered")
"""The keys of the section that are calls."""
_KEYS = ("method", "url", "body")


def read_section(
    section: Mapping[str, Any], folder: Path, fail: Callable[[str, str], Exception]
) -> GatewayTarget:
    """Read the section; the types of its values were checked before.

    `fail` makes the error that names a key and what is wrong with it, which is then raised.
    """
    for name in ("command", "connect"):
        if not section.get(name):
            raise fail(f"instance.{name}", "is missing; add it under [instance]")
    directory = (folder / section.get("directory", ".")).absolute()
    if not directory.is_dir():
        raise fail("instance.directory", f"there is no folder {directory}; it is relative to this file")
    given: dict[str, Any] = {name: _hook(name, section[name], fail) for name in HOOKS if name in section}
    for name in ("ready", "ready_timeout", "keeps_sessions", "patience"):
        if name in section:
            given[name] = section[name]
    for name, value in section.get("env", {}).items():
        if not isinstance(value, str):
            raise fail(f"instance.env.{name}", f"is {value!r} and must be a text")
    return GatewayTarget(
        command=tuple(section["command"]),
        directory=directory,
        environment=dict(section.get("env", {})),
        variables=read_renamed(section, "instance", OF_AN_INSTANCE, fail),
        **given,
    )


def _hook(name: str, table: Mapping[str, Any], fail: Callable[[str, str], Exception]) -> Hook:
    if unknown := table.keys() - set(_KEYS):
        raise fail(f"instance.{name}.{min(unknown)}", f"unknown key; allowed: {', '.join(_KEYS)}")
    method, url, body = table.get("method", "POST"), table.get("url"), table.get("body")
    if not isinstance(method, str) or not isinstance(url, str) or not url:
        raise fail(
            f"instance.{name}", f'is {dict(table)!r} and must be {{ method = "POST", url = "{{url}}/…" }}'
        )
    if body is not None and not isinstance(body, dict):
        raise fail(f"instance.{name}.body", f"is {body!r} and must be a table")
    return Hook(method, url, body)
