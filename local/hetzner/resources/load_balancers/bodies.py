"""What requests about load balancers say."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from local.hetzner.labels import LabelMap
from local.hetzner.resources.base import Body, Change, Key
from local.hetzner.resources.load_balancers.services import Service
from local.hetzner.resources.load_balancers.targets import Target

LoadBalancerName = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^\S(.*\S)?$")]


class Algorithm(Body):
    """How targets are chosen."""

    type: Literal["round_robin", "least_connections"] = "round_robin"


class PublicNet(Body):
    """Primary IPs to use instead of new ones (vendor changelog, 2026-10-05)."""

    ipv4: int | None = None
    ipv6: int | None = None


class Creation(Body):
    """A new load balancer."""

    name: LoadBalancerName
    load_balancer_type: Key
    algorithm: Algorithm = Algorithm()
    services: list[Service] = []
    targets: list[Target] = []
    labels: LabelMap = Field(default_factory=dict)
    public_interface: bool = True
    public_net: PublicNet = PublicNet()
    network: int | None = None
    network_zone: str | None = None
    location: Key | None = None


class LoadBalancerChange(Change):
    """What may change."""

    name: LoadBalancerName | None = None


class ChangeType(Body):
    """Body of ``change_type``."""

    load_balancer_type: Key


class AttachToNetwork(Body):
    """Body of ``attach_to_network``."""

    network: int
    ip: str | None = None
    ip_range: str | None = None


class NetworkId(Body):
    """Body of ``detach_from_network``."""

    network: int
