"""Ways to patch the reference that several mutants share."""

from __future__ import annotations

from dataclasses import replace

from flask import request
from waitress.task import WSGITask

from reference_impl import app
from reference_impl.edges.log import EventLog
from reference_impl.edges.messages import Message
from reference_impl.fix.locations import LocationSync
from reference_impl.fix.sender import Sender
from reference_impl.settings import Settings


def around(owner, name):
    """Replace a method by the decorated function, which takes the method itself as its first argument."""
    own = getattr(owner, name)

    def replace_by(function):
        setattr(owner, name, lambda *given, **more: function(own, *given, **more))

    return replace_by


def around_sends(act) -> None:
    """Call `act` for each send, with the reference's own send, which takes another account too."""
    send = Sender.send

    def sent(self, account_id, message):
        return act(self.parts, account_id, message, lambda other=account_id: send(self, other, message))

    Sender.send = sent


def around_webhooks(act) -> None:
    """Call `act` for each authentic webhook, with the reference's own way of applying it."""
    apply = LocationSync.apply

    def applied(self, account, delivery):
        own = lambda **changed: apply(self, account, replace(delivery, **changed))  # noqa: E731
        return act(self.parts, account, delivery, own)

    LocationSync.apply = applied


def around_chunked(act) -> None:
    """Call `act` with each request whose body comes in chunks, before the body is read."""
    environment, create = WSGITask.get_environment, app.create_app

    def told(self):
        return {**environment(self), "body.chunked": self.request.chunked}

    def created(*parts):
        made = create(*parts)

        @made.before_request
        def first():
            if request.environ["body.chunked"]:
                act(request)

        return made

    WSGITask.get_environment, app.create_app = told, created


def around_log(act) -> None:
    """Call `act` for each line of level INFO; it returns another text and fields, or None for no line."""
    info = EventLog.info

    def told(self, text, **fields):
        if (changed := act(text, fields)) is not None:
            info(self, changed[0], **changed[1])

    EventLog.info = told


def with_environment(change) -> None:
    """Change the environment before the settings are read."""
    read = Settings.from_environment.__func__

    def changed(cls, environment):
        given = dict(environment)
        return read(cls, {**given, **change(given)})

    Settings.from_environment = classmethod(changed)


def with_text(change) -> None:
    """Give instances another text than the user's."""
    payload = Message.payload

    def changed(self, account):
        return payload(replace(self, text=change(self.text)), account)

    Message.payload = changed
