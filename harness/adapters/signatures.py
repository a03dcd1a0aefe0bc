"""The contract's signature, seen by an adapter that translates it into another scheme. Pure."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.adapters.values import Webhook

SIGNATURE, TIMESTAMP, LOCATION = "X-HMAC-Signature", "X-Timestamp", "X-Instance-Url"


def hmac_of(secret: str, message: bytes, digest: str = "sha256") -> str:
    """Return an HMAC as lowercase hex digits."""
    return hmac.new(secret.encode(), message, getattr(hashlib, digest)).hexdigest()


def _encoded(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def signature_holds(webhook: Webhook, secret: str) -> bool:
    """Say whether a webhook of the contract is signed once, rightly, over its timestamp and its exact bytes."""
    given = [value for name, value in webhook.headers if name.lower() == SIGNATURE.lower()]
    stamps = [value for name, value in webhook.headers if name.lower() == TIMESTAMP.lower()]
    if len(given) != 1 or len(stamps) != 1:
        return False
    signed = hmac_of(secret, _encoded(stamps[0]) + webhook.body)
    return hmac.compare_digest(signed.encode(), _encoded(given[0]))


def signed_as(webhook: Webhook, secret: str, message: bytes, digest: str = "sha256") -> str | None:
    """Return the signature over another message, as right or as wrong as the webhook of the contract is signed.

    None where the webhook has none: then send none either.
    """
    if webhook.header(SIGNATURE) is None:
        return None
    right = hmac_of(secret, message, digest)
    return right if signature_holds(webhook, secret) else hmac_of(f"not {secret}", message, digest)
