"""`instance-sync verify`: its help, its usage errors, and the run."""

from harness.cli.verify.running import command

__all__ = ["command"]
