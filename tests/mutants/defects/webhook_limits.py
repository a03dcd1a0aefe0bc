"""Mistakes about how long a webhook may be, and in what is logged of a location that is refused."""

from __future__ import annotations

import json
import os

from werkzeug.exceptions import LengthRequired

from reference_impl import app
from reference_impl.edges.log import EventLog
from reference_impl.fix import locations
from reference_impl.fix.locations import LocationSync
from reference_impl.fix.webhooks import WebhookError, WebhookReceiver
from tests.mutants.machinery.patching import around, around_chunked
from tests.mutants.machinery.registry import mutant, rows

TOO_LARGE = "A location in a body over the limit is refused without being processed"
ALMOST = "A location in a body of almost 1 MiB is taken"
OTHER_EVENT = "A long body of another event breaks nothing"
TOLD = "A refused location is logged in one bounded line that passes for no other event"

PLAIN = ("another host", "instance 3003", "its URL with a user and a query")
NOT_PLAIN = ("another event's text", "an encoded line end and a text", "10,000 characters")


@mutant("AUTH-08", TOO_LARGE)
def bodies_of_any_length() -> None:
    """Bodies have no limit."""
    app.LONGEST_BODY = 1024 * 1024 * 1024


@mutant("AUTH-08", TOO_LARGE)
def limit_of_two_mebibytes() -> None:
    """A body may have two mebibytes."""
    app.LONGEST_BODY = 2 * 1024 * 1024


@mutant("AUTH-08", *rows(TOO_LARGE, "chunked"))
def only_a_declared_length_limited() -> None:
    """The limit is compared with Content-Length, which a chunked body lacks."""

    def unlimited(request):
        request.max_content_length = 1024 * 1024 * 1024

    around_chunked(unlimited)


@mutant("AUTH-08", ALMOST)
def limit_of_100_kilobytes() -> None:
    """A body may have 100 kilobytes, which is the default of some parsers."""
    app.LONGEST_BODY = 100 * 1024


@mutant("AUTH-08", *rows(ALMOST, "chunked"))
def long_bodies_need_a_declared_length() -> None:
    """A body in chunks is answered 411 as soon as it has more than 64 kilobytes."""

    def refuse(request):
        if len(request.get_data()) > 64 * 1024:
            raise LengthRequired

    around_chunked(refuse)


@mutant("AUTH-08", TOO_LARGE)
def refused_behind_its_processing() -> None:
    """A body that is too long is processed, and answered 413."""
    app.LONGEST_BODY = 1024 * 1024 * 1024

    @around(WebhookReceiver, "receive")
    def received(receive, self, headers, body):
        done = receive(self, headers, body)
        if len(body) > 1024 * 1024:
            raise WebhookError(413, "The body is too long")
        return done


@mutant("AUTH-08", OTHER_EVENT, crashes=True)
def photographs_crash() -> None:
    """A long body of an event without a location is more than its table can hold."""
    app.LONGEST_BODY = 1024 * 1024 * 1024

    @around(WebhookReceiver, "receive")
    def received(receive, self, headers, body):
        if len(body) > 1024 * 1024:
            if b'"message_received"' in body:
                raise OverflowError("value too long for type character varying")
            raise WebhookError(413, "The body is too long")
        return receive(self, headers, body)


@mutant("SPOOF-08", *rows(TOLD, *NOT_PLAIN))
def claims_are_logged_as_they_came() -> None:
    """The location is logged as it was sent."""
    locations.safe_location = lambda claim: claim

    def written(self, level, text, fields):
        os.write(self._file, f"{level}: {text} {json.dumps(fields)}\n".encode())

    EventLog._write = written


@mutant("SPOOF-08", *rows(TOLD, *PLAIN, "10,000 characters"))
def claims_told_by_their_host() -> None:
    """Of a refused location only the host is logged."""
    locations.safe_location = lambda claim: claim.partition("://")[2].rpartition("@")[2].partition(":")[0]


@mutant("SPOOF-08", TOLD)
def claims_not_told() -> None:
    """That a location was refused is logged, and not which."""
    locations.safe_location = lambda _claim: "[hidden]"


@mutant("SPOOF-08", *rows(TOLD, "instance 3003"))
def only_strangers_told() -> None:
    """The refusal of a configured instance that does not hold the session is not logged."""

    @around(LocationSync, "_report_rejected")
    def reported(report, self, delivery, reason):
        report(self, delivery, reason if reason == "not_configured" else None)
