"""The HTTP routes (contract, section 3)."""

from __future__ import annotations

import os
import traceback
from typing import TYPE_CHECKING

from flask import Flask, Response, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException

from reference_impl.edges.answers import json_object
from reference_impl.edges.messages import Message, SendError, Sent
from reference_impl.fix.webhooks import WebhookError

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.datastructures import Headers

    from reference_impl.edges.log import EventLog
    from reference_impl.edges.monitoring import Monitoring
    from reference_impl.fix.health_check import HealthCheck

LONGEST_BODY = 1024 * 1024
"""Bytes, whether declared or chunked."""

Failure = tuple[Response, int]


def create_app(
    receive: Callable[[Headers, bytes], bool], send: Callable[[int, Message], Sent], log: EventLog
) -> Flask:
    """Make the WSGI application from what processes webhooks and what sends messages. Every answer is JSON."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LONGEST_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it

    @app.get("/health")
    def health() -> Response:
        return jsonify(status="ok", pid=os.getpid())

    @app.post("/api/whatsapp/webhooks/webjs")
    def webhook() -> Response:
        processed = receive(request.headers, request.get_data())
        return jsonify(status="processed" if processed else "ignored")

    @app.post("/api/accounts/<account_id>/messages")
    def messages(account_id: str) -> Response:
        if not (account_id.isascii() and account_id.isdecimal() and len(account_id) < 19):
            raise SendError("account_not_found", "There is no such account.")
        sent = send(int(account_id), Message.parse(request.get_data()))
        return jsonify(success=True, message_id=sent.message_id, instance_url=sent.instance_url)

    @app.errorhandler(Exception)
    def failed(error: Exception) -> Failure:
        if isinstance(error, WebhookError):
            return jsonify(message=str(error)), error.status
        if isinstance(error, SendError):
            return _failure(str(error), error.code, error.status)
        if isinstance(error, HTTPException):
            return _failure(error.description, error.name.lower().replace(" ", "_"), error.code or 500)
        # Where it went wrong, but not the text of the error, which may quote a secret.
        *_, (where, number) = traceback.walk_tb(error.__traceback__)
        line = f"{where.f_code.co_filename}:{number}"
        log.error("Unexpected error", path=request.path, error=type(error).__name__, line=line)
        if isinstance(error, DBAPIError):
            return _failure("The database cannot be used at the moment.", "database_unavailable", 503)
        return _failure("An unexpected error occurred.", "unexpected_error", 500)

    return app


def add_health_check(app: Flask, check: HealthCheck) -> None:
    """Serve the check on demand."""

    @app.post("/api/health-check")
    def health_check() -> Response | Failure:
        asked = json_object(request.get_data() or b"{}")
        dry_run = None if asked is None else asked.get("dry_run", False)
        if not isinstance(dry_run, bool):
            sentence = 'The body must be a JSON object such as {"dry_run": false}.'
            return _failure(sentence, "invalid_request", 422)
        return jsonify(check.run(dry_run=dry_run))


def add_monitoring(app: Flask, monitoring: Monitoring) -> None:
    """Serve what is counted."""

    @app.get("/api/monitoring")
    def report() -> Response:
        return jsonify(monitoring.report())

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(monitoring.metrics(), content_type=CONTENT_TYPE_LATEST)


def _failure(sentence: str | None, code: str, status: int) -> Failure:
    return jsonify(success=False, error=sentence, code=code), status
