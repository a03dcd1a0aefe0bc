"""What an adapter file imports: the two protocols to override, and the values that their hooks take and return.

An adapter translates between the contract and what a control plane or a gateway speaks instead. It judges nothing.
"""

from harness.adapters.base import ControlPlaneAdapter, GatewayAdapter
from harness.adapters.signatures import signature_holds, signed_as
from harness.adapters.values import Call, Given, Message, NoReplyError, Reply, Session, Webhook
from harness.gateway_contract import Delivered

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
