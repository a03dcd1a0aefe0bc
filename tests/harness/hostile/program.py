"""A control plane that is hostile to whoever judges it, in the way that its one argument names.

Run as `python program.py KIND`, with the contract's variables. It answers its ready check and every webhook, keeps
rows and a log for hooks, and does its mischief where its kind says. As `python program.py check:HOW now` it is a
health check. Only the standard library.
"""

from __future__ import annotations

import contextlib
import functools
import gzip
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

FINE = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"success":true}'
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_MEGABYTE = b"a" * 1024 * 1024
_DEEP = b"[" * 100_000


def sized(body: bytes, *headers: bytes) -> list[bytes]:
    """Return an answer with these bytes."""
    return [_HEAD, *headers, b"Content-Length: %d\r\n\r\n" % len(body), body]


def for_ever(part: bytes, pause: float = 0.0, start: bytes = b"") -> Iterator[bytes]:
    """Return the same part again and again."""
    yield start
    while True:
        yield part
        time.sleep(pause)


@functools.cache
def packed() -> bytes:
    """Return a little that unpacks to 300 megabytes."""
    return gzip.compress(bytes(300_000_000), 1)


ANSWERS: dict[str, Callable[[], Iterable[bytes]]] = {
    "endless": lambda: for_ever(_MEGABYTE, start=_HEAD + b"\r\n"),
    "two-gigabytes": lambda: for_ever(_MEGABYTE, start=_HEAD + b"Content-Length: 2000000000\r\n\r\n"),
    "endless-chunks": lambda: for_ever(
        b"100000\r\n" + _MEGABYTE + b"\r\n", start=_HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    ),
    "endless-chunk-size": lambda: for_ever(b"1" * 65536, start=_HEAD + b"Transfer-Encoding: chunked\r\n\r\n"),
    "unpacks-large": lambda: sized(gzip.compress(packed(), 1), b"Content-Encoding: gzip\r\n"),
    "unpacks-at-once": lambda: sized(packed(), b"Content-Encoding: gzip\r\n"),
    "no-gzip": lambda: sized(b"{}", b"Content-Encoding: gzip\r\n"),
    "drips": lambda: for_ever(b" ", 0.1, _HEAD + b"Content-Length: 100000\r\n\r\n"),
    "drips-headers": lambda: for_ever(b"x", 0.1, b"HTTP/1.1 200 OK\r\nX-Slow: "),
    "continues": lambda: for_ever(b"HTTP/1.1 100 Continue\r\n\r\n", 0.001),
    "never": lambda: for_ever(b"", 1.0),
    "deep": lambda: sized(b'{"success":true,"more":' + _DEEP),
    "deep-and-closed": lambda: sized(b'{"success":true,"more":' + _DEEP + b"]" * 100_000 + b"}"),
    "unknown-charset": lambda: [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=klingon\r\nContent-Length: 2\r\n\r\n{}"
    ],
    "charset-with-nul": lambda: [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=a\x00b\r\nContent-Length: 2\r\n\r\n{}"
    ],
    "length-beyond": lambda: [_HEAD, b"Content-Length: 9000000000000000000000\r\n\r\n{}"],
    "length-odd": lambda: [_HEAD, b"Content-Length: -1, twelve\r\n\r\n{}"],
    "chunk-beyond": lambda: [_HEAD, b"Transfer-Encoding: chunked\r\n\r\n1000000000000000\r\n{}"],
    "redirect-slashes": lambda: [b"HTTP/1.1 302 Found\r\nLocation: //\r\nContent-Length: 0\r\n\r\n"],
    "redirect-port": lambda: [
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:99999/\r\nContent-Length: 0\r\n\r\n"
    ],
    "redirect-in-a-loop": lambda: [b"HTTP/1.1 302 Found\r\nLocation: ?again\r\nContent-Length: 0\r\n\r\n"],
    "redirect-dot": lambda: [b"HTTP/1.1 302 Found\r\nLocation: http://.\r\nContent-Length: 0\r\n\r\n"],
    "three-megabytes": lambda: sized(b'{"success":false,"error":"' + b"a" * 3_000_000 + b'"}'),
    "three-megabytes-of-lists": lambda: sized(b'{"success":false,"error":[' + b"[]," * 1_000_000 + b"[]]}"),
    "odd-numbers": lambda: sized(b'{"success":NaN,"n":1e999,"m":-Infinity,"k":' + b"9" * 5000 + b"}"),
    "twice": lambda: sized(b'{"success":false,"success":true,"success":null}'),
    "no-http": lambda: [b"\x00\xff\x1b[2J" * 100],
    "nothing": list,
    "many-headers": lambda: for_ever(b"X-More: 1\r\n", start=b"HTTP/1.1 200 OK\r\n"),
    "surrogates": lambda: sized(
        b'{"success":true,"error":"\\ud800 \\udfff","\\udc00":"\xed\xa0\x80","lines":["\\ud800"],"cursor":0}'
    ),
    "escapes": lambda: sized('{"success":"\x1b]0;pwned\x07\x9b2J\u202e"}'.encode()),
}
"""What is answered, by kind."""


def log_with(text: bytes, end: bytes = b"\n") -> None:
    """Write a line."""
    with Path(os.environ["LOG_FILE"]).open("ab") as log:
        log.write(text + end)


def log_of_500_megabytes() -> None:
    """Make the log large, at no cost."""
    with Path(os.environ["LOG_FILE"]).open("ab") as log:
        log.truncate(500_000_000)
        log.write(b"\n")


def log_is(make: Callable[[Path], object]) -> None:
    """Put something else in the place of the log."""
    path = Path(os.environ["LOG_FILE"])
    path.unlink(missing_ok=True)
    make(path)


def database() -> Path:
    """Return the file that holds the rows."""
    return Path(os.environ["DATABASE_URL"].removeprefix("sqlite:///"))


def database_is(make: Callable[[Path], object]) -> None:
    """Put something else in the place of the database."""
    database().unlink(missing_ok=True)
    make(database())


def does(statement: str) -> None:
    """Carry out a statement in the database."""
    with contextlib.closing(sqlite3.connect(database())) as connection, connection:
        connection.execute(statement)


@functools.cache
def enlarges(columns: tuple[str, ...], size: int) -> None:
    """Make a row large, once: that takes a while. Nearly a gigabyte is as much as SQLite takes."""
    does("UPDATE whatsapp_accounts SET " + ", ".join(f"{one} = zeroblob({size})" for one in columns))


def locks() -> None:
    """Lock the database for ever."""
    HELD.append(sqlite3.connect(database(), check_same_thread=False, isolation_level=None))
    HELD[-1].execute("BEGIN EXCLUSIVE")


def calls(start: bytes, part: bytes) -> None:
    """Call an instance, and go on as long as it listens."""

    def call() -> None:
        place = urlsplit(os.environ["NODE_INSTANCES"].split(",")[0])
        with contextlib.suppress(OSError), socket.create_connection((place.hostname, place.port)) as instance:
            instance.sendall(start)
            while True:
                instance.sendall(part)

    threading.Thread(target=call, daemon=True).start()


def asks() -> None:
    """Ask an instance without end on one kept connection, and read whatever it answers."""

    def ask() -> None:
        place = urlsplit(os.environ["NODE_INSTANCES"].split(",")[0])
        with contextlib.suppress(OSError), socket.create_connection((place.hostname, place.port)) as instance:
            threading.Thread(target=reads, args=(instance,), daemon=True).start()
            while True:
                instance.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)

    def reads(instance: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while instance.recv(65536):
                pass

    threading.Thread(target=ask, daemon=True).start()


def again(deed: Callable[[], object], times: int = 10**9) -> None:
    """Do something so often, without a pause, while all else goes on."""

    def do() -> None:
        for _ in range(times):
            with contextlib.suppress(OSError, sqlite3.Error):
                deed()

    threading.Thread(target=do, daemon=True).start()


LISTENERS: list[socket.socket] = []
HELD: list[sqlite3.Connection] = []

DEEDS: dict[str, Callable[[], object]] = {
    "log-of-500-megabytes": log_of_500_megabytes,
    "log-is-zeros": lambda: log_is(lambda path: path.symlink_to("/dev/zero")),
    "log-is-a-pipe": lambda: log_is(os.mkfifo),
    "log-is-a-folder": lambda: log_is(Path.mkdir),
    "log-line-deep": lambda: log_with(b'{"a":' + _DEEP),
    "log-line-of-braces": lambda: log_with(b"{" * 2_000_000),
    "log-line-of-objects": lambda: log_with(b'{"a":' * 400_000),
    "log-line-of-quotes": lambda: log_with(b'{"' * 1_000_000),
    "log-of-surrogates": lambda: log_with(
        b'{"message":"Instance sync successful! Database updated","old_url":"\\ud800","\\udc00":"\xed\xa0\x80"}'
    ),
    "log-without-end": lambda: again(lambda: log_with(_MEGABYTE), times=400),
    "log-line-without-end": lambda: log_with(15 * _MEGABYTE, end=b""),
    "log-truncated": lambda: os.truncate(os.environ["LOG_FILE"], 0),
    "log-of-escapes": lambda: log_with("\x1b[2J\x9b31m\u202e \x07".encode()),
    "database-removed": lambda: database_is(lambda _: None),
    "database-is-garbage": lambda: database_is(lambda path: path.write_bytes(b"garbage" * 1000)),
    "database-is-a-pipe": lambda: database_is(os.mkfifo),
    "database-is-a-folder": lambda: database_is(Path.mkdir),
    "scratch-removed": lambda: shutil.rmtree(database().parent, ignore_errors=True),
    "table-dropped": lambda: does("DROP TABLE whatsapp_accounts"),
    "column-dropped": lambda: does("ALTER TABLE whatsapp_accounts DROP COLUMN phone_number"),
    "column-renamed": lambda: does("ALTER TABLE whatsapp_accounts RENAME COLUMN status TO state"),
    "own-row-of-other-types": lambda: does(
        "UPDATE whatsapp_accounts SET updated_at = 'yesterday', status = x'00ff', assigned_instance_url = 5"
    ),
    "own-row-of-300-megabytes": lambda: enlarges(("assigned_instance_url",), 300_000_000),
    "own-row-of-1-gigabyte": lambda: enlarges(
        ("assigned_instance_url", "status", "phone_number", "updated_at"), 240_000_000
    ),
    "own-row-of-surrogates": lambda: does(
        "UPDATE whatsapp_accounts SET assigned_instance_url = CAST(x'eda080' AS TEXT), status = CAST(x'ff' AS TEXT)"
    ),
    "database-locked": locks,
    "database-hammered": lambda: again(lambda: does("UPDATE whatsapp_accounts SET status = 'odd'")),
    "many-children": lambda: [subprocess.Popen(["sleep", "1000"]) for _ in range(200)],
    "listens-no-more": lambda: LISTENERS[0].shutdown(socket.SHUT_RDWR),
    "posts-without-end": lambda: calls(
        b"POST /send HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000000\r\n\r\n", _MEGABYTE
    ),
    "chunks-without-end": lambda: calls(
        b"POST /send HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"100000\r\n" + _MEGABYTE + b"\r\n",
    ),
    "headers-without-end": lambda: calls(b"GET /health HTTP/1.1\r\n", b"X-More: 1\r\n"),
    "asks-without-end": asks,
    "stops-itself": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "prints-300-megabytes": lambda: [sys.stdout.write("x" * 1_000_000) for _ in range(300)],
    "ends": lambda: os._exit(7),
    "ends-by-a-signal": lambda: os.kill(os.getpid(), signal.SIGSEGV),
}
"""What is done when a message is handed over, by kind."""


def prints(part: bytes) -> None:
    """Print without end."""
    while True:
        os.write(1, part)


def leaves(how: int) -> None:
    """Leave a process behind that keeps what this one prints to, for a while, and end."""
    wait = "import time; time.sleep(40)"
    subprocess.Popen([sys.executable, "-c", wait], start_new_session=True)
    os._exit(how)


CHECKS: dict[str, Callable[[], object]] = {
    "never": lambda: time.sleep(3600),
    "endless": lambda: prints(_MEGABYTE),
    "drips": lambda: [(os.write(1, b" "), time.sleep(0.1)) for _ in range(36_000)],
    "deep": lambda: os.write(1, _DEEP),
    "three-megabytes": lambda: sys.stdout.write('{"checked":1,"more":"' + "a" * 3_000_000 + '"}'),
    "binary": lambda: os.write(1, bytes(range(256))),
    "surrogates": lambda: os.write(1, b'{"checked":"\\ud800","\xed\xa0\x80":1}'),
    "odd-status": lambda: os._exit(255),
    "ends-by-a-signal": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "ignores-signals": lambda: (
        [signal.signal(one, signal.SIG_IGN) for one in (signal.SIGTERM, signal.SIGINT)],
        time.sleep(3600),
    ),
    "leaves-a-daemon": lambda: leaves(0),
}
"""What a health check does, by kind."""

ROWS: dict[str, bytes] = {}
HANDED = threading.Event()
"""Whether a message was handed over: hooks are as they should be until then."""


def hook(line: str, body: bytes) -> bytes:
    """Return what a hook for rows or for the log must answer."""
    method, path, *_ = line.split(" ")
    if path.startswith("/log"):
        return b'{"lines":[],"cursor":0}'
    if method == "PUT":
        ROWS[path] = body
    if method == "DELETE":
        ROWS.clear()
    return ROWS.get(path, b"{}")


def serve(kind: str) -> None:
    """Serve for ever."""
    with socket.create_server((os.environ["HOST"], int(os.environ["PORT"])), backlog=64) as listener:
        LISTENERS.append(listener)
        if kind in DAEMONS:
            # It has a session of its own, and the listening socket.
            wait = f"import os, sys, time\n{DAEMONS[kind]}: time.sleep(0.1)"
            subprocess.Popen(
                [sys.executable, "-c", wait, str(database().parent.parent)],
                pass_fds=[listener.fileno()],
                start_new_session=True,
            )
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                signal.pause()
            threading.Thread(target=answer, args=(connection, kind), daemon=True).start()


def answer(connection: socket.socket, kind: str) -> None:
    """Answer one request."""
    with connection, contextlib.suppress(OSError):
        line, body = read(connection)
        place = next((name for words, name in PLACES.items() if words in line), "send")
        where, _, how = kind.partition(":")
        if where == place and (place not in HOOKS or (HANDED.is_set() and line.startswith("GET"))):
            for part in ANSWERS[how]():
                connection.sendall(part)
            return
        if place in HOOKS:
            connection.sendall(b"".join(sized(hook(line, body))))
            return
        if place == "send":
            HANDED.set()
        if place == "send" and kind in DEEDS:
            with contextlib.suppress(OSError, sqlite3.Error):
                DEEDS[kind]()
        connection.sendall(FINE)


PLACES = {"/health": "health", "webhooks": "webhook", " /rows": "rows", " /log": "log"}
HOOKS = {"rows", "log"}
DAEMONS = {
    "daemon": "for _ in range(400)",
    "daemon-for-ever": "while os.path.exists(sys.argv[1])",
}
"""How long a daemon stays: as long as the folder of all temporary files is there, it is for ever to its judge."""


def read(connection: socket.socket) -> tuple[str, bytes]:
    """Return the first line of a request, and its body."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65536)
        if not part:
            break
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    ]
    while lengths and len(body) < lengths[0]:
        body += connection.recv(65536)
    return head.split(b"\r\n")[0].decode("latin-1"), body


KINDS = (
    *(f"send:{how}" for how in ANSWERS),
    *(f"webhook:{how}" for how in ANSWERS),
    *(f"health:{how}" for how in ANSWERS if how not in {"escapes", "twice", "odd-numbers"}),
    *(f"rows:{how}" for how in ANSWERS),
    # The same reader reads the log: what differs is what an answer has in it.
    *(f"log:{how}" for how in ("endless", "never", "deep", "surrogates", "odd-numbers", "twice", "nothing")),
    *DEEDS,
    *DAEMONS,
    *(f"check:{how}" for how in CHECKS),
)

if __name__ == "__main__":
    place, _, how = sys.argv[1].partition(":")
    if place == "check" and len(sys.argv) > 2:
        CHECKS[how]()
    else:
        serve(sys.argv[1])
