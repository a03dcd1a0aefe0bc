"""What runs when an implementation is launched: words, environment and address. No process starts here."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.contract import Launch, Target

GRACE_SECONDS = 5.0
"""Between SIGTERM and SIGKILL (contract, section 1)."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program that becomes an implementation, which will listen on `host` and `port`.

    `grace` is how many seconds it has to end after SIGTERM. `kill` ends it as `kill -9`
    would where that is not to end its process group.
    """

    words: tuple[str, ...]
    environment: Mapping[str, str]
    host: str
    port: int
    grace: float = GRACE_SECONDS
    kill: Callable[[], None] | None = None


def command_program(target: Target, given: Launch) -> Program:
    """Give the program of a target that is a command, on a free port."""
    host, port = given.host, free_port(given.host)
    words = _words(target.command, target, given, port)
    return Program(words, _inherited(target) | contract_environment(target, given, host, port), host, port)


def one_off(words: tuple[str, ...], target: Target, given: Launch, port: int) -> Program:
    """Give the program of a command that runs once beside the implementation, with the same environment."""
    environment = _inherited(target) | contract_environment(target, given, given.host, port)
    return Program(_words(words, target, given, port), environment, given.host, port)


def contract_environment(target: Target, given: Launch, host: str, port: int) -> dict[str, str]:
    """Give the variables of the contract's section 1, by the target's names for them, and the target's own."""
    settings = given.settings
    environment = {
        "HOST": host,
        "PORT": str(port),
        "DATABASE_URL": given.database_url,
        "NODE_INSTANCES": ",".join(given.instances),
        "HMAC_SECRET": given.hmac_secret,
        "API_KEY": given.api_key,
        "SEND_TIMEOUT": f"{settings.send_timeout:g}",
        "SIGNATURE_TTL": str(settings.signature_ttl),
        "HEALTH_CHECK_INTERVAL": f"{settings.health_check_interval:g}",
    }
    if target.log == "file":
        environment["LOG_FILE"] = str(given.log_file)
    if settings.verify_timeout is not None:
        environment["VERIFY_TIMEOUT"] = f"{settings.verify_timeout:g}"
    called = {target.variable(name): value for name, value in environment.items()}
    return called | {name: _fill(value, given, host, port) for name, value in target.environment.items()}


def free_port(host: str) -> int:
    """Give a port on `host` that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _inherited(target: Target) -> dict[str, str]:
    # A variable that is not set on purpose must not come from the harness's own environment.
    left_out = {"VERIFY_TIMEOUT", "LOG_FILE"}
    left_out |= {target.variable(name) for name in left_out}
    return {name: value for name, value in os.environ.items() if name not in left_out}


def _words(template: tuple[str, ...], target: Target, given: Launch, port: int) -> tuple[str, ...]:
    first, *rest = (_fill(word, given, given.host, port) for word in template)
    # A path with a slash is meant from the target file's folder; Popen would take it from ours.
    return (str((target.directory / first).absolute()) if "/" in first else first, *rest)


def _fill(text: str, given: Launch, host: str, port: int) -> str:
    values = {
        "host": host,
        "port": str(port),
        "log_file": str(given.log_file),
        "database_url": given.database_url,
        "python": sys.executable,
    }
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text
