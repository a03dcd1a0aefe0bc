"""How the routes are spoken to in the dialect of another gateway: translated on the way in and on the way out.

What is translated is the truth, and lies about it. An answer that a fault orders byte for byte goes out as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from fake_instances.http.protocol import BODY, HEADERS
from fake_instances.routes.replies import Whole, answer_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Response

_CAME = "fake_instances.came"
"""The key of the environment under which a request stands as it came."""
_UNKNOWN = "fake_instances.unknown"


class Dialect(Protocol):
    """Translates between a gateway's own routes and the contract's. It raises nothing."""

    def asked(
        self, method: str, target: str, headers: Sequence[tuple[str, str]], body: bytes
    ) -> tuple[str, str, bytes] | None:
        """Return method, target and body of the contract's request; None where the gateway has no such route."""

    def answered(
        self,
        came: tuple[str, str, Sequence[tuple[str, str]], bytes],
        status: int,
        body: bytes,
    ) -> tuple[int, bytes]:
        """Return status and JSON of the gateway's answer to a request that came, for those of the contract's."""


def translate_request(dialect: Dialect, environ: dict[str, Any]) -> None:
    """Make a request that came the contract's own. Its target and headers are recorded as they came."""
    came = (environ["REQUEST_METHOD"], environ["REQUEST_URI"], environ[HEADERS], environ[BODY])
    environ[_CAME] = came
    asked = dialect.asked(*came)
    if asked is None:
        environ[_UNKNOWN] = True
        return
    method, target, body = asked
    path, _, query = target.partition("?")
    environ |= {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_LENGTH": str(len(body)),
        BODY: body,
    }


def is_unknown(environ: dict[str, Any]) -> bool:
    """Say whether the gateway has no route for a request."""
    return _UNKNOWN in environ


def translate_answer(dialect: Dialect, environ: dict[str, Any], response: Response) -> Response:
    """Return a true answer in the gateway's dialect, and any other as it is."""
    if not isinstance(response, Whole):
        return response
    status, body = dialect.answered(environ[_CAME], response.status_code, response.get_data())
    return answer_json(body, status)
