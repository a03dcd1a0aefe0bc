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
    _tells(
        world,
        log_events.AUTO_SYNC,
        session_id=True,
        old_url=world.fleet.url(old),
        new_url=world.fleet.url(new),
    )


@then(parsers.parse("the log says that a scan moved the URL from instance {old:d} to instance {new:d}"))
def scan_move_logged(world: World, old: int, new: int) -> None:
    """Check the line of a scan's sync."""
    _tells(
        world, log_events.SYNCED, session_id=True, old_url=world.fleet.url(old), new_url=world.fleet.url(new)
    )


@then(parsers.parse("the log says that the session was verified in instance {number:d}"))
def verification_logged(world: World, number: int) -> None:
    """Check the line of a verification that succeeded."""
    _tells(world, log_events.VERIFIED, session_id=True, instance_url=world.fleet.url(number))


@then("the log says that the session was verified or synced")
def verified_or_synced_logged(world: World) -> None:
    """Check that one of the two lines which the document's manual test expects is there."""

    def judge() -> None:
        lines = world.log_lines()
        fields = {"session_id": world.account.session_id}
        if not any(
            sending.matching(lines, text, fields) for text in (log_events.VERIFIED, log_events.SYNCED)
        ):
            raise ConformanceFailure(
                f'the log has a line "{log_events.VERIFIED}" or "{log_events.SYNCED}" of the session',
                "it has " + ("; ".join(line.text for line in lines) or "no line at all from this scenario"),
            )

    world.soon(judge)


@then(parsers.parse("the log has one move by webhook"))
def one_webhook_move(world: World) -> None:
    """Check that exactly one line of a webhook's sync is there."""
    _counts(world, log_events.AUTO_SYNC, 1)


@then("the log has one move by scan")
def one_scan_move(world: World) -> None:
    """Check that exactly one line of a scan's sync is there."""
    _counts(world, log_events.SYNCED, 1)


@then("the log has no move by webhook")
def no_webhook_move(world: World) -> None:
    """Check that no line of a webhook's sync is there."""
    world.let_pass()
    sending.not_logged(world.log_lines(), log_events.AUTO_SYNC, {"session_id": world.account.session_id})


def _tells(world: World, text: str, *, session_id: bool, **fields: str) -> None:
    wanted: dict[str, object] = dict(fields)
    if session_id:
        wanted["session_id"] = world.account.session_id
    world.soon(lambda: sending.logged(world.log_lines(), text, wanted))


def _counts(world: World, text: str, count: int) -> None:
    def judge() -> None:
        lines = sending.matching(world.log_lines(), text, {"session_id": world.account.session_id})
        if len(lines) != count:
            shown = "; ".join(line.text for line in lines) or "none"
            raise ConformanceFailure(f'the log has {count} line "{text}" of the session', f"it has {shown}")

    world.let_pass()
    world.soon(judge)
