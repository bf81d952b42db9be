"""The cluster behaves as a real one does, in what the project relies on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config

from local.kubernetes.manifests import CRD_FILES
from local.kubernetes.nodes import DEFAULT_NODES
from local.sandbox import Sandbox
from tests.sandbox.conftest import eventually

SAFE = {
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def _container(**security: Any) -> dict[str, Any]:
    resources = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}}
    return {"name": "app", "image": "app:1", "securityContext": SAFE | security, "resources": resources}


def _deployment(name: str, replicas: int = 1, **pod: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [_container()], **pod}},
        },
    }


def _await_available(cluster: client.ApiClient, namespace: str, name: str) -> list[str]:
    """Nodes of the Deployment's pods, once it is available."""

    def available() -> None:
        conditions = client.AppsV1Api(cluster).read_namespaced_deployment_status(name, namespace).status.conditions
        assert [c.status for c in conditions or [] if c.type == "Available"] == ["True"]

    eventually(available)
    pods = client.CoreV1Api(cluster).list_namespaced_pod(namespace, label_selector=f"app={name}").items
    return [pod.spec.node_name for pod in pods]


def test_privileged_pod_is_rejected(cluster: client.ApiClient, namespace: str) -> None:
    container = _container(privileged=True, allowPrivilegeEscalation=True)
    pod = {"metadata": {"name": "bad"}, "spec": {"containers": [container]}}
    with pytest.raises(client.ApiException, match="violates PodSecurity") as refused:
        client.CoreV1Api(cluster).create_namespaced_pod(namespace, pod)
    assert refused.value.status == 403


@pytest.mark.parametrize(
    ("selector", "key", "value", "nodes"),
    [
        ({"pool": "shared"}, "tier", "shared", {"shared-1", "shared-2", "shared-3"}),
        ({"workload": "database"}, "workload", "database", {"db-1", "db-2"}),
        ({"tenant": "charlie"}, "tenant", "charlie", {"charlie-1"}),
    ],
    ids=["shared", "database", "enterprise"],
)
def test_deployment_is_placed_on_the_pool_it_tolerates(
    cluster: client.ApiClient, namespace: str, selector: dict[str, str], key: str, value: str, nodes: set[str]
) -> None:
    toleration = {"key": key, "value": value, "effect": "NoSchedule"}
    deployment = _deployment("app", 2, nodeSelector=selector, tolerations=[toleration])
    client.AppsV1Api(cluster).create_namespaced_deployment(namespace, deployment)
    assert set(_await_available(cluster, namespace, "app")) <= nodes


def test_deployment_without_toleration_goes_to_an_untainted_node(cluster: client.ApiClient, namespace: str) -> None:
    client.AppsV1Api(cluster).create_namespaced_deployment(namespace, _deployment("plain"))
    (node,) = _await_available(cluster, namespace, "plain")
    assert not client.CoreV1Api(cluster).read_node(node).spec.taints


def test_deployment_without_toleration_of_its_pool_stays_pending(cluster: client.ApiClient, namespace: str) -> None:
    deployment = _deployment("lost", nodeSelector={"tenant": "charlie"})
    client.AppsV1Api(cluster).create_namespaced_deployment(namespace, deployment)

    def unschedulable() -> None:
        pods = client.CoreV1Api(cluster).list_namespaced_pod(namespace, label_selector="app=lost").items
        reasons = [c.reason for pod in pods for c in pod.status.conditions or [] if c.type == "PodScheduled"]
        assert reasons == ["Unschedulable"]

    eventually(unschedulable)


def test_nodes_are_those_of_the_real_pools(cluster: client.ApiClient) -> None:
    nodes = {node.metadata.name: node for node in client.CoreV1Api(cluster).list_node().items}
    for wanted in DEFAULT_NODES:
        node = nodes[wanted.name]
        assert wanted.labels.items() <= node.metadata.labels.items()
        assert {taint.key: taint.value for taint in node.spec.taints or []} == dict(wanted.taints)
        assert (node.status.allocatable["cpu"], node.status.allocatable["memory"]) == (
            str(wanted.cpu), f"{wanted.memory}Gi",
        )  # fmt: skip


def test_quota_stops_the_pod_too_many(cluster: client.ApiClient, namespace: str) -> None:
    core = client.CoreV1Api(cluster)
    core.create_namespaced_resource_quota(namespace, {"metadata": {"name": "quota"}, "spec": {"hard": {"pods": "1"}}})

    def counted() -> None:
        assert core.read_namespaced_resource_quota("quota", namespace).status.hard == {"pods": "1"}

    eventually(counted)
    core.create_namespaced_pod(namespace, {"metadata": {"name": "first"}, "spec": {"containers": [_container()]}})
    with pytest.raises(client.ApiException, match="exceeded quota: quota"):
        core.create_namespaced_pod(namespace, {"metadata": {"name": "second"}, "spec": {"containers": [_container()]}})


def test_volume_claim_is_bound(cluster: client.ApiClient, namespace: str) -> None:
    core = client.CoreV1Api(cluster)
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    core.create_namespaced_persistent_volume_claim(namespace, {"metadata": {"name": "data"}, "spec": spec})

    def bound() -> None:
        assert core.read_namespaced_persistent_volume_claim("data", namespace).status.phase == "Bound"

    eventually(bound)


def test_published_crds_are_established(cluster: client.ApiClient) -> None:
    crds = client.ApiextensionsV1Api(cluster).list_custom_resource_definition().items
    established = {
        crd.metadata.name
        for crd in crds
        if ("Established", "True") in {(condition.type, condition.status) for condition in crd.status.conditions}
    }
    assert len(established) >= sum(len(names) for _, names in CRD_FILES.values())
    assert {
        "ingressroutes.traefik.io", "middlewares.traefik.io", "certificates.cert-manager.io",
        "servicemonitors.monitoring.coreos.com", "prometheusrules.monitoring.coreos.com",
    } <= established  # fmt: skip


def test_custom_resources_are_checked_against_their_schema(cluster: client.ApiClient, namespace: str) -> None:
    custom = client.CustomObjectsApi(cluster)
    route = {
        "apiVersion": "traefik.io/v1alpha1", "kind": "IngressRoute", "metadata": {"name": "web"},
        "spec": {"routes": [{"kind": "Rule", "match": "Host(`alice.example`)"}]},
    }  # fmt: skip
    custom.create_namespaced_custom_object("traefik.io", "v1alpha1", namespace, "ingressroutes", route)
    with pytest.raises(client.ApiException, match=r"spec\.routes in body must be of type array"):
        custom.create_namespaced_custom_object(
            "traefik.io", "v1alpha1", namespace, "ingressroutes",
            route | {"metadata": {"name": "bad"}, "spec": {"routes": "nonsense"}},
        )  # fmt: skip


def test_secrets_are_encrypted_at_rest(sandbox: Sandbox, cluster: client.ApiClient, namespace: str) -> None:
    planted, open_value = "planted-secret-4711", "planted-open-value-4712"
    core = client.CoreV1Api(cluster)
    core.create_namespaced_secret(namespace, {"metadata": {"name": "s"}, "stringData": {"key": planted}})
    core.create_namespaced_config_map(namespace, {"metadata": {"name": "c"}, "data": {"key": open_value}})
    files = [file for file in (sandbox.directory.sandbox / "kubernetes" / "etcd").rglob("*") if file.is_file()]

    def on_disk(value: str) -> bool:
        # In the log from the moment the write is acknowledged, in the database a little later.
        return any(value.encode() in file.read_bytes() for file in files)

    assert on_disk(open_value)
    assert not on_disk(planted)
    assert on_disk("k8s:enc:secretbox:v1:sandbox:")


def test_strangers_are_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = yaml.safe_load(sandbox.directory.kubeconfig.read_text())
    for user, status in (({}, 403), ({"token": "admin"}, 401)):
        settings["users"][0]["user"] = user
        other = tmp_path / "kubeconfig"
        other.write_text(yaml.safe_dump(settings))
        with pytest.raises(client.ApiException) as refused:
            client.CoreV1Api(config.new_client_from_config(config_file=str(other))).list_secret_for_all_namespaces()
        assert refused.value.status == status


def test_service_account_may_do_nothing_unasked(cluster: client.ApiClient, namespace: str) -> None:
    token = client.CoreV1Api(cluster).create_namespaced_service_account_token(
        "default", namespace, {"spec": {"expirationSeconds": 600}}
    )
    settings = client.Configuration()
    settings.host, settings.ssl_ca_cert = cluster.configuration.host, cluster.configuration.ssl_ca_cert
    settings.api_key = {"authorization": f"Bearer {token.status.token}"}
    with pytest.raises(client.ApiException) as refused, client.ApiClient(settings) as account:
        client.CoreV1Api(account).list_namespaced_secret(namespace)
    assert refused.value.status == 403


def test_certificate_is_verified(sandbox: Sandbox) -> None:
    host = sandbox.status()[1].endpoint
    settings = client.Configuration()
    settings.host = host
    settings.retries = False
    # Without the kubeconfig's authority the server is a stranger.
    with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"), client.ApiClient(settings) as unknown:
        client.VersionApi(unknown).get_code()


def test_version_is_the_pinned_one(sandbox: Sandbox, cluster: client.ApiClient) -> None:
    assert client.VersionApi(cluster).get_code().git_version == sandbox.status()[1].version == "v1.37.1"


def test_admin_token_is_in_no_arguments(sandbox: Sandbox) -> None:
    token = yaml.safe_load(sandbox.directory.kubeconfig.read_text())["users"][0]["user"]["token"]
    assert len(token) == 64
    arguments = [file.read_bytes() for file in Path("/proc").glob("[0-9]*/cmdline") if file.exists()]
    assert not any(token.encode() in line for line in arguments)
