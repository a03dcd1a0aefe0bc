"""Mistakes in the authentication of webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

from reference_impl.edges import signature
from reference_impl.edges.signature import Authenticator, NotAuthenticError, sign
from reference_impl.settings import Settings
from tests.mutants.machinery.patching import around
from tests.mutants.machinery.registry import mutant, rows

ACCEPTED = "A correctly signed webhook is accepted and acted upon"
CLOCK = "A clock that is a little off is no reason to refuse"
LACKING = "A webhook that lacks a security header changes nothing"
NOT_FITTING = "A webhook whose signature does not fit changes nothing"
WINDOW = "Webhooks are judged by the window that was set"
ODD_STAMP = "A timestamp with a character outside ASCII is refused, however well it is signed"
ODD_SIGNATURE = "A signature with a character outside ASCII is refused"
TOO_OLD = "A webhook older than the window changes nothing"


def _compare_by(is_equal) -> None:
    signature.hmac = SimpleNamespace(new=hmac.new, compare_digest=is_equal)


def _age_by(is_too_old) -> None:
    """Replace the check of the timestamp; `is_too_old` takes the age and the window in seconds."""

    def check(self, given, timestamp, body, now):
        if not given or not timestamp or not timestamp.isdecimal():
            raise NotAuthenticError("Missing required security headers")
        if is_too_old(now - int(timestamp), self.time_to_live):
            raise NotAuthenticError("Request timestamp expired")
        if not hmac.compare_digest(sign(self.secret, timestamp, body).encode(), given.encode()):
            raise NotAuthenticError("Invalid signature")
        return int(timestamp)

    Authenticator.timestamp_of = check


@mutant("AUTH-01", ACCEPTED, CLOCK)
def signature_expected_over_the_body_alone() -> None:
    """The timestamp is left out when the signature is computed."""
    signature.sign = lambda secret, _timestamp, body: sign(secret, "", body)


@mutant("AUTH-01", *rows(CLOCK, "280-ahead"))
def clocks_ahead_refused() -> None:
    """Any timestamp in the future counts as forged."""
    _age_by(lambda age, window: age < -1 or age > window)


@mutant("AUTH-02", *rows(LACKING, "no signature", "an empty signature", "neither"))
def unsigned_webhooks_accepted() -> None:
    """The signature is only checked when there is one."""

    @around(Authenticator, "timestamp_of")
    def lax(check, self, given, *rest):
        return check(self, given, *rest) if given else int(time.time())


@mutant("AUTH-02", *rows(LACKING, "no timestamp", "neither"), crashes=True)
def missing_timestamp_crashes() -> None:
    """The timestamp is converted without a check that it is there."""

    @around(Authenticator, "timestamp_of")
    def hasty(check, self, given, timestamp, *rest):
        return check(self, given, str(int(timestamp)), *rest)


@mutant(
    "AUTH-03",
    *rows(
        NOT_FITTING,
        "the wrong secret",
        "its first digit flipped",
        "its last digit flipped",
        "another body",
        "other spacing",
        "another timestamp",
    ),
)
def signature_only_looked_at() -> None:
    """Any 64 hex digits are accepted as a signature."""
    _compare_by(lambda _expected, given: re.fullmatch(rb"[0-9a-f]{64}", given) is not None)


@mutant("AUTH-03", *rows(NOT_FITTING, "half a signature"))
def half_a_signature_accepted() -> None:
    """Signatures are compared only up to the length of the shorter one."""
    _compare_by(lambda expected, given: expected.startswith(given))


@mutant("AUTH-03", *rows(NOT_FITTING, "a digit too many"))
def signature_read_as_far_as_needed() -> None:
    """Digits after the 64th are cut off before signatures are compared."""
    _compare_by(lambda expected, given: expected == given[:64])


@mutant("AUTH-03", *rows(NOT_FITTING, "a sha256= prefix"))
def signature_prefix_stripped() -> None:
    """Another service's format of signatures is accepted too."""
    _compare_by(lambda expected, given: expected == given.removeprefix(b"sha256="))


@mutant("AUTH-03", *rows(NOT_FITTING, "other spacing"))
def signature_over_reserialised_json() -> None:
    """The body is parsed and serialised again before it is signed, so that other bytes pass."""

    def resign(secret, timestamp, body):
        text = json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False)
        return hmac.new(secret.encode(), (timestamp + text).encode(), hashlib.sha256).hexdigest()

    signature.sign = resign


@mutant("AUTH-03", *rows(NOT_FITTING, "another timestamp"))
def neighbouring_timestamps_tried() -> None:
    """A signature for the second before or after is accepted too."""

    @around(Authenticator, "timestamp_of")
    def kind(check, self, given, timestamp, body, *now):
        near = [sign(self.secret, str(int(timestamp or 0) + off), body) for off in (-1, 1)]
        return int(timestamp or 0) if given in near else check(self, given, timestamp, body, *now)


@mutant("AUTH-04", TOO_OLD)
def age_never_checked() -> None:
    """Only timestamps in the future are refused: the comparison forgets that age has a sign."""
    _age_by(lambda age, window: -age > window)


@mutant("AUTH-04", *rows(TOO_OLD, "86400"))
def whole_days_of_age_dropped() -> None:
    """The age is taken from the seconds part of a time span, which leaves whole days out."""
    _age_by(lambda age, window: timedelta(seconds=abs(age)).seconds > window)


@mutant("AUTH-01", ACCEPTED, CLOCK)
def seconds_taken_for_milliseconds() -> None:
    """The timestamp is compared with a clock of milliseconds, so that every webhook is thousands of years old."""
    _age_by(lambda age, window: abs(time.time() * 1000 - (time.time() - age)) > window)


@mutant("AUTH-01", CLOCK)
def window_a_minute_too_short() -> None:
    """A clock may be off by four minutes."""
    _age_by(lambda age, window: abs(age) > window - 60)


@mutant("AUTH-04", TOO_OLD)
def window_in_milliseconds() -> None:
    """The window is taken for milliseconds and compared with seconds times a thousand, the wrong way round."""
    _age_by(lambda age, window: age / 1000 > window or age < -window)


@mutant("AUTH-04", *rows(TOO_OLD, "310"))
def window_a_minute_too_long() -> None:
    """A clock may be slow by six minutes."""
    _age_by(lambda age, window: age > window + 60 or age < -window)


@mutant("AUTH-03", *rows(NOT_FITTING, "its last digit flipped", "half a signature", "a digit too many"))
def signature_compared_by_its_first_half() -> None:
    """Signatures are shortened to 32 digits before they are compared."""
    _compare_by(lambda expected, given: expected[:32] == given[:32])


@mutant("AUTH-03", *rows(NOT_FITTING, "its first digit flipped", "a sha256= prefix"))
def signature_compared_by_its_last_half() -> None:
    """Only the last 32 digits of the signatures are compared."""
    _compare_by(lambda expected, given: expected[-32:] == given[-32:])


def _window(of) -> None:
    """Have the window be what `of` makes of the one that was set."""
    own = Settings.from_environment.__func__

    def read(cls, environment):
        settings = own(cls, environment)
        return replace(settings, signature_ttl=of(settings.signature_ttl))

    Settings.from_environment = classmethod(read)


@mutant("AUTH-12", WINDOW)
def window_never_read() -> None:
    """The window is 300 seconds, whatever an operator sets."""
    _window(lambda _seconds: 300.0)


@mutant("AUTH-12", WINDOW)
def window_read_as_milliseconds() -> None:
    """The window that was set is taken for milliseconds."""
    _window(lambda seconds: seconds / 1000)


@mutant("AUTH-12", *rows(WINDOW, "900"))
def window_of_five_minutes_at_most() -> None:
    """A window longer than the default is cut to it."""
    _window(lambda seconds: min(seconds, 300.0))


@mutant("AUTH-12", *rows(WINDOW, "60"))
def window_of_five_minutes_at_least() -> None:
    """A window shorter than the default is made as long."""
    _window(lambda seconds: max(seconds, 300.0))


@mutant("AUTH-12", WINDOW)
def window_as_set_for_the_past_only() -> None:
    """The window that was set holds for the past; clocks that are ahead have the default."""
    _age_by(lambda age, window: age > window or age < -300)


@mutant("AUTH-13", ODD_SIGNATURE, crashes=True)
def signature_compared_as_text() -> None:
    """Signatures are compared by a function for texts that refuses characters outside ASCII."""
    _compare_by(lambda expected, given: hmac.compare_digest(expected.decode(), given.decode("utf-8")))


@mutant(
    "AUTH-13",
    *rows(ODD_SIGNATURE, "an accent for its first digit", "an emoji"),
    crashes=True,
)
def signature_measured_in_characters() -> None:
    """A signature of 64 characters is compared by a function for bytes, which demands equally many of those."""

    def is_equal(expected, given):
        if len(given.decode("utf-8")) != len(expected):
            return False
        if len(given) != len(expected):
            raise ValueError("Input buffers must have the same byte length")
        return hmac.compare_digest(expected, given)

    _compare_by(is_equal)


@mutant("AUTH-13", *rows(ODD_SIGNATURE, "an accent behind it"))
def signature_cleaned_of_what_is_not_ascii() -> None:
    """Characters outside ASCII are dropped from a signature before it is compared."""
    _compare_by(
        lambda expected, given: expected == given.decode("utf-8", "replace").encode("ascii", "ignore")
    )


def _stamps_read(read) -> None:
    """Read the number in a timestamp in another way; None refuses it."""

    def check(self, given, timestamp, body, now):
        if not given or not timestamp:
            raise NotAuthenticError("Missing required security headers")
        number = read(timestamp)
        if number is None or abs(now - number) > self.time_to_live:
            raise NotAuthenticError("Request timestamp expired")
        # Over the bytes as they came: the server gives each as one character.
        wanted = hmac.new(
            self.secret.encode(), timestamp.encode("latin-1") + body, hashlib.sha256
        ).hexdigest()
        if not hmac.compare_digest(wanted.encode(), given.encode("utf-8", "replace")):
            raise NotAuthenticError("Invalid signature")
        return number

    Authenticator.timestamp_of = check


def _decoded(timestamp) -> str:
    try:
        return timestamp.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return timestamp


def _whole(text):
    try:
        return int(text)
    except ValueError:
        return None


@mutant(
    "AUTH-13",
    *rows(
        ODD_STAMP,
        "now in Arabic digits",
        "now in digits of full width",
        "now behind a blank that is none",
    ),
)
def digits_of_every_script_make_a_timestamp() -> None:
    """A timestamp is read by a function that takes the digits and blanks of every script."""
    _stamps_read(lambda timestamp: _whole(_decoded(timestamp)))


@mutant("AUTH-13", *rows(ODD_STAMP, "now and an accent"))
def what_follows_a_timestamp_dropped() -> None:
    """Only the digits at the beginning of a timestamp are read, unless a usual letter follows."""

    def read(timestamp):
        found = re.fullmatch(r"([0-9]{1,12})[^\x00-\x7f]*", timestamp)
        return int(found[1]) if found else None

    _stamps_read(read)


@mutant("AUTH-13", *rows(ODD_STAMP, "superscript digits"), crashes=True)
def superscript_digits_crash() -> None:
    """What counts as a digit is asked of a function that says yes to a superscript, which is no number."""
    _stamps_read(
        lambda timestamp: int(timestamp) if _decoded(timestamp).isdigit() and _latin(timestamp) else None
    )


def _latin(timestamp) -> bool:
    return _decoded(timestamp) == timestamp
