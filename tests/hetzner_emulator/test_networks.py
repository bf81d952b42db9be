"""Networks and firewalls, by the vendor's client."""

from __future__ import annotations

import pytest
from hcloud.firewalls import FirewallResource, FirewallResourceLabelSelector, FirewallRule
from hcloud.load_balancer_types import LoadBalancerType
from hcloud.locations import Location
from hcloud.networks import NetworkRoute, NetworkSubnet

from tests.hetzner_emulator.conftest import Emulator, Project, finish


def subnet(ip_range: str) -> NetworkSubnet:
    return NetworkSubnet(ip_range=ip_range, type="cloud", network_zone="eu-central")


def test_subnets_and_routes(project: Project) -> None:
    network = project.network()
    finish(network.add_subnet(subnet("10.0.1.0/24")))
    project.post(f"/networks/{network.id}/actions/add_subnet", {"type": "cloud", "network_zone": "eu-central"})
    finish(network.add_route(NetworkRoute(destination="0.0.0.0/0", gateway="10.0.1.2")))
    network.reload()
    assert [part.ip_range for part in network.subnets] == ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"]
    assert {part.gateway for part in network.subnets} == {"10.0.0.1"}
    finish(network.delete_route(network.routes[0]))
    finish(network.delete_subnet(network.subnets[2]))
    finish(network.change_ip_range("10.0.0.0/15"))
    network.update(name="wider", labels={"a": "b"})
    network.reload()
    assert (network.ip_range, network.name, len(network.subnets), network.routes) == ("10.0.0.0/15", "wider", 2, [])
    network.delete()
    assert project.leftovers() == []


def test_a_network_changes_once_at_a_time(unstable: Emulator) -> None:
    project = unstable.project()
    network, server = project.network(), project.server("web-1")
    unstable.control("PUT", "/clock", {"frozen": True})
    action = network.add_subnet(subnet("10.0.1.0/24"))
    # Bare requests: the client would try again, as it should.
    body = {"type": "cloud", "network_zone": "eu-central", "ip_range": "10.0.2.0/24"}
    assert project.error("POST", f"/networks/{network.id}/actions/add_subnet", body) == (409, "conflict")
    assert project.error("PUT", f"/networks/{network.id}", {"name": "other"}) == (409, "conflict")
    assert project.error("DELETE", f"/networks/{network.id}") == (409, "conflict")
    attach = f"/servers/{server.id}/actions/attach_to_network"
    assert project.error("POST", attach, {"network": network.id}) == (409, "conflict")
    unstable.control("PUT", "/clock", {"advance": 60})
    finish(action)
    unstable.control("PUT", "/clock", {"frozen": False})
    finish(server.attach_to_network(network))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("delete_subnet", {"ip_range": "10.0.9.0/24"}),
        ("delete_route", {"destination": "0.0.0.0/0", "gateway": "10.0.0.5"}),
    ],
)
def test_parts_that_are_not_there(project: Project, path: str, body: dict[str, str]) -> None:
    network = project.network()
    assert project.error("POST", f"/networks/{network.id}/actions/{path}", body) == (404, "not_found")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("add_subnet", {"type": "cloud", "network_zone": "eu-central", "ip_range": "10.0.0.128/25"}, "ip_range"),
        ("add_subnet", {"type": "cloud", "network_zone": "eu-central", "ip_range": "10.1.0.0/24"}, "ip_range"),
        ("add_subnet", {"type": "cloud", "network_zone": "eu-central", "ip_range": "10.0.1.1/24"}, "ip_range"),
        ("add_subnet", {"type": "cloud", "network_zone": "us-east", "ip_range": "10.0.1.0/24"}, "network_zone"),
        ("add_subnet", {"type": "cloud", "network_zone": "moon", "ip_range": "10.0.1.0/24"}, "network_zone"),
        ("add_subnet", {"type": "vswitch", "network_zone": "eu-central", "ip_range": "10.0.1.0/24"}, "vswitch_id"),
        ("add_route", {"destination": "0.0.0.0/0", "gateway": "10.0.0.1"}, "gateway"),
        ("add_route", {"destination": "10.0.0.0/24", "gateway": "10.0.0.5"}, "destination"),
        ("change_ip_range", {"ip_range": "10.0.0.0/17"}, "ip_range"),
        ("change_ip_range", {"ip_range": "8.0.0.0/8"}, "ip_range"),
    ],
)
def test_changes_that_make_no_sense(project: Project, path: str, body: dict[str, str], field: str) -> None:
    network = project.network()
    answer = project.request("POST", f"/networks/{network.id}/actions/{path}", body)
    assert answer.status_code == 422
    assert answer.json()["error"]["details"]["fields"][0]["name"] == field


def test_as_many_as_allowed(project: Project) -> None:
    parts = [{"type": "cloud", "network_zone": "eu-central", "ip_range": f"10.0.{number}.0/24"} for number in range(51)]
    routes = [{"destination": f"172.16.{number}.0/24", "gateway": "10.0.0.9"} for number in range(101)]
    body = {"name": "large", "ip_range": "10.0.0.0/16", "subnets": parts[:50], "routes": routes[:100]}
    network = project.post("/networks", body)["network"]
    actions = f"/networks/{network['id']}/actions"
    assert project.error("POST", f"{actions}/add_subnet", parts[50]) == (403, "resource_limit_exceeded")
    assert project.error("POST", f"{actions}/add_route", routes[100]) == (403, "resource_limit_exceeded")


def test_a_hundred_members(project: Project) -> None:
    network = project.network()
    order = {
        "server_type": "cpx22", "image": "ubuntu-24.04", "location": "fsn1", "networks": [network.id],
        "public_net": {"enable_ipv4": False, "enable_ipv6": False}, "start_after_create": False,
    }  # fmt: skip
    for number in range(100):
        assert project.request("POST", "/servers", {**order, "name": f"node-{number}"}).status_code == 201
    assert project.error("POST", "/servers", {**order, "name": "node-100"}) == (403, "resource_limit_exceeded")


def test_attaching(project: Project) -> None:
    network, server = project.network(), project.server("web-1")
    other = project.server("web-2")
    finish(server.attach_to_network(network, ip="10.0.0.50", alias_ips=["10.0.0.51"]))
    server.reload()
    assert (server.private_net[0].ip, server.private_net[0].alias_ips) == ("10.0.0.50", ["10.0.0.51"])
    finish(server.change_alias_ips(network, alias_ips=["10.0.0.52"]))
    path = f"/servers/{server.id}/actions/attach_to_network"
    assert project.error("POST", path, {"network": network.id}) == (422, "server_already_attached")
    others = f"/servers/{other.id}/actions/attach_to_network"
    for taken in ("10.0.0.50", "10.0.0.52", "10.0.0.1", "10.0.0.0", "10.0.0.255", "10.0.7.7"):
        body = {"network": network.id, "ip": taken}
        assert project.error("POST", others, body) == (422, "ip_not_available"), taken
    wrong = {"network": network.id, "ip_range": "10.0.9.0/24"}
    assert project.error("POST", others, wrong) == (422, "no_subnet_available")
    overlapping = project.network("overlapping")
    assert project.error("POST", path, {"network": overlapping.id}) == (422, "networks_overlap")
    empty = project.client.networks.create("empty", ip_range="192.168.0.0/16")
    assert project.error("POST", path, {"network": empty.id}) == (422, "no_subnet_available")
    in_use = {"ip_range": "10.0.0.0/24"}
    delete_subnet = f"/networks/{network.id}/actions/delete_subnet"
    refused = project.request("POST", delete_subnet, in_use)
    # The vendor's Terraform provider looks for this code with these words, and tries again.
    assert refused.json()["error"]["code"] == "service_error"
    assert "servers are attached" in refused.json()["error"]["message"]
    finish(server.detach_from_network(network))
    gone = f"/servers/{server.id}/actions/detach_from_network"
    assert project.error("POST", gone, {"network": network.id}) == (404, "not_found")
    finish(network.delete_subnet(subnet("10.0.0.0/24")))


def test_a_deleted_network_lets_go_of_its_members(project: Project) -> None:
    network, server = project.network(), project.server("web-1")
    finish(server.attach_to_network(network))
    balancer = project.client.load_balancers.create(
        "edge", LoadBalancerType("lb11"), network=network, location=Location("fsn1")
    )
    finish(balancer.action)
    network.reload()
    assert [member.id for member in network.servers] == [server.id]
    listed = {member.type: member for member in project.client.networks.get_member_all(network)}
    assert (listed["server"].ip, listed["server"].subnet) == ("10.0.0.2", "10.0.0.0/24")
    assert listed["load_balancer"].id == balancer.load_balancer.id
    assert project.client.networks.get_member_all(network, type=["load_balancer"]) == [listed["load_balancer"]]
    finish(network.change_protection(delete=True))
    assert project.error("DELETE", f"/networks/{network.id}") == (423, "protected")
    finish(network.change_protection(delete=False))
    network.delete()
    server.reload()
    assert server.private_net == []


def rule(**changes: object) -> dict[str, object]:
    return {"direction": "in", "protocol": "tcp", "port": "443", "source_ips": ["0.0.0.0/0", "::/0"], **changes}


def test_firewalls(project: Project) -> None:
    server = project.server("web-1", labels={"pool": "edge"})
    https = FirewallRule(direction="in", protocol="tcp", port="443", source_ips=["0.0.0.0/0"], destination_ips=[])
    made = project.client.firewalls.create(
        "edge",
        rules=[https],
        resources=[FirewallResource(type="label_selector", label_selector=FirewallResourceLabelSelector("pool=edge"))],
    )
    finish(*made.actions)
    server.reload()
    assert [entry.firewall.id for entry in server.public_net.firewalls] == [made.firewall.id]
    actions = made.firewall.set_rules([])
    assert [action.command for action in actions] == ["set_firewall_rules", "apply_firewall"]
    finish(*actions)
    one = {"type": "server", "server": {"id": server.id}}
    path = f"/firewalls/{made.firewall.id}/actions"
    assert project.error("POST", f"{path}/remove_from_resources", {"remove_from": [one]}) == (
        422,
        "firewall_managed_by_label_selector",
    )
    project.post(f"{path}/apply_to_resources", {"apply_to": [one]})
    assert project.error("POST", f"{path}/apply_to_resources", {"apply_to": [one]}) == (422, "firewall_already_applied")
    assert project.error("DELETE", f"/firewalls/{made.firewall.id}") == (422, "resource_in_use")
    nobody = {"apply_to": [{"type": "server", "server": {"id": 1}}]}
    assert project.error("POST", f"{path}/apply_to_resources", nobody) == (404, "firewall_resource_not_found")
    by_label = {"type": "label_selector", "label_selector": {"selector": "pool=edge"}}
    project.post(f"{path}/remove_from_resources", {"remove_from": [one, by_label][:1]})
    project.post(f"{path}/remove_from_resources", {"remove_from": [by_label]})
    made.firewall.delete()
    for number in range(6):
        firewall = project.client.firewalls.create(f"more-{number}").firewall
        apply = f"/firewalls/{firewall.id}/actions/apply_to_resources"
        if number < 5:
            project.post(apply, {"apply_to": [one]})
    assert project.error("POST", apply, {"apply_to": [one]}) == (403, "resource_limit_exceeded")


@pytest.mark.parametrize(
    "wrong",
    [
        rule(port=None), rule(port="0"), rule(port="90-80"), rule(port="65536"), rule(port="http"),
        rule(protocol="icmp"), rule(source_ips=[]), rule(source_ips=["10.0.0.1/8"]), rule(direction="out"),
        rule(direction="up"), rule(protocol="sctp"), rule(description="x" * 256),
    ],
)  # fmt: skip
def test_rules_that_are_refused(project: Project, wrong: dict[str, object]) -> None:
    assert project.error("POST", "/firewalls", {"name": "edge", "rules": [wrong]}) == (422, "invalid_input")
    assert project.leftovers() == []


def test_fifty_rules_and_five_hundred_effective_ones(project: Project) -> None:
    assert project.request("POST", "/firewalls", {"name": "a", "rules": [rule()] * 50}).status_code == 201
    assert project.error("POST", "/firewalls", {"name": "b", "rules": [rule()] * 51}) == (422, "invalid_input")
    ips = [f"10.0.{number}.0/24" for number in range(11)]
    for count, expected in ((10, 201), (11, 422)):
        body = {"name": f"c{count}", "rules": [rule(source_ips=ips[:count])] * 50}
        assert project.request("POST", "/firewalls", body).status_code == expected
