"""A gateway of another dialect in parts: `python foreign_gateway.py HOST PORT CONTROL_PLANE [PART ...]`.

Without parts it does as the contract says, as far as the attachment check looks.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sys
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOST, PORT, CONTROL_PLANE, *PARTS = sys.argv[1:]
held: dict[str, dict[str, object]] = {}
sent: list[dict[str, object]] = []


def announce(session: dict[str, object]) -> None:
    content: object = {"event": "session_ready", "data": {**session, "status": "connected"}}
    if "webhook" in PARTS:
        content = {"type": "ready", "session": session["session_id"]}
    body, stamp = json.dumps(content).encode(), str(int(time.time()))
    secret = os.environ["HMAC_SECRET"].encode()
    signed = body if "signature" in PARTS else stamp.encode() + body
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "WhatsApp-WebJS-Service/1.0",
        "X-Timestamp": stamp,
        "X-HMAC-Signature": hmac.new(secret, signed, hashlib.sha256).hexdigest(),
        "X-Instance-Url": f"http://{HOST}:{PORT}",
    }
    path = "" if "path" in PARTS else "/api/whatsapp/webhooks/webjs"
    request = urllib.request.Request(CONTROL_PLANE + path, body, headers)
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5).close()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        details = [{"session_id": one, "status": "connected"} for one in held]
        if path == "/up":
            self.answer(200, {})
        elif path == "/delivered":
            self.answer(200, sent)
        elif path in {"/health", "/health/detailed"} and "health" not in PARTS:
            counts = {"total": len(held), "connected": len(held)}
            self.answer(200, {"sessions": {**counts, "details": details}})
        elif path == "/health":
            self.answer(200, {"engine": "ok", "uptime": 12})
        else:
            self.answer(404, {"message": "Not Found"})

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        if self.path == "/connect":
            held[content["session_id"]] = content
            announce(content)
            self.answer(201, {})
        elif self.path == "/api/messages/send" and "send path" not in PARTS:
            wanted = "chatId" if "send body" in PARTS else "session_id"
            if wanted not in content:
                self.answer(400, {"message": [f"{wanted} should not be empty"]})
                return
            sent.append({"session_id": content["session_id"], "text": content["message"]})
            self.answer(200, {"success": True})
        else:
            self.answer(404, {"message": "Not Found"})

    def answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


ThreadingHTTPServer((HOST, int(PORT)), Handler).serve_forever()
