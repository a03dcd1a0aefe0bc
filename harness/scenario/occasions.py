"""What the judgement of one scenario rests on: faults that happened, and what is taken for granted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fake_instances.journal import TriggerFailed
from harness.errors import NotJudgedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.history import History


class Occasions:
    """The faults that need not happen, by number, and the controls that must pass after a failure."""

    def __init__(self) -> None:
        self.optional: set[int] = set()
        self.controls: list[Callable[[], None]] = []

    def check_came(self, history: History) -> None:
        """Check that every fault that is not optional really happened; NotJudgedError if one did not."""
        problems = {entry.fault: entry.problem for entry in history.of(TriggerFailed)}
        told = []
        for entry in history.unfired():
            if entry.fault in problems:
                told.append(
                    f"instance {entry.instance} could not do what it {entry.words}: {problems[entry.fault]}"
                )
            elif entry.fault not in self.optional:
                told.append(f"instance {entry.instance} never met the occasion when it {entry.words}")
        if told:
            raise NotJudgedError(f"a fault did not fire: {', '.join(told)}")
