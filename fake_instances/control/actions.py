"""Carries orders out on a fleet, and says what can be ordered where."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fake_instances.control import orders
from fake_instances.errors import FleetError, UnknownSessionError
from fake_instances.sessions import Session, SessionStatus
from fake_instances.webhooks.message import altered
from fake_instances.webhooks.retries import POLICIES

if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_instances.fleet import Fleet
    from fake_instances.webhooks.delivery import Delivery

ACTIONS = ("stop", "kill", "start", "restart", "pause", "resume")
"""What can be done to one instance as a whole."""
LONGEST_WAIT = 30.0
"""Seconds for which a request waits at most."""
MOST_ENTRIES = 10_000
"""How many entries of the journal are given at once at most."""

_TEXT: dict[str, Any] = {"type": "string"}
_NUMBER: dict[str, Any] = {"type": "integer"}
_FLAG: dict[str, Any] = {"type": "boolean"}
_OBJECT: dict[str, Any] = {"type": "object"}
_NUMBERS: dict[str, Any] = {"type": "array", "items": _NUMBER}
_OBJECTS: dict[str, Any] = {"type": "array", "items": _OBJECT}
_HOLDERS = {"holders": _NUMBERS}
_ANSWERED: dict[str, Any] = {
    "webhook": _NUMBER,
    "status": {"type": ["integer", "null"]},
    "reason": {"type": ["string", "null"]},
}
_INSTANCE: dict[str, Any] = {
    "number": _NUMBER,
    "url": _TEXT,
    "running": _FLAG,
    "paused": _FLAG,
    "sessions": _OBJECT,
    "hanging": _NUMBER,
    "faults": _OBJECTS,
}
_STATUS: dict[str, Any] = {
    "instances": {"type": "array", "items": {**_OBJECT, "properties": _INSTANCE, "required": [*_INSTANCE]}},
    "control_plane": {"type": ["string", "null"]},
    "retry_policy": {"enum": list(POLICIES)},
    "unfinished_moves": {**_OBJECT, "additionalProperties": _NUMBER},
    "kept_webhooks": _NUMBERS,
    "last": _NUMBER,
}


@dataclass(frozen=True, slots=True)
class Route:
    """What can be ordered, and where. `answer` has the JSON Schema of each field of what it gives.

    `always` names the fields that it always gives; without it, it gives all.
    """

    method: str
    path: str
    order: type[orders.Order] | None
    carry_out: Callable[..., object]
    answer: dict[str, Any]
    status: int = 200
    always: tuple[str, ...] | None = None


class Actions:
    """Carries orders out on a fleet, and gives what is to be answered."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self._ended = threading.Event()

    def end(self) -> None:
        """Have no request wait any more."""
        self._ended.set()
        self.fleet.journal.wake()

    def status(self) -> object:
        """Tell how every instance is, which faults are in force, and what is not finished."""
        fleet = self.fleet
        return {
            "instances": [fleet.report(number) for number in fleet.numbers],
            "control_plane": fleet.control_plane,
            "retry_policy": fleet.announcer.policy.name,
            "unfinished_moves": fleet.unfinished(),
            "kept_webhooks": [one.number for one in fleet.announcer.kept()],
            "last": fleet.journal.last,
        }

    def sessions(self, number: int) -> object:
        """List the copies that an instance holds."""
        return {"sessions": [one.detail() for one in self.fleet.sessions(number)]}

    def hold(self, order: orders.HoldOrder) -> object:
        """Put a copy of a session on an instance, silently."""
        self.fleet.hold(_session(order), order.instance)
        return {"holders": self.fleet.holders(order.session_id)}

    def connect(self, order: orders.ConnectOrder) -> object:
        """Connect a session for the first time and announce it, with the faults that its webhook meets."""
        self._known_control_plane()
        delivery = self.fleet.connect(_session(order), order.instance)
        holders = self.fleet.holders(order.session_id)
        return {"holders": holders, "webhook": None if delivery is None else delivery.number}

    def set_status(self, order: orders.StatusOrder) -> object:
        """Change the state of a copy, silently."""
        self.fleet.set_status(order.session_id, order.status, order.instance)
        return {"holders": self.fleet.holders(order.session_id)}

    def release(self, order: orders.ReleaseOrder) -> object:
        """Take a copy of a session from an instance, silently."""
        self.fleet.release(order.session_id, order.instance)
        return {"holders": self.fleet.holders(order.session_id)}

    def migrate(self, order: orders.MigrationOrder) -> object:
        """Move a session, now or behind an answer."""
        move = self.fleet.migrate if order.announce else self.fleet.move
        self.fleet.url(order.to)
        if order.after_answer_of is not None:
            words = f"moves session {order.session_id} to {order.to} behind its answer"
            number = self.fleet.after_answer(
                lambda: move(order.session_id, order.to, order.handover),
                on=order.after_answer_of,
                words=words,
            )
            return {"trigger": number}
        if order.announce:
            self._known_control_plane()
        move(order.session_id, order.to, order.handover)
        return {"holders": self.fleet.holders(order.session_id)}

    def finish(self, order: orders.FinishOrder) -> object:
        """End the split brain or the gap of a session."""
        self.fleet.finish_migration(order.session_id)
        return {"holders": self.fleet.holders(order.session_id)}

    def arm(self, order: orders.FaultOrder) -> object:
        """Arm a fault and give its number."""
        number = self.fleet.arm(
            order.fault,
            order.instance,
            order.endpoints,
            times=order.times,
            session_id=order.session_id,
            chance=order.chance,
            seed=order.seed,
        )
        return {"number": number, "words": f"instance {order.instance} {order.fault}"}

    def clear(self, order: orders.ClearOrder) -> object:
        """Clear faults."""
        self.fleet.clear(order.instance, order.number)
        return {"cleared": True}

    def act(self, number: int, action: str, order: orders.StartOrder) -> object:
        """Do something to an instance as a whole.

        Raises:
            FleetError: it cannot be done to an instance in this state, or nothing is called so.
        """
        fleet = self.fleet
        fleet.url(number)
        match action:
            case "stop" | "kill":
                fleet.stop_instance(number, abruptly=action == "kill")
            case "start":
                fleet.start_instance(number, keep_sessions=order.keep_sessions)
            case "restart":
                fleet.restart(number, keep_sessions=order.keep_sessions)
            case "pause":
                fleet.pause(number)
            case "resume":
                fleet.resume(number)
            case _:
                raise FleetError(f"an instance cannot {action}; allowed: {', '.join(ACTIONS)}")
        return fleet.report(number)

    def webhook(self, order: orders.WebhookOrder) -> object:
        """Send a webhook and give what the control plane answered."""
        self._known_control_plane()
        fleet = self.fleet
        session = fleet.session(order.session_id, order.instance) or next(
            (found for one in fleet.numbers if (found := fleet.session(order.session_id, one))), None
        )
        if session is None:
            raise UnknownSessionError(f"no instance has a copy of session {order.session_id}; hold one first")
        webhook = fleet.webhook(session, order.instance, order.event, fields=order.fields)
        if order.alteration is not None:
            webhook = altered(webhook, order.alteration, fleet.secret)
        return _answered(fleet.send(webhook))

    def replay(self, order: orders.ReplayOrder) -> object:
        """Send a webhook that went out before once more."""
        self._known_control_plane()
        return _answered(self.fleet.announcer.replay(order.webhook, order.alteration))

    def kept(self) -> object:
        """List the webhooks that are kept back, oldest first."""
        return {
            "kept": [
                {
                    "webhook": one.number,
                    "instance": one.webhook.instance,
                    "event": one.webhook.event,
                    "session_id": one.webhook.session_id,
                }
                for one in self.fleet.announcer.kept()
            ]
        }

    def retry(self, order: orders.PolicyOrder) -> object:
        """Say when an announcement that did not get through is sent again."""
        self.fleet.announcer.policy = POLICIES[order.policy]
        return {"retry_policy": order.policy}

    def release_webhooks(self, order: orders.WebhookReleaseOrder) -> object:
        """Send what was kept back."""
        self._known_control_plane()
        released = self.fleet.announcer.release(order.webhook, newest_first=order.newest_first)
        return {"released": [_answered(one) for one in released]}

    def point(self, order: orders.ControlPlaneOrder) -> object:
        """Say where the control plane is."""
        self.fleet.control_plane = order.url
        return {"control_plane": order.url}

    def reset(self, _: orders.EmptyOrder) -> object:
        """Clear every fault, let every session go and have every instance run."""
        self.fleet.reset()
        return {"reset": True}

    def settle(self, order: orders.SettleOrder) -> object:
        """Wait until every request that will be answered was."""
        self.fleet.journal.wait_until(
            lambda: self._ended.is_set() or self.fleet.settle(0), timeout=order.timeout
        )
        return {"settled": self.fleet.settle(0)}

    def journal(self, after: int, limit: int, wait: int, kind: str | None) -> object:
        """Give entries behind `after`, of one `kind` if one is named; wait up to `wait` seconds for the first."""
        journal = self.fleet.journal

        def wanted() -> list[Any]:
            return [one for one in journal.entries(after=after) if kind in {None, type(one).__name__}]

        if wait:
            journal.wait_until(
                lambda: self._ended.is_set() or bool(wanted()), timeout=min(wait, LONGEST_WAIT)
            )
        found = wanted()[: min(limit, MOST_ENTRIES)]
        last = found[-1].sequence if found else max(after, 0)
        return {"entries": [one.to_json() for one in found], "last": last}

    def _known_control_plane(self) -> None:
        if self.fleet.control_plane is None:
            raise FleetError("no control plane is known: PUT /control-plane says where it is")


def routes(actions: Actions) -> tuple[Route, ...]:
    """Say what can be ordered where."""
    released = {"released": {"type": "array", "items": {**_OBJECT, "properties": _ANSWERED}}}
    moved = {**_HOLDERS, "trigger": _NUMBER}
    connected = {**_HOLDERS, "webhook": {"type": ["integer", "null"]}}
    return (
        Route("GET", "/status", None, actions.status, _STATUS),
        Route("GET", "/instances/<int:number>/sessions", None, actions.sessions, {"sessions": _OBJECTS}),
        Route("POST", "/instances/<int:number>/<action>", orders.StartOrder, actions.act, _INSTANCE),
        Route("PUT", "/sessions", orders.HoldOrder, actions.hold, _HOLDERS),
        Route("DELETE", "/sessions", orders.ReleaseOrder, actions.release, _HOLDERS),
        Route("POST", "/sessions/connect", orders.ConnectOrder, actions.connect, connected),
        Route("PUT", "/sessions/status", orders.StatusOrder, actions.set_status, _HOLDERS),
        Route("POST", "/migrations", orders.MigrationOrder, actions.migrate, moved, 202, ()),
        Route("POST", "/migrations/finish", orders.FinishOrder, actions.finish, _HOLDERS),
        Route("POST", "/faults", orders.FaultOrder, actions.arm, {"number": _NUMBER, "words": _TEXT}, 201),
        Route("DELETE", "/faults", orders.ClearOrder, actions.clear, {"cleared": _FLAG}),
        Route("POST", "/webhooks", orders.WebhookOrder, actions.webhook, _ANSWERED),
        Route("GET", "/webhooks/kept", None, actions.kept, {"kept": _OBJECTS}),
        Route("PUT", "/webhooks/policy", orders.PolicyOrder, actions.retry, {"retry_policy": _TEXT}),
        Route("POST", "/webhooks/replay", orders.ReplayOrder, actions.replay, _ANSWERED),
        Route("POST", "/webhooks/release", orders.WebhookReleaseOrder, actions.release_webhooks, released),
        Route("PUT", "/control-plane", orders.ControlPlaneOrder, actions.point, {"control_plane": _TEXT}),
        Route("GET", "/journal", None, actions.journal, {"entries": _OBJECTS, "last": _NUMBER}),
        Route("POST", "/settle", orders.SettleOrder, actions.settle, {"settled": _FLAG}),
        Route("POST", "/reset", orders.EmptyOrder, actions.reset, {"reset": _FLAG}),
    )


def _session(order: orders.ConnectOrder) -> Session:
    status = order.status if isinstance(order, orders.HoldOrder) else SessionStatus.CONNECTED
    return Session(order.session_id, order.workspace_id, order.phone_number, status)


def _answered(delivery: Delivery) -> dict[str, object]:
    answer = delivery.wait()
    return {"webhook": delivery.number, "status": answer.status, "reason": answer.reason}
