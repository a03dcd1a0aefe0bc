"""How failures are told: ten texts that name what is wrong to a reader who does not know the mistake.

A change of the harness that changes one of them is looked at by somebody: does the text still name what is wrong, and
where to look? Then `python -m tests.mutants.machinery.test_failure_texts` writes them anew.
"""

from __future__ import annotations

import re
import socket
import textwrap
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.mutants.machinery.runner import Runner
from tests.mutants.machinery.trials import mutant_trials
from tests.prerequisites import lacking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.mutants.machinery.runner import Ended
    from tests.mutants.machinery.trials import Trial

APPROVED = Path(__file__).parents[1] / "defects" / "approved"
HOST = "127.0.0.69"
NAMES = (
    "half-a-signature-accepted",
    "old-url-read-behind-the-write",
    "rows-of-the-workspace-moved",
    "id-compared-without-case",
    "repair-logged-with-the-new-url-as-old",
    "posted-to-the-assigned-as-a-last-resort",
    "posted-again-when-in-doubt",
    "any-claim-is-stored",
    "lost-sessions-lose-their-url",
    "every-session-served",
)

_ASKED = re.compile(r"instance \d+.*: .*(GET|POST) /")
_MADE_UP = (
    (re.compile(rf"\b{re.escape(HOST)}:(300[1-4])\b"), r"127.0.0.1:\1"),
    (re.compile(rf"\b{re.escape(HOST)}:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"^( +)\d+\.\d{3} s  ", re.MULTILINE), r"\1"),
    (re.compile(r"\b\d+(\.\d+)? (ms|s)\b"), r"N \2"),
    (re.compile(r"\b(webjs)_\d+_\d+_\w+", re.IGNORECASE), r"\1_SESSION"),
    (re.compile(r"3EB0[0-9A-F]+"), "MESSAGE"),
    (re.compile(r"\b(accounts?|row) \d+"), r"\1 ID"),
    (re.compile(r"\b628\d+"), "PHONE"),
    (re.compile(r"\b1[0-9]{9}\b"), "UNIX-TIME"),
    # Whether an instance has noticed by then that its caller left is decided by chance.
    (
        re.compile(r" \(no answer yet\)|^.*: no answer to .*: caller left( \(\d+ times\))?\n", re.MULTILINE),
        "",
    ),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?"), "TIME"),
)


def texts() -> Iterator[tuple[str, str]]:
    """Judge each of the mutants and give how its first failure is told, without what differs from run to run."""
    trials = {one.name: one for one in mutant_trials()}
    runner = Runner(1)
    own = ["-vv", "--fleet-address", HOST, "--fleet-ports", "3001,3002,3003,3004", "--fleet-seed", "1"]

    def judged(one: Trial) -> Ended:
        return runner.run(one.prepare, [*one.words, *own])

    for trial, ended in runner.each([trials[name] for name in NAMES], judged):
        yield trial.name, plain(ended.output)


def plain(output: str) -> str:
    """Give the first failure in pytest's output, with made-up values in place of those that differ."""
    failures = output.partition(" FAILURES ")[2].partition("\n")[2].partition(" short test summary info ")[0]
    first = re.split(r"^_+ test_.* _+$", failures, flags=re.MULTILINE)[1].rstrip("= \n")
    for pattern, instead in _MADE_UP:
        first = pattern.sub(instead, first)
    return "\n".join(_in_any_order(textwrap.dedent(first.strip("\n")).splitlines())) + "\n"


def _in_any_order(lines: list[str]) -> Iterator[str]:
    """Sort what happened side by side: instances are asked at once, and answer at once."""
    for asked, group in groupby(lines, lambda line: bool(_ASKED.search(line))):
        run = list(group)
        yield from sorted(run) if asked else run


def test_failures_are_told_as_approved() -> None:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, 0))
        except OSError:
            lacking(f"this system has no address {HOST}")
    found = dict(texts())
    assert set(found) == {one.stem for one in APPROVED.glob("*.txt")}
    for name, text in found.items():
        assert text == (APPROVED / f"{name}.txt").read_text("utf-8"), name


@pytest.mark.parametrize("file", sorted(APPROVED.glob("*.txt")), ids=lambda file: file.stem)
def test_an_approved_text_says_all_that_it_must(file: Path) -> None:
    text = file.read_text("utf-8")
    assert re.match(r"[A-Z]+-\d\d \((must|should), [a-z-]+\): ", text)
    for label in ("scenario", "step", "expected", "observed", "timeline"):
        assert re.search(rf"^  {label}\b", text, re.MULTILINE), label
    assert file.stem not in text


if __name__ == "__main__":
    for known, told in texts():
        (APPROVED / f"{known}.txt").write_text(told, "utf-8")
