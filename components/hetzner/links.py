"""How packets travel: MTU, way out and PROXY protocol, computed together because each rules out others. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Final, Literal

from models.hetzner import Hetzner
from models.hetzner.pool import Pool

PRIVATE_NETWORK_MTU: Final = 1450
"""Of a private network's interface (docs.hetzner.com, networks)."""

OVERHEAD: Final[Mapping[str, int]] = {"vxlan": 50, "wireguard-native": 80}
"""Bytes that flannel's backends add to each packet (flannel documentation: VXLAN; WireGuard as over IPv6)."""


@dataclass(frozen=True)
class Links:
    """How the cluster's packets travel."""

    node_mtu: int
    """Of nodes' private interfaces."""
    pod_mtu: int
    """Of pods' interfaces: a larger packet would be lost without a word between two nodes."""
    egress: Mapping[str, Literal["public", "nat"]]
    """Way out of each pool's nodes."""
    gateway: str
    """Default route of nodes without a public address: the private network's own router."""
    proxy_protocol: bool
    """Whether the ingress is told visitors' addresses by the PROXY protocol; it must then refuse all without."""
    proxy_sources: tuple[str, ...]
    """Networks that the ingress believes about visitors' addresses; empty without PROXY protocol."""
    challenge: Literal["dns-01", "http-01"]
    """How certificates are asked for: behind the PROXY protocol cert-manager's own check of http-01 can't get through
    from inside (cert-manager#466), and a wildcard (FC-056) is given for dns-01 only."""


def links(settings: Hetzner, pools: Mapping[str, Pool]) -> Links:
    """What follows from the settings."""
    proxy = settings.load_balancer.proxy_protocol
    return Links(
        node_mtu=PRIVATE_NETWORK_MTU,
        pod_mtu=PRIVATE_NETWORK_MTU - OVERHEAD[settings.network.flannel_backend],
        egress={name: pool.egress for name, pool in pools.items()},
        gateway=str(next(IPv4Network(settings.network.ip_range).hosts())),
        proxy_protocol=proxy,
        proxy_sources=(settings.network.subnet,) if proxy else (),
        challenge="dns-01" if proxy or settings.dns is not None else "http-01",
    )
