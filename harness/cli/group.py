"""What the help of every command has in common, and groups of commands."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from harness.exit_codes import MEANINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

WIDTH = 100


def epilog(command: str, examples: str, more: str = "") -> str:
    """Return what stands below the options in a command's help: examples and exit codes, as they are written."""
    codes = "\n".join(f"  {code:<4} {meaning}" for code, meaning in MEANINGS[command].items())
    blocks = filter(None, (more, f"examples:\n{examples}", f"exit codes:\n{codes}"))
    return "\n\n".join("\b\n" + "\n\n\b\n".join(block.strip("\n").split("\n\n")) for block in blocks)


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """Return a question with the name that was probably meant, as the end of a sentence; empty if there is none."""
    close = get_close_matches(given, [*known], n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


class Commands(click.Group):
    """A group that knows what each of its commands does, in order, and loads one only when it is asked for."""

    def __init__(
        self, name: str, summaries: Mapping[str, str], load: Callable[[str], click.Command], **more: Any
    ) -> None:
        super().__init__(name, **more)
        self.summaries = summaries
        self._load = load

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in order."""
        del ctx
        return list(self.summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command."""
        del ctx
        return self._load(cmd_name) if cmd_name in self.summaries else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, or say which one was probably meant."""
        if args and not args[0].startswith("-") and args[0] not in self.summaries:
            raise click.UsageError(
                f"there is no command {args[0]}{did_you_mean(args[0], self.summaries)}", ctx
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write every command with what it does."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(self.summaries.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the name of a command, or an option."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        found = self.summaries.items()
        return [CompletionItem(name, help=words) for name, words in found if name.startswith(incomplete)]
