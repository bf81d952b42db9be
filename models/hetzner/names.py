"""Names and labels of what stands at Hetzner, one function each: they are how everything is found again."""

from __future__ import annotations

from typing import Final

CONTROL_PLANE: Final = "control-plane"
"""Pool name of the servers that run the Kubernetes API and etcd."""

NAT: Final = "nat"
"""Stands where a pool's name does in the name of the NAT gateway."""

INGRESS: Final = "ingress"
"""Stands so in the name of the load balancer."""

SERVER_NAME_LENGTH: Final = 63
"""Longest name of a server: it becomes a host name and a node name (vendor OpenAPI; RFC 1123)."""

NAME_RANDOM: Final = 17
"""Characters that the cluster autoscaler adds to its node group's name: a hyphen and up to 16 hexadecimal digits."""

LARGEST_SLOT: Final = 99
LARGEST_GENERATION: Final = 999

ENTERPRISE_PREFIX: Final = "t-"
"""Before the slug in the name of an Enterprise tenant's pool; no other pool's name may begin with it."""

MANAGED_BY: Final = {"managed-by": "foundation"}


def enterprise_pool(slug: str) -> str:
    """Name of the pool of one Enterprise tenant (FC-135)."""
    return f"{ENTERPRISE_PREFIX}{slug}"


def server(cluster: str, pool: str, slot: int, generation: int) -> str:
    """Name of one server, which is its node's name too. The generation is part of it, so that a node is rolled by
    a new server beside the old one and never changed in place."""
    return f"{cluster}-{pool}-{slot:02d}-g{generation}"


def node_group(cluster: str, pool: str) -> str:
    """The pool as the cluster autoscaler calls it; servers that it makes are named after it."""
    return f"{cluster}-{pool}"


def placement_group(cluster: str, pool: str, shard: int, generation: int) -> str:
    """Name of the placement group of one shard of a pool."""
    return f"{cluster}-{pool}-{shard:02d}-g{generation}"


def nat_gateway(cluster: str, generation: int) -> str:
    """Name of the NAT gateway's server."""
    return server(cluster, NAT, 1, generation)


def load_balancer(cluster: str) -> str:
    """Name of the load balancer in front of the ingress."""
    return f"{cluster}-{INGRESS}"


def volume(cluster: str, pool: str, slot: int, volume_name: str) -> str:
    """Name of a slot's volume, which outlives the generations of its server."""
    return f"{cluster}-{pool}-{slot:02d}-{volume_name}"


def api_host(domain: str) -> str:
    """Host of the Kubernetes API. A slug has three characters at least (FC-277), so no tenant's host is taken; and
    api.{domain} is the platform's own (FC-235), behind the load balancer."""
    return f"cp.{domain}"


def labels(cluster: str, pool: str | None = None) -> dict[str, str]:
    """Labels of every Hetzner object of the cluster, and of a pool's."""
    return {"cluster": cluster, **MANAGED_BY, **({"pool": pool} if pool is not None else {})}
