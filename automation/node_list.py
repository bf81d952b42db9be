"""The servers of an environment at Hetzner, as Hetzner and Kubernetes see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kubernetes import client

from automation import drain
from automation.cloud import in_state, open_cloud
from automation.cluster import Unreachable, reached
from automation.engine import open_stack, resources_of
from automation.inventory import NODE_GROUP, SERVER, CloudObject
from automation.project import Project


@dataclass(frozen=True)
class Listed:
    """A server, as Hetzner and Kubernetes see it."""

    name: str
    pool: str
    type: str
    location: str
    status: str
    """At Hetzner."""
    node: str
    """In Kubernetes: ready, not ready, cordoned, or none."""
    made_by: str
    in_state: bool
    protected: bool
    created: str


def listed(project: Project) -> list[Listed]:
    """The cluster's servers, by name. Raises ``BadInput`` for an environment without a cluster at Hetzner."""
    environment = project.load()
    stack = open_stack(project)
    cloud = open_cloud(project, environment, stack)
    state = resources_of(stack)
    known = in_state(state)
    servers = [item for item in cloud.objects(state) if item.kind == SERVER.name]
    try:
        with reached(project, environment, stack) as api:
            core: Any = client.CoreV1Api(api)
            nodes = {node.metadata.name: node for node in core.list_node().items}
    except Unreachable:
        nodes = {}
    return [_listed(item, nodes.get(item.name), (item.kind, item.id) in known) for item in servers]


def _listed(item: CloudObject, node: Any | None, known: bool) -> Listed:
    server = item.bound
    seen = "none"
    if node is not None:
        seen = "cordoned" if node.spec.unschedulable else "ready" if drain.is_ready(node) else "not ready"
    pool = server.labels.get("pool") or server.labels.get(NODE_GROUP) or ""
    return Listed(
        name=item.name,
        pool=pool,
        type=server.server_type.name,
        location=server.location.name,
        status=server.status,
        node=seen,
        made_by=item.maker,
        in_state=known,
        protected=item.protected,
        created=server.created.isoformat(),
    )
