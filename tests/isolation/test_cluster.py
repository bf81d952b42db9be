"""What the API server itself refuses a tenant, and what it runs for one."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client import ApiException
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from models import names
from tests.isolation.world import World

# One environment for all of them, so one worker.
pytestmark = pytest.mark.xdist_group("isolation")

SLUGS = ("alice", "bob", "charlie")

awaited = retry(
    retry=retry_if_exception_type(AssertionError), stop=stop_after_delay(60), wait=wait_fixed(0.2), reraise=True
)


def restricted_pod(name: str) -> dict[str, Any]:
    """A pod that a tenant's namespace admits: what the refused ones differ from."""
    security = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    amounts = {"cpu": "10m", "memory": "16Mi", "ephemeral-storage": "16Mi"}
    container = {
        "name": "c",
        "image": "ghcr.io/foundation/probe:v1",
        "securityContext": security,
        "resources": {"requests": amounts, "limits": amounts},
    }
    spec = {
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def with_container(pod: dict[str, Any], **changes: Any) -> dict[str, Any]:
    changed = copy.deepcopy(pod)
    changed["spec"]["containers"][0].update(changes)
    return changed


def with_security(pod: dict[str, Any], **changes: Any) -> dict[str, Any]:
    own = pod["spec"]["containers"][0]["securityContext"]
    return with_container(pod, securityContext={**own, **changes})


def with_spec(pod: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**pod, "spec": {**pod["spec"], **changes}}


POD = restricted_pod("probe")
FORBIDDEN = {
    "privileged": with_security(POD, privileged=True, allowPrivilegeEscalation=True),
    "escalation": with_security(POD, allowPrivilegeEscalation=True),
    "added capability": with_security(POD, capabilities={"add": ["NET_ADMIN"], "drop": ["ALL"]}),
    "root": with_security(POD, runAsUser=0),
    "host network": with_spec(POD, hostNetwork=True),
    "host processes": with_spec(POD, hostPID=True),
    "host path": with_spec(POD, volumes=[{"name": "v", "hostPath": {"path": "/"}}]),
    "host port": with_container(POD, ports=[{"containerPort": 80, "hostPort": 80}]),
    "unconfined": with_security(POD, seccompProfile={"type": "Unconfined"}),
}


@pytest.mark.parametrize("slug", SLUGS)
def test_an_ordinary_pod_is_admitted(world: World, slug: str) -> None:
    # Without this the refusals below would prove nothing.
    made = world.core().create_namespaced_pod(names.namespace(slug), POD, dry_run="All")
    assert made.metadata.name == "probe"


@pytest.mark.parametrize("what", sorted(FORBIDDEN))
@pytest.mark.parametrize("slug", SLUGS)
def test_pod_security_refuses(world: World, slug: str, what: str) -> None:
    with pytest.raises(ApiException) as refused:
        world.core().create_namespaced_pod(names.namespace(slug), FORBIDDEN[what], dry_run="All")
    assert refused.value.status == 403
    assert 'violates PodSecurity "restricted' in json.loads(refused.value.body)["message"]


@pytest.mark.parametrize("slug", SLUGS)
def test_a_service_with_a_door_of_its_own_is_refused(world: World, slug: str) -> None:
    for kind in ("NodePort", "LoadBalancer"):
        spec = {"type": kind, "ports": [{"port": 80}], "selector": {"app": "seldon"}}
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "door"}, "spec": spec}
        with pytest.raises(ApiException) as refused:
            world.core().create_namespaced_service(names.namespace(slug), service)
        assert "exceeded quota" in refused.value.body


@pytest.mark.parametrize("slug", SLUGS)
def test_the_pod_too_many_is_stopped_by_the_quota(world: World, slug: str) -> None:
    namespace = names.namespace(slug)
    core = world.core()
    (quota,) = core.list_namespaced_resource_quota(namespace).items
    made: list[str] = []
    try:
        with pytest.raises(ApiException) as refused:
            for index in range(int(quota.spec.hard["pods"]) + 1):
                pod = restricted_pod(f"filler-{index}")
                core.create_namespaced_pod(namespace, pod)
                made.append(pod["metadata"]["name"])
        assert refused.value.status == 403
        assert "exceeded quota" in refused.value.body
    finally:
        for name in made:
            core.delete_namespaced_pod(name, namespace, grace_period_seconds=0)


@pytest.mark.parametrize(("slug", "node"), [("alice", "shared-"), ("bob", "shared-"), ("charlie", "charlie-")])
def test_the_workload_is_available_on_the_nodes_that_the_plan_pays_for(world: World, slug: str, node: str) -> None:
    namespace = names.namespace(slug)

    @awaited
    def available() -> None:
        deployment = client.AppsV1Api(world.api()).read_namespaced_deployment(names.workload("seldon", slug), namespace)
        assert deployment.status.available_replicas
        pods = world.core().list_namespaced_pod(namespace, label_selector="app=seldon").items
        assert pods
        assert all(pod.spec.node_name and pod.spec.node_name.startswith(node) for pod in pods)

    available()


@pytest.mark.parametrize("slug", SLUGS)
def test_a_tenants_service_account_may_do_nothing(world: World, slug: str) -> None:
    namespace = names.namespace(slug)
    accounts = world.core().list_namespaced_service_account(namespace).items
    api = client.AuthorizationV1Api(world.api())
    for account in accounts:
        for verb, resource in (("get", "secrets"), ("list", "pods"), ("create", "pods"), ("get", "configmaps")):
            attributes = {"namespace": namespace, "verb": verb, "resource": resource}
            user = f"system:serviceaccount:{namespace}:{account.metadata.name}"
            review = {"spec": {"user": user, "resourceAttributes": attributes}}
            assert api.create_subject_access_review(review).status.allowed is False
    pods = world.core().list_namespaced_pod(namespace).items
    assert {pod.spec.automount_service_account_token for pod in pods} == {False}


LABELLED = ("tenant", "tier", "product")


@pytest.mark.parametrize("slug", SLUGS)
def test_every_object_carries_the_labels(world: World, slug: str) -> None:
    namespace = names.namespace(slug)
    api = world.api()
    listed = [
        *world.core().list_namespaced_secret(namespace).items,
        *world.core().list_namespaced_service(namespace).items,
        *world.core().list_namespaced_resource_quota(namespace).items,
        *world.core().list_namespaced_limit_range(namespace).items,
        *client.AppsV1Api(api).list_namespaced_deployment(namespace).items,
        *client.NetworkingV1Api(api).list_namespaced_network_policy(namespace).items,
        *client.AutoscalingV2Api(api).list_namespaced_horizontal_pod_autoscaler(namespace).items,
        *client.PolicyV1Api(api).list_namespaced_pod_disruption_budget(namespace).items,
    ]
    assert len(listed) >= 8
    plan = world.tenant(slug).plan
    for item in listed:
        labels = {key: (item.metadata.labels or {}).get(key) for key in LABELLED}
        assert labels == {"tenant": slug, "tier": plan, "product": "foundation-cloud"}, item.metadata.name
