"""`python start.py (reference|fakes) [NAME ...] -- [ARGUMENT ...]`: as run.py, in a fork of the zygote if one runs.

Only the standard library, so that it starts in milliseconds. It lives as long as the fork, and hands SIGTERM on.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
from pathlib import Path


def _end(pid: int) -> None:
    with contextlib.suppress(
        ProcessLookupError
    ):  # it has ended, or not come to have a group: then its end does
        os.killpg(pid, signal.SIGTERM)


def main(words: list[str]) -> int:
    """Be the program, or stand for the fork that is; return its exit status."""
    if not (path := os.environ.get("KILL_MATRIX_ZYGOTE")):
        os.execv(sys.executable, [sys.executable, str(Path(__file__).with_name("run.py")), *words])
    with socket.socket(socket.AF_UNIX) as zygote:
        zygote.connect(path)
        order = {"words": words, "variables": dict(os.environ), "folder": str(Path.cwd())}
        told = json.dumps(order).encode() + b"\n"
        sent = socket.send_fds(zygote, [told], [0, 1, 2])
        zygote.sendall(told[sent:])
        with zygote.makefile("rb") as answers:
            pid = int(answers.readline())
            signal.signal(signal.SIGTERM, lambda *_: _end(pid))
            status = int(answers.readline() or 1)
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
