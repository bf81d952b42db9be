"""Arithmetic of a tenant's quota and limits. No resources here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from components.identity import Manifest
from models.quantity import amount
from models.workload import Container, Workload

SURGE: Final = 1
"""Pods that a rolling update adds to the replicas (maxSurge)."""

EPHEMERAL_REQUEST: Final = "128Mi"
EPHEMERAL_LIMIT: Final = "1Gi"
"""Local disk of a container: logs, the writable layer and /tmp. Our choice; FC-138 to FC-140 name none."""

Amounts = Mapping[str, Decimal]
"""Quantity by the quota's key, in cores or bytes."""

_BINARY: Final = (("Ti", 1 << 40), ("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10))


def format_cores(cores: Decimal) -> str:
    """Cores as the API server writes them: ``2`` or ``250m``."""
    thousandths = cores * 1000
    return str(int(cores)) if thousandths % 1000 == 0 else f"{int(thousandths)}m"


def format_bytes(size: Decimal) -> str:
    """Bytes as the API server writes them: the largest binary unit that divides them."""
    for suffix, unit in _BINARY:
        if size % unit == 0:
            return f"{int(size) // unit}{suffix}"
    return str(int(size))


def format_amounts(amounts: Amounts) -> dict[str, str]:
    """Quantities in the API server's own form, so that nothing looks changed that isn't."""
    return {key: (format_cores if key.endswith("cpu") else format_bytes)(value) for key, value in amounts.items()}


def container_amounts(container: Container) -> dict[str, Decimal]:
    """What one container asks for and may take, by the keys of a quota."""
    resources = container.resources
    return {
        "requests.cpu": amount(resources.requests.cpu),
        "limits.cpu": amount(resources.limits.cpu),
        "requests.memory": amount(resources.requests.memory),
        "limits.memory": amount(resources.limits.memory),
        "requests.ephemeral-storage": amount(EPHEMERAL_REQUEST),
        "limits.ephemeral-storage": amount(EPHEMERAL_LIMIT),
    }


def total(amounts: Iterable[Amounts]) -> dict[str, Decimal]:
    """The sum by key."""
    result: dict[str, Decimal] = {}
    for item in amounts:
        for key, value in item.items():
            result[key] = result.get(key, Decimal(0)) + value
    return result


def largest(amounts: Iterable[Amounts]) -> dict[str, Decimal]:
    """The maximum by key."""
    result: dict[str, Decimal] = {}
    for item in amounts:
        for key, value in item.items():
            result[key] = max(result.get(key, Decimal(0)), value)
    return result


def pod_amounts(workload: Workload) -> dict[str, Decimal]:
    """What one pod of the workload takes."""
    return total(container_amounts(container) for container in workload.containers)


def surge_amounts(workloads: Sequence[Workload], alternatives: Iterable[Sequence[Workload]]) -> dict[str, Decimal]:
    """Room for the pods that a rolling update adds: one of each workload, of the plan that asks for most.

    ``alternatives`` are the same workloads under the product's other plans. When a tenant changes to a smaller plan
    the old pod stays until the new one is ready; under a quota of the smaller plan alone the new pod would be
    refused, and the update would never end.
    """
    return largest(total(pod_amounts(workload) for workload in plan) for plan in (workloads, *alternatives))


def quota(workloads: Sequence[Workload], alternatives: Iterable[Sequence[Workload]] = ()) -> dict[str, str]:
    """``hard`` of the tenant's ResourceQuota: every replica that the plan allows, and one update's surge.

    Names every resource of the multi-tenancy benchmarks MTB-PL1-CC-FNS-1 and FNS-2, and allows no Service a node's
    port or a load balancer.
    """
    replicas = total(
        {key: value * workload.scaling.max_replicas for key, value in pod_amounts(workload).items()}
        for workload in workloads
    )
    pods = sum(workload.scaling.max_replicas + SURGE for workload in workloads)
    return {
        **format_amounts(total((replicas, surge_amounts(workloads, alternatives)))),
        "pods": str(pods),
        "services": str(len(workloads)),
        "services.nodeports": "0",
        "services.loadbalancers": "0",
        # The tenant's own, and one for the certificate of each of a few custom domains.
        "secrets": "10",
        # The tenant's own, kube-root-ca.crt that every namespace gets, and one to spare.
        "configmaps": "3",
        "persistentvolumeclaims": "0",
        "replicationcontrollers": "0",
        "resourcequotas": "1",
    }


def limit_range(workloads: Sequence[Workload]) -> Manifest:
    """Spec of the tenant's LimitRange: no container above the plan's largest; one that names nothing gets the least."""
    containers = [container_amounts(container) for workload in workloads for container in workload.containers]
    least = {key: min(amounts[key] for amounts in containers) for key in containers[0]}
    return {
        "limits": [
            {
                "type": "Container",
                "defaultRequest": _of("requests.", least),
                "default": _of("limits.", least),
                "max": _of("limits.", largest(containers)),
            }
        ]
    }


def _of(prefix: str, amounts: Amounts) -> dict[str, str]:
    return {key.removeprefix(prefix): value for key, value in format_amounts(amounts).items() if key.startswith(prefix)}
