"""Starts the servers that are measured, each in a process of its own, and stops them whatever happens."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.load import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "127.0.0.1"
ROOT = Path(__file__).parents[1]
PACKAGE = Path(__file__).parent
INSTALLED = ROOT / "build" / "benchmarks"
"""Where mountebank is installed; git ignores it, and `make clean` removes it."""
PATIENCE = 60.0
"""Seconds after which a server will not come up any more."""


class Server:
    """A running server: where it is asked, and how it is told to forget what it recorded so far."""

    def __init__(self, label: str, url: str, process: subprocess.Popen[str], *, forgets: bool) -> None:
        self.label = label
        self.url = url
        self._process = process
        self._forgets = forgets

    def forget(self) -> None:
        """Have what is recorded dropped, as a run of the harness does between scenarios."""
        if self._forgets and self._process.stdin is not None:
            self._process.stdin.write("forget\n")
            self._process.stdin.flush()


def body_of(url: str) -> bytes:
    """Ask once, and give the body.

    Raises:
        BenchmarkError: the answer is not a 200, or there is none.
    """
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            if answer.status == 200:
                return bytes(answer.read())
            raise BenchmarkError(f"{url} answered {answer.status}")
    except OSError as problem:
        raise BenchmarkError(f"{url} did not answer as it should: {problem}") from None


@contextlib.contextmanager
def python_server(label: str, module: str, *words: str, path: str) -> Iterator[Server]:
    """Run a module of this folder that serves; it tells its port on its first line."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *words]
    with _running(command) as process:
        told = process.stdout.readline().strip() if process.stdout else ""
        if not told.isdigit():
            raise BenchmarkError(f"{label} did not come up")
        yield Server(label, f"http://{HOST}:{told}{path}", process, forgets=True)


@contextlib.contextmanager
def mountebank(body: str, *, path: str, keep_alive: bool) -> Iterator[Server]:
    """Run mountebank with one stub that answers this JSON.

    As it comes it closes the connection after each answer; a stub may have it kept, which makes it faster.
    """
    port, control = _free_ports(2)
    headers = {"Content-Type": "application/json; charset=utf-8"}
    if keep_alive:
        headers["Connection"] = "keep-alive"
    answer = {"is": {"statusCode": 200, "headers": headers, "body": body}}
    stub = {"predicates": [{"equals": {"method": "GET", "path": path}}], "responses": [answer]}
    imposter = {"port": port, "host": HOST, "protocol": "http", "stubs": [stub]}
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "imposters.json"
        config.write_text(json.dumps({"imposters": [imposter]}), "utf-8")
        command = [_tool("node"), "--require", str(PACKAGE / "ends_with_parent.cjs")]
        command += [str(INSTALLED / "node_modules" / "mountebank" / "bin" / "mb"), "start"]
        command += ["--port", str(control), "--host", HOST, "--loglevel", "warn", "--nologfile"]
        command += ["--pidfile", str(Path(folder) / "pid"), "--configfile", str(config), "--noParse"]
        with _running(command) as process:
            label = "mountebank, keep-alive" if keep_alive else "mountebank"
            server = Server(label, f"http://{HOST}:{port}{path}", process, forgets=False)
            _wait_for(server, process)
            yield server


def install_mountebank() -> None:
    """Install the pinned mountebank, unless it is.

    Raises:
        BenchmarkError: node or npm is missing, or npm failed.
    """
    npm = _tool("npm")
    _tool("node")
    INSTALLED.mkdir(parents=True, exist_ok=True)
    done, lock = INSTALLED / ".installed", (PACKAGE / "package-lock.json").read_text("utf-8")
    if done.exists() and done.read_text("utf-8") == lock:
        return
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PACKAGE / name, INSTALLED / name)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]
    if subprocess.run(command, check=False, cwd=INSTALLED, stdout=sys.stderr).returncode:
        raise BenchmarkError("npm could not install mountebank; what it says stands above")
    done.write_text(lock, "utf-8")


def version_of(tool: str) -> str:
    """Give what a tool says of its version, without its name."""
    told = subprocess.run([_tool(tool), "--version"], check=False, capture_output=True, text=True)
    return (told.stdout.split() or ["?"])[0].removeprefix("v")


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise BenchmarkError(f"{name} is needed and not installed: install Node.js 20 or newer, with npm")
    return found


@contextlib.contextmanager
def _running(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    # A group of its own: Ctrl-C reaches this process alone, which then stops the others in order. Each also
    # ends when its standard input does, so that not even a killed benchmark leaves one behind.
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NODE_ENV": "production"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _wait_for(server: Server, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(BenchmarkError):
            body_of(server.url)
            return
        time.sleep(0.1)
    raise BenchmarkError(f"{server.label} did not come up")


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in held:
            one.bind((HOST, 0))
        return [int(one.getsockname()[1]) for one in held]
