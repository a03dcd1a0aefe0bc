"""Phrases about the implementation's log (contract, section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bdd import parsers, then

from harness import log_events
from harness.checks import sending
from harness.errors import ConformanceFailure

if TYPE_CHECKING:
    from harness.scenario.world import World


@then(parsers.parse("the log says that a webhook moved the URL from instance {old:d} to instance {new:d}"))
def webhook_move_logged(world: World, old: int, new: int) -> None:
    """Check the line of a webhook's sync."""
    _logged(world, log_events.AUTO_SYNC, old_url=world.fleet.url(old), new_url=world.fleet.url(new))


@then(parsers.parse("the log says that a scan moved the URL from instance {old:d} to instance {new:d}"))
def scan_move_logged(world: World, old: int, new: int) -> None:
    """Check the line of a scan's sync."""
    _logged(world, log_events.SYNCED, old_url=world.fleet.url(old), new_url=world.fleet.url(new))


@then(parsers.parse("the log says that the session was verified in instance {number:d}"))
def verification_logged(world: World, number: int) -> None:
    """Check the line of a verification that succeeded."""
    _logged(world, log_events.VERIFIED, instance_url=world.fleet.url(number))


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


@then("the log has one move by webhook")
def one_webhook_move(world: World) -> None:
    """Check that the log has exactly one line of a webhook's sync."""
    _logged_times(world, log_events.AUTO_SYNC, 1)


@then("the log has one move by scan")
def one_scan_move(world: World) -> None:
    """Check that the log has exactly one line of a scan's sync."""
    _logged_times(world, log_events.SYNCED, 1)


@then("the log has no move by webhook")
def no_webhook_move(world: World) -> None:
    """Check that the log has no line of a webhook's sync."""
    _logged_times(world, log_events.AUTO_SYNC, 0)


def _logged(world: World, text: str, **fields: str) -> None:
    wanted = {**fields, "session_id": world.account.session_id}
    world.soon(lambda: sending.logged(world.log_lines(), text, wanted))


def _logged_times(world: World, text: str, count: int) -> None:
    world.let_pass()
    world.soon(lambda: sending.logged_times(world.log_lines(), text, world.account.session_id, count))
