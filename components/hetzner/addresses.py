"""Who gets a private address by name."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from components.hetzner.private_network import allotted_range
from components.hetzner.resources import AddressPlan
from models.hetzner import Hetzner, names, node_names
from models.hetzner.pool import Pool


def members(settings: Hetzner, pools: Mapping[str, Pool]) -> list[str]:
    """Names of all that is attached to the network by an update, sorted."""
    found = [name for pool_name, pool in pools.items() for name in node_names(settings.cluster, pool_name, pool)]
    found.append(names.load_balancer(settings.cluster))
    if settings.nat is not None:
        found.append(names.nat_gateway(settings.cluster, settings.nat.generation))
    return sorted(found)


def address_plan(
    name: str, settings: Hetzner, pools: Mapping[str, Pool], opts: pulumi.ResourceOptions | None = None
) -> AddressPlan:
    """One plan for the whole network: the pools' nodes, the load balancer and the NAT gateway."""
    return AddressPlan(name, cidr=allotted_range(settings.network.subnet), names=members(settings, pools), opts=opts)
