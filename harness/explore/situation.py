"""What is true at a moment of a story, by the instances' own record and the row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fake_instances.faults import (
    VERIFICATION,
    Delay,
    DeniesSession,
    DeployedDialect,
    Endpoint,
    Fault,
    Misreports,
    WebhookFault,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fake_instances.faults import ArmedFault
    from harness.scenario.account import Account
    from harness.scenario.world import World


_SHORT = 0.25
"""Of the shortest timeout: how late an answer may be and yet be in time, on a busy machine too."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What is true of one account at a moment.

    Attributes:
        holders: the instances that hold the session connected.
        copies: every other copy of it, by instance, and its state.
        row: the URL that the row names, without a slash behind, or None.
        named: the number of the instance that the row names, None if it names none.
        silent: instances that cannot be asked, or not usefully, who holds the session.
        passing: those of them that answer who asks again: a question may be repeated, and a message not.
        odd_posts: by instance, the faults that a message meets there.
        lying: instances that call a copy connected which is not, or deny a session that they list.
        misreporting: those of them that call a copy connected which is not, and answer a message with 400.
        dialect: whether instances answer with statistics.
        pending: whether something is to happen at a moment that has not come.

    """

    holders: frozenset[int]
    copies: Mapping[int, str]
    row: str | None
    slash: bool
    named: int | None
    silent: frozenset[int]
    odd_posts: Mapping[int, tuple[Fault, ...]]
    lying: frozenset[int]
    dialect: bool
    pending: bool
    passing: frozenset[int] = frozenset()
    misreporting: frozenset[int] = frozenset()

    @property
    def holder(self) -> int | None:
        """The one instance that holds the session connected, or None if that is not one."""
        return next(iter(self.holders)) if len(self.holders) == 1 else None

    @property
    def well(self) -> bool:
        """Whether no instance misbehaves in any way, and nothing is pending."""
        return not (self.silent or self.odd_posts or self.lying or self.dialect or self.pending)

    def is_plain(self, number: int) -> bool:
        """Say whether an instance answers truly and in time, whatever it is asked."""
        return number not in self.silent and number not in self.odd_posts and number not in self.lying


def situation_of(world: World, account: Account | None = None) -> Situation:
    """Return what is true of an account now, the first one by default. Reads its row."""
    one, fleet = account or world.account, world.fleet
    row = world.row(one)
    url = None if row is None else row.assigned_instance_url
    found = {number: fleet.session(one.session_id, number) for number in fleet.numbers}
    copies = {number: str(copy.status) for number, copy in found.items() if copy is not None}
    holders = frozenset(number for number, status in copies.items() if status == "connected")
    troubles = _Troubles()
    for number in fleet.numbers:
        for armed in fleet.armed(number):
            if armed.remaining != 0 and not _is_soon(world, armed.fault):
                troubles.add(number, armed)
    return Situation(
        holders=holders,
        copies={number: status for number, status in copies.items() if number not in holders},
        row=None if url is None else url.removesuffix("/"),
        slash=bool(url and url.endswith("/")),
        named=None if url is None else fleet.number(url),
        silent=frozenset(troubles.silent),
        odd_posts=troubles.odd_posts,
        lying=frozenset(troubles.lying),
        dialect=troubles.dialect,
        pending=bool(fleet.triggers.waiting()),
        passing=frozenset(troubles.passing),
        misreporting=frozenset(troubles.misreporting),
    )


class _Troubles:
    """What instances do that are not well."""

    def __init__(self) -> None:
        self.silent: set[int] = set()
        self.passing: set[int] = set()
        self.odd_posts: dict[int, tuple[Fault, ...]] = {}
        self.lying: set[int] = set()
        self.misreporting: set[int] = set()
        self.dialect = False

    def add(self, number: int, armed: ArmedFault) -> None:
        """Add a fault of an instance. One of webhooks is no trouble to who asks."""
        fault = armed.fault
        if isinstance(fault, DeployedDialect):
            self.dialect = True
        elif isinstance(fault, Misreports):
            self.lying.add(number)
            self.misreporting.add(number)
        elif Endpoint.SEND in armed.endpoints:
            self.odd_posts[number] = (*self.odd_posts.get(number, ()), fault)
            if isinstance(fault, DeniesSession):
                self.lying.add(number)
        elif not isinstance(fault, WebhookFault) and armed.endpoints & {*VERIFICATION, Endpoint.LISTENER}:
            self.silent.add(number)
            if armed.remaining is not None:
                self.passing.add(number)


def _is_soon(world: World, fault: Fault) -> bool:
    return isinstance(fault, Delay) and fault.seconds <= _SHORT * world.timeout
