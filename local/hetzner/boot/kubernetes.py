"""Servers as nodes of the sandbox's cluster."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.hetzner.boot.k3s import node_config
from local.hetzner.catalogue import find, load_catalogue
from local.hetzner.listing import Record
from local.kubernetes.api import ClusterApi
from local.kubernetes.nodes import Node
from local.kubernetes.setup import add_nodes, remove_node


@dataclass(frozen=True)
class ServerNode(Node):
    """A node as k3s and the cloud controller manager make it of a server; ``all_taints`` with their effects."""

    provider_id: str = ""
    all_taints: tuple[tuple[str, str, str], ...] = ()

    def manifest(self) -> dict[str, Any]:
        """The Kubernetes object."""
        taints = [{"key": key, "value": value, "effect": effect} for key, value, effect in self.all_taints]
        return {**super().manifest(), "spec": {"providerID": self.provider_id, "taints": taints}}


@dataclass(frozen=True)
class ClusterObserver:
    """Adds a node for each server whose user data installs k3s, and takes it away with the server."""

    kubeconfig: Path

    def on_boot(self, server: Record) -> None:
        """The node joins."""
        node = _node(server)
        if node is not None:
            self._with_cluster(lambda api: add_nodes(api, [node]))

    def on_delete(self, server: Record) -> None:
        """The node leaves."""
        node = _node(server)
        if node is not None:
            self._with_cluster(lambda api: remove_node(api, node.name))

    def _with_cluster(self, change: Any) -> None:
        api = ClusterApi(self.kubeconfig)
        try:
            change(api)
        finally:
            api.close()


def _node(server: Record) -> ServerNode | None:
    config = node_config(server["user_data"], server["name"])
    if config is None:
        return None
    catalogue = load_catalogue()
    server_type = find(catalogue.server_types, server["server_type"]) or {}
    location = catalogue.location(server["location"])
    # What the cloud controller manager adds.
    of_the_cloud = {
        "node.kubernetes.io/instance-type": server["server_type"],
        "topology.kubernetes.io/region": location["name"],
        "topology.kubernetes.io/zone": location["name"],
    }
    return ServerNode(
        name=config.name,
        cpu=server_type["cores"],
        memory=server_type["memory"],
        labels={**of_the_cloud, **config.labels},
        provider_id=f"hcloud://{server['id']}",
        all_taints=tuple(config.taints),
    )
