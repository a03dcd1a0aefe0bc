"""What can go wrong, and whose fault it is. Which exit code follows is decided where errors become exits.

HarnessError              the harness could not do its work
 ├── TargetError          a target file, option or name is wrong: nothing was judged
 └── LaunchError          the implementation did not come up, or did not go away
NotJudgedError            one scenario cannot be judged, through no fault of the implementation
 ├── AdapterError         ... for its adapter failed
 └── HookError            ... for a hook was answered anything but 2xx
OverlongOutputError       a command of the implementation printed more than is read
ConformanceFailure        an implementation was judged, and is wrong (an AssertionError)
 └── TimeBoundFailure     ... by a time bound alone
"""

from __future__ import annotations


class HarnessError(Exception):
    """The harness could not do its work; says nothing about the implementation."""


class TargetError(HarnessError):
    """What the user named (a target, an option, a tag) is wrong. The message says what is allowed."""


class LaunchError(HarnessError):
    """The implementation did not come up or did not go away. The message has its own last output.

    `mend` says what of the attachment to change, and is empty where that is not known.
    """

    def __init__(self, words: str, mend: str = "") -> None:
        self.mend = mend
        super().__init__(words)


class NotJudgedError(Exception):
    """A scenario cannot be judged: a fault did not fire, or the target cannot do what it needs."""


class AdapterError(NotJudgedError):
    """A hook of the target's adapter failed. The message has its file and line."""


class HookError(NotJudgedError):
    """A hook did not do its work. `status` is what it was answered, None if no answer came."""

    def __init__(self, words: str, status: int | None) -> None:
        self.status = status
        super().__init__(words)


class OverlongOutputError(Exception):
    """A command of the implementation printed more than is read of any."""


class ConformanceFailure(AssertionError):  # noqa: N818 - a finding, not a malfunction
    """What an implementation was expected to do and what was observed instead, in words for a reader."""

    def __init__(self, expected: str, observed: str) -> None:
        self.expected = expected
        self.observed = observed
        super().__init__(f"expected {expected}; observed {observed}")


class TimeBoundFailure(ConformanceFailure):
    """The only thing wrong is how long it took."""
