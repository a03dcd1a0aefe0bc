"""Finds out whether the harness and gateway instances understand each other.

It looks at webhooks as the scenarios do: an answer of its own could be another.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from harness.attach.remedies import SIGNATURE
from harness.checks import gateways as checks
from harness.errors import (
    AdapterError,
    ConformanceFailure,
    HookError,
    LaunchError,
    NotJudgedError,
    TargetError,
)
from harness.gateway_contract import LOCATION_EVENTS, LOGIN_EVENTS
from harness.history import Noted, WebhookReceived, json_object
from harness.redaction import redact_values
from harness.run.doctor.finding import Finding
from harness.run.doctor.probing import is_nowhere, shape
from harness.run.doctor.signings import knows, name_of, stamps
from harness.wording import counted_as, few

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from harness.gateway_contract import Tenant
    from harness.scenario.gateway_world import GatewayWorld

_NUMBER = 3001
TRIED = "launch four gateway instances, have a session connect on one, and wait until it announces that"
_SHARE = 0.5
"""How much of the target's patience is waited for an event; a slow gateway states more of it."""
_MOST_KEYS, _LONGEST = 8, 60
_POLL_SECONDS, _DELIVERED_SECONDS = 0.02, 2.0
_MORE = 20
"""Messages that are sent after one that is not listed."""
_LOCKED = (401, 403)
_OTHER_SHAPES = (400, 405, 415, 422)
_HEALTH = ("/health", "/health/detailed")
_OF_CONTROL_PLANE = (
    "[instance] env, which must give it {control_plane} as where its webhooks go, under the name by which it "
    "reads that"
)
_OF_SHAPE = (
    "the gateway, or an adapter in front of it: a webhook is "
    '{"event": "session_ready", "data": {"session_id": "…", …}} (contract, section 5)'
)
_OF_URL = (
    "[instance] claims_as, if that is how it is known; else the gateway, which must name itself by the port that it "
    "is given as PORT"
)
_OF_SIGNATURE = (
    "[instance] variables, by which it is given HMAC_SECRET, if it knows another one; else the gateway, by the "
    "contract's section 5"
)
_OF_KEY = "[instance] variables, by which it is given API_KEY; it must take that as api_key"
_OF_MESSAGES = "the gateway, which must take a message as the contract's section 6 has it sent"
_OF_HEALTH = "the gateway, which must answer there as the contract's section 6 says"


def started(problem: LaunchError | TargetError | NotJudgedError) -> Finding:
    """Return the finding about gateways that did not come up."""
    mend = getattr(problem, "mend", "") or "[instance], which says how one is launched and handled"
    return Finding("gateways", TRIED, str(problem), mend, unattached=True)


def examine_gateways(world: GatewayWorld, *, brief: bool = False) -> Iterator[Finding]:
    """Try everything in turn, on a new session. No finding has a secret in it.

    What no run is stopped for is left out of a `brief` examination.
    """
    return (redact_values(finding, world.secrets) for finding in _examine(world, brief=brief))


def _examine(world: GatewayWorld, *, brief: bool) -> Iterator[Finding]:
    tenant = world.new_tenant()
    world.act()
    try:
        world.hold(tenant, _NUMBER)
    except AdapterError:
        raise
    except NotJudgedError as problem:
        mend = f"{_hook(world, 'connect')}, which connects a session"
        if isinstance(problem, HookError) and problem.status in _LOCKED:
            mend = f"{_OF_KEY}; or {_hook(world, 'connect')}, which must send it"
        yield Finding("gateways", TRIED, str(problem), mend, unattached=True)
        return
    first = _announced(world, tenant)
    if first is None:
        yield _silent(world, tenant)
    else:
        yield Finding("gateways", TRIED, f"{first.event} came")
        world.check_faults_fired()
        yield _url(world, first)
        yield _signature(world, first)
        yield _headers(world, first)
    yield from _health(world, tenant)
    yield from _messages(world, tenant)
    if not brief and first is not None:
        yield _reconnected(world, tenant)


def _announced(world: GatewayWorld, tenant: Tenant) -> WebhookReceived | None:
    """Return the first webhook that says where the session lives; where none comes, have it reconnect once."""
    if first := _first(world, tenant):
        return first
    if _received(world):
        return None
    try:
        world.gateway(_NUMBER).reconnect(tenant)
    except NotJudgedError:
        return None
    world.journal.wait_until(lambda: bool(_received(world)), timeout=world.timeout * _SHARE / 4)
    return None


def _first(world: GatewayWorld, tenant: Tenant) -> WebhookReceived | None:
    def found() -> tuple[WebhookReceived, ...]:
        return checks.locations(world.webhooks(tenant))

    world.journal.wait_until(lambda: bool(found()), timeout=world.timeout * _SHARE)
    return next(iter(found()), None)


def _received(world: GatewayWorld) -> list[WebhookReceived]:
    return [*world.history.of(WebhookReceived)]


def _silent(world: GatewayWorld, tenant: Tenant) -> Finding:
    """Return the finding about a session that was not announced, with what did come.

    Who announces other events of the session as the contract has it is attached, and leaves out one.
    """
    came = _received(world)
    if any(one.data.get("session_id") == tenant.session_id and _is_known(one.event) for one in came):
        events = few(list(dict.fromkeys(one.event for one in came)), _MOST_KEYS)
        told = f"no session_ready came, only {events}"
        return Finding("gateways", TRIED, told, "the gateway, which must announce that a session connected")
    notes = [one.text for one in world.history.of(Noted) if "could not take" in one.text]
    if not came:
        told = "; ".join(["no webhook came at all", *notes[:2]])
        return Finding("gateways", TRIED, told, _OF_CONTROL_PLANE, unattached=True)
    told = f"no session_ready came; what came is {_kinds(came)}"
    if world.is_adapted and not any(_came_to(one) == world.webhook_path for one in came):
        return Finding("gateways", TRIED, told, _of_path(world), unattached=True)
    return Finding("gateways", TRIED, told, _or_adapter(world, "received", _OF_SHAPE), unattached=True)


def _came_to(webhook: WebhookReceived) -> str:
    return webhook.raw_path or webhook.path


def _of_path(world: GatewayWorld) -> str:
    path = world.webhook_path
    return f"webhook_path of its adapter, now {path}, if its webhooks go elsewhere; or {_OF_CONTROL_PLANE}"


def _hook(world: GatewayWorld, name: str) -> str:
    return f"the hook {name} of its adapter" if world.is_adapted else f"[instance.{name}]"


def _or_adapter(world: GatewayWorld, hook: str, mend: str) -> str:
    """Return what to change where an adapter may be what is wrong."""
    return f"{_hook(world, hook)}; or {mend}" if world.is_adapted else mend


def _is_known(event: str) -> bool:
    return event in LOCATION_EVENTS | LOGIN_EVENTS


def _kinds(came: list[WebhookReceived]) -> str:
    """Return which webhooks came, by event and by their shape, without any value."""
    kinds = Counter(
        f"{one.event[:_LONGEST] or 'a webhook without an event'} at {one.path[:_LONGEST]}{shape(one.body)}"
        for one in came
    )
    return few([f"{kind} ({count} times)" if count > 1 else kind for kind, count in kinds.items()], 4, "; ")


def _aside(world: GatewayWorld, id_: str, name: str, tried: str) -> Finding | None:
    """Return the finding about what does not apply there, by the target's adapter; None where it applies."""
    why = world.not_applicable.get(id_)
    return None if why is None else Finding(name, tried, f"not applicable, by its adapter: {why}")


def _url(world: GatewayWorld, first: WebhookReceived) -> Finding:
    gateway = world.gateway(_NUMBER)
    name, tried = "their URL", "look by which URL the instance names itself"
    if aside := _aside(world, "INSTANCE-01", name, tried):
        return aside
    found = _checked(
        name,
        tried,
        lambda: checks.names(first, gateway.url, _NUMBER, gateway.stated_url),
        _OF_URL,
    )
    named = "".join(first.header("X-Instance-Url")).removesuffix("/")
    if not found.good and gateway.stated_url and checks.is_own(named, gateway.url):
        mend = "[instance] claims_as: it names itself by its own address, so leave that out"
        return Finding(found.name, found.tried, found.came_back, mend, unattached=True)
    return found


def _signature(world: GatewayWorld, first: WebhookReceived) -> Finding:
    secret = world.secrets[1]
    name, tried = "their signature", "compute the signature of what came"
    if aside := _aside(world, "INSTANCE-02", name, tried):
        return aside
    found = _checked(
        name,
        tried,
        lambda: checks.signature_verifies(first, secret),
        _OF_SIGNATURE,
    )
    given = "".join(first.header("X-HMAC-Signature"))
    if found.good or not given or world.is_adapted:
        return found
    said = "".join(first.header("X-Timestamp"))
    times = [said, *stamps(first.at), ""]
    if how := name_of(secret, said, first.body, given):
        mend = f"the gateway: it has the secret, and signs {how}; {SIGNATURE}"
        return Finding(found.name, found.tried, found.came_back, mend)
    for event in (first, *_received(world)):
        if any(knows(secret, one, event.body, given) for one in dict.fromkeys(times)):
            return found
    return Finding(found.name, found.tried, found.came_back, found.mend, unattached=True)


def _headers(world: GatewayWorld, first: WebhookReceived) -> Finding:
    name, tried = "their headers", "look where it went, and with which headers"
    if world.is_adapted and first.path != checks.PATH:
        # Where its webhooks go is for its adapter to say: nobody judges it by the contract's path.
        came = f"it went to {_came_to(first)[:_LONGEST]}"
        return Finding(name, tried, came, _of_path(world), unattached=True)
    found = _checked(
        name,
        tried,
        lambda: checks.five_headers(first),
        "the gateway, by the contract's section 5",
    )
    # Half of the path, or twice the path, is what comes of another base URL.
    built = first.path in {"", "/"} or (first.path != checks.PATH and checks.PATH in first.path)
    if not found.good and built:
        return Finding(found.name, found.tried, found.came_back, _OF_CONTROL_PLANE, unattached=True)
    return found


def _health(world: GatewayWorld, tenant: Tenant) -> Iterator[Finding]:
    gateway, mends = world.gateway(_NUMBER), _or_adapter(world, "health", _OF_HEALTH)
    for path in _HEALTH:
        answer = gateway.get(path)
        name, tried = f"their {path}", f"GET {gateway.url}{path}, with the key"
        came = f"it was answered {answer.status}{shape(answer.body)}" if answer.status else answer.body
        told = json_object(answer.body)
        if answer.status == 200 and told is not None and "sessions" in told:
            yield _checked(name, tried, partial(_holds, told, tenant, path), mends)
            continue
        # An adapter asks by a route of the gateway's own, of which a session that is missing is no matter.
        nowhere = answer.status == 404 and (world.is_adapted or is_nowhere("GET", f"{gateway.url}{path}"))
        mend = _OF_KEY if answer.status in _LOCKED else mends
        sure = nowhere or answer.status in (*_LOCKED, 405) or answer.status == 200
        yield Finding(name, tried, came, mend, unattached=sure)


def _holds(told: dict[str, object], tenant: Tenant, path: str) -> None:
    checks.counts(told, 1, 1, path)
    if path == _HEALTH[1]:
        checks.lists(told, [tenant.session_id], path)


def _messages(world: GatewayWorld, tenant: Tenant) -> Iterator[Finding]:
    gateway, text = world.gateway(_NUMBER), "does this go out?"
    posted = world.post(_NUMBER, tenant.session_id, text)
    url = f"{gateway.url}/api/messages/send"
    name, tried = "messages", f"POST {url}, over the session that connected"
    came = f"it was answered {posted.status}{shape(posted.body)}" if posted.status else posted.body
    if not posted.sent:
        locked = posted.status in _LOCKED
        sure = locked or posted.status in _OTHER_SHAPES
        if posted.status == 404:
            sure = not world.is_adapted and is_nowhere("POST", url)
        mend = _or_adapter(world, "send", _OF_MESSAGES)
        yield Finding(name, tried, came, _OF_KEY if locked else mend, unattached=sure)
        return
    yield Finding(name, tried, came)
    yield from _delivered(world, tenant, text)


def _delivered(world: GatewayWorld, tenant: Tenant, text: str) -> Iterator[Finding]:
    if not world.has_delivered:
        return
    name, tried = "what went out", f"ask {_hook(world, 'delivered')} for that message"
    texts = {text}
    try:
        listed, count = _listed(world, tenant, texts)
        if not listed:
            # It may hold back some: who lists none of many does not list what goes out.
            more = {f"does this go out too? {number}" for number in range(_MORE)}
            texts |= {one for one in sorted(more) if world.post(_NUMBER, tenant.session_id, one).sent}
            listed, count = _listed(world, tenant, texts)
    except AdapterError:
        raise
    except NotJudgedError as problem:
        mend = f'{_hook(world, "delivered")}, which lists [{{"session_id": "…", "text": "…"}}]'
        yield Finding(name, tried, str(problem), mend, unattached=True)
        return
    if text in listed:
        yield Finding(name, tried, "it is there")
    elif listed:
        came = f"it is not there, and {len(listed)} of the {len(texts) - 1} that were sent after it are"
        yield Finding(name, tried, came, "the gateway, which must send what it says that it sent")
    else:
        there = counted_as(count, "message")
        came = f"of {len(texts)} messages that the instance says it sent, none is among the {there} there"
        mend = f"{_hook(world, 'delivered')} must list what really went out"
        yield Finding(name, tried, came, mend, unattached=True)


def _listed(world: GatewayWorld, tenant: Tenant, texts: Collection[str]) -> tuple[set[str], int]:
    """Return which of these messages are listed, once any of them is, and how many messages are listed at all."""
    gateway, deadline = world.gateway(_NUMBER), time.monotonic() + _DELIVERED_SECONDS
    while True:
        told = gateway.delivered()
        listed = {one.text for one in told if one.session_id == tenant.session_id and one.text in texts}
        if listed or time.monotonic() >= deadline:
            return listed, len(told)
        threading.Event().wait(_POLL_SECONDS)


def _reconnected(world: GatewayWorld, tenant: Tenant) -> Finding:
    name, tried = "a reconnect", "have the session reconnect, and wait until it announces that"
    try:
        world.reconnect(tenant)
    except NotJudgedError as problem:
        return Finding(name, tried, str(problem), "[instance.reconnect], which connects a session again")
    first = _first(world, tenant)
    if first is None:
        events = few(list(dict.fromkeys(one.event for one in world.webhooks(tenant))), _MOST_KEYS)
        came = f"no session_reconnected came, only {events}" if events else "no webhook came"
        return Finding(
            name, tried, came, "the gateway, which must announce that a session is connected again"
        )
    return Finding(name, tried, f"{first.event} came")


def _checked(name: str, tried: str, check: Callable[[], None], mend: str) -> Finding:
    try:
        check()
    except ConformanceFailure as problem:
        came = f"{problem.observed}; expected: {problem.expected}"
        return Finding(name, tried, came, mend)
    return Finding(name, tried, "as the contract says")
