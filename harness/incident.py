"""The facts of the incident, as the document's Problem Statement gives them."""

from __future__ import annotations

from datetime import datetime

INCIDENT_ACCOUNT = 142
INCIDENT_SESSION = "webjs_1_1763798326_U9tUyl0b"
INCIDENT_PHONE = "62811801641"

LONG_PAST = datetime(2020, 1, 1)  # noqa: DTZ001 - the column is UTC without saying so
"""When every row was last written, as far as a scenario is concerned."""
