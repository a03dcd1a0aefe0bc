"""Flask as the gateway uses it: its routes, contexts and error handling, without what the gateway has no use for.

Each part that is left out here was measured: together they were half of a request's time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask, Request, Response, request
from flask.sessions import NullSession, SessionInterface, SessionMixin
from werkzeug.routing import MapAdapter

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.datastructures import Headers

_CONDITIONS = {"HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE"}


class WholeAnswer(Response):
    """An answer that was made whole: its headers need no completing."""

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        """Give the headers as they are, unless the answer was cut down to "not modified"."""
        return self.headers if self.status_code != 304 else super().get_wsgi_headers(environ)


class _NoSession(SessionInterface):
    """The gateway has no cookies, so there is nothing to open or to save."""

    def __init__(self) -> None:
        self._nothing = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:  # noqa: ARG002
        return self._nothing

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Save nothing."""


class Application(Flask):
    """Flask without what the gateway has no use for, which was a good part of each request's time.

    `before` may answer in place of the route; `dress` completes every answer.
    """

    session_interface = _NoSession()

    def __init__(
        self,
        before: Callable[[Request], Response | None],
        dress: Callable[[Response, WSGIEnvironment], Response],
    ) -> None:
        super().__init__("gateway", static_folder=None)
        self.before = before
        self.dress = dress

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Match by path and method alone: the gateway answers whatever host it is called by."""
        if request is None:
            return None
        return MapAdapter(self.url_map, "", "/", "", "http", request.path, request.method)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Take every function as it is: none is asynchronous."""
        return func

    def do_teardown_request(self, exc: BaseException | None = None) -> None:
        """Tear nothing down."""

    def do_teardown_appcontext(self, exc: BaseException | None = None) -> None:
        """Tear nothing down."""

    def full_dispatch_request(self) -> Response:
        """Meet faults, authenticate and let the route answer: Flask's own way without signals and lists of hooks."""
        asked: Request = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
        try:
            answer: Any = self.before(asked)
            if answer is None:
                answer = self.dispatch_request()
        except Exception as problem:  # noqa: BLE001 - as Flask does: what no handler takes is raised again
            answer = self.handle_user_exception(problem)
        return self.dress(self.make_response(answer), asked.environ)

    def process_response(self, response: Response) -> Response:
        """Dress what Flask makes of a mistake of ours."""
        return self.dress(response, request.environ)


def is_conditional(environ: WSGIEnvironment) -> bool:
    """Say whether a caller wants the answer on a condition only."""
    return environ["REQUEST_METHOD"] == "GET" and not _CONDITIONS.isdisjoint(environ)
