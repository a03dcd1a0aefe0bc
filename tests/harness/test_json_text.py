"""JSON from outside is a value or a ValueError, whatever it is."""

from __future__ import annotations

import pytest

from harness.json_text import DEEPEST, json_of
from harness.log_events import parse_line


@pytest.mark.parametrize("deep", ["[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"a":' * 100_000])
def test_what_is_nested_too_deeply_is_no_json(deep: str) -> None:
    with pytest.raises(ValueError, match=r"nested|Expecting"):
        json_of(deep)
    assert parse_line(f"deep {deep}").fields == {}


def test_what_is_long_or_has_brackets_in_its_texts_is_not_nested() -> None:
    assert len(json_of("[" + ",".join(["{}"] * 10 * DEEPEST) + "]")) == 10 * DEEPEST
    assert json_of(b'["' + b"[" * 10 * DEEPEST + b'"]') == ["[" * 10 * DEEPEST]


@pytest.mark.parametrize("begins", ["{", '{"', '{"a":', '{"a":"', '{ "'])
def test_a_line_of_beginnings_is_read_in_no_time(begins: str) -> None:
    assert parse_line(begins * 400_000).fields == {}


@pytest.mark.parametrize("within", ['\\"', "\\", '\\"['])
def test_a_text_that_never_ends_is_read_in_no_time(within: str) -> None:
    with pytest.raises(ValueError, match=r"Unterminated|escape"):
        json_of('"' + within * 1_000_000 + "[" * 2 * DEEPEST)


def test_a_number_beyond_all_digits_is_no_json() -> None:
    with pytest.raises(ValueError, match="digits"):
        json_of("9" * 5000)
