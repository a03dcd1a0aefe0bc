"""A server that gives one answer to everything."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from flask import Flask, request
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def answering(status: int, body: str = "", *, path: str = "/") -> Iterator[tuple[str, list[str | None]]]:
    """Yield its URL, and the keys that it is called with; below another `path` it answers 404."""
    app, keys = Flask("answering"), list[str | None]()

    @app.before_request
    def answer() -> tuple[str, int]:
        keys.append(request.headers.get("Authorization"))
        return (body, status) if request.path.startswith(path) else ("", 404)

    with make_server("127.0.0.1", 0, app) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.port}", keys
        finally:
            server.shutdown()
            thread.join()
