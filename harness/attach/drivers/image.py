"""The image driver: runs an image as an implementation, in a container that is removed for certain.

A small program holds the container (see `drivers.container`). It runs under the same guard as any command, so
that Ctrl-C, SIGTERM and even SIGKILL of the harness leave no container behind.
"""

from __future__ import annotations

import functools
import os
import secrets
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.attach.drivers import container
from harness.attach.drivers.program import Program, contract_environment, free_port

if TYPE_CHECKING:
    from pathlib import Path

    from harness.contract import Launch, Target

_REMOVAL_SECONDS = 10.0
"""What an engine may take to remove a container that was stopped."""


def image_program(target: Target, given: Launch, scratch: Path) -> Program:
    """Give the program that holds a container of the target's image, on a free port.

    With `published` the container has a network of its own and its port is published on 127.0.0.1; else it shares the
    host's, and listens where any program would.
    """
    name = f"instance-sync-{secrets.token_hex(6)}"
    published = target.network == "published"
    host = "127.0.0.1" if published else given.host
    port = free_port(host)
    variables = contract_environment(target, replace(given, host=host), host, port)
    if published:
        variables[target.variable("HOST")] = "0.0.0.0"  # noqa: S104 - inside the container, whose port is on loopback outside
    holder = (sys.executable, "-m", "harness.attach.drivers.container", name, target.image, str(scratch))
    return Program(
        (*holder, str(port) if published else "-", *variables),
        {**os.environ, **variables},
        host,
        port,
        grace=container.GRACE_SECONDS + _REMOVAL_SECONDS,
        kill=functools.partial(container.kill, name),
    )
