"""Phrases about what an implementation counts, and about the three alerts (contract, section 3)."""

from __future__ import annotations

import contextlib
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from fake_instances.faults import VERIFICATION, Hang
from harness.checks import monitoring, sending
from harness.checks.monitoring import SOURCES, Counted, Metrics
from harness.errors import ConformanceFailure, NotJudgedError
from harness.scenario import operator, users

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.scenario.world import World

_TWENTY = 20
_WHOLE_SECOND = 1.0
_SIX = tuple(f"message {number}" for number in range(1, 7))


@given("an implementation that was just started")
def just_started(world: World) -> None:
    """Use the same implementation with a database of its own, so that nothing is counted yet."""
    world.use()


@given("the metrics so far are remembered", target_fixture="metrics_before")
def metrics_remembered(world: World) -> Metrics | None:
    """Read the metrics. What is wrong with them is judged when they are read again."""
    with contextlib.suppress(ConformanceFailure):
        return operator.metrics(world)
    return None


@given("the counts so far are remembered", target_fixture="counted_before")
def counts_remembered(world: World) -> Counted:
    """Read the report."""
    return operator.counted(world)


@given(parse("{count:d} sends have found the session on another instance"))
def sends_that_synced(world: World, count: int) -> None:
    """Assign the row to an instance that does not hold the session, and send, each time; check that each was sent."""
    sends_that_sync(world, count)
    _check_sent(world, count)


@when(parse("{count:d} sends find the session on another instance"))
@when(parse("{count:d} send finds the session on another instance"))
def sends_that_sync(world: World, count: int) -> None:
    """Assign the row to an instance that does not hold the session, and send, each time."""
    wrong = next(number for number in world.fleet.numbers if number != world.holder)
    for turn in range(count):
        world.assign(world.fleet.url(wrong))
        world.send(f"found elsewhere {turn + 1}")


@given(parse("{count:d} sends have found the session nowhere"))
@when(parse("{count:d} sends find the session nowhere"))
@when(parse("{count:d} send finds the session nowhere"))
def sends_to_nowhere(world: World, count: int) -> None:
    """Send from an account whose session no instance holds."""
    nowhere = next((one for one in world.accounts if not world.fleet.holders(one.session_id)), None)
    lost = nowhere or world.new_account(on=None, assigned=world.fleet.urls[0])
    for turn in range(count):
        world.send(f"found nowhere {turn + 1}", lost)


@given(parse("{count:d} sends have found the session where the row says"))
def sends_that_verified(world: World, count: int) -> None:
    """Send from the account with a correct row, and check that each was sent: what follows builds on it."""
    sends_that_verify(world, count)
    _check_sent(world, count)


@when(parse("{count:d} send finds the session where the row says"))
@when(parse("{count:d} sends find the session where the row says"))
def sends_that_verify(world: World, count: int) -> None:
    """Send from the account with a correct row."""
    world.assign(world.fleet.url(world.holder))
    for turn in range(count):
        world.send(f"found at once {turn + 1}")


@given(parse("{count:d} webhooks have moved the session"))
def webhooks_that_synced(world: World, count: int) -> None:
    """Move the session from instance to instance, each time announced, and check that each was heard."""
    webhooks_that_sync(world, count)
    for answer in world.webhook_answers[-count:]:
        sending.webhook_accepted(answer)
    world.eventually(partial(world.check_assigned, world.holder))


def _check_sent(world: World, count: int) -> None:
    for answer in world.answers[-count:]:
        sending.told_sent(answer)


@when(parse("{count:d} webhooks move the session"))
@when(parse("{count:d} webhook moves the session"))
def webhooks_that_sync(world: World, count: int) -> None:
    """Move the session from instance to instance, each time announced."""
    numbers = world.fleet.numbers
    for _ in range(count):
        new = numbers[(numbers.index(world.holder) + 1) % len(numbers)]
        session = world.fleet.move(world.account.session_id, new)
        world.deliver(world.fleet.webhook(session, new, "session_reconnected"))
        # A webhook that is applied late must find the session still there. The counts show whether it was applied.
        with contextlib.suppress(ConformanceFailure):
            world.eventually(partial(world.check_assigned, new))


@when("a webhook confirms what the row says")
def webhook_that_confirms(world: World) -> None:
    """Have the holder announce the session once more."""
    world.deliver(world.fleet.webhook(world.account.session, world.holder, "session_reconnected"))


@when("the implementation is stopped and started again", target_fixture="restarted_at")
def restarted(world: World, counted_before: Counted) -> float:
    """Launch the implementation again, with its database as it is, a second after its counting began or later."""
    # Reports may tell whole seconds: only in a later one does a new beginning differ from the old.
    began = monitoring.unix(counted_before.since) or 0.0
    threading.Event().wait(min(max(began + _WHOLE_SECOND - time.time(), 0.0), _WHOLE_SECOND))
    at = time.time()
    world.implementation.restart()
    return at


@given("the health check has corrected a row, if the target claims one")
@when("the health check corrects a row, if the target claims one", target_fixture="corrected")
def health_check_corrects(world: World) -> int:
    """Have a health check correct a mismatch; return how many it corrected, 0 if the target claims none."""
    if "health-check" not in world.implementation.target.claims:
        return 0
    world.assign(world.fleet.url(next(number for number in world.fleet.numbers if number != world.holder)))
    operator.check(world)
    return 1


@when(
    "the health check fills a row that names no instance, if the target claims one",
    target_fixture="corrected",
)
def health_check_fills(world: World) -> int:
    """Have a health check fill a null; return how many it filled, 0 if the target claims none."""
    if "health-check" not in world.implementation.target.claims:
        return 0
    world.assign(None)
    operator.check(world)
    return 1


@when("the health check looks, if there is one")
def health_check_looks(world: World) -> None:
    """Have a health check confirm one session and fail to find another."""
    if "health-check" in world.implementation.target.claims:
        world.assign(world.fleet.url(world.holder))
        operator.check(world)


@when("someone unknown sends twice")
def unknown_sends(world: World) -> None:
    """Send from an account that does not exist, and again."""
    for _ in range(2):
        users.send_from_nobody(world, "hello")


@when("1 send finds the session")
def send_finds(world: World) -> None:
    """Send from the account with its row as it is."""
    world.send("found")


@when("a webhook names an instance without it")
def webhook_that_errs(world: World) -> None:
    """Have a webhook of the session name an instance that does not hold it."""
    wrong = next(number for number in world.fleet.numbers if number != world.holder)
    world.deliver(world.fleet.webhook(world.account.session, wrong, "session_reconnected"))


@when("six users send a message each from the account at the same time")
def six_send(world: World) -> None:
    """Send six texts at once from the account."""
    users.send_at_once(world, [(world.account, text) for text in _SIX])


@given(parse("{count:d} sends have waited for an instance that never answers"))
@when(parse("{count:d} sends wait for an instance that never answers"))
def sends_that_wait(world: World, count: int) -> None:
    """Send from an account whose session no instance holds, while its assigned instance never answers."""
    first, *_ = world.fleet.numbers
    world.arm(Hang(), first, VERIFICATION)
    sends_to_nowhere(world, count)
    world.fleet.clear(first)


@then(parse("since then {send:d} sync events of sends and {webhook:d} of webhooks are counted"))
def events_counted(world: World, counted_before: Counted, send: int, webhook: int) -> None:
    """Check the sync events by source, none of them of a health check."""
    wanted = {"webhook": webhook, "send": send, "health_check": 0}
    world.soon(lambda: monitoring.moved_since(counted_before, operator.counted(world), wanted))


@then("each correction is counted as a sync event of the health check")
def corrections_counted(world: World, counted_before: Counted, corrected: int) -> None:
    """Check the sync events by source."""
    wanted = {**dict.fromkeys(SOURCES, 0), "health_check": corrected}
    world.soon(lambda: monitoring.moved_since(counted_before, operator.counted(world), wanted))


@then(
    parse(
        "the document's greps count {scans:d} scan syncs, {failures:d} verification failures "
        "and {webhooks:d} webhook syncs"
    )
)
def greps(world: World, scans: int, failures: int, webhooks: int) -> None:
    """Check the log of this scenario."""
    wanted = {"scan syncs": scans, "verification failures": failures, "webhook syncs": webhooks}
    _let_webhooks_pass(world)
    world.soon(lambda: monitoring.greps_count(world.log_lines(), wanted))


@then(parse("{count:d} verification failures more are counted"))
def failures_counted(world: World, metrics_before: Metrics, count: int) -> None:
    """Check by how many verification failures the metric went up."""
    world.soon(lambda: monitoring.failures_grew(metrics_before, operator.metrics(world), count))


@then(parse("{count:d} verification failures in a row are counted"))
def failures_in_a_row(world: World, count: int) -> None:
    """Check the count of failures in a row, after whatever may follow has had its time."""
    _let_webhooks_pass(world)
    world.soon(lambda: monitoring.consecutive_is(operator.counted(world), count))


@then(parse("the log has the move from no instance to instance {number:d}"))
def fill_logged(world: World, number: int) -> None:
    """Check that some line of a move, of any source, has null as the old URL."""
    world.soon(lambda: monitoring.fill_logged(world.log_lines(), world.fleet.url(number)))


@then("twenty reports and twenty answers with metrics, each on a new connection, say the same")
def one_truth(world: World) -> None:
    """Read them, half of them at the same moment, and compare them."""
    world.soon(lambda: monitoring.one_truth(*operator.looks(world, _TWENTY)))


@given(parse("the alert {name} has been raised"), target_fixture="raised_before")
def alert_raised(world: World, name: str) -> Counted:
    """Read the report, and check that the alert is raised."""

    def judge() -> Counted:
        report = operator.counted(world)
        monitoring.is_raised(report, name)
        return report

    return world.soon(judge)


@then(parse("the alert {name} is still raised since the same time"))
def alert_kept(world: World, raised_before: Counted, name: str) -> None:
    """Compare its since with what it was."""
    report = operator.counted(world)
    monitoring.is_raised(report, name)
    monitoring.raised_since_the_same(raised_before, report, name)


@then(parse("the alert {name} is raised since a later time"))
def alert_anew(world: World, raised_before: Counted, name: str) -> None:
    """Compare its since with what it was before the alert cleared."""

    def judge() -> None:
        report = operator.counted(world)
        monitoring.is_raised(report, name)
        monitoring.raised_anew(raised_before, report, name)

    world.soon(judge)


def _let_webhooks_pass(world: World) -> None:
    """Wait for what webhooks may bring about later; what sends and checks do is there when they are answered."""
    if world.webhook_answers:
        world.let_pass()


def _alert(world: World, name: str, state: str, check: Callable[[Counted], None]) -> None:
    def judge() -> None:
        report = operator.counted(world)
        check(report)
        monitoring.alert_is(report, name, raised=state == "raised")

    world.soon(judge)


@then(parse("{count:d} sync events are counted, and the alert {name} is {state}"))
def alert_at_events(world: World, count: int, name: str, state: str) -> None:
    """Check the alert when the count is there."""
    _alert(world, name, state, lambda report: monitoring.events_are(report, count))


@then(parse("{count:d} verification failures in a row are counted, and the alert {name} is {state}"))
def alert_at_failures(world: World, count: int, name: str, state: str) -> None:
    """Check the alert when the count is there."""
    _alert(world, name, state, lambda report: monitoring.consecutive_is(report, count))


@then(parse("{successes:d} of {attempts:d} sync attempts succeeded, and the alert {name} is {state}"))
def alert_at_rate(world: World, successes: int, attempts: int, name: str, state: str) -> None:
    """Check the alert when the counts are there."""
    _alert(world, name, state, lambda report: monitoring.rate_is(report, successes, attempts))


@then(parse("{successes:d} of {attempts:d} sync attempts succeeded"))
def rate(world: World, successes: int, attempts: int) -> None:
    """Check attempts, successes and rate."""
    world.soon(lambda: monitoring.rate_is(operator.counted(world), successes, attempts))


@then(parse("the metrics agree with the report, and count {failures:d} verification failures more"))
def metrics_agree(world: World, metrics_before: Metrics | None, failures: int) -> None:
    """Check the metrics against the report."""

    def judge() -> None:
        now = operator.metrics(world)
        monitoring.metrics_agree(now, operator.counted(world))
        if metrics_before is None:
            raise NotJudgedError(
                "the metrics could not be read before, and so it cannot be judged how they grew"
            )
        monitoring.failures_grew(metrics_before, now, failures)

    world.soon(judge)


@then("either the counts are still there, or counting began with the restart")
def outlived(world: World, counted_before: Counted, restarted_at: float) -> None:
    """Check the report after the restart."""
    monitoring.outlived_restart(counted_before, operator.counted(world), restarted_at)
