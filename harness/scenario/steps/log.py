"""Phrases about the implementation's log (contract, section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bdd import then
from pytest_bdd.parsers import parse
from pytest_bdd.parsers import re as regex

from harness import log_events
from harness.checks import resilience, sending
from harness.errors import ConformanceFailure

if TYPE_CHECKING:
    from harness.scenario.world import World


_TEXTS = {"webhook": log_events.AUTO_SYNC, "scan": log_events.SYNCED}


@then(
    regex(
        r"the log says that a (?P<source>webhook|scan) moved the URL "
        r"from instance (?P<old>\d+) to instance (?P<new>\d+)"
    )
)
def move_logged(world: World, source: str, old: str, new: str) -> None:
    """Check the line of a sync, by a webhook or by a scan."""
    _logged(world, _TEXTS[source], old_url=world.fleet.url(int(old)), new_url=world.fleet.url(int(new)))


@then(parse("the log says that the session was verified in instance {number:d}"))
def verification_logged(world: World, number: int) -> None:
    """Check the line of a verification that succeeded."""
    _logged(world, log_events.VERIFIED, instance_url=world.fleet.url(number))


@then("the log has no failed verification of the session")
def no_failed_verification_logged(world: World) -> None:
    """Check that the log has no line of an assigned instance that did not confirm the session."""
    world.let_pass()
    sending.logged_times(world.log_lines(), log_events.NOT_IN_ASSIGNED, world.account.session_id, 0)


@then("the log says that the session is in no instance")
def nowhere_logged(world: World) -> None:
    """Check the line of a scan that asked everyone and found nothing."""
    _logged(world, log_events.NOT_ANYWHERE)


@then(parse("the log says that the session could not be verified, instance {number:d} being unasked"))
def unverifiable_logged(world: World, number: int) -> None:
    """Check the line of a scan that found nothing and could not ask everyone, to the letter."""
    session_id, url = world.account.session_id, world.fleet.url(number)
    world.soon(lambda: resilience.logged_unasked(world.log_lines(), session_id, url))


@then("the log says that the session was verified or synced")
def verified_or_synced_logged(world: World) -> None:
    """Check that the log has one of the two lines which the document's manual test expects."""
    fields = {"session_id": world.account.session_id}
    either = (log_events.VERIFIED, log_events.SYNCED)

    def judge() -> None:
        lines = world.log_lines()
        if not any(sending.matching(lines, text, fields) for text in either):
            raise ConformanceFailure(
                f'the log has a line "{log_events.VERIFIED}" or "{log_events.SYNCED}" of the session',
                "it has " + ("; ".join(line.text for line in lines) or "no line at all from this scenario"),
            )

    world.soon(judge)


@then(regex(r"the log has (?P<count>one|no) move by (?P<source>webhook|scan)"))
def moves_logged(world: World, count: str, source: str) -> None:
    """Check that the log has exactly so many lines of a sync, by a webhook or by a scan."""
    wanted = {"no": 0, "one": 1}[count]
    world.let_pass()
    world.soon(
        lambda: sending.logged_times(world.log_lines(), _TEXTS[source], world.account.session_id, wanted)
    )


def _logged(world: World, text: str, **fields: str) -> None:
    wanted = {**fields, "session_id": world.account.session_id}
    world.soon(lambda: sending.logged(world.log_lines(), text, wanted))
