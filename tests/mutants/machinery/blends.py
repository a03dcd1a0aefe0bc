"""Which sound designs are judged together: each blend is one implementation that differs in several ways.

A run for each would take ten minutes. The designs of a blend change different things, and none takes away what
another is judged by. A design that does is in no blend: webhooks applied later get more time, failures in other words
have no codes, and a design that ignores events without a location ignores much. `--apart` judges each design alone.
"""

from __future__ import annotations

BLENDS = (
    (
        "verifies-by-the-session-list",
        "answers-202-and-tells-more",
        "webhooks-touch-the-row",
        "webhooks-wait-for-health-checks",
        "logs-as-laravel-does",
    ),
    (
        "verifies-by-the-status-of-the-session",
        "failures-have-other-statuses",
        "urls-stored-with-a-slash",
        "logs-more-than-is-asked",
    ),
    (
        "asks-everyone-at-once-and-waits-for-all",
        "repairs-the-row-behind-the-send",
        "doubtful-webhooks-refused-whole",
        "logs-to-standard-error",
    ),
    (
        "verifies-twice",
        "messages-carry-more",
        "metrics-of-its-own",
    ),
    (
        "asks-again-behind-the-send",
        "takes-its-time",
        "table-of-another-name",
    ),
    (
        "scans-the-assigned-instance-again",
        "webhooks-take-their-time",
        "counts-outlive-a-restart",
    ),
    (
        "scans-one-after-another",
        "claims-that-cannot-be-checked-are-hints",
        "health-check-asks-again-before-it-corrects",
    ),
    (
        "asks-for-health-first",
        "webhooks-wait-for-sends",
        "health-check-asks-one-after-another",
        "verifications-for-webhooks-logged-too",
    ),
    (
        "connections-are-kept-alive",
        "only-true-claims-believed",
        "health-check-asks-twice",
        "rows-have-a-column-of-its-own",
    ),
    (
        "long-bodies-in-chunks-answered-411",
        "photographs-taken",
        "webhooks-count-as-they-come",
        "bursts-of-codes-slowed-down",
        "times-written-as-iso-8601",
        "claims-quoted-with-their-query",
    ),
    (
        "webhooks-count-as-their-senders-say",
        "seen-signatures-ignored",
        "text-that-cannot-be-stored-refused",
    ),
)
"""Their names, in the order in which they patch the reference."""

GATEWAY_BLENDS = (
    (
        "localhost-claimed",
        "webhooks-in-chunks",
        "other-events-around-a-login",
        "content-type-names-its-charset",
        "status-in-its-own-words",
    ),
    (
        "url-of-the-target-claimed",
        "header-names-in-lower-case",
        "other-events-between-tries",
        "reconnects-by-logging-in-anew",
        "tries-say-their-own-moment",
    ),
    ("ipv6-loopback-claimed", "reconnects-by-a-new-client"),
)
"""The same for gateways."""
