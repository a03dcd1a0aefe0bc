"""Runs each instance as a container of the `fleet` image: `--fleet-host containers`.

The containers share the machine's network, so that an instance's address and port are the document's. Each is held by
the program that holds an implementation's container too, under the same guard, and so is removed for certain.
"""

from __future__ import annotations

import os
import select
import shutil
import socket
import sys
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from fake_instances.hosts.child import fingerprint
from fake_instances.hosts.remote import RemoteServer
from harness.attach.drivers import container
from harness.attach.drivers.guarded import Guarded
from harness.errors import LaunchError, TargetError

if TYPE_CHECKING:
    from fake_instances.hosts.threads import Server
    from fake_instances.instance import Instance

DEFAULT_IMAGE = "instance-sync-fleet"
START_SECONDS = 60.0
"""How long a container may take to start, before anything is judged."""
_SOCKET = "owner"


class ContainerHost:
    """Runs instances as containers of an image, which end with this process whatever happens."""

    def __init__(self, image: str) -> None:
        self._image = image

    def serve(self, instance: Instance, host: str, port: int) -> Server:
        """Make the server of one instance, not yet running."""
        return RemoteServer(instance, host, port, ContainerRunner(self._image))


class ContainerRunner:
    """Runs an instance's server as a container. `name` is the container's; None if none runs."""

    def __init__(self, image: str) -> None:
        self.name: str | None = None
        self._image = image
        self._guarded: Guarded | None = None
        self._scratch: Path | None = None

    def run(self, host: str, port: int, first: int) -> Connection:
        """Start it for this address and return the connection to it.

        Raises:
            LaunchError: the container did not start, or its image is of another version.
        """
        scratch = self._scratch = Path(tempfile.mkdtemp(prefix="instance-sync-"))
        name, holder = container.holder(self._image, scratch)
        serving = ["python", "-m", "fake_instances.hosts.child", str(scratch / _SOCKET)]
        address = [host, str(port), str(first)]
        try:
            with _listening(scratch) as listener:
                self._guarded = Guarded(
                    [*holder, "--", *serving, *address], scratch, container.REMOVED_SECONDS
                )
                self._guarded.wait_for_start()
                connection = self._accept(listener, self._guarded)
        except BaseException:
            self.end()
            raise
        self.name = name
        return connection

    def end(self) -> None:
        """End it by SIGTERM, or at last by SIGKILL, and wait until the container is removed."""
        self.name = None
        guarded, self._guarded = self._guarded, None
        try:
            if guarded is not None:
                guarded.end()
        finally:
            scratch, self._scratch = self._scratch, None
            if scratch is not None:
                shutil.rmtree(scratch, ignore_errors=True)

    def kill(self) -> None:
        """End the container by SIGKILL, even while it stands still, and wait until it is removed."""
        if self.name is not None:
            container.kill(self.name)
        self.end()

    def pause(self) -> None:
        """Freeze the container; LaunchError if the engine does not."""
        if self.name is not None:
            container.freeze(self.name, frozen=True)

    def resume(self) -> None:
        """Let the container go on; LaunchError if the engine does not."""
        if self.name is not None:
            container.freeze(self.name, frozen=False)

    def _accept(self, listener: socket.socket, guarded: Guarded) -> Connection:
        # The guard writes nothing more until it ends: whichever comes first is the answer.
        ready, _, _ = select.select([listener.fileno(), guarded.told.fileno()], [], [], START_SECONDS)
        if listener.fileno() not in ready:
            what = "ended at once" if ready else f"did not start in {START_SECONDS:g} s"
            raise LaunchError(
                f"a container of {self._image} for an instance {what}: {guarded.last_output()}"
                f"\n  if the image is another than this version's, {way_out(self._image)}",
                "--fleet-image must name an image of this version's instances",
            )
        accepted, _ = listener.accept()
        connection = Connection(accepted.detach())
        if not connection.poll(START_SECONDS) or connection.recv_bytes(1024) != fingerprint():
            connection.close()
            raise LaunchError(
                f"the image {self._image} has another version of the instances than this harness: "
                f"{way_out(self._image)}",
                "--fleet-image must name an image of this version's instances",
            )
        return connection


def check_fleet_image(image: str) -> None:
    """Check that instances can run as containers of an image here.

    Raises:
        TargetError: they cannot; says what was tried, and what to do.
    """
    if sys.platform != "linux":
        raise TargetError(
            "--fleet-host containers needs Linux, where containers can share the machine's network; "
            "take --fleet-host processes"
        )
    try:
        container.client_with(image).close()
    except container.NoContainerError as problem:
        way = way_out(image)
        if problem.status == container.NO_ENGINE:
            way = (
                "start one (docker info then answers) and see that this user may use it, or take "
                "--fleet-host processes"
            )
        raise TargetError(f"--fleet-host containers: {problem}; {way}") from None


def way_out(image: str) -> str:
    """Say how to get the image of this version."""
    return (
        f"in the project's folder run: docker build --target fleet --tag {image} . "
        "(or name another image with --fleet-image)"
    )


def _listening(scratch: Path) -> socket.socket:
    # Through the folder's descriptor: the whole path may be longer than a socket's address can be.
    folder = os.open(scratch, os.O_RDONLY | os.O_DIRECTORY)
    try:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"/proc/self/fd/{folder}/{_SOCKET}")
        listener.listen(1)
    finally:
        os.close(folder)
    return listener
