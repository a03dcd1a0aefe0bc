"""An implementation that two processes serve behind one port, as most servers of web applications have it."""

from __future__ import annotations

import multiprocessing
import os
import socket
from multiprocessing.managers import SyncManager
from typing import Any

from reference_impl import server
from reference_impl.edges.monitoring import Monitoring
from reference_impl.fix.locations import SeenSignatures
from reference_impl.fix.syncs import Syncs
from tests.mutants.machinery.patching import around

WAITING = 64
"""Connections that may wait to be accepted."""


class Memory(SyncManager):
    """A process of its own that keeps what all others share."""

    Monitoring: Any


Memory.register(
    "Monitoring",
    Monitoring,
    exposed=("synced", "verified", "verification_failed", "attempted", "report", "metrics"),
)


def serve_in_two_processes() -> None:
    """Have two processes accept the connections to one port, whichever the system chooses for each."""
    create, serve = server.create_server, server.serve

    def created(app, *, host, port, **more):
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
        listener.listen(WAITING)
        return create(app, sockets=[listener], **more)

    def served(build):
        os.fork()
        serve(build)

    server.create_server, server.serve = created, served


def shared_memory() -> Memory:
    """Start the process that keeps what others share; it ends with their process group."""
    memory = Memory(ctx=multiprocessing.get_context("fork"))
    memory.start()
    return memory


def count_together(memory: Memory) -> None:
    """Have every process count in one place."""
    counts = memory.Monitoring()
    server.Monitoring = lambda: counts


def know_together(memory: Memory) -> None:
    """Have every process know the same news of locations, and the same signatures."""
    lock, versions, newest = memory.RLock(), memory.dict(), memory.dict()
    seen_lock, seen_at = memory.Lock(), memory.dict()

    @around(Syncs, "__init__")
    def made(init, self, *parts):
        init(self, *parts)
        self._lock, self._versions, self._newest = lock, versions, newest

    @around(SeenSignatures, "__init__")
    def remembered(init, self, time_to_live):
        init(self, time_to_live)
        self._lock, self._seen_at = seen_lock, seen_at
