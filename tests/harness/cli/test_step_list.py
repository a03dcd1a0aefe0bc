"""The list of steps: everything that can be written, once, in words that can be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.cli.main import main
from harness.cli.step_list import matching, step_lines, steps_markdown, themes
from tests.test_feature_style import definitions

if TYPE_CHECKING:
    import pytest

THEMES = themes()
PHRASES = [one for theme in THEMES for one in theme.phrases]


def test_every_definition_is_listed_with_what_it_can_be() -> None:
    listed = sum(len(one.kinds) for one in PHRASES)
    assert listed == len(definitions())


def test_every_phrase_has_a_meaning_and_none_is_left_as_a_pattern() -> None:
    for one in PHRASES:
        assert one.meaning.endswith((".", ":")), one
        assert not {"?", "\\", "|", "("} & set(one.words), one


def test_words_that_a_value_can_be_are_listed_with_it() -> None:
    (flaw,) = [one for one in PHRASES if one.words.endswith("announces session_ready with {flaw}")]

    assert {"no signature", "half a signature"} <= set(flaw.values["flaw"])
    assert "`{flaw}`: `no signature`, " in "\n".join(steps_markdown(THEMES))


def test_what_can_be_left_out_is_in_brackets() -> None:
    (one,) = [one for one in PHRASES if "{behaviour}" in one.words]
    assert one.words == "instance {number} {behaviour}[ when asked who holds the session][, if it is asked]"


def test_steps_are_found_by_all_of_their_words() -> None:
    found = matching(THEMES, ["ROW", "still", "assigned"])

    assert [one.words for theme in found for one in theme.phrases] == [
        "the row is still assigned to instance {number}"
    ]
    assert list(step_lines(found)) == [
        "── Accounts ──",
        "then        the row is still assigned to instance {number}",
        "                Check that the URL did not move. Other columns may have been written.",
        "1 step",
    ]


def test_the_command_lists_what_it_finds_and_says_when_that_is_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["steps", "still", "assigned", "--markdown"]) == 0
    assert "| Then | `the row is still assigned to instance {number}` | " in capsys.readouterr().out
    assert main(["steps", "row", "xyzzy"]) == 4
    assert "no step has 'row' and 'xyzzy' in it" in capsys.readouterr().err
    assert main(["steps", "--wrong"]) == 4
