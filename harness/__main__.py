"""Where `instance-sync` begins: most of its first second is imports, and Ctrl-C may come meanwhile."""

from __future__ import annotations

import sys

_INTERRUPTED = 130
"""As exit_codes says, which is not imported yet."""


def main() -> int:
    """Run the command, and return its exit code."""
    try:
        from harness.cli.main import main as command  # noqa: PLC0415 - see above

        return command()
    except KeyboardInterrupt:
        sys.stderr.write("\ninstance-sync: interrupted; nothing that it started is left\n")
        return _INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
