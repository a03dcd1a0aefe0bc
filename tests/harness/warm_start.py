"""Runs pytest and our command in processes that are forked from one which has loaded them.

Most of a short run is that. `python -m tests.harness.warm_start` takes orders on standard input, JSON in a line each.
What is run is `__main__`, with arguments, variables, folder and streams of its own, as if it had been started.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import runpy
import sys
import tempfile
from pathlib import Path
from typing import IO, NoReturn, TypedDict

import pytest


class Order(TypedDict):
    """What is to be run. The first word is a script, or -m with the name of a module."""

    words: list[str]
    folder: str
    environment: dict[str, str]
    output: str
    errors: str


def load() -> None:
    """Load all that pytest loads for the features, in the way it does, by having it look at an empty folder."""
    with tempfile.TemporaryDirectory() as empty, contextlib.redirect_stdout(io.StringIO()) as told:
        words = ["--collect-only", "-p", "no:cacheprovider", "-c", os.devnull, f"--rootdir={empty}", empty]
        if pytest.main(words) != pytest.ExitCode.NO_TESTS_COLLECTED:
            sys.exit(told.getvalue())
    tempfile.tempdir = None
    gc.freeze()


def serve(orders: IO[str]) -> None:
    """Carry out one order after another; of each the process id is told first, and in the end its exit status."""
    for line in orders:
        child = os.fork()
        if not child:
            _be(json.loads(line))
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _be(ordered: Order) -> NoReturn:
    """Be the program that was ordered, to its end."""
    os.chdir(ordered["folder"])
    os.environ.clear()
    os.environ.update(ordered["environment"])
    for number, name in ((1, "output"), (2, "errors")):
        os.dup2(os.open(ordered[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)  # type: ignore[literal-required]
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    first, *rest = ordered["words"]
    if first == "-m":
        sys.argv, sys.path[0] = rest, ordered["folder"]
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv, sys.path[0] = ordered["words"], str(Path(first).parent)
        runpy.run_path(first, run_name="__main__")
    sys.exit()


if __name__ == "__main__":
    load()
    serve(sys.stdin)
