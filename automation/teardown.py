"""Taking a cluster at Hetzner down so that nothing stays: what controllers made goes first, for the engine knows none
of it. Each step takes up what an interrupted one left, so the same command run again goes on.

1. The cluster's autoscaler stops, or it would replace what goes.
2. Services of type LoadBalancer and PersistentVolumeClaims are deleted, and the controllers' work is awaited for a
   bounded time: they free load balancers and volumes themselves.
3. What controllers made and is still there is deleted at Hetzner.
4. Hetzner's protection is lifted from the rest, which the engine then deletes.
5. What is left after that, such as a server whose order an interrupted update didn't live to record, is deleted too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from kubernetes import client
from kubernetes.client import ApiException
from pulumi.automation import Stack
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from automation.cloud import Cloud
from automation.cluster import Unreachable, reached
from automation.engine import resources_of
from automation.inventory import FOUNDATION, CloudObject, remove, unprotect
from automation.project import Project
from automation.running import Tell
from models.loading import Environment

# Seconds that controllers get: a load balancer is gone in one, a volume is unmounted and detached in twenty.
PATIENCE: Final = 300.0
SYSTEM: Final = "kube-system"
AUTOSCALER_NAME: Final = "cluster-autoscaler"
STOPPED: Final = {"spec": {"replicas": 0}}


def clear(
    project: Project, environment: Environment, stack: Stack, cloud: Cloud, tell: Tell, patience: float = PATIENCE
) -> None:
    """Steps 1 to 4: afterwards the engine can delete everything that is in its state."""
    try:
        with reached(project, environment, stack) as api:
            free(api, lambda: made_by_controllers(cloud, stack), tell, patience)
    except Unreachable as error:
        tell(f"the cluster isn't asked to clean up: {error.message}")
    remove(made_by_controllers(cloud, stack), tell, unprotect=True)
    unprotect(cloud.objects(resources_of(stack)), tell)


def sweep(cloud: Cloud, tell: Tell) -> None:
    """Step 5, after the engine."""
    remove(cloud.objects(), tell, unprotect=True)


def made_by_controllers(cloud: Cloud, stack: Stack) -> list[CloudObject]:
    """What stands at Hetzner of the cluster and in no state."""
    return [item for item in cloud.objects(resources_of(stack)) if item.maker != FOUNDATION]


def free(api: Any, left: Callable[[], list[CloudObject]], tell: Tell, patience: float = PATIENCE) -> None:
    """Steps 1 and 2, in the cluster that ``api`` is a client of; ``left`` says what controllers still have."""
    _stop_autoscaler(api, tell)
    services = list(_balanced(api))
    claims = list(_claims(api))
    if not services and not claims:
        return
    _stop_users(api, {(claim.namespace, claim.name) for claim in claims}, tell)
    core: Any = client.CoreV1Api(api)
    for service in services:
        tell(f"deleting Service {service.namespace}/{service.name} with its load balancer")
        _gone_is_fine(core.delete_namespaced_service, service.name, service.namespace)
    for claim in claims:
        tell(f"deleting PersistentVolumeClaim {claim.namespace}/{claim.name} with its volume")
        _gone_is_fine(core.delete_namespaced_persistent_volume_claim, claim.name, claim.namespace)
    # Servers of the autoscaler aren't freed by anybody: they are deleted at Hetzner afterwards.
    waited = Retrying(
        retry=retry_if_result(bool), wait=wait_fixed(min(2.0, patience / 10)), stop=stop_after_delay(patience)
    )
    try:
        waited(lambda: [*_balanced(api), *_claims(api), *(item for item in left() if item.kind != "server")])
    except RetryError:
        tell(f"the cluster's controllers didn't free everything in {patience:.0f} s: it is deleted at Hetzner")


def _balanced(api: Any) -> Iterator[Any]:
    """Metadata of Services of type LoadBalancer."""
    core: Any = client.CoreV1Api(api)
    for service in core.list_service_for_all_namespaces().items:
        if service.spec.type == "LoadBalancer":
            yield service.metadata


def _claims(api: Any) -> Iterator[Any]:
    """Metadata of PersistentVolumeClaims."""
    core: Any = client.CoreV1Api(api)
    for claim in core.list_persistent_volume_claim_for_all_namespaces().items:
        yield claim.metadata


def _stop_autoscaler(api: Any, tell: Tell) -> None:
    apps: Any = client.AppsV1Api(api)
    for deployment in apps.list_namespaced_deployment(SYSTEM).items:
        if AUTOSCALER_NAME in deployment.metadata.name and deployment.spec.replicas:
            tell(f"stopping {deployment.metadata.name}")
            _gone_is_fine(apps.patch_namespaced_deployment_scale, deployment.metadata.name, SYSTEM, STOPPED)


def _stop_users(api: Any, claims: set[tuple[str, str]], tell: Tell) -> None:
    """Stop what uses the claims: a volume that is mounted isn't freed."""
    apps: Any = client.AppsV1Api(api)
    for listed, scale in (
        (apps.list_stateful_set_for_all_namespaces, apps.patch_namespaced_stateful_set_scale),
        (apps.list_deployment_for_all_namespaces, apps.patch_namespaced_deployment_scale),
    ):
        for workload in listed().items:
            meta = workload.metadata
            if workload.spec.replicas and _uses(workload, claims):
                tell(f"stopping {meta.namespace}/{meta.name}, which uses volumes")
                _gone_is_fine(scale, meta.name, meta.namespace, STOPPED)


def _uses(workload: Any, claims: set[tuple[str, str]]) -> bool:
    if getattr(workload.spec, "volume_claim_templates", None):
        return True
    volumes = workload.spec.template.spec.volumes or []
    named = {volume.persistent_volume_claim.claim_name for volume in volumes if volume.persistent_volume_claim}
    return any((workload.metadata.namespace, name) in claims for name in named)


def _gone_is_fine(change: Callable[..., Any], *arguments: Any) -> None:
    try:
        change(*arguments)
    except ApiException as error:
        if error.status != 404:
            raise
