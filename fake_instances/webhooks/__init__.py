"""The webhooks of an instance: made, signed, altered, sent, tried again."""

from fake_instances.webhooks.message import Webhook, build, on_wire

__all__ = ["Webhook", "build", "on_wire"]
