"""Rows and log over HTTP (contract, section 2), for conformance runs against an implementation out of reach.

A caller of these controls every account. They are off unless CONFORMANCE_HOOKS is "on", which is for test runs only.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, jsonify, request
from sqlalchemy import delete, insert, select, update
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from reference_impl.edges.accounts import ACCOUNTS, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from reference_impl.server import Parts

VARIABLE = "CONFORMANCE_HOOKS"


def with_hooks(build: Callable[[Parts], WSGIApplication]) -> Callable[[Parts], WSGIApplication]:
    """Return what builds the same application, with the hooks under /conformance."""

    def build_hooked(parts: Parts) -> WSGIApplication:
        lock, current, application = threading.Lock(), parts, build(parts)

        def renew() -> None:
            """Forget everything but the rows."""
            nonlocal current, application
            with lock:
                current.ending.set()
                current = current.anew()
                application = build(current)

        def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            return application(environ, start_response)

        hooked: WSGIApplication = DispatcherMiddleware(serve, {"/conformance": _hooks(parts, renew)})
        return hooked

    return build_hooked


def _hooks(parts: Parts, renew: Callable[[], None]) -> Flask:
    app, engine = Flask("hooks", static_folder=None), connect(parts.settings.database_url)

    @app.put("/accounts/<int:account_id>")
    def put(account_id: int) -> tuple[str, int]:
        row: dict[str, Any] = {**request.get_json(), "id": account_id}
        row["updated_at"] = datetime.fromisoformat(row["updated_at"]).astimezone(UTC).replace(tzinfo=None)
        known = {name: value for name, value in row.items() if name in ACCOUNTS.c}
        with engine.connect() as connection:
            updated = connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == account_id).values(known))
            if not updated.rowcount:
                connection.execute(insert(ACCOUNTS).values(known))
        return "", 204

    @app.get("/accounts/<int:account_id>")
    def get(account_id: int) -> Response | tuple[Response, int]:
        with engine.connect() as connection:
            rows = connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.id == account_id))
            row = rows.mappings().first()
        if row is None:
            return jsonify(error="There is no such account."), 404
        return jsonify({**row, "updated_at": f"{row['updated_at'].isoformat()}Z"})

    @app.delete("/accounts")
    def empty() -> tuple[str, int]:
        with engine.connect() as connection:
            connection.execute(delete(ACCOUNTS))
        renew()
        return "", 204

    @app.get("/log")
    def log() -> Response | tuple[Response, int]:
        if parts.settings.log_file is None:
            return jsonify(error="LOG_FILE names no file to read from."), 404
        after = request.args.get("after", 0, type=int)
        with Path(parts.settings.log_file).open("rb") as file:
            file.seek(after)
            whole, newline, _ = file.read().rpartition(b"\n")
        lines = whole.decode("utf-8", "replace").split("\n") if newline else []
        return jsonify(lines=lines, cursor=after + len(whole) + len(newline))

    return app
