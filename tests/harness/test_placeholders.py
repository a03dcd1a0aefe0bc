"""Placeholders: filled wherever they stand, and never twice."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.placeholders import filled, filled_text

REPEATABLE = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
NAMES = ("port", "text", "other")
TEXTS = st.lists(st.sampled_from(["{port}", "{text}", "{other}", "{", "}", "a", "{{port}}"]), max_size=5)
TEMPLATES = st.recursive(
    TEXTS.map("".join) | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=6,
)


def test_a_placeholder_by_itself_becomes_the_value_and_within_a_text_its_words() -> None:
    values: dict[str, object] = {"port": 3001, "session_id": "webjs_1"}
    template = {"port": "{port}", "at": ["http://h:{port}/{session_id}", "{other}", 7]}
    assert filled(template, values) == {"port": 3001, "at": ["http://h:3001/webjs_1", "{other}", 7]}
    assert filled_text("{port}", values) == "3001"


@REPEATABLE
@given(TEMPLATES)
def test_a_value_is_never_searched_for_placeholders(template: object) -> None:
    swapped = filled(template, {"port": "{text}", "text": "{port}"})
    assert filled(swapped, {"port": "{text}", "text": "{port}"}) == template


@REPEATABLE
@given(TEMPLATES)
def test_without_values_nothing_changes(template: object) -> None:
    assert filled(template, {}) == template
