"""`compose.yaml`: four instances, the reference and PostgreSQL as containers, and in them the incident."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.container_images import BASE_VARIABLE, ROOT, engine, image, postgresql_image
from tests.harness.support import until
from tests.prerequisites import program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker import DockerClient
    from docker.models.containers import Container

pytestmark = pytest.mark.thorough

ADDRESS = "127.0.0.58"
PATIENCE = 30.0
COMMAND_SECONDS = 300.0
INSTANCES = (3001, 3002, 3003, 3004)
SESSION_ID = "webjs_1_1763798326_U9tUyl0b"
SERVICES = {*(f"instance-{number}" for number in INSTANCES), "reference", "database"}


class Project:
    """The project of `compose.yaml` under a name of its own, on a loopback address of its own."""

    def __init__(self, client: DockerClient) -> None:
        self.name = f"instance-sync-{secrets.token_hex(4)}"
        self._client = client
        self._command = [*compose(), "--project-name", self.name]
        named = {
            "ADDRESS": ADDRESS,
            "BASE": os.environ.get(BASE_VARIABLE),
            "BUILD_NETWORK": "host",
            "FLEET_IMAGE": "instance-sync-fleet:compose-test",
            "REFERENCE_IMAGE": "instance-sync-reference:compose-test",
            "POSTGRES_IMAGE": postgresql_image(),
        }
        self._environment = {**os.environ, **{name: value for name, value in named.items() if value}}

    def run(self, *words: str) -> str:
        """Run a command of compose and give what it printed."""
        done = subprocess.run(
            [*self._command, *words],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def containers(self) -> dict[str, Container]:
        """Give its containers by their services' names."""
        found = self._client.containers.list(all=True, filters=self._mine)
        return {one.labels["com.docker.compose.service"]: one for one in found}

    def what_is_left(self) -> list[Any]:
        """Give every container, network and volume of it."""
        networks, volumes = self._client.networks, self._client.volumes
        return [
            *self.containers().values(),
            *networks.list(filters=self._mine),
            *volumes.list(filters=self._mine),
        ]

    def assigned(self) -> str:
        """Give the instance that account 142's row says."""
        asked = "SELECT assigned_instance_url FROM whatsapp_accounts WHERE id = 142"
        query = ["psql", "--username", "sync", "--tuples-only", "--no-align", "--command", asked]
        return self.run("exec", "-T", "database", *query).strip()

    @property
    def _mine(self) -> dict[str, str]:
        return {"label": f"com.docker.compose.project={self.name}"}


def compose() -> list[str]:
    """Give the words of compose: of the engine's own command line, or of the program that came before it."""
    if shutil.which("docker"):
        words = ["docker", "compose"]
        if not subprocess.run([*words, "version"], capture_output=True, check=False).returncode:
            return words
    return [program("docker-compose", "docker-compose")]


@pytest.fixture
def project() -> Iterator[Project]:
    """Bring everything up, and down again whatever happens."""
    image("fleet")  # is skipped without a registry or a base image; compose finds it built
    with contextlib.closing(engine()) as client:
        made = Project(client)
        try:
            made.run("up", "--build", "--detach")
            yield made
        finally:
            made.run("down", "--volumes")


def healthy(container: Container) -> bool:
    return bool(container.attrs["State"].get("Health", {}).get("Status") == "healthy")


def published(container: Container) -> list[tuple[str, str]]:
    bindings = container.attrs["HostConfig"]["PortBindings"] or {}
    return [(one["HostIp"], one["HostPort"]) for each in bindings.values() for one in each]


def order(number: int, method: str, path: str, **body: object) -> Any:
    """Order something of an instance over its own control API, and give the answer."""
    url = f"http://{ADDRESS}:{number + 100}{path}"
    answer = requests.request(method, url, json=body or None, timeout=PATIENCE)
    assert answer.status_code == 200, answer.text
    return answer.json()


def delivered() -> dict[int, list[str]]:
    """Give the texts that each instance really sent."""
    return {
        number: [one["text"] for one in order(number, "GET", "/journal?kind=MessageDelivered")["entries"]]
        for number in INSTANCES
    }


def send(text: str) -> Any:
    """Have the user send a message from account 142, and give what the reference answers."""
    url, body = (
        f"http://{ADDRESS}:8000/api/accounts/142/messages",
        {"recipient_phone": "628999888777", "message": text},
    )
    answer = requests.post(url, json=body, timeout=PATIENCE)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_incident_can_be_seen_and_repaired_in_containers_and_nothing_is_left(project: Project) -> None:
    until(lambda: all(map(healthy, project.containers().values())), "every container is healthy")
    found = project.containers()
    assert found.keys() == SERVICES

    places = [place for one in found.values() for place in published(one)]
    ports = [port for _, port in places]
    assert {address for address, _ in places} == {ADDRESS}
    assert sorted(ports) == ["3001", "3002", "3003", "3004", "3101", "3102", "3103", "3104", "8000"]
    [configured] = [
        one.partition("=")[2].split(",")
        for one in found["reference"].attrs["Config"]["Env"]
        if one.startswith("NODE_INSTANCES=")
    ]
    status = [order(number, "GET", "/status")["instances"] for number in INSTANCES]
    assert [[one["url"] for one in each] for each in status] == [[url] for url in configured]
    assert all(one.attrs["Config"]["User"] == "10001" for name, one in found.items() if name != "database")

    # The row says 3001, the session is on 3002: the scan finds it, and the row is repaired.
    assert project.assigned() == "http://instance-3001:3001"
    assert send("hello")["instance_url"] == "http://instance-3002:3002"
    assert delivered() == {3001: [], 3002: ["hello"], 3003: [], 3004: []}
    assert project.assigned() == "http://instance-3002:3002"

    # It moves to 3004, which says so in a signed webhook: the row follows before anyone sends.
    order(3002, "DELETE", "/sessions", session_id=SESSION_ID, instance=3002)
    order(3004, "POST", "/sessions/connect", session_id=SESSION_ID, instance=3004)
    until(lambda: project.assigned() == "http://instance-3004:3004", "the webhook moves the row")
    assert send("again")["instance_url"] == "http://instance-3004:3004"
    assert delivered() == {3001: [], 3002: ["hello"], 3003: [], 3004: ["again"]}

    project.run("down", "--volumes")
    assert project.what_is_left() == []
