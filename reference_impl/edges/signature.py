"""Who may send a webhook: the HMAC of contract section 5; pure."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field

TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)


class NotAuthenticError(Exception):
    """A webhook whose sender does not know the secret, or that is too old or too new; the text says which."""


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Return HMAC-SHA256(secret, timestamp + raw body) as 64 lowercase hex digits."""
    return hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Authenticator:
    """Checks webhooks against the shared secret."""

    secret: str = field(repr=False)
    time_to_live: float
    """Seconds that a timestamp may be off, either way."""

    def timestamp_of(self, signature: str | None, timestamp: str | None, body: bytes, now: float) -> int:
        """Return an authentic webhook's timestamp, given the time now in Unix seconds; raises NotAuthenticError."""
        if not signature or not timestamp:
            raise NotAuthenticError("Missing required security headers")
        if not TIMESTAMP.fullmatch(timestamp):
            raise NotAuthenticError("Invalid request timestamp")
        if abs(now - int(timestamp)) > self.time_to_live:
            raise NotAuthenticError("Request timestamp expired")
        expected = sign(self.secret, timestamp, body)
        # In constant time, so that a forger cannot find the digits one by one.
        if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
            raise NotAuthenticError("Invalid signature")
        return int(timestamp)
