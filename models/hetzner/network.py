"""The cluster's network at Hetzner: addresses, doors and names."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from models.base import DnsName, Model
from models.hetzner.pool import ZONES, Candidate, Candidates, candidates
from models.secrets import SecretRef
from models.workload import Port

PRIVATE = tuple(ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
"""What a private network may use (RFC 1918)."""

WIDEST = {4: 8, 6: 16}
"""Shortest prefix of an admin network by IP version: anything wider is a part of the world, not of an office."""


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise ValueError(f"is no network such as 203.0.113.0/24 or 2001:db8::/48 ({error})") from None


def _ipv4(text: str) -> str:
    network = _network(text)
    if network.version != 4 or not any(network.subnet_of(private) for private in PRIVATE):  # type: ignore[arg-type]
        raise ValueError("must lie in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16: private networks are IPv4 only")
    return text


PrivateCidr = Annotated[str, AfterValidator(_ipv4)]
"""A private IPv4 network in CIDR notation."""


def _narrow(cidrs: tuple[str, ...]) -> tuple[str, ...]:
    networks = [_network(text) for text in cidrs]
    # Two halves are the whole: what they come to together counts.
    for network in _together(networks):
        if network.prefixlen < WIDEST[network.version]:
            raise ValueError(
                f"opens SSH and the Kubernetes API to {network}: give the networks that administrators come from, "
                f"/{WIDEST[network.version]} or narrower"
            )
    return tuple(str(network) for network in networks)


def _together(networks: Iterable[IPv4Network | IPv6Network]) -> list[IPv4Network | IPv6Network]:
    found = list(networks)
    return [
        *collapse_addresses(network for network in found if isinstance(network, IPv4Network)),
        *collapse_addresses(network for network in found if isinstance(network, IPv6Network)),
    ]


AdminCidrs = Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_narrow)]
"""Networks that administrators come from."""


class Network(Model):
    """The private network that nodes talk through."""

    ip_range: PrivateCidr = "10.0.0.0/16"
    """The whole network."""
    subnet: PrivateCidr = "10.0.0.0/24"
    """The part of it for servers and load balancers. Its upper half is allotted by name, in its lower half Hetzner
    picks addresses itself (autoscaled nodes, load balancers of controllers); /24 has room for the 100 servers that a
    network takes."""
    zone: Literal["eu-central", "us-east", "us-west", "ap-southeast"] = "eu-central"
    """Network zone: everything that is attached lies in it."""
    cluster_cidr: PrivateCidr = "10.42.0.0/16"
    """Addresses of pods (k3s' default)."""
    service_cidr: PrivateCidr = "10.43.0.0/16"
    """Addresses of Services (k3s' default)."""
    flannel_backend: Literal["vxlan", "wireguard-native"] = "wireguard-native"
    """How pods' traffic goes between nodes. Hetzner doesn't encrypt private networks: wireguard-native does."""

    @model_validator(mode="after")
    def _apart(self) -> Self:
        whole, subnet = IPv4Network(self.ip_range), IPv4Network(self.subnet)
        if not subnet.subnet_of(whole):
            raise ValueError(f"subnet {self.subnet} doesn't lie in ip_range {self.ip_range}")
        if subnet.prefixlen > 24:
            raise ValueError(f"subnet {self.subnet} is too small for the 100 servers of a network: give /24 or wider")
        ranges = {"ip_range": whole}
        for name in ("cluster_cidr", "service_cidr"):
            network = IPv4Network(getattr(self, name))
            for other, taken in ranges.items():
                if network.overlaps(taken):
                    raise ValueError(f"{name} {network} overlaps {other} {taken}: give networks that don't")
            ranges[name] = network
        return self


class Dns(Model):
    """A zone of Hetzner DNS."""

    zone: DnsName
    """The zone that the environment's domain is, or lies in."""
    create: bool = False
    """Make the zone here. Else it is there already, and only its records are ours."""
    ttl: Annotated[int, Field(ge=60, le=86400)] = 300
    """Seconds that resolvers keep the records."""
    token: SecretRef | None = None
    """API token of the zone's Hetzner project, when it has one of its own. A token opens all of its project: DNS is
    best kept apart from the servers."""


class LoadBalancer(Model):
    """The way in for the tenants' visitors. Firewalls don't apply to it: what it has no service for stays shut."""

    type: Annotated[str, StringConstraints(pattern=r"^lb[0-9]{2}$")] = "lb11"
    """Load balancer type; lb11 has 5 services, 25 targets and 10 000 connections."""
    location: Literal["fsn1", "nbg1", "hel1", "ash", "hil", "sin"] = "fsn1"
    """Where it stands."""
    pool: str = "infra"
    """The pool whose nodes run the ingress (FC-289)."""
    http_node_port: Annotated[Port, Field(ge=30000, le=32767)] = 30080
    """NodePort of the ingress for port 80."""
    https_node_port: Annotated[Port, Field(ge=30000, le=32767)] = 30443
    """NodePort of the ingress for port 443."""
    proxy_protocol: bool = True
    """Tell the ingress the visitors' addresses, which rate limits and allow-lists need. The ingress must expect it
    from the private network's addresses."""


class Nat(Model):
    """A server through which pools with ``egress: nat`` reach the Internet. It is one server: while it is away,
    so is their way out."""

    candidates: Candidates = candidates("cpx22", "cpx32", "ccx13")
    """Server types and locations in order of preference."""
    generation: Annotated[int, Field(ge=1, le=999)] = 1
    """Raised by one to make the server anew."""


def in_zone(zone: str, found: Iterable[Candidate]) -> str | None:
    """The first location among ``found`` that lies in another network zone; None when all are in ``zone``."""
    return next((candidate.location for candidate in found if ZONES[candidate.location] != zone), None)
