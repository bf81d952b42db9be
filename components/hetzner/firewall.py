"""Which of the servers' ports can be reached over their public addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_hcloud as hcloud

from components.hetzner import limits
from components.hetzner.ids import number
from models.hetzner import names

SSH: Final = 22
KUBERNETES_API: Final = 6443


@dataclass(frozen=True, kw_only=True)
class ClusterFirewallArgs:
    """Who may come in."""

    cluster: str
    """Name of the cluster."""
    admin_cidrs: Sequence[str]
    """Networks that SSH and the Kubernetes API are open to."""
    ssh: bool = False
    """Whether SSH is open at all."""


class ClusterFirewall(pulumi.ComponentResource):
    """Firewalls of the nodes. All that isn't named here is dropped; answers to what nodes asked come through.

    Nothing is open to the world: visitors come through the load balancer, over the private network.
    What nodes say to each other (k3s, kubelet, etcd, flannel) goes through the private network, which Hetzner's
    firewalls don't filter. Load balancers have no firewall either.
    """

    nodes: pulumi.Output[int]
    """For every server."""
    control_plane: pulumi.Output[int]
    """For the servers of the Kubernetes API, beside ``nodes``."""

    def __init__(self, name: str, args: ClusterFirewallArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:hetzner:ClusterFirewall", name, {}, opts)
        limits.check(
            limits.SOURCES_PER_RULE, len(args.admin_cidrs), "admin_cidrs", "join neighbouring networks into wider ones"
        )
        sources = list(args.admin_cidrs)
        administration = [_rule("icmp", None, sources, "ICMP from administrators")]
        if args.ssh:
            administration.append(_rule("tcp", SSH, sources, "SSH from administrators"))
        self.nodes = self._firewall(name, args.cluster, "nodes", administration)
        api = _rule("tcp", KUBERNETES_API, sources, "Kubernetes API from administrators")
        self.control_plane = self._firewall(name, args.cluster, names.CONTROL_PLANE, [api])
        self.register_outputs({"nodes": self.nodes, "control_plane": self.control_plane})

    def of(self, pool: str) -> list[pulumi.Output[int]]:
        """The firewalls of a pool's servers."""
        return [self.nodes, self.control_plane] if pool == names.CONTROL_PLANE else [self.nodes]

    def _firewall(self, name: str, cluster: str, what: str, rules: list[hcloud.FirewallRuleArgs]) -> pulumi.Output[int]:
        limits.check(limits.RULES_PER_FIREWALL, len(rules), f"firewall {cluster}-{what}", "join rules")
        return number(
            hcloud.Firewall(
                f"{name}-{what}",
                name=f"{cluster}-{what}",
                rules=rules,
                labels=names.labels(cluster),
                opts=pulumi.ResourceOptions(parent=self),
            )
        )


def _rule(protocol: str, port: int | None, sources: list[str], description: str) -> hcloud.FirewallRuleArgs:
    return hcloud.FirewallRuleArgs(
        direction="in",
        protocol=protocol,
        port=None if port is None else str(port),
        source_ips=sources,
        description=description,
    )
