"""Mistakes in recognising configured instances."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from tests.mutants.defects.security import OUTSIDE, OUTSIDE_AGAIN, stored_where
from tests.mutants.machinery.registry import mutant, rows

LONGER = (
    "its URL with a path",
    "its URL with a query",
    "its URL with a fragment",
    "10,000 characters",
)


def _part(url, name):
    try:
        return getattr(urlsplit(url), name)
    except ValueError:
        return None


@mutant("SPOOF-01", *rows(OUTSIDE, *LONGER, "its URL over https"))
def host_and_port_make_an_instance() -> None:
    """A location is stored when its host and port are an instance's, whatever else it says."""
    stored_where(lambda claim, base: _part(claim, "netloc") == _part(base, "netloc"))


@mutant(
    "SPOOF-01",
    *rows(
        OUTSIDE,
        *LONGER,
        "another port",
        "a port that begins like its port",
        "its URL over https",
        "its URL with a user",
        "its URL and an encoded line end",
        "two locations, the evil one last",
    ),
)
def host_alone_makes_an_instance() -> None:
    """A location is stored when its host is an instance's, whatever its port."""
    stored_where(lambda claim, base: _part(claim, "hostname") == _part(base, "hostname"))


@mutant(
    "SPOOF-01",
    OUTSIDE_AGAIN,
    *rows(
        OUTSIDE,
        *LONGER,
        "another host",
        "its URL over https",
        "its URL with a user",
        "its address by another name",
        "its address as an IPv6 one",
        "its address as one number",
    ),
)
def port_alone_makes_an_instance() -> None:
    """A location is stored when its port is an instance's, whatever its host."""
    stored_where(lambda claim, base: _part(claim, "port") == _part(base, "port"))


@mutant("SPOOF-01", *rows(OUTSIDE, "its address by another name"))
def every_name_of_this_machine_stored() -> None:
    """A location is stored as it was sent when it is localhost or 127.0.0.1 with an instance's port."""
    stored_where(
        lambda claim, base: (
            claim in {f"http://{host}:{_part(base, 'port')}" for host in ("localhost", "127.0.0.1")}
        )
    )


@mutant("SPOOF-01", *rows(OUTSIDE, *LONGER, "a host after the instance's", "its URL over https"))
def user_taken_for_the_host() -> None:
    """A location is stored when the part before an at sign is an instance's host and port."""
    stored_where(
        lambda claim, base: str(_part(claim, "netloc")).partition("@")[0] == _part(base, "netloc"),
    )


@mutant("SPOOF-01", *rows(OUTSIDE, *LONGER, "its URL with a user", "its URL over https"))
def user_before_the_host_overlooked() -> None:
    """A location is stored when the part after an at sign is an instance's host and port."""
    stored_where(
        lambda claim, base: str(_part(claim, "netloc")).rpartition("@")[2] == _part(base, "netloc"),
    )


@mutant(
    "SPOOF-01",
    *rows(
        OUTSIDE,
        *LONGER,
        "a host after the instance's",
        "a port that begins like its port",
        "its URL and an encoded line end",
        "two locations, one of them evil",
        "two locations, the evil one last",
    ),
)
def pattern_without_an_end() -> None:
    """A location is stored when it contains an instance's URL."""
    stored_where(lambda claim, base: re.search(re.escape(base), claim) is not None)


@mutant("SPOOF-01", *rows(OUTSIDE, "another port", "a port that begins like its port"))
def any_port_of_the_host() -> None:
    """A location is stored when it is an instance's host with any port."""
    stored_where(
        lambda claim, base: re.fullmatch(rf"{re.escape(base.rpartition(':')[0])}:\d+", claim) is not None
    )
