"""Mistakes in posting a message, and in what the user learns about it."""

from __future__ import annotations

import html
from dataclasses import replace

from reference_impl.edges.answers import Outcome, judge_post
from reference_impl.edges.messages import Message
from reference_impl.fix import sender
from tests.mutants.machinery.patching import around, with_text
from tests.mutants.machinery.registry import mutant, rows

ANY_TEXT = "Any text arrives unchanged"
REFUSED = "A message that the instance refuses is not reported as sent"


@mutant("SEND-01", *rows(ANY_TEXT, "emoji-3003", "emoji-3002", "right-to-left-3003"))
def text_made_plain_ascii() -> None:
    """Characters outside ASCII are dropped."""
    with_text(lambda text: text.encode("ascii", "ignore").decode())


@mutant("SEND-01", *rows(ANY_TEXT, "4,000 characters-3003"))
def text_cut_at_1000() -> None:
    """A long text is cut off after 1,000 characters."""
    with_text(lambda text: text[:1000])


@mutant("SEND-01", *rows(ANY_TEXT, "newlines-3003", "blanks around it-3003"))
def line_breaks_made_blanks() -> None:
    """White space is collapsed, line breaks too."""
    with_text(lambda text: " ".join(text.split()))


@mutant("SEND-01", *rows(ANY_TEXT, "blanks around it-3003"))
def text_trimmed() -> None:
    """White space around the text is removed."""
    with_text(str.strip)


@mutant("SEND-01", *rows(ANY_TEXT, "quotes-3003"))
def text_escaped_for_html() -> None:
    """The text is escaped for HTML."""
    with_text(html.escape)


@mutant("SEND-01", ANY_TEXT)
def recipient_rewritten() -> None:
    """The recipient is given the prefix of an international call."""

    @around(Message, "payload")
    def prefixed(payload, self, account):
        return payload(replace(self, recipient_phone=f"00{self.recipient_phone}"), account)


def _judge(answer, sent):
    return Outcome.SENT if answer.status in sent else judge_post(answer)


@mutant("SEND-02", REFUSED)
def every_answer_counts_as_sent() -> None:
    """Every answer of an instance counts as sent."""
    sender.judge_post = lambda answer: _judge(answer, range(100, 600))


@mutant("SEND-02", *rows(REFUSED, "404"))
def not_found_counts_as_queued() -> None:
    """A 404 is reported as sent, for a retry that never happens."""
    sender.judge_post = lambda answer: _judge(answer, range(404, 405))
