"""Small gateways that speak the dialects of the field, as their public documentation has them: `gateway.py waha`.

They share no code with the adapters. MISTAKE builds in one of their known mistakes, for the tests. A phone scans the
QR code by `POST /conformance/scan`, and `GET /conformance/messages` lists what went out.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit

HOST, PORT, KEY = os.environ["HOST"], int(os.environ["PORT"]), os.environ["API_KEY"]
MISTAKE = os.environ.get("MISTAKE", "")
OUTBOX = Path(os.environ["DATA"]) / "outbox.jsonl"
UNIT = 0.12
TRIES = 4
Answer = tuple[int, Any]


@dataclass
class Session:
    """A session, and what it was made with."""

    name: str
    made_with: dict[str, Any]
    state: str
    phone: str | None = None


class Gateway:
    """What both dialects share."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}

    def scan(self, name: str, phone: str) -> Answer:
        self.sessions[name].phone = phone
        self.connect(self.sessions[name])
        return 200, {}

    def connect(self, session: Session) -> None:
        raise NotImplementedError

    def went_out(self, name: str, text: str) -> None:
        with OUTBOX.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"session_id": name, "text": text}) + "\n")

    def messages(self) -> Answer:
        lines = OUTBOX.read_text("utf-8").splitlines() if OUTBOX.exists() else []
        return 200, [json.loads(line) for line in lines]

    def announce(self, url: str, body: bytes, headers: dict[str, str]) -> None:
        threading.Thread(target=self._announce, args=(url, body, headers), daemon=True).start()

    def _announce(self, url: str, body: bytes, headers: dict[str, str]) -> None:
        for attempt in range(TRIES):
            sent = {**headers, "Content-Type": "application/json"}
            if "X-Webhook-Hmac" in headers:
                sent["X-Webhook-Timestamp"] = str(int(time.time() * 1000))
            try:
                with urllib.request.urlopen(urllib.request.Request(url, body, sent), timeout=10):
                    return
            except HTTPError as problem:
                if problem.code != 429 and problem.code < 500:
                    return
            except URLError:
                pass
            time.sleep(UNIT * 2**attempt * 4)


class Waha(Gateway):
    """WAHA."""

    header = "X-Api-Key"

    def route(self, method: str, path: list[str], body: dict[str, Any]) -> Answer:  # noqa: C901, PLR0911 - a route each
        session = self.sessions.get(path[2]) if len(path) > 2 else None
        missing = 404, {"statusCode": 404, "message": "Session not found"}
        match method, path:
            case "GET", ["ping"]:
                return 200, {"message": "pong"}
            case "GET", ["api", "sessions"]:
                return 200, [self.shown(one) for one in self.sessions.values()]
            case "POST", ["api", "sessions"]:
                if body["name"] in self.sessions:
                    return 422, {"statusCode": 422, "message": "Session already exists"}
                made = self.sessions[body["name"]] = Session(body["name"], body["config"], "STOPPED")
                self.turn(made, "STARTING", "SCAN_QR_CODE")
                return 201, self.shown(made)
            case "GET", ["api", "sessions", _]:
                return missing if session is None else (200, self.shown(session))
            case "POST", ["api", "sessions", _, "start"]:
                return missing if session is None else (201, self.shown(session))
            case "POST", ["api", "sessions", _, "restart"]:
                if session is None:
                    return missing
                self.connect(session)
                return 201, self.shown(session)
            case "DELETE", ["api", "sessions", name]:
                if MISTAKE != "lists-ended":
                    self.sessions.pop(name, None)
                return 200, {}
            case "POST", ["api", "sendText"]:
                held = self.sessions.get(body["session"])
                if held is None or held.state != "WORKING":
                    return 422, {"statusCode": 422, "message": "Session status is not as expected"}
                self.went_out(held.name, body["text"])
                return 201, {"id": f"true_{body['chatId']}_{time.time_ns():X}"}
        return 404, {"statusCode": 404, "message": f"Cannot {method}"}

    def shown(self, one: Session) -> dict[str, Any]:
        me = None if one.phone is None else {"id": f"{one.phone}@c.us", "pushName": "somebody"}
        return {"name": one.name, "status": one.state, "me": me, "config": one.made_with}

    def connect(self, session: Session) -> None:
        self.turn(session, "STARTING", "WORKING")

    def turn(self, session: Session, *states: str) -> None:
        for state in states:
            session.state = state
            (hook,) = session.made_with["webhooks"]
            shown = self.shown(session)
            body = json.dumps(
                {
                    "id": f"evt_{time.time_ns()}",
                    "timestamp": int(time.time() * 1000),
                    "event": "session.status",
                    "session": session.name,
                    "metadata": session.made_with["metadata"],
                    "me": shown["me"],
                    "payload": {"status": state},
                    "engine": "NOWEB",
                },
                indent=1,
            ).encode()
            signed = json.dumps(json.loads(body)).encode() if MISTAKE == "signs-what-it-parsed" else body
            digits = hmac.new(hook["hmac"]["key"].encode(), signed, hashlib.sha512).hexdigest()
            self.announce(hook["url"], body, {"X-Webhook-Hmac": digits, "X-Webhook-Hmac-Algorithm": "sha512"})


class Evolution(Gateway):
    """Evolution API."""

    header = "apikey"

    def route(self, method: str, path: list[str], body: dict[str, Any]) -> Answer:  # noqa: C901, PLR0911 - a route each
        session = self.sessions.get(path[2]) if len(path) > 2 else None
        words = {"message": ["The instance does not exist"]}
        missing = 404, {"status": 404, "error": "Not Found", "response": words}
        match method, path:
            case "GET", [""]:
                return 200, {"status": 200, "version": "2.3.0"}
            case "GET", ["instance", "fetchInstances"]:
                return 200, [
                    {"name": one.name, "connectionStatus": one.state} for one in self.sessions.values()
                ]
            case "POST", ["instance", "create"]:
                name = body["instanceName"]
                if name in self.sessions:
                    return 403, {"status": 403, "error": "Forbidden", "response": {"message": ["in use"]}}
                self.sessions[name] = Session(name, body, "connecting")
                return 201, {"instance": {"instanceName": name, "status": "connecting"}}
            case "GET", ["instance", "connect", _]:
                return missing if session is None else (200, {"count": 1})
            case "GET", ["instance", "connectionState", name]:
                known = session is not None
                return (
                    (200, {"instance": {"instanceName": name, "state": session.state}}) if known else missing
                )
            case "POST", ["instance", "restart", _]:
                if session is None:
                    return missing
                self.turn(session, "connecting")
                self.connect(session)
                return 200, {"instance": {"instanceName": session.name, "state": "open"}}
            case "DELETE", ["instance", "delete", name]:
                self.sessions.pop(name, None)
                return 200, {"status": "SUCCESS"}
            case "POST", ["message", "sendText", name]:
                if (session is None or session.state != "open") and MISTAKE != "sends-anyway":
                    return missing
                self.went_out(name, body["text"])
                return 201, {"key": {"id": f"{time.time_ns():X}", "fromMe": True}, "status": "PENDING"}
        return 404, {"status": 404, "error": "Not Found"}

    def connect(self, session: Session) -> None:
        self.turn(session, "open")

    def turn(self, session: Session, state: str) -> None:
        session.state = state
        server_url = f"http://{HOST}:{PORT if MISTAKE != 'names-one-url' else 8080}"
        data: dict[str, Any] = {"instance": session.name, "state": state, "statusReason": 200}
        if state == "open":
            data["wuid"] = f"{session.phone}@s.whatsapp.net"
        content = {
            "event": "connection.update",
            "instance": session.name,
            "data": data,
            "date_time": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
            "server_url": server_url,
            "apikey": KEY,
        }
        self.announce(session.made_with["webhook"]["url"], json.dumps(content).encode(), {})


class Handler(BaseHTTPRequestHandler):
    """Answers in the dialect that was asked for."""

    protocol_version = "HTTP/1.1"
    gateway: Gateway

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        path = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
        status, value = self.answered(path, body)
        told = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815 - names that http.server asks for

    def answered(self, path: list[str], body: dict[str, Any]) -> Answer:
        match self.command, path:
            case "POST", ["conformance", "scan"]:
                return self.gateway.scan(body["session"], body["phone"])
            case "GET", ["conformance", "messages"]:
                return self.gateway.messages()
        if path not in (["ping"], [""]) and self.headers.get(self.gateway.header) != KEY:  # type: ignore[attr-defined]
            return 401, {"statusCode": 401, "message": "Unauthorized"}
        return self.gateway.route(self.command, path, body)  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """A server whose end waits for what is under way."""

    request_queue_size = 128
    daemon_threads = True


if __name__ == "__main__":
    Handler.gateway = {"waha": Waha, "evolution": Evolution}[sys.argv[1]]()
    server = Server((HOST, PORT), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(0.02)
