"""What the components ask of Hetzner, as they register it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest
import yaml
from jsonschema import Draft4Validator

from components.hetzner.addresses import address_plan, members
from components.hetzner.api import HetznerApi, hcloud_provider, hetzner_api
from components.hetzner.dns_zone import DnsZone, DnsZoneArgs, relative
from components.hetzner.firewall import ClusterFirewall, ClusterFirewallArgs
from components.hetzner.load_balancer import LoadBalancer, LoadBalancerArgs
from components.hetzner.nat_gateway import NatGateway, NatGatewayArgs, cloud_config
from components.hetzner.node_pool import Node, NodePool, NodePoolArgs
from components.hetzner.private_network import PrivateNetwork, PrivateNetworkArgs, allotted_range
from components.hetzner.ssh_keys import SshKeys, SshKeysArgs
from models.hetzner import Dns, Hetzner, Nat, Pool, names, node_names
from provider.plugin import Secret, reveal
from tests.components.hetzner.cluster.published import cloud_init_schema
from tests.components.monitor import Graph, run

LEAST: dict[str, Any] = {"cluster": "prod", "token": {"config": "hcloudToken"}, "admin_cidrs": ["203.0.113.0/24"]}
API = HetznerApi(token="api-token", endpoint="http://127.0.0.1:9/v1")
LABELS = {"cluster": "prod", "managed-by": "foundation"}
KINDS = {
    "Server": "server:Server",
    "ServerNetwork": "serverNetwork:ServerNetwork",
    "PlacementGroup": "placementGroup:PlacementGroup",
    "PrimaryIp": "primaryIp:PrimaryIp",
    "Volume": "volume:Volume",
    "VolumeAttachment": "volumeAttachment:VolumeAttachment",
    "Network": "network:Network",
    "NetworkSubnet": "networkSubnet:NetworkSubnet",
    "NetworkRoute": "networkRoute:NetworkRoute",
    "Firewall": "firewall:Firewall",
    "LoadBalancer": "loadBalancer:LoadBalancer",
    "LoadBalancerNetwork": "loadBalancerNetwork:LoadBalancerNetwork",
    "LoadBalancerTarget": "loadBalancerTarget:LoadBalancerTarget",
    "LoadBalancerService": "loadBalancerService:LoadBalancerService",
    "SshKey": "sshKey:SshKey",
    "Zone": "zone:Zone",
    "ZoneRrset": "zoneRrset:ZoneRrset",
}


def built(program: Callable[[], object]) -> Graph:
    graph = run(program)
    assert graph.error == ""
    return graph


def all_of(graph: Graph, kind: str) -> dict[str, dict[str, Any]]:
    """Inputs of the resources of a kind, by resource name."""
    return {found.name: reveal(found.inputs) for found in graph.of_type(f"hcloud:index/{KINDS[kind]}")}


def pool_program(settings: Pool, user_data: Callable[[Node], Any] = lambda node: "#cloud-config\n", **more: Any) -> Any:
    def program() -> None:
        pool = NodePool(
            "batch",
            NodePoolArgs(
                cluster="prod",
                pool="batch",
                settings=settings,
                api=API,
                subnet_id="1-10.0.0.0/24",
                addresses={
                    name: f"10.0.0.{number}"
                    for number, name in enumerate(node_names("prod", "batch", settings), start=129)
                },
                firewall_ids=[7],
                user_data=user_data,
                **more,
            ),
        )
        pulumi.export("private", pool.private_addresses)
        pulumi.export("public", pool.public_addresses)

    return program


def test_a_pools_servers() -> None:
    graph = built(pool_program(Pool(count=2, generations={2: 5})))
    servers = all_of(graph, "Server")
    assert set(servers) == {"prod-batch-01-g1", "prod-batch-02-g5"}
    first = servers["prod-batch-01-g1"]
    assert first["name"] == "prod-batch-01-g1"
    assert (first["serverType"], first["location"], first["image"]) == ("cpx22", "fsn1", "ubuntu-24.04")
    assert first["labels"] == LABELS | {"pool": "batch"}
    assert first["keepDisk"] is True
    assert first["deleteProtection"] is first["rebuildProtection"] is False
    assert first["firewallIds"] == [7]
    # Neither the removed field nor the one that differs in every update.
    assert "datacenter" not in first
    assert "networks" not in first
    attached = all_of(graph, "ServerNetwork")
    assert attached["prod-batch-02-g5-network"]["ip"] == "10.0.0.130"
    assert graph.exports["private"] == {"prod-batch-01-g1": "10.0.0.129", "prod-batch-02-g5": "10.0.0.130"}
    # Its token is a secret wherever it stands.
    (choice, *_) = graph.of_type("foundation:hetzner:ServerTypeChoice")
    assert choice.inputs["token"] == Secret("api-token")


def test_ten_to_a_placement_group_by_slot_and_room_for_a_roll() -> None:
    graph = built(pool_program(Pool(count=21, generations={3: 2, 12: 2})))
    groups = {number: name for name, number in _ids(graph, "PlacementGroup").items()}
    of_slot = {
        name.split("-")[2]: groups[server["placementGroupId"]] for name, server in all_of(graph, "Server").items()
    }
    assert [of_slot[slot] for slot in ("01", "10", "11", "20", "21")] == [
        "prod-batch-01-g1",
        "prod-batch-01-g1",
        "prod-batch-02-g1",
        "prod-batch-02-g1",
        "prod-batch-03-g1",
    ]
    # A full group has no room for the server that takes the place of another.
    assert (of_slot["03"], of_slot["12"]) == ("prod-batch-01-g2", "prod-batch-02-g2")
    assert all(list(of_slot.values()).count(group) <= 10 for group in groups.values())
    assert {group["type"] for group in all_of(graph, "PlacementGroup").values()} == {"spread"}


def _ids(graph: Graph, kind: str) -> dict[str, int]:
    """Ids that the monitor gave, by name: each resource's number among all."""
    return {
        found.name: number
        for number, found in enumerate(graph.resources.values(), start=1)
        if found.type.endswith(KINDS[kind])
    }


def test_protection_holds_in_both_places_and_is_lifted_for_one_slot() -> None:
    graph = built(pool_program(Pool(count=2, protect=True, unprotected=(2,)), primary_ips=True))
    for resource in graph.of_type(f"hcloud:index/{KINDS['Server']}"):
        kept = "-01-" in resource.name
        assert resource.protect is kept
        assert resource.inputs["deleteProtection"] is resource.inputs["rebuildProtection"] is kept
    server = all_of(graph, "Server")["prod-batch-01-g1"]
    assert server["publicNets"] == [
        {"ipv4Enabled": True, "ipv4": _ids(graph, "PrimaryIp")["prod-batch-01-g1-ipv4"], "ipv6Enabled": True}
    ]


def test_user_data_may_name_what_is_known_before_the_server_is() -> None:
    seen: list[Node] = []

    def user_data(node: Node) -> pulumi.Output[str]:
        seen.append(node)
        return pulumi.Output.format("{0} {1} {2}", node.private_ip, node.public_ipv4 is not None, sorted(node.devices))

    candidates = ({"server_type": "ccx13", "location": "nbg1"},)
    settings = Pool.model_validate({"candidates": candidates, "volumes": {"data": {"size": 50}, "wal": {"size": 10}}})
    graph = built(pool_program(settings, user_data, primary_ips=True))
    assert all_of(graph, "Server")["prod-batch-01-g1"]["userData"] == "10.0.0.129 True ['data', 'wal']"
    assert [(node.slot, node.generation, node.pool) for node in seen] == [(1, 1, "batch")]
    volumes = all_of(graph, "Volume")
    assert {name: (volume["size"], volume["location"]) for name, volume in volumes.items()} == {
        "prod-batch-01-data": (50, "nbg1"),
        "prod-batch-01-wal": (10, "nbg1"),
    }
    assert len(all_of(graph, "VolumeAttachment")) == 2


def test_user_data_that_is_too_long_ends_the_program_before_anything_is_made() -> None:
    graph = run(pool_program(Pool(), lambda node: "x" * 40000), preview=True)
    assert "server prod-batch-01-g1: 40000 bytes of user data, but Hetzner allows 32768" in "".join(graph.errors)
    assert all_of(graph, "Server") == {}


def test_more_firewalls_than_a_server_takes_are_refused() -> None:
    def program() -> None:
        args = NodePoolArgs(
            cluster="prod",
            pool="batch",
            settings=Pool(),
            api=API,
            subnet_id="1-10.0.0.0/24",
            addresses={},
            firewall_ids=range(6),
            user_data=lambda node: "",
        )
        NodePool("batch", args)

    assert "pool batch: 6 firewalls of a server, but Hetzner allows 5" in run(program).error


def test_nodes_that_go_out_through_nat_are_attached_when_they_are_made() -> None:
    settings = Hetzner.model_validate(LEAST | {"nat": {}, "pools": {"batch": {"egress": "nat"}}})
    graph = built(pool_program(settings.pools["batch"]))
    server = all_of(graph, "Server")["prod-batch-01-g1"]
    assert server["publicNets"] == [{"ipv4Enabled": False, "ipv6Enabled": False}]
    assert server["networks"] == [{"subnetId": "1-10.0.0.0/24", "ip": "10.0.0.129"}]
    assert all_of(graph, "ServerNetwork") == {}
    assert graph.exports["public"] == {}


def firewall_program(**more: Any) -> Callable[[], None]:
    args = ClusterFirewallArgs(cluster="prod", admin_cidrs=["203.0.113.0/24", "2001:db8::/48"], **more)

    def program() -> None:
        firewall = ClusterFirewall("prod", args)
        pulumi.export("of", {pool: firewall.of(pool) for pool in ("control-plane", "infra", "shared")})

    return program


def test_nothing_is_open_to_the_world_behind_a_load_balancer() -> None:
    graph = built(firewall_program())
    rules = {name: firewall["rules"] for name, firewall in all_of(graph, "Firewall").items()}
    assert {(rule["protocol"], rule.get("port")) for rule in rules["prod-nodes"]} == {("icmp", None)}
    assert {(rule["protocol"], rule.get("port")) for rule in rules["prod-control-plane"]} == {("tcp", "6443")}
    for rule in (rule for found in rules.values() for rule in found):
        assert rule["direction"] == "in"
        assert rule["sourceIps"] == ["203.0.113.0/24", "2001:db8::/48"]
    assert {pool: len(ids) for pool, ids in graph.exports["of"].items()} == {
        "control-plane": 2,
        "infra": 1,
        "shared": 1,
    }


def test_ssh_is_open_to_administrators_where_it_is_asked_for() -> None:
    graph = built(firewall_program(ssh=True))
    rules = all_of(graph, "Firewall")["prod-nodes"]["rules"]
    assert [rule.get("port") for rule in rules] == [None, "22"]
    assert {pool: len(ids) for pool, ids in graph.exports["of"].items()} == {
        "control-plane": 2,
        "infra": 1,
        "shared": 1,
    }


def test_more_admin_networks_than_a_rule_takes_are_refused() -> None:
    cidrs = [f"203.0.{number}.0/24" for number in range(101)]
    graph = run(lambda: ClusterFirewall("prod", ClusterFirewallArgs(cluster="prod", admin_cidrs=cidrs)))
    assert "admin_cidrs: 101 networks in a firewall rule, but Hetzner allows 100" in graph.error


def test_a_network_with_a_way_out() -> None:
    args = PrivateNetworkArgs(cluster="prod", nat_address="10.0.0.129", protect=True)
    graph = built(lambda: PrivateNetwork("prod", args))
    assert all_of(graph, "Network")["prod-network"]["name"] == "prod"
    assert all_of(graph, "Network")["prod-network"]["deleteProtection"] is True
    assert all_of(graph, "NetworkSubnet")["prod-subnet"]["networkZone"] == "eu-central"
    route = all_of(graph, "NetworkRoute")["prod-default-route"]
    assert (route["destination"], route["gateway"]) == ("0.0.0.0/0", "10.0.0.129")
    graph = built(lambda: PrivateNetwork("prod", PrivateNetworkArgs(cluster="prod")))
    assert all_of(graph, "NetworkRoute") == {}


def test_the_load_balancer_leads_to_the_ingress_nodes_over_the_private_network() -> None:
    args = LoadBalancerArgs(cluster="prod", subnet_id="1-10.0.0.0/24", address="10.0.0.130")
    graph = built(lambda: LoadBalancer("prod", args))
    assert all_of(graph, "LoadBalancer")["prod-balancer"]["name"] == "prod-ingress"
    (target,) = all_of(graph, "LoadBalancerTarget").values()
    assert target["labelSelector"] == "cluster=prod,managed-by=foundation,pool=infra"
    assert target["usePrivateIp"] is True
    services = all_of(graph, "LoadBalancerService")
    assert {
        (service["listenPort"], service["destinationPort"], service["protocol"], service["proxyprotocol"])
        for service in services.values()
    } == {(80, 30080, "tcp", True), (443, 30443, "tcp", True)}
    assert all_of(graph, "LoadBalancerNetwork")["prod-network"]["ip"] == "10.0.0.130"


@pytest.mark.parametrize("create", [True, False], ids=["made-here", "there-already"])
def test_names(create: bool) -> None:
    args = DnsZoneArgs(
        cluster="prod",
        dns=Dns(zone="example.com", create=create),
        domain="app.example.com",
        ingress_ipv4=["192.0.2.1"],
        ingress_ipv6=["2001:db8::1"],
        api_ipv4=["192.0.2.7", "192.0.2.8"],
    )
    graph = built(lambda: DnsZone("prod", args))
    found = {
        (entry["name"], entry["type"]): [record["value"] for record in entry["records"]]
        for entry in all_of(graph, "ZoneRrset").values()
    }
    assert found == {
        ("app", "A"): ["192.0.2.1"],
        ("app", "AAAA"): ["2001:db8::1"],
        ("*.app", "A"): ["192.0.2.1"],
        ("*.app", "AAAA"): ["2001:db8::1"],
        ("cp.app", "A"): ["192.0.2.7", "192.0.2.8"],
    }
    assert {entry["zone"] for entry in all_of(graph, "ZoneRrset").values()} == {"example.com"}
    assert len(all_of(graph, "Zone")) == create


def test_names_within_a_zone() -> None:
    assert relative("example.com", "example.com") == "@"
    assert relative("*.a.example.com", "example.com") == "*.a"
    with pytest.raises(ValueError, match=r"badexample.com doesn't lie in DNS zone example.com"):
        relative("badexample.com", "example.com")


def test_a_nat_gateway_forwards_what_isnt_for_the_network() -> None:
    args = NatGatewayArgs(
        cluster="prod",
        nat=Nat(generation=2),
        api=API,
        ip_range="10.0.0.0/16",
        subnet_id="1-10.0.0.0/24",
        address="10.0.0.129",
        firewall_ids=[7],
    )
    graph = built(lambda: NatGateway("prod", args))
    server = all_of(graph, "Server")["prod-nat-01-g2"]
    assert server["labels"] == LABELS | {"pool": "nat"}
    document = yaml.safe_load(server["userData"])
    assert server["userData"] == cloud_config("10.0.0.0/16")
    files = {file["path"]: file["content"] for file in document["write_files"]}
    assert "ip saddr 10.0.0.0/16 ip daddr != 10.0.0.0/16 masquerade" in files["/etc/nftables.conf"]
    assert "net.ipv4.ip_forward = 1" in files["/etc/sysctl.d/90-nat.conf"]


def test_cloud_init_takes_the_gateways_document() -> None:
    file = cloud_init_schema()
    if file is None:
        pytest.skip("cloud-init's schema can't be had here")
    document = yaml.safe_load(cloud_config("10.0.0.0/16"))
    assert [error.message for error in Draft4Validator(json.loads(file.read_text())).iter_errors(document)] == []


def test_every_name_is_said_and_every_object_has_the_clusters_label() -> None:
    def program() -> None:
        pool_program(Pool(count=2), primary_ips=True)()
        firewall_program()()
        PrivateNetwork("net", PrivateNetworkArgs(cluster="prod"))
        LoadBalancer("lb", LoadBalancerArgs(cluster="prod", subnet_id="1-10.0.0.0/24", address="10.0.0.130"))
        SshKeys("keys", SshKeysArgs(cluster="prod", keys={"ann": "ssh-ed25519 AAAA ann"}))

    graph = built(program)
    for kind in ("Server", "PlacementGroup", "PrimaryIp", "Network", "Firewall", "LoadBalancer", "SshKey"):
        for inputs in all_of(graph, kind).values():
            assert inputs["name"].startswith("prod")
            assert inputs["labels"].items() >= LABELS.items()


def test_the_plan_covers_all_that_is_attached() -> None:
    settings = Hetzner.model_validate(LEAST | {"nat": {"generation": 3}, "pools": {"shared": {"count": 1}}})
    pools = settings.all_pools(("charlie",))
    assert members(settings, pools) == [
        "prod-control-plane-01-g1",
        "prod-control-plane-02-g1",
        "prod-control-plane-03-g1",
        "prod-database-01-g1",
        "prod-database-02-g1",
        "prod-infra-01-g1",
        "prod-ingress",
        "prod-nat-01-g3",
        "prod-shared-01-g1",
        "prod-t-charlie-01-g1",
    ]
    graph = built(lambda: address_plan("plan", settings, pools))
    (plan,) = graph.of_type("foundation:hetzner:AddressPlan")
    assert plan.inputs["cidr"] == "10.0.0.128/25" == allotted_range("10.0.0.0/24")
    assert allotted_range("10.0.0.0/16") == "10.0.128.0/17"


def test_the_provider_asks_no_oftener_than_it_may() -> None:
    def program() -> None:
        hcloud_provider("few", HetznerApi(token="api-token"), 50)
        hcloud_provider("many", HetznerApi(token="api-token"), 51)
        hcloud_provider("emulated", API, 51)

    providers = {found.name: found.inputs for found in built(program).of_type("pulumi:providers:hcloud")}
    assert (providers["few"]["pollFunction"], providers["few"]["pollInterval"]) == ("constant", "2s")
    assert (providers["many"]["pollFunction"], providers["many"]["pollInterval"]) == ("exponential", "0.5s")
    assert (providers["emulated"]["pollFunction"], providers["emulated"]["pollInterval"]) == ("constant", "0.1s")
    assert providers["few"]["token"] == Secret("api-token")


def test_the_api_is_reached_as_the_settings_say(tmp_path: Any) -> None:
    def secret(key: str) -> pulumi.Output[str]:
        return pulumi.Output.secret(f"value of {key}")

    by_file = Hetzner.model_validate(LEAST | {"token": None, "credentials_file": "hetzner.json"})
    found: list[HetznerApi] = []

    def program() -> None:
        found.append(hetzner_api(Hetzner.model_validate(LEAST), secret, tmp_path.joinpath))
        found.append(hetzner_api(by_file, secret, tmp_path.joinpath))

    with pytest.raises(FileNotFoundError):
        hetzner_api(by_file, secret, tmp_path.joinpath)
    (tmp_path / "hetzner.json").write_text("[]")
    with pytest.raises(LookupError, match=r'must hold {"endpoint": URL, "token": TOKEN}'):
        hetzner_api(by_file, secret, tmp_path.joinpath)
    (tmp_path / "hetzner.json").write_text('{"endpoint": "http://127.0.0.1:9/v1", "token": "t"}')
    built(program)
    assert [api.endpoint for api in found] == [None, "http://127.0.0.1:9/v1"]
    generated = Hetzner.model_validate(LEAST | {"token": {"generate": 64}})
    with pytest.raises(LookupError, match="can't be generated; give `config: KEY`"):
        hetzner_api(generated, secret, tmp_path.joinpath)
    assert names.MANAGED_BY == {"managed-by": "foundation"}
