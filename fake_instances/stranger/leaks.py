"""Whether a text is in what the stranger received, in any of the usual encodings. Pure.

A text is found behind chunked transfer, gzip and deflate, percent-encoding, JSON escapes and base64, also where one
is within another. It is not found if it is encrypted or compressed in another way.
"""

from __future__ import annotations

import binascii
import json
import re
import zlib
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from fake_instances.http.protocol import Reader
from fake_instances.journal import StrangerReceived

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from fake_instances.journal import Entry

SHORTEST = 4
"""The fewest bytes of a text that is looked for: shorter ones turn up by chance."""

_UNPACKED_LIMIT = 50 * 1024 * 1024
_DEPTH = 3
_JSON_ESCAPES = re.compile(rb'(?:\\u[0-9a-fA-F]{4})+|\\["\\/bfnrt]')
_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/_-]{6,}")
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")


def bytes_received(entries: Iterable[Entry]) -> Mapping[int, bytes]:
    """Return what the stranger received, whole, by the number of the connection."""
    streams: dict[int, bytearray] = {}
    for entry in entries:
        if isinstance(entry, StrangerReceived):
            streams.setdefault(entry.connection, bytearray()).extend(entry.data)
    return {number: bytes(stream) for number, stream in streams.items()}


def reached(entries: Iterable[Entry], secret_text: str) -> bool:
    """Say whether a text reached the stranger over any one connection, plain or encoded.

    Raises:
        ValueError: the text has fewer than SHORTEST bytes.
    """
    wanted = secret_text.encode()
    if len(wanted) < SHORTEST:
        raise ValueError(
            f"{secret_text!r} is too short to be told from chance; take {SHORTEST} bytes or more"
        )
    return any(wanted in view for stream in bytes_received(entries).values() for view in _views(stream))


class _Bodies(Reader):
    """Collects the bodies of a stream without their chunks' borders, unfinished ones too."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[bytearray] = []

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.bodies.append(bytearray())

    def on_body(self, data: bytes) -> None:
        self.bodies[-1] += data


def _views(stream: bytes) -> Iterator[bytes]:
    """Return a stream, and everything in it, in all the ways it can be read."""
    reader = _Bodies()
    reader.feed(stream)
    for part in [stream, *(bytes(body) for body in reader.bodies if body)]:
        for unpacked in (part, *_unpacked(part)):
            for text in _unescaped(unpacked):
                yield text
                yield from _unescaped(_from_base64(text))


def _unpacked(data: bytes) -> Iterator[bytes]:
    """Return what is in gzip, zlib or plain deflate data, as far as it goes; nothing for anything else."""
    for kind in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):
        unpacked, left = b"", data
        while left and len(unpacked) < _UNPACKED_LIMIT:  # gzip data may have several members
            member = zlib.decompressobj(kind)
            try:
                unpacked += member.decompress(left, _UNPACKED_LIMIT - len(unpacked))
            except zlib.error:
                break
            left = member.unused_data
        if unpacked:
            yield unpacked


def _unescaped(data: bytes) -> set[bytes]:
    """Return the data, and what escapes in it stand for, down to escapes within escapes."""
    known = newest = {data}
    for _ in range(_DEPTH):
        newest = {decode(view) for view in newest for decode in _UNESCAPES} - known
        known = known | newest
    return known


def _from_form(data: bytes) -> bytes:
    return unquote_to_bytes(data.replace(b"+", b" "))


def _from_json(data: bytes) -> bytes:
    return _JSON_ESCAPES.sub(lambda found: _meant(found[0]), data)


def _meant(escapes: bytes) -> bytes:
    meant: str = json.loads(b'"' + escapes + b'"')
    return meant.encode("utf-8", "surrogatepass")


_UNESCAPES: tuple[Callable[[bytes], bytes], ...] = (unquote_to_bytes, _from_form, _from_json)


def _from_base64(data: bytes) -> bytes:
    """Return what every run of base64 letters stands for, wherever in the run the encoded bytes begin."""
    runs = (run.translate(_TO_STANDARD) for run in _BASE64_RUN.findall(data))
    pieces = (run[start:] for run in runs for start in range(4))
    return b"\n".join(binascii.a2b_base64(piece + b"A" * (-len(piece) % 4)) for piece in pieces)
