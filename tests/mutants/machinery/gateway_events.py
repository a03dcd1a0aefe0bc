"""What designs and mutants of gateways share: the other events that real ones send around a location webhook."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from fake_instances import fleet
from fake_instances.fleet import Fleet
from fake_instances.instance import Instance
from fake_instances.webhooks import announcer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fake_instances.webhooks.message import Webhook

LOGIN = ("qr_code_generated", "session_authenticated")
LOCATIONS = ("session_ready", "session_reconnected")
_ORDER_SECONDS = 0.5


def claimed_url(change: Callable[[Any, str], str]) -> None:
    """Change the URL by which instances name themselves."""
    own = Instance.url.fget
    Instance.url = property(lambda self: change(self, own(self)))


def every_webhook(change: Callable[[Webhook], Webhook]) -> None:
    """Change every genuine webhook after it was built."""
    build = fleet.build
    fleet.build = lambda **parts: change(build(**parts))


def events_around(before: Sequence[str] = LOGIN, after: Sequence[str] = ("message_sent",)) -> None:
    """Have instances send other events before each location webhook, in this order, and others behind it."""
    announce = Fleet.announce

    def announced(self: Fleet, session: Any, on: int, event: str) -> Any:
        if event not in LOCATIONS:
            return announce(self, session, on, event)
        for one in before:
            delivery = announce(self, session, on, one)
            if delivery is not None:
                with contextlib.suppress(TimeoutError):
                    delivery.wait(_ORDER_SECONDS)
        sent = announce(self, session, on, event)
        for one in after:
            announce(self, session, on, one)
        return sent

    Fleet.announce = announced


def every_delivery(change: Callable[[Any, Callable[[str], Any]], None]) -> None:
    """Change how location webhooks are sent: `change` gets each delivery, and what tells another event."""
    announce, prepare, under_way = Fleet.announce, announcer.Notifier.prepare, threading.local()

    def announced(self: Fleet, session: Any, on: int, event: str) -> Any:
        under_way.tell = lambda other: announce(self, session, on, other)
        try:
            return announce(self, session, on, event)
        finally:
            del under_way.tell

    def prepared(self: Any, delivery: Any) -> Any:
        if delivery.webhook.event in LOCATIONS and hasattr(under_way, "tell"):
            change(delivery, under_way.tell)
        return prepare(self, delivery)

    Fleet.announce, announcer.Notifier.prepare = announced, prepared
