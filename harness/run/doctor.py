"""Finds out, before any judging, whether the harness and an implementation understand each other.

Nothing here judges: each finding says what was tried, what came back, and what to change in the attachment.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import requests
from sqlalchemy.exc import SQLAlchemyError

from fake_instances.journal import MessageDelivered, RequestCompleted
from harness.attach import remedies
from harness.attach.http import get
from harness.errors import ConformanceFailure, LaunchError, NotJudgedError
from harness.history import History
from harness.placeholders import filled_text
from harness.redaction import redact, redact_values
from harness.scenario import operator
from harness.scenario.client import CALLS, ask_to_send
from harness.wording import counted_as

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.contract import Row
    from harness.history import UserAnswered
    from harness.scenario.world import World

_ANSWER_SECONDS = 5.0
_CLOCK_SECONDS = 1.0
"""How far an implementation's clock may be off."""
_DATE_SECONDS = 1.0
"""What a Date header leaves out: it has whole seconds."""
_SHOWN = 200
_NOT_FOUND, _BROKEN = 404, 500
_ANOTHER_SECRET = "no-secret-of-anybody"  # noqa: S105 - a wrong one, on purpose


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried. `mend` says what to change, and is empty where all is well."""

    name: str
    tried: str
    came_back: str
    mend: str = ""

    @property
    def good(self) -> bool:
        """Whether all is well."""
        return not self.mend


def examine(world: World) -> Iterator[Finding]:
    """Try everything in turn, on a new account. No finding has a secret in it.

    Where rows cannot be written and read, nothing after that is tried: all of it needs one.
    """
    return (redact_values(finding, world.secrets) for finding in _examine(world))


def _examine(world: World) -> Iterator[Finding]:
    clock, off = _clock(world)
    yield clock
    rows = _rows(world)
    yield rows
    if not rows.good:
        return
    webhook, row = _webhook(world, off)
    yield webhook
    if webhook.good:
        yield row
    if not (webhook.good and row.good):
        try:
            world.set_status("connected")
        except (NotJudgedError, SQLAlchemyError, ConformanceFailure) as problem:
            yield Finding("rows again", "write the row anew", _error(problem), "it must go on being writable")
            return
    yield from _send(world)
    yield from _log(world, sent=world.answer.told_sent)
    yield from _operations(world)
    yield _isolation(world)


def check_webhooks_are_accepted(world: World) -> None:
    """Check that what is attached by its URL accepts a correctly signed webhook; LaunchError if it does not.

    Whether its secret is another one, or it refuses what it must accept, cannot be known from here.
    """
    target = world.implementation.target
    if not target.url:
        return
    first, *_ = world.fleet.numbers
    world.new_account(on=first, assigned=world.fleet.url(first))
    finding, _ = _webhook(world, _clock(world)[1])
    if not finding.good:
        raise LaunchError(f"{target.name} refuses webhooks: {finding.came_back}; {finding.mend}")


def _clock(world: World) -> tuple[Finding, float | None]:
    """Return the finding about its clock, and by how many seconds that is ahead, where it is known."""
    target = world.implementation.target
    url = world.implementation.base_url + target.ready
    name, tried = "its clock", f"GET {url}, for its Date"
    try:
        answer = get(url, target.headers, _ANSWER_SECONDS)
    except requests.RequestException as problem:
        mend = "launch.ready must go on answering while scenarios run"
        return Finding(name, tried, _error(problem), mend), None
    try:
        off = parsedate_to_datetime(answer.headers.get("Date", "")).timestamp() - time.time()
    except ValueError:
        return Finding(name, tried, "no Date in the answer, so it was not compared"), None
    # A date without its fraction is up to a second behind.
    if -_CLOCK_SECONDS - _DATE_SECONDS <= off <= _CLOCK_SECONDS:
        return Finding(name, tried, f"it is within {_CLOCK_SECONDS:g} second of this one"), off
    came = f"it is {abs(off):.0f} seconds {'ahead' if off > 0 else 'behind'}"
    mend = "set both clocks by one time server: webhooks are signed with the time, and refused when it is off"
    return Finding(name, tried, came, mend), off


def _rows(world: World) -> Finding:
    target, fleet = world.implementation.target, world.fleet
    first, second, *_ = fleet.numbers
    how = f"the hooks at {target.state_path}" if target.state_path else f"SQL, in table {target.table}"
    came, mend = "it was as written", ""
    try:
        row = world.row(world.new_account(on=second, assigned=fleet.url(first)))
        told = None if row is None else (row.assigned_instance_url, row.columns["status"])
    except NotJudgedError as problem:
        came, mend = str(problem), "state.path must name hooks that answer as the contract says"
    except (SQLAlchemyError, KeyError) as problem:
        came, mend = _error(problem), "state.table and state.columns must be the names that its table has"
    except ConformanceFailure as problem:
        came, mend = problem.observed, "what is written through [state] must be there to read"
    else:
        if told != (fleet.url(first), "connected"):
            came = f"assigned_instance_url and status were {told!r}"
            mend = "what is written through [state] must be read back as it was written"
    return Finding("rows", f"write a row through {how}, and read it back", came, mend)


def _webhook(world: World, off: float | None) -> tuple[Finding, Finding]:
    target, account = world.implementation.target, world.account
    (holder,) = world.fleet.holders(account.session_id)
    world.set_status("disconnected")
    before = world.existing_row()
    url = world.implementation.base_url + target.webhook_path
    answered = world.deliver(world.fleet.webhook(account.session, holder, "session_ready"))
    _check_that_it_runs(world, "while it takes a webhook")
    name, tried = "webhooks", f"POST {url}, a session_ready signed with the shared secret"
    came = f"it was answered {answered.status}" if answered.status else f"no answer: {answered.reason}"
    knows_the_path = False
    if answered.status == _NOT_FOUND:
        # It may know no such path, or no such session: a wrong signature is refused where it takes webhooks.
        forged = world.fleet.webhook(account.session, holder, "session_ready", secret=_ANOTHER_SECRET)
        refused = world.deliver(forged).status
        came += f", and one with a wrong signature {refused}"
        knows_the_path = refused in remedies.REFUSALS
    # Not known where the clock could not be read.
    clock_is_off = None if off is None else abs(off) + _DATE_SECONDS >= world.settings.signature_ttl
    mend = remedies.of_webhook(
        target, answered.status, clock_is_off=clock_is_off, knows_the_path=knows_the_path
    )
    return Finding(name, tried, came + _last_words(world, answered.status), mend), _followed(world, before)


def _check_that_it_runs(world: World, when: str) -> None:
    """Check that it did not end by itself: everything after that would be blamed on something else."""
    if (crash := world.implementation.crash) is not None:
        raise ConformanceFailure(f"the implementation goes on running {when}", crash)


def _last_words(world: World, status: int | None) -> str:
    """Return the last line that it logged, where its answer says that it broke."""
    if status is None or status < _BROKEN:
        return ""
    with contextlib.suppress(NotJudgedError, OSError):
        lines = [line.text for line in world.log_lines() if line.text.strip()]
        if lines:
            return f"; it logged: {redact(lines[-1], world.secrets)[:_SHOWN]}"
    return ""


def _followed(world: World, before: Row) -> Finding:
    target = world.implementation.target
    whose = "--database" if target.url else target.variable("DATABASE_URL")
    name, tried = "rows and webhooks", "read the row again, which that webhook says is connected"

    def changed() -> Row:
        row = world.existing_row()
        if row == before:
            raise ConformanceFailure("the webhook shows in the row", "nothing in it has changed")
        return row

    try:
        row = world.eventually(changed)
    except ConformanceFailure as problem:
        return Finding(
            name,
            tried,
            problem.observed,
            f"it must use the database that {whose} names, and state.table must be its table there; when it answers "
            "webhooks first and processes them later, write webhook.asynchronous = true",
        )
    changes = [name for name, value in row.columns.items() if value != before.columns.get(name)]
    return Finding(name, tried, f"changed: {', '.join(changes)}")


def _send(world: World) -> Iterator[Finding]:
    target, account = world.implementation.target, world.account
    before = world.fleet.journal.last
    url = world.implementation.base_url + filled_text(target.send.path, {"account_id": account.id})
    tried = f"{target.send.method} {url}, to have a message sent"
    answer = world.send("is this heard?")
    _check_that_it_runs(world, "while it takes a message")
    entries = world.fleet.journal.entries(after=before)
    asked = [*History(entries).calls()]
    statuses = [one.status for one in entries if isinstance(one, RequestCompleted)]
    delivered = any(isinstance(one, MessageDelivered) for one in entries)
    mend = remedies.of_message(answer, asked=bool(asked), delivered=delivered)
    yield Finding("messages", tried, _told(world, answer) + _last_words(world, answer.status), mend)
    urls = ", ".join(world.fleet.urls)
    name, tried = "instances", f"watch the instances at {urls} meanwhile"
    if not asked:
        mend = remedies.of_silence(target, urls)
        if remedies.refused_unasked(answer.status):
            mend = "messages first, as above: it was not willing to send"
        yield Finding(name, tried, "none was called", mend)
    elif refused := statuses.count(401):
        yield Finding(
            name, tried, f"{counted_as(refused, 'call')} answered 401", remedies.of_refused_key(target)
        )
    else:
        yield Finding(
            name,
            tried,
            f"{counted_as(len(asked), 'call')} came, to {len({one.instance for one in asked})} of them",
        )


def _log(world: World, *, sent: bool) -> Iterator[Finding]:
    target = world.implementation.target
    if target.log == "none":
        return
    name, tried = "its log", f"read what it logged of all this, via {target.log}"

    def logged() -> int:
        lines = [line.text for line in world.log_lines()]
        if not lines:
            raise ConformanceFailure("there is a line", "nothing was logged")
        # Where no message was sent nothing need be logged of its session.
        if sent and not any(world.account.session_id in line for line in lines):
            raise ConformanceFailure(
                "a line names the session", f"{counted_as(len(lines), 'line')}, none with the session"
            )
        return len(lines)

    try:
        count = world.soon(logged)
    except (NotJudgedError, OSError) as problem:
        key = "log.path" if target.log == "http" else "log.file"
        yield Finding(name, tried, str(problem), f"{key} must name its log")
    except ConformanceFailure as problem:
        lines = [redact(line.text, world.secrets) for line in world.log_lines() if line.text.strip()]
        gone = target.log_file is not None and not target.log_file.exists()
        came = problem.observed + (", and there is no such file" if gone else "")
        session_id = world.account.session_id
        mend = remedies.of_log_without(session_id, lines) if lines else remedies.of_empty_log(target)
        yield Finding(name, tried, came, mend)
    else:
        yield Finding(name, tried, counted_as(count, "line"))


def _operations(world: World) -> Iterator[Finding]:
    target = world.implementation.target
    operations = target.operations
    check = " ".join(operations.command) or f"POST {operations.path}"
    looks: list[tuple[str, str, str, str, Callable[[], object]]] = [
        ("health-check", "the health check", f"{check}, as a dry run", "health_check.path or command",
         lambda: operator.check(world, dry_run=True)),
        ("monitoring", "monitoring", f"GET {operations.monitoring}", "monitoring.path",
         lambda: operator.counted(world)),
        ("monitoring", "metrics", f"GET {operations.metrics}", "monitoring.metrics",
         lambda: operator.metrics(world)),
    ]  # fmt: skip
    for profile, name, tried, key, look in looks:
        if profile not in target.claims:
            continue
        try:
            look()
        except ConformanceFailure as problem:
            mend = f"{key} must be where it answers: {problem.expected}; or do not claim {profile}"
            yield Finding(name, tried, problem.observed, mend)
        else:
            yield Finding(name, tried, "it answered as the contract says")


def _isolation(world: World) -> Finding:
    account, accounts = world.account, world.implementation.accounts
    name, tried = "a clean start", "remove the row, look for it, and have a message sent from it"
    mend = "it must read accounts from where the harness writes them, each time, and keep no copies"
    try:
        accounts.remove([account.id])
        if accounts.get(account.id) is not None:
            return Finding(name, tried, "the row is still there", "what [state] removes must be gone")
    except (NotJudgedError, SQLAlchemyError) as problem:
        return Finding(name, tried, _error(problem), "rows must be removable through [state]")
    before = world.fleet.journal.last
    answer = ask_to_send(world.implementation, next(CALLS), account.id, "6281234567890", "from nobody")
    world.fleet.settle(world.settings.verify_timeout_in_force)
    if any(isinstance(one, MessageDelivered) for one in world.fleet.journal.entries(after=before)):
        return Finding(name, tried, "the message was delivered all the same", mend)
    return Finding(name, tried, f"it is gone, and {_told(world, answer)}")


def _told(world: World, answer: UserAnswered) -> str:
    if answer.status is None:
        return f"no answer: {answer.problem}"
    body = redact(answer.body, world.secrets)
    return f"it was answered {answer.status} {body if len(body) <= _SHOWN else f'{body[:_SHOWN]}…'}".strip()


def _error(problem: Exception) -> str:
    # SQLAlchemy's own text goes on with the statement and a link.
    return f"{type(problem).__name__}: {getattr(problem, 'orig', None) or problem}".splitlines()[0]
