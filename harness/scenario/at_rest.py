"""Rows that were read while nothing happened, so that one look serves every check of a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.history import RowRead, StepReached

if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_instances.journal import Journal
    from harness.contract import Row


def nothing_happened(journal: Journal, since: int) -> bool:
    """Say whether all that was recorded since a position is that somebody looked."""
    return all(isinstance(one, (RowRead, StepReached)) for one in journal.entries(after=since))


class AtRest:
    """What rows were, for as long as nothing else is recorded."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._since = journal.last
        self._rows: dict[int, Row | None] = {}

    def row(self, account_id: int, read: Callable[[int], Row | None]) -> Row | None:
        """Return an account's row as it was read, or read it."""
        if not nothing_happened(self._journal, self._since):
            self._rows.clear()
        self._since = self._journal.last
        if account_id not in self._rows:
            self._rows[account_id] = read(account_id)
        return self._rows[account_id]
