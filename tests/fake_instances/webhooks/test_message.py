"""The webhook as the deployed service sends it, and every way in which one can differ from it, to the byte."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import TYPE_CHECKING

import pytest

from fake_instances.errors import FaultError
from fake_instances.faults import Alteration
from fake_instances.webhooks.message import PATH, Webhook, altered, build, encoded, on_wire
from tests.fake_instances.support import PATIENCE, SECRET, SESSION, SESSION_ID

if TYPE_CHECKING:
    from fake_instances import Fleet
    from tests.fake_instances.support import ControlPlane

SIGNATURE, STAMP, URL = "X-HMAC-Signature", "X-Timestamp", "X-Instance-Url"
OWN = "http://127.0.0.1:3001"
FIELDS = {
    "phone_number": "628111222333",
    "status": "connected",
    "platform": "android",
    "extraction_method": "client_info",
}
BODY = (
    f'{{"event":"session_ready","data":{{"workspace_id":1,"session_id":"{SESSION_ID}",'
    '"phone_number":"628111222333","status":"connected","platform":"android",'
    '"extraction_method":"client_info"}}'
).encode()


def signature(stamp: bytes = b"1700000000", body: bytes = BODY, secret: bytes = SECRET.encode()) -> str:
    return hmac.new(secret, stamp + body, hashlib.sha256).hexdigest()


GENUINE = {
    "Accept": "application/json, text/plain, */*",
    "Content-Type": "application/json",
    SIGNATURE: signature(),
    STAMP: "1700000000",
    URL: OWN,
    "User-Agent": "WhatsApp-WebJS-Service/1.0",
}


@pytest.fixture
def ready() -> Webhook:
    return build(
        instance=3001,
        url=OWN,
        secret=SECRET,
        event="session_ready",
        session_id=SESSION_ID,
        workspace_id=1,
        timestamp="1700000000",
        fields=FIELDS,
    )


def sent(pairs: list[tuple[str, str]], body: bytes = BODY) -> bytes:
    """Return the bytes of a request with these headers, each one's text as Latin-1."""
    head = b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in pairs)
    usual = (
        f"Connection: close\r\nContent-Length: {len(body)}\r\n"
        "Accept-Encoding: gzip, compress, deflate, br\r\nHost: plane\r\n\r\n"
    )
    return f"POST {PATH} HTTP/1.1\r\n".encode() + head + usual.encode() + body


def test_an_announcement_has_exactly_the_bytes_of_the_deployed_service(
    fleet: Fleet, control_plane: ControlPlane
) -> None:
    fleet.announcer.clock = lambda: 1_700_000_000.25
    fleet.announce(SESSION, 3001, "session_ready")
    expected = sent([*{**GENUINE, URL: fleet.url(3001)}.items()]).replace(
        b"Host: plane", f"Host: {control_plane.url.removeprefix('http://')}".encode()
    )
    connection, _ = control_plane.listener.accept()
    with connection:
        connection.settimeout(PATIENCE)
        data = b""
        while len(data) < len(expected) and expected.startswith(data):
            data += connection.recv(65536)
        assert data == expected
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        assert connection.recv(1) == b""


def test_other_events_bring_their_own_fields_in_raw_utf_8(fleet: Fleet) -> None:
    webhook = fleet.webhook(SESSION, 3002, "session_reconnected")
    data = json.loads(webhook.body)["data"]
    assert list(data) == ["workspace_id", "session_id", "status", "timestamp"]
    assert data["status"] == "connected"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", data["timestamp"])
    assert webhook.header(URL) == fleet.url(3002)
    message = fleet.webhook(
        SESSION, 3001, "message", fields={"body": "héllo ✓ 👋"}, secret="other", timestamp="1"
    )
    assert message.body.endswith('"body":"héllo ✓ 👋"}}'.encode())
    assert message.header(SIGNATURE) == signature(b"1", message.body, b"other")


CASES: dict[str, tuple[dict[str, object], dict[str, str]]] = {
    "nothing": ({}, {}),
    "another location": ({"claim": "http://127.0.0.1:3004"}, {URL: "http://127.0.0.1:3004"}),
    "no location": ({"claim": ""}, {URL: ""}),
    "an escaped end of line": ({"claim": "http://one%0d%0aX: two"}, {URL: "http://one%0d%0aX: two"}),
    "an end of line": ({"claim": "http://one\r\nX-Other: two"}, {URL: "http://one\r\nX-Other: two"}),
    "a long location": ({"claim": "h" * 10_000}, {URL: "h" * 10_000}),
    "latin-1": ({"claim": "http://é"}, {URL: "http://é"}),
    "beyond latin-1": ({"claim": "http://✓é"}, {URL: "http://✓é".encode().decode("latin-1")}),
    "half a character": ({"claim": "\ud800"}, {URL: "\xed\xa0\x80"}),
    "wrong secret": ({"secret": "another"}, {SIGNATURE: signature(secret=b"another")}),
    "empty secret": ({"secret": ""}, {SIGNATURE: signature(secret=b"")}),
    "unused secret": ({"secret": "another", "signed": False}, {}),
    "old timestamp": ({"timestamp": "1600000000", "signed": False}, {STAMP: "1600000000"}),
    "empty signature": ({"signature": ""}, {SIGNATURE: ""}),
    "flipped first": ({"signature": "0af", "flipped_digit": 0}, {SIGNATURE: "1af"}),
    "flipped last": ({"signature": "0af", "flipped_digit": -1}, {SIGNATURE: "0a0"}),
    "other header": ({"headers": (("content-type", "text/plain"),)}, {"Content-Type": "text/plain"}),
    "header after signing": (
        {"headers": ((SIGNATURE, "last"),), "signature": "first", "secret": "another"},
        {SIGNATURE: "last"},
    ),
    "new header": ({"headers": (("X-New", "1"),)}, {"X-New": "1"}),
    **{
        f"timestamp {text!r}": (
            {"timestamp": text},
            {STAMP: encoded(text).decode("latin-1"), SIGNATURE: signature(encoded(text))},
        )
        for text in ("", "abc", "-1", " 1700000000", "99999999999999999999", "é", "✓")
    },
}


@pytest.mark.parametrize(("changes", "headers"), CASES.values(), ids=CASES)
def test_an_alteration_changes_these_headers_in_their_places_and_no_other(
    ready: Webhook, changes: dict[str, object], headers: dict[str, str]
) -> None:
    changed = altered(ready, Alteration(**changes), SECRET)  # type: ignore[arg-type]
    assert on_wire(changed, PATH, "plane") == sent([*{**GENUINE, **headers}.items()])


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("body", [b"", b"not json", b"\xff\x00\r\n\r\n", b'{"event":"session_ready"}'])
def test_any_bytes_can_be_the_body(ready: Webhook, body: bytes, *, signed: bool) -> None:
    changed = altered(ready, Alteration(body=body, signed=signed), SECRET)
    expected = {**GENUINE, SIGNATURE: signature(body=body if signed else BODY)}
    assert on_wire(changed, PATH, "plane") == sent([*expected.items()], body)


def test_a_header_can_be_doubled_or_missing(ready: Webhook) -> None:
    doubled = altered(ready, Alteration(second=((URL, "http://two"), (STAMP, "2"))), SECRET)
    assert doubled.headers == (*ready.headers, (URL, "http://two"), (STAMP, "2"))
    missing = altered(ready, Alteration(without=("x-timestamp",), second=((STAMP, "gone"),)), SECRET)
    assert missing.headers == tuple(pair for pair in ready.headers if pair[0] != STAMP)
    usual = altered(ready, Alteration(headers=(("Host", "other"), ("Content-Length", "2"))), SECRET)
    head = on_wire(usual, PATH, "plane").partition(b"\r\n\r\n")[0]
    assert head.endswith(
        b"Host: other\r\nContent-Length: 2\r\nConnection: close\r\nAccept-Encoding: gzip, compress, deflate, br"
    )


@pytest.mark.parametrize("place", [0, 63, -64, -1])
def test_one_digit_of_the_signature_is_flipped(ready: Webhook, place: int) -> None:
    arrived = altered(ready, Alteration(flipped_digit=place), SECRET).header(SIGNATURE) or ""
    differing = [at for at, (one, other) in enumerate(zip(arrived, signature(), strict=True)) if one != other]
    assert differing == [place % 64]
    assert set(arrived) <= set("0123456789abcdef")


def test_a_digit_that_a_signature_lacks_cannot_be_flipped(ready: Webhook) -> None:
    for place in (3, -4):
        with pytest.raises(ValueError, match=f"a signature of 3 digits has no digit {place} to flip"):
            Alteration(signature="abc", flipped_digit=place)
    with pytest.raises(FaultError, match="digit -1 cannot be flipped in a signature of 0 digits"):
        altered(ready.without(SIGNATURE), Alteration(flipped_digit=-1), SECRET)


def test_a_body_in_chunks_has_no_declared_length(ready: Webhook) -> None:
    sent = on_wire(ready.with_body(BODY[:103]).in_chunks(100), PATH, "there")
    head, _, body = sent.partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head
    assert b"Content-Length" not in head
    assert body == b"64\r\n%s\r\n3\r\n%s\r\n0\r\n\r\n" % (BODY[:100], BODY[100:103])
