"""Nodes of the sandbox: machines that exist only as objects, with the pools of the real cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# kubelet's own default.
PODS_PER_NODE = 110
# Local disk, as the smallest type in use has it (CPX21: 80 GB); pods ask for some of it.
DISK = "80G"
# A taint's effect: pods that don't tolerate it are not placed here, those that run stay.
NO_SCHEDULE = "NoSchedule"


@dataclass(frozen=True)
class Node:
    """A node: ``cpu`` in vCPU, ``memory`` in GiB, ``taints`` as key -> value, all with effect ``NoSchedule``."""

    name: str
    cpu: int
    memory: int
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: Mapping[str, str] = field(default_factory=dict)

    def manifest(self) -> dict[str, Any]:
        """The Kubernetes object."""
        resources = {
            "cpu": str(self.cpu),
            "memory": f"{self.memory}Gi",
            "ephemeral-storage": DISK,
            "pods": str(PODS_PER_NODE),
        }
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": self.name,
                "labels": {
                    "kubernetes.io/hostname": self.name,
                    "kubernetes.io/os": "linux",
                    "kubernetes.io/arch": "amd64",
                    **self.labels,
                },
            },
            "spec": {
                "taints": [{"key": key, "value": value, "effect": NO_SCHEDULE} for key, value in self.taints.items()]
            },
            "status": {"capacity": resources, "allocatable": resources},
        }


def enterprise_node(slug: str) -> Node:
    """The node of one Enterprise tenant (FC-135: one CPX51 each, tainted ``tenant={slug}``)."""
    return Node(f"{slug}-1", 16, 32, {"pool": "enterprise", "tenant": slug}, {"tenant": slug})


DEFAULT_NODES = (
    # FC-132, FC-133: three CPX51 (16 vCPU, 32 GB) for Starter and Pro tenants.
    *(
        Node(f"shared-{number}", 16, 32, {"pool": "shared", "tier": "shared"}, {"tier": "shared"})
        for number in (1, 2, 3)
    ),
    # FC-136, FC-283: two nodes (8 vCPU, 16 GB) for PostgreSQL and PgBouncer.
    *(
        Node(f"db-{number}", 8, 16, {"pool": "database", "workload": "database"}, {"workload": "database"})
        for number in (1, 2)
    ),
    # FC-137: one CPX21 (4 vCPU, 8 GB) for the platform's services.
    Node("infra-1", 4, 8, {"pool": "infra"}),
    enterprise_node("charlie"),
)
