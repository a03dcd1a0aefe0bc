"""Settings: defaults, and one clear line for each value that cannot be used."""

from __future__ import annotations

import pytest

from reference_impl.settings import Settings, SettingsError

NEEDED = {"HMAC_SECRET": "s3cret-text", "API_KEY": "k3y-text"}


def test_the_defaults_are_the_contracts() -> None:
    settings = Settings.from_environment(NEEDED)
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.node_instances == tuple(f"http://localhost:{port}" for port in (3001, 3002, 3003, 3004))
    assert (settings.verify_timeout, settings.send_timeout) == (3, 30)
    assert (settings.signature_ttl, settings.health_check_interval) == (300, 300)
    assert settings.log_file is None


UNUSABLE = """
PORT=http PORT=65536 PORT=٣ VERIFY_TIMEOUT=0 VERIFY_TIMEOUT=nan SEND_TIMEOUT=inf SIGNATURE_TTL=-1
HEALTH_CHECK_INTERVAL=-0.1 NODE_INSTANCES=, NODE_INSTANCES=127.0.0.1:3001 NODE_INSTANCES=ftp://127.0.0.1:3001
NODE_INSTANCES=http://user@127.0.0.1:3001 NODE_INSTANCES=http://127.0.0.1:3001?x=1
NODE_INSTANCES=http://127.0.0.1:99999 NODE_INSTANCES=http://127.0.0.1:3001,http://127.0.0.1:3001/
"""


@pytest.mark.parametrize("assignment", UNUSABLE.split())
def test_an_unusable_value_is_named_with_what_is_allowed(assignment: str) -> None:
    name, _, given = assignment.partition("=")
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({**NEEDED, name: given})
    assert str(caught.value).startswith(f"{name}: ")
    assert "allowed is" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_secrets_are_not_shown() -> None:
    shown = repr(Settings.from_environment({**NEEDED, "DATABASE_URL": "postgresql://u:pass-word@h/d"}))
    assert not [secret for secret in (*NEEDED.values(), "pass-word") if secret in shown]


def test_base_urls_are_compared_as_text_except_one_trailing_slash() -> None:
    instances = "http://127.0.0.1:3001/, http://10.0.0.1/gateway"
    settings = Settings.from_environment({**NEEDED, "NODE_INSTANCES": instances})
    assert settings.configured("http://127.0.0.1:3001") == "http://127.0.0.1:3001"
    assert settings.configured("http://127.0.0.1:3001/") == "http://127.0.0.1:3001"
    assert settings.configured("http://10.0.0.1/gateway/") == "http://10.0.0.1/gateway"
    for other in ("http://localhost:3001", "http://127.0.0.1:3001//", "HTTP://127.0.0.1:3001", "", None):
        assert settings.configured(other) is None
