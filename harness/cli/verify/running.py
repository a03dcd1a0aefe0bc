"""`instance-sync verify`: pytest over the features that come with the harness, with all of its options."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click
import pytest

from harness.catalogue.features import features_root
from harness.cli.group import epilog
from harness.cli.verify.options import WATCH, verify_options, write_groups
from harness.cli.verify.output import whoever_reads
from harness.cli.verify.usage import Usage
from harness.cli.verify.watching import watch
from harness.run.interruption import Interruption
from harness.run.workers import ChoosesWorkers, has_workers

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXAMPLES = """\
  instance-sync verify                                    judge the reference implementation
  instance-sync verify --target acme.toml                 judge your own; instance-sync init writes the file
  instance-sync verify --target acme.toml --report reports
  instance-sync verify --requirement SCAN-01 -n 0         one requirement; the verdict is then incomplete
  instance-sync verify core/scan.feature                  a folder or a file of the features
  instance-sync verify --profile core --list              which scenarios would run
  instance-sync verify --rerun-failed --keep              stop at what failed, with everything alive
  instance-sync verify --target acme.toml --watch         again whenever a file of yours changes
  instance-sync verify --database postgresql://user:password@127.0.0.1:5432
"""


class _HandedOn(click.Command):
    """Reads nothing but the wish for help: pytest reads the rest."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if {"-h", "--help"} & {*args}:
            return super().parse_args(ctx, ["--help"])
        ctx.params["arguments"] = args
        return []

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[FOLDER|FILE]...", "[any option of pytest]"]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_groups(ctx, formatter, self.params)


@click.command(
    cls=_HandedOn,
    params=verify_options(),
    epilog=epilog("verify", _EXAMPLES, "Every other option: pytest --help."),
)
def command(arguments: Sequence[str]) -> int:
    """Judge an implementation by every feature that comes with the harness."""
    if WATCH in arguments:
        return watch(arguments)
    root = features_root()
    # Nothing of the folder that the user stands in has a say, nor what else is installed: the same run everywhere.
    own = ["-c", os.devnull, f"--rootdir={root}", "-p", "no:cacheprovider", "--import-mode=importlib"]
    # Pytest loads a plugin before it knows that it may rewrite the plugin's modules; the warning means nothing here.
    own += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    own += ["--disable-plugin-autoload", "-p", "pytest_bdd.plugin", "-p", "harness.run.plugin"]
    if has_workers([*arguments, os.environ.get("PYTEST_ADDOPTS", "")]):
        # As addopts, which come before those of PYTEST_ADDOPTS: what the user says there counts.
        own += ["-p", "xdist.plugin", "-o", "addopts=-n auto"]
    with whoever_reads(), Interruption().heard():
        return int(pytest.main([*own, str(root), *arguments], plugins=[ChoosesWorkers(), Usage()]))
