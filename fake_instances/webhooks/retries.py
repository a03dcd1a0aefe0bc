"""When a webhook that did not get through is sent again. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import zip_longest


class Failure(StrEnum):
    """Why a try got no answer."""

    REFUSED = "refused"
    """Nobody listens there."""
    TIMEOUT = "timeout"
    """No whole answer came in time."""
    RESET = "reset"
    """The connection ended before a whole answer was read, by a reset or in order."""
    OTHER = "other"
    """Anything else: an answer that is no HTTP, an address that cannot be."""


Outcome = int | Failure
"""How a try ended: the status that was answered, or why there is none."""

_PASSING: frozenset[Outcome] = frozenset(
    {429, *range(500, 600), Failure.REFUSED, Failure.RESET, Failure.TIMEOUT}
)
"""What may succeed a little later."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Which outcomes of a try are followed by another try, and after how many seconds.

    Each of the `rules` names outcomes and the seconds to wait after the first, second, … try. An outcome in no rule
    ends the webhook; so does an outcome whose waits are used up. Every wait is multiplied by `scale`.
    """

    name: str
    rules: tuple[tuple[frozenset[Outcome], tuple[float, ...]], ...] = ()
    scale: float = 1.0

    def wait(self, attempt: int, outcome: Outcome) -> float | None:
        """Return the seconds to wait after try `attempt`, counted from 1, or None if it was the last."""
        waits = next((waits for outcomes, waits in self.rules if outcome in outcomes), ())
        return waits[attempt - 1] * self.scale if attempt <= len(waits) else None

    def scaled(self, scale: float) -> RetryPolicy:
        """Return the same policy with another scale."""
        return replace(self, scale=scale)

    @property
    def longest(self) -> tuple[int, float]:
        """How many tries there are at most, and how many seconds are waited between them at most."""
        every = [waits for _, waits in self.rules]
        worst = [max(together) for together in zip_longest(*every, fillvalue=0.0)]
        return len(worst) + 1, sum(worst) * self.scale


NEVER = RetryPolicy("never")
"""One try, no matter how it ends."""

DEPLOYED = RetryPolicy(
    "deployed",
    (
        (frozenset({429}), (1.0, 2.0, 4.0)),
        (frozenset({Failure.REFUSED, Failure.TIMEOUT}), (2.0, 4.0, 8.0)),
    ),
)
"""What the deployed gateway does. It gives up on a reset, on 500 and on 503: then the location is lost."""

PATIENT = RetryPolicy(
    "patient",
    ((_PASSING, (1.0, 2.0, 4.0, 8.0, 16.0)),),
)
"""What a gateway should do: try again all that may succeed a little later."""

POLICIES = {policy.name: policy for policy in (NEVER, DEPLOYED, PATIENT)}
"""Every policy, by its name."""
