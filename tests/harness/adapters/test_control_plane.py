"""A control plane behind an adapter: its rows and messages go through its hooks, and one that fails judges nobody."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from fake_instances import Fleet
from fake_instances.addresses import InstanceAddress
from fake_instances.faults import Answer, Endpoint, Omits
from fake_instances.hosts.threads import ThreadHost
from fake_instances.sessions import Session
from harness.adapters import Webhook
from harness.adapters.base import WEBHOOK_PATH
from harness.adapters.evolution_api import EvolutionApi
from harness.adapters.loading import load_adapters
from harness.adapters.signatures import hmac_of, signed_as
from harness.adapters.values import Given, NoReplyError
from harness.adapters.waha import Waha
from harness.attach.adapted.fleet import FleetDialect
from harness.attach.http import request
from harness.catalogue.verdict import Outcome
from harness.errors import AdapterError
from harness.history import json_object
from tests.harness.adapters.judged import HOST, judged
from tests.harness.support import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import requests

    from harness.adapters import Call, Reply

KEY, SECRET = "key-of-the-run", "secret-of-the-run"
SESSION = Session("webjs 1/2", 7, "62811")

ACME = """\
from harness.adapters import ControlPlaneAdapter

class Acme(ControlPlaneAdapter):
"""
ROWS = (
    ACME
    + """\
    kept = {}

    def write_row(self, row):
        self.kept[row["id"]] = {"sid": row["session_id"], **row}

    def read_row(self, account_id):
        return self.kept.get(account_id)

    def remove_rows(self, account_ids):
        for one in account_ids:
            self.kept.pop(one, None)
"""
)
TARGET = """\
[implementation]
name = "acme"
adapter = "adapter.py"
[launch]
command = ["{python}", "-m", "reference_impl"]
"""


def verified(folder: Path, text: str, *requirements: str) -> tuple[int, dict[str, tuple[Outcome, str]]]:
    (folder / "adapter.py").write_text(text, "utf-8")
    (folder / "acme.toml").write_text(TARGET, "utf-8")
    chosen = [word for name in requirements for word in ("--requirement", name)]
    code, report = judged(folder / "acme.toml", folder, "--unchecked", *chosen)
    found = {name: report.requirement(name) for name in requirements}
    return code, {name: (one.outcome, " ".join(one.reasons)) for name, one in found.items()}


def test_a_hook_that_fails_is_told_by_its_line_and_convicts_nobody(tmp_path: Path) -> None:
    text = f"{ACME}    def webhook(self, webhook):\n        return webhook.nothing_of_this_name\n"
    code, found = verified(tmp_path, text, "WEBHOOK-06")
    outcome, why = found["WEBHOOK-06"]
    assert (code, outcome) == (2, Outcome.NOT_JUDGED)
    assert f"{tmp_path}/adapter.py:5: in webhook: AttributeError" in why


def test_a_hook_that_returns_something_else_is_told_too(tmp_path: Path) -> None:
    code, found = verified(
        tmp_path, f"{ACME}    def send(self, message, call):\n        return 200\n", "VERIFY-01"
    )
    outcome, why = found["VERIFY-01"]
    assert (code, outcome) == (2, Outcome.NOT_JUDGED)
    assert "adapter.py:4: send returned int, and must return Reply" in why


def test_rows_go_through_its_hooks(tmp_path: Path) -> None:
    # The reference has its rows in a database: what is kept here alone is never seen, so nothing can be sent.
    code, found = verified(tmp_path, ROWS, "VERIFY-01")
    assert code == 2
    assert found["VERIFY-01"][0] is Outcome.NOT_JUDGED


# The dialects


@pytest.fixture(params=["waha", "evolution_api"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Fleet, FleetDialect]]:
    adapters = load_adapters(request.param, tmp_path)
    assert adapters.control_plane is not None
    dialect = FleetDialect(adapters.control_plane, KEY)
    addresses = [InstanceAddress(3001, HOST, 0)]
    with Fleet(addresses, api_key=KEY, secret=SECRET, hosting=ThreadHost(dialect)) as started:
        started.hold(SESSION, 3001)
        yield request.param, started, dialect


def test_the_fakes_answer_in_the_gateway_s_dialect(fleet: tuple[str, Fleet, FleetDialect]) -> None:
    name, started, dialect = fleet
    waha = name == "waha"
    key = "X-Api-Key" if waha else "apikey"
    listed = "/api/sessions" if waha else "/instance/fetchInstances"
    status = "/api/sessions/" if waha else "/instance/connectionState/"

    def ask(method: str, path: str, body: object = None, given: str = KEY) -> requests.Response:
        url = started.url(3001) + path
        return request(method, url, patience=PATIENCE, body=body, headers={key: given})

    def send(session: str) -> requests.Response:
        quoted = session.replace("/", "%2F").replace(" ", "%20")
        if waha:
            return ask(
                "POST", "/api/sendText", {"session": session, "chatId": "628123456789@c.us", "text": "hello"}
            )
        return ask("POST", f"/message/sendText/{quoted}", {"number": "628123456789", "text": "hello"})

    (one,) = ask("GET", listed).json()
    assert one["name"] == SESSION.session_id
    assert one["status" if waha else "connectionStatus"] == ("WORKING" if waha else "open")
    told = ask("GET", f"{status}webjs%201%2F2").json()
    assert told["status"] == "WORKING" if waha else told["instance"]["state"] == "open"
    assert ask("GET", f"{status}nobody").status_code == 404
    assert ask("GET", listed, given="another").status_code == 401
    assert ask("GET", "/health/detailed").status_code == 404
    assert send(SESSION.session_id).status_code == 201
    assert send("nobody").status_code == (422 if waha else 404)

    started.arm(Omits(session_id=SESSION.session_id), 3001, [Endpoint.SESSION_LIST])
    assert ask("GET", listed).json() == []
    started.clear(3001)
    started.arm(Answer(status=503, body="ordered"), 3001, [Endpoint.SEND])
    assert (send(SESSION.session_id).status_code, send(SESSION.session_id).text) == (503, "ordered")
    dialect.check()


def _ask(_: Call) -> Reply:
    raise NoReplyError("nobody is there")


def contract_webhook(secret: str = SECRET) -> Webhook:
    body = b'{"event":"session_ready","data":{"session_id":"s","workspace_id":7,"phone_number":"62811"}}'
    stamp = str(int(time.time()))
    headers = (
        ("Content-Type", "application/json"),
        ("X-HMAC-Signature", hmac_of(secret, stamp.encode() + body)),
        ("X-Timestamp", stamp),
        ("X-Instance-Url", "http://localhost:3002"),
    )
    return Webhook(WEBHOOK_PATH, headers, body)


@pytest.mark.parametrize(("secret", "right"), [(SECRET, True), ("another", False)])
def test_a_webhook_of_waha_is_as_right_or_as_wrong_as_it_was(secret: str, *, right: bool) -> None:
    made = Waha(Given(lambda: "", KEY, SECRET, _ask)).webhook(contract_webhook(secret))
    signed = made.header("X-Webhook-Hmac") == hmac_of(SECRET, made.body, "sha512")
    assert signed is right
    assert (made.at("event"), made.at("session"), made.at("payload", "status")) == (
        "session.status",
        "s",
        "WORKING",
    )
    assert made.header("X-Instance-Url") == "http://localhost:3002"
    assert made.header("X-HMAC-Signature") is None


def test_a_webhook_of_evolution_api_has_its_location_in_its_body() -> None:
    made = EvolutionApi(Given(lambda: "", KEY, SECRET, _ask)).webhook(contract_webhook())
    assert made.at("server_url") == "http://localhost:3002"
    assert (made.at("event"), made.at("data", "state")) == ("connection.update", "open")
    assert made.header("X-Instance-Url") is None


def test_what_is_not_signed_is_not_signed_by_translation() -> None:
    webhook = contract_webhook()
    bare = Webhook(webhook.path, webhook.headers[:1], webhook.body)
    assert signed_as(bare, SECRET, b"else") is None
    assert json_object(webhook.body)


def test_an_answer_that_cannot_be_translated_is_remembered(tmp_path: Path) -> None:
    hooks = "    def asked(self, call):\n        return call\n    def answered(self, call, reply):\n        1 / 0\n"
    (tmp_path / "adapter.py").write_text(ACME + hooks)
    adapters = load_adapters("adapter.py", tmp_path)
    assert adapters.control_plane is not None
    dialect = FleetDialect(adapters.control_plane, KEY)
    assert dialect.asked("GET", "/health", (), b"") == ("GET", "/health", b"")
    assert dialect.answered(("GET", "/health", (), b""), 200, b"{}") == (200, b"{}")
    with pytest.raises(AdapterError, match=r"adapter\.py:7: in answered: ZeroDivisionError"):
        dialect.check()
    dialect.check()
