"""The emulator's life: stopped, killed, started again, removed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from local.hetzner.server import HetznerServer
from local.ports import choose_port
from local.processes import ServerError
from tests.hetzner_emulator.conftest import SPEED, Emulator, Project

ORDER = {"name": "web-1", "server_type": "cpx22", "image": "ubuntu-24.04", "location": "fsn1"}


@pytest.fixture
def own(emulators: Callable[..., Emulator], tmp_path: Path) -> Emulator:
    """An emulator to be killed."""
    return emulators(tmp_path)


def kill(emulator: Emulator) -> None:
    process = emulator.server.process.find()
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    psutil.wait_procs([process], timeout=10)


def everything(project: Project) -> dict[str, Any]:
    kinds = ("servers", "networks", "volumes", "primary_ips", "firewalls", "placement_groups", "zones")
    listed = {kind: project.request("GET", f"/{kind}").json()[kind] for kind in kinds}
    return {**listed, "actions": project.request("GET", "/servers/actions").json()["actions"]}


def test_a_killed_emulator_goes_on_where_it_was(own: Emulator) -> None:
    project = own.project()
    network = project.network()
    project.server("db-1", networks=[network])
    own.control("PUT", "/clock", {"frozen": True})
    own.fault("sold_out", server_type="cpx32", times=3)
    running = project.request("POST", "/servers", {**ORDER, "networks": [network.id]}).json()
    before = everything(project)
    budget = project.request("GET", "/locations").headers["RateLimit-Remaining"]
    kill(own)
    own.server.start(own.port)
    assert everything(project) == before
    assert own.control("GET", "/faults")[0]["times"] == 3
    assert int(project.request("GET", "/locations").headers["RateLimit-Remaining"]) < int(budget)
    assert own.control("GET", "/clock")["frozen"]
    assert project.error("POST", f"/servers/{running['server']['id']}/actions/poweroff") == (423, "locked")
    own.control("PUT", "/clock", {"frozen": False})
    for action in (running["action"], *running["next_actions"]):
        project.client.actions.get_by_id(action["id"]).wait_until_finished()
    server = project.client.servers.get_by_id(running["server"]["id"])
    assert (server.status, server.private_net[0].ip) == ("running", "10.0.0.3")
    # No number is given twice.
    assert project.request("POST", "/servers", {**ORDER, "name": "web-2"}).json()["server"]["id"] > server.id


def test_killed_in_the_middle_of_many_requests(own: Emulator) -> None:
    project = own.project()
    for number in range(20):
        project.request("POST", "/servers", {**ORDER, "name": f"web-{number}"})
    kill(own)
    own.server.start(own.port)
    servers = project.client.servers.get_all()
    addresses = project.client.primary_ips.get_all()
    assert len(servers) == 20
    # Each request happened wholly: every server has its two addresses and its actions.
    assert sorted(address.assignee_id for address in addresses) == sorted(server.id for server in servers for _ in "46")
    for action in project.client.servers.actions.get_all():
        action.wait_until_finished()
    assert {server.status for server in project.client.servers.get_all()} == {"running"}


def test_a_server_of_the_sandbox(tmp_path: Path) -> None:
    server = HetznerServer(tmp_path, speed=SPEED)
    port = choose_port(None)
    assert not server.answers()
    assert not server.resume(port)
    server.start(port)
    token = server.credentials.token
    assert server.answers()
    assert server.resume(port)
    assert not server.resume(port + 1)
    with pytest.raises(ServerError, match="address already in use"):
        HetznerServer(tmp_path / "other").start(port)
    HetznerServer(tmp_path / "other").destroy()
    server.stop()
    assert not server.answers()
    server.start(port)
    assert server.credentials.token == token
    assert {path.stat().st_mode & 0o077 for path in (server.data, *server.data.iterdir())} == {0}
    server.destroy()
    assert server.process.find() is None
    assert not server.data.exists()
