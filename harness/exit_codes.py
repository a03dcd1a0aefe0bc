"""The exit codes of every command, and what each means there. Pure; where errors become them: `harness.cli.exits`."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class ExitCode(IntEnum):
    """What a command ends with. Pytest's own status for a usage error is 4, so both commands agree."""

    CONFORMANT = 0
    NON_CONFORMANT = 1
    INCOMPLETE = 2
    HARNESS_ERROR = 3
    USAGE_ERROR = 4
    INTERRUPTED = 130


DONE = ExitCode.CONFORMANT
"""The same code, of a command that judges nobody."""

_STOPPED = "Ctrl-C or SIGTERM; everything that it started is stopped"
MEANINGS: Mapping[str, Mapping[int, str]] = {
    "verify": {
        0: "conformant: every MUST of every claimed profile passed",
        1: "non-conformant: a claimed MUST failed; or another test of the same run failed",
        2: "incomplete: no MUST failed, but a claimed MUST was not judged, or nothing ran; it is not attached as "
        "its target says; or the run was interrupted",
        3: "harness error: the harness itself broke, or the report could not be saved",
        4: "usage error: an option, a target or a requirement is wrong; nothing was judged",
    },
    "compare": {
        0: "all are conformant",
        1: "one is non-conformant",
        2: "one is incomplete",
        3: "one of the runs broke, or the comparison itself",
        4: "an option, a target or a saved report is wrong; nothing was judged",
        130: _STOPPED,
    },
    "explore": {
        0: "no MUST was violated in any story",
        1: "a MUST was violated, by a story that shows it again and again",
        2: "it did not come up; or no MUST was violated, and results of a campaign are missing",
        3: "the harness itself broke",
        4: "an option, a target, a result or a kept counterexample is wrong; nothing was explored",
        130: _STOPPED,
    },
    "frontier": {
        0: "it was measured, whatever it bears; with --list, the axes were listed",
        2: "it did not come up",
        3: "the harness itself broke, or the report could not be saved",
        4: "an option, an axis or a target is wrong; nothing was measured",
        130: _STOPPED,
    },
    "doctor": {
        0: "everything that was tried went well: verify can judge it",
        2: "something must be changed; this says nothing about conformance",
        3: "the harness itself broke",
        4: "an option or the target file is wrong",
        130: _STOPPED,
    },
    "init": {
        0: "the file was written",
        4: "something is missing or cannot be used, or the file exists; no file is ever overwritten",
        130: "Ctrl-C; nothing was written",
    },
    "requirements": {
        0: "they were listed",
        3: "the catalogue is broken, or a tag of a scenario is no requirement",
        4: "an option is wrong",
    },
    "explain": {
        0: "it was explained",
        4: "there is no such requirement, or the report cannot be read",
    },
    "steps": {0: "they were listed", 4: "no step has these words, or an option is wrong"},
    "fleet": {
        0: "done",
        3: "no fleet answers there",
        4: "an option is wrong, or the order cannot be carried out; the message says why",
        130: "Ctrl-C or SIGTERM, also of journal --follow",
    },
    "reproduce": {
        0: "the story held",
        2: "the instances or an implementation did not come up: a port is in use, for example",
        3: "the story did not hold, or the harness itself broke",
        4: "an option is wrong",
        130: _STOPPED,
    },
}
"""By command. A code that two commands share means the same in both."""
