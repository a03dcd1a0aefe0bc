"""`python -m benchmarks.serve_flask FILE`: plain Flask on Werkzeug's server, answering a file's JSON."""

from __future__ import annotations

import json
import logging
import sys
import threading
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.serving import make_server


def main(file: Path) -> None:
    """Serve until standard input ends. The answer is made anew from the structure for each request."""
    structure: dict[str, Any] = json.loads(file.read_text("utf-8"))
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    app = Flask("plain", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]

    @app.get("/health/detailed")
    def health_detailed() -> dict[str, Any]:
        return structure

    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.port, flush=True)  # noqa: T201 - the parent reads it
    for _ in sys.stdin:
        pass


if __name__ == "__main__":
    main(Path(sys.argv[1]))
