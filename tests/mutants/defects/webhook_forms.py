"""Mistakes in reading webhooks: header names, chunks, encodings and escapes."""

from __future__ import annotations

import json
import re
import sys

from waitress.parser import HTTPRequestParser
from werkzeug.exceptions import LengthRequired

from reference_impl.edges import signature
from reference_impl.fix import webhooks
from reference_impl.fix.webhooks import Event, WebhookError, WebhookReceiver
from tests.mutants.defects.webhooks import CARELESS
from tests.mutants.machinery.patching import around, around_chunked
from tests.mutants.machinery.registry import mutant, rows

NAMES = "A webhook is understood whatever the case of its header names"
CHUNKS = "A small body in chunks is read whole"
WRITTEN = "A body says the same however its JSON is written"
ODD = "What cannot be stored keeps nothing out"
ODD_NAME = "A name that no database can hold breaks nothing"
ANY_NAME = "A webhook finds its session whatever characters the id has"

OF_A_MESSAGE = ("message_received-half an emoji", "message_received-its other half")
OF_A_LOCATION = ("session_ready-half an emoji",)
DEEP = ("message_received-lists in lists, 100,000 deep", "session_ready-lists in lists, 100,000 deep")
NUL = ("message_received-a NUL", "session_ready-a NUL")
BEYOND_ASCII = ("letters of many scripts", "emoji")


def _names_read(is_read) -> None:
    """Overlook the headers of a webhook whose names, as they were sent, are not read."""
    own = HTTPRequestParser.parse_header

    def parse_header(self, head):
        lines = head.split(b"\r\n")
        kept = [one for one in lines if not one.lower().startswith(b"x-") or is_read(one.partition(b":")[0])]
        return own(self, b"\r\n".join(kept))

    HTTPRequestParser.parse_header = parse_header


@mutant("WEBHOOK-17", *rows(NAMES, "lower", "upper", "mixed"))
def header_names_read_as_documented() -> None:
    """Headers are looked up in exactly the upper and lower case of the document."""
    _names_read(lambda name: name in {b"X-HMAC-Signature", b"X-Timestamp", b"X-Instance-Url"})


@mutant("WEBHOOK-17", *rows(NAMES, "upper"))
def header_names_in_capitals_overlooked() -> None:
    """Headers are read in the document's spelling and in small letters, not in capitals."""
    _names_read(lambda name: not name.isupper())


@mutant("WEBHOOK-17", CHUNKS)
def every_chunked_body_refused() -> None:
    """A body without a declared length is answered 411, however small it is."""

    def refuse(_request):
        raise LengthRequired

    around_chunked(refuse)


@mutant("WEBHOOK-17", CHUNKS)
def chunked_body_read_by_its_declared_length() -> None:
    """As many bytes are read as Content-Length says, which is none for a body in chunks."""

    def empty(request):
        request.get_data = lambda: b""

    around_chunked(empty)


def _signed_over(change) -> None:
    own = signature.sign
    signature.sign = lambda secret, timestamp, body: own(secret, timestamp, change(body))


@mutant("WEBHOOK-17", *rows(WRITTEN, *BEYOND_ASCII))
def body_signed_as_ascii() -> None:
    """The body becomes a text of ASCII before its signature is computed."""
    _signed_over(lambda body: body.decode("ascii", "replace").encode("ascii", "replace"))


@mutant("WEBHOOK-17", *rows(WRITTEN, *BEYOND_ASCII))
def body_read_as_latin_1_and_signed_as_utf_8() -> None:
    """The body is read as Latin-1, the default of old servers, and signed as UTF-8."""
    _signed_over(lambda body: body.decode("latin-1").encode())


@mutant("WEBHOOK-17", *rows(WRITTEN, "indentation and line ends"))
def body_signed_without_its_edges() -> None:
    """Blanks and line ends around the body are cut off before its signature is computed."""
    _signed_over(lambda body: body.strip())


@mutant(
    "WEBHOOK-17",
    *rows(WRITTEN, "every letter escaped", "indentation and line ends", "its data first"),
)
def event_found_by_a_pattern() -> None:
    """What the event is, is taken from the body by a pattern for the compact form of the gateway."""
    parse = Event.parse.__func__

    def parsed(cls, body):
        if not re.match(rb'\{"event":"\w+","data":\{', body):
            raise WebhookError(400, "The body is no webhook")
        return parse(cls, body)

    Event.parse = classmethod(parsed)


@mutant("WEBHOOK-17", *rows(WRITTEN, "fields that nobody knows"))
def unknown_fields_refused() -> None:
    """A webhook with a field of which the document says nothing is refused."""
    parse = Event.parse.__func__

    def parsed(cls, body):
        event = parse(cls, body)
        if "extra" in json.loads(body)["data"]:
            raise WebhookError(422, "There is a field that is not known")
        return event

    Event.parse = classmethod(parsed)


def _kept(store, *, polite: bool = False) -> None:
    """Have the body of each authentic webhook go through `store`, as a table of webhooks would."""
    parse = Event.parse.__func__

    def parsed(cls, body):
        event = parse(cls, body)
        try:
            store(body)
        except (ValueError, RecursionError):
            if polite:
                raise WebhookError(503, "It could not be stored") from None
            raise
        return event

    Event.parse = classmethod(parsed)


def _as_text(body) -> None:
    json.dumps(json.loads(body), ensure_ascii=False).encode()


@mutant("WEBHOOK-17", *rows(ODD, *OF_A_MESSAGE, *OF_A_LOCATION), crashes=True)
def half_an_emoji_crashes() -> None:
    """A webhook is written down as UTF-8, in which half a character cannot be written."""
    _kept(_as_text)


@mutant("WEBHOOK-17", *rows(ODD, *OF_A_MESSAGE, *OF_A_LOCATION))
def half_an_emoji_answered_503() -> None:
    """A webhook that cannot be written down is answered as if it could be later."""
    _kept(_as_text, polite=True)


@mutant("WEBHOOK-17", *rows(ODD, *NUL), crashes=True)
def nul_in_a_text_crashes() -> None:
    """A webhook goes into a column of texts, which cannot have a NUL."""

    def store(body):
        if r"\u0000" in json.dumps(json.loads(body)):
            raise ValueError("A string literal cannot contain NUL (0x00) characters.")

    _kept(store)


@mutant("WEBHOOK-17", *rows(ODD, *DEEP), crashes=True)
def deep_nesting_crashes() -> None:
    """A body is read without a thought of how deep it is."""
    own = webhooks.json_object

    def read(body):
        if body.count(b"[") > sys.getrecursionlimit():
            raise RecursionError
        return own(body)

    webhooks.json_object = read


@mutant("WEBHOOK-17", *rows(ODD, *OF_A_MESSAGE, *OF_A_LOCATION, *NUL, *DEEP), asynchronous=True)
def one_odd_webhook_stops_the_queue() -> None:
    """Webhooks are processed one after another behind their answers, and one that cannot be is tried for ever."""
    receive, stuck = WebhookReceiver.receive, []

    def received(self, headers, body):
        # What is odd is at the head of the queue from now on.
        if stuck or re.search(rb"\\ud83d\"|\"\\ude00|\\u0000|\[\[", body):
            self._authenticator.timestamp_of(
                headers.get("X-HMAC-Signature"), headers.get("X-Timestamp"), body, _now()
            )
            stuck.append(body)
            return True
        return receive(self, headers, body)

    WebhookReceiver.receive = received


def _now() -> float:
    import time  # noqa: PLC0415 - only one mutant needs it

    return time.time()


@mutant(
    "WEBHOOK-17",
    *rows(ODD_NAME, "half an emoji-session id", "half an emoji-phone number"),
    crashes=True,
)
def names_handed_to_the_database_unread() -> None:
    """Whatever is a text goes to the database, which cannot hold half a character."""
    webhooks._is_storable = lambda value: isinstance(value, str)


@mutant("WEBHOOK-17", *rows(ODD_NAME, "a NUL-session id", "a NUL-phone number"))
def names_with_a_nul_answered_503() -> None:
    """A text with a NUL is refused by the database, which is taken for its being away."""

    @around(WebhookReceiver, "receive")
    def received(receive, self, headers, body):
        if re.search(rb'"(session_id|phone_number)":"[^"]*\\u0000', body):
            raise WebhookError(503, "The database cannot be used at the moment")
        return receive(self, headers, body)


def _ids_taken(is_taken) -> None:
    parse = Event.parse.__func__

    def parsed(cls, body):
        event = parse(cls, body)
        if not is_taken(event.session_id):
            raise WebhookError(422, "data.session_id is no session id")
        return event

    Event.parse = classmethod(parsed)


@mutant("WEBHOOK-17", *rows(WRITTEN, "short escapes"))
def rare_escapes_refused() -> None:
    """The reader of JSON does not know the escapes of a backspace and of a form feed."""
    own = Event.parse.__func__

    def parsed(cls, body):
        if re.search(rb"\\[bf]", body):
            raise WebhookError(422, "Invalid escape")
        return own(cls, body)

    Event.parse = classmethod(parsed)


@mutant(
    "WEBHOOK-17",
    *rows(
        WRITTEN,
        "emoji as pairs of escapes",
        "every letter escaped",
        "slashes escaped",
        "indentation and line ends",
        "fields that nobody knows",
    ),
)
def body_written_anew_before_it_is_signed() -> None:
    """The signature is computed over the JSON as the implementation writes it itself."""
    own = signature.sign

    def written_anew(secret, stamp, body):
        try:
            value = json.loads(body)
            body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        except (ValueError, RecursionError):
            pass
        return own(secret, stamp, body)

    signature.sign = written_anew


@mutant(
    "WEBHOOK-08",
    *rows(
        ANY_NAME,
        "a blank",
        "a number sign",
        "a slash",
        "an encoded slash",
        "a percent sign",
        "a plus sign",
        "dots",
        "double quotes",
        "a single quote",
        "a backslash",
        "accents",
        "Chinese letters",
        "an emoji",
    ),
    *rows(
        CARELESS,
        "a blank at its end-no blank at its end",
        "a blank at its beginning-no blank at its beginning",
        "a percent sign-letters for the percent sign",
        "a plus sign-a blank for the plus sign",
        "an encoded slash-a slash",
        "accents-no accents",
        "decomposed accents-accents",
        "a fraction of zero behind the digits-digits alone",
    ),
)
def session_ids_of_usual_letters_only() -> None:
    """A webhook is refused unless its session id is made of letters, digits and lines."""
    _ids_taken(re.compile(r"[A-Za-z0-9_]+").fullmatch)


@mutant(
    "WEBHOOK-08",
    *rows(ANY_NAME, "255 characters"),
    *rows(CARELESS, "255 characters-another one as its last of 255"),
)
def long_session_ids_refused() -> None:
    """A webhook is refused when its session id is longer than 128 characters."""
    _ids_taken(lambda session_id: len(session_id) <= 128)


@mutant("WEBHOOK-04", "An empty X-Instance-Url counts as missing")
def empty_location_refused() -> None:
    """An empty X-Instance-Url is taken for a location that is none of the instances."""

    @around(WebhookReceiver, "receive")
    def received(receive, self, headers, body):
        if headers.get("X-Instance-Url") == "":
            raise WebhookError(422, "X-Instance-Url is no instance")
        return receive(self, headers, body)
