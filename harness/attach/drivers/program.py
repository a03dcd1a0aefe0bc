"""What runs when an implementation is launched: words, environment and address. No process starts here."""

from __future__ import annotations

import functools
import os
import socket
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fake_instances.addresses import family_of
from harness.attach.drivers import container
from harness.placeholders import filled_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from harness.contract import Launch, Target

GRACE_SECONDS = 5.0
"""Between SIGTERM and SIGKILL (contract, section 1)."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program that becomes an implementation, which will listen on `host` and `port`.

    `grace` is how many seconds it has to end after SIGTERM. `kill`, if there is one, ends it as `kill -9` would; else
    its process group is killed.
    """

    words: tuple[str, ...]
    environment: Mapping[str, str]
    host: str
    port: int
    grace: float = GRACE_SECONDS
    kill: Callable[[], None] | None = None


def command_program(target: Target, given: Launch) -> Program:
    """Return the program of a target that is a command, on a free port."""
    return program_beside(target.command, target, given, free_port(given.host))


def program_beside(template: tuple[str, ...], target: Target, given: Launch, port: int) -> Program:
    """Return the program of a command that runs once beside the implementation, with the same environment."""
    # A variable that is not set on purpose must not come from the harness's own environment.
    left_out = {"VERIFY_TIMEOUT", "LOG_FILE"}
    left_out |= {target.variable(name) for name in left_out}
    inherited = {name: value for name, value in os.environ.items() if name not in left_out}
    values = _values(given, given.host, port)
    first, *rest = (filled_text(word, values) for word in template)
    # A path with a slash is meant from the target file's folder; Popen would take it from ours.
    program = str((target.directory / first).absolute()) if "/" in first else first
    environment = inherited | _past_proxies(given) | contract_environment(target, given, given.host, port)
    return Program((program, *rest), environment, given.host, port)


def _past_proxies(given: Launch) -> dict[str, str]:
    """Return what keeps calls on this machine away from the proxies that the environment may name.

    A proxy may be how a program reaches the world; instances and implementation are behind none.
    """
    hosts = {given.host, *(urlsplit(url).hostname or "" for url in given.instances)}
    stated = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    if stated.strip() == "*":  # which means all only where it stands alone
        return {"no_proxy": "*", "NO_PROXY": "*"}
    past = ",".join(dict.fromkeys(one for one in (*stated.split(","), *sorted(hosts)) if one))
    return {"no_proxy": past, "NO_PROXY": past}


def image_program(target: Target, given: Launch, scratch: Path) -> Program:
    """Return the program that holds a container of the target's image, on a free port (see `drivers.container`).

    With `published` the container has its own network and its port is published on 127.0.0.1; else it shares the
    host's, and listens where any program would.
    """
    published = target.network == "published"
    host = "127.0.0.1" if published else given.host
    port = free_port(host)
    variables = contract_environment(target, replace(given, host=host), host, port)
    if published:
        variables[target.variable("HOST")] = "0.0.0.0"  # noqa: S104 - inside the container, whose port is on loopback outside
    name, words = container.holder(target.image, scratch, port if published else None)
    return Program(
        (*words, *variables),
        {**os.environ, **variables},
        host,
        port,
        grace=container.REMOVED_SECONDS,
        kill=functools.partial(container.kill, name),
    )


def contract_environment(target: Target, given: Launch, host: str, port: int) -> dict[str, str]:
    """Return the variables of the contract's section 1, by the target's names for them, and the target's own."""
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
    values = _values(given, host, port)
    return called | {name: filled_text(value, values) for name, value in target.environment.items()}


_given: set[tuple[str, int]] = set()
"""The ports that were given: several programs start at once, and none listens yet when the next one asks."""


def free_port(host: str) -> int:
    """Return a port on `host` that nothing listens on now, and that was not given before."""
    while True:
        with socket.socket(family_of(host)) as probe:
            probe.bind((host, 0))
            port: int = probe.getsockname()[1]
        if (host, port) not in _given:
            _given.add((host, port))
            return port


def can_bind(host: str, port: int = 0) -> bool:
    """Say whether an address is this machine's, and the port on it free."""
    try:
        with socket.socket(family_of(host)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError:
        return False
    return True


def _values(given: Launch, host: str, port: int) -> dict[str, object]:
    return {
        "host": host,
        "port": port,
        "log_file": given.log_file,
        "database_url": given.database_url,
        "data": given.log_file.parent,
        "python": sys.executable,
        "fleet_urls": ",".join(given.instances),
        **{f"instance_{n}": url for n, url in enumerate(given.instances, 1)},
        **given.values,
    }
