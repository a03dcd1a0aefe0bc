"""One scenario's view of the gateway instances under test."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from harness.adapters.base import WEBHOOK_PATH, overrides
from harness.checks import gateways as checks
from harness.errors import ConformanceFailure, NotJudgedError
from harness.gateway_contract import NUMBERS, Answer, Tenant
from harness.history import History, MessagePosted, WebhookReceived, json_object
from harness.scenario.traffic import Traffic, post

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from random import Random

    from fake_instances.journal import Journal
    from harness.attach.gateway import Gateway
    from harness.attach.gateway_setup import GatewaySetup
    from harness.attach.webhook_receiver import Receiver

_HEALTH = ("/health", "/health/detailed")
_LOGGING_IN = ("qr_scanning", "authenticated")
_LETTERS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class GatewayWorld:
    """What the steps of one scenario about gateway instances act on. `close` restores everything.

    Args:
        setup: the instances, shared with other scenarios of this worker.
        random: this scenario's own source of names, derived from the run's seed.

    """

    def __init__(self, setup: GatewaySetup, random: Random) -> None:
        self._setup = setup
        self._random = random
        self.journal: Journal = setup.journal
        self.receiver: Receiver = setup.receiver
        self.secrets = setup.secrets
        setup.journal.forget()  # what webhooks of earlier scenarios said, which may be much
        self._started = setup.journal.last
        self._held: dict[Tenant, int] = {}
        setup.receiver.holder = self._holder
        self._acted = self._started
        self.logs_in_anew = False
        self.tenants: list[Tenant] = []
        self._seen: dict[tuple[int, str], Answer] = {}

    @property
    def history(self) -> History:
        """Everything that happened in this scenario so far."""
        return History(self.journal.entries(after=self._started))

    @property
    def timeout(self) -> float:
        """The shortest time that anything is judged by, in seconds."""
        return self._setup.target.patience

    @property
    def is_adapted(self) -> bool:
        """Whether an adapter speaks for the gateway: its routes and signatures are then of its own kinds."""
        return self._setup.target.adapter is not None

    @property
    def not_applicable(self) -> Mapping[str, str]:
        """The ids of the requirements that have no meaning for these instances, each with the reason."""
        return self._setup.target.not_applicable

    @property
    def tenant(self) -> Tenant:
        """The last tenant, whose session the scenario is about."""
        return self.tenants[-1]

    @property
    def has_delivered(self) -> bool:
        """Whether the target or its adapter lists what really went out."""
        target = self._setup.target
        return target.delivered is not None or (
            target.adapter is not None and overrides(target.adapter, "delivered")
        )

    @property
    def webhook_path(self) -> str:
        """Where its webhooks go on the control plane: the contract's path, or its adapter's."""
        adapter = self._setup.target.adapter
        return WEBHOOK_PATH if adapter is None else adapter.webhook_path

    def gateway(self, number: int) -> Gateway:
        """Return an instance by its number."""
        return self._setup.gateways[number]

    # Sessions

    def new_tenant(self, session_id: str | None = None) -> Tenant:
        """Make up a session that no instance holds yet."""
        workspace = self._random.randint(2, 9000)
        suffix = "".join(self._random.choices(_LETTERS, k=8))
        name = session_id or f"webjs_{workspace}_{self._random.randint(1, 2**31)}_{suffix}"
        tenant = Tenant(name, workspace, f"628{self._random.randint(10**8, 10**9 - 1)}")
        self.tenants.append(tenant)
        return tenant

    def connect(self, number: int, *, announced: bool = True) -> Tenant:
        """Have a new session connect on an instance and, unless `announced` is off, wait until it announces that.

        NotJudgedError if it does not.
        """
        tenant = self.new_tenant()
        self.act()
        self.hold(tenant, number)
        if announced and not checks.locations(webhooks := self.await_location(tenant)):
            events = ", ".join(dict.fromkeys(one.event for one in webhooks))
            told = f"; it sent only {events}" if events else ""
            raise NotJudgedError(f"instance {number} never announced that a session connected{told}")
        return tenant

    def hold(self, tenant: Tenant, number: int) -> None:
        """Have a session connect on an instance."""
        self._held[tenant] = number
        self.gateway(number).connect(tenant)

    def create(self, number: int) -> Tenant:
        """Have a new session wait for its QR code on an instance."""
        tenant = self.new_tenant()
        self._held[tenant] = number
        self.gateway(number).create(tenant)
        return tenant

    def end(self, tenant: Tenant) -> None:
        """End a session permanently."""
        self.gateway(self._held.pop(tenant)).end(tenant)

    def reconnect(self, tenant: Tenant, *, called: str = "") -> None:
        """Have a session reconnect on the instance that holds it, and see whether that logs in anew."""
        self.act()
        self.gateway(self._held[tenant]).reconnect(tenant, called=called)
        self.logs_in_anew = self._status(tenant.session_id) in _LOGGING_IN

    def held(self, number: int) -> tuple[Tenant, ...]:
        """Return the tenants whose sessions an instance holds."""
        return tuple(tenant for tenant, on in self._held.items() if on == number)

    # Acting

    def act(self) -> None:
        """Mark the moment from which webhooks count."""
        self._acted = self.journal.last

    def move(self, number: int) -> None:
        """Restart an instance on another port.

        NotJudgedError if it keeps the URL by which it names itself.
        """
        gateway = self.gateway(number)
        before = gateway.stated_url
        gateway.move(self.held(number), ended=self.act)
        if before and gateway.stated_url == before:
            raise NotJudgedError(
                f"claims_as gives instance {number} the same URL under every port, {before}: no webhook shows "
                "that it moved; if its URL has the port in it, write {port} there"
            )

    def post(self, number: int, session_id: str, text: str) -> MessagePosted:
        """Hand a message to an instance."""
        return post(self.journal, self.gateway(number), number, session_id, text)

    def restart_in_turn(self) -> None:
        """Restart one instance after another while messages flow through all of them.

        Each sends messages before and after its restart, and before the next one's. A message that got no answer
        is handed over again afterwards, when it did not go out.
        """
        tenants = {number: self.connect(number) for number in NUMBERS}
        gateways = {number: self.gateway(number) for number in NUMBERS}
        traffic = Traffic(self.journal, gateways, tenants, self._setup.target.patience)
        self.act()
        with traffic.flowing():
            for number, tenant in tenants.items():
                traffic.wait_for_more(number, 3)
                gateways[number].restart([tenant])
                traffic.wait_for_more(number, 3)
        went_out = {one for gateway in gateways.values() for one in gateway.delivered()}
        said_sent = {one.message for one in self.posted() if one.sent}
        for one in {one.message: one for one in self.posted()}.values():
            if one.message not in went_out | said_sent:
                self.post(one.instance, one.session_id, one.text)

    def ask_back(self) -> None:
        """Have the receiver ask the instance for the session's status before it answers a location webhook."""
        self.receiver.ask_back = self._status

    def _status(self, session_id: str) -> str | None:
        number = self._holder(session_id)
        if number is None:
            return None
        answer = self.gateway(number).get(f"/api/sessions/{session_id}/status")
        if answer.status != 200:
            return str(answer.status)
        return str((json_object(answer.body) or {}).get("status", answer.body[:200]))

    # Looking

    def webhooks(self, tenant: Tenant) -> tuple[WebhookReceived, ...]:
        """Return the webhooks about a session that arrived since the scenario last acted."""
        received = History(self.journal.entries(after=self._acted)).of(WebhookReceived)
        return tuple(one for one in received if one.data.get("session_id") == tenant.session_id)

    def await_location(self, tenant: Tenant) -> tuple[WebhookReceived, ...]:
        """Wait, as long as the target's patience, until a webhook says where a session lives; return all about it."""
        return self._await(tenant, lambda webhooks: bool(checks.locations(webhooks)))

    def await_event(self, tenant: Tenant, event: str) -> tuple[WebhookReceived, ...]:
        """Wait as long until an event of a session is announced, and return all webhooks about it."""
        return self._await(
            tenant, lambda webhooks: checks.announcement(webhooks, event, anew=self.logs_in_anew) is not None
        )

    def await_tries(self, tenant: Tenant, count: int) -> tuple[WebhookReceived, ...]:
        """Wait as long until a location webhook about a session was tried so often, and return its tries."""
        return checks.tries(self._await(tenant, lambda webhooks: len(checks.tries(webhooks)) >= count))

    def _await(
        self, tenant: Tenant, enough: Callable[[tuple[WebhookReceived, ...]], bool]
    ) -> tuple[WebhookReceived, ...]:
        patience = self._setup.target.patience
        self.journal.wait_until(lambda: enough(self.webhooks(tenant)), timeout=patience)
        return self.webhooks(tenant)

    def posted(self) -> tuple[MessagePosted, ...]:
        """Return every message that was handed over in this scenario."""
        return tuple(self.history.of(MessagePosted))

    def look_at_health(self, *numbers: int) -> None:
        """Ask both health routes of instances, and remember the answers."""
        self._seen = {
            (number, path): self.gateway(number).get(path) for number in numbers for path in _HEALTH
        }

    def answers_of(self, path: str) -> dict[int, Answer]:
        """Return the remembered answers of a health route, by instance."""
        return {number: answer for (number, one), answer in self._seen.items() if one == path}

    def health(self, *paths: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Return the remembered JSON objects of these health routes, or both, each with its place in words.

        Raises:
            ConformanceFailure: one was not answered so.
        """
        for (number, path), answer in self._seen.items():
            if path in (paths or _HEALTH):
                where = f"{path} of instance {number}"
                if answer.status != 200:
                    raise ConformanceFailure(
                        f"{where} answers", f"it answered {answer.status} {answer.body[:200]}"
                    )
                yield where, _object(answer)

    def held_where_looked(self) -> tuple[str, ...]:
        """Return the ids of the sessions on the instances whose health was asked."""
        numbers = {number for number, _ in self._seen}
        return tuple(one.session_id for number in sorted(numbers) for one in self.held(number))

    # Ending

    def check_faults_fired(self) -> None:
        """Check that every webhook was understood; no scenario about gateway instances arms a fault."""
        self._setup.check_adapter()

    def check_controls(self) -> None:
        """Do nothing: no scenario about gateway instances has a control."""

    @property
    def written(self) -> Mapping[Path, str]:
        """No file: instances are told of by what they do."""
        return {}

    def check_implementation_runs(self) -> None:
        """Check that no instance ended by itself. A failure has its last output."""
        for number in NUMBERS:
            if (problem := self.gateway(number).problem) is not None:
                raise ConformanceFailure(f"instance {number} goes on running", problem)

    def close(self) -> None:
        """Accept every webhook again, end every session, and launch instances that have ended."""
        self.receiver.behave()
        for number, gateway in self._setup.gateways.items():
            if gateway.problem is not None:
                gateway.stop()
                gateway.start()
            for tenant in self.held(number):
                with contextlib.suppress(NotJudgedError):
                    gateway.end(tenant)
        self._held.clear()

    def _holder(self, session_id: str) -> int | None:
        held = tuple(self._held.items())  # a copy: a step may have another session connect meanwhile
        return next((on for one, on in held if one.session_id == session_id), None)


def _object(answer: Answer) -> dict[str, Any]:
    told = json_object(answer.body)
    if told is None:
        raise ConformanceFailure("an instance answers a JSON object", f"it answered {answer.body[:200]!r}")
    return told
