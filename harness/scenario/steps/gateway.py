"""Phrases about gateway instances under test: the webhooks they send and the answers they give."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse
from pytest_bdd.parsers import re as regex

from harness.checks import gateways as checks
from harness.errors import NotJudgedError
from harness.gateway_contract import LOCATION_EVENTS, NUMBERS

if TYPE_CHECKING:
    from harness.history import WebhookReceived
    from harness.scenario.gateway_world import GatewayWorld

_TEXT = "Your order has been shipped."
_TRIES = 4
_OUTAGE_SECONDS = 0.5


def _heard(gateways: GatewayWorld) -> tuple[WebhookReceived, ...]:
    """Wait until a webhook says where the scenario's session lives, and return those that do."""
    return checks.heard(gateways.await_location(gateways.tenant))


# What the control plane does


@given(parse("a control plane that answers location webhooks with {status:d}"))
def answers(gateways: GatewayWorld, status: int) -> None:
    """Answer every webhook that says where a session lives with a status, and accept the others."""
    gateways.receiver.status = status


@given("a control plane that refuses connections")
def refuses(gateways: GatewayWorld) -> None:
    """Have the system refuse connections where webhooks go."""
    gateways.receiver.refuse()


@given("a control plane that asks back at once whether the session is connected")
def asks_back(gateways: GatewayWorld) -> None:
    """Ask the instance about the session before a webhook that says where it lives is answered."""
    gateways.ask_back()


# Sessions


@given(parse("a session that is connected on instance {number:d}"))
def connected(gateways: GatewayWorld, number: int) -> None:
    """Have a session connect, and wait until that was announced."""
    gateways.connect(number)


@given(parse("three sessions that are connected on instance {number:d}"))
def three_connected(gateways: GatewayWorld, number: int) -> None:
    """Have three sessions connect, and wait until that was announced."""
    for _ in range(3):
        gateways.connect(number)


@given(parse("a session that waits for its QR code on instance {number:d}"))
def waiting(gateways: GatewayWorld, number: int) -> None:
    """Begin a login that nobody finishes."""
    gateways.create(number)


@given(parse("a session that was ended on instance {number:d}"))
def ended(gateways: GatewayWorld, number: int) -> None:
    """Have a session connect, and end it permanently."""
    gateways.end(gateways.connect(number))


@given("a session that nobody knows")
def unknown(gateways: GatewayWorld) -> None:
    """Make up a session that no instance ever held."""
    gateways.new_tenant()


@given(regex(r"a session that (?P<likeness>begins like|is cut from) one of instance (?P<number>\d+)"))
def alike(gateways: GatewayWorld, likeness: str, number: str) -> None:
    """Make up a session whose id is that of a held one plus a digit, or without its last character."""
    held = gateways.connect(int(number)).session_id
    gateways.new_tenant(held + "2" if likeness == "begins like" else held[:-1])


@when(parse("a session connects on instance {number:d}"))
def connects(gateways: GatewayWorld, number: int) -> None:
    """Have a session connect. The checks wait for its webhooks."""
    gateways.connect(number, announced=False)


@when("the session reconnects")
def reconnects(gateways: GatewayWorld) -> None:
    """Have the session reconnect where it is."""
    gateways.reconnect(gateways.tenant)


@when(parse("the session is told to reconnect by somebody who calls its instance {name}"))
def reconnects_called(gateways: GatewayWorld, name: str) -> None:
    """Have the session reconnect, by a request that calls the instance by another name."""
    gateways.reconnect(gateways.tenant, called=name)


@when(parse("a session connects on instance {number:d}, and the network is back half a second later"))
def connects_in_outage(gateways: GatewayWorld, number: int) -> None:
    """Have a session connect while nobody listens, and listen again."""
    gateways.connect(number, announced=False)
    threading.Event().wait(_OUTAGE_SECONDS)
    gateways.receiver.listen()


@when(
    parse(
        "two sessions connect on instance {number:d}, whose location webhooks are answered {one:d} and {other:d}"
    )
)
def two_connect(gateways: GatewayWorld, number: int, one: int, other: int) -> None:
    """Answer the location webhooks of two sessions differently. The first is judged."""
    gateways.receiver.status = other
    first = gateways.new_tenant()
    gateways.receiver.status_for[first.session_id] = one
    gateways.act()
    gateways.hold(first, number)
    gateways.hold(gateways.new_tenant(), number)


@when(parse("instance {number:d} is restarted on another port"))
def moves(gateways: GatewayWorld, number: int) -> None:
    """Restart the instance on another port, where its session connects again."""
    gateways.move(number)


@when("one instance after another is restarted while messages flow")
def restarted_in_turn(gateways: GatewayWorld) -> None:
    """Restart every instance in turn, with messages on their way to all of them."""
    gateways.restart_in_turn()


# Asking


@when(parse("somebody looks at the health of instance {number:d}"))
def looks(gateways: GatewayWorld, number: int) -> None:
    """Ask the health routes of one instance."""
    gateways.look_at_health(number)


@when("somebody looks at the health of each instance")
def looks_at_each(gateways: GatewayWorld) -> None:
    """Ask the health routes of every instance."""
    gateways.look_at_health(*NUMBERS)


@when(parse("a message for it is handed to instance {number:d}"))
def hands_over(gateways: GatewayWorld, number: int) -> None:
    """Hand a message to an instance for the session that was made last."""
    gateways.post(number, gateways.tenant.session_id, _TEXT)


# Checks of webhooks. What other events say is not judged, except that they are signed


@then("the location webhook carries the five headers")
def carries_headers(gateways: GatewayWorld) -> None:
    """Check the headers of each webhook that says where the session lives."""
    for webhook in _heard(gateways):
        checks.five_headers(webhook)


@then(parse("it names the URL of instance {number:d}"))
def names(gateways: GatewayWorld, number: int) -> None:
    """Check the URL that each webhook names which says where the session lives."""
    gateway = gateways.gateway(number)
    for webhook in _heard(gateways):
        checks.names(webhook, gateway.url, number, gateway.stated_url)


@then("each webhook is signed over its timestamp and the exact bytes of its body")
def verifies(gateways: GatewayWorld) -> None:
    """Check the signature of every webhook about the session, of whatever event."""
    _heard(gateways)
    for webhook in gateways.webhooks(gateways.tenant):
        if webhook.event in LOCATION_EVENTS or webhook.path == checks.PATH:
            checks.signature_verifies(webhook, gateways.secrets[1])


@then(parse("the control plane hears {event} of the session"))
def hears(gateways: GatewayWorld, event: str) -> None:
    """Check that an event of the session is announced, whatever other events are sent around it."""
    webhooks = gateways.await_event(gateways.tenant, event)
    checks.announces(webhooks, event, gateways.tenant, anew=gateways.logs_in_anew)


@then("the session was connected when that was announced")
def was_connected(gateways: GatewayWorld) -> None:
    """Check what the instance said of the session whenever it announced where that lives."""
    for webhook in _heard(gateways):
        checks.true_when_announced(webhook)


@then("its location webhook is tried four times, after waits that grow")
def tried_again(gateways: GatewayWorld) -> None:
    """Check the waits between the tries of a webhook."""
    _heard(gateways)
    checks.waits_grow(gateways.await_tries(gateways.tenant, _TRIES), _TRIES)


@then("each try is signed for its own moment")
def each_signed(gateways: GatewayWorld) -> None:
    """Check timestamp and signature of every try."""
    for webhook in _heard(gateways):
        checks.five_headers(webhook)
        checks.signature_verifies(webhook, gateways.secrets[1])


@then("that of the first is tried once, while that of the other is tried four times")
def first_tried_once(gateways: GatewayWorld) -> None:
    """Check a webhook while another is tried again and again."""
    first, other = gateways.tenants
    meanwhile = len(gateways.await_tries(other, _TRIES))
    tries = checks.tries(gateways.webhooks(first))
    if tries and meanwhile < _TRIES:
        raise NotJudgedError(
            f"a webhook that was answered {gateways.receiver.status} was tried {meanwhile} times: "
            "nothing shows how long to wait for another try of the other"
        )
    checks.tried_once(tries, meanwhile)


# Checks of answers


@then(parse("it counts {total:d} in all, {linked:d} connected"))
def counted(gateways: GatewayWorld, total: int, linked: int) -> None:
    """Check the counts of both health routes."""
    for where, told in gateways.health():
        checks.counts(told, total, linked, where)


@then("it lists exactly the sessions that it holds")
def listed(gateways: GatewayWorld) -> None:
    """Check the list of the detailed health route."""
    for where, told in gateways.health("/health/detailed"):
        checks.lists(told, gateways.held_where_looked(), where)


@then("each of the four reports that it is healthy")
def all_healthy(gateways: GatewayWorld) -> None:
    """Check that four instances on four ports are healthy, by their remembered or current answers."""
    if not gateways.answers_of("/health"):
        gateways.look_at_health(*NUMBERS)
    checks.four_addresses([gateways.gateway(number).url for number in NUMBERS])
    checks.healthy(gateways.answers_of("/health"))


@then('the answer is "Session not found"')
def not_found(gateways: GatewayWorld) -> None:
    """Check the answer to the message that was handed over last."""
    checks.says_not_found(gateways.posted()[-1])


@then(parse("instance {number:d} sends nothing"))
def sends_nothing(gateways: GatewayWorld, number: int) -> None:
    """Check by the instance's own record that nothing went out over the session."""
    checks.nothing_went_out(gateways.gateway(number).delivered(), gateways.tenant.session_id, number)


@then("every message goes out once, none lost and none doubled")
def none_lost(gateways: GatewayWorld) -> None:
    """Check every message that was handed over, by the instances' own records of what went out."""
    delivered = [one for number in NUMBERS for one in gateways.gateway(number).delivered()]
    checks.each_went_out_once(gateways.posted(), delivered)
