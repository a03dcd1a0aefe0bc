"""Phrases about copies of sessions, many sessions, and rows that name no instance."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from pytest_bdd import given
from pytest_bdd.parsers import parse

from fake_instances import SessionStatus
from fake_instances.faults import VERIFICATION, Delay, DeployedDialect, Endpoint, Misreports
from harness.scenario.actions import action

if TYPE_CHECKING:
    from fake_instances.stranger.listener import Stranger
    from harness.scenario.world import World

_EARLIER, _LATER = "2024-11-22T08:00:00.000Z", "2024-11-22T12:00:00.000Z"
_UNCONFIGURED = {"nothing": None, "an empty text": "", "a text that is no URL": "instance two"}
_STRANGE = "a host outside the instances"


@pytest.fixture
def stranger(world: World) -> Stranger:
    """Run a listener that is none of the instances and answers as if it held every session."""
    return world.stranger


@action("instance {number} has a copy of the session that is {status}", status=[*SessionStatus])
def has_copy(world: World, number: int, status: str) -> None:
    """Put a second copy of the session, in another state, on an instance."""
    world.fleet.hold(replace(world.account.session, status=SessionStatus(status)), number)


@action(
    "instance {number} calls its disconnected copy of the session connected{optional}",
    optional=("", ", if it is asked"),
)
def misreports_copy(world: World, number: int, optional: str) -> None:
    """Put a disconnected copy on an instance that lies about it."""
    _misreport(world, number, optional=bool(optional))


@action("every instance calls its disconnected copy of the session connected")
def all_misreport_copies(world: World) -> None:
    """Put disconnected copies on all instances. Which of them are asked is the implementation's choice."""
    for number in world.fleet.numbers:
        _misreport(world, number, optional=True)


def _misreport(world: World, number: int, *, optional: bool) -> None:
    session = world.account.session
    world.fleet.hold(replace(session, status=SessionStatus.DISCONNECTED), number)
    lie = Misreports(session.session_id, SessionStatus.CONNECTED)
    world.arm(lie, number, VERIFICATION, optional=optional)


@action("every instance holds sessions of other tenants and answers in the deployed dialect")
def deployed_everywhere(world: World) -> None:
    """Hold sessions connected before, with and after the account's. An implementation may use another route."""
    for number in world.fleet.numbers:
        for connected_at in (_EARLIER, world.account.session.connected_at, _LATER):
            world.fleet.hold(replace(world.new_session(), connected_at=connected_at), number)
        world.arm(DeployedDialect(), number, {Endpoint.HEALTH_DETAILED}, optional=True)


@given(parse("every instance answers {seconds:g} seconds late when asked who holds the session"))
def all_answer_late(world: World, seconds: float) -> None:
    """Delay every route that can tell who holds a session, on every instance."""
    for number in world.fleet.numbers:
        world.arm(Delay(seconds), number, VERIFICATION, optional=True)


@given(parse("instance {number:d} holds {count} sessions, the account's among them"))
def holds_many(world: World, number: int, count: str) -> None:
    """Put other tenants' sessions before and after the account's."""
    session, many = world.fleet.release(world.account.session_id, number), int(count.replace(",", ""))
    for place in range(many - 1):
        if place == many // 2:
            world.fleet.hold(session, number)
        world.fleet.hold(world.new_session(), number)


@action(
    "someone has the row name {content}", given="its row names {content}", content=[*_UNCONFIGURED, _STRANGE]
)
def row_names(world: World, content: str) -> None:
    """Assign the row to something that is no configured instance."""
    world.assign(world.stranger.url if content == _STRANGE else _UNCONFIGURED[content])


@action("another account of the same workspace whose session is lost")
def account_lost(world: World) -> None:
    """Make another account of the first one's workspace, assigned like it, whose session no instance holds."""
    session = replace(world.new_session(), workspace_id=world.account.session.workspace_id)
    assigned = world.existing_row().assigned_instance_url
    world.new_account(on=None, assigned=assigned, session=session)


@action("eight other accounts whose sessions live on instance {number}")
def eight_accounts(world: World, number: int) -> None:
    """Make eight accounts whose rows are assigned to the holder."""
    for _ in range(8):
        world.new_account(on=number, assigned=world.fleet.url(number))
