"""What goes wrong with a webhook that an instance is about to send. Pure."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Le
from pydantic.dataclasses import dataclass

from fake_instances.faults.base import CONFIG, Endpoint, Fault, Seconds


@dataclass(frozen=True, config=CONFIG)
class Alteration:
    """How a webhook differs from the genuine one. What is not given stays as it is.

    After a change of body, timestamp or secret it is signed again, unless `signed` is false; then the old signature
    stays. Any text goes out as it is, even with an end of line in it.
    """

    claim: str | None = None
    """The text of X-Instance-Url."""
    timestamp: str | None = None
    """The text of X-Timestamp."""
    secret: str | None = None
    """What it is signed with instead of the shared secret."""
    body: bytes | None = None
    """The body, any bytes."""
    signed: bool = True
    """Whether it is signed again after these changes."""
    signature: str | None = None
    """The text of X-HMAC-Signature."""
    flipped_digit: Annotated[int, Ge(-64), Le(63)] | None = None
    """Which digit of the signature is changed, counted from 0, or from -1 backwards."""
    headers: tuple[tuple[str, str], ...] = ()
    """Headers that get another value, or are added, after signing."""
    second: tuple[tuple[str, str], ...] = ()
    """Headers that are sent a second time, after the others."""
    without: tuple[str, ...] = ()
    """Headers that are missing."""

    def __post_init__(self) -> None:
        if self.signature is None or self.flipped_digit is None:
            return
        if not -len(self.signature) <= self.flipped_digit < len(self.signature):
            raise ValueError(
                f"a signature of {len(self.signature)} digits has no digit {self.flipped_digit} to flip"
            )

    def __str__(self) -> str:
        changed = [name for name, value in _parts(self) if value not in (None, (), True)]
        return ", ".join(changed) if changed else "nothing"


def _parts(alteration: Alteration) -> list[tuple[str, object]]:
    return [
        ("another location", alteration.claim),
        ("another timestamp", alteration.timestamp),
        ("another secret", alteration.secret),
        ("another body", alteration.body),
        ("its old signature", not alteration.signed or None),
        ("another signature", alteration.signature),
        ("a flipped digit", alteration.flipped_digit),
        (f"another {', '.join(name for name, _ in alteration.headers)}", alteration.headers),
        (f"a second {', '.join(name for name, _ in alteration.second)}", alteration.second),
        (f"no {', '.join(alteration.without)}", alteration.without),
    ]


class WebhookFault(Fault):
    """Base of what goes wrong with a webhook."""

    endpoints = usual = frozenset({Endpoint.WEBHOOK})


class LoseWebhook(WebhookFault):
    """A webhook that is due is not sent: the control plane never hears of what happened."""

    words = "loses the webhook"


class DelayWebhook(WebhookFault):
    """A webhook is signed now and goes out `seconds` later."""

    seconds: Seconds

    words = "sends the webhook {0.seconds:g} s late"


class DuplicateWebhook(WebhookFault):
    """A webhook goes out `copies` times, byte for byte the same, one after the other.

    With `at_once` they go out at the same moment, each over a connection of its own.
    """

    copies: Annotated[int, Ge(2), Le(100)] = 2
    at_once: bool = False

    def __str__(self) -> str:
        return f"sends the webhook {self.copies} times{' at once' if self.at_once else ''}"


class HoldWebhook(WebhookFault):
    """A webhook is signed now and kept back until it is released, alone or with others, in any order."""

    words = "keeps the webhook back"


class AlterWebhook(WebhookFault):
    """A webhook goes out altered."""

    alteration: Alteration

    words = "sends the webhook with {0.alteration}"
