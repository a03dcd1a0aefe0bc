"""`instance-sync reproduce`: shows the incident of account 142 on a terminal, and really does each thing it shows.

In the order of the document's Problem Statement: the row, what each instance's health says, the send that meets
a 404, and then the same with the fix. Every value shown was just read; a story that does not hold is an error.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fake_instances import Fleet, Session
from fake_instances.faults import Endpoint, LoseWebhook
from harness.attach.control_plane import ControlPlane, Place, random_secrets
from harness.attach.http import health
from harness.attach.setup import check_fleet_address, fleet_addresses, launch_host, start_fleet
from harness.checks import sending
from harness.cli.group import epilog
from harness.cli.options import fleet_options
from harness.contract import Settings
from harness.errors import HarnessError, TargetError
from harness.history import History
from harness.incident import INCIDENT_ACCOUNT, INCIDENT_PHONE, INCIDENT_SESSION
from harness.placeholders import filled_text
from harness.run.interruption import Interruption
from harness.scenario.client import ask_to_send, columns_of
from harness.targets.reader import load_target
from harness.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.contract import Row
    from harness.history import UserAnswered

TEXT = "Your order has been shipped."
RECIPIENT = "6281234567890"
_COLUMNS = ("id", "session_id", "phone_number", "status", "assigned_instance_url")
_EXAMPLES = """\
  instance-sync reproduce
  instance-sync reproduce --pause
"""


@click.command(epilog=epilog("reproduce", _EXAMPLES))
@click.option("--pause", is_flag=True, help="wait for Enter between steps, with every port open")
@fleet_options
def command(fleet_address: str, fleet_ports: str, *, pause: bool) -> None:
    """Show the incident of account 142 step by step, really doing each thing that it prints."""
    with Interruption().obeyed():
        show(fleet_address, fleet_ports, pause=pause)


class Story:
    """Prints what happens, in numbered steps. Colour only on a terminal."""

    def __init__(self, *, pause: bool) -> None:
        self._pause = pause
        self._steps = 0
        self._colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def step(self, title: str) -> None:
        """Begin a step; with --pause, wait for Enter first."""
        if self._pause and self._steps:
            sys.stdout.write("\n   (every port is open: try curl; Enter continues) ")
            sys.stdout.flush()
            if not sys.stdin.readline():
                sys.stdout.write("\n")
                self._pause = False
        self._steps += 1
        heading = f"{self._steps}. {title}"
        self.say("", f"\x1b[1m{heading}\x1b[0m" if self._colour else heading, indent="")

    def say(self, *lines: str, indent: str = "   ") -> None:
        """Print lines."""
        for line in lines:
            sys.stdout.write(f"{indent}{line}\n" if line else "\n")
        sys.stdout.flush()


@contextlib.contextmanager
def _stage(host: str, ports: str) -> Iterator[tuple[Fleet, Place]]:
    """Run the four instances under the document's own URLs, with a folder for the one database and the one log."""
    api_key, hmac_secret = random_secrets()
    addresses = fleet_addresses(host, ports)
    fleet = start_fleet(Fleet(addresses, api_key=api_key, secret=hmac_secret))
    with contextlib.ExitStack() as opened:
        opened.callback(fleet.stop)
        scratch = opened.enter_context(tempfile.TemporaryDirectory(prefix="instance-sync-"))
        yield fleet, Place(launch_host(addresses[0].host), Path(scratch))


def show(host: str, ports: str, *, pause: bool) -> None:
    """Show the whole story.

    Raises:
        TargetError: `host` or `ports` is not a choice, or pausing was asked for without a terminal.
        LaunchError: a port is in use, or an implementation did not come up.
        ConformanceFailure: the story did not hold: something shown is not what the incident was.
    """
    if pause and not sys.stdin.isatty():
        raise TargetError("--pause waits for a key, so it needs a terminal; leave it out")
    story = Story(pause=pause)
    story.say(
        "The incident of account 142. Each thing shown here really happens, on this machine.", indent=""
    )
    check_fleet_address(host)
    with _stage(host, ports) as (fleet, place):
        old, new = fleet.numbers[:2]
        session = Session(INCIDENT_SESSION, 1, INCIDENT_PHONE)
        with ControlPlane(load_target("before-fix"), Settings(), fleet, place) as implementation:
            _assign_and_move(story, fleet, implementation, session)
            _look(story, fleet, implementation, old, new)
            story.step("Without the fix: the user sends a message")
            answer = _send(story, fleet, implementation)
            _show_posts(story, fleet)
            _show_log(story, implementation)
            sending.told_failed(answer)
            sending.delivered_nowhere(History(fleet.journal.entries()), INCIDENT_SESSION)
            story.say("The message is lost, and the row still points at the wrong instance:")
            _show_row(story, implementation)
        position = implementation.log.position()
        before = fleet.journal.last
        with ControlPlane(load_target("reference"), Settings(), fleet, place) as implementation:
            story.step("With the fix: the user sends the same message, from the same row")
            answer = _send(story, fleet, implementation)
            _show_posts(story, fleet, after=before)
            _show_log(story, implementation, position)
            sending.told_sent(answer)
            history = History(fleet.journal.entries(after=before))
            sending.delivered_once(history, INCIDENT_SESSION, TEXT, new)
            story.step("The row has repaired itself")
            row = _show_row(story, implementation)
            sending.row_says(row, fleet.url(new), f"instance {new}")
            _announce(story, fleet, implementation)
    story.say("", "Everything that was started is stopped.", indent="")


def _assign_and_move(story: Story, fleet: Fleet, implementation: ControlPlane, session: Session) -> None:
    old, new = fleet.numbers[:2]
    story.step(f"The session is on {old}, and its row says so")
    fleet.hold(session, old)
    implementation.accounts.put(columns_of(INCIDENT_ACCOUNT, session, fleet.url(old)))
    _show_row(story, implementation)
    story.step(f"The session restarts and reconnects on {new}; the webhook that would report it is lost")
    fleet.arm(LoseWebhook(), new, {Endpoint.WEBHOOK}, times=1)
    fleet.migrate(session.session_id, new)
    story.say(f"{INCIDENT_SESSION} has moved from {fleet.url(old)} to {fleet.url(new)}.")


def _look(story: Story, fleet: Fleet, implementation: ControlPlane, old: int, new: int) -> None:
    story.step("Database state: the row looks right")
    row = _show_row(story, implementation)
    sending.column_is(row, "status", "connected")
    sending.row_says(row, fleet.url(old), f"instance {old}")
    story.step("Node.js reality: what each instance's health says")
    for number in fleet.numbers:
        sessions = health(fleet.url(number))["sessions"]
        story.say(f"$ curl -s {fleet.url(number)}/health/detailed | jq -c '.sessions | {{total, connected}}'")
        shown = {name: sessions[name] for name in ("total", "connected")}
        where = "   <- the session is here" if number == new else ""
        no_session = "   <- the row points here" if number == old else ""
        counts = json.dumps(shown, separators=(",", ":"))
        story.say(f"  {counts}{where}{no_session}")
        sending.sessions_counted(sessions, 1 if number == new else 0, number)


def _send(story: Story, fleet: Fleet, implementation: ControlPlane) -> UserAnswered:
    target = implementation.target.send
    path = filled_text(target.path, {"account_id": INCIDENT_ACCOUNT})
    body = json.dumps({"recipient_phone": RECIPIENT, "message": TEXT})
    story.say(f"$ curl -s -X POST {implementation.base_url}{path} \\")
    story.say(f"    -H 'Content-Type: application/json' -d '{body}'")
    answer = ask_to_send(implementation, 1, INCIDENT_ACCOUNT, RECIPIENT, TEXT)
    fleet.settle(1.0)
    story.say(f"  {answer.status} {answer.body.strip()}" if answer.status else f"  {answer.problem}")
    return answer


def _show_posts(story: Story, fleet: Fleet, *, after: int = 0) -> None:
    history = History(fleet.journal.entries(after=after))
    story.say("What the instances saw:")
    for entry in history.calls():
        path = entry.target.split("?", 1)[0]
        answer = history.answers.get((entry.instance, entry.request))
        status = "no answer" if answer is None else str(answer.status)
        story.say(f"  {entry.method:<5}{fleet.url(entry.instance)}{path}  ->  {status}")
    for delivery in history.deliveries(INCIDENT_SESSION):
        story.say(f"  instance {delivery.instance} delivers {quoted(delivery.text)}")


def _show_log(story: Story, implementation: ControlPlane, after: int = 0) -> None:
    story.say("What the implementation logged:")
    for line in implementation.log.lines(after):
        story.say(f"  {line.text}")


def _show_row(story: Story, implementation: ControlPlane) -> Row | None:
    story.say(f"SELECT {', '.join(_COLUMNS)}")
    story.say(f"FROM whatsapp_accounts WHERE id = {INCIDENT_ACCOUNT};")
    row = implementation.accounts.get(INCIDENT_ACCOUNT)
    if row is not None:
        for name in _COLUMNS:
            story.say(f"  {name:<23}{row.columns[name]}")
    return row


def _announce(story: Story, fleet: Fleet, implementation: ControlPlane) -> None:
    target = fleet.numbers[2]
    story.step(f"Prevention: the session moves on to {target}, and this time its webhook arrives")
    position = implementation.log.position()
    delivery = fleet.migrate(INCIDENT_SESSION, target)
    if delivery is None:
        raise HarnessError("the webhook was lost, though no fault was armed")
    answered = delivery.wait()
    story.say(f"POST {fleet.control_plane}")
    for name in ("X-HMAC-Signature", "X-Timestamp", "X-Instance-Url"):
        signature = "HMAC-SHA256 over timestamp and body, 64 hex digits"
        shown = signature if name == "X-HMAC-Signature" else delivery.webhook.header(name)
        story.say(f"  {name}: {shown}")
    story.say(f"  answered {answered.status}")
    _show_log(story, implementation, position)
    row = _show_row(story, implementation)
    sending.row_says(row, fleet.url(target), f"instance {target}")
