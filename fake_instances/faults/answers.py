"""Faults of HTTP: another answer than the true one. Pure."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Le

from fake_instances.faults.base import Fault, Status

_JSON_ERROR = b'{"error":"Internal server error"}'


class AnswerFault(Fault):
    """Base of the faults that replace or alter the true answer."""


class Answer(AnswerFault):
    """The request is not carried out; this answer is given instead of the true one."""

    status: Status = 500
    body: bytes = _JSON_ERROR
    content_type: str = "application/json; charset=utf-8"

    def __str__(self) -> str:
        shown = self.body.decode("utf-8", "replace")
        words = f"{shown[:40]}…" if len(shown) > 40 else shown
        return f"answers {self.status} with {words or 'an empty body'}"


class BrokenJson(AnswerFault):
    """The first half of the true answer's body goes out as if it were all of it."""

    words = "answers broken JSON"


class Relabel(AnswerFault):
    """The true answer goes out under another content type."""

    content_type: str = "text/html; charset=utf-8"

    words = "calls its answer {0.content_type}"


class Redirect(AnswerFault):
    """The request is not carried out; the caller is sent elsewhere."""

    location: str
    status: Annotated[int, Ge(300), Le(399)] = 302

    words = "redirects to {0.location} with {0.status}"


class Padding(AnswerFault):
    """The true answer goes out, followed by blanks until its body is `megabytes` long: JSON as before."""

    megabytes: Annotated[int, Ge(1), Le(200)] = 1

    words = "answers with {0.megabytes} MB"
