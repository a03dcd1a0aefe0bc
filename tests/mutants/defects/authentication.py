"""Mistakes in the authentication of webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from datetime import timedelta
from types import SimpleNamespace

from reference_impl.edges import signature
from reference_impl.edges.signature import Authenticator, NotAuthenticError, sign
from tests.mutants.machinery.patching import around
from tests.mutants.machinery.registry import mutant, rows

ACCEPTED = "A correctly signed webhook is accepted and acted upon"
CLOCK = "A clock that is a little off is no reason to refuse"
LACKING = "A webhook that lacks a security header changes nothing"
NOT_FITTING = "A webhook whose signature does not fit changes nothing"
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
