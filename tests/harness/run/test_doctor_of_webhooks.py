"""What the doctor says of webhooks that are signed in another way, and of rows that store what is no text."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from harness.cli.main import main
from harness.run.doctor.signings import few_to_try, knows, name_of
from harness.targets.reader import BUILT_IN
from tests.harness.run.test_not_attached import foreign
from tests.harness.run.wrong_attachments import Wrong, changed

if TYPE_CHECKING:
    from pathlib import Path

ROOM = ["--fleet-address", "127.0.0.66", "--fleet-ports", "free"]
_BEGIN = "import base64, hashlib, hmac, json, reference_impl.edges.signature as s; own = s.sign; "
_OTHERWISE = _BEGIN + "s.sign = lambda secret, at, body: {}; "
_WHICH = "X-HMAC-Signature must be the hex HMAC-SHA256 of X-Timestamp, in seconds, followed by the raw body"
_AS_PYTHON_WRITES_IT = "own(secret, at, json.dumps(json.loads(body)).encode())"
SIGNED = {
    "base64": (_OTHERWISE.format("base64.b64encode(bytes.fromhex(own(secret, at, body))).decode()"), "in base64"),
    "capital hex": (_OTHERWISE.format("own(secret, at, body).upper()"), "in capital hex"),
    "a prefix": (_OTHERWISE.format("'sha256=' + own(secret, at, body)"), "with sha256= before the hex"),
    "the body alone": (_OTHERWISE.format("own(secret, '', body)"), "over the body alone"),
    "the other order": (
        _OTHERWISE.format("own(secret, '', body + at.encode())"), "over the body followed by X-Timestamp"),
    "a dot": (_OTHERWISE.format("own(secret, at + '.', body)"), "over X-Timestamp, a dot and the body"),
    "SHA-512": (
        _OTHERWISE.format("hmac.new(secret.encode(), at.encode() + body, hashlib.sha512).hexdigest()"), "by SHA-512"),
    "a body written anew": (
        _OTHERWISE.format(_AS_PYTHON_WRITES_IT), "over X-Timestamp and the body parsed and written anew"),
    "milliseconds": (
        ("import re, reference_impl.edges.signature as s; s.TIMESTAMP = re.compile('[0-9]{13}'); "
        "own = s.Authenticator.timestamp_of; s.Authenticator.timestamp_of = lambda self, signature, at, body, now: "
        "own(self, signature, at, body, now * 1000); "),
        "with X-Timestamp in milliseconds"),
}  # fmt: skip
"""What has the reference take other webhooks, and how the doctor calls that."""


def examined(program: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    command = [sys.executable, "-c", f"{program}import reference_impl.__main__ as them; them.main()"]
    keys = {"launch.command": command, "implementation.claims": ["core"], "timing.settle_seconds": 0.3}
    file = changed(BUILT_IN / "reference.toml", Wrong(keys, "", ()), tmp_path)
    assert main(["doctor", "--target", str(file), *ROOM]) == 2
    return re.sub(r"\n {15}", " ", capsys.readouterr().out)


@pytest.mark.parametrize("other", SIGNED)
def test_the_way_that_is_taken_is_named(
    other: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program, how = SIGNED[other]
    said = examined(program, tmp_path, capsys)
    told = f"nothing: its secret is right, for it takes a webhook that is signed {how}; {_WHICH}"
    assert told in said, said


def test_who_takes_only_what_is_ahead_has_no_other_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = (
        "import reference_impl.edges.signature as s; own = s.Authenticator.timestamp_of; "
        "s.Authenticator.timestamp_of = lambda self, signature, at, body, now: "
        "own(self, signature, at if int(at or 0) > now else '', body, now); "
    )
    said = examined(program, tmp_path, capsys)
    assert "for it takes a webhook at some moments of a second, and refuses it at others" in said, said
    assert "must take one whose X-Timestamp is up to 300 seconds off" in said, said


def test_what_is_stored_as_bytes_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = (
        "import reference_impl.edges.accounts as a; own = a.Accounts.write_if_unmoved; "
        "a.Accounts.write_if_unmoved = lambda self, account, changes: own(self, account, "
        "{name: value.encode() if name == 'assigned_instance_url' else value for name, value in changes.items()}); "
    )
    said = examined(program, tmp_path, capsys)
    assert "but it stored assigned_instance_url as bytes" in said, said
    assert "it must store assigned_instance_url as text" in said, said


def test_each_way_that_is_tried_is_another_and_one_that_gateways_are_recognised_by() -> None:
    secret, body = "secret", b'{"url":"http://a","name":"\xc3\xa9"}'
    ways = [*few_to_try(secret, 1_700_000_000.0, body)]
    assert len({(one.stamp, one.signature) for one in ways}) == len(ways)
    known = [knows(secret, one.stamp, body, one.signature.removeprefix("sha256=")) for one in ways]
    assert [one.how for one, is_known in zip(ways, known, strict=True) if not is_known] == []


def test_how_a_gateway_signs_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = foreign(tmp_path, "signature")
    assert main(["doctor", "--target", str(file), *ROOM]) == 2
    said = re.sub(r"\n {15}", " ", capsys.readouterr().out)
    assert f"the gateway: it has the secret, and signs over the body alone; {_WHICH}" in said, said


@pytest.mark.parametrize("body", [b"", b"no JSON", rb'{"a":"\ud83d"}', b"\xff", b"[" * 100_000])
def test_a_body_of_any_kind_is_looked_at(body: bytes) -> None:
    (by_itself,) = {
        one.signature for one in few_to_try("secret", 9.0, body) if one.how == "over the body alone"
    }
    assert name_of("secret", "9", body, by_itself) == "over the body alone"
    assert knows("secret", "9", body, by_itself)
    assert name_of("secret", "9", body, "another") == ""
    assert not knows("secret", "9", body, "another")
