"""Secrets that reach the log, users, senders of webhooks or Prometheus."""

from __future__ import annotations

from reference_impl.edges.instances import InstanceClient
from reference_impl.edges.log import EventLog
from reference_impl.edges.messages import SendError
from reference_impl.edges.signature import Authenticator, NotAuthenticError, sign
from reference_impl.fix.webhooks import WebhookError, WebhookReceiver
from tests.mutants.defects.security import SECRETS, SECRETS_DEPLOYED
from tests.mutants.machinery.patching import around, around_sends
from tests.mutants.machinery.registry import mutant


@mutant("AUTH-11", SECRETS, SECRETS_DEPLOYED)
def failures_quote_the_request() -> None:
    """A failure quotes the request to the instance, including its key."""

    def act(parts, _account_id, _message, send):
        try:
            return send()
        except SendError as error:
            quoted = f"{error} (GET /api/sessions?api_key={parts.settings.api_key})"
            raise SendError(error.code, quoted) from error

    around_sends(act)


@mutant("AUTH-11", SECRETS, SECRETS_DEPLOYED)
def refused_signature_logged() -> None:
    """The log quotes the refused signature."""
    EventLog._safe = lambda _self, value: value

    @around(Authenticator, "timestamp_of")
    def told(timestamp_of, self, given, *rest):
        try:
            return timestamp_of(self, given, *rest)
        except NotAuthenticError as error:
            raise NotAuthenticError(f"{error}: {given} was given") from error


@mutant("AUTH-11", SECRETS, SECRETS_DEPLOYED)
def settings_logged_at_the_first_send() -> None:
    """The settings are logged, including the secret of the webhooks."""
    EventLog._safe = lambda _self, value: value

    def act(parts, _account_id, _message, send):
        parts.log.info("Configured", hmac=parts.settings.hmac_secret)
        return send()

    around_sends(act)


@mutant("AUTH-11", SECRETS, SECRETS_DEPLOYED)
def expected_signature_answered() -> None:
    """The answer to a wrong signature quotes the right one."""

    @around(WebhookReceiver, "receive")
    def received(receive, self, headers, body):
        try:
            return receive(self, headers, body)
        except WebhookError as error:
            expected = sign(self._authenticator.secret, headers.get("X-Timestamp", ""), body)
            raise WebhookError(error.status, f"{error}: {expected} was expected") from error


@mutant("AUTH-11", SECRETS_DEPLOYED)
def addresses_of_questions_logged() -> None:
    """Each question to an instance is logged with its whole address, to which some routes need the key."""
    EventLog._safe = lambda _self, value: value
    logs = []

    @around(EventLog, "__init__")
    def opened(init, self, *given, **more):
        init(self, *given, **more)
        logs.append(self)

    @around(InstanceClient, "_url")
    def told(url, self, base, target):
        address = url(self, base, target)
        logs[-1].info("Asking", url=address)
        return address
