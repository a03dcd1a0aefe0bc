"""What a promise is, and what is known of a story when it is derived. Pure.

A promise is the text of a Then step, which the scenarios have too, and the requirement whose words it is. It is only
made where a sound implementation cannot break it; each function that makes some says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.explore.situation import Situation
    from harness.scenario.actions import Action

STRANGER, STRANGE_HOST = "the stranger", "a host outside the instances"
NOTHING_SHOWN = "no secret and no signature is in the log, in an answer or in a metric"
LOCATION_EVENTS = frozenset({"session_ready", "session_reconnected"})
WEBHOOK_NAMES = ("announce", "reconnects", "webhook", "names-location", "again-from")
SENDS = frozenset(
    {
        "sends",
        "sends-content",
        "sends-to-number",
        "sends-from-other",
        "both-send",
        "both-send-their-own",
        "each-to-somebody",
        "many-ways",
        "moves-before-each",
        "sends-overlap",
        "sent-while-down",
        "sent-while-troubled",
        "twelve-hung",
        "go-on-sending",
        "same-words-at-once",
        "twenty-send",
        "same-words",
        "same-words-to-three",
        "same-words-from-both",
        "sends-wrongly",
        "sends-from-nobody",
    }
)
ACCOUNTS = {
    "account-on": 1,
    "account-with-id": 1,
    "account-nowhere": 1,
    "account-of-same-workspace": 1,
    "account-with-longer-id": 1,
    "account-lost": 1,
    "announced-early": 1,
    "account-on-each": 4,
    "alike-ids": 2,
    "else-the-same": 2,
    "one-phone-number": 2,
    "eight-accounts": 8,
    "many-accounts": 40,
    "very-many-accounts": 120,
}
"""How many accounts an action makes."""
_PLAIN = frozenset(
    {
        *ACCOUNTS,
        "set-row",
        "set-row-to-none",
        "set-other-row",
        "moves-unannounced",
        "lists-too",
        "holds-others",
        "announces",
        "reconnects",
        "sends",
        "sends-from-other",
    }
)
"""Actions with which no instance misbehaves, nor moves a session in the middle of something."""
_KILL = "killed-after-answer"
_ENDS = frozenset({_KILL, "started-again", "all-is-well-again"})
CHECKS = ("health-check-runs", "health-check-dry-run")
SPOOFS = frozenset({"names-location", "again-from"})


@dataclass(frozen=True, slots=True)
class Promise:
    """What holds now, as the text of a Then step, and the requirement that says so."""

    requirement: str
    then: str


@dataclass(frozen=True, slots=True)
class Moment:
    """An action of a story that was just carried out.

    Attributes:
        action: the action.
        earlier: the actions before it, in order.
        before: what was true of the first account before it.
        now: what is true of it now.
        other_before: what was true of the second account before it, None if there is none.
        log: whether the implementation's log can be read.
        asynchronous: whether effects of a webhook may follow its answer.
        last: whether it is the last action of its story.

    """

    action: Action
    earlier: tuple[Action, ...]
    before: Situation
    now: Situation
    other_before: Situation | None
    log: bool
    asynchronous: bool
    last: bool = True

    def has(self, *names: str) -> bool:
        """Say whether an action of one of these kinds came before."""
        return any(one.kind.name in names for one in self.earlier)

    def of(self, *names: str) -> Iterator[Action]:
        """Return the earlier actions of these kinds."""
        return (one for one in self.earlier if one.kind.name in names)

    @property
    def accounts(self) -> int:
        """How many accounts there are."""
        return sum(ACCOUNTS.get(one.kind.name, 0) for one in self.earlier)

    @property
    def plain(self) -> bool:
        """Whether no instance ever misbehaved, nor a session moved in the middle of a send."""
        return all(one.kind.name in _PLAIN for one in self.earlier)

    @property
    def first_check(self) -> bool:
        """Whether no health check was asked for before."""
        return not self.has(*CHECKS)

    @property
    def killed(self) -> bool:
        """Whether the implementation was killed and not started again."""
        ends = [one.kind.name for one in self.earlier if one.kind.name in _ENDS]
        return bool(ends) and ends[-1] == _KILL and self.action.kind.name not in _ENDS

    @property
    def skewed(self) -> bool:
        """Whether a webhook was signed by a clock that is off, after which an order by timestamps is another one."""
        return self.has("announces-signed", "announced-ahead")

    @property
    def names_stranger(self) -> bool:
        """Whether a webhook or the row named a host that is none of the instances."""
        return any(
            one.get("location") == STRANGER or one.get("content") == STRANGE_HOST for one in self.earlier
        )

    @property
    def first_send(self) -> bool:
        """Whether nobody sent anything before."""
        return not self.has(*SENDS)

    @property
    def first_webhook(self) -> bool:
        """Whether no webhook went out before."""
        return not any(is_webhook(one) for one in self.earlier)


def is_webhook(action: Action) -> bool:
    """Say whether an action sends a webhook."""
    return action.kind.name.startswith(WEBHOOK_NAMES) or action.kind.name in {
        "killed-after-answer",
        "many-ways",
    }
