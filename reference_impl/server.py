"""Serves an implementation until it is told to stop."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

# waitress has no type hints
from waitress.server import create_server  # type: ignore[import-untyped]

from reference_impl.parts import Parts
from reference_impl.settings import Settings, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIApplication

THREADS = 64
"""A send that hangs holds a thread for the send timeout."""
MOST_CONNECTIONS = 1000
LONGEST_READ = 16 * 1024 * 1024
"""Bytes of a body that are read before the connection is cut; the application answers 413 far earlier, but
a client that is still writing hears that only if it is read out."""
BAD_SETTING = 2


def serve(build: Callable[[Parts], WSGIApplication]) -> NoReturn:
    """Serve what ``build`` makes, configured by the environment; exits with status 2 when that is not usable."""
    try:
        _serve(build)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(BAD_SETTING)


def _serve(build: Callable[[Parts], WSGIApplication]) -> NoReturn:
    settings = Settings.from_environment(os.environ)
    parts = Parts.of(settings)
    # Its warnings about a queue of one or two would stand among the log lines on standard error.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    try:
        server = create_server(
            build(parts),
            host=settings.host,
            port=settings.port,
            threads=THREADS,
            connection_limit=MOST_CONNECTIONS,
            max_request_body_size=LONGEST_READ,
            asyncore_use_poll=True,
            ident=None,
        )
    except (OSError, ValueError) as error:
        given = f"{settings.host}:{settings.port}"
        raise SettingsError("HOST, PORT", given, f"an address to listen on ({error})") from None

    def stop(number: int, _frame: object) -> None:
        # At once: a hung send must not hold the port. Every database write is committed when it is made,
        # and every log line written, so there is nothing to wait for.
        parts.log.info("Stopped", signal=signal.Signals(number).name)
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    parts.log.info("Listening", host=settings.host, port=int(server.effective_port), pid=os.getpid())
    server.run()
    sys.exit(0)
