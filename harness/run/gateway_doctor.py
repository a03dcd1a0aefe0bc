"""Finds out, before any judging, whether the harness and gateway instances understand each other.

It looks at webhooks as the scenarios do: an answer of its own could be another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checks import gateways as checks
from harness.errors import ConformanceFailure
from harness.run.doctor import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.scenario.gateway_world import GatewayWorld

_NUMBER = 3001
TRIED = "launch four gateway instances, have a session connect on one, and wait until it announces that"
_OF_URL = (
    "[instance] claims_as, if that is how it is known; else the gateway, which must name itself by the port that it "
    "is given as PORT"
)
_OF_SIGNATURE = (
    "[instance] variables, by which it is given HMAC_SECRET, if it knows another one; else the gateway, by the "
    "contract's section 5"
)


def examine_gateways(world: GatewayWorld) -> Iterator[Finding]:
    """Have a session connect, and look at how that is announced. NotJudgedError if it is not announced at all."""
    tenant = world.connect(_NUMBER)
    gateway, webhooks = world.gateway(_NUMBER), world.webhooks(tenant)
    (first, *_) = checks.locations(webhooks)
    yield Finding("gateways", TRIED, f"{first.event} came")
    world.check_faults_fired()
    yield _found(
        world.not_applicable.get("INSTANCE-01", ""),
        "their URL",
        "look by which URL the instance names itself",
        lambda: checks.names(first, gateway.url, _NUMBER, gateway.stated_url),
        _OF_URL,
    )
    yield _found(
        world.not_applicable.get("INSTANCE-02", ""),
        "their signature",
        "compute the signature of what came",
        lambda: checks.signature_verifies(first, world.secrets[1]),
        _OF_SIGNATURE,
    )


def _found(aside: str, name: str, tried: str, check: Callable[[], None], mend: str) -> Finding:
    if aside:
        return Finding(name, tried, f"not applicable, by its adapter: {aside}")
    try:
        check()
    except ConformanceFailure as problem:
        return Finding(name, tried, f"{problem.observed}; expected: {problem.expected}", mend)
    return Finding(name, tried, "as the contract says")
