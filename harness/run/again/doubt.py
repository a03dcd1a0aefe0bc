"""Whether what a scenario failed by may be the machine's doing, and what follows from that. Pure.

A failure is judged again where there is reason to doubt it. What comes of that counts: a mistake shows again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from fake_instances.faults import Endpoint
from fake_instances.journal import (
    Entry,
    FaultArmed,
    InstancePaused,
    InstanceStopped,
    RequestArrived,
    RequestCompleted,
    WebhookAnswered,
    WebhookSent,
)
from harness.history import UserAnswered, UserSends

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from harness.history import History

MOST_TRIES = 3
"""How often a scenario is judged at most."""
_CHANGES: dict[type[Entry], tuple[int, int]] = {
    UserSends: (1, 0),
    UserAnswered: (-1, 0),
    WebhookSent: (1, 0),
    WebhookAnswered: (-1, 0),
    RequestArrived: (0, 1),
    RequestCompleted: (0, -1),
}
"""How an entry changes how many wait for the implementation, and for how many instances it waits."""
_WEBHOOKS_ALONE = frozenset({Endpoint.WEBHOOK})


class Next(Enum):
    """What is done after a scenario was judged."""

    KEEP = "keep what came of it"
    AGAIN = "judge it again, alone"
    GIVE_UP = "call it not judged"


@dataclass(frozen=True, slots=True)
class Doubts:
    """Why a failure may be due to slowness: each in words, empty where that is no reason.

    `late`: only a time bound was missed. `slow`: something took long that had no reason to. `still`: the machine
    stood still, and whether that was `long`: for a whole timeout. `crowded`: other programs left nothing of it idle.
    """

    late: str = ""
    slow: str = ""
    still: str = ""
    crowded: str = ""
    long: bool = False

    @property
    def first(self) -> str:
        """What is told of them."""
        return self.still or self.slow or self.late

    @property
    def excused(self) -> str:
        """Why the machine, and not the implementation, is to blame; empty where it is not.

        A mistake may look slow too, and miss a time bound wherever it runs: the machine has to be seen to suffer. And
        what was wrong without anything being slow was not the machine's doing, unless that stood still for long.
        """
        if self.still and (self.slow or self.late or self.long):
            return self.still
        return f"{self.slow}, and {self.crowded}" if self.slow and self.crowded else ""


def what_next(tries: int, doubts: Doubts) -> Next:
    """Return what is done with a scenario that was judged so often, and went wrong the last time."""
    if tries == 1:
        return Next.AGAIN if doubts.first else Next.KEEP
    if not doubts.excused:
        return Next.KEEP
    return Next.AGAIN if tries < MOST_TRIES else Next.GIVE_UP


def doubt_about(history: History, timeout: float) -> str:
    """Return why a failure may be due to slowness, where time counts by such a timeout; empty if nothing says so.

    Only instances that were free of faults are looked at, and the implementation where it waited for none.
    """
    return next(_reasons(history, timeout), "")


def _reasons(history: History, timeout: float) -> Iterator[str]:
    faulty = {one.instance for one in history.of(FaultArmed) if not _WEBHOOKS_ALONE.issuperset(one.endpoints)}
    faulty |= {one.instance for kind in (InstanceStopped, InstancePaused) for one in history.of(kind)}
    for asked in history.calls():
        if asked.instance in faulty:
            continue
        key = (asked.instance, asked.request)
        begun, ended = history.answers.get(key), history.completions.get(key)
        name = f"instance {asked.instance}, which had no fault,"
        if begun is not None and begun.at - asked.at >= timeout / 4:
            yield f"{name} answered only after {begun.at - asked.at:.2f} s"
        elif ended is not None and ended.ending == "caller left":
            yield f"{name} was given up after {ended.at - asked.at:.2f} s"
    for pieces in _silences(history):
        whole = sum(pieces)
        # Many calls need many short pauses, which are no standstill.
        slowly = whole >= timeout / 2 and whole / len(pieces) >= timeout / 20
        if slowly or max(pieces) >= timeout / 4:
            yield f"the implementation did nothing for {whole:.2f} s while somebody waited for it"


def _silences(history: History) -> Iterator[list[float]]:
    """Yield, each time somebody waited for the implementation, each piece in which it waited for no instance."""
    waiting = asked = 0
    last, pieces = 0.0, [0.0]
    heard = {one.webhook for one in history.of(WebhookAnswered) if one.status is not None}
    for entry in history.entries:
        if (change := _CHANGES.get(type(entry))) is None:
            continue
        if _is_in_vain(entry, heard):
            # Slowness makes an answer late. Who waited in vain for all that time met no slow one.
            pieces = [0.0]
        elif waiting and not asked:
            pieces.append(entry.at - last)
        last = entry.at
        waiting, asked = max(waiting + change[0], 0), max(asked + change[1], 0)
        if not waiting:
            yield pieces
            pieces = [0.0]
    yield pieces


def _is_in_vain(entry: Entry, heard: Container[int]) -> bool:
    """Whether somebody stopped waiting without an answer. Of a webhook that was `heard` another try was answered."""
    match entry:
        case UserAnswered():
            return entry.status is None
        case WebhookAnswered():
            return entry.status is None and entry.webhook not in heard
        case _:
            return False
