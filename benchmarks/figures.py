"""From the numbers of many rounds to the few that are shown."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from benchmarks.load import Measured

if TYPE_CHECKING:
    from collections.abc import Sequence


def middle(rounds: Sequence[Measured]) -> Measured:
    """Give the median rate and the median 99th percentile."""
    return Measured(median(one.rate for one in rounds), median(one.p99 for one in rounds))


def times_as_fast(rounds: Sequence[Measured], others: Sequence[Measured]) -> float:
    """Give how many times the rate of another server one has: the median over rounds.

    Both numbers of a round were measured right after each other, so that noise which lasts hits both.
    """
    return median(one.rate / other.rate for one, other in zip(rounds, others, strict=True))


def row(label: str, path: str, measured: Measured, size: int) -> str:
    """Give one line of the table."""
    return f"{label:<28}{path:<30}{measured.rate:>10,.0f}{measured.p99:>10.2f}{size:>11,}"


HEADING = f"{'':<28}{'':<30}{'requests/s':>10}{'p99 ms':>10}{'body bytes':>11}"
"""The line above the table."""


def ratio(label: str, rounds: Sequence[Measured], others: Sequence[Measured]) -> str:
    """Give one line below the table."""
    return f"{label:<58}{times_as_fast(rounds, others):>10.2f}"
