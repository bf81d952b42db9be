"""What the program registers for a cluster, without an engine: who joins whom, who may begin, and by what name."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pulumi
import pytest
import yaml

from components.hetzner.api import HetznerApi
from components.hetzner.cluster.cluster import HetznerCluster, HetznerClusterArgs
from components.hetzner.cluster.installation import ClusterAddons, ClusterAddonsArgs
from models.hetzner import Hetzner
from provider.plugin import Secret, reveal
from tests.components.hetzner.cluster.samples import Files
from tests.components.monitor import Graph, run

SERVER = "hcloud:index/server:Server"
TLS = "/var/lib/rancher/k3s/server/tls"


def graph(enterprise: tuple[str, ...] = (), founder: str = "", **settings: Any) -> Graph:
    """Of a small cluster with these settings; ``founder`` is the server that it began with, empty for a new one."""
    small = {"shared": {"count": 1}, "database": {"count": 1}, "infra": {"count": 1}}
    chosen = Hetzner.model_validate(
        {"cluster": "alpha", "token": {"config": "t"}, "admin_cidrs": ["203.0.113.0/24"], "pools": small} | settings
    )

    def program() -> None:
        cluster = HetznerCluster(
            "alpha",
            HetznerClusterArgs(
                settings=chosen,
                domain="example.com",
                enterprise=enterprise,
                api=HetznerApi(token="x"),
                secret=lambda key: pulumi.Output.secret(f"planted-{key}"),
                protect=False,
            ),
        )
        ClusterAddons(
            "addons",
            ClusterAddonsArgs(settings=chosen, token="x", scaled_user_data=cluster.scaled_user_data, protect=False),
        )
        pulumi.export("kubeconfig", cluster.kubeconfig)

    made = run(program, founder=founder)
    assert made.error == ""
    return made


def files(made: Graph, server: str) -> dict[str, str]:
    """What the server's cloud-init writes."""
    return Files.of(reveal(made.named(SERVER, server).inputs["userData"])).content


def environment(made: Graph, server: str) -> dict[str, str]:
    """``node.env`` of the server."""
    lines = files(made, server)["/etc/foundation/node.env"].splitlines()
    return {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines)}


def addresses(made: Graph, *servers: str) -> set[str]:
    """Their private addresses."""
    networks = made.of_type("hcloud:index/serverNetwork:ServerNetwork")
    return {network.inputs["ip"] for network in networks if network.name.removesuffix("-network") in servers}


def control_plane(*generations: int) -> list[str]:
    return [f"alpha-control-plane-{slot:02d}-g{generation}" for slot, generation in enumerate(generations, 1)]


@pytest.fixture(scope="module")
def plain() -> Graph:
    return graph(("charlie",))


def test_every_node_knows_the_whole_control_plane_but_itself(plain: Graph) -> None:
    servers = control_plane(1, 1, 1)
    for server in servers:
        others = [other for other in servers if other != server]
        assert set(environment(plain, server)["PEERS"].split()) == addresses(plain, *others)
    for agent in ("alpha-shared-01-g1", "alpha-t-charlie-01-g1"):
        assert set(environment(plain, agent)["PEERS"].split()) == addresses(plain, *servers)


def test_one_server_may_begin_a_cluster(plain: Graph) -> None:
    first, *others = control_plane(1, 1, 1)
    assert environment(plain, first)["INITIALISES"] == "yes"
    assert f"{TLS}/server-ca.key" in files(plain, first)
    for server in others:
        assert environment(plain, server)["INITIALISES"] == "no"
        assert not [path for path in files(plain, server) if path.startswith(TLS)]


def test_once_it_was_rolled_nobody_begins_one_and_all_join() -> None:
    made = graph(control_plane={"count": 3, "generations": {1: 2}, "retiring": {1: 1}, "protect": False})
    servers = control_plane(2, 1, 1)
    for server in servers:
        assert environment(made, server)["INITIALISES"] == "no"
    # The old one still answers, so the new one may join through it.
    expected = addresses(made, "alpha-control-plane-01-g1", *servers[1:])
    assert set(environment(made, servers[0])["PEERS"].split()) == expected


def test_after_the_roll_nobody_begins_one_either() -> None:
    first, *_ = control_plane(1, 1, 1)
    made = graph(founder=first, control_plane={"count": 3, "generation": 2})
    assert {environment(made, server)["INITIALISES"] for server in control_plane(2, 2, 2)} == {"no"}


def test_a_new_cluster_begins_with_any_generation() -> None:
    made = graph(control_plane={"count": 3, "generation": 2})
    first, *others = control_plane(2, 2, 2)
    assert environment(made, first)["INITIALISES"] == "yes"
    assert f"{TLS}/server-ca.key" in files(made, first)
    assert {environment(made, server)["INITIALISES"] for server in others} == {"no"}


def test_the_name_of_the_api_leads_to_no_server_that_is_about_to_go() -> None:
    rolled = {"count": 3, "generations": {1: 2}, "retiring": {1: 1}, "protect": False}
    made = graph(control_plane=rolled, dns={"zone": "example.com"})
    (api,) = [found for found in made.of_type("hcloud:index/zoneRrset:ZoneRrset") if found.inputs["name"] == "cp"]
    assert len(api.inputs["records"]) == 3
    used = {found.name for found in made.of_type("hcloud:index/primaryIp:PrimaryIp") if found.urn in api.dependencies}
    assert not [name for name in used if name.startswith("alpha-control-plane-01-g1")]
    assert [name for name in used if name.startswith("alpha-control-plane-01-g2")]


def autoscaler_values(made: Graph) -> tuple[dict[str, Any], str]:
    """Of the autoscaler's chart, with the configuration that it reads."""
    chart = yaml.safe_load(made.kind("HelmChart", "cluster-autoscaler").inputs["spec"]["valuesContent"])
    secret = made.kind("Secret", "cluster-autoscaler-config").inputs["stringData"]
    assert isinstance(secret, Secret)
    return chart, reveal(secret)["cluster.json"]


def test_a_new_configuration_makes_a_new_autoscaler() -> None:
    before, config = autoscaler_values(graph())
    digest = hashlib.sha256(config.encode()).hexdigest()
    assert before["podAnnotations"] == {"checksum/config": digest}
    # Its nodes join through other servers now.
    after, _ = autoscaler_values(graph(control_plane={"count": 1}))
    assert after["podAnnotations"] != before["podAnnotations"]
    assert {**after, "podAnnotations": None} == {**before, "podAnnotations": None}


def test_a_single_server_is_rolled_through_its_predecessor() -> None:
    made = graph(control_plane={"count": 1, "generations": {1: 2}, "retiring": {1: 1}, "protect": False})
    peers = environment(made, "alpha-control-plane-01-g2")["PEERS"].split()
    assert set(peers) == addresses(made, "alpha-control-plane-01-g1")


def kubeconfig(made: Graph) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(reveal(made.exports["kubeconfig"]))
    return content


def test_the_kubeconfig_is_made_of_what_the_graph_knows(plain: Graph) -> None:
    content = kubeconfig(plain)
    (cluster,), (user,) = content["clusters"], content["users"]
    # Without a zone, the first server's own address, which its certificate names.
    assert cluster["cluster"]["server"] == "https://192.0.2.1:6443"
    config = yaml.safe_load(files(plain, "alpha-control-plane-01-g1")["/etc/rancher/k3s/config.yaml"])
    assert config["tls-san"] == ["192.0.2.1"]
    authority = base64.b64decode(cluster["cluster"]["certificate-authority-data"]).decode()
    assert authority == "certificate alpha-identity-server-ca"
    assert base64.b64decode(user["user"]["client-key-data"]).decode() == "key alpha-identity-administrator"


def test_with_a_zone_the_api_has_a_name() -> None:
    made = graph(dns={"zone": "example.com"})
    assert kubeconfig(made)["clusters"][0]["cluster"]["server"] == "https://cp.example.com:6443"
    config = yaml.safe_load(files(made, "alpha-control-plane-02-g1")["/etc/rancher/k3s/config.yaml"])
    assert config["tls-san"] == ["cp.example.com", "192.0.2.1"]


def test_volumes_are_mounted_by_their_names() -> None:
    pools = {
        "database": {
            "count": 1,
            "candidates": [{"server_type": "ccx13", "location": "fsn1"}],
            "volumes": {"data": {"size": 50, "format": "xfs"}},
        },
        "shared": {"count": 1},
    }
    made = graph(pools=pools)
    table = files(made, "alpha-database-01-g1")["/etc/fstab"]
    assert table.split()[1:3] == ["/var/lib/foundation/data", "xfs"]
    assert environment(made, "alpha-database-01-g1")["VOLUMES"] == "/var/lib/foundation/data"
    assert "/etc/fstab" not in files(made, "alpha-shared-01-g1")


def test_nodes_behind_the_gateway_know_their_way_out() -> None:
    made = graph(pools={"shared": {"count": 1, "egress": "nat"}}, nat={})
    known = environment(made, "alpha-shared-01-g1")
    assert (known["EGRESS"], known["GATEWAY"]) == ("nat", "10.0.0.1")
    assert environment(made, "alpha-infra-01-g1")["EGRESS"] == "public"


def test_snapshots_go_where_the_settings_say() -> None:
    backup = {
        "endpoint": "s3.example.com",
        "bucket": "alpha-etcd",
        "region": "eu",
        "access_key": {"config": "access"},
        "secret_key": {"config": "secret"},
        "encryption_key": {"generate": 64},
    }
    text = files(graph(backup=backup), "alpha-control-plane-02-g1")["/etc/foundation/backup.env"]
    assert 'RESTIC_REPOSITORY="s3:https://s3.example.com/alpha-etcd/etcd/alpha"' in text
    assert 'AWS_ACCESS_KEY_ID="planted-access"' in text
    assert 'RESTIC_PASSWORD="random-alpha-snapshots-encryption-key' in text
