"""What holds for every request: tokens, budgets, errors, lists, actions."""

from __future__ import annotations

import re

import pytest
import requests
from hcloud import Client

from local.hetzner.api import routes
from tests.hetzner_emulator.conftest import Emulator, Project, finish
from tests.hetzner_emulator.openapi import Judge, operations, specification_file

NETWORKS = ["alpha", "beta", "gamma", "delta", "epsilon"]


def test_without_a_token(emulator: Emulator) -> None:
    stranger = Project(emulator, "nobody", "wrong")
    answer = stranger.request("GET", "/servers")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
    assert answer.headers["X-Correlation-Id"]
    # Requests of nobody count too.
    assert answer.headers["RateLimit-Limit"] == "3600"


def test_read_only_tokens(emulator: Emulator) -> None:
    reader = emulator.project(permission="read")
    assert reader.request("GET", "/servers").status_code == 200
    assert reader.error("POST", "/networks", {"name": "a", "ip_range": "10.0.0.0/16"}) == (401, "token_readonly")
    assert reader.leftovers() == []


def test_projects_do_not_see_each_other(emulator: Emulator) -> None:
    one, other = emulator.project(), emulator.project()
    network = one.network("same-name")
    other.network("same-name")
    assert other.error("GET", f"/networks/{network.id}") == (404, "not_found")
    assert other.error("DELETE", f"/networks/{network.id}") == (404, "not_found")
    assert len(other.client.networks.get_all()) == 1


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/servers/1", (404, "not_found")),
        ("GET", "/servers/abc", (404, "not_found")),
        ("GET", f"/servers/{'9' * 40}", (404, "not_found")),
        ("GET", "/servers/1/actions", (404, "not_found")),
        ("GET", "/actions/1", (404, "not_found")),
        ("GET", "/nothing", (404, "not_found")),
        ("PATCH", "/servers", (405, "method_not_allowed")),
        ("POST", "/locations", (405, "method_not_allowed")),
        ("GET", "/servers?page=0", (422, "invalid_input")),
        ("GET", "/servers?per_page=many", (422, "invalid_input")),
        ("GET", "/servers?sort=memory", (422, "invalid_input")),
        ("GET", "/servers?sort=name:up", (422, "invalid_input")),
        ("GET", "/servers?label_selector=a==b==c", (422, "invalid_input")),
        ("POST", "/networks", (422, "invalid_input")),
    ],
)
def test_requests_that_are_refused(project: Project, method: str, path: str, expected: tuple[int, str]) -> None:
    assert project.error(method, path) == expected


def test_every_wrong_field_is_named(project: Project) -> None:
    answer = project.request("POST", "/servers", {"name": 5, "labels": {"-": "x"}, "networks": "none"})
    fields = {field["name"] for field in answer.json()["error"]["details"]["fields"]}
    assert fields == {"name", "server_type", "image", "labels", "networks"}


def test_malformed_json(project: Project) -> None:
    headers = {"Authorization": f"Bearer {project.token}"}
    url = f"{project.emulator.endpoint}/networks"
    answer = requests.post(url, data="{", headers=headers, timeout=10)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "json_error")


def test_lists(project: Project) -> None:
    for number, name in enumerate(NETWORKS):
        labels = {"parity": "even" if number % 2 == 0 else "odd", "name": name}
        project.client.networks.create(name, ip_range=f"10.{number}.0.0/16", labels=labels)
    client = project.client

    def names(query: str) -> list[str]:
        return [network["name"] for network in project.request("GET", f"/networks?{query}").json()["networks"]]

    assert names("name=beta") == ["beta"]
    assert names("label_selector=parity%3Deven") == ["alpha", "gamma", "epsilon"]
    assert names("label_selector=parity,name%20notin%20(alpha,gamma)&sort=name:desc") == ["epsilon", "delta", "beta"]
    assert names("sort=id:desc") == NETWORKS[::-1]
    assert names("sort=name&per_page=2&page=2") == ["delta", "epsilon"]
    assert names("page=9") == []
    page = project.request("GET", "/networks?per_page=2&page=2&sort=name")
    assert page.json()["meta"]["pagination"] == {
        "page": 2, "per_page": 2, "previous_page": 1, "next_page": 3, "last_page": 3, "total_entries": 5,
    }  # fmt: skip
    assert set(page.links) == {"prev", "next", "last"}
    headers = {"Authorization": f"Bearer {project.token}"}
    following = requests.get(page.links["next"]["url"], headers=headers, timeout=10).json()
    assert [network["name"] for network in following["networks"]] == ["gamma"]
    assert len(client.networks.get_all(label_selector="!parity")) == 0


def test_at_most_fifty_a_page(project: Project) -> None:
    for number in range(55):
        project.post("/ssh_keys", {"name": f"key-{number}", "public_key": f"ssh-ed25519 {number:08d}"})
    pagination = project.request("GET", "/ssh_keys").json()["meta"]["pagination"]
    assert (pagination["per_page"], pagination["last_page"]) == (25, 3)
    assert project.request("GET", "/ssh_keys?per_page=100").json()["meta"]["pagination"]["per_page"] == 50
    assert len(project.client.ssh_keys.get_all()) == 55


def test_actions(project: Project) -> None:
    server = project.server("web-1")
    finish(server.power_off())
    commands = [action.command for action in project.client.servers.get_by_id(server.id).get_actions()]
    assert commands == ["create_server", "start_server", "stop_server"]
    every = project.request("GET", "/servers/actions?status=success&sort=command:desc&sort=id").json()["actions"]
    assert [action["command"] for action in every] == ["stop_server", "start_server", "create_server"]
    ids = [action["id"] for action in every]
    some = project.request("GET", f"/actions?id={ids[0]}&id={ids[1]}").json()["actions"]
    assert {action["id"] for action in some} == set(ids[:2])
    one = project.request("GET", f"/servers/{server.id}/actions/{ids[0]}").json()["action"]
    assert (one["progress"], one["status"], one["error"]) == (100, "success", None)
    assert one["resources"] == [{"id": server.id, "type": "server"}]
    assert project.error("GET", f"/volumes/actions/{ids[0]}") == (404, "not_found")
    assert project.error("GET", "/actions") == (410, "deprecated_api_endpoint")


def test_progress(unstable: Emulator) -> None:
    project = unstable.project()
    unstable.control("PUT", "/clock", {"frozen": True, "speed": 1})
    order = {"name": "web-1", "server_type": "cpx22", "image": "debian-13", "location": "fsn1"}
    made = project.request("POST", "/servers", order).json()
    create, start = made["action"]["id"], made["next_actions"][0]["id"]

    def state() -> list[tuple[str, int]]:
        actions = {action["id"]: action for action in project.request("GET", "/servers/actions").json()["actions"]}
        return [(actions[key]["status"], actions[key]["progress"]) for key in (create, start)]

    def status() -> str:
        return str(project.request("GET", f"/servers/{made['server']['id']}").json()["server"]["status"])

    assert state() == [("running", 0), ("running", 0)]
    unstable.control("PUT", "/clock", {"advance": 4})
    assert (state(), status()) == ([("running", 50), ("running", 0)], "initializing")
    unstable.control("PUT", "/clock", {"advance": 7})
    assert (state(), status()) == ([("success", 100), ("running", 50)], "starting")
    unstable.control("PUT", "/clock", {"advance": 3})
    assert (state(), status()) == ([("success", 100), ("success", 100)], "running")


def test_the_request_budget(unstable: Emulator) -> None:
    project = unstable.project()
    unstable.control("PUT", "/clock", {"frozen": True})
    unstable.control("PUT", f"/projects/{project.name}", {"remaining": 2})
    first = project.request("GET", "/locations")
    assert first.headers["RateLimit-Remaining"] == "1"
    assert unstable.control("GET", f"/projects/{project.name}") == {"requests": 1, "remaining": 1}
    # As if it had been empty but for one: the budget is full after 3,599 s.
    wait = int(first.headers["RateLimit-Reset"]) - unstable.control("GET", "/clock")["now"]
    assert wait == pytest.approx(3599, abs=1)
    assert project.request("GET", "/nothing").status_code == 404
    refused = project.request("GET", "/locations")
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert refused.headers["RateLimit-Remaining"] == "0"
    # Other projects have budgets of their own; one request comes back each second.
    assert unstable.project().request("GET", "/locations").ok
    unstable.control("PUT", "/clock", {"advance": 1})
    assert project.request("GET", "/locations").ok
    assert project.request("GET", "/locations").status_code == 429


def test_project_limits(emulator: Emulator) -> None:
    project = emulator.project()
    emulator.control("PUT", f"/projects/{project.name}", {"limits": {"networks": 1}})
    project.network()
    answer = project.request("POST", "/networks", {"name": "second", "ip_range": "10.0.0.0/16"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "resource_limit_exceeded")
    assert answer.json()["error"]["details"] == {"limits": [{"name": "network_limit"}]}
    for number in range(50):
        project.post("/placement_groups", {"name": f"group-{number}", "type": "spread"})
    one_more = {"name": "group-50", "type": "spread"}
    assert project.error("POST", "/placement_groups", one_more) == (403, "resource_limit_exceeded")


def test_the_control_endpoint_is_guarded(emulator: Emulator) -> None:
    project = emulator.project()
    url = f"{emulator.endpoint.removesuffix('/v1')}/_control/reset"
    for headers in ({}, {"Authorization": f"Bearer {project.token}"}):
        assert requests.post(url, headers=headers, timeout=10).status_code == 401
    emulator.control("POST", "/faults", {"kind": "unheard_of"}, status=422)
    emulator.control("PUT", "/projects/nobody", {}, status=422)


def test_tokens_are_not_kept(emulator: Emulator) -> None:
    project = emulator.project()
    kept = b"".join(file.read_bytes() for file in emulator.server.data.glob("state.sqlite*"))
    assert project.name.encode() in kept
    assert project.token.encode() not in kept
    assert (emulator.server.data / "credentials.json").stat().st_mode & 0o077 == 0


def test_the_sandbox_project(emulator: Emulator) -> None:
    client = Client(token=emulator.server.credentials.token, api_endpoint=emulator.endpoint)
    assert client.servers.get_all() == []


@pytest.mark.skipif(specification_file() is None, reason="the vendor's OpenAPI is not on this machine")
def test_answers_are_judged(project: Project) -> None:
    before = Judge.checked
    project.request("GET", "/servers")
    assert Judge.checked == before + 1


@pytest.mark.skipif(specification_file() is None, reason="the vendor's OpenAPI is not on this machine")
def test_nothing_is_missing_but_what_needs_machines() -> None:
    served = {(method, re.sub(r"\{[^}]+\}", "{}", route.path)) for route in routes() for method in route.handlers}
    assert operations() - served == {
        ("GET", "/servers/{}/metrics"),
        ("GET", "/load_balancers/{}/metrics"),
        ("POST", "/servers/{}/actions/request_console"),
    }
