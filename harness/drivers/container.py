"""Runs one image as a container and ends with it; started as a program, under the guard, by the image driver.

`python -m harness.drivers.container NAME IMAGE SCRATCH PORT VARIABLE ...`: the named environment variables of this
process, and no others, are handed to the container. Its output is written to standard output. SIGTERM stops the
container as the contract says, SIGTERM and then SIGKILL after 5 s; however this ends, the container is removed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

import docker
from docker.errors import APIError, DockerException, ImageNotFound, NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docker.models.containers import Container

GRACE_SECONDS = 5
LABEL = "instance-sync"
"""Every container of the harness has this label, the run's scratch folder, so that what a power cut left is found."""
NO_ENGINE, NO_IMAGE, NO_CONTAINER = 125, 127, 126


def main(arguments: Sequence[str]) -> int:
    """Run the container to its end and give its exit status, or 125 to 127 where it never ran."""
    name, image, scratch, port, *variables = arguments
    told_to_end = threading.Event()
    # From here on the end waits until it is known what there is to remove.
    signal.signal(signal.SIGTERM, lambda *_: told_to_end.set())
    try:
        client = docker.from_env()
        client.ping()
    except DockerException as problem:
        return _told(NO_ENGINE, f"no container engine answers: {problem}")
    with contextlib.closing(client):
        try:
            client.images.get(image)
        except ImageNotFound:
            try:
                client.images.pull(image)
            except APIError as problem:
                return _told(
                    NO_IMAGE, f"there is no image {image} here, and it cannot be pulled: {_said(problem)}"
                )
        environment = {one: os.environ[one] for one in variables if one in os.environ}
        try:
            container = client.containers.create(
                image, name=name, environment=environment, labels={LABEL: scratch}, **_placed(scratch, port)
            )
        except APIError as problem:
            return _told(NO_CONTAINER, f"no container can be made of {image}: {_said(problem)}")
        try:
            return _run(container, told_to_end)
        finally:
            with contextlib.suppress(NotFound):
                container.remove(force=True)


def kill(name: str) -> None:
    """End a container at once, as `kill -9` would; one that is not there is no problem."""
    with contextlib.closing(docker.from_env()) as client, contextlib.suppress(APIError):
        client.containers.get(name).kill()


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


def _run(container: Container, told_to_end: threading.Event) -> int:
    if told_to_end.is_set():
        return 0
    try:
        container.start()
    except APIError as problem:
        return _told(NO_CONTAINER, f"the container does not start: {_said(problem)}")
    threading.Thread(target=_stop, args=(container, told_to_end), daemon=True).start()
    for piece in container.logs(stream=True, follow=True):
        os.write(1, piece)
    return int(container.wait()["StatusCode"])


def _stop(container: Container, told_to_end: threading.Event) -> None:
    told_to_end.wait()
    with contextlib.suppress(APIError):
        container.stop(timeout=GRACE_SECONDS)


def _said(problem: APIError) -> str:
    return str(problem.explanation or problem)


def _told(status: int, words: str) -> int:
    sys.stderr.write(words + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
