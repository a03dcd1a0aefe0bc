"""The HTTP routes (contract, section 3), and nothing else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from flask import Flask, Response, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException

from reference_impl.edges.answers import json_object
from reference_impl.edges.messages import Message, SendError, Sent
from reference_impl.fix.webhooks import WebhookError

if TYPE_CHECKING:
    from werkzeug.datastructures import Headers

    from reference_impl.edges.log import EventLog
    from reference_impl.edges.monitoring import Monitoring
    from reference_impl.fix.health_check import HealthCheck

LONGEST_BODY = 1024 * 1024
"""Bytes, whether declared or chunked."""


class Receiver(Protocol):
    """Whatever processes webhooks."""

    def receive(self, headers: Headers, body: bytes) -> bool:
        """Process one; False when it was ignored. Raises WebhookError."""


class Sends(Protocol):
    """Whatever sends messages."""

    def send(self, account_id: int, message: Message) -> Sent:
        """Send one. Raises SendError."""


def create_app(receiver: Receiver, sender: Sends, log: EventLog) -> Flask:
    """Make the WSGI application; every answer is JSON, errors included."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LONGEST_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it

    @app.get("/health")
    def health() -> Response:
        return jsonify(status="ok", pid=os.getpid())

    @app.post("/api/whatsapp/webhooks/webjs")
    def webhook() -> Response:
        processed = receiver.receive(request.headers, request.get_data())
        return jsonify(status="processed" if processed else "ignored")

    @app.post("/api/accounts/<account_id>/messages")
    def messages(account_id: str) -> Response:
        if not (account_id.isascii() and account_id.isdecimal() and len(account_id) < 19):
            raise SendError("account_not_found", "There is no such account.")
        sent = sender.send(int(account_id), Message.parse(request.get_data()))
        return jsonify(success=True, message_id=sent.message_id, instance_url=sent.instance_url)

    @app.errorhandler(WebhookError)
    def refuse_webhook(error: WebhookError) -> tuple[Response, int]:
        return jsonify(message=str(error)), error.status

    @app.errorhandler(SendError)
    def fail_send(error: SendError) -> tuple[Response, int]:
        return jsonify(success=False, error=str(error), code=error.code), error.status

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> tuple[Response, int]:
        name = error.name.lower().replace(" ", "_")
        return jsonify(success=False, error=error.description, code=name), error.code or 500

    @app.errorhandler(DBAPIError)
    def no_database(error: DBAPIError) -> tuple[Response, int]:
        _tell_error(log, error)
        sentence = "The database cannot be used at the moment."
        return jsonify(success=False, error=sentence, code="database_unavailable"), 503

    @app.errorhandler(Exception)
    def crash(error: Exception) -> tuple[Response, int]:
        _tell_error(log, error)
        return jsonify(success=False, error="An unexpected error occurred.", code="unexpected_error"), 500

    return app


def add_health_check(app: Flask, check: HealthCheck) -> None:
    """Serve the check on demand."""

    @app.post("/api/health-check")
    def health_check() -> Response | tuple[Response, int]:
        asked = json_object(request.get_data() or b"{}")
        dry_run = False if asked is None else asked.get("dry_run", False)
        if asked is None or not isinstance(dry_run, bool):
            sentence = 'The body must be a JSON object such as {"dry_run": false}.'
            return jsonify(success=False, error=sentence, code="invalid_request"), 422
        return jsonify(check.run(dry_run=dry_run).to_json())


def add_monitoring(app: Flask, monitoring: Monitoring) -> None:
    """Serve what is counted."""

    @app.get("/api/monitoring")
    def report() -> Response:
        return jsonify(monitoring.report())

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(monitoring.metrics(), content_type=CONTENT_TYPE_LATEST)


def _tell_error(log: EventLog, error: Exception) -> None:
    """Log what went wrong and where; not its text, which may quote a secret."""
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    line = "" if where is None else f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}"
    log.error("Unexpected error", path=request.path, error=type(error).__name__, line=line)
