"""The environment variables that configure the implementation (contract, section 1)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_INSTANCES = ",".join(f"http://127.0.0.1:{port}" for port in range(3001, 3005))


class SettingsError(Exception):
    """An unusable variable; the text is one line that names it, what was given and what is allowed."""

    def __init__(self, name: str, given: str, allowed: str) -> None:
        super().__init__(f"{name}: {given} was given; allowed is {allowed}")


def without_trailing_slash(url: str) -> str:
    """Return a base URL as it is compared: as text, except one trailing slash."""
    return url.removesuffix("/")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Checked settings. Seconds may be fractions; ``log_file`` None means standard error."""

    host: str
    port: int
    database_url: str = field(repr=False)
    node_instances: tuple[str, ...]
    hmac_secret: str = field(repr=False)
    api_key: str = field(repr=False)
    verify_timeout: float
    send_timeout: float
    signature_ttl: float
    health_check_interval: float
    log_file: str | None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read and check every variable, an empty one as if it were not set; raises SettingsError."""
        given = {name: value for name, value in environment.items() if value.strip()}
        return cls(
            host=given.get("HOST", "127.0.0.1"),
            port=_port(given.get("PORT", "8000")),
            database_url=given.get("DATABASE_URL", "sqlite:///accounts.db"),
            node_instances=_instances(given.get("NODE_INSTANCES", DEFAULT_INSTANCES)),
            hmac_secret=_secret(given, "HMAC_SECRET"),
            api_key=_secret(given, "API_KEY"),
            verify_timeout=_seconds(given, "VERIFY_TIMEOUT", "3"),
            send_timeout=_seconds(given, "SEND_TIMEOUT", "30"),
            signature_ttl=_seconds(given, "SIGNATURE_TTL", "300"),
            health_check_interval=_seconds(given, "HEALTH_CHECK_INTERVAL", "300", zero_allowed=True),
            log_file=given.get("LOG_FILE"),
        )

    @property
    def secrets(self) -> tuple[str, str]:
        """Texts that no log line and no answer may contain."""
        return (self.hmac_secret, self.api_key)

    def configured(self, url: str | None) -> str | None:
        """Return the configured instance that ``url`` names, or None if it names none."""
        if url is None:
            return None
        base = without_trailing_slash(url)
        return base if base in self.node_instances else None


def _port(given: str) -> int:
    allowed = "a whole number from 0 to 65535 (0 takes any free port, told in the log)"
    if not (given.isascii() and given.isdecimal() and len(given) <= 5 and int(given) <= 65535):
        raise SettingsError("PORT", repr(given), allowed)
    return int(given)


def _seconds(given: Mapping[str, str], name: str, default: str, *, zero_allowed: bool = False) -> float:
    text = given.get(name, default)
    allowed = "0 or a positive number of seconds" if zero_allowed else "a positive number of seconds"
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (0 < seconds < math.inf or (zero_allowed and seconds == 0)):
        raise SettingsError(name, repr(text), allowed)
    return seconds


def _secret(given: Mapping[str, str], name: str) -> str:
    if name not in given:
        raise SettingsError(name, "nothing", "any text that is not empty; there is no default for a secret")
    return given[name]


def _instances(given: str) -> tuple[str, ...]:
    bases = [without_trailing_slash(part.strip()) for part in given.split(",") if part.strip()]
    allowed = "a comma-separated list of different base URLs such as http://127.0.0.1:3001"
    wrong = [base for base in bases if not _is_base_url(base) or bases.count(base) > 1]
    if wrong or not bases:
        raise SettingsError("NODE_INSTANCES", repr(wrong[0] if wrong else given), allowed)
    return tuple(bases)


def _is_base_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    return (
        text.isascii()
        and text.isprintable()
        and parts.scheme in {"http", "https"}
        and bool(parts.hostname)
        and port != 0
        and not {"@", "?", "#", " ", "\\"} & set(text)
    )
