"""Both HTTP interfaces under made-up requests: they answer only what their documents say, and never fail.

Every request derives from one seed, printed with a failure. Nothing leaves for any address but the fleet's own.
"""

from __future__ import annotations

import re
import socket
import sys
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, configuration, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from fake_instances.control.openapi import gateway_document
from fake_instances.control.server import ControlServer
from fake_instances.faults import HoldWebhook
from fake_instances.routes.app import ROUTES
from tests.fake_instances.support import API_KEY, PATIENCE, SESSION, SESSION_ID, address_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from schemathesis import BaseSchema, Case

    from fake_instances import Fleet

SEED = 142
EXAMPLES = 12
"""Requests made up for each operation and mode."""
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)


@pytest.fixture(autouse=True)
def no_trace(tmp_path: Path) -> Iterator[None]:
    """Keep what hypothesis stores out of the checkout."""
    configuration.set_hypothesis_home_dir(tmp_path)
    yield
    configuration.set_hypothesis_home_dir(None)


@pytest.fixture
def only_to(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Refuse every connection and every look-up of a name but to the addresses given."""
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def limit(*urls: str) -> None:
        allowed = {address_of(url) for url in urls}

        def guarded(own: socket.socket, address: Any) -> None:
            if own.family == socket.AF_INET and address[:2] not in allowed:
                raise ConnectionRefusedError(f"{address} is none of the fleet's")
            connect(own, address)

        def known(host: Any, port: Any, *more: Any, **others: Any) -> Any:
            if (host, port) not in allowed:
                raise socket.gaierror(f"{host}:{port} is none of the fleet's")
            return look_up(host, port, *more, **others)

        monkeypatch.setattr(socket.socket, "connect", guarded)
        monkeypatch.setattr(socket, "getaddrinfo", known)

    return limit


def fuzz(schema: BaseSchema, aim: Callable[[Case], None], begin: Callable[[], object] = lambda: None) -> int:
    """Send made-up requests of every operation; return how many. `aim` may make one more likely to hit."""
    sys.stdout.write(f"seed {SEED}\n")
    sent = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in GenerationMode:
            begin()

            @hypothesis.seed(SEED)
            @settings(
                max_examples=EXAMPLES,
                database=None,
                deadline=None,
                phases=[Phase.explicit, Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
            def check(case: Case) -> None:
                nonlocal sent
                aim(case)
                sent += 1
                case.call_and_validate(checks=list(CHECKS), timeout=PATIENCE)

            try:
                check()
            except hypothesis.errors.Unsatisfiable:
                assert mode is GenerationMode.NEGATIVE, f"nothing could be made up for {operation.label}"
    return sent


def authorised(case: Case) -> None:
    """Put the right key into every other request, and a known session into every other one."""
    aimed = len(repr(case.body)) % 2 == 0 or case.method == "GET"
    if isinstance(case.body, dict) and "api_key" in case.body and aimed:
        case.body["api_key"] = API_KEY
        if isinstance(case.body.get("session_id"), str) and len(case.body["session_id"]) % 2:
            case.body["session_id"] = SESSION_ID
    if "api_key" in case.query and len(str(case.query["api_key"])) % 4:
        case.query["api_key"] = API_KEY
    if len(str(case.path_parameters.get("session_id", ""))) % 2:
        case.path_parameters["session_id"] = SESSION_ID


def harmless(case: Case, webhooks: list[int]) -> None:
    """Name instances, sessions and webhooks that are known in every other order, and wait for nothing."""
    for named in (case.path_parameters, case.body):
        if not isinstance(named, dict):
            continue
        for name in ("instance", "to", "after_answer_of"):
            if type(named.get(name)) is int:
                named[name] = (3001, 3002, named[name])[named[name] % 3]
        if isinstance(named.get("session_id"), str) and len(named["session_id"]) % 2:
            named["session_id"] = SESSION_ID
        if type(named.get("webhook")) is int:
            named["webhook"] = (webhooks[-1], named["webhook"])[named["webhook"] % 2]
        if isinstance(named.get("timeout"), int | float):
            named["timeout"] = min(named["timeout"], 0)
    if str(case.query.get("wait", "")).isdecimal():
        case.query["wait"] = 0


@pytest.mark.thorough
def test_an_instance_answers_only_what_its_document_says(fleet: Fleet, only_to: Callable[..., None]) -> None:
    only_to(fleet.url(3001))
    schema = schemathesis.openapi.from_dict(gateway_document())
    schema.config.update(base_url=fleet.url(3001))
    assert fuzz(schema, authorised, lambda: fleet.hold(SESSION, on=3001)) > EXAMPLES


@pytest.mark.thorough
def test_the_control_api_answers_only_what_its_document_says(
    fleet: Fleet, only_to: Callable[..., None]
) -> None:
    webhooks: list[int] = []

    def begin() -> None:
        fleet.reset()
        fleet.hold(SESSION, on=3001)
        fleet.control_plane = fleet.url(3002)
        webhooks.append(fleet.send(fleet.webhook(SESSION, 3001, "message_received")).wait().webhook)
        fleet.arm(HoldWebhook(), 3001)

    with ControlServer(fleet) as control:
        only_to(control.url, *fleet.urls)
        schema = schemathesis.openapi.from_url(f"{control.url}/openapi.json")
        assert fuzz(schema, lambda case: harmless(case, webhooks), begin) > EXAMPLES
    fleet.reset()
    assert all(fleet.report(number)["running"] for number in fleet.numbers)


def test_every_route_of_an_instance_is_described_and_no_other() -> None:
    served = {(re.sub(r"<(\w+)>", r"{\1}", route.path), route.method.lower()) for route in ROUTES}
    described = {(path, method) for path, ways in gateway_document()["paths"].items() for method in ways}
    assert described == served
