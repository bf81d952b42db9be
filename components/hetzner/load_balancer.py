"""The way in for visitors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import pulumi
import pulumi_hcloud as hcloud

from components.hetzner.ids import after, number
from models.hetzner import LoadBalancer as Settings
from models.hetzner import names

# Hetzner's own defaults: a node is out after three failed checks.
HEALTH_INTERVAL: Final = 15
HEALTH_TIMEOUT: Final = 10
HEALTH_RETRIES: Final = 3


@dataclass(frozen=True, kw_only=True)
class LoadBalancerArgs:
    """What the load balancer is and where it leads."""

    cluster: str
    """Name of the cluster."""
    settings: Settings = field(default_factory=Settings)
    """Type, place, ports."""
    subnet_id: pulumi.Input[str]
    """Of the private network."""
    address: pulumi.Input[str]
    """Its own in the private network."""
    protect: bool = False
    """Refuse to delete it: its public addresses would be lost."""


class LoadBalancer(pulumi.ComponentResource):
    """Ports 80 and 443 of the world, to the ingress' NodePorts on the nodes of one pool, over the private network.

    TCP all the way: TLS ends at the ingress. With PROXY protocol (the default) the ingress learns visitors' addresses
    and must believe the load balancer's ``address`` alone about them. Nodes are found by their labels, so that they
    come and go without a change here.
    """

    ipv4: pulumi.Output[str]
    ipv6: pulumi.Output[str]

    def __init__(self, name: str, args: LoadBalancerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:hetzner:LoadBalancer", name, {}, opts)
        settings = args.settings
        balancer = hcloud.LoadBalancer(
            f"{name}-balancer",
            name=names.load_balancer(args.cluster),
            load_balancer_type=settings.type,
            location=settings.location,
            labels=names.labels(args.cluster),
            delete_protection=args.protect,
            # A subnet can't go while it is attached.
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect, depends_on=after(args.subnet_id)),
        )
        self.ipv4, self.ipv6 = balancer.ipv4, balancer.ipv6
        last: pulumi.Resource = hcloud.LoadBalancerNetwork(
            f"{name}-network",
            load_balancer_id=number(balancer),
            subnet_id=args.subnet_id,
            ip=args.address,
            opts=_part(self, balancer),
        )
        selector = names.labels(args.cluster, settings.pool)
        last = hcloud.LoadBalancerTarget(
            f"{name}-nodes",
            type="label_selector",
            load_balancer_id=number(balancer),
            label_selector=",".join(f"{key}={value}" for key, value in sorted(selector.items())),
            use_private_ip=True,
            opts=_part(self, balancer, last),
        )
        for port, node_port in ((80, settings.http_node_port), (443, settings.https_node_port)):
            last = hcloud.LoadBalancerService(
                f"{name}-{port}",
                load_balancer_id=balancer.id,
                protocol="tcp",
                listen_port=port,
                destination_port=node_port,
                proxyprotocol=settings.proxy_protocol,
                health_check=hcloud.LoadBalancerServiceHealthCheckArgs(
                    protocol="tcp",
                    port=node_port,
                    interval=HEALTH_INTERVAL,
                    timeout=HEALTH_TIMEOUT,
                    retries=HEALTH_RETRIES,
                ),
                opts=_part(self, balancer, last),
            )
        self.register_outputs({"ipv4": self.ipv4, "ipv6": self.ipv6})


def _part(
    parent: pulumi.Resource, balancer: hcloud.LoadBalancer, before: pulumi.Resource | None = None
) -> pulumi.ResourceOptions:
    """Goes with the load balancer. Parts are made one after the other: each change locks it for the others."""
    return pulumi.ResourceOptions(parent=parent, deleted_with=balancer, depends_on=[] if before is None else [before])
