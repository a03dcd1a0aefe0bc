"""The environment variables that configure the implementation (contract, section 1)."""

from __future__ import annotations

from dataclasses import field, fields
from typing import TYPE_CHECKING, Annotated, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, ValidationError
from pydantic.dataclasses import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping


class SettingsError(Exception):
    """An unusable variable; the text is one line that names it, what was given and what is allowed."""

    def __init__(self, name: str, given: str, allowed: str) -> None:
        super().__init__(f"{name}: {given} was given; allowed is {allowed}")


def without_trailing_slash(url: str) -> str:
    """Return a base URL as it is compared: as text, except one trailing slash."""
    return url.removesuffix("/")


def _instances(given: str | tuple[str, ...]) -> tuple[str, ...]:
    listed = given.split(",") if isinstance(given, str) else given
    bases = tuple(without_trailing_slash(one.strip()) for one in listed if one.strip())
    if not bases or len(set(bases)) < len(bases) or not all(map(_is_base_url, bases)):
        raise ValueError(given)
    return bases


def _is_base_url(text: str) -> bool:
    parts = urlsplit(text)
    return (
        text.isascii()
        and text.isprintable()
        and parts.scheme in {"http", "https"}
        and bool(parts.hostname)
        and parts.port != 0
        and not {"@", "?", "#", " ", "\\"} & set(text)
    )


Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
ALLOWED = {
    "PORT": "a whole number from 0 to 65535 (0 takes any free port, which is logged)",
    "NODE_INSTANCES": "a comma-separated list of different base URLs such as http://localhost:3001",
    "HMAC_SECRET": "any text that is not empty; there is no default for a secret",
    "API_KEY": "any text that is not empty; there is no default for a secret",
    "HEALTH_CHECK_INTERVAL": "0 or a positive number of seconds",
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Checked settings, each named as its variable. Seconds may be fractions."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    database_url: str = field(default="sqlite:///accounts.db", repr=False)
    node_instances: Annotated[tuple[str, ...], BeforeValidator(_instances)] = tuple(
        f"http://localhost:{port}" for port in range(3001, 3005)
    )
    hmac_secret: str = field(repr=False)
    api_key: str = field(repr=False)
    verify_timeout: Seconds = 3
    send_timeout: Seconds = 30
    signature_ttl: Seconds = 300
    health_check_interval: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 300
    log_file: str | None = None
    """None means standard error."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read and check every variable, an empty one as if it were not set; raises SettingsError."""
        given = {one.name: environment.get(one.name.upper(), "") for one in fields(cls)}
        try:
            return cls(**{name: text for name, text in given.items() if text.strip()})  # type: ignore[arg-type]
        except ValidationError as error:
            name = str(error.errors()[0]["loc"][0])
            said = repr(given[name]) if given[name].strip() else "nothing"
            allowed = ALLOWED.get(name.upper(), "a positive number of seconds")
            raise SettingsError(name.upper(), said, allowed) from None

    @property
    def secrets(self) -> tuple[str, str]:
        """Texts that no log line and no answer may contain."""
        return (self.hmac_secret, self.api_key)

    def configured(self, url: str | None) -> str | None:
        """Return the configured instance that ``url`` names, or None if it names none."""
        base = without_trailing_slash(url or "")
        return base if base in self.node_instances else None
