"""The reference implementation, made for another gateway: `control_plane.py waha`, or `evolution`.

It shares no code with the adapters. MISTAKE builds in one of its known mistakes, for the tests.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from werkzeug.datastructures import Headers
from yarl import URL

from reference_impl.app import create_app
from reference_impl.edges.answers import PostAnswer, Roster
from reference_impl.edges.instances import UNUSABLE, InstanceClient
from reference_impl.edges.signature import sign
from reference_impl.fix.locations import LocationSync
from reference_impl.fix.sender import Sender
from reference_impl.fix.webhooks import WebhookError, WebhookReceiver
from reference_impl.server import Parts, serve

if TYPE_CHECKING:
    from flask import Flask

MISTAKE = os.environ.get("MISTAKE", "")
CONNECTED = {"WORKING": "connected", "open": "connected"}
PATH = sys.argv[1]


def listed(value: Any) -> list[dict[str, Any]]:
    """Return the sessions of a list, in the contract's words."""
    state = "status" if PATH == "waha" else "connectionStatus"
    return [{"session_id": one["name"], "status": CONNECTED.get(one[state], "other")} for one in value]


async def roster(self: InstanceClient, base: str) -> Roster | None:
    path, key = ("/api/sessions", "X-Api-Key") if PATH == "waha" else ("/instance/fetchInstances", "apikey")
    try:
        async with asyncio.timeout(self._settings.verify_timeout):
            headers = {key: self._settings.api_key}
            async with self._open().get(base + path, headers=headers, allow_redirects=False) as response:
                return (
                    Roster.of(listed(json.loads(await response.read()))) if response.status == 200 else None
                )
    except (*UNUSABLE, KeyError, TypeError):
        return None


async def post_message(self: InstanceClient, base: str, message: dict[str, Any]) -> PostAnswer:
    connected, status, body, key = asyncio.Event(), None, None, self._settings.api_key
    if PATH == "waha":
        path, headers = "/api/sendText", {"X-Api-Key": key}
        asked = {
            "session": message["session_id"],
            "chatId": f"{message['recipient_phone']}@c.us",
            "text": message["message"],
        }
    else:
        name = message["session_id"] if MISTAKE == "quotes-nothing" else quote(message["session_id"], safe="")
        path, headers = f"/message/sendText/{name}", {"apikey": key}
        asked = {"number": message["recipient_phone"], "text": message["message"]}
    try:
        async with (
            asyncio.timeout(self._settings.send_timeout),
            self._open().post(
                URL(base + path, encoded=MISTAKE != "quotes-nothing"),
                json=asked,
                headers=headers,
                allow_redirects=False,
                trace_request_ctx=connected,
            ) as response,
        ):
            status, body = response.status, await response.read()
    except UNUSABLE:
        return PostAnswer(connected.is_set(), status, None)
    if status == 201:
        told = json.loads(body)
        id_ = told["id"] if PATH == "waha" else told["key"]["id"]
        return PostAnswer(True, 200, json.dumps({"success": True, "message_id": id_}).encode())
    if status == 422:
        return PostAnswer(True, 404, b'{"error":"Session not found"}')
    return PostAnswer(True, status, body)


def from_waha(secret: str, headers: Headers, body: bytes) -> tuple[dict[str, Any], str, str | None]:
    """Return event, timestamp and location of a webhook."""
    given = headers.get("X-Webhook-Hmac", "")
    right = hmac.new(secret.encode(), body, hashlib.sha512).hexdigest()
    if (
        not hmac.compare_digest(right.encode(), given.encode("utf-8", "replace"))
        and MISTAKE != "checks-nothing"
    ):
        raise WebhookError(401, "Invalid signature")
    told = json.loads(body)
    stamp = str(told.get("timestamp"))
    data = {"session_id": told["session"], "workspace_id": told.get("metadata", {}).get("workspace_id")}
    if "me" in told:
        data["phone_number"] = told["me"]["id"].removesuffix("@c.us")
    working = told["event"] == "session.status" and told["payload"]["status"] == "WORKING"
    event = {"event": "session_ready" if working else told["event"], "data": data}
    return event, stamp.removesuffix("000") or stamp, headers.get("X-Instance-Url")


def from_evolution(body: bytes) -> tuple[dict[str, Any], str, str | None]:
    told = json.loads(body)
    data = {"session_id": told["instance"]}
    if "wuid" in told["data"]:
        data["phone_number"] = told["data"]["wuid"].removesuffix("@s.whatsapp.net")
    opened = told["event"] == "connection.update" and told["data"]["state"] == "open"
    stamp = str(int(datetime.fromisoformat(told["date_time"]).timestamp()))
    return (
        {"event": "session_ready" if opened else told["event"], "data": data},
        stamp,
        told.get("server_url"),
    )


def build(parts: Parts) -> Flask:
    receiver, secret = WebhookReceiver(parts, LocationSync(parts).apply), parts.settings.hmac_secret

    def receive(headers: Headers, body: bytes) -> bool:
        try:
            found = from_waha(secret, headers, body) if PATH == "waha" else from_evolution(body)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise WebhookError(400, "The body is no webhook") from None
        event, stamp, location = found
        told = json.dumps(event).encode()
        made = Headers({"X-Timestamp": stamp, "X-HMAC-Signature": sign(secret, stamp, told)})
        if location and MISTAKE != "ignores-location":
            made["X-Instance-Url"] = location
        return receiver.receive(made, told)

    return create_app(receive, Sender(parts).send, parts.log)


if __name__ == "__main__":
    InstanceClient.roster = roster  # type: ignore[method-assign]
    InstanceClient.post_message = post_message  # type: ignore[method-assign]
    serve(build)
