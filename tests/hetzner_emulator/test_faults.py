"""Faults on demand."""

from __future__ import annotations

import pytest
import requests
from hcloud.actions import ActionFailedException

from tests.hetzner_emulator.conftest import Emulator, Project

ORDER = {"name": "web-1", "server_type": "cpx22", "image": "ubuntu-24.04", "location": "fsn1"}


def test_sold_out(unstable: Emulator) -> None:
    project = unstable.project()
    unstable.fault("sold_out", server_type="cpx22", location="fsn1")
    assert project.error("POST", "/servers", ORDER) == (412, "resource_unavailable")
    offers = {offer.location.name: offer for offer in project.client.server_types.get_by_name("cpx22").locations}
    assert (offers["fsn1"].available, offers["nbg1"].available) == (False, True)
    assert project.request("POST", "/servers", {**ORDER, "location": "nbg1"}).status_code == 201


def test_sold_out_though_listed_and_only_once(unstable: Emulator) -> None:
    project = unstable.project()
    unstable.fault("sold_out", server_type="cpx22", listed=True, times=1)
    assert all(offer.available for offer in project.client.server_types.get_by_name("cpx22").locations)
    assert project.error("POST", "/servers", ORDER) == (412, "resource_unavailable")
    assert project.request("POST", "/servers", ORDER).status_code == 201


def test_sold_out_in_other_words(unstable: Emulator) -> None:
    project = unstable.project()
    unstable.fault("sold_out", server_type="cpx22", listed=True, code="invalid_input")
    answer = project.request("POST", "/servers", ORDER).json()["error"]
    assert (answer["code"], answer["details"]["fields"][0]["name"]) == ("invalid_input", "location")
    assert "unsupported location for server type" in answer["message"]


def test_failing_actions(unstable: Emulator) -> None:
    project = unstable.project()
    network = project.network()
    unstable.fault("failing_action", command="create_*", code="server_error", message="no host", times=1)
    with pytest.raises(ActionFailedException, match="no host"):
        project.post("/servers", {**ORDER, "networks": [network.id]})
    server = project.client.servers.get_by_name("web-1")
    assert (server.status, server.private_net) == ("unknown", [])
    # What came after it failed with it.
    assert {action.status for action in server.get_actions()} == {"error"}
    server.delete().wait_until_finished()
    project.post("/servers", {**ORDER, "networks": [network.id]})
    unstable.fault("failing_action", command="attach_volume", times=1)
    volume = project.post("/volumes", {"name": "data", "size": 10, "location": "fsn1"})["volume"]
    server = project.client.servers.get_by_name("web-1")
    with pytest.raises(ActionFailedException):
        project.post(f"/volumes/{volume['id']}/actions/attach", {"server": server.id})
    assert project.client.volumes.get_by_id(volume["id"]).server is None


def test_slow_actions(unstable: Emulator) -> None:
    project = unstable.project()
    unstable.control("PUT", "/clock", {"frozen": True, "speed": 1})
    unstable.fault("slow_action", command="create_server", seconds=300)
    action = project.request("POST", "/servers", ORDER).json()["action"]["id"]
    for wait, status in ((300, "running"), (10, "success")):
        unstable.control("PUT", "/clock", {"advance": wait})
        assert project.request("GET", f"/actions/{action}").json()["action"]["status"] == status


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("rate_limit_exceeded", 429), ("server_error", 500), ("bad_gateway", 502), ("unavailable", 503),
        ("timeout", 504), ("conflict", 409), ("locked", 423), ("maintenance", 403),
    ],
)  # fmt: skip
def test_failing_requests(unstable: Emulator, code: str, status: int) -> None:
    project = unstable.project()
    unstable.fault("failing_request", code=code, method="POST", path="^/networks$", times=1)
    body = {"name": "a", "ip_range": "10.0.0.0/16"}
    assert project.request("GET", "/networks").ok
    assert project.error("POST", "/networks", body) == (status, code)
    assert project.leftovers() == []
    assert project.request("POST", "/networks", body).ok


def test_the_vendors_client_rides_out_a_storm(unstable: Emulator) -> None:
    project = unstable.project()
    client = project.client
    # Its first pause is up to a second long: half a storm is enough.
    client._client._retry_interval_func = lambda retries: 0.01
    unstable.fault("failing_request", code="rate_limit_exceeded", times=4)
    assert len(client.locations.get_all()) == 6
    assert unstable.control("GET", "/faults")[0]["struck"] == 4


def test_the_same_seed_gives_the_same_faults(unstable: Emulator) -> None:
    def outcomes(seed: int) -> list[int]:
        project = unstable.project()
        unstable.control("DELETE", "/faults")
        unstable.fault("failing_request", code="unavailable", probability=0.5, seed=seed)
        return [project.request("GET", "/locations").status_code for _ in range(30)]

    first = outcomes(1)
    assert set(first) == {200, 503}
    assert outcomes(1) == first
    assert outcomes(2) != first


@pytest.mark.parametrize(("when", "left"), [("before", []), ("after", ["networks"])])
def test_cut_connections(unstable: Emulator, when: str, left: list[str]) -> None:
    project = unstable.project()
    unstable.fault("cut_connection", method="POST", when=when, times=1)
    body = {"name": "a", "ip_range": "10.0.0.0/16"}
    with pytest.raises(requests.ConnectionError):
        project.request("POST", "/networks", body)
    assert project.leftovers() == left
    # Whoever tries again meets what the lost answer left.
    again = project.request("POST", "/networks", body)
    assert again.status_code == (409 if left else 201)


def test_faults_can_be_lifted(unstable: Emulator) -> None:
    project = unstable.project()
    unstable.fault("failing_request", code="unavailable", path="/volumes")
    unstable.fault("failing_request", code="unavailable", path="/servers")
    first = unstable.control("GET", "/faults")[0]["id"]
    unstable.control("DELETE", f"/faults/{first}")
    assert project.request("GET", "/volumes").ok
    assert not project.request("GET", "/servers").ok


def test_leftovers_name_what_is_there(unstable: Emulator) -> None:
    project: Project = unstable.project()
    project.client.networks.create("private", ip_range="10.0.0.0/16", labels={"cluster": "a"})
    listed = unstable.control("GET", f"/leftovers?project={project.name}")
    assert [(item["kind"], item["name"], item["labels"]) for item in listed] == [
        ("networks", "private", {"cluster": "a"})
    ]
    unstable.control("POST", "/reset")
    assert project.leftovers() == []
