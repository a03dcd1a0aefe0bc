"""An implementation that runs already, attached by its URL. test_same_verdict.py judges one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.attach.drivers.program import free_port
from harness.attach.drivers.url import attach
from harness.attach.setup import check_database, check_running
from harness.errors import LaunchError, NotJudgedError, TargetError
from tests.harness.attach.answering import answering
from tests.harness.support import target

if TYPE_CHECKING:
    from harness.contract import Target

SECRETS = {"API_KEY": "an-api-key-that-was-there-before", "HMAC_SECRET": "a-secret-that-was-there-before"}


@pytest.fixture
def acme(monkeypatch: pytest.MonkeyPatch) -> Target:
    """Return a target at a URL where nothing listens, with its secrets in the environment."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    return target(url=f"http://127.0.0.1:{free_port('127.0.0.1')}", ready="/up")


def test_the_harness_does_not_end_what_it_did_not_start() -> None:
    with answering(200, path="/up") as (url, _):
        attached = attach(target(url=url, ready="/up"))
        with pytest.raises(NotJudgedError, match="is not killed by the harness"):
            attached.kill()
        attached.stop()
        assert attached.problem is None
        with pytest.raises(LaunchError, match=r"made-up answered 404 to GET .*/nowhere: launch.ready names"):
            attach(target(url=url, ready="/nowhere"))
    assert str(attached.problem) == f"made-up does not answer GET {url}/up any more: ConnectionError"


def test_one_that_does_not_answer_is_reported(acme: Target) -> None:
    with pytest.raises(LaunchError, match=rf"made-up does not answer GET {acme.url}/up .*: is it running"):
        attach(acme)


@pytest.mark.parametrize(
    ("api_key", "secret", "said"),
    [
        ("", "", "API_KEY and HMAC_SECRET must be in the environment"),
        ("their API key", "", "HMAC_SECRET must be in the environment"),
        ("their API key", "short", "HMAC_SECRET must have 8 characters or more"),
    ],
)
def test_its_secrets_come_from_the_environment(
    acme: Target, monkeypatch: pytest.MonkeyPatch, api_key: str, secret: str, said: str
) -> None:
    check_running(acme, in_workers=False)
    monkeypatch.setenv("API_KEY", api_key)
    monkeypatch.setenv("HMAC_SECRET", secret)
    with pytest.raises(TargetError, match=f"^{said}"):
        check_running(acme, in_workers=False)


def test_several_workers_would_each_bring_instances(acme: Target) -> None:
    with pytest.raises(TargetError, match="run it without -n"):
        check_running(acme, in_workers=True)


@pytest.mark.parametrize("given", ["sqlite", "sqlite://", "postgresql://127.0.0.1", "oracle://x/y", "?"])
def test_its_own_database_must_be_named(acme: Target, given: str) -> None:
    for named in ("sqlite:////a/b.db", "postgresql://u:p@127.0.0.1/x", "mysql://127.0.0.1/x"):
        check_database(acme, named)
    with pytest.raises(TargetError, match=r"a target with launch\.url has a database already; give its URL"):
        check_database(acme, given)
