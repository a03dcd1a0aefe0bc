"""Runs one image as a container and ends with it; started as a program, under the guard.

`python -m harness.attach.drivers.container NAME IMAGE SCRATCH PORT VARIABLE ... [-- WORD ...]`: the named environment
variables of this process, and no others, are handed to the container, and the words replace what the image runs by
itself. Its output is written to standard output. SIGTERM stops the container as the contract says, SIGTERM
and then SIGKILL after 5 s; however this ends, the container is removed.
"""

from __future__ import annotations

import contextlib
import gc
import os
import secrets
import signal
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any

import docker
from docker.errors import APIError, DockerException, ImageNotFound, NotFound

from harness.errors import LaunchError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from docker.models.containers import Container

GRACE_SECONDS = 5
LABEL = "instance-sync"
"""Every container of the harness has this label, the run's scratch folder, so that what a power cut left is found."""
NO_ENGINE, NO_IMAGE, NO_CONTAINER = 125, 127, 126
REMOVED_SECONDS = GRACE_SECONDS + 10.0
"""What it may take from SIGTERM until the engine has removed the container."""


class NoContainerError(Exception):
    """No container can be made; `status` is NO_ENGINE or NO_IMAGE."""

    def __init__(self, status: int, words: str) -> None:
        self.status = status
        super().__init__(words)


def holder(image: str, scratch: Path, published: int | None = None) -> tuple[str, tuple[str, ...]]:
    """Return a container's name, and the words of the program that holds it; variables follow them."""
    name = f"instance-sync-{secrets.token_hex(6)}"
    port = "-" if published is None else str(published)
    return name, (sys.executable, "-m", __name__, name, image, str(scratch), port)


def main(arguments: Sequence[str]) -> int:
    """Run the container to its end and return its exit status, or 125 to 127 if it never ran."""
    name, image, scratch, port, *rest = arguments
    at = rest.index("--") if "--" in rest else len(rest)
    variables, words = rest[:at], rest[at + 1 :]
    to_end = threading.Event()
    # A signal that came before this is known to have something to remove must wait.
    signal.signal(signal.SIGTERM, lambda *_: to_end.set())
    try:
        client = client_with(image)
    except NoContainerError as problem:
        return _failed(problem.status, str(problem))
    with contextlib.closing(client):
        environment = {one: os.environ[one] for one in variables if one in os.environ}
        try:
            container = client.containers.create(
                image,
                name=name,
                environment=environment,
                labels={LABEL: scratch},
                **_placed(scratch, port),
                **_in_place(words),
            )
        except APIError as problem:
            return _failed(NO_CONTAINER, f"no container can be made of {image}: {_said(problem)}")
        try:
            return _run(container, to_end)
        finally:
            with contextlib.suppress(NotFound):
                container.remove(force=True)


def engine() -> docker.DockerClient:
    """Return a client of the engine; NoContainerError if none answers."""
    try:
        client = docker.from_env()
        client.ping()
    except DockerException as problem:
        why = str(problem)
    else:
        return client
    with warnings.catch_warnings():
        # docker leaves the socket open on which nobody answered: it must not be found later, elsewhere.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    raise NoContainerError(NO_ENGINE, f"no container engine answers: {why}")


def client_with(image: str) -> docker.DockerClient:
    """Return a client of the engine, after pulling the image if it is not there.

    Raises:
        NoContainerError: no engine answers, or there is no such image and it cannot be pulled.
    """
    client = engine()
    try:
        client.images.get(image)
    except ImageNotFound:
        try:
            client.images.pull(image)
        except APIError as problem:
            client.close()
            raise NoContainerError(
                NO_IMAGE, f"there is no image {image} here, and it cannot be pulled: {_said(problem)}"
            ) from None
    return client


def kill(name: str) -> None:
    """End a container at once, as `kill -9` would; one that is not there is no problem."""
    with contextlib.suppress(APIError), _found(name) as container:
        container.kill()


def freeze(name: str, *, frozen: bool) -> None:
    """Freeze every process of a container, or let them go on; LaunchError if the engine does not."""
    try:
        with _found(name) as container:
            if frozen:
                container.pause()
            else:
                container.unpause()
    except APIError as problem:
        what = "frozen" if frozen else "let go on"
        raise LaunchError(f"container {name} could not be {what}: {_said(problem)}") from None


@contextlib.contextmanager
def _found(name: str) -> Iterator[Container]:
    with contextlib.closing(docker.from_env()) as client:
        yield client.containers.get(name)


def _in_place(words: Sequence[str]) -> dict[str, Any]:
    # The image's own check of health is about what it runs by itself.
    return {"entrypoint": [*words], "command": [], "healthcheck": {"test": ["NONE"]}} if words else {}


def _placed(scratch: str, port: str) -> dict[str, Any]:
    placed: dict[str, Any] = {
        # The same path inside, so that DATABASE_URL and LOG_FILE mean the same on both sides, and the same owner.
        "volumes": {scratch: {"bind": scratch, "mode": "rw"}},
        "user": f"{os.getuid()}:{os.getgid()}",
        "init": True,
    }
    if port == "-":
        return {**placed, "network_mode": "host"}
    return {**placed, "ports": {f"{port}/tcp": ("127.0.0.1", int(port))}}


def _run(container: Container, to_end: threading.Event) -> int:
    if to_end.is_set():
        return 0
    try:
        container.start()
    except APIError as problem:
        return _failed(NO_CONTAINER, f"the container does not start: {_said(problem)}")
    threading.Thread(target=_stop, args=(container, to_end), daemon=True).start()
    for piece in container.logs(stream=True, follow=True):
        os.write(1, piece)
    return int(container.wait()["StatusCode"])


def _stop(container: Container, to_end: threading.Event) -> None:
    to_end.wait()
    with contextlib.suppress(APIError):
        container.stop(timeout=GRACE_SECONDS)


def _said(problem: APIError) -> str:
    return str(problem.explanation or problem)


def _failed(status: int, words: str) -> int:
    sys.stderr.write(words + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
