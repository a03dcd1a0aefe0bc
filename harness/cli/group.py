"""How commands show their help and find each other."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from harness.exit_codes import MEANINGS

if TYPE_CHECKING:
    from collections.abc import Mapping

WIDTH = 100


def epilog(command: str, examples: str, more: str = "") -> str:
    """Return what stands below the options in a command's help: examples and exit codes, as they are written."""
    codes = "\n".join(f"  {code:<4} {meaning}" for code, meaning in MEANINGS[command].items())
    blocks = filter(None, (more, f"examples:\n{examples}", f"exit codes:\n{codes}"))
    return "\n\n".join("\b\n" + "\n\n\b\n".join(block.strip("\n").split("\n\n")) for block in blocks)


class Commands(click.Group):
    """A group that lists its commands in the order in which they were added, each with its whole first sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in order."""
        del ctx
        return list(self.commands)

    def summaries(self) -> dict[str, str]:
        """Return what each command does, by its name."""
        return {name: (one.help or "").split("\n\n")[0] for name, one in self.commands.items()}

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write every command with what it does."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(self.summaries().items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the name of a command."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return [
            CompletionItem(name, help=words)
            for name, words in self.summaries().items()
            if name.startswith(incomplete)
        ]


class LazyCommands(Commands):
    """A group whose commands are each in a module of their own, which is loaded when it is needed.

    Loading all of them takes most of a second.
    """

    def __init__(self, package: str, summaries: Mapping[str, str], **more: Any) -> None:
        super().__init__(**more)
        self._package = package
        self._summaries = dict(summaries)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in order."""
        del ctx
        return list(self._summaries)

    def summaries(self) -> dict[str, str]:
        """Return what each command does, by its name."""
        return self._summaries

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the module of a command, and return what it has as `command`."""
        del ctx
        if cmd_name not in self._summaries:
            return None
        command: click.Command = import_module(f"{self._package}.{cmd_name}").command
        return command
