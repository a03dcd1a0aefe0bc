"""What a terminal obeys is never shown to it as it is."""

from __future__ import annotations

import pytest

from harness.wording import visible


@pytest.mark.parametrize("one", ["\x00", "\x1b", "\r", "\x7f", "\x9b", "\u202e", "\u2066", "\ud800"])
def test_what_a_terminal_obeys_is_escaped(one: str) -> None:
    told = visible(f"ä{one}\n\tb")
    assert one not in told
    assert told.startswith("ä\\")
    assert told.endswith("\n\tb")
