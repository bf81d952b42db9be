"""User data of a cluster's servers, from what the graph knows of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.hetzner.cluster import cloud_init
from components.hetzner.cluster.cloud_init import AttachedVolume, NodeNetwork, SnapshotStore
from components.hetzner.cluster.identity import ClusterIdentity
from components.hetzner.cluster.k3s_config import NodeRole, agent_config, server_config
from components.hetzner.cluster.versions import Versions
from components.hetzner.links import Links
from components.hetzner.node_pool import Node
from models.hetzner import Hetzner, Pool, names, node_names

API_PORT = 6443


@dataclass(frozen=True, kw_only=True)
class UserData:
    """Makes it for any node of the cluster."""

    settings: Hetzner
    identity: ClusterIdentity
    links: Links
    addresses: pulumi.Output[Mapping[str, str]]
    """Private addresses by server name."""
    api_names: Sequence[str]
    """Host names of the API."""
    snapshots: pulumi.Output[SnapshotStore | None]
    """Where etcd's snapshots go (a secret)."""
    versions: Versions

    def of_server(self, node: Node) -> pulumi.Output[str]:
        """Of a control-plane server."""
        settings, pool = self.settings, self.settings.control_plane

        def make(known: Mapping[str, Any]) -> str:
            public = [known["public"]] if known["public"] is not None else []
            config = server_config(
                _role(pool),
                token=known["token"],
                agent_password=known["agent_password"],
                network=settings.network,
                names=[*self.api_names, *public],
                metrics_server=settings.addons.metrics_server,
                snapshot_schedule=None if settings.backup is None else settings.backup.schedule,
            )
            return cloud_init.server_user_data(
                config=config,
                network=self._network(names.CONTROL_PLANE),
                peers=[address for server, address in self._servers(known["addresses"]) if server != node.name],
                authority_pem=known["authority"],
                # Once the one that may begin a cluster was rolled, there is none any more.
                authorities=known["authorities"] if node.name == known["founder"] else None,
                snapshots=known["snapshots"],
                versions=self.versions,
                volumes=_volumes(pool, known["devices"]),
            )

        return pulumi.Output.all(
            token=self.identity.server_token,
            agent_password=self.identity.agent_password,
            authority=self.identity.authority_pem,
            authorities=self.identity.authorities,
            founder=self.identity.founder,
            snapshots=self.snapshots,
            addresses=self.addresses,
            public=node.public_ipv4,
            devices=dict(node.devices),
        ).apply(make)

    def of_agent(self, name: str, pool: Pool, node: Node | None = None) -> pulumi.Output[str]:
        """Of a node of pool ``name``; without ``node``, of those that the cluster autoscaler makes."""

        def make(known: Mapping[str, Any]) -> str:
            return cloud_init.agent_user_data(
                config=agent_config(_role(pool), known["token"]),
                network=self._network(name),
                peers=[address for _, address in self._servers(known["addresses"])],
                authority_pem=known["authority"],
                versions=self.versions,
                volumes=_volumes(pool, known["devices"]),
            )

        return pulumi.Output.all(
            token=self.identity.agent_token,
            authority=self.identity.authority_pem,
            addresses=self.addresses,
            devices={} if node is None else dict(node.devices),
        ).apply(make)

    def _servers(self, addresses: Mapping[str, str]) -> list[tuple[str, str]]:
        settings = self.settings
        servers = node_names(settings.cluster, names.CONTROL_PLANE, settings.control_plane)
        return [(server, addresses[server]) for server in servers]

    def _network(self, pool: str) -> NodeNetwork:
        return NodeNetwork(
            subnet=self.settings.network.subnet,
            gateway=self.links.gateway,
            mtu=self.links.node_mtu,
            egress=self.links.egress[pool],
        )


def _role(pool: Pool) -> NodeRole:
    return NodeRole(labels=pool.labels, taints=pool.taints)


def _volumes(pool: Pool, devices: Mapping[str, str]) -> list[AttachedVolume]:
    return [
        AttachedVolume(name=name, device=device, format=pool.volumes[name].format)
        for name, device in sorted(devices.items())
    ]
