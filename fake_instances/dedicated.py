"""What a process sets for itself when serving instances is all that it does."""

from __future__ import annotations

import gc


def collect_seldom() -> None:
    """Look for unreachable cycles seldom, and never again among what is there by now.

    The journal keeps hundreds of thousands of entries, none of them in a cycle: looking through them all cost the one
    answer in a hundred that waited for it twenty milliseconds.
    """
    gc.freeze()
    gc.set_threshold(2_000, 3, 10_000)
