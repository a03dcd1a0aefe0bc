"""Phrases about the health check: many accounts, one check, and what it did and reported."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from fake_instances.faults import Endpoint, LoseWebhook
from harness import log_events
from harness.checks import health_check, monitoring, sending
from harness.checks.health_check import Change, CheckReport
from harness.contract import MARGIN
from harness.errors import ConformanceFailure, TimeBoundFailure
from harness.scenario import operator

if TYPE_CHECKING:
    from harness.scenario.world import World

_INTERVAL_SECONDS = 0.5
_MANY = 40
_NO_INSTANCE = "none"


@given("accounts whose sessions and rows are")
def accounts(world: World, datatable: list[list[str]]) -> None:
    """Make accounts with these holders and rows. "none" stands for no holder, or for null."""
    for holder, assigned in datatable[1:]:
        url = None if assigned == _NO_INSTANCE else world.fleet.url(int(assigned))
        world.new_account(on=None if holder == _NO_INSTANCE else int(holder), assigned=url)
    world.remember_rows()


@given("forty accounts, each assigned to its holder")
def many_accounts(world: World) -> None:
    """Make forty accounts, spread over the instances."""
    for index in range(_MANY):
        number = world.fleet.numbers[index % len(world.fleet.numbers)]
        world.new_account(on=number, assigned=world.fleet.url(number))


@given("every instance was restarted, each session came up on the next one, and no webhook arrived")
def all_restarted(world: World) -> None:
    """Move every session silently to the next instance, and restart every instance."""
    numbers = world.fleet.numbers
    for number in numbers:
        world.arm(LoseWebhook(), number, {Endpoint.WEBHOOK}, optional=True)
    for account in world.accounts:
        (holder,) = world.fleet.holders(account.session_id)
        world.fleet.move(account.session_id, numbers[(numbers.index(holder) + 1) % len(numbers)])
    for number in numbers:
        world.fleet.restart(number)


@given("the implementation checks every account by itself at a short interval")
def checks_by_itself(world: World) -> None:
    """Launch the implementation with a health check interval, for this scenario."""
    world.use(settings=replace(world.settings, health_check_interval=_INTERVAL_SECONDS))


@when("the health check runs", target_fixture="report")
def check(world: World) -> CheckReport:
    """Have every account checked."""
    return operator.check(world)


@when("a dry run of the health check is made", target_fixture="report")
def dry_run(world: World) -> CheckReport:
    """Have every account checked without any change."""
    return operator.check(world, dry_run=True)


@when("nobody does anything for an interval")
def interval(world: World) -> None:
    """Do nothing. The next step waits for the interval."""
    world.remember_rows()


@then(parse("the row of the account is assigned to instance {number:d} within an interval and one check"))
def assigned_in_time(world: World, number: int) -> None:
    """Check that the health check ran by itself."""
    bound = _INTERVAL_SECONDS + 2 * world.settings.verify_timeout_in_force + MARGIN
    try:
        world.within(bound, lambda: world.check_assigned(number))
    except ConformanceFailure as failure:
        raise TimeBoundFailure(f"{failure.expected} within {bound:g} s", failure.observed) from None


@then("every row is assigned to the instance that holds its session")
def all_repaired(world: World) -> None:
    """Check every row by who really holds its session."""
    wrong: list[str] = []
    for account in world.accounts:
        (holder,) = world.fleet.holders(account.session_id)
        try:
            world.check_assigned(holder, account)
        except ConformanceFailure as failure:
            wrong.append(f"account {account.id}, held by instance {holder}: {failure.observed}")
    if wrong:
        raise ConformanceFailure(
            "every row is assigned to the instance that holds its session", "; ".join(wrong)
        )


@then("no row was written")
def none_written(world: World) -> None:
    """Check every row by what it was before."""
    sending.rows_untouched([(one.id, world.row_before(one), world.row(one)) for one in world.accounts])


@then(parse("the check reports {counts}"))
def reports(report: CheckReport, counts: str) -> None:
    """Check counts, such as "1 verified and 2 updated"."""
    words = [one.split() for one in counts.replace(" and ", ", ").split(", ")]
    health_check.counts_are(report, {name: int(count) for count, name in words})


@then("each move is reported with its old and its new URL")
def reports_moves(world: World, report: CheckReport) -> None:
    """Check the reported changes by the rows and the holders."""
    health_check.changes_are(report, _moves(world))


@then("each move, and nothing else, is logged as a correction")
def logs_moves(world: World) -> None:
    """Check the log's lines of corrections by the rows and the holders."""
    moves = _moves(world)
    world.soon(lambda: health_check.corrections_logged(world.log_lines(), log_events.CORRECTED, moves))


@then("a check after it does what it reported, and only that is logged and counted")
def same_as_real(world: World, report: CheckReport) -> None:
    """Check a dry run against a real one. Only the real one may log and count."""
    before = remembered(world)
    health_check.same_report(report, operator.check(world))
    reports_moves(world, report)
    logs_moves(world)
    if before is not None:
        wanted = {"webhook": 0, "send": 0, "health_check": len(_moves(world))}
        world.soon(lambda: monitoring.moved_since(before, operator.counted(world), wanted))


@given("what is counted so far is remembered", target_fixture="before")
def remembered(world: World) -> monitoring.Counted | None:
    """Read the counts, if the target claims monitoring."""
    return operator.counted(world) if "monitoring" in world.implementation.target.claims else None


@then("no sync event was counted")
def none_counted(world: World, before: monitoring.Counted | None) -> None:
    """Check the counts, if the target claims monitoring."""
    if before is not None:
        monitoring.moved_since(before, operator.counted(world), dict.fromkeys(monitoring.SOURCES, 0))


@then("each instance was asked at most twice")
def asked_a_few_times(world: World) -> None:
    """Check the calls to instances, which are all the health check's."""
    health_check.asked_a_few_times(world.history, len(world.accounts))


def _moves(world: World) -> list[Change]:
    """Return the moves that a check must make, by the rows before it and the holders."""
    moves = []
    for account in world.accounts:
        old = world.row_before(account).assigned_instance_url
        for holder in world.fleet.holders(account.session_id)[:1]:
            new = world.fleet.url(holder).removesuffix("/")
            if (old or "").removesuffix("/") != new:
                moves.append(Change(account.id, None if old is None else old.removesuffix("/"), new))
    return moves
