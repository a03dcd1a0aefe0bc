"""The harness's one caller over HTTP."""

from __future__ import annotations

import pytest
import requests

from harness.attach.http import get, refused, request
from harness.history import HARNESS
from tests.harness.attach.answering import answering
from tests.harness.support import PATIENCE


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with answering(204) as (url, _):
        assert request("POST", url, patience=PATIENCE, body={}).status_code == 204
        looked = get(url, {"X-Own": "1"}, PATIENCE)
    assert looked.request.headers["User-Agent"] == HARNESS
    with pytest.raises(requests.ConnectionError) as raised:
        get(url, {}, PATIENCE)
    assert refused(raised.value)
