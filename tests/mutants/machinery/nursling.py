"""Stands for `drivers.guard` where a nursery runs: hands everything on to it, and ends as the guard did.

Only the standard library, so that it starts in milliseconds.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Have the nursery run a guard with these arguments, and give its exit status."""
    environment = dict(os.environ)
    with socket.socket(socket.AF_UNIX) as nursery:
        nursery.connect(environment.pop("NURSERY"))
        order = {"arguments": arguments, "environment": environment, "directory": str(Path.cwd())}
        told = json.dumps(order).encode() + b"\n"
        nursery.sendall(told[socket.send_fds(nursery, [told], [0, 1, 2]) :])
        # Whoever reads the guard's output, and the guard, who reads its input, must see when the other end closes.
        os.close(0)
        os.close(1)
        return int(nursery.recv(16) or b"1")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(main(sys.argv[1:]))
