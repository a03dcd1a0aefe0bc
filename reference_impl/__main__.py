"""``python -m reference_impl``: the implementation with the fix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_impl.app import create_app
from reference_impl.claims import LocationSync
from reference_impl.sender import Sender
from reference_impl.server import serve
from reference_impl.webhooks import WebhookReceiver

if TYPE_CHECKING:
    from flask import Flask

    from reference_impl.parts import Parts


def build(parts: Parts) -> Flask:
    """Make the application with the fix."""
    receiver = WebhookReceiver(parts, LocationSync(parts).apply)
    return create_app(receiver, Sender(parts), parts.log)


if __name__ == "__main__":
    serve(build)
