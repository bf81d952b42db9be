"""Emulators, and clients of theirs whose every answer is checked."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from hcloud import Client
from hcloud.actions import BoundAction
from hcloud.images import Image
from hcloud.locations import Location
from hcloud.networks import BoundNetwork, NetworkSubnet
from hcloud.server_types import ServerType
from hcloud.servers import BoundServer

from local.hetzner.server import HetznerServer
from local.ports import choose_port
from tests.hetzner_emulator.openapi import Judge

# Actions of seconds in milliseconds.
SPEED = 400.0


@dataclass
class Emulator:
    """A running emulator, and its control endpoint."""

    server: HetznerServer
    port: int
    _names: Iterator[int] = field(default_factory=itertools.count)

    @property
    def endpoint(self) -> str:
        return self.server.endpoint(self.port)

    def control(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """A request to the control endpoint; ``status`` 200 stands for 204 too."""
        answer = requests.request(
            method,
            f"{self.endpoint.removesuffix('/v1')}/_control{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.server.credentials.control_token}"},
            timeout=10,
        )
        assert answer.status_code == status or (status == 200 and answer.status_code == 204), answer.text
        return answer.json() if answer.content else None

    def fault(self, kind: str, **fields: Any) -> None:
        """Put a fault in force."""
        self.control("POST", "/faults", {"kind": kind, **fields})

    def project(self, **fields: Any) -> Project:
        """A new project."""
        name = f"project-{next(self._names)}"
        return Project(self, name, self.control("POST", "/projects", {"name": name, **fields})["token"])


@dataclass
class Project:
    """A project with its token."""

    emulator: Emulator
    name: str
    token: str

    @property
    def client(self) -> Client:
        """The vendor's client. It asks often, for actions are quick here."""
        client = Client(token=self.token, api_endpoint=self.emulator.endpoint, poll_interval=0.02)
        client._client._session.mount("http://", Judge())
        return client

    def request(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        """A bare request."""
        with requests.Session() as session:
            session.mount("http://", Judge())
            headers = {"Authorization": f"Bearer {self.token}"}
            url = f"{self.emulator.endpoint}{path}"
            return session.request(method, url, json=body, headers=headers, timeout=10, **options)

    def error(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """Status and code of a request that is refused."""
        answer = self.request(method, path, body)
        assert not answer.ok, answer.text
        return answer.status_code, answer.json()["error"]["code"]

    def post(self, path: str, body: Any = None) -> Any:
        """A request that is accepted; waits for its actions."""
        answer = self.request("POST", path, body)
        assert answer.ok, answer.text
        made = answer.json()
        actions = [made.get("action"), *made.get("actions", []), *made.get("next_actions", [])]
        for action in actions:
            if action is not None:
                self.client.actions.get_by_id(action["id"]).wait_until_finished()
        return made

    def server(self, name: str, **options: Any) -> BoundServer:
        """A server that runs."""
        options = {"server_type": ServerType("cpx22"), "image": Image(name="ubuntu-24.04"), **options}
        made = self.client.servers.create(name, location=options.pop("location", Location("fsn1")), **options)
        finish(made.action, *made.next_actions)
        made.server.reload()
        return made.server

    def network(self, name: str = "private", ip_range: str = "10.0.0.0/16") -> BoundNetwork:
        """A network with one subnet."""
        subnet = NetworkSubnet(ip_range=ip_range.replace("/16", "/24"), type="cloud", network_zone="eu-central")
        return self.client.networks.create(name, ip_range=ip_range, subnets=[subnet])

    def leftovers(self) -> list[str]:
        """Kinds of everything that is left."""
        return [item["kind"] for item in self.emulator.control("GET", f"/leftovers?project={self.name}")]


def finish(*actions: BoundAction) -> None:
    """Wait for all of them."""
    for action in actions:
        action.wait_until_finished()


@pytest.fixture(scope="session")
def emulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Emulator]]:
    """Starts emulators, which end with the run."""
    started: list[HetznerServer] = []

    def start(folder: Path | None = None, **options: Any) -> Emulator:
        server = HetznerServer(folder or tmp_path_factory.mktemp("emulator"), **{"speed": SPEED, **options})
        started.append(server)
        port = choose_port(None)
        server.start(port)
        return Emulator(server, port)

    yield start
    for server in started:
        server.destroy()


@pytest.fixture(scope="session")
def emulator(emulators: Callable[..., Emulator]) -> Emulator:
    """The emulator of tests that only use projects of their own."""
    return emulators()


@pytest.fixture
def project(emulator: Emulator) -> Project:
    """A project of the test's own."""
    return emulator.project()


@pytest.fixture(scope="session")
def _unstable(emulators: Callable[..., Emulator]) -> Emulator:
    return emulators()


@pytest.fixture
def unstable(_unstable: Emulator) -> Iterator[Emulator]:
    """An emulator for faults and a frozen clock, which are its whole world's; both are lifted after the test."""
    yield _unstable
    _unstable.control("POST", "/reset")
    _unstable.control("PUT", "/clock", {"frozen": False, "speed": SPEED})
