"""What an adapter file imports: the two protocols to override, and the values that their hooks take and return.

An adapter translates between the contract and what a control plane or a gateway speaks instead. It judges nothing.
"""

from harness.adapters.base import (
    Call,
    ControlPlaneAdapter,
    Delivered,
    GatewayAdapter,
    Given,
    Message,
    NoReplyError,
    Reply,
    Session,
    Webhook,
)
from harness.adapters.signatures import signature_holds, signed_as

__all__ = [
    "Call",
    "ControlPlaneAdapter",
    "Delivered",
    "GatewayAdapter",
    "Given",
    "Message",
    "NoReplyError",
    "Reply",
    "Session",
    "Webhook",
    "signature_holds",
    "signed_as",
]
