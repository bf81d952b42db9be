"""Limits of Hetzner Cloud, checked while the program runs: before anything is touched, naming the limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final

import pulumi

from models.hetzner import Hetzner, longest_name
from models.hetzner.pool import Pool


@dataclass(frozen=True)
class Limit:
    """How many of something there can be at most."""

    what: str
    most: int
    source: str


SERVERS_PER_NETWORK: Final = Limit("servers and load balancers in a private network", 100, "docs.hetzner.com, networks")
SERVERS_PER_GROUP: Final = Limit("servers in a placement group", 10, "vendor OpenAPI, placement groups")
GROUPS_PER_PROJECT: Final = Limit("placement groups of a project", 50, "vendor OpenAPI, placement groups")
RULES_PER_FIREWALL: Final = Limit("rules of a firewall", 50, "vendor OpenAPI, firewalls")
SOURCES_PER_RULE: Final = Limit("networks in a firewall rule", 100, "vendor OpenAPI, firewalls")
FIREWALLS_PER_SERVER: Final = Limit("firewalls of a server", 5, "vendor OpenAPI, firewalls")
VOLUMES_PER_SERVER: Final = Limit("volumes attached to a server", 16, "hetznercloud/csi-driver")
SERVER_NAME: Final = Limit("characters of a server's name", 63, "vendor OpenAPI, servers; RFC 1123")
USER_DATA: Final = Limit("bytes of user data", 32 * 1024, "vendor OpenAPI, servers")

# Targets by load balancer type (docs.hetzner.com, load balancers); those of lb21 and lb31 are at second hand.
TARGETS: Final[Mapping[str, int]] = {"lb11": 25, "lb21": 75, "lb31": 150}


class LimitExceeded(pulumi.RunError):
    """The program asks for more than the vendor gives."""


def check(limit: Limit, count: int, where: str, remedy: str) -> None:
    """Raises :class:`LimitExceeded` when ``count`` is too much."""
    if count > limit.most:
        raise LimitExceeded(
            f"{where}: {count} {limit.what}, but Hetzner allows {limit.most} ({limit.source}); {remedy}"
        )


def check_user_data(server: str, user_data: str) -> str:
    """Returns ``user_data``. Raises :class:`LimitExceeded` when a server can't be given so much."""
    check(USER_DATA, len(user_data.encode()), f"server {server}", "take something out, or have the server fetch it")
    return user_data


def shards(pool: Pool) -> int:
    """Placement groups that the pool's servers need, ten to each."""
    return ceil(pool.count / SERVERS_PER_GROUP.most)


def check_cluster(settings: Hetzner, pools: Mapping[str, Pool]) -> None:
    """Everything that the settings alone exceed; ``pools`` are all, those of Enterprise tenants too.

    Raises :class:`LimitExceeded` with every excess.
    """
    excesses: list[str] = []

    def note(limit: Limit, count: int, where: str, remedy: str) -> None:
        try:
            check(limit, count, where, remedy)
        except LimitExceeded as error:
            excesses.append(str(error))

    members = sum(pool.largest for pool in pools.values())
    members += 1 + (settings.nat is not None)  # the load balancer, and the way out
    note(
        SERVERS_PER_NETWORK,
        members,
        f"cluster {settings.cluster}",
        "lower counts and autoscale.max of the pools, or put tenants into a second cluster",
    )
    groups = sum(shards(pool) for pool in pools.values())
    note(GROUPS_PER_PROJECT, groups, f"cluster {settings.cluster}", "use fewer and larger pools")
    note(SOURCES_PER_RULE, len(settings.admin_cidrs), "admin_cidrs", "join neighbouring networks into wider ones")
    for name, pool in pools.items():
        longest = longest_name(settings.cluster, name, pool)
        note(SERVER_NAME, len(longest), f"server {longest}", "shorten the name of the cluster or of the pool")
        note(VOLUMES_PER_SERVER, len(pool.volumes), f"pool {name}", "put the data of several volumes into one")
    kind = settings.load_balancer.type
    if kind in TARGETS:
        targets = Limit(f"targets of a load balancer {kind}", TARGETS[kind], "docs.hetzner.com, load balancers")
        pool_name = settings.load_balancer.pool
        note(targets, pools[pool_name].largest, f"pool {pool_name}", "use fewer nodes or a larger type")
    if excesses:
        raise LimitExceeded("\n".join(excesses))
