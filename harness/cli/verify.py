"""`instance-sync verify`: pytest over the features that come with the harness, with all of its options."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Self, cast

import click
import pytest

from harness.catalogue.features import features_root
from harness.cli.group import epilog
from harness.cli.main import EXAMPLES
from harness.cli.options import requirement_ids, targets
from harness.errors import HarnessError
from harness.run.interruption import Interruption
from harness.run.plugin import pytest_addoption
from harness.run.workers import ChoosesWorkers, has_workers

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXAMPLES = "\n".join(line for line in EXAMPLES.splitlines() if " verify" in line)
_COMPLETERS = {"--target": targets, "--requirement": requirement_ids}


class _Options(list[click.Option]):
    """Takes the plugin's options as pytest's parser does, and makes click's of them, for help and completion."""

    def getgroup(self, *_: str) -> Self:
        return self

    def addoption(self, name: str, *, help: str, **how: Any) -> None:  # noqa: A002 - as pytest calls it
        choices = how.get("choices")
        self.append(
            click.Option(
                [name],
                is_flag=how.get("action") == "store_true",
                multiple=how.get("action") == "append",
                metavar=None if choices else how.get("metavar"),
                type=click.Choice(choices) if choices else None,
                help=help,
                shell_complete=_COMPLETERS.get(name),
            )
        )


class _HandedOn(click.Command):
    """Reads nothing but the wish for help: pytest reads the rest."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if {"-h", "--help"} & {*args}:
            return super().parse_args(ctx, ["--help"])
        ctx.params["arguments"] = args
        return []

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[any option of pytest]"]


def _options() -> list[click.Option]:
    found = _Options()
    pytest_addoption(cast("pytest.Parser", found))
    return found


@click.command(
    cls=_HandedOn,
    params=_options(),
    epilog=epilog("verify", _EXAMPLES, "Every other option: pytest --help."),
)
def command(arguments: Sequence[str]) -> int:
    """Judge an implementation by every feature that comes with the harness."""
    root = features_root()
    # Nothing of the folder that the user stands in has a say, nor what else is installed: the same run everywhere.
    own = ["-c", os.devnull, f"--rootdir={root}", "-p", "no:cacheprovider", "--import-mode=importlib"]
    # Pytest loads a plugin before it knows that it may rewrite the plugin's modules; the warning means nothing here.
    own += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    own += ["--disable-plugin-autoload", "-p", "pytest_bdd.plugin", "-p", "harness.run.plugin"]
    if has_workers([*arguments, os.environ.get("PYTEST_ADDOPTS", "")]):
        # As addopts, which come before those of PYTEST_ADDOPTS: what the user says there counts.
        own += ["-p", "xdist.plugin", "-o", "addopts=-n auto"]
    try:
        with Interruption().heard():
            return int(pytest.main([*own, *arguments, str(root)], plugins=[ChoosesWorkers()]))
    except BrokenPipeError as problem:
        # A reader who has left must not turn a verdict into 0.
        raise HarnessError(f"the verdict could not be printed: {problem}") from None
