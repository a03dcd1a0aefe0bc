"""The log of an implementation: the texts of its events, and how a line is read (contract, section 4). Pure."""

from __future__ import annotations

import contextlib
import json

from harness.contract import LogLine

AUTO_SYNC = "Auto-syncing assigned_instance_url from webhook header"
VERIFIED = "Session verified in assigned instance"
NOT_IN_ASSIGNED = "Session not found in assigned instance, attempting sync..."
SYNCED = "Instance sync successful! Database updated"
NOT_ANYWHERE = "Session not found in any Node.js instance"
UNVERIFIABLE = "Session could not be verified"
CORRECTED = "Health check corrected instance URL"
REFUSED_LOCATION = "Rejected X-Instance-Url"


def parse_line(text: str) -> LogLine:
    """Split a line into its text and the JSON object in it: the first that can be read and is not empty."""
    decoder = json.JSONDecoder()
    start = text.find("{")
    while start >= 0:
        with contextlib.suppress(ValueError):
            fields, _ = decoder.raw_decode(text, start)
            if fields:
                return LogLine(text, fields)
        start = text.find("{", start + 1)
    return LogLine(text, {})
