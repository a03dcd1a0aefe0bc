"""What a run needs of a scenario's view of things, whether a control plane is judged or gateways are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fake_instances.journal import Journal
    from harness.history import History


class Scene(Protocol):
    """One scenario's view of what is judged."""

    @property
    def journal(self) -> Journal:
        """Where everything is recorded."""

    @property
    def history(self) -> History:
        """Everything that happened in this scenario so far; NotJudgedError if the journal overflowed."""

    @property
    def written(self) -> Mapping[Path, str]:
        """The files that an implementation writes lines to, each with what they are to it."""

    @property
    def timeout(self) -> float:
        """The shortest time that anything is judged by, in seconds."""

    def check_implementation_runs(self) -> None:
        """Check that nothing that is judged ended by itself. A failure has its last output."""

    def check_faults_fired(self) -> None:
        """Check that every fault that the scenario is about really happened; NotJudgedError if one did not."""

    def check_controls(self) -> None:
        """After a failure, check what its judgement takes for granted; ConformanceFailure if that does not hold."""

    def close(self) -> None:
        """Put everything back as it was."""
