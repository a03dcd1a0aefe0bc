"""Carries orders out on a fleet."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from fake_instances.errors import FleetError, UnknownSessionError
from fake_instances.sessions import Session, SessionStatus
from fake_instances.webhooks.message import altered
from fake_instances.webhooks.retries import POLICIES

if TYPE_CHECKING:
    from fake_instances.control import orders
    from fake_instances.fleet import Fleet
    from fake_instances.webhooks.delivery import Delivery

MOST_ENTRIES = 10_000
"""How many entries of the journal are returned at once at most."""
LONGEST_WAIT = 30.0
"""Seconds for which a request waits at most."""


class Actions:
    """Carries orders out on a fleet, each by the method of its name, and returns what is answered."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self._ended = threading.Event()

    def end(self) -> None:
        """Let no request wait any more."""
        self._ended.set()
        self.fleet.journal.wake()

    def carry_out(self, name: str, order: orders.Order) -> object:
        """Carry out the order of this name."""
        return getattr(self, name.replace("-", "_"))(order)

    def status(self, _: orders.StatusOrder) -> object:
        """Return the state of every instance, the faults in force, and what is not finished."""
        fleet = self.fleet
        return {
            "instances": [fleet.report(number) for number in fleet.numbers],
            "control_plane": fleet.control_plane,
            "retry_policy": fleet.announcer.policy.name,
            "unfinished_moves": fleet.unfinished(),
            "kept_webhooks": [one.number for one in fleet.announcer.kept()],
            "last": fleet.journal.last,
        }

    def sessions(self, order: orders.SessionsOrder) -> object:
        """Return the copies that an instance holds."""
        return {"sessions": [one.detail() for one in self.fleet.sessions(order.instance)]}

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

    def set_status(self, order: orders.SetStatusOrder) -> object:
        """Change the state of a copy, silently."""
        self.fleet.set_status(order.session_id, order.status, order.instance)
        return {"holders": self.fleet.holders(order.session_id)}

    def release(self, order: orders.ReleaseOrder) -> object:
        """Take a copy of a session from an instance, silently."""
        self.fleet.release(order.session_id, order.instance)
        return {"holders": self.fleet.holders(order.session_id)}

    def migrate(self, order: orders.MigrateOrder) -> object:
        """Move a session, now or after an answer."""
        move = self.fleet.migrate if order.announce else self.fleet.move
        self.fleet.url(order.to)
        if order.after_answer_of is not None:
            words = f"moves session {order.session_id} to {order.to} after its answer"
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

    def fault(self, order: orders.FaultOrder) -> object:
        """Arm a fault, and return its number."""
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

    def stop(self, order: orders.StopOrder) -> object:
        """Stop an instance."""
        self.fleet.stop_instance(order.instance)
        return self.fleet.report(order.instance)

    def kill(self, order: orders.KillOrder) -> object:
        """Stop an instance abruptly."""
        self.fleet.stop_instance(order.instance, abruptly=True)
        return self.fleet.report(order.instance)

    def start(self, order: orders.StartOrder) -> object:
        """Start an instance, with or without the sessions that it had."""
        self.fleet.start_instance(order.instance, keep_sessions=order.keep_sessions)
        return self.fleet.report(order.instance)

    def restart(self, order: orders.RestartOrder) -> object:
        """Stop an instance and start it."""
        self.fleet.restart(order.instance, keep_sessions=order.keep_sessions)
        return self.fleet.report(order.instance)

    def pause(self, order: orders.PauseOrder) -> object:
        """Pause an instance."""
        self.fleet.pause(order.instance)
        return self.fleet.report(order.instance)

    def resume(self, order: orders.ResumeOrder) -> object:
        """Resume an instance."""
        self.fleet.resume(order.instance)
        return self.fleet.report(order.instance)

    def webhook(self, order: orders.WebhookOrder) -> object:
        """Send a webhook, and return what the control plane answered."""
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
        """Send a webhook again that went out before."""
        self._known_control_plane()
        return _answered(self.fleet.announcer.replay(order.webhook, order.alteration))

    def kept(self, _: orders.KeptOrder) -> object:
        """Return the webhooks that are kept back, oldest first."""
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

    def retries(self, order: orders.RetriesOrder) -> object:
        """Choose when a webhook that did not get through is sent again."""
        self.fleet.announcer.policy = POLICIES[order.policy]
        return {"retry_policy": order.policy}

    def release_webhooks(self, order: orders.ReleaseWebhooksOrder) -> object:
        """Send what was kept back."""
        self._known_control_plane()
        released = self.fleet.announcer.release(order.webhook, newest_first=order.newest_first)
        return {"released": [_answered(one) for one in released]}

    def control_plane(self, order: orders.ControlPlaneOrder) -> object:
        """Set where webhooks go."""
        self.fleet.control_plane = order.url
        return {"control_plane": order.url}

    def reset(self, _: orders.ResetOrder) -> object:
        """Clear every fault, release every session, and have every instance run."""
        self.fleet.reset()
        return {"reset": True}

    def settle(self, order: orders.SettleOrder) -> object:
        """Wait until every request is answered that will be."""
        self.fleet.journal.wait_until(
            lambda: self._ended.is_set() or self.fleet.settle(0), timeout=order.timeout
        )
        return {"settled": self.fleet.settle(0)}

    def journal(self, order: orders.JournalOrder) -> object:
        """Return entries of the journal; wait for the first if that is wanted."""
        journal = self.fleet.journal

        def wanted() -> list[Any]:
            found = journal.entries(after=order.after)
            return [one for one in found if order.kind in {None, type(one).__name__}]

        if order.wait:
            journal.wait_until(
                lambda: self._ended.is_set() or bool(wanted()), timeout=min(order.wait, LONGEST_WAIT)
            )
        found = wanted()[: min(order.limit, MOST_ENTRIES)]
        last = found[-1].sequence if found else order.after
        return {"entries": [one.to_json() for one in found], "last": last}

    def _known_control_plane(self) -> None:
        if self.fleet.control_plane is None:
            raise FleetError("no control plane is known: PUT /control-plane says where it is")


def _session(order: orders.ConnectOrder) -> Session:
    status = getattr(order, "status", SessionStatus.CONNECTED)
    return Session(order.session_id, order.workspace_id, order.phone_number, status)


def _answered(delivery: Delivery) -> dict[str, object]:
    answer = delivery.wait()
    return {"webhook": delivery.number, "status": answer.status, "reason": answer.reason}
