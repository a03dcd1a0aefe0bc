"""What the doctor finds, and how it is printed. Pure."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.wording import cut, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.errors import AdapterError

_WIDTH, _LONGEST = 100, 2000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried. `mend` says what to change, and is empty where all is well.

    `unattached` is whether the attachment is wrong, whatever the implementation does: a mistake of its own, which is
    for scenarios to judge, would not look like this.
    """

    name: str
    tried: str
    came_back: str
    mend: str = ""
    unattached: bool = False

    @property
    def good(self) -> bool:
        """Whether all is well."""
        return not self.mend


def adapter_failed(problem: AdapterError) -> Finding:
    """Return the finding about an adapter one of whose hooks failed."""
    return Finding(
        "the adapter", "run its hooks", str(problem), "the hook that failed, at that line", unattached=True
    )


def lines_of(finding: Finding) -> Iterator[str]:
    """Return a finding as the lines that are printed of it."""
    yield f"{'✓' if finding.good else '✗'} {finding.name}"
    parts = [("tried", finding.tried), ("came back", finding.came_back), ("change", finding.mend)]
    for label, words in parts:
        first, *rest = words.splitlines() or [""]
        if words:
            yield from textwrap.wrap(
                first, _WIDTH, initial_indent=f"    {label:<11}", subsequent_indent=" " * 15,
                break_long_words=False, break_on_hyphens=False,
            )  # fmt: skip
            yield from (f"{' ' * 15}{line}" for line in rest)


def in_a_sentence(finding: Finding) -> str:
    """Return what came back and what to change, in one line."""
    came = cut(" ".join(finding.came_back.split()), _LONGEST)
    return visible(f"{finding.name}: {came}; change: {finding.mend}")
