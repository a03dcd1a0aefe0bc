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
    """Carries orders out on a fleet, each by the private method of its name. What it does, the order says itself."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self._ended = threading.Event()

    def end(self) -> None:
        """End every wait."""
        self._ended.set()
        self.fleet.journal.wake()

    def carry_out(self, name: str, order: orders.Order) -> object:
        """Carry out the order of this name, and return what is answered."""
        return getattr(self, f"_{name.replace('-', '_')}")(order)

    def _status(self, _: orders.StatusOrder) -> object:
        fleet = self.fleet
        return {
            "instances": [fleet.report(number) for number in fleet.numbers],
            "control_plane": fleet.control_plane,
            "retry_policy": fleet.announcer.policy.name,
            "unfinished_moves": fleet.unfinished(),
            "kept_webhooks": [one.number for one in fleet.announcer.kept()],
            "last": fleet.journal.last,
        }

    def _sessions(self, order: orders.SessionsOrder) -> object:
        return {"sessions": [one.detail() for one in self.fleet.sessions(order.instance)]}

    def _hold(self, order: orders.HoldOrder) -> object:
        self.fleet.hold(_session(order), order.instance)
        return {"holders": self.fleet.holders(order.session_id)}

    def _connect(self, order: orders.ConnectOrder) -> object:
        self._known_control_plane()
        delivery = self.fleet.connect(_session(order), order.instance)
        holders = self.fleet.holders(order.session_id)
        return {"holders": holders, "webhook": None if delivery is None else delivery.number}

    def _set_status(self, order: orders.SetStatusOrder) -> object:
        self.fleet.set_status(order.session_id, order.status, order.instance)
        return {"holders": self.fleet.holders(order.session_id)}

    def _release(self, order: orders.ReleaseOrder) -> object:
        self.fleet.release(order.session_id, order.instance)
        return {"holders": self.fleet.holders(order.session_id)}

    def _migrate(self, order: orders.MigrateOrder) -> object:
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
        if not self.fleet.holders(order.session_id):
            raise UnknownSessionError(
                f"no instance holds session {order.session_id} connected; connect or hold it first"
            )
        if order.announce:
            self._known_control_plane()
        move(order.session_id, order.to, order.handover)
        return {"holders": self.fleet.holders(order.session_id)}

    def _finish(self, order: orders.FinishOrder) -> object:
        self.fleet.finish_migration(order.session_id)
        return {"holders": self.fleet.holders(order.session_id)}

    def _fault(self, order: orders.FaultOrder) -> object:
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

    def _clear(self, order: orders.ClearOrder) -> object:
        self.fleet.clear(order.instance, order.number)
        return {"cleared": True}

    def _stop(self, order: orders.StopOrder) -> object:
        self.fleet.stop_instance(order.instance)
        return self.fleet.report(order.instance)

    def _kill(self, order: orders.KillOrder) -> object:
        self.fleet.stop_instance(order.instance, abruptly=True)
        return self.fleet.report(order.instance)

    def _start(self, order: orders.StartOrder) -> object:
        self.fleet.start_instance(order.instance, keep_sessions=order.keep_sessions)
        return self.fleet.report(order.instance)

    def _restart(self, order: orders.RestartOrder) -> object:
        self.fleet.restart(order.instance, keep_sessions=order.keep_sessions)
        return self.fleet.report(order.instance)

    def _pause(self, order: orders.PauseOrder) -> object:
        self.fleet.pause(order.instance)
        return self.fleet.report(order.instance)

    def _resume(self, order: orders.ResumeOrder) -> object:
        self.fleet.resume(order.instance)
        return self.fleet.report(order.instance)

    def _webhook(self, order: orders.WebhookOrder) -> object:
        fleet = self.fleet
        session = fleet.session(order.session_id, order.instance) or next(
            (found for one in fleet.numbers if (found := fleet.session(order.session_id, one))), None
        )
        if session is None:
            raise UnknownSessionError(f"no instance has a copy of session {order.session_id}; hold one first")
        self._known_control_plane()
        webhook = fleet.webhook(session, order.instance, order.event, fields=order.fields)
        if order.alteration is not None:
            webhook = altered(webhook, order.alteration, fleet.secret)
        return _answered(fleet.send(webhook))

    def _replay(self, order: orders.ReplayOrder) -> object:
        self._known_control_plane()
        return _answered(self.fleet.announcer.replay(order.webhook, order.alteration))

    def _kept(self, _: orders.KeptOrder) -> object:
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

    def _retries(self, order: orders.RetriesOrder) -> object:
        self.fleet.announcer.policy = POLICIES[order.policy]
        return {"retry_policy": order.policy}

    def _release_webhooks(self, order: orders.ReleaseWebhooksOrder) -> object:
        self._known_control_plane()
        released = self.fleet.announcer.release(order.webhook, newest_first=order.newest_first)
        return {"released": [_answered(one) for one in released]}

    def _control_plane(self, order: orders.ControlPlaneOrder) -> object:
        self.fleet.control_plane = order.url
        return {"control_plane": order.url}

    def _reset(self, _: orders.ResetOrder) -> object:
        self.fleet.reset()
        return {"reset": True}

    def _settle(self, order: orders.SettleOrder) -> object:
        self.fleet.journal.wait_until(
            lambda: self._ended.is_set() or self.fleet.settle(0), timeout=order.timeout
        )
        return {"settled": self.fleet.settle(0)}

    def _journal(self, order: orders.JournalOrder) -> object:
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
