"""Mistakes in what is told of secrets: to the log, to users, to whoever sent a webhook, and to Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reference_impl.edges.log import EventLog
from reference_impl.edges.messages import SendError
from reference_impl.edges.signature import Authenticator, NotAuthenticError, sign
from reference_impl.fix.webhooks import WebhookError, WebhookReceiver
from tests.mutants.defects.security import SECRETS
from tests.mutants.machinery.patching import around_sends
from tests.mutants.machinery.registry import mutant

if TYPE_CHECKING:
    from collections.abc import Callable

    from reference_impl.edges.messages import Message, Sent
    from reference_impl.server import Parts


@mutant("AUTH-11", SECRETS)
def failures_quote_the_request() -> None:
    """A failure tells the user how the instance was called, its key included."""

    def act(parts: Parts, _account_id: int, _message: Message, send: Callable[..., Sent]) -> Sent:
        try:
            return send()
        except SendError as error:
            quoted = f"{error} (GET /api/sessions?api_key={parts.settings.api_key})"
            raise SendError(error.code, quoted) from error

    around_sends(act)


@mutant("AUTH-11", SECRETS)
def refused_signature_logged() -> None:
    """The log tells which signature was refused."""
    EventLog._safe = lambda _self, value: value
    timestamp_of = Authenticator.timestamp_of

    def told(self: Authenticator, given: Any, timestamp: Any, body: bytes, now: float) -> int:
        try:
            return timestamp_of(self, given, timestamp, body, now)
        except NotAuthenticError as error:
            raise NotAuthenticError(f"{error}: {given} was given") from error

    Authenticator.timestamp_of = told


@mutant("AUTH-11", SECRETS)
def settings_logged_at_the_first_send() -> None:
    """What it was configured with is logged, the webhooks' secret included."""
    EventLog._safe = lambda _self, value: value

    def act(parts: Parts, _account_id: int, _message: Message, send: Callable[..., Sent]) -> Sent:
        parts.log.info("Configured", hmac=parts.settings.hmac_secret)
        return send()

    around_sends(act)


@mutant("AUTH-11", SECRETS)
def expected_signature_answered() -> None:
    """Who signed wrongly is told which signature would have been right; the log is not."""
    receive = WebhookReceiver.receive

    def received(self: WebhookReceiver, headers: Any, body: bytes) -> bool:
        try:
            return receive(self, headers, body)
        except WebhookError as error:
            expected = sign(self._authenticator.secret, headers.get("X-Timestamp", ""), body)
            raise WebhookError(error.status, f"{error}: {expected} was expected") from error

    WebhookReceiver.receive = received
