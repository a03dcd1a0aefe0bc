"""The program that runs the routes and sockets of one instance in another process than its owner.

`python -m fake_instances.hosts.child CONNECTION HOST PORT FIRST`: CONNECTION leads to the owner of the fleet: the
number of an inherited descriptor, or the path of a Unix socket. FIRST is the number of the first request. The program
ends when its owner closes the connection or is gone.
"""

from __future__ import annotations

import functools
import hashlib
import os
import signal
import socket
import sys
import threading
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from fake_instances.hosts.rpc import Peer
from fake_instances.http.server import InstanceServer
from fake_instances.routes.app import create_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_instances.instance import Instance


def fingerprint() -> bytes:
    """Return what identifies this version of the package: both ends of a peer's connection must be the same."""
    digest, folder = hashlib.sha256(), Path(__file__).parents[1]
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.digest()


class _Remote:
    """The instance, seen from its own process: each method is called at the owner."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self.number, self.api_key, self.started_at = peer.call("identity")

    def calm(self) -> bool:
        return False  # every call waits from here

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return functools.partial(self._peer.call, name)


def _connection(to: str) -> Connection:
    if to.isdecimal():
        return Connection(int(to))
    # By its name alone, from within its folder: the whole path may be longer than a socket's address can be.
    folder, name = os.path.split(to)
    os.chdir(folder)
    with socket.socket(socket.AF_UNIX) as opened:
        opened.connect(name)
        connection = Connection(opened.detach())
    connection.send_bytes(fingerprint())
    return connection


def _serve(to: str, host: str, port: int, first: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ended = threading.Event()
    peer = Peer(_connection(to), on_gone=ended.set)
    instance = cast("Instance", _Remote(peer))
    peer.serve(InstanceServer(create_app(instance), instance, host, port, first=first))
    ended.wait()  # until the owner closes its end, or is gone
    os._exit(0)


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
