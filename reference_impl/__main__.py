"""``python -m reference_impl``: the implementation with the fix; ``health-check`` makes one check and exits."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from reference_impl.app import add_health_check, add_monitoring, create_app
from reference_impl.fix.health_check import HealthCheck
from reference_impl.fix.locations import LocationSync
from reference_impl.fix.sender import Sender
from reference_impl.fix.webhooks import WebhookReceiver
from reference_impl.hooks import VARIABLE, with_hooks
from reference_impl.server import Parts, opened_parts, serve

if TYPE_CHECKING:
    from flask import Flask

_EXAMPLES = """\
examples:
  python -m reference_impl                           serve, configured by the environment
  python -m reference_impl health-check --dry-run    print which rows are wrong, as JSON, and write nothing
"""


def build(parts: Parts) -> Flask:
    """Make the application with the fix, and start the periodic check if the settings want one."""
    check = HealthCheck(parts)
    if parts.settings.health_check_interval:
        check.run_every(parts.settings.health_check_interval)
    receiver = WebhookReceiver(parts, LocationSync(parts).apply)
    app = create_app(receiver.receive, Sender(parts).send, parts.log)
    add_health_check(app, check)
    add_monitoring(app, parts.monitoring)
    return app


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m reference_impl",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    check = commands.add_parser("health-check", help="check every account once, and print the report as JSON")
    check.add_argument("--dry-run", action="store_true", help="write nothing")
    options = parser.parse_args()
    if options.command == "health-check":
        with opened_parts() as parts:
            report = HealthCheck(parts).run(dry_run=options.dry_run)
        sys.stdout.write(json.dumps(asdict(report)) + "\n")
    else:
        serve(with_hooks(build) if os.environ.get(VARIABLE) == "on" else build)


if __name__ == "__main__":
    main()
