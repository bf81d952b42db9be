"""The network that nodes talk through."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network

import pulumi
import pulumi_hcloud as hcloud

from components.hetzner.ids import number
from models.hetzner import Network, names


def allotted_range(subnet: str) -> str:
    """The half of a subnet whose addresses are given by name. Hetzner itself hands out the lowest free ones, to
    autoscaled nodes and controllers' load balancers: with 100 members at most it never comes up here."""
    _, upper = IPv4Network(subnet).subnets()
    return str(upper)


@dataclass(frozen=True, kw_only=True)
class PrivateNetworkArgs:
    """What the network is."""

    cluster: str
    """Its name, and the cluster's."""
    network: Network = field(default_factory=Network)
    """Addresses and zone."""
    nat_address: pulumi.Input[str] | None = None
    """Private address of the NAT gateway that traffic to the Internet is routed to; None for no route."""
    protect: bool = False
    """Refuse to delete it: with it all nodes would lose each other."""


class PrivateNetwork(pulumi.ComponentResource):
    """A network with one subnet, and a default route where there is a NAT gateway.

    Firewalls don't filter it: whoever is attached reaches every port of every node. Only servers and load balancers
    of the cluster belong in it.
    """

    network_id: pulumi.Output[int]
    subnet_id: pulumi.Output[str]
    """Known when servers can be attached."""

    def __init__(self, name: str, args: PrivateNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:hetzner:PrivateNetwork", name, {}, opts)
        network = hcloud.Network(
            f"{name}-network",
            name=args.cluster,
            ip_range=args.network.ip_range,
            labels=names.labels(args.cluster),
            delete_protection=args.protect,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        self.network_id = number(network)
        subnet = hcloud.NetworkSubnet(
            f"{name}-subnet",
            network_id=self.network_id,
            type="cloud",
            network_zone=args.network.zone,
            ip_range=args.network.subnet,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        self.subnet_id = subnet.id
        if args.nat_address is not None:
            hcloud.NetworkRoute(
                f"{name}-default-route",
                network_id=self.network_id,
                destination="0.0.0.0/0",
                gateway=args.nat_address,
                # Parallel changes of one network answer `conflict`, and two routes to one destination are refused.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[subnet], delete_before_replace=True),
            )
        self.register_outputs({"network_id": self.network_id, "subnet_id": self.subnet_id})
