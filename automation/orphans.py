"""What is left at Hetzner of a cluster and stands in no state: the bill of an interrupted update or teardown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from kubernetes import client

from automation.cloud import in_state, open_cloud
from automation.cluster import Unreachable, reached
from automation.engine import open_stack, resources_of
from automation.errors import FoundationError
from automation.inventory import AUTOSCALER, CLOUD_CONTROLLER, CSI_DRIVER, FOUNDATION, CloudObject, remove
from automation.project import Project
from automation.running import Tell, silent

PROVIDER_ID = "hcloud://"
CSI = "csi.hetzner.cloud"


@dataclass(frozen=True)
class Alive:
    """What the cluster has, for which its controllers keep objects at Hetzner."""

    services: frozenset[str] = frozenset()
    """UIDs of Services of type LoadBalancer."""
    volumes: frozenset[int] = frozenset()
    """Ids of the volumes behind PersistentVolumes."""
    servers: frozenset[int] = frozenset()
    """Ids of the servers behind nodes."""

    def needs(self, item: CloudObject) -> bool:
        """Whether the object is in use."""
        if item.maker == CLOUD_CONTROLLER:
            return item.of in self.services
        if item.maker == CSI_DRIVER:
            return item.id in self.volumes
        return item.maker == AUTOSCALER and item.id in self.servers


@dataclass(frozen=True)
class Orphans:
    """What was found."""

    certain: tuple[CloudObject, ...]
    """In no state, and needed by nothing in the cluster."""
    perhaps: tuple[CloudObject, ...]
    """Made by controllers of a cluster that doesn't answer: nobody can tell."""


def find(project: Project) -> Orphans:
    """The environment's orphans.

    Raises ``BadInput`` for an environment without a cluster at Hetzner.
    """
    environment = project.load()
    stack = open_stack(project)
    cloud = open_cloud(project, environment, stack)
    state = resources_of(stack)
    found = cloud.objects(state)
    if not any(item.maker != FOUNDATION for item in found):
        return split(found, state, Alive())
    if not any(kind == "server" for kind, _ in in_state(state)):
        return split(found, state, Alive())
    try:
        with reached(project, environment, stack) as api:
            return split(found, state, alive(api))
    except Unreachable:
        return split(found, state, None)


def split(found: Sequence[CloudObject], state: Iterable[dict[str, Any]], living: Alive | None) -> Orphans:
    """Which of ``found`` are orphans: neither in the state nor needed. ``living`` None: the cluster doesn't answer."""
    known = in_state(state)
    unknown = [item for item in found if (item.kind, item.id) not in known]
    if living is None:
        return Orphans(
            tuple(item for item in unknown if item.maker == FOUNDATION),
            tuple(item for item in unknown if item.maker != FOUNDATION),
        )
    return Orphans(tuple(item for item in unknown if not living.needs(item)), ())


def alive(api: Any) -> Alive:
    """What the cluster has. ``api`` is a client of it."""
    core: Any = client.CoreV1Api(api)
    services = core.list_service_for_all_namespaces().items
    volumes = core.list_persistent_volume().items
    nodes = core.list_node().items
    return Alive(
        frozenset(service.metadata.uid for service in services if service.spec.type == "LoadBalancer"),
        frozenset(
            int(volume.spec.csi.volume_handle)
            for volume in volumes
            if volume.spec.csi is not None and volume.spec.csi.driver == CSI
        ),
        frozenset(
            int(node.spec.provider_id.removeprefix(PROVIDER_ID))
            for node in nodes
            if (node.spec.provider_id or "").startswith(PROVIDER_ID)
        ),
    )


def take_away(found: Orphans, tell: Tell = silent, *, unprotect: bool = False) -> None:
    """Delete the certain ones. Raises as ``inventory.remove`` does, and when there are others that must be kept."""
    remove(found.certain, tell, unprotect=unprotect)
    if found.perhaps:
        raise FoundationError(
            f"{len(found.perhaps)} objects of the cluster's controllers are kept: it doesn't answer, so nobody knows "
            "whether they are needed",
            problems=[f"{item.kind} {item.name} ({item.id})" for item in found.perhaps],
            next_step="bring the cluster back and run the same command again, or remove the environment",
        )


def describe(item: CloudObject) -> dict[str, Any]:
    """Stable keys for machines."""
    return {
        "kind": item.kind,
        "id": item.id,
        "name": item.name,
        "made_by": item.maker,
        "for": item.of,
        "protected": item.protected,
    }
