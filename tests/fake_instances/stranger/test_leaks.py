"""A text is found in what the stranger received however it was sent, and only where it was."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_instances.faults import Endpoint
from fake_instances.journal import Entry, RequestArrived, StrangerReceived, StrangerTouched
from fake_instances.stranger.leaks import bytes_received, reached
from tests.fake_instances.support import ask

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = 'héllo & "wörld" + / 😀 ✓?>~ü'
OTHER = 'héllo & "wörld" + / 😀 ✗?>~ü'


def sent(*chunks: bytes, connection: int = 1) -> list[Entry]:
    return [StrangerReceived(connection=connection, data=chunk) for chunk in chunks]


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def found(stream: bytes) -> bool:
    """Say whether the text is found in a stream, and check that a text which differs a little is not."""
    assert not reached(sent(stream), OTHER)
    return reached(sent(stream), TEXT)


def in_upper_case(escaped: str) -> str:
    """Return JSON with the hex digits of its escapes in capitals."""
    head, *rest = escaped.split("\\u")
    return head + "".join(f"\\u{one[:4].upper()}{one[4:]}" for one in rest)


def all_escaped(text: str) -> str:
    return "".join(f"\\u{unit.hex()}" for unit in cut(text.encode("utf-16-be"), 2))


def chunked(body: bytes, size: int) -> bytes:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in cut(body, size))
    return ask("POST", "/", None, "Transfer-Encoding: chunked") + chunks + b"0\r\n\r\n"


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


ENCODINGS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "percent": lambda text: quote(text, safe=""),
    "percent, lower case": lambda text: quote(text, safe="").lower(),
    "percent, every byte": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "form": quote_plus,
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "JSON": json.dumps,
    "JSON, as UTF-8": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON, upper case": lambda text: in_upper_case(json.dumps(text)),
    "JSON, slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "JSON, every character": all_escaped,
    "JSON in JSON": lambda text: json.dumps(json.dumps({"message": text})),
    "JSON in a form": lambda text: quote_plus(json.dumps({"message": text})),
    "JSON in base64": lambda text: base64.b64encode(json.dumps({"message": text}).encode()).decode(),
    "base64 in a form": lambda text: quote_plus(base64.b64encode(text.encode())),
    "base64 in JSON, slashes": lambda text: (
        base64.b64encode(b"??>" + text.encode()).decode().replace("/", "\\/")
    ),
}


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS.keys())
def test_a_text_is_found_in_any_encoding(encode: Callable[[str], str]) -> None:
    encoded = encode(TEXT)
    assert found(f"GET /?a={encoded}&b HTTP/1.1\r\n\r\n".encode())
    assert found(ask("POST", "/", f'{{"x":{encoded}}}'.encode()))


@given(
    encode=st.sampled_from([base64.b64encode, base64.urlsafe_b64encode]),
    before=st.binary(max_size=6),
    after=st.binary(max_size=3),
    prefix=st.sampled_from(["Basic ", "/", "/x", "/xy", "xyz"]),
    padded=st.booleans(),
)
def test_a_text_is_found_in_base64_however_it_is_aligned(
    encode: Callable[[bytes], bytes], before: bytes, after: bytes, prefix: str, *, padded: bool
) -> None:
    encoded = encode(before + TEXT.encode() + after).decode()
    assert found(f"x: {prefix}{encoded if padded else encoded.rstrip('=')}\r\n".encode())


@pytest.mark.parametrize("text", ["1234", "628999888777", "an-api-key"])
def test_the_shortest_text_is_found_in_base64(text: str) -> None:
    for before in ("", "a", "ab"):
        encoded = base64.b64encode(f"{before}{text}".encode()).rstrip(b"=")
        assert reached(sent(encoded), text)
        assert not reached(sent(encoded), text[:-1] + "_")


@given(size=st.integers(1, 50), step=st.integers(1, 300))
def test_a_text_is_found_across_the_borders_of_chunks_and_however_it_arrived(size: int, step: int) -> None:
    stream = ask("GET", "/") + chunked(b"first", 2) + chunked(f'{{"message":"{TEXT}"}}'.encode(), size)
    assert found(stream)
    assert found(stream.removesuffix(b"0\r\n\r\n"))
    assert reached(sent(*cut(stream, step)), TEXT)


def test_a_text_is_found_in_a_body_larger_than_an_instance_accepts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fake_instances.http.protocol.BODY_LIMIT", 10)
    assert found(chunked(b"x" * 20 + TEXT.encode(), 3))


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, raw_deflate], ids=["gzip", "zlib", "deflate"])
def test_a_text_is_found_in_a_compressed_body(pack: Callable[[bytes], bytes]) -> None:
    body = pack(json.dumps({"message": TEXT}).encode())
    assert found(ask("POST", "/", body))
    assert found(chunked(body, 7))


def test_a_text_is_found_in_gzip_of_several_members_and_before_its_end_is_lost() -> None:
    body = gzip.compress(b"first") + gzip.compress(TEXT.encode()) + gzip.compress(bytes(1000))
    assert found(ask("POST", "/", body))
    assert found(ask("POST", "/", body)[:-8])
    assert found(ask("POST", "/", body + b"what is not gzip"))


@pytest.mark.parametrize("before", [b"\x16\x03\x01\x00", b"garbage\r\n\r\n", b"GET / HTTP/1.1\r\nX: "])
def test_a_text_is_found_in_what_is_not_a_request(before: bytes) -> None:
    assert found(before + TEXT.encode())


@pytest.mark.parametrize("data", [b"\\ud83d", b"%", b"%zz", b"\\u12", b"\\", b"a" * 7, b"\x1f\x8b\x08"])
def test_broken_encodings_are_no_error(data: bytes) -> None:
    assert not found(ask("POST", "/", data))
    assert found(ask("POST", "/", data + TEXT.encode()))


def test_connections_are_not_joined() -> None:
    whole = TEXT.encode()
    entries = [*sent(whole[:5]), *sent(whole[5:], connection=2)]
    assert not reached(entries, TEXT)
    assert reached([*entries, *sent(whole[5:])], TEXT)
    assert bytes_received([*entries, *sent(whole[5:])]) == {1: whole, 2: whole[5:]}


def test_only_what_the_stranger_received_counts() -> None:
    elsewhere = RequestArrived(
        instance=3001,
        request=1,
        endpoint=Endpoint.SEND,
        method="POST",
        target="/",
        session_id=None,
        headers=(),
        body=TEXT.encode(),
    )
    entries = [elsewhere, StrangerTouched(connection=1, peer="127.0.0.1:5")]
    assert (reached(entries, TEXT), bytes_received(entries)) == (False, {})


@pytest.mark.parametrize("text", ["", "yes", "✓"])
def test_a_text_too_short_to_be_told_from_chance_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="too short"):
        reached([], text)
