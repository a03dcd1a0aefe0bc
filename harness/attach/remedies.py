"""What to change in an attachment, by what came back of something that the doctor tried. Pure: words alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.contract import Target
    from harness.history import UserAnswered

REFUSALS = (401, 403)
NO_ROUTE = (404, 405)
CSRF = 419
"""What Laravel answers if the token of a form is missing."""
SIGNATURE = (
    "X-HMAC-Signature must be the hex HMAC-SHA256 of X-Timestamp, in seconds, followed by the raw body"
)


def of_webhook(target: Target, status: int | None, *, clock_is_off: bool | None, knows_the_path: bool) -> str:
    """Say what to change if a rightly signed webhook was answered this; empty if it was accepted.

    `clock_is_off` is whether its clock alone would have it refused, or None if that is unknown. `knows_the_path` is
    whether a webhook with a wrong signature is refused there.
    """
    match status:
        case None:
            return "webhook.path must be where it takes webhooks, and it must answer them"
        case _ if 200 <= status <= 299:
            return ""
        case _ if status in NO_ROUTE:
            return _of_nothing_there(target, knows_the_path=knows_the_path)
        case _ if status in REFUSALS:
            if clock_is_off:
                return "its clock first: with that the time in the signature is refused, whatever the secret"
            unseen = "" if clock_is_off is not None else "; or its clock is off, which could not be seen here"
            return _of_signature(target) + unseen
        case _ if status == CSRF:
            return (
                "its CSRF protection must leave webhook.path alone: a webhook is protected by its signature"
            )
        case _ if 300 <= status <= 399:
            return "webhook.path must be the address itself, with no login before it: webhooks are not redirected"
    return "its own log or output says why; a rightly signed webhook must be answered 2xx"


def _of_nothing_there(target: Target, *, knows_the_path: bool) -> str:
    if not knows_the_path:
        return "webhook.path must be the path at which it takes webhooks, by POST"
    where = "it uses" if target.url else f"{target.variable('DATABASE_URL')} names"
    return (
        "webhook.path is right, for a wrong signature is refused there; what it lacks is the session: "
        f"it must read table {target.table} of the database that {where}, as [state] and --database say"
    )


def of_own_variable(target: Target, *names: str, section: str = "launch") -> str:
    """Say what to change if a target file sets what the harness gives; empty if it does not."""
    own = [variable for name in names if (variable := target.variable(name)) in target.environment]
    return f"{section}.env must not set {' and '.join(own)}: the harness gives that" if own else ""


def _of_signature(target: Target) -> str:
    if own := of_own_variable(target, "HMAC_SECRET"):
        return own
    where = (
        "HMAC_SECRET in this environment must be the one it was started with"
        if target.url
        else f"it must take its secret from {target.variable('HMAC_SECRET')}, as it is launched, or "
        "[launch.variables] must say what it calls that"
    )
    return f"{where}; {SIGNATURE}"


def of_message(answer: UserAnswered, *, asked: bool, delivered: bool) -> str:
    """Say what to change if a message was answered this; `asked` is whether any instance was called for it."""
    if answer.status is None and (asked or delivered):
        return "it must answer within its timeouts: it took the message, and gave no answer"
    if answer.status is None:
        return "send.path must be where it takes messages, and it must answer within its timeouts"
    if delivered and not answer.told_sent:
        return "send.succeeded must describe this answer, for the message was delivered"
    if answer.told_sent and not delivered:
        return "send.succeeded must not match this answer, for no instance delivered the message"
    if delivered:
        return ""
    if asked:
        return "what it answers says why; the instance held the session, connected"
    return _of_refusal(answer.status)


def refused_unasked(status: int | None) -> bool:
    """Say whether a message was refused for what it is, so that no instance had to be asked."""
    return status is not None and 300 <= status <= 499 and status != 409


def _of_refusal(status: int) -> str:
    match status:
        case 401 | 403:
            return 'http.headers must let the harness in, such as headers = { Authorization = "Bearer …" }'
        case _ if status == CSRF:
            return "send.path must be a route that wants no CSRF token, such as one of its API"
        case 404 | 405:
            return (
                "send.method and send.path must be how it takes messages, {account_id} the id of the row, "
                "{session_id} its session; send.headers must have what else it goes by"
            )
        case _ if 300 <= status <= 399:
            return (
                "send.path must be the address itself; where it redirects to a login, http.headers must let the "
                'harness in; with Accept = "application/json" among them many frameworks say what is missing'
            )
        case _ if refused_unasked(status):
            return "send.body must be what it takes: its answer says what is wrong with it"
    return "what the next finding says: it took the message, and called no instance"


def of_locked(status: int, key: str) -> str:
    """Say what to change if the way to what a key names is locked; empty if it is not."""
    match status:
        case 401 | 403:
            return 'http.headers must let the harness in, such as headers = { Authorization = "Bearer …" }'
        case _ if status == CSRF:
            return f"{key} must be a route that wants no CSRF token, such as one of its API"
        case _ if 300 <= status <= 399:
            return f"{key} must be the address itself, with no login before it; http.headers must let the harness in"
    return ""


def of_silence(target: Target, urls: str) -> str:
    """Say what to change if a message was taken and no instance was called."""
    if own := of_own_variable(target, "NODE_INSTANCES"):
        return own
    if target.image and target.network == "published":
        return (
            f"the instances are at {urls}, and in a container with its own network that is the container "
            'itself: write network = "host" under [launch]'
        )
    if target.url:
        return (
            f"it must have been started with these instances, now {urls}; --fleet-address and --fleet-ports have "
            "them listen where it calls"
        )
    if any("{instance_" in value for value in target.environment.values()):
        return f"it must call the instances that launch.env gives it as {{instance_1}} to {{instance_4}}, now {urls}"
    return (
        f"it must call the instances that {target.variable('NODE_INSTANCES')} names, now {urls}; launch.env may give "
        "them by other names, as {instance_1} to {instance_4} or as {fleet_urls}"
    )


def of_refused_key(target: Target) -> str:
    """Say what to change if instances refused the key."""
    if own := of_own_variable(target, "API_KEY"):
        return own
    key = (
        "API_KEY in this environment must be the one it was started with"
        if target.url
        else f"it must take the key from {target.variable('API_KEY')}, as it is launched"
    )
    return f"{key}, and send it as api_key: in the query of a GET, in the body of anything else"


def of_rows(target: Target) -> str:
    """Say what to change if a row could not be written or read at all."""
    if target.state_path:
        return "state.path must name hooks that answer as the contract says"
    return (
        "[state] must say how the table is: its table, columns with other names, defaults for columns of its own, "
        "ids if they are texts, migrated if the implementation makes it"
    )


def of_empty_log(target: Target) -> str:
    """Say what to change if nothing was found in the log."""
    match target.log:
        case "file" if target.log_file:
            return f"it must append to {target.log_file}, which log.file names"
        case "file" if target.log_files:
            return f"it must append to {', '.join(target.log_files)}, which log.file or log.files names"
        case "file" if own := of_own_variable(target, "LOG_FILE"):
            return own
        case "file":
            variable = target.variable("LOG_FILE")
            return f'it must append to the file that {variable} names; or write via = "stderr" or "http" under [log]'
        case "stderr":
            return 'it must log to standard error, unbuffered; or write via = "file" or "http" under [log]'
        case _:
            return "the hook that log.path names must return the lines logged since the cursor"


def of_log_without(session_id: str, lines: Sequence[str]) -> str:
    """Say what to change if there are lines, and none is about the session."""
    last = lines[-1].strip()[:120] if lines else ""
    return (
        f"what [log] names must be where it logs its events, each with a JSON object that has session_id, here "
        f"{session_id}; the last line there is: {last}"
    )
