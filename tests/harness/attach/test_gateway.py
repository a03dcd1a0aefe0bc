"""A gateway instance as the harness launches and handles it, with a fake in the place of a team's own."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import requests
from flask import Flask, request
from werkzeug.serving import make_server

import harness.attach.gateway
from fake_instances.journal import Journal
from harness.attach.gateway import Gateway, HookPatience, delivered_from
from harness.attach.gateway_setup import GatewaySetup
from harness.attach.webhook_receiver import Receiver
from harness.errors import LaunchError, NotJudgedError
from harness.gateway_contract import Canned, Delivered, Hook, Tenant
from harness.history import WebhookReceived
from harness.scenario.gateway_world import GatewayWorld
from harness.targets.reader import load_target
from tests.harness.support import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

TENANT = Tenant("webjs_7_1763798326_abc", 7, "62811")
SECRETS = ("key-of-the-run", "secret-of-the-run")


@contextmanager
def gateway(**changed: Any) -> Iterator[tuple[Gateway, Journal]]:
    target = load_target("fake-gateway").gateway
    assert target is not None
    journal = Journal()
    with Receiver(journal, "127.0.0.1") as receiver:
        launched = Gateway(replace(target, **changed), 3003, "127.0.0.1", receiver.url, SECRETS, journal)
        try:
            yield launched, journal
        finally:
            launched.close()


def test_a_process_that_is_launched_again_gets_its_sessions_back() -> None:
    with gateway(restart=None) as (launched, journal):
        launched.start()
        url = launched.url
        launched.connect(TENANT)
        launched.restart([TENANT])
        assert launched.url == url
        status = f"/api/sessions/{TENANT.session_id}/status"
        assert '"connected"' in launched.get(status).body
        before = journal.last
        launched.move([TENANT])
        assert launched.url != url
        assert '"connected"' in launched.get(status).body

        def announced() -> bool:
            webhooks = [one for one in journal.entries(after=before) if isinstance(one, WebhookReceived)]
            return any(one.header("X-Instance-Url") == (launched.url,) for one in webhooks)

        assert journal.wait_until(announced, timeout=PATIENCE)
        launched.end(TENANT)
        assert launched.get(status).status == 404
        assert launched.problem is None
        launched.stop()
        assert (launched.problem, launched.url) == ("instance 3003 was ended", "")


def test_an_instance_that_was_waited_for_in_vain_is_waited_for_shorter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited = []

    def request(*_: object, patience: float, **__: object) -> requests.Response:
        waited.append(patience)
        if len(waited) == 3:
            return requests.Response()
        raise requests.ReadTimeout("no whole answer")

    monkeypatch.setattr(harness.attach.gateway, "request", request)
    with gateway() as (launched, _):
        for _ in range(4):
            launched.get("/health")
    assert waited == [30, 5, 1, 30]


def test_an_instance_is_known_by_the_url_that_its_target_states() -> None:
    with gateway() as (launched, _):
        launched.start()
        assert launched.stated_url == ""
    stated = ("http://gateway-{number}.example:{port}",)
    with gateway(claims_as=stated) as (launched, _):
        assert launched.stated_url == ""
        launched.start()
        assert launched.stated_url == f"http://gateway-3003.example:{launched.url.rpartition(':')[2]}"
    four = tuple(f"http://{letter}.example" for letter in "abcd")
    with gateway(claims_as=four) as (launched, _):
        launched.start()
        assert launched.stated_url == "http://c.example"


def test_a_move_that_no_webhook_can_show_is_not_judged() -> None:
    target = load_target("fake-gateway").gateway
    assert target is not None
    stated = replace(target, claims_as=("http://gateway-{number}.example",))
    with GatewaySetup(stated, "localhost") as setup:
        world = GatewayWorld(setup, Random(1))
        with pytest.raises(NotJudgedError, match="the same URL under every port, http://gateway-3003"):
            world.move(3003)
        world.close()


def test_a_hook_that_is_missing_or_fails_leaves_a_scenario_unjudged() -> None:
    with gateway(delivered=None, connect=Hook("POST", "{url}/nothing/here")) as (launched, _):
        launched.start()
        with pytest.raises(NotJudgedError, match=r"names no hook .*\[instance\] delivered"):
            launched.delivered()
        with pytest.raises(NotJudgedError, match="the hook connect of instance 3003 answered 404"):
            launched.connect(TENANT)


@contextmanager
def recording(*answers: str) -> Iterator[tuple[str, list[tuple[str, str | None, Any]]]]:
    """Serve these answers one after another; yield the URL, and the path, key and body of each request."""
    app, asked, left = Flask("recording"), list[tuple[str, str | None, Any]](), list(answers)

    @app.before_request
    def answer() -> str:
        path = request.environ["RAW_URI"]
        asked.append((path, request.headers.get("X-Key"), request.get_json(silent=True)))
        return left.pop(0)

    with make_server("127.0.0.1", 0, app) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.port}", asked
        finally:
            server.shutdown()
            thread.join()


def test_a_hook_of_several_calls_hands_on_what_was_answered() -> None:
    answers = ('{"data": [{"id": 17, "slug": "a/b ü"}]}', "{}", "{}")
    with recording(*answers) as (url, asked):
        first = Hook(
            "POST",
            f"{url}/workspaces",
            {"deep": [{"name": "of {workspace_id}", "number": "{workspace_id}"}]},
            {"X-Key": "{api_key} of {number}"},
            {"workspace": "data.0.id", "slug": "data.0.slug"},
        )
        second = Hook(
            "PUT",
            f"{url}/workspaces/{{workspace}}/{{slug}}",
            {"in": {"workspace": "{workspace}", "t": "{slug}"}},
        )
        later = Hook("DELETE", f"{url}/of/{{slug}}?hook={{control_plane}}")
        with gateway(connect=replace(first, then=(second,)), end=later) as (launched, _):
            launched.connect(TENANT)
            launched.end(TENANT)
            control_plane = launched._control_plane
    assert asked == [
        ("/workspaces", "key-of-the-run of 3003", {"deep": [{"name": "of 7", "number": 7}]}),
        ("/workspaces/17/a%2Fb%20%C3%BC", None, {"in": {"workspace": 17, "t": "a/b ü"}}),
        (f"/of/a%2Fb%20%C3%BC?hook={control_plane}", None, None),
    ]


@pytest.mark.parametrize(
    "answered", ["", "[]", '{"data": {}}', '{"data": {"id": null}}', '{"data": {"id": {}}}']
)
def test_an_answer_that_lacks_what_is_kept_leaves_a_scenario_unjudged(answered: str) -> None:
    with recording("{}", answered) as (url, _):
        second = Hook("POST", url, keeps={"workspace": "data.id"})
        connect = Hook("POST", url, then=(second,))
        with gateway(connect=connect) as (launched, _), pytest.raises(NotJudgedError) as raised:
            launched.connect(TENANT)
    said = "the hook connect of instance 3003, call 2 of 2, answered no text or number at data.id, which"
    assert str(raised.value).startswith(said)


def test_a_call_among_several_that_fails_is_named() -> None:
    with recording("{}") as (url, _):
        gone = Hook("POST", f"{url}/gone", then=(Hook("POST", "http://127.0.0.1:9/refused"),))
        said = "instance 3003, call 2 of 2, gave no answer"
        with gateway(connect=gone) as (launched, _), pytest.raises(NotJudgedError, match=said):
            launched.connect(TENANT)


def test_a_gateway_that_asks_the_control_plane_at_its_start_is_answered() -> None:
    target = load_target("fake-gateway").gateway
    assert target is not None
    asks = (
        "import runpy, sys, urllib.request as u; asked = u.urlopen(sys.argv.pop(1) + '/api/me').read(); "
        "print(asked, flush=True); runpy.run_module('fake_instances', run_name='__main__', alter_sys=True)"
    )
    python, _, _, *words = target.command
    asking = replace(target, command=(python, "-c", asks, "{control_plane}", *words))
    with pytest.raises(LaunchError, match="HTTP Error 404"), GatewaySetup(asking, "127.0.0.1"):
        pass
    canned = (Canned("GET", "/api/me", 200, {"hook": "{control_plane}"}),)
    with GatewaySetup(replace(asking, control_plane=canned), "127.0.0.1") as setup:
        assert all(one.problem is None for one in setup.gateways.values())


def test_a_gateway_that_does_not_come_up_is_reported_with_its_last_output() -> None:
    with (
        gateway(command=("{python}", "-c", "print('no browser'); raise SystemExit(3)")) as (launched, _),
        pytest.raises(LaunchError, match=r"instance 3003 exited with status 3(.|\n)*no browser"),
    ):
        launched.start()


def test_an_address_of_another_machine_is_reported_with_what_to_do() -> None:
    gateway = load_target("fake-gateway").gateway
    assert gateway is not None

    # The address is one that documentation is given, and no machine has.
    with (
        pytest.raises(LaunchError, match="choose an address with --fleet-address"),
        GatewaySetup(gateway, "203.0.113.9"),
    ):
        pass


@pytest.mark.parametrize(
    "told",
    [
        [{"session_id": "s", "text": "hello"}],
        {"total": 1, "messages": [{"session_id": "s", "message": "hello", "to": "62"}]},
    ],
)
def test_what_went_out_is_read_from_a_list_wherever_it_stands(told: object) -> None:
    assert delivered_from(told) == (Delivered("s", "hello"),)


@pytest.mark.parametrize("told", [7, {}, {"a": [], "b": []}, [7], [{"session_id": "s"}], [{"text": "hello"}]])
def test_an_answer_without_one_list_of_messages_is_refused(told: Any) -> None:
    with pytest.raises(ValueError, match="must"):
        delivered_from(told)


def test_a_hook_is_waited_for_shorter_after_each_silence_whatever_others_answer() -> None:
    patience, waited = HookPatience(), []
    for silent in (True, True, True, False, True):
        waited.append(patience.seconds("connect"))
        patience.ended("connect", silent=silent)
        patience.ended("get", silent=False)

    assert waited == [30.0, 5.0, 1.0, 1.0, 30.0]
    assert (patience.seconds("connect"), patience.seconds("get")) == (5.0, 30.0)
