"""Its server: messages by session, and webhooks that it puts into its queue."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from reference_impl.before_fix import StraightSender
from reference_impl.edges.answers import json_object
from reference_impl.edges.messages import Message, SendError
from reference_impl.edges.signature import Authenticator, NotAuthenticError
from reference_impl.fix.sender import Sender
from reference_impl.fix.webhooks import Event, WebhookError

if TYPE_CHECKING:
    from reference_impl.server import Parts
    from tests.laravel_shape.table import Sessions


def create_app(parts: Parts, sessions: Sessions) -> Flask:
    """Make the application."""
    app, mistake = Flask(__name__, static_folder=None), os.environ.get("MISTAKE")
    app.config["MAX_CONTENT_LENGTH"] = 1024 * 1024
    sender = StraightSender(parts) if mistake == "sends_straight" else Sender(parts)
    authenticator = Authenticator(parts.settings.hmac_secret, parts.settings.signature_ttl)

    def sent_at(signature: str | None, body: bytes) -> int:
        try:
            stated = request.headers.get("X-Timestamp")
            return authenticator.timestamp_of(signature, stated, body, time.time())
        except NotAuthenticError as error:
            if mistake == "signature_unchecked":
                return int(time.time())
            raise WebhookError(401, str(error)) from error

    @app.get("/up")
    def up() -> str:
        return "up"

    @app.post("/webhooks/whatsapp")
    def webhook() -> tuple[Response, int]:
        body, signature = request.get_data(), request.headers.get("X-HMAC-Signature")
        moment, location = sent_at(signature, body), request.headers.get("X-Instance-Url") or None
        Event.parse(body)
        sessions.enqueue(
            {"body": body.decode(), "location": location, "at": moment, "signature": signature or ""}
        )
        return jsonify(queued=True), 202

    @app.post("/api/sessions/<path:session>/messages")
    def messages(session: str) -> tuple[Response, int]:
        account = sessions.by_session(session)
        if account is None or str(account.workspace_id) != request.headers.get("X-Tenant"):
            raise SendError("account_not_found", "There is no such session of this tenant.")
        given = json_object(request.get_data()) or {}
        content = given.get("content")
        message = {"recipient_phone": given.get("to", ""), **(content if isinstance(content, dict) else {})}
        read = Message.parse(jsonify(message).get_data())
        sent = sender.send(account.id, read)
        return jsonify(data={"status": "sent", "id": sent.message_id, "via": sent.instance_url}), 201

    app.register_error_handler(Exception, lambda error: _failed(error, parts))
    return app


def _failed(error: Exception, parts: Parts) -> tuple[Response, int]:
    if isinstance(error, WebhookError):
        return jsonify(message=str(error)), error.status
    if isinstance(error, SendError):
        return jsonify(error=str(error), code=error.code), error.status
    status = error.code if isinstance(error, HTTPException) and error.code else 500
    if status == 500:
        parts.log.error("Unexpected error", error=type(error).__name__)
    return jsonify(error=type(error).__name__), status
