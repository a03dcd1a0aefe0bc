"""Likely causes: failed scenarios whose histories go wrong in the same way, as one finding.

`deviations` reads one scenario, `grouping` all of them; `abstraction` takes out what differs by chance. Pure.
"""

from __future__ import annotations

from harness.report.causes.grouping import causes_of

__all__ = ["causes_of"]
