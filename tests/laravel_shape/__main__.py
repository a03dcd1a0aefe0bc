"""``python -m tests.laravel_shape``: ``serve``, ``work`` beside it, or one health check, ``instances:check``."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from dataclasses import asdict

from waitress import serve  # type: ignore[import-untyped]

from reference_impl.fix.health_check import HealthCheck
from tests.laravel_shape.parts import make_parts
from tests.laravel_shape.web import create_app
from tests.laravel_shape.worker import work


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve")
    serving.add_argument("--host", required=True)
    serving.add_argument("--port", type=int, required=True)
    commands.add_parser("work")
    commands.add_parser("instances:check").add_argument("--pretend", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if options.command == "serve":
        parts, sessions = make_parts(options.host, options.port)
        sessions.migrate()
        serve(create_app(parts, sessions), host=options.host, port=options.port, threads=32, ident=None)
    parts, sessions = make_parts()
    if options.command == "work":
        work(parts, sessions)
    pretend = options.pretend and os.environ.get("MISTAKE") != "pretends_to_pretend"
    sys.stdout.write(json.dumps(asdict(HealthCheck(parts).run(dry_run=pretend))) + "\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
