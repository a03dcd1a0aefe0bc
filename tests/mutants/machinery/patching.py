"""Ways to patch the reference that several mutants share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reference_impl.edges.log import EventLog
from reference_impl.edges.messages import Message
from reference_impl.fix.locations import LocationSync
from reference_impl.fix.sender import Sender
from reference_impl.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from reference_impl.edges.accounts import Account
    from reference_impl.edges.messages import Sent
    from reference_impl.fix.webhooks import Delivery
    from reference_impl.server import Parts


def around_sends(act: Callable[[Parts, int, Message, Callable[..., Sent]], Sent]) -> None:
    """Call `act` for each send, with the reference's own send, which takes another account too."""
    send = Sender.send

    def sent(self: Sender, account_id: int, message: Message) -> Sent:
        return act(self.parts, account_id, message, lambda other=account_id: send(self, other, message))

    Sender.send = sent


def around_webhooks(act: Callable[[Parts, Account, Delivery, Callable[..., bool]], bool]) -> None:
    """Call `act` for each authentic webhook, with the reference's own way of applying it."""
    apply = LocationSync.apply

    def applied(self: LocationSync, account: Account, delivery: Delivery) -> bool:
        own = lambda **changed: apply(self, account, replace(delivery, **changed))  # noqa: E731
        return act(self.parts, account, delivery, own)

    LocationSync.apply = applied


def around_log(act: Callable[[str, dict[str, object]], tuple[str, dict[str, object]] | None]) -> None:
    """Call `act` for each line of level INFO; it returns another text and fields, or None for no line."""
    info = EventLog.info

    def told(self: EventLog, text: str, **fields: object) -> None:
        if (changed := act(text, fields)) is not None:
            info(self, changed[0], **changed[1])

    EventLog.info = told


def with_environment(change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    """Change the environment before the settings are read."""
    read = Settings.from_environment.__func__

    def changed(cls: type[Settings], environment: Any) -> Settings:
        given = dict(environment)
        return read(cls, {**given, **change(given)})

    Settings.from_environment = classmethod(changed)


def with_text(change: Callable[[str], str]) -> None:
    """Give instances another text than the user's."""
    payload = Message.payload

    def changed(self: Message, account: Account) -> dict[str, object]:
        return payload(replace(self, text=change(self.text)), account)

    Message.payload = changed
