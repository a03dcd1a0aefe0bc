"""Which sound designs are judged together: each blend is one implementation that differs in several ways at once.

A whole run for each would take ten minutes. The designs of a blend have to do with different things, and none of them
takes away what another is judged by. One that does is in no blend, and is judged alone: webhooks that are applied
later are given more time, failures in other words have no codes, and who ignores what tells no location ignores much.
`make kill-matrix ARGS=--apart` judges each alone.
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
)
"""The names of their variants, in the order in which they are put into the reference."""
