"""Finds out whether the harness and an implementation understand each other.

Nothing here judges: each finding says what was tried, what came back, and what to change in the attachment. Where a
mistake of the implementation may be behind it, a second look from another side decides: a webhook that is refused is
signed in other ways, a row that no webhook changes is used by a send.
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import requests
from sqlalchemy.exc import SQLAlchemyError

from fake_instances.journal import MessageDelivered
from harness.attach import remedies
from harness.attach.http import get
from harness.errors import AdapterError, ConformanceFailure, LaunchError, NotJudgedError, TargetError
from harness.redaction import redact_values
from harness.run.doctor import logs, operations
from harness.run.doctor.finding import Finding
from harness.run.doctor.messages import send_one, told
from harness.run.doctor.webhooks import DATE_SECONDS, deliver_one
from harness.scenario.client import CALLS, ask_to_send

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from harness.contract import Target
    from harness.scenario.world import World

_ANSWER_SECONDS = 5.0
_CLOCK_SECONDS = 1.0
"""How far an implementation's clock may be off."""


def examine(
    world: World, profiles: Collection[str] | None = None, *, brief: bool = False
) -> Iterator[Finding]:
    """Try everything in turn, on a new account. No finding has a secret in it.

    Where rows cannot be written and read, nothing after that is tried: all of it needs one. What only one profile
    needs is tried if it is among `profiles`, by default all that are claimed. A `brief` examination leaves out what
    no run is stopped for.
    """
    wanted = world.implementation.target.claims if profiles is None else profiles
    return (redact_values(finding, world.secrets) for finding in _examine(world, wanted, brief=brief))


def started(target: Target, problem: LaunchError | TargetError | None = None) -> Finding:
    """Return the finding about the start of an implementation."""
    name = "the start"
    tried = f"have instances listen, reach its database, and have it answer GET {target.ready} with 200"
    if problem is None:
        return Finding(name, tried, "it did")
    mend = getattr(problem, "mend", "") or "[launch], until it comes up"
    return Finding(name, tried, str(problem), mend, unattached=True)


def ended(problem: ConformanceFailure) -> Finding:
    """Return the finding about an implementation that ended, or whose rows went, while it was examined."""
    mend = "what makes it end or lose rows, by its own output: it must go on running while it is judged"
    return Finding("its running", f"see that {problem.expected}", problem.observed, mend)


def _examine(world: World, profiles: Collection[str], *, brief: bool) -> Iterator[Finding]:
    clock, off = _clock(world)
    yield clock
    rows = _rows(world)
    yield rows
    if not rows.good:
        return
    webhook = deliver_one(world, off)
    try:
        _have_it_match(world)
    except (NotJudgedError, SQLAlchemyError, ConformanceFailure) as problem:
        yield from webhook.findings(heard=False)
        yield Finding("rows again", "write the row anew", _error(problem), "it must go on being writable")
        return
    message = send_one(world, followed=webhook.followed)
    yield from webhook.findings(heard=message.heard)
    yield from message.findings
    if world.implementation.target.log != "none":
        yield logs.finding(world, sent=world.answer.told_sent)
    yield from operations.findings(world, profiles, has_key=message.has_key)
    if not brief:
        yield _isolation(world)


def _have_it_match(world: World) -> None:
    """Write the row anew, assigned to the holder: what finds a session that has moved is judged, and not tried."""
    world.assign(world.fleet.url(world.holder))
    world.set_status("connected")


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
    if -_CLOCK_SECONDS - DATE_SECONDS <= off <= _CLOCK_SECONDS:
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
    except AdapterError:
        raise
    except NotJudgedError as problem:
        came, mend = str(problem), remedies.of_rows(target)
    except (SQLAlchemyError, KeyError) as problem:
        came, mend = _error(problem), "state.table and state.columns must be the names that its table has"
    except ConformanceFailure as problem:
        came, mend = problem.observed, "what is written through [state] must be there to read"
    else:
        if told != (fleet.url(first), "connected"):
            came = f"assigned_instance_url and status were {told!r}"
            mend = "what is written through [state] must be read back as it was written"
    tried = f"write a row through {how}, and read it back"
    return Finding("rows", tried, came, mend, unattached=bool(mend))


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
    answer = ask_to_send(
        world.implementation, next(CALLS), account.id, "6281234567890", "from nobody", session=account.session
    )
    world.fleet.settle(world.settings.verify_timeout_in_force)
    if any(isinstance(one, MessageDelivered) for one in world.fleet.journal.entries(after=before)):
        return Finding(name, tried, "the message was delivered all the same", mend)
    return Finding(name, tried, f"it is gone, and {told(world, answer)}")


def _error(problem: Exception) -> str:
    # SQLAlchemy's own text goes on with the statement and a link.
    return f"{type(problem).__name__}: {getattr(problem, 'orig', None) or problem}".splitlines()[0]
