"""What an instance can be ordered to do wrong.

Fault
 ├── Refuse, ResetOnAccept      the listener: before any request is read
 ├── WireFault                  how the answer goes out: Hang, Close, Reset, Drip, Truncate, CloseIdle,
 │                              KeepIdle
 ├── Delay                      when it goes out
 ├── AnswerFault                another answer: Answer, BrokenJson, Relabel, Redirect, Padding
 ├── Lie                        who is held: Lists, Omits, Misreports, Miscounts, DeployedDialect, ListsNothing,
 │                              AnswersAs
 ├── SendLie                    what was sent: DeniesSession, ClaimsSent, AnswersHollow, SendsThenFails
 └── WebhookFault               LoseWebhook, DelayWebhook, DuplicateWebhook, HoldWebhook, AlterWebhook

Faults are values, checked when they are made: a bad one raises pydantic's ValidationError, a ValueError that
names the field. The routes, the server and the announcer carry them out.
"""

import re

from fake_instances.faults.answers import Answer, AnswerFault, BrokenJson, Padding, Redirect, Relabel
from fake_instances.faults.base import ROSTER, ROUTES, VERIFICATION, Endpoint, Fault
from fake_instances.faults.book import ArmedFault, FaultBook, Met
from fake_instances.faults.lies import (
    AnswersAs,
    AnswersHollow,
    ClaimsSent,
    DeniesSession,
    DeployedDialect,
    Lie,
    Lists,
    ListsNothing,
    Miscounts,
    Misreports,
    Omits,
    SendLie,
    SendsThenFails,
)
from fake_instances.faults.webhooks import (
    Alteration,
    AlterWebhook,
    DelayWebhook,
    DuplicateWebhook,
    HoldWebhook,
    LoseWebhook,
    WebhookFault,
)
from fake_instances.faults.wire import (
    Close,
    CloseIdle,
    Delay,
    Drip,
    Hang,
    KeepIdle,
    Refuse,
    Reset,
    ResetOnAccept,
    Truncate,
    WireFault,
)

_FAMILIES = (Refuse, ResetOnAccept, WireFault, Delay, AnswerFault, Lie, SendLie, WebhookFault)
ALL: dict[str, type[Fault]] = {
    re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower(): kind
    for family in _FAMILIES
    for kind in family.__subclasses__() or [family]
}
"""Every fault that can be armed, by the name it has in the control API and on the command line."""

__all__ = [
    "ALL",
    "ROSTER",
    "ROUTES",
    "VERIFICATION",
    "AlterWebhook",
    "Alteration",
    "Answer",
    "AnswerFault",
    "AnswersAs",
    "AnswersHollow",
    "ArmedFault",
    "BrokenJson",
    "ClaimsSent",
    "Close",
    "CloseIdle",
    "Delay",
    "DelayWebhook",
    "DeniesSession",
    "DeployedDialect",
    "Drip",
    "DuplicateWebhook",
    "Endpoint",
    "Fault",
    "FaultBook",
    "Hang",
    "HoldWebhook",
    "KeepIdle",
    "Lie",
    "Lists",
    "ListsNothing",
    "LoseWebhook",
    "Met",
    "Miscounts",
    "Misreports",
    "Omits",
    "Padding",
    "Redirect",
    "Refuse",
    "Relabel",
    "Reset",
    "ResetOnAccept",
    "SendLie",
    "SendsThenFails",
    "Truncate",
    "WebhookFault",
    "WireFault",
]
