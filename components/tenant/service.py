"""What stands around a tenant's pods: Service, autoscaler, disruption budget. No resources here."""

from __future__ import annotations

from collections.abc import Iterator

from components.identity import Manifest, TenantIdentity
from models.workload import Container, ContainerPort, Port, Workload


def service_ports(workload: Workload) -> dict[str, Port]:
    """Number by name of the ports of the workload's Service.

    The main container's ports keep their names; a sidecar's port is called after the sidecar, so that Seldon's
    Service has ``api`` and ``dashboard`` (FC-257) though the dashboard itself calls its port ``http`` (FC-254).
    """
    return {_service_port(workload, container, port): port.port for container, port in _ports(workload)}


def service_port_name(workload: Workload, port_name: str) -> str:
    """What the Service calls the containers' port ``port_name``. Raises ValueError with the names that there are."""
    return next(_service_port(workload, container, port) for container, port in _named(workload, port_name))


def port_number(workload: Workload, port_name: str) -> Port:
    """The number of the containers' port ``port_name``. Raises ValueError with the names that there are."""
    return next(port.port for _, port in _named(workload, port_name))


def _ports(workload: Workload) -> Iterator[tuple[Container, ContainerPort]]:
    return ((container, port) for container in workload.containers for port in container.ports)


def _named(workload: Workload, port_name: str) -> Iterator[tuple[Container, ContainerPort]]:
    found = [(container, port) for container, port in _ports(workload) if port.name == port_name]
    if not found:
        known = ", ".join(sorted(port.name for _, port in _ports(workload)))
        raise ValueError(f"workload {workload.name!r} has no port {port_name!r}; it has {known}")
    return iter(found)


def _service_port(workload: Workload, container: Container, port: ContainerPort) -> str:
    if container is workload.containers[0]:
        return port.name
    return container.name if len(container.ports) == 1 else f"{container.name}-{port.name}"


def service_spec(workload: Workload, tenant: TenantIdentity) -> Manifest:
    """Spec of the workload's Service (FC-257)."""
    return {
        "type": "ClusterIP",
        "selector": tenant.selector(workload.name),
        "ports": [
            {"name": name, "port": port, "targetPort": port, "protocol": "TCP"}
            for name, port in service_ports(workload).items()
        ],
    }


def autoscaler_spec(workload: Workload, deployment: str) -> Manifest:
    """Spec of the workload's HorizontalPodAutoscaler (FC-141, FC-142, FC-306)."""
    scaling = workload.scaling
    return {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment},
        "minReplicas": scaling.min_replicas,
        "maxReplicas": scaling.max_replicas,
        "metrics": [
            {
                "type": "Resource",
                "resource": {
                    "name": "cpu",
                    "target": {"type": "Utilization", "averageUtilization": scaling.cpu_utilization},
                },
            },
            {
                "type": "Pods",
                "pods": {
                    "metric": {"name": "active_tasks"},
                    "target": {"type": "AverageValue", "averageValue": str(scaling.active_tasks)},
                },
            },
        ],
    }


def disruption_budget_spec(workload: Workload, tenant: TenantIdentity) -> Manifest:
    """Spec of the workload's PodDisruptionBudget.

    One pod at a time may go: with several replicas the others go on serving, and a single replica doesn't hold up
    the drain of its node for ever, as ``minAvailable: 1`` would.
    """
    return {
        "maxUnavailable": 1,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {"matchLabels": tenant.selector(workload.name)},
    }
