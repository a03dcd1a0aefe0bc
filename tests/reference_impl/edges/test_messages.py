"""Reading a message, and the words of a failure."""

from __future__ import annotations

import json

import pytest

from reference_impl.edges.answers import Outcome, PostAnswer
from reference_impl.edges.messages import Message, SendError, failure

GOOD = {"recipient_phone": "628111", "message": "hello"}


def test_a_message_is_read_as_given() -> None:
    text = ' "naïve" \n\u200f\u05e9\u05dc\u05dd 🎉 ' + "x" * 4000
    message = Message.parse(json.dumps({**GOOD, "message": text}).encode())
    assert message == Message("628111", text, "text")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        *(
            json.dumps(given).encode()
            for given in (
                {},
                {"message": "hello"},
                {"recipient_phone": "628111"},
                {**GOOD, "message": ""},
                {**GOOD, "message": " \n"},
                {**GOOD, "message": None},
                {**GOOD, "message": ["x"]},
                {**GOOD, "message": "\ud800"},
                {**GOOD, "recipient_phone": ""},
                {**GOOD, "recipient_phone": 628111},
                {**GOOD, "type": 5},
                {**GOOD, "type": ""},
            )
        ),
    ],
)
def test_anything_else_is_an_invalid_message(body: bytes) -> None:
    with pytest.raises(SendError) as caught:
        Message.parse(body)
    assert (caught.value.code, caught.value.status) == ("invalid_message", 422)


def test_a_refusal_quotes_the_instance_bounded_and_without_the_key() -> None:
    body = json.dumps({"error": "bad key the-key " + "x" * 5000}).encode()
    error = failure(
        Outcome.REFUSED, PostAnswer(connected=True, status=401, body=body), "http://i", ("the-key",)
    )
    assert error.code == "rejected_by_instance"
    assert "http://i" in str(error)
    assert "401: bad key" in str(error)
    assert "the-key" not in str(error)
    assert len(str(error)) < 400


def test_a_doubtful_end_does_not_say_that_nothing_was_sent() -> None:
    error = failure(Outcome.UNCERTAIN, PostAnswer(connected=True), "http://i", ())
    assert (error.code, error.status) == ("delivery_unknown", 504)
    assert "not sent" not in str(error)
    assert "not known" in str(error)
