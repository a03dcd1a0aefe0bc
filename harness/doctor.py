"""Finds out, before any judging, whether the harness and an implementation understand each other.

Nothing here judges: each finding says what was tried, what came back, and what to change in the attachment.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import requests
from sqlalchemy.exc import SQLAlchemyError

from fake_instances.journal import MessageDelivered, RequestArrived, RequestCompleted
from harness import operator
from harness.contract import ConformanceFailure, NotJudgedError
from harness.history import HARNESS
from harness.probe import get
from harness.report.redaction import redact
from harness.users import CALLS, ask_to_send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fake_instances.journal import WebhookAnswered
    from harness.contract import Row
    from harness.history import UserAnswered
    from harness.world import World

_ANSWER_SECONDS = 5.0
_CLOCK_SECONDS = 1.0
"""How far an implementation's clock may be off."""
_DATE_SECONDS = 1.0
"""What a Date header leaves out: it has whole seconds."""
_SHOWN = 200
_REFUSALS = (401, 403)
_NO_ROUTE = (404, 405)


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
    """Try everything in turn, on an account of its own.

    Where rows cannot be written and read, nothing behind that is tried: all of it needs one.
    """
    clock = _clock(world)
    yield clock
    rows = _rows(world)
    yield rows
    if not rows.good:
        return
    webhook, row = _webhook(world, clock_is_good=clock.good)
    yield webhook
    if webhook.good:
        yield row
    yield from _send(world)
    yield from _log(world)
    yield from _operations(world)
    yield _isolation(world)


def refused_webhook(world: World) -> Finding | None:
    """Give what is wrong where an implementation refuses a correctly signed webhook, None where it does not."""
    first, *_ = world.fleet.numbers
    world.new_account(on=first, assigned=world.fleet.url(first))
    finding, _ = _webhook(world, clock_is_good=_clock(world).good)
    return None if finding.good else finding


def _clock(world: World) -> Finding:
    target = world.implementation.target
    url = world.implementation.base_url + target.ready
    name, tried = "its clock", f"GET {url}, for its Date"
    try:
        answer = get(url, target.headers, _ANSWER_SECONDS)
    except requests.RequestException as problem:
        return Finding(name, tried, _error(problem), "launch.ready must go on answering while scenarios run")
    told = answer.headers.get("Date")
    try:
        at = parsedate_to_datetime(told or "").timestamp()
    except ValueError:
        return Finding(name, tried, "no Date in the answer, so it was not compared")
    off = at - time.time()
    # A date without its fraction is up to a second behind.
    if -_CLOCK_SECONDS - _DATE_SECONDS <= off <= _CLOCK_SECONDS:
        return Finding(name, tried, f"it is within {_CLOCK_SECONDS:g} second of this one")
    return Finding(
        name,
        tried,
        f"it is {abs(off):.0f} seconds {'ahead' if off > 0 else 'behind'}",
        "set both clocks by one time server: webhooks are signed with the time, and refused when it is off",
    )


def _rows(world: World) -> Finding:
    target, fleet = world.implementation.target, world.fleet
    first, second, *_ = fleet.numbers
    how = f"the hooks at {target.state_path}" if target.state_path else f"SQL, in table {target.table}"
    name, tried = "rows", f"write a row through {how}, and read it back"
    try:
        account = world.new_account(on=second, assigned=fleet.url(first))
        row = world.row(account)
        told = None if row is None else (row.assigned_instance_url, row.columns["status"])
    except NotJudgedError as problem:
        return Finding(
            name, tried, str(problem), "state.path must name hooks that answer as the contract says"
        )
    except (SQLAlchemyError, KeyError) as problem:
        mend = "state.table and state.columns must be the names that its table has"
        return Finding(name, tried, _error(problem), mend)
    except ConformanceFailure as problem:
        return Finding(name, tried, problem.observed, "what is written through [state] must be there to read")
    if told != (fleet.url(first), "connected"):
        mend = "what is written through [state] must be read back as it was written"
        return Finding(name, tried, f"assigned_instance_url and status were {told!r}", mend)
    return Finding(name, tried, "it was as written")


def _webhook(world: World, *, clock_is_good: bool) -> tuple[Finding, Finding]:
    target, account = world.implementation.target, world.account
    (holder,) = world.fleet.holders(account.session_id)
    world.set_status("disconnected")
    before = world.existing_row()
    url = world.implementation.base_url + target.webhook_path
    answered = world.deliver(world.fleet.webhook(account.session, holder, "session_ready"))
    name, tried = "webhooks", f"POST {url}, a session_ready signed with the shared secret"
    came = f"it was answered {answered.status}" if answered.status else f"no answer: {answered.reason}"
    webhook = Finding(name, tried, came, _mend_of_webhook(world, answered, clock_is_good=clock_is_good))
    return webhook, _followed(world, before)


def _mend_of_webhook(world: World, answered: WebhookAnswered, *, clock_is_good: bool) -> str:
    status = answered.status
    if status is None:
        return "webhook.path must be where it takes webhooks, and it must answer them"
    if 200 <= status <= 299:
        return ""
    if status in _NO_ROUTE:
        return "webhook.path must be the path at which it takes webhooks, by POST"
    if status in _REFUSALS:
        if not clock_is_good:
            return "its clock first: with that the time in the signature is refused, whatever the secret"
        where = (
            "HMAC_SECRET in this environment must be the one it was started with"
            if world.implementation.target.url
            else "it must take its secret from HMAC_SECRET, as it is launched"
        )
        return (
            f"{where}; the signature is X-HMAC-Signature, the hex HMAC-SHA256 of X-Timestamp and the raw body "
            "behind each other"
        )
    return "its own log or output says why; webhook.path and http.headers are what the target file says of it"


def _followed(world: World, before: Row) -> Finding:
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
            "it must use the database that DATABASE_URL names, and state.table there; when it answers webhooks "
            "first and processes them later, write webhook.asynchronous = true",
        )
    changes = [name for name, value in row.columns.items() if value != before.columns.get(name)]
    return Finding(name, tried, f"changed: {', '.join(changes)}")


def _send(world: World) -> Iterator[Finding]:
    target, account = world.implementation.target, world.account
    before = world.fleet.journal.last
    url = world.implementation.base_url + target.send.path.replace("{account_id}", str(account.id))
    tried = f"{target.send.method} {url}, to have a message sent"
    answer = world.send("is this heard?")
    entries = world.fleet.journal.entries(after=before)
    asked = [
        one
        for one in entries
        if isinstance(one, RequestArrived) and ("User-Agent", HARNESS) not in one.headers
    ]
    statuses = [one.status for one in entries if isinstance(one, RequestCompleted)]
    delivered = any(isinstance(one, MessageDelivered) for one in entries)
    yield Finding("messages", tried, _told(world, answer), _mend_of_send(answer, asked, delivered=delivered))
    urls = ", ".join(world.fleet.urls)
    name, tried = "instances", f"watch the instances at {urls} meanwhile"
    if not asked:
        mend = (
            f"it must call the instances that NODE_INSTANCES names, now {urls}; in a container of its own, 127.0.0.1 "
            'is the container: write network = "host" under [launch]'
        )
        if answer.status in _NO_ROUTE:
            mend = "send.path first: it was never told to send"
        yield Finding(name, tried, "none was called", mend)
    elif refused := statuses.count(401):
        mend = (
            "API_KEY in this environment must be the one it was started with"
            if target.url
            else "it must take the key from API_KEY, as it is launched"
        )
        yield Finding(name, tried, f"{refused} calls were answered 401", f"{mend}, and send it as X-API-Key")
    else:
        yield Finding(
            name, tried, f"{len(asked)} calls came, to {len({one.instance for one in asked})} of them"
        )


def _mend_of_send(answer: UserAnswered, asked: list[RequestArrived], *, delivered: bool) -> str:
    if answer.status is None:
        return "send.path must be where it takes messages, and it must answer within its timeouts"
    if delivered and not answer.told_sent:
        return "send.succeeded must describe this answer, for the message was delivered"
    if answer.told_sent and not delivered:
        return "send.succeeded must not hold for this answer, for no instance delivered the message"
    if not delivered and not asked:
        return (
            "send.method, send.path and send.body must be how it takes messages, and {account_id} the id of the row "
            "in its table"
        )
    return "" if delivered else "what it answers says why; the instance held the session, connected"


def _log(world: World) -> Iterator[Finding]:
    target = world.implementation.target
    if target.log == "none":
        return
    name, tried = "its log", f"read what it logged of all this, via {target.log}"

    def logged() -> int:
        if not (lines := world.log_lines()):
            raise ConformanceFailure("there is a line", "nothing was logged")
        return len(lines)

    try:
        count = world.soon(logged)
    except (NotJudgedError, OSError) as problem:
        yield Finding(name, tried, str(problem), "log.path must name the hook that gives its lines")
    except ConformanceFailure as problem:
        mend = {
            "file": f"it must append to {target.log_file}, which log.file names"
            if target.log_file
            else 'it must append to the file that LOG_FILE names; or write via = "stderr" or "http" under [log]',
            "stderr": 'it must log to standard error, unbuffered; or write via = "file" or "http" under [log]',
            "http": "the hook that log.path names must give the lines logged since the cursor",
        }
        yield Finding(name, tried, problem.observed, mend[target.log])
    else:
        yield Finding(name, tried, f"{count} lines")


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
            yield Finding(name, tried, redact(problem.observed, world.secrets), mend)
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
        return redact(f"no answer: {answer.problem}", world.secrets)
    body = answer.body if len(answer.body) <= _SHOWN else f"{answer.body[:_SHOWN]}…"
    return redact(f"it was answered {answer.status} {body}".strip(), world.secrets)


def _error(problem: Exception) -> str:
    # SQLAlchemy's own text goes on with the statement and a link.
    return f"{type(problem).__name__}: {getattr(problem, 'orig', None) or problem}".splitlines()[0]
