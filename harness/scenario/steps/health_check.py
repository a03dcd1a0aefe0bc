"""Phrases about the health check: many accounts, one check, and what it did and reported."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse
from sqlalchemy.exc import DBAPIError, IntegrityError

from fake_instances.faults import Endpoint, LoseWebhook
from fake_instances.journal import RequestArrived
from harness import log_events
from harness.checks import health_check, monitoring, sending
from harness.checks.health_check import Change
from harness.contract import MARGIN
from harness.errors import ConformanceFailure, NotJudgedError, TimeBoundFailure
from harness.scenario import operator, users
from harness.scenario.actions import action
from harness.scenario.texts.strange_ids import LONG, STRANGE_IDS
from harness.wording import few, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fake_instances import Session
    from harness.scenario.account import Account
    from harness.scenario.world import World

_INTERVAL_SECONDS = 0.5
_MANY = 40
_PAGE_AND_MORE = 120
_MOST_WRONG = 5
_HANG_PATIENCE = 0.25
"""Of the send timeout: how long to wait at most until all messages hang."""
_LONGEST_ID = 255
_NO_INSTANCE = "none"
_CONTENTS: dict[str, Callable[[str], str | None]] = {
    _NO_INSTANCE: lambda _url: None,
    "an empty text": lambda _url: "",
    "a text that is no URL": lambda _url: "instance two",
    "an instance of last year": lambda url: f"{url.rpartition(':')[0]}:3999",
}
"""What a row may say that is no instance, by the URL of one."""
_SLASH = " and a slash"
_SESSION_IDS = {"null": None, "an empty text": ""}


@given("accounts whose sessions and rows are")
def accounts(world: World, datatable: list[list[str]]) -> None:
    """Make accounts with these holders and rows. "none" stands for no holder, or for null."""
    for holder, assigned in datatable[1:]:
        on = None if holder == _NO_INSTANCE else int(holder)
        world.new_account(on=on, assigned=_assigned(world, assigned))
    world.remember_rows()


def _assigned(world: World, words: str) -> str | None:
    if words in _CONTENTS:
        return _CONTENTS[words](world.fleet.urls[0])
    number = words.removesuffix(_SLASH)
    return world.fleet.url(int(number)).removesuffix("/") + ("" if number == words else "/")


@action(
    "the row in the middle has {content} as its session id, where the table takes it", content=_SESSION_IDS
)
def middle_without_session(world: World, content: str) -> None:
    """Take the session id out of the second account's row. A table that takes no such row has none to judge."""
    middle = world.other_account
    row = {**world.existing_row(middle).columns, "session_id": _SESSION_IDS[content]}
    with contextlib.suppress(IntegrityError, NotJudgedError):
        world.implementation.accounts.put(row)
    world.remember_rows()


@action("someone assigns the row in the middle to no instance before instance {number} says what it holds")
def middle_written_meanwhile(world: World, number: int) -> None:
    """Write the second account's row when the check has asked, before it is answered."""
    middle = world.other_account

    def write() -> None:
        with contextlib.suppress(NotJudgedError, DBAPIError):
            world.assign(None, middle)

    words = f"has the row of account {middle.id} written before it says what it holds"
    world.fleet.after_answer(write, on=number, words=words)


@given("an account for each kind of strange session id, its row wrong")
def strange_and_wrong(world: World) -> None:
    """Make accounts whose sessions live on another instance than their rows say."""
    for place, strange in enumerate(STRANGE_IDS):
        holder, assigned = _two_instances(world, place)
        world.new_account(on=holder, assigned=world.fleet.url(assigned), session=_strange(world, strange))


@given("another for each, its row right")
def strange_and_right(world: World) -> None:
    """Make accounts whose rows name the holder."""
    for place, strange in enumerate(STRANGE_IDS):
        holder, _ = _two_instances(world, place)
        world.new_account(on=holder, assigned=world.fleet.url(holder), session=_strange(world, strange))


@given("another for each, its session lost")
def strange_and_lost(world: World) -> None:
    """Make accounts whose sessions no instance holds, while one holds a session that a careless reader confuses."""
    for place, (strange, confused) in enumerate(STRANGE_IDS.items()):
        other, assigned = _two_instances(world, place)
        lost = _strange(world, strange)
        world.new_account(on=None, assigned=world.fleet.url(assigned), session=lost)
        world.fleet.hold(replace(lost, session_id=lost.session_id.replace(strange, confused)), other)
    world.remember_rows()


def _strange(world: World, strange: str) -> Session:
    plain = world.new_session().session_id
    return world.new_session(
        f"{plain}_{strange}".ljust(_LONGEST_ID, "x") if strange == LONG else f"{plain}_{strange}"
    )


def _two_instances(world: World, place: int) -> tuple[int, int]:
    numbers = world.fleet.numbers
    return numbers[place % len(numbers)], numbers[(place + 1) % len(numbers)]


@when(parse("the session moves to instance {number:d} as soon as the row has been repaired"))
def moves_after_repair(world: World, number: int) -> None:
    """Wait for the first check that nobody asked for, and move the session silently."""
    assigned_in_time(world, world.holder)
    world.fleet.move(world.account.session_id, number)


def _one_check_later(world: World) -> float:
    return _INTERVAL_SECONDS + 2 * world.settings.verify_timeout_in_force + MARGIN


@action("forty accounts, each assigned to its holder")
def many_accounts(world: World) -> None:
    """Make forty accounts, spread over the instances."""
    for index in range(_MANY):
        number = world.fleet.numbers[index % len(world.fleet.numbers)]
        world.new_account(on=number, assigned=world.fleet.url(number))


@action("a hundred and twenty accounts, each row wrong")
def very_many_accounts(world: World) -> None:
    """Make more accounts than a page of a query usually has, each assigned to the instance before its holder."""
    for place in range(_PAGE_AND_MORE):
        assigned, holder = _two_instances(world, place)
        world.new_account(on=holder, assigned=world.fleet.url(assigned))


@action("every instance was restarted, each session came up on the next one, and no webhook arrived")
def all_restarted(world: World) -> None:
    """Move every session silently to the next instance, and restart every instance."""
    numbers = world.fleet.numbers
    for number in numbers:
        world.arm(LoseWebhook(), number, {Endpoint.WEBHOOK}, optional=True)
    for account in world.accounts:
        holders = world.fleet.holders(account.session_id)
        if len(holders) != 1:
            raise NotJudgedError(f"{len(holders)} instances hold a session where one must")
        holder = next(iter(holders))
        world.fleet.move(account.session_id, numbers[(numbers.index(holder) + 1) % len(numbers)])
    for number in numbers:
        world.fleet.restart(number)


@action("instance {number} was restarted and restored every session, wherever it lives")
def restored_everywhere(world: World, number: int) -> None:
    """Restart an instance, and give it a second connected copy of every session, unannounced."""
    world.fleet.restart(number, keep_sessions=False)
    for account in world.accounts:
        world.fleet.hold(account.session, number)
    world.remember_rows()


@action("instance {number} has died under a message of each, and its sessions came up on instance {new}")
def died_under_messages(world: World, number: int, new: int) -> None:
    """Kill an instance while a message of each of its accounts hangs there, and hold its sessions elsewhere."""
    there = [one for one in world.accounts if number in world.fleet.holders(one.session_id)]
    with users.hanging_sends(world, there, number, patience=_HANG_PATIENCE * world.settings.send_timeout):
        world.fleet.stop_instance(number, abruptly=True)
        for account in there:
            world.fleet.hold(account.session, new)
    world.fleet.start_instance(number, keep_sessions=False)
    # A send that outlived the instance may have found the session at its new place.
    for account in there:
        world.assign(world.fleet.url(number), account)
    world.remember_rows()


@given("the implementation checks every account by itself at a short interval")
def checks_by_itself(world: World) -> None:
    """Launch the implementation with a health check interval, for this scenario."""
    world.use(settings=replace(world.settings, health_check_interval=_INTERVAL_SECONDS))


@action("the health check runs")
def health_check_runs(world: World) -> None:
    """Have every account checked."""
    world.remember_rows()
    world.report = operator.check(world)


@action("a dry run of the health check is made")
def health_check_dry_run(world: World) -> None:
    """Have every account checked without any change."""
    world.remember_rows()
    world.report = operator.check(world, dry_run=True)


@when("nobody does anything for an interval")
def interval(world: World) -> None:
    """Do nothing. The next step waits for the interval."""
    world.remember_rows()


@then(parse("the row of the account is assigned to instance {number:d} within an interval and one check"))
def assigned_in_time(world: World, number: int) -> None:
    """Check that the health check ran by itself."""
    bound = _one_check_later(world)
    try:
        world.within(bound, lambda: world.check_assigned(number))
    except ConformanceFailure as failure:
        raise TimeBoundFailure(f"{failure.expected} within {bound:g} s", failure.observed) from None


@then("the instances were asked no more often than the interval says")
def asked_at_intervals(world: World) -> None:
    """Watch for two intervals how often instances are asked, which nobody but the checks does."""
    seconds = 2 * _INTERVAL_SECONDS
    since = world.journal.last

    def calls() -> Counter[int]:
        recent = (one for one in world.journal.entries(after=since) if isinstance(one, RequestArrived))
        return Counter(one.instance for one in recent)

    most = health_check.most_calls(seconds, _INTERVAL_SECONDS)
    world.journal.wait_until(lambda: max(calls().values(), default=0) > most, timeout=seconds)
    health_check.asked_at_most(
        calls(), most, f"in {seconds:g} s, with an interval of {_INTERVAL_SECONDS:g} s"
    )


@then("each of them is counted as what it is")
def counted_as_they_are(world: World) -> None:
    """Check that of each strange kind one was moved, one confirmed, and one not found and left alone."""
    for account in world.accounts:
        if not world.fleet.holders(account.session_id):
            whose = f"the row of the lost session {quoted(account.session_id)}"
            sending.row_untouched(world.row_before(account), world.row(account), whose)
    each = len(STRANGE_IDS)
    health_check.counts_are(
        world.report, {"checked": 3 * each, "verified": each, "updated": each, "failed": each}
    )


@then("the row in the middle was not written")
def middle_not_written(world: World) -> None:
    """Check the second account's row by what it was before."""
    middle = world.other_account
    sending.rows_untouched([(middle.id, world.row_before(middle), world.row(middle))])


@then("every row is assigned to the instance that holds its session")
@then("every row is assigned to the instance that holds the session connected")
def all_repaired(world: World) -> None:
    """Check every row by who really holds its session. A row whose session nobody holds is not this step's."""
    _repaired(world, world.accounts)


@then("every row but the one in the middle is assigned to the instance that holds its session")
def others_repaired(world: World) -> None:
    """Check every row but the second account's by who really holds its session."""
    _repaired(world, [one for one in world.accounts if one is not world.other_account])


def _repaired(world: World, accounts: Sequence[Account]) -> None:
    wrong: list[str] = []
    for account in accounts:
        holder = next(iter(world.fleet.holders(account.session_id)), None)
        if holder is None:
            continue
        try:
            world.check_assigned(holder, account)
        except ConformanceFailure as failure:
            name = quoted(account.session_id)
            wrong.append(f"account {account.id} ({name}), held by instance {holder}: {failure.observed}")
    if wrong:
        raise ConformanceFailure(
            "every row is assigned to the instance that holds its session", few(wrong, _MOST_WRONG, "; ")
        )


@then("no row was written")
def none_written(world: World) -> None:
    """Check every row by what it was before."""
    sending.rows_untouched([(one.id, world.row_before(one), world.row(one)) for one in world.accounts])


@then(parse("the check reports {counts}"))
def reports(world: World, counts: str) -> None:
    """Check counts, such as "1 verified and 2 updated"."""
    words = [one.split() for one in counts.replace(" and ", ", ").split(", ")]
    health_check.counts_are(world.report, {name: int(count) for count, name in words})


@then("each move is reported with its old and its new URL")
def reports_moves(world: World) -> None:
    """Check the reported changes by the rows and the holders."""
    health_check.changes_are(world.report, _moves(world))


@then("each move, and nothing else, is logged as a correction")
def logs_moves(world: World) -> None:
    """Check the log's lines of corrections by the rows and the holders."""
    moves = _moves(world)
    world.soon(lambda: health_check.corrections_logged(world.log_lines(), log_events.CORRECTED, moves))


@then("a check after it does what it reported, and only that is logged and counted")
def same_as_real(world: World) -> None:
    """Check a dry run against a real one. Only the real one may log and count."""
    before = remembered(world)
    health_check.same_report(world.report, operator.check(world))
    reports_moves(world)
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
