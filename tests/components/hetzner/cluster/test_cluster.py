"""A whole cluster by the engine, on the emulator: servers become nodes, add-ons become objects, and all of it goes."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import pulumi
import pulumi_kubernetes
import pulumi_random
import pytest
import yaml

from components.hetzner.api import HetznerApi
from components.hetzner.cluster.cluster import HetznerCluster, HetznerClusterArgs
from components.hetzner.cluster.installation import ClusterAddons, ClusterAddonsArgs
from models.hetzner import Hetzner
from tests.components.hetzner.cluster.conftest import Ground
from tests.components.monitor import run
from tests.provider.engine import Program
from tests.provider.engine import Project as Engine

# Small, but of every kind: what differs between 3 and 20 servers is tested with the pools.
SETTINGS: dict[str, Any] = {
    "cluster": "alpha",
    "token": {"config": "hcloud_token"},
    "admin_cidrs": ["203.0.113.0/24"],
    "ssh_keys": {},
    "dns": {"zone": "example.com", "create": True},
    "control_plane": {"count": 3},
    "pools": {"shared": {"count": 1}, "database": {"count": 1}, "infra": {"count": 1}},
    "backup": {
        "endpoint": "fsn1.your-objectstorage.com",
        "bucket": "alpha-etcd",
        "region": "fsn1",
        "access_key": {"config": "backup_access"},
        "secret_key": {"config": "backup_secret"},
        "encryption_key": {"generate": 64},
    },
}
PLANTED = {"hcloud_token": "", "backup_access": "planted-access", "backup_secret": "planted-secret-key"}


def settings(**changes: Any) -> Hetzner:
    return Hetzner.model_validate(SETTINGS | changes)


def program(ground: Ground, chosen: Hetzner, enterprise: tuple[str, ...] = ()) -> Program:
    def run() -> None:
        random = pulumi_random.Provider("random")
        api = HetznerApi(token=pulumi.Output.secret(ground.hetzner.token), endpoint=ground.emulator.endpoint)
        cluster = HetznerCluster(
            "alpha",
            HetznerClusterArgs(
                settings=chosen,
                domain="example.com",
                enterprise=enterprise,
                api=api,
                secret=lambda key: pulumi.Output.secret(PLANTED[key]),
                kubeconfig=str(ground.kubeconfig),
                protect=False,
                timeout_seconds=120,
            ),
            pulumi.ResourceOptions(providers=[random]),
        )
        kubernetes = pulumi_kubernetes.Provider(
            "kubernetes", kubeconfig=cluster.kubeconfig, cluster_identifier="alpha", enable_server_side_apply=True
        )
        ClusterAddons(
            "addons",
            ClusterAddonsArgs(
                settings=chosen, token=api.token, scaled_user_data=cluster.scaled_user_data, protect=False
            ),
            pulumi.ResourceOptions(providers=[random, kubernetes]),
        )
        pulumi.export("api_server", cluster.api_server)
        pulumi.export("ingress", cluster.ingress_ipv4)

    return run


@pytest.fixture(scope="module")
def up(ground: Ground, engine: Engine) -> Engine:
    """The cluster, made once for the tests of this file."""
    engine.up(program(ground, settings(), ("charlie",)))
    return engine


def test_every_server_becomes_a_ready_node_with_its_labels_and_taints(up: Engine, ground: Ground) -> None:
    nodes = ground.nodes()
    expected = {
        *(f"alpha-control-plane-{slot:02d}-g1" for slot in (1, 2, 3)),
        *(f"alpha-{pool}-01-g1" for pool in ("shared", "database", "infra", "t-charlie")),
    }
    assert set(nodes) == expected
    assert {server.name for server in ground.hetzner.client.servers.get_all()} == expected
    tenant = nodes["alpha-t-charlie-01-g1"]
    assert tenant["metadata"]["labels"]["tenant"] == "charlie"
    assert {"key": "tenant", "value": "charlie", "effect": "NoSchedule"} in tenant["spec"]["taints"]
    for node in nodes.values():
        (ready,) = [item for item in node["status"]["conditions"] if item["type"] == "Ready"]
        assert ready["status"] == "True"


def test_add_ons_are_objects_that_k3s_installs(up: Engine, ground: Ground) -> None:
    charts = {
        chart["metadata"]["name"]: chart["spec"]
        for chart in ground.get("/apis/helm.cattle.io/v1/namespaces/kube-system/helmcharts")["items"]
    }
    assert set(charts) == {
        "hcloud-cloud-controller-manager",
        "hcloud-csi",
        "cluster-autoscaler",
        "traefik-crds",
        "prometheus-operator-crds",
        "cert-manager",
        "external-secrets",
        "descheduler",
    }
    assert charts["hcloud-cloud-controller-manager"]["bootstrap"] is True
    values = yaml.safe_load(charts["cluster-autoscaler"]["valuesContent"])
    (group,) = values["autoscalingGroups"]
    assert (group["name"], group["minSize"], group["maxSize"]) == ("alpha-shared", 0, 5)
    secret = ground.get("/api/v1/namespaces/kube-system/secrets/cluster-autoscaler-config")
    assert set(secret["data"]) == {"cluster.json"}
    digest = hashlib.sha256(base64.b64decode(secret["data"]["cluster.json"])).hexdigest()
    assert values["podAnnotations"] == {"checksum/config": digest}


def test_the_way_in_and_the_names_lead_to_the_cluster(up: Engine, ground: Ground) -> None:
    outputs = up.stack(program(ground, settings(), ("charlie",))).outputs()
    client = ground.hetzner.client
    (balancer,) = client.load_balancers.get_all()
    assert outputs["ingress"].value == [balancer.public_net.ipv4.ip]
    assert outputs["api_server"].value == "https://cp.example.com:6443"


def test_a_second_update_changes_nothing(up: Engine, ground: Ground) -> None:
    changes = up.up(program(ground, settings(), ("charlie",)))
    assert set(changes) == {"same"}


def test_a_tenants_nodes_come_and_go_alone(up: Engine, ground: Ground) -> None:
    before = {server.name: server.id for server in ground.hetzner.client.servers.get_all()}
    assert set(up.up(program(ground, settings()))) == {"same", "delete", "update"}
    after = {server.name: server.id for server in ground.hetzner.client.servers.get_all()}
    assert before.keys() - after.keys() == {"alpha-t-charlie-01-g1"}
    assert all(before[name] == after[name] for name in after)
    assert "alpha-t-charlie-01-g1" not in ground.nodes()


def test_no_secret_lies_in_the_state_in_clear(up: Engine, ground: Ground) -> None:
    text = up.state_text()
    assert "PRIVATE KEY" not in text
    assert ground.hetzner.token not in text
    assert not [value for value in PLANTED.values() if value and value in text]
    assert not re.search(r"K10[0-9a-f]{64}::", text)


def test_destroy_leaves_nothing(up: Engine, ground: Ground) -> None:
    up.destroy(program(ground, settings()))
    assert ground.hetzner.leftovers() == []
    assert ground.nodes() == {}


def test_too_much_is_refused_before_anything_is_touched() -> None:
    many = settings(pools={"shared": {"count": 99}})
    graph = run(
        lambda: HetznerCluster(
            "big",
            HetznerClusterArgs(
                settings=many,
                domain="example.com",
                api=HetznerApi(token="x"),
                secret=lambda key: pulumi.Output.secret(key),
            ),
        )
    )
    assert "servers and load balancers in a private network" in f"{graph.error}{graph.errors}"
    assert not [made.urn for made in graph.resources.values() if made.type.startswith("hcloud:")]
