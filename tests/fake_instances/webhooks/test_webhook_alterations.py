"""Every way in which an announced webhook can differ from the genuine one, to the byte."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

import pytest

from fake_instances.faults import Alteration, AlterWebhook, Endpoint
from tests.fake_instances.support import PATIENCE, SECRET, SESSION, SESSION_ID

if TYPE_CHECKING:
    from fake_instances import Fleet
    from tests.fake_instances.support import ControlPlane, Request

SIGNATURE = "X-HMAC-Signature"
STAMP = "X-Timestamp"
URL = "X-Instance-Url"
NOW = 1_700_000_000
BODY = (
    f'{{"event":"session_ready","data":{{"workspace_id":1,"session_id":"{SESSION_ID}",'
    '"phone_number":"628111222333","status":"connected","platform":"android",'
    '"extraction_method":"client_info"}}'
).encode()


def signature(stamp: bytes = b"1700000000", body: bytes = BODY, secret: bytes = SECRET.encode()) -> str:
    return hmac.new(secret, stamp + body, hashlib.sha256).hexdigest()


@pytest.fixture(autouse=True)
def _clock(fleet: Fleet) -> None:
    fleet.announcer.clock = lambda: NOW + 0.25


def genuine(fleet: Fleet) -> dict[str, str]:
    return {
        "Accept": "application/json, text/plain, */*",
        "Content-Type": "application/json",
        SIGNATURE: signature(),
        STAMP: "1700000000",
        URL: fleet.url(3001),
        "User-Agent": "WhatsApp-WebJS-Service/1.0",
    }


def announce_altered(fleet: Fleet, plane: ControlPlane, **changes: object) -> Request:
    fault = AlterWebhook(Alteration(**changes))  # type: ignore[arg-type]
    fleet.arm(fault, 3001, {Endpoint.WEBHOOK})
    assert fleet.announce(SESSION, 3001, "session_ready") is not None
    return plane.take()


def take_exactly(plane: ControlPlane, expected: bytes) -> None:
    """Receive as many bytes as expected, or until the sender stops, compare them, and see that no more come."""
    connection, _ = plane.listener.accept()
    with connection:
        connection.settimeout(PATIENCE)
        data = b""
        while len(data) < len(expected) and expected.startswith(data):
            data += connection.recv(65536)
        assert data == expected
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        assert connection.recv(1) == b""


def test_an_announcement_has_exactly_these_bytes(fleet: Fleet, control_plane: ControlPlane) -> None:
    fleet.announce(SESSION, 3001, "session_ready")
    lines = [f"{name}: {value}" for name, value in genuine(fleet).items()]
    lines += [
        "Connection: close",
        f"Content-Length: {len(BODY)}",
        "Accept-Encoding: gzip, compress, deflate, br",
        f"Host: {control_plane.url.removeprefix('http://')}",
    ]
    head = "\r\n".join(["POST /api/whatsapp/webhooks/webjs HTTP/1.1", *lines, "", ""])
    take_exactly(control_plane, head.encode() + BODY)


CASES: dict[str, tuple[dict[str, object], dict[str, str]]] = {
    "nothing": ({}, {}),
    "another location": ({"claim": "http://127.0.0.1:3004"}, {URL: "http://127.0.0.1:3004"}),
    "no location": ({"claim": ""}, {URL: ""}),
    "escaped end of line": ({"claim": "http://one%0d%0aX-Other: two"}, {URL: "http://one%0d%0aX-Other: two"}),
    "long": ({"claim": "h" * 10_000}, {URL: "h" * 10_000}),
    "latin-1": ({"claim": "http://é"}, {URL: "http://é"}),
    "beyond latin-1": ({"claim": "http://✓é"}, {URL: "http://✓é".encode().decode("latin-1")}),
    "half a character": ({"claim": "\ud800"}, {URL: "\xed\xa0\x80"}),
    "wrong secret": ({"secret": "another"}, {SIGNATURE: signature(secret=b"another")}),
    "empty secret": ({"secret": ""}, {SIGNATURE: signature(secret=b"")}),
    "unused secret": ({"secret": "another", "signed": False}, {}),
    "old timestamp": ({"timestamp": "1600000000", "signed": False}, {STAMP: "1600000000"}),
    "empty signature": ({"signature": ""}, {SIGNATURE: ""}),
    "other signature": ({"signature": "sha256=1"}, {SIGNATURE: "sha256=1"}),
    "flipped first": ({"signature": "0af", "flipped_digit": 0}, {SIGNATURE: "1af"}),
    "flipped last": ({"signature": "0af", "flipped_digit": -1}, {SIGNATURE: "0a0"}),
    "other header": ({"headers": (("content-type", "text/plain"),)}, {"Content-Type": "text/plain"}),
    "header behind signing": (
        {"headers": ((SIGNATURE, "last"),), "signature": "first", "secret": "another"},
        {SIGNATURE: "last"},
    ),
}


@pytest.mark.parametrize(("changes", "headers"), CASES.values(), ids=CASES)
def test_an_alteration_changes_these_headers_in_their_places_and_no_other(
    fleet: Fleet, control_plane: ControlPlane, changes: dict[str, object], headers: dict[str, str]
) -> None:
    arrived = announce_altered(fleet, control_plane, **changes)
    assert arrived.pairs[:6] == [*{**genuine(fleet), **headers}.items()]
    assert arrived.names[6:] == ["Connection", "Content-Length", "Accept-Encoding", "Host"]
    assert arrived.body == BODY


@pytest.mark.parametrize(
    "text", ["", "abc", "1e3", "1700000000abc", "-1", " 1700000000", "99999999999999999999", "é", "✓"]
)
def test_any_text_as_timestamp_is_signed_over_as_it_goes_out(
    fleet: Fleet, control_plane: ControlPlane, text: str
) -> None:
    arrived = announce_altered(fleet, control_plane, timestamp=text)
    sent = text.encode("utf-8" if text == "✓" else "latin-1")
    changed = {STAMP: sent.decode("latin-1"), SIGNATURE: signature(sent)}
    assert arrived.pairs[:6] == [*{**genuine(fleet), **changed}.items()]


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("body", [b"", b"not json", b"\xff\x00\r\n\r\n", b'{"event":"session_ready"}'])
def test_any_bytes_can_be_the_body(
    fleet: Fleet, control_plane: ControlPlane, body: bytes, *, signed: bool
) -> None:
    arrived = announce_altered(fleet, control_plane, body=body, signed=signed)
    assert arrived.body == body
    assert arrived.header("Content-Length") == str(len(body))
    assert arrived.header(SIGNATURE) == signature(body=body if signed else BODY)


@pytest.mark.parametrize("place", [0, 63, -64, -1])
def test_one_digit_of_the_signature_is_another(fleet: Fleet, control_plane: ControlPlane, place: int) -> None:
    arrived = announce_altered(fleet, control_plane, flipped_digit=place).header(SIGNATURE)
    differing = [at for at, (one, other) in enumerate(zip(arrived, signature(), strict=True)) if one != other]
    assert differing == [place % 64]
    assert set(arrived) <= set("0123456789abcdef")


def test_a_new_header_stands_behind_the_others_and_a_second_behind_it(
    fleet: Fleet, control_plane: ControlPlane
) -> None:
    arrived = announce_altered(
        fleet, control_plane, headers=(("X-New", "1"),), second=((URL, "http://two"), (STAMP, "2"))
    )
    assert arrived.pairs[:9] == [*genuine(fleet).items(), ("X-New", "1"), (URL, "http://two"), (STAMP, "2")]


@pytest.mark.parametrize("name", [SIGNATURE, STAMP, URL, "Content-Type", "user-agent"])
def test_a_header_is_missing(fleet: Fleet, control_plane: ControlPlane, name: str) -> None:
    arrived = announce_altered(fleet, control_plane, without=(name,), second=((name, "gone as well"),))
    left = {have: value for have, value in genuine(fleet).items() if have.lower() != name.lower()}
    assert arrived.pairs[:5] == [*left.items()]
    assert arrived.names[5] == "Connection"


def test_a_header_that_is_usual_on_the_way_can_be_another(fleet: Fleet, control_plane: ControlPlane) -> None:
    arrived = announce_altered(fleet, control_plane, headers=(("Host", "elsewhere"), ("Content-Length", "2")))
    assert arrived.names[6:] == ["Host", "Content-Length", "Connection", "Accept-Encoding"]
    assert (arrived.header("Host"), arrived.body) == ("elsewhere", BODY[:2])


def test_an_end_of_line_in_a_header_goes_out_as_it_is(fleet: Fleet, control_plane: ControlPlane) -> None:
    arrived = announce_altered(fleet, control_plane, claim="http://one\r\nX-Other: two")
    assert arrived.pairs[4:6] == [(URL, "http://one"), ("X-Other", "two")]


@pytest.mark.parametrize("place", [3, -4])
def test_a_digit_that_a_given_signature_lacks_cannot_be_flipped(place: int) -> None:
    with pytest.raises(ValueError, match=f"a signature of 3 digits has no digit {place} to flip"):
        Alteration(signature="abc", flipped_digit=place)
